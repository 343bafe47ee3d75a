package flint

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/saliency"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"
)

var one struct {
	sync.Once
	in  *Interpreter
	set datasets.Set
}

// shared is trained, once for all tests that only read it.
func shared(t *testing.T) (*Interpreter, datasets.Set) {
	t.Helper()
	one.Do(func() { one.in, one.set = trained(t) })
	if one.in == nil {
		t.Fatal("the training failed in another test")
	}
	return one.in, one.set
}

// TestEntropyBounds: 0 <= E <= log K for any scores.
func TestEntropyBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.SliceOfN(rapid.Float64Range(-1e3, 1e3), 2, 12).Draw(t, "scores")
		if e := entropy(v); !(e >= 0 && e <= math.Log(float64(len(v)))+1e-12) {
			t.Errorf("the entropy of softmax(%v) is %v", v, e)
		}
		p := softmax(v)
		if sum := floats.Sum(p); math.Abs(sum-1) > 1e-12 {
			t.Errorf("softmax(%v) sums to %v", v, sum)
		}
	})
	if e := entropy([]float64{3, 3, 3}); math.Abs(e-math.Log(3)) > 1e-15 {
		t.Errorf("equal scores: %v", e)
	}
}

// TestConciseness: at least one attribute where a contribution is positive, and never fewer for a
// larger tau.
func TestConciseness(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		row := rapid.SliceOfN(rapid.Float64Range(-5, 5), 1, 9).Draw(t, "alpha")
		alpha, last := mat.NewDense(1, len(row), row), 0
		for _, tau := range Taus() {
			n := Concise(alpha, tau)[0]
			if floats.Max(row) > 0 && n < 1 || n < last && floats.Max(row) > 0 {
				t.Errorf("%v at tau %v: %d, before %d", row, tau, n, last)
			}
			last = n
		}
	})
}

func TestCertainty(t *testing.T) {
	sure, unsure := []float64{9, 0, 0}, []float64{1, 0.5, 0}
	other, unsureOther := []float64{0, 9, 0}, []float64{0.5, 1, 0}
	e := Evaluation{
		Set: datasets.Set{Labels: []int{0, 0, 1, 0, 0}},
		Outputs: Outputs{
			F: dense([][]float64{sure, sure, sure, unsure, sure}),
			G: dense([][]float64{sure, other, unsureOther, unsure, sure}),
		},
		Predicted: []int{0, 0, 0, 0, 0}, Interpreted: []int{0, 1, 1, 0, 0},
	}
	cells, err := e.Certainty(CertainF, CertainG)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, c := range cells {
		found += len(c.Samples)
		for _, i := range c.Samples {
			want := Cell{
				CertainF: i != 3, CertainG: i != 2 && i != 3, Agree: i != 1 && i != 2, Right: i != 2,
			}
			if c.CertainF != want.CertainF || c.CertainG != want.CertainG || c.Agree != want.Agree || c.Right != want.Right {
				t.Errorf("sample %d is in %+v", i, c)
			}
		}
		if c.Agree && c.CertainF && c.CertainG && c.Right && !slices.Equal(c.Samples, []int{0, 4}) {
			t.Errorf("certain, right and of one mind: %v", c.Samples)
		}
	}
	if len(cells) != 16 || found != 5 || cells[0].Agree || !cells[15].Agree {
		t.Errorf("%d cells with %d samples", len(cells), found)
	}
	// Each threshold is that of its own scores: the entropy of unsure is 1.02, that of sure 0.002.
	cells, err = e.Certainty(1.1, 1e-9)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cells {
		if len(c.Samples) > 0 && (!c.CertainF || c.CertainG) {
			t.Errorf("f certain below 1.1, g never: %+v", c)
		}
	}
	if _, err := e.Certainty(0, 1); !errors.Is(err, xai.ErrShape) {
		t.Errorf("a threshold of 0: %v", err)
	}
}

// TestGlobal: relevances by class, from their definition.
func TestGlobal(t *testing.T) {
	in, set := shared(t)
	g, err := in.Global(t.Context(), set, 1)
	if err != nil {
		t.Fatal(err)
	}
	for c := range 10 {
		sum, n := make([]float64, 16), 0.0
		for i := range g.Set.Len() {
			scores := g.G.RawRowView(i)
			if floats.MaxIdx(scores) != c {
				continue
			}
			n++
			alpha, top := make([]float64, 16), 0.0
			for j := range alpha {
				alpha[j] = g.Phi.At(i, j) * in.W.At(c, j)
				top = max(top, math.Abs(alpha[j]))
			}
			for j := range alpha {
				sum[j] += alpha[j] / top
			}
		}
		for j := range sum {
			if d := g.R.At(c, j) - sum[j]/n; n > 0 && math.Abs(d) > 1e-12 {
				t.Errorf("class %d, attribute %d: r is off by %v", c, j, d)
			}
		}
	}
	list, err := g.Activating(3, 2, 5)
	if err != nil {
		t.Fatal(err)
	}
	least := g.Phi.At(list[4], 2)
	for i, y := range g.Set.Labels {
		if y == 3 && !slices.Contains(list, i) && g.Phi.At(i, 2) > least {
			t.Errorf("sample %d has more of the attribute than %v", i, list)
		}
	}
	for i := range 4 {
		if g.Phi.At(list[i], 2) < g.Phi.At(list[i+1], 2) || g.Set.Labels[list[i]] != 3 {
			t.Errorf("%v: not of the class, or not in order", list)
		}
	}
	if all, err := g.Activating(3, 2, 1000); err != nil || len(all) != g.Set.Counts()[3] {
		t.Errorf("all of a class: %d, %v", len(all), err)
	}
	for _, bad := range [][3]int{{10, 0, 1}, {-1, 0, 1}, {0, 16, 1}, {0, 0, 0}} {
		if _, err := g.Activating(bad[0], bad[1], bad[2]); err == nil {
			t.Errorf("Activating%v: no error", bad)
		}
	}
}

func TestUse(t *testing.T) {
	nan := math.NaN()
	g := &Global{R: dense([][]float64{{1, 0.3, 0, -0.9}, {0.6, 0.1, 0, 0.8}, {nan, nan, nan, nan}}), Samples: []int{5, 5, 0}}
	u, err := g.Use(2)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(u.Strong, []int{1, 2, 0}) || !slices.Equal(u.Shared, []int{0}) || !slices.Equal(u.Unused, []int{1, 2}) || !slices.Equal(u.Undecided, []int{2}) {
		t.Errorf("%+v", u)
	}
	if _, err := g.Use(1); !errors.Is(err, xai.ErrShape) {
		t.Errorf("tau 1: %v", err)
	}
}

// TestUseCounts: on a trained interpreter, for any threshold, Use is what counting cell by cell
// gives, and lists of attributes rise.
func TestUseCounts(t *testing.T) {
	in, set := shared(t)
	g, err := in.Global(t.Context(), set, 1)
	if err != nil {
		t.Fatal(err)
	}
	k, j := g.R.Dims()
	some := false
	rapid.Check(t, func(t *rapid.T) {
		tau := rapid.Float64Range(1.01, 50).Draw(t, "tau")
		u, err := g.Use(tau)
		if err != nil {
			t.Fatal(err)
		}
		strong := make([]int, k)
		var shared, unused []int
		for a := range j {
			classes := 0
			for c := range k {
				if g.R.At(c, a)*tau > 1 {
					classes++
					strong[c]++
				}
			}
			if classes == 0 {
				unused = append(unused, a)
			} else if classes >= 2 {
				shared = append(shared, a)
				some = true
			}
		}
		if !slices.Equal(u.Strong, strong) || !slices.Equal(u.Shared, shared) || !slices.Equal(u.Unused, unused) || u.Tau != tau {
			t.Errorf("%+v, counted %v, shared %v, unused %v", u, strong, shared, unused)
		}
	})
	if !some {
		t.Error("no attribute was ever shared, so that the count of them was not tested")
	}
}

// TestPattern: what the paper's heat map shows of a trained interpreter: few strong attributes
// for each class, and attributes that no class uses.
func TestPattern(t *testing.T) {
	in, set := shared(t)
	g, err := in.Global(t.Context(), set, 1)
	if err != nil {
		t.Fatal(err)
	}
	u, err := g.Use(3)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", u)
	for c, n := range u.Strong {
		if n < 1 || n > 4 {
			t.Errorf("class %d has %d strong attributes", c, n)
		}
	}
	if len(u.Unused) < 1 || len(u.Undecided) > 0 {
		t.Errorf("unused %v, undecided %v", u.Unused, u.Undecided)
	}
}

// TestLocal: contributions and the bias are the score of g's class.
func TestLocal(t *testing.T) {
	in, set := shared(t)
	e, err := in.Evaluate(t.Context(), set)
	if err != nil {
		t.Fatal(err)
	}
	at := append(e.Disagreements(), 0, 1, 2)
	for _, i := range at {
		l, err := in.Local(t.Context(), set.At(i))
		if err != nil {
			t.Fatal(err)
		}
		if l.Predicted != e.Predicted[i] || l.Interpreted != e.Interpreted[i] || l.Agree() != (e.Predicted[i] == e.Interpreted[i]) {
			t.Errorf("sample %d: classes %d and %d, the evaluation has %d and %d", i, l.Predicted, l.Interpreted, e.Predicted[i], e.Interpreted[i])
		}
		if d := floats.Sum(l.Alpha) + in.Bias[l.Interpreted] - e.G.At(i, l.Interpreted); math.Abs(d) > 1e-4 {
			t.Errorf("sample %d: contributions and bias differ from the score by %v", i, d)
		}
		if p := floats.MaxIdx(l.G); p != l.Interpreted || math.Abs(floats.Sum(l.F)-1) > 1e-9 {
			t.Errorf("sample %d: probabilities %v", i, l.G)
		}
		if !slices.IsSortedFunc(l.Order, func(a, b int) int {
			if l.R[a] < l.R[b] {
				return 1
			}
			return -1
		}) || math.Abs(floats.Norm(l.R, math.Inf(1))-1) > 1e-12 {
			t.Errorf("sample %d: relevances %v in the order %v", i, l.R, l.Order)
		}
		few, err := l.Relevant(1.5)
		if err != nil {
			t.Fatal(err)
		}
		many, err := l.Relevant(5)
		if err != nil || len(many) < len(few) {
			t.Errorf("sample %d: %v at tau 1.5, %v at 5, %v", i, few, many, err)
		}
		for _, j := range many {
			if l.R[j] <= 0.2 {
				t.Errorf("sample %d: attribute %d with r %v is called relevant", i, j, l.R[j])
			}
		}
	}
	l := Local{}
	for _, tau := range []float64{1, 0, math.NaN(), math.Inf(1)} {
		if _, err := l.Relevant(tau); !errors.Is(err, xai.ErrShape) {
			t.Errorf("tau %v: %v", tau, err)
		}
	}
	small := set.At(0)
	small.Shape.Height = 14
	if _, err := in.Local(t.Context(), small); !errors.Is(err, xai.ErrShape) {
		t.Errorf("a sample of another shape: %v", err)
	}
	broken := set.At(0)
	broken.X = slices.Clone(broken.X)
	broken.X[3] = math.NaN()
	if _, err := in.Local(t.Context(), broken); err == nil || !strings.Contains(err.Error(), "finite") {
		t.Errorf("NaN: %v", err)
	}
}

// TestSaliency: the gradient of an attribute is what central differences of it give.
func TestSaliency(t *testing.T) {
	in, set := shared(t)
	r, err := in.Saliency(set.At(4), 3)
	if err != nil {
		t.Fatal(err)
	}
	m, err := r.With(saliency.Gradient{}).Explain(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	phi, err := in.AttributeNet()
	if err != nil {
		t.Fatal(err)
	}
	exact, x := phi.Double(), set.Batch(nil, []int{4})
	for j := 200; j < 600; j += 37 {
		const step = 1e-6
		v := x.At(0, j)
		x.Set(0, j, v+step)
		up, err := exact.Scores(t.Context(), x)
		if err != nil {
			t.Fatal(err)
		}
		x.Set(0, j, v-step)
		down, err := exact.Scores(t.Context(), x)
		if err != nil {
			t.Fatal(err)
		}
		x.Set(0, j, v)
		if want := (up.At(0, 3) - down.At(0, 3)) / (2 * step); math.Abs(m.Values[j]-want) > 1e-4 {
			t.Errorf("pixel %d: %v, want %v", j, m.Values[j], want)
		}
	}
	if _, err := in.Saliency(set.At(4), 16); !errors.Is(err, xai.ErrTarget) {
		t.Errorf("attribute 16: %v", err)
	}
	g, err := in.InterpreterNet()
	if err != nil {
		t.Fatal(err)
	}
	o, err := in.Outputs(t.Context(), x)
	if err != nil {
		t.Fatal(err)
	}
	scores, err := g.Scores(t.Context(), x)
	if err != nil || !mat.Equal(scores, o.G) || g.Classes()[3] != set.Classes[3] {
		t.Errorf("g alone: %v, %v", scores, err)
	}
}

// TestDecodeAttributes: the image is the decoder's, and an attribute that is 0 adds nothing.
func TestDecodeAttributes(t *testing.T) {
	in, set := shared(t)
	x := set.Batch(nil, []int{7})
	d, err := in.DecodeAttributes(t.Context(), x.RawRowView(0))
	if err != nil {
		t.Fatal(err)
	}
	whole, err := in.Decode(t.Context(), x)
	if err != nil {
		t.Fatal(err)
	}
	if !floats.EqualApprox(d.Image, whole.RawRowView(0), 1e-6) {
		t.Error("the decoder makes another image")
	}
	o, err := in.Outputs(t.Context(), x)
	if err != nil {
		t.Fatal(err)
	}
	adds := 0
	for j, phi := range o.Phi.RawRowView(0) {
		size := floats.Norm(d.Parts.RawRowView(j), 1)
		if math.Abs(phi) < 1e-3 && size > 1 {
			t.Errorf("attribute %d is %v and changes the image by %v", j, phi, size)
		}
		if size > 1 {
			adds++
		}
	}
	if adds == 0 {
		t.Error("no attribute adds anything")
	}
	if _, err := in.DecodeAttributes(t.Context(), make([]float64, 3)); !errors.Is(err, xai.ErrShape) {
		t.Errorf("three values: %v", err)
	}
}

func TestNoise(t *testing.T) {
	in, set := shared(t)
	e, err := in.Evaluate(t.Context(), set)
	if err != nil {
		t.Fatal(err)
	}
	list, err := in.Noise(t.Context(), set, 1, 0, 0.01, 1)
	if err != nil {
		t.Fatal(err)
	}
	none, little, much := list[0], list[1], list[2]
	same := func(a, b float64) bool { return math.Abs(a-b) < 1e-9 }
	if !same(none.Accuracy, e.Accuracy) || !same(none.Interpreter, e.Interpreter) || !same(none.Fidelity, e.Fidelity) || !same(none.Kept, 1) || none.Moved != 0 {
		t.Errorf("without noise %+v, evaluated %v", none, e)
	}
	if !(little.Moved > 0 && little.Moved < much.Moved) || !(much.Kept < little.Kept) || !(much.Accuracy < none.Accuracy) {
		t.Errorf("little noise %+v, much noise %+v", little, much)
	}
	// The noise goes both ways, and as far as its level.
	grey := datasets.Set{Shape: shape{Channels: 1, Height: 40, Width: 40}, Labels: []int{0}, Values: make([]float64, 1600)}
	if row := noisy(grey, 0.5, 1).RawRowView(0); math.Abs(floats.Sum(row)/1600) > 0.03 || floats.Min(row) < -0.5 || floats.Min(row) > -0.49 || floats.Max(row) > 0.5 || floats.Max(row) < 0.49 {
		t.Errorf("noise of level 0.5 is from %v to %v, mean %v", floats.Min(row), floats.Max(row), floats.Sum(row)/1600)
	}
	again, err := in.Noise(t.Context(), set, 1, 1)
	if err != nil || again[0] != much {
		t.Errorf("the same noise again: %+v, %v", again, err)
	}
	if all, err := in.Noise(t.Context(), set, 1); err != nil || len(all) != len(NoiseLevels()) {
		t.Errorf("without levels: %d of %d, error %v", len(all), len(NoiseLevels()), err)
	}
	if _, err := in.Noise(t.Context(), set, 1, -0.1); err == nil {
		t.Error("a negative level: no error")
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := in.Noise(ended, set, 1, 0.1); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
}

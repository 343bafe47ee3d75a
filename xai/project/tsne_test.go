package project

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"testing"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/progress"
	"gonum.org/v1/gonum/mat"
)

func embed(t *testing.T, c TSNE, x *mat.Dense) Embedding {
	t.Helper()
	e, err := c.Embed(ctx, x)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// agreement returns the share of rows whose nearest other position has the same label, and
// the mean silhouette of the labels.
func agreement(y *mat.Dense, label []int) (share, silhouette float64) {
	n, _ := y.Dims()
	groups := 0
	for _, l := range label {
		groups = max(groups, l+1)
	}
	for i := range n {
		sum, count := make([]float64, groups), make([]float64, groups)
		best := -1
		for j := range n {
			if i == j {
				continue
			}
			far := square(y.RawRowView(i), y.RawRowView(j))
			sum[label[j]] += math.Sqrt(far)
			count[label[j]]++
			if best < 0 || far < square(y.RawRowView(i), y.RawRowView(best)) {
				best = j
			}
		}
		if label[best] == label[i] {
			share++
		}
		other := math.Inf(1)
		for g := range groups {
			if g != label[i] && count[g] > 0 {
				other = min(other, sum[g]/count[g])
			}
		}
		own := sum[label[i]] / count[label[i]]
		silhouette += (other - own) / max(other, own) / float64(n)
	}
	return share / float64(n), silhouette
}

// TestTSNEKeepsGroupsApart on well separated groups, with the tree and without.
func TestTSNEKeepsGroupsApart(t *testing.T) {
	x, label := blobs(1, 300, 10, 5)
	for _, c := range []TSNE{{}, {Exact: true, Iterations: 300}, {Perplexity: 10, Theta: 0.8, Iterations: 400}} {
		e := embed(t, c, x)
		share, silhouette := agreement(e.Y, label)
		if share != 1 || silhouette < 0.6 {
			t.Errorf("%+v: %v of the nearest positions have the label, silhouette %v", c, share, silhouette)
		}
		perplexity := e.Settings.Perplexity
		near(t, "KL", e.KL, slowDivergence(dense(x, perplexity), e.Y), 1e-9)
		last := e.History[len(e.History)-1]
		near(t, "the last KL on the way", last.KL, e.KL, 0.03)
		if first := e.History[0]; first.Iterations != 0 || !(e.KL < 0.5*first.KL) || !(last.Gradient < 0.01) || len(e.History) != (e.Settings.Iterations+49)/50 {
			t.Errorf("%+v: KL from %v to %v in %d steps", c, first, last, len(e.History))
		}
		for axis := range 2 {
			near(t, "mean", mat.Sum(e.Y.ColView(axis))/300, 0, 1e-9)
		}
	}
	// Noise has no groups: the test can tell.
	if share, silhouette := agreement(embed(t, TSNE{Iterations: 300}, normal(2, 300, 10)).Y, label); share > 0.5 || silhouette > 0.2 {
		t.Errorf("noise: %v, silhouette %v", share, silhouette)
	}
}

// TestTreeFollowsAllPairs for the first steps, from the same start, and reaches about the
// same divergence.
func TestTreeFollowsAllPairs(t *testing.T) {
	x := normal(3, 200, 5)
	tree, all := embed(t, TSNE{Iterations: 12}, x), embed(t, TSNE{Iterations: 12, Exact: true}, x)
	missed := mat.NewDense(200, 2, nil)
	missed.Sub(tree.Y, all.Y)
	near(t, "positions", mat.Norm(missed, 2), 0, 0.05*mat.Norm(all.Y, 2))
	if bits(tree.Y) == bits(all.Y) {
		t.Error("Exact makes no difference")
	}
	tree, all = embed(t, TSNE{Iterations: 500}, x), embed(t, TSNE{Iterations: 500, Exact: true}, x)
	near(t, "KL", tree.KL, all.KL, 0.25*all.KL) // other minima of noise: seeds differ by a tenth
}

// TestDescent repeats the steps one by one, with the definition of the gradient.
func TestDescent(t *testing.T) {
	x, start := normal(13, 40, 3), normal(14, 40, 2)
	start.Scale(1e-2, start)
	c := TSNE{Perplexity: 8, Exaggeration: 4, Early: 20, Iterations: 45, LearningRate: 20, Exact: true, Start: start}
	got := embed(t, c, x)

	p, y := dense(x, 8), mat.DenseCopyOf(start)
	speed, gain := mat.NewDense(40, 2, nil), mat.NewDense(40, 2, nil)
	gain.Apply(func(int, int, float64) float64 { return 1 }, gain)
	for it := range 45 {
		factor, momentum := 4., 0.5
		if it >= 20 {
			factor, momentum = 1, 0.8
		}
		grad := mat.NewDense(40, 2, slowGradient(p, y, factor))
		for i := range 40 {
			for axis := range 2 {
				g, v := grad.At(i, axis), gain.At(i, axis)
				if (g < 0) == (speed.At(i, axis) > 0) && speed.At(i, axis) != 0 {
					v += 0.2
				} else {
					v = math.Max(v*0.8, 0.01)
				}
				gain.Set(i, axis, v)
				speed.Set(i, axis, momentum*speed.At(i, axis)-20*v*g)
			}
		}
		y.Add(y, speed)
	}
	for axis := range 2 {
		mean := mat.Sum(y.ColView(axis)) / 40
		for i := range 40 {
			near(t, "position", got.Y.At(i, axis), y.At(i, axis)-mean, 1e-7)
		}
	}
	near(t, "KL", got.KL, slowDivergence(p, got.Y), 1e-9)
	if mat.Norm(got.Y, 2) < 10*mat.Norm(start, 2) {
		t.Error("nothing moved")
	}
}

// TestTSNEStart: the first positions are the first two components, with the standard
// deviation 1e-4 along the first, and noise a hundred times less.
func TestTSNEStart(t *testing.T) {
	x, _ := blobs(4, 60, 6, 3)
	settings, err := TSNE{}.settled(60)
	if err != nil {
		t.Fatal(err)
	}
	y, err := settings.first(ctx, centred(x))
	if err != nil {
		t.Fatal(err)
	}
	b := fit(t, PCA{Components: 2}, x)
	z, err := b.Transform(x)
	if err != nil {
		t.Fatal(err)
	}
	z.Scale(1e-4/math.Sqrt(b.Variance[0]), z)
	spread := 0.0
	for i := range 60 {
		for axis := range 2 {
			near(t, "start", y[2*i+axis], z.At(i, axis), 6e-6)
		}
		spread += y[2*i] * y[2*i] / 59
	}
	near(t, "standard deviation", math.Sqrt(spread), 1e-4, 1e-6)

	start := normal(5, 60, 2)
	start.Scale(1e-2, start)
	before := bits(start, x)
	a, b2 := embed(t, TSNE{Start: start, Iterations: 100}, x), embed(t, TSNE{Start: start, Iterations: 100, Seed: 9}, x)
	if bits(a.Y) != bits(b2.Y) || bits(a.Y) == bits(embed(t, TSNE{Iterations: 100}, x).Y) {
		t.Error("field Start is not where it starts")
	}
	if bits(start, x) != before {
		t.Error("an input was changed")
	}
	if one := mat.NewDense(9, 1, []float64{1, 2, 3, 4, 5, 6, 7, 8, 9}); !finite(embed(t, TSNE{}, one).Y) {
		t.Error("one column: positions are not finite")
	}
}

func finite(y *mat.Dense) bool {
	n, _ := y.Dims()
	for i := range n {
		if s := y.At(i, 0) + y.At(i, 1); math.IsNaN(s) || math.IsInf(s, 0) {
			return false
		}
	}
	return true
}

// TestTSNEBytes: the same on repeat and for any number of processors and any power of two as
// a unit; another seed makes another picture.
func TestTSNEBytes(t *testing.T) {
	x, _ := blobs(6, 700, 12, 6)
	c := TSNE{Iterations: 120}
	want := embed(t, c, x)
	onProcessors(t, func() {
		if got := embed(t, c, x); bits(got.Y) != bits(want.Y) || got.KL != want.KL || fmt.Sprint(got.History) != fmt.Sprint(want.History) {
			t.Error("the bytes depend on the number of processors")
		}
	})
	double := mat.DenseCopyOf(x)
	double.Scale(0x1p-300, x)
	if bits(embed(t, c, double).Y) != bits(want.Y) {
		t.Error("the picture depends on the unit")
	}
	c.Seed = 1
	if bits(embed(t, c, x).Y) == bits(want.Y) {
		t.Error("the seed makes no difference")
	}
}

// TestTSNEOfEqualRows: many equal rows, and all but one.
func TestTSNEOfEqualRows(t *testing.T) {
	x, label := blobs(7, 200, 4, 4)
	for i := range 100 { // 25 of each group on one spot
		x.SetRow(i, x.RawRowView(i%4))
	}
	e := embed(t, TSNE{Perplexity: 15}, x)
	if share, _ := agreement(e.Y, label); share != 1 || !finite(e.Y) || e.Tied < 100 || e.Tied > 120 { // and some for which a spot is nearest
		t.Errorf("%v of the nearest positions have the label, %d rows tied", share, e.Tied)
	}
	same := mat.NewDense(50, 3, nil)
	for i := range 50 {
		same.SetRow(i, []float64{0.1, 0.7, 1e9})
	}
	if _, err := (TSNE{}).Embed(ctx, same); !errors.Is(err, ErrConstant) {
		t.Errorf("equal rows: %v, want ErrConstant", err)
	}
	same.Set(20, 1, 0.8)
	if e := embed(t, TSNE{}, same); !finite(e.Y) || e.Tied != 50 {
		t.Errorf("all but one equal: %d rows tied", e.Tied)
	}
}

// TestTSNEOfFewRows: from four on, with the perplexity reduced.
func TestTSNEOfFewRows(t *testing.T) {
	for n := 4; n < 14; n++ {
		e := embed(t, TSNE{}, normal(8, n, 3))
		if !finite(e.Y) || math.IsNaN(e.KL) || e.KL < 0 {
			t.Errorf("%d rows: KL %v, positions %v", n, e.KL, mat.Formatted(e.Y))
		}
		near(t, "perplexity", e.Settings.Perplexity, float64(n-1)/3, 1e-15)
	}
}

func TestTSNESettings(t *testing.T) {
	for n, want := range map[int]TSNE{
		5000: {Perplexity: 30, Exaggeration: 12, Early: 250, Iterations: 1000, LearningRate: 5000. / 48, Theta: 0.5},
		31:   {Perplexity: 10, Exaggeration: 12, Early: 250, Iterations: 1000, LearningRate: 50, Theta: 0.5},
	} {
		if got, err := (TSNE{}).settled(n); err != nil || got != want {
			t.Errorf("%d rows: %+v, %v, want %+v", n, got, err, want)
		}
	}
	if got, err := (TSNE{Iterations: 100}).settled(50); err != nil || got.Early != 25 {
		t.Errorf("early phase of 100 iterations: %d, %v", got.Early, err)
	}
}

func TestTSNEMistakes(t *testing.T) {
	x := normal(9, 30, 3)
	bad := mat.DenseCopyOf(x)
	bad.Set(29, 2, math.NaN())
	for name, c := range map[string]struct {
		s    TSNE
		x    *mat.Dense
		want error
	}{
		"nil": {TSNE{}, nil, xai.ErrShape}, "NaN": {TSNE{}, bad, ErrNotFinite}, "three rows": {TSNE{}, normal(1, 3, 2), ErrFew},
		"perplexity":  {TSNE{Perplexity: 9.7}, x, ErrFew},
		"below 1":     {TSNE{Perplexity: 0.5}, x, nil},
		"NaN setting": {TSNE{Perplexity: math.NaN()}, x, nil},
		"rate":        {TSNE{LearningRate: -1}, x, nil}, "infinite rate": {TSNE{LearningRate: math.Inf(1)}, x, nil},
		"theta": {TSNE{Theta: 1.1}, x, nil}, "negative theta": {TSNE{Theta: -0.1}, x, nil}, "theta NaN": {TSNE{Theta: math.NaN()}, x, nil},
		"exact and theta": {TSNE{Exact: true, Theta: 0.5}, x, nil}, "iterations": {TSNE{Iterations: -1}, x, nil},
		"early": {TSNE{Early: 20, Iterations: 10}, x, nil}, "negative early": {TSNE{Early: -1}, x, nil},
		"exaggeration": {TSNE{Exaggeration: 0.9}, x, nil}, "start": {TSNE{Start: normal(1, 29, 2)}, x, xai.ErrShape},
		"start NaN":  {TSNE{Start: bad}, x, ErrNotFinite},
		"runs away":  {TSNE{LearningRate: 1e300}, x, ErrDiverged},
		"start wide": {TSNE{Start: normal(1, 30, 3)}, x, xai.ErrShape},
	} {
		_, err := c.s.Embed(ctx, c.x)
		if err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// TestTSNEInterrupted in each phase: at once, among the neighbours and on the way.
func TestTSNEInterrupted(t *testing.T) {
	x := normal(10, 300, 8)
	for task, at := range map[string]int{"": 0, "neighbours": 64, "t-SNE": 60} {
		stopped, stop := context.WithCancel(ctx)
		var mutex sync.Mutex
		seen, after := false, 0
		reporting := progress.WithReporter(stopped, func(e progress.Event) {
			mutex.Lock()
			defer mutex.Unlock()
			if seen && e.Task == "t-SNE" {
				after++
			}
			if e.Task == task && e.Done >= at && !seen {
				seen = true
				stop()
			}
		})
		if task == "" {
			stop()
		}
		if _, err := (TSNE{}).Embed(reporting, x); !errors.Is(err, context.Canceled) {
			t.Errorf("interrupted in %q: %v", task, err)
		}
		if task != "" && !seen || after > 0 {
			t.Errorf("%q was seen: %v, and %d iterations after the end", task, seen, after)
		}
		stop()
	}
}

// TestPlace compares with the definition, and puts new rows into their group.
func TestPlace(t *testing.T) {
	all, label := blobs(11, 240, 6, 4)
	x, rows := all.Slice(0, 200, 0, 6).(*mat.Dense), all.Slice(200, 240, 0, 6).(*mat.Dense)
	e := embed(t, TSNE{Iterations: 400}, x)
	y, err := e.Place(ctx, x, rows)
	if err != nil {
		t.Fatal(err)
	}
	together := mat.NewDense(240, 2, nil)
	together.Stack(e.Y, y)
	if share, silhouette := agreement(together, label); share != 1 || silhouette < 0.6 {
		t.Errorf("%v of the nearest positions have the label, silhouette %v", share, silhouette)
	}
	for i := range 40 {
		// The new row as the last one of a matrix: its affinities to the others.
		with := mat.NewDense(201, 6, nil)
		with.Stack(x, rows.Slice(i, i+1, 0, 6))
		best := nearestSlowly(with, 200, 15)
		row := make([]float64, 15)
		squares := make([]float64, 15)
		for r, j := range best {
			squares[r] = square(with.RawRowView(200), with.RawRowView(j))
		}
		low, high := 0., 100.
		for range 100 {
			sum := 0.0
			for r := range row {
				row[r] = math.Exp(-(low + high) / 2 * (squares[r] - squares[0]))
				sum += row[r]
			}
			for r := range row {
				row[r] /= sum
			}
			if perplexityOf(row) > 5 {
				low = (low + high) / 2
			} else {
				high = (low + high) / 2
			}
		}
		for axis := range 2 {
			want := 0.0
			for r, j := range best {
				want += row[r] * e.Y.At(j, axis)
			}
			near(t, "position", y.At(i, axis), want, 1e-8)
		}
	}
	for name, f := range map[string]func() (*mat.Dense, error){
		"columns":      func() (*mat.Dense, error) { return e.Place(ctx, x, normal(1, 2, 5)) },
		"other x":      func() (*mat.Dense, error) { return e.Place(ctx, all, rows) },
		"no embedding": func() (*mat.Dense, error) { return Embedding{}.Place(ctx, x, rows) },
		"no rows":      func() (*mat.Dense, error) { return e.Place(ctx, x, nil) },
		"no x":         func() (*mat.Dense, error) { return e.Place(ctx, nil, rows) },
	} {
		if _, err := f(); !errors.Is(err, xai.ErrShape) {
			t.Errorf("%s: %v, want ErrShape", name, err)
		}
	}
	for _, v := range []float64{math.NaN(), 1e200} {
		far := mat.DenseCopyOf(rows)
		far.Set(3, 3, v)
		if _, err := e.Place(ctx, x, far); !errors.Is(err, ErrNotFinite) {
			t.Errorf("a row with %v: %v, want ErrNotFinite", v, err)
		}
	}
	stopped, stop := context.WithCancel(ctx)
	stop()
	if _, err := e.Place(stopped, x, rows); !errors.Is(err, context.Canceled) {
		t.Errorf("after an interrupt: %v", err)
	}
}

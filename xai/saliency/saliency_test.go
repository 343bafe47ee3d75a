package saliency

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/nn"
	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/mat"
)

var ctx = context.Background()

// formula is a model given by a function of one row and its gradient.
type formula struct {
	d      int
	scores func(x []float64) []float64
	grad   func(x []float64, target int) []float64
	batch  *int // largest number of rows asked for at once
}

func (f formula) Dims() (d, k int) { return f.d, len(f.scores(make([]float64, f.d))) }

func (f formula) Scores(_ context.Context, x *mat.Dense) (*mat.Dense, error) {
	n, _ := x.Dims()
	_, k := f.Dims()
	out := mat.NewDense(n, k, nil)
	for i := range n {
		out.SetRow(i, f.scores(x.RawRowView(i)))
	}
	return out, nil
}

func (f formula) Gradients(ctx context.Context, dst, x *mat.Dense, targets []int) (*mat.Dense, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	n, _ := x.Dims()
	if f.batch != nil {
		*f.batch = max(*f.batch, n)
	}
	for i := range n {
		dst.SetRow(i, f.grad(x.RawRowView(i), targets[i]))
	}
	return f.Scores(ctx, x)
}

var _ xai.Differentiable = formula{}

func step(v float64) float64 {
	if v > 0 {
		return 1
	}
	return 0
}

func relu(v float64) float64 { return max(v, 0) }

// netA is Captum's BasicModel_MultiLayer: s = x1+x2+x3, h = relu(s-10, s+1, s+1, s+1),
// y = sum(h) - 1.
func netA() formula {
	return formula{
		d: 3,
		scores: func(x []float64) []float64 {
			s := x[0] + x[1] + x[2]
			return []float64{relu(s-10) + 3*relu(s+1) - 1, 0}
		},
		grad: func(x []float64, _ int) []float64 {
			s := x[0] + x[1] + x[2]
			g := step(s-10) + 3*step(s+1)
			return []float64{g, g, g}
		},
	}
}

// netB1 and netB2 are the two networks of the integrated-gradients paper that compute
// the same function in different ways.
func netB1() formula {
	return formula{
		d:      2,
		scores: func(x []float64) []float64 { return []float64{relu(relu(x[0]) - 1 - relu(x[1])), 0} },
		grad: func(x []float64, _ int) []float64 {
			on := step(relu(x[0]) - 1 - relu(x[1]))
			return []float64{on * step(x[0]), -on * step(x[1])}
		},
	}
}

func netB2() formula {
	return formula{
		d:      2,
		scores: func(x []float64) []float64 { return []float64{relu(relu(x[0]-1) - relu(x[1])), 0} },
		grad: func(x []float64, _ int) []float64 {
			on := step(relu(x[0]-1) - relu(x[1]))
			return []float64{on * step(x[0]-1), -on * step(x[1])}
		},
	}
}

func sample(x ...float64) datasets.Sample {
	return datasets.Sample{Shape: datasets.Shape{Channels: 1, Height: 1, Width: len(x)}, X: x, Classes: []string{"yes", "no"}}
}

func near(t *testing.T, what string, got, want []float64, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %v, want %v", what, got, want)
		return
	}
	for i := range got {
		if !(math.Abs(got[i]-want[i]) <= tolerance) {
			t.Errorf("%s: %v, want %v within %g", what, got, want, tolerance)
			return
		}
	}
}

// TestGolden has answers derived by hand (see the definitions of the networks above).
func TestGolden(t *testing.T) {
	a, err := Of(netA(), sample(20, 50, 30)).Target(0).Explain(ctx)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "net A, gradient", a.Values, []float64{4, 4, 4}, 0)

	// The kink at t = 0.1 falls between two of 50 midpoints, so the rule is exact here:
	// 3 for the first tenth of the path, 4 for the rest.
	a, err = Of(netA(), sample(20, 50, 30)).With(IntegratedGradients{}).Target(0).Explain(ctx)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "net A, integrated gradients", a.Values, []float64{78, 195, 117}, 1e-9)
	c := a.Report.Completeness[0]
	near(t, "net A, completeness", []float64{c.Sum, c.Change, c.Error(), c.Relative()}, []float64{390, 390, 0, 0}, 1e-9)

	for name, f := range map[string]formula{"B1": netB1(), "B2": netB2()} {
		m, err := Of(f, sample(3, 1)).With(IntegratedGradients{Steps: 30000}).Target(0).Explain(ctx)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "net "+name, m.Values, []float64{1.5, -0.5}, 1e-4)
	}
}

// TestLinear: for f = w.x + b the gradient is w and integrated gradients are w (x - x')
// for any number of steps.
func TestLinear(t *testing.T) {
	w := []float64{2, -1, 0.5, 0}
	f := formula{
		d: 4,
		scores: func(x []float64) []float64 {
			s := 7.0
			for i, v := range x {
				s += w[i] * v
			}
			return []float64{s, -s}
		},
		grad: func(_ []float64, k int) []float64 {
			g := slices.Clone(w)
			if k == 1 {
				for i := range g {
					g[i] = -g[i]
				}
			}
			return g
		},
	}
	x, base := sample(1, 2, 3, 4), []float64{0.5, 0, -1, 4}
	m, err := Of(f, x).Target(1).Explain(ctx)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "gradient", m.Values, []float64{-2, 1, -0.5, 0}, 0)
	for _, steps := range []int{1, 2, 50, 65} {
		m, err := Of(f, x).With(IntegratedGradients{Steps: steps, Baseline: base}).Target(0).Explain(ctx)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "integrated gradients", m.Values, []float64{1, -2, 2, 0}, 1e-12)
	}
}

// TestMidpointOrder: on a smooth function the error of the midpoint rule falls with the
// square of the number of steps.
func TestMidpointOrder(t *testing.T) {
	f := formula{
		d:      2,
		scores: func(x []float64) []float64 { return []float64{math.Exp(x[0]) * math.Sin(x[1]), 0} },
		grad: func(x []float64, _ int) []float64 {
			return []float64{math.Exp(x[0]) * math.Sin(x[1]), math.Exp(x[0]) * math.Cos(x[1])}
		},
	}
	completeness := func(steps int) float64 {
		m, err := Of(f, sample(1.5, 2)).With(IntegratedGradients{Steps: steps}).Target(0).Explain(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return math.Abs(m.Report.Completeness[0].Error())
	}
	if ratio := completeness(20) / completeness(40); math.Abs(ratio-4) > 0.05 {
		t.Errorf("twice the steps divide the error by %.3f, want 4", ratio)
	}
}

// TestBatch: a batch gives what its rows give one by one, memory in flight does not grow
// with the number of steps, and the input is not touched.
func TestBatch(t *testing.T) {
	r := seed.Stream(1, "batch")
	x := mat.NewDense(7, 3, nil)
	for i := range x.RawMatrix().Data {
		x.RawMatrix().Data[i] = 20 * r.NormFloat64()
	}
	before := mat.DenseCopyOf(x)
	targets := make([]int, 7)
	shape := datasets.Shape{Channels: 1, Height: 1, Width: 3}
	largest := 0
	f := netA()
	f.batch = &largest
	for _, m := range []Method{Gradient{}, IntegratedGradients{Steps: 33}, IntegratedGradients{Steps: 1000}} {
		all := mat.NewDense(7, 3, nil)
		if _, err := m.Attribute(ctx, f, all, Batch{X: x, Shape: shape, Targets: targets}); err != nil {
			t.Fatal(err)
		}
		for i := range 7 {
			one := mat.NewDense(1, 3, nil)
			if _, err := m.Attribute(ctx, f, one, Batch{X: mat.NewDense(1, 3, slices.Clone(x.RawRowView(i))), Shape: shape, Targets: targets[:1]}); err != nil {
				t.Fatal(err)
			}
			near(t, words(m), one.RawRowView(0), all.RawRowView(i), 0)
		}
	}
	if !mat.Equal(x, before) {
		t.Error("the input was changed")
	}
	if largest > 64 {
		t.Errorf("%d rows at once for 1000 steps", largest)
	}
}

// TestOnNetwork explains a real network: a completeness error that shrinks, provenance,
// and the same map in float32 and float64.
func TestOnNetwork(t *testing.T) {
	net, err := nn.LeNet(datasets.Shape{Channels: 1, Height: 28, Width: 28}, 10).Init(3)
	if err != nil {
		t.Fatal(err)
	}
	set, err := datasets.MNIST().Test().Build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	x := set.At(5)
	coarse, err := Of(net, x).With(IntegratedGradients{Steps: 10}).Explain(ctx)
	if err != nil {
		t.Fatal(err)
	}
	fine, err := Of(net, x).With(IntegratedGradients{Steps: 1000}).Explain(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if e, c := fine.Report.Completeness[0], coarse.Report.Completeness[0]; math.Abs(e.Error()) > math.Abs(c.Error()) || e.Relative() > 1e-3 {
		t.Errorf("completeness error %v with 1000 steps, %v with 10; relative %v", e.Error(), c.Error(), e.Relative())
	}
	exact, err := Of(net.Double(), x).With(IntegratedGradients{Steps: 1000}).Explain(ctx)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "float32 against float64", fine.Values, exact.Values, 1e-4)
	if fine.Target != fine.Predicted() || fine.ClassName(fine.Target) != set.Classes[fine.Target] {
		t.Errorf("target %d, predicted %d", fine.Target, fine.Predicted())
	}
	p := fine.Provenance
	if p.Method != "saliency.IntegratedGradients{Steps: 1000}" || p.Model != net.Fingerprint() || p.Sample != x.Fingerprint() {
		t.Errorf("provenance %+v", p)
	}
	if fine.Method != "Integrated gradients" {
		t.Errorf("title %q", fine.Method)
	}
	again, err := Of(net, x).With(IntegratedGradients{Steps: 1000}).Explain(ctx)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "twice the same call", again.Values, fine.Values, 0)
	v, err := Of(net, x).Target(3).View(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := v.Bundle(); err != nil || len(b.PNG) == 0 || !strings.Contains(b.Alt, "3") {
		t.Errorf("view: %v, alt %q", err, b.Alt)
	}
}

func TestMistakes(t *testing.T) {
	explain := func(r Recipe) error { _, err := r.Explain(ctx); return err }
	nan := formula{
		d:      2,
		scores: func([]float64) []float64 { return []float64{1, 0} },
		grad:   func([]float64, int) []float64 { return []float64{math.NaN(), 0} },
	}
	inf := nan
	inf.scores = func([]float64) []float64 { return []float64{math.Inf(1), 0} }
	var none *nn.Net
	var set datasets.Set
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	_, stopped := Of(netA(), sample(1, 2, 3)).With(IntegratedGradients{}).Explain(cancelled)
	for _, c := range []struct {
		name string
		err  error
		is   error
		want string
	}{
		{"class too high", explain(Of(netA(), sample(1, 2, 3)).Target(9)), xai.ErrTarget, "saliency.Of.Target(9): the model has 2 classes (0-1)"},
		{"class negative", explain(Of(netA(), sample(1, 2, 3)).Target(-1)), xai.ErrTarget, "Target(-1)"},
		{"no model", explain(Of(nil, sample(1))), nil, "need a model"},
		{"a nil network", explain(Of(none, sample(1))), nil, "need a model"},
		{"no sample", explain(Of(netA(), set.At(0))), nil, "no samples"},
		{"sample of another size", explain(Of(netA(), sample(1, 2))), xai.ErrShape, "2 values"},
		{"no method", explain(Of(netA(), sample(1, 2, 3)).With(nil)), nil, "need a method"},
		{"the first mistake is kept", explain(Of(netA(), sample(1, 2)).Target(77)), xai.ErrShape, "saliency.Of:"},
		{"negative steps", explain(Of(netA(), sample(1, 2, 3)).With(IntegratedGradients{Steps: -1})), nil, "Steps must be positive"},
		{"baseline of another size", explain(Of(netA(), sample(1, 2, 3)).With(IntegratedGradients{Baseline: []float64{1}})), xai.ErrShape, "baseline has 1"},
		{"baseline NaN", explain(Of(netB1(), sample(1, 2)).With(IntegratedGradients{Baseline: []float64{0, math.NaN()}})), datasets.ErrNotFinite, "NaN"},
		{"gradient NaN", explain(Of(nan, sample(1, 2))), datasets.ErrNotFinite, "not finite"},
		{"infinite scores", explain(Of(inf, sample(1, 2))), datasets.ErrNotFinite, "+Inf"},
		{"a recipe from nowhere", explain(Recipe{}.Target(1)), nil, "starts with saliency.Of"},
		{"a nil pointer to a method", explain(Of(netA(), sample(1, 2, 3)).With((*IntegratedGradients)(nil))), nil, "need a method"},
		{"negative batch", explain(Of(netA(), sample(1, 2, 3)).With(IntegratedGradients{Batch: -1})), nil, "field Batch"},
		{"cancelled", stopped, context.Canceled, "after 0 of 50"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) || (c.is != nil && !errors.Is(c.err, c.is)) {
			t.Errorf("%s: error %v, want one that says %q and matches %v", c.name, c.err, c.want, c.is)
		}
	}
}

// TestChainsDoNotShare: a recipe is a value.
func TestChainsDoNotShare(t *testing.T) {
	base := Of(netA(), sample(1, 2, 3))
	_ = base.Target(1).With(IntegratedGradients{})
	if base.target != -1 || base.method != (Gradient{}) {
		t.Error("a step changed the recipe it was called on")
	}
}

// TestNamesOfScores: the model's names count. A set of two classes says nothing about a
// network of ten, and a picture from a file has no class names at all.
func TestNamesOfScores(t *testing.T) {
	three := datasets.Set{
		Name: "three", Shape: datasets.Shape{Channels: 1, Height: 1, Width: 2}, Classes: []string{"a", "b", "c"},
		Labels: []int{0, 1, 2}, Values: []float64{1, 2, 3, 4, 5, 6},
	}
	net, err := nn.Image(three.Shape).Dense(3).Fit(three, nn.Training{Epochs: 1}).Build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		model xai.Differentiable
		x     datasets.Sample
		want  string
	}{
		"a sample of another set":          {net, sample(1, 2), "b"},
		"a sample without names":           {net, datasets.Sample{Shape: three.Shape, X: []float64{1, 2}}, "b"},
		"a model without names":            {netB1(), sample(1, 2), "no"},
		"neither the model nor the sample": {netB1(), datasets.Sample{Shape: three.Shape, X: []float64{1, 2}}, "1"},
	} {
		m, err := Of(c.model, c.x).Target(1).Explain(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.ClassName(m.Target); got != c.want {
			t.Errorf("%s: the target is called %q, want %q", name, got, c.want)
		}
	}
}

func TestKey(t *testing.T) {
	base := Of(netA(), sample(1, 2, 3))
	keys := map[string]string{}
	for name, r := range map[string]Recipe{
		"base": base, "target": base.Target(1), "method": base.With(IntegratedGradients{}),
		"steps":    base.With(IntegratedGradients{Steps: 7}),
		"baseline": base.With(IntegratedGradients{Baseline: make([]float64, 3)}),
		"sample":   Of(netA(), sample(1, 2, 4)),
	} {
		if other, taken := keys[r.Key()]; taken {
			t.Errorf("%s and %s have one key: %s", name, other, r.Key())
		}
		keys[r.Key()] = name
	}
	if base.Key() != Of(netA(), sample(1, 2, 3)).Key() {
		t.Error("the same chain has another key")
	}
}

func TestWords(t *testing.T) {
	for want, m := range map[string]Method{"RISE": RISE{}, "LIME": LIME{}, "Integrated gradients": IntegratedGradients{}, "Gradient flow": &GradientFlow{}, "Grad-CAM": GradCAM{}, "LRP": LRP{}} {
		if got := words(m); got != want {
			t.Errorf("%T is called %q, want %q", m, got, want)
		}
	}
}

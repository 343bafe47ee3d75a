package saliency

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/nn"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// netC is one convolution, derived by hand: 4x4 pixels 0..15, two 3x3 filters of ones with
// the biases -50 and -75, ReLU, and a weighted sum, which is 54.
func netC(t *testing.T) (*nn.Net, datasets.Sample) {
	t.Helper()
	ones := make([]float64, 18)
	x := make([]float64, 16)
	for j := range ones {
		ones[j] = 1
	}
	for j := range x {
		x[j] = float64(j)
	}
	a := nn.Image(datasets.Shape{Channels: 1, Height: 4, Width: 4}).Then(nn.Conv{Filters: 2, Kernel: 3}).Named("conv").ReLU().Named("relu").Then(nn.Dense{Units: 1}).Named("sum")
	net := load(t, a, map[string][]float64{"conv.weight": ones, "conv.bias": {-50, -75}, "sum.weight": {1, 1, 1, 1, 1, -1, -1, -1}, "sum.bias": {0}})
	return net, datasets.Sample{Shape: a.Input(), X: x, Classes: []string{"sum"}}
}

func TestNetC(t *testing.T) {
	net, x := netC(t)
	before, err := net.Activations(ctx, "conv", mat.NewDense(1, 16, x.X))
	if err != nil {
		t.Fatal(err)
	}
	near(t, "before the ReLU", before.RawRowView(0), []float64{-5, 4, 31, 40, -30, -21, 6, 15}, 1e-9)
	for _, c := range []struct {
		m    Method
		want []float64
	}{
		{Gradient{}, []float64{0, 1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 0}},
		{InputGradient{}, []float64{0, 1, 2, 3, 0, 5, 6, 7, 0, 9, 10, 11, 0, 0, 0, 0}},
		{GuidedBackprop{}, []float64{0, 1, 1, 1, 1, 3, 3, 2, 1, 3, 3, 2, 1, 2, 2, 1}},
		{Deconvnet{}, []float64{2, 3, 3, 1, 3, 5, 5, 2, 3, 5, 5, 2, 1, 2, 2, 1}},
		{LRP{Rule: xai.Epsilon{}}, []float64{0, 1, 2, 3, 0, 5, 6, 7, 0, 9, 10, 11, 0, 0, 0, 0}},
	} {
		m, err := Of(net, x).With(c.m).Explain(ctx)
		if err != nil {
			t.Fatal(err)
		}
		near(t, name(c.m), m.Values, c.want, 1e-9)
	}
	for layer, want := range map[string][]float64{"conv": {11.25, 13.5, 20.25, 22.5}, "relu": {0, 4, 28, 32.5}} {
		in := Batch{X: mat.NewDense(1, 16, x.X), Shape: x.Shape, Targets: []int{0}}
		got, _, err := GradCAM{Layer: layer, KeepNegative: true}.coarse(ctx, net, in)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "Grad-CAM on "+layer, got.RawRowView(0), want, 1e-9)
		m, err := Of(net, x).With(GradCAM{Layer: layer}).Explain(ctx)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "Grad-CAM on "+layer+", drawn large", m.Plane(), slowZoom(want, 2, 4), 1e-9)
	}
	report, err := Of(net, x).With(LRP{Rule: xai.Epsilon{}}).Explain(ctx)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "conservation", []float64{report.Report.Completeness[0].Sum, report.Report.Completeness[0].Change}, []float64{54, 54}, 1e-9)
}

// TestSecondImplementation compares every method that works on layers with a slow one, by
// plain loops over explicit matrices, on random networks.
func TestSecondImplementation(t *testing.T) {
	for s := range uint64(20) {
		net, slow := twin(t, s, s%2 == 0)
		x, target := random(1, 72, s), int(s%3)
		in := Batch{X: x, Shape: datasets.Shape{Channels: 2, Height: 6, Width: 6}, Targets: []int{target}, High: 1}
		values := slow.forward(x.RawRowView(0))
		scores, err := net.Scores(ctx, x)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "scores", scores.RawRowView(0), values[len(slow)], 1e-12)
		check := func(m Method, want []float64) {
			t.Helper()
			got := mat.NewDense(1, 72, nil)
			if _, err := m.Attribute(ctx, net, got, in); err != nil {
				t.Fatalf("%s: %v", name(m), err)
			}
			near(t, fmt.Sprintf("network %d, %s", s, name(m)), got.RawRowView(0), want, 1e-8*(1+floats.Norm(want, math.Inf(1))))
		}
		guided := slow.back(values, oneHot(target, 3, 1), 0, nil, func(in, r float64) float64 { return step(in) * max(r, 0) })
		check(GuidedBackprop{}, guided)
		check(Deconvnet{}, slow.back(values, oneHot(target, 3, 1), 0, nil, func(_, r float64) float64 { return max(r, 0) }))
		channels := map[string]struct{ at, channels, side int }{"": {5, 3, 3}, "conv1": {1, 4, 6}, "relu1": {2, 4, 6}, "conv2": {4, 3, 3}}
		for layer, l := range channels {
			for _, keep := range []bool{true, false} {
				plane := slowZoom(slow.slowCAM(x.RawRowView(0), target, l.at, l.channels, keep), l.side, 6)
				half := slices.Clone(plane)
				floats.Scale(0.5, half)
				check(GradCAM{Layer: layer, KeepNegative: keep}, slices.Concat(half, half))
				if !keep {
					product := slices.Concat(plane, plane)
					floats.Mul(product, guided)
					check(GuidedGradCAM{Layer: layer}, product)
				}
			}
		}
		lrp := func(m LRP, rule func(l int) xai.Rule) {
			t.Helper()
			check(m, slow.back(values, oneHot(target, 3, values[len(slow)][target]), 0,
				func(l int, r []float64) []float64 { return slow.share(values, l, rule(l), r) },
				func(_, r float64) float64 { return r }))
		}
		place := func(first, conv, dense xai.Rule) func(int) xai.Rule {
			return func(l int) xai.Rule {
				switch {
				case l == 0 && first != nil:
					return first
				case slow[l].space:
					return conv
				}
				return dense
			}
		}
		eps := xai.Epsilon{Epsilon: 1e-6}
		lrp(LRP{}, place(nil, xai.ZPlus{}, eps))
		lrp(LRP{Composite: EpsilonGammaBox(0, 1)}, place(xai.Box{}, xai.Gamma{Gamma: 0.25}, eps))
		lrp(LRP{Composite: EpsilonAlphaBeta()}, place(xai.Flat{}, xai.AlphaBeta{Alpha: 2, Beta: 1}, eps))
		lrp(LRP{Composite: Composite{Layers: map[string]xai.Rule{"conv2": xai.Gamma{Gamma: 1}}}}, func(l int) xai.Rule {
			if slow[l].name == "conv2" {
				return xai.Gamma{Gamma: 1}
			}
			return place(nil, xai.ZPlus{}, eps)(l)
		})
		for _, r := range []xai.Rule{xai.Epsilon{}, xai.Epsilon{Epsilon: 0.1}, xai.Gamma{Gamma: 0.5}, xai.ZPlus{}} {
			lrp(LRP{Rule: r}, place(nil, r, r))
		}
	}
}

// TestLRPConserves: without biases the sum of the map is the score, more nearly the smaller
// epsilon is.
func TestLRPConserves(t *testing.T) {
	net, _ := twin(t, 3, false)
	x := random(4, 72, 9)
	in := Batch{X: x, Shape: datasets.Shape{Channels: 2, Height: 6, Width: 6}, Targets: []int{0, 1, 2, 0}}
	worst := func(m LRP) (worst float64) {
		report, err := m.Attribute(ctx, net, mat.NewDense(4, 72, nil), in)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range report.Completeness {
			worst = max(worst, c.Relative())
		}
		return worst
	}
	last := math.Inf(1)
	for _, eps := range []float64{0.1, 1e-3, 1e-5, 0} {
		w := worst(LRP{Rule: xai.Epsilon{Epsilon: eps}})
		if !(w < last/5) {
			t.Errorf("epsilon %g: an error of %g after %g", eps, w, last)
		}
		last = w
	}
	if last > 1e-12 {
		t.Errorf("epsilon 0: an error of %g", last)
	}
	for _, m := range []LRP{{}, {Composite: EpsilonGammaBox(0, 1)}} {
		if w := worst(m); w > 1e-3 {
			t.Errorf("%s: an error of %g", name(m), w)
		}
	}
}

// TestGuidedIsGradientWhenPositive: where all weights and inputs are positive nothing is cut
// off, and all three are one.
func TestGuidedIsGradientWhenPositive(t *testing.T) {
	a := nn.Image(datasets.Shape{Channels: 1, Height: 4, Width: 4}).Conv(2, 3).ReLU().Dense(3).ReLU().Dense(2)
	positive := func(n int) (v []float64) {
		for j := range n {
			v = append(v, 0.125*float64(1+j%7))
		}
		return v
	}
	net := load(t, a, map[string][]float64{"conv1.weight": positive(18), "fc1.weight": positive(96), "fc2.weight": positive(6)})
	in := images(random(2, 16, 1), 4, 4, 0, 1)
	want := mat.NewDense(2, 16, nil)
	if _, err := (Gradient{}).Attribute(ctx, net, want, in); err != nil {
		t.Fatal(err)
	}
	for _, m := range []Method{GuidedBackprop{}, Deconvnet{}} {
		got := mat.NewDense(2, 16, nil)
		if _, err := m.Attribute(ctx, net, got, in); err != nil || !mat.EqualApprox(got, want, 1e-12) {
			t.Errorf("%s is not the gradient: %v", name(m), err)
		}
	}
}

// TestImplementationsMatter: f(x) = x as it is, and as relu(x) - relu(-x), is one function
// with one gradient, but guided backpropagation and LRP see two networks. This is a known
// defect of theirs, kept here as what to teach.
func TestImplementationsMatter(t *testing.T) {
	shape := datasets.Shape{Channels: 1, Height: 1, Width: 1}
	plain := load(t, nn.Image(shape).Dense(1), map[string][]float64{"fc1.weight": {1}})
	split := load(t, nn.Image(shape).Dense(2).ReLU().Dense(1), map[string][]float64{"fc1.weight": {1, -1}, "fc2.weight": {1, -1}})
	// x + 1 - 1, with the sum before a ReLU.
	shifted := load(t, nn.Image(shape).Dense(1).ReLU().Dense(1), map[string][]float64{"fc1.weight": {1}, "fc1.bias": {1}, "fc2.weight": {1}, "fc2.bias": {-1}})
	value := func(net *nn.Net, m Method, x float64) float64 {
		got := mat.NewDense(1, 1, nil)
		if _, err := m.Attribute(ctx, net, got, Batch{X: mat.NewDense(1, 1, []float64{x}), Shape: shape, Targets: []int{0}}); err != nil {
			t.Fatal(err)
		}
		return got.At(0, 0)
	}
	for _, net := range []*nn.Net{plain, split, shifted} {
		if g := value(net, Gradient{}, -0.5); g != 1 {
			t.Errorf("the gradient is %g", g)
		}
	}
	if a, b := value(plain, GuidedBackprop{}, -0.5), value(split, GuidedBackprop{}, -0.5); a != 1 || b != 0 {
		t.Errorf("guided backpropagation: %g and %g, want 1 and 0", a, b)
	}
	flat := LRP{Composite: Composite{Dense: xai.ZPlus{}}}
	if a, b := value(plain, flat, 0.5), value(shifted, flat, 0.5); a != 0.5 || math.Abs(b-1./6) > 1e-12 {
		t.Errorf("LRP: %g and %g, want 1/2 and 1/6", a, b) // 1/2 * 0.5/(0.5 + 1)
	}
}

// layered are the methods that need layers.
func layered() []Method {
	return []Method{GuidedBackprop{}, Deconvnet{}, GradCAM{}, GradCAM{KeepNegative: true}, GuidedGradCAM{}, LRP{}, LRP{Rule: xai.Epsilon{}}, LRP{Composite: EpsilonGammaBox(0, 1)}}
}

func TestLayeredMistakes(t *testing.T) {
	net, _ := twin(t, 1, true)
	in := Batch{X: random(1, 72, 2), Shape: datasets.Shape{Channels: 2, Height: 6, Width: 6}, Targets: []int{0}, High: 1}
	dst := mat.NewDense(1, 72, nil)
	fails := func(m Method, f xai.Differentiable, in Batch, matches error, want string) {
		t.Helper()
		n, d := in.X.Dims()
		if _, err := m.Attribute(ctx, f, mat.NewDense(max(n, 1), max(d, 1), nil), in); !errors.Is(err, matches) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name(m), err, want)
		}
	}
	for _, m := range layered() {
		fails(m, tanhNet(16, 1), images(random(1, 16, 2), 4, 4), xai.ErrAbility, "saliency.formula is no xai.")
		out := in
		out.Targets = []int{3}
		fails(m, net, out, xai.ErrTarget, "the model has 3 scores (0-2)")
		empty := in
		empty.X, empty.Targets = &mat.Dense{}, nil
		if _, err := m.Attribute(ctx, net, dst, empty); err == nil {
			t.Errorf("%s: no rows, and no error", name(m))
		}
	}
	fails(GradCAM{Layer: "nowhere"}, net, in, xai.ErrLayer, `field Layer is "nowhere": the layers are conv1, relu1`)
	fails(GradCAM{Layer: "fc1"}, net, in, xai.ErrLayer, "no space, only 5 values; those that have are conv1, relu1, pool1, conv2, relu2")
	fails(LRP{Composite: Composite{Layers: map[string]xai.Rule{"nowhere": xai.Flat{}}}}, net, in, xai.ErrLayer, "the layers are conv1")
	fails(LRP{Composite: Composite{Layers: map[string]xai.Rule{"conv1": xai.Guided{}}}}, net, in, xai.ErrRule, "layer conv1 (conv)")
	fails(LRP{Composite: Composite{Conv: xai.Epsilon{Epsilon: -1}}}, net, in, xai.ErrRule, "at least 0")
	if _, err := (LRP{Rule: xai.Flat{}, Composite: EpsilonAlphaBeta()}).Attribute(ctx, net, dst, in); err == nil || !strings.Contains(err.Error(), "keep one") {
		t.Errorf("two choices: %v", err)
	}
	table, err := nn.Image(datasets.Shape{Channels: 1, Height: 1, Width: 4}).Dense(3).ReLU().Dense(2).Init(1)
	if err != nil {
		t.Fatal(err)
	}
	row := Batch{X: random(1, 4, 1), Shape: datasets.Shape{Channels: 1, Height: 1, Width: 4}, Targets: []int{0}}
	fails(GradCAM{}, table, row, xai.ErrLayer, "no layer with space")
	if _, err := (LRP{}).Attribute(ctx, table, mat.NewDense(1, 4, nil), row); err != nil {
		t.Errorf("LRP on a table: %v", err)
	}
	soft, err := nn.Image(datasets.Shape{Channels: 1, Height: 1, Width: 4}).Dense(2).Named("scores").Then(nn.Softmax{}).Named("soft").Init(1)
	if err != nil {
		t.Fatal(err)
	}
	fails(LRP{}, soft, row, xai.ErrRule, "layer soft (softmax)")
	x := datasets.Sample{Shape: row.Shape, X: row.X.RawRowView(0), Columns: []string{"a", "b", "c", "d"}, Classes: []string{"no", "yes"}}
	if _, err := Of(soft, x).With(LRP{}).Toward(Unit{Layer: "scores", Index: 1}).Explain(ctx); err != nil {
		t.Errorf("LRP before the softmax: %v", err)
	}
	if _, err := Of(net, datasets.Sample{Shape: in.Shape, X: append([]float64{math.NaN()}, make([]float64, 71)...)}).With(LRP{}).Explain(ctx); err == nil {
		t.Error("an input that is no number")
	}
}

// TestNothingToShare: an image of zeros, a network that is flat, all units off. The maps are
// zero, not NaN, also for epsilon 0.
func TestNothingToShare(t *testing.T) {
	shape := datasets.Shape{Channels: 1, Height: 4, Width: 4}
	a := nn.Image(shape).Conv(2, 3).ReLU().Dense(2)
	dead := load(t, a, map[string][]float64{"conv1.bias": {-100, -100}})
	free := load(t, a, map[string][]float64{"conv1.bias": {0, 0}})
	for _, m := range layered() {
		for what, c := range map[string]struct {
			net *nn.Net
			x   *mat.Dense
		}{"dead units": {dead, random(1, 16, 1)}, "a black image": {free, mat.NewDense(1, 16, nil)}} {
			got := mat.NewDense(1, 16, nil)
			if _, err := m.Attribute(ctx, c.net, got, images(c.x, 4, 4)); err != nil || !finite(got.RawMatrix().Data) {
				t.Errorf("%s on %s: %v, %v", name(m), what, mat.Formatted(got), err)
			}
			if _, guess := m.(Deconvnet); what == "dead units" && !guess && mat.Norm(got, 2) != 0 {
				t.Errorf("%s on %s: %v, want zeros", name(m), what, mat.Formatted(got))
			}
		}
	}
}

// TestSaturated: a probability that is 1 to the last digit has no gradient: maps of it are
// zero, those of its margin are not.
func TestSaturated(t *testing.T) {
	shape := datasets.Shape{Channels: 1, Height: 4, Width: 4}
	net := load(t, nn.Image(shape).Conv(2, 3).ReLU().Dense(2), map[string][]float64{"conv1.bias": {1, 1}, "fc1.bias": {900, -900}})
	x := datasets.Sample{Shape: shape, X: random(1, 16, 1).RawRowView(0)}
	for _, m := range append(layered(), Gradient{}, InputGradient{}, IntegratedGradients{}) {
		flat, err := Of(net, x).With(m).Toward(Probability{Class: Predicted}).Explain(ctx)
		if err != nil || floats.Norm(flat.Values, 2) != 0 {
			t.Errorf("%s of a certain probability: %v, %v", name(m), flat.Values, err)
		}
		margin, err := Of(net, x).With(m).Toward(Margin{Class: Predicted}).Explain(ctx)
		_, cam := m.(GradCAM) // which may find nothing that speaks for the class
		_, guided := m.(GuidedGradCAM)
		if err != nil || !cam && !guided && floats.Norm(margin.Values, 2) == 0 {
			t.Errorf("%s of its margin: %v, %v", name(m), margin.Values, err)
		}
	}
}

func TestResample(t *testing.T) {
	got := make([]float64, 16)
	resample(got, 4, 4, []float64{0, 4, 8, 12}, 2, 2)
	near(t, "2x2 to 4x4", got, []float64{0, 1, 3, 4, 2, 3, 5, 6, 6, 7, 9, 10, 8, 9, 11, 12}, 1e-12)
	same := []float64{1, 2, 3, 4, 5, 6}
	resample(got[:6], 2, 3, same, 2, 3)
	near(t, "the same size", got[:6], same, 1e-12)
	resample(got[:6], 2, 3, []float64{0, 6}, 1, 2)
	near(t, "1x2 to 2x3", got[:6], []float64{0, 3, 6, 0, 3, 6}, 1e-12)
	resample(got[:6], 3, 2, []float64{0, 6}, 2, 1)
	near(t, "2x1 to 3x2", got[:6], []float64{0, 0, 3, 3, 6, 6}, 1e-12)
	resample(got[:9], 3, 3, []float64{7}, 1, 1)
	near(t, "one value", got[:9], []float64{7, 7, 7, 7, 7, 7, 7, 7, 7}, 1e-12)
}

package saliency

import (
	"context"
	"errors"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/nn"
	"github.com/whybook/whybook/xai/nn/onnx"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// scalars are all kinds, for a model of three scores; the last ones need layers.
func scalars() []Scalar {
	norm := func(row []float64) float64 { return floats.Norm(row, 2) }
	return []Scalar{
		Margin{Class: 1}, Contrast{Class: 2, Over: 0}, Probability{Class: 1}, LogProbability{Class: 0},
		Function{Name: "norm", Value: norm},
		Function{Name: "norm, by hand", Value: norm, Gradient: func(dst, row []float64) {
			for j, v := range row {
				dst[j] = v / norm(row)
			}
		}},
		Unit{Layer: "fc1", Index: 2}, Unit{Layer: "conv2", Index: 13}, Channel{Layer: "conv2", Index: 1}, Channel{Layer: "fc1", Index: 2},
		Function{Name: "energy", Layer: "relu1", Value: func(row []float64) float64 { return floats.Dot(row, row) }},
	}
}

// TestScalarGradients compares the gradients of all scalars with central differences, on a
// model with layers and on one without, and rows with batches.
func TestScalarGradients(t *testing.T) {
	net, _ := twin(t, 2, true)
	for _, s := range scalars() {
		models := map[string]xai.Differentiable{"layers": net}
		if s.source() == "" {
			models["formula"] = tanhNet(72, 1)
		}
		for kind, model := range models {
			f, err := Score(model, s)
			if err != nil {
				t.Fatal(err)
			}
			x := random(3, 72, 4)
			grads := mat.NewDense(3, 72, nil)
			scores, err := f.Gradients(ctx, grads, x, []int{0, 0, 0})
			if err != nil {
				t.Fatal(err)
			}
			alone, err := f.Scores(ctx, x)
			if err != nil || !mat.Equal(scores, alone) {
				t.Errorf("%v: Scores and Gradients differ: %v", s, err)
			}
			v, err := xai.Verify(ctx, f, x)
			if err != nil || v.Worst > 1e-6 || v.Checked < 50 {
				t.Errorf("%v of %s: %v, %v", s, kind, v, err)
			}
			for i := range 3 {
				one := mat.NewDense(1, 72, nil)
				if _, err := f.Gradients(ctx, one, x.Slice(i, i+1, 0, 72).(*mat.Dense), []int{0}); err != nil {
					t.Fatal(err)
				}
				near(t, s.String()+", a row alone", one.RawRowView(0), grads.RawRowView(i), 0)
			}
			if _, err := f.Gradients(ctx, grads, x, []int{0, 1, 0}); !errors.Is(err, xai.ErrTarget) {
				t.Errorf("%v: target 1: %v", s, err)
			}
			if _, err := f.Gradients(ctx, grads, x, []int{0}); !errors.Is(err, xai.ErrShape) {
				t.Errorf("%v: one target for three rows: %v", s, err)
			}
		}
	}
}

func TestScalarValues(t *testing.T) {
	row := []float64{1, 3, 2}
	z := math.Exp(1) + math.Exp(3) + math.Exp(2)
	for _, c := range []struct {
		s    Scalar
		v    float64
		g    []float64
		name string
	}{
		{Margin{Class: 1}, 1, []float64{0, 1, -1}, "margin of b"},
		{Margin{Class: 0}, -2, []float64{1, -1, 0}, "margin of a"},
		{Contrast{Class: 0, Over: 2}, -1, []float64{1, 0, -1}, "margin of a over c"},
		{Probability{Class: 1}, math.Exp(3) / z, []float64{-math.Exp(4) / z / z, math.Exp(3) * (math.Exp(1) + math.Exp(2)) / z / z, -math.Exp(5) / z / z}, "probability of b"},
		{LogProbability{Class: 1}, 3 - math.Log(z), []float64{-math.Exp(1) / z, (math.Exp(1) + math.Exp(2)) / z, -math.Exp(2) / z}, "log-probability of b"},
		{Unit{Layer: "h", Index: 2}, 2, []float64{0, 0, 1}, "unit 2 of h"},
		{Function{Name: "f", Value: func(r []float64) float64 { return r[0] * r[1] }}, 3, []float64{3, 1, 0}, "f"},
		{Function{Name: "f", Layer: "h", Value: func(r []float64) float64 { return r[2] }}, 2, []float64{0, 0, 1}, "f of h"},
		{channelMean{Channel{Layer: "h", Index: 0}, 3}, 2, []float64{1. / 3, 1. / 3, 1. / 3}, "channel 0 of h"},
	} {
		near(t, c.name, []float64{c.s.value(row)}, []float64{c.v}, 1e-15)
		g := make([]float64, 3)
		c.s.gradient(g, row)
		near(t, c.name+", gradient", g, c.g, 1e-9)
		if got := c.s.title(func(k int) string { return string(rune('a' + k)) }); got != c.name {
			t.Errorf("%v is called %q, want %q", c.s, got, c.name)
		}
	}
	// Certain to the last bit: nothing to explain, and no NaN.
	g := make([]float64, 2)
	Probability{Class: 0}.gradient(g, []float64{800, 0})
	near(t, "a certain probability", g, []float64{0, 0}, 0)
	LogProbability{Class: 1}.gradient(g, []float64{800, 0})
	near(t, "an impossible class", g, []float64{-1, 1}, 0)
}

// TestToward: the map, its name and its key; the predicted class is found; a class and a
// margin have one boundary.
func TestToward(t *testing.T) {
	net, _ := twin(t, 2, true)
	named, err := net.WithClasses("cat", "dog", "cow")
	if err != nil {
		t.Fatal(err)
	}
	x := datasets.Sample{Shape: datasets.Shape{Channels: 2, Height: 6, Width: 6}, X: random(1, 72, 4).RawRowView(0)}
	scores, err := net.Scores(ctx, mat.NewDense(1, 72, x.X))
	if err != nil {
		t.Fatal(err)
	}
	top := floats.MaxIdx(scores.RawRowView(0))
	other := (top + 1) % 3
	m, err := Of(named, x).Toward(Contrast{Class: Predicted, Over: other}).Explain(ctx)
	if err != nil {
		t.Fatal(err)
	}
	want := "margin of " + []string{"cat", "dog", "cow"}[top] + " over " + []string{"cat", "dog", "cow"}[other]
	if m.ClassName(m.Target) != want || len(m.Scores) != 1 || m.Predicted() != 0 {
		t.Errorf("the map is of %q, want %q; scores %v", m.ClassName(m.Target), want, m.Scores)
	}
	near(t, "the margin", m.Scores, []float64{scores.At(0, top) - scores.At(0, other)}, 1e-12)
	picture, image := netC(t)
	for j := range image.X {
		image.X[j] /= 15
	}
	if unit, err := Of(picture, image).Toward(Unit{Layer: "conv", Index: 3}).Explain(ctx); err != nil || !strings.Contains(unit.View().Alt(), "Gradient for “unit 3 of conv”") {
		t.Errorf("the title does not name the unit: %s, %v", unit.View().Alt(), err)
	}
	a, err := Of(net, x).Target(top).Explain(ctx)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Of(net, x).Target(other).Explain(ctx)
	if err != nil {
		t.Fatal(err)
	}
	floats.Sub(a.Values, b.Values)
	near(t, "the gradient of a margin", m.Values, a.Values, 1e-12)

	keys := map[string]bool{}
	for _, r := range []Recipe{
		Of(net, x), Of(net, x).Target(1), Of(net, x).Toward(Margin{Class: 1}), Of(net, x).Toward(Margin{Class: 2}), Of(net, x).Toward(Margin{Class: Predicted}),
		Of(net, x).Toward(Contrast{Class: 1, Over: 2}), Of(net, x).Toward(Unit{Layer: "conv2", Index: 3}), Of(net, x).Toward(Channel{Layer: "conv2", Index: 2}),
		Of(net, x).At("conv2"), Of(net, x).At("fc1"), Of(net, x).At("fc1").Target(1),
	} {
		if keys[r.Key()] {
			t.Errorf("two recipes have the key %s", r.Key())
		}
		keys[r.Key()] = true
		m, err := r.Explain(ctx)
		if err != nil || m.Provenance.Target == "" {
			t.Errorf("%s: explains %q, %v", r.Key(), m.Provenance.Target, err)
		}
	}
	// Target after Toward counts, and the reverse.
	if Of(net, x).Toward(Margin{Class: 1}).Target(1).Key() != Of(net, x).Target(1).Key() || Of(net, x).Target(1).Toward(Margin{Class: 2}).Key() != Of(net, x).Toward(Margin{Class: 2}).Key() {
		t.Error("an earlier step outlives a later one")
	}

	f := tanhNet(16, 1)
	in := images(random(3, 16, 2), 4, 4, 0, 1, 2)
	for i := range 3 {
		one, err := Score(f, Margin{Class: in.Targets[i]})
		if err != nil {
			t.Fatal(err)
		}
		row := images(in.X.Slice(i, i+1, 0, 16).(*mat.Dense), 4, 4, in.Targets[i])
		bound := Boundary{Overshoot: 0.1, Steps: 200}
		want, _ := attribute(t, bound, f, row)
		row.Targets = []int{0}
		got := mat.NewDense(1, 16, nil)
		if _, err := bound.Attribute(ctx, one, got, row); err != nil {
			t.Fatal(err)
		}
		near(t, "the boundary of a margin", got.RawRowView(0), want.RawRowView(0), 1e-12)
	}
}

// TestScoresOfLayers: methods on layers see through a Score: Grad-CAM of a unit, guided
// backpropagation and LRP of a margin.
func TestScoresOfLayers(t *testing.T) {
	net, slow := twin(t, 6, true)
	x := random(1, 72, 3)
	in := Batch{X: x, Shape: datasets.Shape{Channels: 2, Height: 6, Width: 6}, Targets: []int{0}}
	values := slow.forward(x.RawRowView(0))
	scores := values[len(slow)]
	check := func(s Scalar, m Method, want []float64) Report {
		t.Helper()
		f, err := Score(net, s)
		if err != nil {
			t.Fatal(err)
		}
		got := mat.NewDense(1, 72, nil)
		report, err := m.Attribute(ctx, f, got, in)
		if err != nil {
			t.Fatalf("%v, %s: %v", s, name(m), err)
		}
		if want != nil {
			near(t, s.String()+", "+name(m), got.RawRowView(0), want, 1e-9*(1+floats.Norm(want, 2)))
		}
		return report
	}
	contrast := Contrast{Class: 2, Over: 1}
	check(contrast, GuidedBackprop{}, slow.back(values, []float64{0, -1, 1}, 0, nil, func(in, r float64) float64 { return step(in) * max(r, 0) }))
	eps := xai.Epsilon{Epsilon: 0.01}
	report := check(contrast, LRP{Rule: eps}, slow.back(values, []float64{0, -scores[1], scores[2]}, 0,
		func(l int, r []float64) []float64 { return slow.share(values, l, eps, r) }, func(_, r float64) float64 { return r }))
	near(t, "what was handed down", []float64{report.Completeness[0].Change}, []float64{scores[2] - scores[1]}, 1e-12)
	// A unit of fc1: its gradient and its own value. The Grad-CAM layer stands before it.
	unit := Unit{Layer: "fc1", Index: 3}
	report = check(unit, LRP{Rule: eps}, slow[:6].back(values, oneHot(3, 5, values[6][3]), 0,
		func(l int, r []float64) []float64 { return slow.share(values, l, eps, r) }, func(_, r float64) float64 { return r }))
	near(t, "what was handed down", []float64{report.Completeness[0].Change}, []float64{values[6][3]}, 1e-12)
	check(unit, GuidedBackprop{}, slow[:6].back(values, oneHot(3, 5, 1), 0, nil, func(in, r float64) float64 { return step(in) * max(r, 0) }))
	check(unit, GradCAM{}, nil)
	f, err := Score(net, Channel{Layer: "conv2", Index: 0})
	if err != nil {
		t.Fatal(err)
	}
	if l, err := (GradCAM{}).layer(net, "conv2"); err != nil || l.Name != "pool1" {
		t.Errorf("the layer before conv2 is %q, %v", l.Name, err)
	}
	if _, err := (GradCAM{Layer: "relu2"}).Attribute(ctx, f, mat.NewDense(1, 72, nil), in); !errors.Is(err, xai.ErrLayer) {
		t.Errorf("a layer after what is explained: %v", err)
	}
	if s, err := Score(tanhNet(16, 1), Margin{}); err != nil {
		t.Error(err)
	} else if _, err := (GuidedBackprop{}).Attribute(ctx, s, mat.NewDense(1, 16, nil), images(random(1, 16, 1), 4, 4)); !errors.Is(err, xai.ErrAbility) || !strings.Contains(err.Error(), "formula") {
		t.Errorf("a score of a model without layers: %v", err)
	}
}

// TestAt: explaining at a layer is explaining the rest of the network, whose input is what
// the layer puts out; integrated gradients are complete there too.
func TestAt(t *testing.T) {
	net, slow := twin(t, 7, true)
	x := datasets.Sample{Shape: datasets.Shape{Channels: 2, Height: 6, Width: 6}, X: random(1, 72, 4).RawRowView(0)}
	values := slow.forward(x.X)
	m, err := Of(net, x).Target(1).At("relu2").Explain(ctx)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "the gradient at relu2", m.Values, slow.back(values, oneHot(1, 3, 1), 5, nil, slowReLU), 1e-12)
	if m.Shape != (datasets.Shape{Channels: 3, Height: 3, Width: 3}) || m.Layer != "relu2" || m.Provenance.Layer != "relu2" || len(m.Scores) != 3 {
		t.Errorf("the map has the shape %v, layer %q, scores %v", m.Shape, m.Layer, m.Scores)
	}
	if alt := m.View().Alt(); !strings.Contains(alt, "at relu2") {
		t.Errorf("the figure does not name the layer: %s", alt)
	}
	ig, err := Of(net, x).With(AdaptiveIntegratedGradients{Tolerance: 1e-9}).Target(1).At("conv1").Explain(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if c := ig.Report.Completeness[0]; c.Relative() > 1e-8 {
		t.Errorf("integrated gradients at conv1: %+v", c)
	}
	for _, method := range []Method{LRP{}, GuidedBackprop{}, GradCAM{}, Occlusion{Patch: 1}, Smooth{}} {
		for _, layer := range []string{"conv1", "relu1", "pool1"} {
			if _, err := Of(net, x).With(method).At(layer).Toward(Unit{Layer: "fc1", Index: 0}).Explain(ctx); err != nil {
				t.Errorf("%s at %s: %v", name(method), layer, err)
			}
		}
	}
	dense, err := Of(net, x).With(LRP{}).At("fc1").Explain(ctx)
	if err != nil || len(dense.Values) != 5 || dense.View().Alt() == "" {
		t.Errorf("at a dense layer: %v, %v", dense.Values, err)
	}
}

func TestScalarMistakes(t *testing.T) {
	net, _ := twin(t, 2, true)
	x := datasets.Sample{Shape: datasets.Shape{Channels: 2, Height: 6, Width: 6}, X: random(1, 72, 4).RawRowView(0)}
	var none *Function
	for _, c := range []struct {
		r       Recipe
		matches error
		want    string
	}{
		{Of(net, x).Toward(Margin{Class: 3}), xai.ErrTarget, "saliency.Of.Toward(margin of 3): class 3: the model has 3 classes (0-2)"},
		{Of(net, x).Toward(Contrast{Class: 1, Over: -2}), xai.ErrTarget, "class -2"},
		{Of(net, x).Toward(Contrast{Class: 1, Over: 1}), xai.ErrTarget, "over itself"},
		{Of(net, x).Toward(Unit{Layer: "nowhere"}), xai.ErrLayer, "the layers are conv1, relu1"},
		{Of(net, x).Toward(Unit{Index: 2}), xai.ErrLayer, "field Layer is empty"},
		{Of(net, x).Toward(Unit{Layer: "fc1", Index: 5}), xai.ErrTarget, "unit 5: the layer has 5 values (0-4)"},
		{Of(net, x).Toward(Channel{Layer: "conv2", Index: 3}), xai.ErrTarget, "channel 3: the layer has 3 (0-2)"},
		{Of(net, x).Toward(Channel{}), xai.ErrLayer, "field Layer is empty"},
		{Of(net, x).Toward(Function{Name: "f"}), nil, "needs the fields Name and Value"},
		{Of(net, x).Toward(nil), nil, "need a scalar"},
		{Of(net, x).Toward(none), nil, "need a scalar"},
		{Of(net, x).At("nowhere"), xai.ErrLayer, "the layers are conv1"},
		{Of(net, x).At("fc2"), xai.ErrLayer, "it puts out the scores"},
		{Of(net, x).At("relu2").Toward(Unit{Layer: "conv1"}), xai.ErrLayer, "the layers are fc1"},
		{Of(tanhNet(72, 1), x).Toward(Unit{Layer: "fc1"}), xai.ErrAbility, "is no xai.Layered"},
		{Of(tanhNet(72, 1), x).At("fc1"), xai.ErrAbility, "is no xai.Layered"},
		{Of(affine(0, make([]float64, 72)), x).Toward(Margin{}), xai.ErrTarget, "needs another score"},
		{Of(net, x).Toward(Function{Name: "log", Value: func([]float64) float64 { return math.NaN() }}), nil, "finite number"},
		{Of(net, x).Toward(Function{Name: "root", Value: func([]float64) float64 { return 1 }, Gradient: func(dst, _ []float64) { dst[0] = math.NaN() }}), nil, "not finite"},
	} {
		_, err := c.r.Explain(ctx)
		if err == nil || !strings.Contains(err.Error(), c.want) || c.matches != nil && !errors.Is(err, c.matches) {
			t.Errorf("%s: %v, want %q", c.r.Key(), err, c.want)
		}
	}
	if _, err := Score(net, Margin{Class: Predicted}); !errors.Is(err, xai.ErrTarget) {
		t.Errorf("a prediction without a sample: %v", err)
	}
	if _, err := Score(nil, Margin{}); err == nil {
		t.Error("no model: no error")
	}
	a, _ := Score(net, Margin{Class: 1})
	b, _ := Score(net, Margin{Class: 2})
	if p := a.(xai.Named).Fingerprint(); p == "" || p == b.(xai.Named).Fingerprint() || p == net.Fingerprint() {
		t.Error("scores share a fingerprint")
	}
}

// TestImportedNetwork: an imported residual network with batch normalisation, on an image.
func TestImportedNetwork(t *testing.T) {
	const path = "../../../shared/models/resnet32-cifar10-lt.onnx"
	if _, err := os.Stat(path); err != nil {
		t.Skip("needs a folder ../shared beside the repository, with models")
	}
	net, err := onnx.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	d, _ := net.Dims()
	x := datasets.Sample{Shape: net.Arch().Input(), X: random(1, d, 3).RawRowView(0)}
	for _, m := range layered() {
		if _, box := m.(LRP); box && m.(LRP).Composite.First != nil {
			continue
		}
		single, err := Of(net, x).With(m).Explain(ctx)
		if err != nil {
			t.Fatalf("%s: %v", name(m), err)
		}
		double, err := Of(net.Double(), x).With(m).Target(single.Target).Explain(ctx)
		if err != nil {
			t.Fatalf("%s: %v", name(m), err)
		}
		worst, size := 0.0, floats.Norm(double.Values, math.Inf(1))
		for j, v := range single.Values {
			worst = max(worst, math.Abs(v-double.Values[j]))
		}
		t.Logf("%s: float32 within %.1e of float64, largest value %.2g", name(m), worst/size, size)
		if worst > 0.02*size {
			t.Errorf("%s: float32 is %g off", name(m), worst/size)
		}
	}
}

// TestScalarForgets: randomisation tests see through a Score, of a model that can forget.
func TestScalarForgets(t *testing.T) {
	net, _ := twin(t, 2, true)
	type forgetter interface {
		Layers() []xai.Layer
		Randomized(seed uint64, layers ...string) (xai.Differentiable, error)
	}
	for _, s := range scalars() {
		f, err := Score(net, s)
		if err != nil {
			t.Fatal(err)
		}
		layers := f.(forgetter).Layers()
		if end := layers[len(layers)-1].Name; end != s.source() && (s.source() != "" || end != "fc2") {
			t.Errorf("%v: the last layer is %s", s, end)
		}
		random, err := f.(forgetter).Randomized(3, "conv1")
		if err != nil {
			t.Fatal(err)
		}
		forgot, err := net.Randomized(3, "conv1")
		if err != nil {
			t.Fatal(err)
		}
		want, err := Score(forgot, s)
		if err != nil {
			t.Fatal(err)
		}
		x := random72(t, random, want)
		if _, err := (LRP{}).Attribute(ctx, random, mat.NewDense(2, 72, nil), Batch{X: x, Shape: datasets.Shape{Channels: 2, Height: 6, Width: 6}, Targets: []int{0, 0}}); err != nil {
			t.Errorf("%v: LRP after forgetting: %v", s, err)
		}
	}
	if f, err := Score(tanhNet(72, 1), Margin{}); err != nil {
		t.Error(err)
	} else if _, ok := f.(forgetter); ok {
		t.Error("a formula has nothing to forget")
	}
}

// random72 checks that two models have the same scores at random inputs, which it returns.
func random72(t *testing.T, a, b xai.Differentiable) *mat.Dense {
	t.Helper()
	x := random(2, 72, 8)
	got, err := a.Scores(ctx, x)
	if err != nil {
		t.Fatal(err)
	}
	if want, err := b.Scores(ctx, x); err != nil || !mat.Equal(got, want) {
		t.Errorf("%v, want %v, %v", mat.Formatted(got), mat.Formatted(want), err)
	}
	return x
}

// TestScalarCancelled: a context ends a gradient of a scalar as any other.
func TestScalarCancelled(t *testing.T) {
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	net, _ := twin(t, 2, true)
	f, err := Score(net, Margin{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Gradients(cancelled, mat.NewDense(1, 72, nil), random(1, 72, 1), []int{0}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

var _ xai.Layered = (*nn.Net)(nil)

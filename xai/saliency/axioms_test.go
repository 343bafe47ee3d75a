package saliency

import (
	"math"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// fine are the methods that distribute the score over single values, at settings that
// make them exact on a linear model. Those in linear are linear in the model.
func fine() (fine, linear []Method) {
	zeros := [][]float64{make([]float64, 4)}
	linear = []Method{
		InputGradient{}, IntegratedGradients{}, IntegratedGradients{Rule: Trapezoid}, IntegratedGradients{Rule: GaussLegendre, Steps: 9},
		ExpectedGradients{Baselines: zeros}, Smooth{Of: IntegratedGradients{Steps: 3}, Sigma: 1e-9}, Occlusion{Patch: 1}, Shapley{Patch: 1},
		LIME{Patch: 1, Baseline: zeros[0], Ridge: 1e-9},
	}
	return append(linear, AdaptiveIntegratedGradients{}), linear
}

// TestAgreementOnLinearModels: for f = w.x + b everything is w (x - x').
func TestAgreementOnLinearModels(t *testing.T) {
	all, _ := fine()
	for _, m := range all {
		got, report := attribute(t, m, affine(5, []float64{2, -1, 0.5, 0}), images(rows([]float64{0.5, 0.25, 1, 0.75}), 2, 2))
		near(t, name(m), got.RawRowView(0), []float64{1, -0.25, 0.5, 0}, 1e-7)
		for _, c := range report.Completeness {
			near(t, name(m)+", completeness", []float64{c.Change, c.Error()}, []float64{1.25, 0}, 1e-12)
		}
	}
}

// combine is a f + b g.
func combine(a float64, f formula, b float64, g formula) formula {
	mix := func(p, q []float64) []float64 {
		out := make([]float64, len(p))
		for j := range out {
			out[j] = a*p[j] + b*q[j]
		}
		return out
	}
	return formula{
		d:      f.d,
		scores: func(x []float64) []float64 { return mix(f.scores(x), g.scores(x)) },
		grad:   func(x []float64, k int) []float64 { return mix(f.grad(x, k), g.grad(x, k)) },
	}
}

// TestLinearity: the map of 2f - 3g is twice that of f minus three times that of g.
func TestLinearity(t *testing.T) {
	_, linear := fine()
	f, g := tanhNet(4, 1), tanhNet(4, 2)
	in := images(random(2, 4, 3), 2, 2, 0, 2)
	for _, m := range append(linear, RISE{Masks: 50, Grid: 2}, Smooth{}) {
		mf, _ := attribute(t, m, f, in)
		mg, _ := attribute(t, m, g, in)
		both, _ := attribute(t, m, combine(2, f, -3, g), in)
		mf.Scale(2, mf)
		mg.Scale(3, mg)
		mf.Sub(mf, mg)
		near(t, name(m), both.RawMatrix().Data, mf.RawMatrix().Data, 1e-11)
	}
}

// TestDummy: a value that the model does not read gets exactly 0.
func TestDummy(t *testing.T) {
	three := tanhNet(3, 1)
	f := formula{
		d:      4,
		scores: func(x []float64) []float64 { return three.scores(x[:3]) },
		grad:   func(x []float64, k int) []float64 { return append(three.grad(x[:3], k), 0) },
	}
	all, _ := fine()
	for _, m := range append(all, Gradient{}, Smooth{}, Smooth{Kind: Variance}, GradientFlow{}, FiniteDifference{}) {
		if _, regression := m.(LIME); regression { // an estimate, 0 on average
			continue
		}
		got, _ := attribute(t, m, f, images(random(1, 4, 3), 2, 2))
		if got.At(0, 3) != 0 {
			t.Errorf("%s: the unused value has %g", name(m), got.At(0, 3))
		}
	}
}

// TestSymmetry: two values that the model treats alike, and that are equal, get the same.
// Methods that draw are symmetric on average only.
func TestSymmetry(t *testing.T) {
	three := tanhNet(3, 1)
	f := formula{
		d:      4,
		scores: func(x []float64) []float64 { return three.scores([]float64{x[0] + x[3], x[1], x[2]}) },
		grad: func(x []float64, k int) []float64 {
			g := three.grad([]float64{x[0] + x[3], x[1], x[2]}, k)
			return append(g, g[0])
		},
	}
	in := images(mat.NewDense(1, 4, []float64{0.4, 0.9, 0.1, 0.4}), 2, 2)
	for _, m := range []Method{
		Gradient{}, InputGradient{}, IntegratedGradients{}, AdaptiveIntegratedGradients{}, Occlusion{},
		GradientFlow{}, Boundary{Overshoot: 0.1, Steps: 200}, FiniteDifference{},
	} {
		got, _ := attribute(t, m, f, in)
		near(t, name(m), []float64{got.At(0, 0)}, []float64{got.At(0, 3)}, 1e-15)
	}
	many, _ := attribute(t, Shapley{Permutations: 20000}, f, in)
	near(t, "Shapley", []float64{many.At(0, 0)}, []float64{many.At(0, 3)}, 0.02)
}

// TestPermutation: a model that reads the values in another order has the map in that order.
func TestPermutation(t *testing.T) {
	f, order := tanhNet(6, 3), []int{3, 0, 5, 1, 4, 2}
	turned := func(v []float64) []float64 { // what f reads of what g reads
		out := make([]float64, 6)
		for j, at := range order {
			out[at] = v[j]
		}
		return out
	}
	g := formula{d: 6,
		scores: func(x []float64) []float64 { return f.scores(turned(x)) },
		grad: func(x []float64, k int) []float64 {
			slope, out := f.grad(turned(x), k), make([]float64, 6)
			for j, at := range order {
				out[j] = slope[at]
			}
			return out
		},
	}
	x := random(1, 6, 3).RawRowView(0)
	for _, m := range []Method{
		Gradient{}, InputGradient{}, IntegratedGradients{}, AdaptiveIntegratedGradients{}, Occlusion{}, ExpectedGradients{Baselines: [][]float64{make([]float64, 6)}},
		GradientFlow{}, Boundary{Overshoot: 0.1, Steps: 200}, FiniteDifference{},
	} {
		one, _ := attribute(t, m, f, images(rows(turned(x)), 1, 6))
		other, _ := attribute(t, m, g, images(rows(x), 1, 6))
		near(t, name(m), turned(other.RawRowView(0)), one.RawRowView(0), 1e-12)
	}
}

// TestHomogeneity: without biases a network of ReLUs is a line from zero to the input. Its
// gradient does not change on the way, and input x gradient, integrated gradients and the
// score are one.
func TestHomogeneity(t *testing.T) {
	for s := range uint64(5) {
		net, _ := twin(t, s, false)
		in := Batch{X: random(1, 72, s), Shape: datasets.Shape{Channels: 2, Height: 6, Width: 6}, Targets: []int{1}, High: 1}
		scores, err := net.Scores(ctx, in.X)
		if err != nil {
			t.Fatal(err)
		}
		var maps [3][]float64
		for k, m := range []Method{InputGradient{}, IntegratedGradients{Steps: 7}, LRP{Rule: xai.Epsilon{}}} {
			dst := mat.NewDense(1, 72, nil)
			if _, err := m.Attribute(ctx, net, dst, in); err != nil {
				t.Fatal(err)
			}
			maps[k] = dst.RawRowView(0)
			near(t, name(m)+", sum", []float64{floats.Sum(maps[k])}, []float64{scores.At(0, 1)}, 1e-12)
		}
		near(t, "integrated gradients", maps[1], maps[0], 1e-12)
		near(t, "LRP-0", maps[2], maps[0], 1e-12)
	}
}

// TestShiftedInput: a constant that is added to the input, and taken off by the first layer,
// changes nothing that the model computes (Kindermans et al., 2017, arXiv:1711.00867). The
// gradient and what follows it stay; what multiplies by the input does not, nor do integrated
// gradients, unless the baseline moves along.
func TestShiftedInput(t *testing.T) {
	f := tanhNet(4, 1)
	const shift = 0.25
	back := func(x []float64) []float64 {
		out := make([]float64, len(x))
		for j, v := range x {
			out[j] = v - shift
		}
		return out
	}
	g := formula{d: 4,
		scores: func(x []float64) []float64 { return f.scores(back(x)) },
		grad:   func(x []float64, k int) []float64 { return f.grad(back(x), k) },
	}
	moved := []float64{shift, shift, shift, shift}
	x := random(1, 4, 3).RawRowView(0)
	y := make([]float64, 4)
	floats.AddTo(y, x, moved)
	for _, c := range []struct {
		m, moved Method
		same     bool
	}{
		{Gradient{}, Gradient{}, true},
		{Smooth{}, Smooth{}, true},
		{GradientFlow{Free: true}, GradientFlow{Free: true}, true},
		{InputGradient{}, InputGradient{}, false},
		{IntegratedGradients{}, IntegratedGradients{}, false},
		{IntegratedGradients{}, IntegratedGradients{Baseline: moved}, true},
		{Occlusion{}, Occlusion{}, false},
		{Occlusion{}, Occlusion{Fill: shift}, true},
	} {
		one, _ := attribute(t, c.m, f, images(rows(x), 2, 2))
		other, _ := attribute(t, c.moved, g, images(rows(y), 2, 2))
		if far := floats.Distance(one.RawRowView(0), other.RawRowView(0), math.Inf(1)); (far < 1e-12) != c.same || !c.same && far < 1e-3 {
			t.Errorf("%s, then %s: a shift changes the map by %g, want it the same: %v", name(c.m), name(c.moved), far, c.same)
		}
	}
}

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
// make them exact on a linear model.
func fine() []Method {
	zeros := [][]float64{make([]float64, 4)}
	return []Method{
		InputGradient{}, IntegratedGradients{}, IntegratedGradients{Rule: Trapezoid}, IntegratedGradients{Rule: GaussLegendre, Steps: 9},
		ExpectedGradients{Baselines: zeros}, Smooth{Of: IntegratedGradients{Steps: 3}, Sigma: 1e-9}, Occlusion{Patch: 1}, Shapley{Patch: 1},
		LIME{Patch: 1, Baseline: zeros[0], Ridge: 1e-9},
		AdaptiveIntegratedGradients{},
	}
}

// TestAgreementOnLinearModels: for f = w.x + b everything is w (x - x').
func TestAgreementOnLinearModels(t *testing.T) {
	for _, m := range fine() {
		got, report := attribute(t, m, affine(5, []float64{2, -1, 0.5, 0}), images(rows([]float64{0.5, 0.25, 1, 0.75}), 2, 2))
		near(t, name(m), got.RawRowView(0), []float64{1, -0.25, 0.5, 0}, 1e-7)
		for _, c := range report.Completeness {
			near(t, name(m)+", completeness", []float64{c.Change, c.Error()}, []float64{1.25, 0}, 1e-12)
		}
	}
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

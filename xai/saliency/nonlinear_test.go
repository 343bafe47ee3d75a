package saliency

import (
	"errors"
	"math"
	"testing"

	"github.com/whybook/whybook/xai"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

func cosine(a, b []float64) float64 {
	return floats.Dot(a, b) / floats.Norm(a, 2) / floats.Norm(b, 2)
}

// product is f = x1 x2 against a score that is out of reach: a target to ascend.
func product() formula {
	return formula{
		d:      2,
		scores: func(x []float64) []float64 { return []float64{x[0] * x[1], 100} },
		grad: func(x []float64, k int) []float64 {
			if k == 1 {
				return []float64{0, 0}
			}
			return []float64{x[1], x[0]}
		},
	}
}

// TestNonlinearAgreesOnLinearModels is the first claim of the paper: where the model is
// linear, the nonlinear maps say what the gradient says.
func TestNonlinearAgreesOnLinearModels(t *testing.T) {
	w, v := []float64{2, -1, 0.5, 0}, []float64{-1, 0, 1, 1}
	f := affine(1, w, v)
	margin := []float64{3, -1, -0.5, -1}
	for target, sign := range []float64{1, -1} { // at this x score 0 is the greater: one is left, the other sought
		in := images(rows([]float64{0.5, 0.5, 0.5, 0.4}), 2, 2, target)
		in.High = 0
		weights := [][]float64{w, v}[target]
		for _, length := range []float64{1e-3, 0.05, 1} {
			flow, _ := attribute(t, GradientFlow{Length: length, Stop: 1}, f, in)
			near(t, "flow against gradient", []float64{cosine(flow.RawRowView(0), weights)}, []float64{1}, 1e-12)
		}
		mean, _ := attribute(t, GradientFlow{Average: true}, f, in)
		near(t, "mean gradient", mean.RawRowView(0), weights, 1e-12)
		cross, _ := attribute(t, Boundary{}, f, in)
		m := floats.Dot(margin, in.X.RawRowView(0)) // at the start
		want := make([]float64, 4)
		floats.ScaleTo(want, sign*1.02*m/floats.Dot(margin, margin), margin)
		near(t, "boundary", cross.RawRowView(0), want, 1e-12)
	}
	in := images(rows([]float64{0.5, 0.1, 0.5, 0.4}), 2, 2)
	diff, _ := attribute(t, FiniteDifference{}, f, in)
	near(t, "finite difference", diff.RawRowView(0), []float64{2 * 0.5, 0.9, 0.5 * 0.5, 0}, 1e-12)
	// A bump that only the middle value finds, and each value costs an evaluation.
	bump := formula{d: 1, scores: func(x []float64) []float64 { return []float64{x[0] * (1 - x[0])} }}
	top, report := attribute(t, FiniteDifference{}, bump, images(rows([]float64{1}), 1, 1))
	near(t, "a bump", []float64{top.At(0, 0), float64(report.Passes)}, []float64{0.25, 4}, 0)
	signed, _ := attribute(t, FiniteDifference{KeepSign: true, Values: []float64{0}}, f, in)
	near(t, "finite difference, signed", signed.RawRowView(0), []float64{1, -0.1, 0.25, 0}, 1e-12)
}

// TestFlowBends: on f = x1 x2 from (0.1, 0.2) the gradient says 2:1 for ever; the flow
// turns to the diagonal and keeps x2^2 - x1^2 = 0.03.
func TestFlowBends(t *testing.T) {
	for _, c := range []struct{ s, ratio float64 }{{0.01, 1.94}, {0.1, 1.59}, {1, 1.12}, {5, 1.03}} {
		in := images(rows([]float64{0.1, 0.2}), 1, 2)
		in.High = 0 // no limits
		got, _ := attribute(t, GradientFlow{Length: c.s / math.Sqrt2, Steps: int(c.s/1e-4 + 0.5)}, product(), in)
		m := got.RawRowView(0)
		near(t, "ratio", []float64{m[0] / m[1]}, []float64{c.ratio}, 0.005)
		a, b := 0.1+m[0], 0.2+m[1]
		near(t, "invariant", []float64{b*b - a*a}, []float64{0.03}, 1e-4)
	}
}

func TestFlowStops(t *testing.T) {
	// The predicted class is left: 10 steps of 0.01 bring x1 - x2 from 0.15 below 0.
	f := affine(0, []float64{1, -1}, []float64{0, 0})
	in := images(rows([]float64{0.575, 0.425}), 1, 2, 0)
	got, _ := attribute(t, GradientFlow{Length: 1, Steps: 100}, f, in)
	x := []float64{0.575 - got.At(0, 0), 0.425 - got.At(0, 1)}
	if gap := x[0] - x[1]; gap > 0 || gap < -0.02*math.Sqrt2 {
		t.Errorf("descent ended at a margin of %g, want the first step below 0", gap)
	}
	// The other class is sought until its probability is 0.99.
	f = affine(0, []float64{20, -20}, []float64{-20, 20})
	got, _ = attribute(t, GradientFlow{Length: 1, Steps: 1000}, f, images(rows([]float64{0.575, 0.425}), 1, 2, 1))
	p := probability(f.scores([]float64{0.575 + got.At(0, 0), 0.425 + got.At(0, 1)}), 1)
	if p < 0.99 || p > 0.9906 {
		t.Errorf("ascent ended at a probability of %g", p)
	}
	// At the border of the range the path goes along it.
	got, _ = attribute(t, GradientFlow{Length: 0.2}, affine(0, []float64{1, 1}, []float64{9, 9}), images(rows([]float64{0.99, 0.5}), 1, 2, 0))
	near(t, "clipped", got.RawRowView(0), []float64{0.01, 0.2}, 1e-12)

	// Flat at the input: there is no map.
	dst := mat.NewDense(1, 2, nil)
	for _, c := range []struct {
		what string
		m    Method
		x    []float64
	}{
		{"at the saddle", GradientFlow{}, []float64{0, 0}},
		{"boundary at the saddle", Boundary{}, []float64{0, 0}},
		{"a boundary at x1 x2 = 100 with limits 0 and 1", Boundary{}, []float64{0.5, 0.5}},
		{"smoothed", Smooth{Of: Boundary{}, Samples: 3, Sigma: 0.01}, []float64{0.5, 0.5}},
	} {
		report, err := c.m.Attribute(ctx, product(), dst, images(rows(c.x), 1, 2))
		if err != nil || !errors.Is(report.Err(0), ErrUndefined) || !math.IsNaN(dst.At(0, 1)) {
			t.Errorf("%s: %v, %v, %v", c.what, err, report.Undefined, dst.RawRowView(0))
		}
		if _, err := Of(product(), sampled(c.x...)).With(c.m).Explain(ctx); !errors.Is(err, ErrUndefined) {
			t.Errorf("%s, explained: %v", c.what, err)
		}
	}
	// One score is the margin over 0: here it is 0 half-way to the corner.
	got, report := attribute(t, Boundary{}, affine(-0.5, []float64{1, 1}), images(rows([]float64{0.5, 0.5}), 1, 2))
	near(t, "a boundary of one score", got.RawRowView(0), []float64{0.255, 0.255}, 1e-12)
	if report.Passes != 2 {
		t.Errorf("a step with one score took %d passes", report.Passes)
	}
	got, _ = attribute(t, GradientFlow{Length: 1, Steps: 100}, affine(-0.5, []float64{1, 1}), images(rows([]float64{0.5, 0.5}), 1, 2))
	if left := 0.5 - got.At(0, 0) - got.At(0, 1); left > 0 || left < -0.03 {
		t.Errorf("the flow of one score ended at %g, want the first step below 0", left)
	}
}

func TestNonlinearSettings(t *testing.T) {
	for _, m := range []Method{GradientFlow{}, GradientFlow{Average: true, Batch: 2}, FiniteDifference{}, FiniteDifference{Patch: 3, KeepSign: true}} {
		inFlight(t, m, 64)
	}
	inFlight(t, Boundary{Overshoot: 0.1, Steps: 200, Batch: 3}, 3)
	refuse(t, GradientFlow{Length: -1}, "field Length")
	refuse(t, GradientFlow{Length: math.NaN()}, "NaN")
	refuse(t, GradientFlow{Steps: -1}, "field Steps")
	refuse(t, GradientFlow{Stop: 1.5}, "field Stop")
	refuse(t, Boundary{Steps: -1}, "field Steps")
	refuse(t, Boundary{Overshoot: math.Inf(1)}, "field Overshoot")
	refuse(t, FiniteDifference{Patch: 5}, "larger than the image of 4x4")
	refuse(t, FiniteDifference{Patch: -1}, "field Patch")
	refuse(t, FiniteDifference{Values: []float64{math.NaN()}}, "NaN")
	in := images(random(1, 16, 2), 4, 4)
	in.High = 0
	if _, err := (FiniteDifference{}).Attribute(ctx, tanhNet(16, 1), mat.NewDense(1, 16, nil), in); err == nil {
		t.Error("values without limits")
	}
	in.Shape.Width = 3
	if _, err := (FiniteDifference{}).Attribute(ctx, tanhNet(16, 1), mat.NewDense(1, 16, nil), in); !errors.Is(err, xai.ErrShape) {
		t.Errorf("a wrong shape: %v", err)
	}
}

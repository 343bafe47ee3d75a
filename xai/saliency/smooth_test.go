package saliency

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"
)

func rows(list ...[]float64) *mat.Dense {
	x := mat.NewDense(len(list), len(list[0]), nil)
	for i, r := range list {
		x.SetRow(i, r)
	}
	return x
}

func TestSmooth(t *testing.T) {
	for _, m := range []Smooth{{}, {Kind: Squared}, {Kind: Variance, Batch: 7}, {Of: IntegratedGradients{Steps: 5}, Samples: 9}} {
		inFlight(t, m, 64)
	}
	w := []float64{2, -1, 0.5, 0}
	x := images(rows([]float64{0.1, 0.2, 0.3, 0.4}), 2, 2)
	for _, c := range []struct {
		m    Smooth
		want []float64
	}{
		{Smooth{Sigma: 3}, w},
		{Smooth{Kind: Squared}, []float64{4, 1, 0.25, 0}},
		{Smooth{Kind: Variance}, []float64{0, 0, 0, 0}},
	} {
		got, report := attribute(t, c.m, affine(1, w), x)
		near(t, name(c.m)+" of a linear model", got.RawRowView(0), c.want, 1e-14)
		if report.Passes != 50 {
			t.Errorf("%d passes, want 50", report.Passes)
		}
	}

	// f = sum of x^2/2 has the gradient x, so the map is x plus the noise itself: mean x,
	// variance sigma^2.
	square := formula{
		d:      2,
		scores: func(x []float64) []float64 { return []float64{(x[0]*x[0] + x[1]*x[1]) / 2} },
		grad:   func(x []float64, _ int) []float64 { return []float64{x[0], x[1]} },
	}
	in := images(rows([]float64{0.2, 0.8}), 1, 2)
	mean, _ := attribute(t, Smooth{Samples: 20000}, square, in)
	near(t, "mean", mean.RawRowView(0), []float64{0.2, 0.8}, 4*0.15/math.Sqrt(20000))
	second, _ := attribute(t, Smooth{Samples: 20000, Kind: Squared}, square, in)
	variance, _ := attribute(t, Smooth{Samples: 20000, Kind: Variance}, square, in)
	near(t, "variance", variance.RawRowView(0), []float64{0.0225, 0.0225}, 0.001)
	for j := range 2 {
		near(t, "E m^2 - (E m)^2", []float64{second.At(0, j) - mean.At(0, j)*mean.At(0, j)}, []float64{variance.At(0, j)}, 1e-12)
	}

	// Without limits the scale is the row's own range, here 0.6 instead of 1.
	in.High = 0
	own, _ := attribute(t, Smooth{Samples: 20000, Kind: Variance}, square, in)
	near(t, "variance without limits", []float64{own.At(0, 0) / variance.At(0, 0)}, []float64{0.36}, 1e-12)

	// As sigma falls to 0, the gradient appears.
	limit, _ := attribute(t, Smooth{Sigma: 1e-9}, square, in)
	near(t, "little noise", limit.RawRowView(0), []float64{0.2, 0.8}, 1e-8)

	other, _ := attribute(t, Smooth{Seed: 1, Samples: 5}, square, in)
	first, _ := attribute(t, Smooth{Samples: 5}, square, in)
	if mat.Equal(other, first) {
		t.Error("another seed, the same noise")
	}
	if (Smooth{Kind: Squared}).Signed() || !(Smooth{}).Signed() {
		t.Error("squares have no sign, means have")
	}
	if got := name(Smooth{Kind: Variance, Of: &IntegratedGradients{Steps: 3}}); got != "saliency.Smooth{Of: saliency.IntegratedGradients{Steps: 3}, Kind: saliency.Variance}" {
		t.Errorf("name %s", got)
	}

	refuse(t, Smooth{Samples: -1}, "field Samples")
	refuse(t, Smooth{Sigma: -1}, "field Sigma")
	refuse(t, Smooth{Sigma: math.NaN()}, "NaN")
	refuse(t, Smooth{Kind: 9}, "field Kind")
	refuse(t, Smooth{Batch: -1}, "field Batch")
	refuse(t, Smooth{Of: (*IntegratedGradients)(nil)}, "field Of is a nil")
	refuse(t, Smooth{Of: IntegratedGradients{Steps: -1}}, "field Steps")
}

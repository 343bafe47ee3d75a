package evaluate

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/saliency"
	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// bowl is f = a |x|^2/2, whose gradient is a x.
func bowl(d int, a float64) formula {
	return formula{
		d:      d,
		scores: func(x []float64) []float64 { return []float64{a * floats.Dot(x, x) / 2, -1} },
		grad: func(x []float64, _ int) []float64 {
			g := make([]float64, len(x))
			floats.AddScaled(g, a, x)
			return g
		},
	}
}

// TestSensitivityBound: the true maximum for the gradient of the bowl is r sqrt(d)/|x|.
func TestSensitivityBound(t *testing.T) {
	for sd := range uint64(5) {
		x := random(sd, 9)
		m := mapOf(shape(1, 3, 3), x, x)
		bound := 0.02 * 3 / floats.Norm(x, 2)
		most, err := MaxSensitivity{Of: saliency.Gradient{}}.Measure(ctx, bowl(9, 1), m)
		mean, err2 := AvgSensitivity{Of: saliency.Gradient{}}.Measure(ctx, bowl(9, 1), m)
		if err != nil || err2 != nil || !(0 < mean && mean < most && most <= bound) || most < bound/2 {
			t.Errorf("max %v, mean %v, bound %v (%v, %v)", most, mean, bound, err, err2)
		}
		// Planted fault: a radius that is twice as large breaks the bound.
		if wide, _ := (MaxSensitivity{Of: saliency.Gradient{}, Radius: 0.04}).Measure(ctx, bowl(9, 1), m); wide <= bound {
			t.Errorf("twice the radius gives %v, still below the bound %v", wide, bound)
		}
	}
}

// TestStabilityAgainstDefinition draws the same points and computes each ratio by hand.
func TestStabilityAgainstDefinition(t *testing.T) {
	const d, n = 5, 70 // more than one block
	f := formula{
		d:      d,
		scores: func(x []float64) []float64 { return []float64{floats.Dot(x, x) * floats.Sum(x), 0.5} },
		grad: func(x []float64, _ int) []float64 {
			g, sum, square := make([]float64, d), floats.Sum(x), floats.Dot(x, x)
			for i, v := range x {
				g[i] = 2*v*sum + square
			}
			return g
		},
	}
	x := []float64{0.1, 0.2, 0, 0.3, 0.7}
	phi := f.grad(x, 0)
	m := mapOf(shape(1, 1, d), x, phi)
	var lipschitz, most, mean, ris, ros float64
	kept := 0
	for i := 1; i <= n; i++ {
		r, y := seed.Stream(3, "neighbourhood", i), make([]float64, d)
		var dphi, dx, dphiRel, dxRel float64
		for j := range y {
			y[j] = x[j] + 0.1*(2*r.Float64()-1)
		}
		for j, g := range f.grad(y, 0) {
			dphi += (g - phi[j]) * (g - phi[j])
			dx += (y[j] - x[j]) * (y[j] - x[j])
			dphiRel += (g - phi[j]) * (g - phi[j]) / (phi[j] * phi[j])
			over := x[j]
			if over == 0 {
				over = 1e-6
			}
			dxRel += (y[j] - x[j]) * (y[j] - x[j]) / (over * over)
		}
		lipschitz = max(lipschitz, math.Sqrt(dphi/dx))
		most = max(most, math.Sqrt(dphi)/floats.Norm(phi, 2))
		mean += math.Sqrt(dphi) / floats.Norm(phi, 2) / n
		if f.scores(y)[0] > 0.5 { // as at x
			kept++
			ris = max(ris, math.Sqrt(dphiRel/dxRel))
			ros = max(ros, math.Sqrt(dphiRel)/math.Abs(f.scores(y)[0]-f.scores(x)[0]))
		}
	}
	if kept == 0 || kept == n {
		t.Fatalf("%d of %d points keep the class: the test does not test", kept, n)
	}
	of := saliency.Gradient{}
	measures(t, LocalLipschitz{Of: of, Samples: n, Seed: 3}, f, m, lipschitz, 1e-9)
	measures(t, MaxSensitivity{Of: of, Samples: n, Seed: 3, Radius: 0.1}, f, m, most, 1e-9)
	measures(t, AvgSensitivity{Of: of, Samples: n, Seed: 3, Radius: 0.1}, f, m, mean, 1e-9)
	measures(t, RelativeInputStability{Of: of, Samples: n, Seed: 3, Radius: 0.1}, f, m, ris, 1e-9*ris)
	measures(t, RelativeOutputStability{Of: of, Samples: n, Seed: 3, Radius: 0.1}, f, m, ros, 1e-9*ros)
}

func TestStabilityOfLinearModels(t *testing.T) {
	f, m := oracle() // whose gradient does not change at all
	of := saliency.Gradient{}
	for _, metric := range []Metric{MaxSensitivity{Of: of}, AvgSensitivity{Of: of}, LocalLipschitz{Of: of}, RelativeInputStability{Of: of}, RelativeOutputStability{Of: of}} {
		measures(t, metric, f, m, 0, 0)
	}
	x := random(1, 4)
	measures(t, LocalLipschitz{Of: of}, bowl(4, 3), mapOf(shape(1, 2, 2), x, []float64{3 * x[0], 3 * x[1], 3 * x[2], 3 * x[3]}), 3, 1e-9)
}

// fault is a method that fails, or returns what is no map.
type fault struct{ err error }

func (fault) Signed() bool { return true }
func (p fault) Attribute(_ context.Context, _ xai.Differentiable, dst *mat.Dense, in saliency.Batch) (saliency.Report, error) {
	dst.Copy(in.X)
	dst.Set(0, 0, math.NaN())
	return saliency.Report{}, p.err
}

func TestStabilityMistakes(t *testing.T) {
	f, m := oracle()
	of, oops := saliency.Gradient{}, errors.New("oops")
	for name, c := range map[string]struct {
		metric Metric
		m      saliency.Map
		want   error // nil: any
	}{
		"no method":      {MaxSensitivity{}, m, nil},
		"no method 2":    {LocalLipschitz{}, m, nil},
		"radius":         {MaxSensitivity{Of: of, Radius: -1}, m, nil},
		"samples":        {AvgSensitivity{Of: of, Samples: -1}, m, nil},
		"floor":          {RelativeInputStability{Of: of, Floor: -1}, m, nil},
		"zero map":       {MaxSensitivity{Of: of}, with(m, 0, 0, 0, 0), ErrZero},
		"other's map":    {MaxSensitivity{Of: of}, with(m, 4, 3, 2, 0), ErrMap},
		"NaN map":        {LocalLipschitz{Of: of}, with(m, 4, 3, 2, math.NaN()), ErrMap},
		"method fails":   {MaxSensitivity{Of: fault{oops}}, m, oops},
		"method is lost": {RelativeOutputStability{Of: fault{}}, m, ErrMap},
	} {
		v, err := c.metric.Measure(ctx, f, c.m)
		if err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v, %v, want an error %v", name, v, err, c.want)
		}
	}
	stopped, stop := context.WithCancel(ctx)
	stop()
	if _, err := (MaxSensitivity{Of: of}).Measure(stopped, f, m); !errors.Is(err, context.Canceled) {
		t.Errorf("after an interrupt: %v", err)
	}
	// A class that holds nowhere around x.
	edge := formula{d: 1, scores: func(x []float64) []float64 {
		if x[0] == 1 {
			return []float64{1, 0}
		}
		return []float64{0, 1}
	}, grad: func([]float64, int) []float64 { return []float64{1} }}
	if v, err := (RelativeInputStability{Of: of}).Measure(ctx, edge, mapOf(shape(1, 1, 1), []float64{1}, []float64{1})); err == nil {
		t.Errorf("no neighbour of the class: %v, want an error", v)
	}
}

package saliency

import (
	"math"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/nn"
	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// reluNet is a random network of d inputs, two layers of 8 ReLUs and one score.
func reluNet(d int, s uint64) formula {
	r := seed.Stream(s, "relu")
	layer := func(out, in int) (*mat.Dense, []float64) {
		w, b := mat.NewDense(out, in, nil), make([]float64, out)
		for u := range out {
			for j := range in {
				w.Set(u, j, r.NormFloat64())
			}
			b[u] = r.NormFloat64()
		}
		return w, b
	}
	w1, b1 := layer(8, d)
	w2, b2 := layer(8, 8)
	w3, _ := layer(1, 8)
	forward := func(w *mat.Dense, b, x []float64) []float64 {
		out := make([]float64, len(b))
		for u := range out {
			out[u] = b[u]
			for j, v := range x {
				out[u] += w.At(u, j) * relu(v)
			}
		}
		return out
	}
	shift := func(x []float64) []float64 { // the input may be negative: no ReLU before layer 1
		out := make([]float64, 8)
		for u := range out {
			out[u] = b1[u]
			for j, v := range x {
				out[u] += w1.At(u, j) * v
			}
		}
		return out
	}
	return formula{
		d: d,
		scores: func(x []float64) []float64 {
			return forward(w3, []float64{0}, forward(w2, b2, shift(x)))
		},
		grad: func(x []float64, _ int) []float64 {
			h1 := shift(x)
			h2 := forward(w2, b2, h1)
			g := make([]float64, d)
			for u := range 8 {
				for v := range 8 {
					for j := range g {
						g[j] += w3.At(0, v) * step(h2[v]) * w2.At(v, u) * step(h1[u]) * w1.At(u, j)
					}
				}
			}
			return g
		},
	}
}

func TestAdaptive(t *testing.T) {
	inFlight(t, AdaptiveIntegratedGradients{}, 64)

	a, report := attribute(t, AdaptiveIntegratedGradients{Tolerance: 1e-9, Segments: 7}, netA(), images(rows([]float64{20, 50, 30}), 1, 3))
	near(t, "net A", a.RawRowView(0), []float64{78, 195, 117}, 1e-6)
	if c := report.Completeness[0]; c.Relative() > 1e-9 || c.Bound > 1e-9*390 {
		t.Errorf("net A: %+v", c)
	}
	for name, f := range map[string]formula{"B1": netB1(), "B2": netB2()} {
		m, _ := attribute(t, AdaptiveIntegratedGradients{Tolerance: 1e-11}, f, images(rows([]float64{3, 1}), 1, 2))
		near(t, "net "+name, m.RawRowView(0), []float64{1.5, -0.5}, 1e-9)
	}

	// A linear model needs no halving: 17 scores, 16 segments of 3 gradients, twice.
	if _, r := attribute(t, AdaptiveIntegratedGradients{}, affine(1, []float64{1, 2}), images(rows([]float64{1, 1}), 1, 2)); r.Passes != 17+2*48 {
		t.Errorf("a linear model took %d passes", r.Passes)
	}
	// One kink is found at once: 8 scores, 7 segments, a cut into 2, and 8 segments again.
	if _, r := attribute(t, AdaptiveIntegratedGradients{Tolerance: 1e-12, Segments: 7}, netA(), images(rows([]float64{20, 50, 30}), 1, 3)); r.Passes != 8+3*7+1+3*2+3*8 {
		t.Errorf("net A took %d passes", r.Passes)
	}
	// A path that is cut off by Limit says so by its bound.
	_, r := attribute(t, AdaptiveIntegratedGradients{Tolerance: 1e-12, Segments: 7, Limit: 7}, netA(), images(rows([]float64{20, 50, 30}), 1, 3))
	if c := r.Completeness[0]; c.Bound <= 1e-12*390 || c.Bound < math.Abs(c.Error()) {
		t.Errorf("limit 7: %+v", c)
	}
	// f ends where it began, and never moved.
	if _, r := attribute(t, AdaptiveIntegratedGradients{}, affine(1, []float64{0, 0}), images(rows([]float64{1, 1}), 1, 2)); r.Completeness[0] != (Completeness{}) {
		t.Errorf("flat: %+v", r.Completeness[0])
	}

	refuse(t, AdaptiveIntegratedGradients{Tolerance: -1}, "field Tolerance")
	refuse(t, AdaptiveIntegratedGradients{Tolerance: math.NaN()}, "NaN")
	refuse(t, AdaptiveIntegratedGradients{Segments: -1}, "field Segments")
	refuse(t, AdaptiveIntegratedGradients{Limit: 3}, "less than the 16")
	refuse(t, AdaptiveIntegratedGradients{Baseline: []float64{1}}, "has 1 values")
}

// TestAdaptiveBound: on 1000 random networks of ReLUs the tolerance is reached, and the
// bound is at least the error, measured here from the map and the scores.
func TestAdaptiveBound(t *testing.T) {
	const d = 4
	for s := range uint64(1000) {
		in, f := images(random(1, d, s), 1, d), reluNet(d, s)
		got, report := attribute(t, AdaptiveIntegratedGradients{Tolerance: 1e-9}, f, in)
		c := report.Completeness[0]
		change := f.scores(in.X.RawRowView(0))[0] - f.scores(make([]float64, d))[0]
		wrong := math.Abs(floats.Sum(got.RawRowView(0)) - change)
		rounding := 1e-15 * floats.Norm(got.RawRowView(0), 1) // of two ways to add
		if c.Change != change || c.Bound < wrong-rounding || !(c.Bound <= 1.0001e-9*math.Abs(change)) {
			t.Errorf("network %d: error %g of the change %g, reported %+v", s, wrong, change, c)
		}
	}
}

// single computes a model in float32, but for the input.
func single(f formula) formula {
	round := func(v []float64) []float64 {
		for j := range v {
			v[j] = float64(float32(v[j]))
		}
		return v
	}
	in := func(x []float64) []float64 { return round(append([]float64(nil), x...)) }
	return formula{
		d:      f.d,
		scores: func(x []float64) []float64 { return round(f.scores(in(x))) },
		grad:   func(x []float64, k int) []float64 { return round(f.grad(in(x), k)) },
	}
}

// TestAdaptiveRounding: where rounding in the model keeps the tolerance out of reach the work
// stops soon, with a bound that is at least the error; the same model in float64 reaches it.
func TestAdaptiveRounding(t *testing.T) {
	for s := range uint64(1000) {
		in := images(random(1, 4, s), 1, 4)
		f := reluNet(4, s)
		_, report := attribute(t, AdaptiveIntegratedGradients{Tolerance: 1e-9}, single(f), in)
		c := report.Completeness[0]
		size := 0.0
		for _, v := range f.scores(in.X.RawRowView(0)) {
			size = max(size, math.Abs(v))
		}
		if report.Passes > 5000 || c.Bound < math.Abs(c.Error()) || c.Bound > 1e-3*(size+math.Abs(c.Change)) {
			t.Errorf("network %d: %d passes, error %g, bound %g, change %g", s, report.Passes, c.Error(), c.Bound, c.Change)
		}
	}
	net, err := nn.LeNet(datasets.Shape{Channels: 1, Height: 28, Width: 28}, 10).Init(3)
	if err != nil {
		t.Fatal(err)
	}
	in := images(random(1, 784, 1), 28, 28, 4)
	report, err := AdaptiveIntegratedGradients{}.Attribute(ctx, net, mat.NewDense(1, 784, nil), in)
	if err != nil {
		t.Fatal(err)
	}
	if c := report.Completeness[0]; report.Passes > 6000 || c.Bound > 1e-3*math.Abs(c.Change) || c.Bound < math.Abs(c.Error()) {
		t.Errorf("LeNet in float32: %d passes, %+v", report.Passes, c)
	}
}

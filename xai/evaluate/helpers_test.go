package evaluate

import (
	"context"
	"math"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/saliency"
	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/mat"
)

var ctx = context.Background()

// formula is a model given by a function of one row and, where a test needs one, its gradient.
type formula struct {
	d      int
	scores func(x []float64) []float64
	grad   func(x []float64, target int) []float64
	widest *int // largest number of rows asked for at once
}

func (f formula) Dims() (d, k int) { return f.d, len(f.scores(make([]float64, f.d))) }

func (f formula) Scores(ctx context.Context, x *mat.Dense) (*mat.Dense, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	n, _ := x.Dims()
	_, k := f.Dims()
	if f.widest != nil {
		*f.widest = max(*f.widest, n)
	}
	out := mat.NewDense(n, k, nil)
	for i := range n {
		out.SetRow(i, f.scores(x.RawRowView(i)))
	}
	return out, nil
}

func (f formula) Gradients(ctx context.Context, dst, x *mat.Dense, targets []int) (*mat.Dense, error) {
	n, _ := x.Dims()
	for i := range n {
		dst.SetRow(i, f.grad(x.RawRowView(i), targets[i]))
	}
	return f.Scores(ctx, x)
}

var _ xai.Differentiable = formula{}

// linear is f(x) = w x, with a second score that is always 0.
func linear(w ...float64) formula {
	return formula{
		d: len(w),
		scores: func(x []float64) []float64 {
			sum := 0.0
			for i, v := range x {
				sum += w[i] * v
			}
			return []float64{sum, 0}
		},
		grad: func(_ []float64, target int) []float64 {
			if target == 1 {
				return make([]float64, len(w))
			}
			return w
		},
	}
}

// wavy is a smooth model without symmetries.
func wavy(d int) formula {
	return formula{
		d: d,
		scores: func(x []float64) []float64 {
			a, b := 0.0, 1.0
			for i, v := range x {
				a += math.Sin(float64(i+1) * v)
				b *= 1 + 0.3*v/float64(i+1)
			}
			return []float64{a * b, a - b}
		},
		grad: func(x []float64, target int) []float64 { return make([]float64, len(x)) },
	}
}

func shape(c, h, w int) datasets.Shape { return datasets.Shape{Channels: c, Height: h, Width: w} }

// mapOf is a map of an image x.
func mapOf(s datasets.Shape, x, phi []float64) saliency.Map {
	return saliency.Map{Values: phi, Shape: s, Signed: true, Sample: datasets.Sample{Shape: s, X: x}}
}

// oracle is the case of the hand-checked values: f(x) = sum of x_i w_i with contributions
// (4, 3, 2, 1).
func oracle() (formula, saliency.Map) {
	return linear(4, 3, 2, 1), mapOf(shape(1, 1, 4), []float64{1, 1, 1, 1}, []float64{4, 3, 2, 1})
}

func random(sd uint64, n int) []float64 {
	r, out := seed.Stream(sd, "test"), make([]float64, n)
	for i := range out {
		out[i] = r.NormFloat64()
	}
	return out
}

func scaled(m saliency.Map, a float64) saliency.Map {
	values := make([]float64, len(m.Values))
	for i, v := range m.Values {
		values[i] = a * v
	}
	m.Values = values
	return m
}

func with(m saliency.Map, values ...float64) saliency.Map {
	m.Values = values
	return m
}

// measures checks the number that a metric gives.
func measures(t *testing.T, metric Metric, f xai.Differentiable, m saliency.Map, want, tolerance float64) {
	t.Helper()
	got, err := metric.Measure(ctx, f, m)
	if err != nil {
		t.Errorf("%#v: %v", metric, err)
	} else if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%#v of %v: %.12g, want %.12g within %g", metric, m.Values, got, want, tolerance)
	}
}

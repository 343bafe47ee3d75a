package saliency

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/mat"
)

// affine is f = W x + b, with the gradient W.
func affine(b float64, w ...[]float64) formula {
	return formula{
		d: len(w[0]),
		scores: func(x []float64) []float64 {
			out := make([]float64, len(w))
			for k := range w {
				out[k] = b
				for j, v := range x {
					out[k] += w[k][j] * v
				}
			}
			return out
		},
		grad: func(_ []float64, k int) []float64 { return slices.Clone(w[k]) },
	}
}

// tanhNet is a random smooth network of d inputs, 5 hidden units and 3 scores.
func tanhNet(d int, s uint64) formula {
	r := seed.Stream(s, "tanh")
	w, v := mat.NewDense(5, d, nil), mat.NewDense(3, 5, nil)
	for _, m := range []*mat.Dense{w, v} {
		for i := range m.RawMatrix().Data {
			m.RawMatrix().Data[i] = r.NormFloat64()
		}
	}
	hidden := func(x []float64) []float64 {
		h := make([]float64, 5)
		for u := range h {
			for j, xj := range x {
				h[u] += w.At(u, j) * xj
			}
			h[u] = math.Tanh(h[u])
		}
		return h
	}
	return formula{
		d: d,
		scores: func(x []float64) []float64 {
			out := make([]float64, 3)
			for u, h := range hidden(x) {
				for k := range out {
					out[k] += v.At(k, u) * h
				}
			}
			return out
		},
		grad: func(x []float64, k int) []float64 {
			g := make([]float64, d)
			for u, h := range hidden(x) {
				for j := range g {
					g[j] += v.At(k, u) * (1 - h*h) * w.At(u, j)
				}
			}
			return g
		},
	}
}

// random returns n rows of d values in [0,1].
func random(n, d int, s uint64) *mat.Dense {
	r := seed.Stream(s, "rows")
	x := mat.NewDense(n, d, nil)
	for i := range x.RawMatrix().Data {
		x.RawMatrix().Data[i] = r.Float64()
	}
	return x
}

// images makes a batch of 1 x h x w images in [0,1].
func images(x *mat.Dense, h, w int, targets ...int) Batch {
	n, _ := x.Dims()
	for len(targets) < n {
		targets = append(targets, 0)
	}
	return Batch{X: x, Shape: datasets.Shape{Channels: 1, Height: h, Width: w}, Targets: targets, High: 1}
}

func attribute(t *testing.T, m Method, f formula, in Batch) (*mat.Dense, Report) {
	t.Helper()
	n, d := in.X.Dims()
	dst := mat.NewDense(n, d, nil)
	for i := range dst.RawMatrix().Data { // a method must not rely on a clean dst
		dst.RawMatrix().Data[i] = 1e9
	}
	report, err := m.Attribute(ctx, f, dst, in)
	if err != nil {
		t.Fatalf("%s: %v", name(m), err)
	}
	return dst, report
}

// inFlight checks that a method has at most limit rows in the model at once. What else every
// method promises is checked by TestMethodsConform.
func inFlight(t *testing.T, m Method, limit int) {
	t.Helper()
	f, largest := tanhNet(16, 1), 0
	f.batch = &largest
	attribute(t, m, f, images(random(5, 16, 2), 4, 4, 0, 1, 2, 1, 0))
	if largest > limit {
		t.Errorf("%s: %d rows at once, at most %d wanted", name(m), largest, limit)
	}
}

// refuse checks that a wrong setting is named in the error.
func refuse(t *testing.T, m Method, want string) {
	t.Helper()
	in := images(random(1, 16, 2), 4, 4)
	if _, err := m.Attribute(ctx, tanhNet(16, 1), mat.NewDense(1, 16, nil), in); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: error %v, want one that says %q", name(m), err, want)
	}
}

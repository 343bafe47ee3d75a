package saliency

import (
	"math"
	"slices"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// TestSlowTwins compares every method that goes by scores and gradients with its definition,
// written as plain loops over one row, on random networks that take images of two channels,
// lower than wide. Those that go through layers are in TestSecondImplementation; exact
// Shapley values, LIME's regression and the path integral have tests of their own.
func TestSlowTwins(t *testing.T) {
	const c, h, w = 2, 3, 5
	const d, hw = c * h * w, h * w
	made := map[string]int{} // maps compared, by method
	for s := range uint64(5) {
		f := tanhNet(d, 10+s)
		in := Batch{X: random(3, d, s), Shape: datasets.Shape{Channels: c, Height: h, Width: w}, Targets: []int{0, 2, 1}, High: 1}
		var x []float64 // the row that is explained, and its target
		var k int
		score := func(x []float64) float64 { return f.scores(x)[k] }
		covered := func(value float64, inside func(y, x int) bool) []float64 {
			out := slices.Clone(x)
			for j := range out {
				if p := j % hw; inside(p/w, p%w) {
					out[j] = value
				}
			}
			return out
		}
		for _, twin := range []struct {
			m    Method
			slow func() []float64
		}{
			{Smooth{Samples: 7, Sigma: 0.1, Seed: s}, func() []float64 {
				out := make([]float64, d)
				for n := range 7 {
					r, noisy := seed.Stream(s, "smooth", n), slices.Clone(x)
					for j := range noisy {
						noisy[j] += 0.1 * r.NormFloat64()
					}
					floats.AddScaled(out, 1./7, f.grad(noisy, k))
				}
				return out
			}},
			{ExpectedGradients{Baselines: [][]float64{random(1, d, 50).RawRowView(0), random(1, d, 51).RawRowView(0)}, Samples: 9, Seed: s}, func() []float64 {
				out, r := make([]float64, d), seed.Stream(s, "expected gradients")
				for range 9 {
					from := random(1, d, 50+uint64(r.IntN(2))).RawRowView(0)
					at, point := r.Float64(), make([]float64, d)
					for j := range point {
						point[j] = (1-at)*from[j] + at*x[j]
					}
					for j, g := range f.grad(point, k) {
						out[j] += (x[j] - from[j]) * g / 9
					}
				}
				return out
			}},
			{Occlusion{Patch: 2, Stride: 2, Fill: 0.3}, func() []float64 {
				out, times := make([]float64, d), make([]float64, d)
				for _, top := range []int{0, 1} { // the last window ends at the border
					for _, left := range []int{0, 2, 3} {
						inside := func(y, x int) bool { return y >= top && y < top+2 && x >= left && x < left+2 }
						drop := score(x) - score(covered(0.3, inside))
						for j := range out {
							if p := j % hw; inside(p/w, p%w) {
								out[j], times[j] = out[j]+drop, times[j]+1
							}
						}
					}
				}
				floats.Div(out, times)
				return out
			}},
			{FiniteDifference{Patch: 2, KeepSign: true}, func() []float64 {
				out := make([]float64, d)
				for j := range out {
					y, column := j%hw/w, j%hw%w
					for _, v := range []float64{0, 0.5, 1} {
						drop := score(x) - score(covered(v, func(a, b int) bool { return a/2 == y/2 && b/2 == column/2 }))
						if math.Abs(drop) > math.Abs(out[j]) {
							out[j] = drop
						}
					}
				}
				return out
			}},
			{RISE{Masks: 11, Grid: 3, Keep: 0.4, Seed: s}, func() []float64 {
				out := make([]float64, d)
				for n := range 11 {
					r := seed.Stream(s, "rise", n)
					var cells [5][5]float64
					for a := range cells {
						for b := range cells[a] {
							if r.Float64() < 0.4 {
								cells[a][b] = 1
							}
						}
					}
					down, right := r.Float64(), r.Float64()
					mask, seen := make([]float64, hw), slices.Clone(x)
					for p := range mask {
						y, column := (float64(p/w)+0.5)*3/h+down, (float64(p%w)+0.5)*3/w+right
						for a := range cells {
							for b, on := range cells[a] { // a tent around each cell
								mask[p] += on * max(0, 1-math.Abs(y-float64(a))) * max(0, 1-math.Abs(column-float64(b)))
							}
						}
					}
					for j := range seen {
						seen[j] *= mask[j%hw]
					}
					for j := range out {
						out[j] += score(seen) * mask[j%hw] / (11 * 0.4)
					}
				}
				return out
			}},
			{GradientFlow{Steps: 20, Length: 0.1}, func() []float64 {
				at, down := slices.Clone(x), floats.MaxIdx(f.scores(x)) == k
				for step := range 20 {
					scores := f.scores(at)
					odds := 0.0
					for _, v := range scores {
						odds += math.Exp(v - scores[k])
					}
					if step > 0 && (down && floats.MaxIdx(scores) != k || !down && 1/odds >= 0.99) {
						break
					}
					g := f.grad(at, k)
					for j := range at {
						move := 0.1 * math.Sqrt(d) / 20 * g[j] / floats.Norm(g, 2)
						if down {
							move = -move
						}
						at[j] = min(max(at[j]+move, 0), 1)
					}
				}
				if floats.Sub(at, x); down {
					floats.Scale(-1, at)
				}
				return at
			}},
			{Boundary{Overshoot: 0.05}, func() []float64 {
				margin := func(at []float64) (m float64, g []float64) {
					m = math.Inf(1)
					for rival, v := range f.scores(at) {
						if rival != k && score(at)-v < m {
							m, g = score(at)-v, f.grad(at, k)
							floats.Sub(g, f.grad(at, rival))
						}
					}
					return m, g
				}
				at := slices.Clone(x)
				start, _ := margin(at)
				for range 50 {
					m, g := margin(at)
					if m*start <= 0 {
						break
					}
					for j := range at {
						at[j] = min(max(at[j]-1.05*m*g[j]/floats.Dot(g, g), 0), 1)
					}
				}
				if m, _ := margin(at); m*start > 0 {
					return nil // not found
				}
				if floats.Sub(at, x); start > 0 {
					floats.Scale(-1, at)
				}
				return at
			}},
		} {
			got := mat.NewDense(3, d, nil)
			report, err := twin.m.Attribute(ctx, f, got, in)
			if err != nil {
				t.Fatalf("%s: %v", name(twin.m), err)
			}
			for i := range 3 {
				x, k = in.X.RawRowView(i), in.Targets[i]
				switch want := twin.slow(); {
				case (want == nil) != (report.Err(i) != nil):
					t.Errorf("network %d, row %d, %s: %v, the slow one %v", s, i, name(twin.m), report.Err(i), want)
				case want != nil:
					made[words(twin.m)]++
					near(t, name(twin.m), got.RawRowView(i), want, 1e-10*(1+floats.Norm(want, math.Inf(1))))
				}
			}
		}
	}
	for method, n := range made {
		if n < 5 {
			t.Errorf("%s had a map in %d of 15 rows", method, n)
		}
	}
	if len(made) != 7 {
		t.Errorf("compared %v", made)
	}
}

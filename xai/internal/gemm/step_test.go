package gemm

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/whybook/whybook/xai/seed"
)

// stepCase is an update, and what it does to one weight by its description.
type stepCase struct {
	name string
	call func(kn Kernel, w, g, m, v []float32)
	want func(w, g, m, v float32) (float32, float32, float32)
}

func stepCases() []stepCase {
	var list []stepCase
	for _, decay := range []float32{0, 0.25} {
		s := AdamStep[float32]{Beta1: 0.9, Rest1: 0.1, Beta2: 0.99, Rest2: 0.01, Rate: 0.3, Epsilon: 1e-4, Decay: decay}
		list = append(list, stepCase{fmt.Sprintf("adam, decay %v", decay), func(kn Kernel, w, g, m, v []float32) { s.Update(kn, w, g, m, v) },
			func(w, g, m, v float32) (float32, float32, float32) {
				if decay != 0 {
					g = plus(g, times(decay, w))
				}
				m = plus(times(0.9, m), times(0.1, g))
				v = plus(times(0.99, v), times(times(0.01, g), g))
				root := float32(math.Sqrt(float64(v)))
				return plus(w, -over(times(0.3, m), plus(root, 1e-4))), m, v
			}})
	}
	for _, s := range []SGDStep[float32]{{Rate: 0.3, Decay: 0.25}, {Rate: 0.3, Momentum: 0.9}, {Rate: 0.3, Decay: 0.25, Momentum: 0.9, Nesterov: true}} {
		list = append(list, stepCase{fmt.Sprintf("%+v", s), func(kn Kernel, w, g, m, _ []float32) {
			if s.Momentum == 0 {
				m = nil
			}
			s.Update(kn, w, g, m)
		}, func(w, g, m, v float32) (float32, float32, float32) {
			g = plus(g, times(s.Decay, w))
			along := g
			if s.Momentum != 0 {
				m = plus(times(s.Momentum, m), g)
				if along = m; s.Nesterov {
					along = plus(g, times(s.Momentum, m))
				}
			}
			return plus(w, -times(s.Rate, along)), m, v
		}})
	}
	return list
}

// The results in float64 are so exact that rounding them once more gives those of float32.
func plus(x, y float32) float32  { return float32(float64(x) + float64(y)) }
func times(x, y float32) float32 { return float32(float64(x) * float64(y)) }
func over(x, y float32) float32  { return float32(float64(x) / float64(y)) }

// TestSteps: every kernel, at every length and alignment, has the bytes of the description,
// and touches nothing but its slices.
func TestSteps(t *testing.T) {
	for _, c := range stepCases() {
		for _, kn := range Kernels() {
			for n := range 100 {
				r := seed.Stream(31, c.name, n)
				var before, after [4][]float32 // w, g, m, v, from an offset of their own, and two values behind
				for i := range before {
					before[i] = odd(r, n+i*n%5+2)[i*n%5:]
					if i == 3 { // mean squares
						for j, v := range before[i] {
							before[i][j] = float32(math.Abs(float64(v)))
						}
					}
					after[i] = make([]float32, len(before[i])+i)[i:]
					copy(after[i], before[i])
				}
				c.call(kn, after[0][:n:n], after[1][:n:n], after[2][:n:n], after[3][:n:n])
				for j := range n + 2 {
					want := [4]float32{before[0][j], before[1][j], before[2][j], before[3][j]}
					if j < n {
						want[0], want[2], want[3] = c.want(want[0], want[1], want[2], want[3])
					}
					for i, name := range []string{"weight", "gradient", "m", "v"} {
						if !same(after[i][j], want[i]) {
							t.Fatalf("%v: %s: %s %d of %d is %v, want %v", kn, c.name, name, j, n, after[i][j], want[i])
						}
					}
				}
			}
		}
	}
}

// TestStepsFloat64: the plain loops of float64 do what those of float32 do.
func TestStepsFloat64(t *testing.T) {
	wide := func(x []float32) []float64 {
		y := make([]float64, len(x))
		for i, v := range x {
			y[i] = float64(v)
		}
		return y
	}
	w, g, m, v := []float32{1, -2, 0.5}, []float32{0.25, -1, 3}, []float32{0, 0.5, -1}, []float32{0, 1, 4}
	w64, g64, m64, v64 := wide(w), wide(g), wide(m), wide(v)
	AdamStep[float32]{0.9, 0.1, 0.99, 0.01, 0.3, 1e-4, 0.25}.Update(Best(), w, g, m, v)
	AdamStep[float64]{0.9, 0.1, 0.99, 0.01, 0.3, 1e-4, 0.25}.Update(Best(), w64, g64, m64, v64)
	SGDStep[float32]{0.3, 0.25, 0.9, true}.Update(Best(), w, g, m)
	SGDStep[float64]{0.3, 0.25, 0.9, true}.Update(Best(), w64, g64, m64)
	for i, pair := range [][2][]float64{{wide(w), w64}, {wide(m), m64}, {wide(v), v64}} {
		for j, x := range pair[0] {
			if math.Abs(x-pair[1][j]) > 1e-6 {
				t.Errorf("slice %d, element %d: %v in float32, %v in float64", i, j, x, pair[1][j])
			}
		}
	}
}

func TestStepLengths(t *testing.T) {
	one, two := make([]float32, 1), make([]float32, 2)
	for want, call := range map[string]func(){
		"gemm: AdamStep of 2 weights, 2 gradients, and memories of 2 and 1": func() { AdamStep[float32]{}.Update(Best(), two, two, two, one) },
		"gemm: SGDStep of 2 weights, 1 gradients, and memories of 1 and 1":  func() { SGDStep[float32]{}.Update(Best(), two, one, nil) },
		"gemm: SGDStep of 2 weights, 2 gradients, and memories of 1 and 1":  func() { SGDStep[float32]{Momentum: 1}.Update(Best(), two, two, one) },
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); got != want {
					t.Errorf("panic %q, want %q", got, want)
				}
			}()
			call()
		}()
	}
}

func BenchmarkSteps(b *testing.B) {
	for _, n := range []int{1 << 12, 1 << 20} {
		var x [4][]float32
		for i := range x {
			x[i] = make([]float32, n)
			for j := range x[i] {
				x[i][j] = float32(j%97) / 97
			}
		}
		for _, c := range stepCases() {
			for _, kn := range Kernels() {
				b.Run(fmt.Sprintf("%s/%d/%v", c.name, n, kn), func(b *testing.B) {
					w := slices.Clone(x[0])
					for b.Loop() {
						c.call(kn, w, x[1], x[2], x[3])
					}
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/weight")
				})
			}
		}
	}
}

package gemm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/whybook/whybook/xai/seed"
)

// vecOps are the elementwise operations and what they compute.
var vecOps = []struct {
	name string
	call func(kn Kernel, dst, x, y []float32)
	want func(x, y float32) float32
}{
	{"Add", func(kn Kernel, dst, x, y []float32) { kn.Add(dst, x, y) }, func(x, y float32) float32 { return x + y }},
	{"Mul", func(kn Kernel, dst, x, y []float32) { kn.Mul(dst, x, y) }, func(x, y float32) float32 { return x * y }},
	{"Scale", func(kn Kernel, dst, x, _ []float32) { kn.Scale(dst, 0.3, x) }, func(x, _ float32) float32 { return 0.3 * x }},
	{"Affine", func(kn Kernel, dst, x, _ []float32) { kn.Affine(dst, 0.3, x, -0.7) }, func(x, _ float32) float32 { return float32(0.3*x) - 0.7 }},
	{"Combine", func(kn Kernel, dst, x, y []float32) { kn.Combine(dst, 0.3, x, 0.6, y, -0.7) }, func(x, y float32) float32 {
		return (-0.7 + float32(0.3*x)) + float32(0.6*y)
	}},
	{"ReLU", func(kn Kernel, dst, x, _ []float32) { kn.ReLU(dst, x) }, func(x, _ float32) float32 {
		if x < 0 {
			return 0
		}
		return x
	}},
	{"ReLUGrad", func(kn Kernel, dst, x, y []float32) { kn.ReLUGrad(dst, x, y) }, func(x, y float32) float32 {
		if y > 0 {
			return x
		}
		return 0
	}},
	{"Leaky", func(kn Kernel, dst, x, _ []float32) { kn.Leaky(dst, -0.3, x, x) }, func(x, _ float32) float32 {
		if x > 0 {
			return x
		}
		return -0.3 * x
	}},
	{"LeakyGrad", func(kn Kernel, dst, x, y []float32) { kn.Leaky(dst, 0.3, x, y) }, func(x, y float32) float32 {
		if y > 0 {
			return x
		}
		return 0.3 * x
	}},
}

// odd mixes ordinary values with those that trip comparisons.
func odd(r *rand.Rand, n int) []float32 {
	special := []float32{0, float32(math.Copysign(0, -1)), float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), math.SmallestNonzeroFloat32}
	x := make([]float32, n)
	for i := range x {
		if x[i] = float32(r.NormFloat64()); r.IntN(4) == 0 {
			x[i] = special[r.IntN(len(special))]
		}
	}
	return x
}

// same reports equal bits, any NaN being as good as another.
func same(x, y float32) bool {
	return math.Float32bits(x) == math.Float32bits(y) || x != x && y != y
}

func TestElementwise(t *testing.T) {
	for _, op := range vecOps {
		for _, kn := range Kernels() {
			for n := range 200 {
				r := seed.Stream(11, op.name, n)
				offset := n % 5
				x, y, d := odd(r, n), odd(r, n+offset)[offset:], odd(r, n+offset+2)
				dst := append([]float32(nil), d...)[offset:]
				d = d[offset:]
				op.call(kn, dst[:n:n], x, y)
				for i := range n {
					if want := op.want(x[i], y[i]); !same(dst[i], want) {
						t.Fatalf("%v: %s, element %d of %d: %v from x %v, y %v; want %v", kn, op.name, i, n, dst[i], x[i], y[i], want)
					}
				}
				if !same(dst[n], d[n]) || !same(dst[n+1], d[n+1]) {
					t.Fatalf("%v: %s of %d elements wrote beyond them", kn, op.name, n)
				}
				op.call(kn, x, x, y) // in place
				for i := range n {
					if !same(x[i], dst[i]) {
						t.Fatalf("%v: %s in place, element %d of %d: %v, want %v", kn, op.name, i, n, x[i], dst[i])
					}
				}
			}
		}
	}
}

func TestElementwiseLengths(t *testing.T) {
	defer func() {
		if got, want := fmt.Sprint(recover()), "gemm: Add of vectors of different lengths 2, 2 and 1"; got != want {
			t.Errorf("panic %q, want %q", got, want)
		}
	}()
	Best().Add(make([]float32, 2), make([]float32, 2), make([]float32, 1))
}

func BenchmarkElementwise(b *testing.B) {
	for _, n := range []int{6272, 100 * 6272} {
		r := seed.Stream(12)
		dst, x, y := make([]float32, n), make([]float32, n), make([]float32, n)
		for i := range x {
			x[i], y[i] = float32(r.NormFloat64()), float32(r.NormFloat64())
		}
		for _, op := range vecOps {
			for _, kn := range Kernels() {
				b.Run(fmt.Sprintf("%s/%d/%v", op.name, n, kn), func(b *testing.B) {
					b.SetBytes(4 * int64(n))
					for b.Loop() {
						op.call(kn, dst, x, y)
					}
				})
			}
		}
	}
}

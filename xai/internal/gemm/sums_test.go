package gemm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/whybook/whybook/xai/seed"
)

// sumCases are the sums and what each adds for an element, in which of its partial sums.
var sumCases = []struct {
	name  string
	block int
	call  func(kn Kernel, x, y []float32, l Lines) []float64
	terms func(x, y float32) []float32
}{
	{"Total", 8, func(kn Kernel, x, _ []float32, l Lines) []float64 { return []float64{Total(kn, x, l)} },
		func(x, _ float32) []float32 { return []float32{x} }},
	{"SquareSum", 4, func(kn Kernel, x, _ []float32, l Lines) []float64 { return []float64{SquareSum(kn, x, l, 0.3)} },
		func(x, _ float32) []float32 { return []float32{times(plus(x, -0.3), plus(x, -0.3))} }},
	{"Moments", 4, func(kn Kernel, x, y []float32, l Lines) []float64 {
		p, s := Moments(kn, x, y, l, 0.3)
		return []float64{p, s}
	},
		func(x, y float32) []float32 { return []float32{times(y, plus(x, -0.3)), y} }},
}

// slowSums adds up by the description: element j of a line's whole blocks goes to partial
// sum j mod block, what is left to the first.
func slowSums(block int, terms func(x, y float32) []float32, x, y []float32, l Lines) []float64 {
	sums := make([]float64, len(terms(0, 0)))
	for i := range l.Count {
		parts := make([][8]float32, len(sums))
		for j := range l.Width {
			at := j % block
			if j >= l.Width/block*block {
				at = 0
			}
			for k, v := range terms(x[i*l.Stride+j], y[i*l.Stride+j]) {
				parts[k][at] = plus(parts[k][at], v)
			}
		}
		for k, p := range parts { // in pairs
			sums[k] += float64(plus(plus(plus(p[0], p[1]), plus(p[2], p[3])), plus(plus(p[4], p[5]), plus(p[6], p[7]))))
		}
	}
	return sums
}

func normals(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// TestSums: every kernel has the bytes of the description, in every shape and alignment.
func TestSums(t *testing.T) {
	for _, c := range sumCases {
		for width := range 40 {
			for count := range 10 {
				for _, gap := range []int{0, 1, 5} {
					l := Lines{width, count, width + gap}
					r := seed.Stream(41, c.name, width, count, gap)
					offset := (width + count) % 5
					x, y := normals(r, count*l.Stride+offset)[offset:], normals(r, count*l.Stride+offset)[offset:]
					want := slowSums(c.block, c.terms, x, y, l)
					for _, kn := range Kernels() {
						got := c.call(kn, x, y, l)
						for i := range want {
							if math.Float64bits(got[i]) != math.Float64bits(want[i]) {
								t.Fatalf("%v: %s of %+v: %v, want %v", kn, c.name, l, got, want)
							}
						}
					}
				}
			}
		}
	}
}

// TestSumsOfNaN: no sum may hide that a network has diverged.
func TestSumsOfNaN(t *testing.T) {
	l := Lines{13, 5, 14}
	for _, c := range sumCases {
		for at := range 5*14 - 1 {
			if at%14 == 13 { // between lines
				continue
			}
			x := make([]float32, 5*14-1)
			x[at] = float32(math.NaN())
			for _, kn := range Kernels() {
				if got := c.call(kn, x, x, l); got[0] == got[0] {
					t.Errorf("%v: %s with NaN at %d is %v", kn, c.name, at, got)
				}
			}
		}
	}
}

// TestSumsFloat64: lines of whole numbers, whose sums are exact.
func TestSumsFloat64(t *testing.T) {
	x, y := make([]float64, 60), make([]float64, 60)
	var total, squares, product, sum float64
	for i := range x {
		x[i], y[i] = float64(i*i%17), float64(i%5)
		if i%20 < 19 {
			total += x[i]
			squares += (x[i] - 2) * (x[i] - 2)
			product += y[i] * (x[i] - 2)
			sum += y[i]
		}
	}
	l := Lines{19, 3, 20}
	if got := Total(Best(), x, l); got != total {
		t.Errorf("total %v, want %v", got, total)
	}
	if got := SquareSum(Best(), x, l, 2); got != squares {
		t.Errorf("squares %v, want %v", got, squares)
	}
	if p, s := Moments(Best(), x, y, l, 2); p != product || s != sum {
		t.Errorf("moments %v and %v, want %v and %v", p, s, product, sum)
	}
}

func TestSumsSizes(t *testing.T) {
	defer func() {
		if got, want := fmt.Sprint(recover()), "gemm: Moments of {Width:3 Count:2 Stride:4} in 7 and 6 elements"; got != want {
			t.Errorf("panic %q, want %q", got, want)
		}
	}()
	Moments(Best(), make([]float32, 7), make([]float32, 6), Lines{3, 2, 4}, 0)
}

func BenchmarkSums(b *testing.B) {
	for _, width := range []int{5, 64, 196, 1024} {
		l := Lines{width, 64, 16 * width}
		r := seed.Stream(42, width)
		x, y := normals(r, l.Count*l.Stride), normals(r, l.Count*l.Stride)
		for _, c := range sumCases {
			for _, kn := range Kernels() {
				if kn.path == pathAVX512 { // that of AVX2
					continue
				}
				b.Run(fmt.Sprintf("%s/%d/%v", c.name, width, kn), func(b *testing.B) {
					for b.Loop() {
						c.call(kn, x, y, l)
					}
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*l.Width*l.Count), "ns/value")
				})
			}
		}
	}
}

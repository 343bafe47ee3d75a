package gemm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/whybook/whybook/xai/seed"
)

// problem is a product with its operands, laid out with gaps between rows, an odd
// start in memory and guards all around C.
type problem[T float] struct {
	transA, transB bool
	m, n, k        int
	alpha, beta    T
	a, b, c        []T
	lda, ldb, ldc  int
	whole          []T // c with guards on both sides
}

// guard fills what no product may touch.
const guard = -1e30

const margin = 70

func newProblem[T float](r *rand.Rand, transA, transB bool, m, n, k, gap, offset int, alpha, beta T) *problem[T] {
	p := &problem[T]{transA: transA, transB: transB, m: m, n: n, k: k, alpha: alpha, beta: beta}
	matrix := func(trans bool, rows, cols int) ([]T, int) {
		if trans {
			rows, cols = cols, rows
		}
		ld := max(cols, 1) + gap
		x := make([]T, offset+max(0, (rows-1)*ld+cols))[offset:]
		for i := range x {
			x[i] = T(math.NaN()) // between rows: must not be read
		}
		for i := range rows {
			for j := range cols {
				x[i*ld+j] = T(r.NormFloat64())
			}
		}
		return x, ld
	}
	p.a, p.lda = matrix(transA, m, k)
	p.b, p.ldb = matrix(transB, k, n)
	p.ldc = max(n, 1) + gap
	size := max(0, (m-1)*p.ldc+n)
	p.whole = make([]T, margin+offset+size+margin)
	for i := range p.whole {
		p.whole[i] = guard
	}
	p.c = p.whole[margin+offset:][:size:size]
	for i := range m {
		for j := range n {
			p.c[i*p.ldc+j] = T(r.NormFloat64())
			if beta == 0 {
				p.c[i*p.ldc+j] = T(math.NaN())
			}
		}
	}
	return p
}

func (p *problem[T]) run(kn Kernel) {
	switch x := any(p).(type) {
	case *problem[float32]:
		kn.SGEMM(x.transA, x.transB, x.m, x.n, x.k, x.alpha, x.a, x.lda, x.b, x.ldb, x.beta, x.c, x.ldc)
	case *problem[float64]:
		kn.DGEMM(x.transA, x.transB, x.m, x.n, x.k, x.alpha, x.a, x.lda, x.b, x.ldb, x.beta, x.c, x.ldc)
	}
}

func (p *problem[T]) clone() *problem[T] {
	q := *p
	q.whole = append([]T(nil), p.whole...)
	q.c = q.whole[len(q.whole)-margin-len(p.c):][:len(p.c):len(p.c)]
	return &q
}

// check runs the product on kn and compares with the definition, summed in float64.
// The error of a dot product is bounded by about k eps times the sum of magnitudes.
func (p *problem[T]) check(kn Kernel) error {
	got := p.clone()
	got.run(kn)
	eps := math.Nextafter(1, 2) - 1
	if _, ok := any(T(0)).(float32); ok {
		eps = 0x1p-23
	}
	for i := range p.m {
		for j := range p.n {
			var sum, size float64
			for t := range p.k {
				x, y := p.a[index(p.transA, i, t, p.lda)], p.b[index(p.transB, t, j, p.ldb)]
				sum += float64(x) * float64(y)
				size += math.Abs(float64(x) * float64(y))
			}
			want := float64(p.alpha) * sum
			size *= math.Abs(float64(p.alpha))
			if p.beta != 0 {
				old := float64(p.beta) * float64(p.c[i*p.ldc+j])
				want, size = want+old, size+math.Abs(old)
			}
			if p.alpha == 0 && p.beta == 0 {
				want = 0
			}
			v := float64(got.c[i*p.ldc+j])
			if !(math.Abs(v-want) <= eps*float64(p.k+3)*size) {
				return fmt.Errorf("%v: C[%d,%d] = %g, want %g", kn, i, j, v, want)
			}
			got.c[i*p.ldc+j] = guard
		}
	}
	for i, v := range got.whole {
		if v != guard {
			return fmt.Errorf("%v: element %d of C's memory (C starts at %d, stride %d) was overwritten with %g", kn, i, len(p.whole)-margin-len(p.c), p.ldc, v)
		}
	}
	return nil
}

func index(trans bool, i, j, ld int) int {
	if trans {
		i, j = j, i
	}
	return i*ld + j
}

// everyKernel is each path with one worker and with three.
func everyKernel() []Kernel {
	var all []Kernel
	for _, kn := range Kernels() {
		all = append(all, kn, kn.Parallel(3))
	}
	return all
}

func TestKernelsRunnable(t *testing.T) {
	ks := Kernels()
	t.Logf("this processor runs %v", ks)
	if ks[0] != Best() || ks[len(ks)-1] != (Kernel{}) {
		t.Fatalf("Kernels() = %v: want the best first, plain Go last", ks)
	}
}

func TestAgainstDefinition(t *testing.T)        { rapid.Check(t, againstDefinition[float32]) }
func TestAgainstDefinitionFloat64(t *testing.T) { rapid.Check(t, againstDefinition[float64]) }

func againstDefinition[T float](t *rapid.T) {
	size := rapid.OneOf(rapid.IntRange(0, 20), rapid.IntRange(0, 130), rapid.SampledFrom([]int{4, 8, 16, 24, 32, 47, 48, 49, 64, 96, 97}))
	depth := rapid.OneOf(rapid.IntRange(0, 30), rapid.IntRange(0, 300), rapid.SampledFrom([]int{255, 256, 257, 512, 600}))
	factor := rapid.SampledFrom([]float64{0, 1, -1, 0.5, -2.25})
	p := newProblem(
		seed.Stream(rapid.Uint64().Draw(t, "seed")),
		rapid.Bool().Draw(t, "transA"), rapid.Bool().Draw(t, "transB"),
		size.Draw(t, "m"), size.Draw(t, "n"), depth.Draw(t, "k"),
		rapid.IntRange(0, 5).Draw(t, "gap"), rapid.IntRange(0, 17).Draw(t, "offset"),
		T(factor.Draw(t, "alpha")), T(factor.Draw(t, "beta")))
	for _, kn := range everyKernel() {
		if err := p.check(kn); err != nil {
			t.Fatal(err)
		}
	}
}

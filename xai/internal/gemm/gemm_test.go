package gemm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
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

// TestBlocks takes shapes just beyond the limits of each kind of blocking and packing.
func TestBlocks(t *testing.T) {
	for _, s := range []shape{
		{m: 20, n: packACols + 17, k: BlockK + 10},
		{m: blockRows + 9, n: 61, k: 9},
		{m: blockRows + 9, n: packACols + 1, k: 10},
		{m: packBRows + 1, n: 1100, k: 41},
		{m: packBRows + 3, n: 100, k: 2*BlockK + 1},
	} {
		for i := range 4 {
			s.transA, s.transB = i&1 != 0, i&2 != 0
			p := newProblem[float32](seed.Stream(3, "blocks"), s.transA, s.transB, s.m, s.n, s.k, 2, 1, 0.5, 1)
			for _, kn := range Kernels() {
				if err := p.check(kn); err != nil {
					t.Errorf("%v: %v", s, err)
				}
			}
		}
	}
}

// TestWorkersChangeNoByte also shows that the vector kernels agree with each other.
func TestWorkersChangeNoByte(t *testing.T) {
	for _, s := range []shape{
		{m: 64, n: 2000, k: 72, transA: true}, {m: 300, n: 10, k: 3000}, {m: 205, n: 203, k: 401, transB: true}, {m: 7, n: 20000, k: 64}, {m: 20000, n: 7, k: 64},
	} {
		if s.m*s.n*s.k < minWork {
			t.Fatalf("%v is too small to be shared among workers", s)
		}
		p := newProblem[float32](seed.Stream(4, "workers"), s.transA, s.transB, s.m, s.n, s.k, 1, 3, 1.5, -0.5)
		results := map[string][]float32{}
		for _, kn := range Kernels() {
			family := "vector"
			if kn == (Kernel{}) {
				family = "go"
			}
			for _, workers := range []int{1, 2, 3, 8} {
				q := p.clone()
				q.run(kn.Parallel(workers))
				if want, ok := results[family]; !ok {
					results[family] = q.whole
				} else if i := firstDifference(q.whole, want); i >= 0 {
					t.Errorf("%v: %v: element %d is %v, with one worker of the first %s kernel %v", s, kn.Parallel(workers), i, q.whole[i], family, want[i])
				}
			}
		}
	}
}

// firstDifference returns the index of the first difference in bits, -1 for none.
func firstDifference[T float](x, y []T) int {
	for i := range x {
		if math.Float64bits(float64(x[i])) != math.Float64bits(float64(y[i])) {
			return i
		}
	}
	return -1
}

// TestGridCoversC cuts matrices of all sorts and counts how often each element is dealt out.
func TestGridCoversC(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, n := rapid.IntRange(1, 300).Draw(t, "m"), rapid.IntRange(1, 900).Draw(t, "n")
		rows, cols := grid(m, n, rapid.IntRange(1, 64).Draw(t, "count"))
		area, end := 0, [2]int{}
		for r := range rows {
			i0, i1 := share(m, rows, r, rowGrain)
			for q := range cols {
				j0, j1 := share(n, cols, q, colGrain)
				if i0 >= i1 || j0 >= j1 {
					t.Fatalf("%d x %d cut into %d x %d: rectangle (%d,%d) is empty", m, n, rows, cols, r, q)
				}
				area += (i1 - i0) * (j1 - j0)
				end = [2]int{i1, j1}
			}
		}
		if area != m*n || end != [2]int{m, n} {
			t.Fatalf("%d x %d cut into %d x %d: rectangles cover %d elements up to %v", m, n, rows, cols, area, end)
		}
	})
}

func TestInfinityTimesZero(t *testing.T) {
	inf := float32(math.Inf(1))
	for _, kn := range Kernels() {
		c := []float32{7}
		kn.SGEMM(false, false, 1, 1, 2, 1, []float32{0, 1}, 2, []float32{inf, 1}, 1, 0, c, 1)
		if c[0] == c[0] {
			t.Errorf("%v: 0*Inf + 1 = %v, want NaN", kn, c[0])
		}
		kn.SGEMM(false, false, 1, 1, 2, 0, []float32{0, 1}, 2, []float32{inf, 1}, 1, 0, c, 1)
		if c[0] != 0 {
			t.Errorf("%v: alpha = beta = 0 gives %v, want 0", kn, c[0])
		}
	}
}

func TestBadSizes(t *testing.T) {
	x := make([]float32, 12)
	for _, tt := range []struct {
		give string
		call func()
		want string
	}{
		{"negative k", func() { SGEMM(false, false, 1, 1, -1, 1, x, 1, x, 1, 0, x, 1) }, "negative size in an m=1, n=1, k=-1 product"},
		{"short A", func() { SGEMM(false, false, 4, 1, 4, 1, x, 4, x, 1, 0, x, 1) }, "A has 12 elements, too few for 4 rows of 4 with stride 4"},
		{"stride of B", func() { SGEMM(false, true, 2, 2, 3, 1, x, 3, x, 2, 0, x, 2) }, "stride of B is 2, shorter than a row of 3"},
		{"short C", func() { DGEMM(false, false, 2, 2, 0, 1, nil, 1, nil, 2, 0, make([]float64, 3), 2) }, "C has 3 elements"},
		{"huge m", func() { SGEMM(false, false, math.MaxInt/2, 1, 1, 1, x, 4, x, 1, 0, x, 4) }, "too few"},
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.HasPrefix(got, "gemm: ") || !strings.Contains(got, tt.want) {
					t.Errorf("%s: panic %q, want gemm: ...%s...", tt.give, got, tt.want)
				}
			}()
			tt.call()
		}()
	}
}

// poolsForget says that the scratch memory is allocated anew now and then.
var poolsForget bool

func TestAllocatesNothing(t *testing.T) {
	if poolsForget {
		t.Skip("the race detector makes pools forget")
	}
	for _, kn := range Kernels() {
		p := newProblem[float32](seed.Stream(5), false, true, 70, 600, 30, 0, 0, 1, 0)
		if n := testing.AllocsPerRun(20, func() { p.run(kn) }); n >= 1 {
			t.Errorf("%v: %v allocations in a product", kn, n)
		}
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

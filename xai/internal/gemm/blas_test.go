package gemm

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"

	"github.com/whybook/whybook/xai/seed"
)

func TestBLASAgreesWithGonum(t *testing.T) {
	ours, theirs := BLAS{Kernel: Best()}, gonum.Implementation{}
	for i := range 4 {
		p := newProblem[float32](seed.Stream(7), i&1 != 0, i&2 != 0, 33, 50, 20, 3, 0, 2, -1)
		q := p.clone()
		tA, tB := blasTrans(p.transA), blasTrans(p.transB)
		ours.Sgemm(tA, tB, p.m, p.n, p.k, p.alpha, p.a, p.lda, p.b, p.ldb, p.beta, p.c, p.ldc)
		theirs.Sgemm(tA, tB, q.m, q.n, q.k, q.alpha, q.a, q.lda, q.b, q.ldb, q.beta, q.c, q.ldc)
		compare(t, p.whole, q.whole, 1e-4)

		d := newProblem[float64](seed.Stream(7), i&1 != 0, i&2 != 0, 33, 50, 20, 3, 0, 2, -1)
		e := d.clone()
		ours.Dgemm(tA, tB, d.m, d.n, d.k, d.alpha, d.a, d.lda, d.b, d.ldb, d.beta, d.c, d.ldc)
		theirs.Dgemm(tA, tB, e.m, e.n, e.k, e.alpha, e.a, e.lda, e.b, e.ldb, e.beta, e.c, e.ldc)
		compare(t, d.whole, e.whole, 1e-12)
	}
}

func compare[T float](t *testing.T, got, want []T, tolerance float64) {
	t.Helper()
	for i := range got {
		if math.Abs(float64(got[i]-want[i])) > tolerance {
			t.Fatalf("element %d is %v, gonum's %v", i, got[i], want[i])
		}
	}
}

func TestBLASBadTranspose(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic for transpose 'X'")
		}
	}()
	BLAS{}.Sgemm(blas.Transpose('X'), blas.NoTrans, 0, 0, 0, 1, nil, 1, nil, 1, 0, nil, 1)
}

package gemm

import (
	"fmt"
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"

	"github.com/whybook/whybook/xai/seed"
)

// shape is a product that convolutional networks on MNIST and CIFAR images make.
type shape struct {
	m, n, k        int
	transA, transB bool
}

func (s shape) String() string {
	t := map[bool]string{false: "N", true: "T"}
	return fmt.Sprintf("%s%s_%dx%dx%d", t[s.transA], t[s.transB], s.m, s.n, s.k)
}

func shapes() []shape {
	return []shape{
		{m: 32, n: 784, k: 9}, {m: 64, n: 196, k: 288}, {m: 32, n: 78400, k: 9}, {m: 64, n: 19600, k: 288},
		{m: 100, n: 128, k: 3136}, {m: 100, n: 128, k: 3136, transB: true},
		{m: 128, n: 3136, k: 100, transA: true}, {m: 3136, n: 128, k: 100, transA: true}, {m: 100, n: 3136, k: 128},
		{m: 64, n: 288, k: 19600, transB: true}, {m: 288, n: 19600, k: 64, transA: true}, {m: 64, n: 288, k: 196, transB: true}, {m: 288, n: 196, k: 64, transA: true},
		{m: 16, n: 1024, k: 144}, {m: 32, n: 256, k: 288}, {m: 64, n: 64, k: 576}, {m: 100, n: 10, k: 128}, {m: 1, n: 128, k: 3136},
		{m: 64, n: 64, k: 64}, {m: 128, n: 128, k: 128}, {m: 256, n: 256, k: 256}, {m: 512, n: 512, k: 512}, {m: 1024, n: 1024, k: 1024},
	}
}

func BenchmarkSGEMM(b *testing.B) {
	gonumKernel := gonum.Implementation{}
	for _, s := range shapes() {
		r := seed.Stream(1)
		p := newProblem[float32](r, s.transA, s.transB, s.m, s.n, s.k, 0, 0, 1, 0)
		bench := func(name string, f func()) {
			b.Run(s.String()+"/"+name, func(b *testing.B) {
				for b.Loop() {
					f()
				}
				flop := 2 * float64(s.m) * float64(s.n) * float64(s.k)
				b.ReportMetric(flop*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GFLOP/s")
			})
		}
		for _, kn := range Kernels() {
			bench(kn.String(), func() { p.run(kn) })
		}
		bench(Best().Parallel(2).String(), func() { p.run(Best().Parallel(2)) })
		bench("gonum", func() {
			gonumKernel.Sgemm(blasTrans(s.transA), blasTrans(s.transB), s.m, s.n, s.k, 1, p.a, p.lda, p.b, p.ldb, 0, p.c, p.ldc)
		})
	}
}

func blasTrans(t bool) blas.Transpose {
	if t {
		return blas.Trans
	}
	return blas.NoTrans
}

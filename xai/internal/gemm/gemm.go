package gemm

import "fmt"

// BlockK is the largest number of terms of a dot product summed before the partial
// sum is added to C: as many rows of B as the fastest caches hold for one tile.
const BlockK = 320

// depth returns the length of the blocks that k terms are cut into: the fewest
// blocks, of equal length, rounded up to a multiple of 8. It depends on nothing but
// k, because it is the one choice of blocking that shows in the last bits of C.
func depth(k int) int {
	blocks := (k + BlockK - 1) / BlockK
	return ((k+blocks-1)/blocks + 7) / 8 * 8
}

// float is an element type of matrices.
type float interface{ float32 | float64 }

// path is a family of micro-kernels.
type path uint8

const (
	pathGo path = iota
	pathAVX2
	pathAVX512 // the fastest comes last
)

func (p path) String() string { return [...]string{"go", "avx2", "avx512"}[p] }

// Kernel is one way to multiply matrices on this machine: an instruction set and a
// number of workers. It is a small value, to be copied and shared freely; the zero
// Kernel is plain Go on one goroutine. Its methods may be called from several
// goroutines at once.
type Kernel struct {
	path  path
	extra int // workers beyond the first
}

// Best returns the fastest kernel that this processor runs, with one worker.
func Best() Kernel {
	for p := pathAVX512; p > pathGo; p-- {
		if runnable(p) {
			return Kernel{path: p}
		}
	}
	return Kernel{}
}

// Kernels lists the kernels that this processor runs, fastest first. The last one
// is always plain Go.
func Kernels() []Kernel {
	var ks []Kernel
	for p := Best().path; p > pathGo; p-- {
		if runnable(p) {
			ks = append(ks, Kernel{path: p})
		}
	}
	return append(ks, Kernel{})
}

// String names the kernel: "avx512", "avx2" or "go", with the workers when there
// are several, as in "avx512 x 2".
func (kn Kernel) String() string {
	if kn.extra == 0 {
		return kn.path.String()
	}
	return fmt.Sprintf("%v x %d", kn.path, kn.extra+1)
}

// Parallel returns the kernel with a number of workers; below 1 means 1. C is cut
// into as many rectangles, each computed by a goroutine of its own, when the
// product is large enough to repay starting them. The bytes of C are the same for
// any number of workers.
func (kn Kernel) Parallel(workers int) Kernel {
	kn.extra = max(workers, 1) - 1
	return kn
}

// SGEMM computes C = alpha op(A) op(B) + beta C in float32.
//
// C is m x n in c with row stride ldc >= n. op(A) is m x k: a holds A row by row
// with stride lda, as m rows of k, or as k rows of m when transA. op(B) is k x n:
// b holds k rows of n, or n rows of k when transB. Elements of a slice between the
// rows of its matrix are neither read nor written. c must not overlap a or b.
//
// It panics when a dimension is negative, a stride is shorter than a row, or a
// slice is shorter than its matrix.
func (kn Kernel) SGEMM(transA, transB bool, m, n, k int, alpha float32, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int) {
	multiply(kn, transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
}

// DGEMM is [Kernel.SGEMM] in float64.
func (kn Kernel) DGEMM(transA, transB bool, m, n, k int, alpha float64, a []float64, lda int, b []float64, ldb int, beta float64, c []float64, ldc int) {
	multiply(kn, transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
}

// SGEMM is [Kernel.SGEMM] of the best kernel, on the calling goroutine.
func SGEMM(transA, transB bool, m, n, k int, alpha float32, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int) {
	Best().SGEMM(transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
}

// DGEMM is [Kernel.DGEMM] of the best kernel, on the calling goroutine.
func DGEMM(transA, transB bool, m, n, k int, alpha float64, a []float64, lda int, b []float64, ldb int, beta float64, c []float64, ldc int) {
	Best().DGEMM(transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
}

// strided is op(X): element (i, j) at data[i*row+j*col]. One of the strides is 1.
type strided[T float] struct {
	data     []T
	row, col int
}

// from returns the part of x that starts at element (i, j).
func (x strided[T]) from(i, j int) strided[T] {
	x.data = x.data[i*x.row+j*x.col:]
	return x
}

func (x strided[T]) transposed() strided[T] { return strided[T]{x.data, x.col, x.row} }

// operand checks a matrix given as BLAS does and returns op(X), rows x cols.
func operand[T float](name string, trans bool, rows, cols int, data []T, ld int) strided[T] {
	if trans {
		checkMatrix(name, cols, rows, len(data), ld)
		return strided[T]{data, 1, ld}
	}
	checkMatrix(name, rows, cols, len(data), ld)
	return strided[T]{data, ld, 1}
}

// checkMatrix panics unless length elements hold rows x cols with row stride ld.
func checkMatrix(name string, rows, cols, length, ld int) {
	if ld < max(cols, 1) {
		panic(fmt.Sprintf("gemm: stride of %s is %d, shorter than a row of %d: pass the distance between rows", name, ld, cols))
	}
	if rows > 0 && cols > 0 && (length < cols || (length-cols)/ld < rows-1) {
		panic(fmt.Sprintf("gemm: %s has %d elements, too few for %d rows of %d with stride %d", name, length, rows, cols, ld))
	}
}

// product is one multiplication, checked: every kernel takes it in this form.
type product[T float] struct {
	m, n, k     int
	alpha, beta T
	a, b        strided[T]
	source      Source[T] // in place of b, unless nil
	column      int       // of source where this product starts
	c           []T
	ldc         int
}

// part returns the multiplication restricted to rows [i0, i1) and columns [j0, j1) of C.
func (p product[T]) part(i0, i1, j0, j1 int) product[T] {
	p.a, p.c = p.a.from(i0, 0), p.c[i0*p.ldc+j0:]
	if p.source != nil {
		p.column += j0
	} else {
		p.b = p.b.from(0, j0)
	}
	p.m, p.n = i1-i0, j1-j0
	return p
}

func multiply[T float](kn Kernel, transA, transB bool, m, n, k int, alpha T, a []T, lda int, b []T, ldb int, beta T, c []T, ldc int) {
	p := newProduct(transA, m, n, k, alpha, a, lda, beta, c, ldc)
	p.b = operand("B", transB, k, n, b, ldb)
	p.compute(kn)
}

// newProduct checks all of a product but B.
func newProduct[T float](transA bool, m, n, k int, alpha T, a []T, lda int, beta T, c []T, ldc int) product[T] {
	if m < 0 || n < 0 || k < 0 {
		panic(fmt.Sprintf("gemm: negative size in an m=%d, n=%d, k=%d product", m, n, k))
	}
	checkMatrix("C", m, n, len(c), ldc)
	return product[T]{m: m, n: n, k: k, alpha: alpha, beta: beta, a: operand("A", transA, m, k, a, lda), c: c, ldc: ldc}
}

func (p product[T]) compute(kn Kernel) {
	switch {
	case p.m == 0 || p.n == 0:
	case p.k == 0 || p.alpha == 0:
		scale(p)
	default:
		p.split(kn)
	}
}

// scale computes C = beta C. It overwrites for beta = 0, so that NaN does not survive.
func scale[T float](p product[T]) {
	for i := range p.m {
		row := p.c[i*p.ldc:][:p.n]
		switch p.beta {
		case 0:
			clear(row)
		case 1:
		default:
			for j := range row {
				row[j] *= p.beta
			}
		}
	}
}

package gemm

import (
	"math"
	"syscall"
	"testing"
	"unsafe"

	"github.com/whybook/whybook/xai/seed"
)

// TestNothingBeyondSlices puts each operand at the very end of readable memory: a
// kernel that reads one element too far ends the test with a fault.
func TestNothingBeyondSlices(t *testing.T) {
	t.Run("float32", nothingBeyondSlices[float32])
	t.Run("float64", nothingBeyondSlices[float64])
}

func nothingBeyondSlices[T float](t *testing.T) {
	a, b, c := beforeFault[T](t, 1<<14), beforeFault[T](t, 1<<14), beforeFault[T](t, 1<<14)
	last := func(mem []T, n int) []T { return mem[len(mem)-n:] }
	for _, kn := range Kernels() {
		for _, n := range []int{1, 2, 7, 8, 9, 15, 16, 17, 23, 24, 25, 31, 33, 40, 47, 48, 49, 63, 65, 97} {
			for _, m := range []int{1, 2, 3, 4, 5, 6, 7, 8, 9, packBRows, packBRows + 1} {
				for _, k := range []int{1, 7, 8, 17} {
					for i := range 4 {
						p := newProblem[T](seed.Stream(6), i&1 != 0, i&2 != 0, m, n, k, 0, 0, 1, T(i&1))
						q := *p
						q.a, q.b, q.c = last(a, len(p.a)), last(b, len(p.b)), last(c, len(p.c))
						copy(q.a, p.a)
						copy(q.b, p.b)
						copy(q.c, p.c)
						q.run(kn)
						p.run(kn)
						if d := firstDifference(p.c, q.c); d >= 0 {
							t.Fatalf("%v: %dx%dx%d: element %d is %v at the end of memory and %v elsewhere", kn, m, n, k, d, q.c[d], p.c[d])
						}
					}
				}
			}
		}
	}
}

// beforeFault returns at least n elements that end where unreadable memory begins.
func beforeFault[T float](t *testing.T, n int) []T {
	page, elem := syscall.Getpagesize(), int(unsafe.Sizeof(T(0)))
	size := (elem*n + page - 1) / page * page
	mem, err := syscall.Mmap(-1, 0, size+page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Skipf("no memory map to test with: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Munmap(mem) })
	if err := syscall.Mprotect(mem[size:], syscall.PROT_NONE); err != nil {
		t.Skipf("no unreadable page to test with: %v", err)
	}
	xs := unsafe.Slice((*T)(unsafe.Pointer(&mem[0])), size/elem)
	for i := range xs {
		xs[i] = T(math.NaN())
	}
	return xs
}

// TestElementwiseNothingBeyondSlices does the same for elementwise operations.
func TestElementwiseNothingBeyondSlices(t *testing.T) {
	const most = 100
	dst, x, y := beforeFault[float32](t, most), beforeFault[float32](t, most), beforeFault[float32](t, most)
	for _, op := range vecOps {
		for _, kn := range Kernels() {
			for n := range most {
				op.call(kn, dst[len(dst)-n:], x[len(x)-n:], y[len(y)-n:])
			}
		}
	}
}

// TestStepsNothingBeyondSlices does the same for the updates of optimisers.
func TestStepsNothingBeyondSlices(t *testing.T) {
	const most = 40
	var x [4][]float32
	for i := range x {
		x[i] = beforeFault[float32](t, most)
	}
	for _, c := range stepCases() {
		for _, kn := range Kernels() {
			for n := range most {
				last := func(i int) []float32 { return x[i][len(x[i])-n:] }
				c.call(kn, last(0), last(1), last(2), last(3))
			}
		}
	}
}

// TestSumsNothingBeyondSlices does the same for sums.
func TestSumsNothingBeyondSlices(t *testing.T) {
	const most = 600
	x, y := beforeFault[float32](t, most), beforeFault[float32](t, most)
	for _, c := range sumCases {
		for _, kn := range Kernels() {
			for width := range 40 {
				for count := range 10 {
					l := Lines{width, count, width + 1}
					n := max((count-1)*l.Stride+width, 0)
					c.call(kn, x[len(x)-n:], y[len(y)-n:], l)
				}
			}
		}
	}
}

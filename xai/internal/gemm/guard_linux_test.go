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
	a, b, c := beforeFault(t, 1<<16), beforeFault(t, 1<<16), beforeFault(t, 1<<16)
	last := func(mem []float32, n int) []float32 { return mem[len(mem)-n:] }
	for _, kn := range Kernels() {
		for _, n := range []int{1, 2, 7, 8, 9, 15, 16, 17, 23, 24, 25, 31, 33, 40, 47, 48, 49, 63, 65, 97} {
			for _, m := range []int{1, 2, 3, 4, 5, 6, 7, 8, 9, packBRows, packBRows + 1} {
				for _, k := range []int{1, 7, 8, 17} {
					for i := range 4 {
						p := newProblem[float32](seed.Stream(6), i&1 != 0, i&2 != 0, m, n, k, 0, 0, 1, float32(i&1))
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
func beforeFault(t *testing.T, n int) []float32 {
	page := syscall.Getpagesize()
	size := (4*n + page - 1) / page * page
	mem, err := syscall.Mmap(-1, 0, size+page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Skipf("no memory map to test with: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Munmap(mem) })
	if err := syscall.Mprotect(mem[size:], syscall.PROT_NONE); err != nil {
		t.Skipf("no unreadable page to test with: %v", err)
	}
	xs := unsafe.Slice((*float32)(unsafe.Pointer(&mem[0])), size/4)
	for i := range xs {
		xs[i] = float32(math.NaN())
	}
	return xs
}

package gemm

import (
	"sync"
	"sync/atomic"
)

// minWork is the number of multiply-adds from which workers are started: 100 us of
// the fastest kernel. For less, waking a processor costs more than it brings.
const minWork = 1 << 23

// piecesPerWorker is how finely C is cut, so that a worker that wakes late or shares
// its processor with another program leaves its rectangles to the others.
const piecesPerWorker = 4

// Rectangles are cut at multiples of the largest tile, to leave narrow tiles at the
// edges of C only.
const rowGrain, colGrain = 8, 48

// pieces is a product cut into rows x cols rectangles of C, handed out to workers.
type pieces[T float] struct {
	product[T]
	path       path
	rows, cols int
	next       atomic.Int64
	left       sync.WaitGroup
}

// split computes the product on the kernel's workers, the calling goroutine among them.
func (p product[T]) split(kn Kernel) {
	if kn.extra == 0 || p.m*p.n*p.k < minWork {
		p.run(kn.path)
		return
	}
	ps := &pieces[T]{product: p, path: kn.path}
	ps.rows, ps.cols = grid(p.m, p.n, (kn.extra+1)*piecesPerWorker)
	count := ps.rows * ps.cols
	ps.left.Add(count)
	for range min(kn.extra, count-1) {
		go ps.work()
	}
	ps.work()
	ps.left.Wait() // for the rectangles, not for workers that found none left
}

// work computes rectangles until none is left.
func (ps *pieces[T]) work() {
	for {
		i := int(ps.next.Add(1)) - 1
		if i >= ps.rows*ps.cols {
			return
		}
		i0, i1 := share(ps.m, ps.rows, i/ps.cols, rowGrain)
		j0, j1 := share(ps.n, ps.cols, i%ps.cols, colGrain)
		ps.part(i0, i1, j0, j1).run(ps.path)
		ps.left.Done()
	}
}

// run computes the product on the calling goroutine.
func (p product[T]) run(on path) {
	if mk := microFor[T](on); mk != nil {
		mk.run(p)
	} else {
		goRun(p)
	}
}

// grid returns how many rows and columns of rectangles to cut an m x n matrix into
// to make about count of them, none empty: those with the shortest borders, for
// which least of A and B is read in total.
func grid(m, n, count int) (rows, cols int) {
	mGrains, nGrains := grains(m, rowGrain), grains(n, colGrain)
	shortest := -1
	for r := 1; r <= min(count, mGrains); r++ {
		c := min((count+r-1)/r, nGrains)
		pieces := r * c
		if border := (m*c + n*r) * count / min(pieces, count); shortest < 0 || border < shortest {
			rows, cols, shortest = r, c, border
		}
	}
	return rows, cols
}

// share returns the range of part i of size cut into parts at multiples of grain.
func share(size, parts, i, grain int) (lo, hi int) {
	g := grains(size, grain)
	return min(size, g*i/parts*grain), min(size, g*(i+1)/parts*grain)
}

func grains(size, grain int) int { return (size + grain - 1) / grain }

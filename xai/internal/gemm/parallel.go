package gemm

import "sync"

// minWork is the number of multiply-adds below which a worker is not worth its
// goroutine: about 10 us of the fastest kernel.
const minWork = 1 << 19

// split computes the product on the kernel's workers, each with a rectangle of C.
func (p product[T]) split(kn Kernel) {
	workers := min(kn.extra+1, p.m*p.n*p.k/minWork)
	if workers <= 1 {
		p.run(kn.path)
		return
	}
	rows, cols := grid(p.m, p.n, workers)
	var wg sync.WaitGroup
	for r := range rows {
		for q := range cols {
			i0, i1 := share(p.m, rows, r, rowGrain)
			j0, j1 := share(p.n, cols, q, colGrain)
			if i0 == i1 || j0 == j1 {
				continue
			}
			part := p.part(i0, i1, j0, j1)
			if r == rows-1 && q == cols-1 {
				part.run(kn.path)
				continue
			}
			wg.Go(func() { part.run(kn.path) })
		}
	}
	wg.Wait()
}

// run computes the product on the calling goroutine.
func (p product[T]) run(on path) {
	if mk := microFor[T](on); mk != nil {
		mk.run(p)
	} else {
		goRun(p)
	}
}

// Rectangles are cut at multiples of the largest tile, to leave narrow tiles at the
// edges of C only.
const rowGrain, colGrain = 8, 48

// grid returns how many rows and columns of rectangles to cut an m x n matrix into
// for a number of workers: those whose rectangles are closest to square, which is
// where each worker reads least of A and B.
func grid(m, n, workers int) (rows, cols int) {
	rows, cols = 1, workers
	least := -1
	for r := 1; r <= workers; r++ {
		if workers%r != 0 {
			continue
		}
		if border := m/r + n/(workers/r); least < 0 || border < least {
			rows, cols, least = r, workers/r, border
		}
	}
	return rows, cols
}

// share returns the range of part i of size cut into parts at multiples of grain.
func share(size, parts, i, grain int) (lo, hi int) {
	grains := (size + grain - 1) / grain
	return min(size, grains*i/parts*grain), min(size, grains*(i+1)/parts*grain)
}

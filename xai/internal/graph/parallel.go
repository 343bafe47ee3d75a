package graph

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// sumParts is the number of partial sums over a batch. It is a constant, not the number
// of processors, so that the order of additions is the same on every machine.
const sumParts = 8

// parallel calls f(i) for i in [0, n) on all processors. Calls must be independent. A
// panic in f is re-raised in the caller, after all workers have stopped.
func parallel(n int, f func(i int)) {
	workers := min(runtime.GOMAXPROCS(0), n)
	if workers <= 1 {
		for i := range n {
			f(i)
		}
		return
	}
	var (
		next   atomic.Int64
		wg     sync.WaitGroup
		once   sync.Once
		raised any
	)
	for range workers {
		wg.Go(func() {
			defer func() {
				if r := recover(); r != nil {
					once.Do(func() { raised = r })
				}
			}()
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				f(i)
			}
		})
	}
	wg.Wait()
	if raised != nil {
		panic(raised)
	}
}

// blocks splits [0, n) into at most parts contiguous ranges and calls f(p, lo, hi) for
// each on all processors. The split depends on n and parts only.
func blocks(n, parts int, f func(p, lo, hi int)) int {
	parts = min(parts, n)
	parallel(parts, func(p int) { f(p, p*n/parts, (p+1)*n/parts) })
	return parts
}

package graph

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// sumParts is the number of partial sums over a batch. It is a constant, not the number
// of processors, so that the order of additions is the same on every machine.
const sumParts = 8

// chunk is the number of elements that one processor takes at a time in elementwise
// operations: enough to repay waking it, little enough to stay in its L2 cache.
const chunk = 1 << 15

// running counts the programs that run at this moment. They divide the processors among
// themselves: those that work on parts of one batch would otherwise wake workers for every
// operation that find all processors taken. Results do not depend on it.
var running atomic.Int32

// workers is the number of processors for the operations of one program.
func workers() int { return max(runtime.GOMAXPROCS(0)/max(int(running.Load()), 1), 1) }

// parallel calls f(i) for i in [0, n) on all processors. Calls must be independent. A
// panic in f is re-raised in the caller, after all workers have stopped.
func parallel(n int, f func(i int)) {
	workers := min(workers(), n)
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
	work := func() {
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
	}
	for range workers - 1 {
		wg.Go(work)
	}
	work()
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

// chunks splits [0, n) into ranges of about chunk elements and calls f for each on all
// processors, for operations on single elements.
func chunks(n int, f func(lo, hi int)) { units(n, 1, f) }

// units splits [0, n) into ranges and calls f for each on all processors, so that a range
// has about chunk elements when each of the n units, such as the rows of a matrix, has size.
func units(n, size int, f func(lo, hi int)) {
	blocks(n, (n*size+chunk-1)/chunk, func(_, lo, hi int) { f(lo, hi) })
}

// pool hands out scratch values to the workers of an operation and keeps them, unlike a
// sync.Pool, for its next run.
type pool[S any] struct {
	mu   sync.Mutex
	idle []S
	make func() S
}

func newPool[S any](make func() S) *pool[S] { return &pool[S]{make: make} }

func (p *pool[S]) get() S {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.idle); n > 0 {
		s := p.idle[n-1]
		p.idle = p.idle[:n-1]
		return s
	}
	return p.make()
}

func (p *pool[S]) put(s S) {
	p.mu.Lock()
	p.idle = append(p.idle, s)
	p.mu.Unlock()
}

// Package parallel spreads independent work over the processors so that its result does
// not depend on how many there are.
package parallel

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

// Blocks cuts [0, n) into ranges of size elements, the last one shorter, and calls f once
// for each on all processors. The cut depends on n and size only: a caller that keeps what
// it sums by range, and adds the ranges in order, gets the same bytes on every machine.
//
// The first error in the order of the ranges is returned; ranges that have not begun when
// an error is seen, or the context ends, are left out. A panic in f is raised again in the
// caller after all work has stopped.
func Blocks(ctx context.Context, n, size int, f func(lo, hi int) error) error {
	size = max(size, 1)
	count := (n + size - 1) / size
	errs := make([]error, count)
	var (
		next   atomic.Int64
		stop   atomic.Bool
		once   sync.Once
		raised any
		wg     sync.WaitGroup
	)
	work := func() {
		defer func() {
			if r := recover(); r != nil {
				once.Do(func() { raised = r })
				stop.Store(true)
			}
		}()
		for !stop.Load() {
			i := int(next.Add(1)) - 1
			if i >= count {
				return
			}
			err := ctx.Err()
			if err == nil {
				err = f(i*size, min((i+1)*size, n))
			}
			if err != nil {
				errs[i] = err
				stop.Store(true)
			}
		}
	}
	for range min(runtime.GOMAXPROCS(0), count) - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
	if raised != nil {
		panic(raised)
	}
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

package parallel

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
)

func TestBlocksCoverEverythingOnce(t *testing.T) {
	for _, procs := range []int{1, 2, 4} {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		for _, c := range []struct{ n, size int }{{0, 3}, {1, 3}, {9, 3}, {10, 3}, {5, 0}, {5, 100}} {
			seen := make([]atomic.Int32, c.n)
			if err := Blocks(t.Context(), c.n, c.size, func(lo, hi int) error {
				if lo >= hi || c.size > 0 && (lo%c.size != 0 || hi-lo > c.size) {
					return fmt.Errorf("range [%d, %d)", lo, hi)
				}
				for i := lo; i < hi; i++ {
					seen[i].Add(1)
				}
				return nil
			}); err != nil {
				t.Errorf("%+v: %v", c, err)
			}
			for i := range seen {
				if seen[i].Load() != 1 {
					t.Errorf("%+v: element %d was visited %d times", c, i, seen[i].Load())
				}
			}
		}
	}
}

func TestBlocksStop(t *testing.T) {
	bad := errors.New("bad")
	var ran atomic.Int32
	err := Blocks(t.Context(), 1000, 1, func(lo, _ int) error {
		ran.Add(1)
		if lo == 3 {
			return bad
		}
		return nil
	})
	if !errors.Is(err, bad) || ran.Load() > 500 {
		t.Errorf("error %v after %d ranges", err, ran.Load())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Blocks(ctx, 10, 1, func(int, int) error { t.Error("ran"); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestPanicReachesTheCaller(t *testing.T) {
	defer func() {
		if r := recover(); r != "planted" {
			t.Errorf("recovered %v", r)
		}
	}()
	_ = Blocks(t.Context(), 10, 1, func(lo, _ int) error {
		if lo == 5 {
			panic("planted")
		}
		return nil
	})
}

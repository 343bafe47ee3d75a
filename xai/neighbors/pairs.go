package neighbors

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/internal/parallel"
)

// pairs has the sums of all pairs of rows, once a search by Loop has needed them and if they
// fit into Options.Memory: the searches after it find them there.
type pairs struct {
	mu   sync.Mutex
	sums atomic.Pointer[[]float64]
}

// pairsOf returns the sums of row i with all rows, or nil if they are not kept.
func (ix *Index) pairsOf(i int) []float64 {
	if p := ix.pairs.sums.Load(); p != nil {
		return (*p)[i*ix.rows : (i+1)*ix.rows]
	}
	return nil
}

// keepPairs computes the sums of all pairs if they are to be kept.
func (ix *Index) keepPairs(ctx context.Context) error {
	n := ix.rows
	if ix.method != Loop || n > ix.memory/8/n {
		return nil
	}
	ix.pairs.mu.Lock()
	defer ix.pairs.mu.Unlock()
	if ix.pairs.sums.Load() != nil {
		return nil
	}
	sums := make([]float64, n*n)
	const size = 32
	err := parallel.Blocks(ctx, n, size, func(lo, hi int) error {
		for from := lo; from < n; from += size { // tiles, so that the mirrored cells lie together
			for i := lo; i < hi; i++ {
				a := ix.row(i)
				j, to := max(from, i+1), min(from+size, n)
				for ; j+4 <= to; j += 4 {
					s0, s1, s2, s3 := ix.sum4(a, j)
					sums[i*n+j], sums[i*n+j+1], sums[i*n+j+2], sums[i*n+j+3] = s0, s1, s2, s3
					sums[j*n+i], sums[(j+1)*n+i], sums[(j+2)*n+i], sums[(j+3)*n+i] = s0, s1, s2, s3
				}
				for ; j < to; j++ {
					s := ix.sum(a, ix.row(j))
					sums[i*n+j], sums[j*n+i] = s, s
				}
			}
		}
		return nil
	})
	if err == nil {
		ix.pairs.sums.Store(&sums)
	}
	return err
}

// Distances stores into dst the distances from row i to all rows, itself among them, and
// returns it; nil dst makes one.
func (ix *Index) Distances(ctx context.Context, dst []float64, i int) ([]float64, error) {
	if i < 0 || i >= ix.rows {
		return nil, fmt.Errorf("neighbors.Distances: the index has no row %d (0-%d): %w", i, ix.rows-1, ErrCount)
	}
	if dst == nil {
		dst = make([]float64, ix.rows)
	}
	if len(dst) != ix.rows {
		return nil, fmt.Errorf("neighbors.Distances: dst has %d values, the index %d rows: %w", len(dst), ix.rows, xai.ErrShape)
	}
	if err := ix.keepPairs(ctx); err != nil {
		return nil, fmt.Errorf("neighbors.Distances: %w", err)
	}
	if sums := ix.pairsOf(i); sums != nil {
		for j, s := range sums {
			dst[j] = ix.finish(s)
		}
		return dst, nil
	}
	a := ix.row(i)
	for j := range dst {
		dst[j] = ix.finish(ix.sum(a, ix.row(j)))
	}
	return dst, nil
}

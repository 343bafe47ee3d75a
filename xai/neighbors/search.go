package neighbors

import (
	"context"
	"fmt"
	"math"

	"github.com/whybook/whybook/xai"
	"gonum.org/v1/gonum/mat"
)

var inf = math.Inf(1)

// Nearest returns the k nearest rows of each row of the index, among all others.
// An error about k, which must be from 1 to Len()-1, matches [ErrCount].
func (ix *Index) Nearest(ctx context.Context, k int) (Lists, error) {
	if err := ix.checkCount("Nearest", k); err != nil {
		return Lists{}, err
	}
	p := ix.everything()
	p.treeable = true
	return ix.nearest(ctx, "Nearest", p, k)
}

// Query returns the k nearest rows of the index for each row of q, which has as many
// columns as the index; k is from 1 to Len(). With Gower's distance, q is measured by the
// ranges of the index.
//
// Errors match [ErrCount], [ErrNotFinite], or [xai.ErrShape] for an empty q or another
// number of columns.
func (ix *Index) Query(ctx context.Context, q *mat.Dense, k int) (Lists, error) {
	return ix.QueryNear(ctx, q, k, nil)
}

// QueryNear is Query for queries of which a row nearby is known: near[i] is a row of the
// index. The answer is the same. Where the distances between the rows of the index are kept
// (see [Loop]), rows are left out by the triangle inequality through it.
func (ix *Index) QueryNear(ctx context.Context, q *mat.Dense, k int, near []int) (Lists, error) {
	if q == nil || q.IsEmpty() {
		return Lists{}, fmt.Errorf("neighbors.Query: the matrix of queries is empty: %w", xai.ErrShape)
	}
	n, d := q.Dims()
	if d != ix.width {
		return Lists{}, fmt.Errorf("neighbors.Query: a query has %d columns, the index %d: %w", d, ix.width, xai.ErrShape)
	}
	if k < 1 || k > ix.rows {
		return Lists{}, fmt.Errorf("neighbors.Query: k is %d; the index has %d rows: %w", k, ix.rows, ErrCount)
	}
	if err := checkFinite("neighbors.Query", q); err != nil {
		return Lists{}, err
	}
	if near != nil && len(near) != n {
		return Lists{}, fmt.Errorf("neighbors.QueryNear: %d rows nearby for %d queries: %w", len(near), n, xai.ErrShape)
	}
	for i, r := range near {
		if r < 0 || r >= ix.rows {
			return Lists{}, fmt.Errorf("neighbors.QueryNear: the row near query %d is %d; the index has rows 0-%d: %w", i, r, ix.rows-1, ErrCount)
		}
	}
	p := &plan{queries: ix.code.rows(q), near: near, treeable: true, jobs: cut(nil, 0, n, span{0, ix.rows})}
	p.low, p.high = extent(p.queries, d, ix.low, ix.high)
	if sum := ix.sum(p.low, p.high); math.IsInf(sum, 0) || math.IsNaN(sum) {
		return Lists{}, fmt.Errorf("neighbors.Query: distances overflow; scale the columns first: %w", ErrNotFinite)
	}
	return ix.nearest(ctx, "Query", p, k)
}

// Enemies returns for each row its k nearest rows among those with another label.
// There is one label for each row, of any values; k is from 1 to Len()-1. Where a row has
// fewer enemies than k, see [Lists].
func (ix *Index) Enemies(ctx context.Context, labels []int, k int) (Lists, error) {
	return ix.filtered(ctx, "Enemies", labels, k, false)
}

// Friends is Enemies among the other rows with the same label.
func (ix *Index) Friends(ctx context.Context, labels []int, k int) (Lists, error) {
	return ix.filtered(ctx, "Friends", labels, k, true)
}

func (ix *Index) filtered(ctx context.Context, name string, labels []int, k int, same bool) (Lists, error) {
	if len(labels) != ix.rows {
		return Lists{}, fmt.Errorf("neighbors.%s: %d labels for %d rows: %w", name, len(labels), ix.rows, xai.ErrShape)
	}
	if err := ix.checkCount(name, k); err != nil {
		return Lists{}, err
	}
	return ix.nearest(ctx, name, ix.byClass(labels, same), k)
}

func (ix *Index) checkCount(name string, k int) error {
	if k < 1 || k >= ix.rows {
		return fmt.Errorf("neighbors.%s: k is %d; %d rows have 1 to %d neighbours each: %w", name, k, ix.rows, ix.rows-1, ErrCount)
	}
	return nil
}

// Closer counts for each row the other rows at a distance less than radii[i], which is 0
// or more and may be infinite.
func (ix *Index) Closer(ctx context.Context, radii []float64) ([]int, error) {
	if len(radii) != ix.rows {
		return nil, fmt.Errorf("neighbors.Closer: %d radii for %d rows: %w", len(radii), ix.rows, xai.ErrShape)
	}
	for i, r := range radii {
		if math.IsNaN(r) || r < 0 {
			return nil, fmt.Errorf("neighbors.Closer: radius %d is %v; want 0 or more: %w", i, r, ErrNotFinite)
		}
	}
	count := make([]int, ix.rows)
	p := ix.everything()
	err := ix.run(ctx, "Closer", p, func(j job) scanner {
		return &closer{ix: ix, plan: p, job: j, radii: radii, count: count}
	})
	if err != nil {
		return nil, err
	}
	for i, r := range radii {
		if r > 0 {
			count[i]-- // the row itself
		}
	}
	return count, nil
}

// nearest finds the k best of the plan's pairs.
func (ix *Index) nearest(ctx context.Context, name string, p *plan, k int) (Lists, error) {
	l := newLists(len(p.queries)/ix.width, k)
	err := ix.run(ctx, name, p, func(j job) scanner {
		s := &nearest{ix: ix, plan: p, job: j, lists: l, best: make([]best, j.hi-j.lo)}
		for i := range s.best {
			s.best[i].reset(k)
		}
		return s
	})
	if err != nil {
		return Lists{}, err
	}
	return l, nil
}

package forest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync/atomic"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/internal/parallel"
	"github.com/whybook/whybook/xai/progress"
	"github.com/whybook/whybook/xai/seed"
	"github.com/whybook/whybook/xai/tree"
	"gonum.org/v1/gonum/mat"
)

// ErrMemory is matched by the error of a forest that would need more memory than it may use.
var ErrMemory = errors.New("needs more memory than allowed")

// Random grows random forests. Its zero value is a forest of 100 trees, each grown until its
// leaves are pure.
type Random struct {
	Trees     int            // default 100
	Criterion tree.Criterion // of classification; default tree.Gini
	MaxDepth  int            // of a tree; default no limit
	MinSplit  int            // rows that a node needs to be split; default 2
	MinLeaf   int            // rows that a leaf needs; default 1
	Features  int            // columns tried at each split, see tree.CART; default sqrt(d) for classes, d/3 for outputs, at least 1
	Bins      int            // 2-256: see tree.CART; default every value is a split point
	AllRows   bool           // grow every tree on all rows instead of a sample
	Memory    int            // bytes that the table and the trees may take; default 2 GiB. Growing takes about 40 n more for each processor
	Seed      uint64
}

// Classify grows a forest from the rows of x, n x d, and their labels, each in
// [0, classes). x may be a *tree.Table. Errors are those of tree.CART.Classify, and ErrMemory.
func (r Random) Classify(ctx context.Context, x mat.Matrix, labels []int, classes int) (*Forest, error) {
	f, err := r.grow(ctx, x, len(labels), classes, func(d int) int { return int(math.Sqrt(float64(d))) },
		func(c tree.CART, t *tree.Table) (*tree.Tree, error) { return c.Classify(ctx, t, labels, classes) })
	if err != nil {
		return nil, fmt.Errorf("forest.Random.Classify: %w", err)
	}
	return f, nil
}

// Regress grows a forest from the rows of x, n x d, and their outputs y, n x k. x may be a
// *tree.Table. Errors are those of tree.CART.Regress, and ErrMemory.
func (r Random) Regress(ctx context.Context, x, y mat.Matrix) (*Forest, error) {
	out, err := tree.Check(ctx, y)
	if err != nil {
		return nil, fmt.Errorf("forest.Random.Regress: outputs: %w", err)
	}
	n, k := out.Dims()
	f, err := r.grow(ctx, x, n, k, func(d int) int { return d / 3 },
		func(c tree.CART, t *tree.Table) (*tree.Tree, error) { return c.Regress(ctx, t, out) })
	if err != nil {
		return nil, fmt.Errorf("forest.Random.Regress: %w", err)
	}
	return f, nil
}

// check returns the fields with their defaults.
func (r Random) check() (Random, error) {
	for _, f := range []struct {
		name           string
		value, initial int
		field          *int
	}{{"Trees", r.Trees, 100, &r.Trees}, {"Memory", r.Memory, defaultMemory, &r.Memory}} {
		if f.value < 0 {
			return r, fmt.Errorf("field %s is %d; it must be at least 1, or 0 for %d", f.name, f.value, f.initial)
		}
		if f.value == 0 {
			*f.field = f.initial
		}
	}
	if r.Features < 0 {
		return r, fmt.Errorf("field Features is %d; it must be at least 1, or 0 for its default", r.Features)
	}
	return r, nil
}

// leastTree is the memory of a tree of one leaf.
const leastTree = 40

const defaultMemory = min(2<<30, math.MaxInt)

// grow grows the trees, each by one.
func (r Random) grow(ctx context.Context, x mat.Matrix, n, k int, features func(d int) int, one func(tree.CART, *tree.Table) (*tree.Tree, error)) (*Forest, error) {
	r, err := r.check()
	if err != nil {
		return nil, err
	}
	t, ready := x.(*tree.Table)
	if !ready {
		checked, err := tree.Check(ctx, x)
		if err != nil {
			return nil, err
		}
		// Before the table is made: one byte a value is the least it can take.
		rows, d := checked.Dims()
		if need := float64(rows) * float64(d); need > float64(r.Memory) {
			return nil, r.tooLarge(need)
		}
		if t, err = tree.Prepare(ctx, checked, r.Bins); err != nil {
			return nil, err
		}
	}
	if t == nil {
		return nil, fmt.Errorf("need a table, have nil: %w", xai.ErrShape)
	}
	rows, d := t.Dims()
	if rows != n {
		return nil, fmt.Errorf("%d rows with %d labels or outputs: %w", rows, n, xai.ErrShape)
	}
	if r.Features == 0 {
		r.Features = max(1, features(d))
	}
	used := float64(t.Bytes()) + float64(r.Trees)*float64(leastTree)
	if used > float64(r.Memory) {
		return nil, r.tooLarge(used)
	}
	f := &Forest{trees: make([]*tree.Tree, r.Trees), seed: r.Seed, rows: n, sampled: !r.AllRows, columns: d, outputs: k}
	var grown, left atomic.Int64
	left.Store(int64(float64(r.Memory) - used))
	err = parallel.Blocks(ctx, r.Trees, 1, func(i, _ int) error {
		c := tree.CART{
			Criterion: r.Criterion, MaxDepth: r.MaxDepth, MinSplit: r.MinSplit, MinLeaf: r.MinLeaf,
			Features: r.Features, Seed: seed.Sub(r.Seed, "forest", i, "columns"), Bins: r.Bins,
		}
		if !r.AllRows {
			c.Weights = f.sample(i)
		}
		one, err := one(c, t)
		if err != nil {
			return err
		}
		// What is counted can only grow, so whether the bound is broken does not depend on
		// which trees come first.
		if left.Add(-int64(one.Size())) < 0 {
			return r.tooLarge(0)
		}
		f.trees[i] = one
		progress.Report(ctx, "forest", int(grown.Add(1)), r.Trees)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return f, nil
}

// tooLarge is the error for a forest beyond Memory.
func (r Random) tooLarge(need float64) error {
	how := "its trees have too many leaves"
	if need > 0 {
		how = fmt.Sprintf("it takes at least %.0f bytes", need)
	}
	return fmt.Errorf("%d trees in %d bytes: %s; lower Trees or MaxDepth, or raise MinLeaf or Memory: %w", r.Trees, r.Memory, how, ErrMemory)
}

// sample returns how often tree i draws each row.
func (f *Forest) sample(i int) []float64 {
	s, weights := seed.Stream(f.seed, "forest", i), make([]float64, f.rows)
	for range weights {
		weights[s.IntN(f.rows)]++
	}
	return weights
}

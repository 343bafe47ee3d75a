package forest

import (
	"context"
	"errors"
	"fmt"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/internal/parallel"
	"github.com/whybook/whybook/xai/tree"
	"gonum.org/v1/gonum/mat"
)

// Forest is a grown forest. It is made by Random or Load, does not change, and may be used
// from several goroutines.
type Forest struct {
	trees            []*tree.Tree
	columns, outputs int

	// What tells which rows each tree was grown on.
	seed    uint64
	rows    int
	sampled bool
}

var _ xai.Scorer = (*Forest)(nil)

// Dims returns the length of a row and the number of classes or outputs.
func (f *Forest) Dims() (d, k int) { return f.columns, f.outputs }

// Classifies reports whether the forest was grown on classes.
func (f *Forest) Classifies() bool { return len(f.trees) > 0 && f.trees[0].Classifies() }

// Len returns the number of trees.
func (f *Forest) Len() int { return len(f.trees) }

// Tree returns tree i, in [0, Len).
func (f *Forest) Tree(i int) *tree.Tree { return f.trees[i] }

// Size returns the approximate memory of the trees in bytes.
func (f *Forest) Size() int {
	size := 0
	for _, t := range f.trees {
		size += t.Size()
	}
	return size
}

// rowsTogether is how many rows a goroutine asks a tree about before it turns to the next:
// enough that the tree is in the cache for most of them.
const rowsTogether = 1024

// Values returns, n x k, the mean of what the trees say about each row of x, n x d: for classes
// their shares, which add up to 1.
func (f *Forest) Values(ctx context.Context, x mat.Matrix) (*mat.Dense, error) {
	r, err := f.check(ctx, x)
	if err != nil {
		return nil, fmt.Errorf("forest.Forest.Values: %w", err)
	}
	dst, err := f.values(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("forest.Forest.Values: %w", err)
	}
	return dst, nil
}

func (f *Forest) check(ctx context.Context, x mat.Matrix) (tree.Rows, error) {
	if f == nil || len(f.trees) == 0 {
		return tree.Rows{}, fmt.Errorf("there is no forest; grow one with Random or read one with Load")
	}
	r, err := tree.Check(ctx, x)
	if err != nil {
		return r, err
	}
	if _, d := r.Dims(); d != f.columns {
		return r, fmt.Errorf("rows have %d columns, the forest was grown on %d: %w", d, f.columns, xai.ErrShape)
	}
	return r, nil
}

func (f *Forest) values(ctx context.Context, r tree.Rows) (*mat.Dense, error) {
	n, _ := r.Dims()
	dst := mat.NewDense(n, f.outputs, nil)
	size := max(1, min(rowsTogether, (n+7)/8))
	err := parallel.Blocks(ctx, n, size, func(lo, hi int) error {
		part := dst.Slice(lo, hi, 0, f.outputs).(*mat.Dense)
		for i, t := range f.trees {
			if i%16 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			t.AddValues(part, r, lo)
		}
		part.Scale(1/float64(len(f.trees)), part)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return dst, nil
}

// Scores implements xai.Scorer by Values.
func (f *Forest) Scores(ctx context.Context, x *mat.Dense) (*mat.Dense, error) {
	return f.Values(ctx, x)
}

// Predict returns the class or output with the greatest of Values for each row of x, n x d,
// the lowest where several are.
func (f *Forest) Predict(ctx context.Context, x mat.Matrix) ([]int, error) {
	r, err := f.check(ctx, x)
	if err != nil {
		return nil, fmt.Errorf("forest.Forest.Predict: %w", err)
	}
	v, err := f.values(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("forest.Forest.Predict: %w", err)
	}
	n, _ := v.Dims()
	classes := make([]int, n)
	for i := range classes {
		classes[i] = largest(v.RawRowView(i))
	}
	return classes, nil
}

// Votes returns, n x k, which share of the trees takes each class for the most frequent in
// the leaf of a row of x, n x d.
func (f *Forest) Votes(ctx context.Context, x mat.Matrix) (*mat.Dense, error) {
	votes, err := f.votes(ctx, x)
	if err != nil {
		return nil, fmt.Errorf("forest.Forest.Votes: %w", err)
	}
	return votes, nil
}

func (f *Forest) votes(ctx context.Context, x mat.Matrix) (*mat.Dense, error) {
	r, err := f.check(ctx, x)
	if err != nil {
		return nil, err
	}
	if !f.Classifies() {
		return nil, errors.New("the forest was grown on outputs, its trees have no votes")
	}
	n, _ := r.Dims()
	votes, one := mat.NewDense(n, f.outputs, nil), 1/float64(len(f.trees))
	for _, t := range f.trees {
		classes, err := t.Predict(ctx, r)
		if err != nil {
			return nil, err
		}
		for i, c := range classes {
			votes.RawRowView(i)[c]++
		}
	}
	votes.Scale(one, votes)
	return votes, nil
}

func largest(values []float64) int {
	best := 0
	for c, v := range values {
		if v > values[best] {
			best = c
		}
	}
	return best
}

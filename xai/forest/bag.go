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

// ErrNoBag is matched by the error of a forest whose trees saw every row, asked about rows
// that they did not see.
var ErrNoBag = errors.New("no rows out of the bag")

// OutOfBag is what the trees say about the rows that they were not grown on.
type OutOfBag struct {
	Values *mat.Dense // n x k: mean over those trees, as Forest.Values; zeros where Trees is 0
	Trees  []int      // n: how many trees had not seen the row
	Score  float64    // share of rows that get their class, or R^2 over all outputs; rows seen by all trees left out
}

// OutOfBag asks every tree about the rows that its sample left out, of the same x, n x d, and
// labels that the forest was grown on: an estimate of what it can do on new rows that
// needs no others.
func (f *Forest) OutOfBag(ctx context.Context, x mat.Matrix, labels []int) (OutOfBag, error) {
	if f != nil && !f.Classifies() {
		return OutOfBag{}, errors.New("forest.Forest.OutOfBag: the forest was grown on outputs; use OutOfBagOutputs")
	}
	o, err := f.outOfBag(ctx, x)
	if err == nil {
		o.Score, err = f.accuracy(o, labels)
	}
	if err != nil {
		return OutOfBag{}, fmt.Errorf("forest.Forest.OutOfBag: %w", err)
	}
	return o, nil
}

// OutOfBagOutputs is OutOfBag for a forest that was grown on outputs y, n x k.
func (f *Forest) OutOfBagOutputs(ctx context.Context, x, y mat.Matrix) (OutOfBag, error) {
	if f != nil && f.Classifies() {
		return OutOfBag{}, errors.New("forest.Forest.OutOfBagOutputs: the forest was grown on classes; use OutOfBag")
	}
	o, err := f.outOfBag(ctx, x)
	if err == nil {
		o.Score, err = f.determination(ctx, o, y)
	}
	if err != nil {
		return OutOfBag{}, fmt.Errorf("forest.Forest.OutOfBagOutputs: %w", err)
	}
	return o, nil
}

func (f *Forest) outOfBag(ctx context.Context, x mat.Matrix) (OutOfBag, error) {
	r, err := f.check(ctx, x)
	if err != nil {
		return OutOfBag{}, err
	}
	n, _ := r.Dims()
	switch {
	case n != f.rows:
		return OutOfBag{}, fmt.Errorf("%d rows, the forest was grown on %d: %w", n, f.rows, xai.ErrShape)
	case !f.sampled:
		return OutOfBag{}, fmt.Errorf("every tree was grown on all rows (field AllRows): %w", ErrNoBag)
	}
	// Which rows a tree saw is drawn again, and kept as bits.
	bags := make([][]uint64, len(f.trees))
	if err := parallel.Blocks(ctx, len(bags), 1, func(i, _ int) error {
		bags[i] = make([]uint64, (n+63)/64)
		for row, w := range f.sample(i) {
			if w > 0 {
				bags[i][row/64] |= 1 << (row % 64)
			}
		}
		return nil
	}); err != nil {
		return OutOfBag{}, err
	}
	o := OutOfBag{Values: mat.NewDense(n, f.outputs, nil), Trees: make([]int, n)}
	err = parallel.Blocks(ctx, n, rowsTogether, func(lo, hi int) error {
		for i, t := range f.trees {
			for row := lo; row < hi; row++ {
				if bags[i][row/64]>>(row%64)&1 == 0 {
					t.AddValues(o.Values.Slice(row, row+1, 0, f.outputs).(*mat.Dense), r, row)
					o.Trees[row]++
				}
			}
		}
		for row := lo; row < hi; row++ {
			if o.Trees[row] > 0 {
				v := o.Values.RawRowView(row)
				for c := range v {
					v[c] /= float64(o.Trees[row])
				}
			}
		}
		return nil
	})
	return o, err
}

// accuracy is the share of rows whose greatest value is their label.
func (f *Forest) accuracy(o OutOfBag, labels []int) (float64, error) {
	if err := f.checkLabels(labels, len(o.Trees)); err != nil {
		return 0, err
	}
	right, asked := 0, 0
	for i, y := range labels {
		if o.Trees[i] > 0 {
			asked++
			if largest(o.Values.RawRowView(i)) == y {
				right++
			}
		}
	}
	if asked == 0 {
		return 0, fmt.Errorf("every row was seen by all %d trees; grow more: %w", len(f.trees), ErrNoBag)
	}
	return float64(right) / float64(asked), nil
}

func (f *Forest) checkLabels(labels []int, n int) error {
	if len(labels) != n {
		return fmt.Errorf("%d rows with %d labels: %w", n, len(labels), xai.ErrShape)
	}
	for i, y := range labels {
		if y < 0 || y >= f.outputs {
			return fmt.Errorf("row %d has label %d, but there are %d classes (0-%d): %w", i, y, f.outputs, f.outputs-1, xai.ErrTarget)
		}
	}
	return nil
}

// determination is 1 less the share of the outputs' squared deviations from their means
// that is left.
func (f *Forest) determination(ctx context.Context, o OutOfBag, y mat.Matrix) (float64, error) {
	out, err := tree.Check(ctx, y)
	if err != nil {
		return 0, fmt.Errorf("outputs: %w", err)
	}
	n, k := out.Dims()
	if n != len(o.Trees) || k != f.outputs {
		return 0, fmt.Errorf("outputs are %d x %d, want %d x %d: %w", n, k, len(o.Trees), f.outputs, xai.ErrShape)
	}
	left, all := 0.0, 0.0
	for c := range k {
		mean, asked := 0.0, 0.0
		for i := range n {
			if o.Trees[i] > 0 {
				mean += out.At(i, c)
				asked++
			}
		}
		if asked == 0 {
			return 0, fmt.Errorf("every row was seen by all %d trees; grow more: %w", len(f.trees), ErrNoBag)
		}
		mean /= asked
		for i := range n {
			if o.Trees[i] > 0 {
				a, b := out.At(i, c)-o.Values.At(i, c), out.At(i, c)-mean
				left += float64(a * a)
				all += float64(b * b)
			}
		}
	}
	if all == 0 {
		return 0, errors.New("the outputs are constant, so nothing of their variance can be explained")
	}
	return 1 - left/all, nil
}

package saliency

import (
	"fmt"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"gonum.org/v1/gonum/mat"
)

// Batch is what a method explains: rows of inputs, each with the score to explain.
type Batch struct {
	X       *mat.Dense     // n x d, d = Shape.Size(), channel-major
	Shape   datasets.Shape // of each row
	Targets []int          // n score indices
	Low     float64        // least and greatest value that an input can have: 0 and 1 for
	High    float64        // images; both 0 where there are no limits
}

// Check says what keeps a method from explaining the batch for model f and storing the maps in
// dst: sizes that do not agree (xai.ErrShape), a score that the model does not have
// (xai.ErrTarget). Every method of this package begins with it. f may be nil for a method
// that asks no model.
func (in Batch) Check(f xai.Scorer, dst *mat.Dense) error {
	if in.X == nil || in.X.IsEmpty() {
		return fmt.Errorf("the batch has no rows: %w", xai.ErrShape)
	}
	n, d := in.X.Dims()
	if s := in.Shape; s.Channels < 1 || s.Height < 1 || s.Width < 1 || s.Size() != d {
		return fmt.Errorf("the rows have %d values, the shape %v has %d: %w", d, s, s.Size(), xai.ErrShape)
	}
	if len(in.Targets) != n {
		return fmt.Errorf("%d targets for %d rows: %w", len(in.Targets), n, xai.ErrShape)
	}
	if dst == nil {
		return fmt.Errorf("the result is nil, need a %d x %d matrix: %w", n, d, xai.ErrShape)
	}
	if r, c := dst.Dims(); r != n || c != d {
		return fmt.Errorf("the result is %d x %d, need %d x %d: %w", r, c, n, d, xai.ErrShape)
	}
	if isNil(f) {
		return nil
	}
	takes, k := f.Dims()
	if takes != d {
		return fmt.Errorf("the rows have %d values, the model takes %d: %w", d, takes, xai.ErrShape)
	}
	for i, c := range in.Targets {
		if c < 0 || c >= k {
			return fmt.Errorf("target %d of row %d: the model has %d scores (0-%d): %w", c, i, k, k-1, xai.ErrTarget)
		}
	}
	return nil
}

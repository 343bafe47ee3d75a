package saliency

import (
	"context"
	"errors"
	"fmt"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/progress"
	"gonum.org/v1/gonum/floats"
)

// limeRows is how many samples LIME fits at once.
const limeRows = 16

// Fidelity counts the samples of data for which LIME agrees with the model: the greatest of its
// local linear models, one for each score (see Local), is the class that the model gives. It
// returns their number, and that of all samples. It sends Samples changed images through the
// model for each sample, so a few hundred samples are plenty.
func (m LIME) Fidelity(ctx context.Context, model xai.Differentiable, data datasets.Source) (agree, of int, err error) {
	const where = "saliency.LIME.Fidelity"
	if isNil(model) || data == nil {
		return 0, 0, errors.New(where + ": need a model and data")
	}
	set, err := data.Build(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("%s: %w", where, err)
	}
	n := set.Len()
	if n == 0 {
		return 0, 0, fmt.Errorf("%s: the set %q is empty: %w", where, set.Name, xai.ErrShape)
	}
	for from := 0; from < n; from += limeRows {
		var index []int
		for i := from; i < min(from+limeRows, n); i++ {
			index = append(index, i)
		}
		in := Batch{X: set.Batch(nil, index), Shape: set.Shape}
		if set.Pixels != nil {
			in.High = 1
		}
		local, err := m.Local(ctx, model, in)
		if err != nil {
			return 0, 0, fmt.Errorf("%s: after %d of %d samples: %w", where, from, n, err)
		}
		scores, err := model.Scores(ctx, in.X)
		if err != nil {
			return 0, 0, fmt.Errorf("%s: after %d of %d samples: %w", where, from, n, err)
		}
		for k := range index {
			if floats.MaxIdx(local.RawRowView(k)) == floats.MaxIdx(scores.RawRowView(k)) {
				agree++
			}
		}
		progress.Report(ctx, "LIME", min(from+limeRows, n), n)
	}
	return agree, n, nil
}

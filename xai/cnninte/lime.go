package cnninte

import (
	"context"
	"errors"
	"fmt"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/progress"
	"github.com/whybook/whybook/xai/saliency"
	"gonum.org/v1/gonum/floats"
)

// limeRows is how many instances LIME fits at once.
const limeRows = 16

// LIMEFidelity is the share of the instances of data for which LIME agrees with the network:
// the greatest of its local linear models, one for each class, is the class that the network
// gives. It is what linear models that are made for each instance anew reach, beside one tree for
// all; by how many superpixels they speak is m's to say. It sends m.Samples changed images
// through the network for each instance, so a few hundred instances are plenty.
func LIMEFidelity(ctx context.Context, net xai.Differentiable, data datasets.Source, m saliency.LIME) (Rate, error) {
	const where = "cnninte.LIMEFidelity"
	if net == nil || data == nil {
		return Rate{}, errors.New(where + ": need a network and data")
	}
	set, err := data.Build(ctx)
	if err != nil {
		return Rate{}, fmt.Errorf("%s: %w", where, err)
	}
	if set.Len() == 0 {
		return Rate{}, fmt.Errorf("%s: the set %q is empty: %w", where, set.Name, xai.ErrShape)
	}
	r := Rate{Of: set.Len()}
	for from := 0; from < set.Len(); from += limeRows {
		var index []int
		for i := from; i < min(from+limeRows, set.Len()); i++ {
			index = append(index, i)
		}
		in := saliency.Batch{X: set.Batch(nil, index), Shape: set.Shape}
		if set.Pixels != nil {
			in.High = 1
		}
		local, err := m.Local(ctx, net, in)
		if err != nil {
			return Rate{}, fmt.Errorf("%s: after %d of %d instances: %w", where, from, set.Len(), err)
		}
		scores, err := net.Scores(ctx, in.X)
		if err != nil {
			return Rate{}, fmt.Errorf("%s: after %d of %d instances: %w", where, from, set.Len(), err)
		}
		for k := range index {
			if floats.MaxIdx(local.RawRowView(k)) == floats.MaxIdx(scores.RawRowView(k)) {
				r.Hits++
			}
		}
		progress.Report(ctx, "LIME", min(from+limeRows, set.Len()), set.Len())
	}
	return r, nil
}

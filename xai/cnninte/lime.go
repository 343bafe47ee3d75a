package cnninte

import (
	"context"
	"fmt"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/saliency"
)

// LIMEFidelity is the share of the instances of data for which LIME agrees with the network; see
// saliency.LIME.Fidelity. It is what linear models that are made for each instance anew reach,
// beside one tree for all; by how many superpixels they speak is m's to say.
func LIMEFidelity(ctx context.Context, net xai.Differentiable, data datasets.Source, m saliency.LIME) (Rate, error) {
	hits, of, err := m.Fidelity(ctx, net, data)
	if err != nil {
		return Rate{}, fmt.Errorf("cnninte.LIMEFidelity: %w", err)
	}
	return Rate{Hits: hits, Of: of}, nil
}

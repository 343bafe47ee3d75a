package saliency

import (
	"context"

	"github.com/whybook/whybook/xai"
	"gonum.org/v1/gonum/mat"
)

// Deconvnet runs the network backwards: transposed convolutions, max-pooling undone to where
// the maximum was, and every ReLU applied to what is sent back, whatever its input was
// (Zeiler and Fergus, 2013, arXiv:1311.2901),
//
//	R_in = max(R_out, 0)
//
// It differs from the gradient at ReLUs only, and shares the weaknesses of GuidedBackprop.
// The model must be an xai.Propagator; else the error matches xai.ErrAbility.
type Deconvnet struct{}

// Attribute implements Method.
func (Deconvnet) Attribute(ctx context.Context, f xai.Differentiable, dst *mat.Dense, in Batch) (Report, error) {
	return propagate(ctx, f, dst, in, atRectifiers(xai.Deconv{}))
}

// Signed implements Method. Signs are those of the last weights on the way to the input.
func (Deconvnet) Signed() bool { return true }

var _ Method = Deconvnet{}

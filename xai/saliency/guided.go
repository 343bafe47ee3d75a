package saliency

import (
	"context"

	"github.com/whybook/whybook/xai"
	"gonum.org/v1/gonum/mat"
)

// GuidedBackprop is the gradient with negative values cut off on the way: every ReLU sends
// back what is positive only (Springenberg, Dosovitskiy, Brox and Riedmiller, 2014,
// arXiv:1412.6806),
//
//	R_in = R_out where the ReLU's input and R_out are both positive, else 0
//
// Its pictures are sharp because it nearly reconstructs the image (Nie, Zhang and Patel,
// 2018, arXiv:1805.07039): it depends little on the class and on the upper layers' weights
// (Adebayo et al., 2018, arXiv:1810.03292), and on how a network is written, not only on
// its function. Use it to see what Guided Grad-CAM builds on, not as evidence.
//
// The model must be an xai.Propagator; else the error matches xai.ErrAbility. Only ReLUs
// are changed: other activations send their gradient, and without a ReLU the map is the
// gradient.
type GuidedBackprop struct{}

// Attribute implements Method.
func (GuidedBackprop) Attribute(ctx context.Context, f xai.Differentiable, dst *mat.Dense, in Batch) (Report, error) {
	return propagate(ctx, f, dst, in, atRectifiers(xai.Guided{}))
}

// Signed implements Method. Signs are those of the last weights on the way to the input.
func (GuidedBackprop) Signed() bool { return true }

var _ Method = GuidedBackprop{}

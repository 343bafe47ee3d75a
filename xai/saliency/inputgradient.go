package saliency

import (
	"context"

	"github.com/whybook/whybook/xai"
	"gonum.org/v1/gonum/mat"
)

// InputGradient is the input times its gradient, x_i * df/dx_i (Shrikumar et al., 2016,
// arXiv:1605.01713): the part of the score that each value contributes to the tangent
// plane. For a network of ReLUs without biases the map sums to the score.
type InputGradient struct{}

// Attribute implements Method.
func (InputGradient) Attribute(ctx context.Context, f xai.Differentiable, dst *mat.Dense, in Batch) (Report, error) {
	if err := in.Check(f, dst); err != nil {
		return Report{}, err
	}
	_, err := f.Gradients(ctx, dst, in.X, in.Targets)
	if err == nil {
		dst.MulElem(dst, in.X)
	}
	return Report{Passes: 1}, err
}

// Signed implements Method.
func (InputGradient) Signed() bool { return true }

var _ Method = InputGradient{}

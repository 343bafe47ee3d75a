package saliency

import (
	"context"

	"github.com/whybook/whybook/xai"
	"gonum.org/v1/gonum/mat"
)

// Gradient is the plain gradient of the score with respect to the input (Simonyan,
// Vedaldi and Zisserman, 2013, arXiv:1312.6034): how fast the score changes with each
// value. It is signed; the paper shows the absolute values.
type Gradient struct{}

// Attribute implements Method.
func (Gradient) Attribute(ctx context.Context, f xai.Differentiable, dst *mat.Dense, in Batch) (Report, error) {
	if err := in.Check(f, dst); err != nil {
		return Report{}, err
	}
	_, err := f.Gradients(ctx, dst, in.X, in.Targets)
	return Report{Passes: 1}, err
}

// Signed implements Method.
func (Gradient) Signed() bool { return true }

var _ Method = Gradient{}

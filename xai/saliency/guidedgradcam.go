package saliency

import (
	"context"

	"github.com/whybook/whybook/xai"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// GuidedGradCAM is the map of GuidedBackprop times that of GradCAM, drawn to the size of the
// image: fine, and in the places that matter to the target (Selvaraju et al., 2017,
// arXiv:1610.02391, section 3.2). What both of them say holds.
type GuidedGradCAM struct {
	Layer string // as that of GradCAM
}

// Signed implements Method: the signs are those of GuidedBackprop.
func (GuidedGradCAM) Signed() bool { return true }

// Attribute implements Method.
func (m GuidedGradCAM) Attribute(ctx context.Context, f xai.Differentiable, dst *mat.Dense, in Batch) (Report, error) {
	if err := in.Check(f, dst); err != nil {
		return Report{}, err
	}
	n, d := in.X.Dims()
	cam := mat.NewDense(n, d, nil)
	where, err := GradCAM{Layer: m.Layer}.Attribute(ctx, f, cam, in)
	if err != nil {
		return Report{}, err
	}
	what, err := GuidedBackprop{}.Attribute(ctx, f, dst, in)
	if err != nil {
		return Report{}, err
	}
	for i := range n {
		floats.Mul(dst.RawRowView(i), cam.RawRowView(i))
		floats.Scale(float64(in.Shape.Channels), dst.RawRowView(i)) // GradCAM shares a pixel among its channels
	}
	return Report{Passes: where.Passes + what.Passes}, nil
}

var _ Method = GuidedGradCAM{}

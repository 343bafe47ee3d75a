package saliency

import (
	"context"
	"fmt"

	"github.com/whybook/whybook/xai"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// GradCAM is a coarse map of a layer with space: its channels A_k, each weighted by the mean
// of the gradient over its positions (Selvaraju et al., 2017, arXiv:1610.02391, eq. 1 and 2),
//
//	a_k = mean over positions of df/dA_k,  map = max(sum_k a_k A_k, 0)
//
// drawn to the size of the image by bilinear interpolation between the centres of its
// pixels, as image libraries do. Every channel of a pixel gets an equal part, so that
// Map.Plane, which adds the channels, is the map of the paper. It is zero everywhere where
// nothing in the layer speaks for the target.
//
// The model must be an xai.Layered; else the error matches xai.ErrAbility. A layer that is
// unknown, that has no space or that the target does not depend on gives an error that
// matches xai.ErrLayer.
type GradCAM struct {
	// Layer is a layer with space; default the last one before what is explained. The paper
	// takes the last convolution: a ReLU after it, if there is one, or a pooling.
	Layer string

	// KeepNegative leaves out the max, so that what speaks against the target shows too.
	KeepNegative bool
}

// Signed implements Method.
func (m GradCAM) Signed() bool { return m.KeepNegative }

// Attribute implements Method.
func (m GradCAM) Attribute(ctx context.Context, f xai.Differentiable, dst *mat.Dense, in Batch) (Report, error) {
	if err := in.Check(f, dst); err != nil {
		return Report{}, err
	}
	coarse, l, err := m.coarse(ctx, f, in)
	if err != nil {
		return Report{}, err
	}
	c, h, w := in.Shape.Channels, in.Shape.Height, in.Shape.Width
	for i := range in.Targets {
		row := dst.RawRowView(i)
		resample(row[:h*w], h, w, coarse.RawRowView(i), l.Height, l.Width)
		floats.Scale(1/float64(c), row[:h*w])
		for ch := 1; ch < c; ch++ {
			copy(row[ch*h*w:], row[:h*w])
		}
	}
	return Report{Passes: 3}, nil
}

// coarse returns the map of each row at the size of the layer.
func (m GradCAM) coarse(ctx context.Context, f xai.Differentiable, in Batch) (*mat.Dense, xai.Layer, error) {
	model, err := below[xai.Layered](f)
	if err != nil {
		return nil, xai.Layer{}, err
	}
	o, err := originOf(ctx, f, in)
	if err != nil {
		return nil, xai.Layer{}, err
	}
	l, err := m.layer(model, o.layer)
	if err != nil {
		return nil, l, err
	}
	a, err := model.Activations(ctx, l.Name, in.X)
	if err != nil {
		return nil, l, err
	}
	n, size := a.Dims()
	grads := mat.NewDense(n, size, nil)
	if err := model.Pull(ctx, o.layer, l.Name, grads, in.X, o.seed); err != nil {
		return nil, l, err
	}
	area := l.Height * l.Width
	coarse := mat.NewDense(n, area, nil)
	for i := range n {
		row := coarse.RawRowView(i)
		for k := range l.Channels {
			weight := floats.Sum(grads.RawRowView(i)[k*area:][:area]) / float64(area)
			floats.AddScaled(row, weight, a.RawRowView(i)[k*area:][:area])
		}
		for p, v := range row {
			if v < 0 && !m.KeepNegative {
				row[p] = 0
			}
		}
	}
	return coarse, l, nil
}

// layer returns the layer of the map, for what layer of puts out.
func (m GradCAM) layer(model xai.Layered, of string) (xai.Layer, error) {
	if m.Layer != "" {
		l, err := layerOf(model, m.Layer)
		if err != nil {
			return l, fmt.Errorf("field Layer is %q: %w", m.Layer, err)
		}
		if l.Height*l.Width == 1 {
			return l, fmt.Errorf("field Layer is %q, which has no space, only %d values; those that have are %s: %w", m.Layer, l.Size(), list(spatial(model)), xai.ErrLayer)
		}
		return l, nil
	}
	var last xai.Layer
	for _, l := range model.Layers() {
		if l.Name == of {
			break
		}
		if l.Height*l.Width > 1 {
			last = l
		}
	}
	if last.Name == "" {
		return last, fmt.Errorf("the model has no layer with space before what is explained: %w", xai.ErrLayer)
	}
	return last, nil
}

// spatial names the layers with space.
func spatial(model xai.Layered) []string {
	var names []string
	for _, l := range model.Layers() {
		if l.Height*l.Width > 1 {
			names = append(names, l.Name)
		}
	}
	return names
}

// resample draws an image of sh x sw pixels at a size of h x w by bilinear interpolation.
// Pixels are squares: the centre of pixel i lies at (i + 1/2) / size, and values go on
// unchanged beyond the outermost centres.
func resample(dst []float64, h, w int, src []float64, sh, sw int) {
	at := func(i, size, from int) (lo, hi int, share float64) {
		t := min(max((float64(i)+0.5)*float64(from)/float64(size)-0.5, 0), float64(from-1))
		lo = int(t)
		return lo, min(lo+1, from-1), t - float64(lo)
	}
	for y := range h {
		y0, y1, v := at(y, h, sh)
		for x := range w {
			x0, x1, u := at(x, w, sw)
			top := src[y0*sw+x0]*(1-u) + src[y0*sw+x1]*u
			bottom := src[y1*sw+x0]*(1-u) + src[y1*sw+x1]*u
			dst[y*w+x] = top*(1-v) + bottom*v
		}
	}
}

var _ Method = GradCAM{}

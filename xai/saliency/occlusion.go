package saliency

import (
	"context"
	"fmt"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"gonum.org/v1/gonum/mat"
)

// Occlusion is the drop of the score when a square window is covered (Zeiler and Fergus,
// 2013, arXiv:1311.2901). A pixel gets the mean over the windows W that cover it,
//
//	map_p = mean over W containing p of f(x) - f(x with W set to Fill)
//
// in all channels. Windows lie every Stride pixels from the upper left corner; the last
// one of a row or column is moved back to end at the border, so that every pixel is
// covered. For a table row Patch counts columns.
type Occlusion struct {
	Patch  int     // side of the window in pixels; default a seventh of the image's shorter side, at least 1; 1 for a table
	Stride int     // default half of Patch, at least 1; at most Patch
	Fill   float64 // in the input's units; default 0
	Batch  int     // images in flight; default 64
}

// Signed implements Method.
func (Occlusion) Signed() bool { return true }

// Attribute implements Method.
func (m Occlusion) Attribute(ctx context.Context, f xai.Differentiable, dst *mat.Dense, in Batch) (Report, error) {
	if err := in.Check(f, dst); err != nil {
		return Report{}, err
	}
	h, w := in.Shape.Height, in.Shape.Width
	patch, err := patchSize(m.Patch, max(min(h, w)/7, 1), in.Shape)
	if err != nil {
		return Report{}, err
	}
	stride, err := count("Stride", m.Stride, max(patch/2, 1))
	if err != nil {
		return Report{}, err
	}
	if stride > patch {
		return Report{}, fmt.Errorf("field Stride is %d, more than the window of %d pixels: it would leave pixels uncovered", stride, patch)
	}
	size, err := count("Batch", m.Batch, 64)
	if err != nil {
		return Report{}, err
	}
	if j := indexNotFinite([]float64{m.Fill}); j >= 0 {
		return Report{}, fmt.Errorf("field Fill is %v: %w", m.Fill, datasets.ErrNotFinite)
	}
	base, err := scoresAt(ctx, f, in)
	if err != nil {
		return Report{}, err
	}

	tops, lefts := windows(h, patch, stride), windows(w, patch, stride)
	hw := h * w
	cover := func(s int, visit func(pixel int)) {
		top, left := tops[s/len(lefts)], lefts[s%len(lefts)]
		for r := top; r < min(top+patch, h); r++ {
			for c := left; c < min(left+patch, w); c++ {
				visit(r*w + c)
			}
		}
	}
	dst.Zero()
	times := make([]float64, hw) // windows over each pixel
	for s := range len(tops) * len(lefts) {
		cover(s, func(p int) { times[p]++ })
	}
	slide := sweep{
		task: "occlusion", per: len(tops) * len(lefts), size: size,
		point: func(dst []float64, i, s int) {
			copy(dst, in.X.RawRowView(i))
			cover(s, func(p int) {
				for j := p; j < len(dst); j += hw {
					dst[j] = m.Fill
				}
			})
		},
		use: func(i, s int, _, scores []float64) {
			drop, row := base[i]-scores[in.Targets[i]], dst.RawRowView(i)
			cover(s, func(p int) {
				for j := p; j < len(row); j += hw {
					row[j] += drop
				}
			})
		},
	}
	if err := slide.run(ctx, f, in); err != nil {
		return Report{}, err
	}
	for i := range base {
		row := dst.RawRowView(i)
		for j := range row {
			row[j] /= times[j%hw]
		}
	}
	return Report{Passes: slide.per + 1}, nil
}

// windows returns where windows of size patch begin on a side of n pixels.
func windows(n, patch, stride int) []int {
	last := max(n-patch, 0)
	var list []int
	for at := 0; at < last; at += stride {
		list = append(list, at)
	}
	return append(list, last)
}

var _ Method = Occlusion{}

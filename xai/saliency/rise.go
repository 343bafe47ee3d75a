package saliency

import (
	"context"
	"fmt"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/mat"
)

// RISE is the mean of random masks, weighted by the score that each leaves (Petsiuk, Das
// and Saenko, 2018, arXiv:1806.07421, eq. 6):
//
//	map_p = 1/(N p) * sum over masks M of f(x * M) M_p
//
// A mask is a grid of zeros and ones (one with probability Keep), enlarged bilinearly
// beyond the image and cropped at a random offset, so that its values lie in [0,1]. The
// map is the expected score given that a pixel is seen: it has no sign, and only its
// differences within one image mean something. All channels of a pixel are masked
// together, towards 0, and all rows of a batch get the same masks. The paper uses
// probabilities where this uses the score.
type RISE struct {
	Masks int     // N; default 4000 (the paper's for VGG16)
	Grid  int     // cells along each side of the image; default 7
	Keep  float64 // p, probability in (0,1] that a cell is seen; default 0.5
	Seed  uint64  // of the masks
	Batch int     // images and masks in flight; default 64
}

// Signed implements Method.
func (RISE) Signed() bool { return false }

// Attribute implements Method.
func (m RISE) Attribute(ctx context.Context, f xai.Differentiable, dst *mat.Dense, in Batch) (Report, error) {
	if err := in.Check(f, dst); err != nil {
		return Report{}, err
	}
	masks, err := count("Masks", m.Masks, 4000)
	if err != nil {
		return Report{}, err
	}
	grid, err := count("Grid", m.Grid, 7)
	if err != nil {
		return Report{}, err
	}
	keep, err := amount("Keep", m.Keep, 0.5)
	if err != nil {
		return Report{}, err
	}
	size, err := count("Batch", m.Batch, 64)
	if err != nil {
		return Report{}, err
	}
	if keep > 1 {
		return Report{}, fmt.Errorf("field Keep is a probability, not %v", keep)
	}
	h, w := in.Shape.Height, in.Shape.Width
	if m.Grid > max(h, w) {
		return Report{}, fmt.Errorf("field Grid is %d cells for an image of %dx%d pixels", m.Grid, h, w)
	}
	hw := h * w
	block := mat.NewDense(min(size, masks), hw, nil)
	first := 0
	dst.Zero()
	look := sweep{
		task: "RISE", per: masks, size: size,
		prepare: func(from, to int) {
			first = from
			for s := from; s < to; s++ {
				m.mask(block.RawRowView(s-from), s, h, w, min(grid, h), min(grid, w), keep)
			}
		},
		point: func(dst []float64, i, s int) {
			mask := block.RawRowView(s - first)
			for j, v := range in.X.RawRowView(i) {
				dst[j] = v * mask[j%hw]
			}
		},
		use: func(i, s int, _, scores []float64) {
			mask, row := block.RawRowView(s-first), dst.RawRowView(i)
			for j := range row {
				row[j] += scores[in.Targets[i]] * mask[j%hw]
			}
		},
	}
	if err := look.run(ctx, f, in); err != nil {
		return Report{}, err
	}
	dst.Scale(1/(float64(masks)*keep), dst)
	return Report{Passes: masks}, nil
}

// mask writes mask s, h x w values in [0,1], from rows x columns cells. The grid has a
// cell more on each side than the image needs, which leaves room for the offset.
func (m RISE) mask(dst []float64, s, h, w, rows, columns int, keep float64) {
	r := seed.Stream(m.Seed, "rise", s)
	cells := make([]float64, (rows+2)*(columns+2))
	for c := range cells {
		if r.Float64() < keep {
			cells[c] = 1
		}
	}
	tall, wide := float64(h)/float64(rows), float64(w)/float64(columns) // of a cell, in pixels
	down, right := r.Float64(), r.Float64()                             // in cells
	for y := range h {
		cy := (float64(y)+0.5)/tall + down
		y0 := int(cy)
		for x := range w {
			cx := (float64(x)+0.5)/wide + right
			x0 := int(cx)
			at := y0*(columns+2) + x0
			ty, tx := cy-float64(y0), cx-float64(x0)
			dst[y*w+x] = (1-ty)*((1-tx)*cells[at]+tx*cells[at+1]) + ty*((1-tx)*cells[at+columns+2]+tx*cells[at+columns+3])
		}
	}
}

var _ Method = RISE{}

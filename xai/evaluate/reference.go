package evaluate

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/saliency"
	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/mat"
)

// Random is a reference: standard normal values that know nothing of model or input. A
// metric that does not tell a method from it has shown nothing. The values depend on the
// seed, the input and the target, and not on the place in a batch.
type Random struct{ Seed uint64 }

// Signed implements saliency.Method.
func (Random) Signed() bool { return true }

// Attribute implements saliency.Method.
func (a Random) Attribute(ctx context.Context, f xai.Differentiable, dst *mat.Dense, in saliency.Batch) (saliency.Report, error) {
	return each(ctx, f, dst, in, func(i int, x, row []float64) {
		h, word := fnv.New64a(), make([]byte, 8)
		for _, v := range x {
			binary.LittleEndian.PutUint64(word, math.Float64bits(v))
			h.Write(word) // a hash never fails to write
		}
		r := seed.Stream(a.Seed, "random map", in.Targets[i], h.Sum64())
		for j := range row {
			row[j] = r.NormFloat64()
		}
	})
}

// Constant is a reference: the value 1 everywhere. Rankings of it are the order of the
// pixels, which shows what a metric makes of ties.
type Constant struct{}

// Signed implements saliency.Method.
func (Constant) Signed() bool { return false }

// Attribute implements saliency.Method.
func (Constant) Attribute(ctx context.Context, f xai.Differentiable, dst *mat.Dense, in saliency.Batch) (saliency.Report, error) {
	return each(ctx, f, dst, in, func(_ int, _, row []float64) {
		for j := range row {
			row[j] = 1
		}
	})
}

// Sobel is a reference: the edges of the input, whatever the model (Adebayo et al., 2018,
// arXiv:1810.03292, compare with an edge detector). Each channel has the length of its
// Sobel gradient, with the kernels (1 2 1) x (-1 0 1) / 8, so that a ramp of slope 1 has 1;
// at the border the outermost pixels are repeated. A table row counts as an image of one
// line.
type Sobel struct{}

// Signed implements saliency.Method.
func (Sobel) Signed() bool { return false }

// Attribute implements saliency.Method.
func (Sobel) Attribute(ctx context.Context, f xai.Differentiable, dst *mat.Dense, in saliency.Batch) (saliency.Report, error) {
	h, w := in.Shape.Height, in.Shape.Width
	return each(ctx, f, dst, in, func(_ int, x, row []float64) {
		for j := range row {
			plane := x[j/(h*w)*h*w:]
			at := func(dy, dx int) float64 {
				y, x := j/w%h+dy, j%w+dx
				return plane[min(max(y, 0), h-1)*w+min(max(x, 0), w-1)]
			}
			across := at(-1, 1) + 2*at(0, 1) + at(1, 1) - at(-1, -1) - 2*at(0, -1) - at(1, -1)
			down := at(1, -1) + 2*at(1, 0) + at(1, 1) - at(-1, -1) - 2*at(-1, 0) - at(-1, 1)
			row[j] = math.Hypot(across, down) / 8
		}
	})
}

// Oracle is a reference for data with planted truth: 1 within the mask and 0 outside, in
// every channel. It is the best that a metric of localisation can see, and shows whether
// the model uses the truth at all in the metrics that ask the model.
type Oracle struct {
	Mask []bool // H*W, the same for each row of a batch; required
}

// Signed implements saliency.Method.
func (Oracle) Signed() bool { return false }

// Attribute implements saliency.Method.
func (a Oracle) Attribute(ctx context.Context, f xai.Differentiable, dst *mat.Dense, in saliency.Batch) (saliency.Report, error) {
	if pixels := in.Shape.Height * in.Shape.Width; len(a.Mask) != pixels {
		return saliency.Report{}, fmt.Errorf("field Mask has %d pixels, the input %d: %w", len(a.Mask), pixels, xai.ErrShape)
	}
	if count(a.Mask) == 0 {
		return saliency.Report{}, fmt.Errorf("field Mask has no pixel: %w", ErrMask)
	}
	return each(ctx, f, dst, in, func(_ int, _, row []float64) {
		for j := range row {
			row[j] = 0
			if a.Mask[j%len(a.Mask)] {
				row[j] = 1
			}
		}
	})
}

// each fills the rows of dst one by one; f may be nil.
func each(ctx context.Context, f xai.Differentiable, dst *mat.Dense, in saliency.Batch, fill func(i int, x, row []float64)) (saliency.Report, error) {
	if err := in.Check(f, dst); err != nil {
		return saliency.Report{}, err
	}
	n, _ := in.X.Dims()
	for i := range n {
		if err := ctx.Err(); err != nil {
			return saliency.Report{}, fmt.Errorf("after %d of %d rows: %w", i, n, err)
		}
		fill(i, in.X.RawRowView(i), dst.RawRowView(i))
	}
	return saliency.Report{}, nil
}

var _, _, _, _ saliency.Method = Random{}, Constant{}, Sobel{}, Oracle{}

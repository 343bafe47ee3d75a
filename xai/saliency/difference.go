package saliency

import (
	"context"
	"fmt"
	"math"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"gonum.org/v1/gonum/mat"
)

// FiniteDifference is a nonlinear map that needs no gradient: how far the score can be
// moved by setting one patch of the image to another value,
//
//	map_i = max over v in Values of | f(x with the patch of i set to v) - f(x) |
//
// Every value of a patch, in all channels, gets the same number. Where f is affine and a
// patch is one value the map is |w_i| max |v - x_i|: the size of the gradient up to a
// range. See GradientFlow for the paper behind the nonlinear maps; its formulas were not
// available, and this definition is ours.
type FiniteDifference struct {
	Patch  int       // side of the patches in pixels; default 1 for images up to 28x28, 4 up to 64x64, else 8
	Values []float64 // in the input's units; default Low, High and their middle; needed where there are no limits

	// KeepSign gives the difference f(x) - f(changed x) of the value with the greatest
	// effect its sign: positive where the patch as it is speaks for the target.
	KeepSign bool
	Batch    int // images in flight; default 64
}

// Signed implements Method.
func (m FiniteDifference) Signed() bool { return m.KeepSign }

// Attribute implements Method.
func (m FiniteDifference) Attribute(ctx context.Context, f xai.Differentiable, dst *mat.Dense, in Batch) (Report, error) {
	if err := in.Check(f, dst); err != nil {
		return Report{}, err
	}
	usual := 8
	switch side := max(in.Shape.Height, in.Shape.Width); {
	case side <= 28 || in.High == in.Low:
		usual = 1
	case side <= 64:
		usual = 4
	}
	patch, err := patchSize(m.Patch, usual, in.Shape)
	if err != nil {
		return Report{}, err
	}
	size, err := count("Batch", m.Batch, 64)
	if err != nil {
		return Report{}, err
	}
	values := m.Values
	if j := indexNotFinite(values); j >= 0 {
		return Report{}, fmt.Errorf("field Values has %v: %w", values[j], datasets.ErrNotFinite)
	}
	if len(values) == 0 {
		if in.High == in.Low {
			return Report{}, fmt.Errorf("field Values is empty, and the input has no limits to take values from; set it")
		}
		values = []float64{in.Low, (in.Low + in.High) / 2, in.High}
	}
	base, err := scoresAt(ctx, f, in)
	if err != nil {
		return Report{}, err
	}
	group, groups := tiles(in.Shape, patch)
	n, _ := in.X.Dims()
	effect := mat.NewDense(n, groups, nil)
	changes := sweep{
		task: "finite differences", per: groups * len(values), size: size,
		point: func(dst []float64, i, s int) {
			copy(dst, in.X.RawRowView(i))
			for j := range dst {
				if group[j%len(group)] == s/len(values) {
					dst[j] = values[s%len(values)]
				}
			}
		},
		use: func(i, s int, _, scores []float64) {
			drop := base[i] - scores[in.Targets[i]]
			if e := &effect.RawRowView(i)[s/len(values)]; math.Abs(drop) > math.Abs(*e) || math.IsNaN(drop) {
				*e = drop
			}
		},
	}
	if err := changes.run(ctx, f, in); err != nil {
		return Report{}, err
	}
	for i := range n {
		row := effect.RawRowView(i)
		if !m.KeepSign {
			for g, v := range row {
				row[g] = math.Abs(v)
			}
		}
		spread(dst, i, group, row)
	}
	return Report{Passes: groups*len(values) + 1}, nil
}

var _ Method = FiniteDifference{}

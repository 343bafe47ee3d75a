package imbalance

import (
	"context"
	"fmt"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/internal/parallel"
	"gonum.org/v1/gonum/mat"
)

// FeatureDensity compares how often the members of each class have a feature among their own
// largest, with a reference class (Dablain et al., step 10).
type FeatureDensity struct {
	Reference int      // class r
	Classes   []string // names
	Features  []int    // T_r, the top features of the reference class by mean
	Counts    *mat.Dense

	// Raw is count_c(f) / count_r(f), C x len(Features), where count_c(f) is the number of
	// members of c that have f among their own K largest features. It mixes overlap with
	// imbalance: a class of 50 times the size has 50 times the density. NaN where
	// count_r(f) is 0.
	Raw *mat.Dense

	// Normalized is the ratio of the shares, (count_c(f)/n_c) / (count_r(f)/n_r). It is ours.
	Normalized *mat.Dense
}

// Density computes the density ratios against class reference, with the k largest features
// of every member; the paper takes 10. Features must not be negative. One that is 0 is not
// there: a member with fewer than k features has those only, where the authors' code fills up
// with features of 0 in any order.
func Density(ctx context.Context, m Members, reference, k int) (FeatureDensity, error) {
	const where = "imbalance.Density"
	top, err := Importance(m, k)
	if err != nil {
		return FeatureDensity{}, err
	}
	m = m.named()
	if reference < 0 || reference >= len(m.Classes) {
		return FeatureDensity{}, fmt.Errorf("%s: reference class %d; there are %d classes (0-%d): %w", where, reference, len(m.Classes), len(m.Classes)-1, xai.ErrTarget)
	}
	if top.Top[reference] == nil {
		return FeatureDensity{}, fmt.Errorf("%s: %w; take another reference", where, ErrDegenerateClass{Class: m.Classes[reference], Need: 1})
	}
	d := FeatureDensity{Reference: reference, Classes: m.Classes, Features: top.Top[reference]}
	_, width := m.Features.Dims()
	place := make([]int, width) // of a feature among d.Features, from 1
	for p, f := range d.Features {
		place[f] = p + 1
	}
	own := make([][]int, m.Len())
	err = parallel.Blocks(ctx, m.Len(), 256, func(lo, hi int) error {
		for i := lo; i < hi; i++ {
			own[i] = largest(m.Features.RawRowView(i), top.K)
		}
		return nil
	})
	if err != nil {
		return FeatureDensity{}, fmt.Errorf("%s: %w", where, err)
	}
	c, w := len(m.Classes), len(d.Features)
	d.Counts, d.Raw, d.Normalized = mat.NewDense(c, w, nil), mat.NewDense(c, w, nil), mat.NewDense(c, w, nil)
	for i, list := range own {
		for _, f := range list {
			if p := place[f]; p > 0 && m.Features.At(i, f) > 0 {
				d.Counts.Set(m.Labels[i], p-1, d.Counts.At(m.Labels[i], p-1)+1)
			}
		}
	}
	sizes := m.Counts()
	for i := range c {
		for p := range w {
			base := d.Counts.At(reference, p)
			if base == 0 {
				d.Raw.Set(i, p, nan)
				d.Normalized.Set(i, p, nan)
				continue
			}
			ratio := d.Counts.At(i, p) / base
			d.Raw.Set(i, p, ratio)
			d.Normalized.Set(i, p, ratio*float64(sizes[reference])/float64(sizes[i])) // 0/0 is NaN
		}
	}
	return d, nil
}

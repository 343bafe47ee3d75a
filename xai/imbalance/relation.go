package imbalance

import (
	"fmt"
	"math"
	"slices"

	"github.com/whybook/whybook/xai"
)

var nan = math.NaN()

// share returns part/whole, NaN for an empty whole.
func share(part, whole int) float64 {
	if whole == 0 {
		return nan
	}
	return float64(part) / float64(whole)
}

// Relation says how two quantities go together, such as class size and recall. Both
// correlations are in [-1, 1], and NaN where fewer than two pairs are known or one side is
// constant.
type Relation struct {
	Pearson  float64
	Spearman float64 // Pearson's of the ranks; equal values share their mean rank
	N        int     // pairs of which both sides are known
}

// Relate correlates two lists of one length. Pairs with a NaN are left out.
func Relate(x, y []float64) (Relation, error) {
	if len(x) != len(y) {
		return Relation{}, fmt.Errorf("imbalance.Relate: %d and %d values: %w", len(x), len(y), xai.ErrShape)
	}
	var a, b []float64
	for i := range x {
		if !math.IsNaN(x[i]) && !math.IsNaN(y[i]) {
			a, b = append(a, x[i]), append(b, y[i])
		}
	}
	r := Relation{Pearson: nan, Spearman: nan, N: len(a)}
	if varies(a) && varies(b) {
		r.Pearson, r.Spearman = min(max(pearson(a, b), -1), 1), min(max(pearson(ranks(a), ranks(b)), -1), 1)
	}
	return r, nil
}

// varies reports whether values differ by more than rounding.
func varies(values []float64) bool {
	if len(values) < 2 {
		return false
	}
	lo, hi := slices.Min(values), slices.Max(values)
	return hi-lo > 1e-14*max(math.Abs(lo), math.Abs(hi))
}

func errSizes(where string, have, want int) error {
	return fmt.Errorf("%s: %d class sizes for %d classes: %w", where, have, want, xai.ErrShape)
}

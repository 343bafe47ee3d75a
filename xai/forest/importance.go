package forest

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/whybook/whybook/xai/progress"
	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/mat"
)

// Importance returns the mean of the trees' importances of the columns: how much their
// splits lessen impurity, as shares that add up to 1. It favours columns of many values, and
// counts splits that only fit noise; see Permutation.
func (f *Forest) Importance() []float64 {
	if f == nil {
		return nil
	}
	mean := make([]float64, f.columns)
	for _, t := range f.trees {
		for j, v := range t.Importance() {
			mean[j] += v / float64(len(f.trees))
		}
	}
	return mean
}

// Permutation measures columns by what a forest loses when their values are shuffled among
// the rows (Breiman 2001, section 10, on rows of one's choice: best those that the forest was
// not grown on).
type Permutation struct {
	Repeats int    // shuffles of each column; default 5
	Seed    uint64 // of the shuffles
}

// Loss is how much accuracy a forest loses without a column.
type Loss struct {
	Mean, Deviation float64 // over the repeats; Deviation is that of the population
}

// Measure returns the loss of accuracy (share of right classes) by each column of x, n x d,
// whose rows have these labels.
func (p Permutation) Measure(ctx context.Context, f *Forest, x mat.Matrix, labels []int) ([]Loss, error) {
	losses, err := p.measure(ctx, f, x, labels)
	if err != nil {
		return nil, fmt.Errorf("forest.Permutation.Measure: %w", err)
	}
	return losses, nil
}

func (p Permutation) measure(ctx context.Context, f *Forest, x mat.Matrix, labels []int) ([]Loss, error) {
	if p.Repeats < 0 {
		return nil, fmt.Errorf("field Repeats is %d; it must be at least 1, or 0 for 5", p.Repeats)
	}
	if p.Repeats == 0 {
		p.Repeats = 5
	}
	r, err := f.check(ctx, x)
	if err != nil {
		return nil, err
	}
	n, d := r.Dims()
	if !f.Classifies() {
		return nil, errors.New("the forest was grown on outputs; permutation is measured by accuracy")
	}
	if err := f.checkLabels(labels, n); err != nil {
		return nil, err
	}
	right := func(values *mat.Dense) float64 {
		count := 0
		for i, y := range labels {
			if largest(values.RawRowView(i)) == y {
				count++
			}
		}
		return float64(count) / float64(n)
	}
	values, err := f.values(ctx, r)
	if err != nil {
		return nil, err
	}
	before := right(values)
	used := f.used()
	losses := make([]Loss, d)
	for j := range losses {
		if !used[j] {
			continue // no tree looks at it
		}
		sum, squares := 0.0, 0.0
		for k := range p.Repeats {
			order := seed.Stream(p.Seed, "permutation", j, k).Perm(n)
			if values, err = f.values(ctx, r.Shuffled(j, order)); err != nil {
				return nil, err
			}
			loss := before - right(values)
			sum += loss
			squares += loss * loss
		}
		m := sum / float64(p.Repeats)
		losses[j] = Loss{Mean: m, Deviation: math.Sqrt(max(0, squares/float64(p.Repeats)-m*m))}
		progress.Report(ctx, "permutation importance", j+1, d)
	}
	return losses, nil
}

// used reports which columns some tree tests.
func (f *Forest) used() []bool {
	used := make([]bool, f.columns)
	for _, t := range f.trees {
		for _, n := range t.Nodes() {
			if !n.Leaf() {
				used[n.Feature] = true
			}
		}
	}
	return used
}

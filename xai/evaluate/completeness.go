package evaluate

import (
	"context"
	"fmt"
	"math"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/saliency"
	"gonum.org/v1/gonum/floats"
)

// Completeness measures what a map misses of the change that it should distribute
// (Sundararajan, Taly and Yan, 2017, arXiv:1703.01365, proposition 1):
//
//	delta = sum of phi_i - (f(x) - f(x'))
//	relative error = |delta| / max(|f(x) - f(x')|, Floor)
//
// It is at least 0, and 0 is best; it is a number and no verdict, since sums of floats are
// never exactly equal. Only methods that promise completeness can be judged by it, and the
// baseline must be theirs. For f = (4, 3, 2, 1) x at (1, 1, 1, 1) the map (4, 3, 2, 1) has
// 0, twice the map has 1.
type Completeness struct {
	Baseline []float64 // x', d values in the input's units; default zeros
	Floor    float64   // least change to divide by, in units of the score; default 1e-6
	Absolute bool      // return |delta|, in units of the score
}

// Card implements Metric.
func (Completeness) Card() Card {
	return Card{
		Name: "Completeness error", Low: 0, High: math.Inf(1), Better: Lower,
		Source:  "Sundararajan, Taly and Yan, 2017, arXiv:1703.01365, proposition 1",
		Formula: "|sum phi_i - (f(x) - f(x'))| / max(|f(x) - f(x')|, Floor)",
		Fails:   "Says nothing about where the values lie; judges only methods that promise completeness, from their own baseline.",
		Oracle:  "f = (4, 3, 2, 1) x at ones: the map (4, 3, 2, 1) has 0, twice the map has 1.",
	}
}

// Measure implements Metric.
func (c Completeness) Measure(ctx context.Context, f xai.Differentiable, m saliency.Map) (float64, error) {
	name := c.Card().Name
	if err := checkModel(name, f, m); err != nil {
		return 0, err
	}
	if c.Absolute && c.Floor != 0 {
		return 0, fmt.Errorf("evaluate: %s: field Floor is %v, but an absolute error divides by nothing; set one of Absolute and Floor", name, c.Floor)
	}
	floor, err := positiveReal(name, "Floor", c.Floor, 1e-6)
	if err != nil {
		return 0, err
	}
	baseline, err := or(name, "Baseline", c.Baseline, len(m.Values))
	if err != nil {
		return 0, err
	}
	ends := [][]float64{m.Sample.X, baseline}
	out, err := outputs(ctx, name, f, m.Target, 2, false, func(i int, row []float64) { copy(row, ends[i]) })
	if err != nil {
		return 0, err
	}
	change := out[0] - out[1]
	delta := math.Abs(floats.Sum(m.Values) - change)
	if c.Absolute {
		return delta, nil
	}
	return delta / max(math.Abs(change), floor), nil
}

var _ Metric = Completeness{}

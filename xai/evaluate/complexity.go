package evaluate

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/saliency"
	"gonum.org/v1/gonum/floats"
)

// Sparseness is the Gini index of the absolute values of a map (Chalasani et al., 2020,
// arXiv:1810.06583): with |phi|_(k) in ascending order,
//
//	G = sum over k = 1..d of (2k - d - 1) |phi|_(k) / (d sum |phi|)
//
// It lies between 0, all values equal, and 1 - 1/d, one value alone; more is sparser. The
// map (1, 2, 3, 4) has 0.25. It does not see where the values lie: shuffled pixels have the
// same index, and a random map can be sparse. A map of zeros has none: ErrZero.
type Sparseness struct{}

// Card implements Metric.
func (Sparseness) Card() Card {
	return Card{
		Name: "Sparseness (Gini)", Low: 0, High: 1, Better: Higher,
		Source:  "Chalasani et al., 2020, arXiv:1810.06583",
		Formula: "sum over k = 1..d of (2k - d - 1) |phi|_(k) / (d sum |phi|), |phi|_(k) ascending",
		Fails:   "Does not see places: a shuffled map has the same index, and a random map can be sparse.",
		Oracle:  "(1, 2, 3, 4) has 0.25, equal values have 0, one value alone has 1 - 1/d.",
	}
}

// Measure implements Metric.
func (s Sparseness) Measure(_ context.Context, _ xai.Differentiable, m saliency.Map) (float64, error) {
	sizes, err := shares(s.Card().Name, m)
	if err != nil {
		return 0, err
	}
	slices.Sort(sizes)
	d, sum := len(sizes), 0.0
	for k, v := range sizes {
		sum += float64(2*(k+1)-d-1) * v
	}
	return max(sum/float64(d), 0), nil // equal values can come out at -1e-17
}

// Entropy is the complexity of a map as the entropy of its shares p_i = |phi_i| / sum |phi|
// (Bhatt, Weller and Moura, 2020, arXiv:2005.00631):
//
//	H = - sum of p_i ln p_i
//
// It lies between 0, one value alone, and ln d, all values equal, in nats; less is simpler.
// The map (1, 2, 3, 4) has 1.279854. Like Sparseness it does not see places. A map of zeros
// has none: ErrZero.
type Entropy struct{}

// Card implements Metric.
func (Entropy) Card() Card {
	return Card{
		Name: "Complexity (entropy)", Low: 0, High: math.Inf(1), Better: Lower,
		Source:  "Bhatt, Weller and Moura, 2020, arXiv:2005.00631",
		Formula: "- sum of p_i ln p_i, p_i = |phi_i| / sum |phi|",
		Fails:   "Does not see places; its greatest value, ln d, grows with the input.",
		Oracle:  "(1, 2, 3, 4) has 1.279854, equal values have ln d, one value alone has 0.",
	}
}

// Measure implements Metric.
func (e Entropy) Measure(_ context.Context, _ xai.Differentiable, m saliency.Map) (float64, error) {
	p, err := shares(e.Card().Name, m)
	if err != nil {
		return 0, err
	}
	h := 0.0
	for _, v := range p {
		if v > 0 { // v ln v tends to 0
			h -= v * math.Log(v)
		}
	}
	return h, nil
}

// shares returns |phi_i| / sum |phi|. It divides by the greatest value first, so that
// neither the sum of huge values nor that of tiny ones leaves the range of a float64.
func shares(metric string, m saliency.Map) ([]float64, error) {
	if err := check(metric, m); err != nil {
		return nil, err
	}
	p := absolute(m.Values)
	top := slices.Max(p)
	if top == 0 {
		return nil, fmt.Errorf("evaluate: %s: %w everywhere", metric, ErrZero)
	}
	for i := range p {
		p[i] /= top
	}
	sum := floats.Sum(p)
	for i := range p {
		p[i] /= sum
	}
	return p, nil
}

// EffectiveComplexity is the number of values that matter (Nguyen and Martinez, 2020,
// arXiv:2007.07584, with a fixed threshold):
//
//	#{i : |phi_i| > Threshold}
//
// It lies between 0 and d; less is simpler. The threshold is absolute, so that scaling a
// map changes the number; a map of zeros has 0.
type EffectiveComplexity struct {
	Threshold float64 // in units of the map; 0 counts every value that is not 0
}

// Card implements Metric.
func (EffectiveComplexity) Card() Card {
	return Card{
		Name: "Effective complexity", Low: 0, High: math.Inf(1), Better: Lower,
		Source:  "Nguyen and Martinez, 2020, arXiv:2007.07584",
		Formula: "#{i : |phi_i| > Threshold}",
		Fails:   "The threshold is in units of the map: scaling a map changes the number.",
		Oracle:  "(1, 2, 3, 4) with the threshold 2 has 2.",
	}
}

// Measure implements Metric.
func (e EffectiveComplexity) Measure(_ context.Context, _ xai.Differentiable, m saliency.Map) (float64, error) {
	name := e.Card().Name
	if err := check(name, m); err != nil {
		return 0, err
	}
	if !(e.Threshold >= 0) {
		return 0, fmt.Errorf("evaluate: %s: field Threshold must not be negative, it is %v", name, e.Threshold)
	}
	n := 0
	for _, v := range m.Values {
		if math.Abs(v) > e.Threshold {
			n++
		}
	}
	return float64(n), nil
}

var _, _, _ Metric = Sparseness{}, Entropy{}, EffectiveComplexity{}

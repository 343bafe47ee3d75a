package evaluate

import (
	"context"
	"fmt"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/saliency"
	"github.com/whybook/whybook/xai/seed"
)

// RandomLogit asks whether a map is about its class (Sixt, Granz and Landgraf, 2020, "When
// explanations lie", arXiv:1912.09818): Spearman's correlation of the absolute values of
// the map and of the map that the same method makes of the same sample for another class,
// drawn at random. It lies between -1 and 1; a method whose maps stay near 1 explains the
// image and not the decision. With two classes whose scores mirror each other even a
// faithful map has 1. A map without variation has no correlation: ErrConstant.
type RandomLogit struct {
	Of   saliency.Method // what made the map; default the map's own
	Seed uint64
}

// Card implements Metric.
func (RandomLogit) Card() Card {
	return Card{
		Name: "Random logit", Low: -1, High: 1, Better: Lower,
		Source:  "Sixt, Granz and Landgraf, 2020, arXiv:1912.09818",
		Formula: "Spearman(|phi_c|, |phi_c'|), c' a random other class",
		Fails:   "With two classes whose scores mirror each other even a faithful map has 1.",
		Oracle:  "Classes with reversed orders of importance: -1; one map for all classes: 1.",
	}
}

// Measure implements Metric.
func (c RandomLogit) Measure(ctx context.Context, f xai.Differentiable, m saliency.Map) (float64, error) {
	name := c.Card().Name
	if err := checkModel(name, f, m); err != nil {
		return 0, err
	}
	of, err := maker(name, c.Of, m)
	if err != nil {
		return 0, err
	}
	_, k := f.Dims()
	if k < 2 {
		return 0, fmt.Errorf("evaluate: %s: the model has one score, and no other to explain: %w", name, xai.ErrTarget)
	}
	other := seed.Stream(c.Seed, "random logit").IntN(k - 1)
	if other >= m.Target {
		other++
	}
	phi, err := explain(ctx, name, of, f, m, other)
	if err != nil {
		return 0, err
	}
	return spearman(name, absolute(m.Values), absolute(phi))
}

var _ Metric = RandomLogit{}

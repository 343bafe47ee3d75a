package evaluate

import (
	"context"
	"fmt"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/saliency"
	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/mat"
)

// RandomLogit asks whether a map is about its class (Sixt, Granz and Landgraf, 2020, "When
// explanations lie", arXiv:1912.09818): Spearman's correlation of the absolute values of
// the map and of the map that the same method makes of the same sample for another class,
// drawn at random. It lies between -1 and 1; a method whose maps stay near 1 explains the
// image and not the decision. With two classes whose scores mirror each other even a
// faithful map has 1. A map without variation has no correlation: ErrConstant.
type RandomLogit struct {
	Of   saliency.Method // what made the map; required
	Seed uint64
}

// Card implements Metric.
func (RandomLogit) Card() Card {
	return Card{Name: "Random logit", Low: -1, High: 1, Better: Lower}
}

// Measure implements Metric.
func (c RandomLogit) Measure(ctx context.Context, f xai.Differentiable, m saliency.Map) (float64, error) {
	name := c.Card().Name
	if err := checkModel(name, f, m); err != nil {
		return 0, err
	}
	if c.Of == nil {
		return 0, fmt.Errorf("evaluate: %s: field Of: need the method that made the map, have nil", name)
	}
	d, k := f.Dims()
	if k < 2 {
		return 0, fmt.Errorf("evaluate: %s: the model has one score, and no other to explain: %w", name, xai.ErrTarget)
	}
	other := seed.Stream(c.Seed, "random logit").IntN(k - 1)
	if other >= m.Target {
		other++
	}
	in := saliency.Batch{X: mat.NewDense(1, d, append([]float64(nil), m.Sample.X...)), Shape: m.Shape, Targets: []int{other}}
	if m.Sample.Columns == nil { // an image
		in.High = 1
	}
	dst := mat.NewDense(1, d, nil)
	if _, err := c.Of.Attribute(ctx, f, dst, in); err != nil {
		return 0, fmt.Errorf("evaluate: %s: class %d: %w", name, other, err)
	}
	phi := dst.RawRowView(0)
	if i, bad := notFinite(phi); bad {
		return 0, fmt.Errorf("evaluate: %s: value %d of the map of class %d is %v: %w", name, i, other, phi[i], ErrMap)
	}
	return spearman(name, absolute(m.Values), absolute(phi))
}

var _ Metric = RandomLogit{}

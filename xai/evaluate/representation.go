package evaluate

import (
	"context"
	"fmt"
	"math"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/saliency"
	"gonum.org/v1/gonum/mat"
)

// RelativeRepresentationStability is RelativeInputStability with the relative change of a
// hidden layer L in the denominator (Agarwal et al., 2022, arXiv:2203.06877, eq. 4), whose
// other fields and weaknesses it has:
//
//	max over y of |(Phi(x) - Phi(y)) / Phi(x)| / max(|(L(x) - L(y)) / L(x)|, Floor)
//
// A ReLU layer has many values that are exactly 0, each of which divides by Floor: take the
// layer before the ReLU. The model must have Activations, as xai.Layered has.
type RelativeRepresentationStability struct {
	Of      saliency.Method // what made the map; default the map's own
	Layer   string          // default the layer before the last one, where the model lists its layers
	Radius  float64         // in the input's units; default 0.05
	Samples int             // default 100
	Floor   float64         // default 1e-6
	Seed    uint64
}

// Card implements Metric.
func (RelativeRepresentationStability) Card() Card {
	return Card{
		Name: "Relative representation stability", Low: 0, High: math.Inf(1), Better: Lower,
		Source:  "Agarwal et al., 2022, arXiv:2203.06877, eq. 4",
		Formula: "max over y of |(Phi(x) - Phi(y)) / Phi(x)| / max(|(L(x) - L(y)) / L(x)|, Floor)",
		Fails:   "Zeros of map or layer divide by Floor: take a layer before its ReLU.",
		Oracle:  "A layer that passes the input on: Relative input stability; a constant map: 0.",
	}
}

// Measure implements Metric.
func (c RelativeRepresentationStability) Measure(ctx context.Context, f xai.Differentiable, m saliency.Map) (float64, error) {
	name := c.Card().Name
	if err := checkModel(name, f, m); err != nil {
		return 0, err
	}
	model, ok := f.(interface {
		Activations(ctx context.Context, layer string, x *mat.Dense) (*mat.Dense, error)
	})
	if !ok {
		return 0, fmt.Errorf("evaluate: %s: a %T does not show its hidden layers; the model must be xai.Layered", name, f)
	}
	if c.Layer == "" {
		listed, ok := f.(interface{ Layers() []xai.Layer })
		if !ok {
			return 0, fmt.Errorf("evaluate: %s: field Layer: a %T does not list its layers; name one", name, f)
		}
		layers := listed.Layers()
		if len(layers) < 2 {
			return 0, fmt.Errorf("evaluate: %s: the model has no hidden layer: %w", name, xai.ErrLayer)
		}
		c.Layer = layers[len(layers)-2].Name
	}
	hidden := func(x []float64) ([]float64, error) {
		out, err := model.Activations(ctx, c.Layer, mat.NewDense(1, len(x), append([]float64(nil), x...)))
		if err != nil {
			return nil, fmt.Errorf("evaluate: %s: %w", name, err)
		}
		row := out.RawRowView(0)
		if i, bad := notFinite(row); bad {
			return nil, fmt.Errorf("evaluate: %s: value %d of layer %s is %v; this metric needs finite ones: %w", name, i, c.Layer, row[i], datasets.ErrNotFinite)
		}
		return row, nil
	}
	here, err := hidden(m.Sample.X)
	if err != nil {
		return 0, err
	}
	var failed error
	input := RelativeInputStability{Of: c.Of, Radius: c.Radius, Samples: c.Samples, Floor: c.Floor, Seed: c.Seed}
	worst, err := input.measure(ctx, name, f, m, func(n, _ neighbour, floor float64) float64 {
		there, err := hidden(n.x)
		if err != nil {
			failed = err
			return floor
		}
		return relative(there, here, floor)
	})
	if failed != nil {
		return 0, failed
	}
	return worst, err
}

var _ Metric = RelativeRepresentationStability{}

package evaluate

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/progress"
	"github.com/whybook/whybook/xai/saliency"
	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// MaxSensitivity is how much a map changes, at worst, when the input hardly does (Yeh et
// al., 2019, arXiv:1901.09392, definition 2.2): over inputs x + e with every |e_i| at most
// Radius, drawn uniformly,
//
//	max over e of |Phi(x + e) - Phi(x)| / |Phi(x)|       (Euclidean norms)
//
// It is at least 0; less is steadier, and a constant map has 0, so that it says nothing
// about faithfulness. Samples make it a lower bound of the true maximum: for the gradient
// of f = |x|^2/2 that is Radius sqrt(d)/|x|. A map of zeros has none: ErrZero (Captum
// divides by 1 instead). The explanations are made anew by Of, for the sample and target
// of the map, which must be Of's own.
type MaxSensitivity struct {
	Of      saliency.Method // what made the map; default the map's own
	Radius  float64         // in the input's units; default 0.02 (Captum)
	Samples int             // default 10 (Captum)
	Seed    uint64
}

// Card implements Metric.
func (MaxSensitivity) Card() Card {
	return Card{
		Name: "Max-sensitivity", Low: 0, High: math.Inf(1), Better: Lower,
		Source:  "Yeh et al., 2019, arXiv:1901.09392, definition 2.2",
		Formula: "max over |e_i| <= Radius of |Phi(x + e) - Phi(x)| / |Phi(x)|",
		Fails:   "A constant map is perfect; sampling gives a lower bound of the maximum.",
		Oracle:  "f = |x|^2/2, its gradient: at most Radius sqrt(d)/|x|.",
	}
}

// Measure implements Metric.
func (c MaxSensitivity) Measure(ctx context.Context, f xai.Differentiable, m saliency.Map) (float64, error) {
	changes, err := c.changes(ctx, c.Card().Name, f, m)
	if err != nil {
		return 0, err
	}
	return slices.Max(changes), nil
}

// changes returns |Phi(x + e) - Phi(x)| / |Phi(x)| for each sample.
func (c MaxSensitivity) changes(ctx context.Context, name string, f xai.Differentiable, m saliency.Map) ([]float64, error) {
	if err := checkModel(name, f, m); err != nil {
		return nil, err
	}
	norm := floats.Norm(m.Values, 2)
	if norm == 0 {
		return nil, fmt.Errorf("evaluate: %s: %w everywhere", name, ErrZero)
	}
	var changes []float64
	around := neighbourhood{of: c.Of, radius: c.Radius, samples: c.Samples, seed: c.Seed}
	err := around.explain(ctx, name, f, m, 0.02, 10, func(n neighbour) {
		changes = append(changes, floats.Distance(n.phi, m.Values, 2)/norm)
	})
	return changes, err
}

// AvgSensitivity is the mean instead of the maximum of MaxSensitivity (Bhatt, Weller and
// Moura, 2020, arXiv:2005.00631).
type AvgSensitivity MaxSensitivity

// Card implements Metric.
func (AvgSensitivity) Card() Card {
	return Card{
		Name: "Avg-sensitivity", Low: 0, High: math.Inf(1), Better: Lower,
		Source:  "Bhatt, Weller and Moura, 2020, arXiv:2005.00631",
		Formula: "mean over |e_i| <= Radius of |Phi(x + e) - Phi(x)| / |Phi(x)|",
		Fails:   "A constant map is perfect.",
		Oracle:  "At most Max-sensitivity, and 0 for the gradient of a linear model.",
	}
}

// Measure implements Metric.
func (c AvgSensitivity) Measure(ctx context.Context, f xai.Differentiable, m saliency.Map) (float64, error) {
	changes, err := MaxSensitivity(c).changes(ctx, c.Card().Name, f, m)
	if err != nil {
		return 0, err
	}
	return floats.Sum(changes) / float64(len(changes)), nil
}

// LocalLipschitz estimates the Lipschitz constant of a method around x (Alvarez-Melis and
// Jaakkola, 2018, arXiv:1806.08049, eq. 2), over uniform samples with every |x_i - y_i| at
// most Radius:
//
//	max over y of |Phi(x) - Phi(y)| / |x - y|       (Euclidean norms)
//
// It is at least 0, in units of the map by units of the input, so that only maps of one
// unit compare; less is steadier. Samples make it a lower bound, where the paper searches
// for the maximum. The gradient of f = a |x|^2/2 has a.
type LocalLipschitz struct {
	Of      saliency.Method // what made the map; default the map's own
	Radius  float64         // in the input's units; default 0.1
	Samples int             // default 100
	Seed    uint64
}

// Card implements Metric.
func (LocalLipschitz) Card() Card {
	return Card{
		Name: "Local Lipschitz estimate", Low: 0, High: math.Inf(1), Better: Lower,
		Source:  "Alvarez-Melis and Jaakkola, 2018, arXiv:1806.08049, eq. 2",
		Formula: "max over y of |Phi(x) - Phi(y)| / |x - y|",
		Fails:   "In units of the map, so that only maps of one unit compare; a constant map is perfect; a lower bound.",
		Oracle:  "f = a |x|^2/2, its gradient: a.",
	}
}

// Measure implements Metric.
func (c LocalLipschitz) Measure(ctx context.Context, f xai.Differentiable, m saliency.Map) (float64, error) {
	name, worst := c.Card().Name, 0.0
	if err := checkModel(name, f, m); err != nil {
		return 0, err
	}
	around := neighbourhood{of: c.Of, radius: c.Radius, samples: c.Samples, seed: c.Seed}
	err := around.explain(ctx, name, f, m, 0.1, 100, func(n neighbour) {
		worst = max(worst, floats.Distance(n.phi, m.Values, 2)/floats.Distance(n.x, m.Sample.X, 2))
	})
	return worst, err
}

// RelativeInputStability is the relative change of the map by the relative change of the
// input (Agarwal et al., 2022, arXiv:2203.06877, eq. 3), over uniform samples y with every
// |x_i - y_i| at most Radius that keep the predicted class:
//
//	max over y of |(Phi(x) - Phi(y)) / Phi(x)| / max(|(x - y) / x|, Floor)
//
// with element-wise divisions and Euclidean norms. It is at least 0, without unit; less is
// steadier. As in the authors' code an element of Phi(x) or x that is 0 is replaced by
// Floor where it divides, so that maps and images with many zeros get huge values: compare
// such maps by MaxSensitivity. If no sample keeps the class there is no value: ErrMoved.
type RelativeInputStability struct {
	Of      saliency.Method // what made the map; default the map's own
	Radius  float64         // in the input's units; default 0.05
	Samples int             // default 100
	Floor   float64         // default 1e-6
	Seed    uint64
}

// Card implements Metric.
func (RelativeInputStability) Card() Card {
	return Card{
		Name: "Relative input stability", Low: 0, High: math.Inf(1), Better: Lower,
		Source:  "Agarwal et al., 2022, arXiv:2203.06877, eq. 3",
		Formula: "max over y of |(Phi(x) - Phi(y)) / Phi(x)| / max(|(x - y) / x|, Floor)",
		Fails:   "Zeros of map or input divide by Floor: black images and sparse maps have huge values.",
		Oracle:  "A map that is proportional to the input: 1; a constant map: 0.",
	}
}

// Measure implements Metric.
func (c RelativeInputStability) Measure(ctx context.Context, f xai.Differentiable, m saliency.Map) (float64, error) {
	return c.measure(ctx, c.Card().Name, f, m, func(n, _ neighbour, floor float64) float64 {
		return relative(n.x, m.Sample.X, floor)
	})
}

func (c RelativeInputStability) measure(ctx context.Context, name string, f xai.Differentiable, m saliency.Map, by func(n, x neighbour, floor float64) float64) (float64, error) {
	if err := checkModel(name, f, m); err != nil {
		return 0, err
	}
	floor, err := positiveReal(name, "Floor", c.Floor, 1e-6)
	if err != nil {
		return 0, err
	}
	x := neighbour{x: m.Sample.X, phi: m.Values}
	err = sweep(ctx, name, f, 1, func(_ int, row []float64) { copy(row, x.x) }, func(_ int, scores []float64) { x.scores = slices.Clone(scores) })
	if err != nil {
		return 0, err
	}
	worst, kept := 0.0, 0
	around := neighbourhood{of: c.Of, radius: c.Radius, samples: c.Samples, seed: c.Seed}
	err = around.explain(ctx, name, f, m, 0.05, 100, func(n neighbour) {
		if floats.MaxIdx(n.scores) == floats.MaxIdx(x.scores) {
			worst = max(worst, relative(n.phi, x.phi, floor)/max(by(n, x, floor), floor))
			kept++
		}
	})
	if err == nil && kept == 0 {
		err = fmt.Errorf("evaluate: %s: every changed input has another predicted class; use a smaller Radius: %w", name, ErrMoved)
	}
	return worst, err
}

// relative returns |(x - y) / x|, with floor where x_i is 0.
func relative(y, x []float64, floor float64) float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		if v == 0 {
			v = floor
		}
		out[i] = (x[i] - y[i]) / v
	}
	return floats.Norm(out, 2)
}

// RelativeOutputStability is RelativeInputStability with the change of the scores h in the
// denominator (same source, eq. 5), whose fields and weaknesses it has:
//
//	max over y of |(Phi(x) - Phi(y)) / Phi(x)| / max(|h(x) - h(y)|, Floor)
type RelativeOutputStability RelativeInputStability

// Card implements Metric.
func (RelativeOutputStability) Card() Card {
	return Card{
		Name: "Relative output stability", Low: 0, High: math.Inf(1), Better: Lower,
		Source:  "Agarwal et al., 2022, arXiv:2203.06877, eq. 5",
		Formula: "max over y of |(Phi(x) - Phi(y)) / Phi(x)| / max(|h(x) - h(y)|, Floor)",
		Fails:   "Zeros of the map divide by Floor; a flat model makes the denominator small.",
		Oracle:  "A constant map: 0.",
	}
}

// Measure implements Metric.
func (c RelativeOutputStability) Measure(ctx context.Context, f xai.Differentiable, m saliency.Map) (float64, error) {
	return RelativeInputStability(c).measure(ctx, c.Card().Name, f, m, func(n, x neighbour, _ float64) float64 {
		return floats.Distance(n.scores, x.scores, 2)
	})
}

// neighbourhood is a cube around an input, with the explanations of points in it.
type neighbourhood struct {
	of      saliency.Method
	radius  float64
	samples int
	seed    uint64
}

// neighbour is one of the points.
type neighbour struct{ x, phi, scores []float64 }

// explain hands points of the cube to take, with their explanations, in order. It first
// checks that the map is what the method makes of the sample, since all metrics compare
// with the map.
func (c neighbourhood) explain(ctx context.Context, metric string, f xai.Differentiable, m saliency.Map, radius float64, samples int, take func(neighbour)) error {
	of, err := maker(metric, c.of, m)
	if err != nil {
		return err
	}
	radius, err = positiveReal(metric, "Radius", c.radius, radius)
	if err != nil {
		return err
	}
	if samples, err = positive(metric, "Samples", c.samples, samples); err != nil {
		return err
	}
	d := len(m.Values)
	x := mat.NewDense(min(samples+1, inFlight), d, nil)
	dst := mat.NewDense(min(samples+1, inFlight), d, nil)
	for done := 0; done <= samples; {
		block := min(inFlight, samples+1-done)
		in := saliency.Batch{X: x.Slice(0, block, 0, d).(*mat.Dense), Shape: m.Shape, Targets: make([]int, block)}
		if m.Sample.Columns == nil { // an image
			in.High = 1
		}
		for i := range block {
			in.Targets[i] = m.Target
			row := x.RawRowView(i)
			copy(row, m.Sample.X)
			if done+i == 0 {
				continue // x itself
			}
			r := seed.Stream(c.seed, "neighbourhood", done+i)
			for j := range row {
				row[j] += radius * (2*r.Float64() - 1)
			}
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("evaluate: %s: after %d of %d explanations: %w", metric, done, samples+1, err)
		}
		var report saliency.Report
		scores, err := f.Scores(ctx, in.X)
		if err == nil {
			report, err = of.Attribute(ctx, f, dst.Slice(0, block, 0, d).(*mat.Dense), in)
		}
		if err != nil {
			return fmt.Errorf("evaluate: %s: after %d of %d explanations: %w", metric, done, samples+1, err)
		}
		for i := range block {
			if err := report.Err(i); err != nil {
				return fmt.Errorf("evaluate: %s: changed input %d: %w", metric, done+i, err)
			}
			n := neighbour{x: x.RawRowView(i), phi: dst.RawRowView(i), scores: scores.RawRowView(i)}
			if j, bad := notFinite(n.phi); bad {
				return fmt.Errorf("evaluate: %s: value %d of the map of changed input %d is %v: %w", metric, j, done+i, n.phi[j], ErrMap)
			}
			if k, bad := notFinite(n.scores); bad {
				return fmt.Errorf("evaluate: %s: score %d of changed input %d is %v; this metric needs finite ones: %w", metric, k, done+i, n.scores[k], datasets.ErrNotFinite)
			}
			if done+i > 0 {
				take(n)
			} else if floats.Distance(n.phi, m.Values, 2) > 1e-6*floats.Norm(m.Values, 2) {
				return fmt.Errorf("evaluate: %s: the map is not what the method of field Of, a %T, makes of its sample: %w", metric, of, ErrMap)
			}
		}
		done += block
		progress.Report(ctx, metric, done, samples+1)
	}
	return nil
}

var _, _, _, _, _ Metric = MaxSensitivity{}, AvgSensitivity{}, LocalLipschitz{}, RelativeInputStability{}, RelativeOutputStability{}

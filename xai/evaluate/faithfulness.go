package evaluate

import (
	"context"
	"fmt"
	"math"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/saliency"
	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/floats"
)

// FaithfulnessCorrelation asks whether the sum of a map over a set of pixels foretells what
// their loss does to the output (Bhatt, Weller and Moura, 2020, arXiv:2005.00631): over
// random sets S of Size pixels,
//
//	corr over S of (sum over S of phi_i, f(x) - f(x with S replaced by x'))
//
// It lies between -1 and 1; more is better. It is 1 for a linear f and its contributions,
// and about 0 for a random map. Few runs make it noisy (a standard deviation of about 0.1
// with 100), and images with holes are unlike what the model has seen. Where the sums or
// the outputs do not vary it has no value: ErrConstant.
type FaithfulnessCorrelation struct {
	Size        int       // pixels in a set; default 224 (Quantus), at most half of all
	Runs        int       // sets; default 100
	Baseline    []float64 // x', d values; default zeros
	Spearman    bool      // correlate ranks instead of values
	Probability bool      // follow the softmax probability, not the score
	Seed        uint64
}

// Card implements Metric.
func (FaithfulnessCorrelation) Card() Card {
	return Card{
		Name: "Faithfulness correlation", Low: -1, High: 1, Better: Higher,
		Source:  "Bhatt, Weller and Moura, 2020, arXiv:2005.00631",
		Formula: "corr over sets S of (sum over S of phi_i, f(x) - f(x with S replaced))",
		Fails:   "Few sets make it noisy (about 0.1 with 100); images with holes.",
		Oracle:  "A linear f and its contributions: 1; a random map: about 0.",
	}
}

// Measure implements Metric.
func (c FaithfulnessCorrelation) Measure(ctx context.Context, f xai.Differentiable, m saliency.Map) (float64, error) {
	name := c.Card().Name
	if err := checkModel(name, f, m); err != nil {
		return 0, err
	}
	pixels := m.Shape.Height * m.Shape.Width
	size, err := positive(name, "Size", c.Size, max(1, min(224, pixels/2)))
	if err != nil {
		return 0, err
	}
	sums, changes, err := c.sets(ctx, name, f, m, size)
	if err != nil {
		return 0, err
	}
	return c.correlation(name, sums, changes)
}

func (c FaithfulnessCorrelation) correlation(name string, sums, changes []float64) (float64, error) {
	if c.Spearman {
		return spearman(name, sums, changes)
	}
	return pearson(name, sums, changes)
}

// sets returns the sum of the map over each random set of pixels, and the change of the
// output without them.
func (c FaithfulnessCorrelation) sets(ctx context.Context, name string, f xai.Differentiable, m saliency.Map, size int) (sums, changes []float64, err error) {
	baseline, err := or(name, "Baseline", c.Baseline, len(m.Values))
	if err != nil {
		return nil, nil, err
	}
	plane := m.Plane()
	pixels := len(plane)
	if size >= pixels {
		return nil, nil, fmt.Errorf("evaluate: %s: sets of %d pixels: the image has %d, and a set must leave some", name, size, pixels)
	}
	runs, err := positive(name, "Runs", c.Runs, 100)
	if err != nil {
		return nil, nil, err
	}
	if runs < 2 {
		return nil, nil, fmt.Errorf("evaluate: %s: field Runs is %d, a correlation needs at least 2", name, runs)
	}
	order := make([]int, pixels)
	sums = make([]float64, runs)
	out, err := outputs(ctx, name, f, m.Target, runs+1, c.Probability, func(i int, row []float64) {
		copy(row, m.Sample.X)
		if i == 0 {
			return // f(x)
		}
		for p := range order {
			order[p] = p
		}
		r := seed.Stream(c.Seed, "faithfulness", size, i)
		for k := range size {
			j := k + r.IntN(pixels-k)
			order[k], order[j] = order[j], order[k]
			p := order[k]
			sums[i-1] += plane[p]
			for q := p; q < len(row); q += pixels {
				row[q] = baseline[q]
			}
		}
	})
	if err != nil {
		return nil, nil, err
	}
	changes = make([]float64, runs)
	for i := range changes {
		changes[i] = out[0] - out[i+1]
	}
	return sums, changes, nil
}

// SensitivityN is FaithfulnessCorrelation for sets of n pixels, for several n (Ancona et
// al., 2018, arXiv:1711.06104): the mean, over Sizes, of Pearson's correlation. A map that
// satisfies the paper's definition has 1 for each n: the contributions to a linear f do, for
// every n below d. The range and the weaknesses are those of FaithfulnessCorrelation.
type SensitivityN struct {
	Sizes       []int     // the values of n, each below the number of pixels; default about 12 from 1 to 80 % of the pixels, spaced by equal factors
	Runs        int       // sets for each n; default 100
	Baseline    []float64 // x', d values; default zeros
	Probability bool      // follow the softmax probability, not the score
	Seed        uint64
}

// Card implements Metric.
func (SensitivityN) Card() Card {
	return Card{
		Name: "Sensitivity-n", Low: -1, High: 1, Better: Higher,
		Source:  "Ancona et al., 2018, arXiv:1711.06104",
		Formula: "mean over n of corr over sets S of n pixels of (sum over S of phi_i, f(x) - f(x with S replaced))",
		Fails:   "Few sets make it noisy; images with holes.",
		Oracle:  "A linear f and its contributions: 1 for every n < d.",
	}
}

// Measure implements Metric.
func (c SensitivityN) Measure(ctx context.Context, f xai.Differentiable, m saliency.Map) (float64, error) {
	_, curve, err := c.Curve(ctx, f, m)
	if err != nil {
		return 0, err
	}
	return floats.Sum(curve) / float64(len(curve)), nil
}

// Curve returns the correlation for each n.
func (c SensitivityN) Curve(ctx context.Context, f xai.Differentiable, m saliency.Map) (n []int, correlation []float64, err error) {
	name := c.Card().Name
	if err := checkModel(name, f, m); err != nil {
		return nil, nil, err
	}
	sizes := append([]int(nil), c.Sizes...)
	if len(sizes) == 0 {
		const points = 12
		most := max(1, 0.8*float64(m.Shape.Height*m.Shape.Width))
		for i := range points {
			n := int(math.Round(math.Pow(most, float64(i)/(points-1))))
			if len(sizes) == 0 || n > sizes[len(sizes)-1] {
				sizes = append(sizes, n)
			}
		}
	}
	sets := FaithfulnessCorrelation{Runs: c.Runs, Baseline: c.Baseline, Probability: c.Probability, Seed: c.Seed}
	for _, n := range sizes {
		if n < 1 {
			return nil, nil, fmt.Errorf("evaluate: %s: field Sizes has %d; each must be at least 1", name, n)
		}
		sums, changes, err := sets.sets(ctx, name, f, m, n)
		if err != nil {
			return nil, nil, err
		}
		r, err := pearson(name, sums, changes)
		if err != nil {
			return nil, nil, fmt.Errorf("%w (with sets of %d pixels)", err, n)
		}
		correlation = append(correlation, r)
	}
	return sizes, correlation, nil
}

var _, _ Metric = FaithfulnessCorrelation{}, SensitivityN{}

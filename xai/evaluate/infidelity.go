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

// Infidelity is how badly a map foretells what a random change I of the input does to the
// score (Yeh et al., 2019, arXiv:1901.09392, definition 2.1):
//
//	INFD = E over I of (I phi - (f(x) - f(x - I)))^2
//
// It is at least 0, in squared units of the score; 0 is best, and the gradient of a linear
// model has it. Normalised, phi is first scaled by the best factor
// beta = E(I phi Delta) / E((I phi)^2), with Delta = f(x) - f(x - I) and beta = 0 for a map
// of zeros, so that maps of different scales compare (Captum): twice that gradient has
// E((w I)^2) raw and 0 normalised. What counts as a change decides what counts as a good
// map: small noise favours gradients, a whole baseline favours complete maps, for which the
// number is the square of the completeness error.
//
// The standard deviation of 0.2 is that of the authors' code for images in [0,1], which
// however draws another change with it: a noisy baseline, I = x + 0.2 e limited to
// [x - 1, x], so that x - I is dark noise; and it always normalises. Perturb can do that.
// Captum has no default; the example of its documentation takes 0.003.
type Infidelity struct {
	Normalised bool    // scale the map first
	Samples    int     // changes; default 100 (Captum takes 10)
	Sigma      float64 // standard deviation of the Gaussian I, in the input's units; default 0.2
	Seed       uint64

	// Perturb stores into perturbed, which holds x, the input x - I of one of the samples
	// 0, 1, ...; it must not change x. Default: x less Gaussian noise.
	Perturb func(sample int, perturbed, x []float64)

	// TimesInput is for maps that have the input as a factor, as integrated gradients and
	// input x gradient: I is divided by x - Baseline (by 1 where these are equal, as in
	// Captum), so that it speaks of the same units as the map.
	TimesInput bool
	Baseline   []float64 // of the map, d values, with TimesInput only; default zeros
}

// Card implements Metric.
func (c Infidelity) Card() Card {
	card := Card{
		Name: "Infidelity", Low: 0, High: math.Inf(1), Better: Lower,
		Source:  "Yeh et al., 2019, arXiv:1901.09392, definition 2.1",
		Formula: "E over I of (I phi - (f(x) - f(x - I)))^2",
		Fails:   "What counts as a change decides what counts as a good map: small noise favours gradients, a whole baseline favours complete maps.",
		Oracle:  "f = w x: the map w has 0, and 2w has E((w I)^2) raw and 0 normalised.",
	}
	if c.Normalised {
		card.Name = "Infidelity (normalised)"
	}
	return card
}

// Measure implements Metric.
func (c Infidelity) Measure(ctx context.Context, f xai.Differentiable, m saliency.Map) (float64, error) {
	name := c.Card().Name
	if err := checkModel(name, f, m); err != nil {
		return 0, err
	}
	switch {
	case c.Baseline != nil && !c.TimesInput:
		return 0, fmt.Errorf("evaluate: %s: field Baseline is of use with TimesInput only; set both", name)
	case c.Perturb != nil && (c.Sigma != 0 || c.Seed != 0):
		return 0, fmt.Errorf("evaluate: %s: fields Sigma and Seed belong to the Gaussian noise that Perturb replaces; leave them 0", name)
	}
	samples, err := positive(name, "Samples", c.Samples, 100)
	if err != nil {
		return 0, err
	}
	sigma, err := positiveReal(name, "Sigma", c.Sigma, 0.2)
	if err != nil {
		return 0, err
	}
	baseline, err := or(name, "Baseline", c.Baseline, len(m.Values))
	if err != nil {
		return 0, err
	}
	perturb := c.Perturb
	if perturb == nil {
		perturb = func(sample int, perturbed, _ []float64) {
			r := seed.Stream(c.Seed, "infidelity", sample)
			for j := range perturbed {
				perturbed[j] -= sigma * r.NormFloat64()
			}
		}
	}

	x, foretold := m.Sample.X, make([]float64, samples)
	out, err := outputs(ctx, name, f, m.Target, samples+1, false, func(i int, row []float64) {
		copy(row, x)
		if i == 0 {
			return // f(x)
		}
		perturb(i-1, row, x)
		for j, phi := range m.Values {
			change := x[j] - row[j]
			if span := x[j] - baseline[j]; c.TimesInput && span != 0 {
				change /= span
			}
			foretold[i-1] += change * phi
		}
	})
	if err != nil {
		return 0, err
	}
	beta := 1.0
	if c.Normalised {
		beta = 0
		if top := floats.Norm(foretold, math.Inf(1)); top > 0 {
			floats.Scale(1/top, foretold) // beta makes up for it, and squares stay in range
		}
		both, square := 0.0, 0.0
		for i, a := range foretold {
			both += a * (out[0] - out[i+1])
			square += a * a
		}
		if square > 0 {
			beta = both / square
		}
	}
	sum := 0.0
	for i, a := range foretold {
		miss := beta*a - (out[0] - out[i+1])
		sum += miss * miss
	}
	return sum / float64(samples), nil
}

var _ Metric = Infidelity{}

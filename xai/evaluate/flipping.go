package evaluate

import (
	"context"
	"math"
	"slices"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/saliency"
)

// PixelFlipping is the area over the perturbation curve, AOPC (Bach et al., 2015; Samek et
// al., 2015, arXiv:1509.06321, eq. 12): how much the output falls, on average, while the
// most relevant pixels are replaced first. With s_k the output after k of L steps:
//
//	AOPC = 1/(L+1) sum over k = 0..L of (s_0 - s_k)
//
// More is better, in units of the output. What the sources replace at a step differs: Bach
// et al. single pixels, Samek et al. squares of 9 x 9 pixels by noise, 100 of them. Here a
// step replaces single pixels, wherever they lie, by a baseline, which needs no random
// numbers: one at a time up to 224 pixels, else so many that there are at most 224 steps
// (four at a time for a digit of 28 x 28). L and with it the number depend on Step. The map (4, 3, 2, 1) of f = (4, 3, 2, 1) x at ones has 6.
type PixelFlipping struct {
	Step        int       // pixels replaced at once; default ceil(pixels/224)
	Steps       int       // L, how many steps at most; default until no pixel is left
	Baseline    []float64 // what replaces x, d values; default zeros
	Probability bool      // follow the softmax probability, not the score
}

// Card implements Metric.
func (PixelFlipping) Card() Card {
	return Card{
		Name: "Pixel flipping (AOPC)", Low: math.Inf(-1), High: math.Inf(1), Better: Higher,
		Source:  "Bach et al., 2015; Samek et al., 2015, arXiv:1509.06321, eq. 12",
		Formula: "1/(L+1) sum over k = 0..L of (s_0 - s_k), the most relevant pixels replaced first",
		Fails:   "Images with holes are unlike the training data; depends on the baseline and on the size of a step.",
		Oracle:  "f = (4, 3, 2, 1) x at ones, map (4, 3, 2, 1): 6.",
	}
}

// Measure implements Metric.
func (c PixelFlipping) Measure(ctx context.Context, f xai.Differentiable, m saliency.Map) (float64, error) {
	morf, err := c.curve(ctx, c.Card().Name, f, m, false)
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for _, s := range morf {
		sum += morf[0] - s
	}
	return sum / float64(len(morf)), nil
}

// curve returns the outputs while the most relevant pixels go first, or, reversed, the
// least relevant.
func (c PixelFlipping) curve(ctx context.Context, name string, f xai.Differentiable, m saliency.Map, reversed bool) ([]float64, error) {
	if err := checkModel(name, f, m); err != nil {
		return nil, err
	}
	baseline, err := or(name, "Baseline", c.Baseline, len(m.Values))
	if err != nil {
		return nil, err
	}
	order := ranking(m.Plane())
	if reversed {
		slices.Reverse(order)
	}
	return replacing(ctx, name, f, m, replacement{from: m.Sample.X, to: baseline, order: order, step: c.Step, steps: c.Steps, probability: c.Probability})
}

// BetweenCurves is the area between the curves of PixelFlipping, ABPC: with the least
// relevant pixels first (LeRF) and with the most relevant first (MoRF),
//
//	ABPC = 1/(L+1) sum over k = 0..L of (s_k(LeRF) - s_k(MoRF))
//
// More is better, in units of the output; a random map has 0 on average, and the negated
// map the negative value (but for ties). What the model makes of images with holes is in
// both curves, so that it partly cancels. The map (4, 3, 2, 1) of f = (4, 3, 2, 1) x at
// ones has 2.
type BetweenCurves PixelFlipping

// Card implements Metric.
func (BetweenCurves) Card() Card {
	return Card{
		Name: "Area between curves (ABPC)", Low: math.Inf(-1), High: math.Inf(1), Better: Higher,
		Source:  "Samek et al., 2015, arXiv:1509.06321",
		Formula: "1/(L+1) sum over k = 0..L of (s_k least relevant first - s_k most relevant first)",
		Fails:   "Images with holes, which partly cancel; ties are broken by place.",
		Oracle:  "f = (4, 3, 2, 1) x at ones, map (4, 3, 2, 1): 2.",
	}
}

// Measure implements Metric.
func (c BetweenCurves) Measure(ctx context.Context, f xai.Differentiable, m saliency.Map) (float64, error) {
	morf, lerf, err := c.Curves(ctx, f, m)
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for k := range morf {
		sum += lerf[k] - morf[k]
	}
	return sum / float64(len(morf)), nil
}

// Curves returns the outputs s_0 ... s_L with the most and with the least relevant pixels
// first.
func (c BetweenCurves) Curves(ctx context.Context, f xai.Differentiable, m saliency.Map) (morf, lerf []float64, err error) {
	name := c.Card().Name
	if morf, err = PixelFlipping(c).curve(ctx, name, f, m, false); err != nil {
		return nil, nil, err
	}
	lerf, err = PixelFlipping(c).curve(ctx, name, f, m, true)
	return morf, lerf, err
}

var _, _ Metric = PixelFlipping{}, BetweenCurves{}

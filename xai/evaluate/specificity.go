package evaluate

import (
	"context"
	"fmt"
	"math"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/saliency"
)

// Specificity is the share of the pixels outside the sample's mask that a map leaves out:
// with the Top largest absolute values as positives,
//
//	TN / (TN + FP)
//
// Where several classes are in an image and the mask marks the one that is explained, it
// says how specific the map is to it. It lies between 0 and 1; more is better, and a random
// map has 1 - Top. The measure is ours: Rosenzweig et al. (2021, arXiv:2110.06639) speak of
// specificity, and whether they measured it is not known. It needs pixels outside the
// mask: ErrMask; a map of one absolute value ranks nothing: ErrConstant.
type Specificity struct {
	Top float64 // share of the pixels that count as positive, in (0,1); default 0.1
}

// Card implements Metric.
func (Specificity) Card() Card {
	return Card{
		Name: "Specificity", Low: 0, High: 1, Better: Higher,
		Formula: "TN / (TN + FP), with the Top largest |phi| as positives and M as the truth",
		Fails:   "A map that lies elsewhere in M than what the model reads is as specific.",
		Oracle:  "phi = (4, 3, 2, 1), Top = 1/4: 1 for M = {first}, 2/3 for M = {second}; random maps 1 - Top.",
		Source:  "Ours, after the claim of Rosenzweig et al. 2021, arXiv:2110.06639",
	}
}

// Measure implements Metric.
func (s Specificity) Measure(_ context.Context, _ xai.Differentiable, m saliency.Map) (float64, error) {
	name := s.Card().Name
	plane, mask, err := masked(name, m)
	if err != nil {
		return 0, err
	}
	positive, err := top(name, s.Top, plane)
	if err != nil {
		return 0, err
	}
	outside := len(mask) - count(mask)
	if outside == 0 {
		return 0, fmt.Errorf("evaluate: %s: every pixel is in the mask: %w", name, ErrMask)
	}
	wrong := 0
	for _, p := range positive {
		if !mask[p] {
			wrong++
		}
	}
	return float64(outside-wrong) / float64(outside), nil
}

// EnergyShare is the share of a map's absolute values that lies in the sample's mask; see
// RelevanceMass for positive values only. It lies between 0 and 1; more is better, and a
// constant map has the share of the pixels that the mask covers. A map that is zero has
// none: ErrZero.
type EnergyShare struct{}

// Card implements Metric.
func (EnergyShare) Card() Card {
	return Card{
		Name: "Energy share", Low: 0, High: 1, Better: Higher,
		Formula: "(sum over M of |phi|) / (sum of |phi|)",
		Fails:   "A large M makes every map good; compare with the share of the pixels in M.",
		Oracle:  "phi = (4, 3, 2, 1), M = {first}: 0.4; constant maps: the share of the pixels in M.",
		Source:  "Ours, after the claim of Rosenzweig et al. 2021, arXiv:2110.06639",
	}
}

// Measure implements Metric.
func (e EnergyShare) Measure(_ context.Context, _ xai.Differentiable, m saliency.Map) (float64, error) {
	name := e.Card().Name
	plane, mask, err := masked(name, m)
	if err != nil {
		return 0, err
	}
	mass, ok := share(plane, mask, math.Abs)
	if !ok {
		return 0, fmt.Errorf("evaluate: %s: all pixels are 0: %w", name, ErrZero)
	}
	return mass, nil
}

// CausalSpecificity blurs the Top pixels of a map with the largest absolute values, and
// compares what that does to the target c with what it does to the other scores:
//
//	drop(c) - mean over k != c of drop(k),  drop(k) = f_k(x) - f_k(x with the pixels blurred)
//
// in units of the scores. More is better; pixels that all classes depend on alike give 0.
// Like Specificity it is ours. The blurred image is that of Blur. A map of one absolute
// value ranks nothing: ErrConstant; a model with one score has no others: xai.ErrTarget.
type CausalSpecificity struct {
	Top float64 // share of the pixels that are blurred, in (0,1); default 0.1
}

// Card implements Metric.
func (CausalSpecificity) Card() Card {
	return Card{
		Name: "Causal specificity", Low: math.Inf(-1), High: math.Inf(1), Better: Higher,
		Formula: "drop(c) - mean over k != c of drop(k), drop(k) = f_k(x) - f_k(x with the Top largest |phi| blurred)",
		Fails:   "Blurred images lie off the data.",
		Oracle:  "f = (8 x_1, 2 x_1 + 4 x_2, 0), phi largest at x_1, c = 0: the drop of 7 x_1.",
		Source:  "Ours, after the claim of Rosenzweig et al. 2021, arXiv:2110.06639",
	}
}

// Measure implements Metric.
func (s CausalSpecificity) Measure(ctx context.Context, f xai.Differentiable, m saliency.Map) (float64, error) {
	name := s.Card().Name
	if err := checkModel(name, f, m); err != nil {
		return 0, err
	}
	positive, err := top(name, s.Top, m.Plane())
	if err != nil {
		return 0, err
	}
	_, k := f.Dims()
	if k < 2 {
		return 0, fmt.Errorf("evaluate: %s: the model has one score, and no other to compare with: %w", name, xai.ErrTarget)
	}
	blurred, pixels := Blur(m), m.Shape.Height*m.Shape.Width
	var difference float64
	err = sweep(ctx, name, f, 2, func(i int, row []float64) {
		copy(row, m.Sample.X)
		if i == 1 {
			for _, p := range positive {
				for j := p; j < len(row); j += pixels {
					row[j] = blurred[j]
				}
			}
		}
	}, func(i int, scores []float64) {
		sign := float64(1 - 2*i) // before, less after
		for c, score := range scores {
			if c == m.Target {
				difference += sign * score
			} else {
				difference -= sign * score / float64(k-1)
			}
		}
	})
	return difference, err
}

// top returns the pixels with the largest absolute values, a given share of them, at least
// one.
func top(metric string, share float64, plane []float64) ([]int, error) {
	if share == 0 {
		share = 0.1
	}
	if !(share > 0 && share < 1) {
		return nil, fmt.Errorf("evaluate: %s: field Top is a share above 0 and below 1, not %v", metric, share)
	}
	size := absolute(plane)
	order := ranking(size)
	if size[order[0]] == size[order[len(order)-1]] {
		return nil, fmt.Errorf("evaluate: %s: all pixels have the absolute value %v: %w", metric, size[0], ErrConstant)
	}
	return order[:max(int(math.Round(share*float64(len(plane)))), 1)], nil
}

var _, _, _ Metric = Specificity{}, EnergyShare{}, CausalSpecificity{}

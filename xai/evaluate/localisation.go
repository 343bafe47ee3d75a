package evaluate

import (
	"context"
	"fmt"
	"math"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/saliency"
	"gonum.org/v1/gonum/floats"
)

// PointingGame is 1 if the greatest pixel of the map lies in the sample's mask or within
// Tolerance of it, and 0 if not (Zhang et al., 2018, Excitation backprop,
// arXiv:1608.00507); its mean over many maps is the accuracy hits / (hits + misses). Where
// pixels tie, the lowest index is the point. The paper's 15 pixels are for images of about
// 224 x 224; around a digit of 28 x 28 they hit nearly everything, so that the default
// shrinks with the image: 1.9 pixels there. It reads one pixel of the map, and a large mask
// makes everything a hit: compare with Random. A map without variation points nowhere: ErrConstant.
type PointingGame struct {
	Tolerance float64 // Euclidean distance in pixels; default 15 for a shorter side of 224, else in proportion
	Exact     bool    // no tolerance: the point must lie in the mask
}

// Card implements Metric.
func (PointingGame) Card() Card {
	return Card{
		Name: "Pointing game", Low: 0, High: 1, Better: Higher,
		Source:  "Zhang et al., 2018, arXiv:1608.00507",
		Formula: "1 if the greatest pixel lies within Tolerance of the mask, else 0",
		Fails:   "Reads one pixel; a large mask or a large tolerance makes everything a hit.",
		Oracle:  "A point in the mask has 1, one beyond the tolerance 0.",
	}
}

// Measure implements Metric.
func (g PointingGame) Measure(_ context.Context, _ xai.Differentiable, m saliency.Map) (float64, error) {
	name := g.Card().Name
	plane, mask, err := masked(name, m)
	if err != nil {
		return 0, err
	}
	if g.Exact && g.Tolerance != 0 {
		return 0, fmt.Errorf("evaluate: %s: field Tolerance is %v, but Exact allows none; set one of them", name, g.Tolerance)
	}
	tolerance, err := positiveReal(name, "Tolerance", g.Tolerance, 15*float64(min(m.Shape.Height, m.Shape.Width))/224)
	if err != nil {
		return 0, err
	}
	if g.Exact {
		tolerance = 0
	}
	point := floats.MaxIdx(plane)
	if floats.Min(plane) == plane[point] {
		return 0, fmt.Errorf("evaluate: %s: all pixels are %v: %w", name, plane[0], ErrConstant)
	}
	w := m.Shape.Width
	for p, in := range mask {
		if in && math.Hypot(float64(p/w-point/w), float64(p%w-point%w)) <= tolerance {
			return 1, nil
		}
	}
	return 0, nil
}

// RelevanceMass is the share of the positive relevance that lies in the sample's mask M
// (Arras, Osman and Samek, 2022, CLEVR-XAI, arXiv:2003.07258):
//
//	sum over M of max(phi_i, 0) / sum over all of max(phi_i, 0)
//
// with phi_i the value of a pixel. It lies between 0 and 1; more is better, and a constant
// map has the share of the pixels that the mask covers. A map that is nowhere positive has
// none: ErrZero.
type RelevanceMass struct{}

// Card implements Metric.
func (RelevanceMass) Card() Card {
	return Card{
		Name: "Relevance mass", Low: 0, High: 1, Better: Higher,
		Source:  "Arras, Osman and Samek, 2022, arXiv:2003.07258",
		Formula: "sum over M of max(phi_i, 0) / sum over all of max(phi_i, 0)",
		Fails:   "A constant map has the share of the mask; a model that rightly looks at context is punished.",
		Oracle:  "All positive relevance in the mask: 1; a constant map: |M|/pixels.",
	}
}

// Measure implements Metric.
func (r RelevanceMass) Measure(_ context.Context, _ xai.Differentiable, m saliency.Map) (float64, error) {
	name := r.Card().Name
	plane, mask, err := masked(name, m)
	if err != nil {
		return 0, err
	}
	mass, ok := share(plane, mask, func(v float64) float64 { return max(v, 0) })
	if !ok {
		return 0, fmt.Errorf("evaluate: %s: no pixel is positive: %w", name, ErrZero)
	}
	return mass, nil
}

// RelevanceRank is the share of the sample's mask M that the |M| greatest pixels of the map
// hit (same source as RelevanceMass):
//
//	|top-|M| and M| / |M|
//
// It lies between 0 and 1; more is better, and a random map has |M|/pixels on average.
// Where pixels tie, the lower index is ranked first. A map without variation has no ranks:
// ErrConstant.
type RelevanceRank struct{}

// Card implements Metric.
func (RelevanceRank) Card() Card {
	return Card{
		Name: "Relevance rank", Low: 0, High: 1, Better: Higher,
		Source:  "Arras, Osman and Samek, 2022, arXiv:2003.07258",
		Formula: "|top-|M| and M| / |M|",
		Fails:   "Blind to sizes; a model that rightly looks at context is punished.",
		Oracle:  "The mask itself has 1, a random map |M|/pixels on average.",
	}
}

// Measure implements Metric.
func (r RelevanceRank) Measure(_ context.Context, _ xai.Differentiable, m saliency.Map) (float64, error) {
	name := r.Card().Name
	plane, mask, err := masked(name, m)
	if err != nil {
		return 0, err
	}
	if floats.Min(plane) == floats.Max(plane) {
		return 0, fmt.Errorf("evaluate: %s: all pixels are %v: %w", name, plane[0], ErrConstant)
	}
	size := count(mask)
	hits := 0
	for _, p := range ranking(plane)[:size] {
		if mask[p] {
			hits++
		}
	}
	return float64(hits) / float64(size), nil
}

// LocalisationAUC is the area under the ROC curve of the map as a detector of the sample's
// mask: the probability that a pixel of the mask is greater than one outside, ties counted
// half (Mann and Whitney's statistic). It lies between 0 and 1; 1 is best, and a random or
// constant map has 1/2. It needs pixels inside and outside: ErrMask.
type LocalisationAUC struct{}

// Card implements Metric.
func (LocalisationAUC) Card() Card {
	return Card{
		Name: "Localisation ROC-AUC", Low: 0, High: 1, Better: Higher,
		Source:  "Mann and Whitney's statistic, 1947",
		Formula: "P(a pixel of M > one outside) + P(equal)/2",
		Fails:   "Small masks hide false alarms; a model that rightly looks at context is punished.",
		Oracle:  "The mask itself has 1, a constant map 1/2.",
	}
}

// Measure implements Metric.
func (l LocalisationAUC) Measure(_ context.Context, _ xai.Differentiable, m saliency.Map) (float64, error) {
	name := l.Card().Name
	plane, mask, err := masked(name, m)
	if err != nil {
		return 0, err
	}
	inside := count(mask)
	outside := len(mask) - inside
	if outside == 0 {
		return 0, fmt.Errorf("evaluate: %s: every pixel is in the mask: %w", name, ErrMask)
	}
	sum := 0.0
	for p, rank := range ranks(plane) {
		if mask[p] {
			sum += rank
		}
	}
	// The least possible sum is that of the ranks 1 ... inside.
	return (sum - float64(inside)*float64(inside+1)/2) / (float64(inside) * float64(outside)), nil
}

// share returns how much of the parts of all pixels lies in the mask; false if every part is 0.
// Parts are not negative.
func share(plane []float64, mask []bool, part func(v float64) float64) (float64, bool) {
	largest := 0.0
	for _, v := range plane {
		largest = max(largest, part(v))
	}
	if largest == 0 {
		return 0, false
	}
	inside, all := 0.0, 0.0
	for p, v := range plane {
		v = part(v / largest) // so that sums of huge values stay finite
		if all += v; mask[p] {
			inside += v
		}
	}
	return inside / all, true
}

// masked returns the pixels of the map and the sample's mask, which has at least one pixel.
func masked(metric string, m saliency.Map) (plane []float64, mask []bool, err error) {
	if err := check(metric, m); err != nil {
		return nil, nil, err
	}
	plane, mask = m.Plane(), m.Sample.Mask
	switch {
	case mask == nil:
		return nil, nil, fmt.Errorf("evaluate: %s: the sample has no mask of the truth; set Sample.Mask: %w", metric, ErrMask)
	case len(mask) != len(plane):
		return nil, nil, fmt.Errorf("evaluate: %s: the mask has %d pixels, the map %d: %w", metric, len(mask), len(plane), xai.ErrShape)
	case count(mask) == 0:
		return nil, nil, fmt.Errorf("evaluate: %s: the mask has no pixel: %w", metric, ErrMask)
	}
	return plane, mask, nil
}

func count(mask []bool) int {
	n := 0
	for _, in := range mask {
		if in {
			n++
		}
	}
	return n
}

var _, _, _, _ Metric = PointingGame{}, RelevanceMass{}, RelevanceRank{}, LocalisationAUC{}

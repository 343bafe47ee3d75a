package soxai

import (
	"context"

	"github.com/whybook/whybook/xai"
)

// Impact says whether a method's critical regions drive decisions (Lin et al. 2019,
// arXiv 1910.07387). The paper's abstract defines the scores in words; the formulas are those
// of the field, the interval and the comparison with other pixels are ours.
type Impact struct {
	Method   string // "Grad-CAM"
	Settings string // as Go code: "saliency.GradCAM{}"
	Images   int    // that have a region

	// Score is the Impact Score: the share of images whose prediction changes, or whose
	// probability of the explained class falls to half or less, when all critical pixels are
	// filled.
	Score Interval

	// Elsewhere is the same for as many pixels of the same form at another place of the
	// image: what filling itself does. A method whose score is no higher finds nothing.
	Elsewhere Interval

	// Coverage is the Impact Coverage: the mean overlap (intersection over union) of the
	// critical pixels with the set's masks, where these mark what is known to matter. NaN
	// without masks.
	Coverage Interval
}

// tau is what is left of the probability when confidence counts as strongly reduced.
const tau = 0.5

// tally counts hits until there is an Impact.
type tally struct {
	images, hits, elsewhere int
	coverage                []float64 // overlap of critical pixels and mask, of each image that has both
}

func (c *tally) add(t trialRow, p float64, flipped bool, elsewhere float64, flippedElsewhere bool) {
	c.images++
	if flipped || p <= tau*t.p {
		c.hits++
	}
	if flippedElsewhere || elsewhere <= tau*t.p {
		c.elsewhere++
	}
}

func (c *tally) impact(method, settings string, sd uint64) Impact {
	own := make([]int, len(c.coverage))
	for p := range own {
		own[p] = p
	}
	return Impact{
		Method: method, Settings: settings, Images: c.images, Score: share(c.hits, c.images), Elsewhere: share(c.elsewhere, c.images),
		Coverage: bootstrap(c.coverage, own, sd, "soxai", "coverage"),
	}
}

// Impact measures the first order alone: whether the regions of the recipe's method drive the
// decisions. It is quicker than Build, for choosing a method.
func (r Recipe) Impact(ctx context.Context) (Impact, error) {
	if err := r.check(); err != nil {
		return Impact{}, err
	}
	f, err := r.explain(ctx, r.data, true)
	if err != nil {
		return Impact{}, err
	}
	return f.impact, nil
}

// Impacts are the impacts of several methods, to be compared.
type Impacts []Impact

// Compare measures the impact of several recipes, in their order.
func Compare(ctx context.Context, recipes ...Recipe) (Impacts, error) {
	if len(recipes) == 0 {
		return nil, xai.Stepf("soxai.Compare", "need a recipe")
	}
	var list Impacts
	for _, r := range recipes {
		one, err := r.Impact(ctx)
		if err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, nil
}

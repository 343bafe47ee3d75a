package evaluate

import (
	"context"
	"fmt"
	"math"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/saliency"
	"gonum.org/v1/gonum/floats"
)

// FeatureAgreement is the share of the K features of greatest absolute truth that are among
// the K of greatest absolute attribution (Krishna et al., 2022, arXiv:2202.01602; Agarwal et
// al., 2022, OpenXAI, arXiv:2206.11104):
//
//	|top-K(phi) and top-K(truth)| / K
//
// It lies between 0 and 1; more is better, and a random map has K/d on average. Features
// are the d single values; where they tie the lower index comes first. It needs a truth, as
// data that were generated have, and a map or a truth of zeros has no top: ErrZero.
type FeatureAgreement struct {
	Truth []float64 // d values; required
	K     int       // default ceil(d/4)
}

// Card implements Metric.
func (FeatureAgreement) Card() Card {
	return Card{
		Name: "Feature agreement", Low: 0, High: 1, Better: Higher,
		Source:  "Krishna et al., 2022, arXiv:2202.01602; Agarwal et al., 2022, arXiv:2206.11104",
		Formula: "|top-K(phi) and top-K(truth)| / K",
		Fails:   "Needs a truth; a random map has K/d.",
		Oracle:  "The truth itself: 1.",
	}
}

// Measure implements Metric.
func (c FeatureAgreement) Measure(_ context.Context, _ xai.Differentiable, m saliency.Map) (float64, error) {
	return c.share(c.Card().Name, m, func(found, truth place) bool { return true })
}

// RankAgreement is FeatureAgreement that also asks for the same rank.
type RankAgreement FeatureAgreement

// Card implements Metric.
func (RankAgreement) Card() Card {
	return Card{
		Name: "Rank agreement", Low: 0, High: 1, Better: Higher,
		Source:  "Krishna et al., 2022, arXiv:2202.01602; Agarwal et al., 2022, arXiv:2206.11104",
		Formula: "share of the top K with the same rank in map and truth",
		Fails:   "Needs a truth; one swap near the top costs two ranks.",
		Oracle:  "The truth itself: 1.",
	}
}

// Measure implements Metric.
func (c RankAgreement) Measure(_ context.Context, _ xai.Differentiable, m saliency.Map) (float64, error) {
	return FeatureAgreement(c).share(c.Card().Name, m, func(found, truth place) bool { return found.rank == truth.rank })
}

// SignAgreement is FeatureAgreement that also asks for the same sign.
type SignAgreement FeatureAgreement

// Card implements Metric.
func (SignAgreement) Card() Card {
	return Card{
		Name: "Sign agreement", Low: 0, High: 1, Better: Higher,
		Source:  "Krishna et al., 2022, arXiv:2202.01602; Agarwal et al., 2022, arXiv:2206.11104",
		Formula: "share of the top K with the same sign in map and truth",
		Fails:   "Needs a truth; maps without signs fail it.",
		Oracle:  "The truth itself: 1; the negated truth: 0.",
	}
}

// Measure implements Metric.
func (c SignAgreement) Measure(_ context.Context, _ xai.Differentiable, m saliency.Map) (float64, error) {
	return FeatureAgreement(c).share(c.Card().Name, m, func(found, truth place) bool { return found.sign == truth.sign })
}

// SignedRankAgreement is FeatureAgreement that also asks for the same rank and sign.
type SignedRankAgreement FeatureAgreement

// Card implements Metric.
func (SignedRankAgreement) Card() Card {
	return Card{
		Name: "Signed rank agreement", Low: 0, High: 1, Better: Higher,
		Source:  "Krishna et al., 2022, arXiv:2202.01602; Agarwal et al., 2022, arXiv:2206.11104",
		Formula: "share of the top K with the same rank and sign in map and truth",
		Fails:   "Needs a truth; the strictest of the four.",
		Oracle:  "The truth itself: 1; the negated truth: 0.",
	}
}

// Measure implements Metric.
func (c SignedRankAgreement) Measure(_ context.Context, _ xai.Differentiable, m saliency.Map) (float64, error) {
	return FeatureAgreement(c).share(c.Card().Name, m, func(found, truth place) bool { return found == truth })
}

// place is where a feature stands.
type place struct{ rank, sign int }

// share returns the share of the top K features of both that also agree as wanted.
func (c FeatureAgreement) share(name string, m saliency.Map, agree func(found, truth place) bool) (float64, error) {
	if err := checkTruth(name, m, c.Truth); err != nil {
		return 0, err
	}
	d := len(m.Values)
	k, err := positive(name, "K", c.K, (d+3)/4)
	if err != nil {
		return 0, err
	}
	if k > d {
		return 0, fmt.Errorf("evaluate: %s: field K is %d, the map has %d values", name, k, d)
	}
	top := func(values []float64) map[int]place {
		places := map[int]place{}
		for rank, i := range ranking(absolute(values))[:k] {
			p := place{rank: rank}
			switch {
			case values[i] > 0:
				p.sign = 1
			case values[i] < 0:
				p.sign = -1
			}
			places[i] = p
		}
		return places
	}
	found, hits := top(m.Values), 0
	for i, truth := range top(c.Truth) {
		if p, ok := found[i]; ok && agree(p, truth) {
			hits++
		}
	}
	return float64(hits) / float64(k), nil
}

// checkTruth reports a map or a truth that cannot be compared.
func checkTruth(name string, m saliency.Map, truth []float64) error {
	if err := check(name, m); err != nil {
		return err
	}
	if truth == nil {
		return fmt.Errorf("evaluate: %s: field Truth: need %d values, have nil", name, len(m.Values))
	}
	if _, err := or(name, "Truth", truth, len(m.Values)); err != nil {
		return err
	}
	if floats.Norm(m.Values, math.Inf(1)) == 0 {
		return fmt.Errorf("evaluate: %s: %w everywhere", name, ErrZero)
	}
	if floats.Norm(truth, math.Inf(1)) == 0 {
		return fmt.Errorf("evaluate: %s: field Truth: %w everywhere", name, ErrZero)
	}
	return nil
}

// RankCorrelation is Spearman's correlation of the absolute values of the map and of the
// truth, or, Signed, of the values themselves (same sources as FeatureAgreement). Ties
// share their mean rank. It lies between -1 and 1; more is better, and a random map has 0
// on average. Where all absolute values are equal it has no value: ErrConstant.
type RankCorrelation struct {
	Truth  []float64 // d values; required
	Signed bool
}

// Card implements Metric.
func (RankCorrelation) Card() Card {
	return Card{
		Name: "Rank correlation", Low: -1, High: 1, Better: Higher,
		Source:  "Krishna et al., 2022, arXiv:2202.01602; Agarwal et al., 2022, arXiv:2206.11104",
		Formula: "Spearman(|phi|, |truth|)",
		Fails:   "Needs a truth; the many features that do not matter dominate the few that do.",
		Oracle:  "The truth itself: 1; the reversed order: -1.",
	}
}

// Measure implements Metric.
func (c RankCorrelation) Measure(_ context.Context, _ xai.Differentiable, m saliency.Map) (float64, error) {
	name := c.Card().Name
	if err := checkTruth(name, m, c.Truth); err != nil {
		return 0, err
	}
	if c.Signed {
		return spearman(name, m.Values, c.Truth)
	}
	return spearman(name, absolute(m.Values), absolute(c.Truth))
}

// PairwiseRankAgreement is the share of the pairs of features that the map orders by
// absolute value as the truth does (same sources as FeatureAgreement). Pairs that tie in the
// truth do not count; a tie in the map only is no agreement. It lies between 0 and 1; more
// is better, and a random map has 1/2 on average. A truth of one absolute value has no
// order: ErrConstant. The time is quadratic in d.
type PairwiseRankAgreement struct {
	Truth []float64 // d values; required
}

// Card implements Metric.
func (PairwiseRankAgreement) Card() Card {
	return Card{
		Name: "Pairwise rank agreement", Low: 0, High: 1, Better: Higher,
		Source:  "Krishna et al., 2022, arXiv:2202.01602; Agarwal et al., 2022, arXiv:2206.11104",
		Formula: "share of the pairs of features that |phi| orders as |truth|",
		Fails:   "Needs a truth; the many features that do not matter dominate.",
		Oracle:  "The truth itself: 1; the reversed order: 0; a random map: 1/2.",
	}
}

// Measure implements Metric.
func (c PairwiseRankAgreement) Measure(ctx context.Context, _ xai.Differentiable, m saliency.Map) (float64, error) {
	name := c.Card().Name
	if err := checkTruth(name, m, c.Truth); err != nil {
		return 0, err
	}
	phi, truth := absolute(m.Values), absolute(c.Truth)
	agree, pairs := 0, 0
	for i := range phi {
		if err := ctx.Err(); err != nil {
			return 0, fmt.Errorf("evaluate: %s: after %d of %d features: %w", name, i, len(phi), err)
		}
		for j := range i {
			if truth[i] == truth[j] {
				continue
			}
			pairs++
			if phi[i] != phi[j] && (phi[i] > phi[j]) == (truth[i] > truth[j]) {
				agree++
			}
		}
	}
	if pairs == 0 {
		return 0, fmt.Errorf("evaluate: %s: all absolute values of field Truth are %v: %w", name, truth[0], ErrConstant)
	}
	return float64(agree) / float64(pairs), nil
}

var (
	_, _, _, _ Metric = FeatureAgreement{}, RankAgreement{}, SignAgreement{}, SignedRankAgreement{}
	_, _       Metric = RankCorrelation{}, PairwiseRankAgreement{}
)

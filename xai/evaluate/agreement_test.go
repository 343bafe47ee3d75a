package evaluate

import (
	"errors"
	"math"
	"testing"
)

func TestAgreement(t *testing.T) {
	truth := []float64{5, -4, 3, 0, 1, -2}
	m := mapOf(shape(1, 2, 3), truth, []float64{50, 30, 40, 10, 20, -5})
	// Top 3 of the truth: 0, 1 (negative), 2. Of the map: 0, 2, 1, all positive.
	for _, a := range []float64{1, 1e-200, 1e200} {
		m := scaled(m, a)
		measures(t, FeatureAgreement{Truth: truth, K: 3}, nil, m, 1, 0)
		measures(t, RankAgreement{Truth: truth, K: 3}, nil, m, 1./3, 1e-15)
		measures(t, SignAgreement{Truth: truth, K: 3}, nil, m, 2./3, 1e-15)
		measures(t, SignedRankAgreement{Truth: truth, K: 3}, nil, m, 1./3, 1e-15)
		// Ranks 6 4 5 2 3 1 against 6 5 4 1 2 3: 1 - 6 (0+1+1+1+1+4) / (6 35).
		measures(t, RankCorrelation{Truth: truth}, nil, m, 1-6*8./210, 1e-12)
		// Of 15 pairs (1,2), (3,5) and (4,5) disagree.
		measures(t, PairwiseRankAgreement{Truth: truth}, nil, m, 12./15, 1e-15)
	}
	// Signed ranks 6 4 5 2 3 1 against 6 1 5 3 4 2.
	measures(t, RankCorrelation{Truth: truth, Signed: true}, nil, m, 1-6*(9+1+1+1)/210., 1e-12)

	itself, negative := with(m, truth...), scaled(with(m, truth...), -1)
	measures(t, SignedRankAgreement{Truth: truth, K: 6}, nil, itself, 1, 0)
	measures(t, RankAgreement{Truth: truth, K: 6}, nil, negative, 1, 0)
	measures(t, SignAgreement{Truth: truth}, nil, negative, 0, 0)
	measures(t, RankCorrelation{Truth: truth, Signed: true}, nil, negative, -1, 1e-12)
	measures(t, PairwiseRankAgreement{Truth: truth}, nil, negative, 1, 0)
}

func TestAgreementMistakes(t *testing.T) {
	_, m := oracle()
	truth, zero, flat := []float64{1, 2, 3, 4}, make([]float64, 4), []float64{1, -1, 1, -1}
	for name, c := range map[string]struct {
		metric Metric
		values []float64
		want   error // nil: any
	}{
		"no truth":     {FeatureAgreement{}, truth, nil},
		"short truth":  {RankAgreement{Truth: truth[:2]}, truth, nil},
		"NaN truth":    {RankCorrelation{Truth: []float64{1, 2, 3, math.NaN()}}, truth, nil},
		"K":            {SignAgreement{Truth: truth, K: 5}, truth, nil},
		"negative K":   {SignedRankAgreement{Truth: truth, K: -1}, truth, nil},
		"zero map":     {FeatureAgreement{Truth: truth}, zero, ErrZero},
		"zero truth":   {PairwiseRankAgreement{Truth: zero}, truth, ErrZero},
		"flat truth":   {PairwiseRankAgreement{Truth: flat}, truth, ErrConstant},
		"flat truth 2": {RankCorrelation{Truth: flat}, truth, ErrConstant},
		"flat map":     {RankCorrelation{Truth: truth}, flat, ErrConstant},
		"NaN map":      {FeatureAgreement{Truth: truth}, []float64{1, 2, 3, math.NaN()}, ErrMap},
	} {
		v, err := c.metric.Measure(ctx, nil, with(m, c.values...))
		if err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v, %v, want an error %v", name, v, err, c.want)
		}
	}
}

package evaluate

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/saliency"
)

var localisers = []Metric{PointingGame{}, PointingGame{Exact: true}, RelevanceMass{}, RelevanceRank{}, LocalisationAUC{}}

func masks(m saliency.Map, mask ...bool) saliency.Map {
	m.Sample.Mask = mask
	return m
}

func TestLocalisation(t *testing.T) {
	_, m := oracle() // 4 3 2 1
	const o, x = false, true
	for _, c := range []struct {
		mask            []bool
		mass, rank, auc float64
		exact           float64
	}{
		{[]bool{x, o, o, o}, 0.4, 1, 1, 1},
		{[]bool{o, x, o, o}, 0.3, 0, 2. / 3, 0},
		{[]bool{x, o, o, x}, 0.5, 0.5, 0.5, 1},
		{[]bool{o, o, x, x}, 0.3, 0, 0, 0},
	} {
		for _, a := range []float64{1, 1e-200, 1e200} {
			m := scaled(masks(m, c.mask...), a)
			measures(t, RelevanceMass{}, nil, m, c.mass, 1e-15)
			measures(t, RelevanceRank{}, nil, m, c.rank, 0)
			measures(t, LocalisationAUC{}, nil, m, c.auc, 1e-15)
			measures(t, PointingGame{Exact: true}, nil, m, c.exact, 0)
			measures(t, PointingGame{Tolerance: 15}, nil, m, 1, 0) // nothing is 15 pixels away
			measures(t, PointingGame{}, nil, m, c.exact, 0)        // 15/224 of a pixel
		}
	}
	// Negative relevance counts for nothing, and a constant map detects nothing.
	measures(t, RelevanceMass{}, nil, masks(with(m, -5, 1, -2, 3), x, x, o, o), 0.25, 1e-15)
	measures(t, RelevanceMass{}, nil, masks(with(m, 2, 2, 2, 2), x, x, x, o), 0.75, 1e-15)
	measures(t, LocalisationAUC{}, nil, masks(with(m, 2, 2, 2, 2), x, o, o, o), 0.5, 0)
}

// TestPointingTolerance: the tolerance is a circle.
func TestPointingTolerance(t *testing.T) {
	s := shape(1, 20, 20)
	phi, mask := make([]float64, 400), make([]bool, 400)
	phi[3*20+4], mask[6*20+8] = 1, true // 3 rows and 4 columns: 5 pixels away
	m := mapOf(s, phi, phi)
	m.Sample.Mask = mask
	measures(t, PointingGame{Tolerance: 5}, nil, m, 1, 0)
	measures(t, PointingGame{Tolerance: 4.99}, nil, m, 0, 0)
	measures(t, PointingGame{}, nil, m, 0, 0)

	// The default grows with the image: 15 pixels for 224, 3 for 45.
	for _, c := range []struct{ side, away, hit int }{{224, 15, 1}, {224, 16, 0}, {45, 3, 1}, {45, 4, 0}, {28, 1, 1}, {28, 2, 0}} {
		n := c.side * c.side
		phi, mask := make([]float64, n), make([]bool, n)
		phi[0], mask[c.away] = 1, true
		m := mapOf(shape(1, c.side, c.side), phi, phi)
		m.Sample.Mask = mask
		got, err := PointingGame{}.Measure(ctx, nil, m)
		if err != nil || got != float64(c.hit) {
			t.Errorf("%d of %d pixels away: %v, want %d (%v)", c.away, c.side, got, c.hit, err)
		}
	}
}

// TestLocalisationAUCAgainstPairs counts all pairs, with ties.
func TestLocalisationAUCAgainstPairs(t *testing.T) {
	for sd := range uint64(10) {
		phi := random(sd, 50)
		mask := make([]bool, 50)
		for i := range phi {
			phi[i] = math.Round(2 * phi[i])
			mask[i] = i%3 == 0
		}
		wins, pairs := 0.0, 0.0
		for i, a := range phi {
			for j, b := range phi {
				if !mask[i] || mask[j] {
					continue
				}
				pairs++
				if a > b {
					wins++
				} else if a == b {
					wins += 0.5
				}
			}
		}
		m := mapOf(shape(1, 5, 10), phi, phi)
		m.Sample.Mask = mask
		measures(t, LocalisationAUC{}, nil, m, wins/pairs, 1e-12)

		// The order of the pixels makes no difference.
		slices.Reverse(phi)
		slices.Reverse(mask)
		measures(t, LocalisationAUC{}, nil, m, wins/pairs, 1e-12)
	}
}

func TestLocalisationNeedsAMask(t *testing.T) {
	_, m := oracle()
	for _, metric := range localisers {
		for what, c := range map[string]struct {
			m    saliency.Map
			want error
		}{
			"no mask":    {m, ErrMask},
			"empty mask": {masks(m, false, false, false, false), ErrMask},
			"short mask": {masks(m, true), xai.ErrShape},
			"NaN map":    {masks(with(m, 1, 2, 3, math.NaN()), true, false, false, false), ErrMap},
		} {
			if v, err := metric.Measure(ctx, nil, c.m); !errors.Is(err, c.want) {
				t.Errorf("%T, %s: %v, %v, want %v", metric, what, v, err, c.want)
			}
		}
	}
	zero := masks(with(m, 0, 0, 0, 0), true, false, false, false)
	for _, c := range []struct {
		metric Metric
		m      saliency.Map
		want   error
	}{
		{PointingGame{}, zero, ErrConstant}, {RelevanceRank{}, zero, ErrConstant}, {RelevanceMass{}, zero, ErrZero},
		{RelevanceMass{}, scaled(masks(m, true, true, true, true), -1), ErrZero},
		{LocalisationAUC{}, masks(m, true, true, true, true), ErrMask},
	} {
		if v, err := c.metric.Measure(ctx, nil, c.m); !errors.Is(err, c.want) {
			t.Errorf("%T: %v, %v, want %v", c.metric, v, err, c.want)
		}
	}
	for _, g := range []PointingGame{{Tolerance: -1}, {Tolerance: math.NaN()}, {Tolerance: 1, Exact: true}} {
		if v, err := g.Measure(ctx, nil, masks(m, true, false, false, false)); err == nil {
			t.Errorf("%#v: %v, want an error", g, v)
		}
	}
}

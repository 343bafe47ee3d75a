package evaluate

import (
	"errors"
	"math"
	"slices"
	"testing"
)

func TestComplexityOracles(t *testing.T) {
	_, m := oracle()
	measures(t, Sparseness{}, nil, m, 0.25, 1e-12)
	measures(t, Entropy{}, nil, m, 1.279854, 5e-7)
	uniform, hot := with(m, -3, 3, 3, -3), with(m, 0, 0, -7, 0)
	measures(t, Sparseness{}, nil, uniform, 0, 0)
	measures(t, Sparseness{}, nil, hot, 1-1./4, 1e-15)
	measures(t, Entropy{}, nil, uniform, math.Log(4), 1e-15)
	measures(t, Entropy{}, nil, hot, 0, 0)
	measures(t, EffectiveComplexity{}, nil, hot, 1, 0)
	measures(t, EffectiveComplexity{Threshold: 2}, nil, with(m, 1, -2, 3, -4), 2, 0)
	measures(t, EffectiveComplexity{}, nil, with(m, 0, 0, 0, 0), 0, 0)
}

// TestComplexityAgainstDefinition compares with the mean absolute difference of all pairs,
// another definition of the Gini index, and the entropy of raw shares.
func TestComplexityAgainstDefinition(t *testing.T) {
	for sd := range uint64(20) {
		phi := random(sd, 12)
		m := mapOf(shape(3, 2, 2), phi, phi)
		pairs, total, h := 0.0, 0.0, 0.0
		for _, a := range phi {
			total += math.Abs(a)
			for _, b := range phi {
				pairs += math.Abs(math.Abs(a) - math.Abs(b))
			}
		}
		for _, a := range phi {
			h -= math.Abs(a) / total * math.Log(math.Abs(a)/total)
		}
		gini := pairs / (2 * 12 * total)
		reversed := m
		reversed.Values = slices.Clone(phi)
		slices.Reverse(reversed.Values)
		for _, m := range []float64{1, 1e300, 1e-300, -2} {
			measures(t, Sparseness{}, nil, scaled(reversed, m), gini, 1e-12)
			measures(t, Entropy{}, nil, scaled(reversed, m), h, 1e-12)
		}
	}
}

func TestComplexityOfNothing(t *testing.T) {
	_, m := oracle()
	for _, metric := range []Metric{Sparseness{}, Entropy{}} {
		if v, err := metric.Measure(ctx, nil, with(m, 0, 0, 0, 0)); !errors.Is(err, ErrZero) {
			t.Errorf("%T of a zero map: %v, %v, want ErrZero", metric, v, err)
		}
	}
	for _, metric := range []Metric{Sparseness{}, Entropy{}, EffectiveComplexity{}} {
		for _, bad := range [][]float64{nil, {1, 2}, {1, 2, 3, math.NaN()}, {1, 2, math.Inf(-1), 4}} {
			if v, err := metric.Measure(ctx, nil, with(m, bad...)); !errors.Is(err, ErrMap) {
				t.Errorf("%T of %v: %v, %v, want ErrMap", metric, bad, v, err)
			}
		}
	}
	if _, err := (EffectiveComplexity{Threshold: math.NaN()}).Measure(ctx, nil, m); err == nil {
		t.Error("a threshold that is no number passed")
	}
}

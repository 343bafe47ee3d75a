package xaitest

import (
	"context"
	"slices"
	"testing"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/evaluate"
	"github.com/whybook/whybook/xai/saliency"
)

// wrong is the sparseness with something changed.
type wrong struct {
	card    func(c *evaluate.Card)
	measure func(m saliency.Map) (float64, error)
}

func (w wrong) Card() evaluate.Card {
	c := evaluate.Sparseness{}.Card()
	if w.card != nil {
		w.card(&c)
	}
	return c
}

func (w wrong) Measure(ctx context.Context, f xai.Differentiable, m saliency.Map) (float64, error) {
	if w.measure != nil {
		return w.measure(m)
	}
	return evaluate.Sparseness{}.Measure(ctx, f, m)
}

// TestPlantedFaultsOfMetrics: every check finds the fault that it is there for, and a good
// metric has no finding.
func TestPlantedFaultsOfMetrics(t *testing.T) {
	f, phi, err := example(t.Context(), 1, saliency.InputGradient{})
	if err != nil {
		t.Fatal(err)
	}
	hot, flat := phi, phi
	hot.Values, flat.Values = make([]float64, size), make([]float64, size)
	for i := range flat.Values {
		flat.Values[i] = 1
	}
	hot.Values[3] = 1
	good := Expect{ScaleFree: true, Model: f, Better: hot, Worse: flat}
	if found := MetricFindings(t.Context(), wrong{}, good); len(found) > 0 {
		t.Errorf("sparseness: %v", found)
	}
	RunMetric(t, wrong{}, good)

	gini := func(m saliency.Map) (float64, error) { return evaluate.Sparseness{}.Measure(t.Context(), nil, m) }
	calls := 0
	for _, c := range []struct {
		check string
		m     wrong
		e     Expect
	}{
		{"card", wrong{card: func(c *evaluate.Card) { c.Name = "" }}, good},
		{"card", wrong{}, Expect{ScaleFree: true}},
		{"range", wrong{card: func(c *evaluate.Card) { c.High = 0.1 }}, good},
		{"bytes", wrong{measure: func(m saliency.Map) (float64, error) {
			v, err := gini(m)
			calls++
			return v * (1 - 1e-15*float64(calls)), err
		}}, good},
		{"bytes", wrong{measure: func(m saliency.Map) (float64, error) {
			v, err := gini(m)
			slices.Sort(m.Values)
			return v, err
		}}, good},
		{"scale", wrong{}, Expect{Model: f, Better: hot, Worse: flat}},
		{"scale", wrong{measure: func(m saliency.Map) (float64, error) {
			v, err := gini(m)
			return v * min(1, m.Values[0]*m.Values[0]), err
		}}, good},
		{"direction", wrong{card: func(c *evaluate.Card) { c.Better = evaluate.Lower }}, good},
		{"degenerate", wrong{measure: func(m saliency.Map) (float64, error) {
			sum, mean := 0.0, 0.0
			for i, v := range m.Values {
				sum += v * float64(i)
				mean += v
			}
			return sum / mean, nil
		}}, good},
		{"degenerate", wrong{measure: func(m saliency.Map) (float64, error) { return m.Values[size-1] * 0, nil }}, good},
	} {
		found := MetricFindings(t.Context(), c.m, c.e)
		if !slices.ContainsFunc(found, func(f Finding) bool { return f.Check == c.check }) {
			t.Errorf("%s: the planted fault was not found, only %v", c.check, found)
		}
	}
}

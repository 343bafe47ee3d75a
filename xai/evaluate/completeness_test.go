package evaluate

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/saliency"
)

func TestCompleteness(t *testing.T) {
	f, m := oracle()
	measures(t, Completeness{}, f, m, 0, 0)
	measures(t, Completeness{}, f, scaled(m, 2), 1, 1e-15)
	measures(t, Completeness{Absolute: true}, f, scaled(m, 2), 10, 1e-15)
	// Against the baseline (1, 0, 0, 0) only 6 of the 10 are to be distributed.
	measures(t, Completeness{Baseline: []float64{1, 0, 0, 0}}, f, m, 4./6, 1e-15)
	// Nothing changes: the error is divided by the floor.
	measures(t, Completeness{Baseline: m.Sample.X, Floor: 5}, f, m, 2, 1e-15)

	// A huge score that is off by a millionth is nearly complete.
	big := linear(2.08e10)
	measures(t, Completeness{}, big, mapOf(shape(1, 1, 1), []float64{1}, []float64{2.08e10 + 2.2e4}), 1.0577e-6, 1e-9)
}

// TestModelAndMapMustFit: what is wrong for one metric with a model is wrong for all, as
// they share the check.
func TestModelAndMapMustFit(t *testing.T) {
	f, m := oracle()
	short, target, sample, layer := m, m, m, m
	layer.Layer = "conv1" // of the input's size
	short.Values, short.Shape = m.Values[:2], shape(1, 1, 2)
	target.Target = 2
	sample.Sample.X = nil
	lost := m
	lost.Sample.X = []float64{1, math.NaN(), 1, 1}
	var none *broken
	for name, c := range map[string]struct {
		f    xai.Differentiable
		m    saliency.Map
		want error
	}{
		"no model":     {nil, m, nil},
		"nil pointer":  {none, m, nil},
		"other model":  {linear(1, 2), m, xai.ErrShape},
		"short map":    {f, short, xai.ErrShape},
		"layer":        {f, layer, xai.ErrLayer},
		"target":       {f, target, xai.ErrTarget},
		"no sample":    {f, sample, xai.ErrShape},
		"NaN sample":   {f, lost, datasets.ErrNotFinite},
		"NaN map":      {f, with(m, 1, 2, 3, math.NaN()), ErrMap},
		"NaN score":    {linear(4, 3, math.NaN(), 1), m, datasets.ErrNotFinite},
		"wrong output": {linear(math.Inf(1), 0, 0, 0), m, datasets.ErrNotFinite},
	} {
		v, err := Completeness{}.Measure(ctx, c.f, c.m)
		if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.HasPrefix(err.Error(), "evaluate: Completeness error: ") {
			t.Errorf("%s: %v, %v, want an error %v", name, v, err, c.want)
		}
	}
	for _, c := range []Completeness{{Floor: -1}, {Floor: math.NaN()}, {Floor: 1, Absolute: true}, {Baseline: []float64{1}}, {Baseline: []float64{0, 0, 0, math.Inf(1)}}} {
		if v, err := c.Measure(ctx, f, m); err == nil {
			t.Errorf("%#v: %v, want an error", c, v)
		}
	}
	stopped, stop := context.WithCancel(ctx)
	stop()
	if _, err := (Completeness{}).Measure(stopped, f, m); !errors.Is(err, context.Canceled) {
		t.Errorf("after an interrupt: %v", err)
	}
}

type broken struct{ formula }

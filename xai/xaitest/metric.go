package xaitest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/evaluate"
	"github.com/whybook/whybook/xai/saliency"
)

// Expect is what a metric promises beyond its card.
type Expect struct {
	// ScaleFree says that multiplying a map by a positive number changes nothing. Like the
	// axioms of methods it is checked in both directions.
	ScaleFree bool

	// Better and Worse are two maps of Model in the order that is known; needed for a metric
	// whose card says that less or more is better.
	Model         xai.Differentiable
	Better, Worse saliency.Map
}

// RunMetric checks a metric of maps; every finding is an error of a subtest.
func RunMetric(t *testing.T, m evaluate.Metric, e Expect) {
	t.Helper()
	for _, c := range metricChecks {
		t.Run(c.name, func(t *testing.T) {
			if err := c.run(t.Context(), m, e); err != nil {
				t.Error(err)
			}
		})
	}
}

// MetricFindings checks a metric and returns what is wrong with it.
func MetricFindings(ctx context.Context, m evaluate.Metric, e Expect) []Finding {
	var list []Finding
	for _, c := range metricChecks {
		if err := c.run(ctx, m, e); err != nil {
			list = append(list, Finding{c.name, err})
		}
	}
	return list
}

var metricChecks = []struct {
	name string
	run  func(ctx context.Context, m evaluate.Metric, e Expect) error
}{
	{"card", wholeCard},
	{"range", inRange},
	{"bytes", sameNumber},
	{"scale", scaleFree},
	{"direction", direction},
	{"degenerate", degenerate},
}

// example is a map of a random network, with a mask.
func example(ctx context.Context, s uint64, by saliency.Method) (xai.Differentiable, saliency.Map, error) {
	net, err := network(s, true)
	if err != nil {
		return nil, saliency.Map{}, err
	}
	in := inputs(s, 1)
	x := datasets.Sample{Set: "xaitest", Shape: shape, X: in.X.RawRowView(0), Mask: make([]bool, size)}
	for p := range 5 {
		x.Mask[7*p+1] = true
	}
	m, err := saliency.Of(net, x).With(by).Explain(ctx)
	return net, m, err
}

// sentinel reports whether an error says that a metric has no value for a map.
func sentinel(err error) bool {
	for _, known := range []error{evaluate.ErrMap, evaluate.ErrZero, evaluate.ErrConstant, evaluate.ErrMask, saliency.ErrUndefined} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

func wholeCard(_ context.Context, m evaluate.Metric, e Expect) error {
	c := m.Card()
	if c.Name == "" || !(c.Low < c.High) {
		return fmt.Errorf("the card has the name %q and the range %v to %v", c.Name, c.Low, c.High)
	}
	if c.Better != evaluate.Neither && (e.Model == nil || len(e.Better.Values) == 0 || len(e.Worse.Values) == 0) {
		return fmt.Errorf("the card says that %v is better; give two maps in Expect whose order is known", c.Better)
	}
	return nil
}

// inRange: values lie within the card's range.
func inRange(ctx context.Context, m evaluate.Metric, _ Expect) error {
	c := m.Card()
	for s := range uint64(4) {
		for _, by := range []saliency.Method{saliency.InputGradient{}, saliency.Gradient{}, evaluate.Random{Seed: s}} {
			f, phi, err := example(ctx, s, by)
			if err != nil {
				return err
			}
			v, err := m.Measure(ctx, f, phi)
			switch {
			case sentinel(err):
			case err != nil:
				return fmt.Errorf("a map by %s: %w", title(by), err)
			case !(v >= c.Low && v <= c.High) || math.IsInf(v, 0):
				return fmt.Errorf("a map by %s has %v, outside the card's range %v to %v", title(by), v, c.Low, c.High)
			}
		}
	}
	return nil
}

// sameNumber: a second call gives the same bits, and map and sample are as before.
func sameNumber(ctx context.Context, m evaluate.Metric, _ Expect) error {
	f, phi, err := example(ctx, 5, saliency.InputGradient{})
	if err != nil {
		return err
	}
	values, x := slices.Clone(phi.Values), slices.Clone(phi.Sample.X)
	a, err := m.Measure(ctx, f, phi)
	if err != nil {
		return err
	}
	b, err := m.Measure(ctx, f, phi)
	switch {
	case err != nil:
		return err
	case math.Float64bits(a) != math.Float64bits(b):
		return fmt.Errorf("the same call gives %v and then %v", a, b)
	case !slices.Equal(values, phi.Values) || !slices.Equal(x, phi.Sample.X):
		return errors.New("the map or its sample was changed")
	}
	return nil
}

// scaleFree: whether a map times a positive number has the same value.
func scaleFree(ctx context.Context, m evaluate.Metric, e Expect) error {
	worst := 0.0
	for s := range uint64(3) {
		f, phi, err := example(ctx, s, saliency.InputGradient{})
		if err != nil {
			return err
		}
		want, err := m.Measure(ctx, f, phi)
		if err != nil {
			return err
		}
		for _, by := range []float64{1.0 / 64, 8} { // powers of two: no rounding
			scaled := phi
			scaled.Values = slices.Clone(phi.Values)
			for i := range scaled.Values {
				scaled.Values[i] *= by
			}
			got, err := m.Measure(ctx, f, scaled)
			if errors.Is(err, evaluate.ErrMap) {
				return nil // the metric makes the map again, and sees that this is another
			} else if err != nil {
				return err
			}
			worst = math.Max(worst, math.Abs(got-want)/math.Max(math.Abs(want), 1e-9))
		}
	}
	if e.ScaleFree != (worst < 1e-9) {
		return fmt.Errorf("ScaleFree is %v, and scaling a map changes its value by up to %.3g of it", e.ScaleFree, worst)
	}
	return nil
}

// direction: the better map has the better number.
func direction(ctx context.Context, m evaluate.Metric, e Expect) error {
	want := m.Card().Better
	if want == evaluate.Neither || e.Model == nil {
		return nil
	}
	good, err := m.Measure(ctx, e.Model, e.Better)
	if err != nil {
		return fmt.Errorf("the better map: %w", err)
	}
	bad, err := m.Measure(ctx, e.Model, e.Worse)
	if err != nil {
		return fmt.Errorf("the worse map: %w", err)
	}
	if want == evaluate.Higher && !(good > bad) || want == evaluate.Lower && !(good < bad) {
		return fmt.Errorf("%v is better, but the better map has %v and the worse one %v", want, good, bad)
	}
	return nil
}

// degenerate: what is no map is an error that says so; a map without values or without
// variation has a finite number or an error of the package; nothing panics.
func degenerate(ctx context.Context, m evaluate.Metric, _ Expect) (err error) {
	what := ""
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic on %s: %v", what, r)
		}
	}()
	f, phi, err := example(ctx, 6, saliency.InputGradient{})
	if err != nil {
		return err
	}
	change := func(name string, to func(i int, v float64) float64) saliency.Map {
		what = name
		c := phi
		c.Values = slices.Clone(phi.Values)
		for i, v := range c.Values {
			c.Values[i] = to(i, v)
		}
		return c
	}
	for _, c := range []saliency.Map{
		change("a map of zeros", func(int, float64) float64 { return 0 }),
		change("a constant map", func(int, float64) float64 { return 1 }),
	} {
		if v, err := m.Measure(ctx, f, c); err == nil && (math.IsNaN(v) || math.IsInf(v, 0)) {
			return fmt.Errorf("a map of %v has the value %v and no error", c.Values[0], v)
		} else if err != nil && !sentinel(err) {
			return fmt.Errorf("a map of %v: the error %w matches no sentinel of evaluate", c.Values[0], err)
		}
	}
	nan := change("NaN", func(i int, v float64) float64 {
		if i == 3 {
			return math.NaN()
		}
		return v
	})
	if _, err := m.Measure(ctx, f, nan); !errors.Is(err, evaluate.ErrMap) {
		return fmt.Errorf("a map with a NaN: the error %v does not match evaluate.ErrMap", err)
	}
	what = "too few values"
	short := phi
	short.Values = phi.Values[:size-1]
	if _, err := m.Measure(ctx, f, short); !errors.Is(err, evaluate.ErrMap) {
		return fmt.Errorf("a map with too few values: the error %v does not match evaluate.ErrMap", err)
	}
	what = "no model"
	if _, err := m.Measure(ctx, nil, phi); err == nil && asks(ctx, m, phi) {
		return errors.New("without a model it has a value, and with another model another one")
	}
	return nil
}

// asks reports whether a metric's value depends on the model.
func asks(ctx context.Context, m evaluate.Metric, phi saliency.Map) bool {
	var values []float64
	for s := range uint64(2) {
		f, err := network(20+s, true)
		if err != nil {
			return false
		}
		v, err := m.Measure(ctx, f, phi)
		if err != nil {
			return false
		}
		values = append(values, v)
	}
	return !reflect.DeepEqual(values[0], values[1])
}

package saliency_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/nn"
	"github.com/whybook/whybook/xai/saliency"
	"gonum.org/v1/gonum/mat"
)

// stopping is a network that stops the work, or breaks, at one of its calls, and counts them.
// What follows a layer of it is one with the same count.
type stopping struct {
	*nn.Net
	calls *int
	at    int
	stop  context.CancelFunc // nil: scores and gradients are NaN from the call on
}

func (s stopping) call() (broken bool) {
	if *s.calls++; *s.calls == s.at && s.stop != nil {
		s.stop()
	}
	return *s.calls >= s.at && s.stop == nil
}

func (s stopping) spoil(list ...*mat.Dense) {
	if !s.call() {
		return
	}
	for _, m := range list {
		if m != nil {
			for i := range m.RawMatrix().Data {
				m.RawMatrix().Data[i] = math.NaN()
			}
		}
	}
}

func (s stopping) Scores(ctx context.Context, x *mat.Dense) (*mat.Dense, error) {
	out, err := s.Net.Scores(ctx, x)
	s.spoil(out)
	return out, err
}

func (s stopping) Gradients(ctx context.Context, dst, x *mat.Dense, targets []int) (*mat.Dense, error) {
	out, err := s.Net.Gradients(ctx, dst, x, targets)
	s.spoil(out, dst)
	return out, err
}

func (s stopping) Activations(ctx context.Context, layer string, x *mat.Dense) (*mat.Dense, error) {
	out, err := s.Net.Activations(ctx, layer, x)
	s.spoil(out)
	return out, err
}

func (s stopping) Pull(ctx context.Context, of, at string, dst, x, seed *mat.Dense) error {
	err := s.Net.Pull(ctx, of, at, dst, x, seed)
	s.spoil(dst)
	return err
}

func (s stopping) Propagate(ctx context.Context, of, at string, dst, x, seed *mat.Dense, rules func(xai.Site) xai.Rule) error {
	err := s.Net.Propagate(ctx, of, at, dst, x, seed, rules)
	s.spoil(dst)
	return err
}

func (s stopping) After(layer string) (xai.Differentiable, error) {
	rest, err := s.Net.After(layer)
	if err == nil {
		s.Net = rest.(*nn.Net)
	}
	return s, err
}

// routes are the ways to a map, each for the same method.
var routes = map[string]func(ctx context.Context, f xai.Differentiable, set datasets.Set, m saliency.Method) error{
	"Explain": func(ctx context.Context, f xai.Differentiable, set datasets.Set, m saliency.Method) error {
		_, err := saliency.Of(f, set.At(0)).With(m).Explain(ctx)
		return err
	},
	"toward a margin": func(ctx context.Context, f xai.Differentiable, set datasets.Set, m saliency.Method) error {
		_, err := saliency.Of(f, set.At(0)).With(m).Toward(saliency.Margin{Class: saliency.Predicted}).Explain(ctx)
		return err
	},
	"at a layer": func(ctx context.Context, f xai.Differentiable, set datasets.Set, m saliency.Method) error {
		_, err := saliency.Of(f, set.At(0)).With(m).At("relu1").Explain(ctx)
		return err
	},
	"Over": func(ctx context.Context, f xai.Differentiable, set datasets.Set, m saliency.Method) error {
		_, err := saliency.Over(f, set).With(m).Group(saliency.ByPrediction).Explain(ctx)
		return err
	},
}

// small returns a network and a few images of two channels that are higher than wide.
func small(t *testing.T) (*nn.Net, datasets.Set) {
	t.Helper()
	set := datasets.Set{Name: "small", Shape: datasets.Shape{Channels: 2, Height: 6, Width: 3}, Classes: []string{"a", "b", "c"}, Labels: []int{0, 1, 2}}
	for i := range 3 * set.Shape.Size() {
		set.Pixels = append(set.Pixels, uint8(37*i*i))
	}
	net, err := nn.Image(set.Shape).Conv(2, 3).ReLU().Dense(5).ReLU().Dense(3).Init(2)
	if err != nil {
		t.Fatal(err)
	}
	return net, set
}

// quick are the methods of the suite, for the small network.
func quick() map[string]saliency.Method {
	list := conforming()
	list["finite differences, signed"] = saliency.FiniteDifference{Values: []float64{0, 1}, KeepSign: true, Patch: 3}
	list["expected"] = saliency.ExpectedGradients{Baselines: [][]float64{make([]float64, 36)}, Samples: 70}
	list["finite differences"] = saliency.FiniteDifference{Values: []float64{0, 1}}
	list["RISE"] = saliency.RISE{Masks: 70, Grid: 2}
	list["LIME"] = saliency.LIME{Samples: 70, Patch: 2}
	return list
}

// TestInterrupted: wherever in the middle the context ends, on any way to a map, the model is
// not asked again in vain, and the error is that of the context.
func TestInterrupted(t *testing.T) {
	net, set := small(t)
	for name, m := range quick() {
		for way, explain := range routes {
			for at := 1; at <= 6; at++ {
				ctx, stop := context.WithCancel(t.Context())
				calls := 0
				err := explain(ctx, stopping{net, &calls, at, stop}, set, m)
				stop()
				if calls > at && !errors.Is(err, context.Canceled) {
					t.Errorf("%s, %s: stopped at call %d, and the error is %v", name, way, at, err)
				}
				if calls > at+1 {
					t.Errorf("%s, %s: stopped at call %d, and %d calls in all", name, way, at, calls)
				}
			}
		}
	}
}

// TestNotFinite: a model that breaks in the middle gives an error that says so, or leaves
// no trace in the map.
func TestNotFinite(t *testing.T) {
	net, set := small(t)
	for name, m := range quick() {
		for way, explain := range routes {
			for at := 1; at <= 3; at++ {
				calls := 0
				err := explain(t.Context(), stopping{net, &calls, at, nil}, set, m)
				if at == 1 && !errors.Is(err, datasets.ErrNotFinite) {
					t.Errorf("%s, %s: scores of NaN, and the error %v", name, way, err)
				}
				if err != nil && !errors.Is(err, datasets.ErrNotFinite) && !errors.Is(err, saliency.ErrUndefined) && !errors.Is(err, xai.ErrLayer) {
					t.Errorf("%s, %s: NaN from call %d on: the error %v matches no sentinel", name, way, at, err)
				}
			}
		}
	}
}

// TestFlowMeetsNoNumber: a path that runs into scores or gradients of NaN is no shorter path.
func TestFlowMeetsNoNumber(t *testing.T) {
	x := datasets.Sample{Shape: datasets.Shape{Channels: 1, Height: 1, Width: 1}, X: []float64{0.5}}
	for _, c := range []struct{ score, slope float64 }{{math.NaN(), 1}, {1, math.NaN()}, {math.Inf(1), 1}, {1, math.Inf(-1)}} {
		f := xai.Function{Inputs: 1, Outputs: 2,
			Func: func(x []float64) []float64 {
				if x[0] > 0.52 {
					return []float64{c.score, 2}
				}
				return []float64{1, 2}
			},
			Grad: func(x []float64, _ int) []float64 {
				if x[0] > 0.52 {
					return []float64{c.slope}
				}
				return []float64{1}
			},
		}
		m, err := saliency.Of(f, x).With(saliency.GradientFlow{}).Target(0).Explain(t.Context())
		if !errors.Is(err, saliency.ErrUndefined) || !errors.Is(err, datasets.ErrNotFinite) {
			t.Errorf("score %v, slope %v: %v, %v", c.score, c.slope, m.Values, err)
		}
	}
}

// TestDegenerate: a constant image, a flat model, one class: every method has a finite map,
// with a note where it means little, or an error that says why there is none.
func TestDegenerate(t *testing.T) {
	net, set := small(t)
	one, err := nn.Image(set.Shape).Conv(2, 3).ReLU().Dense(1).Init(2)
	if err != nil {
		t.Fatal(err)
	}
	// Through a layer of zeros nothing reaches the scores but their biases.
	flat, err := nn.Image(set.Shape).Conv(2, 3).ReLU().Then(nn.Affine{Scale: []float64{0, 0}}).Dense(3).Init(2)
	if err != nil {
		t.Fatal(err)
	}
	x := set.At(0)
	grey := x
	grey.X = slices.Repeat([]float64{0.5}, 36)
	for name, m := range quick() {
		for what, c := range map[string]struct {
			f    xai.Differentiable
			x    datasets.Sample
			note saliency.Remark
		}{
			"a constant image": {net, grey, saliency.Uniform},
			"a flat model":     {flat, x, saliency.Blank},
			"one class":        {one, x, ""},
		} {
			got, err := saliency.Of(c.f, c.x).With(m).Explain(t.Context())
			switch {
			case errors.Is(err, saliency.ErrUndefined): // no direction, no boundary
			case err != nil:
				t.Errorf("%s of %s: %v", name, what, err)
			case name == "RISE" || name == "deconvnet": // masks without meaning; a guess whatever the model does
			case c.note != "" && !got.Report.Has(0, c.note):
				t.Errorf("%s of %s: the notes are %v, want %q", name, what, got.Report.Notes, c.note)
			}
		}
	}
}

// TestZeroMeansDefault: zero steps, samples or batch are the default, and less is an error
// that names the field.
func TestZeroMeansDefault(t *testing.T) {
	net, set := small(t)
	explain := func(m saliency.Method) []float64 {
		got, err := saliency.Of(net, set.At(1)).With(m).Explain(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return got.Values
	}
	for _, c := range [][2]saliency.Method{
		{saliency.IntegratedGradients{Steps: 0, Batch: 0}, saliency.IntegratedGradients{Steps: 50, Batch: 64}},
		{saliency.Smooth{Samples: 0, Batch: 0}, saliency.Smooth{Samples: 50, Batch: 64}},
		{saliency.GradientFlow{Steps: 0, Batch: 0}, saliency.GradientFlow{Steps: 50, Batch: 64}},
		{saliency.Shapley{Permutations: 0}, saliency.Shapley{Permutations: 25}},
		{saliency.LIME{Samples: 0, Patch: 2}, saliency.LIME{Samples: 1000, Patch: 2}},
	} {
		if !slices.Equal(explain(c[0]), explain(c[1])) {
			t.Errorf("%#v is not %#v", c[0], c[1])
		}
	}
}

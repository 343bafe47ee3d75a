package imbalance_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/imbalance"
	"github.com/whybook/whybook/xai/nn"
	"gonum.org/v1/gonum/mat"
)

// watched is a network that notes how many rows it is given at once, and can be made to fail.
type watched struct {
	*nn.Net
	most   *int
	act    func(*mat.Dense) *mat.Dense // changes activations
	scores func(*mat.Dense)            // changes scores
}

func (w watched) Activations(ctx context.Context, layer string, x *mat.Dense) (*mat.Dense, error) {
	n, _ := x.Dims()
	*w.most = max(*w.most, n)
	out, err := w.Net.Activations(ctx, layer, x)
	if err == nil && w.act != nil {
		out = w.act(out)
	}
	return out, err
}

func (w watched) After(string) (xai.Differentiable, error) { return nil, xai.ErrLayer }

func (w watched) Scores(ctx context.Context, x *mat.Dense) (*mat.Dense, error) {
	out, err := w.Net.Scores(ctx, x)
	if err == nil && w.scores != nil {
		w.scores(out)
	}
	return out, err
}

// block is a network with a shortcut, which passes the layer "main" by.
func block(t testing.TB) (datasets.Set, *nn.Net) {
	t.Helper()
	set, err := datasets.MNIST().Train().Only("0", "1", "7").Take(90).Build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	net, err := nn.Image(set.Shape).Conv(2, 3).ReLU().Named("start").Conv(2, 3).ReLU().Named("main").
		From("start").Merge(nn.Add{}, "main").Then(nn.GlobalAvgPool{}).Named("gap").Dense(3).Init(7)
	if err != nil {
		t.Fatal(err)
	}
	return set, net
}

// Any layer will do, whether or not something passes it by: the predictions are the network's.
func TestAnyLayer(t *testing.T) {
	set, net := block(t)
	want, err := net.Predict(ctx, set.Batch(nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	for _, layer := range []string{"", "gap", "main", "start", "conv1", "fc1"} {
		a, err := imbalance.Of(set).Embed(net, layer).Build(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(a.Train.Predicted, want) {
			t.Errorf("layer %q: other predictions than the network's", layer)
		}
		features, err := net.Activations(ctx, a.Layer, set.Batch(nil, nil))
		if err != nil || !mat.Equal(features, a.Train.Features) {
			t.Errorf("layer %q: other features than the layer's, %v", layer, err)
		}
	}
}

// The images are never all in flight.
func TestBatchesAreBounded(t *testing.T) {
	set, net := block(t)
	most := 0
	w := watched{Net: net, most: &most}
	a, err := imbalance.Of(set).Embed(w, "gap").Batch(16).Build(ctx)
	if err != nil || most != 16 {
		t.Errorf("%d images at once, want 16; %v", most, err)
	}
	b, err := imbalance.Of(set).Embed(net, "gap").Build(ctx)
	if err != nil || !mat.Equal(a.Train.Features, b.Train.Features) || !slices.Equal(a.Train.Predicted, b.Train.Predicted) {
		t.Errorf("batches of 16 give something else, %v", err)
	}
}

// A model of somebody else's that breaks its word is an error, not a wrong table.
func TestBrokenModels(t *testing.T) {
	set, net := block(t)
	most := 0
	for name, c := range map[string]struct {
		w    watched
		want error
	}{
		"NaN score":     {watched{scores: func(m *mat.Dense) { m.Set(1, 1, math.NaN()) }}, imbalance.ErrNotFinite},
		"Inf score":     {watched{scores: func(m *mat.Dense) { m.Set(0, 2, math.Inf(1)) }}, imbalance.ErrNotFinite},
		"NaN feature":   {watched{act: func(m *mat.Dense) *mat.Dense { m.Set(1, 1, math.NaN()); return m }}, imbalance.ErrNotFinite},
		"fewer columns": {watched{act: func(m *mat.Dense) *mat.Dense { r, _ := m.Dims(); return mat.NewDense(r, 1, nil) }}, xai.ErrShape},
		"fewer rows":    {watched{act: func(m *mat.Dense) *mat.Dense { _, c := m.Dims(); return mat.NewDense(1, c, nil) }}, xai.ErrShape},
	} {
		c.w.Net, c.w.most = net, &most
		if _, err := imbalance.Of(set).Embed(c.w, "gap").Build(ctx); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := imbalance.Of(set).Embed(net, "gap").Build(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// Held-out data of another shape, or of other classes, do not fit.
func TestHeldOutMustFit(t *testing.T) {
	set, net := block(t)
	two, err := set.Only("0", "1").Build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	coloured, err := set.Tagged(datasets.Tag{}).Build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	turned, err := set.Only("1", "0", "7").Build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for name, held := range map[string]datasets.Set{"two classes": two, "another order": turned, "three channels": coloured} {
		if _, err := imbalance.Of(set).Embed(net, "").HeldOut(held).Build(ctx); !errors.Is(err, xai.ErrShape) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := imbalance.Of(set).HeldOut(held).Build(ctx); !errors.Is(err, xai.ErrShape) {
			t.Errorf("%s, without a network: %v", name, err)
		}
	}
}

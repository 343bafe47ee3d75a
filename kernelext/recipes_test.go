package kernelext

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/cnninte"
	"github.com/whybook/whybook/xai/evaluate"
	"github.com/whybook/whybook/xai/nn"
	"github.com/whybook/whybook/xai/saliency"
)

var (
	_ Recipe[saliency.Map]    = saliency.Recipe{}
	_ Recipe[saliency.Atlas]  = saliency.Survey{}
	_ Recipe[evaluate.Grid]   = evaluate.Comparison{}
	_ Recipe[evaluate.Curves] = evaluate.Tracing{}

	_ Recipe[*cnninte.Interpretation] = cnninte.Recipe{}
	_ Recipe[cnninte.Frontier]        = cnninte.Sweep{}
)

// TestMapsAreCached: what one cell computes, another reads with the same bits.
func TestMapsAreCached(t *testing.T) {
	net, err := nn.Image(datasets.Shape{Channels: 1, Height: 1, Width: 3}).Dense(4).ReLU().Dense(2).Init(1)
	if err != nil {
		t.Fatal(err)
	}
	set := datasets.Set{Name: "rows", Shape: datasets.Shape{Channels: 1, Height: 1, Width: 3}, Classes: []string{"a", "b"}, Columns: []string{"x", "y", "z"},
		Values: []float64{0.1, 0.2, 0.3, 0.9, 0.8, 0.7}, Labels: []int{0, 1}}
	folder := t.TempDir()
	cached(t, folder, saliency.Of(net, set.At(0)).With(saliency.IntegratedGradients{}))
	cached(t, folder, saliency.Over(net, set).Group(saliency.ByLabel))
	comparison := evaluate.Compare(net, set).Methods(saliency.Gradient{}).Metrics(evaluate.Sparseness{})
	cached(t, folder, comparison)
	cached(t, folder, comparison.Tracing(evaluate.MPRT{}))
	interpretation := cnninte.Of(net).Layer("fc1").Factors(1).Clusters(2).Trees(3).On(set)
	cached(t, folder, interpretation)
	cached(t, folder, interpretation.Sweep(set, cnninte.Grid{Factors: []int{1}, Clusters: []int{2}, Trees: []int{1, 3}, Depths: []int{1}}))
}

// cached builds a value in one session and reads it in another, which must not build.
func cached[T any](t *testing.T, folder string, r Recipe[T]) {
	t.Helper()
	first, err := build(newWorldIn(t, folder).session, r)
	if err != nil {
		t.Fatal(err)
	}
	second, err := build(newWorldIn(t, folder).session, readOnly[T]{r, t})
	if err != nil {
		t.Fatal(err)
	}
	var a, b bytes.Buffer
	if err := errors.Join(r.Save(&a, first), r.Save(&b, second)); err != nil || !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Errorf("%s: the cache gives another value (%v)", r.Key(), err)
	}
}

// readOnly fails where it has to build.
type readOnly[T any] struct {
	Recipe[T]
	t *testing.T
}

func (r readOnly[T]) Build(ctx context.Context) (T, error) {
	r.t.Errorf("%s: built again", r.Key())
	return r.Recipe.Build(ctx)
}

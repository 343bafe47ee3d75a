package flint

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/nn"
	"gonum.org/v1/gonum/floats"
)

func TestSENN(t *testing.T) {
	set, err := datasets.MNIST().Train().Take(300).Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	trunk := nn.Image(set.Shape).Then(nn.Conv{Filters: 4, Kernel: 3, Stride: 2, Pad: 1}).ReLU().Dense(16).ReLU()
	tr := nn.Training{Epochs: 8, Batch: 16, Optimizer: nn.Adam{Rate: 3e-3}}
	e, err := SENN{Concepts: 7}.Train(t.Context(), trunk, set, tr)
	if err != nil {
		t.Fatal(err)
	}
	// The score is the sum of what the concepts add to it.
	scores, alpha, err := e.Contributions(t.Context(), set.Batch(nil, []int{0, 1, 2}))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if d := floats.Sum(alpha.RawRowView(i)) - floats.Max(scores.RawRowView(i)); math.Abs(d) > 1e-4 {
			t.Errorf("row %d: contributions differ from the score by %v", i, d)
		}
	}
	got, err := e.Evaluate(t.Context(), set)
	if err != nil {
		t.Fatal(err)
	}
	if got.Accuracy < 0.8 || got.Fidelity != 1 || !slices.IsSorted(got.Conciseness) || got.Conciseness[0] < 1 {
		t.Errorf("%v, conciseness %v", got, got.Conciseness)
	}
	h := e.Net.History
	if first, last := h[0].Terms[1], h[len(h)-1].Terms[1]; first.Name != "rebuild" || !(last.Loss < first.Loss) {
		t.Errorf("the decoder did not learn: %v, then %v", first, last)
	}
	for _, c := range []struct {
		s    SENN
		t    nn.Training
		data datasets.Source
		is   error
		want string
	}{
		{SENN{Concepts: 1}, tr, set, xai.ErrShape, "at least 2"},
		{SENN{}, tr, nil, nil, "need data"},
		{SENN{}, nn.Training{Loss: nn.Focal{}}, set, nil, "leave it out"},
		{SENN{}, nn.Training{Optimizer: nn.Adam{Rate: 1e30}}, set, nn.ErrDiverged, ""},
	} {
		_, err := c.s.Train(t.Context(), trunk, c.data, c.t)
		if err == nil || !strings.Contains(err.Error(), c.want) || c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%+v: %v, want %q", c.s, err, c.want)
		}
	}
}

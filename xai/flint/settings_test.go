package flint

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/nn"
)

// TestPenalty: the weights of the paper's comparison, and no change to those it starts from.
func TestPenalty(t *testing.T) {
	for _, c := range []struct {
		preset            string
		eta               float64
		entropy           bool
		sparse, entropies []float64
	}{
		{"mnist", 0.5, true, []float64{0, 0, 0.1}, []float64{0, 0, 0, 0, 0.2}}, // eta of the authors' code: nothing changes
		{"mnist", 0.5, false, []float64{0, 0, 0.1}, []float64{0}},
		{"quickdraw", 3, true, []float64{0, 0.02, 0.3}, []float64{0, 0, 0, 0.1}},
		{"quickdraw", 5, false, []float64{0, 0.02, 0.5}, []float64{0}},
		{"cifar-10", 0, false, []float64{0, 0.001, 0}, []float64{0}},
	} {
		start := Paper(c.preset).Recipe.Settings()
		w := start.Weights.Penalty(c.eta, c.entropy)
		if !slices.EqualFunc(w.Sparse, c.sparse, func(a, b float64) bool { return math.Abs(a-b) < 1e-15 }) || !slices.Equal(w.Entropy, c.entropies) {
			t.Errorf("%s, eta %v, entropy %v: %+v", c.preset, c.eta, c.entropy, w)
		}
		if !slices.Equal(w.Follow, start.Weights.Follow) || !slices.Equal(w.Rebuild, start.Weights.Rebuild) {
			t.Errorf("%s: other weights changed: %+v", c.preset, w)
		}
		if again := Paper(c.preset).Recipe.Settings().Weights; !slices.Equal(again.Sparse, start.Weights.Sparse) || !slices.Equal(again.Entropy, start.Weights.Entropy) {
			t.Errorf("%s: Penalty changed what it started from", c.preset)
		}
	}
	r := Of(SmallNet(shape{Channels: 1, Height: 28, Width: 28}, 10))
	for _, eta := range []float64{-1, math.NaN(), math.Inf(1)} {
		if err := r.Weights(MNISTWeights().Penalty(eta, true)).err; err == nil || !strings.Contains(err.Error(), "field Sparse") {
			t.Errorf("eta %v: %v", eta, err)
		}
	}
	if err := r.Weights(Weights{}.Penalty(1, false)).err; err == nil {
		t.Error("weights left out are taken")
	}
}

// TestWithoutEntropy: neither H1 nor H2 has a weight in the loss, and the penalty on magnitudes has.
func TestWithoutEntropy(t *testing.T) {
	set, err := datasets.MNIST().Train().Take(64).Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f := nn.Image(set.Shape).Then(nn.Conv{Filters: 2, Kernel: 3, Stride: 4, Pad: 1}).ReLU().Named("maps").Dense(10)
	tr := Training()
	tr.Epochs = 6
	in, err := Of(f).Hidden("maps").Attributes(4).Maps(4).Weights(MNISTWeights().Penalty(2, false)).Fit(set, tr).Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range in.Net.History {
		for _, term := range e.Terms {
			want := map[string]float64{"conciseness": 0, "diversity": 0, "sparse": 0.4 * float64(min(i/2, 1))}
			if w, ok := want[term.Name]; ok && term.Weight != w {
				t.Errorf("epoch %d: %s weighs %v, want %v", i+1, term.Name, term.Weight, w)
			}
		}
	}
}

// TestSettings: they are a copy.
func TestSettings(t *testing.T) {
	r := Paper("cifar-10").Recipe
	s := r.Settings()
	if s.Attributes != 36 || !slices.Equal(s.Hidden, []string{"layer3.1", "layer4.0"}) || !s.Absolute || !s.Decoder.Dense {
		t.Errorf("%+v", s)
	}
	s.Hidden[0], s.Weights.Sparse[0], s.Weights.Entropy[0], s.Weights.Follow[0], s.Weights.Rebuild[0] = "other", 9, 9, 9, 9
	if again := r.Settings(); again.Hidden[0] != "layer3.1" || again.Weights.Sparse[0] != 0 || again.Weights.Entropy[0] != 0 || again.Weights.Follow[0] != 0 || again.Weights.Rebuild[0] != 2 {
		t.Errorf("the recipe changed with the copy: %+v", again)
	}
}

package saliency

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/nn"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// TestPeers compares the methods on layers with Captum and Zennit, on a network with batch
// normalisation and both poolings; testdata/peers.py made the numbers, to 12 digits.
func TestPeers(t *testing.T) {
	raw, err := os.ReadFile("testdata/peers.json")
	if err != nil {
		t.Fatal(err)
	}
	var peers map[string][]float64
	if err := json.Unmarshal(raw, &peers); err != nil {
		t.Fatal(err)
	}
	shape := datasets.Shape{Channels: 2, Height: 8, Width: 8}
	a := nn.Image(shape).Conv(4, 3).Named("c1").Then(nn.BatchNorm{Epsilon: 1e-12}).Named("b1").ReLU().MaxPool(2).
		Then(nn.Conv{Filters: 4, Kernel: 3, Pad: 1, NoBias: true}).Named("c2").Then(nn.BatchNorm{Epsilon: 1e-12}).Named("b2").ReLU().Named("r2").
		Then(nn.AvgPool{Kernel: 2}).Dense(6).Named("f1").ReLU().Dense(3).Named("f2")
	weights := map[string][]float64{}
	for t, w := range []struct {
		name string
		size int
	}{
		{"c1.weight", 72}, {"c1.bias", 4}, {"b1.weight", 4}, {"b1.bias", 4}, {"b1.running_mean", 4}, {"b1.running_var", 4},
		{"c2.weight", 144}, {"b2.weight", 4}, {"b2.bias", 4}, {"b2.running_mean", 4}, {"b2.running_var", 4},
		{"f1.weight", 96}, {"f1.bias", 6}, {"f2.weight", 18}, {"f2.bias", 3},
	} {
		for j := range w.size {
			v := float64((j*j*7+j*13+t*5)%23-11) / 16
			if strings.HasSuffix(w.name, "running_var") {
				v = math.Abs(v) + 0.5
			}
			weights[w.name] = append(weights[w.name], v)
		}
	}
	net := load(t, a, weights)
	x := mat.NewDense(1, 128, nil)
	for j := range 128 {
		x.Set(0, j, float64((j*j*3+j*5)%19)/18)
	}
	scores, err := net.Scores(ctx, x)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "scores", scores.RawRowView(0), peers["scores"], 1e-11)
	in := Batch{X: x, Shape: shape, Targets: []int{0}, High: 1}
	for peer, m := range map[string]Method{
		"guided": GuidedBackprop{}, "deconvnet": Deconvnet{}, "guided Grad-CAM": GuidedGradCAM{Layer: "r2"},
		"Grad-CAM": GradCAM{Layer: "r2"}, "Grad-CAM, signed": GradCAM{Layer: "r2", KeepNegative: true},
		"epsilon": LRP{Rule: xai.Epsilon{Epsilon: 1e-6}}, "epsilon 0.25": LRP{Composite: Composite{Conv: xai.Epsilon{Epsilon: 0.25}, Dense: xai.Epsilon{Epsilon: 0.25}, Sum: xai.Epsilon{}}},
		"epsilon plus": LRP{}, "epsilon gamma box": LRP{Composite: EpsilonGammaBox(0, 1)}, "epsilon alpha-beta": LRP{Composite: EpsilonAlphaBeta()},
		"plus squares": LRP{Composite: Composite{First: xai.Squares{}}},
	} {
		got := mat.NewDense(1, 128, nil)
		if _, err := m.Attribute(ctx, net, got, in); err != nil {
			t.Fatal(err)
		}
		row, want := got.RawRowView(0), peers[peer]
		if len(want) == 64 { // one map for all channels, of which each gets a part
			want = slices.Concat(want, want)
			floats.Scale(0.5, want)
		}
		near(t, peer, row, want, 1e-9*floats.Norm(want, math.Inf(1)))
		if floats.Norm(want, 2) == 0 {
			t.Errorf("%s: the map is zero and shows nothing", peer)
		}
	}
}

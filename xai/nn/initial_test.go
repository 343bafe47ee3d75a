package nn

import (
	"math"
	"strings"
	"testing"

	"github.com/whybook/whybook/datasets"
)

// TestFanInUniform: weights and biases fill the interval of PyTorch's defaults, of transposed
// convolutions too, and normalisation starts as it does.
func TestFanInUniform(t *testing.T) {
	a := Image(datasets.Shape{Channels: 3, Height: 8, Width: 8}).Conv(40, 3).BatchNorm().
		Then(ConvTranspose{Filters: 20, Kernel: 3, Stride: 2, Pad: 1, Extra: 1}).ReLU().Dense(10)
	fan := map[string]float64{"conv1": 3 * 9, "convt1": 20 * 9, "fc1": 20 * 16 * 16}
	for _, p := range initial[float64](a, 1, FanInUniform) {
		layer, part, _ := strings.Cut(p.name, ".")
		if layer == "bn1" {
			if want := map[string]float64{"weight": 1, "running_var": 1}[part]; p.data[0] != want {
				t.Errorf("%s starts at %v, want %v", p.name, p.data[0], want)
			}
			continue
		}
		bound, top, square := 1/math.Sqrt(fan[layer]), 0.0, 0.0
		for _, v := range p.data {
			top, square = max(top, math.Abs(v)), square+v*v/float64(len(p.data))
		}
		if top > bound || top < 0.5*bound {
			t.Errorf("%s: the largest of %d values is %v, the bound %v", p.name, len(p.data), top, bound)
		}
		if std := bound / math.Sqrt(3); len(p.data) > 1000 && math.Abs(math.Sqrt(square)/std-1) > 0.05 {
			t.Errorf("%s: standard deviation %v, want %v", p.name, math.Sqrt(square), std)
		}
	}
	if _, err := a.Fit(datasets.Set{}, Training{Init: 7}).Build(t.Context()); err == nil || !strings.Contains(err.Error(), "field Init is 7") {
		t.Errorf("an unknown rule: %v", err)
	}
	set := datasets.Set{Name: "x"}
	if same, other := a.Fit(set, Training{}).Key(), a.Fit(set, Training{Init: FanInUniform}).Key(); same == other || strings.Contains(same, "init") {
		t.Errorf("keys: %s and %s", same, other)
	}
}

package nn

import (
	"bytes"
	"errors"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
)

// restated is a network whose running statistics are not those of Init.
func restated(t *testing.T) *Net {
	t.Helper()
	net, err := Image(datasets.Shape{Channels: 1, Height: 6, Width: 6}).Conv(3, 3).BatchNorm().ReLU().Dense(4).ReLU().Dense(2).Init(1)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range net.run.(*engine[float32]).params {
		for j := range p.data {
			p.data[j] += 0.25 + float32(j)/64
		}
	}
	return net
}

func TestRandomized(t *testing.T) {
	net := restated(t)
	before := net.Fingerprint()
	get := func(n *Net, name string) []byte {
		for _, p := range n.run.tensors() {
			if p.name == name {
				return p.bytes
			}
		}
		t.Fatalf("no tensor %s", name)
		return nil
	}
	random := func(s uint64, layers ...string) *Net {
		t.Helper()
		m, err := net.Randomized(s, layers...)
		if err != nil {
			t.Fatal(err)
		}
		return m.(*Net)
	}
	if random(1).Fingerprint() != before || random(1, "relu1").Fingerprint() != before {
		t.Error("nothing to randomise, but the network changed")
	}
	one := random(1, "fc2")
	two := random(1, "fc2", "bn1", "relu1")
	if one.Fingerprint() == before || two.Fingerprint() == one.Fingerprint() || random(2, "fc2").Fingerprint() == one.Fingerprint() {
		t.Error("equal fingerprints of different weights")
	}
	if random(1, "fc2").Fingerprint() != one.Fingerprint() {
		t.Error("one seed, two networks")
	}
	if net.Fingerprint() != before || !bytes.Equal(get(net, "fc2.weight"), get(restated(t), "fc2.weight")) {
		t.Error("the network itself was changed")
	}
	if !bytes.Equal(get(one, "fc2.weight"), get(two, "fc2.weight")) || !bytes.Equal(get(one, "conv1.weight"), get(net, "conv1.weight")) {
		t.Error("a cascade does not keep what it had, or loses what is not named")
	}
	fresh, err := net.Arch().Init(1)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"bn1.running_mean", "bn1.running_var", "bn1.weight", "bn1.bias", "fc2.bias"} {
		if !bytes.Equal(get(two, name), get(fresh, name)) {
			t.Errorf("%s is not as before training", name)
		}
	}
	if bytes.Equal(get(one, "fc2.weight"), get(fresh, "fc2.weight")) {
		t.Error("the weights are those that training with this seed starts from")
	}
	double, err := net.Double().Randomized(1, "fc2")
	if err != nil || double.(*Net).run.(*engine[float64]) == nil {
		t.Errorf("float64: %v", err)
	}
	for _, name := range []string{"fc9", "", InputName} {
		if _, err := net.Randomized(1, name); !errors.Is(err, xai.ErrLayer) {
			t.Errorf("layer %q: %v", name, err)
		}
	}
	if _, err := (*Net)(nil).Randomized(1); err == nil {
		t.Error("no network")
	}
}

package nn

import (
	"fmt"
	"slices"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/seed"
)

// Randomized returns a copy of the network in which every parameter of the named layers is
// what Init would draw, running statistics of a BatchNorm included; the other layers keep
// theirs. Layers without parameters are passed over, and the numbers of Normalize and
// Affine are settings, not parameters. No layers means no change.
//
// The weights of a layer depend on the seed and its name only, so that randomising first
// one layer and then that and another gives the first the same weights. They are never the
// weights from which Init or Fit with the same seed started: a trained network is close to
// those.
func (n *Net) Randomized(s uint64, layers ...string) (xai.Differentiable, error) {
	if n == nil || n.run == nil {
		return nil, fmt.Errorf("nn.Net.Randomized: there is no network; make one with Init, Fit or Load")
	}
	fresh := make([]bool, len(n.arch.steps))
	for _, name := range layers {
		i, ok := n.arch.find(name)
		if !ok || i < 0 {
			return nil, fmt.Errorf("nn.Net.Randomized(%q): the layers are %s: %w", name, n.arch.names(), xai.ErrLayer)
		}
		fresh[i] = true
	}
	s = seed.Stream(s, "nn", "randomized").Uint64()
	return &Net{arch: n.arch, classes: n.classes, run: n.run.redrawn(s, fresh)}, nil
}

// redrawn implements runner.
func (e *engine[T]) redrawn(s uint64, fresh []bool) runner {
	params, drawn := slices.Clone(e.params), initial[T](e.arch, s, HeNormal)
	for i := range fresh {
		end := len(params)
		if i+1 < len(fresh) {
			end = e.first[i+1]
		}
		if fresh[i] {
			copy(params[e.first[i]:end], drawn[e.first[i]:end])
		}
	}
	return newEngine(e.arch, params)
}

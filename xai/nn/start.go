package nn

import (
	"fmt"
	"slices"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/internal/graph"
)

// checkStart reports what is wrong with the layers of Frozen, and with the network that they
// start from.
func (t Training) checkStart(a Arch) error {
	for _, name := range t.Frozen {
		i, ok := a.find(name)
		switch {
		case !ok || i < 0:
			return fmt.Errorf("field Frozen: there is no layer %s; the layers are %s: %w", name, a.names(), xai.ErrLayer)
		case t.Start == nil && len(a.weights(i)) > 0:
			return fmt.Errorf("field Frozen: layer %s would keep random weights; name the network that has better ones in field Start", name)
		}
	}
	if t.Start == nil {
		return nil
	}
	if t.Start.run == nil {
		return fmt.Errorf("field Start is an empty network; make one with Init, Fit or Load")
	}
	theirs, taken := make(map[string]tensor), 0
	for _, w := range t.Start.run.tensors() {
		theirs[w.name] = w
	}
	for i, s := range a.steps {
		for _, w := range a.weights(i) {
			name := s.name + "." + w.name
			if from, ok := theirs[name]; ok && slices.Equal(from.dims, w.dims) {
				taken++
			} else if slices.Contains(t.Frozen, s.name) {
				return fmt.Errorf("field Frozen: the network of field Start has no tensor %s of shape %v: %w", name, w.dims, xai.ErrShape)
			}
		}
	}
	if taken == 0 {
		return fmt.Errorf("field Start: no layer of the network has the name and the sizes of one here: %w", xai.ErrLayer)
	}
	return nil
}

// marked reports for each step whether it is among the named layers; nil for none.
func (a Arch) marked(names []string) []bool {
	if len(names) == 0 {
		return nil
	}
	list := make([]bool, len(a.steps))
	for _, name := range names {
		if i, ok := a.find(name); ok && i >= 0 {
			list[i] = true
		}
	}
	return list
}

// takeOver copies into params the weights of a network that have their names and shapes.
func takeOver[T graph.Float](params []param[T], from *Net) {
	if from == nil {
		return
	}
	theirs := make(map[string]tensor)
	for _, t := range from.run.tensors() {
		theirs[t.name] = t
	}
	for _, p := range params {
		if t, ok := theirs[p.name]; ok && slices.Equal(t.dims, p.dims) {
			decodeTensor(p.data, t)
		}
	}
}

package nn

import (
	"context"
	"fmt"
	"strings"

	"github.com/whybook/whybook/xai"
	"gonum.org/v1/gonum/mat"
)

var (
	_ xai.Layered      = (*Net)(nil)
	_ xai.Randomizable = (*Net)(nil)
)

// Layers returns the layers that the scores depend on, in the order in which they are
// computed; the last one puts out the scores. Layer names are those of Arch.Layers.
func (n *Net) Layers() []xai.Layer {
	if n == nil || n.run == nil {
		return nil
	}
	var list []xai.Layer
	need := n.arch.needed(n.arch.end())
	for i := range n.arch.end() + 1 {
		if need[i] {
			list = append(list, n.arch.layer(i))
		}
	}
	return list
}

// layer describes step i.
func (a Arch) layer(i int) xai.Layer {
	s := a.steps[i]
	return xai.Layer{Name: s.name, Kind: s.layer.kind(), Channels: s.out.Channels, Height: s.out.Height, Width: s.out.Width}
}

// Activations returns the output of the named layer for each row of x: n x C*H*W of the
// layer's shape (see Arch.Layers). "" is the last one, which puts out the scores.
func (n *Net) Activations(ctx context.Context, layer string, x *mat.Dense) (*mat.Dense, error) {
	if err := n.checkRows("Activations", x); err != nil {
		return nil, err
	}
	i, err := n.arch.source(layer)
	if err != nil {
		return nil, fmt.Errorf("nn.Net.Activations(%q): %w", layer, err)
	}
	rows, _ := x.Dims()
	return whole(mat.NewDense(rows, n.arch.steps[i].out.Size(), nil), func(out *mat.Dense) error {
		return n.run.rows(ctx, work{of: i, x: x, out: out})
	})
}

// source returns the step of a layer that something is asked of; "" is the end.
func (a Arch) source(layer string) (int, error) {
	if layer == "" {
		return a.end(), nil
	}
	i, ok := a.find(layer)
	if !ok || i < 0 {
		return 0, fmt.Errorf("the layers are %s: %w", a.names(), xai.ErrLayer)
	}
	return i, nil
}

// Pull stores into row i of dst the gradient of the sum over j of seed[i][j] u_j, where u is
// what layer of puts out for row i of x ("" is the scores), with respect to what layer at
// puts out ("" is the input). seed is n x the size of layer of, dst n x that of layer at.
// dst and seed may be one matrix if of and at are one layer. It is an error if the output of
// layer of does not depend on that of layer at.
func (n *Net) Pull(ctx context.Context, of, at string, dst, x, seed *mat.Dense) error {
	w, err := n.back("Pull", of, at, dst, x, seed)
	if err != nil {
		return err
	}
	return n.run.rows(ctx, w)
}

// back checks the arguments of what sends something back from layer of to layer at.
func (n *Net) back(method, of, at string, dst, x, seed *mat.Dense) (work, error) {
	call := fmt.Sprintf("nn.Net.%s(%q, %q)", method, of, at)
	if err := n.checkRows(method, x); err != nil {
		return work{}, err
	}
	w := work{at: -1, x: x, dx: dst, seed: seed}
	var err error
	if w.of, err = n.arch.source(of); err != nil {
		return w, fmt.Errorf("%s: %w", call, err)
	}
	if at != "" && at != InputName {
		if w.at, err = n.arch.source(at); err != nil {
			return w, fmt.Errorf("%s: %w", call, err)
		}
	}
	if !n.arch.depends(w.of, w.at) {
		return w, fmt.Errorf("%s: the first does not depend on the second: %w", call, xai.ErrLayer)
	}
	rows, _ := x.Dims()
	for _, m := range []struct {
		name string
		*mat.Dense
		step int
	}{{"dst", dst, w.at}, {"seed", seed, w.of}} {
		size := n.arch.shapes([]int{m.step})[0].Size()
		if m.Dense == nil {
			return w, fmt.Errorf("%s: %s is nil, need a %d x %d matrix: %w", call, m.name, rows, size, xai.ErrShape)
		}
		if r, c := m.Dims(); r != rows || c != size {
			return w, fmt.Errorf("%s: %s is %d x %d, need %d x %d: %w", call, m.name, r, c, rows, size, xai.ErrShape)
		}
	}
	return w, nil
}

// depends reports whether the output of step of depends on that of step at (-1 is the
// input); a step depends on itself.
func (a Arch) depends(of, at int) bool {
	need := a.needed(of)
	if at >= 0 {
		return at <= of && need[at]
	}
	for i := range need[:of+1] {
		for _, from := range a.steps[i].in {
			if need[i] && from < 0 {
				return true
			}
		}
	}
	return false
}

// After returns the rest of the network after a layer, as a *Net whose input is the layer's
// output; it shares the weights. "" or InputName is the input: the network itself. It is an
// error if something passes the layer by, as a shortcut does inside a residual block, and if
// the layer is the last one. Keep the rest if it is used again: it has graphs of its own.
func (n *Net) After(layer string) (xai.Differentiable, error) {
	if n == nil || n.run == nil {
		return nil, fmt.Errorf("nn.Net.After: there is no network; make one with Init, Fit or Load")
	}
	if layer == "" || layer == InputName {
		return n, nil
	}
	rest, steps, err := n.arch.after(layer)
	if err != nil {
		return nil, fmt.Errorf("nn.Net.After(%q): %w", layer, err)
	}
	return &Net{arch: rest, classes: n.classes, run: n.run.rest(rest, steps)}, nil
}

// after returns the part of the architecture that follows a layer, with the numbers that its
// steps have in a.
func (a Arch) after(layer string) (rest Arch, steps []int, err error) {
	cut, err := a.source(layer)
	if err != nil {
		return rest, nil, err
	}
	if cut == a.end() {
		return rest, nil, fmt.Errorf("nothing comes after it, it puts out the scores: %w", xai.ErrLayer)
	}
	if !a.depends(a.end(), cut) {
		return rest, nil, fmt.Errorf("the scores do not depend on it: %w", xai.ErrLayer)
	}
	rest = Arch{input: a.steps[cut].out}
	at := map[int]int{cut: -1} // the steps' new numbers
	for i, need := range a.needed(a.end())[:a.end()+1] {
		if !need || i <= cut {
			continue
		}
		s := a.steps[i]
		s.in = make([]int, len(s.in))
		for j, from := range a.steps[i].in {
			if from < cut {
				return rest, nil, fmt.Errorf("%s takes %s, which passes it by; everything goes through %s: %w",
					s.name, a.inputs(i)[j], strings.Join(a.cuts(), ", "), xai.ErrLayer)
			}
			s.in[j] = at[from]
		}
		at[i] = len(rest.steps)
		rest.steps, steps = append(rest.steps, s), append(steps, i)
	}
	rest.tip = len(rest.steps)
	return rest, steps, nil
}

// cuts names the layers that nothing passes by, but for the last: no later layer reads what
// stands before them.
func (a Arch) cuts() []string {
	need, passed := a.needed(a.end()), make([]bool, len(a.steps))
	for i := range a.end() + 1 {
		for _, from := range a.steps[i].in {
			for j := from + 1; need[i] && j < i; j++ {
				passed[j] = true
			}
		}
	}
	var list []string
	for i := range a.end() {
		if need[i] && !passed[i] {
			list = append(list, a.steps[i].name)
		}
	}
	return list
}

// rest implements runner.
func (e *engine[T]) rest(a Arch, steps []int) runner {
	var params []param[T]
	for _, i := range steps {
		first := e.first[i]
		params = append(params, e.params[first:first+len(e.arch.weights(i))]...)
	}
	return newEngine(a, params)
}

// To returns the part of the network that leads to the named layer, which then puts out its
// scores; it shares the weights. "" is the network's own end: without the branches beside it.
// The values of a layer of maps are scores like others, channel-major.
func (n *Net) To(layer string) (*Net, error) {
	if n == nil || n.run == nil {
		return nil, fmt.Errorf("nn.Net.To: there is no network; make one with Init, Fit or Load")
	}
	end, err := n.arch.source(layer)
	if err != nil {
		return nil, fmt.Errorf("nn.Net.To(%q): %w", layer, err)
	}
	part, steps := Arch{input: n.arch.input}, []int(nil)
	at := map[int]int{-1: -1} // the steps' new numbers
	for i, need := range n.arch.needed(end) {
		if !need {
			continue
		}
		s := n.arch.steps[i]
		s.in = make([]int, len(s.in))
		for j, from := range n.arch.steps[i].in {
			s.in[j] = at[from]
		}
		at[i] = len(part.steps)
		part.steps, steps = append(part.steps, s), append(steps, i)
	}
	part.tip = at[end] + 1
	classes := n.classes
	if end != n.arch.end() {
		classes = nil
	}
	return &Net{arch: part, classes: classes, run: n.run.rest(part, steps), History: n.History}, nil
}

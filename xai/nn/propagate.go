package nn

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/internal/graph"
	"gonum.org/v1/gonum/mat"
)

var _ xai.Propagator = (*Net)(nil)

// Propagate sends seed back by rules; see xai.Propagator, whose table says which layer can
// follow which rule. In a CosineDense the lengths of input and weights count as constants
// (Ali et al., 2022, arXiv:2202.07304, do so for normalisation layers), which makes it a
// dense layer on the input's direction.
func (n *Net) Propagate(ctx context.Context, of, at string, dst, x, seed *mat.Dense, rules func(xai.Site) xai.Rule) error {
	w, err := n.back("Propagate", of, at, dst, x, seed)
	if err != nil {
		return err
	}
	if w.rules, err = n.arch.rules(w.of, w.at, rules); err != nil {
		return fmt.Errorf("nn.Net.Propagate(%q, %q): %w", of, at, err)
	}
	return n.run.rows(ctx, w)
}

// nature says what a layer does.
func nature(l Layer) xai.Nature {
	switch l.(type) {
	case Conv, ConvTranspose, Dense, CosineDense:
		return xai.Weighted
	case AvgPool, AdaptiveAvgPool, GlobalAvgPool:
		return xai.Mean
	case Add, Sub:
		return xai.Sum
	case BatchNorm, Normalize, Affine:
		return xai.Scaling
	case ReLU:
		return xai.Rectifier
	case LeakyReLU, Sigmoid, Tanh, Clip:
		return xai.Activation
	case MaxPool, Dropout, Concat, Slice, Pad, Gather, Upsample:
		return xai.Routing
	}
	return xai.Mixing
}

// rules asks for the rules of the layers from step of back to step at, without at, and checks
// that they can follow them. Entries of other steps are nil.
func (a Arch) rules(of, at int, choose func(xai.Site) xai.Rule) ([]xai.Rule, error) {
	list := make([]xai.Rule, of+1)
	between, raw := a.between(of, at), a.raw()
	for i, s := range a.steps[:of+1] {
		if !between[i] {
			continue
		}
		site := xai.Site{Layer: a.layer(i), Nature: nature(s.layer), First: !slices.ContainsFunc(s.in, func(from int) bool { return from >= 0 && !raw[from] })}
		if choose != nil {
			list[i] = choose(site)
		}
		if list[i] == nil {
			list[i] = xai.Gradient{}
		}
		if err := checkRule(list[i], site.Nature); err != nil {
			return nil, fmt.Errorf("layer %s (%s): %w", site.Name, site.Kind, err)
		}
	}
	return list, nil
}

// between reports which steps stand between step at, or the input, and step of, which is one
// of them.
func (a Arch) between(of, at int) []bool {
	list := a.needed(of)
	if at < 0 {
		return list
	}
	for i := range list {
		if i <= at {
			list[i] = false
			continue
		}
		list[i] = list[i] && slices.ContainsFunc(a.steps[i].in, func(from int) bool { return from == at || from >= 0 && list[from] })
	}
	return list
}

// raw reports which steps put out the network's input without weighted sums.
func (a Arch) raw() []bool {
	list := make([]bool, len(a.steps))
	for i, s := range a.steps {
		list[i] = nature(s.layer) != xai.Weighted && !slices.ContainsFunc(s.in, func(from int) bool { return from >= 0 && !list[from] })
	}
	return list
}

// checkRule says why a layer cannot follow a rule.
func checkRule(r xai.Rule, n xai.Nature) error {
	var fits []xai.Nature // besides what the cases say
	var numbers []float64
	switch r := r.(type) {
	case xai.Gradient:
		return nil
	case xai.Guided, xai.Deconv:
		fits = []xai.Nature{xai.Rectifier}
	case xai.Pass:
		fits = []xai.Nature{xai.Rectifier, xai.Activation, xai.Scaling}
	case xai.Epsilon:
		fits, numbers = []xai.Nature{xai.Weighted, xai.Mean, xai.Sum, xai.Scaling, xai.Routing}, []float64{r.Epsilon}
	case xai.Gamma:
		fits, numbers = []xai.Nature{xai.Weighted, xai.Mean}, []float64{r.Gamma}
	case xai.AlphaBeta:
		fits, numbers = []xai.Nature{xai.Weighted, xai.Mean}, []float64{r.Alpha, r.Beta}
	case xai.Box:
		fits = []xai.Nature{xai.Weighted, xai.Mean}
		if low, high := limits(r); !finite(low) || !finite(high) || low >= high {
			return fmt.Errorf("%#v: the limits must be finite and in order: %w", r, xai.ErrRule)
		}
	case xai.ZPlus, xai.Flat, xai.Squares:
		fits = []xai.Nature{xai.Weighted, xai.Mean}
	default:
		return fmt.Errorf("the rule %#v is unknown here: %w", r, xai.ErrRule)
	}
	for _, v := range numbers {
		if !(v >= 0) || math.IsInf(v, 0) {
			return fmt.Errorf("%#v: numbers must be finite and at least 0: %w", r, xai.ErrRule)
		}
	}
	if slices.Contains(fits, n) {
		return nil
	}
	remedy := ""
	if n == xai.Mixing {
		remedy = "; explain a layer before it, or give it xai.Gradient{}"
	}
	return fmt.Errorf("its nature is %v, which %#v is not for%s: %w", n, r, remedy, xai.ErrRule)
}

// limits returns those of a box.
func limits(r xai.Box) (low, high float64) {
	if r == (xai.Box{}) {
		return 0, 1
	}
	return r.Low, r.High
}

// ruleKey names rules for a purpose.
func ruleKey(rules []xai.Rule) string {
	if rules == nil {
		return ""
	}
	return fmt.Sprintf("%#v", rules)
}

// propagation builds what is sent back.
type propagation[T graph.Float] struct {
	*graph.Builder[T]
	e      *engine[T]
	x      *graph.Node[T]
	outs   []*graph.Node[T]
	merged []int // for each step, the batch normalisation that is part of it; else -1
}

// propagate adds what sends seed back from p.of to p.at.
func (e *engine[T]) propagate(b *graph.Builder[T], x *graph.Node[T], outs []*graph.Node[T], seed *graph.Node[T], p purpose, rules []xai.Rule) (*graph.Node[T], error) {
	q := propagation[T]{b, e, x, outs, e.arch.merged(p.of, rules)}
	between := e.arch.between(p.of, p.at)
	arrived := make([][]*graph.Node[T], p.of+2) // at the output of each step, from the input on
	arrived[p.of+1] = append(arrived[p.of+1], seed)
	for i, s := range slices.Backward(e.arch.steps[:p.of+1]) {
		if !between[i] {
			continue
		}
		sent, err := q.send(i, rules[i], q.total(arrived[i+1]...))
		if err != nil {
			return nil, fmt.Errorf("layer %s: %w", s.name, err)
		}
		for j, from := range s.in {
			if from == p.at || from >= 0 && between[from] {
				arrived[from+1] = append(arrived[from+1], sent[j])
			}
		}
	}
	return q.total(arrived[p.at+1]...), nil
}

// merged finds the batch normalisations that pass, and alone read a weighted layer with a
// relevance rule: for each step the one that is part of it, or -1.
func (a Arch) merged(of int, rules []xai.Rule) []int {
	list, readers := make([]int, of+1), make([]int, of+1)
	need := a.needed(of)
	for i, s := range a.steps[:of+1] {
		list[i] = -1
		for _, from := range s.in {
			if need[i] && from >= 0 {
				readers[from]++
			}
		}
	}
	for i, s := range a.steps[:of+1] {
		from := s.in[0]
		if _, ok := s.layer.(BatchNorm); !ok || rules[i] != (xai.Pass{}) || from < 0 || readers[from] != 1 {
			continue
		}
		switch a.steps[from].layer.(type) {
		case Conv, ConvTranspose, Dense:
			if rules[from] != nil && rules[from] != (xai.Gradient{}) {
				list[from] = i
			}
		}
	}
	return list
}

// positive reports which steps put out nothing below 0, whatever the input.
func (a Arch) positive() []bool {
	list := make([]bool, len(a.steps))
	for i, s := range a.steps {
		inherited := !slices.ContainsFunc(s.in, func(from int) bool { return from < 0 || !list[from] })
		switch l := s.layer.(type) {
		case ReLU, Sigmoid, Softmax:
			list[i] = true
		case Clip:
			list[i] = l.Low >= 0
		case Add, Mul:
			list[i] = inherited
		default:
			n := nature(l)
			list[i] = inherited && (n == xai.Mean || n == xai.Routing)
		}
	}
	return list
}

// total returns the sum of nodes, nil for none; nil nodes are left out.
func (q propagation[T]) total(nodes ...*graph.Node[T]) *graph.Node[T] {
	var sum *graph.Node[T]
	for _, n := range nodes {
		switch {
		case sum == nil:
			sum = n
		case n != nil:
			sum = q.Add(sum, n)
		}
	}
	return sum
}

// send returns what step i sends to each of its inputs when r arrives at its output.
func (q propagation[T]) send(i int, rule xai.Rule, r *graph.Node[T]) ([]*graph.Node[T], error) {
	s, in, out := q.e.arch.steps[i], inputs(q.e.arch.steps[i], q.x, q.outs), q.outs[i]
	n := nature(s.layer)
	if n == xai.Routing {
		rule = xai.Gradient{} // a routing layer moves what it gets
	}
	switch rule := rule.(type) {
	case xai.Pass:
		return []*graph.Node[T]{r}, nil
	case xai.Guided:
		return []*graph.Node[T]{q.Each("guided", func(out []T, in [][]T) {
			for j, g := range in[0] {
				if !(g > 0 && in[1][j] > 0) {
					g = 0
				}
				out[j] = g
			}
		}, r, out)}, nil
	case xai.Deconv:
		return []*graph.Node[T]{q.Each("deconv", func(out []T, in [][]T) {
			for j, g := range in[0] {
				out[j] = max(g, 0)
			}
		}, r)}, nil
	case xai.Gradient:
		return q.pull(i, in, r)
	case xai.Epsilon:
		if n != xai.Weighted {
			sent, err := q.pull(i, in, q.ratio(r, out, rule.Epsilon))
			for j := range sent {
				sent[j] = q.Mul(sent[j], in[j])
			}
			return sent, err
		}
	}
	sent, err := q.share(i, rule, r)
	return []*graph.Node[T]{sent}, err
}

// pull sends the vector-Jacobian product of step i. Inputs that are one node, because a
// layer takes a value twice or from a layer that changes nothing, are told apart by copies.
func (q propagation[T]) pull(i int, in []*graph.Node[T], r *graph.Node[T]) ([]*graph.Node[T], error) {
	out := q.outs[i]
	for j := range in {
		if !slices.Contains(in[:j], in[j]) {
			continue
		}
		in = slices.Clone(in)
		for k, n := range in {
			in[k] = q.Each("copy", func(out []T, src [][]T) { copy(out, src[0]) }, n)
			q.Watch(in[k])
		}
		var err error
		if out, err = q.e.builder(q.Builder, i, q.e.weights(q.Builder, i, nil), nil).add(q.e.arch.steps[i].layer, in); err != nil {
			return nil, err
		}
		break
	}
	return q.Pull(out, r, in...), nil
}

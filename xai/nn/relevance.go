package nn

import (
	"fmt"
	"math"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/internal/graph"
)

// smallest is the size below which a denominator counts as 0: what it divides would
// overflow, or would be noise.
const smallest = 1e-30

// ratio returns r / (z + epsilon sign z), 0 where the denominator is 0.
func (q propagation[T]) ratio(r, z *graph.Node[T], epsilon float64) *graph.Node[T] {
	e := T(epsilon)
	return q.Each("ratio", func(out []T, in [][]T) {
		for j, z := range in[1] {
			d := z + e
			if z < 0 {
				d = z - e
			}
			v := in[0][j] / d // out may be in[0]
			if d <= smallest && d >= -smallest {
				v = 0
			}
			out[j] = v
		}
	}, r, z)
}

// linear sends relevance through the weights of one step, a weighted layer or a mean.
type linear[T graph.Float] struct {
	propagation[T]
	i, bn int // the step, and the normalisation that is part of it or -1
	x, z  *graph.Node[T]

	// The positive and negative parts of x; above is x itself and below is nil where x is never
	// negative.
	above, below *graph.Node[T]
}

// part is what is taken of the weights of a layer.
type part int

const (
	all part = iota
	positive
	negative
	squared
	ones
)

// share sends r through step i.
func (q propagation[T]) share(i int, rule xai.Rule, r *graph.Node[T]) (*graph.Node[T], error) {
	s := q.e.arch.steps[i]
	l := linear[T]{propagation: q, i: i, bn: q.merged[i], x: inputs(s, q.x, q.outs)[0], z: q.outs[i]}
	if _, ok := s.layer.(CosineDense); ok {
		l.x = q.Unit(l.x)
	}
	if l.bn >= 0 {
		l.z = q.outs[l.bn]
	}
	l.above = l.x
	if from := s.in[0]; from < 0 || !q.e.arch.positive()[from] {
		l.above = q.Each("above", func(out []T, in [][]T) {
			for j, v := range in[0] {
				out[j] = max(v, 0)
			}
		}, l.x)
		l.below = q.Each("below", func(out []T, in [][]T) {
			for j, v := range in[0] {
				out[j] = min(v, 0)
			}
		}, l.x)
	}
	switch rule := rule.(type) {
	case xai.Epsilon:
		return l.times(l.x, all, q.ratio(r, l.z, rule.Epsilon)), nil
	case xai.ZPlus:
		return l.alphaBeta(r, 1, 0), nil
	case xai.AlphaBeta:
		return l.alphaBeta(r, rule.Alpha, rule.Beta), nil
	case xai.Gamma:
		return q.total(l.gamma(r, rule.Gamma, positive), l.gamma(r, rule.Gamma, negative)), nil
	case xai.Flat:
		return l.alike(r, ones), nil
	case xai.Squares:
		return l.alike(r, squared), nil
	case xai.Box:
		return l.box(r, rule)
	}
	return nil, fmt.Errorf("the rule %#v has no engine: %w", rule, xai.ErrRule)
}

// alphaBeta shares alpha r by the positive contributions, less beta r by the negative ones.
func (l linear[T]) alphaBeta(r *graph.Node[T], alpha, beta float64) *graph.Node[T] {
	var sent []*graph.Node[T]
	for _, side := range []struct {
		sign  part
		share float64
	}{{positive, alpha}, {negative, -beta}} {
		if side.share == 0 {
			continue
		}
		sum := l.sum(side.sign)
		if sum == nil {
			continue // means of what is never negative have no negative contributions
		}
		sent = append(sent, l.scaled(side.share, l.contributions(side.sign, l.ratio(r, sum, 0))))
	}
	if len(sent) == 0 {
		return l.Each("none", func(out []T, _ [][]T) { clear(out) }, l.x)
	}
	return l.total(sent...)
}

// gamma shares r where z has the given sign, by all contributions and gamma times those with
// that sign.
func (l linear[T]) gamma(r *graph.Node[T], gamma float64, sign part) *graph.Node[T] {
	z := l.z
	sum := l.sum(sign)
	if sum != nil {
		z = l.total(z, l.scaled(gamma, sum))
	}
	here := l.Each("here", func(out []T, in [][]T) {
		for j, z := range in[1] {
			out[j] = in[0][j]
			if z > 0 == (sign == negative) || z == 0 {
				out[j] = 0
			}
		}
	}, r, l.z)
	s := l.ratio(here, z, 0)
	return l.total(l.times(l.x, all, s), l.scaled(gamma, l.contributions(sign, s)))
}

// sum returns the sums of the contributions of one sign, and of the biases of that sign; nil
// if there are none.
func (l linear[T]) sum(sign part) *graph.Node[T] {
	return l.total(l.forward(l.above, sign, true), l.forward(l.below, opposite(sign), false))
}

// contributions returns the inputs times what s is as a gradient through the weights, for the
// pairs of an input and a weight whose product has the given sign.
func (l linear[T]) contributions(sign part, s *graph.Node[T]) *graph.Node[T] {
	return l.total(l.times(l.above, sign, s), l.times(l.below, opposite(sign), s))
}

func opposite(sign part) part {
	if sign == positive {
		return negative
	}
	return positive
}

// alike shares r by the weights alone, as if every input were 1.
func (l linear[T]) alike(r *graph.Node[T], weights part) *graph.Node[T] {
	return l.back(weights, l.ratio(r, l.forward(l.constant(func(int) float64 { return 1 }), weights, false), 0))
}

// box shares r by the distance of the inputs from the limits that oppose the weights.
func (l linear[T]) box(r *graph.Node[T], rule xai.Box) (*graph.Node[T], error) {
	low, high := limits(rule)
	lows, highs := l.e.bounds(l.e.arch.steps[l.i].in[0], low, high)
	if lows == nil {
		return nil, fmt.Errorf("%#v: the layer's input has no known limits; use it for a first layer: %w", rule, xai.ErrRule)
	}
	if _, ok := l.e.arch.steps[l.i].layer.(CosineDense); ok {
		return nil, fmt.Errorf("%#v: a cosine takes directions, which have no known limits: %w", rule, xai.ErrRule)
	}
	lo := l.constant(func(j int) float64 { return lows[j] })
	hi := l.constant(func(j int) float64 { return highs[j] })
	z := l.total(l.forward(l.x, all, false), l.scaled(-1, l.total(l.forward(lo, positive, false), l.forward(hi, negative, false))))
	s := l.ratio(r, z, 0)
	return l.total(l.times(l.x, all, s), l.scaled(-1, l.total(l.times(lo, positive, s), l.times(hi, negative, s)))), nil
}

// constant returns rows of fixed values, of the size of x.
func (l linear[T]) constant(value func(j int) float64) *graph.Node[T] {
	n := l.Input("constant", l.x.Rows, l.x.Cols, nil, false)
	for at := range n.Data() {
		n.Data()[at] = T(value(at % l.x.Cols))
	}
	return n
}

// times returns x times what s is as a gradient through a part of the weights; nil if there
// is no x, or nothing in that part.
func (l linear[T]) times(x *graph.Node[T], weights part, s *graph.Node[T]) *graph.Node[T] {
	if x == nil {
		return nil
	}
	g := l.back(weights, s)
	if g == nil {
		return nil
	}
	return l.Mul(x, g)
}

// back returns what s is as a gradient with respect to the layer's input, through a part of
// the weights.
func (l linear[T]) back(weights part, s *graph.Node[T]) *graph.Node[T] {
	y := l.forward(l.x, weights, false) // a gradient through sums does not depend on their values
	if y == nil {
		return nil
	}
	return l.Pull(y, s, l.x)[0]
}

// forward returns the layer's output for x with a part of the weights, and of the biases if
// they are wanted; nil if there is no x, or nothing in that part.
func (l linear[T]) forward(x *graph.Node[T], weights part, biased bool) *graph.Node[T] {
	layer := l.e.arch.steps[l.i].layer
	if x == nil {
		return nil
	}
	var params []*graph.Node[T]
	switch l := layer.(type) {
	case CosineDense:
		layer = Dense{Units: l.Units} // of a direction
	case AvgPool, AdaptiveAvgPool, GlobalAvgPool: // equal weights above 0, whatever the part
		if weights == negative {
			return nil
		}
	}
	if nature(layer) == xai.Weighted {
		w, b := l.e.weightsOf(l.i, l.bn, weights)
		params = append(params, l.Input("part", w.rows, w.cols, w.data, false))
		if biased && b.data != nil {
			params = append(params, l.Input("part", b.rows, b.cols, b.data, false))
		}
	}
	y, err := l.e.builder(l.Builder, l.i, params, nil).add(layer, []*graph.Node[T]{x})
	if err != nil {
		panic(err) // the same layer is in the graph already
	}
	return y
}

// scaled returns factor times x, nil for nil.
func (q propagation[T]) scaled(factor float64, x *graph.Node[T]) *graph.Node[T] {
	if x == nil || factor == 1 {
		return x
	}
	f := T(factor)
	return q.Each("scaled", func(out []T, in [][]T) {
		for j, v := range in[0] {
			out[j] = f * v
		}
	}, x)
}

// partKey names a part of the weights of a step, merged with a normalisation or not.
type partKey struct {
	step, bn int
	part     part
}

// parts are the weights and biases of a step; bias.data is nil where it has none.
type parts[T graph.Float] struct{ weight, bias param[T] }

// weightsOf returns a part of the weights and of the biases of a weighted step, as they are
// when a batch normalisation (bn, or -1) is made part of it. Machines share them.
func (e *engine[T]) weightsOf(step, bn int, p part) (weight, bias param[T]) {
	key := partKey{step, bn, p}
	e.mu.Lock()
	defer e.mu.Unlock()
	if kept, ok := e.parts[key]; ok {
		return kept.weight, kept.bias
	}
	weight, bias = e.merge(step, bn)
	take := map[part]func(v float64) float64{
		positive: func(v float64) float64 { return max(v, 0) },
		negative: func(v float64) float64 { return min(v, 0) },
		squared:  func(v float64) float64 { return v * v },
		ones:     func(float64) float64 { return 1 },
	}[p]
	if take != nil {
		weight.data, bias.data = mapped(weight.data, take), mapped(bias.data, take)
	}
	if e.parts == nil {
		e.parts = make(map[partKey]parts[T])
	}
	e.parts[key] = parts[T]{weight, bias}
	return weight, bias
}

func mapped[T graph.Float](data []T, f func(float64) float64) []T {
	if data == nil {
		return nil
	}
	out := make([]T, len(data))
	for j, v := range data {
		out[j] = T(f(float64(v)))
	}
	return out
}

// merge returns the weights and biases of a weighted step and the batch normalisation after
// it, if there is one (bn is not -1). The weights of a CosineDense are directions.
func (e *engine[T]) merge(step, bn int) (weight, bias param[T]) {
	own := e.params[e.first[step]:][:len(e.arch.weights(step))]
	weight = own[0]
	if len(own) > 1 {
		bias = own[1]
	}
	layer := e.arch.steps[step].layer
	if _, ok := layer.(CosineDense); ok {
		weight.data = append([]T(nil), weight.data...)
		for i := range weight.rows {
			row := weight.data[i*weight.cols:][:weight.cols]
			var sum float64
			for _, v := range row {
				sum += float64(v) * float64(v)
			}
			for j, v := range row {
				row[j] = T(float64(v) / max(math.Sqrt(sum), 1e-12)) // as graph.Unit
			}
		}
	}
	if bn < 0 {
		return weight, bias
	}
	scale, shift := e.channels(bn)
	filter := func(row, _ int) int { return row }
	if l, ok := layer.(ConvTranspose); ok { // weights are stored by input channel
		w, g := l.window(), max(l.Groups, 1)
		taps, perGroup, in := w.KernelH*w.KernelW, l.Filters/g, weight.rows/g
		filter = func(row, col int) int { return row/in*perGroup + col/taps }
	}
	data := make([]T, len(weight.data))
	for j, v := range weight.data {
		data[j] = T(float64(v) * scale[filter(j/weight.cols, j%weight.cols)])
	}
	weight.data = data
	offsets := make([]T, len(scale))
	for f := range offsets {
		if bias.data != nil {
			offsets[f] = T(scale[f]*float64(bias.data[f]) + shift[f])
		} else {
			offsets[f] = T(shift[f])
		}
	}
	bias = param[T]{name: "bias", rows: 1, cols: len(offsets), data: offsets}
	return weight, bias
}

// channels returns what a batch normalisation does to each channel: x*scale + shift.
func (e *engine[T]) channels(step int) (scale, shift []float64) {
	p := e.params[e.first[step]:]
	eps := e.arch.steps[step].layer.(BatchNorm).epsilon()
	for c := range p[0].data {
		s := float64(p[0].data[c]) / math.Sqrt(float64(p[3].data[c])+eps)
		scale, shift = append(scale, s), append(shift, float64(p[1].data[c])-s*float64(p[2].data[c]))
	}
	return scale, shift
}

// bounds returns the limits of every value that a step puts out, for inputs of the network
// within [low, high]; nil where they are not known. Step -1 is the input.
func (e *engine[T]) bounds(step int, low, high float64) (lows, highs []float64) {
	if step < 0 {
		d := e.arch.input.Size()
		lows, highs = make([]float64, d), make([]float64, d)
		for j := range d {
			lows[j], highs[j] = low, high
		}
		return lows, highs
	}
	s := e.arch.steps[step]
	in := e.arch.shapes(s.in)[0]
	moved := func(index []int32) {
		from, to := lows, highs
		lows, highs = make([]float64, len(index)), make([]float64, len(index))
		for j, at := range index {
			if at >= 0 {
				lows[j], highs[j] = from[at], to[at]
			}
		}
	}
	scaled := func(scale, shift func(j int) float64) {
		for j := range lows {
			a, b := lows[j]*scale(j)+shift(j), highs[j]*scale(j)+shift(j)
			lows[j], highs[j] = min(a, b), max(a, b)
		}
	}
	byColumn := func(columns func(datasets.Shape) (scale, shift []float64)) {
		scale, shift := columns(in)
		scaled(func(j int) float64 { return scale[j] }, func(j int) float64 { return shift[j] })
	}
	if lows, highs = e.bounds(s.in[0], low, high); lows == nil {
		return nil, nil
	}
	switch l := s.layer.(type) {
	case Normalize:
		byColumn(l.columns)
	case Affine:
		byColumn(l.columns)
	case BatchNorm:
		scale, shift := e.channels(step)
		area := in.Height * in.Width
		scaled(func(j int) float64 { return scale[j/area] }, func(j int) float64 { return shift[j/area] })
	case Slice:
		moved(l.index(in))
	case Pad:
		moved(l.index(in))
	case Gather:
		if l.Index != nil {
			moved(l.Index)
		}
	case Dropout:
	default:
		return nil, nil
	}
	return lows, highs
}

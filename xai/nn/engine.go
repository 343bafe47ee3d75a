package nn

import (
	"fmt"
	"math/bits"
	"runtime"
	"slices"
	"sync"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/internal/graph"
)

// param is one trainable tensor.
type param[T graph.Float] struct {
	name       string // "conv1.weight"
	dims       []int
	rows, cols int
	data       []T
}

// engine runs an architecture with weights of one element type. It compiles a machine
// for each purpose and batch size once and keeps it for reuse; several goroutines may
// use it, each then holds a machine of its own.
type engine[T graph.Float] struct {
	arch   Arch
	params []param[T] // in the order of the layers
	first  []int      // index in params of each layer's first parameter

	width  int // values of one row in all layers together
	widest int // values of one row in the inputs and the output of one layer, at most
	size   int // values of all parameters

	mu    sync.Mutex
	idle  []*machine[T] // longest unused first
	parts map[partKey]parts[T]
}

// What a network may hold in memory, in values before layers share theirs: a run splits its
// batch accordingly, which also bounds the time between two looks at the context, and
// machines that wait for reuse go when they are too many.
const (
	maxRows       = 128      // of one run
	maxRunValues  = 64 << 20 // of one run, if it has more than one row
	maxIdle       = 16       // machines, besides one for each processor
	maxIdleValues = 256 << 20
)

// rowsPerRun is how many rows go through the network at once.
func (e *engine[T]) rowsPerRun() int { return min(max(maxRunValues/e.width, 1), maxRows) }

// shareValues is how many values of the widest layer, its inputs and its output, a part of
// a batch should have for most of them to stay in a processor's cache from one operation
// to the next.
const shareValues = 1 << 20

// rowsPerShare is how many rows of a batch go through the network at once while other
// processors do the same with other rows, each in a machine of its own; 0 if all of them
// together would need too much memory. Weights are fetched for every share, so shares
// have no fewer values than there are weights.
func (e *engine[T]) rowsPerShare() int {
	rows := max(shareValues, e.size) / e.widest
	rows = min(max(1<<bits.Len(uint(rows))>>1, 1), maxRows)
	if rows*e.width*runtime.GOMAXPROCS(0) > maxRunValues {
		return 0
	}
	return rows
}

// purpose says what a machine computes: the output of layer of for a number of rows, and
// whether something is sent back from there to the output of layer at (-1 is the input):
// the gradient, or what rules make of it.
type purpose struct {
	of, at int
	rows   int
	back   bool
	rules  string // names the rules of all layers; "" for the gradient
}

// machine is a compiled graph with handles to its ends.
type machine[T graph.Float] struct {
	does purpose
	prog *graph.Program[T]
	x    *graph.Node[T] // rows x d
	out  *graph.Node[T] // rows x width of layer of
	seed *graph.Node[T] // rows x width of layer of: what is sent back; nil if nothing is
	dx   *graph.Node[T] // rows x width of layer at: what arrives; nil if nothing is sent
}

func newEngine[T graph.Float](arch Arch, params []param[T]) *engine[T] {
	e := &engine[T]{arch: arch, params: params}
	n := 0
	e.width = arch.input.Size()
	for _, p := range params {
		e.size += len(p.data)
	}
	for i, s := range arch.steps {
		e.first = append(e.first, n)
		e.width += s.out.Size()
		wide := s.out.Size()
		for _, in := range arch.shapes(s.in) {
			wide += in.Size()
		}
		e.widest = max(e.widest, wide)
		n += len(arch.weights(i))
	}
	return e
}

// with lends a machine to f. rules are those that the purpose names.
func (e *engine[T]) with(p purpose, rules []xai.Rule, f func(m *machine[T]) error) error {
	m := e.take(p)
	if m == nil {
		var err error
		if m, err = e.compile(p, rules); err != nil {
			return err
		}
	}
	if err := f(m); err != nil {
		return err // the machine may be in the middle of a run: let it go
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.idle = append(e.idle, m)
	held := 0
	for _, m := range e.idle {
		held += e.holds(m)
	}
	for len(e.idle) > maxIdle+runtime.GOMAXPROCS(0) || held > maxIdleValues && len(e.idle) > 1 {
		held -= e.holds(e.idle[0])
		e.idle = slices.Delete(e.idle, 0, 1)
	}
	return nil
}

// holds estimates the values that a machine keeps.
func (e *engine[T]) holds(m *machine[T]) int {
	size := m.does.rows * e.width
	if m.does.rules != "" { // rules share by sums of both signs
		size *= 2
	}
	return size
}

// take returns an idle machine for the purpose, or nil.
func (e *engine[T]) take(p purpose) *machine[T] {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i, m := range slices.Backward(e.idle) {
		if m.does == p {
			e.idle = slices.Delete(e.idle, i, i+1)
			return m
		}
	}
	return nil
}

func (e *engine[T]) compile(p purpose, rules []xai.Rule) (m *machine[T], err error) {
	defer misfit(&err)
	b := graph.New[T]()
	input := p.back && (p.at < 0 || rules != nil)
	x := b.Input("x", p.rows, e.arch.input.Size(), nil, input)
	watched := -1
	if p.back && !input {
		watched = p.at
	}
	m = &machine[T]{does: p, x: x}
	outs, err := e.forward(b, x, e.arch.needed(p.of), watched, nil)
	if err != nil {
		return nil, err
	}
	m.out = outs[p.of]
	keep := []*graph.Node[T]{m.out}
	if p.back {
		m.seed = b.Input("seed", m.out.Rows, m.out.Cols, nil, false)
		at := x
		if p.at >= 0 {
			at = outs[p.at]
		}
		switch {
		case at == m.out: // the layers between change nothing
			m.dx = m.seed
		case rules == nil:
			grads, err := b.Backward(m.out, m.seed, at)
			if err != nil {
				return nil, err
			}
			m.dx = grads[0]
		default:
			if m.dx, err = e.propagate(b, x, outs, m.seed, p, rules); err != nil {
				return nil, err
			}
		}
		keep = append(keep, m.dx)
	}
	if m.prog, err = b.Compile(keep...); err != nil {
		return nil, err
	}
	return m, nil
}

// misfit turns a panic of a builder, which is about sizes that an architecture's own checks
// should have refused, into an error: an imported model must not end the program.
func misfit(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("nn: this architecture passed its checks but cannot be built: %v: %w", r, xai.ErrShape)
	}
}

// training receives what a training step needs from the graph besides the output. Without
// one, weights get no gradient, dropout does nothing and batch normalisation uses its
// running averages.
type training[T graph.Float] struct {
	// weight takes a trainable parameter, by its index in params.
	weight func(i int, n *graph.Node[T])
	// mask takes the input that scales a dropout layer's values.
	mask func(l Dropout, n *graph.Node[T])
	// stats takes the statistics of each batch; the running mean is parameter mean, the
	// running variance the one after it.
	stats func(l BatchNorm, mean int, s *graph.BatchStats)
	// frozen says of each layer whether it is left as it is and behaves as outside of
	// training; nil for none.
	frozen []bool
}

// forward adds the layers that are needed to the graph and returns the outputs of all
// layers, nil for the others. A gradient is wanted at the output of layer watched, if that
// is not -1; t is nil unless the graph is to train.
func (e *engine[T]) forward(b *graph.Builder[T], x *graph.Node[T], need []bool, watched int, t *training[T]) ([]*graph.Node[T], error) {
	outs := make([]*graph.Node[T], len(e.arch.steps))
	for i, s := range e.arch.steps {
		if !need[i] {
			continue
		}
		in := inputs(s, x, outs)
		own := t
		if t != nil && t.frozen != nil && t.frozen[i] {
			own = nil
		}
		var err error
		if outs[i], err = e.builder(b, i, e.weights(b, i, own), own).add(s.layer, in); err != nil {
			return nil, err
		}
		if i == watched {
			b.Watch(outs[i])
		}
	}
	return outs, nil
}

// weights adds the parameters of a step.
func (e *engine[T]) weights(b *graph.Builder[T], i int, t *training[T]) []*graph.Node[T] {
	described := e.arch.weights(i)
	params := make([]*graph.Node[T], len(described))
	for j, w := range described {
		at := e.first[i] + j
		p, train := e.params[at], t != nil && !w.state
		params[j] = b.Input(p.name, p.rows, p.cols, p.data, train)
		if train {
			t.weight(at, params[j])
		}
	}
	return params
}

// builder returns what adds step i with the given parameters.
func (e *engine[T]) builder(b *graph.Builder[T], i int, params []*graph.Node[T], t *training[T]) builder[T] {
	s := e.arch.steps[i]
	return builder[T]{b, e.arch.shapes(s.in), s.out, params, e.first[i], t}
}

// inputs returns the nodes that a step takes.
func inputs[T graph.Float](s step, x *graph.Node[T], outs []*graph.Node[T]) []*graph.Node[T] {
	in := make([]*graph.Node[T], len(s.in))
	for j, at := range s.in {
		in[j] = x
		if at >= 0 {
			in[j] = outs[at]
		}
	}
	return in
}

// builder adds one layer to a graph.
type builder[T graph.Float] struct {
	*graph.Builder[T]
	in     []datasets.Shape // of the inputs
	out    datasets.Shape
	params []*graph.Node[T]
	first  int // index of the first of them in the engine's params
	t      *training[T]
}

// param returns parameter i of the layer, or nil where it has fewer: a bias left out.
func (b builder[T]) param(i int) *graph.Node[T] {
	if i < len(b.params) {
		return b.params[i]
	}
	return nil
}

func (b builder[T]) add(l Layer, in []*graph.Node[T]) (*graph.Node[T], error) {
	x, p := in[0], plane(b.in[0])
	switch l := l.(type) {
	case Conv:
		return b.Conv2D(x, b.param(0), b.param(1), p, graph.Window(l.window())), nil
	case ConvTranspose:
		return b.ConvTranspose2D(x, b.param(0), b.param(1), p, plane(b.out), graph.Window(l.window())), nil
	case Dense:
		return b.Dense(x, b.param(0), b.param(1)), nil
	case CosineDense:
		return b.Dense(b.Unit(x), b.Unit(b.param(0)), nil), nil
	case MaxPool:
		return b.MaxPool(x, p, graph.Window(l.window())), nil
	case AvgPool:
		return b.AvgPool(x, p, graph.Window(l.window()), !l.SkipBorder), nil
	case AdaptiveAvgPool:
		return b.AdaptiveAvgPool(x, p, l.Height, l.Width), nil
	case GlobalAvgPool:
		return b.GlobalAvgPool(x, p), nil
	case ReLU:
		return b.ReLU(x), nil
	case LeakyReLU:
		return b.LeakyReLU(x, l.slope()), nil
	case Sigmoid:
		return b.Sigmoid(x), nil
	case Tanh:
		return b.Tanh(x), nil
	case Softmax:
		return b.overChannels(x, b.Softmax), nil
	case LogSoftmax:
		return b.overChannels(x, b.LogSoftmax), nil
	case Clip:
		return b.Clip(x, l.Low, l.High), nil
	case BatchNorm:
		if b.t != nil {
			y, stats := b.BatchNorm(x, b.params[0], b.params[1], p, l.epsilon())
			b.t.stats(l, b.first+2, stats)
			return y, nil
		}
		return b.BatchNormEval(x, b.params[0], b.params[1], b.params[2], b.params[3], p, l.epsilon()), nil
	case Normalize:
		return b.affine(x, l.columns), nil
	case Affine:
		return b.affine(x, l.columns), nil
	case Dropout:
		if b.t == nil || l.Rate == 0 {
			return x, nil
		}
		mask := b.Input("mask", x.Rows, x.Cols, nil, false)
		b.t.mask(l, mask)
		return b.Mask(x, mask), nil
	case Add:
		for _, y := range in[1:] {
			x = b.Add(x, y)
		}
		return x, nil
	case Sub:
		return b.Sub(x, in[1]), nil
	case Mul:
		return b.Mul(x, in[1]), nil
	case Div:
		return b.Div(x, in[1]), nil
	case Concat:
		return b.Concat(in...), nil
	case Slice:
		return b.Gather(x, l.index(b.in[0])), nil
	case Pad:
		return b.Gather(x, l.index(b.in[0])), nil
	case Gather:
		if l.Index == nil {
			return x, nil
		}
		return b.Gather(x, l.Index), nil
	case Upsample:
		return b.Upsample(x, p, l.Factor), nil
	}
	return nil, fmt.Errorf("nn: layer %s has no engine", describe(l))
}

// affine adds x*scale + shift with the columns of a layer.
func (b builder[T]) affine(x *graph.Node[T], columns func(datasets.Shape) (scale, shift []float64)) *graph.Node[T] {
	scale, shift := columns(b.in[0])
	s, t := make([]T, len(scale)), make([]T, len(shift))
	for j := range s {
		s[j], t[j] = T(scale[j]), T(shift[j])
	}
	return b.Affine(x, s, t)
}

// overChannels applies f, which works on runs of neighbouring values, to the channels at
// each position.
func (b builder[T]) overChannels(x *graph.Node[T], f func(*graph.Node[T], int) *graph.Node[T]) *graph.Node[T] {
	c, area := b.in[0].Channels, b.in[0].Height*b.in[0].Width
	if area == 1 {
		return f(x, c)
	}
	there, back := make([]int32, c*area), make([]int32, c*area)
	for i := range there {
		from := i%c*area + i/c // value i of the rearranged row: position i/c, channel i%c
		there[i], back[from] = int32(from), int32(i)
	}
	return b.Gather(f(b.Gather(x, there), c), back)
}

// convert copies parameters to another element type.
func convert[T, S graph.Float](params []param[S]) []param[T] {
	out := make([]param[T], len(params))
	for i, p := range params {
		data := make([]T, len(p.data))
		for j, v := range p.data {
			data[j] = T(v)
		}
		out[i] = param[T]{name: p.name, dims: p.dims, rows: p.rows, cols: p.cols, data: data}
	}
	return out
}

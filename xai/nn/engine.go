package nn

import (
	"fmt"
	"sync"

	"github.com/whybook/whybook/datasets"
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

	mu   sync.Mutex
	idle map[purpose][]*machine[T]
}

// purpose says what a machine computes: the output of a layer for a number of rows, and
// whether the gradient with respect to the input comes with it.
type purpose struct {
	layer    int
	rows     int
	gradient bool
}

// machine is a compiled graph with handles to its ends.
type machine[T graph.Float] struct {
	prog *graph.Program[T]
	x    *graph.Node[T] // rows x d
	out  *graph.Node[T] // rows x width of the layer
	seed *graph.Node[T] // rows x width: dLoss/dOut; nil without gradient
	dx   *graph.Node[T] // rows x d; nil without gradient
}

func newEngine[T graph.Float](arch Arch, params []param[T]) *engine[T] {
	e := &engine[T]{arch: arch, params: params, idle: make(map[purpose][]*machine[T])}
	n := 0
	for i := range arch.steps {
		e.first = append(e.first, n)
		n += len(arch.weights(i))
	}
	return e
}

// with lends a machine to f.
func (e *engine[T]) with(p purpose, f func(m *machine[T]) error) error {
	e.mu.Lock()
	var m *machine[T]
	if list := e.idle[p]; len(list) > 0 {
		m, e.idle[p] = list[len(list)-1], list[:len(list)-1]
	}
	e.mu.Unlock()
	if m == nil {
		var err error
		if m, err = e.compile(p); err != nil {
			return err
		}
	}
	if err := f(m); err != nil {
		return err // the machine may be in the middle of a run: let it go
	}
	e.mu.Lock()
	e.idle[p] = append(e.idle[p], m)
	e.mu.Unlock()
	return nil
}

func (e *engine[T]) compile(p purpose) (*machine[T], error) {
	b := graph.New[T]()
	x := b.Input("x", p.rows, e.arch.input.Size(), nil, p.gradient)
	m := &machine[T]{x: x}
	var err error
	if m.out, err = e.forward(b, x, p.layer, nil, nil); err != nil {
		return nil, err
	}
	if p.gradient {
		m.seed = b.Input("seed", m.out.Rows, m.out.Cols, nil, false)
		grads, err := b.Backward(m.out, m.seed, x)
		if err != nil {
			return nil, err
		}
		m.dx = grads[0]
	}
	if m.prog, err = b.Compile(); err != nil {
		return nil, err
	}
	return m, nil
}

// forward adds the layers that the output of layer last depends on to the graph and
// returns that output. For training, weights receives every trainable weight, by its index
// in params and as a node, which then needs a gradient, and masks the mask input of every dropout layer; both are nil
// otherwise, and dropout layers then do nothing.
func (e *engine[T]) forward(b *graph.Builder[T], x *graph.Node[T], last int,
	weights func(int, *graph.Node[T]), masks func(Dropout, *graph.Node[T])) (*graph.Node[T], error) {
	need := e.arch.needed(last)
	outs := make([]*graph.Node[T], last+1)
	for i, s := range e.arch.steps[:last+1] {
		if !need[i] {
			continue
		}
		in := make([]*graph.Node[T], len(s.in))
		for j, at := range s.in {
			in[j] = x
			if at >= 0 {
				in[j] = outs[at]
			}
		}
		described := e.arch.weights(i)
		params := make([]*graph.Node[T], len(described))
		for j, w := range described {
			at := e.first[i] + j
			p, train := e.params[at], weights != nil && !w.state
			params[j] = b.Input(p.name, p.rows, p.cols, p.data, train)
			if train {
				weights(at, params[j])
			}
		}
		var err error
		if outs[i], err = addLayer(b, s.layer, in, params, e.arch.shapes(s.in), masks); err != nil {
			return nil, err
		}
	}
	return outs[last], nil
}

// addLayer adds one layer to a graph.
func addLayer[T graph.Float](b *graph.Builder[T], l Layer, inputs, weights []*graph.Node[T],
	shapes []datasets.Shape, masks func(Dropout, *graph.Node[T])) (*graph.Node[T], error) {
	x, in := inputs[0], shapes[0]
	plane := graph.Plane{C: in.Channels, H: in.Height, W: in.Width}
	switch l := l.(type) {
	case Conv:
		k, s, p := l.window()
		return b.Conv2D(x, weights[0], weights[1], plane, graph.Square(k, s, p)), nil
	case MaxPool:
		return b.MaxPool(x, plane, graph.Square(l.Kernel, l.stride(), l.Pad)), nil
	case Dense:
		return b.Dense(x, weights[0], weights[1]), nil
	case ReLU:
		return b.ReLU(x), nil
	case Dropout:
		if masks == nil || l.Rate == 0 {
			return x, nil
		}
		mask := b.Input("mask", x.Rows, x.Cols, nil, false)
		masks(l, mask)
		return b.Mask(x, mask), nil
	case Normalize:
		scale, shift := make([]T, in.Size()), make([]T, in.Size())
		for j := range scale {
			mean, std := l.at(j / (in.Height * in.Width))
			scale[j], shift[j] = T(1/std), T(-mean/std)
		}
		return b.Affine(x, scale, shift), nil
	}
	return nil, fmt.Errorf("nn: layer %s has no engine", describe(l))
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

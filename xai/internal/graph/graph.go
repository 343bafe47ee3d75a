package graph

import (
	"fmt"
	"slices"

	// gorgonia refuses to start on Go 1.26 without this version of the package.
	_ "go4.org/unsafe/assume-no-moving-gc"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Float is an element type of the engine: float32 for speed, float64 for exact tests.
type Float interface{ float32 | float64 }

// Node is one matrix of a graph: an input, or the output of an operation.
type Node[T Float] struct {
	Rows, Cols int

	node *gorgonia.Node
	op   *op[T] // nil for inputs
	data []T    // of an input, or of an operation to be read
	grad bool   // a gradient must flow through this node
}

// Data returns the node's values, row-major. For an input, write them before Run; for
// any other node, read them after Run and before the next. The slice is the node's own
// memory. Nodes that Compile was not told to keep have none.
func (n *Node[T]) Data() []T { return n.data }

// Builder collects the nodes of one graph. Its methods panic on sizes that do not fit:
// callers (package nn) check architectures before they build.
type Builder[T Float] struct {
	g     *gorgonia.ExprGraph
	nodes map[*gorgonia.Node]*Node[T]
	order gorgonia.Nodes // the keys of nodes, as they were added
	ops   int
	step  int // of the running program
}

// New returns an empty builder.
func New[T Float]() *Builder[T] {
	return &Builder[T]{g: gorgonia.NewGraph(), nodes: make(map[*gorgonia.Node]*Node[T])}
}

// Input adds a rows x cols input on the caller's memory, which must hold rows*cols
// values; nil allocates. The program reads data at every Run, so several programs may
// share one weight slice. Set grad if Backward will be asked for this node, or for a
// node that depends on nothing but this one.
func (b *Builder[T]) Input(name string, rows, cols int, data []T, grad bool) *Node[T] {
	if data == nil {
		data = make([]T, rows*cols)
	}
	if rows < 1 || cols < 1 || len(data) != rows*cols {
		panic(fmt.Sprintf("graph: input %s: %d values for %d x %d", name, len(data), rows, cols))
	}
	value := tensor.New(tensor.WithShape(rows, cols), tensor.WithBacking(data))
	// gorgonia merges nodes of equal name and shape; the counter keeps them apart.
	b.ops++
	node := gorgonia.NewMatrix(b.g, dtype[T](), gorgonia.WithShape(rows, cols),
		gorgonia.WithName(fmt.Sprintf("%s#%d", name, b.ops)), gorgonia.WithValue(value))
	return b.add(&Node[T]{Rows: rows, Cols: cols, node: node, data: data, grad: grad})
}

func (b *Builder[T]) add(n *Node[T]) *Node[T] {
	b.nodes[n.node] = n
	b.order = append(b.order, n.node)
	return n
}

// Backward adds the vector-Jacobian product of output with seed: for every node in wrt,
// the gradient of sum(seed * output) with respect to it. seed has output's size and is
// usually an Input. It is an error if output does not depend on one of them.
//
// Call it at most once per builder: gorgonia accumulates derivatives in its nodes, and a
// second call would add to the first one's.
func (b *Builder[T]) Backward(output, seed *Node[T], wrt ...*Node[T]) ([]*Node[T], error) {
	if seed.Rows != output.Rows || seed.Cols != output.Cols {
		panic(fmt.Sprintf("graph: seed is %d x %d, output %d x %d", seed.Rows, seed.Cols, output.Rows, output.Cols))
	}
	nodes := make(gorgonia.Nodes, len(wrt))
	for i, n := range wrt {
		if !n.grad {
			panic("graph: gradient asked for a node that was not declared to need one")
		}
		nodes[i] = n.node
	}
	derivs, err := gorgonia.Backpropagate(gorgonia.Nodes{output.node}, gorgonia.Nodes{seed.node}, nodes)
	if err != nil {
		return nil, fmt.Errorf("graph: differentiate: %w", err)
	}
	grads := make([]*Node[T], len(wrt))
	for i, d := range derivs {
		if grads[i], err = b.wrap(d); err != nil {
			return nil, err
		}
	}
	return grads, nil
}

// Program is a compiled graph.
type Program[T Float] struct {
	b  *Builder[T]
	vm gorgonia.VM
}

// Compile finishes the graph. With nodes to keep, the program computes only what they
// depend on, and only their values (and those of inputs) may be read after a run: all other
// nodes share memory, which makes a forward pass of a deep network many times smaller.
// Without, every node is computed and keeps its value.
func (b *Builder[T]) Compile(keep ...*Node[T]) (p *Program[T], err error) {
	defer func() {
		if r := recover(); r != nil { // NewTapeMachine panics on a graph that it cannot compile
			p, err = nil, fmt.Errorf("graph: compile: %v", r)
		}
	}()
	// Only our own nodes: the sums that gorgonia added have been replaced (see wrap).
	nodes := b.order
	if len(keep) > 0 {
		nodes = b.needs(keep)
	}
	g := b.g.Subgraph(nodes...)
	sorted, err := gorgonia.Sort(g) // the reverse of the order in which the machine runs
	if err != nil {
		return nil, fmt.Errorf("graph: compile: %w", err)
	}
	var order []*op[T]
	for _, n := range slices.Backward(sorted) {
		if o := b.nodes[n].op; o != nil {
			order = append(order, o)
		}
	}
	b.place(order, keep, len(keep) > 0)
	return &Program[T]{b: b, vm: gorgonia.NewTapeMachine(g)}, nil
}

// Run computes every node from the current inputs.
func (p *Program[T]) Run() error {
	running.Add(1)
	defer running.Add(-1)
	p.vm.Reset()
	p.b.step = 0
	if err := p.vm.RunAll(); err != nil {
		return fmt.Errorf("graph: run: %w", err)
	}
	return nil
}

func dtype[T Float]() tensor.Dtype {
	if _, ok := any(T(0)).(float32); ok {
		return tensor.Float32
	}
	return tensor.Float64
}

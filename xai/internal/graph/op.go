package graph

import (
	"fmt"
	"hash"
	"hash/fnv"

	"github.com/chewxy/hm"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// op adapts a function over slices to gorgonia's Op and SDOp interfaces. Its memory is
// fixed when the graph is compiled, so that a program allocates nothing after its first run.
type op[T Float] struct {
	b    *Builder[T]
	name string // unique in the graph: gorgonia merges nodes whose operations hash alike
	in   []*Node[T]
	out  *Node[T]

	// Set by place.
	src   [][]T
	dst   []T
	value *tensor.Dense // dst as gorgonia sees it
	step  int           // of the program

	inPlace bool // the output may take the memory of the first input

	run  func(out []T, in [][]T)
	diff func(out, grad *Node[T]) []*Node[T] // one per input; nil where the input needs none
}

// apply adds an operation with a rows x cols output. run computes the output from the
// inputs' data, in order. diff adds the nodes of the gradient for each input, given the
// gradient of the output; it is consulted only for inputs that need a gradient, and nil
// means that the operation is itself part of a backward pass.
func (b *Builder[T]) apply(name string, rows, cols int, in []*Node[T],
	run func(out []T, in [][]T), diff func(out, grad *Node[T]) []*Node[T]) *Node[T] {
	b.ops++
	o := &op[T]{b: b, name: fmt.Sprintf("%s#%d", name, b.ops), in: in, src: make([][]T, len(in)), run: run, diff: diff}
	o.out = &Node[T]{Rows: rows, Cols: cols, op: o}
	children := make([]*gorgonia.Node, len(in))
	for i, n := range in {
		children[i] = n.node
		if diff != nil && n.grad {
			o.out.grad = true
		}
	}
	node, err := gorgonia.ApplyOp(o, children...)
	if err != nil {
		panic(fmt.Sprintf("graph: %s: %v", name, err)) // sizes and types are ours: a defect here, not a user's mistake
	}
	o.out.node = node
	return b.add(o.out)
}

func (o *op[T]) Arity() int { return len(o.in) }

func (o *op[T]) Type() hm.Type {
	matrix := gorgonia.TensorType{Dims: 2, Of: hm.TypeVariable('a')}
	types := make([]hm.Type, len(o.in)+1)
	for i := range types {
		types[i] = matrix
	}
	return hm.NewFnType(types...)
}

func (o *op[T]) InferShape(...gorgonia.DimSizer) (tensor.Shape, error) {
	return tensor.Shape{o.out.Rows, o.out.Cols}, nil
}

// Do runs the kernel on the inputs' own memory, which is what gorgonia passes. The tape
// machine runs operations on a goroutine of its own, where a panic would end the process;
// here it becomes an error that names the operation.
func (o *op[T]) Do(...gorgonia.Value) (v gorgonia.Value, err error) {
	defer func() {
		if r := recover(); r != nil {
			v, err = nil, fmt.Errorf("%s: %v", o.name, r)
		}
	}()
	if o.step != o.b.step { // the memory is placed for one order
		return nil, fmt.Errorf("%s: ran as step %d, planned as step %d", o.name, o.b.step, o.step)
	}
	o.b.step++
	o.run(o.dst, o.src)
	return o.value, nil
}

func (o *op[T]) ReturnsPtr() bool      { return true }
func (o *op[T]) CallsExtern() bool     { return false }
func (o *op[T]) OverwritesInput() int  { return -1 }
func (o *op[T]) String() string        { return o.name }
func (o *op[T]) WriteHash(h hash.Hash) { h.Write([]byte(o.name)) }
func (o *op[T]) Hashcode() uint32      { h := fnv.New32a(); o.WriteHash(h); return h.Sum32() }

// DiffWRT tells gorgonia which inputs a gradient flows to.
func (o *op[T]) DiffWRT(int) []bool {
	wrt := make([]bool, len(o.in))
	for i, n := range o.in {
		wrt[i] = o.diff != nil && n.grad
	}
	return wrt
}

// SymDiff adds the gradient nodes.
func (o *op[T]) SymDiff(_ gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	g, err := o.b.wrap(grad)
	if err != nil {
		return nil, err
	}
	nodes := make(gorgonia.Nodes, len(o.in))
	for i, d := range o.diff(o.out, g) {
		if d != nil {
			nodes[i] = d.node
		}
	}
	return nodes, nil
}

// wrap returns our node for one of gorgonia's. The only nodes that gorgonia adds by
// itself are sums of gradients, two at a time, where a value is used more than once. They
// would allocate their result in every run and use one processor, so one sum of ours takes
// the place of each tree of theirs, which is then left out of the program.
func (b *Builder[T]) wrap(n *gorgonia.Node) (*Node[T], error) {
	if ours, ok := b.nodes[n]; ok {
		return ours, nil
	}
	if len(n.Shape()) != 2 {
		return nil, fmt.Errorf("graph: node %v has shape %v; every node must be a matrix", n, n.Shape())
	}
	sum := b.sum(b.terms(nil, n))
	b.nodes[n] = sum
	return sum, nil
}

// terms appends our nodes below a tree of gorgonia's additions.
func (b *Builder[T]) terms(list []*Node[T], n *gorgonia.Node) []*Node[T] {
	if ours, ok := b.nodes[n]; ok {
		return append(list, ours)
	}
	for children := b.g.From(n.ID()); children.Next(); {
		list = b.terms(list, children.Node().(*gorgonia.Node))
	}
	return list
}

var (
	_ gorgonia.SDOp = (*op[float32])(nil)
	_ gorgonia.SDOp = (*op[float64])(nil)
)

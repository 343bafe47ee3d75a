package graph

import (
	"fmt"
	"slices"
)

// Pull adds the vector-Jacobian product of the operations between wrt and out: for every
// node in wrt, the gradient of sum(grad * out) with respect to it, where nothing passes
// through another node of wrt; nil where out does not depend on it. The nodes between must
// need a gradient (see Input).
//
// Unlike Backward it goes by the operations' own derivatives, without gorgonia, so that it
// can be called any number of times, for any stretch of the graph: what is sent back over a
// whole graph can be changed at any place on its way.
func (b *Builder[T]) Pull(out, grad *Node[T], wrt ...*Node[T]) []*Node[T] {
	if grad.Rows != out.Rows || grad.Cols != out.Cols {
		panic(fmt.Sprintf("graph: pull: the gradient is %d x %d, the output %d x %d", grad.Rows, grad.Cols, out.Rows, out.Cols))
	}
	var between []*Node[T] // operations in the order in which they are computed
	leads := make(map[*Node[T]]bool)
	seen := make(map[*Node[T]]bool)
	var visit func(n *Node[T]) bool
	visit = func(n *Node[T]) bool {
		switch {
		case slices.Contains(wrt, n):
			leads[n] = true
		case !seen[n] && n.op != nil && n.op.diff != nil:
			seen[n] = true
			for _, in := range n.op.in {
				if in.grad && visit(in) {
					leads[n] = true
				}
			}
			between = append(between, n)
		}
		return leads[n]
	}
	visit(out)
	arrived := map[*Node[T]][]*Node[T]{out: {grad}}
	total := func(n *Node[T]) *Node[T] {
		switch terms := arrived[n]; len(terms) {
		case 0:
			return nil
		case 1:
			return terms[0]
		default:
			return b.sum(terms)
		}
	}
	for _, n := range slices.Backward(between) {
		g := total(n)
		if !leads[n] || g == nil {
			continue
		}
		for i, d := range n.op.diff(n, g) {
			if in := n.op.in[i]; d != nil && in.grad && leads[in] {
				arrived[in] = append(arrived[in], d)
			}
		}
	}
	list := make([]*Node[T], len(wrt))
	for i, n := range wrt {
		list[i] = total(n)
	}
	return list
}

// Each adds an operation without a derivative, for what is sent back: run computes any range
// of the output from the same range of the inputs, which all have one size.
func (b *Builder[T]) Each(name string, run func(out []T, in [][]T), in ...*Node[T]) *Node[T] {
	return b.elementwise(name, in, run, nil)
}

// Watch declares that a gradient will be asked for at a node that an operation has put out,
// as if it were an Input with a gradient. Call it before the node is used.
func (b *Builder[T]) Watch(n *Node[T]) { n.grad = true }

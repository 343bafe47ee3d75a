package graph

import (
	"slices"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// place gives the outputs of the operations their memory; order is the order in which they
// will run. Without sharing, every one has its own. With it, an output whose last reader
// has run leaves its memory to later ones, except for the nodes to keep.
func (b *Builder[T]) place(order []*op[T], keep []*Node[T], sharing bool) {
	last := make(map[*Node[T]]int) // the step that reads a node last
	for step, o := range order {
		last[o.out] = step
		for _, n := range o.in {
			last[n] = step
		}
	}
	for _, n := range keep {
		last[n] = len(order)
	}
	var free memory[T]
	left := make(map[*Node[T]]bool) // outputs that have left their memory to others
	for step, o := range order {
		dies := func(n *Node[T]) bool { return sharing && n.op != nil && last[n] == step && !left[n] }
		for i, n := range o.in {
			o.src[i] = n.data
			if n.op != nil {
				o.src[i] = n.op.dst
			}
		}
		size := o.out.Rows * o.out.Cols
		// An input that occurs twice is read again after an operation of several passes, such
		// as a sum of many terms, has begun to write.
		if first := o.in[0]; o.inPlace && dies(first) && len(o.src[0]) == size && !slices.Contains(o.in[1:], first) {
			o.dst, left[first] = o.src[0], true
		} else {
			o.dst = free.take(size)
		}
		for _, n := range append(slices.Clone(o.in), o.out) {
			if dies(n) {
				free, left[n] = append(free, n.op.dst), true
			}
		}
		if last[o.out] == len(order) || !sharing {
			o.out.data = o.dst
		}
		o.step = step
		o.value = tensor.New(tensor.WithShape(o.out.Rows, o.out.Cols), tensor.WithBacking(o.dst))
	}
}

// memory is a list of slices that are not in use.
type memory[T Float] [][]T

// take returns a slice of the given size: the smallest that is free, unless it would waste
// more than half, or a new one.
func (m *memory[T]) take(size int) []T {
	best := -1
	for i, s := range *m {
		if cap(s) >= size && cap(s) <= 2*size && (best < 0 || cap(s) < cap((*m)[best])) {
			best = i
		}
	}
	if best < 0 {
		return make([]T, size)
	}
	s := (*m)[best][:size]
	*m = slices.Delete(*m, best, best+1)
	return s
}

// needs returns the nodes that kept depend on, and kept, in the order of b.order.
func (b *Builder[T]) needs(kept []*Node[T]) gorgonia.Nodes {
	needed := make(map[*Node[T]]bool)
	var visit func(n *Node[T])
	visit = func(n *Node[T]) {
		if needed[n] {
			return
		}
		needed[n] = true
		if n.op != nil {
			for _, in := range n.op.in {
				visit(in)
			}
		}
	}
	for _, n := range kept {
		visit(n)
	}
	var list gorgonia.Nodes
	for _, n := range b.order {
		if needed[b.nodes[n]] {
			list = append(list, n)
		}
	}
	return list
}

package graph

// Mask returns x * mask, element by element. No gradient flows to mask. Dropout is a
// mask of 0 and 1/(1-p) that the caller draws from its own seeded stream.
func (b *Builder[T]) Mask(x, mask *Node[T]) *Node[T] {
	if mask.grad {
		panic("graph: Mask: the mask must not need a gradient")
	}
	multiply := func(out []T, in [][]T) {
		for i, v := range in[0] {
			out[i] = v * in[1][i]
		}
	}
	return b.apply("mask", x.Rows, x.Cols, []*Node[T]{x, mask}, multiply, func(_, grad *Node[T]) []*Node[T] {
		return []*Node[T]{b.apply("mask.dx", x.Rows, x.Cols, []*Node[T]{grad, mask}, multiply, nil), nil}
	})
}

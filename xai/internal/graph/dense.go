package graph

// Dense returns x Wᵀ + b: x is n x d, w is k x d (PyTorch's layout), bias 1 x k or nil, the
// output n x k.
func (b *Builder[T]) Dense(x, w, bias *Node[T]) *Node[T] {
	n, d, k := x.Rows, x.Cols, w.Rows
	run := func(out []T, in [][]T) {
		offset := optional(in, 2)
		for i := range n {
			copy(out[i*k:(i+1)*k], offset)
		}
		matmulParallel(false, true, n, k, d, in[0], in[1], out, offset != nil)
	}
	return b.apply("dense", n, k, biased(x, w, bias), run, func(_, grad *Node[T]) []*Node[T] {
		return []*Node[T]{
			needed(x, func() *Node[T] {
				return b.apply("dense.dx", n, d, []*Node[T]{grad, w}, func(out []T, in [][]T) {
					matmulParallel(false, false, n, d, k, in[0], in[1], out, false)
				}, nil)
			}),
			needed(w, func() *Node[T] {
				return b.apply("dense.dw", k, d, []*Node[T]{grad, x}, func(out []T, in [][]T) {
					matmulParallel(true, false, k, d, n, in[0], in[1], out, false)
				}, nil)
			}),
			b.biasGradient(bias, grad, Plane{C: k, H: 1, W: 1}),
		}[:len(biased(x, w, bias))]
	})
}

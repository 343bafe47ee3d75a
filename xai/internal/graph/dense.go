package graph

// Dense returns x Wᵀ + b: x is n x d, w is k x d (PyTorch's layout), bias 1 x k, the
// output n x k.
func (b *Builder[T]) Dense(x, w, bias *Node[T]) *Node[T] {
	n, d, k := x.Rows, x.Cols, w.Rows
	run := func(out []T, in [][]T) {
		for i := range n {
			copy(out[i*k:(i+1)*k], in[2])
		}
		matmulParallel(false, true, n, k, d, in[0], in[1], out, true)
	}
	return b.apply("dense", n, k, []*Node[T]{x, w, bias}, run, func(_, grad *Node[T]) []*Node[T] {
		grads := make([]*Node[T], 3)
		if x.grad {
			grads[0] = b.apply("dense.dx", n, d, []*Node[T]{grad, w}, func(out []T, in [][]T) {
				matmulParallel(false, false, n, d, k, in[0], in[1], out, false)
			}, nil)
		}
		if w.grad {
			grads[1] = b.apply("dense.dw", k, d, []*Node[T]{grad, x}, func(out []T, in [][]T) {
				matmulParallel(true, false, k, d, n, in[0], in[1], out, false)
			}, nil)
		}
		if bias.grad {
			grads[2] = b.apply("dense.db", 1, k, []*Node[T]{grad}, func(out []T, in [][]T) {
				clear(out)
				for i := range n {
					for j, v := range in[0][i*k : (i+1)*k] {
						out[j] += v
					}
				}
			}, nil)
		}
		return grads
	})
}

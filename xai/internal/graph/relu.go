package graph

// ReLU returns max(x, 0), element by element. The derivative at exactly 0 is 0, as in
// PyTorch (gorgonia's Rectify has 1 there, and returns -0).
func (b *Builder[T]) ReLU(x *Node[T]) *Node[T] {
	n, d := x.Rows, x.Cols
	run := func(out []T, in [][]T) {
		blocks(n, sumParts, func(_, lo, hi int) {
			src, dst := in[0][lo*d:hi*d], out[lo*d:hi*d]
			for i, v := range src {
				if v > 0 || v != v { // NaN passes, so that it is noticed
					dst[i] = v
				} else {
					dst[i] = 0
				}
			}
		})
	}
	return b.apply("relu", n, d, []*Node[T]{x}, run, func(_, grad *Node[T]) []*Node[T] {
		return []*Node[T]{b.apply("relu.dx", n, d, []*Node[T]{grad, x}, func(out []T, in [][]T) {
			blocks(n, sumParts, func(_, lo, hi int) {
				g, v, dst := in[0][lo*d:hi*d], in[1][lo*d:hi*d], out[lo*d:hi*d]
				for i := range dst {
					if v[i] > 0 {
						dst[i] = g[i]
					} else {
						dst[i] = 0
					}
				}
			})
		}, nil)}
	})
}

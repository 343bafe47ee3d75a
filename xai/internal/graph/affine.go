package graph

// Affine returns x*scale + shift with one scale and one shift per column: fixed numbers,
// such as the normalisation of an input by its mean and standard deviation.
func (b *Builder[T]) Affine(x *Node[T], scale, shift []T) *Node[T] {
	n, d := x.Rows, x.Cols
	run := func(out []T, in [][]T) {
		for i := range n {
			src, dst := in[0][i*d:(i+1)*d], out[i*d:(i+1)*d]
			for j, v := range src {
				dst[j] = v*scale[j] + shift[j]
			}
		}
	}
	return b.apply("affine", n, d, []*Node[T]{x}, run, func(_, grad *Node[T]) []*Node[T] {
		return []*Node[T]{b.apply("affine.dx", n, d, []*Node[T]{grad}, func(out []T, in [][]T) {
			for i := range n {
				src, dst := in[0][i*d:(i+1)*d], out[i*d:(i+1)*d]
				for j, v := range src {
					dst[j] = v * scale[j]
				}
			}
		}, nil)}
	})
}

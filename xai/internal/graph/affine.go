package graph

import "fmt"

// Affine returns x*scale + shift with one scale and one shift per column: fixed numbers,
// such as the normalisation of an input by its mean and standard deviation.
func (b *Builder[T]) Affine(x *Node[T], scale, shift []T) *Node[T] {
	n, d := x.Rows, x.Cols
	if len(scale) != d || len(shift) != d {
		panic(fmt.Sprintf("graph: affine: %d scales and %d shifts for %d columns", len(scale), len(shift), d))
	}
	byRow := func(name string, x *Node[T], f func(out, x []T), diff func(_, grad *Node[T]) []*Node[T]) *Node[T] {
		y := b.apply(name, n, d, []*Node[T]{x}, func(out []T, in [][]T) {
			units(n, d, func(lo, hi int) {
				for i := lo; i < hi; i++ {
					f(out[i*d:(i+1)*d], in[0][i*d:(i+1)*d])
				}
			})
		}, diff)
		y.op.inPlace = true
		return y
	}
	return byRow("affine", x, func(out, x []T) {
		for j, v := range x {
			out[j] = v*scale[j] + shift[j]
		}
	}, func(_, grad *Node[T]) []*Node[T] {
		return []*Node[T]{byRow("affine.dx", grad, func(out, g []T) { multiplyElements(out, g, scale) }, nil)}
	})
}

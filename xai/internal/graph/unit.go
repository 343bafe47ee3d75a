package graph

import "math"

// leastNorm keeps rows of zeros, which have no direction, from becoming NaN; PyTorch's
// normalize has the same bound.
const leastNorm = 1e-12

// Unit returns every row of x divided by its Euclidean length. A row of zeros stays as it
// is, and passes its gradient on divided by the least length.
func (b *Builder[T]) Unit(x *Node[T]) *Node[T] {
	n, d := x.Rows, x.Cols
	each := func(f func(lo, hi int)) {
		units(n, d, func(from, to int) {
			for i := from; i < to; i++ {
				f(i*d, (i+1)*d)
			}
		})
	}
	return b.apply("unit", n, d, []*Node[T]{x}, func(out []T, in [][]T) {
		each(func(lo, hi int) {
			length := norm(in[0][lo:hi])
			for j, v := range in[0][lo:hi] {
				out[lo+j] = T(float64(v) / length)
			}
		})
	}, func(y, grad *Node[T]) []*Node[T] {
		return []*Node[T]{b.apply("unit.dx", n, d, []*Node[T]{grad, x, y}, func(out []T, in [][]T) {
			each(func(lo, hi int) {
				g, y := in[0][lo:hi], in[2][lo:hi]
				length, along := norm(in[1][lo:hi]), 0.0
				for j, v := range g {
					along += float64(v) * float64(y[j])
				}
				for j, v := range g {
					out[lo+j] = T((float64(v) - along*float64(y[j])) / length)
				}
			})
		}, nil)}
	})
}

func norm[T Float](x []T) float64 {
	var sum float64
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return max(math.Sqrt(sum), leastNorm)
}

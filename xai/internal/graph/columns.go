package graph

import "fmt"

// Concat returns the columns of all nodes side by side; they have the same number of rows.
// For images of one size it stacks channels.
func (b *Builder[T]) Concat(nodes ...*Node[T]) *Node[T] {
	cols := 0
	for _, n := range nodes {
		if n.Rows != nodes[0].Rows {
			panic(fmt.Sprintf("graph: concat: %d and %d rows", nodes[0].Rows, n.Rows))
		}
		cols += n.Cols
	}
	rows := nodes[0].Rows
	run := func(out []T, in [][]T) {
		units(rows, cols, func(lo, hi int) {
			for i := lo; i < hi; i++ {
				at := i * cols
				for j, n := range nodes {
					at += copy(out[at:], in[j][i*n.Cols:][:n.Cols])
				}
			}
		})
	}
	return b.apply("concat", rows, cols, nodes, run, func(_, grad *Node[T]) []*Node[T] {
		grads := make([]*Node[T], len(nodes))
		first := 0
		for j, n := range nodes {
			from := first
			first += n.Cols
			grads[j] = needed(n, func() *Node[T] {
				return b.apply("concat.dx", rows, n.Cols, []*Node[T]{grad}, func(out []T, in [][]T) {
					units(rows, n.Cols, func(lo, hi int) {
						for i := lo; i < hi; i++ {
							copy(out[i*n.Cols:][:n.Cols], in[0][i*cols+from:])
						}
					})
				}, nil)
			})
		}
		return grads
	})
}

// Gather returns the columns of x with the given indices, in order; index -1 gives a column
// of zeros. Slices, zero padding, permutations and repetitions are all gathers. Gradients
// of a column that is used several times are added.
func (b *Builder[T]) Gather(x *Node[T], index []int32) *Node[T] {
	rows, d, cols := x.Rows, x.Cols, len(index)
	for j, from := range index {
		if from < -1 || int(from) >= d {
			panic(fmt.Sprintf("graph: gather: index %d at %d, x has %d columns", from, j, d))
		}
	}
	run := func(out []T, in [][]T) {
		units(rows, cols, func(lo, hi int) {
			for i := lo; i < hi; i++ {
				src, dst := in[0][i*d:][:d], out[i*cols:][:cols]
				for j, from := range index {
					if from < 0 {
						dst[j] = 0
					} else {
						dst[j] = src[from]
					}
				}
			}
		})
	}
	return b.apply("gather", rows, cols, []*Node[T]{x}, run, func(_, grad *Node[T]) []*Node[T] {
		return []*Node[T]{b.apply("gather.dx", rows, d, []*Node[T]{grad}, func(out []T, in [][]T) {
			units(rows, max(cols, d), func(lo, hi int) {
				clear(out[lo*d : hi*d])
				for i := lo; i < hi; i++ {
					dst, src := out[i*d:][:d], in[0][i*cols:][:cols]
					for j, to := range index {
						if to >= 0 {
							dst[to] += src[j]
						}
					}
				}
			})
		}, nil)}
	})
}

// Upsample returns every pixel as a square of factor x factor pixels (nearest neighbour):
// n x C*(factor*H)*(factor*W).
func (b *Builder[T]) Upsample(x *Node[T], in Plane, factor int) *Node[T] {
	if factor < 1 || x.Cols != in.Size() {
		panic(fmt.Sprintf("graph: upsample: x %d x %d, plane %v, factor %d", x.Rows, x.Cols, in, factor))
	}
	wide := in.W * factor
	out := Plane{in.C, in.H * factor, wide}
	lines := func(call func(small, large int)) { // for every line of x, and the first of its lines in the output
		units(x.Rows*in.C*in.H, wide*factor, func(lo, hi int) {
			for l := lo; l < hi; l++ {
				call(l*in.W, l*wide*factor)
			}
		})
	}
	run := func(y []T, src [][]T) {
		lines(func(small, large int) {
			first := y[large:][:wide]
			for j, v := range src[0][small:][:in.W] {
				fill(first[j*factor:][:factor], v)
			}
			for k := 1; k < factor; k++ {
				copy(y[large+k*wide:], first)
			}
		})
	}
	return b.apply("upsample", x.Rows, out.Size(), []*Node[T]{x}, run, func(_, grad *Node[T]) []*Node[T] {
		return []*Node[T]{b.apply("upsample.dx", x.Rows, in.Size(), []*Node[T]{grad}, func(dx []T, src [][]T) {
			lines(func(small, large int) {
				for j := range in.W {
					var sum T
					for k := range factor {
						for _, g := range src[0][large+k*wide+j*factor:][:factor] {
							sum += g
						}
					}
					dx[small+j] = sum
				}
			})
		}, nil)}
	})
}

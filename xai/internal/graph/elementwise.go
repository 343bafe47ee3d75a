package graph

import (
	"fmt"

	"github.com/whybook/whybook/xai/internal/gemm"
)

// Add returns x + y, element by element.
func (b *Builder[T]) Add(x, y *Node[T]) *Node[T] {
	return b.pairwise("add", x, y, add[T], func(_, grad *Node[T]) []*Node[T] { return []*Node[T]{grad, grad} })
}

// Sub returns x - y, element by element.
func (b *Builder[T]) Sub(x, y *Node[T]) *Node[T] {
	subtract := func(out, x, y []T) {
		for i := range out {
			out[i] = x[i] - y[i]
		}
	}
	return b.pairwise("sub", x, y, subtract, func(_, grad *Node[T]) []*Node[T] {
		return []*Node[T]{grad, needed(y, func() *Node[T] {
			return b.elementwise("sub.dy", []*Node[T]{grad}, func(out []T, in [][]T) {
				for i, g := range in[0] {
					out[i] = -g
				}
			}, nil)
		})}
	})
}

// Mul returns x * y, element by element.
func (b *Builder[T]) Mul(x, y *Node[T]) *Node[T] {
	return b.pairwise("mul", x, y, multiplyElements[T], func(_, grad *Node[T]) []*Node[T] {
		return []*Node[T]{
			needed(x, func() *Node[T] { return b.pairwise("mul.dx", grad, y, multiplyElements[T], nil) }),
			needed(y, func() *Node[T] { return b.pairwise("mul.dy", grad, x, multiplyElements[T], nil) }),
		}
	})
}

// Div returns x / y, element by element.
func (b *Builder[T]) Div(x, y *Node[T]) *Node[T] {
	divide := func(out, x, y []T) {
		for i := range out {
			out[i] = x[i] / y[i]
		}
	}
	return b.pairwise("div", x, y, divide, func(quotient, grad *Node[T]) []*Node[T] {
		return []*Node[T]{
			needed(x, func() *Node[T] { return b.pairwise("div.dx", grad, y, divide, nil) }),
			needed(y, func() *Node[T] {
				return b.elementwise("div.dy", []*Node[T]{grad, quotient, y}, func(out []T, in [][]T) {
					for i, g := range in[0] {
						out[i] = -g * in[1][i] / in[2][i]
					}
				}, nil)
			}),
		}
	})
}

// Mask returns x * mask, element by element. No gradient flows to mask. Dropout is a
// mask of 0 and 1/(1-p) that the caller draws from its own seeded stream.
func (b *Builder[T]) Mask(x, mask *Node[T]) *Node[T] {
	if mask.grad {
		panic("graph: Mask: the mask must not need a gradient")
	}
	return b.Mul(x, mask)
}

// sum returns the sum of nodes of one size, added in order.
func (b *Builder[T]) sum(terms []*Node[T]) *Node[T] {
	return b.elementwise("sum", terms, func(out []T, in [][]T) {
		add(out, in[0], in[1])
		for _, term := range in[2:] {
			add(out, out, term)
		}
	}, nil)
}

// pairwise adds an operation on two nodes of one size, element by element.
func (b *Builder[T]) pairwise(name string, x, y *Node[T], f func(out, x, y []T), diff func(out, grad *Node[T]) []*Node[T]) *Node[T] {
	return b.elementwise(name, []*Node[T]{x, y}, func(out []T, in [][]T) { f(out, in[0], in[1]) }, diff)
}

// elementwise adds an operation on nodes of one size whose every output element depends
// only on the same element of the inputs: run computes any range of them. out may be the
// same memory as the first input, if that is not another input too.
func (b *Builder[T]) elementwise(name string, in []*Node[T], run func(out []T, in [][]T), diff func(out, grad *Node[T]) []*Node[T]) *Node[T] {
	for _, n := range in {
		if n.Rows != in[0].Rows || n.Cols != in[0].Cols {
			panic(fmt.Sprintf("graph: %s: %d x %d and %d x %d", name, in[0].Rows, in[0].Cols, n.Rows, n.Cols))
		}
	}
	out := b.apply(name, in[0].Rows, in[0].Cols, in, func(out []T, in [][]T) {
		chunks(len(out), func(lo, hi int) {
			part := make([][]T, len(in))
			for i, data := range in {
				part[i] = data[lo:hi]
			}
			run(out[lo:hi], part)
		})
	}, diff)
	out.op.inPlace = true
	return out
}

// needed returns make() if n needs a gradient.
func needed[T Float](n *Node[T], make func() *Node[T]) *Node[T] {
	if !n.grad {
		return nil
	}
	return make()
}

func multiplyElements[T Float](out, x, y []T) {
	if out, ok := any(out).([]float32); ok {
		gemm.Best().Mul(out, any(x).([]float32), any(y).([]float32))
		return
	}
	for i, v := range x {
		out[i] = v * y[i]
	}
}

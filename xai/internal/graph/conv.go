package graph

import (
	"fmt"

	"github.com/whybook/whybook/xai/internal/gemm"
)

// Conv2D returns the cross-correlation of x (n x C*H*W) with w (F x C/groups*KH*KW), plus
// one bias per filter (1 x F) unless bias is nil: n x F*OH*OW. Padding is with zeros. The
// number of groups follows from w: in.C*KH*KW / w.Cols. Group g of the filters sees group
// g of the channels.
func (b *Builder[T]) Conv2D(x, w, bias *Node[T], in Plane, win Window) *Node[T] {
	oh, ow := win.Over(in)
	c := newConvolution[T]("conv2d", in, Plane{w.Rows, oh, ow}, w.Cols, win)
	n := x.Rows
	if x.Cols != in.Size() || bias != nil && bias.Cols != w.Rows {
		panic(fmt.Sprintf("graph: conv2d: x %d x %d, w %d x %d, plane %v, window %+v", x.Rows, x.Cols, w.Rows, w.Cols, in, win))
	}
	return b.apply("conv2d", n, c.out.Size(), biased(x, w, bias), func(y []T, src [][]T) {
		c.correlate(n, y, src[0], src[1], optional(src, 2))
	}, func(_, grad *Node[T]) []*Node[T] {
		return []*Node[T]{
			needed(x, func() *Node[T] {
				return b.apply("conv2d.dx", n, in.Size(), []*Node[T]{grad, w}, func(dx []T, src [][]T) {
					c.spread(n, dx, src[0], src[1], nil)
				}, nil)
			}),
			needed(w, func() *Node[T] {
				return b.apply("conv2d.dw", w.Rows, w.Cols, []*Node[T]{grad, x}, func(dw []T, src [][]T) {
					c.weights(n, dw, src[0], src[1])
				}, nil)
			}),
			b.biasGradient(bias, grad, c.out),
		}[:len(biased(x, w, bias))]
	})
}

// ConvTranspose2D returns the transposed convolution of x (n x in.C*in.H*in.W) with w
// (in.C x out.C/groups*KH*KW, PyTorch's layout), plus one bias per output channel (1 x
// out.C) unless bias is nil: n x out.C*out.H*out.W. It is the adjoint of the convolution
// that takes out to in, so win.Over(out) must be the size of in. win.Under(in) is the
// smallest such out; PyTorch's output_padding is what out has more than that. The number
// of groups follows from w: out.C*KH*KW / w.Cols.
func (b *Builder[T]) ConvTranspose2D(x, w, bias *Node[T], in, out Plane, win Window) *Node[T] {
	c := newConvolution[T]("convtranspose2d", out, in, w.Cols, win)
	n := x.Rows
	if x.Cols != in.Size() || w.Rows != in.C || bias != nil && bias.Cols != out.C {
		panic(fmt.Sprintf("graph: convtranspose2d: x %d x %d, w %d x %d, planes %v and %v, window %+v", x.Rows, x.Cols, w.Rows, w.Cols, in, out, win))
	}
	return b.apply("convtranspose2d", n, out.Size(), biased(x, w, bias), func(y []T, src [][]T) {
		c.spread(n, y, src[0], src[1], optional(src, 2))
	}, func(_, grad *Node[T]) []*Node[T] {
		return []*Node[T]{
			needed(x, func() *Node[T] {
				return b.apply("convtranspose2d.dx", n, in.Size(), []*Node[T]{grad, w}, func(dx []T, src [][]T) {
					c.correlate(n, dx, src[0], src[1], nil)
				}, nil)
			}),
			needed(w, func() *Node[T] {
				return b.apply("convtranspose2d.dw", w.Rows, w.Cols, []*Node[T]{x, grad}, func(dw []T, src [][]T) {
					c.weights(n, dw, src[0], src[1])
				}, nil)
			}),
			b.biasGradient(bias, grad, out),
		}[:len(biased(x, w, bias))]
	})
}

// biased returns the inputs of an operation whose bias may be missing.
func biased[T Float](x, w, bias *Node[T]) []*Node[T] {
	if bias == nil {
		return []*Node[T]{x, w}
	}
	return []*Node[T]{x, w, bias}
}

// optional returns src[i], or nil if there is none.
func optional[T Float](src [][]T, i int) []T {
	if i < len(src) {
		return src[i]
	}
	return nil
}

// biasGradient returns the 1 x C sums of grad, which has images of shape p, over rows and
// positions; nil if no gradient flows to bias.
func (b *Builder[T]) biasGradient(bias, grad *Node[T], p Plane) *Node[T] {
	if bias == nil || !bias.grad {
		return nil
	}
	return b.apply("bias.dx", 1, p.C, []*Node[T]{grad}, func(out []T, in [][]T) {
		parallel(p.C, func(c int) {
			out[c] = T(gemm.Total(gemm.Best(), in[0][c*p.area():], channelLines(p, grad.Rows)))
		})
	}, nil)
}

// channel returns channel c of the image in row i.
func channel[T Float](x []T, p Plane, i, c int) []T {
	return x[(i*p.C+c)*p.area():][:p.area()]
}

package graph

import (
	"fmt"

	"github.com/whybook/whybook/xai/internal/gemm"
)

// MaxPool returns the maximum of each window, channel by channel: n x C*OH*OW. Padding
// never wins. Where several elements of a window tie, the first in reading order takes
// the whole gradient, as in PyTorch, so that the sum of the gradients is kept (gorgonia's
// Max gives the full gradient to every tie). NaN wins.
func (b *Builder[T]) MaxPool(x *Node[T], in Plane, win Window) *Node[T] {
	win = win.full()
	win.check("maxpool", in)
	oh, ow := win.Over(in)
	n, out := x.Rows, Plane{in.C, oh, ow}
	if x.Cols != in.Size() || !win.Covered(in) {
		panic(fmt.Sprintf("graph: maxpool: x %d x %d, plane %v, window %+v: some position has no pixel", x.Rows, x.Cols, in, win))
	}
	m := maxPool[T]{in, out, win}
	pool, spread := m.pool, m.spread
	if win == Square(2, 2, 0).full() { // the usual one
		pool = func(y, x []T) { gemm.MaxPool2(gemm.Best(), y, x, in.H, in.W) }
		spread = func(dx, dy, x, y []T) { gemm.MaxPool2Grad(gemm.Best(), dx, dy, x, y, in.H, in.W) }
	}
	// Every channel is a unit of its own.
	return b.apply("maxpool", n, out.Size(), []*Node[T]{x}, func(y []T, src [][]T) {
		units(n*in.C, in.area(), func(lo, hi int) {
			for c := lo; c < hi; c++ {
				pool(channel(y, out, 0, c), channel(src[0], in, 0, c))
			}
		})
	}, func(y, grad *Node[T]) []*Node[T] {
		return []*Node[T]{b.apply("maxpool.dx", n, in.Size(), []*Node[T]{grad, x, y}, func(dx []T, src [][]T) {
			units(n*in.C, in.area(), func(lo, hi int) {
				for c := lo; c < hi; c++ {
					spread(channel(dx, in, 0, c), channel(src[0], out, 0, c), channel(src[1], in, 0, c), channel(src[2], out, 0, c))
				}
			})
		}, nil)}
	})
}

// maxPool works on one channel at a time: x has the shape of in, y that of out.
type maxPool[T Float] struct {
	in, out Plane
	win     Window
}

// inside returns which of the kernel's rows and columns meet the image at a position.
func (m maxPool[T]) inside(oy, ox int) (y0, y1, x0, x1 int) {
	y0, y1 = span(oy*m.win.StrideH-m.win.Top, m.win.KernelH, m.win.DilationH, m.in.H)
	x0, x1 = span(ox*m.win.StrideW-m.win.Left, m.win.KernelW, m.win.DilationW, m.in.W)
	return y0, y1, x0, x1
}

// pool writes the maxima.
func (m maxPool[T]) pool(y, x []T) {
	for at := range y {
		y[at] = x[m.winner(x, at)]
	}
}

// spread writes the gradient dx of x for that of y.
func (m maxPool[T]) spread(dx, dy, x, _ []T) {
	clear(dx)
	for at, g := range dy {
		dx[m.winner(x, at)] += g
	}
}

// winner returns the index of the element of x that output at comes from.
func (m maxPool[T]) winner(x []T, at int) int {
	oy, ox := at/m.out.W, at%m.out.W
	top, left := oy*m.win.StrideH-m.win.Top, ox*m.win.StrideW-m.win.Left
	y0, y1, x0, x1 := m.inside(oy, ox)
	best := (top+y0*m.win.DilationH)*m.in.W + left + x0*m.win.DilationW
	for ky := y0; ky < y1; ky++ {
		line := (top+ky*m.win.DilationH)*m.in.W + left
		for kx := x0; kx < x1; kx++ {
			if i := line + kx*m.win.DilationW; x[i] > x[best] || x[i] != x[i] {
				best = i
			}
		}
	}
	return best
}

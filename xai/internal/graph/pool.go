package graph

import (
	"fmt"
	"sync"
)

// MaxPool returns the maximum of each window, channel by channel: n x C*OH*OW. Padding
// never wins. Where several elements of a window tie, the first in reading order takes
// the whole gradient, as in PyTorch, so that the sum of the gradients is kept (gorgonia's
// Max gives the full gradient to every tie).
func (b *Builder[T]) MaxPool(x *Node[T], in Plane, win Window) *Node[T] {
	n, d := x.Rows, in.Size()
	oh, ow := win.Over(in)
	if x.Cols != d || oh < 1 || ow < 1 || win.Pad >= win.Kernel {
		panic(fmt.Sprintf("graph: maxpool: x %d x %d, plane %v, window %v", x.Rows, x.Cols, in, win))
	}
	out := in.C * oh * ow
	winner := make([]int32, n*out) // column of x that each output came from; written by run, read by the gradient
	run := func(dst []T, src [][]T) {
		parallel(n, func(i int) {
			row, o := src[0][i*d:(i+1)*d], i*out
			for c := range in.C {
				for oy := range oh {
					y0, y1 := max(oy*win.Stride-win.Pad, 0), min(oy*win.Stride-win.Pad+win.Kernel, in.H)
					for ox := range ow {
						x0, x1 := max(ox*win.Stride-win.Pad, 0), min(ox*win.Stride-win.Pad+win.Kernel, in.W)
						best := (c*in.H+y0)*in.W + x0
						for y := y0; y < y1; y++ {
							for at := (c*in.H+y)*in.W + x0; at < (c*in.H+y)*in.W+x1; at++ {
								if row[at] > row[best] || row[at] != row[at] {
									best = at
								}
							}
						}
						dst[o], winner[o] = row[best], int32(best)
						o++
					}
				}
			}
		})
	}
	return b.apply("maxpool", n, out, []*Node[T]{x}, run, func(y, grad *Node[T]) []*Node[T] {
		// y is an input only to say that the forward pass must have run.
		return []*Node[T]{b.apply("maxpool.dx", n, d, []*Node[T]{grad, y}, func(dst []T, src [][]T) {
			parallel(n, func(i int) {
				row := dst[i*d : (i+1)*d]
				clear(row)
				for o := i * out; o < (i+1)*out; o++ {
					row[winner[o]] += src[0][o]
				}
			})
		}, nil)}
	})
}

// pool hands out scratch slices of one size.
type pool[T Float] struct{ p sync.Pool }

func newPool[T Float](size int) *pool[T] {
	return &pool[T]{sync.Pool{New: func() any { s := make([]T, size); return &s }}}
}

func (p *pool[T]) get() *[]T  { return p.p.Get().(*[]T) }
func (p *pool[T]) put(s *[]T) { p.p.Put(s) }

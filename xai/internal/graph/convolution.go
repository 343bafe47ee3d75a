package graph

import (
	"fmt"

	"github.com/whybook/whybook/xai/internal/gemm"
)

// convolution holds the kernels of one convolution from images of shape in to images of
// shape out: itself, its adjoint and the gradient of its weights. All are matrix products
// with matrices that are never built (see patches.go):
//
//	correlate  y  (F x P)        = w (F x depth) * patches of x (depth x P)
//	spread     dx (C x H*W)      = reversed w * patches of dy, or else columns that are added up
//	weights    dw (F x depth)    = dy (F x P) * transposed patches of x (P x depth)
//
// for every image and group, with F filters, P positions and depth = channels*KH*KW.
type convolution[T Float] struct {
	in, out Plane // of the whole image
	win     Window
	groups  int
	depth   int // weights of a filter

	gin, gout Plane // of one group

	patches  *pool[patcher[T]] // of x
	reversed *convolution[T]   // spread as a convolution from out to in; nil if it is not one
	flipped  []T               // its weights
	columns  *pool[*[]T]       // depth x P, for spread without reversed
	partial  []T               // partial sums of dw, allocated at first use
}

// newConvolution prepares a convolution whose filters have depth weights each.
func newConvolution[T Float](name string, in, out Plane, depth int, win Window) *convolution[T] {
	win = win.full()
	win.check(name, in)
	oh, ow := win.Over(in)
	perGroup := depth / win.taps() // channels
	if perGroup < 1 || perGroup*win.taps() != depth || in.C%perGroup != 0 || out.C%(in.C/perGroup) != 0 || oh != out.H || ow != out.W {
		panic(fmt.Sprintf("graph: %s: filters of %d weights from plane %v to plane %v, window %+v: channels must divide into equal groups", name, depth, in, out, win))
	}
	c := &convolution[T]{in: in, out: out, win: win, groups: in.C / perGroup, depth: depth}
	c.gin, c.gout = Plane{perGroup, in.H, in.W}, Plane{out.C / c.groups, out.H, out.W}
	c.patches = newPool(func() patcher[T] { return newPatcher[T](c.gin, win) })
	// With one or few channels, building their columns costs less than reading all patches
	// of the many filters' outputs.
	if back, ok := win.reversed(); ok && 8*c.gin.C > c.gout.C {
		c.reversed = &convolution[T]{in: out, out: in, win: back, groups: c.groups, depth: c.gout.C * win.taps(), gin: c.gout, gout: c.gin}
		c.reversed.patches = newPool(func() patcher[T] { return newPatcher[T](c.gout, back) })
		c.flipped = make([]T, out.C*depth)
	} else {
		c.columns = newPool(func() *[]T { s := make([]T, depth*out.area()); return &s })
	}
	return c
}

// kernel returns the matrix kernel for one of n images that are computed in parallel.
func kernel(n int) gemm.Kernel { return gemm.Best().Parallel(workers() / n) }

// correlate computes y, n images of shape out, from x, n images of shape in.
func (c *convolution[T]) correlate(n int, y, x, w, bias []T) {
	g, p := c.gout, c.out.area()
	parallel(n, func(i int) {
		patches := c.patches.get()
		defer c.patches.put(patches)
		for group := range c.groups {
			at := i*c.groups + group
			dst := y[at*g.Size():][:g.Size()]
			if bias != nil {
				for f, v := range bias[group*g.C:][:g.C] {
					fill(dst[f*p:][:p], v)
				}
			}
			src := x[at*c.gin.Size():][:c.gin.Size()]
			filters := w[group*g.C*c.depth:][:g.C*c.depth]
			if c.pointwise() {
				multiply(kernel(n), false, false, g.C, p, c.depth, filters, src, dst, bias != nil)
				continue
			}
			patches.Load(src)
			multiplyFrom(kernel(n), g.C, p, c.depth, filters, patches, dst, bias != nil)
		}
	})
}

// pointwise reports whether the patches of an image are the image.
func (c *convolution[T]) pointwise() bool { return c.win == Square(1, 1, 0).full() }

// spread computes x, n images of shape in, by the adjoint of correlate.
func (c *convolution[T]) spread(n int, x, y, w, bias []T) {
	if c.reversed != nil {
		c.flip(w)
		c.reversed.correlate(n, x, y, c.flipped, bias)
		return
	}
	g, p := c.gout, c.out.area()
	parallel(n, func(i int) {
		columns := c.columns.get()
		defer c.columns.put(columns)
		for group := range c.groups {
			at := i*c.groups + group
			filters := w[group*g.C*c.depth:][:g.C*c.depth]
			multiply(kernel(n), true, false, c.depth, p, g.C, filters, y[at*g.Size():][:g.Size()], *columns, false)
			dst := x[at*c.gin.Size():][:c.gin.Size()]
			clear(dst)
			for ch := range c.gin.C {
				if bias != nil {
					fill(channel(dst, c.gin, 0, ch), bias[group*c.gin.C+ch])
				}
			}
			addColumns(dst, *columns, c.gin, c.win, c.out.H, c.out.W)
		}
	})
}

// flip writes the weights of the reversed convolution: input and output channels of every
// group change places, and kernels are turned by half a turn.
func (c *convolution[T]) flip(w []T) {
	k, f, ch := c.win.taps(), c.gout.C, c.gin.C
	units(c.groups*f, c.depth, func(lo, hi int) {
		for row := lo; row < hi; row++ {
			group, j := row/f, row%f
			for i := range ch {
				src := w[(row*ch+i)*k:][:k]
				dst := c.flipped[((group*ch+i)*f+j)*k:][:k]
				for t, v := range src {
					dst[k-1-t] = v
				}
			}
		}
	})
}

// weights computes dw from dy and x, n images each.
func (c *convolution[T]) weights(n int, dw, dy, x []T) {
	g, p, size := c.gout, c.out.area(), len(dw)
	if c.partial == nil {
		c.partial = make([]T, sumParts*size)
	}
	parts := blocks(n, sumParts, func(part, lo, hi int) {
		patches := c.patches.get()
		defer c.patches.put(patches)
		transposed := patches.Transposed()
		sum := c.partial[part*size:][:size]
		for i := lo; i < hi; i++ {
			for group := range c.groups {
				at := i*c.groups + group
				patches.Load(x[at*c.gin.Size():][:c.gin.Size()])
				multiplyFrom(gemm.Best(), g.C, c.depth, p, dy[at*g.Size():][:g.Size()], transposed,
					sum[group*g.C*c.depth:][:g.C*c.depth], i > lo)
			}
		}
	})
	chunks(size, func(lo, hi int) {
		copy(dw[lo:hi], c.partial[lo:hi])
		for part := 1; part < parts; part++ {
			add(dw[lo:hi], dw[lo:hi], c.partial[part*size+lo:part*size+hi])
		}
	})
}

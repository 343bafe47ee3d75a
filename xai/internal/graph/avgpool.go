package graph

import (
	"fmt"

	"github.com/whybook/whybook/xai/internal/gemm"
)

// AvgPool returns the mean of each window, channel by channel: n x C*OH*OW. countBorder
// says whether the border's zeros count as values (PyTorch's count_include_pad, true by
// default there); without them, a window is divided by the number of its pixels.
func (b *Builder[T]) AvgPool(x *Node[T], in Plane, win Window, countBorder bool) *Node[T] {
	win = win.full()
	win.check("avgpool", in)
	if win.DilationH > 1 || win.DilationW > 1 || !win.Covered(in) {
		panic(fmt.Sprintf("graph: avgpool: plane %v, window %+v: no dilation, and a pixel at every position", in, win))
	}
	oh, ow := win.Over(in)
	lines, columns := strides(oh, win.KernelH, win.StrideH, win.Top, in.H), strides(ow, win.KernelW, win.StrideW, win.Left, in.W)
	count := func(l, c bin) int { return (l.hi - l.lo) * (c.hi - c.lo) }
	if countBorder {
		count = func(bin, bin) int { return win.taps() }
	}
	return b.average("avgpool", x, in, lines, columns, count)
}

// AdaptiveAvgPool returns the means of oh x ow bins that cover each channel: n x C*oh*ow.
// By PyTorch's rule, bin i of an axis of size s cut in m covers [floor(i*s/m),
// ceil((i+1)*s/m)), so neighbouring bins may share pixels.
func (b *Builder[T]) AdaptiveAvgPool(x *Node[T], in Plane, oh, ow int) *Node[T] {
	if oh < 1 || ow < 1 {
		panic(fmt.Sprintf("graph: adaptive avgpool: %d x %d bins", oh, ow))
	}
	return b.average("adaptiveavgpool", x, in, shares(oh, in.H), shares(ow, in.W), func(l, c bin) int { return (l.hi - l.lo) * (c.hi - c.lo) })
}

// GlobalAvgPool returns the mean of each channel: n x C.
func (b *Builder[T]) GlobalAvgPool(x *Node[T], in Plane) *Node[T] {
	return b.AdaptiveAvgPool(x, in, 1, 1)
}

// bin is a range [lo, hi) of lines or columns.
type bin struct{ lo, hi int }

// strides returns the part inside the image of every position of a window along an axis.
func strides(positions, kernel, stride, border, size int) []bin {
	bins := make([]bin, positions)
	for i := range bins {
		at := i*stride - border
		bins[i] = bin{max(at, 0), min(at+kernel, size)}
	}
	return bins
}

// shares cuts an axis into parts.
func shares(parts, size int) []bin {
	bins := make([]bin, parts)
	for i := range bins {
		bins[i] = bin{i * size / parts, ((i+1)*size + parts - 1) / parts}
	}
	return bins
}

// average adds the sums over all pairs of bins, divided by their counts.
func (b *Builder[T]) average(name string, x *Node[T], in Plane, lines, columns []bin, count func(l, c bin) int) *Node[T] {
	n, out := x.Rows, Plane{in.C, len(lines), len(columns)}
	if x.Cols != in.Size() {
		panic(fmt.Sprintf("graph: %s: x %d x %d, plane %v", name, x.Rows, x.Cols, in))
	}
	weights := make([]T, out.area())
	for i, l := range lines {
		for j, c := range columns {
			weights[i*len(columns)+j] = 1 / T(count(l, c))
		}
	}
	run := func(y []T, src [][]T) {
		kernel := gemm.Best()
		units(n*in.C, in.area(), func(lo, hi int) {
			for ch := lo; ch < hi; ch++ {
				from, to, at := channel(src[0], in, 0, ch), channel(y, out, 0, ch), 0
				for _, l := range lines {
					for _, c := range columns {
						parts := gemm.Lines{Width: c.hi - c.lo, Count: l.hi - l.lo, Stride: in.W}
						if parts.Width == in.W { // whole lines lie together
							parts = gemm.Lines{Width: parts.Width * parts.Count, Count: 1}
						}
						to[at] = T(gemm.Total(kernel, from[l.lo*in.W+c.lo:], parts)) * weights[at]
						at++
					}
				}
			}
		})
	}
	return b.apply(name, n, out.Size(), []*Node[T]{x}, run, func(_, grad *Node[T]) []*Node[T] {
		return []*Node[T]{b.apply(name+".dx", n, in.Size(), []*Node[T]{grad}, func(dx []T, src [][]T) {
			units(n*in.C, in.area(), func(lo, hi int) {
				for ch := lo; ch < hi; ch++ {
					from, to, at := channel(src[0], out, 0, ch), channel(dx, in, 0, ch), 0
					clear(to)
					for _, l := range lines {
						for _, c := range columns {
							share := from[at] * weights[at]
							at++
							for line := l.lo; line < l.hi; line++ {
								row := to[line*in.W+c.lo : line*in.W+c.hi]
								for j := range row {
									row[j] += share
								}
							}
						}
					}
				}
			})
		}, nil)}
	})
}

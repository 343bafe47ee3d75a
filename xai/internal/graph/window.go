package graph

import "fmt"

// Plane is the shape of an image at a node: the node has C*H*W columns.
type Plane struct{ C, H, W int }

// Size returns C*H*W.
func (p Plane) Size() int { return p.C * p.H * p.W }

// area returns H*W.
func (p Plane) area() int { return p.H * p.W }

// Window is how a kernel slides over a plane: its size, the distance between positions,
// the border around the plane, and the distance between the kernel's elements.
type Window struct {
	KernelH, KernelW         int // at least 1
	StrideH, StrideW         int // 0 means 1
	Top, Left, Bottom, Right int // border
	DilationH, DilationW     int // 0 means 1
}

// Square returns the window of a square kernel with the same border on every side.
func Square(kernel, stride, pad int) Window {
	return Window{KernelH: kernel, KernelW: kernel, StrideH: stride, StrideW: stride, Top: pad, Left: pad, Bottom: pad, Right: pad}
}

// Over returns the height and width of the output for a window over p, less than 1 where
// the kernel does not fit.
func (w Window) Over(p Plane) (oh, ow int) {
	w = w.full()
	reachH, reachW := w.reach()
	return over(p.H+w.Top+w.Bottom-reachH, w.StrideH), over(p.W+w.Left+w.Right-reachW, w.StrideW)
}

func over(room, stride int) int {
	if room < 0 {
		return 0
	}
	return room/stride + 1
}

// Covered reports whether the window has a pixel of p at every position: a wide border or a
// dilated kernel can leave some without, which have no maximum and no mean.
func (w Window) Covered(p Plane) bool {
	w = w.full()
	oh, ow := w.Over(p)
	covered := func(positions, stride, border, kernel, dilation, size int) bool {
		for i := range positions {
			if lo, hi := span(i*stride-border, kernel, dilation, size); lo >= hi {
				return false
			}
		}
		return true
	}
	return covered(oh, w.StrideH, w.Top, w.KernelH, w.DilationH, p.H) && covered(ow, w.StrideW, w.Left, w.KernelW, w.DilationW, p.W)
}

// Under returns the height and width of the smallest plane over which the window has the
// positions of p: the output of a transposed convolution without output padding.
func (w Window) Under(p Plane) (h, width int) {
	w = w.full()
	reachH, reachW := w.reach()
	return (p.H-1)*w.StrideH + reachH - w.Top - w.Bottom, (p.W-1)*w.StrideW + reachW - w.Left - w.Right
}

// full returns the window with its defaults filled in.
func (w Window) full() Window {
	for _, v := range []*int{&w.StrideH, &w.StrideW, &w.DilationH, &w.DilationW} {
		*v = max(*v, 1)
	}
	return w
}

// reach returns the height and width that a dilated kernel covers.
func (w Window) reach() (h, width int) {
	return (w.KernelH-1)*w.DilationH + 1, (w.KernelW-1)*w.DilationW + 1
}

// taps returns the number of the kernel's elements.
func (w Window) taps() int { return w.KernelH * w.KernelW }

// check panics unless the window, with its defaults, has a position over p.
func (w Window) check(op string, p Plane) {
	oh, ow := w.Over(p)
	if min(p.C, p.H, p.W, w.KernelH, w.KernelW, oh, ow) < 1 || min(w.Top, w.Left, w.Bottom, w.Right) < 0 {
		panic(fmt.Sprintf("graph: %s: window %+v does not fit plane %v", op, w, p))
	}
}

// span returns the range of kernel elements [lo, hi) that meet a line of the given size
// when the kernel's first element is at position at (which may be negative).
func span(at, kernel, dilation, size int) (lo, hi int) {
	if at < 0 {
		lo = (-at + dilation - 1) / dilation
	}
	hi = kernel
	if last := size - 1 - at; last < 0 {
		hi = 0
	} else {
		hi = min(hi, last/dilation+1)
	}
	return min(lo, hi), hi
}

// reversed returns the window over the output whose convolution is the adjoint of this
// one's, if there is one: not with strides, which would need zeros between the values, nor
// with a border wider than the kernel reaches.
func (w Window) reversed() (Window, bool) {
	reachH, reachW := w.reach()
	r := w
	r.Top, r.Bottom, r.Left, r.Right = reachH-1-w.Top, reachH-1-w.Bottom, reachW-1-w.Left, reachW-1-w.Right
	return r, w.StrideH == 1 && w.StrideW == 1 && min(r.Top, r.Bottom, r.Left, r.Right) >= 0
}

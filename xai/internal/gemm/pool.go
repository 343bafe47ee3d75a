package gemm

import "fmt"

// pools are the maximum over windows of 2 x 2 and its gradient of one instruction set, for
// lines of pairs windows each; xRow is the distance of x's lines in bytes.
type pools struct {
	maxima func(lines, pairs int, y, x *float32, xRow int)
	spread func(lines, pairs int, dx, dy, x, y *float32, xRow int)
}

// MaxPool2 stores into y, (h/2) x (w/2), the maxima of the windows of 2 x 2 side by side of
// x, h x w. NaN wins, and +0 over -0. The last line or column of an odd number has no window.
func MaxPool2[T float](kn Kernel, y, x []T, h, w int) {
	checkPool("MaxPool2", len(x), len(x), len(y), len(y), h, w)
	if x, ok := any(x).([]float32); ok && len(y) > 0 {
		if p := poolsFor(kn.path); p != nil {
			p.maxima(h/2, w/2, &any(y).([]float32)[0], &x[0], 4*w)
			return
		}
	}
	for oy := range h / 2 {
		upper, lower := pair(x, oy, w)
		line := y[oy*(w/2):][:w/2]
		for ox := range line {
			u, l := (*[2]T)(upper[2*ox:]), (*[2]T)(lower[2*ox:])
			line[ox] = -min(-u[0], -u[1], -l[0], -l[1]) // max, which processors do not have with NaN, costs more
		}
	}
}

// MaxPool2Grad stores into dx the gradient of MaxPool2's x from dy, that of its y: the first
// element of a window in reading order that equals the maximum takes it, the last one where
// the maximum is NaN; all others get 0. dx must not overlap the other slices.
func MaxPool2Grad[T float](kn Kernel, dx, dy, x, y []T, h, w int) {
	checkPool("MaxPool2Grad", len(dx), len(x), len(dy), len(y), h, w)
	p := poolsFor(kn.path)
	dx32, ok := any(dx).([]float32)
	vector := ok && p != nil && len(y) > 0
	if !vector || h%2 != 0 || w%2 != 0 {
		clear(dx)
	}
	if vector {
		p.spread(h/2, w/2, &dx32[0], &any(dy).([]float32)[0], &any(x).([]float32)[0], &any(y).([]float32)[0], 4*w)
		return
	}
	for oy := range h / 2 {
		upper, lower := pair(x, oy, w)
		both, tops := dx[2*oy*w:], y[oy*(w/2):][:w/2]
		for ox, g := range dy[oy*(w/2):][:w/2] { // without branches that a processor could not foresee
			u, l, top := (*[2]T)(upper[2*ox:]), (*[2]T)(lower[2*ox:]), tops[ox]
			at := w + 1
			if l[0] == top {
				at = w
			}
			if u[1] == top {
				at = 1
			}
			if u[0] == top {
				at = 0
			}
			both[2*ox+at] = g
		}
	}
}

// pair returns the two lines of x that the windows of output line oy cover.
func pair[T float](x []T, oy, w int) (upper, lower []T) {
	return x[2*oy*w:][:w/2*2], x[(2*oy+1)*w:][:w/2*2]
}

func checkPool(op string, dx, x, dy, y, h, w int) {
	if h < 0 || w < 0 || x != h*w || dx != x || y != (h/2)*(w/2) || dy != y {
		panic(fmt.Sprintf("gemm: %s: %d and %d values, and %d and %d maxima, for an image of %d x %d", op, dx, x, dy, y, h, w))
	}
}

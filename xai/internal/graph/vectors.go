package graph

import "github.com/whybook/whybook/xai/internal/gemm"

// The functions here take the vector instructions of package gemm for float32, and plain
// loops for float64.

// add computes out = x + y.
func add[T Float](out, x, y []T) {
	if out, ok := any(out).([]float32); ok {
		gemm.Best().Add(out, any(x).([]float32), any(y).([]float32))
		return
	}
	for i, v := range x {
		out[i] = v + y[i]
	}
}

// scaleShift computes out = scale x + shift.
func scaleShift[T Float](out []T, scale T, x []T, shift T) {
	if out, ok := any(out).([]float32); ok {
		gemm.Best().Affine(out, float32(scale), any(x).([]float32), float32(shift))
		return
	}
	for i, v := range x {
		out[i] = scale*v + shift
	}
}

// scaled computes out = scale x.
func scaled[T Float](out []T, scale T, x []T) {
	if out, ok := any(out).([]float32); ok {
		gemm.Best().Scale(out, float32(scale), any(x).([]float32))
		return
	}
	for i, v := range x {
		out[i] = scale * v
	}
}

// fill sets every element of x to v.
func fill[T Float](x []T, v T) {
	if len(x) == 0 {
		return
	}
	x[0] = v
	for done := 1; done < len(x); done *= 2 { // copy runs at the speed of memory
		copy(x[done:], x[:done])
	}
}

// combine computes out = a x + b y + shift.
func combine[T Float](out []T, a T, x []T, b T, y []T, shift T) {
	if out, ok := any(out).([]float32); ok {
		gemm.Best().Combine(out, float32(a), any(x).([]float32), float32(b), any(y).([]float32), float32(shift))
		return
	}
	for i, v := range x {
		out[i] = a*v + b*y[i] + shift
	}
}

// channelLines are the lines of a channel in n images, from its first pixel in the first.
func channelLines(p Plane, n int) gemm.Lines {
	return gemm.Lines{Width: p.area(), Count: n, Stride: p.Size()}
}

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
		fill(out, float32(shift))
		gemm.Best().Axpy(out, float32(scale), any(x).([]float32))
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

// total returns the sum of x in a fixed order: eight interleaved partial sums, which keep
// the adders busy and lose fewer digits than one.
func total[T Float](x []T) float64 {
	var s0, s1, s2, s3, s4, s5, s6, s7 T
	for len(x) >= 8 {
		s0, s1, s2, s3 = s0+x[0], s1+x[1], s2+x[2], s3+x[3]
		s4, s5, s6, s7 = s4+x[4], s5+x[5], s6+x[6], s7+x[7]
		x = x[8:]
	}
	for _, v := range x {
		s0 += v
	}
	return float64((s0 + s1) + (s2 + s3) + ((s4 + s5) + (s6 + s7)))
}

// dot returns the sum of x*y, in the order of total.
func dot[T Float](x, y []T) float64 {
	var s0, s1, s2, s3 T
	for len(x) >= 4 && len(y) >= 4 {
		s0, s1, s2, s3 = s0+x[0]*y[0], s1+x[1]*y[1], s2+x[2]*y[2], s3+x[3]*y[3]
		x, y = x[4:], y[4:]
	}
	for i, v := range x {
		s0 += v * y[i]
	}
	return float64((s0 + s1) + (s2 + s3))
}

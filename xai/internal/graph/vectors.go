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

// scaleShift computes out = scale x + shift. ones is a vector of ones as long as x.
func scaleShift[T Float](out []T, scale T, x []T, shift T, ones []T) {
	if out, ok := any(out).([]float32); ok {
		gemm.Best().Scale(out, float32(scale), any(x).([]float32))
		gemm.Best().Axpy(out, float32(shift), any(ones).([]float32))
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

// squareSum returns the sum of (x - centre)^2, in a fixed order.
func squareSum[T Float](x []T, centre T) float64 {
	var s0, s1, s2, s3 T
	for len(x) >= 4 {
		a, b, c, d := x[0]-centre, x[1]-centre, x[2]-centre, x[3]-centre
		s0, s1, s2, s3 = s0+a*a, s1+b*b, s2+c*c, s3+d*d
		x = x[4:]
	}
	for _, v := range x {
		s0 += (v - centre) * (v - centre)
	}
	return float64((s0 + s1) + (s2 + s3))
}

// centredDot returns the sum of g (x - centre) and the sum of g.
func centredDot[T Float](g, x []T, centre T) (product, sum float64) {
	var p0, p1, p2, p3, s0, s1, s2, s3 T
	for len(g) >= 4 && len(x) >= 4 {
		p0, p1, p2, p3 = p0+g[0]*(x[0]-centre), p1+g[1]*(x[1]-centre), p2+g[2]*(x[2]-centre), p3+g[3]*(x[3]-centre)
		s0, s1, s2, s3 = s0+g[0], s1+g[1], s2+g[2], s3+g[3]
		g, x = g[4:], x[4:]
	}
	for i, v := range g {
		p0 += v * (x[i] - centre)
		s0 += v
	}
	return float64((p0 + p1) + (p2 + p3)), float64((s0 + s1) + (s2 + s3))
}

// combine computes out = a x + b y + shift.
func combine[T Float](out []T, a T, x []T, b T, y []T, shift T) {
	if o, ok := any(out).([]float32); ok {
		fill(o, float32(shift))
		gemm.Best().Axpy(o, float32(a), any(x).([]float32))
		gemm.Best().Axpy(o, float32(b), any(y).([]float32))
		return
	}
	for i, v := range x {
		out[i] = a*v + b*y[i] + shift
	}
}

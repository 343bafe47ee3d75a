package project

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// cloud is a copy of a matrix for computing with: its columns centred, its values scaled
// by a power of two, which is exact, so that no square overflows or vanishes.
type cloud struct {
	n, d  int
	data  []float64 // n x d: (x - mean) 2^-exp
	mean  []float64 // d, in units of x
	exp   int
	equal bool // all rows are equal
}

// centred makes a cloud of a checked matrix. Means are summed row by row.
func centred(x *mat.Dense) cloud {
	n, d := x.Dims()
	c := cloud{n: n, d: d, data: make([]float64, n*d), mean: make([]float64, d), equal: true}
	constant := make([]bool, d)
	for j := range constant {
		constant[j] = true
	}
	first, largest := x.RawRowView(0), 0.0
	for i := range n {
		for j, v := range x.RawRowView(i) {
			largest = max(largest, math.Abs(v))
			if v != first[j] {
				constant[j] = false
			}
		}
	}
	// Scaled, no sum can overflow. One more scaling, after the centring, keeps the squares of
	// small deviations from a large mean.
	down, e := power(largest)
	for i := range n {
		for j, v := range x.RawRowView(i) {
			c.mean[j] += v * down
		}
	}
	for j := range c.mean {
		c.mean[j] /= float64(n)
		if constant[j] {
			c.mean[j] = first[j] * down // and not off by a rounding error
		} else {
			c.equal = false
		}
	}
	largest = 0
	for i := range n {
		row := c.data[i*d:][:d]
		for j, v := range x.RawRowView(i) {
			row[j] = v*down - c.mean[j]
			largest = max(largest, math.Abs(row[j]))
		}
	}
	again, more := power(largest)
	for i := range c.data {
		c.data[i] *= again
	}
	for j, v := range c.mean {
		c.mean[j] = math.Ldexp(v, e)
	}
	c.exp = e + more
	return c
}

// power returns the factor 2^-exp that brings a value into [1/2, 1), as near as a float64 can.
func power(value float64) (factor float64, exp int) {
	_, exp = math.Frexp(value)
	exp = max(exp, -1000)
	return math.Ldexp(1, -exp), exp
}

package graph

import (
	"fmt"
	"math"
)

// Softmax returns exp(x)/sum exp(x) over every group of size neighbouring columns of a row;
// size must divide the number of columns. For a row of scores it is their number.
func (b *Builder[T]) Softmax(x *Node[T], size int) *Node[T] {
	return b.grouped("softmax", x, size, func(y, x []T) {
		lse := logSumExp(x)
		for j, v := range x {
			y[j] = T(math.Exp(float64(v) - lse))
		}
	}, func(dx, dy, y []T) {
		// dx_j = y_j sum_i y_i (g_j - g_i). The sum is taken relative to the largest y, whose own
		// term is exactly 0: g_j - sum_i y_i g_i would lose all digits where one y is nearly 1.
		top := 0
		for j, v := range y {
			if v > y[top] {
				top = j
			}
		}
		var sum, mass float64
		for i, g := range dy {
			sum += float64(y[i]) * (float64(dy[top]) - float64(g))
			mass += float64(y[i])
		}
		for j, g := range dy {
			dx[j] = T(float64(y[j]) * ((float64(g)-float64(dy[top]))*mass + sum))
		}
	})
}

// LogSoftmax returns the logarithm of Softmax, without its underflow.
func (b *Builder[T]) LogSoftmax(x *Node[T], size int) *Node[T] {
	return b.grouped("logsoftmax", x, size, func(y, x []T) {
		lse := logSumExp(x)
		for j, v := range x {
			y[j] = T(float64(v) - lse)
		}
	}, func(dx, dy, y []T) {
		var sum float64
		for _, g := range dy {
			sum += float64(g)
		}
		for j, g := range dy {
			// g - p sum, with 1 - p exact also where p is nearly 1.
			rest := sum - float64(g)
			dx[j] = T(-float64(g)*math.Expm1(float64(y[j])) - rest*math.Exp(float64(y[j])))
		}
	})
}

// grouped adds an operation on every group of size columns, whose gradient follows from
// the output.
func (b *Builder[T]) grouped(name string, x *Node[T], size int, f func(y, x []T), df func(dx, dy, y []T)) *Node[T] {
	if size < 1 || x.Cols%size != 0 {
		panic(fmt.Sprintf("graph: %s: groups of %d in %d columns", name, size, x.Cols))
	}
	groups := func(call func(lo, hi int)) {
		units(x.Rows*x.Cols/size, size, func(lo, hi int) {
			for g := lo; g < hi; g++ {
				call(g*size, (g+1)*size)
			}
		})
	}
	return b.apply(name, x.Rows, x.Cols, []*Node[T]{x}, func(out []T, in [][]T) {
		groups(func(lo, hi int) { f(out[lo:hi], in[0][lo:hi]) })
	}, func(y, grad *Node[T]) []*Node[T] {
		return []*Node[T]{b.apply(name+".dx", x.Rows, x.Cols, []*Node[T]{grad, y}, func(out []T, in [][]T) {
			groups(func(lo, hi int) { df(out[lo:hi], in[0][lo:hi], in[1][lo:hi]) })
		}, nil)}
	})
}

// logSumExp returns log sum exp(x), shifted by the maximum so that it cannot overflow.
func logSumExp[T Float](x []T) float64 {
	top := math.Inf(-1)
	for _, v := range x {
		top = max(top, float64(v))
	}
	var sum float64
	for _, v := range x {
		sum += math.Exp(float64(v) - top)
	}
	return top + math.Log(sum)
}

package graph

import (
	"fmt"
	"math"

	"github.com/whybook/whybook/xai/internal/gemm"
)

// ReLU returns max(x, 0), element by element; NaN stays NaN. The derivative at exactly 0
// is 0, as in PyTorch (gorgonia's Rectify has 1 there).
func (b *Builder[T]) ReLU(x *Node[T]) *Node[T] {
	run := func(out []T, in [][]T) { relu(out, in[0]) }
	return b.elementwise("relu", []*Node[T]{x}, run, func(y, grad *Node[T]) []*Node[T] {
		// y is positive where x is; with it, x need not be kept.
		return []*Node[T]{b.pairwise("relu.dx", grad, y, reluGrad[T], nil)}
	})
}

func relu[T Float](out, x []T) {
	if out, ok := any(out).([]float32); ok {
		gemm.Best().ReLU(out, any(x).([]float32))
		return
	}
	for i, v := range x {
		if v < 0 {
			v = 0
		}
		out[i] = v
	}
}

func reluGrad[T Float](out, grad, y []T) {
	if out, ok := any(out).([]float32); ok {
		gemm.Best().ReLUGrad(out, any(grad).([]float32), any(y).([]float32))
		return
	}
	for i, g := range grad {
		if !(y[i] > 0) {
			g = 0
		}
		out[i] = g
	}
}

// LeakyReLU returns x where x > 0 and slope*x elsewhere. The derivative at exactly 0 is
// slope, as in PyTorch.
func (b *Builder[T]) LeakyReLU(x *Node[T], slope float64) *Node[T] {
	s := T(slope)
	run := func(out []T, in [][]T) { leaky(out, s, in[0], in[0]) }
	return b.elementwise("leakyrelu", []*Node[T]{x}, run, func(y, grad *Node[T]) []*Node[T] {
		sign := x
		if s >= 0 {
			sign = y // positive where x is; with it, x need not be kept
		}
		return []*Node[T]{b.pairwise("leakyrelu.dx", grad, sign, func(out, grad, sign []T) { leaky(out, s, grad, sign) }, nil)}
	})
}

// leaky computes out = x where y > 0 and slope x elsewhere.
func leaky[T Float](out []T, slope T, x, y []T) {
	if out, ok := any(out).([]float32); ok {
		gemm.Best().Leaky(out, float32(slope), any(x).([]float32), any(y).([]float32))
		return
	}
	for i, v := range x {
		if !(y[i] > 0) {
			v *= slope
		}
		out[i] = v
	}
}

// Sigmoid returns 1/(1+exp(-x)).
func (b *Builder[T]) Sigmoid(x *Node[T]) *Node[T] {
	return b.pointwise("sigmoid", x,
		func(x T) T { return T(1 / (1 + math.Exp(-float64(x)))) },
		func(_, y T) T { return y * (1 - y) })
}

// Tanh returns the hyperbolic tangent.
func (b *Builder[T]) Tanh(x *Node[T]) *Node[T] {
	return b.pointwise("tanh", x,
		func(x T) T { return T(math.Tanh(float64(x))) },
		func(_, y T) T { return 1 - y*y })
}

// Clip returns x limited to [lo, hi]; NaN stays NaN. The derivative is 1 inside and at the
// limits, as in PyTorch, and 0 beyond them.
func (b *Builder[T]) Clip(x *Node[T], lo, hi float64) *Node[T] {
	if !(lo <= hi) {
		panic(fmt.Sprintf("graph: clip: empty range [%v, %v]", lo, hi))
	}
	l, h := T(lo), T(hi)
	return b.pointwise("clip", x, func(x T) T { return min(max(x, l), h) }, func(x, _ T) T {
		if x >= l && x <= h {
			return 1
		}
		return 0
	})
}

// pointwise adds an operation y = f(x) on single elements with the derivative df(x, y).
func (b *Builder[T]) pointwise(name string, x *Node[T], f func(x T) T, df func(x, y T) T) *Node[T] {
	run := func(out []T, in [][]T) {
		for i, v := range in[0] {
			out[i] = f(v)
		}
	}
	return b.elementwise(name, []*Node[T]{x}, run, func(y, grad *Node[T]) []*Node[T] {
		return []*Node[T]{b.elementwise(name+".dx", []*Node[T]{grad, x, y}, func(out []T, in [][]T) {
			for i, g := range in[0] {
				out[i] = g * df(in[1][i], in[2][i])
			}
		}, nil)}
	})
}

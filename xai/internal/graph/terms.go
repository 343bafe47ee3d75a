package graph

import (
	"fmt"
	"math"
)

// Detach returns x, and lets no gradient through.
func (b *Builder[T]) Detach(x *Node[T]) *Node[T] {
	return b.elementwise("detach", []*Node[T]{x}, func(out []T, in [][]T) { copy(out, in[0]) }, nil)
}

// MeanAbs returns the mean of |x| over all elements, 1 x 1. Its derivative at 0 is 0.
func (b *Builder[T]) MeanAbs(x *Node[T]) *Node[T] {
	n := float64(x.Rows * x.Cols)
	return b.scalar("meanabs", []*Node[T]{x}, func(in [][]T) float64 {
		var sum float64
		for _, v := range in[0] {
			sum += math.Abs(float64(v))
		}
		return sum / n
	}, func(dx []T, in [][]T, g float64) {
		for i, v := range in[0] {
			dx[i] = T(g / n * sign(v))
		}
	})
}

// MeanError returns the mean of (x - target)^2 over all elements, or with absolute of
// |x - target|, 1 x 1. No gradient flows to target.
func (b *Builder[T]) MeanError(x, target *Node[T], absolute bool) *Node[T] {
	if target.Rows != x.Rows || target.Cols != x.Cols || target.grad {
		panic(fmt.Sprintf("graph: meanerror: the target must be %d x %d, without gradient", x.Rows, x.Cols))
	}
	n := float64(x.Rows * x.Cols)
	return b.scalar("meanerror", []*Node[T]{x, target}, func(in [][]T) float64 {
		var sum float64
		for i, v := range in[0] {
			d := float64(v) - float64(in[1][i])
			if absolute {
				sum += math.Abs(d)
			} else {
				sum += d * d
			}
		}
		return sum / n
	}, func(dx []T, in [][]T, g float64) {
		for i, v := range in[0] {
			d := v - in[1][i]
			if absolute {
				dx[i] = T(g / n * sign(d))
			} else {
				dx[i] = T(2 * g / n * float64(d))
			}
		}
	})
}

// Entropy returns the mean over the rows of E(|x|), 1 x 1, where E(v) is the entropy of
// softmax(v), in nats: between 0 and the logarithm of the number of columns.
func (b *Builder[T]) Entropy(x *Node[T]) *Node[T] {
	n, k := x.Rows, x.Cols
	return b.scalar("entropy", []*Node[T]{x}, func(in [][]T) float64 {
		v, sum := make([]float64, k), 0.0
		for i := range n {
			absInto(v, in[0][i*k:][:k])
			sum += entropy(v, nil)
		}
		return sum / float64(n)
	}, func(dx []T, in [][]T, g float64) {
		v, dv := make([]float64, k), make([]float64, k)
		for i := range n {
			row := in[0][i*k:][:k]
			absInto(v, row)
			entropy(v, dv)
			for j, d := range dv {
				dx[i*k+j] = T(g / float64(n) * d * sign(row[j]))
			}
		}
	})
}

// BatchEntropy returns E of the mean of |x| over the rows, 1 x 1; see Entropy.
func (b *Builder[T]) BatchEntropy(x *Node[T]) *Node[T] {
	n, k := x.Rows, x.Cols
	mean := func(x []T) []float64 {
		v := make([]float64, k)
		for i, e := range x {
			v[i%k] += math.Abs(float64(e)) / float64(n)
		}
		return v
	}
	return b.scalar("batchentropy", []*Node[T]{x}, func(in [][]T) float64 {
		return entropy(mean(in[0]), nil)
	}, func(dx []T, in [][]T, g float64) {
		dv := make([]float64, k)
		entropy(mean(in[0]), dv)
		for i, e := range in[0] {
			dx[i] = T(g / float64(n) * dv[i%k] * sign(e))
		}
	})
}

// Weighted returns the sum of weights[i] * terms[i], all 1 x 1, with weights 1 x the number of
// terms. No gradient flows to weights.
func (b *Builder[T]) Weighted(terms []*Node[T], weights *Node[T]) *Node[T] {
	if weights.Rows != 1 || weights.Cols != len(terms) || weights.grad {
		panic(fmt.Sprintf("graph: weighted: weights must be 1 x %d, without gradient", len(terms)))
	}
	for _, t := range terms {
		if t.Rows != 1 || t.Cols != 1 {
			panic(fmt.Sprintf("graph: weighted: a term is %d x %d", t.Rows, t.Cols))
		}
	}
	in := append(terms[:len(terms):len(terms)], weights)
	return b.apply("weighted", 1, 1, in, func(out []T, in [][]T) {
		var sum float64
		for i, w := range in[len(terms)] {
			sum += float64(w) * float64(in[i][0])
		}
		out[0] = T(sum)
	}, func(_, grad *Node[T]) []*Node[T] {
		d := make([]*Node[T], len(in))
		for i, t := range terms {
			d[i] = needed(t, func() *Node[T] {
				return b.apply("weighted.dx", 1, 1, []*Node[T]{grad, weights}, func(out []T, in [][]T) { out[0] = in[0][0] * in[1][i] }, nil)
			})
		}
		return d
	})
}

// scalar adds a 1 x 1 operation whose gradient flows to its first input only: diff writes it
// for the inputs' values and the gradient g of the output.
func (b *Builder[T]) scalar(name string, in []*Node[T], value func(in [][]T) float64, diff func(dx []T, in [][]T, g float64)) *Node[T] {
	x := in[0]
	return b.apply(name, 1, 1, in, func(out []T, in [][]T) { out[0] = T(value(in)) }, func(_, grad *Node[T]) []*Node[T] {
		d := make([]*Node[T], len(in))
		d[0] = needed(x, func() *Node[T] {
			return b.apply(name+".dx", x.Rows, x.Cols, append(in[:len(in):len(in)], grad), func(out []T, src [][]T) {
				diff(out, src, float64(src[len(in)][0]))
			}, nil)
		})
		return d
	})
}

// entropy returns the entropy of softmax(v), and writes its gradient into dv unless that is
// nil: dE/dv_j = -p_j (log p_j + E).
func entropy(v, dv []float64) float64 {
	lse, e := logSumExp(v), 0.0
	for _, x := range v {
		e -= math.Exp(x-lse) * (x - lse)
	}
	for j := range dv {
		dv[j] = -math.Exp(v[j]-lse) * (v[j] - lse + e)
	}
	return e
}

func absInto[T Float](v []float64, x []T) {
	for j, e := range x {
		v[j] = math.Abs(float64(e))
	}
}

func sign[T Float](v T) float64 {
	switch {
	case v > 0:
		return 1
	case v < 0:
		return -1
	}
	return 0
}

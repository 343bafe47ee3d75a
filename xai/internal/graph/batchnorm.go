package graph

import (
	"fmt"
	"math"
)

// BatchStats are the statistics of the last batch that a BatchNorm saw, one value for each
// channel, from which a trainer keeps running averages. Var is unbiased (divided by the
// number of values less one), as in PyTorch.
type BatchStats struct{ Mean, Var []float64 }

// BatchNorm returns gamma (x - mean)/sqrt(var + eps) + beta, where mean and var are those of
// each channel over the rows and positions of this batch; var is divided by the number of
// values. gamma and beta are 1 x C. Every row's result depends on the whole batch.
func (b *Builder[T]) BatchNorm(x, gamma, beta *Node[T], in Plane, eps float64) (*Node[T], *BatchStats) {
	checkNorm("batchnorm", x, in, gamma, beta)
	n, p := x.Rows, in.area()
	if n*p < 2 {
		panic("graph: batchnorm: one value per channel has no variance: use more rows")
	}
	count := float64(n * p)
	stats := &BatchStats{make([]float64, in.C), make([]float64, in.C)}
	inverse := make([]float64, in.C) // 1/sqrt(var + eps)
	run := func(y []T, src [][]T) {
		parallel(in.C, func(c int) {
			var sum, squares float64
			for i := range n {
				sum += total(channel(src[0], in, i, c))
			}
			mean := sum / count
			for i := range n {
				squares += squareSum(channel(src[0], in, i, c), T(mean))
			}
			stats.Mean[c], stats.Var[c] = mean, squares/(count-1)
			inverse[c] = 1 / math.Sqrt(squares/count+eps)
			scale := float64(src[1][c]) * inverse[c]
			for i := range n {
				scaleShift(channel(y, in, i, c), T(scale), channel(src[0], in, i, c), T(float64(src[2][c])-mean*scale))
			}
		})
	}
	out := b.apply("batchnorm", n, in.Size(), []*Node[T]{x, gamma, beta}, run, func(y, grad *Node[T]) []*Node[T] {
		// y is an input only to say that the forward pass must have run.
		sums := b.normSums(grad, x, y, in, stats.Mean, inverse)
		return []*Node[T]{
			needed(x, func() *Node[T] {
				return b.apply("batchnorm.dx", n, in.Size(), []*Node[T]{grad, x, gamma, sums}, func(dx []T, src [][]T) {
					parallel(in.C, func(c int) {
						// dx = scale (g - mean g - xhat mean(g xhat)), written as a g + b x + shift
						scale := float64(src[2][c]) * inverse[c]
						slope := -scale * inverse[c] * float64(src[3][c]) / count
						shift := -scale*float64(src[3][in.C+c])/count - slope*stats.Mean[c]
						for i := range n {
							combine(channel(dx, in, i, c), T(scale), channel(src[0], in, i, c), T(slope), channel(src[1], in, i, c), T(shift))
						}
					})
				}, nil)
			}),
			needed(gamma, func() *Node[T] { return b.part("batchnorm.dgamma", sums, 0, in.C) }),
			needed(beta, func() *Node[T] { return b.part("batchnorm.dbeta", sums, 1, in.C) }),
		}
	})
	return out, stats
}

// BatchNormEval returns gamma (x - mean)/sqrt(variance + eps) + beta with given statistics,
// all 1 x C; the statistics must not need a gradient. Rows are independent.
func (b *Builder[T]) BatchNormEval(x, gamma, beta, mean, variance *Node[T], in Plane, eps float64) *Node[T] {
	checkNorm("batchnorm eval", x, in, gamma, beta, mean, variance)
	if mean.grad || variance.grad {
		panic("graph: batchnorm eval: the statistics must not need a gradient")
	}
	n := x.Rows
	means, inverse := make([]float64, in.C), make([]float64, in.C)
	run := func(y []T, src [][]T) {
		for c := range in.C {
			means[c], inverse[c] = float64(src[3][c]), 1/math.Sqrt(float64(src[4][c])+eps)
		}
		units(n*in.C, in.area(), func(lo, hi int) {
			for ch := lo; ch < hi; ch++ {
				c := ch % in.C
				scale := float64(src[1][c]) * inverse[c]
				scaleShift(channel(y, in, 0, ch), T(scale), channel(src[0], in, 0, ch), T(float64(src[2][c])-means[c]*scale))
			}
		})
	}
	return b.apply("batchnormeval", n, in.Size(), []*Node[T]{x, gamma, beta, mean, variance}, run, func(y, grad *Node[T]) []*Node[T] {
		grads := make([]*Node[T], 5)
		// y is an input only to say that the forward pass must have run.
		grads[0] = needed(x, func() *Node[T] {
			return b.apply("batchnormeval.dx", n, in.Size(), []*Node[T]{grad, gamma, y}, func(dx []T, src [][]T) {
				units(n*in.C, in.area(), func(lo, hi int) {
					for ch := lo; ch < hi; ch++ {
						c := ch % in.C
						scaled(channel(dx, in, 0, ch), T(float64(src[1][c])*inverse[c]), channel(src[0], in, 0, ch))
					}
				})
			}, nil)
		})
		if gamma.grad || beta.grad {
			sums := b.normSums(grad, x, y, in, means, inverse)
			grads[1] = needed(gamma, func() *Node[T] { return b.part("batchnormeval.dgamma", sums, 0, in.C) })
			grads[2] = needed(beta, func() *Node[T] { return b.part("batchnormeval.dbeta", sums, 1, in.C) })
		}
		return grads
	})
}

// normSums returns two rows of sums over rows and positions: of grad times the normalised
// x, and of grad. y is the normalisation's output.
func (b *Builder[T]) normSums(grad, x, y *Node[T], in Plane, mean, inverse []float64) *Node[T] {
	return b.apply("batchnorm.sums", 2, in.C, []*Node[T]{grad, x, y}, func(out []T, src [][]T) {
		parallel(in.C, func(c int) {
			var product, sum float64
			for i := range x.Rows {
				g := channel(src[0], in, i, c)
				p, s := centredDot(g, channel(src[1], in, i, c), T(mean[c]))
				product += p
				sum += s
			}
			out[c], out[in.C+c] = T(product*inverse[c]), T(sum)
		})
	}, nil)
}

// part returns row i of x, which has cols columns.
func (b *Builder[T]) part(name string, x *Node[T], i, cols int) *Node[T] {
	return b.apply(name, 1, cols, []*Node[T]{x}, func(out []T, in [][]T) { copy(out, in[0][i*cols:]) }, nil)
}

func checkNorm[T Float](name string, x *Node[T], in Plane, perChannel ...*Node[T]) {
	ok := x.Cols == in.Size()
	for _, n := range perChannel {
		ok = ok && n.Rows == 1 && n.Cols == in.C
	}
	if !ok {
		panic(fmt.Sprintf("graph: %s: x %d x %d, plane %v: the parameters must be 1 x %d", name, x.Rows, x.Cols, in, in.C))
	}
}

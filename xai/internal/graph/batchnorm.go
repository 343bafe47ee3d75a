package graph

import (
	"fmt"
	"math"
	"sync"

	"github.com/whybook/whybook/xai/internal/gemm"
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
	n := x.Rows
	count := float64(n * in.area())
	if count < 2 {
		panic("graph: batchnorm: one value per channel has no variance: use more rows")
	}
	last := &BatchStats{make([]float64, in.C), make([]float64, in.C)}
	stats := b.apply("batchnorm.stats", 2, in.C, []*Node[T]{x}, func(out []T, src [][]T) {
		parallel(in.C, func(c int) {
			values, lines := src[0][c*in.area():], channelLines(in, n)
			mean := gemm.Total(gemm.Best(), values, lines) / count
			squares := gemm.SquareSum(gemm.Best(), values, lines, T(mean))
			last.Mean[c], last.Var[c] = mean, squares/(count-1)
			out[c], out[in.C+c] = T(mean), T(1/math.Sqrt(squares/count+eps))
		})
	}, nil)
	return b.normalize("batchnorm", x, gamma, beta, stats, in, func(grad *Node[T], sums func() *Node[T]) *Node[T] {
		return b.apply("batchnorm.dx", n, in.Size(), []*Node[T]{grad, x, gamma, stats, sums()}, func(dx []T, src [][]T) {
			parallel(in.C, func(c int) {
				// scale (g - mean(g) - xhat mean(g xhat)), written as scale g + slope x + shift
				mean, inverse := float64(src[3][c]), float64(src[3][in.C+c])
				scale := float64(src[2][c]) * inverse
				slope := -scale * inverse * float64(src[4][c]) / count
				shift := -scale*float64(src[4][in.C+c])/count - slope*mean
				for i := range n {
					combine(channel(dx, in, i, c), T(scale), channel(src[0], in, i, c), T(slope), channel(src[1], in, i, c), T(shift))
				}
			})
		}, nil)
	}), last
}

// BatchNormEval returns gamma (x - mean)/sqrt(variance + eps) + beta with given statistics,
// all 1 x C; the statistics must not need a gradient. Rows are independent.
func (b *Builder[T]) BatchNormEval(x, gamma, beta, mean, variance *Node[T], in Plane, eps float64) *Node[T] {
	checkNorm("batchnorm eval", x, in, gamma, beta, mean, variance)
	if mean.grad || variance.grad {
		panic("graph: batchnorm eval: the statistics must not need a gradient")
	}
	stats := b.apply("batchnormeval.stats", 2, in.C, []*Node[T]{mean, variance}, func(out []T, src [][]T) {
		for c := range in.C {
			out[c], out[in.C+c] = src[0][c], T(1/math.Sqrt(float64(src[1][c])+eps))
		}
	}, nil)
	return b.normalize("batchnormeval", x, gamma, beta, stats, in, func(grad *Node[T], _ func() *Node[T]) *Node[T] {
		dx := b.apply("batchnormeval.dx", x.Rows, in.Size(), []*Node[T]{grad, gamma, stats}, func(dx []T, src [][]T) {
			units(x.Rows*in.C, in.area(), func(lo, hi int) {
				for ch := lo; ch < hi; ch++ {
					c := ch % in.C
					scaled(channel(dx, in, 0, ch), src[1][c]*src[2][in.C+c], channel(src[0], in, 0, ch))
				}
			})
		}, nil)
		dx.op.inPlace = true
		return dx
	})
}

// normalize adds the normalisation with the statistics of stats: each channel's mean, and
// then each one's 1/sqrt(var + eps). dx adds the gradient of x, given that of the output
// and sums: those over rows and positions of grad times the normalised x, and of grad.
func (b *Builder[T]) normalize(name string, x, gamma, beta, stats *Node[T], in Plane, dx func(grad *Node[T], sums func() *Node[T]) *Node[T]) *Node[T] {
	out := b.apply(name, x.Rows, in.Size(), []*Node[T]{x, gamma, beta, stats}, func(y []T, src [][]T) {
		units(x.Rows*in.C, in.area(), func(lo, hi int) {
			for ch := lo; ch < hi; ch++ {
				c := ch % in.C
				scale := src[1][c] * src[3][in.C+c]
				scaleShift(channel(y, in, 0, ch), scale, channel(src[0], in, 0, ch), src[2][c]-src[3][c]*scale)
			}
		})
	}, func(_, grad *Node[T]) []*Node[T] {
		sums := sync.OnceValue(func() *Node[T] {
			return b.apply(name+".sums", 2, in.C, []*Node[T]{grad, x, stats}, func(out []T, src [][]T) {
				parallel(in.C, func(c int) {
					at := c * in.area()
					product, sum := gemm.Moments(gemm.Best(), src[1][at:], src[0][at:], channelLines(in, x.Rows), src[2][c])
					out[c], out[in.C+c] = T(product*float64(src[2][in.C+c])), T(sum)
				})
			}, nil)
		})
		part := func(name string, i int) *Node[T] {
			return b.apply(name, 1, in.C, []*Node[T]{sums()}, func(out []T, src [][]T) { copy(out, src[0][i*in.C:]) }, nil)
		}
		return []*Node[T]{
			needed(x, func() *Node[T] { return dx(grad, sums) }),
			needed(gamma, func() *Node[T] { return part(name+".dgamma", 0) }),
			needed(beta, func() *Node[T] { return part(name+".dbeta", 1) }),
			nil,
		}
	})
	out.op.inPlace = true
	return out
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

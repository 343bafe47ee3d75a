package project

import (
	"context"
	"math"
	"sync"
	"sync/atomic"

	"github.com/whybook/whybook/xai/internal/parallel"
	"github.com/whybook/whybook/xai/progress"
)

// objective is what t-SNE minimises over the n points of the plane y, x and y of each: the
// divergence of Q from P,
//
//	KL = sum of p_ij log(p_ij / q_ij),  q_ij = w_ij / Z,  w_ij = 1 / (1 + |y_i - y_j|^2)
//
// with Z the sum of w over all ordered pairs of different points.
type objective struct {
	affinities
	theta float64 // of the tree; 0 is exact

	tree   quadtree
	push   []float64 // of each point, before the division by Z
	lists  sync.Pool // of *[]body
	shares []float64 // of a sum, by range
}

func newObjective(a affinities, theta float64) *objective {
	return &objective{
		affinities: a, theta: theta, push: make([]float64, 2*(len(a.start)-1)),
		lists: sync.Pool{New: func() any { return new([]body) }},
	}
}

// repel fills push and returns Z.
func (o *objective) repel(ctx context.Context, y []float64) (float64, error) {
	const size = 16
	o.tree.build(y)
	return o.sum(ctx, len(o.tree.leaves), size, func(lo, hi int) float64 {
		list := o.lists.Get().(*[]body)
		z := 0.0
		for _, l := range o.tree.leaves[lo:hi] {
			*list = o.tree.bodies((*list)[:0], l, o.theta)
			z += o.tree.repulsion(o.push, *list, l)
		}
		o.lists.Put(list)
		return z
	})
}

// sum adds up what f returns for the ranges of [0, n), in their order.
func (o *objective) sum(ctx context.Context, n, size int, f func(lo, hi int) float64) (float64, error) {
	count := (n + size - 1) / size
	if cap(o.shares) < count {
		o.shares = make([]float64, count)
	}
	shares := o.shares[:count]
	err := parallel.Blocks(ctx, n, size, func(lo, hi int) error {
		shares[lo/size] = f(lo, hi)
		return nil
	})
	total := 0.0
	for _, s := range shares {
		total += s
	}
	return total, err
}

// gradient stores into grad the gradient of KL with P times the exaggeration,
//
//	dKL/dy_i = 4 sum over j of (p_ij - q_ij) w_ij (y_i - y_j)
//
// and returns Z.
func (o *objective) gradient(ctx context.Context, grad, y []float64, exaggeration float64) (z float64, err error) {
	const size = 256
	if z, err = o.repel(ctx, y); err != nil {
		return 0, err
	}
	err = parallel.Blocks(ctx, len(y)/2, size, func(lo, hi int) error {
		for i := lo; i < hi; i++ {
			x0, y0 := y[2*i], y[2*i+1]
			fx, fy := 0.0, 0.0
			from, to := o.start[i], o.start[i+1]
			p := o.p[from:to]
			for r, j := range o.index[from:to] {
				dx, dy := x0-y[2*j], y0-y[2*j+1]
				f := p[r] / (1 + dx*dx + dy*dy)
				fx += f * dx
				fy += f * dy
			}
			grad[2*i] = 4 * (exaggeration*fx - o.push[2*i]/z)
			grad[2*i+1] = 4 * (exaggeration*fy - o.push[2*i+1]/z)
		}
		return nil
	})
	return z, err
}

// divergence returns KL for a given Z.
func (o *objective) divergence(ctx context.Context, y []float64, z float64) (float64, error) {
	const size = 256
	// The sum of all p_ij is 1, so that the logarithm of Z stands alone.
	pull, err := o.sum(ctx, len(y)/2, size, func(lo, hi int) float64 {
		sum := 0.0
		for i := lo; i < hi; i++ {
			for r := o.start[i]; r < o.start[i+1]; r++ {
				j := o.index[r]
				dx, dy := y[2*i]-y[2*j], y[2*i+1]-y[2*j+1]
				sum += o.p[r] * math.Log1p(dx*dx+dy*dy)
			}
		}
		return sum
	})
	return o.entropy + pull + math.Log(z), err
}

// normaliser returns the exact Z, pair by pair.
func (o *objective) normaliser(ctx context.Context, y []float64) (float64, error) {
	const size = 32
	n := len(y) / 2
	var done atomic.Int64
	return o.sum(ctx, n, size, func(lo, hi int) float64 {
		total := 0.0
		for i := lo; i < hi; i++ {
			sum := 0.0
			for j := i + 1; j < n; j++ {
				dx, dy := y[2*i]-y[2*j], y[2*i+1]-y[2*j+1]
				sum += 1 / (1 + dx*dx + dy*dy)
			}
			total += 2 * sum
		}
		progress.Report(ctx, "t-SNE: divergence", int(done.Add(int64(hi-lo))), n)
		return total
	})
}

package project

import (
	"cmp"
	"context"
	"slices"
	"sync/atomic"

	"github.com/whybook/whybook/xai/internal/gemm"
	"github.com/whybook/whybook/xai/internal/parallel"
	"github.com/whybook/whybook/xai/progress"
)

// nearest finds for each of the m rows of a the k nearest of the n rows of b by Euclidean
// distance, nearest first, the lower index first where distances tie; with self, a and b
// are the same rows and none is its own neighbour. It returns m x k indices and squared
// distances.
//
// Distances come from a matrix product, whose rounding errors could swap neighbours: all
// candidates within a bound of these errors are measured again by their differences.
func nearest(ctx context.Context, a, b []float64, d, k int, self bool) (index []int32, squares []float64, err error) {
	const size = 64
	type neighbour struct {
		index  int32
		square float64
	}
	m, n := len(a)/d, len(b)/d
	aa, bb := lengths(a, d), lengths(b, d)
	longest := slices.Max(bb)
	index, squares = make([]int32, m*k), make([]float64, m*k)
	var done atomic.Int64
	err = parallel.Blocks(ctx, m, size, func(lo, hi int) error {
		rows := make([]float64, (hi-lo)*n)
		gemm.DGEMM(false, true, hi-lo, n, d, -2, a[lo*d:], d, b, d, 0, rows, n)
		smallest := make([]float64, 0, 2*k)
		var near []neighbour
		for i := lo; i < hi; i++ {
			row := rows[(i-lo)*n:][:n]
			smallest = smallest[:0]
			limit := 0.0 // the k-th smallest so far
			for j, bj := range bb {
				row[j] += aa[i] + bj
				if self && j == i || len(smallest) >= k && row[j] >= limit {
					continue
				}
				smallest = append(smallest, row[j])
				if len(smallest) == k || len(smallest) == 2*k {
					slices.Sort(smallest)
					smallest, limit = smallest[:k], smallest[k-1]
				}
			}
			slices.Sort(smallest)
			limit = smallest[k-1] + 8*float64(d+4)*epsilon*(aa[i]+longest)
			near = near[:0]
			for j, v := range row {
				if v <= limit && !(self && j == i) {
					near = append(near, neighbour{int32(j), square(a[i*d:][:d], b[j*d:][:d])})
				}
			}
			slices.SortFunc(near, func(x, y neighbour) int {
				return cmp.Or(cmp.Compare(x.square, y.square), cmp.Compare(x.index, y.index))
			})
			for r, nb := range near[:k] {
				index[i*k+r], squares[i*k+r] = nb.index, nb.square
			}
		}
		progress.Report(ctx, "t-SNE: neighbours", int(done.Add(int64(hi-lo))), m)
		return nil
	})
	return index, squares, err
}

// lengths returns the squared length of each row of d values.
func lengths(x []float64, d int) []float64 {
	s := make([]float64, len(x)/d)
	for i := range s {
		for _, v := range x[i*d:][:d] {
			s[i] += v * v
		}
	}
	return s
}

// square returns the squared distance of two points.
func square(x, y []float64) float64 {
	sum := 0.0
	for j, v := range x {
		sum += (v - y[j]) * (v - y[j])
	}
	return sum
}

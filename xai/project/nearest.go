package project

import (
	"context"

	"github.com/whybook/whybook/xai/neighbors"
	"gonum.org/v1/gonum/mat"
)

// nearest finds for each of the m rows of a the k nearest of the n rows of b by Euclidean
// distance, the lower index first where distances tie; with self, a and b are the same rows
// and none is its own neighbour. It returns m x k indices and squared distances, in the order
// of these.
func nearest(ctx context.Context, a, b []float64, d, k int, self bool) (index []int32, squares []float64, err error) {
	ix, err := neighbors.New(mat.NewDense(len(b)/d, d, b), neighbors.Options{})
	if err != nil {
		return nil, nil, err
	}
	var lists neighbors.Lists
	if self {
		lists, err = ix.Nearest(ctx, k)
	} else {
		lists, err = ix.Query(ctx, mat.NewDense(len(a)/d, d, a), k)
	}
	if err != nil {
		return nil, nil, err
	}
	index, squares = make([]int32, len(lists.Index)), make([]float64, len(lists.Index))
	for i := range lists.Len() {
		x := a[i*d:][:d]
		near, _ := lists.At(i)
		index, squares := index[i*k:][:k], squares[i*k:][:k]
		for r, j := range near {
			// Squares are computed anew: of a distance's rounded root they would be rounded
			// twice. Where two roots tie and the squares do not, they change places.
			s := square(x, b[j*d:][:d])
			for ; r > 0 && squares[r-1] > s; r-- {
				index[r], squares[r] = index[r-1], squares[r-1]
			}
			index[r], squares[r] = int32(j), s
		}
	}
	return index, squares, nil
}

// square returns the squared distance of two points.
func square(x, y []float64) float64 {
	sum := 0.0
	for j, v := range x {
		sum += (v - y[j]) * (v - y[j])
	}
	return sum
}

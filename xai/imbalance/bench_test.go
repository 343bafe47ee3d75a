package imbalance

import (
	"fmt"
	"testing"

	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/mat"
)

// blobs makes n rows of d features in k overlapping classes whose sizes fall from the first to the
// last; apart is the distance between neighbouring centres in deviations.
func blobs(n, d, k int, apart float64) (*mat.Dense, []int) {
	r := seed.Stream(1, "blobs", n, d, k)
	x, y := mat.NewDense(n, d, nil), make([]int, n)
	for i := range n {
		c := 0
		for c < k-1 && r.IntN(2) == 0 {
			c++
		}
		if i < 3*k {
			c = i % k // some of each
		}
		y[i] = c
		for f := range d {
			x.Set(i, f, r.NormFloat64())
		}
		x.Set(i, 0, x.At(i, 0)+apart*float64(c))
		x.Set(i, d-1, x.At(i, d-1)+apart*float64(c*c)/2)
	}
	return x, y
}

// BenchmarkComplexity has the sizes of docs/benchmarks/complexity.py: the whole table.
func BenchmarkComplexity(b *testing.B) {
	for _, n := range []int{250, 500, 1000, 2000, 4000} {
		for _, c := range []Convention{ECoL, PyMFE, Problexity, DCoL} {
			b.Run(fmt.Sprintf("%v/%dx20", c, n), func(b *testing.B) {
				x, y := blobs(n, 20, 3, 1.5)
				b.ReportAllocs()
				for b.Loop() {
					if _, err := (Complexity{Convention: c}).Measure(b.Context(), x, y); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

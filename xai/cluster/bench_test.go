package cluster

import (
	"testing"

	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/mat"
)

// overlapping are normal clusters in d dimensions that touch each other.
func overlapping(n, d, k int) *mat.Dense {
	r := seed.Stream(1, "overlapping")
	centres, x := make([]float64, k*d), mat.NewDense(n, d, nil)
	for i := range centres {
		centres[i] = r.NormFloat64()
	}
	for i := range n {
		c := r.IntN(k)
		for j := range d {
			x.Set(i, j, centres[c*d+j]+2*r.NormFloat64())
		}
	}
	return x
}

// BenchmarkKMeans is 10,000 x 128, 10 clusters, 10 restarts.
func BenchmarkKMeans(b *testing.B) {
	for name, x := range map[string]*mat.Dense{"clusters": overlapping(10000, 128, 10), "noise": overlapping(10000, 128, 1)} {
		b.Run(name, func(b *testing.B) {
			var m *Means
			for b.Loop() {
				var err error
				if m, err = (KMeans{K: 10}).Fit(b.Context(), x); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(m.Inertia, "inertia")
			b.ReportMetric(float64(len(m.Objective)), "iterations")
		})
	}
}

package neighbors

import (
	"fmt"
	"testing"

	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/mat"
)

// embeddings are like the features that the package searches in a network: non-negative,
// with some structure.
func embeddings(n, d int) *mat.Dense {
	r := seed.Stream(7, "embeddings")
	centres := fill(10, d, func(int, int) float64 { return r.ExpFloat64() })
	return fill(n, d, func(i, j int) float64 { return max(0, centres.At(i%10, j)+r.NormFloat64()/2) })
}

func benchmarkNearest(b *testing.B, n, d int, o Options) {
	x := embeddings(n, d)
	for b.Loop() {
		ix, err := New(x, o)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := ix.Nearest(b.Context(), 5); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkNearest has the sizes of docs/benchmarks/neighbors.py.
func BenchmarkNearest(b *testing.B) {
	for _, s := range []struct{ n, d int }{{1000, 64}, {3100, 64}, {12406, 64}, {25000, 64}, {50000, 64}, {12406, 784}} {
		b.Run(fmt.Sprintf("%dx%d", s.n, s.d), func(b *testing.B) {
			b.ReportAllocs()
			benchmarkNearest(b, s.n, s.d, Options{})
		})
	}
}

// BenchmarkMethods is what Auto was decided by.
func BenchmarkMethods(b *testing.B) {
	for _, n := range []int{1000, 4000, 16000} {
		for _, d := range []int{2, 4, 6, 8, 10} {
			for _, m := range []Metric{Euclidean, Manhattan} {
				for _, method := range methods(m) {
					b.Run(fmt.Sprintf("%v/%dx%d/%v", m, n, d, method), func(b *testing.B) {
						benchmarkNearest(b, n, d, Options{Metric: m, Method: method})
					})
				}
			}
		}
	}
}

func BenchmarkEnemies(b *testing.B) {
	labels := make([]int, 12406)
	for i := range labels {
		labels[i] = i % 10
	}
	ix := index(b, embeddings(12406, 64), Options{})
	for b.Loop() {
		if _, err := ix.Enemies(b.Context(), labels, 1); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSpanningTree(b *testing.B) {
	for _, s := range []struct{ n, d int }{{1000, 64}, {4000, 64}, {12406, 64}, {4000, 4}} {
		for _, method := range []Method{Products, Loop} {
			b.Run(fmt.Sprintf("%dx%d/%v", s.n, s.d, method), func(b *testing.B) {
				ix := index(b, embeddings(s.n, s.d), Options{Method: method})
				for b.Loop() {
					if _, err := ix.SpanningTree(b.Context()); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

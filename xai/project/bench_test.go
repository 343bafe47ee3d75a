package project

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// folder names the environment variable by which docs/benchmarks/project.py passes its
// data: float64 values in the files pca.f64 and tsne.f64, row by row, with the number of
// columns in the file's first eight bytes. Positions are written to y.f64.
const folder = "WHYBOOK_PROJECT_BENCH"

// benchData returns the benchmark's rows, or groups of so many by default.
func benchData(b *testing.B, name string, n, d int) *mat.Dense {
	b.Helper()
	dir := os.Getenv(folder)
	if dir == "" {
		x, _ := blobs(1, n, d, 10)
		return x
	}
	raw, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		b.Fatal(err)
	}
	d = int(binary.LittleEndian.Uint64(raw))
	values := make([]float64, len(raw)/8-1)
	for i := range values {
		values[i] = math.Float64frombits(binary.LittleEndian.Uint64(raw[8*(i+1):]))
	}
	return mat.NewDense(len(values)/d, d, values)
}

// BenchmarkPCA is 50 components and the coordinates of all rows.
func BenchmarkPCA(b *testing.B) {
	x := benchData(b, "pca.f64", 5000, 784)
	for b.Loop() {
		basis, err := PCA{}.Fit(ctx, x)
		if err == nil {
			_, err = basis.Transform(x)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTSNE(b *testing.B) {
	x := benchData(b, "tsne.f64", 2000, 50)
	var e Embedding
	for b.Loop() {
		var err error
		if e, err = (TSNE{}).Embed(ctx, x); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(e.KL, "nats")
	if dir := os.Getenv(folder); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, "y.f64"), []byte(bits(e.Y)), 0o666); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkGradient is one step, for points as they lie in the end.
func BenchmarkGradient(b *testing.B) {
	for _, n := range []int{2000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			x, _ := blobs(1, n, 10, 20)
			data := x.RawMatrix().Data
			index, squares, err := nearest(ctx, data, data, 10, 90, true)
			if err != nil {
				b.Fatal(err)
			}
			p, _, err := conditional(ctx, squares, 90, 30)
			if err != nil {
				b.Fatal(err)
			}
			o := newObjective(symmetric(index, p, 90), 0.5)
			y, _ := blobs(2, n, 2, 20)
			grad := make([]float64, 2*n)
			for b.Loop() {
				if _, err := o.gradient(ctx, grad, y.RawMatrix().Data, 1); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

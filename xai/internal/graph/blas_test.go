package graph

import (
	"math"
	"testing"

	"github.com/whybook/whybook/xai/internal/gemm"
	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// TestBLASIsInstalled: gonum and gorgonia multiply with our kernels, and rightly.
func TestBLASIsInstalled(t *testing.T) {
	if gemm.Best().String() == "go" {
		t.Skip("this processor has no fast kernel")
	}
	for name, b := range map[string]any{
		"blas32": blas32.Implementation(), "blas64": blas64.Implementation(),
		"gorgonia": gorgonia.WhichBLAS(), "tensor": tensor.WhichBLAS(),
	} {
		if _, ours := b.(gemm.BLAS); !ours {
			t.Errorf("%s uses %T", name, b)
		}
	}
	r := seed.Stream(1, "blas")
	const n = 70
	a, b := mat.NewDense(n, n, nil), mat.NewDense(n, n, nil)
	for i := range n {
		for j := range n {
			a.Set(i, j, r.NormFloat64())
			b.Set(i, j, r.NormFloat64())
		}
	}
	var c mat.Dense
	c.Mul(a.T(), b)
	for i := range n {
		for j := range n {
			var want float64
			for k := range n {
				want += a.At(k, i) * b.At(k, j)
			}
			if math.Abs(c.At(i, j)-want) > 1e-12*n {
				t.Fatalf("product at %d, %d is %v, want %v", i, j, c.At(i, j), want)
			}
		}
	}
}

package gemm_test

import (
	"fmt"

	"gonum.org/v1/gonum/blas/blas32"

	"github.com/whybook/whybook/xai/internal/gemm"
)

func ExampleSGEMM() {
	a := []float32{ // 2 x 3
		1, 2, 3,
		4, 5, 6,
	}
	b := []float32{ // 2 x 3, used as 3 x 2
		1, 0, 1,
		0, 1, 0,
	}
	c := make([]float32, 4)
	gemm.SGEMM(false, true, 2, 2, 3, 1, a, 3, b, 3, 0, c, 2)
	fmt.Println(c)
	// Output: [4 2 10 5]
}

func ExampleKernel_Parallel() {
	kn := gemm.Kernels()[len(gemm.Kernels())-1] // the one that every machine has
	fmt.Println(kn, "and", kn.Parallel(2))
	// Output: go and go x 2
}

func ExampleBLAS() {
	blas32.Use(gemm.BLAS{Kernel: gemm.Best()})
	x := blas32.General{Rows: 2, Cols: 2, Stride: 2, Data: []float32{1, 1, 1, 0}}
	y := blas32.General{Rows: 2, Cols: 2, Stride: 2, Data: make([]float32, 4)}
	blas32.Gemm('N', 'N', 1, x, x, 0, y)
	fmt.Println(y.Data)
	// Output: [2 1 1 1]
}

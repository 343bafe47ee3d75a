package cluster_test

import (
	"context"
	"fmt"

	"github.com/whybook/whybook/xai/cluster"
	"gonum.org/v1/gonum/mat"
)

func ExampleKMeans() {
	x := mat.NewDense(6, 2, []float64{
		1, 1,
		1, 2,
		2, 1,
		8, 8,
		9, 8,
		8, 9,
	})
	c, err := cluster.KMeans{K: 2}.Fit(context.Background(), x)
	if err != nil {
		fmt.Println(err)
		return
	}
	agreement, err := cluster.AdjustedRand(c.Labels, []int{0, 0, 0, 1, 1, 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("sizes %v, inertia %.3f, agreement %g\n", c.Sizes, c.Inertia, agreement)
	// Output:
	// sizes [3 3], inertia 2.667, agreement 1
}

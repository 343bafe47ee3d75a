package neighbors_test

import (
	"context"
	"fmt"

	"github.com/whybook/whybook/xai/neighbors"
	"gonum.org/v1/gonum/mat"
)

func Example() {
	x := mat.NewDense(5, 2, []float64{
		0, 0,
		0, 1,
		3, 4,
		3, 5,
		0, 0, // as row 0
	})
	ix, err := neighbors.New(x, neighbors.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	near, err := ix.Nearest(ctx, 2)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(near.At(0))
	enemies, err := ix.Enemies(ctx, []int{0, 0, 1, 1, 1}, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(enemies.At(2))
	tree, err := ix.SpanningTree(ctx)
	fmt.Println(tree, err)
	// Output:
	// [4 1] [0 1]
	// [1] [4.242640687119285]
	// [{0 4 0} {0 1 1} {1 2 4.242640687119285} {2 3 1}] <nil>
}

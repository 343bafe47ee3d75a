package tree_test

import (
	"context"
	"fmt"

	"github.com/whybook/whybook/xai/tree"
	"gonum.org/v1/gonum/mat"
)

// Who may enter: a tree of two tests, and the way of one row through it.
func ExampleCART() {
	ctx := context.Background()
	x := mat.NewDense(6, 2, []float64{ // age, tickets
		12, 1,
		15, 1,
		30, 0,
		41, 1,
		25, 2,
		19, 0,
	})
	enters := []int{0, 0, 0, 1, 1, 0}
	t, err := tree.CART{MaxDepth: 2}.Classify(ctx, x, enters, 2)
	if err != nil {
		fmt.Println(err)
		return
	}
	path, leaf, err := t.Path([]float64{33, 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, test := range path {
		fmt.Println(test)
	}
	fmt.Println("class", t.Nodes()[leaf].Class(), "of", t.Leaves(), "leaves")
	// Output:
	// x0 = 33 > 22
	// x1 = 1 > 0.5
	// class 1 of 3 leaves
}

package forest_test

import (
	"context"
	"fmt"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/forest"
	"github.com/whybook/whybook/xai/tree"
)

// A forest on pixels that stay bytes, and what it can do on digits it was not grown on.
func ExampleRandom() {
	ctx := context.Background()
	train, err := datasets.MNIST().Train().Take(1000).Build(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	x := tree.Bytes{Rows: train.Len(), Cols: train.Shape.Size(), Data: train.Pixels}
	f, err := forest.Random{Trees: 30}.Classify(ctx, x, train.Labels, len(train.Classes))
	if err != nil {
		fmt.Println(err)
		return
	}
	bag, err := f.OutOfBag(ctx, x, train.Labels)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(f.Len(), "trees, more than 80 % right out of the bag:", bag.Score > 0.8)
	// Output:
	// 30 trees, more than 80 % right out of the bag: true
}

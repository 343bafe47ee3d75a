package flint_test

import (
	"context"
	"fmt"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/flint"
	"github.com/whybook/whybook/xai/nn"
)

// A small network is trained together with its interpretation; then the attributes of a class,
// and why one digit is what it is.
func Example() {
	ctx := context.Background()
	digits := datasets.MNIST().Train().Take(300)
	arch := nn.Image(datasets.Shape{Channels: 1, Height: 28, Width: 28}).
		Then(nn.Conv{Filters: 4, Kernel: 3, Stride: 2, Pad: 1}).ReLU().Named("maps").Dense(16).ReLU().Dense(10)
	training := flint.Training()
	training.Epochs, training.Optimizer = 25, nn.Adam{Rate: 3e-3}
	in, err := flint.Of(arch).Hidden("maps").Attributes(12).Maps(8).Fit(digits, training).Build(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	e, err := in.Evaluate(ctx, digits)
	if err != nil {
		fmt.Println(err)
		return
	}
	global, err := in.Global(ctx, digits, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	local, err := in.Local(ctx, e.Set.At(0))
	if err != nil {
		fmt.Println(err)
		return
	}
	classes, attributes := global.R.Dims()
	fmt.Printf("g says what f says of most digits: %v\n", e.Fidelity > 0.7)
	fmt.Printf("relevances of %d attributes to %d classes; %d of one digit, the largest %.0f\n", attributes, classes, len(local.R), local.R[local.Order[0]])
	// Output:
	// g says what f says of most digits: true
	// relevances of 12 attributes to 10 classes; 12 of one digit, the largest 1
}

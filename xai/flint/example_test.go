package flint_test

import (
	"context"
	"fmt"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/flint"
	"github.com/whybook/whybook/xai/nn"
	"gonum.org/v1/gonum/mat"
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

// Which attributes classes use depends on the threshold. Of these two classes each has an attribute
// of its own, and they share one that is weaker.
func ExampleGlobal_UseView() {
	g := &flint.Global{
		Classes: []string{"cow", "dog"}, Samples: []int{510, 510},
		R: mat.NewDense(2, 4, []float64{
			1, 0.3, 0, 0,
			0, 0.4, 0.9, 0,
		}),
	}
	fmt.Print(g.UseView(1.5, 5).Text())
	// Output:
	// Which attributes classes use, by threshold
	// ==========================================
	// tau  relevance above  pairs  fewest of a class  most of a class  shared attributes  unused attributes
	// -----------------------------------------------------------------------------------------------------
	// 1.5           0.6667      2                  1                1                  0                  2
	// 5.0           0.2000      4                  2                2                  1                  1
	// A pair is a class and an attribute that is relevant to it; an attribute is
	// shared that several classes have, and unused that none has.
}

// A slider over the relevances of one decision; where no script runs, the text has what it would say.
func ExampleLocal_ThresholdView() {
	l := &flint.Local{Classes: []string{"cow", "dog"}, Interpreted: 1, R: []float64{0, 0.4, 1, -0.3}, Order: []int{2, 1, 0, 3}}
	l.Sample.X = []float64{0}
	fmt.Print(l.ThresholdView(5).Text())
	// Output:
	// Relevance to dog
	// ================
	//              relevance r
	// ------------------------
	// attribute 2          1.0
	// attribute 1          0.4
	// attribute 0          0.0
	// attribute 3         -0.3
	// 2 of 4 bars with relevance r ≥ 0.2 carry 100 % of the sum of positive values; 2
	// of 4 bars with relevance r ≥ 0.25 carry 100 % of the sum of positive values; 1
	// of 4 bars with relevance r ≥ 0.5 carry 71 % of the sum of positive values; 1 of
	// 4 bars with relevance r ≥ 0.75 carry 71 % of the sum of positive values.
}

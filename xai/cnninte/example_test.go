package cnninte_test

import (
	"context"
	"fmt"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/cnninte"
	"github.com/whybook/whybook/xai/nn"
)

// How the first dense layer of a small network leads to digits, and how far the tree that says
// so can be trusted.
func Example() {
	ctx := context.Background()
	digits, unseen := datasets.MNIST().Train().Take(1000), datasets.MNIST().Test().Take(300)
	arch := nn.Image(datasets.Shape{Channels: 1, Height: 28, Width: 28}).Conv(6, 5).ReLU().MaxPool(2).Dense(128).ReLU().Dense(10)
	net, err := arch.Fit(digits, nn.Training{Epochs: 3, Seed: 7}).Build(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	in, err := cnninte.Of(net).Layer("fc1").Factors(3).Clusters(5).Trees(20).Depth(8).On(digits).Build(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	tested, err := in.Test(ctx, unseen)
	if err != nil {
		fmt.Println(err)
		return
	}
	q := tested.Quality()
	low, _ := q.Fidelity.Interval()
	fmt.Println(in.Reading)
	fmt.Printf("%d factors; fidelity above a half: %v\n", len(in.Factors), low > 0.5)
	// Output:
	// layer "fc1" after its rectifier "relu2", 128 neurons
	// 3 factors; fidelity above a half: true
}

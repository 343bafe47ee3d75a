package nn_test

import (
	"bytes"
	"context"
	"fmt"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/nn"
)

// An architecture is a chain; each step shows its output.
func ExampleArch() {
	arch := nn.Image(datasets.Shape{Channels: 1, Height: 28, Width: 28}).
		Conv(8, 5).ReLU().MaxPool(2).
		Dense(10)
	for _, l := range arch.Layers() {
		fmt.Printf("%s: %v, %d weights\n", l.Name, l.Output, l.Params)
	}
	_, err := arch.MaxPool(2).Init(1)
	fmt.Println(err)
	// Output:
	// conv1: 8x28x28, 208 weights
	// relu1: 8x28x28, 0 weights
	// pool1: 8x14x14, 0 weights
	// fc1: 10x1x1, 15690 weights
	// nn.Arch.MaxPool(2): after 10x1x1: a 2x2 kernel is larger than its 1x1 input padded by 0, 0, 0, 0 (top, left, bottom, right): shape mismatch
}

// A residual block: the end of the chain is moved back and joined with the main branch.
func ExampleArch_Merge() {
	arch := nn.Image(datasets.Shape{Channels: 3, Height: 8, Width: 8}).
		Conv(16, 3).ReLU().Named("start").
		Conv(16, 3).BatchNorm().ReLU().Conv(16, 3).BatchNorm().Named("main").
		From("start").Merge(nn.Add{}, "main").ReLU().
		Then(nn.GlobalAvgPool{}).Named("gap").Dense(10)
	fmt.Println(arch.Err(), arch.Output())
	// Output: <nil> 10x1x1
}

// Train on data, measure on other data, save and read back.
func ExampleArch_Fit() {
	ctx := context.Background()
	train, test := datasets.Blobs(datasets.BlobOptions{Samples: 300, Classes: 3}).Seed(2).Split(0.8)
	set, err := train.Build(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	net, err := nn.Image(set.Shape).Dense(16).ReLU().Dense(3).Fit(set, nn.Training{Epochs: 20, Seed: 1, Optimizer: nn.Adam{Rate: 0.01}}).Build(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	eval, err := net.Evaluate(ctx, test)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("more than 9 of 10 right:", eval.Accuracy > 0.9)

	var file bytes.Buffer
	if err := net.Save(&file); err != nil {
		fmt.Println(err)
		return
	}
	again, err := nn.Load(&file)
	fmt.Println("read back:", err == nil && again.Fingerprint() == net.Fingerprint())
	// Output:
	// more than 9 of 10 right: true
	// read back: true
}

// Before explanations of a model of your own, check its gradients.
func ExampleNet_Verify() {
	net, err := nn.Image(datasets.Shape{Channels: 1, Height: 6, Width: 6}).Conv(3, 3).ReLU().Dense(2).Init(1)
	if err != nil {
		fmt.Println(err)
		return
	}
	set := datasets.Set{
		Name: "noise", Shape: net.Arch().Input(), Classes: []string{"a", "b"}, Labels: []int{0, 1},
		Pixels: bytes.Repeat([]byte{10, 200, 90, 30, 250, 128}, 12),
	}
	verdict, err := net.Verify(context.Background(), set.Batch(nil, nil))
	fmt.Println(err, verdict.OK, verdict.Layers)
	// Output: <nil> true [1 conv 1 relu 1 fc]
}

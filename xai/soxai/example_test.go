package soxai_test

import (
	"context"
	"fmt"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/nn"
	"github.com/whybook/whybook/xai/saliency"
	"github.com/whybook/whybook/xai/soxai"
)

// From a network and its training images to concepts, and to a person's verdict.
func ExampleOf() {
	ctx := context.Background()
	set := squares(60)
	net, err := nn.Image(set.Shape).Conv(4, 3).ReLU().MaxPool(2).Dense(2).Fit(set, nn.Training{Epochs: 30, Seed: 1, Optimizer: nn.Adam{Rate: 0.01}}).Build(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	atlas, err := soxai.Of(net, set).With(saliency.IntegratedGradients{}).At("relu1").Concepts(2, 2).Build(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(atlas.Regions), "regions in", len(atlas.Concepts), "concepts")
	atlas, err = atlas.Name(0, "square")
	if err != nil {
		fmt.Println(err)
		return
	}
	atlas, err = atlas.Confirm("square", soxai.Relevant, "A. Reader")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("square is", atlas.Concepts[0].Judgement.Verdict)
	// Output:
	// 60 regions in 2 concepts
	// square is relevant
}

// A concept that was found irrelevant is masked in the training set, and the network trained
// again from the same initial weights, beside a control.
func ExampleTrial() {
	arch := nn.Image(datasets.Shape{Channels: 1, Height: 8, Width: 8}).Conv(4, 3).ReLU().Dense(2)
	trial := soxai.Trial{
		Retrain: func(ctx context.Context, set datasets.Set, seed uint64) (xai.Scorer, error) {
			return arch.Fit(set, nn.Training{Epochs: 5, Seed: seed}).Build(ctx)
		},
		Test:    squares(20),
		Actions: []soxai.Action{soxai.Mask{}, soxai.Swap{}},
	}
	_, err := trial.Run(context.Background(), soxai.Recipe{}, soxai.Atlas{}, "tag")
	fmt.Println(err)
	// Output: soxai: a recipe starts with soxai.Of(model, data)
}

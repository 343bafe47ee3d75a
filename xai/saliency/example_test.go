package saliency_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/nn"
	"github.com/whybook/whybook/xai/saliency"
)

// A table of three columns, a network, and why it answers as it does.
func ExampleOf() {
	ctx := context.Background()
	x := datasets.Sample{
		Shape:   datasets.Shape{Channels: 1, Height: 1, Width: 3},
		X:       []float64{0.2, 0.9, 0.5},
		Classes: []string{"no", "yes"}, Columns: []string{"age", "dose", "weight"},
	}
	net, err := nn.Image(x.Shape).Dense(8).ReLU().Dense(2).Init(1)
	if err != nil {
		fmt.Println(err)
		return
	}
	m, err := saliency.Of(net, x).With(saliency.IntegratedGradients{Steps: 100}).Target(1).Explain(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(m.Provenance.Method, "for", m.ClassName(m.Target))
	fmt.Println("values:", len(m.Values), "- adds up within a percent:", m.Report.Completeness[0].Relative() < 0.01)
	// Output:
	// saliency.IntegratedGradients{Steps: 100} for yes
	// values: 3 - adds up within a percent: true
}

// Layer-wise relevance propagation hands the score down to the image; what is explained may
// also be a margin between two classes, or a hidden unit, and where may be a layer.
func ExampleRecipe_Toward() {
	ctx := context.Background()
	shape := datasets.Shape{Channels: 1, Height: 6, Width: 6}
	net, err := nn.Image(shape).Conv(4, 3).ReLU().MaxPool(2).Dense(3).Init(1)
	if err != nil {
		fmt.Println(err)
		return
	}
	x := datasets.Sample{Shape: shape, X: make([]float64, 36), Classes: []string{"cat", "dog", "cow"}}
	for i := range x.X {
		x.X[i] = float64(i%7) / 6
	}
	for _, r := range []saliency.Recipe{
		saliency.Of(net, x).With(saliency.LRP{}).Target(1),
		saliency.Of(net, x).With(saliency.LRP{}).Toward(saliency.Contrast{Class: 1, Over: 2}),
		saliency.Of(net, x).With(saliency.GuidedBackprop{}).Toward(saliency.Channel{Layer: "conv1", Index: 3}),
		saliency.Of(net, x).With(saliency.IntegratedGradients{}).At("pool1"),
	} {
		m, err := r.Explain(ctx)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(m.Method, "for", m.ClassName(m.Target), "-", m.Shape)
	}
	// Output:
	// LRP for dog - 1x6x6
	// LRP for margin of dog over cow - 1x6x6
	// Guided backpropagation for channel 3 of conv1 - 1x6x6
	// Integrated gradients for dog - 4x3x3
}

// A map goes to a file, comes back, and is made again with the same bits.
func ExampleReplay() {
	ctx := context.Background()
	shape := datasets.Shape{Channels: 1, Height: 1, Width: 3}
	net, err := nn.Image(shape).Dense(8).ReLU().Dense(2).Init(1)
	if err != nil {
		fmt.Println(err)
		return
	}
	x := datasets.Sample{Shape: shape, X: []float64{0.2, 0.9, 0.5}, Columns: []string{"age", "dose", "weight"}}
	m, err := saliency.Of(net, x).With(saliency.Smooth{Samples: 10}).Explain(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	var file bytes.Buffer
	if err := m.Save(&file); err != nil {
		fmt.Println(err)
		return
	}
	stored, err := saliency.Load(&file)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = saliency.Replay(ctx, net, stored)
	fmt.Println("the same network:", err)

	other, err := net.Arch().Init(2)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = saliency.Replay(ctx, other, stored)
	fmt.Println("another network is noticed:", errors.Is(err, saliency.ErrReplay))
	// Output:
	// the same network: <nil>
	// another network is noticed: true
}

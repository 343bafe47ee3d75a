package saliency_test

import (
	"context"
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

package kernelext_test

import (
	"os"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/kernelext"
	"github.com/whybook/whybook/xai/nn"
	"github.com/whybook/whybook/xai/saliency"
)

// digits and net are what the first cell of a notebook declares.
func digits() datasets.Set { return kernelext.Build(datasets.MNIST().Train().Take(300)) }
func net() *nn.Net {
	return kernelext.Build(nn.LeNet(digits().Shape, 10).Fit(digits(), nn.Training{Epochs: 1, Seed: 7}))
}

// The body of a cell, after %%.
func Example() {
	x := digits().At(85)
	kernelext.Show(x,
		saliency.Of(net(), x),
		saliency.Of(net(), x).With(saliency.IntegratedGradients{}).Target(3))
}

// Outside a notebook, Show prints text.
func ExampleShow() {
	kernelext.Show("twelve of", 12)
	// Output:
	// twelve of
	// 12
}

// Must ends the cell on an error, with the message in its output.
func ExampleMust() {
	text := kernelext.Must(os.ReadFile("doc.go"))
	kernelext.Show(len(text) > 100)
	// Output: true
}

// Text in its place among figures.
func ExamplePrintf() {
	kernelext.Printf("%d of %d", 3, 4)
	// Output: 3 of 4
}

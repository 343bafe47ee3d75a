package flint

import (
	"fmt"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/nn"
)

// Preset is what the authors use for one data set: networks, dictionary, weights and training.
type Preset struct {
	Name     string
	Recipe   Recipe
	Training nn.Training
}

// Presets names those of Paper.
func Presets() []string { return []string{"mnist", "fashion-mnist", "cifar-10", "quickdraw"} }

// Paper returns the authors' settings for "mnist", "fashion-mnist", "cifar-10" or "quickdraw".
// Another name is an error that Fit returns. For CIFAR-10 the authors start a new optimiser at
// epoch 19, with a smaller rate; here the rate falls and its memory stays.
//
//	p := flint.Paper("mnist")
//	in, err := p.Recipe.Fit(digits, p.Training).Build(ctx)
func Paper(name string) Preset {
	p := Preset{Name: name, Training: Training()}
	ends := []string{"layer3.1", "layer4.0"} // the 13th and the 15th convolution
	switch name {
	case "mnist", "fashion-mnist":
		p.Recipe = Of(SmallNet(shape{Channels: 1, Height: 28, Width: 28}, 10)).Hidden(hiddenName).Attributes(25)
	case "quickdraw":
		p.Training.Batch = 64
		p.Recipe = Of(nn.ResNet18Plain(shape{Channels: 1, Height: 28, Width: 28}, 10, 64)).Hidden(ends...).Attributes(24).
			Decoder(Decoder{Seed: 2, Mid: 4, Last: 8, Dense: true}).
			Weights(Weights{Rebuild: []float64{5}, Follow: []float64{0, 0, 0.1}, Sparse: []float64{0, 0.02, 0.3}, Entropy: []float64{0, 0, 0, 0.1}, Diversity: 1})
	case "cifar-10":
		p.Training = nn.Training{Epochs: 25, Batch: 64, Init: nn.FanInUniform, Optimizer: nn.Adam{Rate: 1e-4}, Schedule: nn.Steps{At: []int{18}, Factors: []float64{0.4}}, Augment: nn.CropFlip{Pad: 2}}
		f := CIFARNet(64)
		p.Recipe = Of(f).Hidden(ends...).Attributes(36).
			Decoder(Decoder{Seed: 10, Mid: 24, Last: 8, Dense: true, Linear: true}).
			Rebuild(f.Layers()[0].Name, true).
			Weights(Weights{Rebuild: []float64{2}, Follow: []float64{0, 0, 0.6}, Sparse: []float64{0, 0.001, 0.15}, Entropy: []float64{0, 0, 0, 0.2}, Diversity: 1})
	default:
		p.Recipe.err = xai.Stepf(fmt.Sprintf("flint.Paper(%q)", name), "there are %q", Presets())
	}
	return p
}

const hiddenName = "hidden"

// SmallNet is the authors' network for MNIST and Fashion-MNIST: two 3x3 convolutions of 16 and
// 32 filters, max-pooling, dropout, the layer "hidden" of 32 maps, and dense layers of 128
// and classes units.
func SmallNet(image datasets.Shape, classes int) nn.Arch {
	return nn.Image(image).
		Conv(16, 3).ReLU().
		Conv(32, 3).MaxPool(2).Dropout(0.5).ReLU().Named(hiddenName).
		Dense(128).ReLU().Dropout(0.5).
		Dense(classes)
}

// CIFARNet is the authors' network for CIFAR-10, nn.ResNet18Plain, with their normalisation
// first. Their width is 64; with a smaller one it is their preset made smaller:
//
//	p := flint.Paper("cifar-10")
//	in, err := p.Recipe.Network(flint.CIFARNet(16)).Fit(images, p.Training).Build(ctx)
func CIFARNet(width int) nn.Arch {
	return nn.ResNet18Plain(shape{Channels: 3, Height: 32, Width: 32}, 10, width).
		Normalized([]float64{.4914, .4822, .4465}, []float64{.247, .243, .261})
}

package main

import (
	"path/filepath"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/flint"
	"github.com/whybook/whybook/xai/nn"
)

// smallName is CIFAR-10 with small's settings.
const smallName = "cifar-10-small"

// hidden are the layers of the small f that Psi reads: the last of 8x8 maps and that of 4x4.
var hidden = [...]string{"hidden8", "hidden4"}

// smallNet returns six normalised convolutions, three of them pooled, and two dense layers.
func smallNet() nn.Arch {
	f := nn.Image(datasets.Shape{Channels: 3, Height: 32, Width: 32}).Normalized([]float64{.4914, .4822, .4465}, []float64{.247, .243, .261})
	for _, l := range []struct {
		filters int
		pool    bool
		name    string
	}{{32, true, "maps1"}, {48, false, "maps2"}, {48, true, "maps3"}, {96, false, "maps4"}, {96, false, hidden[0]}, {128, true, hidden[1]}} {
		f = f.Then(nn.Conv{Filters: l.filters, Kernel: 3, Pad: 1, NoBias: true}).BatchNorm()
		if l.pool {
			f = f.MaxPool(2)
		}
		f = f.ReLU().Named(l.name)
	}
	return f.Dense(128).ReLU().Dropout(0.3).Dense(10)
}

// small returns settings for CIFAR-10 that fit half an hour on one processor. J, the weights of
// the loss, batches and crops are the paper's. f is smallNet and not a ResNet-18 without
// normalisation, so that ten times the paper's rate does, and 15 epochs instead of 25; d ends in
// its second transposed convolution, since the dense layer after it has 25 million weights.
func small() flint.Preset {
	p, f := flint.Paper("cifar-10"), smallNet()
	s := p.Recipe.Settings()
	p.Recipe = flint.Of(f).Hidden(hidden[:]...).Attributes(s.Attributes).
		Decoder(flint.Decoder{Seed: s.Decoder.Seed, Mid: s.Decoder.Mid, Linear: true}).
		Rebuild(f.Layers()[0].Name, s.Absolute).Weights(s.Weights)
	p.Training.Epochs, p.Training.Optimizer = 15, nn.Adam{Rate: 1e-3}
	p.Training.Schedule = nn.Steps{At: []int{12}, Factors: []float64{0.1}}
	return p
}

// cifar reads CIFAR-10 from a folder that holds it as a zip of images to train with, and as
// decoded images to test with.
func cifar(from string) (train, test datasets.Source) {
	return datasets.File(filepath.Join(from, "cifar10-jpeg.zip"), datasets.Images{Dir: "train"}),
		datasets.File(filepath.Join(from, "cifar10-test.bin.gz"), datasets.CIFAR10{})
}

package nn

import (
	"fmt"

	"github.com/whybook/whybook/datasets"
)

// Layer is one kind of layer with its settings. The implementations are the structs of
// this package.
type Layer interface {
	kind() string // the name in files and the stem of automatic names

	// shape returns the output shape for the shapes of the inputs, or why the layer does
	// not fit them.
	shape(in []datasets.Shape) (datasets.Shape, error)

	// weights describes the layer's parameters for input shapes that fit.
	weights(in []datasets.Shape) []weight
}

// weight describes one parameter tensor. The engine sees it as a rows x cols matrix.
type weight struct {
	name   string // "weight", "bias": the suffix after the layer's name, as in PyTorch
	dims   []int  // as in PyTorch: out x in x K x K, out x in, out
	rows   int    // dims as a matrix
	cols   int
	start  float64 // mean of the initial values
	spread float64 // their standard deviation; 0 starts every value at start
	bound  float64 // if set, they are uniform within this distance of start instead
	state  bool    // follows the data (running statistics) and is not trained
}

// layers lists every kind of layer, to read them back from a file. A test goes through
// it and demands a gradient check for each.
func layers() []Layer {
	return []Layer{
		Conv{}, ConvTranspose{}, Dense{}, CosineDense{},
		MaxPool{}, AvgPool{}, AdaptiveAvgPool{}, GlobalAvgPool{},
		ReLU{}, LeakyReLU{}, Sigmoid{}, Tanh{}, Softmax{}, LogSoftmax{}, Clip{},
		BatchNorm{}, Normalize{}, Affine{}, Dropout{},
		Add{}, Sub{}, Mul{}, Div{}, Concat{},
		Slice{}, Pad{}, Gather{}, Upsample{},
	}
}

// bias describes a bias vector of n values.
func bias(n int) weight { return weight{name: "bias", dims: []int{n}, rows: 1, cols: n} }

// plain is embedded by layers without parameters.
type plain struct{}

func (plain) weights([]datasets.Shape) []weight { return nil }

// same is embedded by layers without parameters whose output has the shape of their one
// input.
type same struct{ plain }

func (same) shape(in []datasets.Shape) (datasets.Shape, error) { return one(in) }

// one returns the shape of the only input.
func one(in []datasets.Shape) (datasets.Shape, error) {
	if len(in) != 1 {
		return datasets.Shape{}, fmt.Errorf("takes one input, not %d", len(in))
	}
	return in[0], nil
}

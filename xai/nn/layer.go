package nn

import (
	"fmt"
	"math"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
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
	state  bool    // follows the data (running statistics) and is not trained
}

// layers lists every kind of layer, to read them back from a file. A test goes through
// it and demands a gradient check for each.
func layers() []Layer {
	return []Layer{Conv{}, MaxPool{}, Dense{}, ReLU{}, Dropout{}, Normalize{}}
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

// Conv is a two-dimensional convolution (cross-correlation) with one bias per filter.
// Initial weights are normal with variance 2/fan-in (He et al. 2015), biases zero.
type Conv struct {
	Filters int // output channels, at least 1
	Kernel  int // height and width of the kernel, at least 1
	Stride  int // default 1
	Pad     int // zeros added on every side; default 0
}

func (Conv) kind() string { return "conv" }

func (l Conv) window() (kernel, stride, pad int) { return l.Kernel, max(l.Stride, 1), l.Pad }

func (l Conv) shape(in []datasets.Shape) (datasets.Shape, error) {
	x, err := one(in)
	if err != nil {
		return x, err
	}
	if l.Filters < 1 {
		return x, fmt.Errorf("number of filters must be at least 1, not %d", l.Filters)
	}
	h, w, err := slide(l.Kernel, l.Stride, l.Pad, x)
	return datasets.Shape{Channels: l.Filters, Height: h, Width: w}, err
}

func (l Conv) weights(in []datasets.Shape) []weight {
	c := in[0].Channels
	fan := c * l.Kernel * l.Kernel
	return []weight{
		{name: "weight", dims: []int{l.Filters, c, l.Kernel, l.Kernel}, rows: l.Filters, cols: fan, spread: math.Sqrt(2 / float64(fan))},
		bias(l.Filters),
	}
}

// MaxPool takes the maximum of each window of Kernel x Kernel. Where elements tie, the
// first one in reading order takes the gradient, as in PyTorch.
type MaxPool struct {
	plain
	Kernel int // at least 1
	Stride int // default Kernel
	Pad    int // border that never wins, less than Kernel; default 0
}

func (MaxPool) kind() string { return "pool" }

func (l MaxPool) stride() int {
	if l.Stride == 0 {
		return l.Kernel
	}
	return l.Stride
}

func (l MaxPool) shape(in []datasets.Shape) (datasets.Shape, error) {
	x, err := one(in)
	if err != nil {
		return x, err
	}
	if l.Pad > 0 && l.Pad >= l.Kernel {
		return x, fmt.Errorf("padding %d must be less than the kernel size %d", l.Pad, l.Kernel)
	}
	h, w, err := slide(l.Kernel, l.stride(), l.Pad, x)
	return datasets.Shape{Channels: x.Channels, Height: h, Width: w}, err
}

// Dense is a fully connected layer. Images are flattened, channel by channel.
type Dense struct {
	Units int // outputs, at least 1
}

func (Dense) kind() string { return "fc" }

func (l Dense) shape(in []datasets.Shape) (datasets.Shape, error) {
	x, err := one(in)
	if err != nil {
		return x, err
	}
	if l.Units < 1 {
		return x, fmt.Errorf("number of units must be at least 1, not %d", l.Units)
	}
	return datasets.Shape{Channels: l.Units, Height: 1, Width: 1}, nil
}

func (l Dense) weights(in []datasets.Shape) []weight {
	fan := in[0].Size()
	return []weight{
		{name: "weight", dims: []int{l.Units, fan}, rows: l.Units, cols: fan, spread: math.Sqrt(2 / float64(fan))},
		bias(l.Units),
	}
}

// ReLU is max(x, 0). Its derivative at exactly 0 is 0.
type ReLU struct{ same }

func (ReLU) kind() string { return "relu" }

// Dropout sets each value to zero with probability Rate while training, and scales the
// others by 1/(1-Rate). Scores, gradients and activations never drop anything.
type Dropout struct {
	plain
	Rate float64 // in [0, 1)
}

func (Dropout) kind() string { return "dropout" }

func (l Dropout) shape(in []datasets.Shape) (datasets.Shape, error) {
	if !(l.Rate >= 0 && l.Rate < 1) {
		return datasets.Shape{}, fmt.Errorf("rate must be in [0, 1), not %v", l.Rate)
	}
	return one(in)
}

// Normalize subtracts a mean and divides by a standard deviation, channel by channel. As
// a layer it belongs to the network, so that explanations stay in units of the image.
type Normalize struct {
	plain
	Mean, Std []float64 // one per channel, or one for all; Std above 0
}

func (Normalize) kind() string { return "normalize" }

func (l Normalize) shape(in []datasets.Shape) (datasets.Shape, error) {
	x, err := one(in)
	if err != nil {
		return x, err
	}
	for _, list := range [][]float64{l.Mean, l.Std} {
		if len(list) != 1 && len(list) != x.Channels {
			return x, fmt.Errorf("needs 1 or %d means and standard deviations, has %d and %d", x.Channels, len(l.Mean), len(l.Std))
		}
	}
	for i := range max(len(l.Mean), len(l.Std)) {
		mean, std := l.at(i)
		if math.IsNaN(mean) || math.IsInf(mean, 0) || !(std > 0) || math.IsInf(std, 0) {
			return x, fmt.Errorf("channel %d: mean %v and standard deviation %v must be finite, the second above 0", i, mean, std)
		}
	}
	return x, nil
}

// at returns the mean and standard deviation of channel c.
func (l Normalize) at(c int) (mean, std float64) {
	return l.Mean[min(c, len(l.Mean)-1)], l.Std[min(c, len(l.Std)-1)]
}

// slide returns how many positions a window has over the plane of in.
func slide(kernel, stride, pad int, in datasets.Shape) (h, w int, err error) {
	switch {
	case kernel < 1:
		return 0, 0, fmt.Errorf("kernel size must be at least 1, not %d", kernel)
	case stride < 0:
		return 0, 0, fmt.Errorf("stride must be at least 1, not %d", stride)
	case pad < 0:
		return 0, 0, fmt.Errorf("padding must not be negative, is %d", pad)
	case kernel > in.Height+2*pad || kernel > in.Width+2*pad:
		return 0, 0, fmt.Errorf("a %dx%d kernel is larger than its %dx%d input padded by %d: %w", kernel, kernel, in.Height, in.Width, pad, xai.ErrShape)
	}
	stride = max(stride, 1)
	return (in.Height+2*pad-kernel)/stride + 1, (in.Width+2*pad-kernel)/stride + 1, nil
}

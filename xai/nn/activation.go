package nn

import (
	"fmt"

	"github.com/whybook/whybook/datasets"
)

// ReLU is max(x, 0). Its derivative at exactly 0 is 0.
type ReLU struct{ same }

func (ReLU) kind() string { return "relu" }

// LeakyReLU is x where that is positive and Slope*x elsewhere; the derivative at 0 is Slope.
type LeakyReLU struct {
	plain
	Slope float64 // default 0.01
}

func (LeakyReLU) kind() string { return "leakyrelu" }

func (l LeakyReLU) slope() float64 {
	if l.Slope == 0 {
		return 0.01
	}
	return l.Slope
}

func (l LeakyReLU) shape(in []datasets.Shape) (datasets.Shape, error) {
	if !finite(l.Slope) {
		return datasets.Shape{}, fmt.Errorf("slope must be finite, not %v", l.Slope)
	}
	return one(in)
}

// Sigmoid is 1/(1 + exp(-x)).
type Sigmoid struct{ same }

func (Sigmoid) kind() string { return "sigmoid" }

// Tanh is the hyperbolic tangent.
type Tanh struct{ same }

func (Tanh) kind() string { return "tanh" }

// Softmax turns the values at each position into probabilities over the channels, so over
// all values of a row of scores. A network that is explained should end in scores, without
// it: it saturates, and gradients vanish.
type Softmax struct{ same }

func (Softmax) kind() string { return "softmax" }

// LogSoftmax is the logarithm of Softmax, computed without under- or overflow.
type LogSoftmax struct{ same }

func (LogSoftmax) kind() string { return "logsoftmax" }

// Clip limits values to [Low, High]; the derivative is 0 outside, and 1 inside and on the
// limits, as in PyTorch.
type Clip struct {
	plain
	Low, High float64 // Low at most High
}

func (Clip) kind() string { return "clip" }

func (l Clip) shape(in []datasets.Shape) (datasets.Shape, error) {
	if !(l.Low <= l.High) {
		return datasets.Shape{}, fmt.Errorf("limits must be in order, not %v and %v", l.Low, l.High)
	}
	return one(in)
}

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

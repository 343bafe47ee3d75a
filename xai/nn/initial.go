package nn

import (
	"fmt"
	"math"
)

// Initial is a rule by which the weights of a network are drawn before training.
type Initial int

const (
	// HeNormal draws weights from a normal distribution of variance 2/fan-in (He et al. 2015);
	// biases are 0. It is the default.
	HeNormal Initial = iota

	// FanInUniform is what PyTorch does unless told otherwise: weights and biases are uniform
	// within 1/sqrt(fan-in), a standard deviation 2.4 times smaller. Where a paper's numbers
	// rest on PyTorch's defaults, training from other weights can end elsewhere.
	FanInUniform
)

// String returns the name of the rule.
func (i Initial) String() string {
	switch i {
	case HeNormal:
		return "HeNormal"
	case FanInUniform:
		return "FanInUniform"
	}
	return fmt.Sprintf("Initial(%d)", int(i))
}

// bounded returns the parameters of a layer with what the rule changes. As in PyTorch fan-in is
// the number of values in each entry along the first dimension, also of transposed convolutions.
func (i Initial) bounded(list []weight) []weight {
	if i != FanInUniform || len(list) == 0 || list[0].spread == 0 {
		return list
	}
	bound := 1 / math.Sqrt(float64(list[0].cols))
	for j := range list {
		list[j].bound = bound
	}
	return list
}

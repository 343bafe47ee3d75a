package nn

import (
	"errors"

	"github.com/whybook/whybook/xai/internal/gemm"
	"github.com/whybook/whybook/xai/internal/graph"
)

// SGD is stochastic gradient descent with momentum, in PyTorch's form: the velocity v
// starts at zero, and with gradient g and rate r each step is
//
//	g = g + WeightDecay w,  v = Momentum v + g,  w = w - r v
//
// With Nesterov, w = w - r (g + Momentum v).
type SGD struct {
	Rate     float64 // step size; default 0.1
	Momentum float64 // in [0, 1); default 0, none
	Nesterov bool    // look ahead along the velocity; needs Momentum

	// WeightDecay times the weight is added to each gradient. As in the code of the
	// papers that train ResNets so, it is applied to every weight, also to biases and
	// to the scales of batch normalisation. Default 0.
	WeightDecay float64
}

func (o SGD) rate() float64 { return o.Rate }

func (o SGD) withDefaults() Optimizer {
	o.Rate = or(o.Rate, 0.1)
	return o
}

func (o SGD) check() error {
	if err := below1(setting{"Momentum", o.Momentum}); err != nil {
		return err
	}
	if o.Nesterov && o.Momentum == 0 {
		return errors.New("field Nesterov needs a Momentum above 0")
	}
	return atLeastZero(setting{"Rate", o.Rate}, setting{"WeightDecay", o.WeightDecay})
}

func sgdRule[T graph.Float](o SGD) stepper[T] {
	return func(_ int, rate float64) func(w, g []T, state [2][]T) {
		step := gemm.SGDStep[T]{Rate: T(rate), Decay: T(o.WeightDecay), Momentum: T(o.Momentum), Nesterov: o.Nesterov}
		return func(w, g []T, state [2][]T) { step.Update(gemm.Best(), w, g, state[0]) }
	}
}

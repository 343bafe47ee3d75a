package nn

import (
	"math"

	"github.com/whybook/whybook/xai/internal/gemm"
	"github.com/whybook/whybook/xai/internal/graph"
)

// Adam is the optimiser of Kingma and Ba (2015), algorithm 1.
type Adam struct {
	Rate    float64 // step size; default 0.001
	Beta1   float64 // decay of the mean of gradients, in [0, 1); default 0.9
	Beta2   float64 // decay of the mean of squared gradients, in [0, 1); default 0.999
	Epsilon float64 // added to the root of the latter; default 1e-8

	// WeightDecay times the weight is added to each gradient, also of biases, before the
	// rule is applied: PyTorch's Adam, not AdamW. Default 0.
	WeightDecay float64
}

func (o Adam) rate() float64 { return o.Rate }

func (o Adam) withDefaults() Optimizer {
	o.Rate, o.Beta1, o.Beta2, o.Epsilon = or(o.Rate, 1e-3), or(o.Beta1, 0.9), or(o.Beta2, 0.999), or(o.Epsilon, 1e-8)
	return o
}

func (o Adam) check() error {
	if err := below1(setting{"Beta1", o.Beta1}, setting{"Beta2", o.Beta2}); err != nil {
		return err
	}
	return atLeastZero(setting{"Rate", o.Rate}, setting{"Epsilon", o.Epsilon}, setting{"WeightDecay", o.WeightDecay})
}

// or returns v, or what stands for its zero.
func or[N int | float64 | string](v, zero N) N {
	var unset N
	if v == unset {
		return zero
	}
	return v
}

func adamRule[T graph.Float](o Adam) stepper[T] {
	return func(n int, rate float64) func(w, g []T, state [2][]T) {
		// The bias corrections of the moments, folded into the step size and epsilon.
		c1 := 1 - math.Pow(o.Beta1, float64(n))
		c2 := math.Sqrt(1 - math.Pow(o.Beta2, float64(n)))
		step := gemm.AdamStep[T]{
			Beta1: T(o.Beta1), Rest1: T(1 - o.Beta1), Beta2: T(o.Beta2), Rest2: T(1 - o.Beta2),
			Rate: T(rate * c2 / c1), Epsilon: T(o.Epsilon * c2), Decay: T(o.WeightDecay),
		}
		return func(w, g []T, state [2][]T) { step.Update(gemm.Best(), w, g, state[0], state[1]) }
	}
}

package nn

import (
	"math"

	"github.com/whybook/whybook/xai/internal/graph"
)

// adam is the optimiser of Kingma and Ba (2015), algorithm 1, with the paper's constants
// for the moments.
type adam[T graph.Float] struct {
	rate float64
	step int
	m, v [][]T // first and second moments, one slice for each parameter
}

// update changes the parameters, always the same ones, by one step along grads.
func (a *adam[T]) update(params []param[T], grads []*graph.Node[T]) {
	const beta1, beta2, epsilon = 0.9, 0.999, 1e-8
	if a.m == nil {
		for _, p := range params {
			a.m = append(a.m, make([]T, len(p.data)))
			a.v = append(a.v, make([]T, len(p.data)))
		}
	}
	a.step++
	// The bias corrections of the moments, folded into the step size and epsilon.
	c1 := 1 - math.Pow(beta1, float64(a.step))
	c2 := math.Sqrt(1 - math.Pow(beta2, float64(a.step)))
	rate, eps := T(a.rate*c2/c1), T(epsilon*c2)
	for i, p := range params {
		m, v, g := a.m[i], a.v[i], grads[i].Data()
		for j, d := range g {
			m[j] = beta1*m[j] + (1-beta1)*d
			v[j] = beta2*v[j] + (1-beta2)*d*d
			p.data[j] -= rate * m[j] / (T(math.Sqrt(float64(v[j]))) + eps)
		}
	}
}

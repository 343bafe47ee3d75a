package saliency

import (
	"fmt"
	"slices"

	"gonum.org/v1/gonum/integrate/quad"
)

// Rule is a quadrature rule: where on the path from 0 to 1 a gradient is taken, and its
// weight. The weights of every rule sum to 1. On a smooth model the error falls with n
// points as n^-1 (Left, Right), n^-2 (Midpoint, Trapezoid), or faster than any power
// (GaussLegendre); a kink on the path, which a ReLU makes, costs every rule of order 2
// or more its advantage.
type Rule int

// The rules of IntegratedGradients.
const (
	Midpoint      Rule = iota // (s + 1/2)/n, weights 1/n; exact for gradients linear along the path
	Left                      // s/n, weights 1/n
	Right                     // (s + 1)/n, weights 1/n
	Trapezoid                 // s/(n-1), weights 1/(n-1) and half of that at the ends; n >= 2
	GaussLegendre             // exact for polynomials of degree 2n-1
)

var rules = [...]string{"Midpoint", "Left", "Right", "Trapezoid", "GaussLegendre"}

// GoString returns the rule as Go code.
func (r Rule) GoString() string {
	if r < 0 || int(r) >= len(rules) {
		return fmt.Sprintf("saliency.Rule(%d)", int(r))
	}
	return "saliency." + rules[r]
}

// nodes returns the n points of the rule on [0,1] and their weights.
func (r Rule) nodes(n int) (at, weight []float64, err error) {
	at, weight = make([]float64, n), make([]float64, n)
	if r == GaussLegendre {
		quad.Legendre{}.FixedLocations(at, weight, 0, 1)
		slices.Reverse(at) // gonum goes from 1 to 0
		slices.Reverse(weight)
		return at, weight, nil
	}
	if r == Trapezoid && n < 2 {
		return nil, nil, fmt.Errorf("field Steps is %d, but the trapezoid rule needs 2 points", n)
	}
	for s := range n {
		weight[s] = 1 / float64(n)
		switch r {
		case Midpoint:
			at[s] = (float64(s) + 0.5) / float64(n)
		case Left:
			at[s] = float64(s) / float64(n)
		case Right:
			at[s] = float64(s+1) / float64(n)
		case Trapezoid:
			at[s], weight[s] = float64(s)/float64(n-1), 1/float64(n-1)
			if s == 0 || s == n-1 {
				weight[s] /= 2
			}
		default:
			return nil, nil, fmt.Errorf("field Rule must be one of the package's rules, not %d", int(r))
		}
	}
	return at, weight, nil
}

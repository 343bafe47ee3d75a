package flint

import (
	"fmt"

	"github.com/whybook/whybook/xai"
)

// Activating returns the numbers, in Set, of the samples of a true class for which an attribute is
// largest: MAS(c, phi_j, l), the paper's maximum activating samples, largest first; fewer where
// the class has fewer than most. The paper shows 3.
func (g *Global) Activating(class, attribute, most int) ([]int, error) {
	if class < 0 || class >= len(g.Classes) {
		return nil, fmt.Errorf("flint.Global.Activating: class %d: there are %d (0-%d): %w", class, len(g.Classes), len(g.Classes)-1, xai.ErrTarget)
	}
	if _, j := g.Phi.Dims(); attribute < 0 || attribute >= j {
		return nil, fmt.Errorf("flint.Global.Activating: attribute %d: there are %d (0-%d): %w", attribute, j, j-1, xai.ErrTarget)
	}
	if most < 1 {
		return nil, fmt.Errorf("flint.Global.Activating: need at least 1 sample, not %d: %w", most, xai.ErrShape)
	}
	var own []int
	var values []float64
	for i, y := range g.Set.Labels {
		if y == class {
			own, values = append(own, i), append(values, g.Phi.At(i, attribute))
		}
	}
	order := falling(values)
	list := make([]int, 0, min(most, len(own)))
	for _, at := range order[:cap(list)] {
		list = append(list, own[at])
	}
	return list, nil
}

// Use says how classes and attributes depend on each other at a threshold.
type Use struct {
	Tau       float64
	Strong    []int // number of attributes with r_{j,c} > 1/tau, for each class
	Shared    []int // attributes that are so for several classes, rising
	Unused    []int // and for none
	Undecided []int // classes that g says of no sample, whose relevances are unknown
}

// Use counts the pattern of the paper's heat map: few strong attributes in each class, some that
// classes share, some that nobody uses. tau must be above 1.
func (g *Global) Use(tau float64) (Use, error) {
	pairs, err := g.Pairs(tau)
	if err != nil {
		return Use{}, err
	}
	k, j := g.R.Dims()
	u, classes := Use{Tau: tau, Strong: make([]int, k)}, make([]int, j)
	for _, p := range pairs {
		u.Strong[p.Class]++
		classes[p.Attribute]++
	}
	for a, n := range classes {
		switch {
		case n == 0:
			u.Unused = append(u.Unused, a)
		case n > 1:
			u.Shared = append(u.Shared, a)
		}
	}
	for c, n := range g.Samples {
		if n == 0 {
			u.Undecided = append(u.Undecided, c)
		}
	}
	return u, nil
}

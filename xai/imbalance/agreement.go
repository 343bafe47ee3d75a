package imbalance

import "math"

// Agreement says how well nearest adversaries foretell errors. The authors compare the two
// charts by eye; these figures are ours.
type Agreement struct {
	Classes []string

	// TV is the total variation 1/2 sum over j of |a_ij - f_ij| of each class, from 0 (the
	// same) to 1. NaN where a or f has no votes.
	TV []float64

	// KL is the divergence sum over j != i of f' log(f'/a') in nats, at least 0, where every
	// share is smoothed, f' = (f + e)/(1 + (C-1) e) with e = 1e-6, so that it stays finite.
	// NaN where a or f has no votes.
	KL []float64

	// Top is 1 where the most frequent adversary is the most frequent error, 0 where not, NaN
	// where a or f has no votes.
	Top []float64

	// Cells correlates a_ij with f_ij over the cells i != j of the classes with votes.
	Cells Relation
}

// smoothing of shares in KL.
const smoothing = 1e-6

// Agree compares nearest adversaries with errors.
func Agree(adversaries, errors Rivals) (Agreement, error) {
	const where = "imbalance.Agree"
	k := len(adversaries.Classes)
	for _, r := range []Rivals{adversaries, errors} {
		if err := r.check(where, k); err != nil {
			return Agreement{}, err
		}
	}
	g := Agreement{Classes: adversaries.Classes, TV: make([]float64, k), KL: make([]float64, k), Top: make([]float64, k)}
	var a, f []float64
	for i := range k {
		if adversaries.Votes(i) == 0 || errors.Votes(i) == 0 {
			g.TV[i], g.KL[i], g.Top[i] = nan, nan, nan
			continue
		}
		if adversaries.Top(i) == errors.Top(i) {
			g.Top[i] = 1
		}
		whole := 1 + float64(k-1)*smoothing
		for j := range k {
			if j == i {
				continue
			}
			x, y := adversaries.Share(i, j), errors.Share(i, j)
			a, f = append(a, x), append(f, y)
			g.TV[i] += math.Abs(x-y) / 2
			x, y = (x+smoothing)/whole, (y+smoothing)/whole
			g.KL[i] += y * math.Log(y/x)
		}
		g.KL[i] = max(g.KL[i], 0) // not below 0 by rounding
	}
	var err error
	g.Cells, err = Relate(a, f)
	return g, err
}

// MeanTV returns the mean total variation of the classes with votes; NaN if there are none.
func (g Agreement) MeanTV() float64 { return mean(g.TV) }

// MeanTop returns the share of the classes with votes whose most frequent adversary is the
// most frequent error; NaN if there are none.
func (g Agreement) MeanTop() float64 { return mean(g.Top) }

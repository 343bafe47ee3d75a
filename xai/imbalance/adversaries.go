package imbalance

import (
	"fmt"
	"math"

	"github.com/whybook/whybook/xai"
)

// Rivals are the other classes that a class is near to, or taken for: counts of class i (row)
// towards class j (column).
type Rivals struct {
	What    string   // what was counted
	Classes []string // names
	Members []int    // members of each class that were looked at
	Counts  [][]int  // C x C; the diagonal is counted too, but has no share
}

// Voters says whose neighbours are counted.
type Voters int

const (
	Misclassified Voters = iota // members that the model gets wrong, as the authors' code does
	Everyone                    // all members
)

// String returns "misclassified members" or "all members".
func (v Voters) String() string {
	if v == Misclassified || v == Everyone {
		return [...]string{"misclassified members", "all members"}[v]
	}
	return fmt.Sprintf("Voters(%d)", int(v))
}

// NearestAdversaries counts the labels of the neighbours of a class's members, to foretell
// with which classes it will be confused (Dablain et al., step 7):
//
//	A_ij = number of pairs (t, m) with y_t = i, t a voter, and the m-th neighbour of t of class j
//	a_ij = A_ij / sum over l != i of A_il,  a_ii = 0
//
// Small classes rest on few votes: see Members and [Rivals.Votes], and compare with Everyone.
// predicted is needed for Misclassified only.
func NearestAdversaries(n Neighborhood, predicted []int, who Voters) (Rivals, error) {
	const where = "imbalance.NearestAdversaries"
	if err := n.check(where); err != nil {
		return Rivals{}, err
	}
	if who != Misclassified && who != Everyone {
		return Rivals{}, fmt.Errorf("%s: the voters are %v; want Misclassified or Everyone", where, who)
	}
	if who == Misclassified {
		if _, err := (Members{Classes: n.Classes, Labels: n.Labels, Predicted: predicted}).withPredictions(where); err != nil {
			return Rivals{}, err
		}
	}
	r := newRivals("nearest adversaries of "+who.String(), n.Classes)
	for i, c := range n.Labels {
		if who == Misclassified && predicted[i] == c {
			continue
		}
		r.Members[c]++
		_, near := n.At(i)
		for _, j := range near {
			r.Counts[c][j]++
		}
	}
	return r, nil
}

// Errors counts what the members of each class that the model gets wrong are taken for
// (Dablain et al., step 8): row i has the false negatives of class i, which are the false
// positives of the others.
//
//	f_ij = number with y = i, p = j / number with y = i, p != i
func Errors(m Members) (Rivals, error) {
	m, err := m.withPredictions("imbalance.Errors")
	if err != nil {
		return Rivals{}, err
	}
	r := newRivals("errors", m.Classes)
	for i, c := range m.Labels {
		r.Members[c]++
		r.Counts[c][m.Predicted[i]]++
	}
	return r, nil
}

func newRivals(what string, classes []string) Rivals {
	r := Rivals{What: what, Classes: classes, Members: make([]int, len(classes)), Counts: make([][]int, len(classes))}
	for i := range r.Counts {
		r.Counts[i] = make([]int, len(classes))
	}
	return r
}

// Votes returns what the shares of class i are divided by: its counts towards other classes.
func (r Rivals) Votes(i int) int {
	sum := 0
	for j, n := range r.Counts[i] {
		if j != i {
			sum += n
		}
	}
	return sum
}

// Share returns a_ij or f_ij, from 0 to 1. It is 0 on the diagonal, and in a row without
// votes.
func (r Rivals) Share(i, j int) float64 {
	votes := r.Votes(i)
	if i == j || votes == 0 {
		return 0
	}
	return float64(r.Counts[i][j]) / float64(votes)
}

// Top returns the class with the largest share of class i, the lowest where several tie; -1
// for a class without votes.
func (r Rivals) Top(i int) int {
	best := -1
	for j, n := range r.Counts[i] {
		if j != i && n > 0 && (best < 0 || n > r.Counts[i][best]) {
			best = j
		}
	}
	return best
}

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

func (r Rivals) check(where string, k int) error {
	if len(r.Classes) != k || len(r.Counts) != k {
		return fmt.Errorf("%s: rivals of %d and of %d classes: %w", where, k, len(r.Counts), xai.ErrShape)
	}
	for i, row := range r.Counts {
		if len(row) != k {
			return fmt.Errorf("%s: row %d has %d counts for %d classes: %w", where, i, len(row), k, xai.ErrShape)
		}
	}
	return nil
}

// MeanTV returns the mean total variation of the classes with votes; NaN if there are none.
func (g Agreement) MeanTV() float64 { return meanKnown(g.TV) }

// MeanTop returns the share of the classes with votes whose most frequent adversary is the
// most frequent error; NaN if there are none.
func (g Agreement) MeanTop() float64 { return meanKnown(g.Top) }

package imbalance

import (
	"fmt"

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

package flint

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/whybook/whybook/datasets"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// Evaluation is how f and g do on data.
type Evaluation struct {
	Set datasets.Set
	Outputs
	Alpha       *mat.Dense // n x J: contributions to the class of g
	Predicted   []int      // f's class of each sample; the lowest where scores tie
	Interpreted []int      // g's

	Accuracy    float64   // share of samples that f gets right, 0-1
	Interpreter float64   // share that g gets right
	Fidelity    float64   // share where f and g say the same
	Taus        []float64 // thresholds
	Conciseness []float64 // mean number of relevant attributes at each of them; see Concise
}

// Evaluate measures f and g on data (paper, section 4.1: accuracy, fidelity, conciseness).
func (in *Interpreter) Evaluate(ctx context.Context, data datasets.Source) (Evaluation, error) {
	set, o, err := in.of(ctx, data)
	if err != nil {
		return Evaluation{}, err
	}
	e := Evaluation{Set: set, Outputs: o, Alpha: in.Contributions(o), Taus: Taus()}
	if e.Predicted, err = classes(o.F); err != nil {
		return e, fmt.Errorf("flint: f: %w", err)
	}
	if e.Interpreted, err = classes(o.G); err != nil {
		return e, fmt.Errorf("flint: g: %w", err)
	}
	e.Accuracy, e.Interpreter, e.Fidelity = share(e.Predicted, set.Labels), share(e.Interpreted, set.Labels), share(e.Predicted, e.Interpreted)
	e.Conciseness = conciseness(e.Alpha, e.Taus)
	return e, nil
}

// share returns the share of places where two lists agree.
func share(a, b []int) float64 {
	same := 0
	for i := range a {
		if a[i] == b[i] {
			same++
		}
	}
	return float64(same) / float64(len(a))
}

// conciseness returns the mean over the rows of alpha of Concise at each threshold.
func conciseness(alpha *mat.Dense, taus []float64) []float64 {
	n, _ := alpha.Dims()
	var list []float64
	for _, tau := range taus {
		sum := 0
		for _, count := range Concise(alpha, tau) {
			sum += count
		}
		list = append(list, float64(sum)/float64(n))
	}
	return list
}

// Disagreements returns the indices of the samples on which f and g differ. What is said of
// them is said of g's class, so that they deserve a look of their own.
func (e Evaluation) Disagreements() []int {
	var list []int
	for i := range e.Predicted {
		if e.Predicted[i] != e.Interpreted[i] {
			list = append(list, i)
		}
	}
	return list
}

// String gives the main numbers.
func (e Evaluation) String() string {
	return fmt.Sprintf("f %.2f %%, g %.2f %%, fidelity %.2f %%, %.2f attributes at tau %v, of %d samples",
		100*e.Accuracy, 100*e.Interpreter, 100*e.Fidelity, e.Conciseness[len(e.Conciseness)-1], e.Taus[len(e.Taus)-1], len(e.Predicted))
}

// classes returns the class of the highest score of each row.
func classes(scores *mat.Dense) ([]int, error) {
	n, _ := scores.Dims()
	list := make([]int, n)
	for i := range n {
		row := scores.RawRowView(i)
		if floats.HasNaN(row) {
			return nil, fmt.Errorf("the scores of row %d are %v: is its input finite?", i, row)
		}
		list[i] = floats.MaxIdx(row)
	}
	return list, nil
}

// sortPairs orders pairs by falling relevance; those that tie stay in their order.
func sortPairs(list []Pair) {
	slices.SortStableFunc(list, func(a, b Pair) int { return cmp.Compare(b.R, a.R) })
}

package nn

import (
	"context"
	"errors"
	"fmt"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/progress"
	"gonum.org/v1/gonum/mat"
)

// Evaluation is how a network does on a labelled set: its answers, one for each sample.
type Evaluation struct {
	Set        datasets.Set // the samples
	Predicted  []int        // class with the highest score
	Confidence []float64    // softmax probability of that class, 0-1
	Accuracy   float64      // share of right answers, 0-1
}

// Evaluate runs the network over data and compares with the labels.
func (n *Net) Evaluate(ctx context.Context, data datasets.Source) (Evaluation, error) {
	switch {
	case n == nil || n.run == nil:
		return Evaluation{}, errors.New("nn.Net.Evaluate: there is no network; make one with Init, Fit or Load")
	case data == nil:
		return Evaluation{}, errors.New("nn.Net.Evaluate: need data, have nil")
	}
	set, err := data.Build(ctx)
	if err != nil {
		return Evaluation{}, err
	}
	if err := set.Check(); err != nil {
		return Evaluation{}, err
	}
	if err := n.arch.checkSet(set); err != nil {
		return Evaluation{}, err
	}
	if set.Len() == 0 {
		return Evaluation{}, fmt.Errorf("nn.Net.Evaluate: the set %q is empty", set.Name)
	}
	e := Evaluation{Set: set, Predicted: make([]int, set.Len()), Confidence: make([]float64, set.Len())}
	right := 0
	index := make([]int, 0, maxRows)
	var x *mat.Dense // one batch at a time: a set of bytes must not become a set of floats
	for lo := 0; lo < set.Len(); lo += maxRows {
		index = index[:0]
		for i := lo; i < min(lo+maxRows, set.Len()); i++ {
			index = append(index, i)
		}
		x = set.Batch(x, index)
		scores, err := n.Scores(ctx, x)
		if err != nil {
			return Evaluation{}, fmt.Errorf("nn.Net.Evaluate: after %d of %d samples: %w", lo, set.Len(), err)
		}
		predicted, err := argmaxRows(scores)
		if err != nil {
			return Evaluation{}, fmt.Errorf("nn.Net.Evaluate: samples from %d on: %w", lo, err)
		}
		for i, best := range predicted {
			row := scores.RawRowView(i)
			softmax(row)
			e.Predicted[lo+i], e.Confidence[lo+i] = best, row[best]
			if best == set.Labels[lo+i] {
				right++
			}
		}
		progress.Report(ctx, "evaluate", min(lo+maxRows, set.Len()), set.Len())
	}
	e.Accuracy = float64(right) / float64(set.Len())
	return e, nil
}

// Right returns the indices of the samples that the network gets right, in order.
func (e Evaluation) Right() []int { return e.where(true) }

// Wrong returns the indices of the samples that the network gets wrong, in order.
func (e Evaluation) Wrong() []int { return e.where(false) }

func (e Evaluation) where(right bool) []int {
	var list []int
	for i, p := range e.Predicted {
		if (p == e.Set.Labels[i]) == right {
			list = append(list, i)
		}
	}
	return list
}

// Confusion returns the k x k counts of label (row) against prediction (column).
func (e Evaluation) Confusion() [][]int {
	counts := make([][]int, len(e.Set.Classes))
	for i := range counts {
		counts[i] = make([]int, len(e.Set.Classes))
	}
	for i, p := range e.Predicted {
		counts[e.Set.Labels[i]][p]++
	}
	return counts
}

// String says the accuracy in words.
func (e Evaluation) String() string {
	return fmt.Sprintf("%d of %d right (%.1f %%) on %s", len(e.Right()), len(e.Predicted), 100*e.Accuracy, e.Set.Name)
}

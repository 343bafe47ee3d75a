package imbalance

import (
	"fmt"
	"math"
	"strconv"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"gonum.org/v1/gonum/mat"
)

// Members are labelled rows: what the techniques read. Only Labels are always needed.
type Members struct {
	Name      string       // for titles: "MNIST train"
	Classes   []string     // names; nil for "0", "1", ... up to the greatest label or prediction
	Labels    []int        // n class indices
	Predicted []int        // n class indices, what a model says; nil where there is none
	Features  *mat.Dense   // n x d, finite; nil where they are not known
	Set       datasets.Set // the samples themselves, for pictures; zero where they are not known
}

// Len returns the number of members.
func (m Members) Len() int { return len(m.Labels) }

// Counts returns the number of members of each class. Labels outside the classes are not
// counted.
func (m Members) Counts() []int {
	return count(m.Labels, len(m.named().Classes))
}

// named returns the members with names for their classes.
func (m Members) named() Members {
	if m.Classes == nil {
		k := 0
		for _, list := range [][]int{m.Labels, m.Predicted} {
			for _, c := range list {
				k = max(k, c+1)
			}
		}
		m.Classes = numbers(k)
	}
	return m
}

// numbers returns the names "0", "1", ...
func numbers(k int) []string {
	names := make([]string, k)
	for c := range names {
		names[c] = strconv.Itoa(c)
	}
	return names
}

// count returns how often each of k labels occurs.
func count(labels []int, k int) []int {
	n := make([]int, k)
	for _, c := range labels {
		if c >= 0 && c < k {
			n[c]++
		}
	}
	return n
}

// checked returns the members with names, after checking that what there is agrees.
func (m Members) checked(where string) (Members, error) {
	if m.Len() == 0 {
		return m, fmt.Errorf("%s: no members: %w", where, xai.ErrShape)
	}
	m = m.named()
	if err := checkLabels(where, "label", m.Labels, m.Classes); err != nil {
		return m, err
	}
	if m.Predicted != nil {
		if len(m.Predicted) != m.Len() {
			return m, fmt.Errorf("%s: %d predictions for %d members: %w", where, len(m.Predicted), m.Len(), xai.ErrShape)
		}
		if err := checkLabels(where, "prediction", m.Predicted, m.Classes); err != nil {
			return m, err
		}
	}
	if m.Set.Len() > 0 && m.Set.Len() != m.Len() {
		return m, fmt.Errorf("%s: a set of %d samples for %d members: %w", where, m.Set.Len(), m.Len(), xai.ErrShape)
	}
	return m, nil
}

func checkLabels(where, what string, labels []int, classes []string) error {
	for i, c := range labels {
		if c < 0 || c >= len(classes) {
			return fmt.Errorf("%s: %s of member %d is %d; there are %d classes (0-%d): %w", where, what, i, c, len(classes), len(classes)-1, xai.ErrTarget)
		}
	}
	return nil
}

// withPredictions is checked for what needs predictions.
func (m Members) withPredictions(where string) (Members, error) {
	m, err := m.checked(where)
	if err == nil && m.Predicted == nil {
		err = fmt.Errorf("%s: need predictions; give Predicted, or embed with a network", where)
	}
	return m, err
}

// withFeatures is checked for what reads features.
func (m Members) withFeatures(where string) (Members, error) {
	m, err := m.checked(where)
	if err != nil {
		return m, err
	}
	if m.Features == nil || m.Features.IsEmpty() {
		return m, fmt.Errorf("%s: need features, an n x d matrix, which published neighbours do not have; analyse a set: %w", where, xai.ErrShape)
	}
	n, d := m.Features.Dims()
	if n != m.Len() {
		return m, fmt.Errorf("%s: %d rows of features for %d members: %w", where, n, m.Len(), xai.ErrShape)
	}
	for i := range n {
		for j, v := range m.Features.RawRowView(i)[:d] {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return m, fmt.Errorf("%s: feature %d of member %d is %v: %w", where, j, i, v, ErrNotFinite)
			}
		}
	}
	return m, nil
}

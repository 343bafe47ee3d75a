package imbalance

import (
	"fmt"

	"gonum.org/v1/gonum/mat"
)

// FeatureImportance says which features a class lives on (Dablain et al., step 9): with
// mu_cf the mean of feature f over class c and T_c the K features of largest mean,
//
//	share_c(f) = mu_cf / sum over g in T_c of mu_cg
type FeatureImportance struct {
	K       int        // features of each class
	Classes []string   // names
	Mean    *mat.Dense // C x d: mu; NaN for a class without members
	Top     [][]int    // T_c, largest mean first, where means tie the lower index first; nil for a class without members
}

// Importance finds the k features of largest mean of every class; the paper takes 10. With
// fewer features than k it takes all. A mean says how much of a feature there is only if no
// value is negative, as after a ReLU or in pixels: negative features are an error.
func Importance(m Members, k int) (FeatureImportance, error) {
	const where = "imbalance.Importance"
	m, err := m.withFeatures(where)
	if err != nil {
		return FeatureImportance{}, err
	}
	if k, err = topFeatures(where, m, k); err != nil {
		return FeatureImportance{}, err
	}
	_, d := m.Features.Dims()
	f := FeatureImportance{K: k, Classes: m.Classes, Mean: mat.NewDense(len(m.Classes), d, nil), Top: make([][]int, len(m.Classes))}
	for i, c := range m.Labels {
		mean := f.Mean.RawRowView(c)
		for j, v := range m.Features.RawRowView(i) {
			mean[j] += v
		}
	}
	for c, n := range m.Counts() {
		mean := f.Mean.RawRowView(c)
		for j := range mean {
			mean[j] /= float64(n) // 0/0 is NaN
		}
		if n > 0 {
			f.Top[c] = largest(mean, k)
		}
	}
	return f, nil
}

// topFeatures checks k, and that features are not negative.
func topFeatures(where string, m Members, k int) (int, error) {
	if k < 1 {
		return 0, fmt.Errorf("%s: the %d largest features; want 1 or more, the paper takes 10", where, k)
	}
	n, d := m.Features.Dims()
	for i := range n {
		for j, v := range m.Features.RawRowView(i) {
			if v < 0 {
				return 0, fmt.Errorf("%s: feature %d of member %d is %v; importance needs features that are not negative, such as a layer after a ReLU puts out", where, j, i, v)
			}
		}
	}
	return min(k, d), nil
}

// largest returns the indices of the k largest values, largest first, where values tie the
// lower index first.
func largest(values []float64, k int) []int {
	top := make([]int, 0, k+1)
	for i, v := range values {
		at := len(top)
		for at > 0 && v > values[top[at-1]] {
			at--
		}
		if at == k {
			continue
		}
		top = append(top, 0)
		copy(top[at+1:], top[at:])
		top[at] = i
		top = top[:min(len(top), k)]
	}
	return top
}

// Share returns the share of the feature at a place (0 is the first) among the top features
// of class c. Where all of them are 0 it is NaN.
func (f FeatureImportance) Share(c, place int) float64 {
	if place >= len(f.Top[c]) {
		return nan
	}
	sum := 0.0
	for _, g := range f.Top[c] {
		sum += f.Mean.At(c, g)
	}
	return f.Mean.At(c, f.Top[c][place]) / sum
}

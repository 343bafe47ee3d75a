package evaluate

import (
	"fmt"
	"math"
	"sort"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"
)

// ranks returns the rank of each value, 1 for the least; equal values share their mean rank.
func ranks(values []float64) []float64 {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	sort.Slice(order, func(a, b int) bool { return values[order[a]] < values[order[b]] })
	out := make([]float64, len(values))
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && values[order[j]] == values[order[i]] {
			j++
		}
		for _, p := range order[i:j] {
			out[p] = float64(i+1+j) / 2
		}
		i = j
	}
	return out
}

// pearson returns the correlation of two lists of finite values, in [-1, 1], or
// ErrConstant. A list whose spread is rounding noise counts as constant.
func pearson(metric string, a, b []float64) (float64, error) {
	for i, list := range [][]float64{a, b} {
		low, high := floats.Min(list), floats.Max(list)
		if high-low <= 1e-14*max(math.Abs(low), math.Abs(high)) {
			return 0, fmt.Errorf("evaluate: %s: all %d values of the correlation's %s side are %v: %w",
				metric, len(list), []string{"map's", "output's"}[i], list[0], ErrConstant)
		}
	}
	return min(max(stat.Correlation(unit(a), unit(b), nil), -1), 1), nil
}

// unit divides by the greatest absolute value, so that squares stay in range.
func unit(values []float64) []float64 {
	out := make([]float64, len(values))
	copy(out, values)
	floats.Scale(1/floats.Norm(values, math.Inf(1)), out)
	return out
}

// spearman returns the correlation of the ranks.
func spearman(metric string, a, b []float64) (float64, error) {
	return pearson(metric, ranks(a), ranks(b))
}

package render

import (
	"math"
	"slices"
)

// stats are the numbers that descriptions and colour scales are made from.
type stats struct {
	n, nan       int // values; NaNs
	min, max     float64
	minAt, maxAt int     // their first positions
	mean         float64 // of the values
	mass         float64 // sum of absolute values
	positive     float64 // share of the mass above zero
	top10        float64 // share of the mass in the 10 % largest absolute values
	clip         float64 // a percentile of the absolute values
}

// measure ignores NaN. percentile is in (0,100].
func measure(values []float64, percentile float64) stats {
	s := stats{min: math.Inf(1), max: math.Inf(-1)}
	abs := make([]float64, 0, len(values))
	for i, v := range values {
		if math.IsNaN(v) {
			s.nan++
			continue
		}
		if v < s.min {
			s.min, s.minAt = v, i
		}
		if v > s.max {
			s.max, s.maxAt = v, i
		}
		abs = append(abs, math.Abs(v))
	}
	s.n = len(abs)
	if s.n == 0 {
		return stats{nan: s.nan}
	}
	for _, v := range values {
		if math.IsNaN(v) {
			continue
		}
		s.mean += v / float64(s.n)
		s.mass += math.Abs(v)
	}
	slices.Sort(abs)
	if s.mass > 0 {
		for _, v := range values {
			if v > 0 {
				s.positive += v / s.mass
			}
		}
		for _, a := range abs[s.n-int(math.Ceil(float64(s.n)/10)):] {
			s.top10 += a / s.mass
		}
	}
	// The nearest rank. A map that is zero almost everywhere keeps its few values.
	s.clip = abs[int(math.Ceil(percentile/100*float64(s.n)))-1]
	if top := abs[s.n-1]; s.clip == 0 || top < 1.1*s.clip {
		s.clip = top
	}
	return s
}

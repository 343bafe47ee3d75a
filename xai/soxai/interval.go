package soxai

import (
	"math"
	"slices"

	"github.com/whybook/whybook/xai/seed"
)

// Interval is an estimate with the ends of its 95 % confidence interval. All are NaN where
// there is nothing to estimate from; the ends are NaN where there is too little.
type Interval struct {
	Value, Low, High float64
}

// Above says whether the whole interval lies above v.
func (i Interval) Above(v float64) bool { return i.Low > v }

var nan = math.NaN()

// share is a proportion with Wilson's interval.
func share(k, n int) Interval {
	if n == 0 {
		return Interval{nan, nan, nan}
	}
	const z = 1.959963984540054
	p, m := float64(k)/float64(n), float64(n)
	middle := (p + z*z/(2*m)) / (1 + z*z/m)
	half := z / (1 + z*z/m) * math.Sqrt(p*(1-p)/m+z*z/(4*m*m))
	return Interval{p, max(0, middle-half), min(1, middle+half)}
}

// resamples is how often a bootstrap draws.
const resamples = 1000

// bootstrap is the mean of values with a percentile interval. Values of one cluster, which
// are those of one image, are drawn together: they are not independent. clusters is ascending.
func bootstrap(values []float64, clusters []int, sd uint64, path ...any) Interval {
	if len(values) == 0 {
		return Interval{nan, nan, nan}
	}
	var sums, counts []float64
	sum := 0.0
	for i, v := range values {
		if i == 0 || clusters[i] != clusters[i-1] {
			sums, counts = append(sums, 0), append(counts, 0)
		}
		sums[len(sums)-1] += v
		counts[len(counts)-1]++
		sum += v
	}
	out := Interval{sum / float64(len(values)), nan, nan}
	if len(sums) < 2 {
		return out
	}
	rng := seed.Stream(sd, path...)
	means := make([]float64, resamples)
	for b := range means {
		s, n := 0.0, 0.0
		for range sums {
			j := rng.IntN(len(sums))
			s, n = s+sums[j], n+counts[j]
		}
		means[b] = s / n
	}
	out.Low, out.High = percentile(means, 0.025), percentile(means, 0.975)
	return out
}

// percentile sorts values and returns the one at a share of the way, interpolated.
func percentile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return nan
	}
	slices.Sort(values)
	at := q * float64(len(values)-1)
	lo := int(at)
	hi := min(lo+1, len(values)-1)
	return values[lo] + (at-float64(lo))*(values[hi]-values[lo])
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

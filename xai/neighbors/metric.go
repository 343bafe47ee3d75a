package neighbors

import (
	"fmt"
	"math"
)

// Metric is a distance between rows.
type Metric int

const (
	// Euclidean is the square root of the sum of squared differences.
	Euclidean Metric = iota

	// Manhattan is the sum of absolute differences.
	Manhattan

	// Gower is the mean over the columns of |a-b|/range, with the range of the column
	// in the index (Gower, A general coefficient of similarity, 1971), and of 1 or 0 for
	// different or equal values of the columns in Options.Nominal. A column without a
	// range counts 0. Within the index it lies in [0,1].
	Gower
)

// String returns "Euclidean", "Manhattan" or "Gower".
func (m Metric) String() string {
	switch m {
	case Euclidean:
		return "Euclidean"
	case Manhattan:
		return "Manhattan"
	case Gower:
		return "Gower"
	}
	return fmt.Sprintf("Metric(%d)", int(m))
}

// The products are converted before they are added, so that no processor fuses them: the
// bytes of a distance are the same everywhere.

// squares returns the sum of squared differences.
func squares(a, b []float64) float64 {
	b = b[:len(a)]
	var sum float64
	for i, v := range a {
		t := v - b[i]
		sum += float64(t * t)
	}
	return sum
}

// absolutes returns the sum of absolute differences.
func absolutes(a, b []float64) float64 {
	b = b[:len(a)]
	var sum float64
	for i, v := range a {
		sum += math.Abs(v - b[i])
	}
	return sum
}

// squares4 is squares of a and four rows, which wait for each other's additions less than one
// after the other: the same bytes, sooner.
func squares4(a, b0, b1, b2, b3 []float64) (s0, s1, s2, s3 float64) {
	b0, b1, b2, b3 = b0[:len(a)], b1[:len(a)], b2[:len(a)], b3[:len(a)]
	for i, v := range a {
		t0, t1, t2, t3 := b0[i]-v, b1[i]-v, b2[i]-v, b3[i]-v
		s0 += float64(t0 * t0)
		s1 += float64(t1 * t1)
		s2 += float64(t2 * t2)
		s3 += float64(t3 * t3)
	}
	return s0, s1, s2, s3
}

// absolutes4 is absolutes of a and four rows.
func absolutes4(a, b0, b1, b2, b3 []float64) (s0, s1, s2, s3 float64) {
	b0, b1, b2, b3 = b0[:len(a)], b1[:len(a)], b2[:len(a)], b3[:len(a)]
	for i, v := range a {
		s0 += math.Abs(v - b0[i])
		s1 += math.Abs(v - b1[i])
		s2 += math.Abs(v - b2[i])
		s3 += math.Abs(v - b3[i])
	}
	return s0, s1, s2, s3
}

// mixed returns the sum of absolute differences, with 1 for different nominal values.
func mixed(a, b []float64, nominal []bool) float64 {
	var sum float64
	for i, v := range a {
		switch {
		case !nominal[i]:
			sum += math.Abs(v - b[i])
		case v != b[i]:
			sum++
		}
	}
	return sum
}

// patience is the number of terms after which a sum is compared with its limit.
const patience = 16

// squaresWithin is squares, given up for a lower bound once it exceeds limit: terms are
// never negative, so that a partial sum is one.
func squaresWithin(a, b []float64, limit float64) float64 {
	b = b[:len(a)]
	var sum float64
	for len(a) > patience {
		for i, v := range a[:patience] {
			t := v - b[i]
			sum += float64(t * t)
		}
		if sum > limit {
			return sum
		}
		a, b = a[patience:], b[patience:]
	}
	for i, v := range a {
		t := v - b[i]
		sum += float64(t * t)
	}
	return sum
}

// absolutesWithin is absolutes, given up like squaresWithin.
func absolutesWithin(a, b []float64, limit float64) float64 {
	b = b[:len(a)]
	var sum float64
	for len(a) > patience {
		for i, v := range a[:patience] {
			sum += math.Abs(v - b[i])
		}
		if sum > limit {
			return sum
		}
		a, b = a[patience:], b[patience:]
	}
	for i, v := range a {
		sum += math.Abs(v - b[i])
	}
	return sum
}

// sum returns what the distance of two coded rows is made of: see finish.
func (ix *Index) sum(a, b []float64) float64 {
	switch {
	case ix.metric == Euclidean:
		return squares(a, b)
	case ix.code.nominal != nil:
		return mixed(a, b, ix.code.nominal)
	}
	return absolutes(a, b)
}

// sum4 is sum of a and rows j to j+3.
func (ix *Index) sum4(a []float64, j int) (s0, s1, s2, s3 float64) {
	b0, b1, b2, b3 := ix.row(j), ix.row(j+1), ix.row(j+2), ix.row(j+3)
	switch {
	case ix.metric == Euclidean:
		return squares4(a, b0, b1, b2, b3)
	case ix.code.nominal != nil:
		return ix.sum(a, b0), ix.sum(a, b1), ix.sum(a, b2), ix.sum(a, b3)
	}
	return absolutes4(a, b0, b1, b2, b3)
}

// sumWithin is sum, or any lower bound of it beyond limit.
func (ix *Index) sumWithin(a, b []float64, limit float64) float64 {
	switch {
	case ix.metric == Euclidean:
		return squaresWithin(a, b, limit)
	case ix.code.nominal != nil:
		return mixed(a, b, ix.code.nominal)
	}
	return absolutesWithin(a, b, limit)
}

// finish turns a sum into a distance; it never decreases.
func (ix *Index) finish(sum float64) float64 {
	switch ix.metric {
	case Euclidean:
		return math.Sqrt(sum)
	case Gower:
		return sum / float64(ix.width)
	}
	return sum
}

// limit returns a sum beyond which every distance is greater than d.
func (ix *Index) limit(d float64) float64 {
	const slack = 1 + 1e-14 // a few roundings
	switch ix.metric {
	case Euclidean:
		return d*d*slack + math.SmallestNonzeroFloat64
	case Gower:
		return d*float64(ix.width)*slack + math.SmallestNonzeroFloat64
	}
	return d
}

package imbalance

import (
	"math"
	"slices"

	"github.com/whybook/whybook/xai/seed"
)

// correlate fills in how the columns go with recall.
func (t *Table) correlate() {
	if t.Options.Recall == nil {
		return
	}
	for i := range t.Columns {
		c := &t.Columns[i]
		c.Spearman, c.P = rankCorrelation(c.Values, t.Options.Recall, t.Options.Seed)
	}
}

// rankCorrelation returns Spearman's coefficient of the pairs without NaN and the share of
// permutations with one as far from 0.
func rankCorrelation(x, y []float64, sd uint64) (rho, p float64) {
	const (
		exact = 8 // 40,320 permutations
		drawn = 9999
	)
	var a, b []float64
	for i := range x {
		if !math.IsNaN(x[i]) && !math.IsNaN(y[i]) {
			a, b = append(a, x[i]), append(b, y[i])
		}
	}
	a, b = ranks(a), ranks(b)
	rho = pearson(a, b)
	if math.IsNaN(rho) {
		return rho, rho
	}
	least := math.Abs(rho) * (1 - 1e-9)
	extreme, total := 0, 0
	count := func() {
		total++
		if math.Abs(pearson(a, b)) >= least {
			extreme++
		}
	}
	if len(a) <= exact {
		permute(a, 0, count)
	} else {
		count() // the order observed is one of them
		r := seed.Stream(sd, "permutations")
		for range drawn {
			r.Shuffle(len(a), func(i, j int) { a[i], a[j] = a[j], a[i] })
			count()
		}
	}
	return rho, float64(extreme) / float64(total)
}

// permute calls f with every order of a[i:].
func permute(a []float64, i int, f func()) {
	if i == len(a) {
		f()
		return
	}
	for j := i; j < len(a); j++ {
		a[i], a[j] = a[j], a[i]
		permute(a, i+1, f)
		a[i], a[j] = a[j], a[i]
	}
}

// ranks returns the place of each value, the mean place where they tie.
func ranks(values []float64) []float64 {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		switch {
		case values[i] < values[j]:
			return -1
		case values[i] > values[j]:
			return 1
		}
		return 0
	})
	out := make([]float64, len(values))
	for lo := 0; lo < len(order); {
		hi := lo + 1
		for hi < len(order) && values[order[hi]] == values[order[lo]] {
			hi++
		}
		for _, i := range order[lo:hi] {
			out[i] = float64(lo+hi+1) / 2
		}
		lo = hi
	}
	return out
}

// pearson returns the correlation, NaN where either does not vary.
func pearson(a, b []float64) float64 {
	ma, mb := plainMean(a), plainMean(b)
	var aa, bb, ab float64
	for i := range a {
		x, y := a[i]-ma, b[i]-mb
		aa, bb, ab = aa+x*x, bb+y*y, ab+x*y
	}
	if aa == 0 || bb == 0 {
		return math.NaN()
	}
	return ab / math.Sqrt(aa*bb)
}

package imbalance

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// features are the measures of single features and their linear combinations.
type features struct{ f1, f1mean, f1v, f2, f3, f4 float64 }

// measureFeatures returns the measures F1 to F4 of Ho and Basu (2002), in the form of the
// survey, section 3.1, and a convention; F2 to F4 only with ranges, else NaN.
func measureFeatures(d data, c Convention, ranges bool) features {
	var out features
	ratio := fisher(d)
	out.f1mean = shareMean(ratio)
	pairs := d.pairs()
	switch c {
	case Problexity:
		var all []float64
		for _, p := range pairs {
			r := fisher(p)
			for f := range r {
				r[f] *= 2
			}
			all = append(all, 1/(1+greatest(r)))
		}
		out.f1 = mean(all)
	case DCoL:
		out.f1 = greatest(fisherDCoL(d))
	default:
		out.f1 = 1 / (1 + greatest(ratio))
	}
	var f1v, f2, f3, f4 []float64
	for _, p := range pairs {
		v := directional(p, c)
		if c != DCoL {
			v = 1 / (1 + v)
		}
		f1v = append(f1v, v)
		if ranges {
			f2 = append(f2, overlapVolume(p))
			f3 = append(f3, overlapShare(p))
			f4 = append(f4, overlapTogether(p, c))
		}
	}
	out.f1v, out.f2, out.f3, out.f4 = mean(f1v), mean(f2), mean(f3), mean(f4)
	if c == DCoL {
		out.f2 *= float64(len(pairs))
		out.f3, out.f4 = 1-out.f3, 1-out.f4
	}
	return out
}

// fisher returns for each feature the scatter between the classes over that within them:
//
//	r_f = sum_c n_c (mu_cf - mu_f)^2 / sum_c sum_i (x_if - mu_cf)^2
//
// It is NaN for a constant feature and +Inf for one that is constant in every class.
func fisher(d data) []float64 {
	m := d.features()
	total, within, between := make([]float64, m), make([]float64, m), make([]float64, m)
	for i := range d.rows() {
		for f, v := range d.x.RawRowView(i) {
			total[f] += v
		}
	}
	for c := range d.members {
		mu, squares := d.moments(c)
		for f := range within {
			within[f] += squares[f]
			t := mu[f] - total[f]/float64(d.rows())
			between[f] += float64(len(d.members[c])) * t * t
		}
	}
	_, span := ranges(d.x)
	for f := range between {
		if between[f] /= within[f]; span[f] == 0 {
			between[f] = math.NaN() // not a quotient of two rounding errors
		}
	}
	return between
}

// fisherDCoL returns DCoL's ratio: the manual's (mu1-mu2)^2/(s1^2+s2^2) for two classes, and
// sum p_i p_j (mu_i-mu_j)^2 / sum p_i s_i^2 for more, with variances by n-1.
func fisherDCoL(d data) []float64 {
	k, n := len(d.members), float64(d.rows())
	mu, variance := make([][]float64, k), make([][]float64, k)
	for c := range mu {
		mu[c], variance[c] = d.moments(c)
		for f := range variance[c] {
			variance[c][f] /= float64(len(d.members[c]) - 1)
		}
	}
	share := func(c int) float64 { return float64(len(d.members[c])) / n }
	out := make([]float64, d.features())
	for f := range out {
		if k == 2 {
			t := mu[0][f] - mu[1][f]
			out[f] = t * t / (variance[0][f] + variance[1][f])
			continue
		}
		var between, within float64
		for a := range k {
			within += share(a) * variance[a][f]
			for b := a + 1; b < k; b++ {
				t := mu[a][f] - mu[b][f]
				between += share(a) * share(b) * t * t
			}
		}
		out[f] = between / within
	}
	return out
}

// greatest returns the largest number, or NaN if there is none.
func greatest(values []float64) float64 {
	most := math.NaN()
	for _, v := range values {
		if !math.IsNaN(v) && !(v <= most) {
			most = v
		}
	}
	return most
}

// shareMean returns the mean of 1/(1+v) over the numbers.
func shareMean(values []float64) float64 {
	out := slices.Clone(values)
	for i, v := range out {
		out[i] = 1 / (1 + v)
	}
	return mean(out)
}

// directional returns Fisher's ratio along the direction that separates two classes best
// (Malina 2001): dF = d'Bd / d'Wd with d = pinv(W) (mu_0-mu_1), which is delta' pinv(W) delta.
func directional(d data, c Convention) float64 {
	n, m := d.rows(), d.features()
	rows := mat.NewDense(n, m, nil) // W is rows' rows
	var mu [2][]float64
	for k := range mu {
		mu[k], _ = d.moments(k)
		size := float64(len(d.members[k]))
		scale := size / float64(n) / (size - 1)
		if c == Problexity {
			scale = 1 / float64(n)
		}
		root := math.Sqrt(scale)
		for _, r := range d.members[k] {
			to := rows.RawRowView(r)
			for f, v := range d.x.RawRowView(r) {
				to[f] = root * (v - mu[k][f])
			}
		}
	}
	delta := mat.NewVecDense(m, nil)
	for f := range m {
		delta.SetVec(f, mu[0][f]-mu[1][f])
	}
	if allZero(delta.RawVector().Data) {
		return 0
	}
	// Of more features than rows the smaller matrix has the same eigenvalues v, and its
	// vectors u those of W as rows'u / sqrt v.
	wide := m > n
	var square *mat.SymDense
	if wide {
		square = outer(rows)
	} else {
		square = gram(nil, rows)
	}
	// A regular matrix needs no pseudo-inverse.
	var chol mat.Cholesky
	if !wide && chol.Factorize(square) && chol.Cond() < 1e6 {
		var solved mat.VecDense
		if chol.SolveVecTo(&solved, delta) == nil {
			return mat.Dot(delta, &solved)
		}
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(square, true) {
		return math.NaN()
	}
	values := eigen.Values(nil)
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	most := values[len(values)-1]
	least := 0x1p-52 * float64(m) * most
	if c == ECoL {
		least = 0x1p-26 * most // the tolerance of MASS::ginv
	}
	if most <= 0 {
		return math.Inf(1) // two points, apart
	}
	along := delta
	if wide {
		along = mat.NewVecDense(n, nil)
		along.MulVec(rows, delta)
	}
	sum := 0.0
	for k, v := range values {
		if v > least {
			t := mat.Dot(vectors.ColView(k), along)
			if wide {
				t /= math.Sqrt(v)
			}
			sum += t * t / v
		}
	}
	return sum
}

func allZero(values []float64) bool {
	return !slices.ContainsFunc(values, func(v float64) bool { return v != 0 })
}

// overlapVolume returns F2 of two classes: the product over the features of the overlap of
// the two ranges, as a share of the range of both. Constant features are left out.
func overlapVolume(d data) float64 {
	low0, high0 := d.extent(0)
	low1, high1 := d.extent(1)
	volume := 1.0
	for f := range low0 {
		if whole := max(high0[f], high1[f]) - min(low0[f], low1[f]); whole > 0 {
			volume *= max(0, min(high0[f], high1[f])-max(low0[f], low1[f])) / whole
		}
	}
	return volume
}

// overlapShare returns F3 of two classes: the least share, over the features, of rows in
// the overlap of the two ranges.
func overlapShare(d data) float64 {
	low, high := d.shared()
	return float64(slices.Min(d.inside(low, high))) / float64(d.rows())
}

// shared returns for each feature the overlap of the ranges of classes 0 and 1: none where low is
// above high.
func (d data) shared() (low, high []float64) {
	low, high = d.extent(0)
	low1, high1 := d.extent(1)
	for f := range low {
		low[f], high[f] = max(low[f], low1[f]), min(high[f], high1[f])
	}
	return low, high
}

// inside counts for each feature the rows from low to high.
func (d data) inside(low, high []float64) []int {
	count := make([]int, d.features())
	for i := range d.rows() {
		for f, v := range d.x.RawRowView(i) {
			if v >= low[f] && v <= high[f] {
				count[f]++
			}
		}
	}
	return count
}

// overlapTogether returns F4 of two classes: the share of rows left after each feature in
// turn, the one that separates most of what is left first, has taken away the rows outside
// the overlap of that feature's ranges. It ends when one class is left alone. In PyMFE those
// rows count as taken away too, while there is a feature; Problexity counts among what a
// feature separates the rows that are gone, and takes the last of equal features.
func overlapTogether(d data, c Convention) float64 {
	return float64(len(leftTogether(d, c))) / float64(d.rows())
}

// leftTogether returns the rows that F4 counts.
func leftTogether(d data, c Convention) []int {
	left, rows := d, make([]int, d.rows())
	for i := range rows {
		rows[i] = i
	}
	used := make([]bool, d.features())
	for range used {
		low, high := left.shared()
		all := left
		if c == Problexity {
			all = d
		}
		inside := all.inside(low, high)
		best := -1
		for f, n := range inside {
			if !used[f] && (best < 0 || n < inside[best] || n == inside[best] && c == Problexity) {
				best = f
			}
		}
		used[best] = true
		var keep []int
		for i := range left.rows() {
			if v := left.x.At(i, best); v >= low[best] && v <= high[best] {
				keep = append(keep, i)
			}
		}
		if len(keep) == 0 {
			return nil
		}
		left = left.take(keep)
		for i, k := range keep { // k is i or more
			rows[i] = rows[k]
		}
		rows = rows[:len(keep)]
		if len(left.members[0]) == 0 || len(left.members[1]) == 0 {
			if c == PyMFE && slices.Contains(used, false) {
				return nil
			}
			break
		}
	}
	return rows
}

// overlap is what F3 and F4 of a pair of classes count, for resamples: the ranges stay those of
// all rows, since a resample does not reach as far.
type overlap struct {
	rows   []int   // of the set, those of the pair
	inside [][]int // of rows, for each feature, those in the overlap of its ranges
	left   []int   // of rows, those that F4 leaves
}

// overlaps returns those of all pairs.
func (d data) overlaps(c Convention) []overlap {
	var list []overlap
	for a := range d.members {
		for b := a + 1; b < len(d.members); b++ {
			p, o := d.pair(a, b), overlap{rows: slices.Concat(d.members[a], d.members[b])}
			slices.Sort(o.rows)
			low, high := p.shared()
			o.inside = make([][]int, p.features())
			for i := range p.rows() {
				for f, v := range p.x.RawRowView(i) {
					if v >= low[f] && v <= high[f] {
						o.inside[f] = append(o.inside[f], o.rows[i])
					}
				}
			}
			for _, i := range leftTogether(p, c) {
				o.left = append(o.left, o.rows[i])
			}
			list = append(list, o)
		}
	}
	return list
}

// resampled returns F3 and F4, means over the pairs, by how often each row was drawn.
func resampled(list []overlap, c Convention, weights []float64) (f3, f4 float64) {
	sum := func(rows []int) (s float64) {
		for _, r := range rows {
			s += weights[r]
		}
		return s
	}
	for _, o := range list {
		least := math.Inf(1)
		for _, rows := range o.inside {
			least = min(least, sum(rows))
		}
		all := sum(o.rows)
		f3 += least / all / float64(len(list))
		f4 += sum(o.left) / all / float64(len(list))
	}
	if c == DCoL {
		return 1 - f3, 1 - f4
	}
	return f3, f4
}

// classFeatures returns F2 and F3 of class 0 against the others (Barella, Garcia, Souto,
// Lorena and Carvalho, Assessing the data complexity of imbalanced datasets, 2021): F2 by
// the range of the class, F3 by its own rows. F2 is NaN where the class has no range in any
// feature.
func classFeatures(d data) (f2, f3 float64) {
	low0, high0 := d.extent(0)
	low1, high1 := d.extent(1)
	f2, any := 1.0, false
	outside := 0
	for f := range low0 {
		low, high := max(low0[f], low1[f]), min(high0[f], high1[f])
		if own := high0[f] - low0[f]; own > 0 {
			any = true
			f2 *= max(0, high-low) / own
		}
		n := 0
		for _, r := range d.members[0] {
			if v := d.x.At(r, f); v < low || v > high {
				n++
			}
		}
		outside = max(outside, n)
	}
	if !any {
		f2 = math.NaN()
	}
	return f2, 1 - float64(outside)/float64(len(d.members[0]))
}

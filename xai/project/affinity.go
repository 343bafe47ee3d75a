package project

import (
	"context"
	"math"
	"slices"

	"github.com/whybook/whybook/xai/internal/parallel"
)

// affinities is the symmetric matrix P of t-SNE, of which only entries of neighbours are
// kept: row i has the entries from start[i] to start[i+1], by ascending index. All entries
// together are 1.
type affinities struct {
	start   []int
	index   []int32
	p       []float64
	entropy float64 // sum of p log p
}

// conditional returns the conditional probabilities of t-SNE for m rows of k squared distances,
// each row ascending:
//
//	p(j|i) proportional to exp(-beta_i d_ij^2)
//
// with beta_i such that exp of the entropy of the row, its perplexity, is as asked. A row of
// which more than that many of the least distances are equal has no such beta; it is
// shared among them, the limit, and counted.
func conditional(ctx context.Context, squares []float64, k int, perplexity float64) (p []float64, tied int, err error) {
	const size = 256
	m := len(squares) / k
	p = make([]float64, len(squares))
	counts := make([]int, (m+size-1)/size)
	err = parallel.Blocks(ctx, m, size, func(lo, hi int) error {
		for i := lo; i < hi; i++ {
			if !bandwidth(p[i*k:][:k], squares[i*k:][:k], math.Log(perplexity)) {
				counts[lo/size]++
			}
		}
		return nil
	})
	for _, c := range counts {
		tied += c
	}
	return p, tied, err
}

// bandwidth fills p with the probabilities of the given entropy, and reports whether they
// exist. The entropy falls with log beta, so that Newton's steps within the bracket of what
// is known find it.
func bandwidth(p, squares []float64, entropy float64) bool {
	const (
		tolerance = 1e-12
		steps     = 200
	)
	least, ties := squares[0], 0
	mean := 0.0
	for _, s := range squares {
		if s == least {
			ties++
		}
		mean += (s - least) / float64(len(squares))
	}
	share := func() bool {
		clear(p)
		for j := range ties {
			p[j] = 1 / float64(ties)
		}
		return math.Abs(math.Log(float64(ties))-entropy) <= tolerance
	}
	if mean == 0 || math.Log(float64(ties)) >= entropy {
		return share()
	}
	low, high := math.Inf(-1), math.Inf(1)
	t := -math.Log(mean) // log beta
	for range steps {
		beta := math.Exp(t)
		if math.IsInf(beta, 1) {
			return share() // no float64 tells the nearest apart
		}
		sum, first, second := 0.0, 0.0, 0.0 // of the weights, and of their moments of beta (s - least)
		for j, s := range squares {
			u := beta * (s - least)
			w := math.Exp(-u)
			p[j] = w
			sum += w
			first += w * u
			second += w * u * u
		}
		first, second = first/sum, second/sum
		for j := range p {
			p[j] /= sum
		}
		excess := math.Log(sum) + first - entropy
		if math.Abs(excess) <= tolerance {
			break
		}
		if excess > 0 {
			low = t
		} else {
			high = t
		}
		next := t + excess/(second-first*first) // the entropy's slope in t is minus the variance of u
		switch {
		case next > low && next < high && math.Abs(next-t) < 3:
			t = next
		case math.IsInf(high, 1):
			t += 1
		case math.IsInf(low, -1):
			t -= 1
		default:
			if middle := low + (high-low)/2; middle == low || middle == high {
				return true // as near as numbers are dense
			} else {
				t = middle
			}
		}
	}
	return true
}

// symmetric joins the conditional probabilities of n rows of k neighbours:
//
//	p_ij = (p(j|i) + p(i|j)) / 2n
func symmetric(index []int32, p []float64, k int) affinities {
	n := len(index) / k
	// Who has i as a neighbour, in ascending order.
	from := make([]int, n+1)
	for _, j := range index {
		from[j+1]++
	}
	for i := range n {
		from[i+1] += from[i]
	}
	back, weight, next := make([]int32, len(index)), make([]float64, len(index)), append([]int(nil), from...)
	for i := range n {
		for r := i * k; r < (i+1)*k; r++ {
			at := next[index[r]]
			back[at], weight[at] = int32(i), p[r]
			next[index[r]]++
		}
	}

	a := affinities{start: make([]int, n+1)}
	row := make([]float64, n) // p of the present row
	has := make([]bool, n)
	var columns []int32
	for i := range n {
		columns = columns[:0]
		add := func(j int32, v float64) {
			if !has[j] {
				has[j] = true
				columns = append(columns, j)
			}
			row[j] += v
		}
		for r := i * k; r < (i+1)*k; r++ {
			add(index[r], p[r])
		}
		for r := from[i]; r < from[i+1]; r++ {
			add(back[r], weight[r])
		}
		slices.Sort(columns)
		for _, j := range columns {
			if v := row[j] / float64(2*n); v > 0 { // not underflown
				a.index, a.p = append(a.index, j), append(a.p, v)
				a.entropy += v * math.Log(v)
			}
			row[j], has[j] = 0, false
		}
		a.start[i+1] = len(a.index)
	}
	return a
}

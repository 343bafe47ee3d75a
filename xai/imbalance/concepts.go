package imbalance

import (
	"context"
	"fmt"
	"math"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/internal/parallel"
	"github.com/whybook/whybook/xai/progress"
	"gonum.org/v1/gonum/mat"
)

// SubConcepts looks for groups among some members, such as the rare ones of a class: k-medoids
// (Kaufman and Rousseeuw, Finding groups in data, 1990) with the k of largest mean silhouette.
// The zero value is the usual setting. The paper shows one medoid of the rare members;
// looking for several is ours.
type SubConcepts struct {
	Most   int     // largest k; default 6
	Least  float64 // mean silhouette below which there is one group only; default 0.25, "no substantial structure"
	Sample int     // members that are clustered at most, evenly spaced; the others join the nearest medoid; default 1000
}

// Concepts are groups of members.
type Concepts struct {
	Medoids    []int   // the member that stands for each group, largest group first
	Rows       []int   // members that were grouped
	Group      []int   // of each of Rows
	Silhouette float64 // mean, of those that were clustered; NaN for one group
}

// Find groups the given rows of the features, in rising order.
func (s SubConcepts) Find(ctx context.Context, x *mat.Dense, rows []int) (Concepts, error) {
	const where = "imbalance.SubConcepts.Find"
	if x == nil || x.IsEmpty() || len(rows) == 0 {
		return Concepts{}, fmt.Errorf("%s: no rows: %w", where, xai.ErrShape)
	}
	n, _ := x.Dims()
	for p, i := range rows {
		if i < 0 || i >= n || p > 0 && i <= rows[p-1] {
			return Concepts{}, fmt.Errorf("%s: row %d at place %d; want rising rows of 0-%d: %w", where, i, p, n-1, xai.ErrShape)
		}
	}
	if s.Most < 0 || s.Sample < 0 || s.Least < 0 || s.Least > 1 || math.IsNaN(s.Least) {
		return Concepts{}, fmt.Errorf("%s: Most %d, Sample %d, Least %v: want 0 for the default, or more, and Least up to 1", where, s.Most, s.Sample, s.Least)
	}
	most, least, sample := 6, 0.25, 1000
	if s.Most > 0 {
		most = s.Most
	}
	if s.Least > 0 {
		least = s.Least
	}
	if s.Sample > 0 {
		sample = s.Sample
	}
	some := evenly(rows, sample)
	m := len(some)
	d := make([]float64, m*m)
	err := parallel.Blocks(ctx, m, 32, func(lo, hi int) error {
		for a := lo; a < hi; a++ {
			for b := range m {
				d[a*m+b] = distance(x.RawRowView(some[a]), x.RawRowView(some[b]))
			}
		}
		return nil
	})
	if err != nil {
		return Concepts{}, fmt.Errorf("%s: %w", where, err)
	}
	best, width := kMedoids(d, m, 1), nan
	for k := 2; k <= min(most, m-1); k++ {
		if err := ctx.Err(); err != nil {
			return Concepts{}, fmt.Errorf("%s: at %d groups: %w", where, k, err)
		}
		medoids := kMedoids(d, m, k)
		if w := silhouette(d, m, medoids); w >= least && !(w <= width) {
			best, width = medoids, w
		}
		progress.Report(ctx, "sub-concepts", k, most)
	}
	c := Concepts{Rows: rows, Group: make([]int, len(rows)), Silhouette: width}
	for _, a := range best {
		c.Medoids = append(c.Medoids, some[a])
	}
	c.assign(x)
	return c, nil
}

// assign puts every row into the group of the nearest medoid and orders groups by size.
func (c *Concepts) assign(x *mat.Dense) {
	sizes := make([]int, len(c.Medoids))
	for p, i := range c.Rows {
		best, least := 0, math.Inf(1)
		for g, m := range c.Medoids {
			if m == i { // a duplicate may be a medoid too
				best = g
				break
			}
			if d := distance(x.RawRowView(i), x.RawRowView(m)); d < least {
				best, least = g, d
			}
		}
		c.Group[p] = best
		sizes[best]++
	}
	order := make([]int, len(sizes)) // insertion sort: stable
	for g := range order {
		at := g
		for at > 0 && sizes[g] > sizes[order[at-1]] {
			order[at] = order[at-1]
			at--
		}
		order[at] = g
	}
	medoids, place := make([]int, len(order)), make([]int, len(order))
	for at, g := range order {
		medoids[at], place[g] = c.Medoids[g], at
	}
	c.Medoids = medoids
	for p, g := range c.Group {
		c.Group[p] = place[g]
	}
}

// evenly returns at most n of the rows, evenly spaced.
func evenly(rows []int, n int) []int {
	if len(rows) <= n {
		return rows
	}
	out := make([]int, n)
	for p := range out {
		out[p] = rows[p*len(rows)/n]
	}
	return out
}

// kMedoids is PAM (Kaufman and Rousseeuw 1990, chapter 2) on an n x n matrix of distances:
// medoids are added one by one where they help most, then exchanged as long as that helps.
// Where several choices are equally good the lowest index is taken.
func kMedoids(d []float64, n, k int) []int {
	near := make([]float64, n) // distance to the nearest medoid
	for i := range near {
		near[i] = math.Inf(1)
	}
	chosen := make([]bool, n)
	var medoids []int
	for range k {
		best, least := -1, math.Inf(1)
		for c := range n {
			if chosen[c] {
				continue
			}
			sum := 0.0
			for i := range n {
				sum += min(near[i], d[c*n+i])
			}
			if best < 0 || sum < least {
				best, least = c, sum
			}
		}
		chosen[best] = true
		medoids = append(medoids, best)
		for i := range n {
			near[i] = min(near[i], d[best*n+i])
		}
	}
	cost := 0.0
	for _, v := range near {
		cost += v
	}
	rest := make([]float64, n) // distance to the nearest of the other medoids
	for {
		slot, in, least := -1, -1, cost*(1-1e-12) // an exchange must help by more than rounding
		for s := range medoids {
			for i := range rest {
				rest[i] = math.Inf(1)
				for t, m := range medoids {
					if t != s {
						rest[i] = min(rest[i], d[m*n+i])
					}
				}
			}
			for c := range n {
				if chosen[c] {
					continue
				}
				sum := 0.0
				for i := range n {
					sum += min(rest[i], d[c*n+i])
				}
				if sum < least {
					slot, in, least = s, c, sum
				}
			}
		}
		if slot < 0 {
			return medoids
		}
		chosen[medoids[slot]], chosen[in] = false, true
		medoids[slot], cost = in, least
	}
}

// silhouette returns the mean of (b-a)/max(a,b) (Rousseeuw 1987), a the mean distance to the
// others of the own group and b the least mean distance to another group; 0 for a member
// that is alone.
func silhouette(d []float64, n int, medoids []int) float64 {
	group, size := make([]int, n), make([]float64, len(medoids))
	for i := range n {
		for g, m := range medoids {
			if d[m*n+i] < d[medoids[group[i]]*n+i] {
				group[i] = g
			}
		}
		for g, m := range medoids {
			if m == i {
				group[i] = g
			}
		}
		size[group[i]]++
	}
	sums, total := make([]float64, len(medoids)), 0.0
	for i := range n {
		clear(sums)
		for j := range n {
			sums[group[j]] += d[i*n+j]
		}
		own := group[i]
		if size[own] < 2 {
			continue
		}
		a, b := sums[own]/(size[own]-1), math.Inf(1)
		for g := range sums {
			if g != own && size[g] > 0 {
				b = min(b, sums[g]/size[g])
			}
		}
		if top := max(a, b); top > 0 && !math.IsInf(b, 0) {
			total += (b - a) / top
		}
	}
	return total / float64(n)
}

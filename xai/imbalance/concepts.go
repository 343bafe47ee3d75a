package imbalance

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/cluster"
	"github.com/whybook/whybook/xai/internal/parallel"
	"gonum.org/v1/gonum/mat"
)

// SubConcepts looks for groups among some members, such as those of a class or its rare ones:
// k-medoids with the k of largest mean silhouette, the smallest of several (Kaufman and
// Rousseeuw, Finding groups in data, 1990).
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
	m, best, width := len(some), []int(nil), nan
	part := mat.NewDense(m, x.RawMatrix().Cols, nil)
	for p, i := range some {
		part.SetRow(p, x.RawRowView(i))
	}
	d := mat.NewDense(m, m, nil)
	err := parallel.Blocks(ctx, m, 32, func(lo, hi int) error {
		for a := lo; a < hi; a++ {
			for b, to := 0, d.RawRowView(a); b < m; b++ {
				to[b] = distance(part.RawRowView(a), part.RawRowView(b))
			}
		}
		return nil
	})
	for k := 1; k <= max(min(most, m-1), 1) && err == nil; k++ {
		var around *cluster.Around
		if around, err = (cluster.Medoids{K: k}).Fit(ctx, d); err != nil {
			break
		}
		if k == 1 {
			best = around.Medoids
			continue
		}
		var q cluster.Quality
		switch q, err = (cluster.Silhouette{}).Measure(ctx, part, around.Labels); {
		case errors.Is(err, cluster.ErrUndefined): // rows that are all equal have one group
			err = nil
		case err == nil && q.Mean >= least && !(q.Mean <= width):
			best, width = around.Medoids, q.Mean
		}
	}
	if err != nil {
		return Concepts{}, fmt.Errorf("%s: %w", where, err)
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

package cnninte

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/whybook/whybook/xai/cluster"
	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/mat"
)

// sample returns some of n instances in their order.
func sample(sd uint64, n, want int) []int {
	if want >= n {
		return indices(0, n)
	}
	rows := seed.Stream(sd, "cnninte", "sample").Perm(n)[:want]
	slices.Sort(rows)
	return rows
}

// neurons returns the neurons that change on the given rows of values, n x D, and those that
// have another value than their most frequent one on less than the share quiet of the rows, or
// on none.
func neurons(values *mat.Dense, rows []int, quiet float64) (live, dead []int) {
	_, d := values.Dims()
	column := make([]float64, len(rows))
	for j := range d {
		for p, i := range rows {
			column[p] = values.At(i, j)
		}
		slices.Sort(column)
		most, run := 1, 1
		for p := 1; p < len(column); p++ {
			if run++; column[p] != column[p-1] {
				run = 1
			}
			most = max(most, run)
		}
		if other := len(column) - most; other == 0 || float64(other) < quiet*float64(len(column)) {
			dead = append(dead, j)
		} else {
			live = append(live, j)
		}
	}
	return live, dead
}

// group divides the live neurons into g factors: k-means on their values over the given rows,
// scaled to length 1. Factors have ascending neurons, and come by their first one.
func group(ctx context.Context, values *mat.Dense, rows, live []int, g int, sd uint64) ([][]int, error) {
	if len(live) < g {
		return nil, ErrFactors{Factors: g, Live: len(live)}
	}
	vectors := mat.NewDense(len(live), len(rows), nil)
	for at, j := range live {
		v, sum := vectors.RawRowView(at), 0.0
		for p, i := range rows {
			v[p] = values.At(i, j)
			sum += float64(v[p] * v[p])
		}
		for p := range v {
			v[p] /= math.Sqrt(sum) // above 0: the neuron changes
		}
	}
	means, err := cluster.KMeans{K: g, Seed: seed.Sub(sd, "cnninte", "factors")}.Fit(ctx, vectors)
	if errors.Is(err, cluster.ErrTooFew) {
		return nil, ErrFactors{Factors: g, Live: distinct(vectors)}
	}
	if err != nil {
		return nil, err
	}
	return members(means.Labels, live, g), nil
}

// members collects what items have each label, groups by their first member.
func members(labels, items []int, g int) [][]int {
	groups, place := make([][]int, 0, g), make(map[int]int, g)
	for at, l := range labels {
		p, seen := place[l]
		if !seen {
			p = len(groups)
			place[l], groups = p, append(groups, nil)
		}
		groups[p] = append(groups[p], items[at])
	}
	return groups
}

// columns returns the columns of x with the given numbers.
func columns(x *mat.Dense, list []int) *mat.Dense {
	n, _ := x.Dims()
	out := mat.NewDense(n, len(list), nil)
	for i := range n {
		from, to := x.RawRowView(i), out.RawRowView(i)
		for p, j := range list {
			to[p] = from[j]
		}
	}
	return out
}

// distinct counts the different rows of x.
func distinct(x *mat.Dense) int {
	n, d := x.Dims()
	seen, key := make(map[string]struct{}), make([]byte, 0, 8*d)
	for i := range n {
		key = key[:0]
		for _, v := range x.RawRowView(i) {
			b := math.Float64bits(v + 0) // -0 is 0
			for s := 0; s < 64; s += 8 {
				key = append(key, byte(b>>s))
			}
		}
		seen[string(key)] = struct{}{}
	}
	return len(seen)
}

// partition divides rows into at most k clusters, and says how many there are: fewer where
// fewer rows differ, since more cannot be told apart.
type partition struct {
	labels    []int
	centroids *mat.Dense
}

// divide runs k-means on the rows of x and numbers the clusters by falling size, then by
// their first row.
func divide(ctx context.Context, x *mat.Dense, k int, sd uint64) (partition, error) {
	m := cluster.KMeans{K: k, Seed: sd}
	means, err := m.Fit(ctx, x)
	if errors.Is(err, cluster.ErrTooFew) {
		m.K = distinct(x)
		means, err = m.Fit(ctx, x)
	}
	if err != nil {
		return partition{}, err
	}
	labels, order := canonical(means.Labels, m.K)
	p := partition{labels: labels, centroids: mat.NewDense(m.K, means.Centroids.RawMatrix().Cols, nil)}
	for c, from := range order {
		copy(p.centroids.RawRowView(c), means.Centroids.RawRowView(from))
	}
	return p, nil
}

// canonical renumbers labels in [0, k) by falling size, then by first row. order[c] is the old
// number of cluster c.
func canonical(labels []int, k int) (renumbered, order []int) {
	size, first := make([]int, k), make([]int, k)
	for c := range first {
		first[c] = len(labels)
	}
	for i, l := range labels {
		size[l]++
		first[l] = min(first[l], i)
	}
	order = indices(0, k)
	slices.SortStableFunc(order, func(a, b int) int {
		if size[a] != size[b] {
			return size[b] - size[a]
		}
		return first[a] - first[b]
	})
	place := make([]int, k)
	for c, from := range order {
		place[from] = c
	}
	renumbered = make([]int, len(labels))
	for i, l := range labels {
		renumbered[i] = place[l]
	}
	return renumbered, order
}

// layout is the two levels of clustering.
type layout struct {
	dead    []int
	factors []Factor // with Neurons, Centroids and Within
	labels  [][]int  // factors x n
}

// cluster does both levels on the hidden values of n training instances.
func (s Settings) cluster(ctx context.Context, values *mat.Dense) (*layout, error) {
	n, _ := values.Dims()
	rows := sample(s.Seed, n, s.Sample)
	live, dead := neurons(values, rows, s.Quiet)
	if s.Clusters > n {
		return nil, ErrClusters{Clusters: s.Clusters, Distinct: distinct(values)}
	}
	l := &layout{dead: dead}
	if s.Variant == Rows {
		if len(live) == 0 {
			return nil, ErrFactors{Factors: 1, Live: 0}
		}
		return l, s.clusterRows(ctx, l, values, live)
	}
	groups, err := group(ctx, values, rows, live, s.Factors, s.Seed)
	if err != nil {
		return nil, err
	}
	most := 0
	for g, list := range groups {
		p, err := divide(ctx, columns(values, list), s.Clusters, seed.Sub(s.Seed, "cnninte", "clusters", g))
		if err != nil {
			return nil, fmt.Errorf("factor %d: %w", g+1, err)
		}
		l.factors = append(l.factors, Factor{Neurons: list, Centroids: p.centroids})
		l.labels = append(l.labels, p.labels)
		k, _ := p.centroids.Dims()
		most = max(most, k)
	}
	// A factor may have fewer clusters than asked for, but not all of them.
	if most < s.Clusters {
		if d := distinct(values); d < s.Clusters {
			return nil, ErrClusters{Clusters: s.Clusters, Distinct: d}
		}
	}
	return l, nil
}

// clusterRows is the variant that divides instances twice.
func (s Settings) clusterRows(ctx context.Context, l *layout, values *mat.Dense, live []int) error {
	n, _ := values.Dims()
	x := columns(values, live)
	if d := distinct(x); d < max(s.Factors, s.Clusters) {
		return ErrClusters{Clusters: max(s.Factors, s.Clusters), Distinct: d}
	}
	first, err := divide(ctx, x, s.Factors, seed.Sub(s.Seed, "cnninte", "rows"))
	if err != nil {
		return err
	}
	pairs, within := make([]int, n), []int(nil)
	var centroids []float64
	for g := range s.Factors {
		var rows []int
		for i, c := range first.labels {
			if c == g {
				rows = append(rows, i)
			}
		}
		part := mat.NewDense(len(rows), len(live), nil)
		for p, i := range rows {
			copy(part.RawRowView(p), x.RawRowView(i))
		}
		p, err := divide(ctx, part, s.Clusters, seed.Sub(s.Seed, "cnninte", "clusters", g))
		if err != nil {
			return fmt.Errorf("group %d: %w", g+1, err)
		}
		base := len(within)
		k, _ := p.centroids.Dims()
		for c := range k {
			within, centroids = append(within, g), append(centroids, p.centroids.RawRowView(c)...)
		}
		for at, i := range rows {
			pairs[i] = base + p.labels[at]
		}
	}
	l.factors = []Factor{
		{Neurons: live, Centroids: first.centroids},
		{Neurons: live, Centroids: mat.NewDense(len(within), len(live), centroids), Within: within},
	}
	l.labels = [][]int{first.labels, pairs}
	return nil
}

// assign returns the oracle identities of instances with the hidden values h, n x D: for each
// factor the nearest centroid, of those within the group of the first level where there is one.
func assign(ctx context.Context, factors []Factor, h *mat.Dense) ([][]int, error) {
	n, _ := h.Dims()
	out := make([][]int, len(factors))
	for g, f := range factors {
		out[g] = make([]int, n)
		k := f.Clusters()
		for i := range n {
			if i%1024 == 0 {
				if err := ctx.Err(); err != nil {
					return nil, fmt.Errorf("cnninte: nearest centroids: %w", err)
				}
			}
			row, best, least := h.RawRowView(i), -1, math.Inf(1)
			for c := range k {
				if f.Within != nil && f.Within[c] != out[0][i] {
					continue
				}
				if d := f.distance(row, c); d < least || best < 0 {
					best, least = c, d
				}
			}
			out[g][i] = best
		}
	}
	return out, nil
}

// distance returns the squared distance of hidden values, all D of them, from a centroid.
func (f *Factor) distance(row []float64, c int) float64 {
	sum, mu := 0.0, f.Centroids.RawRowView(c)
	for p, j := range f.Neurons {
		d := row[j] - mu[p]
		sum += float64(d * d)
	}
	return sum
}

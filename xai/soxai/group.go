package soxai

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/whybook/whybook/xai/cluster"
	"github.com/whybook/whybook/xai/neighbors"
	"github.com/whybook/whybook/xai/progress"
	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/mat"
)

// Grouping divides regions into concepts by their principal components. KMeans, Density and
// Spectral are the groupings.
type Grouping interface {
	// group labels the rows of x from 0, -1 for none. k is 0, or the number of concepts that
	// was found in all rows, where x holds a part of them. Among the rows are at least two
	// that differ.
	group(ctx context.Context, x *mat.Dense, k int, sd uint64) (Grouped, error)
	check() error
}

// Grouped is what a grouping found.
type Grouped struct {
	Labels []int // of each region, -1 for none
	K      int

	// Tried has the numbers of concepts that were compared, and Scores what they were
	// compared by: silhouettes for KMeans, eigengaps for Spectral. Nil for Density.
	Tried  []int
	Scores []float64
}

// KMeans groups by k-means; the number of concepts is the one from Min to Max with the largest
// silhouette, the smallest where several have it.
type KMeans struct {
	Min, Max int // default 2 and 12; the upper end gives way where there are fewer different regions
}

func (g KMeans) check() error {
	g = g.filled()
	if g.Min < 1 || g.Max < g.Min || g.Min == 1 && g.Max > 1 {
		return fmt.Errorf("need 2 <= Min <= Max, or 1 and 1, have %d and %d", g.Min, g.Max)
	}
	return nil
}

func (g KMeans) filled() KMeans {
	if g.Min == 0 {
		g.Min = 2
	}
	if g.Max == 0 {
		g.Max = max(12, g.Min)
	}
	return g
}

// silhouetteRows bounds the rows of a silhouette, whose time grows with their number times n.
const silhouetteRows = 2000

func (g KMeans) group(ctx context.Context, x *mat.Dense, k int, sd uint64) (Grouped, error) {
	n, _ := x.Dims()
	g = g.filled()
	if k > 0 {
		g.Min, g.Max = k, k
	}
	if most := min(different(x), n-1); g.Min > 1 {
		if g.Min > most {
			return Grouped{}, fmt.Errorf("%d regions, of which %d differ, cannot make %d concepts; explain more images or ask for fewer concepts: %w", n, different(x), g.Min, ErrFew)
		}
		g.Max = min(g.Max, most)
	}
	if g.Max == 1 {
		return Grouped{Labels: make([]int, n), K: 1}, nil
	}
	if k > 0 {
		m, err := cluster.KMeans{K: k, Seed: sd}.Fit(ctx, x)
		if err != nil {
			return Grouped{}, err
		}
		return Grouped{Labels: m.Labels, K: k}, nil
	}
	c := cluster.Choice{Min: g.Min, Max: g.Max, KMeans: cluster.KMeans{Seed: sd}}
	if n > silhouetteRows {
		c.Silhouette = cluster.Silhouette{Sample: silhouetteRows, Seed: sd}
	}
	best, err := c.Fit(ctx, x)
	if err != nil {
		return Grouped{}, err
	}
	return Grouped{Labels: best.Labels, K: best.K, Tried: best.Tried, Scores: best.Silhouettes}, nil
}

// Density groups by HDBSCAN, which leaves out regions that belong to no concept.
type Density struct {
	MinSize int // regions of a concept; default 2 % of all, at least 5
}

func (g Density) check() error {
	if g.MinSize < 0 || g.MinSize == 1 {
		return fmt.Errorf("field MinSize is %d; need at least 2, or 0 for the default", g.MinSize)
	}
	return nil
}

func (g Density) group(ctx context.Context, x *mat.Dense, _ int, _ uint64) (Grouped, error) {
	n, _ := x.Dims()
	size := g.MinSize
	if size == 0 {
		size = max(5, n/50)
	}
	if size > n {
		return Grouped{}, fmt.Errorf("%d regions are fewer than the %d of a concept; lower MinSize or explain more images: %w", n, size, ErrFew)
	}
	d, err := cluster.HDBSCAN{MinSize: size}.Fit(ctx, x)
	if err != nil {
		return Grouped{}, err
	}
	return Grouped{Labels: d.Labels, K: len(d.Sizes)}, nil
}

// Spectral groups by the eigenvectors of the graph of nearest regions, as SpRAy does with whole
// heat maps (Lapuschkin et al. 2019); the number of concepts is where the eigenvalues jump. It
// takes n x n values of memory and time in n^3: for up to a few thousand regions.
type Spectral struct {
	Neighbors int // of each region in the graph; default 10, or n-1 if that is less
	Max       int // concepts; default 12, or n-1 if that is less
}

func (g Spectral) check() error {
	if g.Neighbors < 0 || g.Max < 0 || g.Max == 1 {
		return fmt.Errorf("need Neighbors of at least 1 and Max of at least 2, or 0 for the defaults, have %d and %d", g.Neighbors, g.Max)
	}
	return nil
}

func (g Spectral) group(ctx context.Context, x *mat.Dense, k int, sd uint64) (Grouped, error) {
	n, _ := x.Dims()
	if n < 3 {
		return Grouped{}, fmt.Errorf("%d regions are too few for a graph; explain more images: %w", n, ErrFew)
	}
	near, most := g.Neighbors, g.Max
	if near == 0 {
		near = 10
	}
	if most == 0 {
		most = 12
	}
	near, most = min(near, n-1), min(most, n-1)
	ix, err := neighbors.New(x, neighbors.Options{})
	if err != nil {
		return Grouped{}, err
	}
	lists, err := ix.Nearest(ctx, near)
	if err != nil {
		return Grouped{}, err
	}
	rows := make([][]int, n)
	for i := range rows {
		rows[i], _ = lists.At(i)
	}
	graph, err := cluster.Graph(rows)
	if err != nil {
		return Grouped{}, err
	}
	by := cluster.Spectral{MaxK: most, Seed: sd}
	if k > 0 {
		by = cluster.Spectral{K: min(k, n-1), Seed: sd}
	}
	s, err := by.Fit(ctx, graph)
	if err != nil {
		return Grouped{}, err
	}
	out := Grouped{Labels: s.Labels, K: s.K}
	for c := 2; k == 0 && c <= most && c < len(s.Eigenvalues); c++ {
		out.Tried, out.Scores = append(out.Tried, c), append(out.Scores, s.Eigenvalues[c]-s.Eigenvalues[c-1])
	}
	return out, nil
}

// different counts the rows that differ.
func different(x *mat.Dense) int {
	n, _ := x.Dims()
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return slices.Compare(x.RawRowView(a), x.RawRowView(b)) })
	count := min(n, 1)
	for i := 1; i < n; i++ {
		if !slices.Equal(x.RawRowView(order[i]), x.RawRowView(order[i-1])) {
			count++
		}
	}
	return count
}

// bySize numbers concepts by their sizes, the largest first, equal ones by their first region.
func (g *Grouped) bySize() {
	sizes, first := make([]int, g.K), make([]int, g.K)
	for i, c := range g.Labels {
		if c >= 0 {
			if sizes[c] == 0 {
				first[c] = i
			}
			sizes[c]++
		}
	}
	order := make([]int, g.K)
	for c := range order {
		order[c] = c
	}
	slices.SortFunc(order, func(a, b int) int {
		if sizes[a] != sizes[b] {
			return sizes[b] - sizes[a]
		}
		return first[a] - first[b]
	})
	place := make([]int, g.K)
	for p, c := range order {
		place[c] = p
	}
	for i, c := range g.Labels {
		if c >= 0 {
			g.Labels[i] = place[c]
		}
	}
}

// Stability says how far the concepts depend on which regions there happen to be. It is
// measured on the distinct rows of bootstrap samples.
type Stability struct {
	Runs int // that could be grouped, of 10

	// Agreement is the mean adjusted Rand index between the concepts and those that are found
	// in a sample; 1 where they are the same, 0 where they agree by chance.
	Agreement float64

	// Concepts has for each concept the mean over the runs of the largest Jaccard index
	// between it and a group of the sample (Hennig 2007): below 0.6, the concept dissolves.
	Concepts []float64
}

// stable is the agreement and the Jaccard index below which there is a flag.
const (
	stable        = 0.6
	stabilityRuns = 10
)

// stability groups bootstrap samples anew.
func stability(ctx context.Context, g Grouping, x *mat.Dense, all Grouped, sd uint64) (Stability, error) {
	n, d := x.Dims()
	s := Stability{Agreement: nan, Concepts: make([]float64, all.K)}
	agreement := 0.0
	for b := range stabilityRuns {
		if err := ctx.Err(); err != nil {
			return s, fmt.Errorf("after %d of %d samples for the stability: %w", b, stabilityRuns, err)
		}
		rng := seed.Stream(sd, "soxai", "stability", b)
		drawn := make([]bool, n)
		for range n {
			drawn[rng.IntN(n)] = true
		}
		var rows, before []int
		for i, in := range drawn {
			if in {
				rows, before = append(rows, i), append(before, all.Labels[i])
			}
		}
		part := mat.NewDense(len(rows), d, nil)
		for p, i := range rows {
			part.SetRow(p, x.RawRowView(i))
		}
		again, err := g.group(ctx, part, all.K, seed.Sub(sd, "soxai", "again", b))
		switch {
		case errors.Is(err, ErrFew):
			continue
		case err != nil:
			return s, err
		}
		index, err := cluster.AdjustedRand(before, again.Labels)
		if err != nil {
			return s, err
		}
		agreement += index
		for c := range s.Concepts {
			s.Concepts[c] += likest(before, again.Labels, c, again.K)
		}
		s.Runs++
		progress.Report(ctx, "stability", b+1, stabilityRuns)
	}
	for c := range s.Concepts {
		s.Concepts[c] /= float64(s.Runs) // NaN without runs
	}
	if s.Runs > 0 {
		s.Agreement = agreement / float64(s.Runs)
	}
	return s, nil
}

// likest returns the largest Jaccard index between cluster c of one partition and a cluster of
// another.
func likest(before, after []int, c, k int) float64 {
	own, sizes, both := 0, make([]int, k), make([]int, k)
	for i, l := range after {
		if before[i] == c {
			own++
		}
		if l >= 0 {
			sizes[l]++
			if before[i] == c {
				both[l]++
			}
		}
	}
	best := 0.0
	for l := range k {
		if either := own + sizes[l] - both[l]; either > 0 {
			best = max(best, float64(both[l])/float64(either))
		}
	}
	return best
}

package imbalance

import (
	"context"
	"math"

	"github.com/whybook/whybook/xai/internal/parallel"
	"github.com/whybook/whybook/xai/neighbors"
)

// graph joins rows of one class that are near each other.
type graph struct {
	edges  square      // symmetric
	to     [][]int32   // the same as lists, ascending
	weight [][]float64 // of the edges in to; nil: 1
}

// network has the survey's measures of section 3.4.
type network struct{ density, clsCoef, hubs float64 }

// measureNetwork returns
//
//	density = 1 - 2E/(n(n-1))
//	clsCoef = 1 - transitivity (or 1 - mean share of a row's neighbours that are neighbours)
//	hubs    = 1 - mean hub score
//
// of the graph of a convention. Rows at distance 0 are not joined in ECoL and PyMFE, whose
// graphs are matrices of distances. It takes n^2 bits of memory and the edges.
func measureNetwork(ctx context.Context, d data, ix *neighbors.Index, c Convention) (network, error) {
	var (
		g   graph
		err error
	)
	if c == Problexity {
		g, err = within(ctx, d)
	} else {
		g, err = nearestGraph(ctx, d, ix, c)
	}
	if err != nil {
		return network{}, err
	}
	n := float64(d.rows())
	edges := 0
	for _, to := range g.to {
		edges += len(to)
	}
	var out network
	out.density = 1 - float64(edges)/(n*(n-1))
	if out.clsCoef, err = g.clustering(ctx, c == Problexity); err != nil {
		return network{}, err
	}
	out.hubs, err = g.hubs(ctx)
	return out, err
}

// nearestGraph joins each row with those of its class among its 0.15 n nearest. On tabled
// data many rows tie at the border of these; they are taken by index, while pymfe takes
// those that NumPy's partition happens to leave in front.
func nearestGraph(ctx context.Context, d data, ix *neighbors.Index, c Convention) (graph, error) {
	n := d.rows()
	k := int(0.15 * float64(n))
	if c == PyMFE {
		k = int(math.RoundToEven(0.15 * float64(n)))
	}
	k = min(max(k, 1), n-1)
	g := graph{edges: newSquare(n)}
	err := parallel.Blocks(ctx, n, 32, func(lo, hi int) error {
		distance, sorted := make([]float64, n), make([]float64, n)
		for i := lo; i < hi; i++ {
			if _, err := ix.Distances(ctx, distance, i); err != nil {
				return err
			}
			distance[i] = math.Inf(1)
			copy(sorted, distance)
			border := smallest(sorted, k)
			ties := k // rows at the border that are in, the first ones
			for _, t := range distance {
				if t < border {
					ties--
				}
			}
			for j, t := range distance {
				if t == border {
					ties--
				}
				if (t < border || t == border && ties >= 0) && t > 0 && d.y[i] == d.y[j] {
					g.edges.set(i, j)
				}
			}
		}
		return nil
	})
	if err != nil {
		return graph{}, err
	}
	g.join()
	if c == PyMFE {
		return g, nil
	}
	g.weight = make([][]float64, n)
	err = parallel.Blocks(ctx, n, 32, func(lo, hi int) error {
		distance := make([]float64, n)
		for i := lo; i < hi; i++ {
			if _, err := ix.Distances(ctx, distance, i); err != nil {
				return err
			}
			g.weight[i] = make([]float64, len(g.to[i]))
			for e, j := range g.to[i] {
				g.weight[i][e] = distance[j]
			}
		}
		return nil
	})
	return g, err
}

// smallest returns the k-th smallest value, k counted from 1, and reorders values: selection
// with a pivot from a sample about the k-th (Floyd and Rivest 1975).
func smallest(values []float64, k int) float64 {
	lo, hi := 0, len(values)-1
	for k--; lo < hi; {
		if n := float64(hi - lo + 1); n > 400 {
			z := math.Log(n)
			s := math.Exp(2*z/3) / 2
			spread := math.Sqrt(z*s*(n-s)/n) / 2
			place := float64(k-lo) * s / n
			if 2*float64(k-lo) < n {
				spread = -spread
			}
			from := max(lo, int(float64(k)-place+spread))
			smallest(values[from:min(hi, int(float64(k)+s-place+spread))+1], k-from+1)
		}
		pivot := values[k]
		i, j := lo, hi
		for i <= j {
			for values[i] < pivot {
				i++
			}
			for values[j] > pivot {
				j--
			}
			if i <= j {
				values[i], values[j] = values[j], values[i]
				i++
				j--
			}
		}
		switch {
		case k <= j:
			hi = j
		case k >= i:
			lo = i
		default:
			return values[k]
		}
	}
	return values[k]
}

// within joins the rows of a class whose Gower distance, scaled so that those of all pairs
// reach from 0 to 1, is below 0.15. As in Problexity the distances are float32.
func within(ctx context.Context, d data) (graph, error) {
	const epsilon = float32(0.15)
	n := d.rows()
	x := unit(d.x, d.x)
	distance := func(i, j int) float32 {
		sum, b := 0.0, x.RawRowView(j)
		for f, v := range x.RawRowView(i) {
			sum += math.Abs(v - b[f])
		}
		return float32(sum / float64(len(b)))
	}
	low, high := make([]float32, n), make([]float32, n)
	err := parallel.Blocks(ctx, n, 64, func(lo, hi int) error {
		for i := lo; i < hi; i++ {
			low[i] = 2
			for j := range n {
				if i != j {
					v := distance(i, j)
					low[i], high[i] = min(low[i], v), max(high[i], v)
				}
			}
		}
		return nil
	})
	if err != nil {
		return graph{}, err
	}
	least, most := low[0], high[0]
	for i := range n {
		least, most = min(least, low[i]), max(most, high[i])
	}
	g := graph{edges: newSquare(n)}
	err = parallel.Blocks(ctx, n, 64, func(lo, hi int) error {
		for i := lo; i < hi; i++ {
			for j := range n {
				if i != j && d.y[i] == d.y[j] && (distance(i, j)-least)/(most-least) < epsilon {
					g.edges.set(i, j)
				}
			}
		}
		return nil
	})
	g.join()
	return g, err
}

// join makes the edges symmetric and lists them.
func (g *graph) join() {
	n := len(g.edges.data) / g.edges.words
	for i := range n {
		g.edges.each(i, func(j int) { g.edges.set(j, i) })
	}
	g.to = make([][]int32, n)
	for i := range n {
		g.to[i] = make([]int32, 0, g.edges.shared(i, i))
		g.edges.each(i, func(j int) { g.to[i] = append(g.to[i], int32(j)) })
	}
}

// clustering returns 1 - 3 triangles / paths of two edges, or with local 1 - the mean over
// all rows of triangles / pairs of neighbours, 0 for rows with fewer than two.
func (g graph) clustering(ctx context.Context, local bool) (float64, error) {
	n := len(g.to)
	closed := make([]int, n) // pairs of neighbours that are neighbours, in both orders
	err := parallel.Blocks(ctx, n, 16, func(lo, hi int) error {
		for i := lo; i < hi; i++ {
			for _, j := range g.to[i] {
				closed[i] += g.edges.shared(i, int(j))
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	var triangles, paths, sum float64
	for i, to := range g.to {
		all := float64(len(to)) * float64(len(to)-1)
		triangles += float64(closed[i])
		paths += all
		if all > 0 {
			sum += float64(closed[i]) / all
		}
	}
	switch {
	case local:
		return 1 - sum/float64(n), nil
	case paths == 0:
		return 1, nil
	}
	return 1 - triangles/paths, nil
}

// hubs returns 1 - the mean hub score (Kleinberg 1999): the principal eigenvector of the
// squared adjacency matrix, its greatest part scaled to 1. It is NaN without any edge.
func (g graph) hubs(ctx context.Context) (float64, error) {
	const (
		rounds    = 20000
		tolerance = 1e-9
	)
	n := len(g.to)
	v, once, twice := make([]float64, n), make([]float64, n), make([]float64, n)
	for i := range v {
		v[i] = 1
	}
	multiply := func(dst, x []float64) error {
		return parallel.Blocks(ctx, n, 512, func(lo, hi int) error {
			for i := lo; i < hi; i++ {
				sum := 0.0
				if g.weight == nil {
					for _, j := range g.to[i] {
						sum += x[j]
					}
				} else {
					weight := g.weight[i]
					for e, j := range g.to[i] {
						sum += float64(weight[e] * x[j])
					}
				}
				dst[i] = sum
			}
			return nil
		})
	}
	for range rounds {
		if err := multiply(once, v); err != nil {
			return 0, err
		}
		if err := multiply(twice, once); err != nil {
			return 0, err
		}
		most := 0.0
		for _, t := range twice {
			most = max(most, t)
		}
		if most == 0 {
			return math.NaN(), nil
		}
		change := 0.0
		for i, t := range twice {
			change = max(change, math.Abs(t/most-v[i]))
			v[i] = t / most
		}
		if change < tolerance {
			break
		}
	}
	return 1 - mean(v), nil
}

package cluster

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/whybook/whybook/xai/internal/parallel"
	"github.com/whybook/whybook/xai/progress"
	"gonum.org/v1/gonum/mat"
)

// HDBSCAN finds clusters of any shape and number where rows are dense, and leaves out rows
// that belong to none (Campello, Moulavi and Sander 2013; the choice of clusters is by excess
// of mass). The whole is never a cluster. Time grows with n^2, memory with n.
//
// The core distance of a row is that of its Neighbours-th nearest row, itself being the
// first, and rows are as far apart as the greatest of their distance and their core distances.
// Clusters are the branches of at least MinSize rows of the minimum spanning tree of these
// distances, cut at its longest edges first, that are most stable: by the sum over their rows
// of how much longer than its appearance, in 1/distance, the branch keeps the row. Edges of
// length 0, between equal rows, count as the shortest that is not. Edges of equal length, of
// which core distances make many, are taken in the order of a search from the first row, so
// that a stray row may go to another cluster in another order of the rows.
type HDBSCAN struct {
	MinSize    int // rows of a cluster, at least 2; default 5
	Neighbours int // default MinSize, or n if that is less
}

// Dense is the result of HDBSCAN.
type Dense struct {
	Labels    []int     // n: the cluster, numbered by its first row, or -1 for none
	Sizes     []int     // rows of each cluster
	Stability []float64 // of each cluster
}

// Fit finds the clusters of the rows of x, n x d, which must be finite (ErrNotFinite) and at
// least MinSize (ErrTooFew).
func (h HDBSCAN) Fit(ctx context.Context, x *mat.Dense) (*Dense, error) {
	out, err := h.fit(ctx, x)
	if err != nil {
		return nil, fmt.Errorf("cluster.HDBSCAN.Fit: %w", err)
	}
	return out, nil
}

func (h HDBSCAN) fit(ctx context.Context, x *mat.Dense) (*Dense, error) {
	r, _, err := newRows(ctx, x, true)
	if err != nil {
		return nil, err
	}
	size, err := count("MinSize", h.MinSize, 5)
	if err != nil {
		return nil, err
	}
	if size < 2 {
		return nil, fmt.Errorf("field MinSize is %d; it must be at least 2", size)
	}
	if size > r.n {
		return nil, fmt.Errorf("field MinSize is %d for %d rows: %w", size, r.n, ErrTooFew)
	}
	neighbours, err := count("Neighbours", h.Neighbours, size)
	if err != nil {
		return nil, err
	}
	if neighbours > r.n {
		return nil, fmt.Errorf("field Neighbours is %d for %d rows: %w", neighbours, r.n, ErrTooFew)
	}
	core, err := r.core(ctx, neighbours)
	if err != nil {
		return nil, err
	}
	edges, err := r.spanning(ctx, core)
	if err != nil {
		return nil, err
	}
	return condense(merge(edges, r.n), r.n, size), nil
}

// core returns the squared distance of the k-th nearest row of each, itself the first.
func (r *rows) core(ctx context.Context, k int) ([]float64, error) {
	core := make([]float64, r.n)
	err := parallel.Blocks(ctx, r.n, 16, func(lo, hi int) error {
		d2 := make([]float64, (hi-lo)*r.n)
		distances(d2, r.x[lo*r.d:hi*r.d], r.square[lo:hi], r.x, r.square, r.d)
		least := make([]float64, k) // ascending
		for i := lo; i < hi; i++ {
			for j := range least {
				least[j] = math.Inf(1)
			}
			for _, v := range d2[(i-lo)*r.n:][:r.n] {
				if v >= least[k-1] {
					continue
				}
				at := k - 1
				for ; at > 0 && least[at-1] > v; at-- {
					least[at] = least[at-1]
				}
				least[at] = v
			}
			core[i] = least[k-1]
		}
		return nil
	})
	return core, err
}

// edge joins two rows, or later two branches.
type edge struct {
	a, b   int
	length float64
}

// spanning returns a minimum spanning tree of the mutual reachability distances, by Prim's
// algorithm from row 0; core is squared.
func (r *rows) spanning(ctx context.Context, core []float64) ([]edge, error) {
	edges := make([]edge, 0, r.n-1)
	// outside are the rows that are not in the tree, with their squared distance from it.
	type row struct {
		row, from int
		d2        float64
	}
	outside := make([]row, 0, r.n)
	for i := 1; i < r.n; i++ {
		outside = append(outside, row{row: i, d2: math.Inf(1)})
	}
	for at := 0; len(outside) > 0; {
		if len(edges)%256 == 0 {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			progress.Report(ctx, "HDBSCAN", len(edges), r.n-1)
		}
		x, next := r.row(at), 0
		for i := range outside {
			o := &outside[i]
			// Without a look at the rows where the core distances already say no.
			if far := max(core[at], core[o.row]); far < o.d2 {
				if d2 := max(distance2(x, r.row(o.row)), far); d2 < o.d2 {
					o.d2, o.from = d2, at
				}
			}
			if n := &outside[next]; o.d2 < n.d2 || o.d2 == n.d2 && o.row < n.row {
				next = i
			}
		}
		o := outside[next]
		edges = append(edges, edge{o.from, o.row, math.Sqrt(o.d2)})
		at = o.row
		last := len(outside) - 1
		outside[next] = outside[last]
		outside = outside[:last]
	}
	return edges, nil
}

// branch is the union of two branches, or of rows below n, whose distance is length.
type branch struct {
	left, right int
	length      float64
	size        int
}

// merge makes the dendrogram of a spanning tree: branch n+i is made i-th, the last is the
// whole.
func merge(edges []edge, n int) []branch {
	slices.SortStableFunc(edges, func(a, b edge) int { return cmp.Compare(a.length, b.length) })
	top := make([]int, 2*n-1) // of the branch that one is in
	for i := range top {
		top[i] = i
	}
	find := func(i int) int {
		for top[i] != i {
			top[i] = top[top[i]]
			i = top[i]
		}
		return i
	}
	branches := make([]branch, 2*n-1)
	for i := range n {
		branches[i].size = 1
	}
	for i, e := range edges {
		a, b := find(e.a), find(e.b)
		top[a], top[b] = n+i, n+i
		branches[n+i] = branch{a, b, e.length, branches[a].size + branches[b].size}
	}
	return branches
}

// candidate is a branch of enough rows while no two such are in it apart.
type candidate struct {
	parent    int
	birth     float64 // 1/distance at which it appears
	stability float64
	below     float64 // stability of the best clusters among its parts
	parts     bool
	taken     bool
}

// condense chooses the clusters of a dendrogram.
func condense(branches []branch, n, size int) *Dense {
	shortest := math.Inf(1)
	for _, b := range branches[n:] {
		if b.length > 0 {
			shortest = min(shortest, b.length)
		}
	}
	list := []candidate{{parent: -1}}
	in := make([]int, n) // the smallest candidate of each row
	type task struct{ branch, candidate int }
	stack := []task{{len(branches) - 1, 0}}
	for len(stack) > 0 {
		now := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		b := branches[now.branch]
		if now.branch < n {
			in[now.branch] = now.candidate
			continue
		}
		left, right := branches[b.left].size >= size, branches[b.right].size >= size
		c := &list[now.candidate]
		lambda := 1 / max(b.length, shortest)
		life := lambda - c.birth
		to := [2]int{now.candidate, now.candidate}
		switch {
		case b.size < size: // fallen out of its candidate before
		case left && right:
			c.stability += life * float64(b.size)
			c.parts = true
			to = [2]int{len(list), len(list) + 1}
			list = append(list, candidate{parent: now.candidate, birth: lambda}, candidate{parent: now.candidate, birth: lambda})
		case left:
			c.stability += life * float64(branches[b.right].size)
		case right:
			c.stability += life * float64(branches[b.left].size)
		default:
			c.stability += life * float64(b.size)
		}
		stack = append(stack, task{b.right, to[1]}, task{b.left, to[0]})
	}
	for i := len(list) - 1; i > 0; i-- { // parts come after what they are parts of
		c := &list[i]
		c.taken = !c.parts || c.stability >= c.below
		list[c.parent].below += max(c.stability, c.below)
	}
	// A cluster is the topmost candidate that is taken.
	cluster := make([]int, len(list))
	for i := range list {
		switch {
		case i > 0 && cluster[list[i].parent] >= 0:
			cluster[i] = cluster[list[i].parent]
		case list[i].taken:
			cluster[i] = i
		default:
			cluster[i] = -1
		}
	}
	out := &Dense{Labels: make([]int, n)}
	number := map[int]int{}
	for row, i := range in {
		c := cluster[i]
		if c < 0 {
			out.Labels[row] = -1
			continue
		}
		if _, known := number[c]; !known {
			number[c] = len(out.Sizes)
			out.Sizes, out.Stability = append(out.Sizes, 0), append(out.Stability, list[c].stability)
		}
		out.Labels[row] = number[c]
		out.Sizes[number[c]]++
	}
	return out
}

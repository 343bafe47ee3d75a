package neighbors

import (
	"context"
	"fmt"
	"math"

	"github.com/whybook/whybook/xai/internal/gemm"
	"github.com/whybook/whybook/xai/internal/parallel"
	"github.com/whybook/whybook/xai/progress"
)

// Edge joins two rows.
type Edge struct {
	From, To int     // To is the row that joined the tree by this edge
	Distance float64 // between them
}

// SpanningTree returns the Len()-1 edges of the minimum spanning tree of all rows, in the
// order in which Prim's algorithm (1957) finds them from row 0. Where distances tie, the
// row of lower index joins first, and by the edge to the row that joined earliest. It takes
// time in n^2 and memory in n.
func (ix *Index) SpanningTree(ctx context.Context) ([]Edge, error) {
	if err := ix.keepPairs(ctx); err != nil {
		return nil, fmt.Errorf("neighbors.SpanningTree: while comparing all pairs: %w", err)
	}
	f := newForest(ix)
	edges := make([]Edge, 0, ix.rows-1)
	last := 0
	for len(edges) < ix.rows-1 {
		if len(edges)%256 == 0 {
			progress.Report(ctx, "spanning tree", len(edges), ix.rows-1)
			if err := ctx.Err(); err != nil {
				return nil, fmt.Errorf("neighbors.SpanningTree: after %d of %d edges: %w", len(edges), ix.rows-1, err)
			}
		}
		e := f.grow(last)
		edges = append(edges, e)
		last = e.To
	}
	progress.Report(ctx, "spanning tree", ix.rows-1, ix.rows-1)
	return edges, nil
}

// panelRows is the number of rows whose distances to one are computed together.
const panelRows = 512

// forest is Prim's state: the rows outside the tree, in panels.
type forest struct {
	ix     *Index
	panels []*panel
	stored int // rows in the panels, with those that joined since they were packed
	left   int // rows outside the tree

	// For the Euclidean metric, unless float64 underflows:
	m      *multiplier
	kernel gemm.Kernel
	joined []float32 // the row that joined last, packed
}

// panel has some rows outside the tree. Rows that joined stay until panels are packed anew,
// with a limit that nothing is below.
type panel struct {
	rows     []int
	distance []float64 // to the tree; -1: joined
	from     []int     // the row of the tree at that distance
	limit    []float32 // of the product, beyond which a distance is no improvement
	data     []float32 // width x rows: transposed
	length   []float64
	product  []float32
	best     int // the row of the panel that is nearest to the tree, or -1
}

func newForest(ix *Index) *forest {
	f := &forest{ix: ix, left: ix.rows - 1, kernel: gemm.Best()}
	if ix.metric == Euclidean && ix.method != Loop {
		f.m = newMultiplier(ix, &plan{queries: ix.data, self: true, low: ix.low, high: ix.high})
		f.joined = make([]float32, ix.width+1)
	}
	var all panel
	for i := 1; i < ix.rows; i++ {
		all.rows = append(all.rows, i)
		all.distance = append(all.distance, inf)
		all.from = append(all.from, 0)
	}
	f.pack([]*panel{&all})
	return f
}

// pack makes new panels of the rows that have not joined, in ascending order.
func (f *forest) pack(old []*panel) {
	f.panels, f.stored = nil, 0
	var p *panel
	for _, o := range old {
		for i, row := range o.rows {
			if o.distance[i] < 0 {
				continue
			}
			if p == nil || len(p.rows) == panelRows {
				p = &panel{}
				f.panels = append(f.panels, p)
			}
			p.rows = append(p.rows, row)
			p.distance = append(p.distance, o.distance[i])
			p.from = append(p.from, o.from[i])
			f.stored++
		}
	}
	if f.m == nil {
		return
	}
	for _, p := range f.panels {
		n, w := len(p.rows), f.ix.width+1
		p.limit, p.product, p.length = make([]float32, n), make([]float32, n), make([]float64, n)
		p.data = make([]float32, n*w)
		for i, row := range p.rows {
			for j, v := range f.m.single.data[row*w : (row+1)*w] {
				p.data[j*n+i] = v
			}
			p.length[i] = f.m.single.length[row]
			p.limit[i] = f.limit(p, i)
		}
	}
}

// slightly more than the square root of 2: (a+b)^2 <= 2(a^2+b^2) splits the bound of
// scanNearest into a part for each row.
const slightly = math.Sqrt2 * (1 + 1e-12)

// limit returns the part for row i of p of what the product must not exceed to matter. It
// and the part for the other row, which has twice the slack, allow for the rounding of
// their sum.
func (f *forest) limit(p *panel, i int) float32 {
	most := f.ix.limit(p.distance[i]) * f.m.scale * f.m.scale
	return upward[float32](most*(1+0x1p-22) + slack[float32](f.ix.width, 0, slightly*p.length[i]))
}

// grow updates the distances by the row that joined last and returns the next edge.
func (f *forest) grow(last int) Edge {
	if f.left < f.stored*3/4 {
		f.pack(f.panels)
	}
	var offset float32
	if f.m != nil {
		w := f.ix.width + 1
		copy(f.joined, f.m.single.data[last*w:(last+1)*w])
		f.joined[w-1] = 1
		l := f.m.single.length[last]
		offset = upward[float32](2*slack[float32](f.ix.width, 0, slightly*l) - l*l)
	}
	step := func(lo, hi int) error {
		for _, p := range f.panels[lo:hi] {
			f.relax(p, last, offset)
		}
		return nil
	}
	if f.stored*f.ix.width < 1<<18 { // starting goroutines takes longer
		_ = step(0, len(f.panels))
	} else if err := parallel.Blocks(context.Background(), len(f.panels), 4, step); err != nil {
		panic(err) // step has none
	}
	var at *panel
	for _, p := range f.panels {
		if p.best >= 0 && (at == nil || p.distance[p.best] < at.distance[at.best]) {
			at = p
		}
	}
	e := Edge{From: at.from[at.best], To: at.rows[at.best], Distance: at.distance[at.best]}
	at.distance[at.best] = -1
	if f.m != nil {
		at.limit[at.best] = float32(-inf)
	}
	f.left--
	return e
}

// relax updates the distances of p by the row that joined last.
func (f *forest) relax(p *panel, last int, offset float32) {
	row := f.ix.row(last)
	closer := func(i int) {
		limit := f.ix.limit(p.distance[i])
		sum := f.ix.sumWithin(row, f.ix.row(p.rows[i]), limit)
		if sum > limit {
			return
		}
		if d := f.ix.finish(sum); d < p.distance[i] {
			p.distance[i], p.from[i] = d, last
			if f.m != nil {
				p.limit[i] = f.limit(p, i)
			}
		}
	}
	if sums := f.ix.pairsOf(last); f.m == nil && sums != nil {
		for i, r := range p.rows {
			if d := f.ix.finish(sums[r]); d < p.distance[i] {
				p.distance[i], p.from[i] = d, last
			}
		}
	} else if f.m == nil {
		for i, d := range p.distance {
			if d >= 0 {
				closer(i)
			}
		}
	} else {
		n := len(p.rows)
		f.kernel.SGEMM(false, false, 1, n, f.ix.width+1, -2, f.joined, f.ix.width+1, p.data, n, 0, p.product, n)
		limits := p.limit[:n]
		for i, v := range p.product[:n] {
			if v <= limits[i]+offset {
				closer(i)
			}
		}
	}
	p.best = -1
	least := inf
	for i, d := range p.distance {
		if d >= 0 && (d < least || p.best < 0) {
			p.best, least = i, d
		}
	}
}

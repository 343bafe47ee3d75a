package neighbors

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/kdtree"
)

// choose decides Auto by what BenchmarkMethods measured.
func (ix *Index) choose(m Method) Method {
	d, n := ix.width, ix.rows
	switch {
	case m != Auto:
		return m
	case ix.metric == Euclidean && (d <= 2 && n >= 3000 || d <= 4 && n >= 10000):
		return Tree
	case ix.metric == Euclidean:
		return Products
	case ix.code.nominal == nil && (d <= 4 && n >= 1000 || d <= 6 && n >= 4000):
		return Tree
	}
	return Loop
}

// tree is gonum's k-d tree over the rows of an index. It prunes by squared distances along
// an axis, so that is what point.Distance returns for every metric: the pruning is right
// wherever a distance is no less than its part along one axis.
type tree struct {
	ix   *Index
	root *kdtree.Tree
}

type point struct {
	ix     *Index
	row    int
	values []float64
}

func (p *point) Compare(c kdtree.Comparable, d kdtree.Dim) float64 {
	return p.values[d] - c.(*point).values[d]
}

func (p *point) Dims() int { return len(p.values) }

func (p *point) Distance(c kdtree.Comparable) float64 { return p.ix.sum(p.values, c.(*point).values) }

// points is a list of rows to be split. It sorts by value, then by row, so that the tree
// does not depend on chance.
type points []*point

func (p points) Index(i int) kdtree.Comparable         { return p[i] }
func (p points) Len() int                              { return len(p) }
func (p points) Slice(start, end int) kdtree.Interface { return p[start:end] }

func (p points) Pivot(d kdtree.Dim) int {
	slices.SortFunc(p, func(a, b *point) int {
		return cmp.Or(cmp.Compare(a.values[d], b.values[d]), cmp.Compare(a.row, b.row))
	})
	return len(p) / 2
}

func grow(ix *Index) *tree {
	list := make([]point, ix.rows)
	p := make(points, ix.rows)
	for i := range list {
		list[i] = point{ix: ix, row: i, values: ix.row(i)}
		p[i] = &list[i]
	}
	return &tree{ix, kdtree.New(p, false)}
}

func (t *tree) search(values []float64, k *keeper) {
	t.root.NearestSet(k, &point{ix: t.ix, values: values})
}

// keeper is what the tree offers rows to. Its order is that of best, not the tree's.
type keeper struct {
	ix   *Index
	best *best
	self int // row to leave out, or -1
}

func (k *keeper) Keep(c kdtree.ComparableDist) {
	if row := c.Comparable.(*point).row; row != k.self {
		k.best.offer(found{k.ix.finish(c.Dist), row})
	}
}

// Max returns the squared distance beyond which a part of the tree is not looked at.
func (k *keeper) Max() kdtree.ComparableDist {
	c := kdtree.ComparableDist{Dist: inf, Comparable: (*point)(nil)}
	if k.best.full() {
		if c.Dist = k.ix.limit(k.best.heap[0].distance); k.ix.metric != Euclidean {
			c.Dist *= c.Dist * (1 + 1e-15)
		}
		c.Dist = max(c.Dist, math.SmallestNonzeroFloat64)
	}
	return c
}

// The tree wants to sort what was kept; best does that itself.

func (k *keeper) Len() int           { return 0 }
func (k *keeper) Less(i, j int) bool { return false }
func (k *keeper) Swap(i, j int)      {}
func (k *keeper) Push(any)           {}
func (k *keeper) Pop() any           { return nil }

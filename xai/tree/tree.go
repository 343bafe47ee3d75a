package tree

import (
	"context"
	"fmt"
	"math"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/internal/parallel"
	"gonum.org/v1/gonum/mat"
)

// Tree is a grown tree. It is made by CART or Load, does not change, and may be used from
// several goroutines.
type Tree struct {
	columns, outputs int
	criterion        Criterion
	nodes            []node // in preorder: the left child follows its parent

	// Leaves, in the order of their nodes.
	rows     []int32
	weight   []float64
	impurity []float64
	at       []int32   // which of values are theirs, for leaves of several classes
	values   []float64 // k for each of those: the weight of each class, or the means
}

// node is a test, or a leaf.
type node struct {
	threshold float64 // of a leaf: the only class in it, or -1
	feature   int32   // or leaf
	right     int32   // of a leaf: its number among the leaves
}

const leaf = -1

var _ xai.Scorer = (*Tree)(nil)

// addLeaf makes node id a leaf of the entries e.
func (t *Tree) addLeaf(id int, tg *target, e []entry) {
	values, weight := make([]float64, tg.k), 0.0
	of := func(row uint32) float64 {
		if tg.weights == nil {
			return 1
		}
		return tg.weights[row]
	}
	for _, x := range e {
		w := of(x.row)
		weight += w
		if tg.classes {
			values[x.class] += w
			continue
		}
		for j, v := range tg.outputs(x.row) {
			values[j] += float64(w * v)
		}
	}
	impurity := 0.0
	switch {
	case tg.classes:
		impurity = classImpurity(tg.criterion, values, weight)
	case tg.pure(e):
		copy(values, tg.outputs(e[0].row))
	default:
		for j := range values {
			values[j] /= weight
		}
		for _, x := range e {
			w := of(x.row)
			for j, v := range tg.outputs(x.row) {
				d := v - values[j]
				impurity += float64(w * d * d)
			}
		}
		impurity /= weight
	}
	t.nodes[id] = t.newLeaf(len(e), weight, impurity, values)
}

// newLeaf stores what a leaf says and returns its node. Leaves of one class, most of those of
// a forest, need no values.
func (t *Tree) newLeaf(rows int, weight, impurity float64, values []float64) node {
	if c := largest(values); t.criterion != variance && values[c] == weight {
		return t.addPure(rows, weight, c)
	}
	n := t.addPure(rows, weight, -1)
	t.impurity[n.right] = impurity
	t.values = append(t.values, values...)
	return n
}

// addPure stores a leaf of one class.
func (t *Tree) addPure(rows int, weight float64, class int) node {
	n := node{threshold: float64(class), feature: leaf, right: int32(len(t.rows))}
	t.rows = append(t.rows, int32(rows))
	t.weight = append(t.weight, weight)
	t.impurity = append(t.impurity, 0)
	t.at = append(t.at, int32(len(t.values)/t.outputs))
	return n
}

// classImpurity is the Gini index or the entropy of weights that add up to total.
func classImpurity(c Criterion, weights []float64, total float64) float64 {
	v := 0.0
	for _, w := range weights {
		p := w / total
		if c == Entropy {
			v -= xlogx(p)
		} else {
			v += float64(p * (1 - p))
		}
	}
	return v
}

// outputs of a row.
func (tg *target) outputs(row uint32) []float64 { return tg.y[int(row)*tg.k:][:tg.k] }

// pure reports whether nothing is left to tell apart.
func (tg *target) pure(e []entry) bool {
	if tg.classes {
		for _, x := range e {
			if x.class != e[0].class {
				return false
			}
		}
		return true
	}
	first := tg.outputs(e[0].row)
	for _, x := range e[1:] {
		for j, v := range tg.outputs(x.row) {
			if v != first[j] {
				return false
			}
		}
	}
	return true
}

// Dims returns the length of a row and the number of classes or outputs.
func (t *Tree) Dims() (d, k int) { return t.columns, t.outputs }

// Classifies reports whether this is a classification tree.
func (t *Tree) Classifies() bool { return t.criterion != variance }

// Leaves returns the number of leaves.
func (t *Tree) Leaves() int { return len(t.rows) }

// Size returns the approximate memory of the tree in bytes.
func (t *Tree) Size() int { return 16*len(t.nodes) + 24*len(t.rows) + 8*len(t.values) }

// Depth returns the number of tests on the longest path; 0 for a single leaf.
func (t *Tree) Depth() int {
	deepest := 0
	t.walk(func(_, _, depth int) { deepest = max(deepest, depth) })
	return deepest
}

// walk visits the nodes in preorder, with their parents (-1 for the root) and depths.
func (t *Tree) walk(visit func(id, parent, depth int)) {
	type at struct{ id, parent, depth int }
	stack := []at{{0, -1, 0}}
	for len(stack) > 0 {
		now := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		visit(now.id, now.parent, now.depth)
		if n := t.nodes[now.id]; n.feature != leaf {
			stack = append(stack, at{int(n.right), now.id, now.depth + 1}, at{now.id + 1, now.id, now.depth + 1})
		}
	}
}

// mixed returns the values of leaf number l, which is not of one class.
func (t *Tree) mixed(l int32) []float64 { return t.values[int(t.at[l])*t.outputs:][:t.outputs] }

// class returns what Predict says at leaf n.
func (t *Tree) class(n node) int {
	if n.threshold >= 0 {
		return int(n.threshold)
	}
	return largest(t.mixed(n.right))
}

// find returns the node where row ends.
func (t *Tree) find(row []float64) int32 {
	i := int32(0)
	for {
		n := &t.nodes[i]
		switch {
		case n.feature == leaf:
			return i
		case row[n.feature] <= n.threshold:
			i++
		default:
			i = n.right
		}
	}
}

// findBytes is find for a row of bytes.
func (t *Tree) findBytes(row []uint8, value *[256]float64) int32 {
	i := int32(0)
	for {
		n := &t.nodes[i]
		switch {
		case n.feature == leaf:
			return i
		case value[row[n.feature]] <= n.threshold:
			i++
		default:
			i = n.right
		}
	}
}

// each calls use with the leaf node of each row in [lo, hi).
func (t *Tree) each(x Rows, lo, hi int, use func(i int, node int32)) {
	var buf []float64
	for i := lo; i < hi; i++ {
		if x.bytes != nil && x.order == nil {
			use(i, t.findBytes(x.bytes[i*x.d:][:x.d], x.value))
			continue
		}
		buf = x.row(buf, i)
		use(i, t.find(buf))
	}
}

// rowsTogether is how many rows a goroutine answers at a time.
const rowsTogether = 512

// ask checks x, and calls use with the leaf of every row, from several goroutines.
func (t *Tree) ask(ctx context.Context, x mat.Matrix, use func(i int, node int32)) (Rows, error) {
	if t == nil || len(t.nodes) == 0 {
		return Rows{}, fmt.Errorf("there is no tree; grow one with CART or read one with Load")
	}
	r, err := Check(ctx, x)
	if err != nil {
		return r, err
	}
	if r.d != t.columns {
		return r, fmt.Errorf("rows have %d columns, the tree was grown on %d: %w", r.d, t.columns, xai.ErrShape)
	}
	return r, parallel.Blocks(ctx, r.n, rowsTogether, func(lo, hi int) error {
		t.each(r, lo, hi, use)
		return nil
	})
}

// Predict returns the most frequent class of the leaf of each row of x, n x d, the lowest
// where several are; for regression, the output that is largest.
func (t *Tree) Predict(ctx context.Context, x mat.Matrix) ([]int, error) {
	n := count(x)
	classes := make([]int, n)
	_, err := t.ask(ctx, x, func(i int, id int32) { classes[i] = t.class(t.nodes[id]) })
	if err != nil {
		return nil, fmt.Errorf("tree.Tree.Predict: %w", err)
	}
	return classes, nil
}

// count returns the number of rows, or 0 for what ask will refuse.
func count(x mat.Matrix) int {
	if isNil(x) {
		return 0
	}
	n, _ := x.Dims()
	return max(n, 0)
}

func largest(values []float64) int {
	best := 0
	for c, v := range values {
		if v > values[best] {
			best = c
		}
	}
	return best
}

// Values returns, n x k, the shares of the classes in the leaf of each row of x, n x d, which
// add up to 1; for regression the outputs.
func (t *Tree) Values(ctx context.Context, x mat.Matrix) (*mat.Dense, error) {
	var dst *mat.Dense
	if n := count(x); n > 0 && t != nil && t.outputs > 0 {
		dst = mat.NewDense(n, t.outputs, nil)
	}
	_, err := t.ask(ctx, x, func(i int, id int32) { t.share(dst.RawRowView(i), id) })
	if err != nil {
		return nil, fmt.Errorf("tree.Tree.Values: %w", err)
	}
	return dst, nil
}

// share adds to dst what the leaf at node id says.
func (t *Tree) share(dst []float64, id int32) {
	n := &t.nodes[id]
	if n.threshold >= 0 { // most leaves of a forest, without looking at its values
		dst[int(n.threshold)]++
		return
	}
	values := t.mixed(n.right)
	if t.criterion == variance {
		for c, v := range values {
			dst[c] += v
		}
		return
	}
	w := t.weight[n.right]
	for c, v := range values {
		if v != 0 {
			dst[c] += v / w
		}
	}
}

// Scores implements xai.Scorer by Values.
func (t *Tree) Scores(ctx context.Context, x *mat.Dense) (*mat.Dense, error) { return t.Values(ctx, x) }

// AddValues adds to row i of dst the Values of row first+i of x, for ensembles. It runs on
// the calling goroutine, and panics where sizes do not agree.
func (t *Tree) AddValues(dst *mat.Dense, x Rows, first int) {
	n, k := dst.Dims()
	if k != t.outputs || x.d != t.columns || first < 0 || first+n > x.n {
		panic(fmt.Sprintf("tree: %d x %d values of rows from %d of a matrix of %d x %d, by a tree of %d columns and %d outputs",
			n, k, first, x.n, x.d, t.columns, t.outputs))
	}
	t.each(x, first, first+n, func(i int, id int32) { t.share(dst.RawRowView(i-first), id) })
}

// Leaf returns the index in Nodes of the leaf of each row of x, n x d.
func (t *Tree) Leaf(ctx context.Context, x mat.Matrix) ([]int, error) {
	ids := make([]int, count(x))
	_, err := t.ask(ctx, x, func(i int, id int32) { ids[i] = int(id) })
	if err != nil {
		return nil, fmt.Errorf("tree.Tree.Leaf: %w", err)
	}
	return ids, nil
}

// Node is a node of a tree as plain data, for drawing and reading.
type Node struct {
	Index, Parent, Left, Right int // in Nodes; -1 where there is none

	Depth     int     // tests above it
	Feature   int     // column that is tested; -1 at a leaf
	Threshold float64 // rows with a value of at most this go left, others right; 0 at a leaf

	Rows     int       // rows that came here in growing
	Weight   float64   // the sum of their weights
	Impurity float64   // of their classes or outputs
	Values   []float64 // the weight of each class, or the mean of each output
}

// Leaf reports whether the node has no children.
func (n Node) Leaf() bool { return n.Feature < 0 }

// Class returns the index of the greatest of Values, the lowest where several are.
func (n Node) Class() int { return largest(n.Values) }

// Nodes returns the nodes in preorder: the root first, a left child after its parent.
func (t *Tree) Nodes() []Node {
	if t == nil || len(t.nodes) == 0 {
		return nil
	}
	list := make([]Node, len(t.nodes))
	values := make([]float64, len(t.nodes)*t.outputs)
	t.walk(func(id, parent, depth int) {
		list[id] = Node{Index: id, Parent: parent, Left: -1, Right: -1, Depth: depth, Feature: -1}
	})
	for id := len(list) - 1; id >= 0; id-- { // children before parents
		n, from := &list[id], t.nodes[id]
		n.Values = values[id*t.outputs:][:t.outputs:t.outputs]
		if from.feature == leaf {
			l := from.right
			n.Rows, n.Weight, n.Impurity = int(t.rows[l]), t.weight[l], t.impurity[l]
			if from.threshold >= 0 {
				n.Values[int(from.threshold)] = n.Weight
			} else {
				copy(n.Values, t.mixed(l))
			}
			continue
		}
		n.Feature, n.Threshold, n.Left, n.Right = int(from.feature), from.threshold, id+1, int(from.right)
		t.join(n, &list[n.Left], &list[n.Right])
	}
	return list
}

// join sets what n holds from what its children do.
func (t *Tree) join(n, l, r *Node) {
	n.Rows, n.Weight = l.Rows+r.Rows, l.Weight+r.Weight
	if t.criterion != variance {
		for c := range n.Values {
			n.Values[c] = l.Values[c] + r.Values[c]
		}
		n.Impurity = classImpurity(t.criterion, n.Values, n.Weight)
		return
	}
	pl, pr := l.Weight/n.Weight, r.Weight/n.Weight
	n.Impurity = float64(pl*l.Impurity) + float64(pr*r.Impurity)
	for c := range n.Values {
		n.Values[c] = float64(pl*l.Values[c]) + float64(pr*r.Values[c])
		d := l.Values[c] - r.Values[c]
		n.Impurity += float64(pl * pr * d * d)
	}
}

// Test is one step on the path of a row.
type Test struct {
	Node      int     // index in Nodes
	Feature   int     // the column
	Threshold float64 // with which it is compared
	Value     float64 // of the row
}

// Left reports whether the row went left.
func (s Test) Left() bool { return s.Value <= s.Threshold }

// String spells the comparison that holds: "x3 = 1.25 <= 2.5".
func (s Test) String() string {
	op := ">"
	if s.Left() {
		op = "<="
	}
	return fmt.Sprintf("x%d = %g %s %g", s.Feature, s.Value, op, s.Threshold)
}

// Path returns the tests that a row of d values goes through, and the index in Nodes of
// the leaf where it ends.
func (t *Tree) Path(row []float64) (path []Test, leafNode int, err error) {
	if t == nil || len(t.nodes) == 0 {
		return nil, 0, fmt.Errorf("tree.Tree.Path: there is no tree; grow one with CART or read one with Load")
	}
	if len(row) != t.columns {
		return nil, 0, fmt.Errorf("tree.Tree.Path: a row of %d values, the tree was grown on %d: %w", len(row), t.columns, xai.ErrShape)
	}
	for j, v := range row {
		if !finite(v) {
			return nil, 0, fmt.Errorf("tree.Tree.Path: column %d is %v: %w", j, v, ErrNotFinite)
		}
	}
	i := 0
	for t.nodes[i].feature != leaf {
		n := t.nodes[i]
		s := Test{Node: i, Feature: int(n.feature), Threshold: n.threshold, Value: row[n.feature]}
		path = append(path, s)
		if i++; !s.Left() {
			i = int(n.right)
		}
	}
	return path, i, nil
}

// Importance returns how much each column's splits lessen the impurity, weighted by the
// rows they divide, as shares that add up to 1; zeros for a tree without splits that help.
func (t *Tree) Importance() []float64 {
	if t == nil {
		return nil
	}
	gain, sum := make([]float64, t.columns), 0.0
	nodes := t.Nodes()
	for _, n := range nodes {
		if n.Leaf() {
			continue
		}
		l, r := nodes[n.Left], nodes[n.Right]
		g := math.Max(0, n.Weight*n.Impurity-l.Weight*l.Impurity-r.Weight*r.Impurity)
		gain[n.Feature] += g
		sum += g
	}
	if sum > 0 {
		for j := range gain {
			gain[j] /= sum
		}
	}
	return gain
}

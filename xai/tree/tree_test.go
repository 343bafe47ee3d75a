package tree

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"
)

// slow is the definition: every split of every column, scored from scratch.
type slow struct {
	x       [][]float64
	y       [][]float64 // one-hot for classes
	w       []float64
	c       CART
	exact   bool // whole weights and Gini: scores are compared as fractions
	entropy bool
}

// moments of rows: weight and weighted sums.
func (s slow) moments(rows []int) (w float64, sum []float64) {
	sum = make([]float64, len(s.y[0]))
	for _, i := range rows {
		w += s.w[i]
		for j, v := range s.y[i] {
			sum[j] += s.w[i] * v
		}
	}
	return w, sum
}

// side is what one side adds to the score.
func (s slow) side(rows []int) (float64, *big.Rat) {
	w, sum := s.moments(rows)
	if s.entropy {
		v := 0.0
		for _, n := range sum {
			if n > 0 {
				v += n * math.Log(n/w)
			}
		}
		return v, nil
	}
	v, r := 0.0, new(big.Rat)
	for _, n := range sum {
		v += n * n / w
		if s.exact {
			r.Add(r, big.NewRat(int64(n*n), int64(w)))
		}
	}
	return v, r
}

// moment spells what a node holds, to six digits after the point.
func moment(rows int, weight float64, sums []float64) string {
	for j, v := range sums {
		sums[j] = math.Round(v*1e6)/1e6 + 0 // -0 is 0
	}
	return fmt.Sprintf("%d rows, weight %.6g, sums %.6g", rows, weight, sums)
}

// grow lists the nodes in preorder: column, threshold, moments.
func (s slow) grow(rows []int, depth int) []string {
	w, sum := s.moments(rows)
	name := moment(len(rows), w, sum)
	pure := true
	for _, i := range rows {
		pure = pure && reflect.DeepEqual(s.y[i], s.y[rows[0]])
	}
	minLeaf := max(1, s.c.MinLeaf)
	if pure || len(rows) < max(2, s.c.MinSplit) || s.c.MaxDepth > 0 && depth >= s.c.MaxDepth {
		return []string{"leaf " + name}
	}
	found, column, at, best, bestExact := false, 0, 0.0, 0.0, new(big.Rat)
	var bestLeft, bestRight []int
	for j := range s.x[0] {
		var values []float64
		for _, i := range rows {
			values = append(values, s.x[i][j])
		}
		slices.Sort(values)
		values = slices.Compact(values)
		for v := 1; v < len(values); v++ {
			threshold := (values[v-1] + values[v]) / 2
			var left, right []int
			for _, i := range rows {
				if s.x[i][j] <= threshold {
					left = append(left, i)
				} else {
					right = append(right, i)
				}
			}
			if len(left) < minLeaf || len(right) < minLeaf {
				continue
			}
			l, le := s.side(left)
			r, re := s.side(right)
			more := l+r > best+1e-9
			if s.exact {
				more = le.Add(le, re).Cmp(bestExact) > 0
			}
			if !found || more {
				found, column, at, best, bestExact, bestLeft, bestRight = true, j, threshold, l+r, le, left, right
			}
		}
	}
	if !found {
		return []string{"leaf " + name}
	}
	nodes := []string{fmt.Sprintf("x%d <= %.6g: %s", column, at, name)}
	nodes = append(nodes, s.grow(bestLeft, depth+1)...)
	return append(nodes, s.grow(bestRight, depth+1)...)
}

// spell writes a tree as slow does; of a regression tree it turns means into sums.
func spell(t *Tree) []string {
	var list []string
	for _, n := range t.Nodes() {
		sums := slices.Clone(n.Values)
		if !t.Classifies() {
			for j := range sums {
				sums[j] *= n.Weight
			}
		}
		name := moment(n.Rows, n.Weight, sums)
		if n.Leaf() {
			list = append(list, "leaf "+name)
		} else {
			list = append(list, fmt.Sprintf("x%d <= %.6g: %s", n.Feature, n.Threshold, name))
		}
	}
	return list
}

// widen gives every column the form of those with more than 256 values.
func (t *Table) widen() *Table {
	w := *t
	w.byRow, w.cols = nil, slices.Clone(t.cols)
	for j := range w.cols {
		c := &w.cols[j]
		c.ranks = make([]uint32, t.rows)
		for i, p := range c.bytes {
			c.ranks[i] = uint32(p)
		}
		c.bytes = nil
	}
	return &w
}

// TestExhaustive: trees agree with the definition on small tables, in every way that a
// table can be held.
func TestExhaustive(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n, d, k := rapid.IntRange(1, 12).Draw(rt, "n"), rapid.IntRange(1, 3).Draw(rt, "d"), rapid.IntRange(1, 4).Draw(rt, "k")
		s := slow{c: CART{
			MaxDepth: rapid.IntRange(0, 3).Draw(rt, "depth"), MinSplit: rapid.IntRange(0, 4).Draw(rt, "split"),
			MinLeaf: rapid.IntRange(0, 3).Draw(rt, "leaf"),
		}}
		x, labels := mat.NewDense(n, d, nil), make([]int, n)
		pixels := Bytes{Rows: n, Cols: d, Scale: 1}
		for i := range n {
			s.x = append(s.x, make([]float64, d))
			for j := range d {
				v := rapid.IntRange(0, 6).Draw(rt, "x")
				s.x[i][j] = float64(v)
				x.Set(i, j, float64(v))
				pixels.Data = append(pixels.Data, uint8(v))
			}
			labels[i] = rapid.IntRange(0, k-1).Draw(rt, "y")
			s.w = append(s.w, 1)
		}
		if !mat.Equal(pixels, x) {
			rt.Fatalf("bytes %v are not %v", mat.Formatted(pixels), mat.Formatted(x))
		}
		weighting := rapid.SampledFrom([]string{"none", "whole", "fractions"}).Draw(rt, "weights")
		for i := range s.w {
			switch weighting {
			case "whole":
				s.w[i] = float64(rapid.IntRange(1, 5).Draw(rt, "w"))
			case "fractions":
				s.w[i] = rapid.Float64Range(0.1, 3).Draw(rt, "w")
			}
		}
		if weighting != "none" {
			s.c.Weights = s.w
		}
		all := make([]int, n)
		for i := range all {
			all[i] = i
		}
		kind := rapid.SampledFrom([]string{"gini", "entropy", "outputs"}).Draw(rt, "kind")
		out := mat.NewDense(n, k, nil)
		for i, y := range labels {
			row := make([]float64, k)
			if kind == "outputs" {
				for j := range row {
					row[j] = float64(rapid.IntRange(-9, 9).Draw(rt, "out"))
				}
			} else {
				row[y] = 1
			}
			s.y = append(s.y, row)
			out.SetRow(i, row)
		}
		s.entropy, s.exact = kind == "entropy", kind == "gini" && weighting != "fractions"
		if s.entropy {
			s.c.Criterion = Entropy
		}
		want := s.grow(all, 0)
		table, err := Prepare(t.Context(), x, 0)
		if err != nil {
			rt.Fatal(err)
		}
		columns := *table
		columns.byRow = nil
		for name, in := range map[string]mat.Matrix{"dense": x, "bytes": pixels, "table": table, "columns": &columns, "wide": table.widen()} {
			var got *Tree
			if kind == "outputs" {
				got, err = s.c.Regress(t.Context(), in, out)
			} else {
				got, err = s.c.Classify(t.Context(), in, labels, k)
			}
			if err != nil {
				rt.Fatal(err)
			}
			if !slices.Equal(spell(got), want) {
				rt.Fatalf("%s, %s\ngot\n%s\nwant\n%s", name, kind, strings.Join(spell(got), "\n"), strings.Join(want, "\n"))
			}
		}
	})
}

// random returns an n x d table of values on a grid of so many steps, and labels that
// depend on it with some noise.
func random(n, d, steps, k int, sd uint64) (*mat.Dense, []int) {
	r := seed.Stream(sd, "tree test")
	x, y := mat.NewDense(n, d, nil), make([]int, n)
	for i := range n {
		for j := range d {
			x.Set(i, j, float64(r.IntN(steps)))
		}
		y[i] = (int(3*x.At(i, 0)/float64(steps)) + int(2*x.At(i, 1)/float64(steps)) + r.IntN(5)/4) % k
	}
	return x, y
}

func classify(t *testing.T, c CART, x mat.Matrix, y []int, k int) *Tree {
	t.Helper()
	tr, err := c.Classify(t.Context(), x, y, k)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func regress(t *testing.T, c CART, x, y mat.Matrix) *Tree {
	t.Helper()
	tr, err := c.Regress(t.Context(), x, y)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// saved returns the bytes of a tree.
func saved(t *testing.T, tr *Tree) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := tr.Save(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestHistogramsAreExact: trees from stored histograms and their differences are those
// from sorting, for any number of processors and any order of the rows.
func TestHistogramsAreExact(t *testing.T) {
	x, y := random(6000, 12, 40, 4, 1)
	want := saved(t, classify(t, CART{MinLeaf: 3}, mustPrepare(t, x).widen(), y, 4))
	for _, procs := range []int{1, 2, 5} {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		if !bytes.Equal(saved(t, classify(t, CART{MinLeaf: 3}, x, y, 4)), want) {
			t.Errorf("with %d processors the histograms lead to another tree", procs)
		}
	}
	perm := seed.Stream(1, "order").Perm(len(y))
	turned, relabelled := mat.NewDense(len(y), 12, nil), make([]int, len(y))
	for i, p := range perm {
		turned.SetRow(i, x.RawRowView(p))
		relabelled[i] = y[p]
	}
	if !bytes.Equal(saved(t, classify(t, CART{MinLeaf: 3}, turned, relabelled, 4)), want) {
		t.Error("another order of the rows leads to another tree")
	}
	// With fractional outputs, differences of histograms round: the splits stay.
	out := mat.NewDense(len(y), 2, nil)
	for i, c := range y {
		out.SetRow(i, []float64{float64(c) + x.At(i, 2)/40, math.Sin(x.At(i, 0))})
	}
	a := regress(t, CART{MinLeaf: 30}, x, out)
	b := regress(t, CART{MinLeaf: 30}, mustPrepare(t, x).widen(), out)
	if !slices.Equal(spell(a), spell(b)) {
		t.Error("histograms of sums lead to another regression tree than sorting")
	}
}

func mustPrepare(t *testing.T, x mat.Matrix) *Table {
	t.Helper()
	table, err := Prepare(t.Context(), x, 0)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// TestManyValues: columns of more than 256 values are sorted; bins keep their thresholds
// between bins.
func TestManyValues(t *testing.T) {
	r := seed.Stream(3, "many")
	x, y := mat.NewDense(2000, 3, nil), make([]int, 2000)
	for i := range y {
		x.SetRow(i, []float64{r.Float64(), r.NormFloat64(), 7})
		if x.At(i, 0) > 0.3 && x.At(i, 1) < 0.5 {
			y[i] = 1
		}
	}
	exact := classify(t, CART{}, x, y, 2)
	if exact.Leaves() != 3 {
		t.Errorf("%d leaves where two tests are enough", exact.Leaves())
	}
	table, err := Prepare(t.Context(), x, 16)
	if err != nil {
		t.Fatal(err)
	}
	binned := classify(t, CART{Bins: 16}, table, y, 2)
	cuts := map[float64]bool{}
	for j := range 2 {
		c := &table.cols[j]
		if c.places() != 16 {
			t.Fatalf("column %d has %d bins", j, c.places())
		}
		sizes := make([]int, 16)
		for _, p := range c.bytes {
			sizes[p]++
		}
		if slices.Min(sizes) < 124 || slices.Max(sizes) > 126 {
			t.Errorf("bins of sizes %v", sizes)
		}
		for b := 1; b < 16; b++ {
			for a := range b {
				cuts[c.threshold(a, b)] = true
			}
		}
	}
	right := 0
	got, err := binned.Predict(t.Context(), x)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range got {
		if c == y[i] {
			right++
		}
	}
	if right < 1800 || right == 2000 {
		t.Errorf("%d of 2000 right with bins", right)
	}
	for _, n := range binned.Nodes() {
		if !n.Leaf() && !cuts[n.Threshold] {
			t.Errorf("threshold %v of column %d is not between bins", n.Threshold, n.Feature)
		}
	}
	// A value that fills several bins stays whole, and the rest still gets bins.
	same := mat.NewDense(1000, 1, nil)
	for i := 500; i < 1000; i++ {
		same.Set(i, 0, float64(i))
	}
	if table, err = Prepare(t.Context(), same, 4); err != nil {
		t.Fatal(err)
	}
	if c := table.cols[0]; c.places() != 4 || c.high[0] != 0 || c.high[3] != 999 || c.low[1] != 500 {
		t.Errorf("bins from %v to %v", c.low, c.high)
	}
}

// golden is a table for which scikit-learn 1.9.1 gives the same tree for any random_state,
// that is, without ties.
func golden() (x *mat.Dense, labels []int, out *mat.Dense) {
	x, out = mat.NewDense(40, 4, nil), mat.NewDense(40, 2, nil)
	for i := range 40 {
		for j := range 4 {
			x.Set(i, j, float64((i*37+11*j*j+i*i*(j+3))%101))
		}
		y := 0
		if x.At(i, 0) > 50 || x.At(i, 2)*x.At(i, 1) > 2000 || i%5 == 0 {
			y = 1
		}
		labels = append(labels, y)
		out.SetRow(i, []float64{x.At(i, 0) * x.At(i, 1) / 100, x.At(i, 2) - x.At(i, 3)})
	}
	return x, labels, out
}

func near(t *testing.T, name string, got, want []float64, tol float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %v, want %v", name, got, want)
		return
	}
	for i := range want {
		if !(math.Abs(got[i]-want[i]) <= tol*max(1, math.Abs(want[i]))) {
			t.Errorf("%s: %v, want %v", name, got, want)
			return
		}
	}
}

// TestScikitLearn: values of DecisionTreeClassifier and DecisionTreeRegressor 1.9.1, of
// which impurities of two outputs are means, ours sums.
func TestScikitLearn(t *testing.T) {
	x, labels, out := golden()
	tests := func(tr *Tree) (columns, thresholds []float64) {
		for _, n := range tr.Nodes() {
			columns, thresholds = append(columns, float64(n.Feature)), append(thresholds, n.Threshold)
		}
		return
	}
	path := func(tr *Tree) (alphas, risks []float64) {
		for _, s := range tr.PruningPath() {
			alphas, risks = append(alphas, s.Alpha), append(risks, s.Risk)
		}
		return
	}
	for _, c := range []struct {
		criterion                 Criterion
		importance, alphas, risks []float64
	}{
		{Gini, []float64{0.774436090226, 0, 0.225563909774, 0}, []float64{0, 0.05, 0.08583333333333333}, []float64{0.03333333333333333, 0.08333333333333334, 0.255}},
		{Entropy, []float64{0.766835539954, 0, 0.233164460046, 0}, []float64{0, 0.1261345389404195, 0.18676687467547975, 0.2280667035464144},
			[]float64{0.06887218755408672, 0.19500672649450623, 0.381773601169986, 0.6098403047164004}},
	} {
		tr := classify(t, CART{MaxDepth: 3, Criterion: c.criterion}, x, labels, 3)
		columns, thresholds := tests(tr)
		near(t, "columns", columns, []float64{0, 0, 2, -1, -1, -1, -1}, 0)
		near(t, "thresholds", thresholds, []float64{51, 42, 24.5, 0, 0, 0, 0}, 0)
		near(t, "importance", tr.Importance(), c.importance, 1e-10)
		alphas, risks := path(tr)
		if c.criterion == Entropy { // ours are nats
			for i := range alphas {
				alphas[i], risks[i] = alphas[i]/math.Ln2, risks[i]/math.Ln2
			}
		}
		near(t, "alphas", alphas, c.alphas, 1e-12)
		near(t, "risks", risks, c.risks, 1e-12)
	}
	tr := regress(t, CART{MaxDepth: 3, MinLeaf: 3}, x, out)
	columns, thresholds := tests(tr)
	near(t, "columns", columns, []float64{3, 2, 1, -1, -1, 1, -1, -1, 2, 3, -1, -1, 2, -1, -1}, 0)
	near(t, "thresholds", thresholds, []float64{58.5, 52.5, 81, 0, 0, 57, 0, 0, 52.5, 82.5, 0, 0, 76, 0, 0}, 0)
	near(t, "importance", tr.Importance(), []float64{0, 0.11225423588630283, 0.33399158222887265, 0.5537541818848245}, 1e-10)
	near(t, "last leaf", tr.Nodes()[14].Values, []float64{18.918, 11}, 1e-12)
	near(t, "root", []float64{tr.Nodes()[0].Impurity}, []float64{2256.52992775}, 1e-12)
	alphas, risks := path(tr)
	near(t, "alphas", alphas, []float64{0, 71.5368536666667, 79.32175014880937, 104.75797008333356, 151.2178801041667, 207.1793770833334, 350.8278963333336, 1019.5353609999995}, 1e-10)
	near(t, "risks", risks, []float64{272.152839330357, 343.6896929970237, 423.0114431458331, 527.7694132291666, 678.9872933333334, 886.1666704166668, 1236.9945667500003, 2256.52992775}, 1e-10)
}

// TestPrune: each step of the path is the subtree that the same alpha prunes to, and none
// of all subtrees has a lower cost, by brute force.
func TestPrune(t *testing.T) {
	x, y := random(150, 3, 6, 3, 4)
	tr := classify(t, CART{MaxDepth: 4}, x, y, 3)
	nodes := tr.Nodes()
	var best func(id int, alpha float64) (cost float64, leaves int)
	best = func(id int, alpha float64) (float64, int) {
		n := nodes[id]
		cost := n.Impurity*n.Weight/nodes[0].Weight + alpha
		if n.Leaf() {
			return cost, 1
		}
		l, nl := best(n.Left, alpha)
		r, nr := best(n.Right, alpha)
		if l+r < cost-1e-12 {
			return l + r, nl + nr
		}
		return cost, 1
	}
	path := tr.PruningPath()
	if len(path) < 4 || path[0].Leaves != tr.Leaves() || path[len(path)-1].Leaves != 1 {
		t.Fatalf("path %+v", path)
	}
	for i, s := range path[1:] {
		if s.Alpha < path[i].Alpha || s.Leaves >= path[i].Leaves {
			t.Errorf("step %+v after %+v", s, path[i])
		}
		for _, alpha := range []float64{s.Alpha, s.Alpha * 1.0001} {
			p, err := tr.Prune(alpha)
			if err != nil {
				t.Fatal(err)
			}
			_, leaves := best(0, alpha)
			if p.Leaves() != leaves || p.Leaves() != s.Leaves {
				t.Errorf("alpha %v: %d leaves, path has %d, brute force %d", alpha, p.Leaves(), s.Leaves, leaves)
			}
			if got := p.PruningPath()[0].Risk; math.Abs(got-s.Risk) > 1e-12 {
				t.Errorf("alpha %v: risk %v, path has %v", alpha, got, s.Risk)
			}
			direct := classify(t, CART{MaxDepth: 4, Alpha: alpha}, x, y, 3)
			if alpha > 0 && !bytes.Equal(saved(t, direct), saved(t, p)) {
				t.Errorf("alpha %v: field Alpha leads to another tree", alpha)
			}
		}
	}
}

// TestReading: predictions, shares, leaves and paths agree with each other and with Nodes.
func TestReading(t *testing.T) {
	x, y := random(400, 5, 300, 3, 5) // more than 256 values
	w := make([]float64, 400)
	for i := range w {
		w[i] = float64(i % 3) // some rows do not count
	}
	tr := classify(t, CART{MaxDepth: 4, Weights: w}, x, y, 3)
	nodes := tr.Nodes()
	classes, err := tr.Predict(t.Context(), x)
	if err != nil {
		t.Fatal(err)
	}
	shares, err := tr.Scores(t.Context(), x)
	if err != nil {
		t.Fatal(err)
	}
	leaves, err := tr.Leaf(t.Context(), x)
	if err != nil {
		t.Fatal(err)
	}
	counts := make([]float64, len(nodes)*3)
	deepest := 0
	for i := range 400 {
		path, end, err := tr.Path(x.RawRowView(i))
		if err != nil {
			t.Fatal(err)
		}
		at := 0
		for _, s := range path {
			n := nodes[at]
			if s.Node != at || s.Feature != n.Feature || s.Threshold != n.Threshold || s.Value != x.At(i, s.Feature) || n.Depth > 4 {
				t.Fatalf("row %d: test %+v at node %+v", i, s, n)
			}
			counts[at*3+y[i]] += w[i]
			if at = n.Right; s.Left() {
				at = n.Left
			}
		}
		deepest = max(deepest, len(path))
		counts[at*3+y[i]] += w[i]
		n := nodes[at]
		if at != end || at != leaves[i] || !n.Leaf() || classes[i] != n.Class() {
			t.Fatalf("row %d: leaf %d, path ends at %d, class %d of %+v", i, leaves[i], end, classes[i], n)
		}
		for c, v := range n.Values {
			if shares.At(i, c) != v/n.Weight {
				t.Fatalf("row %d: shares %v of %+v", i, shares.RawRowView(i), n)
			}
		}
	}
	if deepest != tr.Depth() || deepest != 4 || len(nodes) != 2*tr.Leaves()-1 {
		t.Errorf("depth %d, longest path %d; %d nodes, %d leaves", tr.Depth(), deepest, len(nodes), tr.Leaves())
	}
	for i, n := range nodes {
		near(t, fmt.Sprint("node ", i), n.Values, counts[3*i:3*i+3], 0)
		if n.Leaf() != (n.Left == -1) || n.Leaf() != (n.Right == -1) || n.Index != i || i > 0 && nodes[n.Parent].Left != i && nodes[n.Parent].Right != i {
			t.Errorf("node %d: %+v", i, n)
		}
	}
	test := Test{Feature: 3, Threshold: 2.5, Value: 1.25}
	if test.String() != "x3 = 1.25 <= 2.5" || (Test{Feature: 0, Threshold: 1, Value: 2}).String() != "x0 = 2 > 1" {
		t.Error(test)
	}
}

// TestKnown: trees that can be written down.
func TestKnown(t *testing.T) {
	xor := mat.NewDense(4, 2, []float64{0, 0, 0, 1, 1, 0, 1, 1})
	tr := classify(t, CART{}, xor, []int{0, 1, 1, 0}, 2)
	if got, err := tr.Predict(t.Context(), xor); err != nil || !slices.Equal(got, []int{0, 1, 1, 0}) || tr.Leaves() != 4 {
		t.Errorf("xor: %v, %v", got, err)
	}
	near(t, "importance of xor", tr.Importance(), []float64{0, 1}, 0)
	// Equal columns: the first; equal splits: the lower threshold.
	tie := classify(t, CART{MaxDepth: 1}, mat.NewDense(3, 2, []float64{1, 1, 2, 2, 3, 3}), []int{0, 1, 0}, 2)
	if n := tie.Nodes()[0]; n.Feature != 0 || n.Threshold != 1.5 {
		t.Errorf("tie: %+v", n)
	}
	// Neighbouring numbers have no number between them: the lower is the threshold.
	a := math.Nextafter(1, 2)
	b := math.Nextafter(a, 2)
	tight := classify(t, CART{}, mat.NewDense(2, 1, []float64{a, b}), []int{0, 1}, 2)
	if th := tight.Nodes()[0].Threshold; th != a {
		t.Errorf("threshold %v between %v and %v", th, a, b)
	}
	huge := classify(t, CART{}, mat.NewDense(2, 1, []float64{-math.MaxFloat64, math.MaxFloat64}), []int{0, 1}, 2)
	if th := huge.Nodes()[0].Threshold; th != 0 {
		t.Errorf("threshold %v between the largest numbers", th)
	}
	for name, x := range map[string]*mat.Dense{"one row": mat.NewDense(1, 1, []float64{5}), "constant": mat.NewDense(3, 2, nil)} {
		n, _ := x.Dims()
		tr := classify(t, CART{}, x, []int{1, 0, 1}[:n], 2)
		if tr.Leaves() != 1 || tr.Depth() != 0 || tr.Nodes()[0].Class() != 1 {
			t.Errorf("%s: %+v", name, tr.Nodes())
		}
		near(t, name, tr.Importance(), make([]float64, len(tr.Importance())), 0)
	}
	// Minus zero is zero.
	zero := classify(t, CART{}, mat.NewDense(2, 1, []float64{0, math.Copysign(0, -1)}), []int{0, 1}, 2)
	if zero.Leaves() != 1 {
		t.Error("0 and -0 were told apart")
	}
	// Weights act as copies, and the class of most weight wins.
	weighted := classify(t, CART{MaxDepth: 1, Weights: []float64{1, 0, 4, 1}}, mat.NewDense(4, 1, []float64{0, 1, 2, 3}), []int{0, 1, 1, 0}, 2)
	copied := classify(t, CART{MaxDepth: 1}, mat.NewDense(6, 1, []float64{0, 2, 2, 2, 2, 3}), []int{0, 1, 1, 1, 1, 0}, 2)
	if a, b := weighted.Nodes()[0].Threshold, copied.Nodes()[0].Threshold; a != b {
		t.Errorf("thresholds %v with weights, %v with copies", a, b)
	}
	// A regression tree on logits says the class of the largest.
	logits := regress(t, CART{}, mat.NewDense(2, 1, []float64{0, 1}), mat.NewDense(2, 3, []float64{1, 5, 2, 0, -1, 0.1}))
	if got, err := logits.Predict(t.Context(), mat.NewDense(2, 1, []float64{-3, 0.6})); err != nil || !slices.Equal(got, []int{1, 2}) {
		t.Errorf("classes of logits %v, %v", got, err)
	}
	// Equal outputs that no mean would hit are kept.
	if v := regress(t, CART{}, mat.NewDense(3, 1, nil), mat.NewDense(3, 1, []float64{0.1, 0.1, 0.1})).Nodes()[0]; v.Values[0] != 0.1 || v.Impurity != 0 {
		t.Errorf("constant outputs: %+v", v)
	}
}

// TestDrawnColumns: drawing is by the seed, and passes over constant columns.
func TestDrawnColumns(t *testing.T) {
	x, y := random(500, 10, 20, 3, 6)
	a := saved(t, classify(t, CART{Features: 2, Seed: 1}, x, y, 3))
	if !bytes.Equal(a, saved(t, classify(t, CART{Features: 2, Seed: 1}, x, y, 3))) {
		t.Error("one seed, two trees")
	}
	if bytes.Equal(a, saved(t, classify(t, CART{Features: 2, Seed: 2}, x, y, 3))) {
		t.Error("the seed makes no difference")
	}
	// Below the root only one column in twenty still varies.
	one := mat.NewDense(50, 20, nil)
	labels := make([]int, 50)
	for i := range labels {
		for j := range 20 {
			one.Set(i, j, float64(i/25))
		}
		one.Set(i, 13, float64(i))
		labels[i] = i / 10
	}
	for sd := range uint64(10) {
		tr := classify(t, CART{Features: 1, Seed: sd}, one, labels, 5)
		if got, err := tr.Predict(t.Context(), one); err != nil || !slices.Equal(got, labels) {
			t.Errorf("seed %d: %v, %v", sd, got, err)
		}
	}
}

// TestSortKeys: as slices.Sort, for any length and any number of places.
func TestSortKeys(t *testing.T) {
	r := seed.Stream(1, "keys")
	for _, n := range []int{0, 1, 127, 128, 1000} {
		for _, places := range []int{1, 2, 256, 257, 70000, 1 << 31} {
			keys := make([]uint64, n)
			for i := range keys {
				keys[i] = r.Uint64N(uint64(places))<<32 | uint64(i)
			}
			want := slices.Clone(keys)
			slices.Sort(want)
			if got, _ := sortKeys(keys, make([]uint64, n), places); !slices.Equal(got, want) {
				t.Errorf("%d keys of %d places", n, places)
			}
		}
	}
}

// TestMistakes: what users do wrong is an error that says what and where.
func TestMistakes(t *testing.T) {
	x, y := random(10, 2, 5, 2, 7)
	nan := mat.DenseCopyOf(x)
	nan.Set(3, 1, math.NaN())
	tr := classify(t, CART{}, x, y, 2)
	fit := func(c CART, x mat.Matrix, y []int, k int) error {
		_, err := c.Classify(t.Context(), x, y, k)
		return err
	}
	out := func(c CART, y mat.Matrix) error { _, err := c.Regress(t.Context(), x, y); return err }
	ask := func(tr *Tree, x mat.Matrix) error { _, err := tr.Predict(t.Context(), x); return err }
	second := func(_ any, err error) error { return err }
	pathOf := func(tr *Tree, row []float64) error { _, _, err := tr.Path(row); return err }
	path := func(row []float64) error { return pathOf(tr, row) }
	weights := func(v float64) CART { return CART{Weights: []float64{1, 1, 1, v, 1, 1, 1, 1, 1, 1}} }
	table := mustPrepare(t, x)
	for _, c := range []struct {
		name string
		err  error
		is   error
		want string
	}{
		{"nil matrix", fit(CART{}, nil, y, 2), xai.ErrShape, "nil"},
		{"nil dense", fit(CART{}, (*mat.Dense)(nil), y, 2), xai.ErrShape, "nil"},
		{"nil table", fit(CART{}, (*Table)(nil), y, 2), xai.ErrShape, "nil"},
		{"nil symmetric", fit(CART{}, (*mat.SymDense)(nil), y, 2), xai.ErrShape, "nil"},
		{"empty", fit(CART{}, &mat.Dense{}, nil, 2), xai.ErrShape, "0 x 0"},
		{"short bytes", fit(CART{}, Bytes{Rows: 10, Cols: 2, Data: make([]uint8, 19)}, y, 2), xai.ErrShape, "19 bytes"},
		{"scale", fit(CART{}, Bytes{Rows: 10, Cols: 2, Data: make([]uint8, 20), Scale: -1}, y, 2), nil, "field Scale is -1"},
		{"NaN", fit(CART{}, nan, y, 2), ErrNotFinite, "row 3, column 1 is NaN"},
		{"fewer labels", fit(CART{}, x, y[:9], 2), xai.ErrShape, "10 rows with 9 labels"},
		{"label", fit(CART{}, x, []int{0, 1, 0, 1, 2, 0, 0, 0, 0, 0}, 2), xai.ErrTarget, "row 4 has label 2"},
		{"negative label", fit(CART{}, x, []int{0, 1, 0, 1, -1, 0, 0, 0, 0, 0}, 2), xai.ErrTarget, "label -1"},
		{"no classes", fit(CART{}, x, y, 0), nil, "0 classes"},
		{"depth", fit(CART{MaxDepth: -1}, x, y, 2), nil, "field MaxDepth is -1"},
		{"features", fit(CART{Features: 3}, x, y, 2), nil, "field Features is 3 for 2 columns"},
		{"bins", fit(CART{Bins: 257}, x, y, 2), nil, "field Bins is 257"},
		{"other bins", fit(CART{Bins: 8}, table, y, 2), nil, "field Bins is 8 for a Table"},
		{"alpha", fit(CART{Alpha: math.NaN()}, x, y, 2), nil, "field Alpha is NaN"},
		{"criterion", fit(CART{Criterion: 7}, x, y, 2), nil, "field Criterion is 7"},
		{"weights", fit(CART{Weights: []float64{1}}, x, y, 2), xai.ErrShape, "1 values for 10 rows"},
		{"negative weight", fit(weights(-2), x, y, 2), ErrNotFinite, "row 3 has -2"},
		{"infinite weight", fit(weights(math.Inf(1)), x, y, 2), ErrNotFinite, "row 3 has +Inf"},
		{"no weight", fit(CART{Weights: make([]float64, 10)}, x, y, 2), nil, "adds up to 0"},
		{"outputs", out(CART{}, nan), ErrNotFinite, "row 3, column 1 is NaN"},
		{"huge outputs", out(CART{}, mat.NewDense(10, 1, []float64{1e200, 0, 0, 0, 0, 0, 0, 0, 0, -1e200})), ErrNotFinite, "too large"},
		{"criterion of outputs", out(CART{Criterion: Entropy}, x), nil, "for classification"},
		{"fewer outputs", out(CART{}, mat.NewDense(9, 1, nil)), xai.ErrShape, "9"},
		{"other columns", ask(tr, mat.NewDense(1, 3, nil)), xai.ErrShape, "3 columns"},
		{"no tree", ask(nil, x), nil, "no tree"},
		{"NaN to predict", ask(tr, nan), ErrNotFinite, "row 3"},
		{"nil to predict", ask(tr, nil), xai.ErrShape, "nil"},
		{"nil dense to predict", ask(tr, (*mat.Dense)(nil)), xai.ErrShape, "nil"},
		{"no values", second((*Tree)(nil).Values(t.Context(), x)), nil, "no tree"},
		{"path of NaN", path([]float64{0, math.NaN()}), ErrNotFinite, "column 1"},
		{"path without a tree", pathOf(nil, []float64{0, 0}), nil, "no tree"},
		{"path in nothing", pathOf(&Tree{}, []float64{0, 0}), nil, "no tree"},
		{"short path", path([]float64{0}), xai.ErrShape, "1 values"},
		{"prune", second(tr.Prune(-1)), nil, "alpha is -1"},
		{"prune nothing", second((*Tree)(nil).Prune(1)), nil, "no tree"},
		{"prepare", second(Prepare(t.Context(), x, 1)), nil, "field Bins is 1"},
	} {
		if c.err == nil || c.is != nil && !errors.Is(c.err, c.is) || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("%s: error %v, want one that matches %v and has %q", c.name, c.err, c.is, c.want)
		}
	}
	if (*Tree)(nil).Nodes() != nil || (*Tree)(nil).PruningPath() != nil || (*Tree)(nil).Importance() != nil {
		t.Error("nil has nodes")
	}
}

// TestInterrupted: growing and asking stop when the context ends.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	x, y := random(3000, 5, 500, 3, 8)
	tr := classify(t, CART{}, x, y, 3)
	table := mustPrepare(t, x)
	cancel()
	if _, err := (CART{}).Classify(ctx, table, y, 3); !errors.Is(err, context.Canceled) {
		t.Errorf("growing: %v", err)
	}
	if _, err := (CART{}).Classify(ctx, x, y, 3); !errors.Is(err, context.Canceled) {
		t.Errorf("preparing: %v", err)
	}
	if _, err := tr.Predict(ctx, x); !errors.Is(err, context.Canceled) {
		t.Errorf("asking: %v", err)
	}
}

package imbalance

import (
	"math"
	"reflect"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// naive computes the measures from a matrix of all distances, as the survey words them, with
// nothing of the package but its data.
type naive struct {
	data
	dist *mat.Dense
	k    int
}

func newNaive(d data, by Distance, k int) naive {
	n, m := d.x.Dims()
	v := naive{d, mat.NewDense(n, n, nil), k}
	low, high := make([]float64, m), make([]float64, m)
	for f := range m {
		c := mat.Col(nil, f, d.x)
		low[f], high[f] = slices.Min(c), slices.Max(c)
	}
	v.dist.Apply(func(i, j int, _ float64) float64 {
		sum := 0.0
		for f := range m {
			t := d.x.At(i, f) - d.x.At(j, f)
			switch by {
			case Gower:
				sum += math.Abs(t) / (high[f] - low[f]) / float64(m)
			case Euclidean:
				sum += t * t
			case ScaledEuclidean:
				t /= high[f] - low[f]
				sum += t * t
			}
		}
		if by == Gower {
			return sum
		}
		return math.Sqrt(sum)
	}, v.dist)
	return v
}

// nearest sorts the other rows that are wanted.
func (v naive) nearest(i int, want func(j int) bool) []int {
	var list []int
	for j := range v.y {
		if j != i && want(j) {
			list = append(list, j)
		}
	}
	sort.SliceStable(list, func(a, b int) bool { return v.dist.At(i, list[a]) < v.dist.At(i, list[b]) })
	return list
}

func (v naive) friend(i int) int {
	return v.nearest(i, func(j int) bool { return v.y[j] == v.y[i] })[0]
}
func (v naive) enemies(i int) []int {
	return v.nearest(i, func(j int) bool { return v.y[j] != v.y[i] })
}

// border is Kruskal's: where no distances tie there is one minimum spanning tree.
func (v naive) border() (mixed map[int]bool, edges int) {
	n := len(v.y)
	type pair struct{ i, j int }
	var all []pair
	group := make([]int, n)
	for i := range n {
		group[i] = i
		for j := range i {
			all = append(all, pair{i, j})
		}
	}
	sort.Slice(all, func(a, b int) bool { return v.dist.At(all[a].i, all[a].j) < v.dist.At(all[b].i, all[b].j) })
	mixed = map[int]bool{}
	for _, p := range all {
		if a, b := group[p.i], group[p.j]; a != b {
			for i := range group {
				if group[i] == a {
					group[i] = b
				}
			}
			if v.y[p.i] != v.y[p.j] {
				mixed[p.i], mixed[p.j] = true, true
				edges++
			}
		}
	}
	return mixed, edges
}

func (v naive) radius(i int) float64 {
	j := v.enemies(i)[0]
	if v.enemies(j)[0] == i {
		return v.dist.At(i, j) / 2
	}
	return v.dist.At(i, j) - v.radius(j)
}

// spheres is ECoL's loop, counting anew each time.
func (v naive) spheres() []int {
	radius := make([]float64, len(v.y))
	left := map[int]bool{}
	for i := range radius {
		radius[i], left[i] = v.radius(i), true
	}
	var taken []int
	for len(left) > 0 {
		best, most := -1, -1
		for i := range radius {
			if !left[i] {
				continue
			}
			count := 0
			for j := range left {
				if v.dist.At(i, j) < radius[i] {
					count++
				}
			}
			if count > most {
				best, most = i, count
			}
		}
		taken = append(taken, best)
		for j := range radius {
			if v.dist.At(best, j) < radius[best] {
				delete(left, j)
			}
		}
		delete(left, best)
	}
	return taken
}

// adjacency is ECoL's and PyMFE's graph, or Problexity's.
func (v naive) adjacency(c Convention) *mat.SymDense {
	n := len(v.y)
	a := mat.NewSymDense(n, nil)
	if c == Problexity {
		g := newNaive(v.data, Gower, v.k)
		low, high := math.Inf(1), 0.0
		for i := range n {
			for j := range i {
				low, high = min(low, g.dist.At(i, j)), max(high, g.dist.At(i, j))
			}
		}
		for i := range n {
			for j := range i {
				if v.y[i] == v.y[j] && (g.dist.At(i, j)-low)/(high-low) < 0.15 {
					a.SetSym(i, j, 1)
				}
			}
		}
		return a
	}
	k := int(math.Floor(0.15 * float64(n)))
	if c == PyMFE {
		k = int(math.RoundToEven(0.15 * float64(n)))
	}
	for i := range n {
		for _, j := range v.nearest(i, func(int) bool { return true })[:k] {
			if v.y[i] == v.y[j] {
				a.SetSym(i, j, 1)
			}
		}
	}
	return a
}

func (v naive) network(c Convention) (density, clsCoef, hubs float64) {
	n := len(v.y)
	a := v.adjacency(c)
	edges, triangles, paths, local := 0.0, 0.0, 0.0, 0.0
	for i := range n {
		closed, open := 0.0, 0.0
		for j := range n {
			edges += a.At(i, j) / 2
			for k := range n {
				if j != k && a.At(i, j)*a.At(i, k) == 1 {
					open++
					closed += a.At(j, k)
				}
			}
		}
		triangles, paths = triangles+closed, paths+open
		if open > 0 {
			local += closed / open
		}
	}
	density = 1 - 2*edges/float64(n*(n-1))
	clsCoef = 1 - triangles/paths
	if c == Problexity {
		clsCoef = 1 - local/float64(n)
	}
	if c == ECoL {
		w := mat.NewSymDense(n, nil)
		for i := range n {
			for j := range i {
				w.SetSym(i, j, a.At(i, j)*v.dist.At(i, j))
			}
		}
		a = w
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(a, true) {
		return density, clsCoef, math.NaN()
	}
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	principal := mat.Col(nil, n-1, &vectors)
	most, sum := 0.0, 0.0
	for _, p := range principal {
		most, sum = max(most, math.Abs(p)), sum+math.Abs(p)
	}
	return density, clsCoef, 1 - sum/most/float64(n)
}

// pairMeasures returns F1v, F2, F3 and F4 of two classes.
func (v naive) pairMeasures(c Convention) (f1v, f2, f3, f4 float64) {
	n, m := v.x.Dims()
	inside := func(rows []int, f int) []int { // the rows in the overlap of feature f
		low, high := [2]float64{math.Inf(1), math.Inf(1)}, [2]float64{math.Inf(-1), math.Inf(-1)}
		for _, i := range rows {
			k := v.y[i]
			low[k], high[k] = min(low[k], v.x.At(i, f)), max(high[k], v.x.At(i, f))
		}
		var list []int
		for _, i := range rows {
			if t := v.x.At(i, f); t >= max(low[0], low[1]) && t <= min(high[0], high[1]) {
				list = append(list, i)
			}
		}
		return list
	}
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	f2, f3 = 1, 1
	for f := range m {
		a, b := v.column(0, f), v.column(1, f)
		f2 *= max(0, min(slices.Max(a), slices.Max(b))-max(slices.Min(a), slices.Min(b))) /
			(max(slices.Max(a), slices.Max(b)) - min(slices.Min(a), slices.Min(b)))
		f3 = min(f3, float64(len(inside(all, f)))/float64(n))
	}
	left, features := all, make([]int, m)
	for f := range features {
		features[f] = f
	}
	for len(features) > 0 {
		at := 0
		for i, f := range features {
			if len(inside(left, f)) < len(inside(left, features[at])) {
				at = i
			}
		}
		left = inside(left, features[at])
		features = slices.Delete(features, at, at+1)
		classes := map[int]bool{}
		for _, i := range left {
			classes[v.y[i]] = true
		}
		if len(classes) < 2 {
			break
		}
	}
	f4 = float64(len(left)) / float64(n)

	w := mat.NewDense(m, m, nil)
	mu := mat.NewVecDense(m, nil)
	for k, sign := range []float64{1, -1} {
		rows := v.members[k]
		size := float64(len(rows))
		divide := size - 1
		if c == Problexity {
			divide = size
		}
		for a := range m {
			ca := v.column(k, a)
			mu.SetVec(a, mu.AtVec(a)+sign*floats.Sum(ca)/size)
			for b := range m {
				cb := v.column(k, b)
				s := 0.0
				for i := range ca {
					s += (ca[i] - floats.Sum(ca)/size) * (cb[i] - floats.Sum(cb)/size)
				}
				w.Set(a, b, w.At(a, b)+size/float64(n)*s/divide)
			}
		}
	}
	var inverse, between, t1, t2 mat.Dense
	if err := inverse.Inverse(w); err != nil {
		return math.NaN(), f2, f3, f4
	}
	var dir mat.VecDense
	dir.MulVec(&inverse, mu)
	between.Outer(1, mu, mu)
	t1.Product(dir.T(), &between, &dir)
	t2.Product(dir.T(), w, &dir)
	return 1 / (1 + t1.At(0, 0)/t2.At(0, 0)), f2, f3, f4
}

func (v naive) column(class, f int) []float64 {
	var out []float64
	for _, i := range v.members[class] {
		out = append(out, v.x.At(i, f))
	}
	return out
}

// of returns the measures of one set of rows by the convention's formulas.
func (v naive) of(c Convention) map[string]float64 {
	n := float64(len(v.y))
	out := map[string]float64{}
	mixed, edges := v.border()
	out["N1"] = float64(len(mixed)) / n
	if c == Problexity {
		out["N1"] = float64(edges) / (2 * n)
	}
	var intra, inter, second, ratios, inside float64
	for i := range v.y {
		f, e := v.friend(i), v.enemies(i)
		intra += v.dist.At(i, f)
		inter += v.dist.At(i, e[0])
		second += v.dist.At(i, e[1])
		r := v.dist.At(i, f) / v.dist.At(i, e[0])
		ratios += r / (1 + r) / n
		near := v.nearest(i, func(int) bool { return true })
		if v.y[near[0]] != v.y[i] {
			out["N3"] += 1 / n
		}
		for j := range v.y {
			if v.dist.At(i, j) < v.dist.At(i, e[0]) {
				inside++
			}
		}
	}
	out["N2"], out["N2sum"] = ratios, intra/inter/(1+intra/inter)
	switch c {
	case Problexity:
		out["N2"] = second
		out["N2"] = intra / second / (1 + intra/second)
	case DCoL:
		out["N2"] = intra / inter
	}
	if c != DCoL {
		out["LSC"] = 1 - inside/n/n
		out["density"], out["clsCoef"], out["hubs"] = v.network(c)
	}
	if c == ECoL || c == DCoL {
		out["T1"] = float64(len(v.spheres())) / n
	}
	return out
}

func TestMeasuresAgreeWithTheDefinitions(t *testing.T) {
	for _, size := range []struct{ n, d, k int }{{40, 2, 2}, {60, 4, 3}, {75, 3, 4}} {
		x, y := blobs(size.n, size.d, size.k, 1.2)
		d := newData(x, y, size.k)
		for c := ECoL; c <= DCoL; c++ {
			got, err := Complexity{Convention: c}.Measure(t.Context(), x, y)
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]float64{}
			by := c.distance()
			if c == Problexity {
				for _, p := range d.pairs() {
					for name, v := range newNaive(p, by, 5).of(c) {
						want[name] += v / float64(len(d.pairs()))
					}
				}
			} else {
				want = newNaive(d, by, 5).of(c)
			}
			for _, p := range d.pairs() {
				f1v, f2, f3, f4 := newNaive(p, by, 5).pairMeasures(c)
				if c == DCoL {
					f1v, f2, f3, f4 = 1/f1v-1, f2*float64(len(d.pairs())), 1-f3, 1-f4
				}
				for name, v := range map[string]float64{"F1v": f1v, "F2": f2, "F3": f3, "F4": f4} {
					want[name] += v / float64(len(d.pairs()))
				}
			}
			for name, w := range want {
				if v := got.Get(name); !(math.Abs(v-w) <= 1e-6*math.Max(1, math.Abs(w))) {
					t.Errorf("%v, %d rows: %s is %v, by the definition %v", c, size.n, name, v, w)
				}
			}
		}
	}
}

// TestNeighbourSharesAgreeWithTheDefinitions compares what a class has.
func TestNeighbourSharesAgreeWithTheDefinitions(t *testing.T) {
	x, y := blobs(70, 3, 3, 1)
	d := newData(x, y, 3)
	const k = 4
	got, err := Complexity{Distance: ScaledEuclidean, Neighbors: k}.Measure(t.Context(), x, y)
	if err != nil {
		t.Fatal(err)
	}
	v := newNaive(d, ScaledEuclidean, k)
	mixed, _ := v.border()
	centres := v.spheres()
	base := 0.0
	for c, members := range d.members {
		want := map[string]float64{"safe": 0, "border": 0, "rare": 0, "outlier": 0}
		size := float64(len(members))
		var intra, inter float64
		votes := map[int]float64{}
		for _, i := range members {
			near := v.nearest(i, func(int) bool { return true })[:k]
			same := 0.0
			for q, j := range near {
				if y[j] == c {
					same++
				}
				base += same / float64(q+1) / k / float64(len(y))
				if y[j] != c {
					votes[y[j]]++
				}
				a, b := size, float64(len(d.members[y[j]]))
				want["safe level"] += min(a, b) / max(a, b) / k / size
			}
			want[map[float64]string{4: "safe", 3: "safe", 2: "border", 1: "rare", 0: "outlier"}[same]] += 1 / size
			want["kDN"] += (k - same) / k / size
			want["degOver"] += indicator(same < k) / size
			want["CM"] += indicator((k-same)/k > 0.5) / size
			want["D3"] += indicator(same/k < 0.5)
			want["N1"] += indicator(mixed[i]) / size
			want["N3"] += indicator(y[near[0]] != c) / size
			want["T1"] += indicator(slices.Contains(centres, i)) / size
			e := v.dist.At(i, v.enemies(i)[0])
			intra, inter = intra+v.dist.At(i, v.friend(i)), inter+e
			for j := range y {
				want["LSC"] -= indicator(v.dist.At(i, j) < e) / size / size
			}
		}
		want["LSC"]++
		want["N2"] = intra / inter / (1 + intra/inter)
		a, b := (c+1)%3, (c+2)%3
		if a > b {
			a, b = b, a
		}
		top := a
		if votes[b] > votes[a] {
			top = b
		}
		want["adversary"] = votes[top] / (votes[a] + votes[b])
		if g := got.Classes[c].Adversary; g != got.Classes[top].Name {
			t.Errorf("the adversary of class %d is %q, by the definition %d", c, g, top)
		}
		for name, w := range want {
			if g := got.Column(name).Values[c]; math.Abs(g-w) > 1e-9 {
				t.Errorf("%s of class %d is %v, by the definition %v", name, c, g, w)
			}
		}
	}
	if g := got.Get("CB"); math.Abs(g-(1-base)) > 1e-9 {
		t.Errorf("CB is %v, by the definition %v", g, 1-base)
	}
}

// TestFisherByHand: classes (0, 2) and (4, 6, 8): means 1 and 6, over all 4.
func TestFisherByHand(t *testing.T) {
	x, y := mat.NewDense(5, 2, []float64{0, 7, 2, 7, 4, 7, 6, 7, 8, 7}), []int{0, 0, 1, 1, 1}
	d := newData(x, y, 2)
	// between 2*9 + 3*4 = 30, within 2 + 8 = 10; the second feature is constant.
	if r := fisher(d); math.Abs(r[0]-3) > 1e-12 || !math.IsNaN(r[1]) {
		t.Errorf("ratios %v, want 3 and NaN", r)
	}
	// DCoL: 25 / (2 + 4).
	if r := fisherDCoL(d); math.Abs(r[0]-25.0/6) > 1e-12 {
		t.Errorf("DCoL's ratio %v, want 25/6", r[0])
	}
	fs := measureFeatures(d, Problexity, true) // 2 * .4 * .6 * 25 / (.4*1 + .6*8/3) = 6
	if math.Abs(fs.f1-1.0/7) > 1e-12 {
		t.Errorf("Problexity's F1 %v, want 1/7", fs.f1)
	}
}

// TestLastClassAlone: after the best feature only one class has rows left; PyMFE takes these
// away too as long as it has features.
func TestLastClassAlone(t *testing.T) {
	x := mat.NewDense(6, 2, []float64{0, 0, 1, 1, 2, 0, 1, 1, 1, 0, 1, 1})
	x.SetCol(0, []float64{0, 3, 0, 1, 2, 1.5})
	x.SetCol(1, []float64{0, 1, 0, 1, 0, 1})
	d := newData(x, []int{0, 0, 0, 1, 1, 1}, 2) // feature 0 leaves class 1 alone: 1, 2, 1.5
	if got := overlapTogether(d, ECoL); got != 0.5 {
		t.Errorf("F4 %v, want .5", got)
	}
	if got := overlapTogether(d, PyMFE); got != 0 {
		t.Errorf("PyMFE's F4 %v, want 0", got)
	}
}

// grid is a table in which many values and distances tie.
func grid(n, d, trial int) data {
	r := seed.Stream(4, "grid", trial)
	x, y := mat.NewDense(n, d, nil), make([]int, n)
	for i := range n {
		y[i] = i % 2
		for f := range d {
			x.Set(i, f, float64(r.IntN(7)+y[i]))
		}
	}
	return newData(x, y, 2)
}

func TestSpheresWithTies(t *testing.T) {
	for trial := range 20 {
		d := grid(40, 3, trial)
		got, err := Complexity{Distance: Euclidean}.Measure(t.Context(), d.x, d.y)
		if err != nil {
			t.Fatal(err)
		}
		if want := float64(len(newNaive(d, Euclidean, 5).spheres())) / 40; math.Abs(got.Get("T1")-want) > 1e-12 {
			t.Errorf("T1 of table %d is %v, by the definition %v", trial, got.Get("T1"), want)
		}
	}
}

// TestProblexityF4 is problexity's loop with its masks, which count rows that are gone.
func TestProblexityF4(t *testing.T) {
	differ := 0
	for trial := range 100 {
		d := grid(24, 4, trial)
		gone, used := make([]bool, 24), make([]bool, 4)
		for range used {
			low, high := [2][4]float64{}, [2][4]float64{}
			for k := range 2 {
				for f := range 4 {
					low[k][f], high[k][f] = math.Inf(1), math.Inf(-1)
				}
			}
			left := [2]int{}
			for i, k := range d.y {
				if !gone[i] {
					left[k]++
					for f := range 4 {
						low[k][f], high[k][f] = min(low[k][f], d.x.At(i, f)), max(high[k][f], d.x.At(i, f))
					}
				}
			}
			if left[0] == 0 || left[1] == 0 {
				break
			}
			outside := func(i, f int) bool {
				return d.x.At(i, f) < max(low[0][f], low[1][f]) || d.x.At(i, f) > min(high[0][f], high[1][f])
			}
			best, most := -1, -1
			for f := range 4 {
				count := 0
				for i := range gone {
					count += int(indicator(outside(i, f)))
				}
				if !used[f] && count >= most {
					best, most = f, count
				}
			}
			used[best] = true
			for i := range gone {
				gone[i] = gone[i] || outside(i, best)
			}
		}
		want := 0.0
		for _, g := range gone {
			want += indicator(!g) / 24
		}
		got := overlapTogether(d, Problexity)
		if math.Abs(got-want) > 1e-12 {
			t.Errorf("table %d: %v, want %v", trial, got, want)
		}
		differ += int(indicator(got != overlapTogether(d, ECoL)))
	}
	if differ == 0 {
		t.Error("no table tells Problexity from ECoL")
	}
}

// TestPseudoInverse: ECoL's tolerance drops a direction of a 1e-9th of the variance.
func TestPseudoInverse(t *testing.T) {
	x, y := blobs(60, 2, 2, 1)
	for i := range y {
		x.Set(i, 1, 1e-5*x.At(i, 1))
	}
	d, one := newData(x, y, 2), newData(mat.DenseCopyOf(x.Slice(0, 60, 0, 1)), y, 2)
	both, first := directional(d, PyMFE), directional(one, PyMFE)
	if got := directional(d, ECoL); math.Abs(got-first) > 1e-3*first || math.Abs(both-first) < 1e-2*first {
		t.Errorf("ECoL has %v, want %v of the first feature, not %v of both", got, first, both)
	}
}

func TestPairsAreDifferentRows(t *testing.T) {
	d := newData(mat.NewDense(4, 1, []float64{0, 1, 10, 11}), []int{0, 0, 1, 1}, 2)
	x, _, _ := interpolate(d, ECoL, 200, seed.Stream(2))
	for i := range 200 {
		if v := x.At(i, 0); v == math.Trunc(v) {
			t.Fatalf("row %d is %v: between a row and itself", i, v)
		}
	}
}

func TestRedrawKeepsClassSizes(t *testing.T) {
	x, y := blobs(80, 2, 3, 1)
	d := newData(x, y, 3)
	weights := redraw(d, seed.Stream(1))
	for c, members := range d.members {
		sum := 0.0
		for _, i := range members {
			sum += weights[i]
		}
		if sum != float64(len(members)) {
			t.Errorf("class %d: %v rows drawn, it has %d", c, sum, len(members))
		}
	}
}

func TestTiedRanks(t *testing.T) {
	if got := ranks([]float64{5, 1, 3, 3}); !slices.Equal(got, []float64{4, 1, 2.5, 2.5}) {
		t.Errorf("ranks %v", got)
	}
}

// TestPlanesAreOptimal compares the objective, which is convex, with that of planes nearby.
func TestPlanesAreOptimal(t *testing.T) {
	for _, apart := range []float64{0.3, 2, 8} {
		x, labels := blobs(120, 4, 2, apart)
		y := make([]float64, len(labels))
		for i, c := range labels {
			y[i] = 1 - 2*float64(c)
		}
		loss := func(w []float64, b, cost float64, power, bias float64) float64 {
			sum := (floats.Dot(w, w) + bias*b*b) / 2
			for i := range y {
				sum += cost * math.Pow(max(0, 1-y[i]*(floats.Dot(w, x.RawRowView(i))+b)), power)
			}
			return sum
		}
		check := func(name string, w []float64, b, cost, power, bias float64, slack float64) {
			best := loss(w, b, cost, power, bias)
			r := seed.Stream(8, name)
			for trial := range 3000 {
				v, c := slices.Clone(w), b
				step := math.Pow(10, -float64(trial%5))
				for f := range v {
					v[f] += step * r.NormFloat64()
				}
				c += step * r.NormFloat64()
				if l := loss(v, c, cost, power, bias); l < best*(1-slack) {
					t.Errorf("%s, %v apart: another plane has %v, this one %v", name, apart, l, best)
					return
				}
			}
		}
		for _, m := range []struct {
			name string
			machine
			power, bias float64
		}{
			{"hinge", machine{x, y, 1, false, false}, 1, 0},
			{"hinge, b penalised", machine{x, y, 2, false, true}, 1, 1},
			{"squared hinge, b penalised", machine{x, y, 1, true, true}, 2, 1},
		} {
			w, b, err := m.solve(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			check(m.name, w, b, m.cost, m.power, m.bias, 1e-7)
		}
	}
	// By hand: -1 and 1 are separated by w = 1, b = 0, with a loss of nothing.
	if w, b, err := (machine{x: mat.NewDense(2, 1, []float64{1, -1}), y: []float64{1, -1}, cost: 1}).solve(t.Context()); err != nil || math.Abs(w[0]-1) > 1e-6 || math.Abs(b) > 1e-6 {
		t.Errorf("w %v, b %v (%v); want 1, 0", w, b, err)
	}
}

func TestLinearityByHand(t *testing.T) {
	l := linearity{distance: []float64{0, 1, 0, 3}, wrong: []bool{false, true, false, true}}
	if l1, l2 := l.errors(nil, ECoL); l1 != 0.5 || l2 != 0.5 {
		t.Errorf("L1 %v, L2 %v; want 1/2, 1/2", l1, l2)
	}
	if l1, _ := l.errors(nil, DCoL); l1 != 1 {
		t.Errorf("DCoL's L1 %v, want 1", l1)
	}
	if l1, l2 := l.errors([]int{0, 1}, ECoL); math.Abs(l1-1.0/3) > 1e-15 || l2 != 0.5 {
		t.Errorf("of two rows: L1 %v, L2 %v; want 1/3, 1/2", l1, l2)
	}
}

func TestComponents(t *testing.T) {
	r := seed.Stream(9)
	for _, size := range []struct{ n, m int }{{50, 6}, {6, 50}} {
		x := mat.NewDense(size.n, size.m, nil)
		x.Apply(func(_, f int, _ float64) float64 { return 5 + r.NormFloat64()*math.Pow(2, -float64(f%8)) }, x)
		centred := mat.DenseCopyOf(x)
		for f := range size.m {
			c := mat.Col(nil, f, x)
			mu := floats.Sum(c) / float64(size.n)
			floats.AddConst(-mu, c)
			centred.SetCol(f, c)
		}
		var svd mat.SVD
		if !svd.Factorize(centred, mat.SVDNone) {
			t.Fatal("no singular values")
		}
		total, want, sum := 0.0, 0, 0.0
		values := svd.Values(nil)
		for _, s := range values {
			total += s * s
		}
		for _, s := range values {
			if sum < .95*total {
				want++
			}
			sum += s * s
		}
		if got := components(x); got != want {
			t.Errorf("%dx%d: %d components, want %d", size.n, size.m, got, want)
		}
	}
	if got := components(mat.NewDense(3, 2, []float64{1, 2, 1, 2, 1, 2})); got != 0 {
		t.Errorf("%d components of a constant", got)
	}
}

// TestInterpolationStaysInside: new rows lie between rows of their class.
func TestInterpolationStaysInside(t *testing.T) {
	x, y := blobs(50, 3, 3, 4)
	d := newData(x, y, 3)
	for c := ECoL; c <= DCoL; c++ {
		q, labels, _ := interpolate(d, c, 300, seed.Stream(1))
		if n, _ := q.Dims(); n != len(labels) || c == ECoL && n != 300 || c == PyMFE && n != 50 {
			t.Errorf("%v: %d rows, %d labels", c, n, len(labels))
		}
		count := make([]int, 3)
		for i, k := range labels {
			count[k]++
			low, high := d.extent(k)
			onLine := false
			for _, a := range d.members[k] {
				for _, b := range d.members[k] {
					t := (q.At(i, 0) - x.At(a, 0)) / (x.At(b, 0) - x.At(a, 0))
					on := t >= -1e-9 && t <= 1+1e-9
					for f := 1; f < 3; f++ {
						on = on && math.Abs(x.At(a, f)+t*(x.At(b, f)-x.At(a, f))-q.At(i, f)) < 1e-9
					}
					onLine = onLine || on
				}
			}
			for f := range 3 {
				if v := q.At(i, f); v < low[f] || v > high[f] {
					t.Errorf("%v: row %d lies outside its class", c, i)
				}
			}
			if !onLine && c != PyMFE {
				t.Errorf("%v: row %d lies on no line between two rows", c, i)
			}
		}
		if slices.Contains(count, 0) {
			t.Errorf("%v: rows of the classes %v", c, count)
		}
	}
}

// TestWideTables: a table with each column many times over, more columns than rows, has the same
// best direction, and narrow keeps what the planes see of it.
func TestWideTables(t *testing.T) {
	x, y := blobs(30, 3, 2, 1)
	const times = 20
	wide := mat.NewDense(30, 3*times+1, nil) // the last one is 0
	for i := range 30 {
		for f := range 3 * times {
			wide.Set(i, f, x.At(i, f%3))
		}
	}
	for _, c := range []Convention{ECoL, Problexity} {
		a, b := directional(newData(x, y, 2), c), directional(newData(wide, y, 2), c)
		if math.Abs(a-b) > 1e-9*a {
			t.Errorf("%v: ratio along the best direction %v, of the wide table %v", c, a, b)
		}
	}
	for name, z := range map[string]*mat.Dense{"wide": wide, "columns of 0": mat.DenseCopyOf(wide.Slice(0, 30, 3*times-3, 3*times+1)), "0": mat.NewDense(4, 6, nil)} {
		small := narrow(z)
		var want, got mat.Dense
		want.Mul(z, z.T())
		got.Mul(small, small.T())
		if !mat.EqualApprox(&want, &got, 1e-9) {
			t.Errorf("%s: products differ", name)
		}
		if _, m := small.Dims(); name != "0" && m > 4 {
			t.Errorf("%s: %d columns are left, rank is 3", name, m)
		}
	}
}

// TestSpacesStandSideBySide: the frames keep the order, and tables that do not belong together
// are refused.
func TestSpacesStandSideBySide(t *testing.T) {
	x, y := blobs(60, 3, 3, 1)
	measure := func(o Complexity, x *mat.Dense, y []int) Table {
		table, err := o.Measure(t.Context(), x, y)
		if err != nil {
			t.Fatal(err)
		}
		return table
	}
	o := Complexity{Names: []string{"cat", "dog", "cow"}, Recall: []float64{.9, .8, .1}, Bootstrap: 20}
	a := measure(o, x, y)
	b := measure(o, mat.DenseCopyOf(x.Slice(0, 60, 0, 1)), y)
	a.Space, b.Space = "inputs", "gap"
	s := Spaces{a, b}
	frame := s.Table()
	if r, c := frame.Dims(); frame.Err != nil || r != 6 || c != 1+2*len(classMeasures) {
		t.Errorf("%d x %d, %v", r, c, frame.Err)
	}
	for i, name := range []string{"N1 in inputs", "N1 in gap"} {
		if got := frame.Col(name).Float()[:3]; !reflect.DeepEqual(got, s[i].Column("N1").Values) {
			t.Errorf("%s: %v, want %v", name, got, s[i].Column("N1").Values)
		}
	}
	set := s.SetTable()
	if got := set.Col("gap").Float()[0]; set.Err != nil || got != b.Set[0].Value {
		t.Errorf("F1 in gap is %v, want %v; %v", got, b.Set[0].Value, set.Err)
	}
	intervals := a.IntervalTable()
	if intervals.Err != nil || intervals.Nrow()%3 != 0 || intervals.Nrow() < 30 {
		t.Errorf("%d intervals, %v", intervals.Nrow(), intervals.Err)
	}
	for i, low := range intervals.Col("low").Float() {
		if high := intervals.Col("high").Float()[i]; low > high {
			t.Errorf("interval %d from %v to %v", i, low, high)
		}
	}
	text := s.View().Text()
	for _, want := range []string{"Convention: ECoL, Gower distance, k = 5", "inputs, 3 features", "gap, 1 feature: all 60 rows", "cow", "Confidence intervals", "Spearman, gap"} {
		if !strings.Contains(text, want) {
			t.Errorf("the view does not say %q", want)
		}
	}
	html, err := a.View().HTML()
	if err != nil || !strings.Contains(html, "ECoL") || !strings.Contains(html, "whybook-sort") {
		t.Errorf("the view of one table does not sort: %v", err)
	}
	other := measure(Complexity{Names: o.Names, Convention: DCoL}, x, y)
	unnamed := measure(Complexity{}, x, y)
	for name, bad := range map[string]Spaces{"none": {}, "empty": {Table{}}, "another convention": {a, other}, "other names": {a, unnamed}} {
		if bad.View().Err() == nil || bad.Table().Err == nil || bad.SetTable().Err == nil {
			t.Errorf("%s: stands side by side", name)
		}
	}
	if err := other.View().Err(); err != nil {
		t.Errorf("DCoL: %v", err)
	}
}

func TestSmallestAgainstSorting(t *testing.T) {
	r := seed.Stream(3, "values")
	for range 300 {
		values := make([]float64, 1+r.IntN(2000)) // longer ones are sampled
		for i := range values {
			values[i] = float64(r.IntN(len(values)))
		}
		sorted, k := slices.Sorted(slices.Values(values)), 1+r.IntN(len(values))
		if got := smallest(values, k); got != sorted[k-1] {
			t.Fatalf("value %d of %d is %v, want %v", k, len(values), got, sorted[k-1])
		}
	}
}

// The first of several adversaries stands for them; without any there is none.
func TestAdversaryByHand(t *testing.T) {
	for _, c := range []struct {
		votes []int
		part  float64
		top   int
	}{{[]int{9, 2, 2, 1}, .4, 1}, {[]int{9, 0, 1, 3}, .75, 3}, {[]int{9, 0, 0, 0}, math.NaN(), -1}} {
		if part, top := adversary(c.votes, 0); top != c.top || part != c.part && !(math.IsNaN(part) && math.IsNaN(c.part)) {
			t.Errorf("of %v: %v of %d, want %v of %d", c.votes, part, top, c.part, c.top)
		}
	}
}

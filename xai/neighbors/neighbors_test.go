package neighbors

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/progress"
	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"
)

// slowDistance is the definition, column by column, of a metric for the rows of x.
func slowDistance(x *mat.Dense, m Metric, nominal []int) func(a, b []float64) float64 {
	_, d := x.Dims()
	low, high := make([]float64, d), make([]float64, d)
	for j := range d {
		c := mat.Col(nil, j, x)
		low[j], high[j] = slices.Min(c), slices.Max(c)
	}
	return func(a, b []float64) float64 { return slowSum(m, nominal, low, high, a, b) }
}

func slowSum(m Metric, nominal []int, low, high, a, b []float64) float64 {
	var sum float64
	for j := range a {
		switch m {
		case Euclidean:
			sum += (a[j] - b[j]) * (a[j] - b[j])
		case Manhattan:
			sum += math.Abs(a[j] - b[j])
		case Gower:
			if slices.Contains(nominal, j) {
				if a[j] != b[j] {
					sum++
				}
				continue
			}
			if span := high[j] - low[j]; span > 0 {
				sum += math.Abs((a[j]-low[j])/span - (b[j]-low[j])/span)
			}
		}
	}
	switch m {
	case Euclidean:
		return math.Sqrt(sum)
	case Gower:
		return sum / float64(len(a))
	}
	return sum
}

// slowLists sorts all allowed rows for each query.
func slowLists(x, q *mat.Dense, m Metric, nominal []int, k int, allowed func(query, row int) bool) Lists {
	n, _ := x.Dims()
	queries, _ := q.Dims()
	l := newLists(queries, k)
	between := slowDistance(x, m, nominal)
	for i := range queries {
		var all []found
		for j := range n {
			if allowed(i, j) {
				all = append(all, found{between(q.RawRowView(i), x.RawRowView(j)), j})
			}
		}
		slices.SortFunc(all, func(a, b found) int {
			return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.index, b.index))
		})
		index, distance := l.At(i)
		for j := range index {
			index[j], distance[j] = -1, inf
			if j < len(all) {
				index[j], distance[j] = all[j].index, all[j].distance
			}
		}
	}
	return l
}

func sameLists(t testing.TB, what string, got, want Lists) {
	t.Helper()
	if got.K != want.K || got.Len() != want.Len() {
		t.Fatalf("%s: %d lists of %d, want %d of %d", what, got.Len(), got.K, want.Len(), want.K)
	}
	for i := range want.Index {
		if got.Index[i] != want.Index[i] || got.Distance[i] != want.Distance[i] {
			t.Fatalf("%s: query %d, neighbour %d is row %d at %v, want row %d at %v",
				what, i/want.K, i%want.K, got.Index[i], got.Distance[i], want.Index[i], want.Distance[i])
		}
	}
}

// tables are hard for one reason each.
var tables = []struct {
	name string
	fill func(r *rand.Rand, n, d int) *mat.Dense
}{
	{"normal", func(r *rand.Rand, n, d int) *mat.Dense {
		return fill(n, d, func(int, int) float64 { return r.NormFloat64() })
	}},
	{"ties and duplicates", func(r *rand.Rand, n, d int) *mat.Dense {
		return fill(n, d, func(int, int) float64 { return float64(r.IntN(3)) / 10 })
	}},
	{"constant", func(_ *rand.Rand, n, d int) *mat.Dense {
		return fill(n, d, func(int, int) float64 { return 0.1 })
	}},
	{"far from zero", func(r *rand.Rand, n, d int) *mat.Dense {
		return fill(n, d, func(int, int) float64 { return 1e9 + r.Float64() })
	}},
	{"tight clusters far apart", func(r *rand.Rand, n, d int) *mat.Dense {
		return fill(n, d, func(i, _ int) float64 { return float64(i%2)*1e6 + 1e-4*r.NormFloat64() })
	}},
	{"one outlier", func(r *rand.Rand, n, d int) *mat.Dense {
		return fill(n, d, func(i, _ int) float64 {
			if i == 3 {
				return 1e12
			}
			return r.NormFloat64()
		})
	}},
	{"scales from 1e-30 to 1e30", func(r *rand.Rand, n, d int) *mat.Dense {
		return fill(n, d, func(i, _ int) float64 { return r.NormFloat64() * math.Pow(10, float64(i%61-30)) })
	}},
	{"denormal squares", func(r *rand.Rand, n, d int) *mat.Dense {
		return fill(n, d, func(int, int) float64 { return 1e-160 * r.NormFloat64() })
	}},
	{"huge", func(r *rand.Rand, n, d int) *mat.Dense {
		return fill(n, d, func(int, int) float64 { return 1e150 * r.NormFloat64() })
	}},
	{"neighbours one rounding apart", func(r *rand.Rand, n, d int) *mat.Dense {
		return fill(n, d, func(i, _ int) float64 { return 1 + float64(r.IntN(4))*0x1p-52 })
	}},
}

func fill(n, d int, f func(i, j int) float64) *mat.Dense {
	x := mat.NewDense(n, d, nil)
	for i := range n {
		for j := range d {
			x.Set(i, j, f(i, j))
		}
	}
	return x
}

// methods lists what may search with a metric.
func methods(m Metric) []Method {
	if m == Euclidean {
		return []Method{Products, Tree, Loop}
	}
	return []Method{Tree, Loop}
}

func index(t testing.TB, x *mat.Dense, o Options) *Index {
	t.Helper()
	ix, err := New(x, o)
	if err != nil {
		t.Fatal(err)
	}
	return ix
}

func TestEveryMethodAgreesWithTheDefinition(t *testing.T) {
	for _, table := range tables {
		for _, size := range []struct{ n, d, k int }{{2, 1, 1}, {9, 2, 8}, {300, 3, 5}, {290, 40, 4}, {400, 2, 3}} {
			if testing.Short() && (size.n > 300 || size.n > 200 && table.name > "f") {
				continue
			}
			r := seed.Stream(1, table.name, size.n)
			x, q := table.fill(r, size.n, size.d), table.fill(r, 7, size.d)
			labels := make([]int, size.n)
			for i := range labels {
				labels[i] = []int{-5, 100, 7}[r.IntN(3)]
			}
			labels[0] = 2 // without friends
			for _, m := range []Metric{Euclidean, Manhattan, Gower} {
				others := slowLists(x, x, m, nil, size.k, func(i, j int) bool { return i != j })
				queries := slowLists(x, q, m, nil, size.k, func(i, j int) bool { return true })
				friends := slowLists(x, x, m, nil, size.k, func(i, j int) bool { return i != j && labels[i] == labels[j] })
				enemies := slowLists(x, x, m, nil, size.k, func(i, j int) bool { return labels[i] != labels[j] })
				for _, method := range methods(m) {
					name := fmt.Sprintf("%s, %dx%d, %v by %v", table.name, size.n, size.d, m, method)
					ix := index(t, x, Options{Metric: m, Method: method, Memory: 1 << (20 + size.d%2)})
					got, err := ix.Nearest(t.Context(), size.k)
					if err != nil {
						t.Fatal(err)
					}
					sameLists(t, name, got, others)
					if got, err = ix.Query(t.Context(), q, size.k); err != nil {
						t.Fatal(err)
					}
					sameLists(t, name+", queries", got, queries)
					near := make([]int, 7)
					for i := range near {
						near[i] = i % size.n
					}
					if got, err = ix.QueryNear(t.Context(), q, size.k, near); err != nil {
						t.Fatal(err)
					}
					sameLists(t, name+", queries near rows", got, queries)
					if got, err = ix.Friends(t.Context(), labels, size.k); err != nil {
						t.Fatal(err)
					}
					sameLists(t, name+", friends", got, friends)
					if got, err = ix.Enemies(t.Context(), labels, size.k); err != nil {
						t.Fatal(err)
					}
					sameLists(t, name+", enemies", got, enemies)

					row, err := ix.Distances(t.Context(), nil, 1)
					if err != nil {
						t.Fatal(err)
					}
					for j, d := range row {
						if want := slowDistance(x, m, nil)(x.RawRowView(1), x.RawRowView(j)); d != want || ix.Distance(1, j) != want {
							t.Fatalf("%s: distance %v, want %v", name, d, want)
						}
					}

					// The radius to the second enemy, or to a row that ties with it.
					between := slowDistance(x, m, nil)
					radii, want := make([]float64, size.n), make([]int, size.n)
					for i := range radii {
						_, distance := enemies.At(i)
						radii[i] = distance[len(distance)/2]
						for j := range size.n {
							if i != j && between(x.RawRowView(i), x.RawRowView(j)) < radii[i] {
								want[i]++
							}
						}
					}
					count, err := ix.Closer(t.Context(), radii)
					if err != nil {
						t.Fatal(err)
					}
					if !slices.Equal(count, want) {
						t.Fatalf("%s: closer %v, want %v", name, count, want)
					}
				}
			}
		}
	}
}

func TestMixedColumns(t *testing.T) {
	r := seed.Stream(2)
	x := fill(150, 4, func(_, j int) float64 {
		if j%2 == 1 {
			return float64(r.IntN(4) * 10)
		}
		return r.Float64()
	})
	nominal := []int{1, 3}
	ix := index(t, x, Options{Metric: Gower, Nominal: nominal})
	got, err := ix.Nearest(t.Context(), 6)
	if err != nil {
		t.Fatal(err)
	}
	sameLists(t, "mixed", got, slowLists(x, x, Gower, nominal, 6, func(i, j int) bool { return i != j }))
	q := mat.NewDense(1, 4, []float64{0.5, 99, 0.5, 10}) // a value that no row has
	if got, err = ix.Query(t.Context(), q, 6); err != nil {
		t.Fatal(err)
	}
	sameLists(t, "unseen", got, slowLists(x, q, Gower, nominal, 6, func(i, j int) bool { return true }))
}

// slowTree is Prim's algorithm with the distances of all pairs.
func slowTree(x *mat.Dense, m Metric) []Edge {
	n, _ := x.Dims()
	between := slowDistance(x, m, nil)
	distance, from := make([]float64, n), make([]int, n)
	joined := make([]bool, n)
	for i := range n {
		distance[i] = inf
	}
	var edges []Edge
	last := 0
	for joined[0] = true; len(edges) < n-1; joined[last] = true {
		next := -1
		for i := range n {
			if joined[i] {
				continue
			}
			if d := between(x.RawRowView(last), x.RawRowView(i)); d < distance[i] {
				distance[i], from[i] = d, last
			}
			if next < 0 || distance[i] < distance[next] {
				next = i
			}
		}
		edges = append(edges, Edge{from[next], next, distance[next]})
		last = next
	}
	return edges
}

func TestSpanningTreeAgreesWithTheDefinition(t *testing.T) {
	for _, table := range tables {
		for _, size := range []struct{ n, d int }{{1, 1}, {2, 3}, {120, 2}, {130, 40}, {1100, 3}} {
			if testing.Short() && size.n > 1000 {
				continue
			}
			x := table.fill(seed.Stream(3, table.name, size.n), size.n, size.d)
			for _, o := range []Options{{}, {Method: Loop}, {Metric: Manhattan}, {Method: Loop, Memory: 1}} {
				got, err := index(t, x, o).SpanningTree(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if want := slowTree(x, o.Metric); !slices.Equal(got, want) {
					t.Fatalf("%s, %dx%d, %+v: the trees differ", table.name, size.n, size.d, o)
				}
			}
		}
	}
}

// TestSpanningTreeIsMinimal compares with Kruskal's algorithm, which shares nothing with
// Prim's: the sorted lengths of all minimal trees are equal.
func TestSpanningTreeIsMinimal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, d := rapid.IntRange(2, 40).Draw(t, "n"), rapid.IntRange(1, 4).Draw(t, "d")
		x := fill(n, d, func(int, int) float64 { return float64(rapid.IntRange(0, 9).Draw(t, "v")) })
		ix, err := New(x, Options{})
		if err != nil {
			t.Fatal(err)
		}
		edges, err := ix.SpanningTree(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		var got, want []float64
		for _, e := range edges {
			got = append(got, e.Distance)
		}
		var all []Edge
		for i := range n {
			for j := range i {
				all = append(all, Edge{i, j, ix.Distance(i, j)})
			}
		}
		slices.SortFunc(all, func(a, b Edge) int { return cmp.Compare(a.Distance, b.Distance) })
		group := make([]int, n)
		for i := range group {
			group[i] = i
		}
		for _, e := range all {
			if a, b := group[e.From], group[e.To]; a != b {
				for i := range group {
					if group[i] == a {
						group[i] = b
					}
				}
				want = append(want, e.Distance)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Fatalf("lengths %v, want %v", got, want)
		}
	})
}

func TestBytesDoNotDependOnProcessorsOrMemory(t *testing.T) {
	x := tables[0].fill(seed.Stream(4), 700, 30)
	labels := make([]int, 700)
	for i := range labels {
		labels[i] = i * i % 5
	}
	var first []any
	for _, procs := range []int{1, 2, 3} {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		for _, memory := range []int{1, 1 << 22, 0} {
			ix := index(t, x, Options{Memory: memory})
			near, err1 := ix.Nearest(t.Context(), 7)
			enemies, err2 := ix.Enemies(t.Context(), labels, 2)
			tree, err3 := ix.SpanningTree(t.Context())
			if err := errors.Join(err1, err2, err3); err != nil {
				t.Fatal(err)
			}
			got := []any{near, enemies, tree}
			if first == nil {
				first = got
			} else if fmt.Sprint(got) != fmt.Sprint(first) {
				t.Errorf("another answer with %d processors and %d bytes", procs, memory)
			}
		}
	}
}

func TestBadInput(t *testing.T) {
	x := mat.NewDense(4, 2, []float64{0, 0, 1, 0, 0, 1, 1, 1})
	for _, c := range []struct {
		name string
		x    *mat.Dense
		o    Options
		want error
	}{
		{"nil", nil, Options{}, xai.ErrShape},
		{"empty", new(mat.Dense), Options{}, xai.ErrShape},
		{"NaN", mat.NewDense(1, 2, []float64{0, math.NaN()}), Options{}, ErrNotFinite},
		{"Inf", mat.NewDense(1, 2, []float64{0, math.Inf(-1)}), Options{}, ErrNotFinite},
		{"overflow", mat.NewDense(2, 1, []float64{1e200, -1e200}), Options{}, ErrNotFinite},
		{"overflow of a range", mat.NewDense(2, 1, []float64{1.7e308, -1.7e308}), Options{Metric: Gower}, ErrNotFinite},
		{"metric", x, Options{Metric: 9}, nil},
		{"method", x, Options{Method: -1}, nil},
		{"products of Manhattan", x, Options{Metric: Manhattan, Method: Products}, nil},
		{"memory", x, Options{Memory: -1}, nil},
		{"nominal Euclid", x, Options{Nominal: []int{0}}, nil},
		{"nominal column 2", x, Options{Metric: Gower, Nominal: []int{2}}, xai.ErrShape},
		{"nominal tree", x, Options{Metric: Gower, Nominal: []int{0}, Method: Tree}, nil},
	} {
		if _, err := New(c.x, c.o); err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: error %v, want one that is %v", c.name, err, c.want)
		}
	}
	ix := index(t, x, Options{})
	if _, err := ix.Distances(t.Context(), nil, 4); !errors.Is(err, ErrCount) {
		t.Errorf("row 4 of 4: %v", err)
	}
	if _, err := ix.Distances(t.Context(), make([]float64, 3), 0); !errors.Is(err, xai.ErrShape) {
		t.Errorf("short dst: %v", err)
	}
	one := index(t, mat.NewDense(1, 1, nil), Options{})
	far := mat.NewDense(1, 2, []float64{1e300, 0})
	for _, c := range []struct {
		name string
		run  func(ctx context.Context) error
		want error
	}{
		{"k 0", func(ctx context.Context) error { _, err := ix.Nearest(ctx, 0); return err }, ErrCount},
		{"k n", func(ctx context.Context) error { _, err := ix.Nearest(ctx, 4); return err }, ErrCount},
		{"one row", func(ctx context.Context) error { _, err := one.Nearest(ctx, 1); return err }, ErrCount},
		{"query k", func(ctx context.Context) error { _, err := ix.Query(ctx, x, 5); return err }, ErrCount},
		{"no query", func(ctx context.Context) error { _, err := ix.Query(ctx, nil, 1); return err }, xai.ErrShape},
		{"wide query", func(ctx context.Context) error { _, err := ix.Query(ctx, mat.NewDense(1, 3, nil), 1); return err }, xai.ErrShape},
		{"NaN query", func(ctx context.Context) error {
			_, err := ix.Query(ctx, mat.NewDense(1, 2, []float64{math.NaN(), 0}), 1)
			return err
		}, ErrNotFinite},
		{"far query", func(ctx context.Context) error { _, err := ix.Query(ctx, far, 1); return err }, ErrNotFinite},
		{"nears", func(ctx context.Context) error { _, err := ix.QueryNear(ctx, x, 1, []int{0}); return err }, xai.ErrShape},
		{"near 4", func(ctx context.Context) error { _, err := ix.QueryNear(ctx, x, 1, []int{0, 1, 2, 4}); return err }, ErrCount},
		{"labels", func(ctx context.Context) error { _, err := ix.Enemies(ctx, []int{1}, 1); return err }, xai.ErrShape},
		{"friends k", func(ctx context.Context) error { _, err := ix.Friends(ctx, make([]int, 4), 4); return err }, ErrCount},
		{"radii", func(ctx context.Context) error { _, err := ix.Closer(ctx, nil); return err }, xai.ErrShape},
		{"radius", func(ctx context.Context) error { _, err := ix.Closer(ctx, []float64{0, 0, 0, -1}); return err }, ErrNotFinite},
	} {
		if err := c.run(t.Context()); !errors.Is(err, c.want) {
			t.Errorf("%s: error %v, want one that is %v", c.name, err, c.want)
		}
	}
}

func TestCancelAndProgress(t *testing.T) {
	ix := index(t, tables[0].fill(seed.Stream(5), 600, 20), Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := ix.Nearest(ctx, 3); !errors.Is(err, context.Canceled) {
		t.Errorf("Nearest: %v", err)
	}
	if _, err := ix.SpanningTree(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("SpanningTree: %v", err)
	}
	events := make(chan progress.Event, 100)
	ctx = progress.WithReporter(t.Context(), func(e progress.Event) { events <- e })
	if _, err := ix.Nearest(ctx, 3); err != nil {
		t.Fatal(err)
	}
	close(events)
	last := 0
	for e := range events {
		last = max(last, e.Done)
		if e.Total != 600 {
			t.Errorf("total %d", e.Total)
		}
	}
	if last != 600 {
		t.Errorf("progress ended at %d", last)
	}
}

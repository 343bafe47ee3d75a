package cluster

import (
	"cmp"
	"math"
	"slices"
	"testing"

	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/mat"
)

// shapes are a square, a ring, a cloud and 15 scattered points, from a generator that is
// easily written in another language.
func shapes() (*mat.Dense, []int) {
	state := 12345
	u := func() float64 {
		state = (state*1103515245 + 12345) % (1 << 31)
		return float64(state) / (1 << 31)
	}
	x, y := mat.NewDense(120, 2, nil), make([]int, 120)
	for i := range 120 {
		var a, b float64
		switch {
		case i < 40:
			a = u() * 2
			b = u() * 2
		case i < 80:
			angle := u() * 2 * math.Pi
			a = 8 + 3*math.Cos(angle) + 0.3*u()
			b = 3*math.Sin(angle) + 0.3*u()
			y[i] = 1
		case i < 105:
			a = 20 + u()*6
			b = 10 + u()
			y[i] = 2
		default:
			a = u()*30 - 2
			b = u()*30 - 10
			y[i] = 3
		}
		x.SetRow(i, []float64{a, b})
	}
	return x, y
}

// TestHDBSCAN: the clusters of scikit-learn 1.9.1, whose names (letters) are others.
func TestHDBSCAN(t *testing.T) {
	x, _ := shapes()
	for _, c := range []struct {
		HDBSCAN
		want string
	}{
		{HDBSCAN{}, "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbdcccccccccc.ccccdcdcccccc.ccc.dccdcccdccaaaaaaaaaaaaaaaaaaaaaaaaa.........c...a."},
		{HDBSCAN{MinSize: 10}, "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbccccccccccccccccccccccccccccccccccccccccaaaaaaaaaaaaaaaaaaaaaaaaa.........c.c.a."},
		{HDBSCAN{MinSize: 12, Neighbours: 4}, "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbccccccccccccccccccccccccccccccccccccccccaaaaaaaaaaaaaaaaaaaaaaaaa.........c.c.a."},
	} {
		out, err := c.Fit(t.Context(), x)
		if err != nil {
			t.Fatal(err)
		}
		want := make([]int, 120)
		for i, l := range c.want {
			want[i] = int(l)
			if noise := l == '.'; noise != (out.Labels[i] < 0) {
				t.Errorf("%+v: row %d is in %d, want %c", c.HDBSCAN, i, out.Labels[i], l)
			}
		}
		if v := rand(t, out.Labels, want); v != 1 {
			t.Errorf("%+v: agreement %v", c.HDBSCAN, v)
		}
		sizes := make([]int, len(out.Sizes))
		for _, l := range out.Labels {
			if l >= 0 {
				sizes[l]++
			}
		}
		if !slices.Equal(sizes, out.Sizes) || slices.Min(sizes) < max(5, c.MinSize) || len(out.Stability) != len(sizes) || out.Labels[0] != 0 {
			t.Errorf("%+v: sizes %v, counted %v", c.HDBSCAN, out.Sizes, sizes)
		}
	}
	// Equal rows do not divide by zero; without two branches there is no cluster.
	equal, err := HDBSCAN{}.Fit(t.Context(), mat.NewDense(20, 2, nil))
	if err != nil || slices.Max(equal.Labels) != -1 {
		t.Errorf("equal rows: %+v, %v", equal, err)
	}
	two := mat.NewDense(20, 1, nil)
	for i := 10; i < 20; i++ {
		two.Set(i, 0, 7)
	}
	if out, err := (HDBSCAN{}).Fit(t.Context(), two); err != nil || !slices.Equal(out.Sizes, []int{10, 10}) {
		t.Errorf("two points: %+v, %v", out, err)
	}
}

// TestSpanning: the tree weighs as much as the one that Kruskal's algorithm finds among all
// pairs, edge by edge, with the distances of the definition.
func TestSpanning(t *testing.T) {
	x, _ := shapes()
	r, _, err := newRows(t.Context(), x, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []int{1, 4, 120} {
		core, err := r.core(t.Context(), k)
		if err != nil {
			t.Fatal(err)
		}
		edges, err := r.spanning(t.Context(), core)
		if err != nil {
			t.Fatal(err)
		}
		var got, want []float64
		for _, e := range edges {
			got = append(got, e.length)
		}
		slices.Sort(got)
		d := euclidean(x)
		kth := make([]float64, 120)
		for i := range kth {
			row := slices.Clone(mat.Row(nil, i, d))
			slices.Sort(row)
			kth[i] = row[k-1]
		}
		var pairs []edge
		for i := range 120 {
			for j := range i {
				pairs = append(pairs, edge{i, j, max(d.At(i, j), kth[i], kth[j])})
			}
		}
		slices.SortFunc(pairs, func(a, b edge) int { return cmp.Compare(a.length, b.length) })
		group := make([]int, 120)
		for i := range group {
			group[i] = i
		}
		for _, p := range pairs {
			if a, b := group[p.a], group[p.b]; a != b {
				want = append(want, p.length)
				for i, g := range group {
					if g == b {
						group[i] = a
					}
				}
			}
		}
		if len(got) != 119 || len(want) != 119 {
			t.Fatalf("%d and %d edges", len(got), len(want))
		}
		for i := range want {
			if math.Abs(got[i]-want[i]) > 1e-9 {
				t.Fatalf("%d neighbours: edge %d is %v, want %v", k, i, got[i], want[i])
			}
		}
	}
}

// TestLargestEigen: the few eigenvalues that are looked for are those among all, also where
// one occurs several times; a path, whose eigenvalues lie close together, is given up.
func TestLargestEigen(t *testing.T) {
	n := 420
	r := seed.Stream(1, "eigen")
	for name, linked := range map[string]func(i, j int) float64{
		"dense":           func(i, j int) float64 { return r.Float64() },
		"four components": func(i, j int) float64 { return same(i%4, j%4) * r.Float64() },
		"path":            func(i, j int) float64 { return same(i+1, j) + same(i, j+1) },
	} {
		a := mat.NewSymDense(n, nil)
		for i := range n {
			for j := i; j < n; j++ {
				a.SetSym(i, j, linked(i, j))
			}
		}
		a, err := normalised(a, n)
		if err != nil {
			t.Fatal(err)
		}
		values, vectors, ok, err := largestEigen(t.Context(), a, 8)
		if err != nil {
			t.Fatal(err)
		}
		if settled := name != "path"; ok != settled {
			t.Fatalf("%s: settled %v", name, ok)
		}
		if !ok {
			continue
		}
		want, _, err := allEigen(a, 8)
		if err != nil {
			t.Fatal(err)
		}
		for c, v := range values {
			if math.Abs(v-want[c]) > 1e-9 {
				t.Errorf("%s: eigenvalues %v, want %v", name, values, want)
				break
			}
		}
		var image, gram mat.Dense
		image.Mul(a, vectors)
		gram.Mul(vectors.T(), vectors)
		for c, v := range values {
			for i := range n {
				if math.Abs(image.At(i, c)-v*vectors.At(i, c)) > 1e-9 {
					t.Fatalf("%s: column %d is no eigenvector", name, c)
				}
			}
			for o := range values {
				if math.Abs(gram.At(c, o)-same(c, o)) > 1e-9 {
					t.Fatalf("%s: vectors %d and %d have product %v", name, c, o, gram.At(c, o))
				}
			}
		}
	}
}

// same is 1 for equal numbers, else 0.
func same(a, b int) float64 {
	if a == b {
		return 1
	}
	return 0
}

// TestSpectral finds a ring around a ring, where k-means cannot, and the numbers that theory
// gives.
func TestSpectral(t *testing.T) {
	n := 120
	x, y, neighbours := mat.NewDense(n, 2, nil), make([]int, n), make([][]int, n)
	for i := range n {
		y[i] = i % 2
		angle := 2 * math.Pi * float64(i/2) / float64(n/2)
		x.SetRow(i, []float64{float64(1+3*y[i]) * math.Cos(angle), float64(1+3*y[i]) * math.Sin(angle)})
		neighbours[i] = []int{(i + 2) % n}
	}
	neighbours[0] = append(neighbours[0], 1) // a bridge
	graph, err := Graph(neighbours)
	if err != nil {
		t.Fatal(err)
	}
	if graph.At(0, 1) != 1 || graph.At(1, 0) != 1 || graph.At(0, 2) != 1 || graph.At(0, 118) != 1 || graph.At(0, 4) != 0 {
		t.Error("the graph is another")
	}
	s, err := Spectral{K: 2}.Fit(t.Context(), graph)
	if err != nil {
		t.Fatal(err)
	}
	if v := rand(t, s.Labels, y); v < 0.9 {
		t.Errorf("agreement %v", v)
	}
	if v := rand(t, fit(t, KMeans{K: 2}, x).Labels, y); v > 0.2 {
		t.Errorf("k-means agrees with rings: %v", v)
	}

	// Four complete graphs without ties: eigenvalue 0 four times, then m/(m-1), and the gap
	// finds them.
	m := 6
	clique := mat.NewSymDense(4*m, nil)
	want := make([]int, 4*m)
	for i := range 4 * m {
		want[i] = i / m
		for j := range i {
			if i/m == j/m {
				clique.SetSym(i, j, 2)
			}
		}
	}
	if s, err = (Spectral{}).Fit(t.Context(), clique); err != nil {
		t.Fatal(err)
	}
	if s.K != 4 || rand(t, s.Labels, want) != 1 || math.Abs(s.Gap-6.0/5) > 1e-12 || len(s.Eigenvalues) != 11 {
		t.Errorf("%d clusters, gap %v, eigenvalues %v", s.K, s.Gap, s.Eigenvalues)
	}
	for i, v := range s.Eigenvalues {
		if e := []float64{0, 6.0 / 5}[min(1, i/4)]; math.Abs(v-e) > 1e-12 {
			t.Errorf("eigenvalue %d is %v, want %v", i, v, e)
		}
	}
	for i := range 4 * m {
		if v := mat.Norm(s.Embedding.RowView(i), 2); math.Abs(v-1) > 1e-12 {
			t.Errorf("row %d of the embedding has length %v", i, v)
		}
	}
	// A path of three, whose items have unlike degrees.
	path, err := Graph([][]int{{1}, {2}, nil})
	if err != nil {
		t.Fatal(err)
	}
	p, err := Spectral{K: 2}.Fit(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range p.Eigenvalues {
		if len(p.Eigenvalues) != 3 || math.Abs(v-float64(i)) > 1e-12 {
			t.Errorf("eigenvalues of a path of three: %v, want 0, 1, 2", p.Eigenvalues)
		}
	}
	// Another order of the items is the same division.
	turned := mat.NewSymDense(4*m, nil)
	for i := range 4 * m {
		for j := i; j < 4*m; j++ {
			turned.SetSym(i, j, clique.At(i*5%24, j*5%24))
		}
	}
	other, err := Spectral{}.Fit(t.Context(), turned)
	if err != nil {
		t.Fatal(err)
	}
	back := make([]int, 4*m)
	for i, l := range other.Labels {
		back[i*5%24] = l
	}
	if rand(t, back, s.Labels) != 1 {
		t.Error("the order of the items matters")
	}
}

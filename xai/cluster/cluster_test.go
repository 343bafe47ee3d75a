package cluster

import (
	"context"
	"errors"
	"math"
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

// blobs are n rows around k corners of a cube of side 10, and which corner.
func blobs(n, d, k int, spread float64, sd uint64) (*mat.Dense, []int) {
	r := seed.Stream(sd, "cluster test")
	x, y := mat.NewDense(n, d, nil), make([]int, n)
	for i := range n {
		y[i] = i % k
		for j := range d {
			x.Set(i, j, 10*float64(y[i]>>j&1)+spread*r.NormFloat64())
		}
	}
	return x, y
}

func fit(t *testing.T, m KMeans, x *mat.Dense) *Means {
	t.Helper()
	c, err := m.Fit(t.Context(), x)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func rand(t *testing.T, a, b []int) float64 {
	t.Helper()
	v, err := AdjustedRand(a, b)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// inertia by its definition, of rows and centroids.
func inertia(x *mat.Dense, centroids *mat.Dense, labels []int) float64 {
	sum := 0.0
	for i, c := range labels {
		for j, v := range x.RawRowView(i) {
			sum += math.Pow(v-centroids.At(c, j), 2)
		}
	}
	return sum
}

// slowLloyd is k-means from given centres as it is written in books: all distances, a row
// moves only to a centre that is nearer.
func slowLloyd(x, centres *mat.Dense) (labels []int, steps int) {
	n, d := x.Dims()
	k, _ := centres.Dims()
	labels = slices.Repeat([]int{-1}, n)
	for changed := true; changed; steps++ {
		changed = false
		for i := range n {
			best, least := labels[i], math.Inf(1)
			if best >= 0 {
				least = distance2(x.RawRowView(i), centres.RawRowView(best)) * (1 - 1e-12)
			}
			for c := range k {
				if v := distance2(x.RawRowView(i), centres.RawRowView(c)); v < least {
					best, least = c, v
				}
			}
			if best != labels[i] {
				labels[i], changed = best, true
			}
		}
		centres.Zero()
		sizes := make([]float64, k)
		for i, c := range labels {
			sizes[c]++
			for j := range d {
				centres.Set(c, j, centres.At(c, j)+x.At(i, j))
			}
		}
		for c := range k {
			for j := range d {
				centres.Set(c, j, centres.At(c, j)/sizes[c])
			}
		}
	}
	return labels, steps - 1
}

// TestLloyd: with bounds and products of matrices k-means does what the definition does, and
// never increases its objective.
func TestLloyd(t *testing.T) {
	for sd := range uint64(6) {
		x, _ := blobs(700, 5, 8, 4, sd)
		r, mean, err := newRows(t.Context(), x, true)
		if err != nil {
			t.Fatal(err)
		}
		start, err := plusPlus(t.Context(), r, 6, sd, "kmeans", 0)
		if err != nil {
			t.Fatal(err)
		}
		centres := mat.NewDense(6, 5, nil)
		for i, v := range start {
			centres.Set(i/5, i%5, v+mean[i%5])
		}
		want, steps := slowLloyd(x, centres)
		m, err := (&lloyd{rows: r, k: 6}).run(t.Context(), start, 300)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(m.Labels, want) || len(m.Objective) != steps || !m.Converged {
			t.Errorf("seed %d: %d iterations, want %d; agreement %v", sd, len(m.Objective), steps, rand(t, m.Labels, want))
		}
		centred := mat.NewDense(r.n, r.d, r.x)
		checkMeans(t, centred, m)
		for c := range 6 {
			for j, v := range mean {
				centres.Set(c, j, centres.At(c, j)-v)
			}
		}
		if !mat.EqualApprox(m.Centroids, centres, 1e-10) {
			t.Errorf("seed %d: centroids are not the means", sd)
		}
		// Exchanges go on from there.
		better := fit(t, KMeans{K: 6, Restarts: 1, Seed: sd}, x)
		checkMeans(t, x, better)
		if !slices.Equal(better.Objective[:steps], m.Objective) || better.Inertia > m.Inertia*(1+1e-12) || !better.Converged {
			t.Errorf("seed %d: inertia %v with exchanges, %v without", sd, better.Inertia, m.Inertia)
		}
	}
}

// checkMeans checks what holds for every result of KMeans.
func checkMeans(t rapid.TB, x *mat.Dense, m *Means) {
	t.Helper()
	want := inertia(x, m.Centroids, m.Labels)
	if math.Abs(m.Inertia-want) > 1e-9*(1+want) {
		t.Errorf("inertia %v, want %v", m.Inertia, want)
	}
	scale := mat.Norm(x, 2)
	slack := 1e-12 * (1 + scale*scale)
	for i := 1; i < len(m.Objective); i++ {
		if m.Objective[i] > m.Objective[i-1]+slack {
			t.Errorf("the objective increases: %v", m.Objective)
		}
	}
	if last := m.Objective[len(m.Objective)-1]; math.Abs(last-want) > 1e-9*(1+want)+slack {
		t.Errorf("the last objective is %v, the inertia %v", last, want)
	}
	sizes := make([]int, len(m.Sizes))
	for _, c := range m.Labels {
		sizes[c]++
	}
	if !slices.Equal(sizes, m.Sizes) || slices.Min(sizes) == 0 {
		t.Errorf("sizes %v, counted %v", m.Sizes, sizes)
	}
}

// TestKMeansProperties: on any table, also of few different rows on a grid.
func TestKMeansProperties(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n, d := rapid.IntRange(1, 40).Draw(rt, "n"), rapid.IntRange(1, 3).Draw(rt, "d")
		x := mat.NewDense(n, d, nil)
		distinct := map[[3]float64]bool{}
		for i := range n {
			var key [3]float64
			for j := range d {
				key[j] = float64(rapid.IntRange(0, 3).Draw(rt, "x"))
				x.Set(i, j, key[j]+1000)
			}
			distinct[key] = true
		}
		k := rapid.IntRange(1, 8).Draw(rt, "k")
		m, err := KMeans{K: k, Restarts: 2, Seed: rapid.Uint64().Draw(rt, "seed")}.Fit(t.Context(), x)
		if k > len(distinct) {
			if !errors.Is(err, ErrTooFew) {
				rt.Fatalf("%d clusters of %d different rows: %v", k, len(distinct), err)
			}
			return
		}
		if err != nil {
			rt.Fatal(err)
		}
		checkMeans(rt, x, m)
		if k == len(distinct) && m.Inertia > 1e-9 {
			rt.Fatalf("a cluster for each row, and an inertia of %v", m.Inertia)
		}
		// No row is nearer to another centroid, and none lowers the inertia by moving.
		for i, c := range m.Labels {
			own := distance2(x.RawRowView(i), m.Centroids.RawRowView(c))
			for o := range k {
				if v := distance2(x.RawRowView(i), m.Centroids.RawRowView(o)); v < own-1e-9 {
					rt.Fatalf("row %d is in %d at %v, %d is at %v", i, c, own, o, v)
				}
				if o == c || m.Sizes[c] < 2 {
					continue
				}
				other := slices.Clone(m.Labels)
				other[i] = o
				means, sizes := mat.NewDense(k, d, nil), make([]float64, k)
				for r, l := range other {
					sizes[l]++
					for j := range d {
						means.Set(l, j, means.At(l, j)+x.At(r, j))
					}
				}
				for l, size := range sizes {
					for j := range d {
						means.Set(l, j, means.At(l, j)/size)
					}
				}
				if v := inertia(x, means, other); v < m.Inertia-1e-8 {
					rt.Fatalf("row %d in %d instead of %d lowers the inertia from %v to %v", i, o, c, m.Inertia, v)
				}
			}
		}
	})
}

// TestRefill: an empty cluster takes the farthest row of another.
func TestRefill(t *testing.T) {
	r, _, err := newRows(t.Context(), mat.NewDense(5, 1, []float64{0, 1, 2, 10, 30}), false)
	if err != nil {
		t.Fatal(err)
	}
	l := &lloyd{rows: r, k: 3}
	// The third centre is so far away that no row comes to it.
	m, err := l.run(t.Context(), []float64{1, 12, 1000}, 100)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(m.Labels, []int{0, 0, 0, 1, 2}) || math.Abs(m.Inertia-2) > 1e-12 {
		t.Errorf("labels %v, inertia %v", m.Labels, m.Inertia)
	}
	checkMeans(t, mat.NewDense(5, 1, r.x), m)
}

// TestKnownMeans: divisions that can be written down, and far from 0.
func TestKnownMeans(t *testing.T) {
	x := mat.NewDense(6, 1, []float64{1e6, 1e6 + 1, 1e6 + 2, 1e6 + 50, 1e6 + 51, 1e6 + 52})
	m := fit(t, KMeans{K: 2}, x)
	lo, hi := min(m.Centroids.At(0, 0), m.Centroids.At(1, 0)), max(m.Centroids.At(0, 0), m.Centroids.At(1, 0))
	if lo != 1e6+1 || hi != 1e6+51 || math.Abs(m.Inertia-4) > 1e-9 {
		t.Errorf("centroids %v and %v, inertia %v", lo, hi, m.Inertia)
	}
	if got, err := m.Assign(t.Context(), mat.NewDense(2, 1, []float64{0, 2e6})); err != nil || got[0] != m.Labels[0] || got[1] != m.Labels[5] {
		t.Errorf("assigned %v, %v", got, err)
	}
	one := fit(t, KMeans{K: 1}, x)
	if math.Abs(one.Inertia-(4+6*25*25)) > 1e-6 || !one.Converged {
		t.Errorf("one cluster: %+v", one)
	}
}

// TestSameOnAnyMachine: all results are the same for any number of processors, and other
// inputs are not changed.
func TestSameOnAnyMachine(t *testing.T) {
	x, _ := blobs(1500, 6, 7, 3, 1)
	before := mat.DenseCopyOf(x)
	small := mat.DenseCopyOf(x.Slice(0, 200, 0, 6))
	similar := mat.NewSymDense(200, nil)
	for i := range 200 {
		for j := i; j < 200; j++ {
			similar.SetSym(i, j, math.Exp(-distance2(x.RawRowView(i), x.RawRowView(j))/50))
		}
	}
	var want []any
	for _, procs := range []int{1, 2, 5} {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		var got []any
		for _, f := range []func() (any, error){
			func() (any, error) { return KMeans{K: 7, Restarts: 3}.Fit(t.Context(), x) },
			func() (any, error) { return MiniBatch{K: 7, Batch: 300, Passes: 2}.Fit(t.Context(), x) },
			func() (any, error) { return Choice{Max: 4}.Fit(t.Context(), small) },
			func() (any, error) { return HDBSCAN{}.Fit(t.Context(), x) },
			func() (any, error) { return Silhouette{Sample: 100}.Measure(t.Context(), x, labelled(1500, 4)) },
			func() (any, error) { return Spectral{}.Fit(t.Context(), similar) },
		} {
			v, err := f()
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, v)
		}
		if want == nil {
			want = got
		}
		for i := range got {
			if !reflect.DeepEqual(got[i], want[i]) {
				t.Errorf("%T is another on %d processors", got[i], procs)
			}
		}
	}
	if !mat.Equal(x, before) {
		t.Error("the rows were changed")
	}
	if m := fit(t, KMeans{K: 7, Restarts: 1, Seed: 5}, x); reflect.DeepEqual(m.Labels, fit(t, KMeans{K: 7, Restarts: 1}, x).Labels) {
		t.Error("the seed makes no difference")
	}
}

func labelled(n, k int) []int {
	y := make([]int, n)
	for i := range y {
		y[i] = i * 7 % 11 % k
	}
	return y
}

func TestMiniBatch(t *testing.T) {
	x, y := blobs(3000, 4, 6, 0.7, 2)
	m, err := MiniBatch{K: 6, Batch: 200}.Fit(t.Context(), x)
	if err != nil {
		t.Fatal(err)
	}
	full := fit(t, KMeans{K: 6}, x)
	if a := rand(t, m.Labels, y); a < 0.99 || m.Inertia > 1.05*full.Inertia || m.Inertia < full.Inertia*(1-1e-9) {
		t.Errorf("agreement %v, inertia %v, of k-means %v", a, m.Inertia, full.Inertia)
	}
	if want := inertia(x, m.Centroids, m.Labels); math.Abs(m.Inertia-want) > 1e-9*want {
		t.Errorf("inertia %v, want %v", m.Inertia, want)
	}
	// One cluster of one batch: the centroid is the mean of what was drawn.
	line := mat.NewDense(4, 1, []float64{0, 1, 2, 9})
	m, err = MiniBatch{K: 1, Batch: 8, Passes: 2}.Fit(t.Context(), line)
	if err != nil {
		t.Fatal(err)
	}
	mean, s := 0.0, seed.Stream(0, "minibatch", 0)
	for range 8 {
		mean += line.At(s.IntN(4), 0) / 8
	}
	if math.Abs(m.Centroids.At(0, 0)-mean) > 1e-12 {
		t.Errorf("centroid %v, want %v", m.Centroids.At(0, 0), mean)
	}
}

func euclidean(x *mat.Dense) *mat.SymDense {
	n, _ := x.Dims()
	d := mat.NewSymDense(n, nil)
	for i := range n {
		for j := i + 1; j < n; j++ {
			d.SetSym(i, j, math.Sqrt(distance2(x.RawRowView(i), x.RawRowView(j))))
		}
	}
	return d
}

// medoidCost by its definition.
func medoidCost(d mat.Matrix, medoids []int) float64 {
	n, _ := d.Dims()
	sum := 0.0
	for i := range n {
		least := math.Inf(1)
		for _, m := range medoids {
			least = min(least, d.At(i, m))
		}
		sum += least
	}
	return sum
}

// TestMedoids: no single swap lowers the cost, and with one medoid it is the least there is.
func TestMedoids(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 40).Draw(rt, "n")
		k := rapid.IntRange(1, min(n, 6)).Draw(rt, "k")
		steps := rapid.SampledFrom([]int{3, 1000}).Draw(rt, "steps")
		d, r := mat.NewSymDense(n, nil), seed.Stream(rapid.Uint64().Draw(rt, "seed"), "distances")
		for i := range n {
			for j := i + 1; j < n; j++ { // any numbers: distances need not be metric
				d.SetSym(i, j, float64(r.IntN(steps)))
			}
		}
		a, err := Medoids{K: k}.Fit(t.Context(), d)
		if err != nil {
			rt.Fatal(err)
		}
		if len(a.Medoids) != k || !slices.IsSorted(a.Medoids) || len(slices.Compact(slices.Clone(a.Medoids))) != k {
			rt.Fatalf("medoids %v", a.Medoids)
		}
		cost := 0.0
		for i, c := range a.Labels {
			cost += d.At(i, a.Medoids[c])
		}
		if want := medoidCost(d, a.Medoids); math.Abs(a.Cost-want) > 1e-9 || math.Abs(cost-want) > 1e-9 {
			rt.Fatalf("cost %v, by labels %v, want %v", a.Cost, cost, want)
		}
		for c := range a.Medoids {
			for x := range n {
				if slices.Contains(a.Medoids, x) {
					continue
				}
				other := slices.Clone(a.Medoids)
				other[c] = x
				if v := medoidCost(d, other); v < a.Cost-1e-9 {
					rt.Fatalf("medoids %v cost %v, %v only %v", a.Medoids, a.Cost, other, v)
				}
			}
		}
	})
	x, y := blobs(120, 3, 5, 0.5, 3)
	a, err := Medoids{K: 5}.Fit(t.Context(), euclidean(x))
	if err != nil {
		t.Fatal(err)
	}
	if v := rand(t, a.Labels, y); v != 1 {
		t.Errorf("agreement %v on clear clusters", v)
	}
	// A tie of two items is decided for the first.
	if a, err := (Medoids{K: 1}).Fit(t.Context(), mat.NewSymDense(2, []float64{0, 3, 3, 0})); err != nil || a.Medoids[0] != 0 {
		t.Errorf("%+v, %v", a, err)
	}
}

// TestAgreement: by hand, by counting pairs, and whatever labels are called.
func TestAgreement(t *testing.T) {
	a, b := []int{0, 0, 0, 1, 1, 2, 2, 2}, []int{0, 0, 1, 1, 2, 2, 2, 0}
	// By hand: pairs together in both 1 + 1 = 2, in a 3 + 1 + 3 = 7, in b 3 + 1 + 3 = 7, of
	// 28; (2 - 49/28) / (7 - 49/28) = 1/21. scikit-learn 1.9.1 says the same, and 0.39874...
	if v := rand(t, a, b); math.Abs(v-1.0/21) > 1e-15 {
		t.Errorf("adjusted Rand index %v, want 1/21", v)
	}
	if v, err := MutualInformation(a, b); err != nil || math.Abs(v-0.398747820241147) > 1e-14 {
		t.Errorf("mutual information %v, %v", v, err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(rt, "n")
		labels := rapid.SliceOfN(rapid.IntRange(-1, 3), n, n)
		a, b := labels.Draw(rt, "a"), labels.Draw(rt, "b")
		both, onlyA, onlyB, neither := 0.0, 0.0, 0.0, 0.0
		for i := range n {
			for j := range i {
				switch {
				case a[i] == a[j] && b[i] == b[j]:
					both++
				case a[i] == a[j]:
					onlyA++
				case b[i] == b[j]:
					onlyB++
				default:
					neither++
				}
			}
		}
		want := 1.0 // the form of Steinley (2004)
		if den := (both+onlyA)*(onlyA+neither) + (both+onlyB)*(onlyB+neither); den != 0 {
			want = 2 * (both*neither - onlyA*onlyB) / den
		}
		if got := rand(t, a, b); math.Abs(got-want) > 1e-12 {
			rt.Fatalf("adjusted Rand index %v, want %v", got, want)
		}
		// I by the sum of p ln(p/pq) over items: each of n has 1/n of it.
		mutual, entropies := 0.0, 0.0
		for i := range n {
			var same, inA, inB float64
			for j := range n {
				if a[i] == a[j] {
					inA++
				}
				if b[i] == b[j] {
					inB++
				}
				if a[i] == a[j] && b[i] == b[j] {
					same++
				}
			}
			mutual += math.Log(same*float64(n)/(inA*inB)) / float64(n)
			entropies -= (math.Log(inA/float64(n)) + math.Log(inB/float64(n))) / float64(n)
		}
		want = 1
		if entropies > 0 {
			want = 2 * mutual / entropies
		}
		got, err := MutualInformation(a, b)
		if err != nil || math.Abs(got-want) > 1e-12 {
			rt.Fatalf("mutual information %v, want %v, %v", got, want, err)
		}
		renamed := make([]int, n)
		for i, l := range a {
			renamed[i] = 100 - 7*l
		}
		if other, _ := MutualInformation(renamed, b); math.Abs(other-got) > 1e-14 || rand(t, renamed, b) != rand(t, a, b) || rand(t, a, renamed) != 1 {
			rt.Fatal("the names of labels matter")
		}
	})
}

// TestSilhouette: against the definition, scikit-learn and values by hand.
func TestSilhouette(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(3, 15).Draw(rt, "n")
		labels := rapid.SliceOfN(rapid.IntRange(-1, 3), n, n).Draw(rt, "labels")
		x := mat.NewDense(n, 2, nil)
		for i := range n {
			for j := range 2 {
				x.Set(i, j, float64(rapid.IntRange(0, 5).Draw(rt, "x")))
			}
		}
		q, err := Silhouette{}.Measure(t.Context(), x, labels)
		if _, k := compact(labels); k < 2 || k == n {
			if !errors.Is(err, ErrUndefined) {
				rt.Fatalf("%d clusters of %d rows: %v", k, n, err)
			}
			return
		}
		if err != nil {
			rt.Fatal(err)
		}
		mean := 0.0
		for i := range n {
			sum, size := map[int]float64{}, map[int]float64{}
			for j := range n {
				sum[labels[j]] += math.Hypot(x.At(i, 0)-x.At(j, 0), x.At(i, 1)-x.At(j, 1))
				size[labels[j]]++
			}
			own, want := labels[i], 0.0
			if size[own] > 1 {
				a, b := sum[own]/(size[own]-1), math.Inf(1)
				for c := range sum {
					if c != own {
						b = min(b, sum[c]/size[c])
					}
				}
				if max(a, b) > 0 {
					want = (b - a) / max(a, b)
				}
			}
			if math.Abs(q.Values[i]-want) > 1e-9 {
				rt.Fatalf("row %d: %v, want %v", i, q.Values[i], want)
			}
			mean += want / float64(n)
		}
		if math.Abs(q.Mean-mean) > 1e-9 {
			rt.Fatalf("mean %v, want %v", q.Mean, mean)
		}
		m := rapid.IntRange(1, n).Draw(rt, "sample")
		part, err := Silhouette{Sample: m}.Measure(t.Context(), x, labels)
		if err != nil || len(part.Rows) != m {
			rt.Fatalf("%v, %v", part, err)
		}
		for at, i := range part.Rows {
			if part.Values[at] != q.Values[i] {
				rt.Fatalf("row %d in a sample: %v, want %v", i, part.Values[at], q.Values[i])
			}
		}
	})
	x, y := shapes()
	q, err := Silhouette{}.Measure(t.Context(), x, y)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range [][2]float64{{q.Mean, 0.5730384168611065}, {q.Values[0], 0.89155303}, {q.Values[50], 0.44178872}, {q.Values[119], -0.34728971}} {
		if math.Abs(c[0]-c[1]) > 1e-8 {
			t.Errorf("%v, scikit-learn 1.9.1 says %v", c[0], c[1])
		}
	}
}

func TestChoice(t *testing.T) {
	x, y := blobs(300, 3, 5, 0.6, 4)
	c, err := Choice{}.Fit(t.Context(), x)
	if err != nil {
		t.Fatal(err)
	}
	if c.K != 5 || rand(t, c.Labels, y) != 1 || len(c.Tried) != 11 || len(c.Silhouettes) != 11 || c.Tried[0] != 2 {
		t.Errorf("%d clusters of %v, silhouettes %v", c.K, c.Tried, c.Silhouettes)
	}
	for i, k := range c.Tried {
		q, err := Silhouette{}.Measure(t.Context(), x, fit(t, KMeans{K: k}, x).Labels)
		if err != nil || q.Mean != c.Silhouettes[i] {
			t.Errorf("%d clusters: %v, want %v, %v", k, c.Silhouettes[i], q.Mean, err)
		}
	}
	// Rows that do not suffice for 12 end the search, unless 12 was asked for.
	few := mat.NewDense(6, 1, []float64{0, 1, 10, 11, 20, 21})
	if c, err = (Choice{}).Fit(t.Context(), few); err != nil || c.K != 3 || c.Tried[len(c.Tried)-1] != 5 {
		t.Errorf("six rows: %+v, %v", c, err)
	}
	if _, err := (Choice{Max: 12}).Fit(t.Context(), few); !errors.Is(err, ErrTooFew) && !errors.Is(err, ErrUndefined) {
		t.Errorf("six rows in 12: %v", err)
	}
}

// TestMistakes: what users do wrong is an error that says what and where.
func TestMistakes(t *testing.T) {
	x, y := blobs(20, 2, 2, 1, 5)
	nan := mat.DenseCopyOf(x)
	nan.Set(3, 1, math.NaN())
	huge := mat.NewDense(2, 1, []float64{-1e200, 1e200})
	m := fit(t, KMeans{K: 2}, x)
	ctx := t.Context()
	second := func(_ any, err error) error { return err }
	sym := func(v ...float64) *mat.SymDense { return mat.NewSymDense(2, v) }
	for _, c := range []struct {
		name string
		err  error
		is   error
		want string
	}{
		{"k 0", second(KMeans{}.Fit(ctx, x)), nil, "field K is 0"},
		{"k -1", second(KMeans{K: -1}.Fit(ctx, x)), nil, "field K is -1"},
		{"k > n", second(KMeans{K: 21}.Fit(ctx, x)), ErrTooFew, "21 for 20 rows"},
		{"equal rows", second(KMeans{K: 2}.Fit(ctx, mat.NewDense(5, 3, nil))), ErrTooFew, "1 different rows"},
		{"nil", second(KMeans{K: 1}.Fit(ctx, nil)), xai.ErrShape, "at least one row"},
		{"empty", second(KMeans{K: 1}.Fit(ctx, &mat.Dense{})), xai.ErrShape, "at least one row"},
		{"NaN", second(KMeans{K: 2}.Fit(ctx, nan)), ErrNotFinite, "row 3, column 1 is NaN"},
		{"huge", second(KMeans{K: 2}.Fit(ctx, huge)), ErrNotFinite, "too large"},
		{"restarts", second(KMeans{K: 2, Restarts: -1}.Fit(ctx, x)), nil, "field Restarts is -1"},
		{"iterations", second(KMeans{K: 2, Iterations: -1}.Fit(ctx, x)), nil, "field Iterations is -1"},
		{"assign columns", second(m.Assign(ctx, mat.NewDense(1, 3, nil))), xai.ErrShape, "3 columns"},
		{"assign NaN", second(m.Assign(ctx, nan)), ErrNotFinite, "row 3"},
		{"assign to nothing", second((*Means)(nil).Assign(ctx, x)), nil, "no centroids"},
		{"nil pointer", second(Medoids{K: 1}.Fit(ctx, (*mat.SymDense)(nil))), xai.ErrShape, "nil"},
		{"nil affinity", second(Spectral{K: 1}.Fit(ctx, (*mat.SymDense)(nil))), xai.ErrShape, "at least one"},
		{"batch", second(MiniBatch{K: 2, Batch: -1}.Fit(ctx, x)), nil, "field Batch is -1"},
		{"batch k", second(MiniBatch{K: 21}.Fit(ctx, x)), ErrTooFew, "21"},
		{"batch equal rows", second(MiniBatch{K: 2}.Fit(ctx, mat.NewDense(5, 3, nil))), ErrTooFew, "1 different rows"},
		{"medoids of nil", second(Medoids{K: 1}.Fit(ctx, nil)), xai.ErrShape, "nil"},
		{"not square", second(Medoids{K: 1}.Fit(ctx, x)), xai.ErrShape, "20 x 2"},
		{"distances NaN", second(Medoids{K: 1}.Fit(ctx, sym(0, math.NaN(), 0, 0))), ErrNotFinite, "0 and 1"},
		{"negative", second(Medoids{K: 1}.Fit(ctx, sym(0, -1, 0, 0))), nil, "at least 0"},
		{"itself", second(Medoids{K: 1}.Fit(ctx, sym(1, 2, 2, 0))), nil, "itself"},
		{"one way", second(Medoids{K: 1}.Fit(ctx, mat.NewDense(2, 2, []float64{0, 1, 2, 0}))), nil, "the other"},
		{"medoids k", second(Medoids{K: 3}.Fit(ctx, sym(0, 1, 1, 0))), ErrTooFew, "3 for 2"},
		{"spectral nil", second(Spectral{K: 1}.Fit(ctx, nil)), xai.ErrShape, "at least one"},
		{"spectral k", second(Spectral{K: 3}.Fit(ctx, sym(1, 1, 1, 1))), ErrTooFew, "3 for 2"},
		{"spectral negative", second(Spectral{K: 1}.Fit(ctx, sym(1, -1, 1, 1))), nil, "at least 0"},
		{"spectral NaN", second(Spectral{K: 1}.Fit(ctx, sym(1, math.NaN(), 1, 1))), ErrNotFinite, "0 and 1"},
		{"isolated", second(Spectral{K: 1}.Fit(ctx, sym(1, 0, 0, 0))), ErrIsolated, "item 1"},
		{"both", second(Spectral{K: 2, MaxK: 3}.Fit(ctx, sym(1, 1, 1, 1))), nil, "K and MaxK"},
		{"gap of two", second(Spectral{}.Fit(ctx, sym(1, 1, 1, 1))), ErrTooFew, "MaxK"},
		{"graph", second(Graph([][]int{{1}, {2}})), xai.ErrTarget, "neighbour 2"},
		{"own neighbour", second(Graph([][]int{{0}})), xai.ErrTarget, "neighbour 0"},
		{"empty graph", second(Graph(nil)), xai.ErrShape, "at least one"},
		{"labels", second(Silhouette{}.Measure(ctx, x, y[:3])), xai.ErrShape, "20 rows with 3"},
		{"one cluster", second(Silhouette{}.Measure(ctx, x, make([]int, 20))), ErrUndefined, "1 clusters"},
		{"sample", second(Silhouette{Sample: -1}.Measure(ctx, x, y)), nil, "field Sample"},
		{"choice", second(Choice{Min: 5, Max: 4}.Fit(ctx, x)), nil, "Min and Max"},
		{"choice of one", second(Choice{Min: 1}.Fit(ctx, x)), nil, "at least 2"},
		{"choice with K", second(Choice{KMeans: KMeans{K: 3}}.Fit(ctx, x)), nil, "KMeans.K is 3"},
		{"rand", second(AdjustedRand([]int{1}, []int{1, 2})), xai.ErrShape, "1 and 2"},
		{"mutual", second(MutualInformation(nil, nil)), xai.ErrShape, "0 and 0"},
		{"size", second(HDBSCAN{MinSize: 1}.Fit(ctx, x)), nil, "at least 2"},
		{"size > n", second(HDBSCAN{MinSize: 21}.Fit(ctx, x)), ErrTooFew, "21 for 20"},
		{"neighbours > n", second(HDBSCAN{Neighbours: 21}.Fit(ctx, x)), ErrTooFew, "21 for 20"},
		{"hdbscan NaN", second(HDBSCAN{}.Fit(ctx, nan)), ErrNotFinite, "row 3"},
	} {
		if c.err == nil || c.is != nil && !errors.Is(c.err, c.is) || !strings.Contains(c.err.Error(), c.want) || !strings.HasPrefix(c.err.Error(), "cluster.") {
			t.Errorf("%s: error %v, want one that matches %v and has %q", c.name, c.err, c.is, c.want)
		}
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	x, y := blobs(600, 3, 4, 1, 6)
	d := euclidean(x)
	for name, f := range map[string]func() error{
		"k-means":    func() error { _, err := KMeans{K: 3}.Fit(ctx, x); return err },
		"mini-batch": func() error { _, err := MiniBatch{K: 3}.Fit(ctx, x); return err },
		"medoids":    func() error { _, err := Medoids{K: 3}.Fit(ctx, d); return err },
		"spectral":   func() error { _, err := Spectral{K: 3}.Fit(ctx, d); return err },
		"silhouette": func() error { _, err := Silhouette{}.Measure(ctx, x, y); return err },
		"choice":     func() error { _, err := Choice{}.Fit(ctx, x); return err },
		"hdbscan":    func() error { _, err := HDBSCAN{}.Fit(ctx, x); return err },
	} {
		if err := f(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

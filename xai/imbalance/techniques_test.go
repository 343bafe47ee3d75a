package imbalance_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/imbalance"
	"github.com/whybook/whybook/xai/neighbors"
	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"
)

// blobs draws n rows of d small whole numbers, so that there are ties and duplicates.
func blobs(t *rapid.T, classes int) imbalance.Members {
	n, d := rapid.IntRange(classes+2, 40).Draw(t, "n"), rapid.IntRange(1, 4).Draw(t, "d")
	m := imbalance.Members{Features: mat.NewDense(n, d, nil)}
	for i := range n {
		m.Labels = append(m.Labels, rapid.IntRange(0, classes-1).Draw(t, "label"))
		m.Predicted = append(m.Predicted, rapid.IntRange(0, classes-1).Draw(t, "prediction"))
		for j := range d {
			m.Features.Set(i, j, float64(rapid.IntRange(0, 5).Draw(t, "x")))
		}
	}
	m.Classes = make([]string, classes)
	for c := range m.Classes {
		m.Classes[c] = fmt.Sprintf("class %d", c)
	}
	return m
}

func euclid(x *mat.Dense, i, j int) float64 {
	sum := 0.0
	for f, v := range x.RawRowView(i) {
		sum += (v - x.At(j, f)) * (v - x.At(j, f))
	}
	return math.Sqrt(sum)
}

// Every technique against its definition, written out in the slowest way.
func TestTechniquesAgainstTheirDefinitions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := blobs(t, 3)
		n, k := m.Len(), rapid.IntRange(1, 6).Draw(t, "k")
		k = min(k, n-1)
		near, err := imbalance.Nearest(ctx, m, k)
		if err != nil {
			t.Fatal(err)
		}
		// Neighbours: sort all others by distance, then index.
		lists := make([][]int, n)
		for i := range n {
			var others []int
			for j := range n {
				if j != i {
					others = append(others, j)
				}
			}
			slices.SortStableFunc(others, func(a, b int) int {
				switch da, db := euclid(m.Features, i, a), euclid(m.Features, i, b); {
				case da < db:
					return -1
				case da > db:
					return 1
				}
				return a - b
			})
			lists[i] = others[:k]
			if got, _ := near.At(i); !slices.Equal(got, lists[i]) {
				t.Fatalf("neighbours of %d: %v, want %v", i, got, lists[i])
			}
		}
		// Archetypes by the published thresholds on the share.
		kinds, err := near.Archetypes(imbalance.Typing{Small: true})
		if err != nil {
			t.Fatal(err)
		}
		isolated, err := near.Archetypes(imbalance.Typing{Small: true, Rare: imbalance.Isolated})
		if err != nil {
			t.Fatal(err)
		}
		friends := func(i int) (list []int) {
			for _, j := range lists[i] {
				if m.Labels[j] == m.Labels[i] {
					list = append(list, j)
				}
			}
			return list
		}
		for i := range n {
			s := len(friends(i))
			want, share := imbalance.Outlier, float64(s)/float64(k)
			switch {
			case share > 0.7+1e-9:
				want = imbalance.Safe
			case share > 0.3+1e-9:
				want = imbalance.Border
			case share > 0.1+1e-9:
				want = imbalance.Rare
			}
			if kinds[i] != want {
				t.Fatalf("member %d with %d of %d is %v, want %v", i, s, k, kinds[i], want)
			}
			if want == imbalance.Rare && k == 5 { // the words of Napierala and Stefanowski
				j := friends(i)[0]
				if fj := friends(j); !(len(fj) == 0 || len(fj) == 1 && fj[0] == i) {
					want = imbalance.Border
				}
			}
			if k == 5 && isolated[i] != want {
				t.Fatalf("by isolation member %d is %v, want %v", i, isolated[i], want)
			}
		}
		// Adversaries.
		for _, who := range []imbalance.Voters{imbalance.Misclassified, imbalance.Everyone} {
			r, err := imbalance.NearestAdversaries(near, m.Predicted, who)
			if err != nil {
				t.Fatal(err)
			}
			for a := range 3 {
				total := 0
				counts := [3]int{}
				for i := range n {
					if m.Labels[i] == a && (who == imbalance.Everyone || m.Predicted[i] != a) {
						for _, j := range lists[i] {
							counts[m.Labels[j]]++
							if m.Labels[j] != a {
								total++
							}
						}
					}
				}
				for b := range 3 {
					want := float64(counts[b]) / max(float64(total), 1e-7) // as the authors' code guards it
					if a == b {
						want = 0
					}
					if got := r.Share(a, b); math.Abs(got-want) > 1e-12 {
						t.Fatalf("%v: share of %d for %d is %v, want %v", who, a, b, got, want)
					}
				}
			}
		}
		// Summary.
		s, err := imbalance.Summarize(near, m.Predicted, kinds)
		if err != nil {
			t.Fatal(err)
		}
		var size, disagree [3]float64
		for i := range n {
			size[m.Labels[i]]++
			disagree[m.Labels[i]] += 1 - float64(len(friends(i)))/float64(k)
		}
		for c, row := range s.Rows {
			if float64(row.Size) != size[c] || size[c] > 0 && math.Abs(row.KDN-disagree[c]/size[c]) > 1e-12 {
				t.Fatalf("class %d: %d members, kDN %v; want %v, %v", c, row.Size, row.KDN, size[c], disagree[c]/size[c])
			}
			if size[c] == 0 && !math.IsNaN(row.KDN) {
				t.Fatalf("kDN of a class without members is %v", row.KDN)
			}
		}
		// Prototypes.
		prototypes, err := imbalance.Prototypes(ctx, m, kinds)
		if err != nil {
			t.Fatal(err)
		}
		if len(prototypes) != 12 {
			t.Fatalf("%d prototypes of 3 classes", len(prototypes))
		}
		for _, p := range prototypes {
			best, least := -1, math.Inf(1)
			for i := range n {
				if m.Labels[i] != p.Class || kinds[i] != p.Archetype {
					continue
				}
				sum := 0.0
				for j := range n {
					if m.Labels[j] == p.Class && kinds[j] == p.Archetype {
						sum += euclid(m.Features, i, j)
					}
				}
				if sum < least {
					best, least = i, sum
				}
			}
			if p.Index != best {
				t.Fatalf("prototype of %d, %v is %d, want %d", p.Class, p.Archetype, p.Index, best)
			}
		}
	})
}

// The neighbourhood measures of the table of classes are those of Complexity, which has code
// of its own for them.
func TestSummaryAgainstComplexity(t *testing.T) {
	set, err := datasets.Blobs(datasets.BlobOptions{Samples: 160, Classes: 4, Spread: 4}).Step(0.3).Seed(5).Build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	a, err := imbalance.Of(set).Build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	a.Recall = []float64{.9, .8, .5, .3}
	s, err := a.Summary()
	if err != nil {
		t.Fatal(err)
	}
	table, err := a.Complexity(ctx, imbalance.Complexity{Distance: imbalance.Euclidean})
	if err != nil {
		t.Fatal(err)
	}
	for name, of := range map[string]func(imbalance.ClassRow) float64{
		"kDN": func(r imbalance.ClassRow) float64 { return r.KDN }, "degOver": func(r imbalance.ClassRow) float64 { return r.Overlap },
		"N3": func(r imbalance.ClassRow) float64 { return r.N3 }, "safe level": func(r imbalance.ClassRow) float64 { return r.SafeLevel },
	} {
		column := table.Column(name)
		if len(column.Values) != 4 || math.IsNaN(column.Spearman) {
			t.Fatalf("column %q: %+v", name, column)
		}
		for c, want := range column.Values {
			if got := of(s.Rows[c]); math.Abs(got-want) > 1e-12 {
				t.Errorf("%s of class %d is %v, Complexity says %v", name, c, got, want)
			}
		}
	}
}

func TestFeaturesAgainstTheirDefinitions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := blobs(t, 3)
		n, d := m.Features.Dims()
		k := min(rapid.IntRange(1, 5).Draw(t, "top"), d)
		f, err := imbalance.Importance(m, k)
		if err != nil {
			t.Fatal(err)
		}
		size := m.Counts()
		sorted := func(values []float64) []int { // by value, then index
			order := make([]int, len(values))
			for i := range order {
				order[i] = i
			}
			slices.SortStableFunc(order, func(a, b int) int {
				switch {
				case values[a] > values[b]:
					return -1
				case values[a] < values[b]:
					return 1
				}
				return 0
			})
			return order[:k]
		}
		for c := range 3 {
			if size[c] == 0 {
				if f.Top[c] != nil {
					t.Fatalf("a class without members has top features %v", f.Top[c])
				}
				continue
			}
			mean := make([]float64, d)
			for i := range n {
				if m.Labels[i] == c {
					for j := range d {
						mean[j] += m.Features.At(i, j)
					}
				}
			}
			for j := range mean {
				mean[j] /= float64(size[c])
			}
			if want := sorted(mean); !slices.Equal(f.Top[c], want) {
				t.Fatalf("top features of %d: %v, want %v of means %v", c, f.Top[c], want, mean)
			}
			for j := range mean {
				if math.Abs(f.Mean.At(c, j)-mean[j]) > 1e-12 {
					t.Fatalf("mean of feature %d in class %d is %v, want %v", j, c, f.Mean.At(c, j), mean[j])
				}
			}
			sum, shares := 0.0, 0.0
			for _, g := range f.Top[c] {
				sum += mean[g]
			}
			for p, g := range f.Top[c] {
				if sum > 0 && math.Abs(f.Share(c, p)-mean[g]/sum) > 1e-12 {
					t.Fatalf("share of feature %d is %v, want %v", g, f.Share(c, p), mean[g]/sum)
				}
				shares += f.Share(c, p)
			}
			if sum > 0 && math.Abs(shares-1) > 1e-12 {
				t.Fatalf("shares add up to %v", shares)
			}
		}
		o := f.Overlap()
		for a := range 3 {
			for b := range 3 {
				both, weight := 0, 0.0
				for p, g := range f.Top[a] {
					if q := slices.Index(f.Top[b], g); q >= 0 {
						both++
						weight += math.Min(f.Share(a, p), f.Share(b, q))
					}
				}
				if size[a] == 0 || size[b] == 0 {
					if !math.IsNaN(o.Count.At(a, b)) {
						t.Fatal("overlap with nothing")
					}
					continue
				}
				if got := o.Count.At(a, b); got != float64(both)/float64(k) {
					t.Fatalf("overlap of %d and %d is %v, want %d/%d", a, b, got, both, k)
				}
				if got := o.Jaccard.At(a, b); math.Abs(got-float64(both)/float64(2*k-both)) > 1e-12 {
					t.Fatalf("Jaccard of %d and %d is %v", a, b, got)
				}
				if got := o.Weighted.At(a, b); math.Abs(got-weight) > 1e-12 {
					t.Fatalf("weighted overlap of %d and %d is %v, want %v", a, b, got, weight)
				}
			}
		}
		reference := m.Labels[0]
		dr, err := imbalance.Density(ctx, m, reference, k)
		if err != nil {
			t.Fatal(err)
		}
		for p, g := range dr.Features {
			var has [3]float64
			for i := range n {
				if slices.Contains(sorted(m.Features.RawRowView(i)), g) && m.Features.At(i, g) > 0 {
					has[m.Labels[i]]++
				}
			}
			for c := range 3 {
				raw, normalized := has[c]/has[reference], (has[c]/float64(size[c]))/(has[reference]/float64(size[reference]))
				if has[reference] == 0 {
					raw, normalized = math.NaN(), math.NaN()
				}
				same := func(a, b float64) bool { return math.Abs(a-b) < 1e-12 || math.IsNaN(a) && math.IsNaN(b) }
				if !same(dr.Raw.At(c, p), raw) || !same(dr.Normalized.At(c, p), normalized) {
					t.Fatalf("density of feature %d in class %d: %v, %v; want %v, %v", g, c, dr.Raw.At(c, p), dr.Normalized.At(c, p), raw, normalized)
				}
			}
		}
	})
}

// Agreement by hand: three classes, of which the last has no errors.
func TestAgreementByHand(t *testing.T) {
	a := imbalance.Rivals{Classes: []string{"a", "b", "c"}, Members: make([]int, 3), Counts: [][]int{{7, 3, 1}, {1, 0, 3}, {2, 2, 0}}}
	f := imbalance.Rivals{Classes: a.Classes, Members: make([]int, 3), Counts: [][]int{{90, 1, 1}, {0, 9, 5}, {0, 0, 4}}}
	g, err := imbalance.Agree(a, f)
	if err != nil {
		t.Fatal(err)
	}
	// Shares of a: a for b 3/4, c 1/4; f: 1/2, 1/2. Shares of b: for a 1/4, c 3/4; f: 0, 1.
	if math.Abs(g.TV[0]-.25) > 1e-12 || math.Abs(g.TV[1]-.25) > 1e-12 || !math.IsNaN(g.TV[2]) {
		t.Errorf("total variation %v", g.TV)
	}
	const e = 1e-6
	whole := 1 + 2*e
	kl := (.5+e)/whole*math.Log((.5+e)/(.75+e)) + (.5+e)/whole*math.Log((.5+e)/(.25+e))
	if math.Abs(g.KL[0]-kl) > 1e-12 || math.Abs(g.KL[0]-.14384) > 1e-4 {
		t.Errorf("divergence %v, want %v", g.KL[0], kl)
	}
	// The tie of a's errors goes to the lower class, b, which is its top adversary.
	if g.Top[0] != 1 || g.Top[1] != 1 || g.MeanTop() != 1 {
		t.Errorf("top classes %v", g.Top)
	}
	// (3/4,1/4,1/4,3/4) against (1/2,1/2,0,1): r = 0.25/(0.5 * sqrt(0.5)).
	if math.Abs(g.Cells.Pearson-.25/(.5*math.Sqrt(.5))) > 1e-12 || g.Cells.N != 4 {
		t.Errorf("correlation %+v", g.Cells)
	}
	if _, err := imbalance.Agree(a, imbalance.Rivals{}); !errors.Is(err, xai.ErrShape) {
		t.Errorf("rivals of no classes: %v", err)
	}
	same, err := imbalance.Agree(a, a)
	if err != nil || same.MeanTV() != 0 || meanOf(same.KL) != 0 || math.Abs(same.Cells.Pearson-1) > 1e-12 {
		t.Errorf("with itself: %+v, %v", same, err)
	}
}

func meanOf(list []float64) float64 {
	sum := 0.0
	for _, v := range list {
		sum += v
	}
	return sum / float64(len(list))
}

func TestRelateIsNaNWithoutSpread(t *testing.T) {
	tenth := .1 // not a constant: its sums have roundings
	for _, c := range [][2][]float64{{{1, 1, 1}, {1, 2, 3}}, {{1}, {2}}, {nil, nil}, {{1, math.NaN()}, {1, 2}}, {{tenth + 2*tenth, 3 * tenth, .3}, {1, 2, 3}}} {
		r, err := imbalance.Relate(c[0], c[1])
		if err != nil || !math.IsNaN(r.Pearson) || !math.IsNaN(r.Spearman) {
			t.Errorf("%v: %+v, %v", c, r, err)
		}
	}
	r, err := imbalance.Relate([]float64{1, 2, 2, 4, math.NaN()}, []float64{1, 8, 27, 64, 5})
	// Ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: 4.5/sqrt(4.5*5).
	if err != nil || r.N != 4 || math.Abs(r.Spearman-4.5/math.Sqrt(22.5)) > 1e-12 {
		t.Errorf("%+v, %v", r, err)
	}
}

// Held-out members are compared with the training members only, and a rare one is isolated
// if its neighbour has no other friend.
func TestHeldOutMembers(t *testing.T) {
	train := imbalance.Members{Features: mat.NewDense(8, 1, []float64{0, 1, 2, 3, 10, 11, 12, 13}), Labels: []int{0, 0, 0, 0, 1, 1, 1, 0}}
	near, err := imbalance.Nearest(ctx, train, 3)
	if err != nil {
		t.Fatal(err)
	}
	held := imbalance.Members{Features: mat.NewDense(3, 1, []float64{1.4, 11.1, 100}), Labels: []int{0, 1, 0}}
	n, err := imbalance.HeldOut(ctx, train, near, held)
	if err != nil {
		t.Fatal(err)
	}
	if i, l := n.At(0); !slices.Equal(i, []int{1, 2, 0}) || !slices.Equal(l, []int{0, 0, 0}) {
		t.Errorf("neighbours of 1.4: %v, %v", i, l)
	}
	if i, l := n.At(2); !slices.Equal(i, []int{7, 6, 5}) || !slices.Equal(l, []int{0, 1, 1}) {
		t.Errorf("neighbours of 100: %v, %v", i, l)
	}
	kinds, err := n.Archetypes(imbalance.Typing{Small: true})
	if err != nil || !slices.Equal(kinds, []imbalance.Archetype{imbalance.Safe, imbalance.Safe, imbalance.Border}) {
		t.Errorf("archetypes %v, %v", kinds, err)
	}
	// The only friend of 9.75 is member 1, at 10. That one has a friend of its own, member 0 at
	// 10.9, and is isolated without it.
	for at, want := range map[float64]imbalance.Archetype{10.9: imbalance.Border, 30: imbalance.Rare} {
		m := imbalance.Members{Features: mat.NewDense(9, 1, []float64{at, 10, 9.9, 9.8, 9.7, 9.6, 11, 11.1, 11.2}), Labels: []int{0, 0, 1, 1, 1, 1, 1, 1, 1}}
		of, err := imbalance.Nearest(ctx, m, 5)
		if err != nil {
			t.Fatal(err)
		}
		n, err := imbalance.HeldOut(ctx, m, of, imbalance.Members{Features: mat.NewDense(1, 1, []float64{9.75}), Labels: []int{0}})
		if err != nil {
			t.Fatal(err)
		}
		kinds, err := n.Archetypes(imbalance.Typing{Small: true, Rare: imbalance.Isolated})
		if err != nil || kinds[0] != want {
			t.Errorf("with member 0 at %v: %v, want %v; %v", at, kinds, want, err)
		}
		// Class sizes are those of the training members: 2 and 7.
		s, err := imbalance.Summarize(n, nil, kinds)
		if err != nil || math.Abs(s.Rows[0].SafeLevel-(1+4*2./7)/5) > 1e-12 {
			t.Errorf("safe level %v, %v", s.Rows[0].SafeLevel, err)
		}
	}
	// A held-out copy of a training member has that member as its neighbour.
	twin := imbalance.Members{Features: mat.NewDense(1, 1, []float64{10}), Labels: []int{1}}
	if n, err = imbalance.HeldOut(ctx, train, near, twin); err != nil || n.Index[0] != 4 {
		t.Errorf("neighbours of a copy: %v, %v", n.Index, err)
	}
}

func TestSubConcepts(t *testing.T) {
	// Three tight groups of 5, 4 and 3 on a line, among other rows.
	var values []float64
	var rows, truth []int
	for g, size := range []int{3, 5, 4} {
		for i := range size {
			rows, truth = append(rows, len(values)+1), append(truth, g)
			values = append(values, 1e6, 100*float64(g)+float64(i)) // each behind a stranger
		}
	}
	for p := range rows {
		rows[p] = 2*p + 1
	}
	x := mat.NewDense(len(values), 1, values)
	c, err := imbalance.SubConcepts{}.Find(ctx, x, rows)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Medoids) != 3 || c.Silhouette < 0.9 {
		t.Fatalf("%d groups with silhouette %v", len(c.Medoids), c.Silhouette)
	}
	place := []int{2, 0, 1} // by size
	for p, g := range c.Group {
		if g != place[truth[p]] {
			t.Errorf("row %d is in group %d, want %d", rows[p], g, place[truth[p]])
		}
	}
	if got, want := []float64{values[c.Medoids[0]], values[c.Medoids[1]], values[c.Medoids[2]]}, []float64{102, 201, 1}; !slices.Equal(got, want) {
		t.Errorf("medoids at %v, want %v", got, want)
	}
	// Of a part of the members the groups are the same.
	if s, err := (imbalance.SubConcepts{Sample: 6}).Find(ctx, x, rows); err != nil || !slices.Equal(s.Group, c.Group) {
		t.Errorf("from a sample: %v, %v", s.Group, err)
	}
	// Evenly spread and equal rows are one group, so are few.
	if one, err := (imbalance.SubConcepts{}).Find(ctx, mat.NewDense(6, 1, make([]float64, 6)), []int{0, 1, 2, 3, 4, 5}); err != nil || len(one.Medoids) != 1 || !math.IsNaN(one.Silhouette) {
		t.Errorf("equal rows: %+v, %v", one, err)
	}
	for n := 1; n <= 2; n++ {
		if one, err := (imbalance.SubConcepts{}).Find(ctx, x, rows[:n]); err != nil || len(one.Medoids) != 1 || one.Medoids[0] != rows[0] {
			t.Errorf("%d rows: %+v, %v", n, one, err)
		}
	}
	for name, bad := range map[string][]int{"none": nil, "twice": {1, 1}, "falling": {3, 1}, "outside": {1, 99}, "negative": {-1}} {
		if _, err := (imbalance.SubConcepts{}).Find(ctx, x, bad); !errors.Is(err, xai.ErrShape) {
			t.Errorf("rows %s: %v", name, err)
		}
	}
	if _, err := (imbalance.SubConcepts{Least: 2}).Find(ctx, x, rows); err == nil {
		t.Error("a silhouette of 2 is accepted")
	}
}

// Groups within a class, or within an archetype of it.
func TestConceptsOfAClass(t *testing.T) {
	m := imbalance.Members{Features: mat.NewDense(9, 1, []float64{0, 1, 2, 50, 51, 52, 0, 1, 2}), Labels: []int{0, 0, 0, 0, 0, 0, 1, 1, 1}}
	a := imbalance.Analysis{Train: m, Archetypes: []imbalance.Archetype{1, 1, 1, 3, 3, 3, 0, 0, 0}}
	c, err := a.Concepts(ctx, 0, imbalance.SubConcepts{})
	if err != nil || !slices.Equal(c.Medoids, []int{1, 4}) || !slices.Equal(c.Rows, []int{0, 1, 2, 3, 4, 5}) || a.ConceptView(c).Err() != nil {
		t.Errorf("groups of class 0: %+v, %v", c, err)
	}
	if c, err = a.Concepts(ctx, 0, imbalance.SubConcepts{}, imbalance.Outlier); err != nil || !slices.Equal(c.Medoids, []int{4}) {
		t.Errorf("groups of outliers: %+v, %v", c, err)
	}
	if c, err = a.Concepts(ctx, 0, imbalance.SubConcepts{}, imbalance.Rare); err != nil || len(c.Medoids) != 0 || a.ConceptView(c).Err() != nil {
		t.Errorf("groups of nobody: %+v, %v", c, err)
	}
	if _, err := a.Concepts(ctx, 2, imbalance.SubConcepts{}); !errors.Is(err, xai.ErrTarget) {
		t.Errorf("class 2: %v", err)
	}
	if a.ConceptView(imbalance.Concepts{Medoids: []int{9}}).Err() == nil {
		t.Error("a member that is not there")
	}
}

// PAM ends where no exchange of a medoid helps, on any data.
func TestConceptsAreLocallyBest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := blobs(t, 1)
		n, _ := m.Features.Dims()
		rows := make([]int, n)
		for i := range rows {
			rows[i] = i
		}
		c, err := imbalance.SubConcepts{Least: 1e-9, Most: 4}.Find(ctx, m.Features, rows)
		if err != nil {
			t.Fatal(err)
		}
		cost := func(medoids []int) float64 {
			sum := 0.0
			for i := range n {
				least := math.Inf(1)
				for _, j := range medoids {
					least = min(least, euclid(m.Features, i, j))
				}
				sum += least
			}
			return sum
		}
		have := cost(c.Medoids)
		for s := range c.Medoids {
			for i := range n {
				other := slices.Clone(c.Medoids)
				other[s] = i
				if got := cost(other); got < have-1e-9 {
					t.Fatalf("medoids %v cost %v, %v only %v", c.Medoids, have, other, got)
				}
			}
		}
	})
}

func TestBadMembers(t *testing.T) {
	x := func(rows int) *mat.Dense { return mat.NewDense(rows, 2, make([]float64, 2*rows)) }
	broken := func(v float64) *mat.Dense {
		m := x(4)
		m.Set(2, 1, v)
		return m
	}
	labels := []int{0, 1, 0, 1}
	for name, c := range map[string]struct {
		m    imbalance.Members
		k    int
		want error
	}{
		"none":               {imbalance.Members{}, 1, xai.ErrShape},
		"no features":        {imbalance.Members{Labels: labels}, 1, xai.ErrShape},
		"rows":               {imbalance.Members{Labels: labels, Features: x(3)}, 1, xai.ErrShape},
		"NaN":                {imbalance.Members{Labels: labels, Features: broken(math.NaN())}, 1, neighbors.ErrNotFinite},
		"Inf":                {imbalance.Members{Labels: labels, Features: broken(math.Inf(-1))}, 1, neighbors.ErrNotFinite},
		"k = 0":              {imbalance.Members{Labels: labels, Features: x(4)}, 0, neighbors.ErrCount},
		"k = n":              {imbalance.Members{Labels: labels, Features: x(4)}, 4, neighbors.ErrCount},
		"negative label":     {imbalance.Members{Labels: []int{0, -1, 0, 1}, Features: x(4)}, 1, xai.ErrTarget},
		"label without name": {imbalance.Members{Labels: []int{0, 2, 0, 1}, Classes: []string{"a", "b"}, Features: x(4)}, 1, xai.ErrTarget},
		"prediction":         {imbalance.Members{Labels: labels, Classes: []string{"a", "b"}, Predicted: []int{0, 1, 2, 0}, Features: x(4)}, 1, xai.ErrTarget},
		"predictions":        {imbalance.Members{Labels: labels, Predicted: []int{0}, Features: x(4)}, 1, xai.ErrShape},
		"set":                {imbalance.Members{Labels: labels, Features: x(4), Set: datasets.Set{Labels: []int{1}}}, 1, xai.ErrShape},
	} {
		if _, err := imbalance.Nearest(ctx, c.m, c.k); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	// Duplicates and constant features are data like any other: ties go to the lower index.
	near, err := imbalance.Nearest(ctx, imbalance.Members{Labels: labels, Features: x(4)}, 3)
	if err != nil || !slices.Equal(near.Index, []int{1, 2, 3, 0, 2, 3, 0, 1, 3, 0, 1, 2}) {
		t.Errorf("four equal rows: %v, %v", near.Index, err)
	}
	// What needs predictions says so.
	if _, err := imbalance.NearestAdversaries(near, nil, imbalance.Misclassified); err == nil {
		t.Error("misclassified members without predictions")
	}
	if _, err := imbalance.NearestAdversaries(near, nil, imbalance.Everyone); err != nil {
		t.Error(err)
	}
	for _, f := range []func() error{
		func() error { _, err := imbalance.ClassAccuracy(imbalance.Members{Labels: labels}, nil); return err },
		func() error { _, err := imbalance.Errors(imbalance.Members{Labels: labels}); return err },
		func() error { _, err := imbalance.Summarize(imbalance.Neighborhood{}, nil, nil); return err },
		func() error { _, err := imbalance.Summarize(near, nil, nil); return err },
		func() error { _, err := near.Archetypes(imbalance.Typing{Rare: 7, Small: true}); return err },
		func() error { _, err := imbalance.NearestAdversaries(near, nil, 7); return err },
		func() error {
			_, err := imbalance.Importance(imbalance.Members{Labels: labels, Features: broken(-1)}, 1)
			return err
		},
		func() error {
			_, err := imbalance.Importance(imbalance.Members{Labels: labels, Features: x(4)}, 0)
			return err
		},
		func() error {
			_, err := imbalance.Density(ctx, imbalance.Members{Labels: labels, Features: x(4)}, 2, 1)
			return err
		},
		func() error { _, err := imbalance.FromLists(nil, labels, 1, []int{0, 0, 0, 0}); return err },
		func() error {
			_, err := imbalance.HeldOut(ctx, imbalance.Members{Labels: labels, Features: x(4)}, near, imbalance.Members{Labels: []int{0}, Features: mat.NewDense(1, 3, nil)})
			return err
		},
	} {
		if f() == nil {
			t.Error("bad input is accepted")
		}
	}
}

// A class that is too small for a safe member is an error that says what is needed; told to,
// the analysis goes on. A gap in the labels is a class without members.
func TestDegenerateClasses(t *testing.T) {
	line := func(labels ...int) imbalance.Members {
		m := imbalance.Members{Labels: labels, Features: mat.NewDense(len(labels), 1, nil)}
		for i := range labels {
			m.Features.Set(i, 0, float64(i))
		}
		return m
	}
	for name, c := range map[string]struct {
		m          imbalance.Members
		k          int
		class      string
		need, have int
	}{
		"one member":      {line(0, 0, 0, 0, 0, 0, 1), 5, "1", 5, 1},
		"four of five":    {line(0, 0, 0, 0, 0, 1, 1, 1, 1), 5, "1", 5, 4},
		"gap":             {line(0, 0, 0, 0, 0, 2, 2, 2, 2, 2), 5, "1", 5, 0},
		"two at k = 3":    {line(0, 0, 0, 0, 1, 1), 3, "1", 4, 2},
		"one at k = 1":    {line(0, 0, 1), 1, "1", 2, 1},
		"small first one": {line(0, 1, 1, 1, 1, 1, 1), 5, "0", 5, 1},
	} {
		near, err := imbalance.Nearest(ctx, c.m, c.k)
		if err != nil {
			t.Fatal(err)
		}
		_, err = near.Archetypes(imbalance.Typing{})
		var d imbalance.ErrDegenerateClass
		if !errors.As(err, &d) || d.Class != c.class || d.Need != c.need || d.Have != c.have {
			t.Errorf("%s: %v, want class %q, need %d, have %d", name, err, c.class, c.need, c.have)
		}
		kinds, err := near.Archetypes(imbalance.Typing{Small: true})
		if err != nil {
			t.Errorf("%s, told to go on: %v", name, err)
			continue
		}
		if s, err := imbalance.Summarize(near, nil, kinds); err != nil || s.View().Err() != nil || s.ArchetypeView().Err() != nil {
			t.Errorf("%s: %v, %v, %v", name, err, s.View().Err(), s.ArchetypeView().Err())
		}
		if f, err := imbalance.Importance(c.m, 10); err != nil || f.View().Err() != nil || f.Overlap().View().Err() != nil {
			t.Errorf("%s: importance %v", name, err)
		}
	}
	// Exactly enough is enough: LongTail(0.01) of 500 leaves 5.
	near, err := imbalance.Nearest(ctx, line(0, 0, 0, 0, 0, 1, 1, 1, 1, 1), 5)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := near.Archetypes(imbalance.Typing{}); err != nil {
		t.Error(err)
	}
	// One class only: everything is safe, and there is no other class to name.
	if near, err = imbalance.Nearest(ctx, line(0, 0, 0, 0, 0, 0), 5); err != nil {
		t.Fatal(err)
	}
	kinds, err := near.Archetypes(imbalance.Typing{})
	if err != nil || slices.ContainsFunc(kinds, func(a imbalance.Archetype) bool { return a != imbalance.Safe }) {
		t.Errorf("one class: %v, %v", kinds, err)
	}
	r, err := imbalance.NearestAdversaries(near, nil, imbalance.Everyone)
	if err != nil || r.Votes(0) != 0 || r.Top(0) != -1 || r.View().Err() != nil || r.MatrixView().Err() != nil {
		t.Errorf("one class: %+v, %v, %v", r, err, r.View().Err())
	}
	if _, err := imbalance.Density(ctx, line(0, 0, 2), 1, 1); !errors.As(err, new(imbalance.ErrDegenerateClass)) {
		t.Errorf("a reference without members: %v", err)
	}
}

func TestCancelled(t *testing.T) {
	gone, cancel := context.WithCancel(ctx)
	cancel()
	m := imbalance.Members{Labels: []int{0, 0, 1, 1}, Features: mat.NewDense(4, 1, []float64{0, 1, 2, 3})}
	kinds := make([]imbalance.Archetype, 4)
	_, a := imbalance.Nearest(gone, m, 1)
	_, b := imbalance.Prototypes(gone, m, kinds)
	_, c := imbalance.Density(gone, m, 0, 1)
	_, d := imbalance.SubConcepts{}.Find(gone, m.Features, []int{0, 1, 2, 3})
	for i, err := range []error{a, b, c, d} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%d: %v, want a cancelled context", i, err)
		}
	}
}

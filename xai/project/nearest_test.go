package project

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"
)

// TestNearestAgainstSorting compares with a full sort, on a grid with many ties and equal
// rows, on normal values, and far from the origin, where most digits are lost.
func TestNearestAgainstSorting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, n, d := rapid.IntRange(1, 80).Draw(t, "m"), rapid.IntRange(2, 90).Draw(t, "n"), rapid.IntRange(1, 5).Draw(t, "d")
		self := rapid.Bool().Draw(t, "self")
		make := func(n int) *mat.Dense {
			x := normal(rapid.Uint64().Draw(t, "seed"), n, d)
			kind := rapid.IntRange(0, 2).Draw(t, "kind")
			x.Apply(func(_, _ int, v float64) float64 {
				return [...]float64{math.Round(v), v, 1e6 + math.Round(100*v)/100}[kind]
			}, x)
			return x
		}
		b := make(n)
		a := b
		if self {
			m = n
		} else {
			a = make(m)
		}
		most := n
		if self {
			most--
		}
		k := rapid.IntRange(1, most).Draw(t, "k")
		index, squares, err := nearest(ctx, a.RawMatrix().Data, b.RawMatrix().Data, d, k, self)
		if err != nil {
			t.Fatal(err)
		}
		for i := range m {
			var all []int
			for j := range n {
				if !(self && i == j) {
					all = append(all, j)
				}
			}
			far := func(j int) float64 { return square(a.RawRowView(i), b.RawRowView(j)) }
			slices.SortStableFunc(all, func(p, q int) int { return cmp.Compare(math.Sqrt(far(p)), math.Sqrt(far(q))) })
			all = all[:k]
			slices.SortStableFunc(all, func(p, q int) int { return cmp.Compare(far(p), far(q)) })
			for r, j := range all {
				if at := i*k + r; int(index[at]) != j || squares[at] != far(j) {
					t.Fatalf("neighbour %d of %d is %d at %v, want %d at %v", r, i, index[at], squares[at], j, far(j))
				}
			}
		}
	})
}

func TestNearestBytes(t *testing.T) {
	x := normal(1, 500, 20).RawMatrix().Data
	want := ""
	onProcessors(t, func() {
		index, squares, err := nearest(ctx, x, x, 20, 15, true)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(index, squares); want == "" {
			want = got
		} else if got != want {
			t.Error("neighbours depend on the number of processors")
		}
	})
}

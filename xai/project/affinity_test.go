package project

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// perplexityOf returns exp of the entropy of a row.
func perplexityOf(p []float64) float64 {
	h := 0.0
	for _, v := range p {
		if v > 0 {
			h -= v * math.Log(v)
		}
	}
	return math.Exp(h)
}

// TestPerplexity: each row has the perplexity asked for, adds up to 1 and is a Gaussian of
// the distances; whatever the distances' scale.
func TestPerplexity(t *testing.T) {
	for _, scale := range []float64{1e-140, 1, 1e120} {
		for _, c := range []struct {
			n          int
			perplexity float64
		}{{300, 30}, {100, 33}, {100, 5.5}, {50, 1}, {4, 1}} {
			x := normal(1, c.n, 4)
			x.Scale(scale, x)
			data := x.RawMatrix().Data
			k := neighbours(c.perplexity, c.n-1)
			if want := min(int(3*c.perplexity), c.n-1); k != want {
				t.Fatalf("%d neighbours, want %d", k, want)
			}
			_, squares, err := nearest(ctx, data, data, 4, k, true)
			if err != nil {
				t.Fatal(err)
			}
			p, tied, err := conditional(ctx, squares, k, c.perplexity)
			if err != nil || tied != 0 {
				t.Fatalf("%d rows tied, %v", tied, err)
			}
			for i := range c.n {
				row, sum := p[i*k:][:k], 0.0
				for _, v := range row {
					sum += v
				}
				near(t, "sum", sum, 1, 1e-12)
				near(t, "perplexity", perplexityOf(row), c.perplexity, 1e-9*c.perplexity)
				// log p is linear in the squared distance: one beta for the row.
				s := squares[i*k:][:k]
				beta := math.Log(row[0]/row[1]) / (s[1] - s[0])
				for r := range row {
					if min(row[1], row[r]) > 1e-200 && s[1]-s[0] > 1e-3*s[0] {
						near(t, "Gaussian", math.Log(row[0]/row[r]), beta*(s[r]-s[0]), 1e-6*(1+beta*(s[r]-s[0])))
					}
				}
			}
		}
	}
}

// TestTiedRows: among equal distances the entropy cannot fall below their number.
func TestTiedRows(t *testing.T) {
	for name, c := range map[string]struct {
		squares []float64
		want    []float64
		ok      bool
	}{
		"all equal":       {[]float64{4, 4, 4, 4}, []float64{0.25, 0.25, 0.25, 0.25}, false},
		"more than asked": {[]float64{0, 0, 0, 1}, []float64{1. / 3, 1. / 3, 1. / 3, 0}, false},
		"as many":         {[]float64{1, 1, 2, 3}, []float64{0.5, 0.5, 0, 0}, true},
		"indistinct":      {[]float64{0, 5e-324, 5e-324, 5e-324}, []float64{1, 0, 0, 0}, false},
	} {
		p := make([]float64, 4)
		if ok := bandwidth(p, c.squares, math.Log(2)); ok != c.ok {
			t.Errorf("%s: found %v", name, ok)
		}
		for j := range p {
			near(t, name, p[j], c.want[j], 1e-11)
		}
	}
}

// dense returns P of t-SNE as a full matrix, slowly: all distances, bisection, no sparsity.
func dense(x *mat.Dense, perplexity float64) *mat.Dense {
	n, _ := x.Dims()
	k := min(int(3*perplexity), n-1)
	p := mat.NewDense(n, n, nil)
	for i := range n {
		members := nearestSlowly(x, i, k)
		row := make([]float64, k)
		low, high := 0., 1e6
		for range 200 {
			beta := (low + high) / 2
			sum := 0.0
			for r, j := range members {
				row[r] = math.Exp(-beta * (square(x.RawRowView(i), x.RawRowView(j)) - square(x.RawRowView(i), x.RawRowView(members[0]))))
				sum += row[r]
			}
			for r := range row {
				row[r] /= sum
			}
			if perplexityOf(row) > perplexity {
				low = beta
			} else {
				high = beta
			}
		}
		for r, j := range members {
			p.Set(i, j, p.At(i, j)+row[r]/float64(2*n))
			p.Set(j, i, p.At(j, i)+row[r]/float64(2*n))
		}
	}
	return p
}

// nearestSlowly returns the k rows of x nearest to row i.
func nearestSlowly(x *mat.Dense, i, k int) []int {
	n, _ := x.Dims()
	used := make([]bool, n)
	used[i] = true
	var members []int
	for range k {
		best := -1
		for j := range n {
			if !used[j] && (best < 0 || square(x.RawRowView(i), x.RawRowView(j)) < square(x.RawRowView(i), x.RawRowView(best))) {
				best = j
			}
		}
		used[best] = true
		members = append(members, best)
	}
	return members
}

// fast returns P as Embed makes it.
func fast(t *testing.T, x *mat.Dense, perplexity float64) affinities {
	t.Helper()
	n, d := x.Dims()
	data := mat.DenseCopyOf(x).RawMatrix().Data
	k := neighbours(perplexity, n-1)
	index, squares, err := nearest(ctx, data, data, d, k, true)
	if err != nil {
		t.Fatal(err)
	}
	p, _, err := conditional(ctx, squares, k, perplexity)
	if err != nil {
		t.Fatal(err)
	}
	return symmetric(index, p, k)
}

func TestAffinitiesAgainstFullMatrix(t *testing.T) {
	x, _ := blobs(2, 90, 3, 4)
	for _, perplexity := range []float64{4, 12.3, 29} {
		want, a := dense(x, perplexity), fast(t, x, perplexity)
		sum, entropy, found := 0.0, 0.0, 0
		for i := range 90 {
			for r := a.start[i]; r < a.start[i+1]; r++ {
				j := int(a.index[r])
				if r > a.start[i] && a.index[r-1] >= a.index[r] || i == j {
					t.Fatalf("row %d is out of order", i)
				}
				near(t, "p", a.p[r], want.At(i, j), 1e-12)
				sum += a.p[r]
				entropy += a.p[r] * math.Log(a.p[r])
				found++
			}
		}
		near(t, "sum", sum, 1, 1e-12)
		near(t, "entropy", a.entropy, entropy, 1e-12)
		for i := range 90 {
			for j := range 90 {
				if want.At(i, j) > 0 {
					found--
				}
			}
		}
		if found != 0 {
			t.Errorf("perplexity %v: %d entries too many", perplexity, found)
		}
	}
}

package soxai

import (
	"context"
	"errors"
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// TestSobolInClosedForm: for a sum of w_i x_i the indices are w_i^2 / sum of w^2; for x1 x2 both
// are 4/7, since Var = 7/144 and half of it over all but one is the part that the other leaves.
func TestSobolInClosedForm(t *testing.T) {
	weights := []float64{3, 2, 1, 0}
	got, err := sobol(4, 4096, func(points [][]float64) ([]float64, error) {
		y := make([]float64, len(points))
		for p, x := range points {
			for i, w := range weights {
				y[p] += w * x[i]
			}
		}
		return y, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range weights {
		if want := w * w / 14; math.Abs(got[i]-want) > 0.02 {
			t.Errorf("index %d is %v, want %v", i, got[i], want)
		}
	}
	product, err := sobol(2, 4096, func(points [][]float64) ([]float64, error) {
		y := make([]float64, len(points))
		for p, x := range points {
			y[p] = x[0] * x[1]
		}
		return y, nil
	})
	if err != nil || math.Abs(product[0]-4.0/7) > 0.02 || math.Abs(product[1]-4.0/7) > 0.02 {
		t.Errorf("x1 x2: %v, want 4/7 twice; %v", product, err)
	}
	if _, err := sobol(2, 8, func(points [][]float64) ([]float64, error) { return make([]float64, len(points)), nil }); !errors.Is(err, errFlat) {
		t.Errorf("a constant: %v", err)
	}
}

// TestFactorFindsPlantedFactors: where each factor has a column of its own, the factors are
// unique, and found.
func TestFactorFindsPlantedFactors(t *testing.T) {
	w := mat.NewDense(3, 5, []float64{1, 0, 0, 0.5, 0, 0, 1, 0, 0.5, 0.5, 0, 0, 1, 0, 0.2})
	u := mat.NewDense(30, 3, nil)
	for i := range 30 {
		u.Set(i, i%3, 1+float64(i%7))
		u.Set(i, (i+1)%3, float64(i%2))
	}
	var a mat.Dense
	a.Mul(u, w)
	gotU, gotW, err := factor(context.Background(), &a, 3, 3000, 1)
	if err != nil {
		t.Fatal(err)
	}
	var back mat.Dense
	back.Mul(gotU, gotW)
	back.Sub(&a, &back)
	if e := mat.Norm(&back, 2) / mat.Norm(&a, 2); e > 1e-3 {
		t.Errorf("the error is %v", e)
	}
	for f := range 3 {
		best := 0.0
		for g := range 3 {
			best = max(best, mat.Dot(w.RowView(f), gotW.RowView(g))/mat.Norm(w.RowView(f), 2)/mat.Norm(gotW.RowView(g), 2))
		}
		if best < 0.999 {
			t.Errorf("factor %d is found with a cosine of %v only", f, best)
		}
	}
	last := math.Inf(1)
	for _, n := range []int{1, 2, 5, 20, 100} { // the error never rises
		u, w, _ := factor(context.Background(), &a, 2, n, 1)
		back.Mul(u, w)
		back.Sub(&a, &back)
		if e := mat.Norm(&back, 2); e > last+1e-9 {
			t.Errorf("after %d iterations the error is %v, before %v", n, e, last)
		} else {
			last = e
		}
	}
}

func TestHalton(t *testing.T) {
	for i, want := range []float64{0.5, 0.25, 0.75, 0.125} {
		if got := halton(i+1, 2); got != want {
			t.Errorf("halton(%d, 2) = %v, want %v", i+1, got, want)
		}
	}
	if p := primes(5); p[4] != 11 {
		t.Errorf("primes %v", p)
	}
}

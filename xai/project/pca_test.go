package project

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/whybook/whybook/xai"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
	"pgregory.net/rapid"
)

func fit(t *testing.T, p PCA, x *mat.Dense) Basis {
	t.Helper()
	b, err := p.Fit(ctx, x)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestPCAAgainstGonum compares with the singular value decomposition of stat.PC: more rows
// than columns, fewer, as many, and a size whose first axes are iterated.
func TestPCAAgainstGonum(t *testing.T) {
	for _, c := range []struct{ n, d, k int }{{40, 7, 7}, {7, 40, 6}, {9, 9, 8}, {400, 300, 12}, {250, 900, 12}, {2, 3, 1}} {
		x := normal(1, c.n, c.d)
		for i := range c.n {
			for j := range c.d {
				x.Set(i, j, 100+x.At(i, j)/math.Pow(float64(j+1), 0.7))
			}
		}
		b := fit(t, PCA{Components: c.k}, x)
		var pc stat.PC
		if !pc.PrincipalComponents(x, nil) {
			t.Fatal("stat.PC failed")
		}
		var v mat.Dense
		pc.VectorsTo(&v)
		want := pc.VarsTo(nil)
		total := 0.0
		for _, w := range want {
			total += w
		}
		near(t, fmt.Sprintf("%+v: total", c), b.Total, total, 1e-12*total)
		for i := range c.k {
			near(t, fmt.Sprintf("%+v: variance %d", c, i), b.Variance[i], want[i], 1e-12*want[0])
			near(t, fmt.Sprintf("%+v: ratio %d", c, i), b.Ratio[i], want[i]/total, 1e-12)
			dot := 0.0
			for j := range c.d {
				dot += b.Axes.At(i, j) * v.At(j, i)
			}
			near(t, fmt.Sprintf("%+v: axis %d", c, i), math.Abs(dot), 1, 1e-10)
		}
	}
}

// TestPCAByHand: points on the line along (3, -4) with steps of 5, and one constant column.
func TestPCAByHand(t *testing.T) {
	x := mat.NewDense(3, 3, []float64{1, 7, 2, 4, 7, -2, 7, 7, -6})
	b := fit(t, PCA{}, x)
	if len(b.Variance) != 2 || b.Rows != 3 {
		t.Fatalf("%d components of %d rows, want 2 of 3", len(b.Variance), b.Rows)
	}
	near(t, "variance", b.Variance[0], 25, 1e-12) // (25 + 0 + 25) / 2
	near(t, "total", b.Total, 25, 1e-12)
	if b.Variance[1] != 0 || b.Ratio[1] != 0 {
		t.Errorf("second variance %v, ratio %v, want 0", b.Variance[1], b.Ratio[1])
	}
	for j, want := range []float64{-0.6, 0, 0.8} { // the entry of greatest size is positive
		near(t, "axis", b.Axes.At(0, j), want, 1e-15)
	}
	for j, want := range []float64{4, 7, -2} {
		near(t, "mean", b.Mean[j], want, 1e-15)
	}
	z, err := b.Transform(x)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{5, 0, -5} {
		near(t, "coordinate", z.At(i, 0), want, 1e-14)
		near(t, "second coordinate", z.At(i, 1), 0, 1e-14)
	}
}

// TestPCASign: of two entries of one size the first is positive, whichever way the points go.
func TestPCASign(t *testing.T) {
	for _, s := range []float64{1, -1} {
		b := fit(t, PCA{}, mat.NewDense(2, 2, []float64{s, -s, -s, s}))
		if b.Axes.At(0, 0) < 0 || b.Axes.At(0, 1) > 0 {
			t.Errorf("axis %v", mat.Formatted(b.Axes))
		}
	}
	axis := []float64{0.5, -1, 1 + 1e-13, 0}
	if direct(axis); axis[1] != 1 || axis[2] > 0 {
		t.Errorf("nearly equal entries: %v", axis)
	}
}

// TestOrthonormal: zeros become what is missing, even where unit vectors are within the span.
func TestOrthonormal(t *testing.T) {
	rows := []float64{3, 4, 0, 4, -2.9, 0, 0, 0, 0}
	orthonormal(rows, 3, 3)
	checkOrthonormal(t, mat.NewDense(3, 3, rows))
	near(t, "first", rows[0], 0.6, 1e-15)
	near(t, "last", math.Abs(rows[8]), 1, 1e-15)
}

// TestProducts: of columns and of rows, in several blocks.
func TestProducts(t *testing.T) {
	x := normal(2, 150, 140)
	c := centred(x)
	m := mat.NewDense(150, 140, c.data)
	var columns, rows mat.Dense
	columns.Mul(m.T(), m)
	rows.Mul(m, m.T())
	for by, want := range map[bool]*mat.Dense{true: &columns, false: &rows} {
		got, err := c.products(ctx, by)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range want.RawMatrix().Data {
			near(t, "product", got[i], v, 1e-12)
		}
	}
}

func checkOrthonormal(t rapid.TB, axes *mat.Dense) {
	t.Helper()
	k, _ := axes.Dims()
	var g mat.Dense
	g.Mul(axes, axes.T())
	for i := range k {
		for j := range k {
			want := 0.0
			if i == j {
				want = 1
			}
			if math.Abs(g.At(i, j)-want) > 1e-12 {
				t.Fatalf("axes %d and %d have product %v, want %v", i, j, g.At(i, j), want)
			}
		}
	}
}

// TestPCAProperties on matrices of any size and rank: axes are orthonormal, variances fall
// and are those of the coordinates, coordinates are uncorrelated, and what the inverse misses
// is the variance that was dropped.
func TestPCAProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, d := rapid.IntRange(2, 20).Draw(t, "n"), rapid.IntRange(1, 20).Draw(t, "d")
		rank := rapid.IntRange(0, min(n, d)).Draw(t, "rank")
		x := mat.NewDense(n, d, nil)
		if rank > 0 {
			x.Mul(normal(rapid.Uint64().Draw(t, "seed"), n, rank), normal(rapid.Uint64().Draw(t, "seed"), rank, d))
		}
		b, err := PCA{Components: rapid.IntRange(0, min(n-1, d)).Draw(t, "k")}.Fit(ctx, x)
		if err != nil {
			t.Fatal(err)
		}
		checkOrthonormal(t, b.Axes)
		z, err := b.Transform(x)
		if err != nil {
			t.Fatal(err)
		}
		back, err := b.Inverse(z)
		if err != nil {
			t.Fatal(err)
		}
		scale := b.Total + 1e-300
		kept := 0.0
		for i, v := range b.Variance {
			if v > 0 && i >= rank {
				t.Fatalf("variance %v beyond the rank, %d", v, rank)
			}
			if v < 0 || i > 0 && v > b.Variance[i-1]*(1+1e-9) {
				t.Fatalf("variances %v", b.Variance)
			}
			for j := range i + 1 {
				want := 0.0
				if i == j {
					want = v
				}
				if c := stat.Covariance(mat.Col(nil, i, z), mat.Col(nil, j, z), nil); math.Abs(c-want) > 1e-10*scale {
					t.Fatalf("covariance of coordinates %d and %d is %v, want %v", i, j, c, want)
				}
			}
			kept += v
		}
		missed := 0.0
		for i := range n {
			missed += square(x.RawRowView(i), back.RawRowView(i)) / float64(n-1)
		}
		if math.Abs(missed-(b.Total-kept)) > 1e-10*scale {
			t.Fatalf("the inverse misses %v, dropped was %v", missed, b.Total-kept)
		}
	})
}

func TestPCAOfConstantRows(t *testing.T) {
	x := mat.NewDense(10, 3, nil)
	for i := range 10 {
		x.SetRow(i, []float64{0.1, 0.2, 0.3}) // sums of which are inexact
	}
	b := fit(t, PCA{}, x)
	checkOrthonormal(t, b.Axes)
	for i := range b.Variance {
		if b.Variance[i] != 0 || b.Ratio[i] != 0 {
			t.Errorf("variance %v, ratio %v", b.Variance[i], b.Ratio[i])
		}
	}
}

// TestPCAScale: values of any size give the same axes to the bit when the factor is a power of two.
func TestPCAScale(t *testing.T) {
	x := normal(3, 30, 6)
	want := fit(t, PCA{}, x)
	for _, e := range []int{-700, -3, 3, 500} {
		y := mat.NewDense(30, 6, nil)
		y.Apply(func(_, _ int, v float64) float64 { return math.Ldexp(v, e) }, x)
		b := fit(t, PCA{}, y)
		if bits(b.Axes) != bits(want.Axes) || b.Ratio[2] != want.Ratio[2] || e > -500 && b.Variance[2] != math.Ldexp(want.Variance[2], 2*e) {
			t.Errorf("times 2^%d: variance %v, ratio %v", e, b.Variance[2], b.Ratio[2])
		}
	}
	y := mat.NewDense(30, 6, nil)
	y.Scale(1e200, x)
	if _, err := (PCA{}).Fit(ctx, y); !errors.Is(err, ErrNotFinite) {
		t.Errorf("variance of 1e400: %v, want ErrNotFinite", err)
	}
	y.Apply(func(_, _ int, v float64) float64 { return 1e9 + v }, x)
	if b := fit(t, PCA{}, y); math.Abs(b.Variance[0]-want.Variance[0]) > 1e-6 {
		t.Errorf("variance far from the origin: %v, want %v", b.Variance[0], want.Variance[0])
	}
}

func TestPCABytes(t *testing.T) {
	x := normal(4, 600, 320)
	before := bits(x)
	want := ""
	onProcessors(t, func() {
		b := fit(t, PCA{Components: 20}, x)
		z, err := b.Transform(x)
		if err != nil {
			t.Fatal(err)
		}
		if got := bits(b.Axes, z); want == "" {
			want = got
		} else if got != want {
			t.Error("the bytes depend on the number of processors")
		}
	})
	if bits(x) != before {
		t.Error("x was changed")
	}
	part := x.Slice(10, 50, 5, 15).(*mat.Dense) // rows with gaps between them
	a, b := fit(t, PCA{}, part), fit(t, PCA{}, mat.DenseCopyOf(part))
	if bits(a.Axes) != bits(b.Axes) {
		t.Error("a slice of a matrix has other axes than its copy")
	}
	za, err := a.Transform(part)
	zb, _ := b.Transform(mat.DenseCopyOf(part))
	if err != nil || bits(za) != bits(zb) {
		t.Errorf("a slice of a matrix has other coordinates than its copy, %v", err)
	}
}

func TestPCAMistakes(t *testing.T) {
	x := normal(5, 6, 3)
	bad := mat.DenseCopyOf(x)
	bad.Set(4, 1, math.NaN())
	infinite := mat.DenseCopyOf(x)
	infinite.Set(0, 2, math.Inf(-1))
	for name, c := range map[string]struct {
		p    PCA
		x    *mat.Dense
		want error
	}{
		"nil": {PCA{}, nil, xai.ErrShape}, "empty": {PCA{}, &mat.Dense{}, xai.ErrShape},
		"one row": {PCA{}, normal(1, 1, 3), ErrFew}, "NaN": {PCA{}, bad, ErrNotFinite}, "Inf": {PCA{}, infinite, ErrNotFinite},
		"many": {PCA{Components: 4}, x, nil}, "negative": {PCA{Components: -1}, x, nil},
	} {
		if _, err := c.p.Fit(ctx, c.x); err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	b := fit(t, PCA{}, x)
	for name, f := range map[string]func() (*mat.Dense, error){
		"columns":     func() (*mat.Dense, error) { return b.Transform(normal(1, 2, 4)) },
		"components":  func() (*mat.Dense, error) { return b.Inverse(normal(1, 2, 4)) },
		"no rows":     func() (*mat.Dense, error) { return b.Transform(nil) },
		"empty basis": func() (*mat.Dense, error) { return Basis{}.Transform(x) },
		"and back":    func() (*mat.Dense, error) { return Basis{}.Inverse(x) },
		"other mean":  func() (*mat.Dense, error) { return Basis{Axes: b.Axes, Mean: b.Mean[:2]}.Transform(normal(1, 2, 2)) },
	} {
		if _, err := f(); !errors.Is(err, xai.ErrShape) {
			t.Errorf("%s: %v, want ErrShape", name, err)
		}
	}
	far := normal(1, 2, 3)
	far.Scale(1e308, far)
	for _, f := range []func(*mat.Dense) (*mat.Dense, error){b.Transform, b.Inverse} {
		if _, err := f(far); !errors.Is(err, ErrNotFinite) {
			t.Errorf("beyond the numbers: %v, want ErrNotFinite", err)
		}
	}
	stopped, stop := context.WithCancel(ctx)
	stop()
	for _, x := range []*mat.Dense{x, normal(1, 200, 300), normal(1, 3, 9)} {
		if _, err := (PCA{}).Fit(stopped, x); !errors.Is(err, context.Canceled) {
			t.Errorf("after an interrupt: %v", err)
		}
	}
}

// TestIteratedEigenvectors compares the block iteration with known spectra: a matrix
// Q diag(values) Q' with Q a reflection.
func TestIteratedEigenvectors(t *testing.T) {
	const m, k, p = 160, 6, 22
	u := normal(6, m, 1).RawMatrix().Data
	length := norm(u)
	for i := range u {
		u[i] /= length
	}
	q := func(i, j int) float64 {
		v := -2 * u[i] * u[j]
		if i == j {
			v++
		}
		return v
	}
	for name, c := range map[string]struct {
		value func(i int) float64
		ok    bool
	}{
		"harmonic": {func(i int) float64 { return 1 / float64(i+1) }, true},
		"steep":    {func(i int) float64 { return math.Pow(10, -float64(i)/2) }, true},
		"gap":      {func(i int) float64 { return map[bool]float64{true: 5, false: 1}[i < k] }, true},
		"close":    {func(i int) float64 { return 1 - 1e-3*float64(i) }, true},
		"low rank": {func(i int) float64 { return math.Max(0, 3-float64(i)) }, true},
		"identity": {func(int) float64 { return 1 }, true},
		"narrow":   {func(i int) float64 { return 1 - 1e-7*float64(i) }, false}, // left to the full decomposition
		"zero":     {func(int) float64 { return 0 }, true},
		// Of few and large ones above many that are close, as groups within noise have.
		"noise": {func(i int) float64 { return map[bool]float64{true: 1e4, false: 1 - 1e-3*float64(i)}[i < 3] }, true},
	} {
		a := make([]float64, m*m)
		for i := range m {
			for j := range m {
				for h := range m {
					a[i*m+j] += q(i, h) * c.value(h) * q(j, h)
				}
			}
		}
		_, _, ok, err := iterated(ctx, a, m, k, p)
		if ok != c.ok || err != nil {
			t.Errorf("%s: converged %v, %v", name, ok, err)
		}
		vectors, values, err := leading(ctx, a, m, k)
		if err != nil {
			t.Fatal(err)
		}
		scale := math.Max(c.value(0), 1e-300)
		for i, v := range values {
			near(t, name, v, c.value(i), 1e-13*scale)
		}
		xa := make([]float64, k*m)
		for i := range k {
			for j := range m {
				for h := range m {
					xa[i*m+j] += vectors[i*m+h] * a[h*m+j]
				}
			}
		}
		for i, v := range values {
			near(t, name+": remains", remains(vectors[i*m:][:m], xa[i*m:][:m], v), 0, 1e-13*scale)
		}
		checkOrthonormal(t, mat.NewDense(k, m, vectors))
	}
}

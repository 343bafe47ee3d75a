package project

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"sync/atomic"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/internal/gemm"
	"github.com/whybook/whybook/xai/internal/parallel"
	"github.com/whybook/whybook/xai/progress"
	"gonum.org/v1/gonum/mat"
)

// PCA finds the orthogonal directions in which a cloud of points varies most: principal
// components (Pearson, 1901; Hotelling, 1933). Columns are centred, not scaled: divide them
// by their standard deviations before where their units differ.
//
// It is exact: the eigenvectors of the covariance matrix, or of the n x n matrix of
// products of rows where that is smaller, converged to rounding errors. A variance of less
// than 4 min(n, d) 2^-52 times the first one is a rounding error and given as 0, with any axis
// orthogonal to the others.
type PCA struct {
	Components int // to keep, from 1 to min(n-1, d); default min(50, n-1, d)
}

// Basis is the result of PCA: a system of k orthonormal axes.
type Basis struct {
	Mean     []float64  // of the columns, d values
	Axes     *mat.Dense // k x d, orthonormal rows; in each, the entry of greatest size is positive
	Variance []float64  // along each axis with divisor n-1, descending, k values
	Ratio    []float64  // each variance as a share of Total; 0 where Total is
	Total    float64    // variance of the data, the sum over all columns
	Rows     int        // n that it was made from
}

// Fit computes the components of x, n x d with one row per sample and at least two rows
// (ErrFew).
func (p PCA) Fit(ctx context.Context, x *mat.Dense) (Basis, error) {
	const what = "project.PCA"
	if err := check(what, x); err != nil {
		return Basis{}, err
	}
	n, d := x.Dims()
	if n < 2 {
		return Basis{}, fmt.Errorf("%s: a single row has no variance; pass at least 2: %w", what, ErrFew)
	}
	most := min(n-1, d)
	k := p.Components
	switch {
	case k == 0:
		k = min(50, most)
	case k < 0 || k > most:
		return Basis{}, fmt.Errorf("%s: field Components is %d; %d rows of %d values have 1 to %d, or 0 for the default", what, k, n, d, most)
	}
	c := centred(x)
	axes, values, total, err := c.components(ctx, k)
	if err != nil {
		return Basis{}, fmt.Errorf("%s: %w", what, err)
	}
	b := Basis{
		Mean: c.mean, Axes: mat.NewDense(k, d, axes), Rows: n,
		Variance: make([]float64, k), Ratio: make([]float64, k), Total: math.Ldexp(total, 2*c.exp),
	}
	if math.IsInf(b.Total, 0) {
		return Basis{}, fmt.Errorf("%s: the variance is greater than a float64 can be; divide the data by 1e10, say: %w", what, ErrNotFinite)
	}
	for i, v := range values {
		b.Variance[i] = math.Ldexp(v, 2*c.exp)
		if total > 0 {
			b.Ratio[i] = v / total
		}
	}
	return b, nil
}

// components returns the first k axes of the cloud, k x d, and the variances along them
// and in total, in the cloud's scaled units.
func (c cloud) components(ctx context.Context, k int) (axes, variances []float64, total float64, err error) {
	for _, v := range c.data {
		total += v * v
	}
	total /= float64(c.n - 1)
	if c.d <= c.n {
		var cov []float64
		if cov, err = c.products(ctx, true); err == nil {
			axes, variances, err = leading(ctx, cov, c.d, k)
		}
	} else {
		var gram, u []float64
		if gram, err = c.products(ctx, false); err == nil {
			u, variances, err = leading(ctx, gram, c.n, k)
		}
		if err == nil {
			axes = make([]float64, k*c.d)
			workers().DGEMM(false, false, k, c.d, c.n, 1, u, c.n, c.data, c.d, 0, axes, c.d)
		}
	}
	if err != nil {
		return nil, nil, 0, err
	}
	negligible := 4 * float64(min(c.n, c.d)) * epsilon * variances[0]
	for i, v := range variances {
		variances[i] = v / float64(c.n-1)
		if v <= negligible {
			variances[i] = 0
			clear(axes[i*c.d:][:c.d]) // any direction will do: orthonormal chooses
		}
	}
	orthonormal(axes, k, c.d)
	for i := range k {
		direct(axes[i*c.d:][:c.d])
	}
	return axes, variances, total, nil
}

const epsilon = 0x1p-52

// workers is the fastest kernel, on all processors: the bytes do not depend on their number.
func workers() gemm.Kernel { return gemm.Best().Parallel(runtime.GOMAXPROCS(0)) }

// products returns the d x d products of the columns, or the n x n products of the rows.
// Only the blocks on and above the diagonal are computed.
func (c cloud) products(ctx context.Context, columns bool) ([]float64, error) {
	const size = 128
	m, inner := c.n, c.d
	if columns {
		m, inner = c.d, c.n
	}
	s := make([]float64, m*m)
	blocks := (m + size - 1) / size
	var pairs [][2]int
	for r := range blocks {
		for q := r; q < blocks; q++ {
			pairs = append(pairs, [2]int{r * size, q * size})
		}
	}
	var done atomic.Int64
	err := parallel.Blocks(ctx, len(pairs), 1, func(lo, _ int) error {
		r, q := pairs[lo][0], pairs[lo][1]
		rows, cols := min(size, m-r), min(size, m-q)
		if columns {
			gemm.DGEMM(true, false, rows, cols, inner, 1, c.data[r:], c.d, c.data[q:], c.d, 0, s[r*m+q:], m)
		} else {
			gemm.DGEMM(false, true, rows, cols, inner, 1, c.data[r*c.d:], c.d, c.data[q*c.d:], c.d, 0, s[r*m+q:], m)
		}
		for i := r; i < r+rows; i++ {
			for j := q; j < q+cols; j++ {
				s[j*m+i] = s[i*m+j]
			}
		}
		progress.Report(ctx, "PCA", int(done.Add(1)), len(pairs))
		return nil
	})
	return s, err
}

// orthonormal makes the k rows of length d orthonormal from the first to the last (Gram
// and Schmidt, twice). A row of zeros becomes the first unit vector that is not within
// the span of the others.
func orthonormal(rows []float64, k, d int) {
	unit := 0
	for i := range k {
		row := rows[i*d:][:d]
		for {
			before := norm(row)
			for range 2 {
				for h := range i {
					deflate(row, rows[h*d:][:d])
				}
			}
			after := norm(row)
			if before > 0 && after > 1e-3*before {
				for j := range row {
					row[j] /= after
				}
				break
			}
			clear(row)
			row[unit] = 1
			unit++
		}
	}
}

// deflate removes from row its part along a unit vector.
func deflate(row, unit []float64) {
	dot := 0.0
	for j, v := range row {
		dot += v * unit[j]
	}
	for j := range row {
		row[j] -= dot * unit[j]
	}
}

func norm(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x * x
	}
	return math.Sqrt(sum)
}

// direct makes the entry of greatest size positive: the first one of those that are equal
// within rounding errors, so that they cannot flip the sign.
func direct(axis []float64) {
	greatest := 0.0
	for _, v := range axis {
		greatest = max(greatest, math.Abs(v))
	}
	for _, v := range axis {
		if math.Abs(v) < greatest*(1-1e-8) {
			continue
		}
		if v < 0 {
			for j := range axis {
				axis[j] = -axis[j]
			}
		}
		return
	}
}

// Transform returns the coordinates along the axes, m x k, of the m rows of x, which need
// not be those that the basis was made from. A coordinate beyond what a float64 can be is
// an error (ErrNotFinite).
func (b Basis) Transform(x *mat.Dense) (*mat.Dense, error) {
	const what = "project.Basis.Transform"
	k, d, err := b.dims(what, x, len(b.Mean))
	if err != nil {
		return nil, err
	}
	m, _ := x.Dims()
	shifted := mat.NewDense(m, d, nil)
	for i := range m {
		row := shifted.RawRowView(i)
		for j, v := range x.RawRowView(i) {
			row[j] = v - b.Mean[j]
		}
	}
	z, axes := mat.NewDense(m, k, nil), b.Axes.RawMatrix()
	workers().DGEMM(false, true, m, k, d, 1, shifted.RawMatrix().Data, d, axes.Data, axes.Stride, 0, z.RawMatrix().Data, k)
	if err := check(what, z); err != nil {
		return nil, err
	}
	return z, nil
}

// Inverse returns the m x d points with the coordinates z, m x k: for z = Transform(x) the
// nearest points to x in the plane through Mean that the axes span.
func (b Basis) Inverse(z *mat.Dense) (*mat.Dense, error) {
	const what = "project.Basis.Inverse"
	want := 0
	if b.Axes != nil {
		want, _ = b.Axes.Dims()
	}
	k, d, err := b.dims(what, z, want)
	if err != nil {
		return nil, err
	}
	m, _ := z.Dims()
	x := mat.NewDense(m, d, nil)
	for i := range m {
		copy(x.RawRowView(i), b.Mean)
	}
	in, axes := z.RawMatrix(), b.Axes.RawMatrix()
	workers().DGEMM(false, false, m, d, k, 1, in.Data, in.Stride, axes.Data, axes.Stride, 1, x.RawMatrix().Data, d)
	if err := check(what, x); err != nil {
		return nil, err
	}
	return x, nil
}

// dims checks the basis and a matrix of so many columns, and returns the sizes of Axes.
func (b Basis) dims(what string, x *mat.Dense, columns int) (k, d int, err error) {
	if b.Axes == nil || b.Axes.IsEmpty() {
		return 0, 0, fmt.Errorf("%s: the basis is empty; make one with PCA.Fit: %w", what, xai.ErrShape)
	}
	k, d = b.Axes.Dims()
	if len(b.Mean) != d {
		return 0, 0, fmt.Errorf("%s: the basis has %d means for axes of %d values: %w", what, len(b.Mean), d, xai.ErrShape)
	}
	if err := check(what, x); err != nil {
		return 0, 0, err
	}
	if _, have := x.Dims(); have != columns {
		return 0, 0, fmt.Errorf("%s: the rows have %d values, this basis takes %d: %w", what, have, columns, xai.ErrShape)
	}
	return k, d, nil
}

package cluster

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/internal/gemm"
	"github.com/whybook/whybook/xai/internal/parallel"
	"github.com/whybook/whybook/xai/internal/store"
	"gonum.org/v1/gonum/mat"
)

var (
	// ErrNotFinite is matched by errors about a value that is NaN or infinite.
	ErrNotFinite = errors.New("value is not finite")

	// ErrTooFew is matched by errors about more clusters than there are different rows.
	ErrTooFew = errors.New("too few different rows")

	// ErrFormat is matched by errors about a file that is not a whole result.
	ErrFormat = store.ErrFormat
)

// rows are the rows of a matrix without a stride, with their squared lengths.
type rows struct {
	n, d   int
	x      []float64
	square []float64
}

func (r *rows) row(i int) []float64 { return r.x[i*r.d : (i+1)*r.d] }

// rowsTogether is how many rows are multiplied at a time: with 128 columns they fit the
// second-level cache.
const rowsTogether = 256

// newRows checks and copies x, less its mean when centre is set: distances are the same,
// and squares small.
func newRows(ctx context.Context, x *mat.Dense, centre bool) (*rows, []float64, error) {
	if x == nil || x.IsEmpty() {
		return nil, nil, fmt.Errorf("need at least one row and one column: %w", xai.ErrShape)
	}
	n, d := x.Dims()
	r := &rows{n: n, d: d, x: make([]float64, n*d), square: make([]float64, n)}
	mean := make([]float64, d)
	for i := range n {
		for j, v := range x.RawRowView(i) {
			if v-v != 0 {
				return nil, nil, fmt.Errorf("row %d, column %d is %v: %w", i, j, v, ErrNotFinite)
			}
			if centre {
				mean[j] += v / float64(n)
			}
		}
	}
	err := parallel.Blocks(ctx, n, rowsTogether, func(lo, hi int) error {
		for i := lo; i < hi; i++ {
			row := r.row(i)
			for j, v := range x.RawRowView(i) {
				row[j] = v - mean[j]
			}
			r.square[i] = dot(row, row)
			if sum := 4 * float64(n) * r.square[i]; sum-sum != 0 {
				return fmt.Errorf("row %d has values too large for sums of their squares: %w", i, ErrNotFinite)
			}
		}
		return nil
	})
	return r, mean, err
}

func dot(a, b []float64) float64 {
	// Four sums, so that additions need not wait for each other.
	var s0, s1, s2, s3 float64
	b = b[:len(a)]
	i := 0
	for ; i+4 <= len(a); i += 4 {
		s0 += float64(a[i] * b[i])
		s1 += float64(a[i+1] * b[i+1])
		s2 += float64(a[i+2] * b[i+2])
		s3 += float64(a[i+3] * b[i+3])
	}
	for ; i < len(a); i++ {
		s0 += float64(a[i] * b[i])
	}
	return (s0 + s1) + (s2 + s3)
}

// distance2 is the squared distance of two rows.
func distance2(a, b []float64) float64 {
	var s0, s1, s2, s3 float64
	b = b[:len(a)]
	i := 0
	for ; i+4 <= len(a); i += 4 {
		d0, d1, d2, d3 := a[i]-b[i], a[i+1]-b[i+1], a[i+2]-b[i+2], a[i+3]-b[i+3]
		s0 += float64(d0 * d0)
		s1 += float64(d1 * d1)
		s2 += float64(d2 * d2)
		s3 += float64(d3 * d3)
	}
	for ; i < len(a); i++ {
		d := a[i] - b[i]
		s0 += float64(d * d)
	}
	return (s0 + s1) + (s2 + s3)
}

// near is the part of the squared lengths below which a squared distance that is their
// difference has lost too many digits.
const near = 1e-7

// distances stores in dst, m x k, the squared distances of m rows a from k rows b, whose squared lengths are
// a2 and b2, by one product of matrices. Rows that nearly coincide are subtracted instead, so that
// equal rows have distance 0.
func distances(dst, a, a2, b, b2 []float64, d int) {
	m, k := len(a2), len(b2)
	gemm.DGEMM(false, true, m, k, d, -2, a, d, b, d, 0, dst, k)
	for i, s := range a2 {
		row := dst[i*k : (i+1)*k]
		for j, t := range b2 {
			v := row[j] + s + t
			if v <= near*(s+t) {
				v = distance2(a[i*d:(i+1)*d], b[j*d:(j+1)*d])
			}
			row[j] = v
		}
	}
}

// squares returns the squared lengths of rows of d values.
func squares(x []float64, d int) []float64 {
	s := make([]float64, len(x)/d)
	for i := range s {
		s[i] = dot(x[i*d:(i+1)*d], x[i*d:(i+1)*d])
	}
	return s
}

// isNil reports whether there is no matrix, or a nil pointer to one.
func isNil(x mat.Matrix) bool {
	v := reflect.ValueOf(x)
	return !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil()
}

// count returns a field's value or its default.
func count(name string, v, initial int) (int, error) {
	if v < 0 {
		return 0, fmt.Errorf("field %s is %d; it must be at least 1, or 0 for %d", name, v, initial)
	}
	if v == 0 {
		v = initial
	}
	return v, nil
}

// clusters checks field K for n rows.
func clusters(k, n int) error {
	if k < 1 {
		return fmt.Errorf("field K is %d; it must be at least 1", k)
	}
	if k > n {
		return fmt.Errorf("field K is %d for %d rows: %w", k, n, ErrTooFew)
	}
	return nil
}

// nearest returns the least of values, the first where several are.
func nearest(values []float64) (int, float64) {
	best := 0
	for j, v := range values {
		if v < values[best] {
			best = j
		}
	}
	return best, values[best]
}

package tree

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/internal/parallel"
	"gonum.org/v1/gonum/mat"
)

// ErrNotFinite is matched by errors about a value that is NaN or infinite.
var ErrNotFinite = errors.New("value is not finite")

// Bytes is a matrix of one byte per value, as images are stored: an eighth of the memory
// of a *mat.Dense. Value (i, j) is Data[i*Cols+j] / Scale, with the default Scale the same
// number that datasets.Set.Batch makes of a pixel.
type Bytes struct {
	Rows, Cols int
	Data       []uint8 // Rows x Cols, row by row
	Scale      float64 // default 255; above 0
}

var _ mat.Matrix = Bytes{}

// Dims implements mat.Matrix.
func (b Bytes) Dims() (r, c int) { return b.Rows, b.Cols }

// At implements mat.Matrix.
func (b Bytes) At(i, j int) float64 { return float64(b.Data[i*b.Cols+j]) / b.scale() }

// T implements mat.Matrix.
func (b Bytes) T() mat.Matrix { return mat.Transpose{Matrix: b} }

func (b Bytes) scale() float64 {
	if b.Scale == 0 {
		return 255
	}
	return b.Scale
}

func (b Bytes) check() error {
	switch {
	case b.Rows < 0 || b.Cols < 0 || b.Cols > 0 && b.Rows > len(b.Data)/b.Cols || len(b.Data) != b.Rows*b.Cols:
		return fmt.Errorf("field Data has %d bytes for %d rows of %d: %w", len(b.Data), b.Rows, b.Cols, xai.ErrShape)
	case b.Scale < 0 || !finite(b.Scale):
		return fmt.Errorf("field Scale is %v; it must be above 0", b.Scale)
	}
	return nil
}

// finite reports whether v is neither NaN nor infinite.
func finite(v float64) bool { return v-v == 0 }

// Rows is a matrix that has been checked, and may be read row by row without looking at
// its type. Its zero value has no rows.
type Rows struct {
	n, d   int
	dense  []float64 // with its stride, or
	stride int
	bytes  []uint8 // with the value of each byte, or
	value  *[256]float64
	other  mat.Matrix

	shuffled int   // the column of which row i has the value of row order[i]
	order    []int // nil where none is
}

// Shuffled returns r with another order of the values in column j: row i has that of row
// order[i]. It panics when there is no such column or row.
func (r Rows) Shuffled(j int, order []int) Rows {
	if j < 0 || j >= r.d || len(order) != r.n {
		panic(fmt.Sprintf("tree: %d places for column %d of a matrix of %d x %d", len(order), j, r.n, r.d))
	}
	r.shuffled, r.order = j, order
	return r
}

// Check returns x for prediction, after making sure that it has at least one row and one
// column (xai.ErrShape) and that its values are finite (ErrNotFinite). Nothing is copied:
// x must not change while the Rows are in use. A *mat.Dense and Bytes are read fast.
func Check(ctx context.Context, x mat.Matrix) (Rows, error) {
	if r, ok := x.(Rows); ok && r.n > 0 {
		return r, nil
	}
	if isNil(x) {
		return Rows{}, fmt.Errorf("need a matrix, have nil: %w", xai.ErrShape)
	}
	var r Rows
	switch m := x.(type) {
	case *mat.Dense:
		raw := m.RawMatrix()
		r.dense, r.stride = raw.Data, raw.Stride
	case Bytes:
		if err := m.check(); err != nil {
			return Rows{}, fmt.Errorf("tree.Bytes: %w", err)
		}
		r.bytes, r.value = m.Data, new([256]float64)
		for v := range r.value {
			r.value[v] = float64(v) / m.scale()
		}
	default:
		r.other = x
	}
	r.n, r.d = x.Dims()
	if r.n < 1 || r.d < 1 {
		return Rows{}, fmt.Errorf("need at least one row and one column, have %d x %d: %w", r.n, r.d, xai.ErrShape)
	}
	if r.bytes != nil {
		return r, nil
	}
	err := parallel.Blocks(ctx, r.n, max(1, 1<<18/r.d), func(lo, hi int) error {
		var buf []float64
		for i := lo; i < hi; i++ {
			buf = r.row(buf, i)
			for j, v := range buf {
				if !finite(v) {
					return fmt.Errorf("row %d, column %d is %v: %w", i, j, v, ErrNotFinite)
				}
			}
		}
		return nil
	})
	if err != nil {
		return Rows{}, err
	}
	return r, nil
}

// isNil reports whether there is no matrix, or a nil pointer to one.
func isNil(x mat.Matrix) bool {
	v := reflect.ValueOf(x)
	return !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil()
}

// Dims implements mat.Matrix.
func (r Rows) Dims() (n, d int) { return r.n, r.d }

// At implements mat.Matrix.
func (r Rows) At(i, j int) float64 {
	if r.order != nil && j == r.shuffled {
		i = r.order[i]
	}
	switch {
	case r.dense != nil:
		return r.dense[i*r.stride+j]
	case r.bytes != nil:
		return r.value[r.bytes[i*r.d+j]]
	}
	return r.other.At(i, j)
}

// T implements mat.Matrix.
func (r Rows) T() mat.Matrix { return mat.Transpose{Matrix: r} }

// row returns row i, which may be in buf or in the matrix itself: it is for reading only.
func (r Rows) row(buf []float64, i int) []float64 {
	if r.order != nil {
		plain := r
		plain.order = nil
		buf = append(buf[:0], plain.row(buf, i)...)
		buf[r.shuffled] = r.At(i, r.shuffled)
		return buf
	}
	if r.dense != nil {
		return r.dense[i*r.stride:][:r.d]
	}
	if cap(buf) < r.d {
		buf = make([]float64, r.d)
	}
	buf = buf[:r.d]
	if r.bytes != nil {
		for j, v := range r.bytes[i*r.d:][:r.d] {
			buf[j] = r.value[v]
		}
		return buf
	}
	for j := range buf {
		buf[j] = r.other.At(i, j)
	}
	return buf
}

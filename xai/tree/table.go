package tree

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/whybook/whybook/xai/internal/parallel"
	"gonum.org/v1/gonum/mat"
)

// maxBins is the number of distinct values that a byte can tell apart.
const maxBins = 256

// Table is a matrix prepared for growing: the distinct values of each column in order, and
// for each cell which of them it is. CART takes it in place of the matrix; growing several
// trees on one Table, as forests do, saves preparing it for each. It is read-only and may
// be used from several goroutines.
type Table struct {
	rows int
	bins int // as asked for; 0 for exact
	cols []column

	origin []uint8 // a column of which every row is at place 0
	byRow  []uint8 // the places once more, row by row, where all are bytes
}

// column holds the values of a column as places in the order of its distinct values.
type column struct {
	low, high []float64 // least and greatest value of each place; the same slice unless binned
	bytes     []uint8   // the place of each row, for at most maxBins places, or
	ranks     []uint32  // for more
	varies    bool      // it does not have the same value everywhere
}

// places is the number of distinct values or bins. Not all need occur.
func (c *column) places() int { return len(c.low) }

// threshold lies between places a < b, of which a goes left.
func (c *column) threshold(a, b int) float64 {
	low, high := c.high[a], c.low[b]
	t := low/2 + high/2 // cannot overflow
	if t >= high {      // neighbouring numbers
		t = low
	}
	return t
}

// Dims returns the number of rows and columns.
func (t *Table) Dims() (rows, cols int) { return t.rows, len(t.cols) }

// At implements mat.Matrix. For a binned column it is the least value of the bin.
func (t *Table) At(i, j int) float64 {
	c := &t.cols[j]
	if c.bytes != nil {
		return c.low[c.bytes[i]]
	}
	return c.low[c.ranks[i]]
}

// T implements mat.Matrix.
func (t *Table) T() mat.Matrix { return mat.Transpose{Matrix: t} }

// Bytes returns the approximate memory of the table in bytes.
func (t *Table) Bytes() int {
	size := len(t.origin) + len(t.byRow)
	for i := range t.cols {
		c := &t.cols[i]
		size += len(c.bytes) + 4*len(c.ranks) + 8*len(c.low)
		if t.bins > 0 {
			size += 8 * len(c.high)
		}
	}
	return size
}

// Prepare makes a Table of x, n x d. With bins 0 splits between any two distinct values
// remain possible. With bins in 2-256 a column of more distinct values is cut into as
// many bins of about equally many rows, never between equal values, and can be split only
// between bins. Of Bytes without bins the Table keeps the slice, which must not change
// afterwards. Errors are those of Check, or say that bins is out of range.
func Prepare(ctx context.Context, x mat.Matrix, bins int) (*Table, error) {
	t, err := prepare(ctx, x, bins)
	if err != nil {
		return nil, fmt.Errorf("tree.Prepare: %w", err)
	}
	return t, nil
}

func prepare(ctx context.Context, x mat.Matrix, bins int) (*Table, error) {
	if bins != 0 && (bins < 2 || bins > maxBins) {
		return nil, fmt.Errorf("field Bins is %d; it must be 0 (every value) or 2-%d", bins, maxBins)
	}
	r, err := Check(ctx, x)
	if err != nil {
		return nil, err
	}
	if r.n > math.MaxInt32 {
		return nil, fmt.Errorf("%d rows are more than %d", r.n, math.MaxInt32)
	}
	t := &Table{rows: r.n, bins: bins, cols: make([]column, r.d), origin: make([]uint8, r.n)}
	const together = 64 // columns read in one pass over the rows, one or more cache lines
	err = parallel.Blocks(ctx, r.d, together, func(lo, hi int) error {
		if t.raw(r) {
			t.readBytes(r, lo, hi)
			return nil
		}
		values := make([]float64, r.n)
		for j := lo; j < hi; j++ {
			if err := ctx.Err(); err != nil {
				return err
			}
			for i := range values {
				values[i] = r.At(i, j) + 0 // -0 is 0
			}
			t.cols[j].read(values, bins)
		}
		return nil
	})
	if err == nil {
		err = t.readRows(ctx, r)
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}

// readBytes fills columns [lo, hi), which are bytes already.
func (t *Table) readBytes(r Rows, lo, hi int) {
	for j := lo; j < hi; j++ {
		t.cols[j].bytes = make([]uint8, r.n)
	}
	for i := range r.n {
		for j, v := range r.bytes[i*r.d+lo : i*r.d+hi] {
			t.cols[lo+j].bytes[i] = v
		}
	}
	for j := lo; j < hi; j++ {
		c := &t.cols[j]
		c.low = r.value[:int(slices.Max(c.bytes))+1]
		c.high, c.varies = c.low, slices.Min(c.bytes) != slices.Max(c.bytes)
	}
}

// readRows fills byRow from the columns.
func (t *Table) readRows(ctx context.Context, r Rows) error {
	for j := range t.cols {
		if t.cols[j].bytes == nil {
			return nil
		}
	}
	if t.raw(r) {
		t.byRow = r.bytes
		return nil
	}
	t.byRow = make([]uint8, r.n*r.d)
	return parallel.Blocks(ctx, r.n, 1024, func(lo, hi int) error {
		for j := range t.cols {
			for i, v := range t.cols[j].bytes[lo:hi] {
				t.byRow[(lo+i)*r.d+j] = v
			}
		}
		return nil
	})
}

// raw reports whether bytes are places as they are.
func (t *Table) raw(r Rows) bool {
	return r.bytes != nil && r.order == nil && (t.bins == 0 || t.bins == maxBins)
}

// read fills the column from its values.
func (c *column) read(values []float64, bins int) {
	distinct, few := fewDistinct(values)
	if !few {
		distinct = slices.Clone(values)
		slices.Sort(distinct)
		if bins > 0 {
			c.cut(distinct, bins)
		} else {
			distinct = slices.Clip(slices.Compact(distinct))
		}
	} else if slices.Sort(distinct); bins > 0 && len(distinct) > bins {
		sorted := slices.Clone(values)
		slices.Sort(sorted)
		c.cut(sorted, bins)
	}
	if c.low == nil {
		c.low, c.high = distinct, distinct
	}
	c.varies = c.places() > 1
	if c.places() > maxBins {
		c.ranks = make([]uint32, len(values))
		for i, v := range values {
			p, _ := slices.BinarySearch(c.low, v)
			c.ranks[i] = uint32(p)
		}
		return
	}
	c.bytes = make([]uint8, len(values))
	for i, v := range values {
		p, _ := slices.BinarySearch(c.high, v) // the first bin that reaches up to v
		c.bytes[i] = uint8(p)
	}
}

// fewDistinct returns the distinct values, unsorted, if there are at most maxBins.
func fewDistinct(values []float64) ([]float64, bool) {
	const size = 4 * maxBins
	var (
		table [size]float64
		used  [size]bool
		list  []float64
	)
	for _, v := range values {
		at := math.Float64bits(v) * 0x9e3779b97f4a7c15 >> 54 // the upper 10 bits
		for used[at] && table[at] != v {
			at = (at + 1) % size
		}
		if !used[at] {
			if len(list) == maxBins {
				return nil, false
			}
			table[at], used[at] = v, true
			list = append(list, v)
		}
	}
	return list, true
}

// cut makes at most bins places of sorted values.
func (c *column) cut(sorted []float64, bins int) {
	c.low, c.high = make([]float64, 0, bins), make([]float64, 0, bins)
	n := len(sorted)
	for lo := 0; lo < n; {
		left := bins - len(c.low)
		hi := min(n, lo+max(1, (n-lo+left-1)/left))
		for hi < n && sorted[hi] == sorted[hi-1] {
			hi++
		}
		if left == 1 {
			hi = n
		}
		c.low, c.high = append(c.low, sorted[lo]), append(c.high, sorted[hi-1])
		lo = hi
	}
}

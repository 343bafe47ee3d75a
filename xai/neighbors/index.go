package neighbors

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/whybook/whybook/xai"
	"gonum.org/v1/gonum/mat"
)

// ErrNotFinite is matched (errors.Is) by errors about a NaN or an infinity, or about
// values so far apart that their distance is not finite.
var ErrNotFinite = errors.New("not finite")

// ErrCount is matched by errors about a number of neighbours that the index does not have.
var ErrCount = errors.New("no such number of neighbours")

// Options says how rows are compared and searched. The zero value is Euclidean distance,
// the method chosen by size, in 64 MiB.
type Options struct {
	Metric  Metric // default Euclidean
	Nominal []int  // columns that hold codes rather than quantities; Gower only
	Method  Method // default Auto; all give the same bytes
	Memory  int    // bytes for the search itself, beside the index and the answer; at least 1 MiB is used; default 64 MiB
}

// Method is a way to search.
type Method int

const (
	Auto     Method = iota // the fastest one by metric, rows and columns
	Products               // blocks of matrix products; Euclidean only
	Tree                   // a k-d tree
	Loop                   // all pairs, whose distances are kept if they fit into Memory
)

// String returns "auto", "products", "tree" or "loop".
func (m Method) String() string {
	if m >= Auto && m <= Loop {
		return [...]string{"auto", "products", "tree", "loop"}[m]
	}
	return fmt.Sprintf("Method(%d)", int(m))
}

// Index holds rows to be searched. It does not change after New and may be used from
// several goroutines.
type Index struct {
	metric Metric
	method Method
	memory int
	rows   int
	width  int
	data   []float64 // rows x width, coded by code
	code   coding
	low    []float64 // the least value of each column
	high   []float64 // the greatest
	tree   *tree     // with method Tree
	pairs  pairs     // with method Loop
}

// New makes an index of the rows of x, n x d with n and d at least 1, which it copies.
//
// Errors match [ErrNotFinite] for NaN, infinities and distances that overflow, and
// [xai.ErrShape] for an empty matrix and nominal columns that do not exist.
func New(x *mat.Dense, o Options) (*Index, error) {
	if x == nil || x.IsEmpty() {
		return nil, fmt.Errorf("neighbors.New: the matrix is empty; need a row and a column at least: %w", xai.ErrShape)
	}
	n, d := x.Dims()
	switch {
	case o.Metric < Euclidean || o.Metric > Gower:
		return nil, fmt.Errorf("neighbors.New: Metric %d is none of Euclidean, Manhattan, Gower", int(o.Metric))
	case o.Method < Auto || o.Method > Loop:
		return nil, fmt.Errorf("neighbors.New: Method %d is none of Auto, Products, Tree, Loop", int(o.Method))
	case o.Method == Products && o.Metric != Euclidean:
		return nil, fmt.Errorf("neighbors.New: Method Products needs the Euclidean metric, not %v; leave Method at Auto", o.Metric)
	case o.Memory < 0:
		return nil, fmt.Errorf("neighbors.New: Memory is %d bytes; want 0 for the default, or more", o.Memory)
	case len(o.Nominal) > 0 && o.Method == Tree:
		return nil, errors.New("neighbors.New: a tree cannot split nominal columns; leave Method at Auto")
	case len(o.Nominal) > 0 && o.Metric != Gower:
		return nil, fmt.Errorf("neighbors.New: nominal columns need Metric Gower, not %v", o.Metric)
	}
	if err := checkFinite("neighbors.New", x); err != nil {
		return nil, err
	}
	code, err := newCoding(x, o.Metric, o.Nominal)
	if err != nil {
		return nil, fmt.Errorf("neighbors.New: %w", err)
	}
	ix := &Index{metric: o.Metric, method: o.Method, rows: n, width: d, code: code}
	ix.memory = 64 << 20
	if o.Memory > 0 {
		ix.memory = max(o.Memory, 1<<20)
	}
	ix.data = code.rows(x)
	ix.low, ix.high = extent(ix.data, d, nil, nil)
	if math.IsInf(ix.sum(ix.low, ix.high), 0) {
		return nil, fmt.Errorf("neighbors.New: distances overflow; scale the columns first: %w", ErrNotFinite)
	}
	ix.method = ix.choose(ix.method)
	if ix.method == Tree {
		ix.tree = grow(ix)
	}
	return ix, nil
}

// Len returns the number of rows.
func (ix *Index) Len() int { return ix.rows }

// Metric returns the metric.
func (ix *Index) Metric() Metric { return ix.metric }

// Method returns the method of searches for nearest rows: Auto has been decided.
func (ix *Index) Method() Method { return ix.method }

// Distance returns the distance between rows i and j, the same bytes as in a search.
func (ix *Index) Distance(i, j int) float64 { return ix.finish(ix.sum(ix.row(i), ix.row(j))) }

func (ix *Index) row(i int) []float64 { return ix.data[i*ix.width : (i+1)*ix.width] }

// extent returns the least and greatest values of each column of rows of d values, and of
// low and high.
func extent(data []float64, d int, low, high []float64) (lo, hi []float64) {
	if low == nil {
		low, high = data[:d], data[:d]
	}
	lo, hi = slices.Clone(low), slices.Clone(high)
	for ; len(data) >= d; data = data[d:] {
		for j, v := range data[:d] {
			lo[j], hi[j] = min(lo[j], v), max(hi[j], v)
		}
	}
	return lo, hi
}

// checkFinite reports the first NaN or infinity of x.
func checkFinite(step string, x *mat.Dense) error {
	n, _ := x.Dims()
	for i := range n {
		for j, v := range x.RawRowView(i) {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return fmt.Errorf("%s: row %d, column %d is %v; drop the row or fill the gap: %w", step, i, j, v, ErrNotFinite)
			}
		}
	}
	return nil
}

// coding turns rows into rows whose Manhattan distance is d times Gower's: columns from 0
// to 1, nominal ones as they are. Of the other metrics, it copies.
type coding struct {
	low, span []float64 // of each column, both 0 and 1 for nominal ones; nil: copy
	nominal   []bool    // nil: none
}

func newCoding(x *mat.Dense, m Metric, nominal []int) (coding, error) {
	var c coding
	if m != Gower {
		return c, nil
	}
	n, d := x.Dims()
	for _, j := range nominal {
		if j < 0 || j >= d {
			return c, fmt.Errorf("nominal column %d: the matrix has %d columns (0-%d): %w", j, d, d-1, xai.ErrShape)
		}
		if c.nominal == nil {
			c.nominal = make([]bool, d)
		}
		c.nominal[j] = true
	}
	c.low, c.span = make([]float64, d), make([]float64, d)
	column := make([]float64, n)
	for j := range c.low {
		if c.nominal != nil && c.nominal[j] {
			c.span[j] = 1
			continue
		}
		mat.Col(column, j, x)
		c.low[j], c.span[j] = slices.Min(column), slices.Max(column)-slices.Min(column)
		if math.IsInf(c.span[j], 0) {
			return c, fmt.Errorf("column %d reaches from %v to %v; scale it first: %w", j, slices.Min(column), slices.Max(column), ErrNotFinite)
		}
	}
	return c, nil
}

// rows codes the rows of x.
func (c coding) rows(x *mat.Dense) []float64 {
	n, d := x.Dims()
	out := make([]float64, n*d)
	for i := range n {
		dst := out[i*d : (i+1)*d]
		copy(dst, x.RawRowView(i))
		if c.low == nil {
			continue
		}
		for j, v := range dst {
			if c.span[j] > 0 {
				dst[j] = (v - c.low[j]) / c.span[j]
			} else {
				dst[j] = 0
			}
		}
	}
	return out
}

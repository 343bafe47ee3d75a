package imbalance

import (
	"math"
	"slices"

	"github.com/whybook/whybook/xai/internal/gemm"
	"github.com/whybook/whybook/xai/neighbors"
	"gonum.org/v1/gonum/mat"
)

// data is rows with classes numbered from 0, none without rows.
type data struct {
	x       *mat.Dense
	y       []int
	members [][]int // rows of each class, ascending
}

func newData(x *mat.Dense, y []int, classes int) data {
	d := data{x: x, y: y, members: make([][]int, classes)}
	for i, c := range y {
		d.members[c] = append(d.members[c], i)
	}
	return d
}

func (d data) rows() int     { return len(d.y) }
func (d data) features() int { _, m := d.x.Dims(); return m }

// take returns some rows, in order.
func (d data) take(rows []int) data {
	x := mat.NewDense(len(rows), d.features(), nil)
	y := make([]int, len(rows))
	for i, r := range rows {
		x.SetRow(i, d.x.RawRowView(r))
		y[i] = d.y[r]
	}
	return newData(x, y, len(d.members))
}

// pair returns the rows of classes a and b as classes 0 and 1, in their order.
func (d data) pair(a, b int) data {
	rows := slices.Concat(d.members[a], d.members[b])
	slices.Sort(rows)
	p := d.take(rows)
	y := make([]int, len(rows))
	for i, c := range p.y {
		if c == b {
			y[i] = 1
		}
	}
	return newData(p.x, y, 2)
}

// against returns all rows with class c as 0 and all others as 1.
func (d data) against(c int) data {
	y := make([]int, d.rows())
	for i, l := range d.y {
		if l != c {
			y[i] = 1
		}
	}
	return newData(d.x, y, 2)
}

// pairs returns the two-class parts of all pairs of classes.
func (d data) pairs() []data {
	var list []data
	for a := range d.members {
		for b := a + 1; b < len(d.members); b++ {
			list = append(list, d.pair(a, b))
		}
	}
	return list
}

// extent returns the least and greatest value of each feature in a class.
func (d data) extent(class int) (low, high []float64) {
	for i, r := range d.members[class] {
		row := d.x.RawRowView(r)
		if i == 0 {
			low, high = slices.Clone(row), slices.Clone(row)
			continue
		}
		for f, v := range row {
			low[f], high[f] = min(low[f], v), max(high[f], v)
		}
	}
	return low, high
}

// moments returns the mean of each feature in a class and the sum of squared differences
// from it.
func (d data) moments(class int) (mean, squares []float64) {
	mean, squares = make([]float64, d.features()), make([]float64, d.features())
	for _, r := range d.members[class] {
		for f, v := range d.x.RawRowView(r) {
			mean[f] += v
		}
	}
	for f := range mean {
		mean[f] /= float64(len(d.members[class]))
	}
	for _, r := range d.members[class] {
		for f, v := range d.x.RawRowView(r) {
			squares[f] += (v - mean[f]) * (v - mean[f])
		}
	}
	return mean, squares
}

// index prepares the rows for searches.
func (d data) index(by Distance, c Convention, memory int) (*neighbors.Index, error) {
	switch {
	case by == Euclidean:
		return neighbors.New(d.x, neighbors.Options{Memory: memory})
	case by == ScaledEuclidean:
		return neighbors.New(unit(d.x, d.x), neighbors.Options{Memory: memory})
	case c == PyMFE: // whose scaled values have roundings of their own, which break ties
		return neighbors.New(unitByFactor(d.x, d.x), neighbors.Options{Metric: neighbors.Manhattan, Memory: memory})
	}
	return neighbors.New(d.x, neighbors.Options{Metric: neighbors.Gower, Memory: memory})
}

// queries prepares rows for a query of what index made.
func (d data) queries(q *mat.Dense, by Distance, c Convention) *mat.Dense {
	switch {
	case by == ScaledEuclidean:
		return unit(q, d.x)
	case by == Gower && c == PyMFE:
		return unitByFactor(q, d.x)
	}
	return q
}

// ranges returns the least value of each column and its range.
func ranges(x *mat.Dense) (low, span []float64) {
	n, _ := x.Dims()
	low = slices.Clone(x.RawRowView(0))
	span = slices.Clone(low) // the greatest values, until the end
	for i := 1; i < n; i++ {
		for f, v := range x.RawRowView(i) {
			low[f], span[f] = min(low[f], v), max(span[f], v)
		}
	}
	for f := range span {
		span[f] -= low[f]
	}
	return low, span
}

// unit scales q so that the columns of x reach from 0 to 1; constant ones become 0.
func unit(q, x *mat.Dense) *mat.Dense {
	low, span := ranges(x)
	out := mat.DenseCopyOf(q)
	out.Apply(func(_, f int, v float64) float64 {
		if span[f] == 0 {
			return 0
		}
		return (v - low[f]) / span[f]
	}, out)
	return out
}

// unitByFactor is unit as scikit-learn's MinMaxScaler computes it.
func unitByFactor(q, x *mat.Dense) *mat.Dense {
	low, span := ranges(x)
	out := mat.DenseCopyOf(q)
	out.Apply(func(_, f int, v float64) float64 {
		factor := 1.0
		if span[f] > 0 {
			factor = 1 / span[f]
		}
		return float64(v*factor) - float64(low[f]*factor)
	}, out)
	return out
}

// standard returns what scales the columns of x to mean 0 and deviation 1, where the
// variance divides by n-less; constant ones become 0.
func standard(x *mat.Dense, less float64) func(*mat.Dense) *mat.Dense {
	n, m := x.Dims()
	mean, factor := make([]float64, m), make([]float64, m)
	for i := range n {
		for f, v := range x.RawRowView(i) {
			mean[f] += v / float64(n)
		}
	}
	for i := range n {
		for f, v := range x.RawRowView(i) {
			factor[f] += (v - mean[f]) * (v - mean[f])
		}
	}
	_, span := ranges(x)
	for f, squares := range factor {
		if factor[f] = 0; span[f] > 0 {
			factor[f] = 1 / math.Sqrt(squares/(float64(n)-less))
		}
	}
	return func(q *mat.Dense) *mat.Dense {
		rows, _ := q.Dims()
		out := mat.NewDense(rows, m, nil)
		for i := range rows {
			to := out.RawRowView(i)
			for f, v := range q.RawRowView(i) {
				to[f] = (v - mean[f]) * factor[f]
			}
		}
		return out
	}
}

// gram returns x'x in dst, which has the room, or in a new matrix.
func gram(dst []float64, x *mat.Dense) *mat.SymDense {
	n, m := x.Dims()
	if dst == nil {
		dst = make([]float64, m*m)
	}
	raw := x.RawMatrix()
	gemm.DGEMM(true, false, m, m, n, 1, raw.Data, raw.Stride, raw.Data, raw.Stride, 0, dst, m)
	return mat.NewSymDense(m, dst)
}

// outer returns xx'.
func outer(x *mat.Dense) *mat.SymDense {
	n, m := x.Dims()
	dst := make([]float64, n*n)
	raw := x.RawMatrix()
	gemm.DGEMM(false, true, n, n, m, 1, raw.Data, raw.Stride, raw.Data, raw.Stride, 0, dst, n)
	return mat.NewSymDense(n, dst)
}

// mean of the values that are numbers; NaN without any.
func mean(values []float64) float64 {
	sum, n := 0.0, 0
	for _, v := range values {
		if !math.IsNaN(v) {
			sum += v
			n++
		}
	}
	return sum / float64(n)
}

package tree

import (
	"context"
	"fmt"
	"math"

	"github.com/whybook/whybook/xai"
	"gonum.org/v1/gonum/mat"
)

// Criterion is the impurity that splits of a classification tree reduce.
type Criterion uint8

const (
	Gini     Criterion = iota // 1 - sum p_c^2
	Entropy                   // - sum p_c ln p_c, in nats
	variance                  // of regression
)

// String returns "gini", "entropy" or "variance".
func (c Criterion) String() string {
	return [...]string{"gini", "entropy", "variance"}[min(c, variance)]
}

// CART grows trees. Its zero value grows them until every leaf is pure.
type CART struct {
	Criterion Criterion // of classification; default Gini
	MaxDepth  int       // tests on the way to any leaf; default no limit
	MinSplit  int       // rows that a node needs to be split; default 2
	MinLeaf   int       // rows that a leaf needs; default 1
	Features  int       // columns tried at each split, drawn anew each time, not counting those that are constant in the node; default all
	Bins      int       // 2-256: bins of columns with more values, see Prepare; default every value is a split point
	Alpha     float64   // prune as Tree.Prune does; default not
	Weights   []float64 // n weights of rows, at least 0; default 1 each. Rows of weight 0 do not count as rows
	Seed      uint64    // of the columns that are drawn
}

// Classify grows a classification tree from the rows of x, n x d, and their labels, each
// in [0, classes). x may be a *Table. Its values must be finite (ErrNotFinite), and sizes
// agree (xai.ErrShape); a label that is no class matches xai.ErrTarget.
func (c CART) Classify(ctx context.Context, x mat.Matrix, labels []int, classes int) (*Tree, error) {
	t, err := c.classify(ctx, x, labels, classes)
	if err != nil {
		return nil, fmt.Errorf("tree.CART.Classify: %w", err)
	}
	return t, nil
}

func (c CART) classify(ctx context.Context, x mat.Matrix, labels []int, classes int) (*Tree, error) {
	if c.Criterion > Entropy {
		return nil, fmt.Errorf("field Criterion is %d; it must be Gini or Entropy", c.Criterion)
	}
	if classes < 1 || classes > maxClasses {
		return nil, fmt.Errorf("%d classes; there must be 1-%d", classes, maxClasses)
	}
	t, whole, err := c.prepare(ctx, x, len(labels))
	if err != nil {
		return nil, err
	}
	for i, y := range labels {
		if y < 0 || y >= classes {
			return nil, fmt.Errorf("row %d has label %d, but there are %d classes (0-%d): %w", i, y, classes, classes-1, xai.ErrTarget)
		}
	}
	e := make([]entry, 0, t.rows)
	for i, y := range labels {
		w := c.weight(i)
		if w == 0 {
			continue
		}
		n := entry{row: uint32(i), class: uint16(y)}
		if whole {
			n.weight = uint16(w)
		}
		e = append(e, n)
	}
	if whole {
		g := &grower[uint32]{stride: classes, fill: fillCounts}
		if c.Criterion == Entropy {
			g.scanner = func() scanner[uint32] { return newEntropyCounts(classes) }
		} else {
			g.scanner = func() scanner[uint32] { return newGiniCounts(classes) }
		}
		return grow(ctx, c, t, g, e, &target{k: classes, classes: true, criterion: c.Criterion, weights: c.Weights})
	}
	g := &grower[float64]{stride: classes + 1, countRows: true, fill: fillWeights(c.Weights)}
	if c.Criterion == Entropy {
		g.scanner = func() scanner[float64] { return newEntropySums(classes) }
	} else {
		g.scanner = func() scanner[float64] { return newSquareSums(classes) }
	}
	return grow(ctx, c, t, g, e, &target{k: classes, classes: true, criterion: c.Criterion, weights: c.Weights})
}

// Regress grows a regression tree from the rows of x, n x d, and their outputs y, n x k:
// all outputs share one tree, whose leaves hold their means. x may be a *Table. Errors are
// those of Classify; y must be finite too.
func (c CART) Regress(ctx context.Context, x, y mat.Matrix) (*Tree, error) {
	t, err := c.regress(ctx, x, y)
	if err != nil {
		return nil, fmt.Errorf("tree.CART.Regress: %w", err)
	}
	return t, nil
}

func (c CART) regress(ctx context.Context, x, y mat.Matrix) (*Tree, error) {
	if c.Criterion != Gini {
		return nil, fmt.Errorf("field Criterion is %v; it is for classification", c.Criterion)
	}
	out, err := Check(ctx, y)
	if err != nil {
		return nil, fmt.Errorf("outputs: %w", err)
	}
	t, _, err := c.prepare(ctx, x, out.n)
	if err != nil {
		return nil, err
	}
	k := out.d
	tg := &target{k: k, criterion: variance, weights: c.Weights, y: make([]float64, 0, out.n*k)}
	for i := range out.n {
		for j := range k {
			tg.y = append(tg.y, out.At(i, j))
		}
	}
	e, total, mean := make([]entry, 0, t.rows), 0.0, make([]float64, k)
	for i := range t.rows {
		if w := c.weight(i); w > 0 {
			e = append(e, entry{row: uint32(i)})
			total += w
			for j, v := range tg.y[i*k : (i+1)*k] {
				mean[j] += w * v
			}
		}
	}
	// Splits are searched among outputs less their mean, whose squares are smaller.
	centred := make([]float64, len(tg.y))
	for i, v := range tg.y {
		centred[i] = v - mean[i%k]/total
		if !finite(centred[i]) || !finite(centred[i]*centred[i]*total) {
			return nil, fmt.Errorf("outputs: row %d, column %d is %v, too large to be squared: %w", i/k, i%k, v, ErrNotFinite)
		}
	}
	g := &grower[float64]{
		stride: k + 1, countRows: true, fill: fillOutputs(centred, k, c.Weights),
		scanner: func() scanner[float64] { return newSquareSums(k) },
	}
	return grow(ctx, c, t, g, e, tg)
}

// maxClasses is what the class of an entry can hold.
const maxClasses = math.MaxUint16 + 1

// prepare checks the fields and x, of n rows, and reports whether all weights are whole
// numbers that entries can hold.
func (c CART) prepare(ctx context.Context, x mat.Matrix, n int) (t *Table, whole bool, err error) {
	for _, f := range []struct {
		name  string
		value int
	}{{"MaxDepth", c.MaxDepth}, {"MinSplit", c.MinSplit}, {"MinLeaf", c.MinLeaf}, {"Features", c.Features}} {
		if f.value < 0 {
			return nil, false, fmt.Errorf("field %s is %d; it must be at least 1, or 0 for its default", f.name, f.value)
		}
	}
	if !(c.Alpha >= 0) {
		return nil, false, fmt.Errorf("field Alpha is %v; it must be at least 0", c.Alpha)
	}
	t, ready := x.(*Table)
	switch {
	case ready && t == nil:
		return nil, false, fmt.Errorf("need a table, have nil: %w", xai.ErrShape)
	case ready && c.Bins != 0 && c.Bins != t.bins:
		return nil, false, fmt.Errorf("field Bins is %d for a Table that was prepared with %d", c.Bins, t.bins)
	case !ready:
		if t, err = prepare(ctx, x, c.Bins); err != nil {
			return nil, false, err
		}
	}
	switch {
	case t.rows != n:
		return nil, false, fmt.Errorf("%d rows with %d labels or outputs: %w", t.rows, n, xai.ErrShape)
	case c.Features > len(t.cols):
		return nil, false, fmt.Errorf("field Features is %d for %d columns", c.Features, len(t.cols))
	case c.Weights != nil && len(c.Weights) != n:
		return nil, false, fmt.Errorf("field Weights has %d values for %d rows: %w", len(c.Weights), n, xai.ErrShape)
	}
	total := 0.0
	whole = true
	for i := range n {
		w := c.weight(i)
		if !(w >= 0) || math.IsInf(w, 1) {
			return nil, false, fmt.Errorf("field Weights: row %d has %v; it must be at least 0: %w", i, w, ErrNotFinite)
		}
		whole = whole && w <= math.MaxUint16 && w == math.Trunc(w)
		total += w
	}
	if total == 0 || math.IsInf(total, 1) {
		return nil, false, fmt.Errorf("field Weights adds up to %v; some weight must be above 0 and the sum finite", total)
	}
	return t, whole && total <= math.MaxUint32, nil
}

func (c CART) weight(i int) float64 {
	if c.Weights == nil {
		return 1
	}
	return c.Weights[i]
}

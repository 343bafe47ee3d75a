package flint

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/progress"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// Maximisation are the settings of activation maximisation with partial initialisation (paper,
// section 3.2): from a dim copy of an image, Adam climbs
//
//	Gain phi_j(x) - Smooth TV(x) - Bound Bo(x) - Sparse mean |x|
//
// TV(x) is the mean of |x[r,c] - x[r+1,c]| plus that of |x[r,c] - x[r,c+1]|, Bo(x) the mean over
// all values of |x| where x is above High or below Low, and 0 elsewhere. Each stage has an
// optimiser of its own and half the rate of the one before it. The zero value is the authors'
// setting for MNIST, Fashion-MNIST and QuickDraw; theirs for CIFAR-10, on normalised images, is
// Initial 0.4 (0.6 for a single image), Low and High -2.5 and 2.5, Bound and Smooth 20.
//
// With the authors' weights the penalties, which are means over all values, are weak beside the
// attribute on MNIST: images leave the range far behind. Bound 1000 and Smooth 200 hold them.
type Maximisation struct {
	Initial   float64 // the brightness of the copy; default 0.3
	Low, High float64 // values that an input should have; default 0 and 1
	Gain      float64 // C; default 2
	Bound     float64 // default 10; negative for none
	Smooth    float64 // default 6; negative for none
	Sparse    float64 // default 0, as always in the authors' code
	Stages    int     // default 12
	Steps     int     // of a stage; default 50
	Rate      float64 // of the first stage; default 0.05
}

func (m Maximisation) withDefaults() (Maximisation, error) {
	for _, f := range []struct {
		name       string
		value      *float64
		def, least float64
	}{
		{"Initial", &m.Initial, 0.3, 0}, {"Gain", &m.Gain, 2, 0}, {"Bound", &m.Bound, 10, math.Inf(-1)},
		{"Smooth", &m.Smooth, 6, math.Inf(-1)}, {"Sparse", &m.Sparse, 0, 0}, {"Rate", &m.Rate, 0.05, 0},
	} {
		if *f.value == 0 {
			*f.value = f.def
		}
		if !(*f.value >= f.least) || math.IsInf(*f.value, 1) {
			return m, fmt.Errorf("flint.Maximisation: field %s must be finite and not below %v, is %v", f.name, f.least, *f.value)
		}
		*f.value = max(*f.value, 0)
	}
	if m.Low == 0 && m.High == 0 {
		m.High = 1
	}
	if !(m.Low < m.High) || math.IsInf(m.Low, 0) || math.IsInf(m.High, 0) {
		return m, fmt.Errorf("flint.Maximisation: field Low (%v) must be below High (%v), both finite", m.Low, m.High)
	}
	for _, f := range []struct {
		name  string
		value *int
		def   int
	}{{"Stages", &m.Stages, 12}, {"Steps", &m.Steps, 50}} {
		if *f.value == 0 {
			*f.value = f.def
		}
		if *f.value < 0 {
			return m, fmt.Errorf("flint.Maximisation: field %s must be positive, is %d", f.name, *f.value)
		}
	}
	return m, nil
}

// Maximised are images that make attributes large.
type Maximised struct {
	Shape      datasets.Shape
	Attributes []int      // of each row
	From       *mat.Dense // n x d: the images themselves
	Images     *mat.Dense // n x d; values may be somewhat outside of Low and High
	Original   []float64  // phi_j of the image itself
	Before     []float64  // of the dim copy
	After      []float64  // of what became of it
}

// maximisedRows is how many images are changed at once.
const maximisedRows = 64

// Maximise changes each row of x, n x d, so that the attribute with the row's number in
// attributes grows. Rows do not depend on each other.
func (in *Interpreter) Maximise(ctx context.Context, x *mat.Dense, attributes []int, m Maximisation) (*Maximised, error) {
	m, err := m.withDefaults()
	if err != nil {
		return nil, err
	}
	if x == nil || x.IsEmpty() {
		return nil, fmt.Errorf("flint.Interpreter.Maximise: no rows: %w", xai.ErrShape)
	}
	n, d := x.Dims()
	if want, _ := in.Net.Dims(); d != want {
		return nil, fmt.Errorf("flint.Interpreter.Maximise: rows of %d values, the network takes %d: %w", d, want, xai.ErrShape)
	}
	if len(attributes) != n {
		return nil, fmt.Errorf("flint.Interpreter.Maximise: %d attributes for %d rows: %w", len(attributes), n, xai.ErrShape)
	}
	for _, j := range attributes {
		if err := in.attribute(j); err != nil {
			return nil, fmt.Errorf("flint.Interpreter.Maximise: %w", err)
		}
	}
	for i := range n {
		if row := x.RawRowView(i); notFinite(row) >= 0 {
			return nil, fmt.Errorf("flint.Interpreter.Maximise: value %d of row %d is %v, need finite values", notFinite(row), i, row[notFinite(row)])
		}
	}
	phi, err := in.AttributeNet()
	if err != nil {
		return nil, err
	}
	out := &Maximised{Shape: in.Net.Arch().Input(), Attributes: slices.Clone(attributes), From: mat.DenseCopyOf(x), Images: mat.NewDense(n, d, nil)}
	for lo := 0; lo < n; lo += maximisedRows {
		hi := min(lo+maximisedRows, n)
		rows := x.Slice(lo, hi, 0, d).(*mat.Dense)
		targets, part := attributes[lo:hi], out.Images.Slice(lo, hi, 0, d).(*mat.Dense)
		part.Scale(m.Initial, rows)
		for _, at := range []struct {
			x  *mat.Dense
			to *[]float64
		}{{rows, &out.Original}, {part, &out.Before}, {part, &out.After}} {
			if at.to == &out.After {
				report := func(step int) { progress.Report(ctx, "maximise", lo*m.Stages*m.Steps+(hi-lo)*step, n*m.Stages*m.Steps) }
				if err := m.climb(ctx, phi, part, targets, out.Shape, report); err != nil {
					return nil, fmt.Errorf("flint.Interpreter.Maximise: %w", err)
				}
			}
			v, err := phi.Scores(ctx, at.x)
			if err != nil {
				return nil, fmt.Errorf("flint.Interpreter.Maximise: %w", err)
			}
			for i, j := range targets {
				*at.to = append(*at.to, v.At(i, j))
			}
		}
	}
	return out, nil
}

// part returns some rows.
func (m *Maximised) part(lo, hi int) *Maximised {
	_, d := m.Images.Dims()
	rows := func(of *mat.Dense) *mat.Dense { return of.Slice(lo, hi, 0, d).(*mat.Dense) }
	return &Maximised{m.Shape, m.Attributes[lo:hi], rows(m.From), rows(m.Images), m.Original[lo:hi], m.Before[lo:hi], m.After[lo:hi]}
}

// climb runs all stages on x, in place.
func (m Maximisation) climb(ctx context.Context, phi xai.Differentiable, x *mat.Dense, targets []int, s shape, report func(step int)) error {
	n, d := x.Dims()
	grad := mat.NewDense(n, d, nil)
	for stage := range m.Stages {
		rate := m.Rate / math.Pow(2, float64(stage))
		mean, square := mat.NewDense(n, d, nil), mat.NewDense(n, d, nil)
		for step := 1; step <= m.Steps; step++ {
			if err := ctx.Err(); err != nil {
				return fmt.Errorf("stopped in stage %d of %d, step %d of %d: %w", stage+1, m.Stages, step, m.Steps, err)
			}
			if _, err := phi.Gradients(ctx, grad, x, targets); err != nil {
				return err
			}
			for i := range n {
				g, v := grad.RawRowView(i), x.RawRowView(i)
				floats.Scale(m.Gain, g)
				m.penalise(g, v, s)
				if j := notFinite(g); j >= 0 {
					return fmt.Errorf("the gradient of attribute %d is %v in stage %d, step %d", targets[i], g[j], stage+1, step)
				}
				adam(v, g, mean.RawRowView(i), square.RawRowView(i), rate, step)
			}
			report(stage*m.Steps + step)
		}
	}
	return nil
}

// adam takes a step up, with the usual constants (Kingma and Ba, arXiv 1412.6980).
func adam(x, g, mean, square []float64, rate float64, step int) {
	const b1, b2, eps = 0.9, 0.999, 1e-8
	c1, c2 := 1-math.Pow(b1, float64(step)), 1-math.Pow(b2, float64(step))
	for j, v := range g {
		mean[j] = b1*mean[j] + (1-b1)*v
		square[j] = b2*square[j] + (1-b2)*v*v
		x[j] += rate * mean[j] / c1 / (math.Sqrt(square[j]/c2) + eps)
	}
}

// penalise subtracts the gradient of the penalties at x from g. At a kink it is 0.
func (m Maximisation) penalise(g, x []float64, s shape) {
	n := float64(len(x))
	for j, v := range x {
		if v < m.Low || v > m.High {
			g[j] -= m.Bound / n * sign(v)
		}
		g[j] -= m.Sparse / n * sign(v)
	}
	along := func(step, rows, columns int) {
		w := m.Smooth / float64(s.Channels*rows*columns)
		for c := range s.Channels {
			for r := range rows {
				for col := range columns {
					j := (c*s.Height+r)*s.Width + col
					d := w * sign(x[j]-x[j+step])
					g[j] -= d
					g[j+step] += d
				}
			}
		}
	}
	along(s.Width, s.Height-1, s.Width)
	along(1, s.Height, s.Width-1)
}

func sign(v float64) float64 {
	switch {
	case v > 0:
		return 1
	case v < 0:
		return -1
	}
	return 0
}

// notFinite returns the place of the first value that is NaN or infinite, or -1.
func notFinite(row []float64) int {
	for j, v := range row {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return j
		}
	}
	return -1
}

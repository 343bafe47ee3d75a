package saliency

import (
	"context"
	"fmt"
	"slices"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/progress"
	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// Smooth summarises the maps of another method over noisy copies of the input. With e_s
// drawn from N(0, sigma^2 I) and M the inner method, its kinds are
//
//	Mean      (1/S) sum_s M(x + e_s)       SmoothGrad, Smilkov et al., 2017, arXiv:1706.03825
//	Squared   (1/S) sum_s M(x + e_s)^2     SmoothGrad squared, Hooker et al., 2018, arXiv:1806.10758
//	Variance  (1/S) sum_s (M(x + e_s) - mean)^2     VarGrad, Adebayo et al., 2018, arXiv:1810.03292
//
// As in the first paper, noisy copies are not clipped to the range of the input. All rows
// of a batch get the same noise, up to its scale. A row has no map where the inner method
// has none for one of its copies.
type Smooth struct {
	Of      Method  // the inner method; default Gradient{}
	Samples int     // noisy copies; default 50
	Sigma   float64 // standard deviation as a fraction of High - Low, or of the row's own range where there are no limits; default 0.15
	Kind    Kind    // what is reported; default Mean
	Seed    uint64  // of the noise
	Batch   int     // copies given to the inner method at once; default 64
}

// Kind is the summary that Smooth reports.
type Kind int

// The kinds of Smooth.
const (
	Mean Kind = iota
	Squared
	Variance
)

var kinds = [...]string{"Mean", "Squared", "Variance"}

// GoString returns the kind as Go code.
func (k Kind) GoString() string {
	if k < 0 || int(k) >= len(kinds) {
		return fmt.Sprintf("saliency.Kind(%d)", int(k))
	}
	return "saliency." + kinds[k]
}

// Signed implements Method: a mean has the inner method's signs, squares have none.
func (m Smooth) Signed() bool { return m.Kind == Mean && m.inner().Signed() }

// Title implements Titled: "SmoothGrad", or what is done to which method.
func (m Smooth) Title() string {
	if _, gradient := m.inner().(Gradient); gradient {
		return [...]string{"SmoothGrad", "SmoothGrad squared", "VarGrad"}[min(max(m.Kind, Mean), Variance)]
	}
	return [...]string{"Smooth ", "Smooth squared ", "Variance of "}[min(max(m.Kind, Mean), Variance)] + lower(words(m.inner()))
}

func (m Smooth) inner() Method {
	if m.Of == nil {
		return Gradient{}
	}
	return m.Of
}

// Attribute implements Method. Passes counts those of the inner method.
func (m Smooth) Attribute(ctx context.Context, f xai.Differentiable, dst *mat.Dense, in Batch) (Report, error) {
	if err := in.Check(f, dst); err != nil {
		return Report{}, err
	}
	n, d := in.X.Dims()
	samples, err := count("Samples", m.Samples, 50)
	if err != nil {
		return Report{}, err
	}
	sigma, err := amount("Sigma", m.Sigma, 0.15)
	if err != nil {
		return Report{}, err
	}
	size, err := count("Batch", m.Batch, 64)
	if err != nil {
		return Report{}, err
	}
	if m.Kind < Mean || m.Kind > Variance {
		return Report{}, fmt.Errorf("field Kind must be Mean, Squared or Variance, not %d", int(m.Kind))
	}
	if m.Of != nil && isNil(m.Of) {
		return Report{}, fmt.Errorf("field Of is a nil %T", m.Of)
	}

	scale := make([]float64, n)
	for i := range scale {
		scale[i] = sigma * (in.High - in.Low)
		if in.High == in.Low {
			row := in.X.RawRowView(i)
			scale[i] = sigma * (slices.Max(row) - slices.Min(row))
		}
	}
	size = min(size, n*samples)
	points, maps := mat.NewDense(size, d, nil), mat.NewDense(size, d, nil)
	owner, targets := make([]int, 0, size), make([]int, 0, size)
	seen := make([]int, n)
	var squares *mat.Dense // sums of squared deviations
	if m.Kind == Variance {
		squares = mat.NewDense(n, d, nil)
	}
	dst.Zero()
	var all Report
	passes, done := 0, 0
	flush := func() error {
		rows := len(owner)
		if rows == 0 {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		sub := in
		sub.X, sub.Targets = points.Slice(0, rows, 0, d).(*mat.Dense), targets
		report, err := m.inner().Attribute(ctx, f, maps.Slice(0, rows, 0, d).(*mat.Dense), sub)
		if err != nil {
			return fmt.Errorf("after %d of %d noisy copies: %w", done, n*samples, err)
		}
		passes = report.Passes
		for p, i := range owner {
			if seen[i]++; all.Err(i) != nil {
				continue
			}
			if why := report.Err(p); why != nil {
				all.undefined(dst, i, "noisy copy %d: %w", seen[i]-1, why)
				continue
			}
			mean := dst.RawRowView(i)
			for j, v := range maps.RawRowView(p) {
				switch m.Kind {
				case Mean:
					mean[j] += v
				case Squared:
					mean[j] += v * v
				case Variance: // Welford's recurrence: no cancellation
					delta := v - mean[j]
					mean[j] += delta / float64(seen[i])
					squares.RawRowView(i)[j] += delta * (v - mean[j])
				}
			}
		}
		done += rows
		owner, targets = owner[:0], targets[:0]
		progress.Report(ctx, "smoothing", done, n*samples)
		return nil
	}
	noise := make([]float64, d)
	for s := range samples {
		stream := seed.Stream(m.Seed, "smooth", s)
		for j := range noise {
			noise[j] = stream.NormFloat64()
		}
		for i := range n {
			point := points.RawRowView(len(owner))
			for j, v := range in.X.RawRowView(i) {
				point[j] = v + scale[i]*noise[j]
			}
			owner, targets = append(owner, i), append(targets, in.Targets[i])
			if len(owner) == size {
				if err := flush(); err != nil {
					return Report{}, err
				}
			}
		}
	}
	if err := flush(); err != nil {
		return Report{}, err
	}
	for i := range n {
		row := dst.RawRowView(i)
		if m.Kind == Variance && all.Err(i) == nil {
			copy(row, squares.RawRowView(i))
		}
		floats.Scale(1/float64(samples), row)
	}
	all.Passes = samples * passes
	return all, nil
}

var _ Method = Smooth{}

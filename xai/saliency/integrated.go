package saliency

import (
	"context"
	"fmt"
	"math"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/progress"
	"gonum.org/v1/gonum/mat"
)

// IntegratedGradients is the path integral of the gradient along the straight line from
// a baseline x' to the input (Sundararajan, Taly and Yan, 2017, arXiv:1703.01365, eq. 1):
//
//	IG_i(x) = (x_i - x'_i) * integral over t in [0,1] of df/dx_i (x' + t (x - x'))
//
// The integral is taken by the midpoint rule. For each row the report has the
// completeness error: what the map's sum misses of f(x) - f(x').
type IntegratedGradients struct {
	Steps    int       // points on the path; default 50
	Baseline []float64 // x', d values in the input's units; default zeros (a black image)
	Batch    int       // points in flight, which bounds the memory; default 64
}

// Signed implements Method.
func (IntegratedGradients) Signed() bool { return true }

// Attribute implements Method. Memory does not grow with Steps: the path is walked in
// blocks of points, and each is added to the sum as it comes.
func (ig IntegratedGradients) Attribute(ctx context.Context, f xai.Differentiable, dst *mat.Dense, in Batch) (Report, error) {
	x, targets := in.X, in.Targets
	n, d := x.Dims()
	steps := ig.Steps
	switch {
	case steps < 0:
		return Report{}, fmt.Errorf("field Steps must be positive, not %d", steps)
	case ig.Batch < 0:
		return Report{}, fmt.Errorf("field Batch must be positive, not %d", ig.Batch)
	case steps == 0:
		steps = 50
	}
	baseline := ig.Baseline
	if baseline == nil {
		baseline = make([]float64, d)
	} else if len(baseline) != d {
		return Report{}, fmt.Errorf("the baseline has %d values, the input %d: %w", len(baseline), d, xai.ErrShape)
	}
	for j, v := range baseline {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return Report{}, fmt.Errorf("value %d of the baseline is %v", j, v)
		}
	}

	block := ig.Batch
	if block == 0 {
		block = 64
	}
	block = min(block, n*steps)
	points := mat.NewDense(block, d, nil)
	grads := mat.NewDense(block, d, nil)
	owner := make([]int, 0, block) // the row of x that each point belongs to
	target := make([]int, 0, block)
	dst.Zero()
	total, done := n*steps, 0
	flush := func() error {
		m := len(owner)
		if m == 0 {
			return nil
		}
		_, err := f.Gradients(ctx, grads.Slice(0, m, 0, d).(*mat.Dense), points.Slice(0, m, 0, d).(*mat.Dense), target)
		if err != nil {
			return fmt.Errorf("after %d of %d gradients: %w", done, total, err)
		}
		for p, i := range owner {
			sum := dst.RawRowView(i)
			for j, g := range grads.RawRowView(p) {
				sum[j] += g
			}
		}
		done += m
		owner, target = owner[:0], target[:0]
		progress.Report(ctx, "integrated gradients", done, total)
		return nil
	}
	for i := range n {
		row := x.RawRowView(i)
		for s := range steps {
			t := (float64(s) + 0.5) / float64(steps)
			point := points.RawRowView(len(owner))
			for j, v := range row {
				point[j] = baseline[j] + t*(v-baseline[j])
			}
			owner, target = append(owner, i), append(target, targets[i])
			if len(owner) == block {
				if err := flush(); err != nil {
					return Report{}, err
				}
			}
		}
	}
	if err := flush(); err != nil {
		return Report{}, err
	}

	ends := mat.NewDense(n+1, d, nil) // the inputs, and the baseline once
	for i := range n {
		ends.SetRow(i, x.RawRowView(i))
	}
	ends.SetRow(n, baseline)
	scores, err := f.Scores(ctx, ends)
	if err != nil {
		return Report{}, err
	}
	report := Report{Passes: steps + 2, Completeness: make([]Completeness, n)}
	for i := range n {
		row, from := dst.RawRowView(i), x.RawRowView(i)
		c := &report.Completeness[i]
		for j := range row {
			row[j] *= (from[j] - baseline[j]) / float64(steps)
			c.Sum += row[j]
		}
		c.Change = scores.At(i, targets[i]) - scores.At(n, targets[i])
	}
	return report, nil
}

var _ Method = IntegratedGradients{}

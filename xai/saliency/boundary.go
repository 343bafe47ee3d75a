package saliency

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/progress"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// Boundary is a nonlinear map: a small change of the input that moves it across the
// decision boundary of the target class c. With the margin
//
//	m(x) = f_c(x) - max over k != c of f_k(x)
//
// an input of class c is changed until m <= 0, and the map is minus the change: what must
// go. Any other input is changed until m >= 0, and the map is the change: what must come.
// The search is that of DeepFool (Moosavi-Dezfooli et al., 2015, arXiv:1511.04599):
//
//	x <- clip(x - (1 + 0.02) m(x)/||g||^2 g),  g = grad m(x)
//
// Where the margin is affine and nothing is clipped, the map is parallel to its gradient
// and, up to the 2 %, the smallest change. See GradientFlow for the paper behind the
// nonlinear maps; its formulas were not available, and this definition is ours.
//
// The only score of a model that has one counts as the margin over a rival with the score 0,
// as in a binary classifier. So the map toward the Margin of a class is the map of that
// class, and other scalars are changed until they are 0.
//
// Where the boundary is not reached, because the margin is flat, lies outside the limits
// or is not found within Steps steps, there is no map (Report.Undefined).
type Boundary struct {
	Steps     int     // at most; default 50
	Overshoot float64 // default 0.02
	Free      bool    // leave the limits [Low, High] of the input out of account
	Batch     int     // rows in flight; default 64
}

// Signed implements Method.
func (Boundary) Signed() bool { return true }

// Attribute implements Method.
func (m Boundary) Attribute(ctx context.Context, f xai.Differentiable, dst *mat.Dense, in Batch) (Report, error) {
	if err := in.Check(f, dst); err != nil {
		return Report{}, err
	}
	n, d := in.X.Dims()
	steps, err := count("Steps", m.Steps, 50)
	if err != nil {
		return Report{}, err
	}
	overshoot, err := amount("Overshoot", m.Overshoot, 0.02)
	if err != nil {
		return Report{}, err
	}
	size, err := count("Batch", m.Batch, 64)
	if err != nil {
		return Report{}, err
	}
	if m.Free {
		in.Low, in.High = 0, 0
	}
	_, scoresOf := f.Dims()
	passes := min(scoresOf, 2) // in a step
	size = min(size, n)
	points, grads, rivals := mat.NewDense(size, d, nil), mat.NewDense(size, d, nil), mat.NewDense(size, d, nil)
	longest := 0
	var report Report
	for first := 0; first < n; first += size {
		var paths []crossing
		for i := first; i < min(first+size, n); i++ {
			paths = append(paths, crossing{row: i, x: slices.Clone(in.X.RawRowView(i))})
		}
		for k := 0; len(paths) > 0; k++ {
			if err := ctx.Err(); err != nil {
				return Report{}, err
			}
			count := len(paths)
			block := points.Slice(0, count, 0, d).(*mat.Dense)
			targets, against := make([]int, count), make([]int, count)
			for p, w := range paths {
				points.SetRow(p, w.x)
				targets[p] = in.Targets[w.row]
			}
			scores, err := f.Gradients(ctx, grads.Slice(0, count, 0, d).(*mat.Dense), block, targets)
			if err != nil {
				return Report{}, fmt.Errorf("after %d steps: %w", k, err)
			}
			margins := make([]float64, count)
			for p, c := range targets {
				s := scores.RawRowView(p)
				margins[p] = s[c]
				if against[p] = rival(s, c); against[p] >= 0 {
					margins[p] -= s[against[p]]
				}
			}
			if scoresOf == 1 {
				rivals.Zero()
			} else if _, err := f.Gradients(ctx, rivals.Slice(0, count, 0, d).(*mat.Dense), block, against); err != nil {
				return Report{}, fmt.Errorf("after %d steps: %w", k, err)
			}
			longest = max(longest, k+1)
			going := paths[:0]
			for p, w := range paths {
				if k == 0 {
					w.leaving = margins[p] >= 0
				}
				if w.leaving && margins[p] <= 0 || !w.leaving && margins[p] >= 0 {
					w.finish(dst.RawRowView(w.row), in)
					continue
				}
				if k == steps {
					report.undefined(dst, w.row, "the boundary of score %d is not reached in %d steps; the margin is still %.3g", targets[p], steps, margins[p])
					continue
				}
				g := grads.RawRowView(p)
				floats.Sub(g, rivals.RawRowView(p))
				norm := floats.Norm(g, 2)
				if !(norm >= flat) {
					report.undefined(dst, w.row, "the gradient of the margin of score %d has the norm %g, so there is no direction to follow", targets[p], norm)
					continue
				}
				if !w.step(g, (1+overshoot)*margins[p]/(norm*norm), in) {
					report.undefined(dst, w.row, "the boundary of score %d lies outside the range of the input", targets[p])
					continue
				}
				going = append(going, w)
			}
			paths = going
		}
		progress.Report(ctx, "boundary", min(first+size, n), n)
	}
	report.Passes = passes * longest
	return report, nil
}

// rival returns the greatest score but c, the first where scores tie; -1 where there is none.
func rival(scores []float64, c int) int {
	best, value := -1, math.Inf(-1)
	for k, s := range scores {
		if k != c && (best < 0 || s > value) {
			best, value = k, s
		}
	}
	return best
}

// crossing is a row on its way to the boundary.
type crossing struct {
	row     int
	x       []float64
	leaving bool // the target is predicted at the start
}

// step moves x by -h times the gradient within the limits, and says whether it moved.
func (w *crossing) step(gradient []float64, h float64, in Batch) bool {
	moved := false
	for j, g := range gradient {
		v := clip(w.x[j]-h*g, in)
		moved = moved || v != w.x[j]
		w.x[j] = v
	}
	return moved
}

func (w *crossing) finish(row []float64, in Batch) {
	floats.SubTo(row, w.x, in.X.RawRowView(w.row))
	if w.leaving {
		floats.Scale(-1, row)
	}
}

var _ Method = Boundary{}

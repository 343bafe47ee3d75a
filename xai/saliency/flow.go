package saliency

import (
	"context"
	"fmt"
	"math"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/progress"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// flat is the gradient norm below which there is no direction to follow.
const flat = 1e-12

// GradientFlow is a nonlinear map: instead of the tangent plane at the input it follows
// the gradient, re-evaluated at every step, over a finite distance, and reports where
// that leads. With u = grad f / ||grad f|| and c the target class
//
//	dx/ds = u(x),  x(0) = x0;  x_{k+1} = clip(x_k + h u(x_k));  map = x_K - x0
//
// A target that is not the predicted class is ascended until its softmax probability
// reaches Stop; the predicted class is descended until another class is predicted, and
// the map is x0 - x_K, so that positive values speak for the target in both cases. Either
// way the path ends after Steps steps, or where the gradient vanishes.
//
// Rosenzweig, Cvetkovic and Rosenzweig (2021, arXiv:2110.06639) say in their abstract
// that a gradient map is a linear approximation of the network, and that a class of
// nonlinear maps agrees with it where it is right and is more specific on complex
// problems. Their formulas were not available: this definition is ours, like those of
// Boundary and FiniteDifference. Where f is affine and nothing is clipped the map is
// parallel to the gradient; on networks that are not robust the flow may follow
// directions that look like noise.
//
// The only score of a model that has one, such as that of a Scalar, counts as the margin
// over a rival with the score 0, as in a binary classifier: it is descended where it is
// positive, until it is not, and else ascended until 1/(1 + exp(-f)) is Stop.
//
// Where the gradient vanishes at the input itself, or is no number anywhere on the path, there
// is no map (Report.Undefined).
type GradientFlow struct {
	Length  float64 // h times Steps, in units of (High - Low) sqrt(d), or of sqrt(d) where there are no limits; default 0.05
	Steps   int     // default 50
	Stop    float64 // probability in (0,1] at which an ascent ends; default 0.99
	Average bool    // report the mean of the gradients along the path, in the units of a gradient
	Blur    float64 // standard deviation in pixels of a Gaussian that smooths each gradient before a step; default 0, none
	Free    bool    // leave the limits [Low, High] of the input out of account
	Batch   int     // rows in flight; default 64
}

// Signed implements Method.
func (GradientFlow) Signed() bool { return true }

// Attribute implements Method. Points are clipped to [Low, High] where there are limits.
func (m GradientFlow) Attribute(ctx context.Context, f xai.Differentiable, dst *mat.Dense, in Batch) (Report, error) {
	return m.follow(ctx, f, dst, in, nil)
}

// follow is Attribute; watch, if there is one, sees where each row is before its first step
// and after every one, and the scores there (nil after the last).
func (m GradientFlow) follow(ctx context.Context, f xai.Differentiable, dst *mat.Dense, in Batch, watch func(row int, x, scores []float64)) (Report, error) {
	if err := in.Check(f, dst); err != nil {
		return Report{}, err
	}
	n, d := in.X.Dims()
	length, err := amount("Length", m.Length, 0.05)
	if err != nil {
		return Report{}, err
	}
	steps, err := count("Steps", m.Steps, 50)
	if err != nil {
		return Report{}, err
	}
	stop, err := amount("Stop", m.Stop, 0.99)
	if err != nil {
		return Report{}, err
	}
	if stop > 1 {
		return Report{}, fmt.Errorf("field Stop is a probability, not %v", stop)
	}
	size, err := count("Batch", m.Batch, 64)
	if err != nil {
		return Report{}, err
	}
	length *= math.Sqrt(float64(d))
	if in.High > in.Low {
		length *= in.High - in.Low
	}
	h := length / float64(steps)
	if m.Free {
		in.Low, in.High = 0, 0
	}
	if m.Blur != 0 {
		if _, err := amount("Blur", m.Blur, 0); err != nil {
			return Report{}, err
		}
	}

	dst.Zero()
	var report Report
	size = min(size, n)
	points, grads := mat.NewDense(size, d, nil), mat.NewDense(size, d, nil)
	for first := 0; first < n; first += size {
		var paths []flowing
		for i := first; i < min(first+size, n); i++ {
			paths = append(paths, flowing{row: i, x: append([]float64(nil), in.X.RawRowView(i)...)})
		}
		targets := make([]int, 0, size)
		for k := 0; k < steps && len(paths) > 0; k++ {
			if err := ctx.Err(); err != nil {
				return Report{}, err
			}
			targets = targets[:0]
			for p, w := range paths {
				points.SetRow(p, w.x)
				targets = append(targets, in.Targets[w.row])
			}
			scores, err := f.Gradients(ctx, grads.Slice(0, len(paths), 0, d).(*mat.Dense), points.Slice(0, len(paths), 0, d).(*mat.Dense), targets)
			if err != nil {
				return Report{}, fmt.Errorf("after %d of %d steps: %w", k, steps, err)
			}
			going := paths[:0]
			for p, w := range paths {
				c := in.Targets[w.row]
				g, s := grads.RawRowView(p), scores.RawRowView(p)
				if m.Blur > 0 {
					blur(g, in.Shape, m.Blur)
				}
				if watch != nil {
					watch(w.row, w.x, s)
				}
				s, c = contest(s, c)
				top := floats.MaxIdx(s) == c
				if k == 0 {
					w.down = top
				}
				norm := floats.Norm(g, 2)
				if !finite(s) || !finite([]float64{norm}) {
					report.undefined(dst, w.row, "after %d steps the scores are %v and the gradient of score %d has the norm %g: %w", k, s, c, norm, datasets.ErrNotFinite)
					continue
				}
				if k == 0 && norm < flat {
					report.undefined(dst, w.row, "the gradient of score %d has the norm %g at the input, so there is no direction to follow", c, norm)
					continue
				}
				ended := k > 0 && (w.down && !top || !w.down && probability(s, c) >= stop || norm < flat)
				if !ended {
					w.step(dst.RawRowView(w.row), g, h/norm, m.Average, in)
				}
				if !ended && k+1 < steps {
					going = append(going, w)
					continue
				}
				if watch != nil && !ended {
					watch(w.row, w.x, nil)
				}
				w.finish(dst.RawRowView(w.row), in, m.Average)
			}
			paths = going
			progress.Report(ctx, "gradient flow", first*steps+k+1, n*steps)
		}
	}
	report.Passes = steps
	return report, nil
}

// contest returns the scores among which the target competes, and its place there: the only
// score of a model that has one competes with 0.
func contest(scores []float64, target int) ([]float64, int) {
	if len(scores) == 1 {
		return []float64{scores[0], 0}, 0
	}
	return scores, target
}

// flowing is a row on its way.
type flowing struct {
	row   int
	x     []float64
	down  bool // descending the predicted class
	steps int
}

// step moves x by h times the gradient, within the limits, and adds the gradient to sum
// if the mean is wanted.
func (w *flowing) step(sum, gradient []float64, h float64, average bool, in Batch) {
	if w.down {
		h = -h
	}
	w.steps++
	for j, g := range gradient {
		w.x[j] = clip(w.x[j]+h*g, in)
		if average {
			sum[j] += g
		}
	}
}

func (w *flowing) finish(row []float64, in Batch, average bool) {
	if average {
		floats.Scale(1/float64(w.steps), row)
		return
	}
	floats.SubTo(row, w.x, in.X.RawRowView(w.row))
	if w.down {
		floats.Scale(-1, row)
	}
}

// clip brings v into the limits of the input, where there are limits.
func clip(v float64, in Batch) float64 {
	if in.High > in.Low {
		return min(max(v, in.Low), in.High)
	}
	return v
}

// probability is the softmax of scores at c.
func probability(scores []float64, c int) float64 {
	return math.Exp(scores[c] - floats.LogSumExp(scores))
}

var _ Method = GradientFlow{}

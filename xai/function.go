package xai

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// Function makes a model of any Go function: a formula to study, a rule, a model that runs
// somewhere else.
//
//	saddle := xai.Function{Inputs: 2, Outputs: 1, Func: func(x []float64) []float64 { return []float64{x[0] * x[1]} }}
type Function struct {
	Inputs, Outputs int // d values in, k scores out; both at least 1

	// Func returns the k scores of a row of d values, which it must not keep or change.
	// Several goroutines may call it at once.
	Func func(x []float64) []float64

	// Grad returns the d derivatives of score k at x. Without it they are central
	// differences with the step Step, which takes 2 d calls of Func and is good to about ten
	// digits where Func is smooth.
	Grad func(x []float64, k int) []float64
	Step float64 // default 1e-5, in the input's units
}

// Dims implements Scorer.
func (f Function) Dims() (d, k int) { return f.Inputs, f.Outputs }

// Scores implements Scorer.
func (f Function) Scores(ctx context.Context, x *mat.Dense) (*mat.Dense, error) {
	if err := f.check(x); err != nil {
		return nil, err
	}
	n, _ := x.Dims()
	out := mat.NewDense(n, f.Outputs, nil)
	for i := range n {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("xai.Function: after %d of %d rows: %w", i, n, err)
		}
		scores, err := f.at(x.RawRowView(i))
		if err != nil {
			return nil, err
		}
		out.SetRow(i, scores)
	}
	return out, nil
}

// Gradients implements Differentiable.
func (f Function) Gradients(ctx context.Context, dst, x *mat.Dense, targets []int) (*mat.Dense, error) {
	scores, err := f.Scores(ctx, x)
	if err != nil {
		return nil, err
	}
	n, d := x.Dims()
	if dst == nil || len(targets) != n {
		return nil, fmt.Errorf("xai.Function: %d rows need a result and %d targets, not %d: %w", n, n, len(targets), ErrShape)
	}
	if r, c := dst.Dims(); r != n || c != d {
		return nil, fmt.Errorf("xai.Function: the result is %d x %d, x is %d x %d: %w", r, c, n, d, ErrShape)
	}
	for i, k := range targets {
		if k < 0 || k >= f.Outputs {
			return nil, fmt.Errorf("xai.Function: target %d of row %d: the function has %d scores: %w", k, i, f.Outputs, ErrTarget)
		}
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("xai.Function: after %d of %d rows: %w", i, n, err)
		}
		if err := f.gradient(dst.RawRowView(i), x.RawRowView(i), k); err != nil {
			return nil, err
		}
	}
	return scores, nil
}

func (f Function) gradient(dst, x []float64, k int) error {
	if f.Grad != nil {
		g := f.Grad(append([]float64(nil), x...), k)
		if len(g) != len(dst) {
			return fmt.Errorf("xai.Function: Grad returned %d derivatives for %d inputs: %w", len(g), len(dst), ErrShape)
		}
		copy(dst, g)
		return nil
	}
	step := f.Step
	if step == 0 {
		step = 1e-5
	}
	at := append([]float64(nil), x...)
	for j, v := range x {
		at[j] = v + step
		up, err := f.at(at)
		if err != nil {
			return err
		}
		at[j] = v - step
		down, err := f.at(at)
		if err != nil {
			return err
		}
		at[j] = v
		dst[j] = (up[k] - down[k]) / (2 * step)
	}
	return nil
}

// at returns the scores of one row.
func (f Function) at(x []float64) ([]float64, error) {
	scores := f.Func(append([]float64(nil), x...))
	if len(scores) != f.Outputs {
		return nil, fmt.Errorf("xai.Function: Func returned %d scores, field Outputs says %d: %w", len(scores), f.Outputs, ErrShape)
	}
	return append([]float64(nil), scores...), nil // Func may return the same memory again
}

func (f Function) check(x *mat.Dense) error {
	switch {
	case f.Func == nil:
		return fmt.Errorf("xai.Function: field Func is nil; give the function to explain")
	case f.Inputs < 1 || f.Outputs < 1:
		return fmt.Errorf("xai.Function: fields Inputs and Outputs must be at least 1, not %d and %d: %w", f.Inputs, f.Outputs, ErrShape)
	case f.Step < 0 || math.IsNaN(f.Step) || math.IsInf(f.Step, 0):
		return fmt.Errorf("xai.Function: field Step must be positive, not %v", f.Step)
	case x == nil || x.IsEmpty():
		return fmt.Errorf("xai.Function: no rows: %w", ErrShape)
	}
	if _, d := x.Dims(); d != f.Inputs {
		return fmt.Errorf("xai.Function: rows of %d values, field Inputs says %d: %w", d, f.Inputs, ErrShape)
	}
	return nil
}

var _ Differentiable = Function{}

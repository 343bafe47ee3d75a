package xai

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"
)

func saddle(grad bool) Function {
	f := Function{Inputs: 2, Outputs: 2, Func: func(x []float64) []float64 { return []float64{x[0] * x[1], math.Sin(x[0])} }}
	if grad {
		f.Grad = func(x []float64, k int) []float64 {
			if k == 0 {
				return []float64{x[1], x[0]}
			}
			return []float64{math.Cos(x[0]), 0}
		}
	}
	return f
}

func TestFunction(t *testing.T) {
	x := mat.NewDense(2, 2, []float64{0.3, 0.7, -1, 2})
	for _, grad := range []bool{true, false} {
		dst := mat.NewDense(2, 2, nil)
		scores, err := saddle(grad).Gradients(t.Context(), dst, x, []int{0, 1})
		if err != nil {
			t.Fatal(err)
		}
		want := mat.NewDense(2, 2, []float64{0.7, 0.3, math.Cos(-1), 0})
		if !mat.EqualApprox(dst, want, 1e-9) || math.Abs(scores.At(0, 0)-0.21) > 1e-15 {
			t.Errorf("with Grad %v: scores %v, gradients %v", grad, mat.Formatted(scores), mat.Formatted(dst))
		}
	}
	if v, err := Verify(t.Context(), saddle(true), x); err != nil || !v.OK {
		t.Errorf("%v, %v", v, err)
	}
}

func TestFunctionRefuses(t *testing.T) {
	x, dst := mat.NewDense(1, 2, nil), mat.NewDense(1, 2, nil)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	short := saddle(false)
	short.Func = func([]float64) []float64 { return []float64{1} }
	shortGrad := saddle(true)
	shortGrad.Grad = func([]float64, int) []float64 { return nil }
	for want, call := range map[string]func() error{
		"Func is nil":      func() error { _, err := Function{}.Scores(t.Context(), x); return err },
		"at least 1":       func() error { f := saddle(true); f.Inputs = 0; _, err := f.Scores(t.Context(), x); return err },
		"rows of 3 values": func() error { _, err := saddle(true).Scores(t.Context(), mat.NewDense(1, 3, nil)); return err },
		"no rows":          func() error { _, err := saddle(true).Scores(t.Context(), &mat.Dense{}); return err },
		"Func returned 1":  func() error { _, err := short.Scores(t.Context(), x); return err },
		"Grad returned 0":  func() error { _, err := shortGrad.Gradients(t.Context(), dst, x, []int{0}); return err },
		"target 2":         func() error { _, err := saddle(true).Gradients(t.Context(), dst, x, []int{2}); return err },
		"need a result":    func() error { _, err := saddle(true).Gradients(t.Context(), nil, x, []int{0}); return err },
		"the result is 2 x 2": func() error {
			_, err := saddle(true).Gradients(t.Context(), mat.NewDense(2, 2, nil), x, []int{0})
			return err
		},
		"Step must be":           func() error { f := saddle(false); f.Step = -1; _, err := f.Scores(t.Context(), x); return err },
		context.Canceled.Error(): func() error { _, err := saddle(true).Scores(ended, x); return err },
	} {
		if err := call(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that says %q", err, want)
		}
	}
	if _, err := saddle(true).Scores(t.Context(), mat.NewDense(1, 3, nil)); !errors.Is(err, ErrShape) {
		t.Errorf("%v does not match ErrShape", err)
	}
}

// A formula is a model like any other.
func ExampleFunction() {
	f := Function{Inputs: 2, Outputs: 1, Func: func(x []float64) []float64 { return []float64{x[0] * x[1]} }}
	slope := mat.NewDense(1, 2, nil)
	scores, err := f.Gradients(context.Background(), slope, mat.NewDense(1, 2, []float64{2, 3}), []int{0})
	fmt.Printf("%.0f %.3f %v\n", scores.At(0, 0), slope.RawRowView(0), err)
	// Output: 6 [3.000 2.000] <nil>
}

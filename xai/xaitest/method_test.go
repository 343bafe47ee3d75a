package xaitest

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/saliency"
	"gonum.org/v1/gonum/mat"
)

// faulty is a good method with something changed.
type faulty struct {
	Seed  uint64
	Batch int

	of     saliency.Described
	before func(ctx context.Context, f xai.Differentiable, in *saliency.Batch) context.Context
	after  func(dst *mat.Dense, in saliency.Batch, r *saliency.Report, err *error)
	says   func(*saliency.Traits)
}

func (m faulty) Signed() bool { return m.of.Signed() }

func (m faulty) Attribute(ctx context.Context, f xai.Differentiable, dst *mat.Dense, in saliency.Batch) (saliency.Report, error) {
	if m.before != nil {
		ctx = m.before(ctx, f, &in)
	}
	r, err := m.of.Attribute(ctx, f, dst, in)
	if m.after != nil {
		m.after(dst, in, &r, &err)
	}
	return r, err
}

func (m faulty) Traits() saliency.Traits {
	t := m.of.Traits()
	t.Stochastic = true // the field Seed is there
	if m.says != nil {
		m.says(&t)
	}
	return t
}

// TestPlantedFaults: every check finds the fault that it is there for.
func TestPlantedFaults(t *testing.T) {
	ig := saliency.IntegratedGradients{Steps: 20}
	calls := 0
	each := func(change func(v float64) float64) func(*mat.Dense, saliency.Batch, *saliency.Report, *error) {
		return func(dst *mat.Dense, _ saliency.Batch, _ *saliency.Report, _ *error) {
			dst.Apply(func(_, _ int, v float64) float64 { return change(v) }, dst)
		}
	}
	for check, m := range map[string]saliency.Method{
		"batch": faulty{of: ig, after: func(dst *mat.Dense, _ saliency.Batch, _ *saliency.Report, _ *error) {
			dst.Scale(1/mat.Max(dst), dst) // normalised over the batch
		}},
		"colours": faulty{of: ig, after: func(dst *mat.Dense, in saliency.Batch, _ *saliency.Report, _ *error) {
			if n := len(in.Targets); in.Shape.Channels > 1 { // rows for channels
				dst.SetRow(0, slices.Clone(dst.RawRowView(n-1)))
			}
		}},
		"bytes": faulty{of: ig, after: each(func(v float64) float64 { calls++; return v + 1e-12*float64(calls) })},
		"pure": faulty{of: ig, after: func(_ *mat.Dense, in saliency.Batch, _ *saliency.Report, _ *error) {
			in.X.Set(0, 0, 0.5)
		}},
		"cancelled": faulty{of: ig, before: func(context.Context, xai.Differentiable, *saliency.Batch) context.Context {
			return context.Background()
		}},
		"failing model": faulty{of: ig, after: func(_ *mat.Dense, _ saliency.Batch, _ *saliency.Report, err *error) {
			if errors.Is(*err, errPlanted) {
				*err = nil
			}
		}},
		"shapes": faulty{of: ig, before: func(ctx context.Context, _ xai.Differentiable, in *saliency.Batch) context.Context {
			_ = in.X.At(0, size-1)
			return ctx
		}},
		"sign": faulty{of: ig, after: each(math.Abs)},
		"memory": faulty{of: ig, before: func(ctx context.Context, f xai.Differentiable, in *saliency.Batch) context.Context {
			if _, err := f.Scores(ctx, mat.NewDense(5, size, nil)); err != nil {
				return ctx
			}
			return ctx
		}},
		"seed":     faulty{of: ig},
		"meaning":  faulty{of: ig, says: func(t *saliency.Traits) { t.Meaning = saliency.Sensitivity }},
		"complete": faulty{of: ig, after: each(func(v float64) float64 { return 1.1 * v })},
		"dummy":    faulty{of: ig, after: each(func(v float64) float64 { return v + 1e-9 })},
		"symmetric": faulty{of: ig, after: func(dst *mat.Dense, _ saliency.Batch, _ *saliency.Report, _ *error) {
			dst.Apply(func(_, j int, v float64) float64 { return v * (1 + 1e-3*float64(j)) }, dst)
		}},
		"additive": faulty{of: ig, after: each(func(v float64) float64 { return v * math.Abs(v) })},
		"invariant": faulty{of: ig, before: func(ctx context.Context, f xai.Differentiable, in *saliency.Batch) context.Context {
			x := mat.DenseCopyOf(in.X)
			x.Scale(1+float64(f.(xai.Named).Fingerprint()[0])/1000, x)
			in.X = x
			return ctx
		}},
	} {
		found := Findings(t.Context(), m)
		if !slices.ContainsFunc(found, func(f Finding) bool { return f.Check == check }) {
			t.Errorf("%s: the planted fault was not found, only %v", check, found)
		}
	}
}

// TestPromisesTooSmall: what a method does not promise and keeps is a finding.
func TestPromisesTooSmall(t *testing.T) {
	for check, less := range map[string]func(*saliency.Traits){
		"complete":  func(t *saliency.Traits) { t.Complete = false },
		"dummy":     func(t *saliency.Traits) { t.Dummy = false },
		"symmetric": func(t *saliency.Traits) { t.Symmetric = false },
		"additive":  func(t *saliency.Traits) { t.Additive = false },
		"invariant": func(t *saliency.Traits) { t.Invariant = false },
	} {
		found := Findings(t.Context(), faulty{of: saliency.IntegratedGradients{}, says: less})
		if !slices.ContainsFunc(found, func(f Finding) bool { return f.Check == check }) {
			t.Errorf("%s: not promised but kept, and nothing found", check)
		}
	}
}

// plain is a method without traits.
type plain struct{ saliency.Method }

// TestWithoutTraits: a method that says nothing about itself is held to the contract alone.
func TestWithoutTraits(t *testing.T) {
	if found := Findings(t.Context(), plain{saliency.Gradient{}}); len(found) > 0 {
		t.Errorf("found %v", found)
	}
	Run(t, plain{saliency.Gradient{}})
}

// TestThePairsAgree: the networks that the check of invariance compares compute one function.
func TestThePairsAgree(t *testing.T) {
	for s := range uint64(models) {
		list, err := pairs(s)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range list {
			in := inputs(s, 3)
			a, err := p.a.Scores(t.Context(), in.X)
			if err != nil {
				t.Fatal(err)
			}
			b, err := p.b.Scores(t.Context(), in.X)
			if err != nil {
				t.Fatal(err)
			}
			if d := distance(a.RawMatrix().Data, b.RawMatrix().Data); d > 1e-5 || mat.Norm(a, 2) == 0 {
				t.Errorf("%s: scores differ by %.3g", p.name, d)
			}
		}
	}
}

package saliency

import (
	"context"
	"fmt"
	"strings"

	"github.com/whybook/whybook/xai"
	"gonum.org/v1/gonum/mat"
)

// origin is where methods that send something back through layers begin: the model, the
// layer that puts out what is explained ("" for the scores), what that layer puts out for
// each row, and the gradient of the explained scalar with respect to it. For a class it is
// the scores and a 1; a Score is taken off, so that its model's layers can be seen.
type origin struct {
	model   xai.Differentiable
	layer   string
	outputs *mat.Dense
	seed    *mat.Dense
}

func originOf(ctx context.Context, f xai.Differentiable, in Batch) (origin, error) {
	o := origin{model: f}
	var err error
	if s, ok := asScalar(f); ok {
		o.model, o.layer = s.model, s.scalar.source()
		if o.outputs, err = s.outputs(ctx, in.X); err == nil {
			_, o.seed = s.read(o.outputs, true)
		}
		return o, err
	}
	if o.outputs, err = f.Scores(ctx, in.X); err != nil {
		return origin{}, err
	}
	_, k := f.Dims()
	o.seed = mat.NewDense(len(in.Targets), k, nil)
	for i, c := range in.Targets {
		o.seed.Set(i, c, 1)
	}
	return o, nil
}

// below returns what a model can do beside its scores, as an M: an xai.Layered or an
// xai.Propagator. A Score has what its model has.
func below[M xai.Layered](f xai.Differentiable) (M, error) {
	if s, ok := asScalar(f); ok {
		f = s.model
	}
	m, ok := f.(M)
	if !ok {
		return m, fmt.Errorf("the method needs the model's layers, but %T is no %s: %w", f, strings.TrimPrefix(fmt.Sprintf("%T", new(M)), "*"), xai.ErrAbility)
	}
	return m, nil
}

// propagate sends the gradient of what is explained back to the input by the given rules.
func propagate(ctx context.Context, f xai.Differentiable, dst *mat.Dense, in Batch, rules func(xai.Site) xai.Rule) (Report, error) {
	if err := in.Check(f, dst); err != nil {
		return Report{}, err
	}
	model, err := below[xai.Propagator](f)
	if err != nil {
		return Report{}, err
	}
	o, err := originOf(ctx, f, in)
	if err != nil {
		return Report{}, err
	}
	return Report{Passes: 2}, model.Propagate(ctx, o.layer, "", dst, in.X, o.seed, rules)
}

// atRectifiers is the gradient, but at rectifiers another rule.
func atRectifiers(r xai.Rule) func(xai.Site) xai.Rule {
	return func(s xai.Site) xai.Rule {
		if s.Nature == xai.Rectifier {
			return r
		}
		return xai.Gradient{}
	}
}

// list joins names for an error.
func list(names []string) string { return strings.Join(names, ", ") }

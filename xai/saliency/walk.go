package saliency

import (
	"context"
	"fmt"
	"slices"

	"github.com/whybook/whybook/xai/progress"
)

// Walk is what integrated gradients collect on their way from the baseline to the input: which
// pixels make the score rise first, and which add nothing any more because it has saturated.
type Walk struct {
	At   []float64 // shares of the way, rising to 1
	Maps Maps      // what is collected by then; the last is the map of the input
}

// Walk follows the path of the recipe, whose method must be IntegratedGradients with one
// baseline, and looks at the map after each of the given number of equal parts of the way, at
// least two. The map at z = x' + t (x - x') is the integral up to t: the path from x' to z is the
// first part of that to x. Its completeness is that of z, f(z) - f(x').
//
// It costs parts times as much as the map.
func (r Recipe) Walk(ctx context.Context, parts int) (Walk, error) {
	if err := r.check(); err != nil {
		return Walk{}, err
	}
	ig, ok := r.method.(IntegratedGradients)
	switch {
	case !ok:
		return Walk{}, fmt.Errorf("saliency.Recipe.Walk: %s walks along no path; use With(saliency.IntegratedGradients{...})", name(r.method))
	case r.layer != "":
		return Walk{}, fmt.Errorf("saliency.Recipe.Walk: the path at layer %q is not walked, only that at the input", r.layer)
	case ig.Baselines != nil:
		return Walk{}, fmt.Errorf("saliency.Recipe.Walk: there are %d paths, from as many baselines; set Baseline to one", len(ig.Baselines))
	case parts < 2:
		return Walk{}, fmt.Errorf("saliency.Recipe.Walk: %d parts; want 2 or more", parts)
	}
	whole, err := r.Explain(ctx) // also checks the baseline
	if err != nil {
		return Walk{}, err
	}
	from := ig.Baseline
	if from == nil {
		from = make([]float64, len(r.sample.X))
	}
	if r.scalar == nil {
		r.target = whole.Target // that predicted for the input, all the way
	}
	w := Walk{}
	for k := 1; k < parts; k++ {
		t, part := float64(k)/float64(parts), r
		part.sample.X = slices.Clone(r.sample.X)
		between(part.sample.X, from, r.sample.X, t)
		m, err := part.Explain(ctx)
		if err != nil {
			return Walk{}, err
		}
		w.At, w.Maps = append(w.At, t), append(w.Maps, m)
		progress.Report(ctx, "parts of the way", k, parts)
	}
	w.At, w.Maps = append(w.At, 1), append(w.Maps, whole)
	progress.Report(ctx, "parts of the way", parts, parts)
	return w, nil
}

package saliency

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// Path is the way of a GradientFlow, point by point.
type Path struct {
	Points [][]float64    // where the input was before the first step and after every one; at least two
	Scores [][]float64    // all scores at each point
	Shape  datasets.Shape // of a point
	Target int            // the score that was followed
	Down   bool           // whether it was descended: the target was predicted at the start, a scalar positive
	Flow   Map            // the map that the path makes
}

// Displacements returns, for each point, what GradientFlow would report if the path ended
// there: positive where the target was spoken for.
func (p Path) Displacements() [][]float64 {
	list := make([][]float64, len(p.Points))
	for k, x := range p.Points {
		list[k] = make([]float64, len(x))
		for j, v := range x {
			list[k][j] = v - p.Points[0][j]
			if p.Down {
				list[k][j] = -list[k][j]
			}
		}
	}
	return list
}

// Path follows the flow of the recipe, whose method must be a GradientFlow, and keeps every
// point. An input without a direction to follow is an error that matches ErrUndefined.
func (r Recipe) Path(ctx context.Context) (Path, error) {
	flow, ok := r.method.(GradientFlow)
	if !ok && r.check() == nil {
		return Path{}, fmt.Errorf("saliency.Recipe.Path: %s has no path; use With(saliency.GradientFlow{...})", name(r.method))
	}
	w := &pathfinder{GradientFlow: flow}
	r.method = w
	m, err := r.Explain(ctx)
	if err != nil {
		return Path{}, err
	}
	m.By, m.Method = flow, words(flow)
	m.Provenance.Method = name(flow)
	last := w.path.Points[len(w.path.Points)-1:]
	scores, err := w.f.Scores(ctx, mat.NewDense(1, len(last[0]), slices.Clone(last[0])))
	if err != nil {
		return Path{}, fmt.Errorf("saliency: %w", err)
	}
	p := w.path
	if p.Scores[len(p.Scores)-1] == nil {
		p.Scores[len(p.Scores)-1] = slices.Clone(scores.RawRowView(0))
	}
	p.Shape, p.Target, p.Flow = m.Shape, m.Target, m
	start, c := contest(p.Scores[0], p.Target)
	p.Down = floats.MaxIdx(start) == c
	return p, nil
}

// pathfinder is a GradientFlow that keeps its path.
type pathfinder struct {
	GradientFlow
	f    xai.Differentiable
	path Path
}

func (w *pathfinder) Attribute(ctx context.Context, f xai.Differentiable, dst *mat.Dense, in Batch) (Report, error) {
	if n, _ := in.X.Dims(); n != 1 {
		return Report{}, errors.New("a path is that of one row")
	}
	w.f = f
	return w.follow(ctx, f, dst, in, func(_ int, x, scores []float64) {
		w.path.Points = append(w.path.Points, slices.Clone(x))
		w.path.Scores = append(w.path.Scores, slices.Clone(scores))
	})
}

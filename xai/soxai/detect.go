package soxai

import (
	"context"
	"fmt"
	"math"

	"github.com/whybook/whybook/datasets"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// distance returns how far a row of principal components is from the centroid, as a share of
// the radius: at most 1 for 95 of 100 members.
func (q Concept) distance(point []float64) float64 {
	d := floats.Distance(q.Centroid, point, 2)
	if q.Radius == 0 {
		if d <= 1e-9*(1+floats.Norm(q.Centroid, 2)) {
			return 0
		}
		return math.Inf(1)
	}
	return d / q.Radius
}

// Detect looks for the named concepts in images that the atlas has not seen: it explains them
// as the recipe says, and takes a region for a concept if that is the concept of the nearest
// centroid and no farther than the 95th percentile of the members.
//
// The recipe must be that of the atlas, but for its data.
func (r Recipe) Detect(ctx context.Context, a Atlas, data datasets.Source, concepts ...string) (Sightings, error) {
	if err := r.check(); err != nil {
		return Sightings{}, err
	}
	if err := a.check(); err != nil {
		return Sightings{}, fmt.Errorf("soxai.Of.Detect: not a whole atlas: %w", err)
	}
	wanted := map[int]bool{}
	for _, name := range concepts {
		c, err := a.find(name)
		if err != nil {
			return Sightings{}, fmt.Errorf("soxai.Of.Detect(%q): %w", name, err)
		}
		wanted[c] = true
	}
	if here := r.provenance(); here.Model != a.Provenance.Model || here.Method != a.Provenance.Method || here.Steps != a.Provenance.Steps {
		return Sightings{}, fmt.Errorf("soxai.Of.Detect: the atlas is of %s with %s of model %s, the recipe has %s with %s of model %s; concepts mean nothing to another model or method",
			a.Provenance.Method, a.Provenance.Steps, a.Provenance.Model, here.Method, here.Steps, here.Model)
	}
	f, err := r.explain(ctx, data, false)
	if err != nil {
		return Sightings{}, err
	}
	s := Sightings{Set: f.set.Fingerprint()}
	if len(f.regions) == 0 {
		return s, nil
	}
	points, err := a.Basis.transform(mat.NewDense(len(f.regions), f.width, f.features))
	if err != nil {
		return Sightings{}, fmt.Errorf("soxai: %w", err)
	}
	for i, g := range f.regions {
		row := points.RawRowView(i)
		nearest, least := -1, math.Inf(1)
		for c, q := range a.Concepts {
			if d := floats.Distance(q.Centroid, row, 2); d < least {
				nearest, least = c, d
			}
		}
		if !wanted[nearest] {
			continue
		}
		if d := a.Concepts[nearest].distance(row); d <= 1 {
			s.List = append(s.List, Sighting{g.Image, g.Area, a.Concepts[nearest].Name, d})
		}
	}
	return s, nil
}

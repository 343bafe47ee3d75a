package soxai

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/progress"
	"github.com/whybook/whybook/xai/project"
	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/mat"
)

// Atlas is what the explanations of a set have in common: their critical regions, and the
// concepts that these form.
type Atlas struct {
	Set      datasets.Set // that was explained
	Layer    string       // that embeds the regions; "" where maps embed themselves
	Fill     Fill         // of the effects
	Impact   Impact       // of the first order: look at it first
	Regions  []Region     // in the order of their images
	Concepts []Concept    // the largest first

	Skipped    []Skip    // images without a region
	Unassigned int       // regions of no concept, which Density leaves
	Predicted  []int     // of every image
	Certainty  []float64 // the probability of that prediction

	Basis     Basis
	Points    []float64 // len(Regions) x Basis.K: principal components of the regions
	Picture   []float64 // len(Regions) x 2: t-SNE, for display only
	Drawn     string    // how Picture was made: "t-SNE", or "PCA" where there is too little for it
	Grouped   Grouped   // how the number of concepts was chosen
	Stability Stability

	Completeness Completeness // of the concepts, against the layer

	Notes      []string // what is worth knowing
	Provenance Provenance
}

// Basis is the space that regions are grouped in.
type Basis struct {
	K, D  int       // components, and features of a region
	Mean  []float64 // D
	Axes  []float64 // K x D, orthonormal rows
	Ratio []float64 // share of the variance along each
}

// Explained returns the share of the variance that the components keep.
func (b Basis) Explained() float64 {
	sum := 0.0
	for _, v := range b.Ratio {
		sum += v
	}
	return sum
}

// transform returns the components of rows, n x K.
func (b Basis) transform(rows *mat.Dense) (*mat.Dense, error) {
	return project.Basis{Mean: b.Mean, Axes: mat.NewDense(b.K, b.D, slices.Clone(b.Axes))}.Transform(rows)
}

// points returns the principal components of the regions as a matrix.
func (a Atlas) points() *mat.Dense { return mat.NewDense(len(a.Regions), a.Basis.K, a.Points) }

// Build makes the atlas.
//
// Errors match [xai.ErrShape] and [xai.ErrTarget] for data that the model does not take,
// [xai.ErrLayer] for a layer without space, [ErrNoRegions] where no image has a region (each
// is in the error's text with its reason), [ErrFew] for fewer different regions than concepts,
// and [ErrNotFinite].
func (r Recipe) Build(ctx context.Context) (Atlas, error) {
	if err := r.check(); err != nil {
		return Atlas{}, err
	}
	f, err := r.explain(ctx, r.data, true)
	if err != nil {
		return Atlas{}, err
	}
	a := Atlas{
		Set: f.set, Layer: r.space(), Fill: r.regions.Fill, Impact: f.impact, Regions: f.regions, Skipped: f.skipped,
		Predicted: f.predicted, Certainty: f.certainty, Provenance: r.provenance(),
	}
	if len(a.Regions) == 0 {
		why := "none of its images belongs to what is explained; see Group and Targets"
		if len(a.Skipped) > 0 {
			why = fmt.Sprintf("image %d: %s", a.Skipped[0].Image, a.Skipped[0].Why)
		}
		return Atlas{}, fmt.Errorf("soxai: none of the %d images of %q has a region (%s): %w", f.set.Len(), f.set.Name, why, ErrNoRegions)
	}
	if err := r.secondOrder(ctx, &a, f); err != nil {
		return Atlas{}, fmt.Errorf("soxai: %w", err)
	}
	a.remark()
	return a, nil
}

// secondOrder reduces, groups, describes and draws the regions.
func (r Recipe) secondOrder(ctx context.Context, a *Atlas, f *firstOrder) error {
	n, d := len(f.regions), f.width
	rows := mat.NewDense(n, d, f.features)
	if n == 1 {
		return fmt.Errorf("a single region makes no concepts; explain more images: %w", ErrFew)
	}
	most := min(n-1, d)
	if r.components > most {
		return fmt.Errorf("soxai.Of.Components(%d): %d regions of %d features have at most %d: %w", r.components, n, d, most, ErrFew)
	}
	basis, err := project.PCA{Components: r.components}.Fit(ctx, rows)
	if err != nil {
		return err
	}
	k, _ := basis.Axes.Dims()
	a.Basis = Basis{K: k, D: d, Mean: basis.Mean, Axes: slices.Clone(basis.Axes.RawMatrix().Data), Ratio: basis.Ratio}
	points, err := basis.Transform(rows)
	if err != nil {
		return err
	}
	a.Points = slices.Clone(points.RawMatrix().Data)
	if different(points) == 1 {
		a.Grouped = Grouped{Labels: make([]int, n), K: 1}
		a.Stability = Stability{Agreement: nan, Concepts: []float64{nan}}
		a.Notes = append(a.Notes, "All regions are the same to the model: they form one concept.")
	} else {
		if a.Grouped, err = r.grouping.group(ctx, points, 0, seed.Sub(r.seed, "soxai", "group")); err != nil {
			return err
		}
		a.Grouped.bySize()
		if a.Stability, err = stability(ctx, r.grouping, points, a.Grouped, r.seed); err != nil {
			return err
		}
	}
	if err := r.concepts(ctx, a, points); err != nil {
		return err
	}
	if a.Completeness, err = r.completeness(ctx, a, a.explained()); err != nil {
		return err
	}
	return r.draw(ctx, a, points)
}

// explained returns the images that have a region, ascending.
func (a Atlas) explained() []int {
	var list []int
	for _, g := range a.Regions {
		if n := len(list); n == 0 || list[n-1] != g.Image {
			list = append(list, g.Image)
		}
	}
	return list
}

// draw places the regions in the plane.
func (r Recipe) draw(ctx context.Context, a *Atlas, points *mat.Dense) error {
	n, k := points.Dims()
	picture, err := project.TSNE{Seed: seed.Sub(r.seed, "soxai", "picture")}.Embed(ctx, points)
	switch {
	case errors.Is(err, project.ErrFew) || errors.Is(err, project.ErrConstant) || errors.Is(err, project.ErrDiverged):
		a.Drawn, a.Picture = "PCA", make([]float64, 2*n)
		for i := range n {
			copy(a.Picture[2*i:2*i+2], points.RawRowView(i)[:min(2, k)])
		}
		return nil
	case err != nil:
		return err
	}
	a.Drawn, a.Picture = "t-SNE", slices.Clone(picture.Y.RawMatrix().Data)
	progress.Report(ctx, "picture", 1, 1)
	return nil
}

// remark notes what a reader should not miss.
func (a *Atlas) remark() {
	note := func(format string, args ...any) { a.Notes = append(a.Notes, fmt.Sprintf(format, args...)) }
	if n := len(a.Skipped); n > 0 {
		note("%d of %d images have no region, the first because %s.", n, a.Set.Len(), a.Skipped[0].Why)
	}
	if a.Unassigned > 0 {
		note("%d of %d regions belong to no concept.", a.Unassigned, len(a.Regions))
	}
	if !(a.Impact.Score.Low > a.Impact.Elsewhere.High) {
		note("Filling the critical pixels changes decisions hardly more often than filling others (%.0f %% against %.0f %%): choose another method or larger regions before believing the concepts.",
			100*a.Impact.Score.Value, 100*a.Impact.Elsewhere.Value)
	}
	if a.Stability.Agreement < stable {
		note("The concepts are not stable: groupings of samples agree with them by %.2f only.", a.Stability.Agreement)
	}
	if a.Grouped.K == 0 {
		note("No group of regions is dense enough to be a concept.")
	}
}

// Judgement is what a person says of a concept.
type Judgement struct {
	Verdict Verdict
	By      string // the person
}

// find returns the place of a concept by its name.
func (a Atlas) find(name string) (int, error) {
	var names []string
	for c, q := range a.Concepts {
		if q.Name == name {
			return c, nil
		}
		names = append(names, fmt.Sprintf("%q", q.Name))
	}
	return 0, fmt.Errorf("the concepts are %s: %w", strings.Join(names, ", "), ErrName)
}

// Concept returns a concept by its name; an error matches ErrName.
func (a Atlas) Concept(name string) (Concept, error) {
	c, err := a.find(name)
	if err != nil {
		return Concept{}, fmt.Errorf("soxai.Atlas.Concept(%q): %w", name, err)
	}
	return a.Concepts[c], nil
}

// Name returns the atlas with a name for a concept, counted from 0. An empty name, and one
// that another concept has, are errors that match ErrName.
func (a Atlas) Name(concept int, name string) (Atlas, error) {
	step := fmt.Sprintf("soxai.Atlas.Name(%d, %q)", concept, name)
	if concept < 0 || concept >= len(a.Concepts) {
		return a, fmt.Errorf("%s: there are %d concepts, counted from 0: %w", step, len(a.Concepts), ErrName)
	}
	if strings.TrimSpace(name) == "" {
		return a, fmt.Errorf("%s: a name must not be empty: %w", step, ErrName)
	}
	for c, q := range a.Concepts {
		if q.Name == name && c != concept {
			return a, fmt.Errorf("%s: concept %d has this name: %w", step, c, ErrName)
		}
	}
	a.Concepts = slices.Clone(a.Concepts)
	a.Concepts[concept].Name = name
	return a, nil
}

// Confirm returns the atlas with a person's verdict on a concept, which counts more than the
// suggestion. by is who says so; it must not be empty.
func (a Atlas) Confirm(concept string, v Verdict, by string) (Atlas, error) {
	step := fmt.Sprintf("soxai.Atlas.Confirm(%q)", concept)
	c, err := a.find(concept)
	switch {
	case err != nil:
		return a, fmt.Errorf("%s: %w", step, err)
	case v < Unsure || v > Irrelevant:
		return a, fmt.Errorf("%s: %v is no verdict; need Relevant, Irrelevant or Unsure", step, v)
	case strings.TrimSpace(by) == "":
		return a, fmt.Errorf("%s: need the name of the person who confirms: %w", step, ErrName)
	}
	a.Concepts = slices.Clone(a.Concepts)
	a.Concepts[c].Judgement = &Judgement{Verdict: v, By: by}
	return a, nil
}

// Sightings are places where concepts were seen in the images of a set.
type Sightings struct {
	Set  string // fingerprint of the set
	List []Sighting
}

// Sighting is a region of an image that shows a concept.
type Sighting struct {
	Image    int
	Area     Area
	Concept  string
	Distance float64 // from the concept's centroid, as a share of its radius
}

// Members returns the regions of the named concepts, in the order of the images.
func (a Atlas) Members(concepts ...string) (Sightings, error) {
	if err := a.check(); err != nil {
		return Sightings{}, fmt.Errorf("soxai.Atlas.Members: not a whole atlas: %w", err)
	}
	s := Sightings{Set: a.Set.Fingerprint()}
	wanted := map[int]bool{}
	for _, name := range concepts {
		c, err := a.find(name)
		if err != nil {
			return s, fmt.Errorf("soxai.Atlas.Members(%q): %w", name, err)
		}
		wanted[c] = true
	}
	points := a.points()
	for i, g := range a.Regions {
		if wanted[g.Concept] {
			q := a.Concepts[g.Concept]
			s.List = append(s.List, Sighting{g.Image, g.Area, q.Name, q.distance(points.RawRowView(i))})
		}
	}
	return s, nil
}

// Images returns the images of the sightings, ascending, each once.
func (s Sightings) Images() []int {
	var list []int
	for _, one := range s.List {
		list = append(list, one.Image)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// check says whether the sightings can be those of a set.
func (s Sightings) check(set datasets.Set) error {
	if own := set.Fingerprint(); own != s.Set {
		return fmt.Errorf("the regions are of a set with fingerprint %s, this is %q with %s: %w", s.Set, set.Name, own, ErrOtherSet)
	}
	for i, one := range s.List {
		if one.Image < 0 || one.Image >= set.Len() || !one.Area.valid(set.Shape.Height*set.Shape.Width) {
			return fmt.Errorf("region %d, of image %d, does not fit the %d images of %v of %q: %w", i, one.Image, set.Len(), set.Shape, set.Name, ErrOtherSet)
		}
	}
	return nil
}

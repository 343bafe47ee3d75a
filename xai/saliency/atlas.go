package saliency

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/internal/store"
	"github.com/whybook/whybook/xai/progress"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// Atlas is what the maps of a data set have in common, class by class.
type Atlas struct {
	Entries []Entry        // one for each score of the model, in their order
	Shape   datasets.Shape // of every list of an entry
	Signed  bool           // whether signs mean for and against
	Method  string         // "Integrated gradients"
	By      Method         // the method itself, with its settings
	Group   Group          // how samples were assigned
	Columns []string       // of a table; nil for images

	Skipped []Skip      // samples that have no map, in their order
	Notes   []NoteCount // how many maps there was something to say about

	DataName   string
	Provenance Provenance // Sample is the fingerprint of the data
}

// Entry is one class of an Atlas. The lists have one value for each value of an input; they
// are nil where Count is 0.
type Entry struct {
	Class string // its name, or its number
	Count int    // maps

	Mean     []float64 // of the maps: what pulls one way in all of them
	Absolute []float64 // mean of the absolute values: what matters, whichever way
	Spread   []float64 // standard deviation over the maps, with Count - 1; 0 for one map
	Image    []float64 // mean of the inputs

	Wrong     int // samples left out because their prediction is wrong, with Correct
	Undefined int // samples that have no map, see Skipped
}

// Skip is a sample without a map.
type Skip struct {
	Index int    // in the data
	Class int    // to which it would belong
	Why   string // what the method says
}

// NoteCount says how many maps have a note of a kind.
type NoteCount struct {
	Kind  Remark
	Count int
}

// Group says to which class a sample belongs and which score its map explains.
type Group int

const (
	Correct      Group = iota // by label, without samples that are predicted wrong; the score of the label
	ByLabel                   // by label, all samples; the score of the label
	ByPrediction              // by prediction, all samples; the score of the prediction
)

var groups = [...]string{"Correct", "ByLabel", "ByPrediction"}

// GoString returns the group as Go code.
func (g Group) GoString() string {
	if g < 0 || int(g) >= len(groups) {
		return fmt.Sprintf("saliency.Group(%d)", int(g))
	}
	return "saliency." + groups[g]
}

// Survey describes an Atlas. It is immutable: each step returns a changed copy.
type Survey struct {
	model  xai.Differentiable
	data   datasets.Source
	method Method
	group  Group
	err    error
}

// Over starts a survey of the maps of every sample of data: gradients of the samples that
// the model gets right, unless With and Group say otherwise.
//
//	atlas, err := saliency.Over(net, test).With(saliency.IntegratedGradients{}).Explain(ctx)
func Over(model xai.Differentiable, data datasets.Source) Survey {
	s := Survey{model: model, data: data, method: Gradient{}}
	switch {
	case isNil(model):
		s.model = nil
		s.err = xai.Stepf("saliency.Over", "need a model, have nil")
	case isNil(data):
		s.err = xai.Stepf("saliency.Over", "need data, have nil")
	}
	return s
}

// With sets the method; the default is Gradient{}.
func (s Survey) With(m Method) Survey {
	if s.err == nil && isNil(m) {
		s.err = xai.Stepf("saliency.Over.With(nil)", "need a method")
	}
	s.method = m
	return s
}

// Group sets how samples are assigned to classes; the default is Correct.
func (s Survey) Group(g Group) Survey {
	if s.err == nil && (g < Correct || g > ByPrediction) {
		s.err = xai.Stepf(fmt.Sprintf("saliency.Over.Group(%d)", int(g)), "need Correct, ByLabel or ByPrediction")
	}
	s.group = g
	return s
}

func (s Survey) check() error {
	if s.err == nil && s.model == nil {
		return errors.New("saliency: a survey starts with saliency.Over(model, data)")
	}
	return s.err
}

// recipe is the recipe of a single map, for what the two have in common.
func (s Survey) recipe(x datasets.Sample) Recipe {
	return Recipe{model: s.model, method: s.method, sample: x, target: -1}
}

// Key names everything that determines the atlas.
func (s Survey) Key() string {
	if err := s.check(); err != nil {
		return "saliency: " + err.Error()
	}
	p := s.recipe(datasets.Sample{}).provenance()
	return fmt.Sprintf("atlas %s %s | %#v | model %s | data %s", p.Version, p.Method, s.group, p.Model, s.data.Key())
}

// Build computes the atlas, like Explain, for a cache: kernelext.Build(survey). Like
// Recipe.Build it refuses a model without a fingerprint.
func (s Survey) Build(ctx context.Context) (Atlas, error) {
	if err := s.check(); err != nil {
		return Atlas{}, err
	}
	if s.recipe(datasets.Sample{}).provenance().Model == "" {
		return Atlas{}, fmt.Errorf("saliency: a %T has no fingerprint to be found by in a cache; use Explain", s.model)
	}
	if _, err := store.Encode(s.method); err != nil {
		return Atlas{}, fmt.Errorf("saliency: the method %s cannot be kept in a cache; use Explain: %w", name(s.method), err)
	}
	return s.Explain(ctx)
}

const atlasFormat = "whybook.atlas/1"

// Save writes an atlas that the survey made.
func (s Survey) Save(w io.Writer, a Atlas) error { return a.Save(w) }

// Load reads an atlas that the survey made.
func (s Survey) Load(r io.Reader) (Atlas, error) {
	if err := s.check(); err != nil {
		return Atlas{}, err
	}
	a, err := LoadAtlas(r, s.method)
	if err != nil {
		return Atlas{}, err
	}
	here := s.recipe(datasets.Sample{}).provenance()
	a.Provenance.Verdict, here.Sample = here.Verdict, ""
	if err := differ(a.Provenance, here); err != nil {
		return Atlas{}, fmt.Errorf("saliency: load atlas: %w", err)
	}
	return a, nil
}

// Save writes the atlas as JSON with a checksum, as Map.Save does.
func (a Atlas) Save(w io.Writer) error {
	err := a.check()
	if err == nil {
		err = store.Write(w, atlasFormat, a)
	}
	if err != nil {
		return fmt.Errorf("saliency: save atlas: %w", err)
	}
	return nil
}

// LoadAtlas reads an atlas that Save wrote, see Load.
func LoadAtlas(r io.Reader, foreign ...Method) (Atlas, error) {
	var a Atlas
	err := store.Read(r, atlasFormat, &a, known(foreign)...)
	if err == nil {
		if err = a.check(); err != nil {
			err = fmt.Errorf("%w: %w", err, ErrFormat)
		}
	}
	if err != nil {
		return Atlas{}, fmt.Errorf("saliency: load atlas: %w", format(err))
	}
	return a, nil
}

func (a Atlas) check() error {
	for c, e := range a.Entries {
		for _, list := range [][]float64{e.Mean, e.Absolute, e.Spread, e.Image} {
			if e.Count == 0 && list == nil {
				continue
			}
			if err := fits(a.Shape, len(list)); err != nil {
				return fmt.Errorf("class %d: %w", c, err)
			}
			if j := indexNotFinite(list); j >= 0 {
				return fmt.Errorf("class %d: value %d is %v: %w", c, j, list[j], datasets.ErrNotFinite)
			}
		}
	}
	if n := len(a.Columns); n != 0 && n != a.Shape.Size() {
		return fmt.Errorf("%d column names for %v: %w", n, a.Shape, xai.ErrShape)
	}
	return nil
}

// fits says whether n values have a shape. It divides: the product of hostile sizes can
// overflow to the right number.
func fits(s datasets.Shape, n int) error {
	if s.Channels < 1 || s.Height < 1 || s.Width < 1 || n < 1 || n%s.Channels != 0 || n/s.Channels%s.Height != 0 || n/s.Channels/s.Height != s.Width {
		return fmt.Errorf("%d values for the shape %v: %w", n, s, xai.ErrShape)
	}
	return nil
}

// surveyed is how many samples are explained at once, which bounds the memory.
const surveyed = 64

// Explain computes the atlas. Samples without a map are counted and listed, and do not end
// it; samples are added in their order, so that the same data give the same bytes.
func (s Survey) Explain(ctx context.Context) (Atlas, error) {
	if err := s.check(); err != nil {
		return Atlas{}, err
	}
	set, err := s.data.Build(ctx)
	if err == nil {
		err = set.Check()
	}
	if err != nil {
		return Atlas{}, fmt.Errorf("saliency: %w", err)
	}
	d, k := s.model.Dims()
	if set.Len() == 0 || set.Shape.Size() != d {
		return Atlas{}, fmt.Errorf("saliency: the set %q has %d samples of %v, the model takes %d values: %w", set.Name, set.Len(), set.Shape, d, xai.ErrShape)
	}
	if top := slices.Max(set.Labels); s.group != ByPrediction && top >= k {
		return Atlas{}, fmt.Errorf("saliency: the set %q has the label %d, the model %d scores; assign them by Group(saliency.ByPrediction): %w", set.Name, top, k, xai.ErrTarget)
	}
	first := s.recipe(set.At(0))
	a := Atlas{
		Shape: set.Shape, Signed: s.method.Signed(), Method: words(s.method), By: s.method, Group: s.group,
		Columns: set.Columns, DataName: set.Name, Provenance: first.provenance(), Entries: make([]Entry, k),
	}
	a.Provenance.Sample = set.Fingerprint()
	names := Map{Classes: first.classes(k)}
	for c := range a.Entries {
		a.Entries[c].Class = names.ClassName(c)
	}
	quiet := progress.WithReporter(ctx, func(progress.Event) {})
	var x *mat.Dense
	for lo := 0; lo < set.Len(); lo += surveyed {
		if err := ctx.Err(); err != nil {
			return Atlas{}, fmt.Errorf("saliency: after %d of %d samples: %w", lo, set.Len(), err)
		}
		var index []int
		for i := lo; i < min(lo+surveyed, set.Len()); i++ {
			index = append(index, i)
		}
		x = set.Batch(x, index)
		if err := s.block(quiet, &a, set, x, lo); err != nil {
			return Atlas{}, fmt.Errorf("saliency: samples from %d on: %w", lo, err)
		}
		progress.Report(ctx, "atlas", min(lo+surveyed, set.Len()), set.Len())
	}
	for c := range a.Entries {
		a.Entries[c].finish()
	}
	return a, nil
}

// block adds the samples from lo on, which are the rows of x.
func (s Survey) block(ctx context.Context, a *Atlas, set datasets.Set, x *mat.Dense, lo int) error {
	scores, err := s.model.Scores(ctx, x)
	if err != nil {
		return err
	}
	n, d := x.Dims()
	var rows, targets []int
	for i := range n {
		row := scores.RawRowView(i)
		if !finite(row) {
			return fmt.Errorf("the scores of sample %d are %v; explanations need finite ones: %w", lo+i, row, datasets.ErrNotFinite)
		}
		predicted, label := floats.MaxIdx(row), set.Labels[lo+i]
		switch {
		case s.group == ByPrediction:
			rows, targets = append(rows, i), append(targets, predicted)
		case s.group == Correct && predicted != label:
			a.Entries[label].Wrong++
		default:
			rows, targets = append(rows, i), append(targets, label)
		}
	}
	if len(rows) == 0 {
		return nil
	}
	in := Batch{X: mat.NewDense(len(rows), d, nil), Shape: set.Shape, Targets: targets}
	if set.Columns == nil { // images
		in.High = 1
	}
	for p, i := range rows {
		in.X.SetRow(p, x.RawRowView(i))
	}
	maps := mat.NewDense(len(rows), d, nil)
	report, err := s.method.Attribute(ctx, s.model, maps, in)
	if err != nil {
		return fmt.Errorf("%s: %w", name(s.method), err)
	}
	for p, i := range rows {
		e := &a.Entries[targets[p]]
		if why := report.Err(p); why != nil {
			e.Undefined++
			a.Skipped = append(a.Skipped, Skip{Index: lo + i, Class: targets[p], Why: why.Error()})
			continue
		}
		phi := maps.RawRowView(p)
		if !finite(phi) {
			return fmt.Errorf("%s: the map of sample %d has a %w", name(s.method), lo+i, datasets.ErrNotFinite)
		}
		e.add(phi, in.X.RawRowView(p))
		notes := noteworthy(Map{Values: phi, Shape: set.Shape, Method: a.Method, Target: targets[p], Scores: scores.RawRowView(i), Sample: datasets.Sample{Shape: set.Shape, X: in.X.RawRowView(p)}})
		for _, note := range report.Notes {
			if note.Row == p {
				notes = append(notes, note)
			}
		}
		for _, note := range notes {
			a.count(note.Kind)
		}
	}
	return nil
}

func (a *Atlas) count(kind Remark) {
	at := slices.IndexFunc(a.Notes, func(n NoteCount) bool { return n.Kind == kind })
	if at < 0 {
		at, a.Notes = len(a.Notes), append(a.Notes, NoteCount{Kind: kind})
	}
	a.Notes[at].Count++
}

// add takes a map in by Welford's recurrence, which loses nothing to cancellation. Until
// finish, Spread is the sum of squared deviations.
func (e *Entry) add(phi, x []float64) {
	if e.Count == 0 {
		d := len(phi)
		e.Mean, e.Absolute, e.Spread, e.Image = make([]float64, d), make([]float64, d), make([]float64, d), make([]float64, d)
	}
	e.Count++
	n := float64(e.Count)
	for j, v := range phi {
		delta := v - e.Mean[j]
		e.Mean[j] += delta / n
		e.Spread[j] += delta * (v - e.Mean[j])
		e.Absolute[j] += (math.Abs(v) - e.Absolute[j]) / n
		e.Image[j] += (x[j] - e.Image[j]) / n
	}
}

func (e *Entry) finish() {
	for j, v := range e.Spread {
		e.Spread[j] = math.Sqrt(v / float64(max(e.Count-1, 1)))
	}
}

// Maps are maps of one sample, one for each of several targets or methods.
type Maps []Map

// ExplainBy computes a map by each of the methods, for the same target: what they agree on.
func (r Recipe) ExplainBy(ctx context.Context, methods ...Method) (Maps, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	if len(methods) == 0 {
		return nil, errors.New("saliency.Recipe.ExplainBy: no method given, such as saliency.Gradient{}")
	}
	var maps Maps
	for i, by := range methods {
		m, err := r.With(by).Explain(ctx)
		if err != nil {
			return nil, fmt.Errorf("method %d: %w", i, err)
		}
		maps = append(maps, m)
		progress.Report(ctx, "methods", i+1, len(methods))
	}
	return maps, nil
}

// ExplainEach computes a map for each of the targets, all scores if none is given: what
// speaks for each of them.
func (r Recipe) ExplainEach(ctx context.Context, targets ...int) (Maps, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	if len(targets) == 0 {
		_, k := r.model.Dims()
		for c := range k {
			targets = append(targets, c)
		}
	}
	var maps Maps
	for i, c := range targets {
		m, err := r.Target(c).Explain(ctx)
		if err != nil {
			return nil, err
		}
		maps = append(maps, m)
		progress.Report(ctx, "targets", i+1, len(targets))
	}
	return maps, nil
}

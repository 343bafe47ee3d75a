package soxai

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/progress"
	"github.com/whybook/whybook/xai/saliency"
	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// Retrain trains a network on a set, from initial weights and in an order that depend on the
// seed alone, so that two sets are compared from the same start.
//
//	func(ctx context.Context, set datasets.Set, seed uint64) (xai.Scorer, error) {
//		return arch.Fit(set, nn.Training{Epochs: 5, Seed: seed}).Build(ctx)
//	}
type Retrain func(ctx context.Context, set datasets.Set, seed uint64) (xai.Scorer, error)

// Trial tests whether acting on concepts in the training set makes a better model. For each of
// several seeds it retrains on the set as it is, on the set after each action, and on the set
// after the same action on other regions or images of the same sizes, the control, without
// which a change says nothing about the concept.
type Trial struct {
	Retrain Retrain           // required
	Test    datasets.Source   // held out; required
	Also    []datasets.Source // further sets to measure the accuracy on, under their names
	Actions []Action          // default Mask{}
	Seeds   int               // trainings of each arm; default 5
	Seed    uint64            // that their seeds are made from
}

// Outcome is the result of a Trial.
type Outcome struct {
	Concepts    []string
	TrainImages int // with a concept
	TestImages  int // in which one was detected
	Seeds       int // that are complete
	Arms        []Arm
}

// Arm is one way to make the training set.
type Arm struct {
	Name     string // "as it is", "mask", "mask, control"
	Control  bool
	Images   int // of the training set, in the first seed
	Measures []Measure
}

// Measure is a number for every arm.
type Measure struct {
	Name  string    // "accuracy", "accuracy with the concept"
	N     int       // images
	Seeds []float64 // the mean over the images for each seed

	// Value is the mean over the seeds. Change is that of the arm less that as it is, Beyond
	// that of the arm less that of its control; both are paired, by seed and image, and NaN
	// where there is nothing to compare. Intervals are from a bootstrap of seeds and images.
	Value, Change, Beyond Interval
}

// Get returns a measure by its name; one without images if there is none.
func (a Arm) Get(name string) Measure {
	for _, m := range a.Measures {
		if m.Name == name {
			return m
		}
	}
	none := Interval{nan, nan, nan}
	return Measure{Name: name, Value: none, Change: none, Beyond: none}
}

// Arm returns an arm by its name; an empty one if there is none.
func (o Outcome) Arm(name string) Arm {
	for _, a := range o.Arms {
		if a.Name == name {
			return a
		}
	}
	return Arm{}
}

// The names of measures.
const (
	Accuracy        = "accuracy"                     // on Test
	AccuracyWith    = "accuracy with the concept"    // on images of Test in which it was detected
	AccuracyWithout = "accuracy without the concept" // on the others
	AccuracyMasked  = "accuracy with it masked"      // on Test, with the concept masked
	AlphaMass       = "alpha on the concept"         // share of the explanation, on images with it
)

// plan is what is the same for all arms and seeds.
type plan struct {
	Trial
	recipe Recipe
	train  datasets.Set
	seen   Sightings // in train
	test   datasets.Set
	masked datasets.Set
	found  Sightings // in test
	also   []datasets.Set
	has    []bool // of each test image
	names  []string
}

// Run does the trial for concepts of the atlas that a person has confirmed to be irrelevant
// (ErrUnconfirmed). The recipe must be that of the atlas: it detects the concepts in the test
// images, and explains the retrained models.
//
// A trial that is interrupted, or whose Retrain fails, returns the outcome of the seeds that
// are complete with the error.
func (t Trial) Run(ctx context.Context, r Recipe, a Atlas, concepts ...string) (Outcome, error) {
	p, err := t.plan(ctx, r, a, concepts)
	if err != nil {
		return Outcome{}, err
	}
	out := Outcome{Concepts: concepts, TrainImages: len(p.seen.Images()), TestImages: len(p.found.Images())}
	out.Arms = []Arm{{Name: "as it is"}}
	for _, action := range p.Actions {
		out.Arms = append(out.Arms, Arm{Name: action.String()}, Arm{Name: action.String() + ", control", Control: true})
	}
	values := make([][][][]float64, len(out.Arms)) // by arm, measure, seed, image
	total := len(out.Arms) * p.Seeds
	for s := range p.Seeds {
		rows := make([][][]float64, len(out.Arms))
		for arm := range out.Arms {
			where := fmt.Sprintf("soxai.Trial: seed %d of %d, %s", s+1, p.Seeds, out.Arms[arm].Name)
			set, err := p.set(arm, s)
			if err == nil {
				err = ctx.Err()
			}
			if err == nil {
				rows[arm], err = p.run(ctx, set, s)
			}
			if err != nil {
				p.finish(&out, values)
				return out, fmt.Errorf("%s (%d seeds are complete): %w", where, s, err)
			}
			if s == 0 {
				out.Arms[arm].Images = set.Len()
			}
			progress.ReportDetail(ctx, "trial", s*len(out.Arms)+arm+1, total, out.Arms[arm].Name)
		}
		for arm := range rows {
			if values[arm] == nil {
				values[arm] = make([][][]float64, len(rows[arm]))
			}
			for m, row := range rows[arm] {
				values[arm][m] = append(values[arm][m], row)
			}
		}
		out.Seeds++
	}
	p.finish(&out, values)
	return out, nil
}

func (t Trial) plan(ctx context.Context, r Recipe, a Atlas, concepts []string) (*plan, error) {
	const step = "soxai.Trial.Run"
	if err := r.check(); err != nil {
		return nil, err
	}
	switch {
	case r.instances != nil:
		return nil, xai.Stepf(step, "a trial compares decisions about whole images, not about instances; use Sightings.Apply, retrain, and build the atlas again")
	case t.Retrain == nil:
		return nil, xai.Stepf(step, "field Retrain is nil; need a function that trains a network")
	case isNil(t.Test):
		return nil, xai.Stepf(step, "field Test is nil; need held-out images")
	case t.Seeds < 0:
		return nil, xai.Stepf(step, "field Seeds is %d; need at least 1, or 0 for 5", t.Seeds)
	case len(concepts) == 0:
		return nil, xai.Stepf(step, "need the name of a concept: %w", ErrName)
	}
	if t.Seeds == 0 {
		t.Seeds = 5
	}
	if len(t.Actions) == 0 {
		t.Actions = []Action{Mask{}}
	}
	arms := map[string]bool{}
	for _, action := range t.Actions {
		if isNil(action) {
			return nil, xai.Stepf(step, "field Actions has a nil action")
		}
		if err := action.check(); err != nil {
			return nil, xai.Stepf(step, "%#v: %w", action, err)
		}
		if arms[action.String()] {
			return nil, xai.Stepf(step, "field Actions has %q twice; run a trial for each", action.String())
		}
		arms[action.String()] = true
	}
	for i, name := range concepts {
		q, err := a.Concept(name)
		if err != nil {
			return nil, xai.Stepf(step, "%w", err)
		}
		if q.Judgement == nil || q.Judgement.Verdict != Irrelevant {
			return nil, xai.Stepf(step, "%q is not confirmed to be irrelevant; look at it, then Atlas.Confirm: %w", name, ErrUnconfirmed)
		}
		for _, before := range concepts[:i] {
			if before == name {
				return nil, xai.Stepf(step, "concept %q is given twice: %w", name, ErrName)
			}
		}
	}
	p := &plan{Trial: t, recipe: r, train: a.Set}
	var err error
	if p.seen, err = a.Members(concepts...); err != nil {
		return nil, err
	}
	if p.test, err = r.set(ctx, t.Test); err != nil {
		return nil, fmt.Errorf("%s: test data: %w", step, err)
	}
	if p.found, err = r.Detect(ctx, a, p.test, concepts...); err != nil {
		return nil, fmt.Errorf("%s: test data: %w", step, err)
	}
	if p.masked, err = p.found.Apply(p.test, Mask{}, 0); err != nil {
		return nil, err
	}
	p.has = make([]bool, p.test.Len())
	for _, i := range p.found.Images() {
		p.has[i] = true
	}
	p.names = []string{Accuracy, AccuracyWith, AccuracyWithout, AccuracyMasked, AlphaMass}
	for _, source := range t.Also {
		if isNil(source) {
			return nil, xai.Stepf(step, "field Also has a nil set")
		}
		set, err := r.set(ctx, source)
		if err != nil {
			return nil, fmt.Errorf("%s: further data: %w", step, err)
		}
		p.also, p.names = append(p.also, set), append(p.names, "accuracy on "+set.Name)
	}
	return p, nil
}

// set makes the training set of an arm.
func (p *plan) set(arm, s int) (datasets.Set, error) {
	if arm == 0 {
		return p.train, nil
	}
	action, sd := p.Actions[(arm-1)/2], seed.Sub(p.Seed, "soxai", "action", s)
	regions := p.seen
	if arm%2 == 0 {
		var err error
		if regions, err = p.seen.Control(p.train, action, sd); err != nil {
			return datasets.Set{}, err
		}
	}
	return regions.Apply(p.train, action, sd)
}

// run trains and measures: a list of values, one for each image, for every measure.
func (p *plan) run(ctx context.Context, set datasets.Set, s int) ([][]float64, error) {
	quiet := progress.WithReporter(ctx, func(progress.Event) {})
	model, err := p.Retrain(quiet, set, seed.Sub(p.Seed, "soxai", "retrain", s))
	if err != nil {
		return nil, err
	}
	if isNil(model) {
		return nil, errors.New("field Retrain returned no model and no error")
	}
	d, k := p.recipe.model.Dims()
	if gd, gk := model.Dims(); gd != d || gk != k {
		return nil, fmt.Errorf("field Retrain returned a model of %d values and %d scores, need %d and %d: %w", gd, gk, d, k, xai.ErrShape)
	}
	right, err := p.right(quiet, model, p.test)
	if err != nil {
		return nil, err
	}
	var with, without []float64
	for i, v := range right {
		if p.has[i] {
			with = append(with, v)
		} else {
			without = append(without, v)
		}
	}
	masked, err := p.right(quiet, model, p.masked)
	if err != nil {
		return nil, err
	}
	mass, err := p.mass(quiet, model)
	if err != nil {
		return nil, err
	}
	rows := [][]float64{right, with, without, masked, mass}
	for _, set := range p.also {
		row, err := p.right(quiet, model, set)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// right says for each image of a set, by 1 or 0, whether the model gets it right.
func (p *plan) right(ctx context.Context, model xai.Scorer, set datasets.Set) ([]float64, error) {
	var out []float64
	var x *mat.Dense
	for lo := 0; lo < set.Len(); lo += p.recipe.batch {
		index := make([]int, min(p.recipe.batch, set.Len()-lo))
		for i := range index {
			index[i] = lo + i
		}
		x = set.Batch(x, index)
		scores, err := model.Scores(ctx, x)
		if err != nil {
			return nil, err
		}
		for i := range index {
			row, err := softmax(scores.RawRowView(i))
			if err != nil {
				return nil, fmt.Errorf("image %d of %q: %w", lo+i, set.Name, err)
			}
			v := 0.0
			if floats.MaxIdx(row) == set.Labels[lo+i] {
				v = 1
			}
			out = append(out, v)
		}
	}
	return out, nil
}

// mass returns for each test image with the concept the share of alpha that the retrained
// model puts on it; NaN where the map is zero, or the model cannot be explained this way.
func (p *plan) mass(ctx context.Context, model xai.Scorer) ([]float64, error) {
	images := p.found.Images()
	out := make([]float64, len(images))
	for i := range out {
		out[i] = nan
	}
	f, ok := model.(xai.Differentiable)
	if !ok {
		return out, nil
	}
	areas, hw := p.found.byImage(), p.test.Shape.Height*p.test.Shape.Width
	o := p.recipe.options()
	for lo := 0; lo < len(images); lo += p.recipe.batch {
		part := images[lo:min(lo+p.recipe.batch, len(images))]
		x := p.test.Batch(nil, part)
		scores, err := f.Scores(ctx, x)
		if err != nil {
			return nil, err
		}
		in := saliency.Batch{X: x, Shape: p.test.Shape, High: 1}
		for i := range part {
			in.Targets = append(in.Targets, floats.MaxIdx(scores.RawRowView(i)))
		}
		n, d := x.Dims()
		maps := mat.NewDense(n, d, nil)
		report, err := p.recipe.method.Attribute(ctx, f, maps, in)
		if errors.Is(err, xai.ErrAbility) || errors.Is(err, xai.ErrLayer) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		for i, image := range part {
			if report.Err(i) != nil {
				continue
			}
			alpha := o.alpha(maps.RawRowView(i), p.test.Shape)
			sum, total, mask := 0.0, floats.Sum(alpha), make([]bool, hw)
			for _, a := range areas[image] {
				for _, q := range a.Pixels() {
					mask[q] = true
				}
			}
			for q, in := range mask {
				if in {
					sum += alpha[q]
				}
			}
			if total > 0 && !math.IsInf(total, 0) {
				out[lo+i] = sum / total
			}
		}
	}
	return out, nil
}

// finish sums up the seeds that are complete.
func (p *plan) finish(out *Outcome, values [][][][]float64) {
	for arm := range out.Arms {
		for m, name := range p.names {
			one := Measure{Name: name, Value: Interval{nan, nan, nan}}
			one.Change, one.Beyond = one.Value, one.Value
			if values[arm] == nil {
				out.Arms[arm].Measures = append(out.Arms[arm].Measures, one)
				continue
			}
			own := values[arm][m]
			one.N = len(own[0])
			for _, row := range own {
				one.Seeds = append(one.Seeds, meanFinite(row))
			}
			path := []any{"soxai", "outcome", strings.Join(p.names[:m+1], "|")}
			one.Value = twoLevel(own, nil, p.Seed, path...)
			if arm > 0 {
				one.Change = twoLevel(own, values[0][m], p.Seed, path...)
			}
			if arm%2 == 1 {
				one.Beyond = twoLevel(own, values[arm+1][m], p.Seed, path...)
			}
			out.Arms[arm].Measures = append(out.Arms[arm].Measures, one)
		}
	}
}

func meanFinite(values []float64) float64 {
	sum, n := 0.0, 0
	for _, v := range values {
		if !math.IsNaN(v) {
			sum += v
			n++
		}
	}
	return sum / float64(n)
}

// twoLevel is the mean of values[seed][image], less that of minus if it is not nil, with an
// interval from drawing seeds and images anew. Images that miss a value in a seed do not count
// in it.
func twoLevel(values, minus [][]float64, sd uint64, path ...any) Interval {
	seeds, images := len(values), len(values[0])
	diff := make([][]float64, seeds)
	for s := range diff {
		diff[s] = make([]float64, images)
		for i := range images {
			diff[s][i] = values[s][i]
			if minus != nil {
				diff[s][i] -= minus[s][i]
			}
		}
	}
	sum, n := 0.0, 0.0
	for _, row := range diff {
		for _, v := range row {
			if !math.IsNaN(v) {
				sum += v
				n++
			}
		}
	}
	out := Interval{sum / n, nan, nan}
	if n == 0 || images < 2 {
		return out
	}
	rng := seed.Stream(sd, path...)
	var means []float64
	draw := make([]int, images)
	for range resamples {
		for i := range draw {
			draw[i] = rng.IntN(images)
		}
		sum, n := 0.0, 0.0
		for range seeds {
			row := diff[rng.IntN(seeds)]
			for _, i := range draw {
				if v := row[i]; !math.IsNaN(v) {
					sum += v
					n++
				}
			}
		}
		if n > 0 {
			means = append(means, sum/n)
		}
	}
	out.Low, out.High = percentile(means, 0.025), percentile(means, 0.975)
	return out
}

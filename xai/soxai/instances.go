package soxai

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// Instances says what a detector or a segmentation network has found, so that each object is
// explained by itself: by the mean, over its box or mask, of the scores that a layer puts out
// at every place. A sample of the set is an instance, with the label of the object; an image with
// several objects stands in the set once for each (see [datasets.Recipe.Pasted]). The zero value
// takes the set's masks and the last layer that has a score for each class.
type Instances struct {
	// Scores is the layer with space whose channel c is the score of class c at each place.
	// Further channels, such as a background, compete in the softmax. Default: the last layer
	// with space that has as many channels as the model has scores.
	Scores string

	// Areas has the box (see [Box]) or mask of each sample; nil for the masks of the set. An
	// instance with an empty one is skipped and counted.
	Areas []Area

	// Around is how many pixels around the bounding box of an instance its explanation may lie;
	// default a quarter of the longer side, at least 1, and -1 for the whole image. Without a
	// limit, Grad-CAM points at other objects of the class too.
	Around int
}

// Box returns the pixels with left <= x < right and top <= y < bottom, as far as they lie in an
// image of the given shape.
func Box(shape datasets.Shape, left, top, right, bottom int) Area {
	left, top, right, bottom = max(left, 0), max(top, 0), min(right, shape.Width), min(bottom, shape.Height)
	var pixels []int
	for y := top; y < bottom; y++ {
		for x := left; x < right; x++ {
			pixels = append(pixels, y*shape.Width+x)
		}
	}
	return areaOf(pixels)
}

// bounds returns the bounding box of a non-empty area, the ends exclusive.
func (a Area) bounds(width int) (left, top, right, bottom int) {
	left, top = width, a[0]/width
	for _, p := range a.Pixels() {
		left, right, bottom = min(left, p%width), max(right, p%width+1), p/width+1
	}
	return left, top, right, bottom
}

// Instances explains objects in images instead of whole images: regions, embeddings, effects
// and statistics are of the instances' scores. Set it before At: the layer that embeds becomes
// the last one with space before the scores. Transfer is NaN, since objects have places of their
// own, and a [Trial] is not possible: what to do about a concept goes by [Sightings.Apply].
func (r Recipe) Instances(o Instances) Recipe {
	if r.check() != nil {
		return r
	}
	_, k := r.model.Dims()
	fail := func(format string, args ...any) Recipe {
		r.err = xai.Stepf("soxai.Of.Instances", format, args...)
		return r
	}
	if o.Around < -1 {
		return fail("field Around is %d; need pixels, 0 for the default or -1 for the whole image", o.Around)
	}
	before, last, found := "", "", false
	var spatial []string
	for _, l := range r.model.Layers() {
		if l.Height*l.Width == 1 {
			continue
		}
		if l.Name == o.Scores || o.Scores == "" && l.Channels == k {
			before, found = last, true
			if o.Scores != "" {
				r.scoresAt = l
				break
			}
			r.scoresAt = l
		}
		last = l.Name
		spatial = append(spatial, fmt.Sprintf("%s (%d channels)", l.Name, l.Channels))
	}
	switch {
	case !found && o.Scores != "":
		return fail("field Scores is %q; need a layer with space, which are %s: %w", o.Scores, strings.Join(spatial, ", "), xai.ErrLayer)
	case !found:
		return fail("no layer with space has a score for each of the %d classes; name one in the field Scores, of %s: %w", k, strings.Join(spatial, ", "), xai.ErrLayer)
	case before == "":
		return fail("layer %q is the first one with space; an embedding needs one before it: %w", r.scoresAt.Name, xai.ErrLayer)
	}
	o.Areas = slices.Clone(o.Areas)
	r.instances, r.layer = &o, before
	return r
}

// key names what determines the instances.
func (o Instances) key(scores string) string {
	areas := "of the set"
	if o.Areas != nil {
		sum := sha256.Sum256(fmt.Append(nil, o.Areas))
		areas = hex.EncodeToString(sum[:12])
	}
	return fmt.Sprintf("instances by %q, areas %s, around %d", scores, areas, o.Around)
}

// classes returns how many classes compete.
func (r Recipe) classes() int {
	if r.instances != nil {
		return r.scoresAt.Channels
	}
	_, k := r.model.Dims()
	return k
}

// judge scores the images of a set: whole, or the instance that each one stands for.
type judge struct {
	model   xai.Layered
	layer   xai.Layer   // that puts out the scores of instances
	weights [][]float64 // by sample, over the places of the layer, with sum 1; nil for whole images
	near    [][]bool    // by sample, the pixels that its explanation may lie in; nil for all
}

// judge prepares the scores of a set.
func (r Recipe) judge(set datasets.Set) (judge, error) {
	j := judge{model: r.model}
	if r.instances == nil {
		return j, nil
	}
	o, h, w := r.instances, set.Shape.Height, set.Shape.Width
	switch {
	case o.Areas == nil && set.Masks == nil:
		return j, fmt.Errorf("soxai: the set %q has no masks; give the instances in the field Areas: %w", set.Name, xai.ErrShape)
	case o.Areas != nil && len(o.Areas) != set.Len():
		return j, fmt.Errorf("soxai: field Areas has %d instances for the %d samples of %q: %w", len(o.Areas), set.Len(), set.Name, ErrOtherSet)
	}
	j.layer = r.scoresAt
	j.weights, j.near = make([][]float64, set.Len()), make([][]bool, set.Len())
	s := newShrink(h, w, j.layer.Height, j.layer.Width)
	for i := range j.weights {
		var a Area
		switch {
		case o.Areas == nil:
			mask := make([]bool, h*w)
			for p, m := range set.Masks[i*h*w : (i+1)*h*w] {
				mask[p] = m != 0
			}
			a = areaOfMask(mask)
		case len(o.Areas[i]) > 0 && !o.Areas[i].valid(h*w):
			return j, fmt.Errorf("soxai: field Areas: instance %d does not fit the images of %v of %q: %w", i, set.Shape, set.Name, ErrOtherSet)
		default:
			a = o.Areas[i]
		}
		weights := make([]float64, j.layer.Height*j.layer.Width)
		j.weights[i] = weights
		if a.Size() == 0 { // skipped; the whole map still gives a prediction
			for q := range weights {
				weights[q] = 1 / float64(len(weights))
			}
			continue
		}
		plane := make([]float64, h*w)
		for _, p := range a.Pixels() {
			plane[p] = 1
		}
		s.to(weights, plane)
		floats.Scale(1/floats.Sum(weights), weights)
		left, top, right, bottom := a.bounds(w)
		around := o.Around
		if around == 0 {
			around = max(1, max(right-left, bottom-top)/4)
		}
		if around < 0 {
			around = max(h, w)
		}
		j.near[i] = Box(set.Shape, left-around, top-around, right+around, bottom+around).Mask(h * w)
	}
	return j, nil
}

// scores returns the class scores of the rows of x, which are the given samples or changed
// copies of them.
func (j judge) scores(ctx context.Context, x *mat.Dense, samples []int) (*mat.Dense, error) {
	if j.weights == nil {
		return j.model.Scores(ctx, x)
	}
	maps, err := j.model.Activations(ctx, j.layer.Name, x)
	if err != nil {
		return nil, err
	}
	n, _ := x.Dims()
	if r, c := maps.Dims(); r != n || c != j.layer.Size() {
		return nil, fmt.Errorf("layer %q put out %d x %d values, need %d x %d: %w", j.layer.Name, r, c, n, j.layer.Size(), xai.ErrShape)
	}
	out := mat.NewDense(n, j.layer.Channels, nil)
	for i, s := range samples {
		j.read(out.RawRowView(i), maps.RawRowView(i), j.weights[s])
	}
	return out, nil
}

// read averages the scores of all places by the weights of an instance.
func (j judge) read(dst, maps, weights []float64) {
	for c := range dst {
		dst[c] = floats.Dot(weights, maps[c*len(weights):(c+1)*len(weights)])
	}
}

// explained returns a model for a method of saliency, and the score that it explains for each of
// the samples, which are the rows of a batch.
func (j judge) explained(samples, classes []int) (xai.Differentiable, []int) {
	if j.weights == nil {
		return j.model, classes
	}
	m, targets := instanced{Layered: j.model, judge: j}, make([]int, len(samples))
	for i, s := range samples {
		m.samples = append(m.samples, j.weights[s])
		targets[i] = i*j.layer.Channels + classes[i]
	}
	return m, targets
}

// instanced is a model that has, for each of several instances, a score of every class: those
// of instance i from i * classes on. Methods send rows in any order and number, but always with
// their targets; so the target tells whose score is meant.
type instanced struct {
	xai.Layered
	judge
	samples [][]float64 // weights
}

// instanceScores names the end of an instanced model.
const instanceScores = "scores of instances"

// Dims implements xai.Scorer.
func (m instanced) Dims() (d, k int) {
	d, _ = m.Layered.Dims()
	return d, len(m.samples) * m.layer.Channels
}

// Scores implements xai.Scorer.
func (m instanced) Scores(ctx context.Context, x *mat.Dense) (*mat.Dense, error) {
	maps, err := m.Layered.Activations(ctx, m.layer.Name, x)
	if err != nil {
		return nil, err
	}
	n, _ := x.Dims()
	_, k := m.Dims()
	out := mat.NewDense(n, k, nil)
	for i := range n {
		for s, weights := range m.samples {
			m.read(out.RawRowView(i)[s*m.layer.Channels:][:m.layer.Channels], maps.RawRowView(i), weights)
		}
	}
	return out, nil
}

// Gradients implements xai.Differentiable.
func (m instanced) Gradients(ctx context.Context, dst, x *mat.Dense, targets []int) (*mat.Dense, error) {
	scores, err := m.Scores(ctx, x)
	if err != nil {
		return nil, err
	}
	n, k := scores.Dims()
	if len(targets) != n {
		return nil, fmt.Errorf("soxai: %d targets for %d rows: %w", len(targets), n, xai.ErrShape)
	}
	seed := mat.NewDense(n, k, nil)
	for i, t := range targets {
		if t < 0 || t >= k {
			return nil, fmt.Errorf("soxai: target %d of row %d: %d instances of %d classes have %d scores: %w", t, i, len(m.samples), m.layer.Channels, k, xai.ErrTarget)
		}
		seed.Set(i, t, 1)
	}
	return scores, m.Pull(ctx, "", "", dst, x, seed)
}

// Layers implements xai.Layered: those before the scores, and the end.
func (m instanced) Layers() []xai.Layer {
	var list []xai.Layer
	for _, l := range m.Layered.Layers() {
		if l.Name == m.layer.Name {
			break
		}
		list = append(list, l)
	}
	_, k := m.Dims()
	return append(list, xai.Layer{Name: instanceScores, Kind: "mean", Channels: k, Height: 1, Width: 1})
}

// Activations implements xai.Layered.
func (m instanced) Activations(ctx context.Context, layer string, x *mat.Dense) (*mat.Dense, error) {
	if layer == "" || layer == instanceScores {
		return m.Scores(ctx, x)
	}
	return m.Layered.Activations(ctx, layer, x)
}

// Pull implements xai.Layered.
func (m instanced) Pull(ctx context.Context, of, at string, dst, x, seed *mat.Dense) error {
	if of != "" && of != instanceScores {
		return m.Layered.Pull(ctx, of, at, dst, x, seed)
	}
	n, k := seed.Dims()
	if _, own := m.Dims(); k != own {
		return fmt.Errorf("soxai: a seed of %d values for %d scores: %w", k, own, xai.ErrShape)
	}
	places := m.layer.Height * m.layer.Width
	maps := mat.NewDense(n, m.layer.Size(), nil)
	for i := range n {
		for t, v := range seed.RawRowView(i) {
			if v != 0 {
				floats.AddScaled(maps.RawRowView(i)[t%m.layer.Channels*places:][:places], v, m.samples[t/m.layer.Channels])
			}
		}
	}
	return m.Layered.Pull(ctx, m.layer.Name, at, dst, x, maps)
}

// After implements xai.Layered: what follows a layer has no place to find an instance in.
func (m instanced) After(layer string) (xai.Differentiable, error) {
	return nil, fmt.Errorf("soxai: what follows layer %q knows no instances: %w", layer, xai.ErrAbility)
}

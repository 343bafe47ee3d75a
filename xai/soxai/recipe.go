package soxai

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/saliency"
)

// Regions says how a map becomes critical regions. The zero value takes the smallest set of
// pixels that holds half of the map's mass, and each of its connected parts.
type Regions struct {
	// Mass is the share of the map's mass that critical pixels hold, in (0,1]; default 0.5.
	Mass float64

	// Area, when positive, takes this share of all pixels instead, those with the largest
	// values, in (0,1]. The usual choice is 0.15.
	Area float64

	// PerImage makes one region of all critical pixels of an image, as the paper embeds one
	// explanation for an image. By default each connected part is a region of its own, since
	// one image can hold two concepts.
	PerImage bool

	// Least is the share of the image below which a part is left out, in [0,1); default 0.005.
	// It has no effect with PerImage.
	Least float64

	// Positive leaves out what speaks against the explained class, before the channels of a
	// pixel are added. By default absolute values are added.
	Positive bool

	// Blur is the side in pixels, odd, of the square over which the map is averaged first; 1
	// for no averaging. Default 1 for Grad-CAM, which is smooth already, and 5 else.
	Blur int

	// Fill takes the place of a region where its effect is measured.
	Fill Fill
}

// filled returns the options with their defaults for a method.
func (o Regions) filled(m saliency.Method) Regions {
	if o.Mass == 0 {
		o.Mass = 0.5
	}
	if o.Least == 0 {
		o.Least = 0.005
	}
	if o.Blur == 0 {
		o.Blur = 5
		switch m.(type) {
		case saliency.GradCAM, *saliency.GradCAM:
			o.Blur = 1
		}
	}
	return o
}

func (o Regions) check() error {
	switch {
	case !(o.Mass >= 0 && o.Mass <= 1):
		return fmt.Errorf("field Mass is %v; need a share in (0,1], or 0 for the default", o.Mass)
	case !(o.Area >= 0 && o.Area <= 1):
		return fmt.Errorf("field Area is %v; need a share in (0,1], or 0 to go by mass", o.Area)
	case !(o.Least >= 0 && o.Least < 1):
		return fmt.Errorf("field Least is %v; need a share in [0,1), 0 for the default", o.Least)
	case o.Blur < 0 || o.Blur > 0 && o.Blur%2 == 0:
		return fmt.Errorf("field Blur is %d; need an odd number of pixels, or 0 for the default", o.Blur)
	}
	return o.Fill.check()
}

// Recipe describes an atlas. It is immutable: each step returns a changed copy, and the first
// mistake is returned by the verb that does the work.
type Recipe struct {
	model      xai.Layered
	data       datasets.Source
	method     saliency.Method
	group      saliency.Group
	regions    Regions
	layer      string
	targets    []int
	side       int // of maps that embed themselves; 0: the layer embeds
	normalize  bool
	components int
	grouping   Grouping
	criteria   Criteria
	batch      int
	seed       uint64
	instances  *Instances // nil: whole images are explained
	scoresAt   xai.Layer  // that puts out the scores of instances
	err        error
}

// Of starts an atlas of the concepts in the explanations that a model has for the images of a
// set: by Grad-CAM at the last layer with space, of the class that the model predicts, embedded
// by that layer and grouped by k-means into 2 to 12 concepts, unless the steps say otherwise.
func Of(model xai.Layered, data datasets.Source) Recipe {
	r := Recipe{model: model, data: data, method: saliency.GradCAM{}, group: saliency.ByPrediction, grouping: KMeans{}, batch: 64}
	switch {
	case isNil(model):
		r.model, r.err = nil, xai.Stepf("soxai.Of", "need a model, have nil")
	case isNil(data):
		r.data, r.err = nil, xai.Stepf("soxai.Of", "need data, have nil")
	default:
		if r.layer = lastSpatial(model); r.layer == "" {
			r.err = xai.Stepf("soxai.Of", "the model has no hidden layer with space, which regions need: %w", xai.ErrLayer)
		}
	}
	return r
}

// isNil also sees a nil pointer inside an interface, which a failed build leaves behind.
func isNil(x any) bool {
	v := reflect.ValueOf(x)
	return !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil()
}

// lastSpatial returns the last layer with space, "" if there is none.
func lastSpatial(model xai.Layered) string {
	name := ""
	for _, l := range model.Layers() {
		if l.Height*l.Width > 1 {
			name = l.Name
		}
	}
	return name
}

// With sets the method of the first order; its map, made non-negative, is alpha. For Grad-CAM
// with a named layer the embedding is of that layer too, until At names another.
func (r Recipe) With(m saliency.Method) Recipe {
	if r.check() != nil {
		return r
	}
	if isNil(m) {
		r.err = xai.Stepf("soxai.Of.With(nil)", "need a method")
		return r
	}
	r.method = m
	switch g := m.(type) {
	case saliency.GradCAM:
		if g.Layer != "" {
			return r.At(g.Layer)
		}
	case *saliency.GradCAM:
		if g.Layer != "" {
			return r.At(g.Layer)
		}
	}
	return r
}

// Group sets which images are explained and for which score, as in a survey of saliency maps.
// The default is saliency.ByPrediction: what drives the decisions, right or wrong.
func (r Recipe) Group(g saliency.Group) Recipe {
	if r.check() == nil && (g < saliency.Correct || g > saliency.ByPrediction) {
		r.err = xai.Stepf(fmt.Sprintf("soxai.Of.Group(%d)", int(g)), "need saliency.Correct, ByLabel or ByPrediction")
	}
	r.group = g
	return r
}

// Targets keeps explanations of the given classes only: one, for the concepts of one class.
func (r Recipe) Targets(classes ...int) Recipe {
	if r.check() != nil {
		return r
	}
	k := r.classes()
	for _, c := range classes {
		if c < 0 || c >= k {
			r.err = xai.Stepf(fmt.Sprintf("soxai.Of.Targets(%d)", c), "the model has %d classes (0-%d): %w", k, k-1, xai.ErrTarget)
			return r
		}
	}
	r.targets = slices.Clone(classes)
	slices.Sort(r.targets)
	r.targets = slices.Compact(r.targets)
	return r
}

// Regions sets how a map becomes critical regions.
func (r Recipe) Regions(o Regions) Recipe {
	if r.check() == nil {
		if err := o.check(); err != nil {
			r.err = xai.Stepf("soxai.Of.Regions", "%w", err)
		}
	}
	r.regions = o
	return r
}

// At sets the layer that embeds the regions. It must have space, for a region to mean
// something in it; the default is the last one that has.
func (r Recipe) At(layer string) Recipe {
	if r.check() != nil {
		return r
	}
	var spatial []string
	for _, l := range r.model.Layers() {
		if l.Height*l.Width > 1 {
			spatial = append(spatial, l.Name)
		}
	}
	if !slices.Contains(spatial, layer) {
		r.err = xai.Stepf(fmt.Sprintf("soxai.Of.At(%q)", layer), "need a layer with space, which are %s: %w", strings.Join(spatial, ", "), xai.ErrLayer)
		return r
	}
	r.layer = layer
	return r
}

// HeatMaps embeds each explanation by its whole map, shrunk to side x side pixels and divided by
// its sum, instead of by the features of a layer: the space of SpRAy (Lapuschkin et al. 2019),
// for comparison. There is one region for each image. In this space the same thing at another
// place is another thing. The default grouping stays; SpRAy's is Spectral{}.
func (r Recipe) HeatMaps(side int) Recipe {
	if r.check() == nil && side < 2 {
		r.err = xai.Stepf(fmt.Sprintf("soxai.Of.HeatMaps(%d)", side), "need at least 2 pixels; SpRAy's successors take 32")
	}
	r.side = side
	return r
}

// options returns how a map becomes regions.
func (r Recipe) options() Regions {
	o := r.regions.filled(r.method)
	if r.side > 0 {
		o.PerImage = true
	}
	return o
}

// space names what embeds: a layer, or "" for maps themselves.
func (r Recipe) space() string {
	if r.side > 0 {
		return ""
	}
	return r.layer
}

// Normalize scales embeddings to length 1, so that their direction alone counts. The paper
// does not.
func (r Recipe) Normalize() Recipe {
	r.normalize = true
	return r
}

// Components sets how many principal components the concepts are found in; the default is the
// paper's 50, or fewer where the rows or the layer do not have as many.
func (r Recipe) Components(n int) Recipe {
	if r.check() == nil && n < 1 {
		r.err = xai.Stepf(fmt.Sprintf("soxai.Of.Components(%d)", n), "need at least 1 component")
	}
	r.components = n
	return r
}

// Concepts groups by k-means, with the number of concepts from min to max that has the best
// silhouette; the default is 2 and 12. A silhouette compares clusters: 1 is possible only as
// both min and max.
func (r Recipe) Concepts(min, max int) Recipe {
	if r.check() == nil && (min < 1 || max < min || min == 1 && max > 1) {
		r.err = xai.Stepf(fmt.Sprintf("soxai.Of.Concepts(%d, %d)", min, max), "need 2 <= min <= max, or 1 and 1")
	}
	r.grouping = KMeans{Min: min, Max: max}
	return r
}

// Grouping sets how regions are grouped into concepts: KMeans, Density or Spectral.
func (r Recipe) Grouping(g Grouping) Recipe {
	if r.check() != nil {
		return r
	}
	if isNil(g) {
		r.err = xai.Stepf("soxai.Of.Grouping(nil)", "need KMeans, Density or Spectral")
		return r
	}
	if err := g.check(); err != nil {
		r.err = xai.Stepf(fmt.Sprintf("soxai.Of.Grouping(%#v)", g), "%w", err)
	}
	r.grouping = g
	return r
}

// Suggest sets what the suggestions are made by.
func (r Recipe) Suggest(c Criteria) Recipe {
	if r.check() == nil {
		if err := c.check(); err != nil {
			r.err = xai.Stepf("soxai.Of.Suggest", "%w", err)
		}
	}
	r.criteria = c
	return r
}

// Batch sets how many images are in flight; the default is 64. It bounds the memory, and does
// not change the result.
func (r Recipe) Batch(images int) Recipe {
	if r.check() == nil && images < 1 {
		r.err = xai.Stepf(fmt.Sprintf("soxai.Of.Batch(%d)", images), "need at least 1 image")
	}
	r.batch = images
	return r
}

// Seed sets the seed of everything random: starts of k-means, bootstrap, the picture.
func (r Recipe) Seed(seed uint64) Recipe {
	r.seed = seed
	return r
}

// check returns the first mistake of the chain.
func (r Recipe) check() error {
	if r.err == nil && r.model == nil {
		return errors.New("soxai: a recipe starts with soxai.Of(model, data)")
	}
	return r.err
}

// version is raised with every change that alters results.
const version = "soxai/2"

// Provenance is what is needed to make the same atlas again.
type Provenance struct {
	Version string // of this package's algorithms: "soxai/2"
	Method  string // of the first order, with its settings
	Data    string // key of the set
	Model   string // fingerprint; "" where the model has none
	Steps   string // the other settings
}

func (r Recipe) provenance() Provenance {
	p := Provenance{Version: version, Data: r.data.Key(), Steps: fmt.Sprintf("layer %q | maps %d | %#v | targets %v | %+v | normalize %v | components %d | %#v | %+v | seed %d",
		r.space(), r.side, r.group, r.targets, r.options(), r.normalize, r.components, r.grouping, r.criteria.filled(), r.seed)}
	if r.instances != nil {
		p.Steps += " | " + r.instances.key(r.scoresAt.Name)
	}
	_, p.Method = saliency.Describe(r.method)
	if named, ok := r.model.(xai.Named); ok {
		p.Model = named.Fingerprint()
	}
	return p
}

// Key names everything that determines the atlas.
func (r Recipe) Key() string {
	if err := r.check(); err != nil {
		return "soxai: " + err.Error()
	}
	p := r.provenance()
	return fmt.Sprintf("%s %s | %s | model %s | data %s", p.Version, p.Method, p.Steps, p.Model, p.Data)
}

// set builds the data and checks that the model takes them.
func (r Recipe) set(ctx context.Context, data datasets.Source) (datasets.Set, error) {
	set, err := data.Build(ctx)
	if err == nil {
		err = set.Check()
	}
	if err != nil {
		return datasets.Set{}, fmt.Errorf("soxai: %w", err)
	}
	d, _ := r.model.Dims()
	k := r.classes()
	switch {
	case set.Pixels == nil:
		return set, fmt.Errorf("soxai: the set %q is a table; regions need images: %w", set.Name, xai.ErrShape)
	case set.Shape.Channels != 1 && set.Shape.Channels != 3:
		return set, fmt.Errorf("soxai: the images of %q have %d channels; need 1 or 3: %w", set.Name, set.Shape.Channels, xai.ErrShape)
	case set.Len() == 0 || set.Shape.Size() != d:
		return set, fmt.Errorf("soxai: the set %q has %d images of %v, the model takes %d values: %w", set.Name, set.Len(), set.Shape, d, xai.ErrShape)
	case slices.Max(set.Labels) >= k:
		return set, fmt.Errorf("soxai: the set %q has the label %d, the model %d scores: %w", set.Name, slices.Max(set.Labels), k, xai.ErrTarget)
	}
	return set, nil
}

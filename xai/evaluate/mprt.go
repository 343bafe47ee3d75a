package evaluate

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/progress"
	"github.com/whybook/whybook/xai/saliency"
	"gonum.org/v1/gonum/floats"
)

// Order is the order in which a model forgets its layers.
type Order int

const (
	Cascading   Order = iota // from the scores down, each step keeping those before (Adebayo et al.)
	BottomUp                 // from the input up, each step keeping those before (Hedstrom et al.)
	Independent              // one layer at a time, all others as trained
)

var orders = [...]string{"Cascading", "BottomUp", "Independent"}

// GoString returns the order as Go code.
func (o Order) GoString() string {
	if o < 0 || int(o) >= len(orders) {
		return fmt.Sprintf("evaluate.Order(%d)", int(o))
	}
	return "evaluate." + orders[o]
}

// MPRT is the model parameter randomisation test (Adebayo et al., 2018, Sanity checks for
// saliency maps, arXiv:1810.03292): the layers of the model get new random weights, in some
// order, and at each step l the map of the randomised model is compared with the map:
//
//	1/L sum over l = 1..L of similarity(phi, phi~_l)
//
// A map that hardly changes when the model forgets what it has learned does not explain the
// model. But a map with the input as a factor keeps the zeros of a black ground whatever
// the model does, and these can be most of a rank correlation: on digits, input x gradient
// has 0.99 where the gradient has 0.27. For Spearman's correlations and SSIM the number lies between -1 and 1; less is
// better, and a map that does not depend on the model, like Sobel or Random, has 1.
//
// With Copies it is the smooth MPRT of Hedstrom et al., 2024, arXiv:2401.06465: both maps
// are first averaged over noisy copies of the input, since noise alone, as gradients of
// random networks have, lowers the similarity. From the scores down, lower layers keep
// their trained weights for long, which by itself preserves part of the map (the same
// authors; Binder et al., 2023, arXiv:2211.12486): compare orders, and methods with Sobel,
// before calling a method wrong.
//
// The target and the sample stay those of the map. The model must be xai.Randomizable; a
// step at which a map has no variation has no similarity: ErrConstant.
type MPRT struct {
	Of         saliency.Method // what made the map; default the map's own
	Order      Order           // default Cascading
	Similarity Similarity      // default AbsoluteSpearman
	Layers     []string        // to randomise, in the model's order; default all with weights
	Copies     int             // noisy copies for the smooth test (the paper's 50); default none
	Sigma      float64         // of the noise as a fraction of the input's range, with Copies; default 0.1
	Seed       uint64          // of the new weights and of the noise
}

// Card implements Metric.
func (c MPRT) Card() Card {
	card := Card{
		Name: "MPRT", Low: -1, High: 1, Better: Lower,
		Source:  "Adebayo et al., 2018, arXiv:1810.03292",
		Formula: "mean over layers l of similarity(phi, phi~_l), phi~_l after the layers up to l got random weights",
		Fails:   "Noise alone lowers the similarity; from the scores down, trained lower layers preserve part of the map; a factor of the input keeps it high, by the zeros of a black ground.",
		Oracle:  "A map that does not depend on the model: 1; independent noise: 0 on average.",
	}
	if c.Copies > 0 {
		card.Name = "Smooth MPRT"
	}
	return card
}

// Measure implements Metric.
func (c MPRT) Measure(ctx context.Context, f xai.Differentiable, m saliency.Map) (float64, error) {
	_, similarity, err := c.Curve(ctx, f, m)
	if err != nil {
		return 0, err
	}
	return floats.Sum(similarity) / float64(len(similarity)), nil
}

// Curve returns the layers in the order in which they are randomised, and the similarity
// after each.
func (c MPRT) Curve(ctx context.Context, f xai.Differentiable, m saliency.Map) (layers []string, similarity []float64, err error) {
	layers, all, errs, err := c.curves(ctx, f, []saliency.Map{m})
	if err == nil {
		err = errs[0]
	}
	if err != nil {
		return nil, nil, err
	}
	return layers, all[0], nil
}

// measureAll is Measure for maps of one method, which share the randomised models.
func (c MPRT) measureAll(ctx context.Context, f xai.Differentiable, maps []saliency.Map) ([]float64, []error, error) {
	_, all, errs, err := c.curves(ctx, f, maps)
	if err != nil {
		return nil, nil, err
	}
	out := make([]float64, len(maps))
	for i, similarity := range all {
		if errs[i] == nil {
			out[i] = floats.Sum(similarity) / float64(len(similarity))
		}
	}
	return out, errs, nil
}

// curves returns for each map its similarities, or why it has none. An error of its own is
// about the settings or the model.
func (c MPRT) curves(ctx context.Context, f xai.Differentiable, maps []saliency.Map) (layers []string, similarity [][]float64, errs []error, err error) {
	name := c.Card().Name
	if err := c.check(name); err != nil {
		return nil, nil, nil, err
	}
	of := make([]saliency.Method, len(maps))
	for i, m := range maps {
		if err := checkModel(name, f, m); err != nil {
			return nil, nil, nil, err
		}
		if of[i], err = maker(name, c.Of, m); err != nil {
			return nil, nil, nil, err
		}
		if c.Copies > 0 {
			of[i] = saliency.Smooth{Of: of[i], Samples: c.Copies, Sigma: c.sigma(), Seed: c.Seed}
		}
	}
	model, layers, err := forgetting(name, f, c.Seed, c.Layers)
	if err != nil {
		return nil, nil, nil, err
	}
	if c.Order == Cascading {
		slices.Reverse(layers)
	}

	similarity, errs = make([][]float64, len(maps)), make([]error, len(maps))
	original := slices.Clone(maps)
	for i, m := range maps {
		var phi []float64
		if phi, errs[i] = explain(ctx, name, of[i], f, m, m.Target); errs[i] != nil {
			if err := failure(errs[i]); err != nil {
				return nil, nil, nil, err
			}
			continue
		}
		if c.Copies == 0 && floats.Distance(phi, m.Values, 2) > 1e-6*floats.Norm(m.Values, 2) {
			return nil, nil, nil, fmt.Errorf("evaluate: %s: the map is not what the method of field Of, a %T, makes of its sample: %w", name, of[i], ErrMap)
		}
		original[i].Values = phi
	}
	for l := range layers {
		forgotten := layers[:l+1]
		if c.Order == Independent {
			forgotten = layers[l : l+1]
		}
		random, err := model.Randomized(c.Seed, forgotten...)
		if err != nil {
			return nil, nil, nil, fmt.Errorf("evaluate: %s: %w", name, err)
		}
		for i, m := range maps {
			if errs[i] != nil {
				continue
			}
			var s float64
			phi, err := explain(ctx, name, of[i], random, m, m.Target)
			if err == nil {
				s, err = c.Similarity.compare(name, original[i], phi)
			}
			if err != nil {
				if hard := failure(err); hard != nil {
					return nil, nil, nil, hard
				}
				errs[i] = fmt.Errorf("%w (after randomising %s)", err, layers[l])
				continue
			}
			similarity[i] = append(similarity[i], s)
			progress.Report(ctx, name, l*len(maps)+i+1, len(layers)*len(maps))
		}
	}
	return layers, similarity, errs, nil
}

func (c MPRT) check(name string) error {
	switch {
	case c.Order < Cascading || c.Order > Independent:
		return fmt.Errorf("evaluate: %s: field Order must be one of the package's orders, not %d", name, int(c.Order))
	case c.Copies < 0:
		return fmt.Errorf("evaluate: %s: field Copies must not be negative, it is %d", name, c.Copies)
	case c.Copies == 0 && c.Sigma != 0:
		return fmt.Errorf("evaluate: %s: field Sigma is of use with Copies only; set both", name)
	}
	_, err := positiveReal(name, "Sigma", c.Sigma, 0.1)
	return err
}

func (c MPRT) sigma() float64 {
	if c.Sigma == 0 {
		return 0.1
	}
	return c.Sigma
}

// EfficientMPRT is the efficient model parameter randomisation test (Hedstrom et al., 2024,
// arXiv:2401.06465): how much more complex the map becomes when the whole model is
// randomised,
//
//	(H(phi~) - H(phi)) / H(phi)
//
// with H the entropy of the histogram of the values in Bins bins. More is better: a map of
// a trained model has structure, which one of a random model should lose. It is at least
// -1, and a map that does not depend on the model has 0. It compares complexities and no
// places: noise of the same histogram, wherever it lies, has the same number. A map of one
// value has no entropy to divide by: ErrConstant.
type EfficientMPRT struct {
	Of   saliency.Method // what made the map; default the map's own
	Bins int             // default 100
	Seed uint64          // of the new weights
}

// Card implements Metric.
func (EfficientMPRT) Card() Card {
	return Card{
		Name: "Efficient MPRT", Low: -1, High: math.Inf(1), Better: Higher,
		Source:  "Hedstrom et al., 2024, arXiv:2401.06465",
		Formula: "(H(phi~) - H(phi)) / H(phi), H the entropy of a histogram, phi~ of the model with random weights",
		Fails:   "Compares complexities, not places; depends on the number of bins.",
		Oracle:  "A map that does not depend on the model: 0; from two values in equal parts to four: 1.",
	}
}

// Measure implements Metric.
func (c EfficientMPRT) Measure(ctx context.Context, f xai.Differentiable, m saliency.Map) (float64, error) {
	out, errs, err := c.measureAll(ctx, f, []saliency.Map{m})
	if err == nil {
		err = errs[0]
	}
	if err != nil {
		return 0, err
	}
	return out[0], nil
}

func (c EfficientMPRT) measureAll(ctx context.Context, f xai.Differentiable, maps []saliency.Map) ([]float64, []error, error) {
	name := c.Card().Name
	bins, err := positive(name, "Bins", c.Bins, 100)
	if err != nil {
		return nil, nil, err
	}
	if bins < 2 {
		return nil, nil, fmt.Errorf("evaluate: %s: field Bins is %d, an entropy needs at least 2", name, bins)
	}
	if err := checkModel(name, f, maps[0]); err != nil {
		return nil, nil, err
	}
	model, layers, err := forgetting(name, f, c.Seed, nil)
	if err != nil {
		return nil, nil, err
	}
	random, err := model.Randomized(c.Seed, layers...)
	if err != nil {
		return nil, nil, fmt.Errorf("evaluate: %s: %w", name, err)
	}
	out, errs := make([]float64, len(maps)), make([]error, len(maps))
	for i, m := range maps {
		if err := checkModel(name, f, m); err != nil {
			return nil, nil, err
		}
		of, err := maker(name, c.Of, m)
		if err != nil {
			return nil, nil, err
		}
		before := histogramEntropy(m.Values, bins)
		if before == 0 {
			errs[i] = fmt.Errorf("evaluate: %s: all values of the map are %v, which has no entropy: %w", name, m.Values[0], ErrConstant)
			continue
		}
		phi, err := explain(ctx, name, of, random, m, m.Target)
		if err != nil {
			if hard := failure(err); hard != nil {
				return nil, nil, hard
			}
			errs[i] = err
			continue
		}
		out[i] = (histogramEntropy(phi, bins) - before) / before
		progress.Report(ctx, name, i+1, len(maps))
	}
	return out, errs, nil
}

// forgetter is the part of xai.Randomizable that the tests need.
type forgetter interface {
	Layers() []xai.Layer
	Randomized(seed uint64, layers ...string) (xai.Differentiable, error)
}

// forgetting returns f as a model that can forget, and its layers with weights, or those
// named, in the order of the model.
func forgetting(metric string, f xai.Differentiable, seed uint64, names []string) (forgetter, []string, error) {
	model, ok := f.(forgetter)
	if !ok {
		return nil, nil, fmt.Errorf("evaluate: %s: a %T cannot forget its weights; the model must be xai.Randomizable: %w", metric, f, errors.ErrUnsupported)
	}
	var layers []string
	for _, l := range model.Layers() {
		if names != nil {
			if slices.Contains(names, l.Name) {
				layers = append(layers, l.Name)
			}
			continue
		}
		random, err := model.Randomized(seed, l.Name)
		if err != nil {
			return nil, nil, fmt.Errorf("evaluate: %s: %w", metric, err)
		}
		before, named := f.(xai.Named)
		after, both := random.(xai.Named)
		if !named || !both || before.Fingerprint() != after.Fingerprint() {
			layers = append(layers, l.Name)
		}
	}
	if names != nil && len(layers) != len(names) {
		return nil, nil, fmt.Errorf("evaluate: %s: field Layers has %q, the model only %q: %w", metric, names, layers, xai.ErrLayer)
	}
	if len(layers) == 0 {
		return nil, nil, fmt.Errorf("evaluate: %s: the model has no layer with weights: %w", metric, xai.ErrLayer)
	}
	return model, layers, nil
}

var _, _ Metric = MPRT{}, EfficientMPRT{}

package imbalance

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/progress"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// Recipe describes an analysis. It is immutable: each step returns a changed copy, and the
// first mistake is returned by Build.
type Recipe struct {
	data, held datasets.Source
	net        xai.Layered
	layer      string
	k          int
	typing     Typing
	bands      *ColourBands
	batch      int
	err        error
}

// Of starts an analysis of a training set. Unless Embed says otherwise, its members are
// compared as they are: by pixels, or by the columns of a table.
func Of(data datasets.Source) Recipe {
	r := Recipe{data: data, k: 5, batch: 256}
	if isNil(data) {
		r.data, r.err = nil, xai.Stepf("imbalance.Of", "need data, have nil")
	}
	return r
}

// Embed compares members by what a layer of the network puts out, and takes the network's
// predictions. The paper's layer is the input of the last one: the output of global average
// pooling, "gap" in the residual networks of nn; "" is that layer in any network.
func (r Recipe) Embed(net xai.Layered, layer string) Recipe {
	if r.check() != nil {
		return r
	}
	step := fmt.Sprintf("imbalance.Of.Embed(net, %q)", layer)
	if isNil(net) {
		r.err = xai.Stepf(step, "need a network, have nil")
		return r
	}
	layers := net.Layers()
	if layer == "" {
		if len(layers) < 2 {
			r.err = xai.Stepf(step, "the network has no layer before its scores; leave Embed out to compare inputs: %w", xai.ErrLayer)
			return r
		}
		layer = layers[len(layers)-2].Name
	}
	names, known := make([]string, len(layers)), false
	for i, l := range layers {
		names[i], known = l.Name, known || l.Name == layer
	}
	if !known {
		r.err = xai.Stepf(step, "the layers are %v: %w", names, xai.ErrLayer)
		return r
	}
	r.net, r.layer = net, layer
	return r
}

// Neighbors sets the number of neighbours; the default is the paper's 5.
func (r Recipe) Neighbors(k int) Recipe {
	if r.check() == nil && k < 1 {
		r.err = xai.Stepf(fmt.Sprintf("imbalance.Of.Neighbors(%d)", k), "need at least 1 neighbour: %w", ErrCount)
	}
	r.k = k
	return r
}

// Archetypes sets how members are sorted into archetypes; the default is the paper's way.
func (r Recipe) Archetypes(t Typing) Recipe {
	r.typing = t
	return r
}

// HeldOut adds data that the network was not trained on: their recall, the classes they are
// taken for, and their archetypes among the training members.
func (r Recipe) HeldOut(data datasets.Source) Recipe {
	if r.check() == nil && isNil(data) {
		r.err = xai.Stepf("imbalance.Of.HeldOut", "need data, have nil")
	}
	r.held = data
	return r
}

// Colours adds the colours of the pixels that the network looks at. It takes a gradient for
// each image, see [ColourBands].Most.
func (r Recipe) Colours(c ColourBands) Recipe {
	if r.check() == nil {
		if _, err := c.check("imbalance.Of.Colours"); err != nil {
			r.err = err
		}
	}
	r.bands = &c
	return r
}

// Batch sets how many images are in flight; the default is 256. It bounds the memory beside
// the features themselves, which take 8 bytes each.
func (r Recipe) Batch(rows int) Recipe {
	if r.check() == nil && rows < 1 {
		r.err = xai.Stepf(fmt.Sprintf("imbalance.Of.Batch(%d)", rows), "need at least 1 image")
	}
	r.batch = rows
	return r
}

// check returns the first mistake of the chain.
func (r Recipe) check() error {
	if r.err == nil && r.data == nil {
		return errors.New("imbalance: a recipe starts with imbalance.Of(data)")
	}
	return r.err
}

// version is raised with every change that alters results.
const version = "imbalance/1"

// Provenance is what is needed to make the same analysis again.
type Provenance struct {
	Version string // of this package's algorithms: "imbalance/1"
	Data    string // key of the training set
	HeldOut string // key of the held-out set; "" where there is none
	Model   string // fingerprint; "" without a network, or where it has none
	Steps   string // the settings
}

func (r Recipe) provenance() Provenance {
	p := Provenance{Version: version, Data: r.data.Key()}
	if r.held != nil {
		p.HeldOut = r.held.Key()
	}
	if named, ok := r.net.(xai.Named); ok {
		p.Model = named.Fingerprint()
	}
	p.Steps = fmt.Sprintf("layer %q | %d neighbours | %+v", r.layer, r.k, r.typing)
	if r.bands != nil {
		c, _ := r.bands.check("")
		c.Batch = 0 // does not change the result
		p.Steps += fmt.Sprintf(" | %#v", c)
	}
	return p
}

// Key names everything that determines the analysis.
func (r Recipe) Key() string {
	if err := r.check(); err != nil {
		return "imbalance: " + err.Error()
	}
	p := r.provenance()
	return fmt.Sprintf("%s %s | model %s | data %s | held out %s", p.Version, p.Steps, p.Model, p.Data, p.HeldOut)
}

// Build does the analysis.
//
// Errors match [ErrDegenerateClass] for a class that is too small (see [Typing].Small),
// [ErrCount] for no neighbours or more than there are, [ErrNotFinite] for features or scores
// that are not finite, [xai.ErrShape] for a network that takes other
// inputs or has other classes, and [xai.ErrLayer] for a layer that does not exist.
func (r Recipe) Build(ctx context.Context) (Analysis, error) {
	if err := r.check(); err != nil {
		return Analysis{}, err
	}
	if r.bands != nil && r.net == nil {
		return Analysis{}, xai.Stepf("imbalance.Of.Colours", "need a network to explain; add Embed")
	}
	a := Analysis{K: r.k, Typing: r.typing, Layer: r.layer}
	var err error
	if a.Train, err = r.members(ctx, r.data); err != nil {
		return Analysis{}, err
	}
	if a.Near, err = Nearest(ctx, a.Train, r.k); err != nil {
		return Analysis{}, err
	}
	if a.Archetypes, err = a.Near.Archetypes(r.typing); err != nil {
		return Analysis{}, err
	}
	if r.held != nil {
		if err := r.buildHeldOut(ctx, &a); err != nil {
			return Analysis{}, err
		}
	}
	if r.bands != nil {
		bands, err := r.bands.Measure(ctx, r.net, a.Train, a.Archetypes)
		if err != nil {
			return Analysis{}, err
		}
		a.Colours = &bands
	}
	a.Provenance = r.provenance()
	return a, nil
}

func (r Recipe) buildHeldOut(ctx context.Context, a *Analysis) error {
	var err error
	if a.HeldOut, err = r.members(ctx, r.held); err != nil {
		return fmt.Errorf("held-out data: %w", err)
	}
	if got, want := a.HeldOut.Set.Shape, a.Train.Set.Shape; got != want {
		return fmt.Errorf("imbalance: held-out samples are %v, those of the training set %v: %w", got, want, xai.ErrShape)
	}
	if got, want := a.HeldOut.Classes, a.Train.Classes; !slices.Equal(got, want) {
		return fmt.Errorf("imbalance: held-out classes are %q, those of the training set %q; labels count in the same order only if the names agree: %w", got, want, xai.ErrShape)
	}
	if a.HeldOutNear, err = HeldOut(ctx, a.Train, a.Near, a.HeldOut); err != nil {
		return err
	}
	if a.HeldOutArchetypes, err = a.HeldOutNear.Archetypes(r.typing); err != nil {
		return err
	}
	if a.HeldOut.Predicted != nil {
		accuracy, err := ClassAccuracy(a.HeldOut, a.Train.Counts())
		if err != nil {
			return err
		}
		a.Recall = accuracy.Recalls()
	}
	return nil
}

// maxFeatures is how many values are kept at most: 2 GiB.
const maxFeatures = 1 << 28

// members builds a set and sends it through the network, one batch at a time.
func (r Recipe) members(ctx context.Context, data datasets.Source) (Members, error) {
	set, err := data.Build(ctx)
	if err != nil {
		return Members{}, fmt.Errorf("imbalance: %w", err)
	}
	if err := set.Check(); err != nil {
		return Members{}, fmt.Errorf("imbalance: %w", err)
	}
	m := Members{Name: set.Name, Classes: set.Classes, Labels: set.Labels, Set: set}
	n := set.Len()
	if n == 0 {
		return m, fmt.Errorf("imbalance: the set %q is empty: %w", set.Name, xai.ErrShape)
	}
	width, rest := set.Shape.Size(), xai.Scorer(nil)
	if r.net != nil {
		if d, k := r.net.Dims(); d != width || k != len(set.Classes) {
			return m, fmt.Errorf("imbalance: the set %q has samples of %v and %d classes, the network takes %d values and has %d scores: %w",
				set.Name, set.Shape, len(set.Classes), d, k, xai.ErrShape)
		}
		for _, l := range r.net.Layers() {
			if l.Name == r.layer {
				width = l.Size()
			}
		}
		// Scores come from the features where nothing passes the layer by: one pass, not two.
		if after, err := r.net.After(r.layer); err == nil {
			rest = after
		}
	}
	if width > maxFeatures/n {
		return m, fmt.Errorf("imbalance: %d features of %d members do not fit into 2 GiB; embed with a layer that puts out less, such as one after pooling: %w", width, n, xai.ErrShape)
	}
	m.Features = mat.NewDense(n, width, nil)
	if r.net != nil {
		m.Predicted = make([]int, n)
	}
	var x *mat.Dense
	for lo := 0; lo < n; lo += r.batch {
		hi := min(lo+r.batch, n)
		if err := ctx.Err(); err != nil {
			return m, fmt.Errorf("imbalance: after %d of %d samples: %w", lo, n, err)
		}
		rows := make([]int, hi-lo)
		for p := range rows {
			rows[p] = lo + p
		}
		x = set.Batch(x, rows)
		dst := m.Features.Slice(lo, hi, 0, width).(*mat.Dense)
		if r.net == nil {
			dst.Copy(x)
			continue
		}
		if err := r.embed(ctx, dst, m.Predicted[lo:hi], x, rest); err != nil {
			return m, fmt.Errorf("imbalance: samples %d to %d: %w", lo, hi-1, err)
		}
		progress.Report(ctx, "embed", hi, n)
	}
	return m, nil
}

// embed stores what the layer puts out for x into dst, and the predictions.
func (r Recipe) embed(ctx context.Context, dst *mat.Dense, predicted []int, x *mat.Dense, rest xai.Scorer) error {
	out, err := r.net.Activations(ctx, r.layer, x)
	if err != nil {
		return err
	}
	if gr, gc := out.Dims(); gr != len(predicted) || gc != dst.RawMatrix().Cols {
		return fmt.Errorf("layer %q put out %d x %d values, need %d x %d: %w", r.layer, gr, gc, len(predicted), dst.RawMatrix().Cols, xai.ErrShape)
	}
	dst.Copy(out)
	var scores *mat.Dense
	if rest != nil {
		scores, err = rest.Scores(ctx, out)
	} else {
		scores, err = r.net.Scores(ctx, x)
	}
	if err != nil {
		return err
	}
	for p := range predicted {
		row := scores.RawRowView(p)
		for c, v := range row {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return fmt.Errorf("score %d of row %d is %v: %w", c, p, v, ErrNotFinite)
			}
		}
		predicted[p] = floats.MaxIdx(row)
	}
	return nil
}

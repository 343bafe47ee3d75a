package soxai

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/progress"
	"github.com/whybook/whybook/xai/saliency"
	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// Region is a critical region: a part of an image that the explanation points at.
type Region struct {
	Image  int  // its index in the set
	Target int  // the class that is explained
	Area   Area // the pixels

	Mass float64 // share of the image's alpha that lies in the region
	X, Y float64 // centre of mass of alpha in the region, as shares of width and height from the upper left corner

	// P is the probability of the target (softmax over the scores), Masked the same after the
	// region is filled, and Flipped whether the model then predicts another class than before.
	P, Masked float64
	Flipped   bool

	// Inside is the share of the region's alpha that lies in the mask that the set has for
	// the image, Overlap the intersection of region and mask over their union; NaN without
	// masks.
	Inside, Overlap float64

	Concept int // the concept it belongs to; -1 for none
}

// Effect returns how much masking the region takes from the probability of its target.
func (r Region) Effect() float64 { return r.P - r.Masked }

// Skip is an image without a region.
type Skip struct {
	Image int
	Why   string
}

// firstOrder is what the explanations of a set say, before anything is grouped.
type firstOrder struct {
	set       datasets.Set
	layer     xai.Layer
	regions   []Region
	features  []float64 // len(regions) x layer.Channels
	skipped   []Skip
	predicted []int     // of every image of the set
	certainty []float64 // the probability of the prediction
	impact    Impact
}

// explain computes the first order, in batches.
func (r Recipe) explain(ctx context.Context, data datasets.Source, effects bool) (*firstOrder, error) {
	set, err := r.set(ctx, data)
	if err != nil {
		return nil, err
	}
	f := &firstOrder{set: set, predicted: make([]int, set.Len()), certainty: make([]float64, set.Len())}
	for _, l := range r.model.Layers() {
		if l.Name == r.layer {
			f.layer = l
		}
	}
	e := explainer{r: r, firstOrder: f, effects: effects, options: r.regions.filled(r.method), fill: newCanvas(set, r.regions.Fill),
		shrink: newShrink(set.Shape.Height, set.Shape.Width, f.layer.Height, f.layer.Width)}
	quiet := progress.WithReporter(ctx, func(progress.Event) {})
	var x *mat.Dense
	for lo := 0; lo < set.Len(); lo += r.batch {
		hi := min(lo+r.batch, set.Len())
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("soxai: after the explanations of %d of %d images: %w", lo, set.Len(), err)
		}
		index := make([]int, hi-lo)
		for p := range index {
			index[p] = lo + p
		}
		x = set.Batch(x, index)
		if err := e.batchOf(quiet, x, lo); err != nil {
			return nil, fmt.Errorf("soxai: images %d to %d: %w", lo, hi-1, err)
		}
		progress.Report(ctx, "explain", hi, set.Len())
	}
	title, _ := saliency.Describe(r.method)
	f.impact = e.tally.impact(title, r.seed)
	return f, nil
}

// explainer goes through a set.
type explainer struct {
	r Recipe
	*firstOrder
	tally
	effects bool
	options Regions
	fill    canvas
	shrink  shrink
}

// batchOf adds the images from lo on, which are the rows of x.
func (e *explainer) batchOf(ctx context.Context, x *mat.Dense, lo int) error {
	scores, err := e.r.model.Scores(ctx, x)
	if err != nil {
		return err
	}
	n, d := x.Dims()
	_, k := e.r.model.Dims()
	if sr, sc := scores.Dims(); sr != n || sc != k {
		return fmt.Errorf("the model returned %d x %d scores for %d rows and %d classes: %w", sr, sc, n, k, xai.ErrShape)
	}
	var rows, targets []int
	for i := range n {
		p, err := softmax(scores.RawRowView(i))
		if err != nil {
			return fmt.Errorf("image %d: %w", lo+i, err)
		}
		predicted := floats.MaxIdx(p)
		e.predicted[lo+i], e.certainty[lo+i] = predicted, p[predicted]
		target := predicted
		if e.r.group != saliency.ByPrediction {
			target = e.set.Labels[lo+i]
		}
		if e.r.group == saliency.Correct && predicted != target || e.r.targets != nil && !slices.Contains(e.r.targets, target) {
			continue
		}
		rows, targets = append(rows, i), append(targets, target)
	}
	if len(rows) == 0 {
		return nil
	}
	in := saliency.Batch{X: mat.NewDense(len(rows), d, nil), Shape: e.set.Shape, Targets: targets, High: 1}
	for p, i := range rows {
		in.X.SetRow(p, x.RawRowView(i))
	}
	maps := mat.NewDense(len(rows), d, nil)
	report, err := e.r.method.Attribute(ctx, e.r.model, maps, in)
	if err != nil {
		_, code := saliency.Describe(e.r.method)
		return fmt.Errorf("%s: %w", code, err)
	}
	features, err := e.r.model.Activations(ctx, e.layer.Name, in.X)
	if err != nil {
		return err
	}
	if fr, fc := features.Dims(); fr != len(rows) || fc != e.layer.Size() {
		return fmt.Errorf("layer %q put out %d x %d values, need %d x %d: %w", e.layer.Name, fr, fc, len(rows), e.layer.Size(), xai.ErrShape)
	}
	var found []trialRow
	for p, i := range rows {
		if why := report.Err(p); why != nil {
			e.skipped = append(e.skipped, Skip{lo + i, why.Error()})
			continue
		}
		rs, all, why := e.regionsOf(maps.RawRowView(p), lo+i, targets[p])
		if why != "" {
			e.skipped = append(e.skipped, Skip{lo + i, why})
			continue
		}
		before, _ := softmax(scores.RawRowView(i))
		row := trialRow{from: p, image: lo + i, target: targets[p], predicted: e.predicted[lo+i], p: before[targets[p]], all: all, first: len(e.regions), count: len(rs)}
		for _, one := range rs {
			one.region.P = row.p
			if err := e.embedRegion(one.alpha, features.RawRowView(p)); err != nil {
				return fmt.Errorf("image %d: %w", lo+i, err)
			}
			e.regions = append(e.regions, one.region)
		}
		found = append(found, row)
	}
	if !e.effects {
		return nil
	}
	return e.measure(ctx, in.X, found)
}

// weighted is a region with its part of alpha.
type weighted struct {
	region Region
	alpha  []float64 // H*W, 0 outside
}

// alpha makes a map non-negative, with one value for each pixel.
func (o Regions) alpha(values []float64, shape datasets.Shape) []float64 {
	hw := shape.Height * shape.Width
	alpha := make([]float64, hw)
	for j, v := range values {
		if v > 0 || !o.Positive {
			alpha[j%hw] += math.Abs(v)
		}
	}
	return boxBlur(alpha, shape.Height, shape.Width, o.Blur)
}

// regionsOf turns a map into regions; why says why there are none.
func (e *explainer) regionsOf(values []float64, image, target int) (list []weighted, all Area, why string) {
	h, w := e.set.Shape.Height, e.set.Shape.Width
	hw := h * w
	for j, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, nil, fmt.Sprintf("the map is %v at value %d", v, j)
		}
	}
	alpha := e.options.alpha(values, e.set.Shape)
	total := floats.Sum(alpha)
	if !(total > 0) || math.IsInf(total, 0) {
		return nil, nil, "the map is zero everywhere"
	}
	pixels := critical(alpha, e.options.Mass, e.options.Area)
	all = areaOf(pixels)
	parts := [][]int{pixels}
	if !e.options.PerImage {
		parts = components(pixels, h, w)
	}
	var mask []bool
	if e.set.Masks != nil {
		mask = make([]bool, hw)
		for p, m := range e.set.Masks[image*hw : (image+1)*hw] {
			mask[p] = m != 0
		}
	}
	for _, part := range parts {
		if !e.options.PerImage && float64(len(part)) < e.options.Least*float64(hw) {
			continue
		}
		one := weighted{alpha: make([]float64, hw), region: Region{Image: image, Target: target, Area: areaOf(part), Inside: nan, Overlap: nan, Masked: nan, Concept: -1}}
		sum, inside := 0.0, 0.0
		for _, p := range part {
			v := alpha[p]
			one.alpha[p] = v
			sum += v
			one.region.X += v * (float64(p%w) + 0.5) / float64(w)
			one.region.Y += v * (float64(p/w) + 0.5) / float64(h)
			if mask != nil && mask[p] {
				inside += v
			}
		}
		one.region.X, one.region.Y, one.region.Mass = one.region.X/sum, one.region.Y/sum, sum/total
		if mask != nil && slices.Contains(mask, true) {
			one.region.Inside, one.region.Overlap = inside/sum, one.region.Area.iou(mask)
		}
		list = append(list, one)
	}
	if len(list) == 0 {
		return nil, nil, fmt.Sprintf("the critical pixels are scattered: no part of them has %v of the image", e.options.Least)
	}
	if mask != nil && slices.Contains(mask, true) {
		e.coverage = append(e.coverage, all.iou(mask))
	}
	return list, all, ""
}

// embedRegion appends the row of a region to the features.
func (e *explainer) embedRegion(alpha, features []float64) error {
	small := make([]float64, e.layer.Height*e.layer.Width)
	e.shrink.to(small, alpha)
	at := len(e.features)
	e.features = append(e.features, make([]float64, e.layer.Channels)...)
	row := e.features[at:]
	embed(row, features, small, e.layer)
	for n, v := range row {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("channel %d of layer %q is %v in the region: %w", n, e.layer.Name, v, ErrNotFinite)
		}
	}
	if e.r.normalize {
		unit(row)
	}
	return nil
}

// trialRow is an image whose regions are to be masked.
type trialRow struct {
	from          int // row of the batch
	image, target int
	predicted     int
	p             float64 // of the target
	all           Area    // all critical pixels
	first, count  int     // its regions
}

// measure fills regions and asks the model again: each region by itself, all critical pixels
// of an image together, and as many pixels elsewhere.
func (e *explainer) measure(ctx context.Context, x *mat.Dense, found []trialRow) error {
	_, d := x.Dims()
	var rows []float64
	add := func(from int, a Area) {
		rows = append(rows, x.RawRowView(from)...)
		e.fill.paint(rows[len(rows)-d:], a)
	}
	for _, t := range found {
		add(t.from, t.all)
		add(t.from, e.elsewhere(t.image, t.all))
		for i := range t.count {
			add(t.from, e.regions[t.first+i].Area)
		}
	}
	if len(rows) == 0 {
		return nil
	}
	scores, err := e.r.model.Scores(ctx, mat.NewDense(len(rows)/d, d, rows))
	if err != nil {
		return err
	}
	at := 0
	next := func(t trialRow) (p float64, flipped bool, err error) {
		probabilities, err := softmax(scores.RawRowView(at))
		at++
		if err != nil {
			return 0, false, fmt.Errorf("image %d with a region filled: %w", t.image, err)
		}
		return probabilities[t.target], floats.MaxIdx(probabilities) != t.predicted, nil
	}
	for _, t := range found {
		p, flipped, err := next(t)
		if err != nil {
			return err
		}
		elsewhere, flippedElsewhere, err := next(t)
		if err != nil {
			return err
		}
		e.tally.add(t, p, flipped, elsewhere, flippedElsewhere)
		for i := range t.count {
			r := &e.regions[t.first+i]
			if r.Masked, r.Flipped, err = next(t); err != nil {
				return err
			}
		}
	}
	return nil
}

// elsewhere moves an area to a place of its image drawn at random.
func (e *explainer) elsewhere(image int, a Area) Area {
	return displaced(a, e.set.Shape, seed.Sub(e.r.seed, "soxai", "elsewhere", image))
}

// displaced moves an area to the place, among 20 drawn at random, where it covers least of
// what it covered before.
func displaced(a Area, shape datasets.Shape, sd uint64) Area {
	rng := seed.Stream(sd, "displace")
	mask := a.Mask(shape.Height * shape.Width)
	best, least := a, math.Inf(1)
	for range 20 {
		moved := a.shifted(rng.IntN(shape.Height), rng.IntN(shape.Width), shape.Height, shape.Width)
		if o := moved.iou(mask); o < least {
			best, least = moved, o
		}
		if least == 0 {
			break
		}
	}
	return best
}

// softmax turns scores into probabilities.
func softmax(scores []float64) ([]float64, error) {
	for c, v := range scores {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("score %d is %v: %w", c, v, ErrNotFinite)
		}
	}
	most, sum := floats.Max(scores), 0.0
	p := make([]float64, len(scores))
	for c, v := range scores {
		p[c] = math.Exp(v - most)
		sum += p[c]
	}
	floats.Scale(1/sum, p)
	return p, nil
}

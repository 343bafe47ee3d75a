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
	layer     xai.Layer // that embeds; unused with HeatMaps
	width     int       // features of a region
	regions   []Region
	features  []float64 // len(regions) x width
	skipped   []Skip
	predicted []int     // of every image of the set
	certainty []float64 // the probability of the prediction
	impact    Impact
	judge     judge
}

// explain computes the first order, in batches.
func (r Recipe) explain(ctx context.Context, data datasets.Source, effects bool) (*firstOrder, error) {
	set, err := r.set(ctx, data)
	if err != nil {
		return nil, err
	}
	scores, err := r.judge(set)
	if err != nil {
		return nil, err
	}
	f := &firstOrder{set: set, judge: scores, predicted: make([]int, set.Len()), certainty: make([]float64, set.Len())}
	for _, l := range r.model.Layers() {
		if l.Name == r.layer {
			f.layer = l
		}
	}
	f.width = f.layer.Channels
	to := [2]int{f.layer.Height, f.layer.Width}
	if r.side > 0 {
		to = [2]int{min(r.side, set.Shape.Height), min(r.side, set.Shape.Width)}
		f.width = to[0] * to[1]
	}
	e := explainer{r: r, firstOrder: f, effects: effects, options: r.options(), fill: newCanvas(set, r.regions.Fill),
		shrink: newShrink(set.Shape.Height, set.Shape.Width, to[0], to[1])}
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
	title, code := saliency.Describe(r.method)
	f.impact = e.tally.impact(title, code, r.seed)
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
	n, d := x.Dims()
	samples := make([]int, n)
	for i := range samples {
		samples[i] = lo + i
	}
	scores, err := e.judge.scores(ctx, x, samples)
	if err != nil {
		return err
	}
	k := e.r.classes()
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
		if e.judge.near != nil && e.judge.near[lo+i] == nil {
			e.skipped = append(e.skipped, Skip{lo + i, "no instance is marked in it"})
			continue
		}
		rows, targets = append(rows, i), append(targets, target)
	}
	if len(rows) == 0 {
		return nil
	}
	in := saliency.Batch{X: mat.NewDense(len(rows), d, nil), Shape: e.set.Shape, Targets: targets, High: 1}
	samples = samples[:0]
	for p, i := range rows {
		in.X.SetRow(p, x.RawRowView(i))
		samples = append(samples, lo+i)
	}
	maps := mat.NewDense(len(rows), d, nil)
	model, at := e.judge.explained(samples, targets)
	in.Targets = at
	report, err := e.r.method.Attribute(ctx, model, maps, in)
	if err != nil {
		_, code := saliency.Describe(e.r.method)
		return fmt.Errorf("%s: %w", code, err)
	}
	features, err := e.activations(ctx, in.X)
	if err != nil {
		return err
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
			var row []float64
			if features != nil {
				row = features.RawRowView(p)
			}
			if err := e.embedRegion(one.alpha, row); err != nil {
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

// activations returns what the layer puts out; nil where maps embed themselves.
func (e *explainer) activations(ctx context.Context, x *mat.Dense) (*mat.Dense, error) {
	if e.r.side > 0 {
		return nil, nil
	}
	features, err := e.r.model.Activations(ctx, e.layer.Name, x)
	if err != nil {
		return nil, err
	}
	n, _ := x.Dims()
	if fr, fc := features.Dims(); fr != n || fc != e.layer.Size() {
		return nil, fmt.Errorf("layer %q put out %d x %d values, need %d x %d: %w", e.layer.Name, fr, fc, n, e.layer.Size(), xai.ErrShape)
	}
	return features, nil
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
	if e.judge.near != nil {
		for p, in := range e.judge.near[image] {
			if !in {
				alpha[p] = 0
			}
		}
	}
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
		if e.r.side > 0 { // the whole map, not its critical part
			one.alpha = alpha
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
	small := make([]float64, e.shrink.toH*e.shrink.toW)
	e.shrink.to(small, alpha)
	at := len(e.features)
	e.features = append(e.features, make([]float64, e.width)...)
	row := e.features[at:]
	if e.r.side > 0 {
		copy(row, small)
		floats.Scale(1/floats.Sum(small), row)
	} else {
		embed(row, features, small, e.layer)
	}
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
	type job struct {
		of   int // in found
		area Area
	}
	var jobs []job
	for o, t := range found {
		jobs = append(jobs, job{o, t.all}, job{o, e.elsewhere(t.image, t.all)})
		for i := range t.count {
			jobs = append(jobs, job{o, e.regions[t.first+i].Area})
		}
	}
	p, flipped := make([]float64, len(jobs)), make([]bool, len(jobs))
	_, d := x.Dims()
	for lo := 0; lo < len(jobs); lo += e.r.batch { // an image can have many regions
		part := jobs[lo:min(lo+e.r.batch, len(jobs))]
		filled, samples := mat.NewDense(len(part), d, nil), make([]int, len(part))
		for q, j := range part {
			filled.SetRow(q, x.RawRowView(found[j.of].from))
			e.fill.paint(filled.RawRowView(q), j.area)
			samples[q] = found[j.of].image
		}
		scores, err := e.judge.scores(ctx, filled, samples)
		if err != nil {
			return err
		}
		for q, j := range part {
			t := found[j.of]
			probabilities, err := softmax(scores.RawRowView(q))
			if err != nil {
				return fmt.Errorf("image %d with a region filled: %w", t.image, err)
			}
			p[lo+q], flipped[lo+q] = probabilities[t.target], floats.MaxIdx(probabilities) != t.predicted
		}
	}
	at := 0
	for _, t := range found {
		e.tally.add(t, p[at], flipped[at], p[at+1], flipped[at+1])
		for i := range t.count {
			r := &e.regions[t.first+i]
			r.Masked, r.Flipped = p[at+2+i], flipped[at+2+i]
		}
		at += 2 + t.count
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

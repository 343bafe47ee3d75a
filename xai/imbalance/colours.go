package imbalance

import (
	"context"
	"fmt"
	"image/color"
	"math"
	"reflect"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/progress"
	"github.com/whybook/whybook/xai/saliency"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// ColourBands says which colours the pixels have that a network looks at, class by class
// (Dablain et al., step 11, "textures"). The zero value measures all images without
// augmentation, by the gradient of the true class's score.
//
// A plain gradient may miss what a class is known by: where a coloured tag is all that tells
// digits of three classes apart, it finds the tags of two in most networks, since a network
// needs no pixel to know the last class. saliency.InputGradient finds all three.
//
// The saliency of a pixel is the greatest absolute value of the map over its channels. Of
// each image the floor(Top H W) pixels of largest saliency, at least one and where they tie
// the first, are sorted into bins of colour.
type ColourBands struct {
	Method    saliency.Method // default saliency.Gradient{}
	Top       float64         // share of the pixels of an image that are salient, in (0,1]; default 0.10
	Bins      Binning         // default Hue
	Predicted bool            // explain the predicted class, as the paper does, instead of the true one
	Classes   []int           // default all

	// Most bounds the images of each class, and of each archetype of it, evenly spaced among
	// its members, since each needs a gradient; default 0, all of them.
	Most  int
	Batch int // images in flight, which bounds the memory; default 64
}

// Bands is the histogram of colours of some groups of images.
type Bands struct {
	Bins   Binning
	Method string      // as Go code
	Top    float64     // share of the pixels that are salient
	Groups []BandGroup // each class, followed by its archetypes where they are known
}

// BandGroup is a class, or an archetype of it.
type BandGroup struct {
	Class     string
	Whole     bool      // the class, not one archetype
	Archetype Archetype // unless Whole
	Images    int       // that were measured
	Undefined int       // for which the method has no map; they are in no histogram
	Salient   Histogram // of the salient pixels
	All       Histogram // of all pixels of the same images: the colours that the class has anyway
}

// Name returns "truck" or "truck, rare".
func (g BandGroup) Name() string {
	if g.Whole {
		return g.Class
	}
	return g.Class + ", " + g.Archetype.String()
}

// Ratio returns how much more frequent bin b is among salient pixels than among all: above 1
// the network looks for the colour, or where it is. NaN where the images have no pixel of
// the bin, or no pixel fits a bin.
func (g BandGroup) Ratio(b int) float64 {
	if g.All.Count[b] == 0 {
		return nan
	}
	return g.Salient.Share(b) / g.All.Share(b)
}

// Histogram counts pixels by bin.
type Histogram struct {
	Count     []int        // of each bin
	Unmatched int          // pixels that no bin fits; they are not in any share
	Sum       [][3]float64 // of the red, green and blue of the pixels of each bin, each in [0,1]
}

// Share returns the share of bin b among the pixels that fit a bin; NaN if there are none.
func (h Histogram) Share(b int) float64 {
	total := 0
	for _, n := range h.Count {
		total += n
	}
	return share(h.Count[b], total)
}

// Mean returns the mean colour of the pixels of bin b; false if there are none.
func (h Histogram) Mean(b int) (color.NRGBA, bool) {
	if h.Count[b] == 0 {
		return color.NRGBA{}, false
	}
	level := func(ch int) uint8 {
		return uint8(min(max(math.Round(255*h.Sum[b][ch]/float64(h.Count[b])), 0), 255))
	}
	return color.NRGBA{level(0), level(1), level(2), 255}, true
}

func newHistogram(bins int) Histogram {
	return Histogram{Count: make([]int, bins), Sum: make([][3]float64, bins)}
}

func (h *Histogram) add(b int, rgb [3]float64) {
	if b < 0 {
		h.Unmatched++
		return
	}
	h.Count[b]++
	for ch, v := range rgb {
		h.Sum[b][ch] += v
	}
}

func (c ColourBands) check(where string) (ColourBands, error) {
	switch {
	case math.IsNaN(c.Top) || c.Top < 0 || c.Top > 1:
		return c, fmt.Errorf("%s: ColourBands.Top is %v; want a share in (0,1], or 0 for 0.10", where, c.Top)
	case c.Bins != Hue && c.Bins != Published:
		return c, fmt.Errorf("%s: ColourBands.Bins is %v; want Hue or Published", where, c.Bins)
	case c.Most < 0 || c.Batch < 0:
		return c, fmt.Errorf("%s: ColourBands.Most %d, Batch %d: want 0 for the default, or more", where, c.Most, c.Batch)
	}
	if c.Method == nil {
		c.Method = saliency.Gradient{}
	}
	if v := reflect.ValueOf(c.Method); v.Kind() == reflect.Pointer && v.IsNil() {
		return c, fmt.Errorf("%s: ColourBands.Method is a nil %T", where, c.Method)
	}
	if c.Top == 0 {
		c.Top = 0.10
	}
	if c.Batch == 0 {
		c.Batch = 64
	}
	return c, nil
}

// Measure makes the histograms of the classes of m, whose Set has the images, and, where
// archetypes are given (they may be nil), of each archetype of each class.
func (c ColourBands) Measure(ctx context.Context, model xai.Differentiable, m Members, archetypes []Archetype) (Bands, error) {
	const where = "imbalance.ColourBands.Measure"
	c, err := c.check(where)
	if err != nil {
		return Bands{}, err
	}
	if m, err = m.checked(where); err != nil {
		return Bands{}, err
	}
	if archetypes != nil {
		if err := checkArchetypes(where, archetypes, m.Len()); err != nil {
			return Bands{}, err
		}
	}
	if m.Set.Pixels == nil {
		return Bands{}, fmt.Errorf("%s: the members have no images; give a Set of images: %w", where, xai.ErrShape)
	}
	if ch := m.Set.Shape.Channels; ch != 1 && ch != 3 {
		return Bands{}, fmt.Errorf("%s: images of %d channels have no colours; need 1 (grey) or 3 (red, green, blue): %w", where, ch, xai.ErrShape)
	}
	if isNil(model) {
		return Bands{}, fmt.Errorf("%s: need a model, have nil", where)
	}
	if d, k := model.Dims(); d != m.Set.Shape.Size() || k != len(m.Classes) {
		return Bands{}, fmt.Errorf("%s: the model takes %d values and has %d scores, the images are %v of %d classes: %w", where, d, k, m.Set.Shape, len(m.Classes), xai.ErrShape)
	}
	classes := c.Classes
	if classes == nil {
		for k := range m.Classes {
			classes = append(classes, k)
		}
	}
	if err := checkLabels(where+": ColourBands.Classes", "class", classes, m.Classes); err != nil {
		return Bands{}, err
	}
	names := c.Bins.Names()
	bands := Bands{Bins: c.Bins, Method: fmt.Sprintf("%#v", c.Method), Top: c.Top}
	var work []bandWork
	for _, class := range classes {
		parts := 1
		if archetypes != nil {
			parts += ArchetypeCount
		}
		jobs, first := map[int]*bandWork{}, len(bands.Groups)
		for part := range parts {
			g := BandGroup{Class: m.Classes[class], Whole: part == 0, Salient: newHistogram(len(names)), All: newHistogram(len(names))}
			if part > 0 {
				g.Archetype = Archetype(part - 1)
			}
			bands.Groups = append(bands.Groups, g)
			var rows []int
			for i, label := range m.Labels {
				if label == class && (part == 0 || archetypes[i] == g.Archetype) {
					rows = append(rows, i)
				}
			}
			if c.Most > 0 {
				rows = evenly(rows, c.Most)
			}
			for _, i := range rows {
				if jobs[i] == nil {
					jobs[i] = &bandWork{row: i, label: class}
				}
				jobs[i].groups = append(jobs[i].groups, first+part)
			}
		}
		for i, label := range m.Labels { // in order, not as the map has them
			if label == class && jobs[i] != nil {
				work = append(work, *jobs[i])
			}
		}
	}
	for lo := 0; lo < len(work); lo += c.Batch {
		batch := work[lo:min(lo+c.Batch, len(work))]
		if err := c.measure(ctx, model, m.Set, batch, &bands); err != nil {
			return Bands{}, fmt.Errorf("%s: after %d of %d images: %w", where, lo, len(work), err)
		}
		progress.Report(ctx, "colour bands", lo+len(batch), len(work))
	}
	return bands, nil
}

// bandWork is an image and the groups that it counts in.
type bandWork struct {
	row, label int
	groups     []int
}

func (c ColourBands) measure(ctx context.Context, model xai.Differentiable, set datasets.Set, batch []bandWork, bands *Bands) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	rows, targets := make([]int, len(batch)), make([]int, len(batch))
	for p, w := range batch {
		rows[p], targets[p] = w.row, w.label
	}
	x := set.Batch(nil, rows)
	if c.Predicted {
		scores, err := model.Scores(ctx, x)
		if err != nil {
			return err
		}
		for p := range targets {
			targets[p] = floats.MaxIdx(scores.RawRowView(p))
		}
	}
	dst := mat.NewDense(len(batch), set.Shape.Size(), nil)
	report, err := c.Method.Attribute(ctx, model, dst, saliency.Batch{X: x, Shape: set.Shape, Targets: targets, High: 1})
	if err != nil {
		return err
	}
	for p, w := range batch {
		undefined := report.Err(p) != nil
		plane, err := pixelSaliency(dst.RawRowView(p), set.Shape)
		if err != nil && !undefined {
			return fmt.Errorf("image %d: %w", w.row, err)
		}
		var salient []int
		if !undefined {
			salient = largest(plane, max(int(c.Top*float64(len(plane))), 1))
		}
		image := x.RawRowView(p)
		for _, g := range w.groups {
			group := &bands.Groups[g]
			if undefined {
				group.Undefined++
				continue
			}
			group.Images++
			for _, at := range salient {
				rgb := pixel(image, set.Shape, at)
				group.Salient.add(c.Bins.Bin(rgb[0], rgb[1], rgb[2]), rgb)
			}
			for at := range plane {
				rgb := pixel(image, set.Shape, at)
				group.All.add(c.Bins.Bin(rgb[0], rgb[1], rgb[2]), rgb)
			}
		}
	}
	return nil
}

// pixelSaliency returns the greatest absolute value over the channels of each pixel.
func pixelSaliency(values []float64, shape datasets.Shape) ([]float64, error) {
	plane := make([]float64, shape.Height*shape.Width)
	for i, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("value %d of the map is %v: %w", i, v, saliency.ErrUndefined)
		}
		plane[i%len(plane)] = max(plane[i%len(plane)], math.Abs(v))
	}
	return plane, nil
}

// pixel returns the colour of a pixel; a grey one has three equal parts.
func pixel(image []float64, shape datasets.Shape, at int) [3]float64 {
	if shape.Channels == 1 {
		return [3]float64{image[at], image[at], image[at]}
	}
	plane := shape.Height * shape.Width
	return [3]float64{image[at], image[plane+at], image[2*plane+at]}
}

// isNil also sees a nil pointer inside an interface, which a failed build leaves behind.
func isNil(x any) bool {
	v := reflect.ValueOf(x)
	return !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil()
}

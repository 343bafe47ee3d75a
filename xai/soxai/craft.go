package soxai

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/progress"
	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/mat"
)

// CRAFT finds the concepts of one class in another way, for comparison (Fel et al., CVPR 2023,
// arXiv:2211.10154): crops of the class's images go through the model up to a layer; their mean
// activations A, which are at least 0, are factored as A = U W, so that each row of W is a
// concept; and each concept has the total Sobol index of the class's score when concepts are
// turned down at random. Where SOXAI starts from what a map points at, CRAFT starts from all of
// the image, and needs no map. Its recursion into earlier layers is left out.
type CRAFT struct {
	Layer      string  // whose output is at least 0, such as a ReLU's; default the last with space
	Patch      float64 // side of a crop as a share of the image's, in (0,1]; default 64/224
	Stride     float64 // as a share of Patch, in (0,1]; default 0.8
	Concepts   int     // default 10, or fewer where the crops or the layer do not have as many
	Iterations int     // of the factorisation; default 300
	Designs    int     // points of the Sobol design; default 32
	Images     int     // over which the indices are averaged; default 20, or all that there are
	Seed       uint64  // of the start and of the images
}

// Crafted is what CRAFT found.
type Crafted struct {
	Set      datasets.Set
	Class    string
	Layer    string
	Concepts []Craft // the most important first
	Error    float64 // |A - U W| / |A|, Frobenius norms
}

// Craft is a concept of CRAFT.
type Craft struct {
	Importance float64   // mean total Sobol index, at least 0; without interactions they add to 1
	Crops      []Crop    // up to 10 that have most of it
	Direction  []float64 // its row of W
}

// Crop is a square of an image.
type Crop struct {
	Image int
	Area  Area
	Much  float64 // how much of the concept is in it: its entry of U
}

func (c CRAFT) filled() CRAFT {
	if c.Patch == 0 {
		c.Patch = 64.0 / 224
	}
	if c.Stride == 0 {
		c.Stride = 0.8
	}
	for _, f := range []struct {
		field *int
		value int
	}{{&c.Concepts, 10}, {&c.Iterations, 300}, {&c.Designs, 32}, {&c.Images, 20}} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	return c
}

// Find looks for the concepts of a class, in the images that the model takes for it. The layer
// must be one that nothing passes by, and must put out values of at least 0; both are errors
// that match xai.ErrLayer. No image of the class is one that matches ErrNoRegions.
func (c CRAFT) Find(ctx context.Context, model xai.Layered, data datasets.Source, class int) (Crafted, error) {
	r := Of(model, data).Targets(class)
	if c.Layer != "" {
		r = r.At(c.Layer)
	}
	if err := r.check(); err != nil {
		return Crafted{}, err
	}
	c = c.filled()
	if !(c.Patch > 0 && c.Patch <= 1) || !(c.Stride > 0 && c.Stride <= 1) || c.Concepts < 1 || c.Iterations < 1 || c.Designs < 2 || c.Images < 1 {
		return Crafted{}, xai.Stepf("soxai.CRAFT.Find", "%+v: need Patch and Stride in (0,1], 2 Designs, and at least 1 of the others", c)
	}
	set, err := r.set(ctx, data)
	if err != nil {
		return Crafted{}, err
	}
	rest, err := model.After(r.layer)
	if err != nil {
		return Crafted{}, fmt.Errorf("soxai: CRAFT at %q: %w: %w", r.layer, err, xai.ErrLayer)
	}
	var layer xai.Layer
	for _, l := range model.Layers() {
		if l.Name == r.layer {
			layer = l
		}
	}
	images, err := r.takenFor(ctx, set, class)
	if err != nil {
		return Crafted{}, fmt.Errorf("soxai: CRAFT: %w", err)
	}
	out := Crafted{Set: set, Class: fmt.Sprint(class), Layer: layer.Name}
	if class < len(set.Classes) {
		out.Class = set.Classes[class]
	}
	crops, a, err := c.crops(ctx, model, layer, set, images)
	if err != nil {
		return Crafted{}, fmt.Errorf("soxai: CRAFT: %w", err)
	}
	c.Concepts = min(c.Concepts, len(crops), layer.Channels)
	u, w, err := factor(ctx, a, c.Concepts, c.Iterations, c.Seed)
	if err != nil {
		return Crafted{}, fmt.Errorf("soxai: CRAFT: %w", err)
	}
	var rebuilt mat.Dense
	rebuilt.Mul(u, w)
	rebuilt.Sub(a, &rebuilt)
	if norm := mat.Norm(a, 2); norm > 0 {
		out.Error = mat.Norm(&rebuilt, 2) / norm
	}
	importance, err := c.importance(ctx, model, rest, layer, set, images, w, class)
	if err != nil {
		return Crafted{}, fmt.Errorf("soxai: CRAFT: %w", err)
	}
	for k := range c.Concepts {
		one := Craft{Importance: importance[k], Direction: slices.Clone(w.RawRowView(k))}
		order := make([]int, len(crops))
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(i, j int) int { return compare(u.At(j, k), u.At(i, k)) })
		for _, i := range order[:min(len(order), sheet)] {
			crop := crops[i]
			crop.Much = u.At(i, k)
			one.Crops = append(one.Crops, crop)
		}
		out.Concepts = append(out.Concepts, one)
	}
	slices.SortStableFunc(out.Concepts, func(a, b Craft) int { return compare(b.Importance, a.Importance) })
	return out, nil
}

func compare(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// takenFor lists the images that are predicted to be of a class.
func (r Recipe) takenFor(ctx context.Context, set datasets.Set, class int) ([]int, error) {
	var images []int
	for lo := 0; lo < set.Len(); lo += r.batch {
		index := make([]int, min(r.batch, set.Len()-lo))
		for i := range index {
			index[i] = lo + i
		}
		scores, err := r.model.Scores(ctx, set.Batch(nil, index))
		if err != nil {
			return nil, err
		}
		for i := range index {
			p, err := softmax(scores.RawRowView(i))
			if err != nil {
				return nil, fmt.Errorf("image %d: %w", lo+i, err)
			}
			if slices.Index(p, slices.Max(p)) == class {
				images = append(images, lo+i)
			}
		}
	}
	if len(images) == 0 {
		return nil, fmt.Errorf("the model takes none of the %d images of %q for class %d: %w", set.Len(), set.Name, class, ErrNoRegions)
	}
	return images, nil
}

// crops cuts the images into squares, and returns them with the mean activations of each when it
// is scaled to the size of an image.
func (c CRAFT) crops(ctx context.Context, model xai.Layered, l xai.Layer, set datasets.Set, images []int) ([]Crop, *mat.Dense, error) {
	h, w := set.Shape.Height, set.Shape.Width
	side := max(1, int(math.Round(c.Patch*float64(min(h, w)))))
	step := max(1, int(c.Stride*float64(side)))
	var crops []Crop
	var rows []float64
	for done, i := range images {
		if err := ctx.Err(); err != nil {
			return nil, nil, fmt.Errorf("after the crops of %d of %d images: %w", done, len(images), err)
		}
		x := set.Batch(nil, []int{i}).RawRowView(0)
		var batch []float64
		n := 0
		for top := 0; top+side <= h; top += step {
			for left := 0; left+side <= w; left += step {
				batch = append(batch, enlarged(x, set.Shape, top, left, side)...)
				n++
				var pixels []int
				for p := range side * side {
					pixels = append(pixels, (top+p/side)*w+left+p%side)
				}
				crops = append(crops, Crop{Image: i, Area: areaOf(pixels)})
			}
		}
		out, err := model.Activations(ctx, l.Name, mat.NewDense(n, set.Shape.Size(), batch))
		if err != nil {
			return nil, nil, err
		}
		if gr, gc := out.Dims(); gr != n || gc != l.Size() {
			return nil, nil, fmt.Errorf("layer %q put out %d x %d values, need %d x %d: %w", l.Name, gr, gc, n, l.Size(), xai.ErrShape)
		}
		area := l.Height * l.Width
		for p := range n {
			for ch := range l.Channels {
				sum := 0.0
				for _, v := range out.RawRowView(p)[ch*area:][:area] {
					if !(v >= 0) || math.IsInf(v, 0) {
						return nil, nil, fmt.Errorf("layer %q puts out %v; take one after a ReLU, whose output is at least 0: %w", l.Name, v, xai.ErrLayer)
					}
					sum += v
				}
				rows = append(rows, sum/float64(area))
			}
		}
		progress.Report(ctx, "crops", done+1, len(images))
	}
	return crops, mat.NewDense(len(crops), l.Channels, rows), nil
}

// enlarged scales a square of an image to its size, bilinearly between the centres of pixels.
func enlarged(x []float64, s datasets.Shape, top, left, side int) []float64 {
	at := func(i, size int) (lo, hi int, share float64) {
		t := min(max((float64(i)+0.5)*float64(side)/float64(size)-0.5, 0), float64(side-1))
		lo = int(t)
		return lo, min(lo+1, side-1), t - float64(lo)
	}
	hw := s.Height * s.Width
	out := make([]float64, len(x))
	for y := range s.Height {
		y0, y1, v := at(y, s.Height)
		for u := range s.Width {
			x0, x1, h := at(u, s.Width)
			for ch := range s.Channels {
				value := func(y, u int) float64 { return x[ch*hw+(top+y)*s.Width+left+u] }
				out[ch*hw+y*s.Width+u] = (value(y0, x0)*(1-h)+value(y0, x1)*h)*(1-v) + (value(y1, x0)*(1-h)+value(y1, x1)*h)*v
			}
		}
	}
	return out
}

// tiny keeps divisions by what may be 0 harmless.
const tiny = 1e-12

// factor approximates a, n x d and at least 0, by u w with k factors at least 0, by the
// multiplicative updates of Lee and Seung (2001), which never raise the error. Rows of w have
// length 1.
func factor(ctx context.Context, a *mat.Dense, k, iterations int, sd uint64) (u, w *mat.Dense, err error) {
	n, d := a.Dims()
	rng := seed.Stream(sd, "soxai", "factor")
	fill := func(r, c int) *mat.Dense {
		m := mat.NewDense(r, c, nil)
		m.Apply(func(_, _ int, _ float64) float64 { return 0.1 + rng.Float64() }, m)
		return m
	}
	u, w = fill(n, k), fill(k, d)
	for i := range iterations {
		if err := ctx.Err(); err != nil {
			return nil, nil, fmt.Errorf("after %d of %d iterations: %w", i, iterations, err)
		}
		weigh(u, a, w)
		var top, square, bottom mat.Dense
		top.Mul(u.T(), a)
		square.Mul(u.T(), u)
		bottom.Mul(&square, w)
		w.Apply(func(r, c int, v float64) float64 { return v * top.At(r, c) / (bottom.At(r, c) + tiny) }, w)
	}
	for f := range k {
		row := w.RawRowView(f)
		length := mat.Norm(w.RowView(f), 2)
		if length == 0 {
			continue
		}
		for j := range row {
			row[j] /= length
		}
		for i := range n {
			u.Set(i, f, u.At(i, f)*length)
		}
	}
	return u, w, nil
}

// weigh updates u once for fixed w.
func weigh(u, a, w *mat.Dense) {
	var top, square, bottom mat.Dense
	top.Mul(a, w.T())
	square.Mul(w, w.T())
	bottom.Mul(u, &square)
	u.Apply(func(r, c int, v float64) float64 { return v * top.At(r, c) / (bottom.At(r, c) + tiny) }, u)
}

// weighings is how often u is updated for the positions of an image.
const weighings = 100

// importance returns the total Sobol index of each concept, averaged over images: what each
// position of the layer has of each concept is turned down by a factor per concept, drawn from a
// design on [0,1], and the rest of the model says what becomes of the score.
func (c CRAFT) importance(ctx context.Context, model xai.Layered, rest xai.Scorer, l xai.Layer, set datasets.Set, images []int, w *mat.Dense, class int) ([]float64, error) {
	k, _ := w.Dims()
	rng := seed.Stream(c.Seed, "soxai", "craft", "images")
	drawn := slices.Clone(images)
	rng.Shuffle(len(drawn), func(i, j int) { drawn[i], drawn[j] = drawn[j], drawn[i] })
	drawn = drawn[:min(len(drawn), c.Images)]
	area, sums, counted := l.Height*l.Width, make([]float64, k), 0
	for done, i := range drawn {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("after the indices of %d of %d images: %w", done, len(drawn), err)
		}
		out, err := model.Activations(ctx, l.Name, set.Batch(nil, []int{i}))
		if err != nil {
			return nil, err
		}
		a := mat.NewDense(area, l.Channels, nil) // positions x channels
		for ch := range l.Channels {
			for p := range area {
				a.Set(p, ch, out.At(0, ch*area+p))
			}
		}
		u := mat.NewDense(area, k, nil)
		u.Apply(func(_, _ int, _ float64) float64 { return 1 }, u)
		for range weighings {
			weigh(u, a, w)
		}
		score := func(masks [][]float64) ([]float64, error) {
			values := make([]float64, 0, len(masks))
			for lo := 0; lo < len(masks); lo += 64 {
				part := masks[lo:min(lo+64, len(masks))]
				x := mat.NewDense(len(part), l.Size(), nil)
				for m, mask := range part {
					var masked, rebuilt mat.Dense
					masked.Apply(func(_, f int, v float64) float64 { return v * mask[f] }, u)
					rebuilt.Mul(&masked, w)
					row := x.RawRowView(m)
					for ch := range l.Channels {
						for p := range area {
							row[ch*area+p] = rebuilt.At(p, ch)
						}
					}
				}
				scores, err := rest.Scores(ctx, x)
				if err != nil {
					return nil, err
				}
				for m := range part {
					v := scores.At(m, class)
					if math.IsNaN(v) || math.IsInf(v, 0) {
						return nil, fmt.Errorf("the score of image %d with concepts turned down is %v: %w", i, v, ErrNotFinite)
					}
					values = append(values, v)
				}
			}
			return values, nil
		}
		indices, err := sobol(k, c.Designs, score)
		switch {
		case errors.Is(err, errFlat):
		case err != nil:
			return nil, err
		default:
			counted++
			for f, v := range indices {
				sums[f] += v
			}
		}
		progress.Report(ctx, "importance", done+1, len(drawn))
	}
	for f := range sums {
		sums[f] /= float64(max(counted, 1))
	}
	return sums, nil
}

// errFlat says that nothing depends on the factors.
var errFlat = errors.New("the score does not depend on the concepts")

// sobol returns the total Sobol indices of a function of k factors on [0,1], by Jansen's
// estimator on a replicated Halton design of n points:
//
//	S_i = sum (y_A - y_Ci)^2 / (2 n Var y_A)
//
// where C_i is A with column i of B.
func sobol(k, n int, f func([][]float64) ([]float64, error)) ([]float64, error) {
	a, b := make([][]float64, n), make([][]float64, n)
	bases := primes(2 * k)
	for p := range n {
		a[p], b[p] = make([]float64, k), make([]float64, k)
		for i := range k {
			a[p][i], b[p][i] = halton(p+1, bases[i]), halton(p+1, bases[k+i])
		}
	}
	points := slices.Clone(a)
	for i := range k {
		for p := range n {
			row := slices.Clone(a[p])
			row[i] = b[p][i]
			points = append(points, row)
		}
	}
	y, err := f(points)
	if err != nil {
		return nil, err
	}
	m, variance := mean(y[:n]), 0.0
	for _, v := range y[:n] {
		variance += (v - m) * (v - m) / float64(n)
	}
	if variance <= 1e-18*(1+m*m) {
		return nil, errFlat
	}
	out := make([]float64, k)
	for i := range k {
		for p := range n {
			d := y[p] - y[(i+1)*n+p]
			out[i] += d * d / (2 * float64(n) * variance)
		}
	}
	return out, nil
}

// halton is element i, from 1, of van der Corput's sequence in a base.
func halton(i, base int) float64 {
	v, f := 0.0, 1.0
	for ; i > 0; i /= base {
		f /= float64(base)
		v += f * float64(i%base)
	}
	return v
}

func primes(n int) []int {
	var list []int
	for p := 2; len(list) < n; p++ {
		if !slices.ContainsFunc(list, func(q int) bool { return p%q == 0 }) {
			list = append(list, p)
		}
	}
	return list
}

package soxai

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/whybook/whybook/xai/cluster"
	"github.com/whybook/whybook/xai/progress"
	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// Concept is a group of regions that the model sees as alike.
type Concept struct {
	Name    string // "concept 1" until a person names it
	Regions []int  // in Atlas.Regions, ascending
	Medoid  int    // the region with the least sum of distances to the others
	Nearest []int  // the regions nearest to the medoid, it first: up to 10

	Size   int
	Share  Interval // of all regions
	Images int      // different ones
	Cover  Interval // share of the explained images that have it

	Mass   float64 // mean share of an image's alpha in the region
	Area   float64 // mean share of an image's pixels
	X, Y   float64 // mean centre, as shares of width and height
	Spread float64 // root mean square distance of the centres from their mean, in diagonals of the image

	Counts []int    // regions by label
	Class  int      // the most frequent label
	Purity Interval // share of that label

	// How often the model is right, and how sure it is of what it predicts, for the explained
	// images that have the concept and those that do not.
	Right, RightElsewhere Interval
	Sure, SureElsewhere   Interval

	Silhouette float64 // mean, in the space of the principal components; NaN for a single concept
	Stability  float64 // see Stability.Concepts

	// Effect is dP, the mean loss of probability of the explained class when the region is
	// filled, and Flips the share of regions whose filling changes the prediction: the Impact
	// Score of the concept.
	Effect, Flips Interval

	// Pointing is the mean share of a region's alpha within the set's mask, Overlap the mean
	// intersection over union of region and mask. NaN without masks.
	Pointing, Overlap float64

	// Sameness compares, over the pixels that three in four of the concept's regions share,
	// the variation of the regions with that of the set: 0 where all look exactly the same, 1
	// where they vary like the images. NaN where they share no pixels.
	Sameness float64

	// Transfer is the share of images of other classes, predicted as such, that the model
	// takes for the concept's most frequent target when a region is pasted into them. NaN
	// for a single class, and for instances.
	Transfer Interval

	Suggestion Suggestion
	Judgement  *Judgement // nil until somebody has confirmed

	Centroid []float64 // of its principal components
	Radius   float64   // the 95th percentile of the members' distances from it
}

// Stable says whether the concept comes back in samples of the regions.
func (c Concept) Stable() bool { return c.Stability >= stable }

// Target returns the most frequent explained class of the concept, the lowest where several are.
func (a Atlas) target(c Concept) int {
	counts := map[int]int{}
	best, most := -1, 0
	for _, i := range c.Regions {
		t := a.Regions[i].Target
		counts[t]++
		if n := counts[t]; n > most || n == most && t < best {
			best, most = t, n
		}
	}
	return best
}

// concepts makes the concepts of an atlas from its grouped regions.
func (r Recipe) concepts(ctx context.Context, a *Atlas, x *mat.Dense) error {
	k := a.Grouped.K
	a.Concepts = make([]Concept, k)
	for i, c := range a.Grouped.Labels {
		a.Regions[i].Concept = c
		if c >= 0 {
			a.Concepts[c].Regions = append(a.Concepts[c].Regions, i)
		} else {
			a.Unassigned++
		}
	}
	values, err := silhouettes(ctx, x, a.Grouped.Labels, r.seed)
	if err != nil {
		return err
	}
	explained := a.explained()
	p := paster{r, a}
	overall := a.variationOfAll()
	for c := range a.Concepts {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("after the statistics of %d of %d concepts: %w", c, k, err)
		}
		q := &a.Concepts[c]
		q.Name, q.Stability = fmt.Sprintf("concept %d", c+1), a.Stability.Concepts[c]
		q.place(x)
		q.count(a, explained, seed.Sub(r.seed, "soxai", "concept", c))
		q.Silhouette = meanOf(q.Regions, values)
		q.Sameness = a.sameness(*q, overall)
		if q.Transfer, err = p.transfer(ctx, *q, c); err != nil {
			return err
		}
		q.Suggestion = r.criteria.suggest(*q, len(a.Set.Classes))
		progress.Report(ctx, "concepts", c+1, k)
	}
	return nil
}

// silhouettes returns those of the rows that were measured, NaN for others.
func silhouettes(ctx context.Context, x *mat.Dense, labels []int, sd uint64) ([]float64, error) {
	n, d := x.Dims()
	values := make([]float64, n)
	var rows, own []int
	seen := map[int]bool{}
	for i, c := range labels {
		values[i] = nan
		if c >= 0 {
			rows, own = append(rows, i), append(own, c)
			seen[c] = true
		}
	}
	if len(seen) < 2 || len(rows) <= len(seen) {
		return values, nil
	}
	part := mat.NewDense(len(rows), d, nil)
	for p, i := range rows {
		part.SetRow(p, x.RawRowView(i))
	}
	s := cluster.Silhouette{}
	if len(rows) > silhouetteRows {
		s = cluster.Silhouette{Sample: silhouetteRows, Seed: sd}
	}
	q, err := s.Measure(ctx, part, own)
	if err != nil {
		return nil, err
	}
	for p, i := range q.Rows {
		values[rows[i]] = q.Values[p]
	}
	return values, nil
}

// meanOf returns the mean of the values that are numbers, at the given places.
func meanOf(at []int, values []float64) float64 {
	var list []float64
	for _, i := range at {
		if v := values[i]; !math.IsNaN(v) {
			list = append(list, v)
		}
	}
	return mean(list)
}

// sheet is how many regions stand for a concept: the medoid and nine more.
const sheet = 10

// medoidRows bounds the candidates for a medoid: the regions nearest to the centroid.
const medoidRows = 1000

// place finds the centroid, the radius and the medoid, by the principal components.
func (q *Concept) place(x *mat.Dense) {
	_, d := x.Dims()
	q.Centroid = make([]float64, d)
	for _, i := range q.Regions {
		floats.Add(q.Centroid, x.RawRowView(i))
	}
	floats.Scale(1/float64(len(q.Regions)), q.Centroid)
	from := func(point []float64) []int { // regions by distance
		distance := make(map[int]float64, len(q.Regions))
		for _, i := range q.Regions {
			distance[i] = floats.Distance(point, x.RawRowView(i), 2)
		}
		order := slices.Clone(q.Regions)
		slices.SortStableFunc(order, func(a, b int) int {
			switch da, db := distance[a], distance[b]; {
			case da < db:
				return -1
			case da > db:
				return 1
			}
			return 0
		})
		return order
	}
	radii := make([]float64, len(q.Regions))
	for p, i := range q.Regions {
		radii[p] = floats.Distance(q.Centroid, x.RawRowView(i), 2)
	}
	q.Radius = percentile(radii, 0.95)
	candidates := from(q.Centroid)
	candidates = candidates[:min(len(candidates), medoidRows)]
	slices.Sort(candidates)
	least := math.Inf(1)
	for _, i := range candidates {
		sum := 0.0
		for _, j := range candidates {
			sum += floats.Distance(x.RawRowView(i), x.RawRowView(j), 2)
		}
		if sum < least {
			q.Medoid, least = i, sum
		}
	}
	q.Nearest = from(x.RawRowView(q.Medoid))
	if at := slices.Index(q.Nearest, q.Medoid); at > 0 { // among equal regions
		q.Nearest = slices.Insert(slices.Delete(q.Nearest, at, at+1), 0, q.Medoid)
	}
	q.Nearest = q.Nearest[:min(len(q.Nearest), sheet)]
}

// count fills in the statistics that need only the regions.
func (q *Concept) count(a *Atlas, explained []int, sd uint64) {
	hw, n := a.Set.Shape.Height*a.Set.Shape.Width, len(q.Regions)
	q.Size, q.Share = n, share(n, len(a.Regions))
	q.Counts = make([]int, len(a.Set.Classes))
	var effects, pointing, overlap []float64
	var images []int
	flips, has := 0, map[int]bool{}
	for _, i := range q.Regions {
		g := a.Regions[i]
		has[g.Image] = true
		images = append(images, g.Image)
		q.Counts[a.Set.Labels[g.Image]]++
		q.Mass, q.Area = q.Mass+g.Mass/float64(n), q.Area+float64(g.Area.Size())/float64(hw)/float64(n)
		q.X, q.Y = q.X+g.X/float64(n), q.Y+g.Y/float64(n)
		effects = append(effects, g.Effect())
		if g.Flipped {
			flips++
		}
		if !math.IsNaN(g.Inside) {
			pointing, overlap = append(pointing, g.Inside), append(overlap, g.Overlap)
		}
	}
	h, w := float64(a.Set.Shape.Height), float64(a.Set.Shape.Width)
	for _, i := range q.Regions {
		g := a.Regions[i]
		q.Spread += ((g.X-q.X)*(g.X-q.X)*w*w + (g.Y-q.Y)*(g.Y-q.Y)*h*h) / (w*w + h*h) / float64(n)
	}
	q.Spread = math.Sqrt(q.Spread)
	q.Images, q.Cover = len(has), share(len(has), len(explained))
	for c, m := range q.Counts {
		if m > q.Counts[q.Class] {
			q.Class = c
		}
	}
	q.Purity = share(q.Counts[q.Class], n)
	q.Effect, q.Flips = bootstrap(effects, images, sd, "effect"), share(flips, n)
	q.Pointing, q.Overlap = mean(pointing), mean(overlap)
	var right, of [2]int
	var sure [2][]float64
	var sureImages [2][]int
	for _, i := range explained {
		side := 1
		if has[i] {
			side = 0
		}
		of[side]++
		if a.Predicted[i] == a.Set.Labels[i] {
			right[side]++
		}
		sure[side], sureImages[side] = append(sure[side], a.Certainty[i]), append(sureImages[side], i)
	}
	q.Right, q.RightElsewhere = share(right[0], of[0]), share(right[1], of[1])
	q.Sure, q.SureElsewhere = bootstrap(sure[0], sureImages[0], sd, "sure"), bootstrap(sure[1], sureImages[1], sd, "sure elsewhere")
}

// sameness compares the variation of a concept's regions with that of the set, all; see Concept.
func (a Atlas) sameness(q Concept, all float64) float64 {
	hw := a.Set.Shape.Height * a.Set.Shape.Width
	votes := make([]int, hw)
	for _, i := range q.Regions {
		for _, p := range a.Regions[i].Area.Pixels() {
			votes[p]++
		}
	}
	var common []int
	for p, v := range votes {
		if 4*v >= 3*len(q.Regions) {
			common = append(common, p)
		}
	}
	if len(common) == 0 || all == 0 {
		return nan
	}
	var own []int
	for _, i := range q.Regions {
		own = append(own, a.Regions[i].Image)
	}
	return a.variation(slices.Compact(own), common) / all
}

// variationOfAll is that of all pixels over all images.
func (a Atlas) variationOfAll() float64 {
	images, pixels := make([]int, a.Set.Len()), make([]int, a.Set.Shape.Height*a.Set.Shape.Width)
	for i := range images {
		images[i] = i
	}
	for p := range pixels {
		pixels[p] = p
	}
	return a.variation(images, pixels)
}

// variation is the mean over pixels and channels of the standard deviation over images.
func (a Atlas) variation(images, pixels []int) float64 {
	hw, sum := a.Set.Shape.Height*a.Set.Shape.Width, 0.0
	for ch := range a.Set.Shape.Channels {
		for _, p := range pixels {
			s, squares := 0.0, 0.0
			for _, i := range images {
				v := float64(a.Set.Pixels[(i*a.Set.Shape.Channels+ch)*hw+p])
				s, squares = s+v, squares+v*v
			}
			n := float64(len(images))
			sum += math.Sqrt(max(0, squares/n-s/n*s/n))
		}
	}
	return sum / float64(a.Set.Shape.Channels*len(pixels))
}

// pasted regions and the images that they are pasted into.
const (
	pasteRegions = 5
	pasteImages  = 20
)

// paster puts regions into other images.
type paster struct {
	r Recipe
	a *Atlas
}

// transfer pastes the regions nearest to the medoid, at their own place, into images that have
// another label than the concept's target and are predicted otherwise.
func (p paster) transfer(ctx context.Context, q Concept, c int) (Interval, error) {
	a, target := p.a, p.a.target(q)
	if p.r.instances != nil { // a region that lies elsewhere than the other object says nothing
		return Interval{nan, nan, nan}, nil
	}
	var others []int
	for i, y := range a.Set.Labels {
		if y != target && a.Predicted[i] != target {
			others = append(others, i)
		}
	}
	if len(others) == 0 {
		return Interval{nan, nan, nan}, nil
	}
	rng := seed.Stream(p.r.seed, "soxai", "transfer", c)
	rng.Shuffle(len(others), func(i, j int) { others[i], others[j] = others[j], others[i] })
	others = others[:min(len(others), pasteImages)]
	var sources []Region
	for _, i := range q.Nearest {
		if g := a.Regions[i]; g.Target == target && len(sources) < pasteRegions {
			sources = append(sources, g)
		}
	}
	if len(sources) == 0 {
		return Interval{nan, nan, nan}, nil
	}
	turned := 0
	for _, g := range sources {
		x := a.Set.Batch(nil, others)
		from := a.Set.Batch(nil, []int{g.Image}).RawRowView(0)
		for i := range others {
			paste(x.RawRowView(i), from, g.Area, a.Set.Shape.Channels)
		}
		scores, err := p.r.model.Scores(ctx, x)
		if err != nil {
			return Interval{}, err
		}
		for i := range others {
			s, err := softmax(scores.RawRowView(i))
			if err != nil {
				return Interval{}, fmt.Errorf("image %d with a region of image %d: %w", others[i], g.Image, err)
			}
			if floats.MaxIdx(s) == target {
				turned++
			}
		}
	}
	return share(turned, len(others)*len(sources)), nil
}

// paste copies an area of one image into another.
func paste(dst, src []float64, area Area, channels int) {
	hw := len(dst) / channels
	for _, q := range area.Pixels() {
		for ch := range channels {
			dst[ch*hw+q] = src[ch*hw+q]
		}
	}
}

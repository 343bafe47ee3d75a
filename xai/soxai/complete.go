package soxai

import (
	"context"
	"fmt"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/progress"
	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// Completeness says whether the concepts tell what the layer tells: Yeh et al. 2020, On
// Completeness-aware Concept-Based Explanations (arXiv 1910.07969), definition 3.1, with the
// model's own decisions in the place of labels and an orthogonal projection as the way back
// from concepts to features.
//
// What the layer puts out is projected, at each place, to the span of the concepts' mean
// features, and the rest of the model decides again. With a the share of explained images whose
// decision stays and m that of the most frequent decision, which can be told without any
// concept,
//
//	Value = (a - m) / (1 - m)
//
// is 1 where the concepts lose nothing, and 0 or less where they are no better than nothing.
type Completeness struct {
	Images     int // explained ones
	Directions int // that the concepts span, of the channels of the layer

	// Value is for the concepts, Random for as many directions drawn at random: the mean over
	// five draws. Intervals are from a bootstrap of images. All are NaN where Why says so.
	Value, Random Interval

	Why string // why there is no value; "" where there is one
}

// randomDraws is how often random directions are drawn.
const randomDraws = 5

// completeness projects the layer to the concepts.
func (r Recipe) completeness(ctx context.Context, a *Atlas, explained []int) (Completeness, error) {
	none := Interval{nan, nan, nan}
	out := Completeness{Images: len(explained), Value: none, Random: none}
	counts, most := map[int]int{}, 0
	for _, i := range explained {
		counts[a.Predicted[i]]++
		most = max(most, counts[a.Predicted[i]])
	}
	var layer xai.Layer
	for _, l := range r.model.Layers() {
		if l.Name == a.Layer {
			layer = l
		}
	}
	switch {
	case a.Layer == "":
		out.Why = "maps embed themselves"
	case r.instances != nil:
		out.Why = "the scores of instances are not what the model ends in"
	case len(a.Concepts) == 0:
		out.Why = "there are no concepts"
	case most == len(explained):
		out.Why = "the model decides the same for all explained images"
	}
	if out.Why != "" {
		return out, nil
	}
	rest, err := r.model.After(a.Layer)
	if err != nil { // something passes the layer by
		out.Why = err.Error()
		return out, nil
	}
	own := span(a.directions())
	out.Directions = len(own)
	sets := [][][]float64{own}
	for draw := range randomDraws {
		rng := seed.Stream(r.seed, "soxai", "completeness", draw)
		var rows [][]float64
		for range own {
			row := make([]float64, layer.Channels)
			for j := range row {
				row[j] = rng.NormFloat64()
			}
			rows = append(rows, row)
		}
		sets = append(sets, span(rows))
	}
	kept := make([][]float64, 2) // by images: for the concepts, and on average over the draws
	for side := range kept {
		kept[side] = make([]float64, len(explained))
	}
	var x *mat.Dense
	quiet := progress.WithReporter(ctx, func(progress.Event) {})
	for lo := 0; lo < len(explained); lo += r.batch {
		if err := ctx.Err(); err != nil {
			return out, fmt.Errorf("after the completeness of %d of %d images: %w", lo, len(explained), err)
		}
		part := explained[lo:min(lo+r.batch, len(explained))]
		x = a.Set.Batch(x, part)
		maps, err := r.model.Activations(quiet, a.Layer, x)
		if err != nil {
			return out, err
		}
		for s, basis := range sets {
			scores, err := rest.Scores(quiet, projected(maps, basis, layer))
			if err != nil {
				return out, err
			}
			for i, image := range part {
				row, err := softmax(scores.RawRowView(i))
				if err != nil {
					return out, fmt.Errorf("image %d, projected to the concepts: %w", image, err)
				}
				if floats.MaxIdx(row) != a.Predicted[image] {
					continue
				}
				if s == 0 {
					kept[0][lo+i] = 1
				} else {
					kept[1][lo+i] += 1.0 / randomDraws
				}
			}
		}
		progress.Report(ctx, "completeness", lo+len(part), len(explained))
	}
	m := float64(most) / float64(len(explained))
	for side, to := range []*Interval{&out.Value, &out.Random} {
		*to = bootstrap(kept[side], explained, r.seed, "soxai", "completeness", side)
		for _, v := range []*float64{&to.Value, &to.Low, &to.High} {
			*v = (*v - m) / (1 - m)
		}
	}
	return out, nil
}

// directions returns the mean features of each concept.
func (a Atlas) directions() [][]float64 {
	var rows [][]float64
	for _, q := range a.Concepts {
		row := append([]float64(nil), a.Basis.Mean...)
		for k, v := range q.Centroid {
			floats.AddScaled(row, v, a.Basis.Axes[k*a.Basis.D:(k+1)*a.Basis.D])
		}
		rows = append(rows, row)
	}
	return rows
}

// span returns an orthonormal basis of rows, without those that others make (Gram and
// Schmidt, twice).
func span(rows [][]float64) [][]float64 {
	var basis [][]float64
	for _, row := range rows {
		v := append([]float64(nil), row...)
		before := floats.Norm(v, 2)
		for range 2 {
			for _, b := range basis {
				floats.AddScaled(v, -floats.Dot(b, v), b)
			}
		}
		if after := floats.Norm(v, 2); after > 1e-9*before {
			floats.Scale(1/after, v)
			basis = append(basis, v)
		}
	}
	return basis
}

// projected returns what a layer puts out, projected to a span at every place.
func projected(maps *mat.Dense, basis [][]float64, l xai.Layer) *mat.Dense {
	n, size := maps.Dims()
	out, area := mat.NewDense(n, size, nil), l.Height*l.Width
	along := make([]float64, area)
	for i := range n {
		from, to := maps.RawRowView(i), out.RawRowView(i)
		for _, b := range basis {
			clear(along)
			for c, v := range b {
				floats.AddScaled(along, v, from[c*area:(c+1)*area])
			}
			for c, v := range b {
				floats.AddScaled(to[c*area:(c+1)*area], v, along)
			}
		}
	}
	return out
}

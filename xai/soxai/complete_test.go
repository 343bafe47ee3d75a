package soxai_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/nn"
	"github.com/whybook/whybook/xai/saliency"
	"github.com/whybook/whybook/xai/soxai"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// TestCompletenessAgainstASlowSecondWay projects by the normal equations, place by place.
func TestCompletenessAgainstASlowSecondWay(t *testing.T) {
	if testing.Short() {
		t.Skip("trains a network")
	}
	t.Parallel()
	p, ctx := must[planted](t)(theTagged()), context.Background()
	s := must[datasets.Set](t)(p.train.Take(60).Build(ctx))
	var values []float64
	for k := 1; k <= 4; k++ {
		a := must[soxai.Atlas](t)(soxai.Of(p.net, s).Concepts(k, k).Batch(7).Build(ctx))
		d := a.Basis.D
		directions := mat.NewDense(d, k, nil)
		for c, q := range a.Concepts {
			for ch := range d {
				v := a.Basis.Mean[ch]
				for j, z := range q.Centroid {
					v += z * a.Basis.Axes[j*d+ch]
				}
				directions.Set(ch, c, v)
			}
		}
		var gram, inverse, half, onto mat.Dense
		gram.Mul(directions.T(), directions)
		if err := inverse.Inverse(&gram); err != nil {
			t.Fatal(err)
		}
		half.Mul(directions, &inverse)
		onto.Mul(&half, directions.T())
		rest, err := p.net.After("relu3")
		if err != nil {
			t.Fatal(err)
		}
		seen, counts, kept := map[int]bool{}, map[int]float64{}, 0.0
		for _, g := range a.Regions {
			if seen[g.Image] {
				continue
			}
			seen[g.Image] = true
			x := s.Batch(nil, []int{g.Image})
			own := must[*mat.Dense](t)(p.net.Scores(ctx, x)).RawRowView(0)
			counts[floats.MaxIdx(own)]++
			maps := must[*mat.Dense](t)(p.net.Activations(ctx, "relu3", x))
			places := len(maps.RawRowView(0)) / d
			for q := range places {
				column := mat.NewVecDense(d, nil)
				for ch := range d {
					column.SetVec(ch, maps.At(0, ch*places+q))
				}
				var at mat.VecDense
				at.MulVec(&onto, column)
				for ch := range d {
					maps.Set(0, ch*places+q, at.AtVec(ch))
				}
			}
			if floats.MaxIdx(must[*mat.Dense](t)(rest.Scores(ctx, maps)).RawRowView(0)) == floats.MaxIdx(own) {
				kept++
			}
		}
		n, m := float64(len(seen)), 0.0
		for _, v := range counts {
			m = max(m, v/float64(len(seen)))
		}
		got := a.Completeness
		if want := (kept/n - m) / (1 - m); !(math.Abs(got.Value.Value-want) < 1e-9) || got.Images != len(seen) || got.Directions != k || got.Why != "" {
			t.Errorf("%d concepts: completeness %+v, want %v", k, got, want)
		}
		values = append(values, got.Value.Value)
		if text := a.StatisticsView().Text(); !strings.Contains(text, "Completeness") {
			t.Error("the view does not show the completeness")
		}
	}
	if values[0] > 0.5 || values[3] < 0.5 { // the test must not be about images that nothing changes
		t.Errorf("completeness of 1 to 4 concepts: %.2f", values)
	}
}

// TestAllDirectionsAreComplete: as many concepts as the layer has channels lose nothing.
func TestAllDirectionsAreComplete(t *testing.T) {
	s := squares(40)
	a := must[soxai.Atlas](t)(soxai.Of(squareNet(t, s), s).With(saliency.InputGradient{}).At("relu1").Concepts(4, 4).Build(context.Background()))
	if c := a.Completeness; c.Directions != 4 || c.Value.Value != 1 || c.Random.Value != 1 {
		t.Errorf("all directions of the layer keep %+v", c)
	}
}

// TestCompletenessOfTheTag: the concepts that k-means chooses keep most decisions of the layer, as
// many random directions few.
func TestCompletenessOfTheTag(t *testing.T) {
	if testing.Short() {
		t.Skip("trains a network")
	}
	t.Parallel()
	p := must[planted](t)(theTagged())
	c := must[soxai.Atlas](t)(soxai.Of(p.net, p.train).Build(context.Background())).Completeness
	t.Logf("%d directions: %.2f, random %.2f", c.Directions, c.Value.Value, c.Random.Value)
	if c.Value.Low < 0.5 || c.Random.High > 0.5 {
		t.Errorf("completeness %+v", c)
	}
}

func TestNoCompleteness(t *testing.T) {
	s := squares(20)
	net, ctx := squareNet(t, s), context.Background()
	one := must[datasets.Set](t)(s.Pick(0, 2, 4, 6, 8, 10, 12, 14).Build(ctx))
	passed := nn.Image(s.Shape).Conv(4, 3).ReLU().Conv(4, 3)
	passing := must[*nn.Net](t)(passed.Merge(nn.Add{}, "relu1").Dense(2).Init(1))
	for name, r := range map[string]soxai.Recipe{
		"maps embed themselves":   soxai.Of(net, s).With(brightness).HeatMaps(8),
		"the same for all":        soxai.Of(net, one).With(brightness),
		"there are no concepts":   soxai.Of(net, s).With(brightness).Grouping(soxai.Density{MinSize: 15}),
		"not what the model ends": soxai.Of(scored(t, s), s).Instances(soxai.Instances{Areas: boxes(20, s.Shape)}).With(saliency.InputGradient{}),
		"relu1":                   soxai.Of(passing, s).With(saliency.InputGradient{}).At("conv2"),
	} {
		a, err := r.Build(ctx)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		c := a.Completeness
		if !strings.Contains(c.Why, name) || !math.IsNaN(c.Value.Value) || !math.IsNaN(c.Random.Low) {
			t.Errorf("%s: %+v", name, c)
		}
		if err := a.View().Err(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// boxes are instances in the middle of n images.
func boxes(n int, shape datasets.Shape) []soxai.Area {
	list := make([]soxai.Area, n)
	for i := range list {
		list[i] = soxai.Box(shape, 2, 2, 6, 6)
	}
	return list
}

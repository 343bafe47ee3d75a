package saliency

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/mat"
)

func TestLIME(t *testing.T) {
	inFlight(t, LIME{Patch: 2}, 64)
	inFlight(t, LIME{Superpixels: 4, Samples: 100, Batch: 5}, 5)

	// On a linear model with next to no penalty LIME finds w (x - x').
	w, base := []float64{2, -1, 0.5, 0}, []float64{0.5, 0, -1, 4}
	x := rows([]float64{1, 2, 3, 5})
	want := []float64{1, -2, 2, 0}
	got, _ := attribute(t, LIME{Patch: 1, Baseline: base, Ridge: 1e-12}, affine(7, w), images(x, 2, 2))
	near(t, "linear", got.RawRowView(0), want, 1e-9)
	table := images(x, 1, 4)
	table.High = 0
	got, _ = attribute(t, LIME{Ridge: 1e-12}, affine(7, w), table)
	near(t, "a table is filled with zeros", got.RawRowView(0), []float64{2, -2, 1.5, 0}, 1e-9)

	// A patch of 2x2 pixels is filled with its mean, so only deviations from it count.
	got, _ = attribute(t, LIME{Patch: 2, Ridge: 1e-12}, affine(0, []float64{1, 0, 0, 0}), images(rows([]float64{1, 0, 0, 0}), 2, 2))
	near(t, "one patch", got.RawRowView(0), []float64{0.75, 0.75, 0.75, 0.75}, 1e-9)
	got, _ = attribute(t, LIME{}, affine(0, []float64{1, 2, 3, 4}), images(rows([]float64{0.5, 0.5, 0.5, 0.5}), 2, 2))
	near(t, "a constant image", got.RawRowView(0), []float64{0, 0, 0, 0}, 1e-12)

	// A slow second implementation: least squares on the whole design matrix, by QR.
	f, in := tanhNet(4, 3), images(random(1, 4, 2), 2, 2)
	got, _ = attribute(t, LIME{Patch: 1, Samples: 60, Baseline: make([]float64, 4), Ridge: 0.7}, f, in)
	near(t, "ridge by QR", got.RawRowView(0), limeByQR(f, in.X.RawRowView(0), 60, 0.25, 0.7), 1e-10)

	refuse(t, LIME{Samples: -1}, "field Samples")
	refuse(t, LIME{Superpixels: 17}, "field Superpixels")
	refuse(t, LIME{Superpixels: -1}, "field Superpixels")
	refuse(t, LIME{Patch: 5}, "larger than the image")
	refuse(t, LIME{Patch: 2, Superpixels: 4}, "both set")
	refuse(t, LIME{Width: math.NaN()}, "field Width")
	refuse(t, LIME{Ridge: -1}, "field Ridge")
	refuse(t, LIME{Compactness: -1}, "field Compactness")
	refuse(t, LIME{Baseline: []float64{1}}, "has 1 values")
}

// limeByQR solves the regression of LIME with one group for each value and a fill of 0.
// Rows are scaled by the root of their weight; the penalty is d more rows.
func limeByQR(f formula, x []float64, samples int, width, ridge float64) []float64 {
	d := len(x)
	a, b := mat.NewDense(samples+d, d+1, nil), mat.NewVecDense(samples+d, nil)
	for s := range samples {
		r := seed.Stream(0, "lime", s)
		z, kept := make([]float64, d), 0.0
		in := make([]float64, d)
		for j := range z {
			if s == 0 || r.Uint64()&1 == 1 {
				z[j], in[j] = 1, x[j]
				kept++
			}
		}
		cosine := kept / math.Sqrt(kept*float64(d))
		if kept == 0 {
			cosine = 0
		}
		root := math.Sqrt(math.Sqrt(math.Exp(-(1 - cosine) * (1 - cosine) / width / width)))
		for j := range z {
			a.Set(s, j, root*z[j])
		}
		a.Set(s, d, root)
		b.SetVec(s, root*f.scores(in)[0])
	}
	for j := range d {
		a.Set(samples+j, j, math.Sqrt(ridge))
	}
	var w mat.VecDense
	if err := w.SolveVec(a, b); err != nil {
		panic(err)
	}
	return w.RawVector().Data[:d]
}

// TestSuperpixels: regions are connected and numbered from 0, and follow a strong edge.
func TestSuperpixels(t *testing.T) {
	shape := datasets.Shape{Channels: 1, Height: 20, Width: 30}
	x := make([]float64, 600)
	for p := range x {
		if p%30 >= 13 { // an edge that no grid of squares has
			x[p] = 1
		}
	}
	region, regions := superpixels(x, shape, 24, 0.1, 1)
	if regions < 12 || regions > 36 {
		t.Errorf("%d regions, wanted about 24", regions)
	}
	side := make([]float64, regions)
	size := make([]float64, regions)
	for p, g := range region {
		side[g] += x[p]
		size[g]++
	}
	for g := range side {
		if size[g] == 0 || side[g] != 0 && side[g] != size[g] {
			t.Errorf("region %d has %g pixels, %g of them right of the edge", g, size[g], side[g])
		}
	}
	again, pieces := connect(region, 20, 30, 0)
	if pieces != regions || !slices.Equal(again, region) {
		t.Errorf("%d regions in %d pieces", regions, pieces)
	}
	// Noise, more regions than pixels in a row, a single pixel: no empty regions.
	for _, c := range []struct{ h, w, want int }{{20, 30, 50}, {3, 3, 9}, {1, 40, 7}, {1, 1, 1}, {5, 2, 10}} {
		noise := random(1, c.h*c.w, 4).RawRowView(0)
		region, regions := superpixels(noise, datasets.Shape{Channels: 1, Height: c.h, Width: c.w}, c.want, 0.1, 1)
		seen := make([]int, regions)
		for _, g := range region {
			seen[g]++
		}
		if slices.Min(seen) == 0 {
			t.Errorf("%dx%d into %d: sizes %v", c.h, c.w, c.want, seen)
		}
	}
}

// TestLIMELocal: the local models of a linear model are the model, and each model is the one
// whose coefficients the map has.
func TestLIMELocal(t *testing.T) {
	f := affine(2, []float64{1, -2, 0.5, 3}, []float64{0, 1, 1, -1}, []float64{4, 0, 0, 0})
	in := images(rows([]float64{0.5, 0.25, 1, 0.75}, []float64{0.1, 0.9, 0.3, 0.2}), 2, 2)
	m := LIME{Patch: 1, Baseline: make([]float64, 4), Ridge: 1e-9}
	got, err := m.Local(ctx, f, in)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		near(t, "linear", got.RawRowView(i), f.scores(in.X.RawRowView(i)), 1e-7)
	}

	// With strong shrinkage the sum of the coefficients changes, and the local model with it.
	net := tanhNet(4, 3)
	weak, err := LIME{Patch: 1, Baseline: make([]float64, 4), Ridge: 1e-9}.Local(ctx, net, in)
	if err != nil {
		t.Fatal(err)
	}
	strong, err := LIME{Patch: 1, Baseline: make([]float64, 4), Ridge: 1e9}.Local(ctx, net, in)
	if err != nil {
		t.Fatal(err)
	}
	truth, mean := net.scores(in.X.RawRowView(0)), strong.RawRowView(0)
	for k := range truth {
		if math.Abs(weak.At(0, k)-truth[k]) >= math.Abs(mean[k]-truth[k]) {
			t.Errorf("score %d is %g; the local model says %g, a constant %g", k, truth[k], weak.At(0, k), mean[k])
		}
	}
	if _, err := m.Local(ctx, f, Batch{}); !errors.Is(err, xai.ErrShape) {
		t.Errorf("no rows: %v", err)
	}
	if _, err := (LIME{Samples: -1}).Local(ctx, f, in); err == nil {
		t.Error("no samples: no error")
	}
}

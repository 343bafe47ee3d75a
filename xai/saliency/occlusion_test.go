package saliency

import (
	"math"
	"slices"
	"testing"
)

func TestOcclusion(t *testing.T) {
	inFlight(t, Occlusion{}, 64)
	inFlight(t, Occlusion{Patch: 3, Fill: 0.5, Batch: 5}, 5)

	// Net A: 392 minus what each value leaves (312, 192, 272).
	got, report := attribute(t, Occlusion{}, netA(), images(rows([]float64{20, 50, 30}), 1, 3))
	near(t, "net A", got.RawRowView(0), []float64{80, 200, 120}, 0)
	if report.Passes != 4 {
		t.Errorf("%d passes, want 4", report.Passes)
	}
	got, _ = attribute(t, Occlusion{Patch: 1, Fill: 0.1}, affine(3, []float64{2, -1, 0.5, 0}), images(rows([]float64{0.5, 0.5, 0.5, 0.5}), 2, 2))
	near(t, "linear", got.RawRowView(0), []float64{0.8, -0.4, 0.2, 0}, 1e-14)

	// Two channels, windows of 2 columns every column: (0,1) and (1,2).
	in := images(rows([]float64{1, 1, 1, 1, 1, 1}), 1, 3)
	in.Shape.Channels = 2
	got, _ = attribute(t, Occlusion{Patch: 2, Stride: 1}, affine(0, []float64{1, 2, 3, 10, 20, 30}), in)
	near(t, "overlapping windows", got.RawRowView(0), []float64{33, 44, 55, 33, 44, 55}, 0)

	for _, c := range []struct {
		n, patch, stride int
		want             []int
	}{{7, 3, 2, []int{0, 2, 4}}, {8, 3, 2, []int{0, 2, 4, 5}}, {1, 3, 1, []int{0}}, {3, 3, 3, []int{0}}} {
		if got := windows(c.n, c.patch, c.stride); !slices.Equal(got, c.want) {
			t.Errorf("windows of %d every %d on %d pixels: %v, want %v", c.patch, c.stride, c.n, got, c.want)
		}
	}
	refuse(t, Occlusion{Patch: 5}, "larger than the image")
	refuse(t, Occlusion{Patch: -1}, "field Patch")
	refuse(t, Occlusion{Stride: -1}, "field Stride")
	refuse(t, Occlusion{Patch: 1, Stride: 2}, "uncovered")
	refuse(t, Occlusion{Fill: math.NaN()}, "field Fill")
}

func TestRISE(t *testing.T) {
	inFlight(t, RISE{Masks: 100}, 64)
	inFlight(t, RISE{Masks: 30, Grid: 2, Batch: 7}, 7)

	// A constant score: the map is the mean mask over Keep, 1 up to sampling.
	got, report := attribute(t, RISE{}, affine(1, make([]float64, 64)), images(random(1, 64, 1), 8, 8))
	for _, v := range got.RawRowView(0) {
		if math.Abs(v-1) > 0.06 {
			t.Errorf("a constant score gives %g, want 1 within sampling error", v)
		}
	}
	if report.Passes != 4000 {
		t.Errorf("%d passes", report.Passes)
	}

	// A score that sees one pixel is highest there, and E[M_p M_q] makes a hill around it.
	w := make([]float64, 64)
	w[3*8+5] = 1
	in := images(random(1, 64, 1), 8, 8)
	in.X.Set(0, 3*8+5, 1)
	got, _ = attribute(t, RISE{}, affine(0, w), in)
	best := slices.Index(got.RawRowView(0), slices.Max(got.RawRowView(0)))
	if best != 3*8+5 {
		t.Errorf("the maximum is at pixel %d, want %d", best, 3*8+5)
	}
	mask := make([]float64, 28*28)
	for s := range 50 {
		(RISE{}).mask(mask, s, 28, 28, 7, 7, 0.5)
		if slices.Min(mask) < 0 || slices.Max(mask) > 1 {
			t.Fatalf("mask %d leaves [0,1]", s)
		}
	}
	refuse(t, RISE{Masks: -1}, "field Masks")
	refuse(t, RISE{Grid: 5}, "field Grid")
	refuse(t, RISE{Keep: 2}, "field Keep")
	refuse(t, RISE{Keep: math.NaN()}, "NaN")
}

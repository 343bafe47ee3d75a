package soxai

import (
	"math"
	"testing"

	"github.com/whybook/whybook/xai"
	"pgregory.net/rapid"
)

func TestEmbeddingInClosedForm(t *testing.T) {
	l := xai.Layer{Channels: 2, Height: 2, Width: 3}
	m := []float64{1, 2, 3, 4, 5, 6, 10, 20, 30, 40, 50, 60}
	for name, c := range map[string]struct{ alpha, want []float64 }{
		"constant alpha is global average pooling": {[]float64{7, 7, 7, 7, 7, 7}, []float64{3.5, 35}},
		"one position is its features":             {[]float64{0, 0, 0, 0, 2, 0}, []float64{5, 50}},
		"weights":                                  {[]float64{1, 0, 0, 0, 0, 3}, []float64{19.0 / 4, 190.0 / 4}},
	} {
		got := make([]float64, 2)
		embed(got, m, c.alpha, l)
		for n := range got {
			if math.Abs(got[n]-c.want[n]) > 1e-12 {
				t.Errorf("%s: %v, want %v", name, got, c.want)
			}
		}
	}
	row := []float64{3, 4}
	if unit(row); row[0] != 0.6 || row[1] != 0.8 {
		t.Errorf("unit: %v", row)
	}
}

// TestShrinkAgainstTheIntegral compares with the integral of the step function that a plane is,
// by sampling each target pixel at a multiple of both sizes, where it is exact.
func TestShrinkAgainstTheIntegral(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 7)
		h, w, toH, toW := size.Draw(t, "h"), size.Draw(t, "w"), size.Draw(t, "toH"), size.Draw(t, "toW")
		plane := rapid.SliceOfN(rapid.Float64Range(0, 1), h*w, h*w).Draw(t, "plane")
		got := make([]float64, toH*toW)
		newShrink(h, w, toH, toW).to(got, plane)
		for i := range toH {
			for j := range toW {
				sum := 0.0
				for v := range h { // sample toH*h x toW*w points in all
					for u := range w {
						sum += plane[(i*h+v)/toH*w+(j*w+u)/toW]
					}
				}
				if want := sum / float64(h*w); math.Abs(got[i*toW+j]-want) > 1e-9 {
					t.Fatalf("%dx%d to %dx%d: (%d,%d) is %v, want %v", h, w, toH, toW, i, j, got[i*toW+j], want)
				}
			}
		}
	})
}

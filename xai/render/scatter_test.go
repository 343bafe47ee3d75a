package render

import (
	"bytes"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
)

// The hull contains all points, turns left at every corner, and its corners are points.
func TestConvexHull(t *testing.T) {
	draw := rand.New(rand.NewPCG(3, 4))
	for n := 1; n < 40; n++ {
		points := make([]vg.Point, n)
		members := make([]int, n)
		for i := range points {
			points[i] = vg.Point{X: vg.Length(draw.IntN(6)), Y: vg.Length(draw.IntN(6))} // with ties
			members[i] = i
		}
		ring := convexHull(members, points)
		for k := range ring {
			if len(ring) < 3 {
				break
			}
			a, b, c := ring[k], ring[(k+1)%len(ring)], ring[(k+2)%len(ring)]
			side := func(q vg.Point) vg.Length { return (b.X-a.X)*(q.Y-a.Y) - (b.Y-a.Y)*(q.X-a.X) }
			if side(c) <= 0 {
				t.Fatalf("%v: no left turn at %v", points, b)
			}
			for _, q := range points {
				if side(q) < 0 {
					t.Fatalf("%v: point %v is outside of the hull %v", points, q, ring)
				}
			}
		}
	}
	line := []vg.Point{{X: 0}, {X: 1}, {X: 2}}
	if got := convexHull([]int{0, 1, 2}, line); len(got) != 2 {
		t.Errorf("the hull of three points on a line has %d corners, want 2", len(got))
	}
}

// Twenty thousand points stay within the limits; all values that are allowed can be drawn.
func TestScatterLimits(t *testing.T) {
	t.Parallel()
	s := scattered(func(s string) string { return s }, pointsMost)
	b, err := s.View().Bundle()
	if err != nil {
		t.Fatal(err)
	}
	if len(b.PNG) > pngLimit || b.SVG != nil || !strings.Contains(b.HTML, "data:image/png") {
		t.Errorf("PNG %d and SVG %d bytes, %.40s", len(b.PNG), len(b.SVG), b.HTML)
	}
	svg, err := s.View().SVG()
	if err != nil || len(svg) > 1_000_000 || !bytes.Contains(svg, []byte("<image")) {
		t.Errorf("an SVG of %d bytes, which should hold its dots as an image; %v", len(svg), err)
	}
	few, err := scattered(func(s string) string { return s }, pointsVector).View().Bundle()
	if err != nil || len(few.SVG) == 0 && len(few.HTML) == 0 || bytes.Contains(few.SVG, []byte("<image")) {
		t.Errorf("%d points: an SVG of %d bytes, %v", pointsVector, len(few.SVG), err)
	}
	for _, values := range [][]float64{{0}, {3, 3}, {-1e300, 1e300}, {5e-324, 0}, {1, math.Nextafter(1, 2)}} {
		for _, isMap := range []bool{false, true} {
			zero := make([]float64, len(values))
			for _, s := range []Scatter{{X: values, Y: zero}, {X: zero, Y: values}, {X: values, Y: values}} {
				s.Map, s.Hulls, s.Marked = isMap, true, []Mark{{0, "a"}}
				svg, err := s.View().SVG()
				if err != nil || bytes.Contains(svg, []byte("NaN")) || bytes.Contains(svg, []byte("Inf")) {
					t.Errorf("%v %v, map %v: %v\n%s", s.X, s.Y, isMap, err, svg)
				}
			}
		}
	}
}

// Points of a large and of a small plot are where their numbers say.
func TestScatterPlacesPoints(t *testing.T) {
	v := Scatter{X: []float64{0, 10}, Y: []float64{0, 10}}.View()
	f := v.fig.(scatterFigure)
	at := f.place(rect(0, 0, 200, 100))
	lo, hi, mid := at(0, 0), at(10, 10), at(5, 5)
	if !(lo.X < mid.X && mid.X < hi.X && lo.Y < mid.Y && mid.Y < hi.Y) || math.Abs(float64(mid.X-100)) > 1e-9 || math.Abs(float64(mid.Y-50)) > 1e-9 {
		t.Errorf("corners are at %v and %v, the middle at %v", lo, hi, mid)
	}
	f.Map = true
	at = f.place(rect(0, 0, 200, 100))
	if a, b := at(0, 0), at(10, 10); math.Abs(float64((b.X-a.X)-(b.Y-a.Y))) > 1e-9 {
		t.Errorf("a map scales its directions differently: %v to %v", a, b)
	}
}

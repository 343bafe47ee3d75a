package render

import (
	"math"
	"testing"

	"gonum.org/v1/plot/vg"
)

// Names are as far apart as asked, in order, and stay at their boxes where there is room.
func TestSpaced(t *testing.T) {
	for _, test := range []struct{ tops, want []vg.Length }{
		{[]vg.Length{100}, []vg.Length{100}},
		{[]vg.Length{100, 50, 0}, []vg.Length{100, 50, 0}},
		{[]vg.Length{100, 99, 0}, []vg.Length{100, 85, 0}},
		{[]vg.Length{100, 3, 2, 1}, []vg.Length{100, 31, 16, 1}},
		{[]vg.Length{3, 2, 1}, []vg.Length{3, -12, -27}},
	} {
		var boxes []vg.Rectangle
		for _, y := range test.tops {
			boxes = append(boxes, rect(0, y, 1, y))
		}
		got := spaced(boxes, 15)
		for k := range got {
			if math.Abs(float64(got[k]-test.want[k])) > 1e-9 {
				t.Errorf("%v become %v, want %v", test.tops, got, test.want)
				break
			}
		}
	}
}

// What a node takes in and gives out has the height of the node when both are equal.
func TestFlowFills(t *testing.T) {
	f := flowing(asIs, false).View().fig.(flowFigure)
	for k := range f.Columns[1].Nodes {
		if f.in[1][k] != []float64{146, 125, 98}[k] || f.out[1][k] != []float64{146, 125, 98}[k] {
			t.Errorf("node %d: %v in, %v out", k, f.in[1][k], f.out[1][k])
		}
	}
	l := f.layout(pageWidth)
	if used := l.scale*vg.Length(f.total) + flowGap*3; math.Abs(float64(used-l.h)) > 1e-6 {
		t.Errorf("the largest column takes %v of %v", used, l.h)
	}
	for _, width := range []vg.Length{200 * px, 500 * px, pageWidth} {
		if l := f.layout(width); l.x[2]+flowNode+l.names[2] > l.w+1e-6 {
			t.Errorf("at %v, names end at %v of %v", width, l.x[2]+flowNode+l.names[2], l.w)
		}
	}
}

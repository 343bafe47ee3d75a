package render

import "testing"

// A reference beyond all bars and intervals is in the picture, and so are all ends.
func TestBarsReachTheirReferences(t *testing.T) {
	b := Bars{Labels: []string{"a", "b"}, Values: []float64{1, 2}, Low: []float64{-1, 1}, High: []float64{1, 4}, References: []Reference{{"low", -3}, {"high", 9}}}
	f := b.View().fig.(barFigure)
	if f.lo != -3 || f.hi != 9 {
		t.Errorf("the axis runs from %v to %v, want -3 to 9", f.lo, f.hi)
	}
	b.References = nil
	if f = b.View().fig.(barFigure); f.lo != -1 || f.hi != 4 {
		t.Errorf("the axis runs from %v to %v, want -1 to 4", f.lo, f.hi)
	}
	for _, vertical := range []bool{false, true} {
		b.Vertical = vertical
		b.References = []Reference{{"", 0}}
		if d := b.View().fig.fit(pageWidth); d.h <= (Bars{Labels: b.Labels, Values: b.Values, Vertical: vertical}).View().fig.fit(pageWidth).h {
			t.Error("the reference has no entry below the bars")
		}
	}
}

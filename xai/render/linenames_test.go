package render_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/whybook/whybook/xai/render"
)

func TestLinesWithNames(t *testing.T) {
	l := render.Lines{
		Series: []render.Series{{Name: "s", X: []float64{0, 1, 2}, Y: []float64{3, 1, 2}}, {Name: "r", X: []float64{0, 1, 2}, Y: []float64{1, 1, 1}, Reference: true}},
		XLabel: "layer", XNames: []string{"none", "fc2", "conv1"},
	}
	v := l.View()
	svg, err := v.SVG()
	if err != nil || !strings.Contains(v.Text(), "highest 3 at none, lowest 1 at fc2") || !strings.Contains(string(svg), ">conv1</text>") {
		t.Errorf("%v\n%s", err, v.Text())
	}
	l.XNames = l.XNames[:2]
	if err := l.View().Err(); !errors.Is(err, render.ErrSize) {
		t.Errorf("%v", err)
	}
}

// TestColumnOfDifferentQuantities: one large number does not take the digits of all others.
func TestColumnOfDifferentQuantities(t *testing.T) {
	text := render.Table{Columns: []string{"measure", "value"}, Rows: [][]any{{"N1", 0.0512}, {"N2", 0.0263}, {"F1", 0.311}, {"IR", 100.0}}}.View().Text()
	for _, want := range []string{"0.0512", "0.0263", "0.311", "100"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	text = render.Table{Columns: []string{"class", "ms"}, Rows: [][]any{{"a", 120.25}, {"b", 98.5}, {"c", 3.125}}}.View().Text()
	if !strings.Contains(text, "120.2") || !strings.Contains(text, "  3.1") || strings.Contains(text, "3.12") {
		t.Errorf("numbers of one quantity do not share their decimals:\n%s", text)
	}
}

// TestBundleOfManyPictures: a column whose parts are best in HTML, and together larger than a
// figure may be, stays within that size without its HTML.
func TestBundleOfManyPictures(t *testing.T) {
	noise := make([]float64, 64*64)
	views := []render.View{render.Table{Columns: []string{"a"}, Rows: [][]any{{1}}}.View()}
	for k := range 8 {
		for i := range noise {
			noise[i] = float64((i*7919+k*31)%997) / 997
		}
		m := render.HeatMap{Values: noise, Height: 64, Width: 64}.View()
		views = append(views, render.Frames{Views: []render.View{m, m, m, m, m}}.View())
	}
	picture := func(html string) bool {
		return strings.HasPrefix(html, "<img src=\"data:image/png;base64,") && strings.Count(html, "<") == 1 && !strings.Contains(html, "alt=\"\"")
	}
	if still, err := views[0].Still().Bundle(); err != nil || !picture(still.HTML) || len(still.PNG) == 0 {
		t.Errorf("%v: a still table is no picture: %.100s", err, still.HTML)
	}
	all := render.Column(views...)
	if html, err := all.HTML(); err != nil || len(html) <= 300_000 {
		t.Fatalf("%v; the HTML of the column has %d bytes, too few to test what happens beyond 300 kB", err, len(html))
	}
	b, err := all.Bundle()
	if err != nil || len(b.PNG) == 0 || !picture(b.HTML) || len(b.HTML)+len(b.PNG)*4/3+len(b.Text) > 300_000 {
		t.Errorf("%v, %d bytes of PNG, %d of HTML", err, len(b.PNG), len(b.HTML))
	}
}

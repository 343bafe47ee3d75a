package evaluate

import (
	"strings"
	"testing"

	"github.com/whybook/whybook/xai/render"
)

func TestGridViews(t *testing.T) {
	c, g := spotGrid(t)
	table := g.View()
	text := table.Text()
	for _, want := range []string{"Deletion AUC ↓", "Relevance mass ↑", "(Random)", "(Oracle)", "Methods on 6 samples of spots", "90 % bootstrap", "(5 of 6)", "–"} {
		if !strings.Contains(text, want) {
			t.Errorf("the table does not say %q:\n%s", want, text)
		}
	}
	bars := g.BarsView("Deletion AUC")
	if text := bars.Text(); bars.Err() != nil || !strings.Contains(text, "above Random (") || !strings.Contains(text, "above Sobel (") || strings.Contains(text, "MPRT") {
		t.Errorf("%v: %s", bars.Err(), text)
	}
	if v := g.BarsView(); v.Err() != nil || strings.Count(v.Text(), "is better)\n") != 6 || !strings.Contains(v.Alt(), "6 figures to choose from by metric: ") {
		t.Errorf("%v: %s", v.Err(), v.Alt())
	}
	for _, v := range []render.View{g.BarsView("nonsense"), Grid{}.View(), Grid{}.BarsView(), Curves{}.View()} {
		if v.Err() == nil {
			t.Error("nothing to draw, and no error")
		}
	}
	if v, err := c.View(ctx); err != nil || v.Text() != text {
		t.Errorf("the comparison draws another table: %v", err)
	}
	traced, err := c.Tracing(MPRT{}).View(ctx)
	if err != nil {
		t.Fatal(err)
	}
	curves, err := c.Curves(ctx, MPRT{})
	if err != nil {
		t.Fatal(err)
	}
	v := curves.View()
	if v.Text() != traced.Text() {
		t.Error("the recipe draws other curves")
	}
	if alt := v.Alt(); v.Err() != nil || !strings.Contains(alt, "Sobel: from 1 to 1") || strings.Contains(alt, "Constant") || !strings.Contains(v.Text(), "fc1") {
		t.Errorf("%v: %s\n%s", v.Err(), alt, v.Text())
	}
}

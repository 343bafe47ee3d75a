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

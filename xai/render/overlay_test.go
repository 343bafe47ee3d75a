package render

import (
	"image/color"
	"slices"
	"strings"
	"testing"
)

// The centre of every cell has exactly the colour that the bar gives its value, whatever
// the image is: black, white or coloured.
func TestOverlayKeepsTheColoursOfItsBar(t *testing.T) {
	values := scaled(ring(9, 9), 0.7)
	for name, image := range map[string]Image{"drawing": slash(9), "photo": rainbow(9), "finer photo": rainbow(36)} {
		for _, signed := range []bool{true, false} {
			m := HeatMap{Values: values, Height: 9, Width: 9, Signed: signed}
			v := Overlay{HeatMap: m, Image: image}.View()
			plain, _ := m.View().heat()
			f, ok := v.heat()
			if !ok || *f.scale.colours != *plain.scale.colours || f.scale.none != plain.scale.none {
				t.Fatalf("%s: colours differ from those of the map alone", name)
			}
			img := mustPNG(t, v)
			w, _ := f.mapSize(800 * px)
			cell, x0, y0 := int(w/px)*2/9, 20, 24
			if name != "drawing" {
				x0 += int((w + gap) / px * 2)
			}
			for i, value := range values {
				x, y := x0+i%9*cell+cell/2, y0+i/9*cell+cell/2
				if name == "finer photo" { // its outline runs between the pixels of the photo
					x, y = x+cell/8, y+cell/8
				}
				if got, want := color.NRGBAModel.Convert(img.At(x, y)), f.scale.colour(value); got != want {
					t.Errorf("%s, signed %v: value %v at (%d,%d) is drawn in %v, want %v", name, signed, value, i/9, i%9, got, want)
				}
			}
		}
	}
}

func TestOutline(t *testing.T) {
	// A bright bar of two pixels in a row of the middle.
	plane := []float64{
		0, 0, 0, 0,
		0, 1, .9, 0,
		.1, 0, 0, 0,
	}
	want := [][4]int{{1, 1, 3, 1}, {1, 2, 3, 2}, {1, 1, 1, 2}, {3, 1, 3, 2}}
	if got := outline(plane, 3, 4); !slices.Equal(got, want) {
		t.Errorf("outline is %v, want %v", got, want)
	}
	if got := outline([]float64{0.5, 0.5, 0.5, 0.5}, 2, 2); len(got) != 0 {
		t.Errorf("a constant image has the outline %v", got)
	}
	small, h, w := coarse(plane, 3, 4, 2)
	if want := []float64{0.25, 0.225, 0.05, 0}; h != 2 || w != 2 || !slices.Equal(small, want) {
		t.Errorf("blocks of two average to %v (%dx%d), want %v", small, h, w, want)
	}
}

func TestImageStandsOnceInARow(t *testing.T) {
	photo := Overlay{HeatMap: HeatMap{Values: ring(9, 9), Height: 9, Width: 9}, Image: rainbow(9)}.View()
	drawing := Overlay{HeatMap: HeatMap{Values: ring(9, 9), Height: 9, Width: 9}, Image: slash(9)}.View()
	other := rainbow(9)
	other.Pixels[0] = 1
	for _, test := range []struct {
		name  string
		view  View
		cells int
	}{
		{"a photo and two maps", Row(photo, photo), 3},
		{"after its image", Row(rainbow(9).View(), photo), 2},
		{"after another image", Row(other.View(), photo), 3},
		{"drawings have outlines only", Row(drawing, drawing), 2},
	} {
		if n := len(test.view.fig.(row).cells); n != test.cells {
			t.Errorf("%s: %d pictures, want %d", test.name, n, test.cells)
		}
	}
}

func TestMapsOfOneQuantityShareColours(t *testing.T) {
	m := func(top float64, change func(*HeatMap)) View {
		h := HeatMap{Values: []float64{0, top}, Height: 1, Width: 2, Signed: true, Label: "attribution", Scale: "gradient"}
		if change != nil {
			change(&h)
		}
		return h.View()
	}
	tops := func(v View) (out []float64) {
		for _, part := range v.parts {
			f, _ := part.heat()
			out = append(out, f.scale.hi)
		}
		return out
	}
	for _, test := range []struct {
		name   string
		second func(*HeatMap)
		want   []float64
	}{
		{"same quantity", nil, []float64{4, 4}},
		{"other scale", func(h *HeatMap) { h.Scale = "integrated gradients" }, []float64{1, 4}},
		{"other unit", func(h *HeatMap) { h.Unit = "logits" }, []float64{1, 4}},
		{"other label", func(h *HeatMap) { h.Label = "weight" }, []float64{1, 4}},
		{"unsigned", func(h *HeatMap) { h.Signed = false }, []float64{1, 4}},
		{"fixed", func(h *HeatMap) { h.Limit = 8 }, []float64{1, 8}},
	} {
		for verb, v := range map[string]View{
			"row":    Row(m(1, nil), slash(3).View(), m(4, test.second)),
			"column": Column(m(1, nil), slash(3).View(), m(4, test.second)),
		} {
			got := tops(v)
			if got[0] != test.want[0] || got[2] != test.want[1] {
				t.Errorf("%s in a %s: colours end at %v, want %v", test.name, verb, got, test.want)
			}
			says := "The colour scale is this map's own."
			switch test.name {
			case "same quantity":
				says = "The 2 maps share this colour scale."
			case "unsigned":
				says = "" // its colours differ anyway
			}
			if !strings.Contains(v.Text(), says) {
				t.Errorf("%s in a %s: the text lacks %q:\n%s", test.name, verb, says, v.Text())
			}
		}
	}
	unnamed := func(h *HeatMap) { h.Label, h.Scale = "", "" }
	if got := tops(Row(m(1, unnamed), m(4, unnamed))); got[0] != 1 || got[1] != 4 {
		t.Errorf("maps that do not say what they show end at %v; they must not share", got)
	}
	if text := m(1, nil).Text(); strings.Contains(text, "scale") {
		t.Errorf("a map alone speaks of scales:\n%s", text)
	}
}

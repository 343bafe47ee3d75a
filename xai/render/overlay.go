package render

import (
	"fmt"
	"slices"

	"gonum.org/v1/plot/vg"
)

// Overlay is a heat map together with the image it explains. The map keeps its colours
// exactly, so that they can be read off the colour bar, and the outline of the image is
// drawn over it along the edges of pixels: the border between its dark and its bright
// parts. An outline is enough for a drawing, such as a digit; any other image also stands
// beside the map in the same size, but in a [Row] only once.
type Overlay struct {
	HeatMap       // the map; its size may differ from the image's, as in class activation maps
	Image   Image // the image that it explains; its title and caption are not used
}

// View draws the map with its image.
func (o Overlay) View() View {
	const where = "render.Overlay"
	if err := o.HeatMap.check(where); err != nil {
		return Failed(err)
	}
	image := o.Image
	if err := image.check(where); err != nil {
		return Failed(err)
	}
	image.Pixels = append([]float64(nil), image.Pixels...)
	f := o.HeatMap.prepare()
	f.image = &image
	return View{title: clean(o.Title)}.ofHeat(f)
}

// pictured is a heat map with its image on the left.
type pictured struct{ heatFigure }

func (f pictured) fit(maxWidth vg.Length) drawing {
	return row{cells: []framed{{fig: panel{f.heatFigure}}, {fig: f.heatFigure}}, columns: 2}.fit(maxWidth)
}

// panel is the image of a heat map, as large as the map is in the same room.
type panel struct{ of heatFigure }

func (f panel) fit(maxWidth vg.Length) drawing {
	w, h := f.of.mapSize(max(maxWidth, mapLeast))
	return drawing{w, h + 3*px, func(p *pen, r vg.Rectangle) {
		frame := rect(r.Min.X, r.Max.Y-2*px-h, r.Min.X+w, r.Max.Y-2*px)
		p.image(frame, f.of.image.picture())
		p.strokeRect(p.rule, px, grow(frame, px))
	}}
}

// ofHeat returns the view with everything that follows from the map.
func (v View) ofHeat(f heatFigure) View {
	v.fig = f
	kind := "Heat map"
	switch m := f.image; {
	case m != nil && m.isDrawing():
		kind = fmt.Sprintf("Heat map with the outline of its image of %d by %d pixels: map", m.Height, m.Width)
	case m != nil:
		v.fig = pictured{f}
		kind = fmt.Sprintf("Image of %d by %d pixels, and beside it a heat map with its outline: map", m.Height, m.Width)
	}
	v.alt, v.notes, v.table = f.alt(kind), f.notes(), f.table()
	return v
}

// oncePerImage replaces maps with their images by images and maps, leaving out images that
// stand further left already.
func oncePerImage(cells []framed) []framed {
	var out []framed
	var seen []Image
	show := func(m Image) bool {
		same := func(n Image) bool {
			return n.Channels == m.Channels && n.Height == m.Height && n.Width == m.Width && slices.Equal(n.Pixels, m.Pixels)
		}
		if slices.ContainsFunc(seen, same) {
			return false
		}
		seen = append(seen, m)
		return true
	}
	for _, c := range cells {
		switch f := c.fig.(type) {
		case gridFigure:
			if f.single {
				show(f.images[0])
			}
		case pictured:
			if show(*f.image) {
				out = append(out, framed{fig: panel{f.heatFigure}})
			}
			c.fig = f.heatFigure
		}
		out = append(out, c)
	}
	return out
}

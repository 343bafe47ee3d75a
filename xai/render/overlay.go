package render

import (
	"fmt"
	"image"
	"math"

	xdraw "golang.org/x/image/draw"
)

// Overlay is a heat map laid over the image it explains. The image is shown in pale grey,
// so that its own colours cannot be mistaken for those of the map, and the map covers it
// the more, the larger its magnitude.
type Overlay struct {
	HeatMap       // the map; its size may differ from the image's, as in class activation maps
	Image   Image // the image below it; its title and caption are not used
}

// View draws the map over its image.
func (o Overlay) View() View {
	const where = "render.Overlay"
	if err := o.HeatMap.check(where); err != nil {
		return Failed(err)
	}
	under := o.Image
	if err := under.check(where); err != nil {
		return Failed(err)
	}
	under.Pixels = append([]float64(nil), under.Pixels...)
	f := o.HeatMap.prepare()
	f.under = &under
	if !f.Signed {
		f.scale.colours = warm()
	}
	f.scale.none = rgb(0x2b2b2b) // darker than any grey of the image below
	return View{
		title: clean(o.Title),
		fig:   f,
		alt:   f.alt(fmt.Sprintf("Heat map over its image of %d by %d pixels:", under.Height, under.Width) + " map"),
		notes: f.notes(),
		table: f.table(),
	}
}

// opacity of the map at position t of the colour scale: more than linear, so that faint
// values stay visible.
func opacity(signed bool, t float64) float64 {
	if signed {
		t = math.Abs(2*t - 1)
	}
	return 0.92 * math.Sqrt(t)
}

// blend returns image and map at the finer of their resolutions.
func (f heatFigure) blend() image.Image {
	w, h := max(f.Width, f.under.Width), max(f.Height, f.under.Height)
	size := image.Rect(0, 0, w, h)
	out := image.NewNRGBA(size)
	grey := f.under.picture()
	xdraw.NearestNeighbor.Scale(out, size, grey, grey.Bounds(), xdraw.Src, nil)
	for y := range h {
		for x := range w {
			v := f.Values[y*f.Height/h*f.Width+x*f.Width/w]
			c, t := f.scale.colour(v), 1.0
			if !math.IsNaN(v) {
				t = opacity(f.Signed, f.scale.position(v))
			}
			out.SetNRGBA(x, y, mix(pale(out.NRGBAAt(x, y)), c, t))
		}
	}
	return out
}

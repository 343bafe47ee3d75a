package render

import (
	"image/color"
	"math"

	"gonum.org/v1/plot/vg"
)

// shape draws the mark that belongs to series or category i, filled or as an outline. The
// six shapes and the colours of a theme step at different rates, so that a shape meets
// another colour in its next round.
func (p *pen) shape(i int, c color.Color, at vg.Point, r vg.Length, hollow bool) {
	point := func(dx, dy vg.Length) vg.Point { return vg.Point{X: at.X + dx*r, Y: at.Y + dy*r} }
	var ring []vg.Point
	switch (i + 2*(i/6)) % 6 {
	case 0:
		if hollow {
			p.ring(c, 1.4*px, at, r-0.5*px)
		} else {
			p.disc(c, at, r)
		}
		return
	case 1: // square
		ring = []vg.Point{point(-1, -1), point(1, -1), point(1, 1), point(-1, 1)}
	case 2: // triangle
		ring = []vg.Point{point(-1.2, -1), point(1.2, -1), point(0, 1.2)}
	case 3: // diamond
		ring = []vg.Point{point(-1.3, 0), point(0, -1.3), point(1.3, 0), point(0, 1.3)}
	case 4: // triangle on its tip
		ring = []vg.Point{point(-1.2, 1), point(1.2, 1), point(0, -1.2)}
	case 5: // cross, thinner if hollow
		w := 2 * px
		if hollow {
			w = px
		}
		p.line(c, min(w, r), nil, point(-1, -1), point(1, 1))
		p.line(c, min(w, r), nil, point(-1, 1), point(1, -1))
		return
	}
	if hollow {
		p.SetColor(c)
		p.SetLineWidth(1.4 * px)
		p.SetLineDash(nil, 0)
		p.Stroke(pathOf(ring, true))
		return
	}
	p.polygon(c, ring...)
}

func circle(at vg.Point, r vg.Length) vg.Path {
	var path vg.Path
	path.Move(vg.Point{X: at.X + r, Y: at.Y})
	path.Arc(at, r, 0, 2*math.Pi)
	path.Close()
	return path
}

func (p *pen) disc(c color.Color, at vg.Point, r vg.Length) {
	p.SetColor(c)
	p.Fill(circle(at, r))
}

// ring strokes a circle.
func (p *pen) ring(c color.Color, w vg.Length, at vg.Point, r vg.Length) {
	p.SetColor(c)
	p.SetLineWidth(w)
	p.SetLineDash(nil, 0)
	p.Stroke(circle(at, r))
}

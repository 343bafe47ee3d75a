package render

import (
	"image/color"

	"gonum.org/v1/plot/vg"
)

// key is one entry of a legend: a sample beside a name.
type key struct {
	name   string
	sample func(p *pen, r vg.Rectangle) // in a box of keySample by keySample
}

const (
	keySample = 12 * px
	keyLine   = leading + 4*px
)

// legend breaks keys into lines of the given width.
type legend []key

func (l legend) entry(k key, width vg.Length) vg.Length {
	return min(keySample+6*px+whole(body.width(k.name))+16*px, width)
}

func (l legend) lines(width vg.Length) [][]key {
	var lines [][]key
	var used vg.Length
	for _, k := range l {
		w := l.entry(k, width)
		if len(lines) == 0 || used+w > width {
			lines, used = append(lines, nil), 0
		}
		lines[len(lines)-1] = append(lines[len(lines)-1], k)
		used += w
	}
	return lines
}

// height returns the room that the legend takes below a figure.
func (l legend) height(width vg.Length) vg.Length {
	return vg.Length(len(l.lines(width))) * keyLine
}

// draw writes the legend from the top of r downwards.
func (l legend) draw(p *pen, r vg.Rectangle) {
	width, top := r.Max.X-r.Min.X, r.Max.Y
	for _, line := range l.lines(width) {
		x := r.Min.X
		for _, k := range line {
			w := l.entry(k, width)
			y := top - keyLine/2 - keySample/2
			k.sample(p, rect(x, y, x+keySample, y+keySample))
			p.text(body, p.ink, x+keySample+6*px, y+2*px, left, body.fit(k.name, w-keySample-8*px))
			x += w
		}
		top -= keyLine
	}
}

// swatch fills r with the paint of category i. There are as many colours as the theme has
// series; later rounds through them differ by stripes, so that no two of the first
// eighteen look alike, with or without colour vision.
func (p *pen) swatch(i int, r vg.Rectangle) {
	c := p.series[i%len(p.series)]
	p.fillRect(c, r)
	const step = 5 * px
	stripe := p.paper
	switch i / len(p.series) % 3 {
	case 1: // rising stripes, cut at the edges of r
		for x := r.Min.X - (r.Max.Y - r.Min.Y); x < r.Max.X; x += step {
			a, b := vg.Point{X: x, Y: r.Min.Y}, vg.Point{X: x + r.Max.Y - r.Min.Y, Y: r.Max.Y}
			if a.X < r.Min.X {
				a = vg.Point{X: r.Min.X, Y: r.Min.Y + r.Min.X - x}
			}
			if b.X > r.Max.X {
				b = vg.Point{X: r.Max.X, Y: r.Min.Y + r.Max.X - x}
			}
			if b.Y > a.Y {
				p.line(stripe, 1.5*px, nil, a, b)
			}
		}
	case 2: // level stripes
		for y := r.Min.Y + step/2; y < r.Max.Y-px; y += step {
			p.line(stripe, 1.5*px, nil, vg.Point{X: r.Min.X, Y: y}, vg.Point{X: r.Max.X, Y: y})
		}
	}
}

// categoryColour returns the colour of category i, without its stripes.
func (p *pen) categoryColour(i int) color.NRGBA { return p.series[i%len(p.series)] }

// categoryKeys are the legend of named categories.
func categoryKeys(names []string) legend {
	out := make(legend, len(names))
	for i, name := range names {
		out[i] = key{name, func(p *pen, r vg.Rectangle) { p.swatch(i, r) }}
	}
	return out
}

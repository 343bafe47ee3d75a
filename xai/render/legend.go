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
	var stripes vg.Path
	switch w, h := r.Max.X-r.Min.X, r.Max.Y-r.Min.Y; i / len(p.series) % 3 {
	case 1: // rising, cut at the edges of r
		for x := -h + step/2; x < w; x += step {
			from, to := max(0, -x), min(h, w-x)
			if from < to {
				stripes.Move(vg.Point{X: r.Min.X + x + from, Y: r.Min.Y + from})
				stripes.Line(vg.Point{X: r.Min.X + x + to, Y: r.Min.Y + to})
			}
		}
	case 2: // level
		for y := step / 2; y < h-px; y += step {
			stripes.Move(vg.Point{X: r.Min.X, Y: r.Min.Y + y})
			stripes.Line(vg.Point{X: r.Max.X, Y: r.Min.Y + y})
		}
	}
	if len(stripes) > 0 {
		p.SetColor(p.paper)
		p.SetLineWidth(1.5 * px)
		p.SetLineDash(nil, 0)
		p.Stroke(stripes)
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

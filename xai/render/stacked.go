package render

import (
	"fmt"
	"image/color"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"
)

// Segment is one part of every bar of StackedBars.
type Segment struct {
	Name   string
	Values []float64 // one per bar, not negative

	// Colours paint the segment where the colour is what the figure is about, such as the
	// bands of a colour histogram: one per bar, or nil for a colour that sets the segment
	// off from the others.
	Colours []color.Color
}

// Curve is one value per bar on a scale of its own: class sizes behind shares of errors.
type Curve struct {
	Name   string
	Values []float64 // one per bar, not negative
}

// StackedBars compares wholes and what they consist of: every bar is a stack of segments,
// in the same order in every bar and in the legend.
type StackedBars struct {
	Title    string
	Labels   []string // one per bar
	Segments []Segment

	Share    bool   // every bar is divided by its total, so that all are equally long
	Print    bool   // writes the values into the segments that have room for them
	Line     *Curve // drawn over the bars; its scale is on the side opposite to theirs
	Vertical bool   // bars stand up; by default they lie, which leaves room for labels
	Label    string // of the value axis
}

// View draws the bars. It draws the first 60; the text holds all.
func (s StackedBars) View() View {
	const where = "render.StackedBars"
	if len(s.Labels) == 0 || len(s.Segments) == 0 {
		return Failed(fmt.Errorf("%s: %s of %s given: %w", where, plural(len(s.Labels), "bar"), plural(len(s.Segments), "segment"), ErrEmpty))
	}
	f := stackFigure{StackedBars: s, n: min(len(s.Labels), barsDrawn)}
	f.Labels, f.Label = cleanAll(s.Labels), clean(s.Label)
	f.Segments = slices.Clone(s.Segments)
	for i := range f.Segments {
		g := &f.Segments[i]
		if g.Name = clean(g.Name); g.Name == "" {
			g.Name = fmt.Sprintf("segment %d", i+1)
		}
		here := fmt.Sprintf("%s: segment %d (%q)", where, i, g.Name)
		if g.Colours != nil && len(g.Colours) != len(s.Labels) {
			return Failed(fmt.Errorf("%s: %d colours for %d bars: %w", here, len(g.Colours), len(s.Labels), ErrSize))
		}
		if j := slices.Index(g.Colours, nil); j >= 0 {
			return Failed(fmt.Errorf("%s: colour %d is nil: %w", here, j, ErrEmpty))
		}
		if err := counts(here, g.Values, len(s.Labels), "bars"); err != nil {
			return Failed(err)
		}
		g.Values, g.Colours = slices.Clone(g.Values), slices.Clone(g.Colours)
	}
	if s.Line != nil {
		line := Curve{Name: clean(s.Line.Name), Values: slices.Clone(s.Line.Values)}
		if err := counts(where+": line", line.Values, len(s.Labels), "bars"); err != nil {
			return Failed(err)
		}
		if line.Name == "" {
			line.Name = "line"
		}
		f.Line = &line
		f.lineTop = max(slices.Max(line.Values[:f.n])*1.06, math.SmallestNonzeroFloat64)
	}
	for i := range f.Labels {
		var sum float64
		for _, g := range f.Segments {
			sum += g.Values[i]
		}
		if sum > limit {
			return Failed(fmt.Errorf("%s: the segments of bar %d add up to %v: %w", where, i, sum, ErrNotFinite))
		}
		f.totals = append(f.totals, sum)
	}
	if f.top = slices.Max(f.totals[:f.n]); s.Share || f.top == 0 {
		f.top = 1
	}
	return View{title: clean(s.Title), fig: f, alt: f.alt(), notes: f.notes(), table: f.table()}
}

// counts checks values that are not negative, such as numbers of samples.
func counts(where string, values []float64, n int, of string) error {
	if len(values) != n {
		return fmt.Errorf("%s: %d values for %d %s: %w", where, len(values), n, of, ErrSize)
	}
	if err := finite(where, "value", values, false); err != nil {
		return err
	}
	for i, v := range values {
		if v < 0 {
			return fmt.Errorf("%s: value %d is %v; it must not be negative: %w", where, i, v, ErrNotFinite)
		}
	}
	return nil
}

// stackFigure is a checked StackedBars.
type stackFigure struct {
	StackedBars
	n       int // bars drawn
	totals  []float64
	top     float64 // end of the value axis
	lineTop float64 // end of the axis of Line
}

func (f stackFigure) alt() string {
	names := make([]string, 0, 8)
	for _, g := range f.Segments[:min(len(f.Segments), 8)] {
		names = append(names, g.Name)
	}
	alt := fmt.Sprintf("Stacked bars of %s: %s", plural(len(f.Labels), "total"), strings.Join(names, ", "))
	if n := len(f.Segments) - len(names); n > 0 {
		alt += fmt.Sprintf(" and %d more", n)
	}
	if f.Label != "" {
		alt += "; " + f.Label
	}
	most, least := 0, 0
	for i, v := range f.totals {
		if v > f.totals[most] {
			most = i
		}
		if v < f.totals[least] {
			least = i
		}
	}
	alt += fmt.Sprintf(". Largest total: %s (%s)", f.Labels[most], number(f.totals[most]))
	if len(f.totals) > 1 {
		alt += fmt.Sprintf("; smallest: %s (%s)", f.Labels[least], number(f.totals[least]))
	}
	if f.Line != nil {
		alt += ". A line shows " + f.Line.Name
	}
	return alt + "."
}

// notes say where each segment has its largest part.
func (f stackFigure) notes() []string {
	var out []string
	for _, g := range f.Segments {
		best, share := -1, 0.0
		for i, v := range g.Values {
			if f.totals[i] > 0 && v/f.totals[i] > share {
				best, share = i, v/f.totals[i]
			}
		}
		if best >= 0 && len(f.Segments) > 1 {
			out = append(out, fmt.Sprintf("%s: largest part in %s (%s of its total).", g.Name, f.Labels[best], percent(share)))
		}
	}
	if f.Share {
		out = append(out, "Every bar is divided by its total.")
	}
	return out
}

func (f stackFigure) table() *sheet {
	t := Table{Columns: []string{f.Label}}
	for _, g := range f.Segments {
		t.Columns = append(t.Columns, g.Name)
	}
	t.Columns = append(t.Columns, "total")
	if f.Line != nil {
		t.Columns = append(t.Columns, f.Line.Name)
	}
	for i, label := range f.Labels {
		row := []any{label}
		for _, g := range f.Segments {
			row = append(row, g.Values[i])
		}
		row = append(row, f.totals[i])
		if f.Line != nil {
			row = append(row, f.Line.Values[i])
		}
		t.Rows = append(t.Rows, row)
	}
	return t.sheet()
}

// keys are the legend: none for a single segment without a line, whose name is the axis.
func (f stackFigure) keys() legend {
	var out legend
	for i, g := range f.Segments {
		out = append(out, key{g.Name, func(p *pen, r vg.Rectangle) { f.fill(p, i, 0, r) }})
	}
	if len(out) == 1 {
		out = nil
	}
	if f.Line != nil {
		out = append(out, key{f.Line.Name + " (scale " + f.lineSide() + ")", func(p *pen, r vg.Rectangle) {
			y := (r.Min.Y + r.Max.Y) / 2
			p.line(p.ink, 2*px, nil, vg.Point{X: r.Min.X - 2*px, Y: y}, vg.Point{X: r.Max.X + 2*px, Y: y})
			f.curve(p, vg.Point{X: (r.Min.X + r.Max.X) / 2, Y: y})
		}})
	}
	return out
}

func (f stackFigure) lineSide() string {
	if f.Vertical {
		return "on the right"
	}
	return "on top"
}

func (f stackFigure) axisLabel() string {
	switch {
	case f.Label == "" && len(f.Segments) == 1:
		return f.Segments[0].Name
	case f.Label != "" && f.Share:
		return f.Label + " (share of the total)"
	case f.Share:
		return "share of the total"
	}
	return f.Label
}

// fill paints segment g of bar i.
func (f stackFigure) fill(p *pen, g, i int, r vg.Rectangle) {
	if colours := f.Segments[g].Colours; colours != nil {
		c := color.NRGBAModel.Convert(colours[i]).(color.NRGBA)
		c.A = 255
		p.fillRect(c, r)
		p.strokeRect(p.rule, px, r) // sets a colour off that is close to the paper
		return
	}
	p.swatch(g, r)
}

// ground returns the colour behind text in segment g of bar i.
func (f stackFigure) ground(p *pen, g, i int) color.NRGBA {
	if colours := f.Segments[g].Colours; colours != nil {
		return color.NRGBAModel.Convert(colours[i]).(color.NRGBA)
	}
	return p.categoryColour(g)
}

// curve draws the line over the bars, with a border that sets it off from all of them.
func (f stackFigure) curve(p *pen, points ...vg.Point) {
	p.line(p.paper, 5*px, nil, points...)
	p.line(p.ink, 2*px, nil, points...)
	for _, q := range points {
		p.polygon(p.paper, diamond(q, 5.5*px)...)
		p.polygon(p.ink, diamond(q, 4*px)...)
	}
}

func diamond(at vg.Point, r vg.Length) []vg.Point {
	return []vg.Point{{X: at.X - r, Y: at.Y}, {X: at.X, Y: at.Y - r}, {X: at.X + r, Y: at.Y}, {X: at.X, Y: at.Y + r}}
}

// stackLayout is where the parts go. Along is the direction of the value axis.
type stackLayout struct {
	labels  vg.Length // room for labels
	axis    vg.Length // for ticks and label of the value axis
	second  vg.Length // for those of the line
	end     vg.Length // after the value axis: totals
	span    vg.Length
	step    vg.Length
	upright bool
}

func (f stackFigure) totalTexts() []string {
	var out []string
	if !f.Share && len(f.Segments) > 1 {
		for _, v := range f.totals[:f.n] {
			out = append(out, number(v))
		}
	}
	return out
}

func (f stackFigure) layout(maxWidth vg.Length) stackLayout {
	names := widest(body, f.Labels[:f.n])
	if !f.Vertical {
		l := stackLayout{labels: min(names, 180*px, whole(maxWidth*2/5)) + 8*px, axis: 24 * px, step: 24 * px, end: 12 * px}
		if f.axisLabel() != "" {
			l.axis += leading
		}
		if f.Line != nil {
			l.second = 22*px + leading
		}
		l.end = max(l.end, widest(body, f.totalTexts())+6*px)
		l.span = max(min(maxWidth, 620*px)-l.labels-l.end, 120*px)
		return l
	}
	l := stackLayout{labels: leading + 4*px, axis: 48 * px, span: 230 * px, end: leading}
	if f.axisLabel() != "" {
		l.axis += barLabel
	}
	if f.Line != nil {
		l.second = 48*px + barLabel
	}
	room := vg.Length(int((maxWidth-l.axis-l.second)/vg.Length(f.n)/px)) * px
	l.step = max(min(max(names+10*px, 34*px), 72*px, room), 12*px)
	if names > l.step-4*px {
		l.upright = true
		l.labels = min(names, 120*px) + 8*px
	}
	return l
}

func (f stackFigure) fit(maxWidth vg.Length) drawing {
	l := f.layout(maxWidth)
	across := l.step * vg.Length(f.n)
	w, h := l.labels+l.span+l.end, across+l.axis+l.second
	if f.Vertical {
		w, h = l.axis+across+l.second, l.labels+l.span+l.end
	}
	foot := f.keys().height(w)
	if foot > 0 {
		foot += 6 * px
	}
	if f.footnote() != "" {
		foot += leading
	}
	return drawing{w, h + foot, func(p *pen, r vg.Rectangle) {
		below := r
		below.Max.Y = r.Min.Y + foot - 6*px
		if note := f.footnote(); note != "" {
			p.text(body, p.muted, r.Min.X, r.Min.Y+4*px, left, body.fit(note, w))
			below.Max.Y = r.Min.Y + foot
		}
		f.keys().draw(p, below)
		r.Min.Y += foot
		f.draw(p, r, l)
	}}
}

func (f stackFigure) footnote() string {
	if f.n == len(f.Labels) {
		return ""
	}
	return fmt.Sprintf("The first %d of %d bars.", f.n, len(f.Labels))
}

func (f stackFigure) draw(p *pen, r vg.Rectangle, l stackLayout) {
	// place turns a distance along the value axis and one across it into a point.
	origin := vg.Point{X: r.Min.X + l.labels, Y: r.Max.Y - l.second}
	place := func(along, across vg.Length) vg.Point {
		return vg.Point{X: origin.X + along, Y: origin.Y - across}
	}
	if f.Vertical {
		origin = vg.Point{X: r.Min.X + l.axis, Y: r.Min.Y + l.labels}
		place = func(along, across vg.Length) vg.Point { return vg.Point{X: origin.X + across, Y: origin.Y + along} }
	}
	across := l.step * vg.Length(f.n)
	box := func(a0, a1, c0, c1 vg.Length) vg.Rectangle {
		a, b := place(a0, c0), place(a1, c1)
		return rect(min(a.X, b.X), min(a.Y, b.Y), max(a.X, b.X), max(a.Y, b.Y))
	}
	density := 44 * px
	if f.Vertical {
		density = 28 * px
	}
	for _, t := range ticks(0, f.top, int(l.span/density)) {
		at := l.span * vg.Length(t.at/f.top)
		p.line(p.grid, px, nil, place(at, 0), place(at, across))
		if q := place(at, across); f.Vertical {
			p.text(body, p.muted, origin.X-6*px, q.Y-4*px, right, t.label)
		} else {
			p.text(body, p.muted, q.X, q.Y-15*px, center, t.label)
		}
	}
	inset := max(l.step/8, px)
	totals := f.totalTexts()
	var parts []stackPart
	for i := range f.n {
		whole := f.totals[i]
		scale := f.top
		if f.Share {
			scale = max(whole, math.SmallestNonzeroFloat64)
		}
		c0, c1 := l.step*vg.Length(i)+inset, l.step*vg.Length(i+1)-inset
		var sum float64
		for g, s := range f.Segments {
			v := s.Values[i]
			a0, a1 := l.span*vg.Length(sum/scale), l.span*vg.Length((sum+v)/scale)
			sum += v
			if v == 0 {
				continue
			}
			part := box(a0, a1, c0, c1)
			f.fill(p, g, i, part)
			if g > 0 { // a gap tells neighbours apart
				p.fillRect(p.paper, box(a0, a0+min(px, (a1-a0)/2), c0, c1))
			}
			parts = append(parts, stackPart{part, g, i})
			p.spot(part, fmt.Sprintf("%s, %s: %s of %s", f.Labels[i], s.Name, number(v), number(whole)))
		}
		mid := l.step * (vg.Length(i) + 0.5)
		q := place(0, mid)
		switch {
		case !f.Vertical:
			p.text(body, p.ink, q.X-8*px, q.Y-4*px, right, body.fit(f.Labels[i], l.labels-8*px))
		case l.upright:
			text := body.fit(f.Labels[i], l.labels-8*px)
			p.upText(body, p.ink, q.X, q.Y-6*px-body.width(text)/2, text)
		default:
			p.text(body, p.ink, q.X, q.Y-15*px, center, f.Labels[i])
		}
		if len(totals) > 0 {
			if q := place(l.span*vg.Length(sum/scale), mid); !f.Vertical {
				p.text(body, p.ink, q.X+4*px, q.Y-4*px, left, totals[i])
			} else if widest(body, totals) <= l.step-2*px {
				p.text(body, p.ink, q.X, q.Y+4*px, center, totals[i])
			}
		}
	}
	p.line(p.rule, px, nil, place(0, 0), place(0, across))
	if f.Vertical {
		p.upText(body, p.muted, r.Min.X+6*px, origin.Y+l.span/2, body.fit(f.axisLabel(), l.span))
	} else {
		p.text(body, p.muted, origin.X+l.span/2, r.Min.Y+5*px, center, body.fit(f.axisLabel(), l.span))
	}
	var marks []vg.Point
	if f.Line != nil {
		marks = f.drawLine(p, l, place)
	}
	if f.Print {
		for _, part := range parts {
			f.printValue(p, part, marks)
		}
	}
}

// stackPart is where segment g of bar i is drawn.
type stackPart struct {
	at   vg.Rectangle
	g, i int
}

// printValue writes the value of a part that has room for it beside the marks of the line.
func (f stackFigure) printValue(p *pen, part stackPart, marks []vg.Point) {
	r, g, i := part.at, part.g, part.i
	text := number(f.Segments[g].Values[i])
	w := body.width(text)
	if w+6*px > r.Max.X-r.Min.X || r.Max.Y-r.Min.Y < 14*px {
		return
	}
	ground := f.ground(p, g, i)
	x, y := (r.Min.X+r.Max.X)/2, (r.Min.Y+r.Max.Y)/2-4*px
	patch := rect(x-w/2-2*px, y-2*px, x+w/2+2*px, y+11*px)
	for _, q := range marks {
		const reach = 5 * px
		if q.X > patch.Min.X-reach && q.X < patch.Max.X+reach && q.Y > patch.Min.Y-reach && q.Y < patch.Max.Y+reach {
			return
		}
	}
	if f.Line != nil || g >= len(p.series) && f.Segments[g].Colours == nil { // lines would cross the digits
		p.fillRect(ground, patch)
	}
	p.text(body, legible(ground), x, y, center, text)
}

// drawLine draws the curve and its scale, opposite to that of the bars, and returns where
// the marks of the curve are.
func (f stackFigure) drawLine(p *pen, l stackLayout, place func(along, across vg.Length) vg.Point) []vg.Point {
	across := l.step * vg.Length(f.n)
	points := make([]vg.Point, f.n)
	for i := range points {
		points[i] = place(l.span*vg.Length(f.Line.Values[i]/f.lineTop), l.step*(vg.Length(i)+0.5))
	}
	if f.n == 1 { // no line through one point: a short one across the bar
		points = []vg.Point{place(l.span/1.06, l.step/4), place(l.span/1.06, l.step*3/4)}
	}
	f.curve(p, points...)
	density := 60 * px
	if f.Vertical {
		density = 36 * px
	}
	for _, t := range ticks(0, f.lineTop, int(l.span/density)) {
		at := l.span * vg.Length(t.at/f.lineTop)
		if !f.Vertical {
			q := place(at, 0)
			p.line(p.rule, px, nil, q, vg.Point{X: q.X, Y: q.Y + 4*px})
			p.text(body, p.muted, q.X, q.Y+8*px, center, t.label)
			continue
		}
		q := place(at, across)
		p.line(p.rule, px, nil, q, vg.Point{X: q.X + 4*px, Y: q.Y})
		p.text(body, p.muted, q.X+7*px, q.Y-4*px, left, t.label)
	}
	if q := place(l.span/2, 0); !f.Vertical {
		p.text(body, p.muted, q.X, q.Y+8*px+leading, center, body.fit(f.Line.Name, l.span))
	} else {
		q = place(l.span/2, across)
		p.upText(body, p.muted, q.X+46*px+barLabel/2, q.Y, body.fit(f.Line.Name, l.span))
	}
	return points
}

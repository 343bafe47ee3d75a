package render

import (
	"fmt"
	"image/color"
	"math"
	"strings"

	"gonum.org/v1/plot/vg"
)

// Bars compares values by the length of bars that start at zero.
type Bars struct {
	Title  string
	Labels []string  // one per bar
	Values []float64 // finite

	// Errors are half-widths of error bars, not negative; nil for none.
	Errors []float64

	// Highlight lists bars to emphasise by colour and bold type.
	Highlight []int

	Vertical bool   // bars stand up; by default they lie, which leaves room for labels
	Label    string // of the value axis: "mean absolute attribution"
	Unit     string // of the values
}

// View draws the bars. It draws the first 60; the text holds all.
func (b Bars) View() View {
	const where = "render.Bars"
	switch {
	case len(b.Values) == 0:
		return Failed(fmt.Errorf("%s: no values given: %w", where, ErrEmpty))
	case len(b.Labels) != len(b.Values):
		return Failed(fmt.Errorf("%s: %d labels for %d values: %w", where, len(b.Labels), len(b.Values), ErrSize))
	case b.Errors != nil && len(b.Errors) != len(b.Values):
		return Failed(fmt.Errorf("%s: %d error bars for %d values: %w", where, len(b.Errors), len(b.Values), ErrSize))
	}
	if err := finite(where, "value", b.Values, false); err != nil {
		return Failed(err)
	}
	if err := finite(where, "error bar", b.Errors, false); err != nil {
		return Failed(err)
	}
	for i, e := range b.Errors {
		if e < 0 {
			return Failed(fmt.Errorf("%s: error bar %d is %v; half-widths are not negative: %w", where, i, e, ErrNotFinite))
		}
	}
	lit := make([]bool, len(b.Values))
	for _, i := range b.Highlight {
		if i < 0 || i >= len(lit) {
			return Failed(fmt.Errorf("%s: Highlight names bar %d of %d (0-%d): %w", where, i, len(lit), len(lit)-1, ErrSize))
		}
		lit[i] = true
	}
	b.Values = append([]float64(nil), b.Values...)
	b.Errors = append([]float64(nil), b.Errors...)
	b.Labels = cleanAll(b.Labels)
	b.Label, b.Unit = clean(b.Label), clean(b.Unit)
	f := newBarFigure(b, lit)
	return View{title: clean(b.Title), fig: f, alt: f.alt(), table: f.table()}
}

const barsDrawn = 60

// barFigure is a checked Bars.
type barFigure struct {
	Bars
	lit    []bool
	texts  []string // the values as written beside the bars
	lo, hi float64
	n      int // bars drawn
}

func newBarFigure(b Bars, lit []bool) barFigure {
	f := barFigure{Bars: b, lit: lit, n: min(len(b.Values), barsDrawn)}
	for i := range f.n {
		e := f.err(i)
		f.lo = math.Min(f.lo, b.Values[i]-e)
		f.hi = math.Max(f.hi, b.Values[i]+e)
	}
	if f.lo == f.hi {
		f.hi = 1
	}
	for _, v := range b.Values {
		f.texts = append(f.texts, number(v))
	}
	return f
}

func (f barFigure) err(i int) float64 {
	if len(f.Errors) == 0 {
		return 0
	}
	return f.Errors[i]
}

func (f barFigure) quantity() string {
	switch {
	case f.Unit == "":
		return f.Label
	case f.Label == "":
		return f.Unit
	}
	return f.Label + " (" + f.Unit + ")"
}

func (f barFigure) alt() string {
	top, least := 0, 0
	for i, v := range f.Values {
		if v > f.Values[top] {
			top = i
		}
		if v < f.Values[least] {
			least = i
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Bar chart of %s", plural(len(f.Values), "value"))
	if q := f.quantity(); q != "" {
		fmt.Fprintf(&b, ", %s", q)
	}
	fmt.Fprintf(&b, ". Highest: %s (%s)", f.Labels[top], number(f.Values[top]))
	if len(f.Values) > 1 {
		fmt.Fprintf(&b, "; lowest: %s (%s)", f.Labels[least], number(f.Values[least]))
	}
	var lit []string
	for i, on := range f.lit {
		if on && len(lit) < 8 {
			lit = append(lit, f.Labels[i])
		}
	}
	if len(lit) > 0 {
		fmt.Fprintf(&b, ". Highlighted: %s", strings.Join(lit, ", "))
	}
	return b.String() + "."
}

func (f barFigure) table() *sheet {
	heading := f.quantity()
	if heading == "" {
		heading = "value"
	}
	t := Table{Columns: []string{"", heading}}
	if len(f.Errors) > 0 {
		t.Columns = append(t.Columns, "±")
	}
	for i, v := range f.Values {
		row := []any{f.Labels[i], v}
		if len(f.Errors) > 0 {
			row = append(row, f.Errors[i])
		}
		t.Rows = append(t.Rows, row)
	}
	return t.sheet()
}

func (f barFigure) footnote() string {
	if f.n == len(f.Values) {
		return ""
	}
	return fmt.Sprintf("The first %d of %d bars.", f.n, len(f.Values))
}

// barLayout is where the parts go; lengths along the value axis are called span.
type barLayout struct {
	labels  vg.Length // room for labels
	span    vg.Length // of the value axis
	step    vg.Length // from bar to bar
	before  vg.Length // room for numbers at the low end
	after   vg.Length // and at the high end
	axis    vg.Length // room for ticks and axis label
	upright bool      // labels of standing bars read upwards
}

func (f barFigure) layout(maxWidth vg.Length) barLayout {
	if f.Vertical {
		return f.standing(maxWidth)
	}
	numbers := widest(bold, f.texts[:f.n]) + 8*px
	l := barLayout{labels: min(widest(bold, f.Labels[:f.n]), 180*px, whole(maxWidth*2/5)) + 8*px, step: 24 * px, after: 12 * px, axis: 24 * px}
	if f.hi > 0 {
		l.after = numbers
	}
	if f.lo < 0 {
		l.before = numbers
	}
	if f.quantity() != "" {
		l.axis += leading
	}
	l.span = max(min(maxWidth, 520*px)-l.labels-l.before-l.after, 96*px)
	return l
}

func (f barFigure) standing(maxWidth vg.Length) barLayout {
	l := barLayout{span: 220 * px, before: 4 * px, after: leading + 4*px, axis: 48 * px}
	if f.lo < 0 {
		l.before = leading + 4*px
	}
	if f.quantity() != "" {
		l.axis += barLabel
	}
	numbers := widest(bold, f.texts[:f.n])
	room := vg.Length(int((maxWidth-l.axis)/vg.Length(f.n)/px)) * px
	names := widest(bold, f.Labels[:f.n])
	l.step = min(max(numbers, names)+10*px, 72*px, room)
	l.step = max(l.step, min(34*px, room), 16*px)
	l.labels = leading + 4*px
	if names > l.step-4*px {
		l.upright = true
		l.labels = min(names, 120*px) + 8*px
	}
	return l
}

func (f barFigure) fit(maxWidth vg.Length) drawing {
	l := f.layout(maxWidth)
	var w, h vg.Length
	along := l.before + l.span + l.after
	across := l.step * vg.Length(f.n)
	if f.Vertical {
		w, h = l.axis+across+2*px, along+l.labels
	} else {
		w, h = l.labels+along, across+l.axis
	}
	if f.footnote() != "" {
		h += leading
	}
	return drawing{w, h, func(p *pen, r vg.Rectangle) { f.draw(p, r, l) }}
}

func (f barFigure) draw(p *pen, r vg.Rectangle, l barLayout) {
	if note := f.footnote(); note != "" {
		p.text(body, p.muted, r.Min.X, r.Min.Y+4*px, left, body.fit(note, r.Max.X-r.Min.X))
		r.Min.Y += leading
	}
	if f.Vertical {
		f.drawStanding(p, r, l)
	} else {
		f.drawLying(p, r, l)
	}
}

// at returns the place of value v on an axis that starts at origin.
func (f barFigure) at(v float64, origin, span vg.Length) vg.Length {
	return origin + span*vg.Length((v-f.lo)/(f.hi-f.lo))
}

func (f barFigure) drawLying(p *pen, r vg.Rectangle, l barLayout) {
	x0 := r.Min.X + l.labels + l.before
	bottom := r.Min.Y + l.axis
	for _, t := range ticks(f.lo, f.hi, int(l.span/(40*px))) {
		x := f.at(t.at, x0, l.span)
		p.line(p.grid, px, nil, vg.Point{X: x, Y: bottom}, vg.Point{X: x, Y: r.Max.Y})
		p.text(body, p.muted, x, bottom-15*px, center, t.label)
	}
	zero := f.at(0, x0, l.span)
	for i, v := range f.Values[:f.n] {
		top := r.Max.Y - l.step*vg.Length(i)
		mid := top - l.step/2
		style, fill := f.paintOf(p, i)
		end := f.at(v, x0, l.span)
		p.fillRect(fill, rect(min(zero, end), top-l.step+4*px, max(zero, end), top-4*px))
		p.text(style, p.ink, r.Min.X+l.labels-8*px, mid-4*px, right, style.fit(f.Labels[i], l.labels-8*px))
		lo, hi := f.at(v-f.err(i), x0, l.span), f.at(v+f.err(i), x0, l.span)
		if f.err(i) > 0 {
			p.line(p.ink, 1.5*px, nil, vg.Point{X: lo, Y: mid}, vg.Point{X: hi, Y: mid})
			for _, x := range []vg.Length{lo, hi} {
				p.line(p.ink, 1.5*px, nil, vg.Point{X: x, Y: mid - 4*px}, vg.Point{X: x, Y: mid + 4*px})
			}
		}
		if v < 0 {
			p.text(style, p.ink, min(lo, end)-4*px, mid-4*px, right, f.texts[i])
		} else {
			p.text(style, p.ink, max(hi, end)+4*px, mid-4*px, left, f.texts[i])
		}
	}
	p.line(p.rule, px, nil, vg.Point{X: zero, Y: bottom}, vg.Point{X: zero, Y: r.Max.Y})
	p.text(body, p.muted, x0+l.span/2, r.Min.Y+5*px, center, body.fit(f.quantity(), l.before+l.span+l.after))
}

func (f barFigure) drawStanding(p *pen, r vg.Rectangle, l barLayout) {
	x0 := r.Min.X + l.axis
	y0 := r.Min.Y + l.labels + l.before
	for _, t := range ticks(f.lo, f.hi, int(l.span/(28*px))) {
		y := f.at(t.at, y0, l.span)
		p.line(p.grid, px, nil, vg.Point{X: x0, Y: y}, vg.Point{X: r.Max.X, Y: y})
		p.text(body, p.muted, x0-6*px, y-4*px, right, t.label)
	}
	p.upText(body, p.muted, r.Min.X+6*px, y0+l.span/2, body.fit(f.quantity(), l.span))
	zero := f.at(0, y0, l.span)
	numbers := widest(bold, f.texts[:f.n]) <= l.step-2*px
	for i, v := range f.Values[:f.n] {
		x := x0 + l.step*vg.Length(i)
		mid := x + l.step/2
		style, fill := f.paintOf(p, i)
		end := f.at(v, y0, l.span)
		inset := max(l.step/8, px)
		p.fillRect(fill, rect(x+inset, min(zero, end), x+l.step-inset, max(zero, end)))
		lo, hi := f.at(v-f.err(i), y0, l.span), f.at(v+f.err(i), y0, l.span)
		if f.err(i) > 0 {
			p.line(p.ink, 1.5*px, nil, vg.Point{X: mid, Y: lo}, vg.Point{X: mid, Y: hi})
			for _, y := range []vg.Length{lo, hi} {
				p.line(p.ink, 1.5*px, nil, vg.Point{X: mid - 4*px, Y: y}, vg.Point{X: mid + 4*px, Y: y})
			}
		}
		switch {
		case !numbers:
		case v < 0:
			p.text(style, p.ink, mid, min(lo, end)-14*px, center, f.texts[i])
		default:
			p.text(style, p.ink, mid, max(hi, end)+5*px, center, f.texts[i])
		}
		below := r.Min.Y + l.labels
		if l.upright {
			text := style.fit(f.Labels[i], l.labels-8*px)
			p.upText(style, p.ink, mid, below-4*px-style.width(text)/2, text)
		} else {
			p.text(style, p.ink, mid, below-14*px, center, f.Labels[i])
		}
	}
	p.line(p.rule, px, nil, vg.Point{X: x0, Y: zero}, vg.Point{X: r.Max.X, Y: zero})
}

func (f barFigure) paintOf(p *pen, i int) (textStyle, color.NRGBA) {
	if f.lit[i] {
		return bold, p.series[1]
	}
	return body, p.series[0]
}

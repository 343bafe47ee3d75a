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

	// Low and High are the ends of intervals that need not be symmetric, such as those of
	// a bootstrap: Low <= value <= High. Both nil, or one per bar, in place of Errors.
	Low, High []float64

	// References are values to compare the bars with: chance level, a baseline. Each is a
	// dashed line across the bars.
	References []Reference

	// Highlight lists bars to emphasise by colour and bold type.
	Highlight []int

	Vertical bool   // bars stand up; by default they lie, which leaves room for labels
	Label    string // of the value axis: "mean absolute attribution"
	Unit     string // of the values
}

// Reference is a value that a figure compares its own with.
type Reference struct {
	Name string // "chance level"
	At   float64
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
	if err := b.checkIntervals(where); err != nil {
		return Failed(err)
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
	b.Low, b.High = append([]float64(nil), b.Low...), append([]float64(nil), b.High...)
	b.References = append([]Reference(nil), b.References...)
	for i, r := range b.References {
		if b.References[i].Name = clean(r.Name); b.References[i].Name == "" {
			b.References[i].Name = "reference"
		}
	}
	b.Labels = cleanAll(b.Labels)
	b.Label, b.Unit = clean(b.Label), clean(b.Unit)
	f := newBarFigure(b, lit)
	return View{title: clean(b.Title), fig: f, alt: f.alt(), notes: f.notes(), table: f.table()}
}

func (b Bars) checkIntervals(where string) error {
	n := len(b.Values)
	switch {
	case (b.Low == nil) != (b.High == nil), b.Low != nil && (len(b.Low) != n || len(b.High) != n):
		return fmt.Errorf("%s: intervals need %d lower and %d upper ends, have %d and %d: %w", where, n, n, len(b.Low), len(b.High), ErrSize)
	case b.Low != nil && b.Errors != nil:
		return fmt.Errorf("%s: both Errors and Low, High are given; choose one: %w", where, ErrSize)
	}
	if err := finite(where, "lower end", b.Low, false); err != nil {
		return err
	}
	if err := finite(where, "upper end", b.High, false); err != nil {
		return err
	}
	for i := range b.Low {
		if b.Low[i] > b.Values[i] || b.High[i] < b.Values[i] {
			return fmt.Errorf("%s: interval %d runs from %v to %v, which leaves out its value %v: %w", where, i, b.Low[i], b.High[i], b.Values[i], ErrNotFinite)
		}
	}
	at := make([]float64, len(b.References))
	for i, r := range b.References {
		at[i] = r.At
	}
	return finite(where, "reference", at, false)
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
		lo, hi := f.interval(i)
		f.lo = math.Min(f.lo, lo)
		f.hi = math.Max(f.hi, hi)
	}
	for _, r := range b.References {
		f.lo, f.hi = math.Min(f.lo, r.At), math.Max(f.hi, r.At)
	}
	if f.lo == f.hi {
		f.hi = 1
	}
	for _, v := range b.Values {
		f.texts = append(f.texts, number(v))
	}
	return f
}

// interval returns the ends of the error bar of bar i, which are its value if it has none.
func (f barFigure) interval(i int) (lo, hi float64) {
	switch v := f.Values[i]; {
	case len(f.Low) > 0:
		return f.Low[i], f.High[i]
	case len(f.Errors) > 0:
		return v - f.Errors[i], v + f.Errors[i]
	default:
		return v, v
	}
}

// whisker draws the error bar between two places along the value axis, at mid across it.
func (f barFigure) whisker(p *pen, lo, hi, mid vg.Length) {
	if lo == hi {
		return
	}
	point := func(along, across vg.Length) vg.Point {
		if f.Vertical {
			return vg.Point{X: across, Y: along}
		}
		return vg.Point{X: along, Y: across}
	}
	p.line(p.ink, 1.5*px, nil, point(lo, mid), point(hi, mid))
	for _, end := range []vg.Length{lo, hi} {
		p.line(p.ink, 1.5*px, nil, point(end, mid-4*px), point(end, mid+4*px))
	}
}

// keys name the reference lines below the bars.
func (f barFigure) keys() legend {
	var out legend
	for i, r := range f.References {
		out = append(out, key{r.Name + " (" + number(r.At) + ")", func(p *pen, r vg.Rectangle) {
			y := (r.Min.Y + r.Max.Y) / 2
			p.line(p.ink, 1.5*px, referenceDash(i), vg.Point{X: r.Min.X - 2*px, Y: y}, vg.Point{X: r.Max.X + 2*px, Y: y})
		}})
	}
	return out
}

func referenceDash(i int) []vg.Length {
	return [][]vg.Length{{5 * px, 3 * px}, {2 * px, 2 * px}, {8 * px, 2 * px, 2 * px, 2 * px}}[i%3]
}

// notes say what the reference lines tell.
func (f barFigure) notes() []string {
	var out []string
	for _, r := range f.References {
		above, apart := 0, 0
		for i, v := range f.Values {
			if v > r.At {
				above++
			}
			if lo, hi := f.interval(i); lo > r.At || hi < r.At {
				apart++
			}
		}
		note := fmt.Sprintf("%d of %s above %s (%s)", above, plural(len(f.Values), "bar"), r.Name, number(r.At))
		if len(f.Low) > 0 || len(f.Errors) > 0 {
			note += fmt.Sprintf("; the intervals of %d leave it out", apart)
		}
		out = append(out, note+".")
	}
	return out
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
	switch {
	case len(f.Errors) > 0:
		t.Columns = append(t.Columns, "±")
	case len(f.Low) > 0:
		t.Columns = append(t.Columns, "low", "high")
	}
	for i, v := range f.Values {
		row := []any{f.Labels[i], v}
		switch {
		case len(f.Errors) > 0:
			row = append(row, f.Errors[i])
		case len(f.Low) > 0:
			row = append(row, f.Low[i], f.High[i])
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
	h += f.keys().height(w)
	return drawing{w, h, func(p *pen, r vg.Rectangle) { f.draw(p, r, l) }}
}

func (f barFigure) draw(p *pen, r vg.Rectangle, l barLayout) {
	if note := f.footnote(); note != "" {
		p.text(body, p.muted, r.Min.X, r.Min.Y+4*px, left, body.fit(note, r.Max.X-r.Min.X))
		r.Min.Y += leading
	}
	if h := f.keys().height(r.Max.X - r.Min.X); h > 0 {
		f.keys().draw(p, rect(r.Min.X, r.Min.Y, r.Max.X, r.Min.Y+h))
		r.Min.Y += h
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
	p.cells = rect(r.Min.X, r.Max.Y-l.step*vg.Length(f.n), r.Max.X, r.Max.Y)
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
		from, to := f.interval(i)
		lo, hi := f.at(from, x0, l.span), f.at(to, x0, l.span)
		f.whisker(p, lo, hi, mid)
		if v < 0 {
			p.text(style, p.ink, min(lo, end)-4*px, mid-4*px, right, f.texts[i])
		} else {
			p.text(style, p.ink, max(hi, end)+4*px, mid-4*px, left, f.texts[i])
		}
	}
	p.line(p.rule, px, nil, vg.Point{X: zero, Y: bottom}, vg.Point{X: zero, Y: r.Max.Y})
	for i, ref := range f.References {
		x := f.at(ref.At, x0, l.span)
		p.line(p.ink, 1.5*px, referenceDash(i), vg.Point{X: x, Y: bottom}, vg.Point{X: x, Y: r.Max.Y})
	}
	p.text(body, p.muted, x0+l.span/2, r.Min.Y+5*px, center, body.fit(f.quantity(), l.before+l.span+l.after))
}

func (f barFigure) drawStanding(p *pen, r vg.Rectangle, l barLayout) {
	x0 := r.Min.X + l.axis
	y0 := r.Min.Y + l.labels + l.before
	p.cells = rect(x0, r.Min.Y, x0+l.step*vg.Length(f.n), r.Max.Y)
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
		from, to := f.interval(i)
		lo, hi := f.at(from, y0, l.span), f.at(to, y0, l.span)
		f.whisker(p, lo, hi, mid)
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
	for i, ref := range f.References {
		y := f.at(ref.At, y0, l.span)
		p.line(p.ink, 1.5*px, referenceDash(i), vg.Point{X: x0, Y: y}, vg.Point{X: r.Max.X, Y: y})
	}
}

func (f barFigure) paintOf(p *pen, i int) (textStyle, color.NRGBA) {
	if f.lit[i] {
		return bold, p.series[1]
	}
	return body, p.series[0]
}

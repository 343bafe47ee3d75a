package render

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"
)

// Series is one line of a Lines figure.
type Series struct {
	Name string
	X    []float64 // rising or not; nil for 1, 2, 3, ...
	Y    []float64 // finite

	// Low and High bound a shaded band around the line: a confidence interval. Both nil,
	// or both as long as Y.
	Low, High []float64

	Reference bool // a thin dotted line: chance level, a random attribution
}

// Lines shows how several quantities run over one variable: a training history, a
// deletion curve. Lines differ in colour, dashes and marks.
type Lines struct {
	Title          string
	Series         []Series
	XLabel, YLabel string

	// XNames name the places 0, 1, 2, ... of the x axis, where these only count: layers.
	XNames []string
}

// View draws the lines.
func (l Lines) View() View {
	const where = "render.Lines"
	if len(l.Series) == 0 {
		return Failed(fmt.Errorf("%s: no series given: %w", where, ErrEmpty))
	}
	f := lineFigure{Lines: l, whole: true}
	f.XLabel, f.YLabel, f.XNames = clean(l.XLabel), clean(l.YLabel), cleanAll(l.XNames)
	f.Series = make([]Series, len(l.Series))
	for i, s := range l.Series {
		if err := s.check(fmt.Sprintf("%s: series %d (%q)", where, i, clean(s.Name))); err != nil {
			return Failed(err)
		}
		f.Series[i] = s.copied(i)
	}
	f.xlo, f.xhi = bounds(f.Series, func(s Series) [][]float64 { return [][]float64{s.X} })
	f.ylo, f.yhi = bounds(f.Series, func(s Series) [][]float64 { return [][]float64{s.Y, s.Low, s.High} })
	f.ylo, f.yhi = widen(f.ylo, f.yhi)
	for _, s := range f.Series {
		for _, x := range s.X {
			if n := len(f.XNames); n > 0 && (x < 0 || x > float64(n-1)) {
				return Failed(fmt.Errorf("%s: series %q has x = %v, but XNames names the places 0 to %d: %w", where, s.Name, x, n-1, ErrSize))
			}
			f.whole = f.whole && x == math.Trunc(x)
		}
	}
	return View{title: clean(l.Title), fig: f, alt: f.alt(), notes: f.notes(), table: f.table()}
}

func (s Series) check(where string) error {
	switch {
	case len(s.Y) == 0:
		return fmt.Errorf("%s: no values given: %w", where, ErrEmpty)
	case s.X != nil && len(s.X) != len(s.Y):
		return fmt.Errorf("%s: %d x for %d y: %w", where, len(s.X), len(s.Y), ErrSize)
	case (s.Low == nil) != (s.High == nil), s.Low != nil && (len(s.Low) != len(s.Y) || len(s.High) != len(s.Y)):
		return fmt.Errorf("%s: a band needs %d lower and %d upper bounds, have %d and %d: %w", where, len(s.Y), len(s.Y), len(s.Low), len(s.High), ErrSize)
	}
	for _, part := range []struct {
		what   string
		values []float64
	}{{"x", s.X}, {"y", s.Y}, {"lower bound", s.Low}, {"upper bound", s.High}} {
		if err := finite(where, part.what, part.values, false); err != nil {
			return err
		}
	}
	return nil
}

func (s Series) copied(i int) Series {
	if s.Name = clean(s.Name); s.Name == "" {
		s.Name = fmt.Sprintf("series %d", i+1)
	}
	s.Y, s.Low, s.High = slices.Clone(s.Y), slices.Clone(s.Low), slices.Clone(s.High)
	if s.X != nil {
		s.X = slices.Clone(s.X)
		return s
	}
	s.X = make([]float64, len(s.Y))
	for j := range s.X {
		s.X[j] = float64(j + 1)
	}
	return s
}

func bounds(series []Series, of func(Series) [][]float64) (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, s := range series {
		for _, values := range of(s) {
			for _, v := range values {
				lo, hi = math.Min(lo, v), math.Max(hi, v)
			}
		}
	}
	if lo == hi { // one x, or a constant: make room on both sides
		half := math.Abs(lo) / 2
		if half == 0 {
			half = 0.5
		}
		lo, hi = lo-half, hi+half
	}
	return lo, hi
}

// widen takes zero in where it is close, and leaves a little air otherwise.
func widen(lo, hi float64) (float64, float64) {
	span := hi - lo
	if lo >= 0 && lo < span/2 {
		lo = 0
	} else {
		lo -= span * 0.04
	}
	if hi <= 0 && -hi < span/2 {
		hi = 0
	} else {
		hi += span * 0.04
	}
	return lo, hi
}

// lineFigure is a checked Lines.
type lineFigure struct {
	Lines
	xlo, xhi, ylo, yhi float64
	whole              bool // all x are whole numbers: epochs
}

func (f lineFigure) alt() string {
	var b strings.Builder
	b.WriteString("Line chart")
	if f.YLabel != "" {
		b.WriteString(" of " + f.YLabel)
	}
	if f.XLabel != "" {
		b.WriteString(" over " + f.XLabel)
	}
	b.WriteString(". ")
	for i, s := range f.Series[:min(len(f.Series), 6)] {
		if i > 0 {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "%s: %s", s.Name, s.course())
	}
	if n := len(f.Series) - 6; n > 0 {
		fmt.Fprintf(&b, "; and %d more", n)
	}
	return b.String() + "."
}

// course says how a series starts and ends.
func (s Series) course() string {
	first, last := s.Y[0], s.Y[len(s.Y)-1]
	if len(s.Y) == 1 {
		return number(first)
	}
	return fmt.Sprintf("from %s to %s", number(first), number(last))
}

// notes give the extremes of each series.
func (f lineFigure) notes() []string {
	var out []string
	for _, s := range f.Series {
		hi, lo := 0, 0
		for i, y := range s.Y {
			if y > s.Y[hi] {
				hi = i
			}
			if y < s.Y[lo] {
				lo = i
			}
		}
		out = append(out, fmt.Sprintf("%s: highest %s at %s, lowest %s at %s.", s.Name,
			number(s.Y[hi]), f.placeText(s.X[hi]), number(s.Y[lo]), f.placeText(s.X[lo])))
	}
	return out
}

// place returns the name of an x, or the number itself.
func (f lineFigure) place(x float64) any {
	if i := int(x); x == math.Trunc(x) && i >= 0 && i < len(f.XNames) {
		return f.XNames[i]
	}
	return x
}

func (f lineFigure) placeText(x float64) string {
	if name, ok := f.place(x).(string); ok {
		return name
	}
	return number(x)
}

// table has a row per x when all series share theirs, else a row per point.
func (f lineFigure) table() *sheet {
	x := f.XLabel
	if x == "" {
		x = "x"
	}
	shared := true
	for _, s := range f.Series[1:] {
		shared = shared && slices.Equal(s.X, f.Series[0].X)
	}
	var t Table
	if !shared {
		t.Columns = []string{"series", x, "y"}
		for _, s := range f.Series {
			for i, y := range s.Y {
				t.Rows = append(t.Rows, []any{s.Name, f.place(s.X[i]), y})
			}
		}
		return t.sheet()
	}
	t.Columns = []string{x}
	for _, s := range f.Series {
		t.Columns = append(t.Columns, s.Name)
	}
	for i, at := range f.Series[0].X {
		row := []any{f.place(at)}
		for _, s := range f.Series {
			row = append(row, s.Y[i])
		}
		t.Rows = append(t.Rows, row)
	}
	return t.sheet()
}

const (
	plotHeight  = 230 * px
	axisRoom    = 54 * px // for tick labels of the y axis
	legendEntry = 34 * px // line sample beside a name
	mostMarks   = 30      // points of a line that carry a mark
)

func (f lineFigure) left() vg.Length {
	if f.YLabel != "" {
		return axisRoom + barLabel
	}
	return axisRoom
}

func (f lineFigure) bottom() vg.Length {
	if len(f.XNames) > 0 {
		return min(widest(body, f.XNames), 90*px) + 12*px + leading
	}
	if f.XLabel != "" {
		return 24*px + leading
	}
	return 24 * px
}

// legend breaks the names of the series into lines.
func (f lineFigure) legend(width vg.Length) [][]int {
	if len(f.Series) == 1 {
		return nil
	}
	var lines [][]int
	var used vg.Length
	for i := range f.Series {
		w := f.entry(i, width)
		if len(lines) == 0 || used+w > width {
			lines = append(lines, nil)
			used = 0
		}
		lines[len(lines)-1] = append(lines[len(lines)-1], i)
		used += w
	}
	return lines
}

func (f lineFigure) entry(i int, width vg.Length) vg.Length {
	return min(legendEntry+whole(body.width(f.Series[i].Name))+18*px, width)
}

func (f lineFigure) fit(maxWidth vg.Length) drawing {
	w := max(min(maxWidth, 520*px), 220*px)
	h := plotHeight + f.bottom() + 8*px
	legend := f.legend(w)
	if n := len(legend); n > 0 {
		h += vg.Length(n)*(leading+2*px) + 4*px
	}
	return drawing{w, h, func(p *pen, r vg.Rectangle) { f.draw(p, r, legend) }}
}

func (f lineFigure) draw(p *pen, r vg.Rectangle, legend [][]int) {
	top := r.Max.Y - 4*px
	area := rect(r.Min.X+f.left(), top-plotHeight, r.Max.X-12*px, top)
	x := func(v float64) vg.Length {
		return area.Min.X + (area.Max.X-area.Min.X)*vg.Length((v-f.xlo)/(f.xhi-f.xlo))
	}
	y := func(v float64) vg.Length {
		return area.Min.Y + (area.Max.Y-area.Min.Y)*vg.Length((v-f.ylo)/(f.yhi-f.ylo))
	}
	for _, t := range ticks(f.ylo, f.yhi, 8) {
		p.line(p.grid, px, nil, vg.Point{X: area.Min.X, Y: y(t.at)}, vg.Point{X: area.Max.X, Y: y(t.at)})
		p.text(body, p.muted, area.Min.X-6*px, y(t.at)-4*px, right, body.fit(t.label, axisRoom-8*px))
	}
	if n := vg.Length(len(f.XNames)); n > 0 { // upright, and no more than have room
		every := max(1, int(math.Ceil(float64(14*px*n/(area.Max.X-area.Min.X)))))
		for i := 0; i < len(f.XNames); i += every {
			at, text := x(float64(i)), body.fit(f.XNames[i], 90*px)
			p.line(p.rule, px, nil, vg.Point{X: at, Y: area.Min.Y - 4*px}, vg.Point{X: at, Y: area.Min.Y})
			p.upText(body, p.muted, at, area.Min.Y-8*px-body.width(text)/2, text)
		}
	}
	for _, t := range f.xTicks(int((area.Max.X - area.Min.X) / (52 * px))) {
		p.line(p.rule, px, nil, vg.Point{X: x(t.at), Y: area.Min.Y - 4*px}, vg.Point{X: x(t.at), Y: area.Min.Y})
		p.text(body, p.muted, x(t.at), area.Min.Y-18*px, center, t.label)
	}
	p.line(p.rule, px, nil, vg.Point{X: area.Min.X, Y: area.Min.Y}, vg.Point{X: area.Max.X, Y: area.Min.Y})
	p.text(body, p.muted, (area.Min.X+area.Max.X)/2, area.Min.Y-f.bottom()+6*px, center, body.fit(f.XLabel, area.Max.X-area.Min.X))
	p.upText(body, p.muted, r.Min.X+6*px, (area.Min.Y+area.Max.Y)/2, body.fit(f.YLabel, plotHeight))

	for i, s := range f.Series { // bands first, so that they hide no line
		if s.Low != nil {
			var ring []vg.Point
			for j := range s.X {
				ring = append(ring, vg.Point{X: x(s.X[j]), Y: y(s.High[j])})
			}
			for j := len(s.X) - 1; j >= 0; j-- {
				ring = append(ring, vg.Point{X: x(s.X[j]), Y: y(s.Low[j])})
			}
			c := p.series[i%len(p.series)]
			c.A = 48
			p.polygon(c, ring...)
		}
	}
	for i, s := range f.Series {
		points := make([]vg.Point, len(s.Y))
		for j := range s.Y {
			points[j] = vg.Point{X: x(s.X[j]), Y: y(s.Y[j])}
		}
		f.stroke(p, i, points)
		if len(points) <= mostMarks {
			f.marks(p, i, points...)
		}
	}
	below := area.Min.Y - f.bottom() - leading
	for _, line := range legend {
		at := r.Min.X
		for _, i := range line {
			w := f.entry(i, r.Max.X-r.Min.X)
			y := below + 4*px
			f.stroke(p, i, []vg.Point{{X: at + 2*px, Y: y}, {X: at + legendEntry - 6*px, Y: y}})
			if len(f.Series[i].Y) <= mostMarks {
				f.marks(p, i, vg.Point{X: at + legendEntry/2 - 2*px, Y: y})
			}
			p.text(body, p.ink, at+legendEntry, below, left, body.fit(f.Series[i].Name, w-legendEntry-12*px))
			at += w
		}
		below -= leading + 2*px
	}
}

// xTicks keeps to whole numbers where all x are.
func (f lineFigure) xTicks(n int) []tick {
	if len(f.XNames) > 0 {
		return nil
	}
	all := ticks(f.xlo, f.xhi, max(n, 2))
	if !f.whole {
		return all
	}
	var out []tick
	for _, t := range all {
		if t.at == math.Trunc(t.at) {
			out = append(out, tick{t.at, number(t.at)})
		}
	}
	return out
}

// stroke draws one line in its own dashes.
func (f lineFigure) stroke(p *pen, i int, points []vg.Point) {
	c := p.series[i%len(p.series)]
	if f.Series[i].Reference {
		nth := 0
		for _, s := range f.Series[:i] {
			if s.Reference {
				nth++
			}
		}
		p.reference(nth, points...)
		return
	}
	dashes := [][]vg.Length{nil, {8 * px, 4 * px}, {3 * px, 3 * px}, {10 * px, 3 * px, 3 * px, 3 * px}, {14 * px, 4 * px}, {5 * px, 2 * px}}
	p.line(c, 2*px, dashes[(i+i/6)%len(dashes)], points...)
}

// reference draws reference line i in its own dots.
func (p *pen) reference(i int, points ...vg.Point) {
	dots := [][]vg.Length{{2 * px, 3 * px}, {7 * px, 4 * px}, {9 * px, 3 * px, 2 * px, 3 * px}, {2 * px, 7 * px}}
	p.line(p.muted, 1.5*px, dots[i%len(dots)], points...)
}

// marks puts the shape of a series on its points.
func (f lineFigure) marks(p *pen, i int, points ...vg.Point) {
	if f.Series[i].Reference {
		return
	}
	for _, q := range points {
		p.shape(i, p.series[i%len(p.series)], q, 3.5*px, false)
	}
}

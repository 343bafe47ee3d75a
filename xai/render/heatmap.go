package render

import (
	"fmt"
	"image"
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot/vg"
)

// HeatMap is a grid of numbers shown as colours: an attribution map, a confusion or
// similarity matrix, the filters of a layer.
type HeatMap struct {
	Title string

	// Values holds Height*Width numbers, row by row, row 0 on top. NaN means "no value"
	// and is drawn in grey.
	Values        []float64
	Height, Width int

	// Signed shows negative values in blue and positive ones in red, with zero at the
	// neutral grey. Else colours run from the least value (dark) to the greatest (bright).
	Signed bool

	// Clip is the percentile of the absolute values, in (0,100], at which colours end, so
	// that a few extreme pixels do not make the rest look empty. Default 99; 100 shows
	// the full range. Colours end early only where values reach at least a tenth further,
	// and then the figure says so.
	Clip float64

	// Limit, when positive, fixes the ends of the colours instead: -Limit and Limit if
	// Signed, else 0 and Limit. Maps with equal limits can be compared by eye.
	Limit float64

	Label string // of the colour bar: "attribution"
	Unit  string // of the values: "nats"

	// Scale says what the values can be compared with: maps that stand in one [Row] or
	// [Column] with equal Label, Unit, Scale, Signed and Clip, of which Label or Scale is
	// not empty, get the same colours for the same values, and each says so. Give maps of
	// different methods different names here: "gradient".
	Scale string

	// Rows and Columns name the rows and columns of a matrix; either may be nil. They
	// must be Height and Width long.
	Rows, Columns []string
	// RowAxis and ColumnAxis say what rows and columns are: "true class".
	RowAxis, ColumnAxis string
	// Numbers writes each value into its cell, where cells are large enough.
	Numbers bool
}

// View draws the map.
func (m HeatMap) View() View {
	const where = "render.HeatMap"
	if err := m.check(where); err != nil {
		return Failed(err)
	}
	return View{title: clean(m.Title)}.ofHeat(m.prepare())
}

func (m HeatMap) check(where string) error {
	switch n := m.Height * m.Width; {
	case m.Height < 1 || m.Width < 1:
		return fmt.Errorf("%s: size is %dx%d; Height and Width must be at least 1: %w", where, m.Height, m.Width, ErrEmpty)
	case len(m.Values) != n:
		return fmt.Errorf("%s: %d values for %dx%d pixels, which need %d: %w", where, len(m.Values), m.Height, m.Width, n, ErrSize)
	case m.Clip < 0 || m.Clip > 100 || math.IsNaN(m.Clip):
		return fmt.Errorf("%s: Clip is %v; it is a percentile in (0,100], or 0 for the default 99: %w", where, m.Clip, ErrNotFinite)
	case m.Limit < 0 || m.Limit > limit || math.IsNaN(m.Limit):
		return fmt.Errorf("%s: Limit is %v; it must be positive and finite, or 0 to take it from the values: %w", where, m.Limit, ErrNotFinite)
	case m.Rows != nil && len(m.Rows) != m.Height:
		return fmt.Errorf("%s: %d row names for %d rows: %w", where, len(m.Rows), m.Height, ErrSize)
	case m.Columns != nil && len(m.Columns) != m.Width:
		return fmt.Errorf("%s: %d column names for %d columns: %w", where, len(m.Columns), m.Width, ErrSize)
	}
	return finite(where, "value", m.Values, true)
}

// prepare computes what layout and drawing share.
func (m HeatMap) prepare() heatFigure {
	m.Values = append([]float64(nil), m.Values...)
	m.Rows, m.Columns = cleanAll(m.Rows), cleanAll(m.Columns)
	m.Label, m.Unit = clean(m.Label), clean(m.Unit)
	m.RowAxis, m.ColumnAxis = clean(m.RowAxis), clean(m.ColumnAxis)
	if m.Clip == 0 {
		m.Clip = 99
	}
	f := heatFigure{HeatMap: m, stats: measure(m.Values, m.Clip)}
	f.reach = f.stats
	f.scale = f.colourScale()
	if f.Numbers {
		f.texts = cellTexts(m.Values)
	}
	return f
}

// heatFigure is a checked HeatMap with its statistics and colours.
type heatFigure struct {
	HeatMap
	stats stats
	reach stats // of the values that the colours were chosen for: this map's, or those of several
	scale scale
	texts []string // the values as written into the cells, if they are
	image *Image   // the image that the map explains, for an Overlay

	alike  int // maps with this kind of colours in the same row or column
	shared int // maps with the same colours for the same values, this one included; 0 for none
}

// colourScale chooses the range of the colours. A constant map gets a range around its
// value, so that it shows one colour and a readable colour bar instead of nothing.
func (f heatFigure) colourScale() scale {
	s := f.reach
	if f.Signed {
		top := f.Limit
		if top == 0 {
			top = s.clip
		}
		if top == 0 {
			top = 1
		}
		return scale{-top, top, diverging(), noValue()}
	}
	if f.Limit > 0 {
		return scale{0, f.Limit, sequential(), noValue()}
	}
	lo, hi := math.Max(s.min, -s.clip), math.Min(s.max, s.clip)
	switch {
	case s.n == 0:
		lo, hi = 0, 1
	case !(hi-lo > math.Abs(hi)*1e-12):
		half := math.Max(math.Abs(lo)/2, 1e-300)
		if lo == 0 {
			half = 0.5
		}
		lo, hi = lo-half, lo+half
	}
	return scale{lo, hi, sequential(), noValue()}
}

// clipped reports at which ends values lie beyond the colours.
func (f heatFigure) clipped() (low, high bool) {
	return f.stats.n > 0 && f.stats.min < f.scale.lo, f.stats.n > 0 && f.stats.max > f.scale.hi
}

// Parts of the layout, in CSS pixels.
const (
	barGap   = 10 * px
	barWidth = 12 * px
	barTicks = 50 * px // room for tick labels
	barLabel = 18 * px
	barLeast = 72 * px // least height
	mapLeast = 112 * px
)

// heatLayout is where the parts of a heat map go.
type heatLayout struct {
	left, bottom vg.Length // room for names of rows and columns
	w, h         vg.Length // of the map itself
	upright      bool      // column names read upwards
	notes        []string
	total        vg.Length
}

// left returns the room for the names of rows.
func (f heatFigure) left() (w vg.Length) {
	if len(f.Rows) > 0 {
		w = min(widest(body, f.Rows), 130*px) + 8*px
	}
	if f.RowAxis != "" {
		w += barLabel + 4*px
	}
	return w
}

// beside returns the width of everything but the map itself.
func (f heatFigure) beside() vg.Length {
	w := f.left() + barGap + barWidth + barTicks
	if f.quantity() != "" {
		w += barLabel
	}
	return w
}

func (f heatFigure) layout(maxWidth vg.Length) heatLayout {
	l := heatLayout{left: f.left()}
	side := f.beside()
	l.w, l.h = f.mapSize(max(maxWidth-side, mapLeast))
	if len(f.Columns) > 0 {
		if cell := l.w / vg.Length(f.Width); widest(body, f.Columns) <= cell-4*px {
			l.bottom = leading + 4*px
		} else {
			l.upright = true
			l.bottom = min(widest(body, f.Columns), 110*px) + 8*px
		}
	}
	if f.ColumnAxis != "" {
		l.bottom += barLabel
	}
	l.total = side + l.w
	for _, n := range f.footnotes() {
		l.notes = append(l.notes, body.wrap(n, l.total, 3)...)
	}
	return l
}

// mapSize chooses whole CSS pixels per cell where cells are at least that large, or per
// pixel of the image that the map explains. Very long maps are stretched to a height or
// width that can be seen.
func (f heatFigure) mapSize(room vg.Length) (w, h vg.Length) {
	columns, rows := float64(f.Width), float64(f.Height)
	if f.image != nil {
		columns, rows = float64(f.image.Width), float64(f.image.Height)
	}
	limitW, limitH := 280.0, 280.0
	if columns > 2*rows {
		limitW = 560
	}
	if rows > 2*columns {
		limitH = 420
	}
	if f.Numbers {
		cell := float64(max(widest(body, f.texts)/px+10, 26))
		limitW, limitH = math.Max(limitW, cell*float64(f.Width)), math.Max(limitH, cell*float64(f.Height))
	}
	limitW = math.Min(limitW, math.Floor(float64(room/px)))
	cell := math.Min(math.Min(limitW/columns, limitH/rows), 96)
	if cell >= 1 {
		cell = math.Floor(cell)
	}
	least := 24.0
	wide := math.Max(math.Round(cell*columns), least)
	high := math.Max(math.Round(cell*rows), least)
	return vg.Length(wide) * px, vg.Length(high) * px
}

func (f heatFigure) fit(maxWidth vg.Length) drawing {
	l := f.layout(maxWidth)
	h := max(l.h+l.bottom, barLeast+14*px) + 3*px
	if len(l.notes) > 0 {
		h += vg.Length(len(l.notes))*leading + 4*px
	}
	return drawing{l.total, h, func(p *pen, r vg.Rectangle) { f.draw(p, r, l) }}
}

func (f heatFigure) draw(p *pen, r vg.Rectangle, l heatLayout) {
	top := r.Max.Y - 2*px
	frame := rect(r.Min.X+l.left, top-l.h, r.Min.X+l.left+l.w, top)
	if l.h < barLeast { // centre a flat map beside its colour bar
		shift := whole((barLeast - l.h) / 2)
		frame.Min.Y -= shift
		frame.Max.Y -= shift
	}
	p.cells = frame
	p.image(frame, f.picture())
	if f.image != nil {
		p.drawOutline(frame, *f.image)
	}
	p.strokeRect(p.rule, px, grow(frame, px))
	f.drawNumbers(p, frame)
	f.drawNames(p, frame, l, r.Min.X)

	x := frame.Max.X + barGap
	f.drawBar(p, rect(x, top-max(l.h, barLeast), x+barWidth, top))

	y := r.Min.Y + vg.Length(len(l.notes)-1)*leading + 4*px
	for _, n := range l.notes {
		p.text(body, p.muted, r.Min.X, y, left, n)
		y -= leading
	}
}

// picture returns the map as an image of Width x Height pixels.
func (f heatFigure) picture() image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, f.Width, f.Height))
	for i, v := range f.Values {
		img.SetNRGBA(i%f.Width, i/f.Width, f.scale.colour(v))
	}
	return img
}

func (f heatFigure) drawNumbers(p *pen, frame vg.Rectangle) {
	cw, ch := (frame.Max.X-frame.Min.X)/vg.Length(f.Width), (frame.Max.Y-frame.Min.Y)/vg.Length(f.Height)
	if !f.Numbers || ch < leading {
		return
	}
	if widest(body, f.texts) > cw-2*px {
		return
	}
	for i, v := range f.Values {
		x := frame.Min.X + cw*(vg.Length(i%f.Width)+0.5)
		y := frame.Max.Y - ch*(vg.Length(i/f.Width)+0.5) - 4*px
		p.text(body, legible(f.scale.colour(v)), x, y, center, f.texts[i])
	}
}

// cellTexts writes the values of a matrix briefly: whole numbers as they are, others with
// two significant digits of the largest.
func cellTexts(values []float64) []string {
	top, whole := 0.0, true
	for _, v := range values {
		if !math.IsNaN(v) {
			top = math.Max(top, math.Abs(v))
			whole = whole && v == math.Trunc(v)
		}
	}
	verb, decimals := byte('f'), 0
	switch {
	case top >= 1e6 || top < 1e-3 && top > 0:
		verb, decimals = 'e', 1
	case !whole:
		decimals = max(1-int(math.Floor(math.Log10(top))), 0)
	}
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = tidyExponent(strconv.FormatFloat(v, verb, decimals, 64))
		switch {
		case math.IsNaN(v):
			texts[i] = "–"
		case strings.Trim(texts[i], "-0.") == "":
			texts[i] = "0" // rather than -0.00
		}
	}
	return texts
}

// drawNames writes row and column names, skipping some where they would overlap.
func (f heatFigure) drawNames(p *pen, frame vg.Rectangle, l heatLayout, edge vg.Length) {
	cw, ch := (frame.Max.X-frame.Min.X)/vg.Length(f.Width), (frame.Max.Y-frame.Min.Y)/vg.Length(f.Height)
	room := l.left - 6*px
	if f.RowAxis != "" {
		room -= barLabel + 4*px
		p.upText(body, p.muted, edge+barLabel/2, (frame.Min.Y+frame.Max.Y)/2, body.fit(f.RowAxis, frame.Max.Y-frame.Min.Y))
	}
	for i := 0; i < len(f.Rows); i += every(ch) {
		y := frame.Max.Y - ch*(vg.Length(i)+0.5) - 4*px
		p.text(body, p.ink, frame.Min.X-6*px, y, right, body.fit(f.Rows[i], room))
	}
	below := frame.Min.Y - px
	step := 1
	if l.upright {
		step = every(cw)
	}
	for j := 0; j < len(f.Columns); j += step {
		x := frame.Min.X + cw*(vg.Length(j)+0.5)
		if !l.upright {
			p.text(body, p.ink, x, below-14*px, center, f.Columns[j])
			continue
		}
		name := body.fit(f.Columns[j], 110*px)
		p.upText(body, p.ink, x, below-4*px-body.width(name)/2, name)
	}
	if f.ColumnAxis != "" {
		p.text(body, p.muted, (frame.Min.X+frame.Max.X)/2, below-l.bottom+6*px, center, body.fit(f.ColumnAxis, frame.Max.X-frame.Min.X))
	}
}

// every returns which names to write when lines of text are spaced by cell.
func every(cell vg.Length) int {
	return max(1, int(math.Ceil(float64(13*px/cell))))
}

// drawBar draws the colour bar with ticks, and an arrow head at an end where values lie
// beyond the colours.
func (f heatFigure) drawBar(p *pen, r vg.Rectangle) {
	const head = 8 * px
	low, high := f.clipped()
	inner := r
	if low {
		inner.Min.Y += head
	}
	if high {
		inner.Max.Y -= head
	}
	strip := image.NewNRGBA(image.Rect(0, 0, 1, len(f.scale.colours)))
	for i, c := range f.scale.colours {
		strip.SetNRGBA(0, 2*levels-i, c)
	}
	p.image(inner, strip)
	ends := [2]vg.Length{inner.Min.Y, inner.Max.Y}
	mid := (r.Min.X + r.Max.X) / 2
	if low {
		p.polygon(strip.NRGBAAt(0, 2*levels), vg.Point{X: r.Min.X, Y: ends[0]}, vg.Point{X: mid, Y: r.Min.Y}, vg.Point{X: r.Max.X, Y: ends[0]})
	}
	if high {
		p.polygon(strip.NRGBAAt(0, 0), vg.Point{X: r.Min.X, Y: ends[1]}, vg.Point{X: mid, Y: r.Max.Y}, vg.Point{X: r.Max.X, Y: ends[1]})
	}
	outline := []vg.Point{{X: r.Min.X, Y: ends[0]}, {X: mid, Y: r.Min.Y}, {X: r.Max.X, Y: ends[0]},
		{X: r.Max.X, Y: ends[1]}, {X: mid, Y: r.Max.Y}, {X: r.Min.X, Y: ends[1]}, {X: r.Min.X, Y: ends[0]}}
	if !low {
		outline[1] = vg.Point{X: mid, Y: ends[0]}
	}
	if !high {
		outline[4] = vg.Point{X: mid, Y: ends[1]}
	}
	p.line(p.rule, px, nil, outline...)

	height := inner.Max.Y - inner.Min.Y
	var labels []string
	for _, t := range ticks(f.scale.lo, f.scale.hi, min(8, int(height/(30*px)))) {
		y := inner.Min.Y + height*vg.Length(f.scale.position(t.at))
		p.line(p.rule, px, nil, vg.Point{X: r.Max.X, Y: y}, vg.Point{X: r.Max.X + 4*px, Y: y})
		labels = append(labels, body.fit(t.label, barTicks-8*px))
		p.text(body, p.ink, r.Max.X+7*px, y-4*px, left, labels[len(labels)-1])
	}
	p.upText(body, p.muted, r.Max.X+widest(body, labels)+10*px+barLabel/2, (r.Min.Y+r.Max.Y)/2, body.fit(f.quantity(), r.Max.Y-r.Min.Y))
}

// quantity names what the colours stand for.
func (f heatFigure) quantity() string {
	switch {
	case f.Unit == "":
		return f.Label
	case f.Label == "":
		return f.Unit
	}
	return f.Label + " (" + f.Unit + ")"
}

// footnotes are printed below the map: what its colours alone would hide.
func (f heatFigure) footnotes() []string {
	var out []string
	switch {
	case f.shared > 1:
		out = append(out, fmt.Sprintf("The %d maps share this colour scale.", f.shared))
	case f.alike > 1 && f.Limit == 0:
		out = append(out, "The colour scale is this map's own.")
	}
	low, high := f.clipped()
	if low || high {
		ends := number(f.scale.hi)
		switch {
		case f.Signed:
			ends = "±" + ends
		case low && high:
			ends = number(f.scale.lo) + " and " + ends
		case low:
			ends = number(f.scale.lo)
		}
		why := fmt.Sprintf("percentile %s of the absolute values", number(f.Clip))
		if f.Limit > 0 {
			why = "a fixed limit"
		}
		reach := "the largest value is " + number(f.stats.max)
		if !high || low && -f.stats.min > f.stats.max {
			reach = "the least value is " + number(f.stats.min)
		}
		out = append(out, fmt.Sprintf("Colours end at %s, %s; %s.", ends, why, reach))
	}
	switch {
	case f.stats.n == 0:
		out = append(out, "No values: all are NaN (grey).")
	case f.stats.nan > 0:
		out = append(out, fmt.Sprintf("Grey: no value (NaN), %s.", plural(f.stats.nan, "cell")))
	}
	if f.stats.n > 1 && f.stats.min == f.stats.max {
		out = append(out, "All values are "+number(f.stats.min)+".")
	}
	return out
}

func widest(s textStyle, texts []string) vg.Length {
	var w vg.Length
	for _, t := range texts {
		w = max(w, s.width(t))
	}
	return whole(w)
}

func grow(r vg.Rectangle, by vg.Length) vg.Rectangle {
	return rect(r.Min.X-by, r.Min.Y-by, r.Max.X+by, r.Max.Y+by)
}

// alt describes the map in a sentence or two.
func (f heatFigure) alt(kind string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s of %d by %d values", kind, f.Height, f.Width)
	if q := f.quantity(); q != "" {
		fmt.Fprintf(&b, ", %s", q)
	}
	b.WriteString(". ")
	s := f.stats
	switch {
	case s.n == 0:
		b.WriteString("There are no values, all are NaN.")
	case s.min == s.max:
		fmt.Fprintf(&b, "All values are %s.", number(s.min))
	default:
		fmt.Fprintf(&b, "Highest at %s (%s)", f.place(s.maxAt), number(s.max))
		if f.Signed || s.min < 0 {
			fmt.Fprintf(&b, ", lowest at %s (%s)", f.place(s.minAt), number(s.min))
		}
		if s.n >= 20 && s.mass > 0 {
			fmt.Fprintf(&b, "; %s of the absolute mass in the 10 %% strongest cells", percent(s.top10))
		}
		b.WriteString(".")
	}
	return b.String()
}

// place names a pixel, by the names of its row and column where they have some.
func (f heatFigure) place(i int) string {
	r, c := i/f.Width, i%f.Width
	row, col := fmt.Sprintf("row %d", r), fmt.Sprintf("column %d", c)
	if len(f.Rows) > 0 {
		row = fmt.Sprintf("row %q", f.Rows[r])
	}
	if len(f.Columns) > 0 {
		col = fmt.Sprintf("column %q", f.Columns[c])
	}
	return row + ", " + col
}

// notes is the long description.
func (f heatFigure) notes() []string {
	s := f.stats
	out := f.footnotes()
	if s.n > 0 && f.Signed && s.mass > 0 {
		out = append(out, fmt.Sprintf("Positive values carry %s of the absolute mass, negative ones %s.",
			percent(s.positive), percent(1-s.positive)))
	}
	if s.n > 0 && s.mass > 0 && f.Height > 2 && f.Width > 2 {
		out = append(out, fmt.Sprintf("The centre of the absolute mass is at row %.1f, column %.1f. Rows and columns count from 0 at the top left.",
			f.centre(true), f.centre(false)))
	}
	return out
}

// centre returns the mean row (or column) weighted by absolute value.
func (f heatFigure) centre(rows bool) float64 {
	var sum float64
	for i, v := range f.Values {
		if math.IsNaN(v) {
			continue
		}
		at := i % f.Width
		if rows {
			at = i / f.Width
		}
		sum += math.Abs(v) / f.stats.mass * float64(at)
	}
	return sum
}

// table holds the values of a small matrix, and statistics of a larger one.
func (f heatFigure) table() *sheet {
	if f.Width <= 12 && f.Height <= 24 {
		t := Table{Columns: []string{f.RowAxis}}
		for j := range f.Width {
			t.Columns = append(t.Columns, name(f.Columns, j))
		}
		for i := range f.Height {
			row := []any{name(f.Rows, i)}
			for _, v := range f.Values[i*f.Width : (i+1)*f.Width] {
				row = append(row, v)
			}
			t.Rows = append(t.Rows, row)
		}
		return t.sheet()
	}
	s := f.stats
	t := Table{Columns: []string{"statistic", "value", "at"}}
	if s.n > 0 {
		t.Rows = [][]any{
			{"highest", number(s.max), f.place(s.maxAt)},
			{"lowest", number(s.min), f.place(s.minAt)},
			{"mean", number(s.mean), nil},
			{"mean absolute", number(s.mass / float64(s.n)), nil},
			{"mass in the 10 % strongest cells", percent(s.top10), nil},
		}
	}
	t.Rows = append(t.Rows, []any{"cells without value", s.nan, nil})
	return t.sheet()
}

func name(names []string, i int) string {
	if i < len(names) {
		return names[i]
	}
	return fmt.Sprint(i)
}

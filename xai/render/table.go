package render

import (
	"fmt"
	"image/color"
	"math"
	"reflect"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"gonum.org/v1/plot/vg"
)

// Table is rows of text and numbers. In a notebook it is an HTML table, with a picture of
// it for places that show no HTML.
type Table struct {
	Title   string
	Columns []string // headings; their number is the length of every row

	// Rows hold strings, booleans, integers, floats, nil (an empty cell), or anything
	// that prints itself. The first column names its row. The floats of a column share
	// their number of decimals; NaN is shown as a dash.
	Rows [][]any

	Foot []any  // a last row that stays below the others when they are sorted: totals, means
	Note string // below the table: units, conventions

	// Shadings give cells a background by their value.
	Shadings []Shading

	// Plain leaves out what lets readers of the HTML form sort the rows by a column and
	// filter them by words. Tables of fewer than five rows are plain anyway.
	Plain bool
}

// Shading colours the cells of some columns on one scale. The numbers stay readable on it.
type Shading struct {
	Columns   []int   // which columns, counted from 0; all their cells are numbers or nil
	Signed    bool    // blue below and red above zero, instead of dark to bright
	Low, High float64 // the ends of the colours; both 0 for those of the numbers
}

// View draws the table. Long tables are cut at 200 rows in text and HTML, and at 40 in the
// picture; both say how many rows are left out.
func (t Table) View() View {
	const where = "render.Table"
	if len(t.Columns) == 0 {
		return Failed(fmt.Errorf("%s: no columns given: %w", where, ErrEmpty))
	}
	for i, row := range t.Rows {
		if len(row) != len(t.Columns) {
			return Failed(fmt.Errorf("%s: row %d has %d cells for %d columns: %w", where, i, len(row), len(t.Columns), ErrSize))
		}
	}
	if t.Foot != nil && len(t.Foot) != len(t.Columns) {
		return Failed(fmt.Errorf("%s: the foot has %d cells for %d columns: %w", where, len(t.Foot), len(t.Columns), ErrSize))
	}
	s := t.sheet()
	v := View{title: clean(t.Title), fig: tableFigure{s}, table: s, tabul: true, sorts: !t.Plain && len(t.Rows) >= sortedRows, alt: s.alt()}
	if v.sorts {
		s.sortKeys = t.sortKeys(s)
	}
	if note := clean(t.Note); note != "" {
		v.notes = append(v.notes, note)
	}
	for i, shading := range t.Shadings {
		note, err := s.shadeBy(t, shading)
		if err != nil {
			return Failed(fmt.Errorf("%s: shading %d: %w", where, i, err))
		}
		v.notes = append(v.notes, note)
	}
	if len(v.notes) > 0 {
		v.fig = tableFigure{s.noted(strings.Join(v.notes, " "))}
	}
	return v
}

// sortKeys returns what numbers sort by where their text does not say it exactly.
func (t Table) sortKeys(s *sheet) [][]string {
	keys := make([][]string, min(len(t.Rows), textRows))
	for i := range keys {
		keys[i] = make([]string, len(t.Columns))
		for j, cell := range t.Rows[i] {
			v, ok := numberIn(cell)
			exact := strconv.FormatFloat(v, 'g', -1, 64)
			switch {
			case !ok || !s.numeric[j] || math.IsNaN(v) || exact == s.cells[i][j]:
			case math.IsInf(v, 0):
				keys[i][j] = strings.TrimPrefix(exact, "+") + "inity"
			default:
				keys[i][j] = exact
			}
		}
	}
	return keys
}

// numberIn returns the number that a cell holds.
func numberIn(cell any) (float64, bool) {
	switch v := reflect.ValueOf(cell); {
	case cell == nil:
	case v.CanFloat():
		return v.Float(), true
	case v.CanInt():
		return float64(v.Int()), true
	case v.CanUint():
		return float64(v.Uint()), true
	}
	return 0, false
}

// shadeBy gives the sheet the colours of a shading, and says in words what they mean.
func (s *sheet) shadeBy(t Table, g Shading) (note string, err error) {
	lo, hi := math.Inf(1), math.Inf(-1)
	var names []string
	if len(g.Columns) == 0 {
		return "", fmt.Errorf("no columns given: %w", ErrEmpty)
	}
	for _, j := range g.Columns {
		if j < 0 || j >= len(s.head) {
			return "", fmt.Errorf("there is no column %d (0-%d): %w", j, len(s.head)-1, ErrSize)
		}
		if len(t.Rows) > 0 && !s.numeric[j] {
			return "", fmt.Errorf("column %d (%q) holds cells that are no numbers: %w", j, s.head[j], ErrNotFinite)
		}
		names = append(names, s.head[j])
		for _, row := range t.Rows {
			if v, ok := numberIn(row[j]); ok && !math.IsNaN(v) && math.Abs(v) <= limit {
				lo, hi = math.Min(lo, v), math.Max(hi, v)
			}
		}
	}
	switch {
	case g.Low != 0 || g.High != 0:
		if !(g.Low < g.High) || math.Abs(g.Low) > limit || math.Abs(g.High) > limit {
			return "", fmt.Errorf("the colours run from %v to %v; Low must be below High: %w", g.Low, g.High, ErrNotFinite)
		}
		lo, hi = g.Low, g.High
	case lo > hi:
		lo, hi = 0, 1 // no numbers
	}
	words := "dark to bright"
	colours := scale{colours: sequential()}
	if g.Signed {
		hi = math.Max(math.Abs(lo), math.Abs(hi))
		lo = -hi
		colours.colours, words = diverging(), "blue to red, grey at 0"
	}
	if lo == hi {
		lo, hi = lo-0.5, hi+0.5
	}
	colours.lo, colours.hi = lo, hi
	if s.shades == nil {
		s.shades = make([][]color.NRGBA, len(t.Rows))
		for i := range s.shades {
			s.shades[i] = make([]color.NRGBA, len(s.head))
		}
	}
	for i, row := range t.Rows {
		for _, j := range g.Columns {
			if v, ok := numberIn(row[j]); ok && !math.IsNaN(v) {
				s.shades[i][j] = colours.colour(v)
			}
		}
	}
	return fmt.Sprintf("Background of %s: %s, from %s to %s.", strings.Join(names, ", "), words, number(lo), number(hi)), nil
}

// shadeOf returns the background of cell j of row i; i is -1 for heading and foot.
func (s *sheet) shadeOf(i, j int) (c color.NRGBA, ok bool) {
	if i < 0 || s.shades == nil {
		return c, false
	}
	c = s.shades[i][j]
	return c, c.A > 0
}

const (
	textRows    = 200 // rows of a table in text and HTML
	pictureRows = 40  // rows of a table in its picture
	sortedRows  = 5   // rows from which on it is worth while to sort a table
)

// sheet is a table whose cells have become text.
type sheet struct {
	head    []string
	cells   [][]string
	numeric []bool // columns that are aligned on the right
	note    string

	foot     []string        // the last row, or nil
	sortKeys [][]string      // of numbers whose text is rounded; "" or nil for none
	shades   [][]color.NRGBA // backgrounds; transparent or nil for none
}

func (s *sheet) noted(note string) *sheet {
	c := *s
	c.note = note
	return &c
}

func (t Table) sheet() *sheet {
	s := &sheet{head: cleanAll(t.Columns), numeric: make([]bool, len(t.Columns))}
	s.cells = make([][]string, len(t.Rows))
	for i := range s.cells {
		s.cells[i] = make([]string, len(t.Columns))
	}
	for j := range t.Columns {
		column := make([]any, len(t.Rows))
		for i, row := range t.Rows {
			column[i] = row[j]
		}
		if t.Foot != nil {
			column = append(column, t.Foot[j])
		}
		texts, numeric := formatColumn(column)
		s.numeric[j] = numeric
		if t.Foot != nil {
			s.foot = append(s.foot, texts[len(t.Rows)])
			texts = texts[:len(t.Rows)]
		}
		for i, text := range texts {
			s.cells[i][j] = text
		}
	}
	return s
}

// formatColumn turns cells into text and reports whether all of them are numbers.
func formatColumn(column []any) (texts []string, numeric bool) {
	texts = make([]string, len(column))
	var floats []float64
	numbers := 0
	for i, cell := range column {
		v := reflect.ValueOf(cell)
		_, printsItself := cell.(fmt.Stringer)
		switch {
		case cell == nil:
			numbers++ // an empty cell fits any column
		case printsItself:
			texts[i] = clean(fmt.Sprint(cell))
		case v.CanFloat():
			floats = append(floats, v.Float())
			numbers++
		case v.CanInt() || v.CanUint():
			texts[i] = fmt.Sprint(cell)
			numbers++
		default:
			texts[i] = clean(fmt.Sprint(cell))
		}
	}
	format := floatFormat(floats)
	for i, cell := range column {
		if v := reflect.ValueOf(cell); cell != nil && texts[i] == "" && v.CanFloat() {
			texts[i] = format(v.Float())
		}
	}
	return texts, numbers == len(column) && len(column) > 0
}

// floatFormat chooses one number of decimals for the floats of a column: four significant
// digits for the largest, less where trailing zeros say nothing.
func floatFormat(values []float64) func(float64) string {
	top, least := 0.0, math.Inf(1)
	for _, v := range values {
		if a := math.Abs(v); a > 0 && !math.IsInf(v, 0) && !math.IsNaN(v) {
			top, least = math.Max(top, a), math.Min(least, a)
		}
	}
	decimals := -1 // each number on its own
	if top < 1e7 && top >= 1e-3 && (least >= 1e-4 || top >= 1) {
		decimals = min(max(3-int(math.Floor(math.Log10(top))), 0), 6)
		for decimals > 0 && same(values, decimals-1, decimals) {
			decimals--
		}
		if top >= 100 && mixed(values, decimals) {
			decimals = -1 // a column of different quantities
		}
	}
	return func(v float64) string {
		switch {
		case math.IsNaN(v):
			return "–"
		case math.IsInf(v, 0):
			return strings.Replace(fmt.Sprint(v), "Inf", "∞", 1)
		case v == 0:
			v = 0 // not -0
		}
		if decimals >= 0 {
			return strconv.FormatFloat(v, 'f', decimals, 64)
		}
		return tidyExponent(strconv.FormatFloat(v, 'g', 4, 64))
	}
}

// mixed reports whether most of the values would keep less than two digits.
func mixed(values []float64, decimals int) bool {
	lost, all := 0, 0
	for _, v := range values {
		a := math.Abs(v)
		if a == 0 || math.IsNaN(v) || math.IsInf(v, 0) || a == math.Trunc(a) {
			continue
		}
		if all++; a < math.Pow10(1-decimals) {
			lost++
		}
	}
	return 2*lost > all
}

// same reports whether few decimals show all values as well as many do, which are one more.
func same(values []float64, few, many int) bool {
	zero := "0"
	if few == 0 {
		zero = ".0"
	}
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			continue
		}
		if strconv.FormatFloat(v, 'f', few, 64)+zero != strconv.FormatFloat(v, 'f', many, 64) {
			return false
		}
	}
	return true
}

func (s *sheet) alt() string {
	alt := fmt.Sprintf("Table of %s and %s", plural(len(s.cells), "row"), plural(len(s.head), "column"))
	var heads []string
	for _, h := range s.head[:min(len(s.head), 8)] {
		if h != "" {
			heads = append(heads, h)
		}
	}
	if len(heads) > 0 {
		alt += ": " + strings.Join(heads, ", ")
		if len(s.head) > 8 {
			alt += " and more"
		}
	}
	return alt + "."
}

// rest says how many rows a cut at n leaves out.
func (s *sheet) rest(n int) string {
	if len(s.cells) <= n {
		return ""
	}
	return fmt.Sprintf("%s, %d in all.", plural(len(s.cells)-n, "more row"), len(s.cells))
}

// text returns the table in monospaced columns.
func (s *sheet) text() string {
	rows := s.cells[:min(len(s.cells), textRows)]
	measured := rows
	if s.foot != nil {
		measured = append(measured[:len(rows):len(rows)], s.foot)
	}
	widths := make([]int, len(s.head))
	for j, h := range s.head {
		widths[j] = columns(h)
		for _, row := range measured {
			widths[j] = max(widths[j], columns(row[j]))
		}
	}
	var b strings.Builder
	write := func(cells []string) {
		var l strings.Builder
		for j, cell := range cells {
			if j > 0 {
				l.WriteString("  ")
			}
			pad := strings.Repeat(" ", widths[j]-columns(cell))
			if s.numeric[j] {
				l.WriteString(pad + cell)
			} else {
				l.WriteString(cell + pad)
			}
		}
		b.WriteString(strings.TrimRight(l.String(), " ") + "\n")
	}
	total := 2 * (len(widths) - 1)
	for _, w := range widths {
		total += w
	}
	rule := strings.Repeat("-", total) + "\n"
	if strings.Join(s.head, "") != "" {
		write(s.head)
		b.WriteString(rule)
	}
	for _, row := range rows {
		write(row)
	}
	if len(rows) == 0 {
		b.WriteString("(no rows)\n")
	}
	if rest := s.rest(textRows); rest != "" {
		b.WriteString(rest + "\n")
	}
	if s.foot != nil {
		b.WriteString(rule)
		write(s.foot)
	}
	return b.String()
}

// columns returns how many cells of a terminal text takes.
func columns(text string) int {
	n := 0
	for _, r := range text {
		switch {
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case r >= 0x1100 && unicode.In(r, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana) || r >= 0x1F300 && r <= 0x1FAFF || r >= 0xFF01 && r <= 0xFF60:
			n += 2
		default:
			n++
		}
	}
	return n
}

// fold breaks text into lines of at most width characters.
func fold(text string, width int) string {
	var b strings.Builder
	n := 0
	for i, word := range strings.Fields(text) {
		switch l := utf8.RuneCountInString(word); {
		case i == 0:
			n = l
		case n+1+l > width:
			b.WriteByte('\n')
			n = l
		default:
			b.WriteByte(' ')
			n += 1 + l
		}
		b.WriteString(word)
	}
	return b.String()
}

// tableFigure is the picture of a table.
type tableFigure struct{ *sheet }

const (
	cellPad   = 8 * px
	rowHeight = 22 * px
	cellMost  = 420 * px
	cellLeast = 36 * px
)

func (t tableFigure) rows() [][]string { return t.cells[:min(len(t.cells), pictureRows)] }

// widths gives every column what it needs, and takes from the widest where that is more
// than there is room for.
func (t tableFigure) widths(maxWidth vg.Length) []vg.Length {
	w := make([]vg.Length, len(t.head))
	var total vg.Length
	for j := range w {
		w[j] = bold.width(t.head[j])
		for _, row := range t.rows() {
			w[j] = max(w[j], body.width(row[j]))
		}
		if t.foot != nil {
			w[j] = max(w[j], bold.width(t.foot[j]))
		}
		w[j] = min(whole(w[j]), cellMost) + 2*cellPad
		total += w[j]
	}
	for total > maxWidth {
		widest, next := 0, vg.Length(0)
		for j := range w {
			if w[j] > w[widest] {
				widest = j
			}
		}
		for j := range w {
			if j != widest {
				next = max(next, w[j])
			}
		}
		cut := min(total-maxWidth, max(w[widest]-next, 4*px))
		if w[widest]-cut < cellLeast+2*cellPad {
			break
		}
		w[widest] -= whole(cut)
		total -= whole(cut)
	}
	return w
}

func (t tableFigure) footer(w vg.Length) []string {
	var out []string
	if rest := t.rest(pictureRows); rest != "" {
		out = append(out, rest)
	}
	return append(out, body.wrap(t.note, w, 6)...)
}

func (t tableFigure) fit(maxWidth vg.Length) drawing {
	var w vg.Length
	widths := t.widths(maxWidth)
	for _, cw := range widths {
		w += cw
	}
	h := rowHeight * vg.Length(1+max(len(t.rows()), 1))
	if t.foot != nil {
		h += rowHeight
	}
	footer := t.footer(w)
	if n := len(footer); n > 0 {
		h += vg.Length(n)*leading + 6*px
	}
	return drawing{w, h + 2*px, func(p *pen, r vg.Rectangle) { t.draw(p, r, widths, footer) }}
}

func (t tableFigure) draw(p *pen, r vg.Rectangle, widths []vg.Length, footer []string) {
	y := r.Max.Y
	rule := func(c color.Color) { p.fillRect(c, rect(r.Min.X, y-px, r.Max.X, y)) }
	write := func(s textStyle, cells []string, i int) {
		x := r.Min.X
		for j, cell := range cells {
			ink := p.ink
			if c, ok := t.shadeOf(i, j); ok {
				p.fillRect(c, rect(x, y-rowHeight, x+widths[j], y-px))
				ink = legible(c)
			}
			text := s.fit(cell, widths[j]-2*cellPad)
			if t.numeric[j] {
				p.text(s, ink, x+widths[j]-cellPad, y-15*px, right, text)
			} else {
				p.text(s, ink, x+cellPad, y-15*px, left, text)
			}
			x += widths[j]
		}
		y -= rowHeight
	}
	write(bold, t.head, -1)
	rule(p.rule)
	for i, row := range t.rows() {
		if i > 0 {
			rule(p.grid)
		}
		write(body, row, i)
	}
	if len(t.cells) == 0 {
		p.text(body, p.muted, r.Min.X+cellPad, y-15*px, left, body.fit("(no rows)", r.Max.X-r.Min.X))
		y -= rowHeight
	}
	rule(p.rule)
	if t.foot != nil {
		write(bold, t.foot, -1)
		rule(p.rule)
	}
	y -= 6 * px
	for _, line := range footer {
		p.text(body, p.muted, r.Min.X, y-12*px, left, line)
		y -= leading
	}
}

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

	Note string // below the table: units, conventions
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
	s := t.sheet()
	v := View{title: clean(t.Title), fig: tableFigure{s}, table: s, tabul: true, alt: s.alt()}
	if note := clean(t.Note); note != "" {
		v.notes = []string{note}
		v.fig = tableFigure{s.noted(note)}
	}
	return v
}

const (
	textRows    = 200 // rows of a table in text and HTML
	pictureRows = 40  // rows of a table in its picture
)

// sheet is a table whose cells have become text.
type sheet struct {
	head    []string
	cells   [][]string
	numeric []bool // columns that are aligned on the right
	note    string
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
		texts, numeric := formatColumn(column)
		s.numeric[j] = numeric
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

// same reports whether few decimals show all values as well as many do.
func same(values []float64, few, many int) bool {
	for _, v := range values {
		if strconv.FormatFloat(v, 'f', few, 64)+"0" != strconv.FormatFloat(v, 'f', many, 64) && !math.IsNaN(v) && !math.IsInf(v, 0) {
			return few == 0 && strings.HasSuffix(strconv.FormatFloat(v, 'f', many, 64), ".0")
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
	widths := make([]int, len(s.head))
	for j, h := range s.head {
		widths[j] = columns(h)
		for _, row := range rows {
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
	if strings.Join(s.head, "") != "" {
		write(s.head)
		total := 2 * (len(widths) - 1)
		for _, w := range widths {
			total += w
		}
		b.WriteString(strings.Repeat("-", total) + "\n")
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
	return append(out, body.wrap(t.note, w, 4)...)
}

func (t tableFigure) fit(maxWidth vg.Length) drawing {
	var w vg.Length
	widths := t.widths(maxWidth)
	for _, cw := range widths {
		w += cw
	}
	h := rowHeight * vg.Length(1+max(len(t.rows()), 1))
	footer := t.footer(w)
	if n := len(footer); n > 0 {
		h += vg.Length(n)*leading + 6*px
	}
	return drawing{w, h + 2*px, func(p *pen, r vg.Rectangle) { t.draw(p, r, widths, footer) }}
}

func (t tableFigure) draw(p *pen, r vg.Rectangle, widths []vg.Length, footer []string) {
	y := r.Max.Y
	rule := func(c color.Color) { p.fillRect(c, rect(r.Min.X, y-px, r.Max.X, y)) }
	write := func(s textStyle, cells []string) {
		x := r.Min.X
		for j, cell := range cells {
			text := s.fit(cell, widths[j]-2*cellPad)
			if t.numeric[j] {
				p.text(s, p.ink, x+widths[j]-cellPad, y-15*px, right, text)
			} else {
				p.text(s, p.ink, x+cellPad, y-15*px, left, text)
			}
			x += widths[j]
		}
		y -= rowHeight
	}
	write(bold, t.head)
	rule(p.rule)
	for i, row := range t.rows() {
		if i > 0 {
			rule(p.grid)
		}
		write(body, row)
	}
	if len(t.cells) == 0 {
		p.text(body, p.muted, r.Min.X+cellPad, y-15*px, left, body.fit("(no rows)", r.Max.X-r.Min.X))
		y -= rowHeight
	}
	rule(p.rule)
	y -= 6 * px
	for _, line := range footer {
		p.text(body, p.muted, r.Min.X, y-12*px, left, line)
		y -= leading
	}
}

package render

import (
	"fmt"

	"gonum.org/v1/plot/vg"
)

const gap = 20 * px // between neighbours

// Row puts views side by side on one canvas of notebook width, aligned at the top of
// their pictures. Views that do not fit continue on a next line. The first error of the
// views is the error of the row; its theme is that of the first view.
func Row(views ...View) View { return compose("Row", false, views) }

// Column puts views below each other on one canvas.
func Column(views ...View) View { return compose("Column", true, views) }

func compose(verb string, stack bool, views []View) View {
	if len(views) == 0 {
		return Failed(fmt.Errorf("render.%s: no views given: %w", verb, ErrEmpty))
	}
	for i, v := range views {
		if err := v.Err(); err != nil {
			return Failed(fmt.Errorf("render.%s: view %d: %w", verb, i, err))
		}
	}
	v := View{parts: append([]View(nil), views...), stack: stack, theme: views[0].theme}
	r := row{columns: len(views)}
	where := "side by side"
	if stack {
		r.columns, where = 1, "one below the other"
	}
	for _, part := range views {
		r.cells = append(r.cells, framed{fig: part.fig, title: part.title})
	}
	v.fig = r
	v.alt = fmt.Sprintf("%d figures %s.", len(views), where)
	return v
}

// row lays out framed figures in lines of at most columns figures.
type row struct {
	cells   []framed
	columns int
}

// line is one line of a row: its figures with their widths and the common header.
type line struct {
	cells  []framed
	widths []vg.Length
	height vg.Length
}

func (r row) size(maxWidth vg.Length) (w, h vg.Length) {
	for i, l := range r.lines(maxWidth) {
		lw := gap * vg.Length(len(l.cells)-1)
		for _, cw := range l.widths {
			lw += cw
		}
		w = max(w, lw)
		if i > 0 {
			h += gap
		}
		h += l.height
	}
	return w, h
}

func (r row) draw(p *pen, box vg.Rectangle) {
	top := box.Max.Y
	for _, l := range r.lines(box.Max.X - box.Min.X) {
		x := box.Min.X
		for i, cell := range l.cells {
			cell.draw(p, rect(x, top-l.height, x+l.widths[i], top))
			x += l.widths[i] + gap
		}
		top -= l.height + gap
	}
}

// lines breaks the row into as few lines as the least widths of the figures allow.
func (r row) lines(maxWidth vg.Length) []line {
	for k := min(r.columns, len(r.cells)); ; k-- {
		var lines []line
		fits := true
		for i := 0; i < len(r.cells); i += k {
			l, ok := share(r.cells[i:min(i+k, len(r.cells))], maxWidth)
			fits = fits && ok
			lines = append(lines, l)
		}
		if fits || k == 1 {
			return lines
		}
	}
}

// share divides maxWidth among the cells of one line: narrow figures keep their width,
// the others get equal parts of the rest. ok is false when some figure needs more.
func share(cells []framed, maxWidth vg.Length) (l line, ok bool) {
	n := len(cells)
	natural, done := make([]vg.Length, n), make([]bool, n)
	l.widths = make([]vg.Length, n)
	rest, open := maxWidth-gap*vg.Length(n-1), n
	for i, c := range cells {
		natural[i], _ = c.size(pageWidth)
	}
	for changed := true; changed; {
		changed = false
		for i := range cells {
			if !done[i] && natural[i] <= rest/vg.Length(open) {
				l.widths[i], done[i], changed = natural[i], true, true
				rest -= natural[i]
				open--
			}
		}
		if open == 0 {
			break
		}
	}
	ok = true
	for i, c := range cells {
		if done[i] {
			continue
		}
		part := vg.Length(int(rest/vg.Length(open)/px)) * px
		l.widths[i], _ = c.size(part)
		ok = ok && l.widths[i] <= part
	}
	var header vg.Length
	for i, c := range cells {
		header = max(header, c.headerHeight(l.widths[i]))
	}
	for i, c := range cells {
		c.header = header
		_, h := c.size(l.widths[i])
		l.height = max(l.height, h)
		l.cells = append(l.cells, c)
	}
	return l, ok
}

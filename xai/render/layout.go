package render

import (
	"fmt"

	"gonum.org/v1/plot/vg"
)

const gap = 20 * px // between neighbours

// Row puts views side by side on one canvas of notebook width, aligned at the top of
// their pictures. Views that do not fit continue on a next line. The first error of the
// views is the error of the row; its theme is that of the first view.
//
// Heat maps of the same quantity get the same colours for the same values, see
// HeatMap.Scale. An image that several maps explain is shown once.
func Row(views ...View) View { return compose("Row", false, views) }

// Column puts views below each other on one canvas. Heat maps of the same quantity get the
// same colours, as in a Row.
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
	views = shareScales(views)
	v := View{parts: views, stack: stack, theme: views[0].theme}
	r := row{columns: len(views)}
	where := "side by side"
	if stack {
		r.columns, where = 1, "one below the other"
	}
	for _, part := range views {
		r.cells = append(r.cells, framed{fig: part.fig, title: part.title})
	}
	if !stack {
		r.cells = oncePerImage(r.cells)
		r.columns = len(r.cells)
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

// line is one line of a row.
type line struct {
	cells []drawing
	h     vg.Length
}

func (r row) fit(maxWidth vg.Length) drawing {
	lines := r.lines(maxWidth)
	columns := make([]vg.Length, len(lines[0].cells)) // their widths
	d := drawing{w: -gap, h: -gap}
	for _, l := range lines {
		for i, cell := range l.cells {
			columns[i] = max(columns[i], cell.w)
		}
		d.h += l.h + gap
	}
	for _, w := range columns {
		d.w += w + gap
	}
	d.draw = func(p *pen, box vg.Rectangle) {
		top := box.Max.Y
		for _, l := range lines {
			x := box.Min.X
			for i, cell := range l.cells {
				cell.draw(p, rect(x, top-cell.h, x+cell.w, top))
				x += columns[i] + gap
			}
			top -= l.h + gap
		}
	}
	return d
}

// lines breaks the row into as few lines as the least widths of the figures allow.
func (r row) lines(maxWidth vg.Length) []line {
	for k := min(r.columns, len(r.cells)); ; k-- {
		most := maxWidth
		if k < len(r.cells) && k > 1 {
			n := (len(r.cells) + k - 1) / k // lines, which we fill evenly: 5 figures as 3 and 2
			k = (len(r.cells) + n - 1) / n
			most = vg.Length(int((maxWidth-gap*vg.Length(k-1))/vg.Length(k)/px)) * px
		}
		var lines []line
		fits := true
		for i := 0; i < len(r.cells); i += k {
			l, ok := share(r.cells[i:min(i+k, len(r.cells))], maxWidth, most)
			fits = fits && ok
			lines = append(lines, l)
		}
		if fits || k == 1 {
			return lines
		}
	}
}

// share divides maxWidth among the cells of one line, of which none gets more than most:
// narrow figures keep their width, the pictures of the others become equally wide. ok is
// false when some figure needs more.
func share(cells []framed, maxWidth, most vg.Length) (l line, ok bool) {
	n := len(cells)
	parts, beside, done := make([]vg.Length, n), make([]vg.Length, n), make([]bool, n)
	rest, open := maxWidth-gap*vg.Length(n-1), n
	for i, c := range cells {
		parts[i] = c.fit(most).w
		if f, ok := c.fig.(interface{ beside() vg.Length }); ok {
			beside[i] = f.beside()
		}
		rest -= beside[i]
	}
	for changed := true; changed; {
		changed = false
		for i := range cells {
			if picture := parts[i] - beside[i]; !done[i] && picture <= rest/vg.Length(open) {
				done[i], changed = true, true
				rest -= picture
				open--
			}
		}
	}
	var header vg.Length
	for i, c := range cells {
		if !done[i] {
			parts[i] = vg.Length(int(rest/vg.Length(open)/px))*px + beside[i]
		}
		header = max(header, c.headerHeight(parts[i]))
	}
	ok = true
	for i, c := range cells {
		c.header = header
		d := c.fit(parts[i])
		ok = ok && d.w <= min(parts[i], most)
		l.cells = append(l.cells, d)
		l.h = max(l.h, d.h)
	}
	return l, ok
}

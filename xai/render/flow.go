package render

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot/vg"
)

// FlowColumn is one stage of a Flow.
type FlowColumn struct {
	Name  string   // above the column
	Nodes []string // from the top downwards
}

// Band is what goes from a node of one column to a node of the next.
type Band struct {
	Column   int     // of From; To is in the next one
	From, To int     // nodes, counted from 0
	Count    float64 // not negative
	Lit      bool    // to emphasise
}

// Flow shows how a whole divides and joins again from stage to stage: true classes,
// clusters, predictions. Nodes and bands are as high as their counts. Bands have the
// colour of the node that they come from, or are grey where some are emphasised.
type Flow struct {
	Title   string
	Columns []FlowColumn // two or more
	Bands   []Band
	Label   string // what is counted: "test samples"
}

const (
	flowNodes = 60  // of a column
	flowBands = 600 // in all
)

// View draws the flow.
func (f Flow) View() View {
	const where = "render.Flow"
	if len(f.Columns) < 2 || len(f.Bands) == 0 {
		return Failed(fmt.Errorf("%s: %s and %s given; a flow needs two columns and a band: %w", where, plural(len(f.Columns), "column"), plural(len(f.Bands), "band"), ErrEmpty))
	}
	if len(f.Bands) > flowBands {
		return Failed(fmt.Errorf("%s: %d bands are more than the %d that can be drawn; join the smallest: %w", where, len(f.Bands), flowBands, ErrSize))
	}
	g := flowFigure{Flow: f}
	g.Label = clean(f.Label)
	g.Columns, g.Bands = slices.Clone(f.Columns), slices.Clone(f.Bands)
	for i, c := range f.Columns {
		if n := len(c.Nodes); n == 0 || n > flowNodes {
			return Failed(fmt.Errorf("%s: column %d (%q) has %s; 1 to %d can be drawn: %w", where, i, clean(c.Name), plural(n, "node"), flowNodes, ErrSize))
		}
		g.Columns[i] = FlowColumn{Name: clean(c.Name), Nodes: cleanAll(c.Nodes)}
		g.in = append(g.in, make([]float64, len(c.Nodes)))
		g.out = append(g.out, make([]float64, len(c.Nodes)))
	}
	for i, b := range f.Bands {
		here := fmt.Sprintf("%s: band %d", where, i)
		switch {
		case b.Column < 0 || b.Column >= len(f.Columns)-1:
			return Failed(fmt.Errorf("%s starts in column %d; bands start in columns 0-%d: %w", here, b.Column, len(f.Columns)-2, ErrSize))
		case b.From < 0 || b.From >= len(f.Columns[b.Column].Nodes):
			return Failed(fmt.Errorf("%s comes from node %d of %d in column %d: %w", here, b.From, len(f.Columns[b.Column].Nodes), b.Column, ErrSize))
		case b.To < 0 || b.To >= len(f.Columns[b.Column+1].Nodes):
			return Failed(fmt.Errorf("%s goes to node %d of %d in column %d: %w", here, b.To, len(f.Columns[b.Column+1].Nodes), b.Column+1, ErrSize))
		}
		if err := counts(here, []float64{b.Count}, 1, "band"); err != nil {
			return Failed(err)
		}
		g.out[b.Column][b.From] += b.Count
		g.in[b.Column+1][b.To] += b.Count
		g.lit = g.lit || b.Lit
	}
	for i := range g.Columns {
		var sum float64
		for k := range g.Columns[i].Nodes {
			sum += g.size(i, k)
		}
		if sum > limit {
			return Failed(fmt.Errorf("%s: column %d adds up to %v: %w", where, i, sum, ErrNotFinite))
		}
		g.total = max(g.total, sum)
	}
	if g.total == 0 {
		return Failed(fmt.Errorf("%s: all counts are 0: %w", where, ErrEmpty))
	}
	return View{title: clean(f.Title), fig: g, web: vector{}, alt: g.alt(), notes: g.notes(), table: g.table()}
}

// flowFigure is a checked Flow.
type flowFigure struct {
	Flow
	in, out [][]float64 // of each node of each column
	total   float64     // of the largest column
	lit     bool        // some bands are emphasised
}

// size returns the count of node k of column i: what comes in, or goes out if that is more.
func (f flowFigure) size(i, k int) float64 { return math.Max(f.in[i][k], f.out[i][k]) }

// name tells the ends of a band.
func (f flowFigure) name(b Band) string {
	return f.Columns[b.Column].Nodes[b.From] + " → " + f.Columns[b.Column+1].Nodes[b.To]
}

// ranked returns the bands from the largest down, or the emphasised ones.
func (f flowFigure) ranked(lit bool) []Band {
	var out []Band
	for _, b := range f.Bands {
		if b.Count > 0 && (!lit || b.Lit) {
			out = append(out, b)
		}
	}
	slices.SortStableFunc(out, func(a, b Band) int { return cmp.Compare(b.Count, a.Count) })
	return out
}

func (f flowFigure) alt() string {
	alt := fmt.Sprintf("Flow of %s through %d columns", number(f.total), len(f.Columns))
	if f.Label != "" {
		alt = fmt.Sprintf("Flow of %s (%s) through %d columns", f.Label, number(f.total), len(f.Columns))
	}
	for i, c := range f.Columns {
		sep := ", "
		if i == 0 {
			sep = ": "
		}
		alt += fmt.Sprintf("%s%s (%d)", sep, cmp.Or(c.Name, fmt.Sprintf("column %d", i+1)), len(c.Nodes))
	}
	top := f.ranked(false)[0]
	return alt + fmt.Sprintf(". Largest band: %s (%s).", f.name(top), number(top.Count))
}

func (f flowFigure) notes() []string {
	if !f.lit {
		return nil
	}
	s, all := "Emphasised:", f.ranked(true)
	for i, b := range all[:min(len(all), 6)] {
		if i > 0 {
			s += ","
		}
		s += fmt.Sprintf(" %s (%s)", f.name(b), number(b.Count))
	}
	if n := len(all) - 6; n > 0 {
		s += fmt.Sprintf(" and %d more", n)
	}
	return []string{s + "."}
}

func (f flowFigure) table() *sheet {
	t := Table{Columns: []string{"from", "to", cmp.Or(f.Label, "count"), "of from"}}
	for i := range f.Columns[1:] {
		for _, b := range f.ranked(false) {
			if b.Column == i {
				t.Rows = append(t.Rows, []any{f.Columns[i].Nodes[b.From], f.Columns[i+1].Nodes[b.To], b.Count, percent(b.Count / f.out[i][b.From])})
			}
		}
	}
	return t.sheet()
}

const (
	flowNode = 14 * px // width of a node
	flowGap  = 8 * px  // between the nodes of a column
)

// flowLayout is where the parts go.
type flowLayout struct {
	names  []vg.Length // room for the names of each column
	x      []vg.Length // left edges of the nodes
	w, h   vg.Length   // of the nodes and bands
	scale  vg.Length   // height of a count of one
	header vg.Length
}

func (f flowFigure) layout(maxWidth vg.Length) flowLayout {
	l := flowLayout{names: make([]vg.Length, len(f.Columns)), x: make([]vg.Length, len(f.Columns))}
	most := 0
	for i, c := range f.Columns {
		most = max(most, len(c.Nodes))
		if c.Name != "" {
			l.header = leading + 4*px
		}
		l.names[i] = min(widest(body, f.labels(i)), 150*px, maxWidth/4) + 8*px
	}
	last := len(f.Columns) - 1
	l.w = max(min(maxWidth, vg.Length(200+240*last)*px), vg.Length(last)*90*px+l.names[0]+l.names[last])
	step := (l.w - l.names[0] - l.names[last] - flowNode) / vg.Length(last)
	for i := range l.x {
		l.x[i] = l.names[0] + step*vg.Length(i)
		if i > 0 && i < last { // names of middle columns are within the bands
			l.names[i] = min(l.names[i], step-flowNode-4*px)
		}
	}
	l.h = min(max(260*px, vg.Length(most)*26*px), 900*px)
	l.scale = (l.h - flowGap*vg.Length(most-1)) / vg.Length(f.total)
	return l
}

// labels are the names of the nodes of a column with their counts.
func (f flowFigure) labels(i int) []string {
	out := make([]string, len(f.Columns[i].Nodes))
	for k, name := range f.Columns[i].Nodes {
		out[k] = name + " " + number(f.size(i, k))
	}
	return out
}

func (f flowFigure) fit(maxWidth vg.Length) drawing {
	l := f.layout(maxWidth)
	foot := vg.Length(0)
	if f.Label != "" {
		foot = leading + 4*px
	}
	return drawing{l.w, l.h + l.header + foot, func(p *pen, r vg.Rectangle) {
		if f.Label != "" {
			p.text(body, p.muted, r.Min.X, r.Min.Y+4*px, left, body.fit("Heights: "+f.Label, l.w))
		}
		f.draw(p, r.Min.X, r.Max.Y-l.header, l)
	}}
}

func (f flowFigure) draw(p *pen, x0, top vg.Length, l flowLayout) {
	// Columns are centred; nodes of nothing keep a hair's breadth.
	box := make([][]vg.Rectangle, len(f.Columns))
	for i, c := range f.Columns {
		used := flowGap * vg.Length(len(c.Nodes)-1)
		for k := range c.Nodes {
			used += l.scale * vg.Length(f.size(i, k))
		}
		y := top - (l.h-used)/2
		for k := range c.Nodes {
			h := l.scale * vg.Length(f.size(i, k))
			box[i] = append(box[i], rect(x0+l.x[i], y-h, x0+l.x[i]+flowNode, y))
			y -= h + flowGap
		}
	}
	f.bands(p, box, l)
	for i, c := range f.Columns {
		labels, mids := f.labels(i), spaced(box[i], 15*px)
		for k := range c.Nodes {
			r := box[i][k]
			if r.Max.Y-r.Min.Y < px {
				r.Min.Y = r.Max.Y - px
			}
			p.fillRect(p.ink, r)
			mid := mids[k] - 4*px
			switch i {
			case 0:
				p.text(body, p.ink, r.Min.X-5*px, mid, right, body.fit(labels[k], l.names[i]-8*px))
			case len(f.Columns) - 1:
				p.text(body, p.ink, r.Max.X+5*px, mid, left, body.fit(labels[k], l.names[i]-8*px))
			default:
				text := body.fit(labels[k], l.names[i])
				ground := p.paper
				ground.A = 225
				p.fillRect(ground, rect(r.Max.X+2*px, mid-3*px, r.Max.X+6*px+body.width(text), mid+11*px))
				p.text(body, p.ink, r.Max.X+4*px, mid, left, text)
			}
			p.spot(r, fmt.Sprintf("%s: %s in, %s out", c.Nodes[k], number(f.in[i][k]), number(f.out[i][k])))
		}
		a, x := center, x0+l.x[i]+flowNode/2
		switch i {
		case 0:
			a, x = right, x0+l.x[0]+flowNode
		case len(f.Columns) - 1:
			a, x = left, x0+l.x[i]
		}
		room := l.w / vg.Length(len(f.Columns))
		p.text(bold, p.ink, x, top+8*px, a, bold.fit(c.Name, max(room, l.names[i]+flowNode)))
	}
}

// spaced returns the middles of boxes below each other, moved apart to be at least step
// from one to the next.
func spaced(boxes []vg.Rectangle, step vg.Length) []vg.Length {
	mids := make([]vg.Length, len(boxes))
	for k, r := range boxes {
		mids[k] = (r.Min.Y + r.Max.Y) / 2
		if k > 0 {
			mids[k] = min(mids[k], mids[k-1]-step)
		}
	}
	if n := len(mids) - 1; n > 0 { // what was moved below the last box goes up again
		floor := min((boxes[n].Min.Y+boxes[n].Max.Y)/2, mids[0]-step*vg.Length(n))
		for k := n; k >= 0 && mids[k] < floor; k-- {
			mids[k] = floor
			floor += step
		}
	}
	return mids
}

// bands draws what connects the boxes of the nodes. At either end, the bands of a node are
// in the order of the nodes at their other ends, so that they cross as little as they can.
func (f flowFigure) bands(p *pen, box [][]vg.Rectangle, l flowLayout) {
	n := len(f.Bands)
	start, end := make([]vg.Length, n), make([]vg.Length, n) // tops of both ends
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	stack := func(into []vg.Length, node func(b Band) (column, k int), other func(b Band) int) {
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(other(f.Bands[a]), other(f.Bands[b])) })
		used := make(map[[2]int]vg.Length)
		for _, i := range order {
			column, k := node(f.Bands[i])
			into[i] = box[column][k].Max.Y - used[[2]int{column, k}]
			used[[2]int{column, k}] += l.scale * vg.Length(f.Bands[i].Count)
		}
	}
	stack(start, func(b Band) (int, int) { return b.Column, b.From }, func(b Band) int { return b.To })
	stack(end, func(b Band) (int, int) { return b.Column + 1, b.To }, func(b Band) int { return b.From })
	slices.SortFunc(order, func(a, b int) int { // the thin ones on top
		return cmp.Or(cmp.Compare(f.Bands[b].Count, f.Bands[a].Count), cmp.Compare(a, b))
	})
	for _, lit := range []bool{false, true} {
		for _, i := range order {
			b := f.Bands[i]
			if b.Lit != lit || b.Count == 0 {
				continue
			}
			h := l.scale * vg.Length(b.Count)
			from, to := vg.Point{X: box[b.Column][b.From].Max.X, Y: start[i]}, vg.Point{X: box[b.Column+1][b.To].Min.X, Y: end[i]}
			c := p.categoryColour(b.From)
			c.A = 130
			if f.lit {
				c = p.muted
				c.A = 70
			}
			if b.Lit {
				c = p.series[1]
				c.A = 220
			}
			path := swing(from, to)
			back := swing(vg.Point{X: to.X, Y: to.Y - h}, vg.Point{X: from.X, Y: from.Y - h})
			path.Line(vg.Point{X: to.X, Y: to.Y - h})
			path = append(path, back[1:]...)
			path.Close()
			p.SetColor(c)
			p.Fill(path)
			if h > 3*px { // an edge tells neighbours apart
				p.SetColor(p.paper)
				p.SetLineWidth(0.75 * px)
				p.SetLineDash(nil, 0)
				p.Stroke(path)
			}
			mid := (from.Y+to.Y)/2 - h/2
			half := max(h/2, 4*px)
			x := (from.X + to.X) / 2
			p.spot(rect(x-(to.X-from.X)/6, mid-half, x+(to.X-from.X)/6, mid+half), fmt.Sprintf("%s: %s", f.name(b), number(b.Count)))
		}
	}
}

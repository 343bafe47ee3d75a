package render

import (
	"cmp"
	"fmt"
	"image/color"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgimg"
)

// Mark emphasises one point of a Scatter.
type Mark struct {
	Point int    // which
	Label string // beside it; "" for none
}

// Scatter shows points in the plane: two features of samples, or an embedding of many
// features in two dimensions. Groups differ in colour and in shape.
type Scatter struct {
	Title string
	X, Y  []float64 // one per point, finite; at most 20,000 points

	Groups []string // names of the groups; nil if there is but one
	Group  []int    // of each point, counted from 0

	// Hollow points are drawn as outlines: synthetic samples, mistakes. HollowName and
	// FilledName say in the legend what that means.
	Hollow                 []bool // one per point, nil for none
	HollowName, FilledName string

	Marked []Mark   // points to emphasise
	Links  [][2]int // points to connect by a line: a sample and its nearest adversary
	Hulls  bool     // outlines the convex hull of each group

	XLabel, YLabel string

	// Map leaves out the axes and gives both directions the same scale. It is for
	// embeddings such as those of t-SNE, whose coordinates mean nothing by themselves.
	Map bool
}

const (
	pointsMost   = 20_000 // points of a Scatter
	pointsVector = 1500   // points up to which they are vectors in an SVG
	labelsMost   = 60     // labels of marked points
)

// View draws the points.
func (s Scatter) View() View {
	const where = "render.Scatter"
	n := len(s.X)
	switch {
	case n == 0:
		return Failed(fmt.Errorf("%s: no points given: %w", where, ErrEmpty))
	case len(s.Y) != n:
		return Failed(fmt.Errorf("%s: %d x for %d y: %w", where, n, len(s.Y), ErrSize))
	case n > pointsMost:
		return Failed(fmt.Errorf("%s: %d points are more than the %d that can be told apart; draw a sample of them: %w", where, n, pointsMost, ErrSize))
	case s.Group != nil && len(s.Group) != n:
		return Failed(fmt.Errorf("%s: %d groups for %d points: %w", where, len(s.Group), n, ErrSize))
	case s.Hollow != nil && len(s.Hollow) != n:
		return Failed(fmt.Errorf("%s: Hollow has %d entries for %d points: %w", where, len(s.Hollow), n, ErrSize))
	case (s.Groups == nil) != (s.Group == nil):
		return Failed(fmt.Errorf("%s: Groups and Group go together: %d names, %d memberships: %w", where, len(s.Groups), len(s.Group), ErrSize))
	}
	if err := finite(where, "x", s.X, false); err != nil {
		return Failed(err)
	}
	if err := finite(where, "y", s.Y, false); err != nil {
		return Failed(err)
	}
	for i, g := range s.Group {
		if g < 0 || g >= len(s.Groups) {
			return Failed(fmt.Errorf("%s: point %d is of group %d of %d (0-%d): %w", where, i, g, len(s.Groups), len(s.Groups)-1, ErrSize))
		}
	}
	for i, m := range s.Marked {
		if m.Point < 0 || m.Point >= n {
			return Failed(fmt.Errorf("%s: mark %d names point %d of %d (0-%d): %w", where, i, m.Point, n, n-1, ErrSize))
		}
	}
	for i, l := range s.Links {
		if min(l[0], l[1]) < 0 || max(l[0], l[1]) >= n {
			return Failed(fmt.Errorf("%s: link %d connects points %d and %d of %d (0-%d): %w", where, i, l[0], l[1], n, n-1, ErrSize))
		}
	}
	f := scatterFigure{Scatter: s}
	f.X, f.Y, f.Group, f.Hollow = slices.Clone(s.X), slices.Clone(s.Y), slices.Clone(s.Group), slices.Clone(s.Hollow)
	f.Groups, f.Links, f.Marked = cleanAll(s.Groups), slices.Clone(s.Links), slices.Clone(s.Marked)
	f.XLabel, f.YLabel, f.HollowName, f.FilledName = clean(s.XLabel), clean(s.YLabel), clean(s.HollowName), clean(s.FilledName)
	for i := range f.Marked {
		f.Marked[i].Label = clean(f.Marked[i].Label)
	}
	if f.Group == nil {
		f.Group, f.Groups = make([]int, n), []string{""}
	}
	for g, name := range f.Groups {
		if name == "" && len(f.Groups) > 1 {
			f.Groups[g] = fmt.Sprintf("group %d", g)
		}
	}
	f.members = make([][]int, len(f.Groups))
	for i, g := range f.Group {
		f.members[g] = append(f.members[g], i)
	}
	f.xlo, f.xhi = bounds([]Series{{X: f.X}}, func(s Series) [][]float64 { return [][]float64{s.X} })
	f.ylo, f.yhi = bounds([]Series{{Y: f.Y}}, func(s Series) [][]float64 { return [][]float64{s.Y} })
	for _, end := range [][2]*float64{{&f.xlo, &f.xhi}, {&f.ylo, &f.yhi}} {
		if *end[1]-*end[0] < 1e-300 { // nothing that arithmetic could spread
			*end[0], *end[1] = *end[0]-0.5, *end[1]+0.5
		}
	}
	return View{title: clean(s.Title), fig: f, alt: f.alt(), notes: f.notes(), table: f.table()}
}

// scatterFigure is a checked Scatter.
type scatterFigure struct {
	Scatter
	members            [][]int // points of each group
	xlo, xhi, ylo, yhi float64
}

func (f scatterFigure) alt() string {
	kind := "Scatter plot"
	if f.Map {
		kind = "Map"
	}
	alt := fmt.Sprintf("%s of %s", kind, plural(len(f.X), "point"))
	if len(f.Groups) > 1 {
		var names []string
		for g, name := range f.Groups[:min(len(f.Groups), 8)] {
			names = append(names, fmt.Sprintf("%s (%d)", name, len(f.members[g])))
		}
		alt += fmt.Sprintf(" in %d groups: %s", len(f.Groups), strings.Join(names, ", "))
		if n := len(f.Groups) - len(names); n > 0 {
			alt += fmt.Sprintf(" and %d more", n)
		}
	}
	if !f.Map && f.XLabel+f.YLabel != "" {
		alt += fmt.Sprintf("; %s across, %s up", cmp.Or(f.XLabel, "x"), cmp.Or(f.YLabel, "y"))
	}
	return alt + "."
}

func (f scatterFigure) notes() []string {
	var out []string
	if f.Map {
		out = append(out, "Only nearness has a meaning here; directions and distances have no unit.")
	}
	hollow := 0
	for _, h := range f.Hollow {
		if h {
			hollow++
		}
	}
	if hollow > 0 {
		out = append(out, fmt.Sprintf("%d of %s hollow: %s.", hollow, plural(len(f.X), "point"), cmp.Or(f.HollowName, "no name given")))
	}
	if len(f.Links) > 0 {
		out = append(out, fmt.Sprintf("%s between points.", plural(len(f.Links), "line")))
	}
	if len(f.Marked) > 0 {
		var marks []string
		for _, m := range f.Marked[:min(len(f.Marked), 12)] {
			marks = append(marks, fmt.Sprintf("%s (%s, %s)", cmp.Or(m.Label, fmt.Sprintf("point %d", m.Point)), number(f.X[m.Point]), number(f.Y[m.Point])))
		}
		if n := len(f.Marked) - len(marks); n > 0 {
			marks = append(marks, fmt.Sprintf("and %d more", n))
		}
		out = append(out, "Marked: "+strings.Join(marks, ", ")+".")
	}
	return out
}

// table has a row per group: its size, its centre and how far it spreads.
func (f scatterFigure) table() *sheet {
	x, y := cmp.Or(f.XLabel, "x"), cmp.Or(f.YLabel, "y")
	t := Table{Columns: []string{"group", "points", x + " mean", x + " sd", y + " mean", y + " sd"}}
	for g, name := range f.Groups {
		row := []any{cmp.Or(name, "all"), len(f.members[g])}
		for _, values := range [][]float64{f.X, f.Y} {
			mean, sd := f.spread(g, values)
			row = append(row, mean, sd)
		}
		t.Rows = append(t.Rows, row)
	}
	return t.sheet()
}

// spread returns the mean and the standard deviation of the values of a group, NaN if it
// is empty. Values are halved and scaled on the way, since they may be as large as 1e300.
func (f scatterFigure) spread(g int, values []float64) (mean, sd float64) {
	n := float64(len(f.members[g]))
	if n == 0 {
		return math.NaN(), math.NaN()
	}
	var top float64
	for _, i := range f.members[g] {
		mean += values[i] / n
		top = math.Max(top, math.Abs(values[i]))
	}
	if top == 0 {
		return 0, 0
	}
	for _, i := range f.members[g] {
		d := values[i]/top - mean/top
		sd += d * d
	}
	return mean, math.Sqrt(sd/n) * top
}

func (f scatterFigure) keys() legend {
	var out legend
	if len(f.Groups) > 1 {
		for g, name := range f.Groups {
			out = append(out, key{name, func(p *pen, r vg.Rectangle) { p.shape(g, p.categoryColour(g), middle(r), 4.5*px, false) }})
		}
	}
	for _, k := range []struct {
		name   string
		hollow bool
	}{{f.FilledName, false}, {f.HollowName, true}} {
		if k.name != "" && f.Hollow != nil {
			out = append(out, key{k.name, func(p *pen, r vg.Rectangle) { p.shape(0, p.ink, middle(r), 4.5*px, k.hollow) }})
		}
	}
	return out
}

func middle(r vg.Rectangle) vg.Point {
	return vg.Point{X: (r.Min.X + r.Max.X) / 2, Y: (r.Min.Y + r.Max.Y) / 2}
}

// radius of the points, smaller the more there are.
func (f scatterFigure) radius() vg.Length {
	switch n := len(f.X); {
	case n <= 150:
		return 4 * px
	case n <= 600:
		return 3 * px
	case n <= 4000:
		return 2.2 * px
	}
	return 1.6 * px
}

// scatterLayout is where the parts go.
type scatterLayout struct {
	left, bottom vg.Length // of the axes
	w, h         vg.Length // of the area
}

func (f scatterFigure) layout(maxWidth vg.Length) scatterLayout {
	if f.Map {
		w := max(min(maxWidth, 560*px), 160*px)
		aspect := math.Min(math.Max((f.yhi-f.ylo)/(f.xhi-f.xlo), 0.5), 1)
		if math.IsNaN(aspect) {
			aspect = 1
		}
		return scatterLayout{w: w, h: whole(w * vg.Length(aspect))}
	}
	l := scatterLayout{left: axisRoom, bottom: 24 * px, h: 320 * px}
	if f.YLabel != "" {
		l.left += barLabel
	}
	if f.XLabel != "" {
		l.bottom += leading
	}
	l.w = max(min(maxWidth, 560*px), 240*px) - l.left - 4*px
	return l
}

func (f scatterFigure) fit(maxWidth vg.Length) drawing {
	l := f.layout(maxWidth)
	w, h := l.left+l.w, l.h+l.bottom
	if !f.Map {
		w += 4 * px
		h += 4 * px
	}
	foot := f.keys().height(w)
	if foot > 0 {
		foot += 6 * px
	}
	return drawing{w, h + foot, func(p *pen, r vg.Rectangle) {
		f.keys().draw(p, rect(r.Min.X, r.Min.Y, r.Max.X, r.Min.Y+foot-6*px))
		top := r.Max.Y
		if !f.Map {
			top -= 4 * px
		}
		f.draw(p, rect(r.Min.X+l.left, top-l.h, r.Min.X+l.left+l.w, top), r.Min.X, l)
	}}
}

// place returns how positions become points of the area, with room for the marks at its
// edges.
func (f scatterFigure) place(area vg.Rectangle) func(x, y float64) vg.Point {
	pad := f.radius() + 5*px
	w, h := area.Max.X-area.Min.X-2*pad, area.Max.Y-area.Min.Y-2*pad
	share := func(v, lo, hi float64) vg.Length { return vg.Length((v/2 - lo/2) / (hi/2 - lo/2)) }
	if f.Map {
		scale := math.Min(float64(w)/(f.xhi-f.xlo), float64(h)/(f.yhi-f.ylo))
		usedW, usedH := vg.Length(scale*(f.xhi-f.xlo)), vg.Length(scale*(f.yhi-f.ylo))
		if usedW > 0 && usedH > 0 { // else the numbers are too large to multiply
			dx, dy := (w-usedW)/2, (h-usedH)/2
			return func(x, y float64) vg.Point {
				return vg.Point{X: area.Min.X + pad + dx + usedW*share(x, f.xlo, f.xhi), Y: area.Min.Y + pad + dy + usedH*share(y, f.ylo, f.yhi)}
			}
		}
	}
	return func(x, y float64) vg.Point {
		return vg.Point{X: area.Min.X + pad + w*share(x, f.xlo, f.xhi), Y: area.Min.Y + pad + h*share(y, f.ylo, f.yhi)}
	}
}

func (f scatterFigure) draw(p *pen, area vg.Rectangle, edge vg.Length, l scatterLayout) {
	at := f.place(area)
	if f.Map {
		p.strokeRect(p.grid, px, area)
	} else {
		f.axes(p, area, edge, at)
	}
	points := make([]vg.Point, len(f.X))
	for i := range points {
		points[i] = at(f.X[i], f.Y[i])
	}
	if f.Hulls {
		for g, members := range f.members {
			f.hull(p, g, members, points)
		}
	}
	for _, link := range f.Links {
		p.line(p.muted, px, nil, points[link[0]], points[link[1]])
	}
	f.dots(p, area, points)
	f.marks(p, area, points)
}

func (f scatterFigure) axes(p *pen, area vg.Rectangle, edge vg.Length, at func(x, y float64) vg.Point) {
	for _, t := range ticks(f.ylo, f.yhi, 9) {
		y := at(f.xlo, t.at).Y
		p.line(p.grid, px, nil, vg.Point{X: area.Min.X, Y: y}, vg.Point{X: area.Max.X, Y: y})
		p.text(body, p.muted, area.Min.X-6*px, y-4*px, right, body.fit(t.label, axisRoom-8*px))
	}
	for _, t := range ticks(f.xlo, f.xhi, int((area.Max.X-area.Min.X)/(64*px))) {
		x := at(t.at, f.ylo).X
		p.line(p.grid, px, nil, vg.Point{X: x, Y: area.Min.Y}, vg.Point{X: x, Y: area.Max.Y})
		p.text(body, p.muted, x, area.Min.Y-18*px, center, t.label)
	}
	p.line(p.rule, px, nil, vg.Point{X: area.Min.X, Y: area.Max.Y}, area.Min, vg.Point{X: area.Max.X, Y: area.Min.Y})
	p.text(body, p.muted, (area.Min.X+area.Max.X)/2, area.Min.Y-36*px, center, body.fit(f.XLabel, area.Max.X-area.Min.X))
	p.upText(body, p.muted, edge+6*px, (area.Min.Y+area.Max.Y)/2, body.fit(f.YLabel, area.Max.Y-area.Min.Y))
}

func (f scatterFigure) crowded() bool { return len(f.X) > pointsVector }

// dots draws all points, in an order that lets no group cover another just because it
// comes later. Beyond some number they are one image in an SVG, which keeps it small.
func (f scatterFigure) dots(p *pen, area vg.Rectangle, points []vg.Point) {
	to, shift := p, vg.Point{}
	var c *vgimg.Canvas
	if _, raster := p.Canvas.(rasterCanvas); f.crowded() && !raster {
		size := area.Size()
		c = vgimg.NewWith(vgimg.UseWH(size.X, size.Y), vgimg.UseDPI(192), vgimg.UseBackgroundColor(color.Transparent))
		to, shift = &pen{Canvas: rasterCanvas{c}, inks: p.inks}, area.Min
	}
	n := len(points)
	step := max(int(float64(n)*0.618), 1)
	for gcd(step, n) != 1 {
		step++
	}
	for k := range n {
		i := k * step % n
		q := vg.Point{X: points[i].X - shift.X, Y: points[i].Y - shift.Y}
		to.shape(f.Group[i], p.categoryColour(f.Group[i]), q, f.radius(), f.Hollow != nil && f.Hollow[i])
	}
	if c != nil {
		p.image(area, c.Image())
	}
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// hull outlines the convex hull of a group, by Andrew's monotone chain.
func (f scatterFigure) hull(p *pen, g int, members []int, points []vg.Point) {
	ring := convexHull(members, points)
	if len(ring) < 3 {
		return
	}
	c := p.categoryColour(g)
	p.line(c, 1.5*px, nil, append(ring, ring[0])...)
	c.A = 28
	p.polygon(c, ring...)
}

// convexHull returns the corners of the hull of some points, counter-clockwise from the
// leftmost, without points on its edges.
func convexHull(members []int, points []vg.Point) []vg.Point {
	var all []vg.Point
	for _, i := range members {
		all = append(all, points[i])
	}
	slices.SortFunc(all, func(a, b vg.Point) int { return cmp.Or(cmp.Compare(a.X, b.X), cmp.Compare(a.Y, b.Y)) })
	all = slices.Compact(all)
	if len(all) < 3 {
		return all
	}
	chain := func(order []vg.Point) []vg.Point {
		var out []vg.Point
		for _, q := range order {
			for n := len(out); n > 1; n = len(out) {
				a, b := out[n-2], out[n-1]
				if (b.X-a.X)*(q.Y-a.Y)-(b.Y-a.Y)*(q.X-a.X) > 0 {
					break
				}
				out = out[:n-1]
			}
			out = append(out, q)
		}
		return out[:len(out)-1]
	}
	lower := chain(all)
	slices.Reverse(all)
	return append(lower, chain(all)...)
}

// marks draws the emphasised points above all others, and their labels where they cover
// each other least.
func (f scatterFigure) marks(p *pen, area vg.Rectangle, points []vg.Point) {
	r := f.radius() + 2*px
	var taken []vg.Rectangle
	for _, m := range f.Marked {
		q := points[m.Point]
		p.disc(p.paper, q, r+2.5*px)
		p.ring(p.ink, 1.5*px, q, r+2*px)
		p.shape(f.Group[m.Point], p.categoryColour(f.Group[m.Point]), q, r-1.5*px, f.Hollow != nil && f.Hollow[m.Point])
		around := rect(q.X-r-2*px, q.Y-r-2*px, q.X+r+2*px, q.Y+r+2*px)
		taken = append(taken, around)
		what := cmp.Or(m.Label, fmt.Sprintf("point %d", m.Point))
		if name := f.Groups[f.Group[m.Point]]; name != "" {
			what += ", " + name
		}
		p.spot(around, fmt.Sprintf("%s (%s, %s)", what, number(f.X[m.Point]), number(f.Y[m.Point])))
	}
	for _, m := range f.Marked[:min(len(f.Marked), labelsMost)] {
		if m.Label == "" {
			continue
		}
		text := body.fit(m.Label, 160*px)
		q, w, h := points[m.Point], body.width(text)+4*px, 14*px
		var best vg.Rectangle
		least := vg.Length(math.Inf(1))
		for _, corner := range []vg.Point{
			{X: q.X + r + 3*px, Y: q.Y - h/2}, {X: q.X - r - 3*px - w, Y: q.Y - h/2},
			{X: q.X - w/2, Y: q.Y + r + 3*px}, {X: q.X - w/2, Y: q.Y - r - 3*px - h},
			{X: q.X + r, Y: q.Y + r}, {X: q.X - r - w, Y: q.Y - r - h},
		} {
			box := rect(corner.X, corner.Y, corner.X+w, corner.Y+h)
			cost := w*h - overlap(box, area) // what sticks out
			for _, other := range taken {
				cost += overlap(box, other)
			}
			if cost < least-1e-9 {
				best, least = box, cost
			}
		}
		taken = append(taken, best)
		ground := p.paper
		ground.A = 210
		p.fillRect(ground, best)
		p.text(body, p.ink, best.Min.X+2*px, best.Min.Y+3*px, left, text)
	}
}

// overlap returns the area that two rectangles share.
func overlap(a, b vg.Rectangle) vg.Length {
	w := min(a.Max.X, b.Max.X) - max(a.Min.X, b.Min.X)
	h := min(a.Max.Y, b.Max.Y) - max(a.Min.Y, b.Min.Y)
	return max(w, 0) * max(h, 0)
}

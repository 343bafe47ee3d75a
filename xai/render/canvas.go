package render

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"html/template"
	"image"
	"image/jpeg"
	"image/png"
	"math"
	"slices"
	"strings"

	xdraw "golang.org/x/image/draw"
	"gonum.org/v1/plot/vg"
)

// Thumb is one image at a place in the plane.
type Thumb struct {
	Image   Image   // its caption says in the HTML form what it is
	X, Y    float64 // finite; y grows upwards
	Cluster int     // counted from 0
}

// Canvas shows many small images at their places in an embedding, each in a frame of the
// colour of its cluster. Images that would cover each other move to a free place close by;
// where there is none, the picture leaves them out and says so.
//
// In HTML, readers move and enlarge the map, which makes room for more images, and look at
// all images of a cluster; a script of less than 4 kB does that. That form may take up to
// 3 MB.
type Canvas struct {
	Title    string
	Thumbs   []Thumb  // at most 5000
	Clusters []string // names; nil if there is but one
	About    []string // what readers see above the images of a cluster; nil, or one for each
	Side     int      // of an image in the picture, in CSS pixels, 16 to 96. Default 36
}

const (
	thumbsMost  = 5000
	spriteLimit = 1_600_000 // bytes, so that the HTML form stays below 3 MB
	captionMost = 60        // letters of a caption there
)

// View draws the map.
func (c Canvas) View() View {
	const where = "render.Canvas"
	switch {
	case len(c.Thumbs) == 0:
		return Failed(fmt.Errorf("%s: no images given: %w", where, ErrEmpty))
	case len(c.Thumbs) > thumbsMost:
		return Failed(fmt.Errorf("%s: %d images are more than the %d that fit a page; draw a sample of them: %w", where, len(c.Thumbs), thumbsMost, ErrSize))
	case c.Side != 0 && (c.Side < 16 || c.Side > 96):
		return Failed(fmt.Errorf("%s: Side is %d; 16 to 96 pixels can be drawn, or 0 for the default: %w", where, c.Side, ErrSize))
	}
	f := canvasFigure{Canvas: c}
	f.Side = cmp.Or(c.Side, 36)
	f.Clusters = cleanAll(c.Clusters)
	if len(f.Clusters) == 0 {
		f.Clusters = []string{"images"}
	}
	if f.About = cleanAll(c.About); len(f.About) != 0 && len(f.About) != len(f.Clusters) {
		return Failed(fmt.Errorf("%s: About has %d texts for %d clusters: %w", where, len(f.About), len(f.Clusters), ErrSize))
	}
	f.Thumbs = slices.Clone(c.Thumbs)
	var xs, ys []float64
	for i := range f.Thumbs {
		t := &f.Thumbs[i]
		if err := t.Image.check(fmt.Sprintf("%s: image %d", where, i)); err != nil {
			return Failed(err)
		}
		if t.Cluster < 0 || t.Cluster >= len(f.Clusters) {
			return Failed(fmt.Errorf("%s: image %d is of cluster %d of %d (0-%d): %w", where, i, t.Cluster, len(f.Clusters), len(f.Clusters)-1, ErrSize))
		}
		xs, ys = append(xs, t.X), append(ys, t.Y)
		f.pictures = append(f.pictures, t.Image.picture())
		t.Image.Caption, t.Image.Pixels = clean(t.Image.Caption), nil
	}
	if err := finite(where, "x", xs, false); err != nil {
		return Failed(err)
	}
	if err := finite(where, "y", ys, false); err != nil {
		return Failed(err)
	}
	f.members = make([]int, len(f.Clusters))
	for g, name := range f.Clusters {
		if name == "" {
			f.Clusters[g] = fmt.Sprintf("cluster %d", g)
		}
	}
	for _, t := range f.Thumbs {
		f.members[t.Cluster]++
	}
	f.u, f.v = unit(xs), unit(ys)
	return View{title: clean(c.Title), fig: f, web: f, alt: f.alt(), notes: f.notes(), table: f.table()}
}

// unit maps values to [0,1].
func unit(values []float64) []float64 {
	lo, hi := slices.Min(values), slices.Max(values)
	out := make([]float64, len(values))
	for i, v := range values {
		if out[i] = (v/2 - lo/2) / (hi/2 - lo/2); !(hi/2-lo/2 > 0) {
			out[i] = 0.5
		}
	}
	return out
}

// canvasFigure is a checked Canvas.
type canvasFigure struct {
	Canvas
	pictures []*image.NRGBA
	members  []int     // of each cluster
	u, v     []float64 // places in the unit square
}

func (f canvasFigure) alt() string {
	var names []string
	for g, name := range f.Clusters[:min(len(f.Clusters), 10)] {
		names = append(names, fmt.Sprintf("%s (%d)", name, f.members[g]))
	}
	if n := len(f.Clusters) - len(names); n > 0 {
		names = append(names, fmt.Sprintf("%d more", n))
	}
	return fmt.Sprintf("Map of %s in %s: %s.", plural(len(f.Thumbs), "image"), plural(len(f.Clusters), "cluster"), strings.Join(names, ", "))
}

func (f canvasFigure) notes() []string {
	notes := []string{"Images that are close are alike to the method that placed them; directions and distances have no unit."}
	if l := f.layout(pageWidth - 20*px); l.shown < len(f.Thumbs) { // readers of HTML move closer
		notes = append(notes, fmt.Sprintf("%d of %d images are shown in the still picture; the others have no free place close to theirs.", l.shown, len(f.Thumbs)))
	}
	return notes
}

func (f canvasFigure) footnote(l canvasLayout) string {
	if l.shown == len(f.Thumbs) {
		return ""
	}
	return fmt.Sprintf("%d of %d images are shown; the others had no free place close to theirs.", l.shown, len(f.Thumbs))
}

func (f canvasFigure) table() *sheet {
	t := Table{Columns: []string{"cluster", "images", "of all"}}
	for g, name := range f.Clusters {
		t.Rows = append(t.Rows, []any{name, f.members[g], percent(float64(f.members[g]) / float64(len(f.Thumbs)))})
	}
	return t.sheet()
}

// canvasLayout is a grid of cells with at most one image each.
type canvasLayout struct {
	cell       vg.Length
	cols, rows int
	at         []int // image in each cell, row 0 at the bottom; -1 for none
	shown      int
}

// layout puts the images into the cells of a grid. Every cell keeps the image that is
// nearest to its middle; the others, in their order, take the nearest free cell at most
// two away, or none.
func (f canvasFigure) layout(maxWidth vg.Length) canvasLayout {
	l := canvasLayout{cell: vg.Length(f.Side+8) * px}
	w := max(min(maxWidth, 860*px), 4*l.cell)
	l.cols = int(w / l.cell)
	l.rows = max(int(w*2/3/l.cell), 1)
	l.at = make([]int, l.cols*l.rows)
	for i := range l.at {
		l.at[i] = -1
	}
	place := func(i int) (x, y float64) { // in cells
		return 0.5 + f.u[i]*float64(l.cols-1), 0.5 + f.v[i]*float64(l.rows-1)
	}
	far := func(i, c int) float64 {
		x, y := place(i)
		dx, dy := x-float64(c%l.cols)-0.5, y-float64(c/l.cols)-0.5
		return dx*dx + dy*dy
	}
	var rest []int
	for i := range f.Thumbs {
		x, y := place(i)
		c := min(int(y), l.rows-1)*l.cols + min(int(x), l.cols-1)
		switch old := l.at[c]; {
		case old < 0:
			l.at[c] = i
		case far(i, c) < far(old, c):
			l.at[c] = i
			rest = append(rest, old)
		default:
			rest = append(rest, i)
		}
	}
	slices.Sort(rest)
	l.shown = len(f.Thumbs) - len(rest)
	for _, i := range rest {
		x, y := place(i)
		best, least := -1, math.Inf(1)
		for row := max(int(y)-2, 0); row <= min(int(y)+2, l.rows-1); row++ {
			for col := max(int(x)-2, 0); col <= min(int(x)+2, l.cols-1); col++ {
				if c := row*l.cols + col; l.at[c] < 0 && far(i, c) < least {
					best, least = c, far(i, c)
				}
			}
		}
		if best >= 0 {
			l.at[best] = i
			l.shown++
		}
	}
	return l
}

func (f canvasFigure) keys() legend {
	var out legend
	for g, name := range f.Clusters {
		out = append(out, key{fmt.Sprintf("%s (%d)", name, f.members[g]), func(p *pen, r vg.Rectangle) { p.shape(g, p.categoryColour(g), middle(r), 5*px, false) }})
	}
	return out
}

func (f canvasFigure) fit(maxWidth vg.Length) drawing {
	l := f.layout(maxWidth)
	w, h := vg.Length(l.cols)*l.cell, vg.Length(l.rows)*l.cell
	keys := f.keys()
	note := body.wrap(f.footnote(l), w, 2)
	foot := keys.height(w) + 6*px + vg.Length(len(note))*leading
	return drawing{w, h + foot, func(p *pen, r vg.Rectangle) {
		for i, line := range note {
			p.text(body, p.muted, r.Min.X, r.Min.Y+vg.Length(len(note)-1-i)*leading+4*px, left, line)
		}
		keys.draw(p, rect(r.Min.X, r.Min.Y, r.Max.X, r.Min.Y+foot-6*px))
		bottom := r.Min.Y + foot
		p.strokeRect(p.grid, px, rect(r.Min.X, bottom, r.Max.X, r.Max.Y))
		for c, i := range l.at {
			if i >= 0 {
				x, y := r.Min.X+vg.Length(c%l.cols)*l.cell, bottom+vg.Length(c/l.cols)*l.cell
				f.thumb(p, i, rect(x+px, y+px, x+l.cell-px, y+l.cell-px))
			}
		}
	}}
}

// thumb draws image i in its frame, with the mark of its cluster at a corner.
func (f canvasFigure) thumb(p *pen, i int, r vg.Rectangle) {
	t := f.Thumbs[i]
	c := p.categoryColour(t.Cluster)
	p.fillRect(c, r)
	const frame = 3 * px
	inner := rect(r.Min.X+frame, r.Min.Y+frame, r.Max.X-frame, r.Max.Y-frame)
	p.fillRect(p.paper, inner)
	b := f.pictures[i].Bounds()
	w, h := inner.Max.X-inner.Min.X, inner.Max.Y-inner.Min.Y
	if b.Dx() > b.Dy() {
		h = w * vg.Length(b.Dy()) / vg.Length(b.Dx())
	} else {
		w = h * vg.Length(b.Dx()) / vg.Length(b.Dy())
	}
	mid := middle(inner)
	p.image(rect(mid.X-w/2, mid.Y-h/2, mid.X+w/2, mid.Y+h/2), f.pictures[i])
	if len(f.Clusters) > 1 {
		at := vg.Point{X: r.Max.X - 5*px, Y: r.Max.Y - 5*px}
		p.disc(p.paper, at, 6*px)
		p.shape(t.Cluster, c, at, 4*px, false)
	}
	said := f.Clusters[t.Cluster]
	if t.Image.Caption != "" {
		said = t.Image.Caption + " · " + said
	}
	p.spot(r, said)
}

// html returns the picture, and what the script needs to make a map of it: all images in
// one, and their places. Until the script runs, and without it, the picture is what shows.
func (f canvasFigure) html(v View, _ string) (template.HTML, []script, error) {
	still, width, err := v.still(pngLimit * 2 / 3)
	if err != nil {
		return "", nil, err
	}
	sprite, side, cols, err := f.sprite()
	if err != nil {
		return "", nil, fmt.Errorf("render: figure %q: %w", v.Name(), err)
	}
	type cluster struct {
		Name   string `json:"n"`
		Colour string `json:"c"`
		Style  string `json:"s"`
		About  string `json:"a,omitempty"`
	}
	data := struct {
		Side     int       `json:"t"`
		Columns  int       `json:"w"`
		Clusters []cluster `json:"g"`
		Places   [][3]int  `json:"p"` // across, up (both in thousandths), cluster
		Captions []string  `json:"k"`
	}{Side: side, Columns: cols}
	inks := v.theme.inks()
	for g, name := range f.Clusters {
		c := inks.series[g%len(inks.series)]
		one := cluster{Name: name, Colour: fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B), Style: []string{"solid", "dashed", "dotted"}[g/len(inks.series)%3]}
		if len(f.About) > 0 {
			one.About = f.About[g]
		}
		data.Clusters = append(data.Clusters, one)
	}
	for i, t := range f.Thumbs {
		data.Places = append(data.Places, [3]int{int(f.u[i]*1000 + 0.5), int(f.v[i]*1000 + 0.5), t.Cluster})
		caption := []rune(t.Image.Caption)
		if len(caption) > captionMost {
			caption = append(caption[:captionMost-1:captionMost-1], '…')
		}
		data.Captions = append(data.Captions, string(caption))
	}
	text, err := json.Marshal(data)
	if err != nil {
		return "", nil, fmt.Errorf("render: figure %q: %w", v.Name(), err)
	}
	class := ""
	if v.theme == Light {
		class = ` class="whybook-light"`
	}
	box, err := canvasScript.box()
	if err != nil {
		return "", nil, err
	}
	return template.HTML(fmt.Sprintf("<div class=\"whybook-canvas\" %s data-w=\"%s\" data-s=\"%s\">\n<img%s src=\"%s\" alt=\"%s\" width=\"%d\">\n</div>\n",
		box, html.EscapeString(string(text)), sprite, class, still, html.EscapeString(v.Alt()), width)), []script{canvasScript}, nil
}

// sprite returns all images in one, as a data URI, the side of its square cells in pixels
// and the number of its columns. It is a PNG where that is small enough, else a JPEG, and
// of smaller images if it must.
func (f canvasFigure) sprite() (uri string, side, cols int, err error) {
	cols = int(math.Ceil(math.Sqrt(float64(len(f.pictures)))))
	rows := (len(f.pictures) + cols - 1) / cols
	for _, side = range []int{36, 28, 20} {
		all := image.NewNRGBA(image.Rect(0, 0, cols*side, rows*side))
		for i, m := range f.pictures {
			b := m.Bounds()
			w, h := side, side
			if b.Dx() > b.Dy() {
				h = max(side*b.Dy()/b.Dx(), 1)
			} else {
				w = max(side*b.Dx()/b.Dy(), 1)
			}
			x, y := i%cols*side+(side-w)/2, i/cols*side+(side-h)/2
			to := image.Rect(x, y, x+w, y+h)
			if scaler(b, to) == xdraw.NearestNeighbor {
				xdraw.NearestNeighbor.Scale(all, to, m, b, xdraw.Src, nil)
			} else {
				xdraw.ApproxBiLinear.Scale(all, to, m, b, xdraw.Src, nil) // by the thousand
			}
		}
		var out bytes.Buffer
		if err = png.Encode(&out, all); err != nil {
			return "", 0, 0, err
		}
		if out.Len() <= spriteLimit/2 {
			return "data:image/png;base64," + base64.StdEncoding.EncodeToString(out.Bytes()), side, cols, nil
		}
		out.Reset()
		if err = jpeg.Encode(&out, all, &jpeg.Options{Quality: 82}); err != nil {
			return "", 0, 0, err
		}
		if out.Len() <= spriteLimit {
			return "data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(out.Bytes()), side, cols, nil
		}
	}
	return "", 0, 0, fmt.Errorf("the images need more than %d kB; show fewer", spriteLimit/1000)
}

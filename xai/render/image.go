package render

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"strings"

	"gonum.org/v1/plot/vg"
)

// Image is a picture with an optional caption below it.
type Image struct {
	Title string

	// Pixels holds Channels*Height*Width values in [0,1], channel-major (planes), row 0
	// on top. Channels is 1 (grey) or 3 (red, green, blue).
	Pixels                  []float64
	Channels, Height, Width int

	Caption string // below the image: "7, predicted 9"
	Marked  bool   // draws a thick frame and a cross: a mistake, an outlier
}

// View draws the image.
func (m Image) View() View {
	if err := m.check("render.Image"); err != nil {
		return Failed(err)
	}
	m.Pixels = append([]float64(nil), m.Pixels...)
	m.Caption = clean(m.Caption)
	return View{
		title: clean(m.Title),
		fig:   gridFigure{images: []Image{m}, single: true},
		alt:   m.describe() + ".",
		list:  fold(m.describe()+".", 80) + "\n",
	}
}

func (m Image) check(where string) error {
	switch n := m.Channels * m.Height * m.Width; {
	case m.Height < 1 || m.Width < 1:
		return fmt.Errorf("%s: image size is %dx%d; Height and Width must be at least 1: %w", where, m.Height, m.Width, ErrEmpty)
	case m.Channels != 1 && m.Channels != 3:
		return fmt.Errorf("%s: image has %d channels; 1 (grey) and 3 (red, green, blue) can be shown: %w", where, m.Channels, ErrSize)
	case len(m.Pixels) != n:
		return fmt.Errorf("%s: %d pixel values for an image of %dx%dx%d, which needs %d: %w", where, len(m.Pixels), m.Channels, m.Height, m.Width, n, ErrSize)
	}
	const slack = 1e-3 // rounding in whatever made the image
	for i, v := range m.Pixels {
		if !(v >= -slack && v <= 1+slack) {
			return fmt.Errorf("%s: pixel value %d is %v; images hold values in [0,1] (divide bytes by 255, or show other numbers as a HeatMap): %w", where, i, v, ErrNotFinite)
		}
	}
	return nil
}

func (m Image) picture() *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, m.Width, m.Height))
	plane := m.Height * m.Width
	level := func(channel, i int) uint8 {
		if m.Channels == 1 {
			channel = 0
		}
		return uint8(math.Min(math.Max(m.Pixels[channel*plane+i], 0), 1)*255 + 0.5)
	}
	for i := range plane {
		img.SetNRGBA(i%m.Width, i/m.Width, color.NRGBA{level(0, i), level(1, i), level(2, i), 255})
	}
	return img
}

func (m Image) describe() string {
	kind := "Grey image"
	if m.Channels == 3 {
		kind = "Colour image"
	}
	var sum float64
	for _, v := range m.Pixels {
		sum += v
	}
	s := fmt.Sprintf("%s of %d by %d pixels, mean brightness %s", kind, m.Height, m.Width, percent(math.Max(0, sum/float64(len(m.Pixels)))))
	if m.Caption != "" {
		s += ", captioned " + quote(m.Caption)
	}
	if m.Marked {
		s += ", marked"
	}
	return s
}

// ImageGrid shows images in rows and columns, each with its caption.
type ImageGrid struct {
	Title  string
	Images []Image // titles are not used
	// Columns is the number of images per row. Default: what fits and fills the rows well.
	Columns int
}

// View draws the grid.
func (g ImageGrid) View() View {
	const where = "render.ImageGrid"
	if len(g.Images) == 0 {
		return Failed(fmt.Errorf("%s: no images given: %w", where, ErrEmpty))
	}
	if g.Columns < 0 {
		return Failed(fmt.Errorf("%s: Columns is %d; it must be positive, or 0 for what fits: %w", where, g.Columns, ErrSize))
	}
	images := make([]Image, len(g.Images))
	for i, m := range g.Images {
		if err := m.check(fmt.Sprintf("%s: image %d", where, i)); err != nil {
			return Failed(err)
		}
		m.Pixels = append([]float64(nil), m.Pixels...)
		m.Caption = clean(m.Caption)
		images[i] = m
	}
	fig := gridFigure{images: images, columns: g.Columns}
	return View{
		title: clean(g.Title),
		fig:   fig,
		alt:   gridAlt(images),
		table: imageTable(images),
		list:  imageList(images, fig.layout(pageWidth).columns),
	}
}

func gridAlt(images []Image) string {
	var captions []string
	marked, more := 0, 0
	for _, m := range images {
		if m.Marked {
			marked++
		}
		switch {
		case m.Caption == "":
		case len(captions) < 8:
			captions = append(captions, quote(m.Caption))
		default:
			more++
		}
	}
	s := fmt.Sprintf("Grid of %s", plural(len(images), "image"))
	if marked > 0 {
		s += fmt.Sprintf(", %d of them marked", marked)
	}
	if len(captions) > 0 {
		s += ": " + strings.Join(captions, ", ")
		if more > 0 {
			s += fmt.Sprintf(" and %d more", more)
		}
	}
	return s + "."
}

func quote(s string) string { return "“" + s + "”" }

func imageTable(images []Image) *sheet {
	t := Table{Columns: []string{"image", "caption", "marked"}}
	for i, m := range images {
		mark := ""
		if m.Marked {
			mark = "yes"
		}
		t.Rows = append(t.Rows, []any{i, m.Caption, mark})
	}
	return t.sheet()
}

// imageList writes what the images are and then their captions, numbered, up to perLine
// side by side as in the picture.
func imageList(images []Image, perLine int) string {
	const width = 80
	captioned, marked, alike := false, 0, true
	for _, m := range images {
		captioned = captioned || m.Caption != ""
		if m.Marked {
			marked++
		}
		alike = alike && m.Channels == images[0].Channels && m.Height == images[0].Height && m.Width == images[0].Width
	}
	head := plural(len(images), "image")
	if alike {
		kind := "grey"
		if images[0].Channels == 3 {
			kind = "colour"
		}
		head = fmt.Sprintf("%s of %d by %d pixels", plural(len(images), kind+" image"), images[0].Height, images[0].Width)
	}
	if marked > 0 {
		head += fmt.Sprintf(", %d marked (✗)", marked)
	}
	head += ".\n"
	if !captioned && marked == 0 {
		return head
	}

	shown := images[:min(len(images), textRows)]
	number := len(fmt.Sprint(len(shown) - 1))
	entries := make([]string, len(shown))
	cell := 0
	for i, m := range shown {
		entries[i] = strings.TrimRight(fmt.Sprintf("%*d: %s", number, i, m.Caption), " ")
		if m.Marked {
			entries[i] += " ✗"
		}
		cell = max(cell, columns(entries[i]))
	}
	var b strings.Builder
	b.WriteString(head)
	perLine = max(1, min(perLine, (width+3)/(cell+3)))
	for i, s := range entries {
		b.WriteString(s)
		if (i+1)%perLine == 0 || i == len(entries)-1 {
			b.WriteByte('\n')
			continue
		}
		b.WriteString(strings.Repeat(" ", cell+3-columns(s)))
	}
	if rest := len(images) - len(shown); rest > 0 {
		fmt.Fprintf(&b, "… %d more, %s in all.\n", rest, plural(len(images), "image"))
	}
	return b.String()
}

// gridFigure lays out images in cells of equal size.
type gridFigure struct {
	images  []Image
	columns int
	single  bool // one image, shown larger
}

// gridLayout is the outcome for one width.
type gridLayout struct {
	columns   int
	limit     vg.Length // longest side of an image
	cellW     vg.Length
	heights   []vg.Length // of the image in each row
	captions  [][]string  // lines below each image
	rowHeight []vg.Length
}

const gridGap = 14 * px

func (g gridFigure) layout(maxWidth vg.Length) gridLayout {
	n := len(g.images)
	room := int(maxWidth/px) - 4
	// The cell starts from a comfortable size and shrinks with the number of images.
	cell := 96
	switch {
	case g.single:
		cell = 280
	case n <= 4:
		cell = 160
	case n <= 12:
		cell = 120
	}
	least := 56
	gap := int(gridGap / px)
	k := g.columns
	if k == 0 {
		fits := max(1, (room+gap)/(cell+gap))
		k = min(n, fits)
		for c, best := fits, n; n > fits && c > fits/2; c-- { // 25 images in 5 rows of 5
			if empty := (c - n%c) % c; empty < best {
				k, best = c, empty
			}
		}
	}
	k = min(k, n)
	cell = max(min(cell, (room-(k-1)*gap)/k), least)

	limit := vg.Length(cell) * px
	l := gridLayout{columns: k, limit: limit}
	for _, m := range g.images {
		w, _ := m.shown(limit)
		l.cellW = max(l.cellW, w, min(limit, whole(captionStyle(m).width(m.Caption))))
	}
	for i := 0; i < n; i += k {
		var imgH vg.Length
		lines := 0
		for _, m := range g.images[i:min(i+k, n)] {
			_, h := m.shown(limit)
			imgH = max(imgH, h)
			text := captionStyle(m).wrap(m.Caption, l.cellW+gridGap/2, 3)
			lines = max(lines, len(text))
			l.captions = append(l.captions, text)
		}
		h := imgH + 4*px
		if lines > 0 {
			h += vg.Length(lines)*leading + 2*px
		}
		l.heights = append(l.heights, imgH)
		l.rowHeight = append(l.rowHeight, h)
	}
	return l
}

func captionStyle(m Image) textStyle {
	if m.Marked {
		return bold
	}
	return body
}

// shown returns the size of the image in a cell: whole CSS pixels per pixel if it is
// enlarged.
func (m Image) shown(cell vg.Length) (w, h vg.Length) {
	longest := max(m.Width, m.Height)
	s := float64(cell/px) / float64(longest)
	if s > 1 {
		s = math.Floor(s)
	}
	side := func(n int) vg.Length { return vg.Length(math.Max(math.Round(float64(n)*s), 2)) * px }
	return side(m.Width), side(m.Height)
}

func (g gridFigure) fit(maxWidth vg.Length) drawing {
	l := g.layout(maxWidth)
	var h vg.Length
	w := l.cellW*vg.Length(l.columns) + gridGap*vg.Length(l.columns-1) + 4*px
	for i, rh := range l.rowHeight {
		if i > 0 {
			h += 8 * px
		}
		h += rh
	}
	return drawing{w, h, func(p *pen, r vg.Rectangle) { g.draw(p, r, l) }}
}

func (g gridFigure) draw(p *pen, r vg.Rectangle, l gridLayout) {
	top := r.Max.Y
	for i, m := range g.images {
		row, col := i/l.columns, i%l.columns
		if col == 0 && row > 0 {
			top -= l.rowHeight[row-1] + 8*px
		}
		w, h := m.shown(l.limit)
		x := r.Min.X + 2*px + vg.Length(col)*(l.cellW+gridGap)
		ix := x + whole((l.cellW-w)/2)
		iy := top - 2*px - l.heights[row] + whole((l.heights[row]-h)/2)
		frame := rect(ix, iy, ix+w, iy+h)
		p.image(frame, m.picture())
		ink := p.ink
		if m.Marked {
			p.strokeRect(p.alarm, 3*px, grow(frame, 3*px))
			p.cross(frame.Max)
			ink = p.alarm
		} else {
			p.strokeRect(p.rule, px, grow(frame, px))
		}
		y := top - 4*px - l.heights[row] - 14*px
		for _, text := range l.captions[i] {
			p.text(captionStyle(m), ink, x+l.cellW/2, y, center, text)
			y -= leading
		}
	}
}

// cross puts the badge of a marked image into the corner at the top right.
func (p *pen) cross(corner vg.Point) {
	const side, arm = 16 * px, 4 * px
	badge := rect(corner.X+3*px-side, corner.Y+3*px-side, corner.X+3*px, corner.Y+3*px)
	p.fillRect(p.alarm, badge)
	cx, cy := (badge.Min.X+badge.Max.X)/2, (badge.Min.Y+badge.Max.Y)/2
	p.line(p.paper, 2*px, nil, vg.Point{X: cx - arm, Y: cy - arm}, vg.Point{X: cx + arm, Y: cy + arm})
	p.line(p.paper, 2*px, nil, vg.Point{X: cx - arm, Y: cy + arm}, vg.Point{X: cx + arm, Y: cy - arm})
}

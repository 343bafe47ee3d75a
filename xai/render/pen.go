package render

import (
	"image"
	"image/color"
	"math"
	"strings"
	"sync"
	"unicode"

	xfont "golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/font/liberation"
	"gonum.org/v1/plot/vg"
)

// px is one CSS pixel. Figures are laid out in whole CSS pixels, so that edges fall on
// device pixels at every resolution we write.
const px = vg.Inch / 96

// figure is what a View frames: something that can be laid out and drawn. A figure whose
// picture has a colour bar or names beside it may also have a method beside, which returns
// their width; neighbours in a Row then make their pictures equally wide.
type figure interface {
	// fit lays the figure out to be at most maxWidth wide. A figure that cannot become
	// that narrow takes its least width.
	fit(maxWidth vg.Length) drawing
}

// drawing is a figure of a definite size.
type drawing struct {
	w, h vg.Length
	draw func(p *pen, r vg.Rectangle) // r has the size w x h
}

// pen draws on a canvas in the colours of a theme.
type pen struct {
	vg.Canvas
	inks
	spots []spot
	cells vg.Rectangle // where a figure of cells drew them, for a Threshold
}

// spot is a place of the picture that has something to say when the reader points at it or
// reaches it with the keyboard. Only the SVG can show it.
type spot struct {
	at   vg.Rectangle
	text string
}

func (p *pen) spot(at vg.Rectangle, text string) { p.spots = append(p.spots, spot{at, text}) }

// textStyle is one of the few faces that figures use.
type textStyle int

const (
	body  textStyle = iota // 9 pt
	bold                   // 9 pt bold
	title                  // 11 pt bold
	mono                   // 9 pt monospaced
)

// leading is the distance between baselines of body text, titleLeading that of titles.
const (
	leading      = 16 * px
	titleLeading = 19 * px
)

// fontCache parses the fonts once per process.
var fontCache = sync.OnceValue(func() *font.Cache { return font.NewCache(liberation.Collection()) })

func (s textStyle) face() font.Face {
	f := font.Font{Typeface: "Liberation", Variant: "Sans"}
	size := vg.Points(9)
	switch s {
	case bold:
		f.Weight = xfont.WeightBold
	case title:
		f.Weight, size = xfont.WeightBold, vg.Points(11)
	case mono:
		f.Variant = "Mono"
	}
	return fontCache().Lookup(f, size)
}

func (s textStyle) width(text string) vg.Length { return widthOf(s.face(), text) }

// widthOf measures text as it is drawn in a PNG, which is close to how wide browsers draw
// it, whatever font they take for letters that ours lacks.
func widthOf(f font.Face, text string) vg.Length { return f.Width(drawable(f, text)) }

// drawable replaces every character that the font lacks by a box, about as wide as the
// character would be, and drops those that have no width of their own.
func drawable(f font.Face, text string) string {
	var buf sfnt.Buffer
	var b strings.Builder
	for _, r := range text {
		switch glyph, err := f.Face.GlyphIndex(&buf, r); {
		case r >= 0x200C && r <= 0x200F, r >= 0xFE00 && r <= 0xFE0F: // joiners, variation selectors
		case err == nil && glyph != 0:
			b.WriteRune(r)
		case columns(string(r)) == 1:
			b.WriteRune('□')
		case columns(string(r)) == 2:
			b.WriteString("□ ")
		}
	}
	return b.String()
}

// fit shortens text with an ellipsis until it is at most w wide.
func (s textStyle) fit(text string, w vg.Length) string {
	if s.width(text) <= w {
		return text
	}
	r := []rune(text)
	lo, hi := 0, len(r) // the longest prefix that fits, by bisection
	for lo < hi {
		mid := (lo + hi + 1) / 2
		if s.width(string(r[:mid])+"…") <= w {
			lo = mid
		} else {
			hi = mid - 1
		}
	}
	return strings.TrimRightFunc(string(r[:lo]), unicode.IsSpace) + "…"
}

// wrap breaks text into at most max lines of width w; what does not fit ends in an ellipsis.
func (s textStyle) wrap(text string, w vg.Length, max int) []string {
	words := strings.Fields(text)
	var lines []string
	for len(words) > 0 {
		if len(lines) == max-1 {
			return append(lines, s.fit(strings.Join(words, " "), w))
		}
		line, n := words[0], 1
		for n < len(words) && s.width(line+" "+words[n]) <= w {
			line += " " + words[n]
			n++
		}
		lines = append(lines, s.fit(line, w))
		words = words[n:]
	}
	return lines
}

// align places text relative to a point.
type align float64

const (
	left   align = 0
	center align = 0.5
	right  align = 1
)

// text writes one line with its baseline at (x, y).
func (p *pen) text(s textStyle, c color.Color, x, y vg.Length, a align, text string) {
	if text == "" {
		return
	}
	f := s.face()
	p.SetColor(c)
	p.FillString(f, vg.Point{X: x - vg.Length(a)*widthOf(f, text), Y: y}, text)
}

// upText writes one line that reads upwards, centred at (x, y).
func (p *pen) upText(s textStyle, c color.Color, x, y vg.Length, text string) {
	if text == "" {
		return
	}
	f := s.face()
	p.Push()
	p.SetColor(c)
	p.Translate(vg.Point{X: x + 3*px, Y: y - widthOf(f, text)/2})
	p.Rotate(math.Pi / 2)
	p.FillString(f, vg.Point{}, text)
	p.Pop()
}

func (p *pen) polygon(c color.Color, points ...vg.Point) {
	p.SetColor(c)
	p.Fill(pathOf(points, true))
}

func (p *pen) fillRect(c color.Color, r vg.Rectangle) {
	p.polygon(c, r.Min, vg.Point{X: r.Max.X, Y: r.Min.Y}, r.Max, vg.Point{X: r.Min.X, Y: r.Max.Y})
}

// strokeRect draws a frame of width w just inside r.
func (p *pen) strokeRect(c color.Color, w vg.Length, r vg.Rectangle) {
	p.fillRect(c, rect(r.Min.X, r.Min.Y, r.Max.X, r.Min.Y+w))
	p.fillRect(c, rect(r.Min.X, r.Max.Y-w, r.Max.X, r.Max.Y))
	p.fillRect(c, rect(r.Min.X, r.Min.Y+w, r.Min.X+w, r.Max.Y-w))
	p.fillRect(c, rect(r.Max.X-w, r.Min.Y+w, r.Max.X, r.Max.Y-w))
}

func (p *pen) line(c color.Color, w vg.Length, dash []vg.Length, points ...vg.Point) {
	if len(points) < 2 {
		return
	}
	p.SetColor(c)
	p.SetLineWidth(w)
	p.SetLineDash(dash, 0)
	p.Stroke(pathOf(points, false))
	p.SetLineDash(nil, 0)
}

func pathOf(points []vg.Point, closed bool) vg.Path {
	var path vg.Path
	for i, q := range points {
		if i == 0 {
			path.Move(q)
		} else {
			path.Line(q)
		}
	}
	if closed {
		path.Close()
	}
	return path
}

// image draws img into r, as crisp as the canvas can.
func (p *pen) image(r vg.Rectangle, img image.Image) { p.DrawImage(r, img) }

func rect(x0, y0, x1, y1 vg.Length) vg.Rectangle {
	return vg.Rectangle{Min: vg.Point{X: x0, Y: y0}, Max: vg.Point{X: x1, Y: y1}}
}

// clean makes any string fit for one line of a picture, of XML and of text: valid UTF-8,
// no control characters, no invisible characters that reorder what follows them.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), r == 0xFFFE, r == 0xFFFF, r == 0xFEFF,
			r == 0x200B, r >= 0x202A && r <= 0x202E, r >= 0x2060 && r <= 0x206F:
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return strings.TrimSpace(s)
}

// cleanAll applies clean to a copy of list.
func cleanAll(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = clean(s)
	}
	return out
}

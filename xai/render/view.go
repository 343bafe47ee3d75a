package render

import (
	"encoding/base64"
	"errors"
	"fmt"
	"html"
	"strings"
	"unicode"

	"gonum.org/v1/plot/vg"
)

// Errors that a View can carry. They are matched with errors.Is.
var (
	ErrEmpty     = errors.New("nothing to draw")
	ErrSize      = errors.New("sizes do not agree")
	ErrNotFinite = errors.New("value cannot be drawn")
)

// View is one result in rendered form, with its format still open. Views come from the
// View methods of the kinds of figure ([HeatMap], [Overlay], [Image], [ImageGrid],
// [Bars], [StackedBars], [Lines], [Scatter], [Table], [Tree], [Flow], [Canvas], [Frames],
// [Choice], [Swipe], [Threshold], [Page]) and from [Row] and [Column].
//
// A View is an immutable value: methods that change something return a changed copy.
type View struct {
	title string
	stem  string // of file names
	theme Theme
	fig   figure
	alt   string   // one or two sentences
	notes []string // the long description, a sentence each
	table *sheet   // the numbers
	list  string   // what the text form shows in place of the numbers
	tabul bool     // the figure is a table: HTML is its best form
	sorts bool     // its readers may sort and filter it there
	web   web      // what the figure is in HTML, if that is its best form
	room  int      // bytes for the picture in the HTML form; 0 for the default
	plain bool     // a picture and text only
	parts []View   // of a Row or Column, for text and HTML
	stack bool     // the parts stand below each other
	dpi   int      // of the picture at most; 0 for 192
	print Print    // size on paper; the zero value for the screen
	err   error
}

// Bundle is a figure in every form a notebook may show: the kernel sends all, the front
// end takes the best it can display.
type Bundle struct {
	PNG  []byte // always there; drawn at twice the display size, or less if it grew too big
	SVG  []byte // vector form; nil beside HTML, and where it would exceed the size limit or be an image itself
	HTML string // self-contained fragment: what suits a kind better than a picture, or the SVG with its alternative text
	Text string // the numbers and their description, for terminals and text/plain
	Alt  string // alternative text for the PNG
	Name string // file-name stem: "saliency-of-digit-7"

	Width, Height int // display size of the picture in CSS pixels
}

// Failed returns a View that holds nothing but err. Result packages use it where
// something goes wrong before there is anything to draw.
func Failed(err error) View {
	if err == nil {
		err = errors.New("render.Failed: no error given")
	}
	return View{err: err}
}

// Err returns why there is nothing to draw, or nil. Every format returns the same error.
func (v View) Err() error {
	if v.err == nil && v.fig == nil {
		return fmt.Errorf("render: the View is the zero value; make one with a View method such as HeatMap.View: %w", ErrEmpty)
	}
	return v.err
}

// Titled returns the view with another title, drawn above the picture; "" for none.
func (v View) Titled(text string) View {
	v.title = clean(text)
	return v
}

// Title returns the title.
func (v View) Title() string { return v.title }

// Named returns the view with another file-name stem. Letters and digits are kept, in
// lower case, and everything between them becomes a hyphen.
func (v View) Named(stem string) View {
	v.stem = slug(stem)
	return v
}

// Name returns the file-name stem: the one given to Named, else one made from the title,
// else "figure".
func (v View) Name() string {
	for _, s := range []string{v.stem, slug(v.title)} {
		if s != "" {
			return s
		}
	}
	for _, part := range v.parts {
		if s := part.Name(); s != "figure" {
			return s
		}
	}
	return "figure"
}

// In returns the view in another theme. In a Row or Column the outer view decides.
func (v View) In(t Theme) View {
	v.theme = t
	return v
}

// Alt returns one or two sentences that say what the figure shows, for the alt
// attribute of its picture. It is "" for a view with an error.
func (v View) Alt() string {
	if v.Err() != nil {
		return ""
	}
	alt := v.alt
	if len(v.parts) > 0 {
		var b strings.Builder
		b.WriteString(v.alt)
		for i, part := range v.parts {
			fmt.Fprintf(&b, " %d: %s", i+1, part.Alt())
		}
		alt = b.String()
	}
	if v.title != "" {
		alt = v.title + ". " + alt
	}
	return alt
}

// Text returns title, numbers and description as plain text of lines below 80 to 100
// characters where the numbers allow it. For a view with an error it is the error.
func (v View) Text() string {
	if err := v.Err(); err != nil {
		return err.Error() + "\n"
	}
	var b strings.Builder
	if v.title != "" {
		b.WriteString(v.title + "\n")
		b.WriteString(strings.Repeat("=", columns(v.title)) + "\n")
	}
	switch {
	case v.list != "":
		b.WriteString(v.list)
	case v.table != nil:
		b.WriteString(v.table.text())
	}
	for _, note := range v.notes {
		b.WriteString(fold(note, 80) + "\n")
	}
	for i, part := range v.parts {
		if i > 0 {
			b.WriteString("\n")
		}
		b.WriteString(part.Text())
	}
	return b.String()
}

// PNG returns the picture, opaque, at twice the display size. Where that would be more
// than 220 kB, resolution and then the number of colours are reduced. In print, see
// View.Print, it has the resolution asked for, whatever its size.
func (v View) PNG() ([]byte, error) {
	if err := v.Err(); err != nil {
		return nil, err
	}
	if v.print.Width > 0 {
		return v.encodePrint()
	}
	return v.encodePNG(pngLimit, pngLimit)
}

// SVG returns the picture as a self-contained vector graphic with title and description.
// Fonts are named, not embedded.
func (v View) SVG() ([]byte, error) {
	if err := v.Err(); err != nil {
		return nil, err
	}
	return v.encodeSVG()
}

// HTML returns a self-contained fragment: a figure with its picture, caption and numbers,
// or a table. It needs no network, and its ids depend on its content alone. Some kinds of
// figure bring a short script, such as the one by which readers sort a table; where scripts
// are off, nothing is missing but that convenience.
// Text and tables follow the theme of JupyterLab and VS Code and else the reader's
// preference; a picture keeps the theme of the view, dimmed if it is light and the page
// dark.
func (v View) HTML() (string, error) {
	if err := v.Err(); err != nil {
		return "", err
	}
	return v.encodeHTML()
}

// Bundle returns the figure in all forms that suit it, for a notebook. Picture, HTML and text
// stay below 300 kB together, except that the HTML of a Canvas or Page has 3 MB. Every HTML form
// has the alternative text: what is but a picture, or would be too large, is its SVG, where
// that is small, or the picture itself as an element. The PNG beside HTML is for places that
// show none, and coarser.
func (v View) Bundle() (Bundle, error) {
	if err := v.Err(); err != nil {
		return Bundle{}, err
	}
	v.print = Print{}
	b := Bundle{Text: v.Text(), Alt: v.Alt(), Name: v.Name()}
	d := v.frame().fit(pageWidth)
	b.Width, b.Height = int(d.w/px+0.5), int(d.h/px+0.5)
	beside := v // the picture that stands beside HTML
	beside.dpi = pictureDPI
	if v.isHTML() {
		beside.dpi = besideDPI
	}
	early := make(chan []byte, 1) // it, if HTML leaves it all the room, made meanwhile
	go func() {
		out, err := beside.encodePNG(pngLimit, 0)
		if err != nil { // it was too large for any limit, and will be for a smaller one
			out = nil
		}
		early <- out
	}()
	html, err := v.bundled(&b)
	coarse := <-early
	if err != nil {
		return Bundle{}, err
	}
	b.HTML = html
	limit := pngLimit
	if html != "" && len(html) <= figureLimit { // beyond, it is a kind that has more to carry, see Canvas and Page
		limit = max(figureLimit-len(html)-len(b.Text), 60_000) * 3 / 4 // base64 adds a third
	}
	switch {
	case html == "":
		b.PNG, err = v.squeezePNG(limit)
	case coarse != nil && len(coarse) <= limit:
		b.PNG = coarse
	default:
		b.PNG, err = beside.squeezePNG(limit)
	}
	if err != nil {
		return Bundle{}, err
	}
	return b, nil
}

// bundled returns the HTML form for a bundle, or "" where there is no room for any, and adds the
// SVG of what is but a picture to b.
func (v View) bundled(b *Bundle) (string, error) {
	if v.isHTML() {
		html, err := v.encodeHTML()
		if err != nil || len(html) <= figureLimit || v.web != nil && len(html) <= webLimit {
			return html, err
		}
	} else if !v.plain && !v.crowded() {
		svg, err := v.encodeSVG()
		switch {
		case err != nil:
			return "", err
		case len(svg) <= figureLimit:
			b.SVG = svg
		}
		if len(svg) <= svgLimit {
			return b.image("image/svg+xml", svg), nil
		}
	}
	img, err := v.encodePNG(pictureLimit, 0)
	if err != nil {
		return "", nil // too much for two pictures, so there is one: Bundle makes it, or says why not
	}
	return b.image("image/png", img), nil
}

// crowded reports whether there is so much to draw that an SVG would hold an image of it.
func (v View) crowded() bool {
	f, ok := v.fig.(interface{ crowded() bool })
	return ok && f.crowded()
}

// image is a picture as an element with the alternative text: front ends do not take it from the
// metadata of a PNG (JupyterLab 4.4 to 4.6 and nbconvert 7.17 show such an image without any).
func (b Bundle) image(kind string, data []byte) string {
	return fmt.Sprintf("<img src=\"data:%s;base64,%s\" alt=\"%s\" width=\"%d\" height=\"%d\" style=\"max-width:100%%;height:auto\">",
		kind, base64.StdEncoding.EncodeToString(data), html.EscapeString(b.Alt), b.Width, b.Height)
}

// Still returns the view as a picture and text only; the HTML in its bundle is that picture. For
// notebooks that must stay small, where a page of many figures may have a megabyte of it.
func (v View) Still() View {
	v.plain = true
	return v
}

// isHTML reports whether HTML is the view's best form, rather than a picture.
func (v View) isHTML() bool {
	if v.plain {
		return false
	}
	for _, part := range v.parts {
		if !part.isHTML() && v.web == nil {
			return false
		}
	}
	return v.tabul || v.web != nil || len(v.parts) > 0
}

const (
	pageWidth   = 900 * px  // of a notebook cell
	figureLimit = 300_000   // bytes per figure in a notebook
	webLimit    = 3_000_000 // bytes of the HTML form of a Canvas or a Page
	svgLimit    = 16_000    // bytes of an SVG that goes out beside its PNG
	besideDPI   = 144       // of a PNG that stands beside HTML which is more than a picture
	pictureDPI  = 96        // of a PNG that stands beside the same picture
	pngLimit    = 220_000   // so that base64 stays within figureLimit
	// pictureLimit leaves room for the coarser picture beside the one in HTML.
	pictureLimit = 80_000
)

// frame returns the view with title and margin as a figure.
func (v View) frame() framed { return framed{fig: v.fig, title: v.title, margin: 10 * px} }

// framed is a figure below its title, within a margin.
type framed struct {
	fig    figure
	title  string
	margin vg.Length
	header vg.Length // least height of the title, so that neighbours align
}

func (f framed) fit(maxWidth vg.Length) drawing {
	room := maxWidth - 2*f.margin
	d := f.fig.fit(room)
	// A narrow figure becomes wider to make room for its title.
	w := max(d.w, whole(min(title.width(f.title), 280*px, room)))
	lines := title.wrap(f.title, w, 4)
	var header vg.Length
	if len(lines) > 0 {
		header = vg.Length(len(lines))*titleLeading + 5*px
	}
	header = max(header, f.header)
	return drawing{w + 2*f.margin, d.h + header + 2*f.margin, func(p *pen, r vg.Rectangle) {
		x, top := r.Min.X+f.margin, r.Max.Y-f.margin
		for i, line := range lines {
			p.text(title, p.ink, x, top-vg.Length(i)*titleLeading-14*px, left, line)
		}
		top -= header
		d.draw(p, rect(x, top-d.h, x+d.w, top))
	}}
}

// headerHeight returns the room that the title takes at the given width.
func (f framed) headerHeight(maxWidth vg.Length) vg.Length {
	return f.fit(maxWidth).h - framed{fig: f.fig, margin: f.margin}.fit(maxWidth).h
}

// whole rounds a length up to whole CSS pixels.
func whole(l vg.Length) vg.Length {
	n := vg.Length(int(l / px))
	if n*px < l {
		n++
	}
	return n * px
}

// slug turns any text into a file-name stem of at most 60 characters.
func slug(s string) string {
	var b strings.Builder
	n := 0
	for _, r := range strings.ToLower(clean(s)) {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			if b.Len() > 0 && !strings.HasSuffix(b.String(), "-") {
				b.WriteByte('-')
			}
			continue
		}
		b.WriteRune(r)
		if n++; n == 60 {
			break
		}
	}
	return strings.Trim(b.String(), "-")
}

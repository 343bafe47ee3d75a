package render

import (
	"fmt"
	"html"
	"html/template"
	"strings"

	"gonum.org/v1/plot/vg"
)

// Section is a part of a Page: a heading, paragraphs, and what they speak of.
type Section struct {
	Heading string
	Text    []string // paragraphs of plain text
	Views   []View   // below the text, one after the other
}

// Page is a report: sections below each other, with a list of contents where there are
// three or more. Dir.Save writes it as one HTML document that needs nothing else, follows
// the reader's preference for light or dark, and prints well; a notebook shows the same.
//
// The HTML of a page is as large as its figures together; in a [Bundle] it is left out
// beyond 3 MB. The picture has as many of the first sections as fit, and says how many
// there are.
type Page struct {
	Title    string
	Lead     string // what the page is about, in a paragraph below the title
	Sections []Section
}

// View lays the page out.
func (g Page) View() View {
	const where = "render.Page"
	if len(g.Sections) == 0 {
		return Failed(fmt.Errorf("%s: no sections given: %w", where, ErrEmpty))
	}
	f := pageFigure{lead: clean(g.Lead), heading: clean(g.Title)}
	for i, s := range g.Sections {
		s.Heading, s.Text = clean(s.Heading), cleanAll(s.Text)
		s.Views = append([]View(nil), s.Views...)
		if s.Heading == "" && len(s.Text)+len(s.Views) == 0 {
			return Failed(fmt.Errorf("%s: section %d has no heading, no text and no views: %w", where, i, ErrEmpty))
		}
		for j, v := range s.Views {
			if err := v.Err(); err != nil {
				return Failed(fmt.Errorf("%s: section %d (%q): view %d: %w", where, i, s.Heading, j, err))
			}
		}
		f.sections = append(f.sections, s)
	}
	f.drawn = len(f.sections)
	return View{title: f.heading, fig: f, web: f, alt: f.alt(), list: f.text()}
}

// pageFigure is a checked Page.
type pageFigure struct {
	heading, lead string
	sections      []Section
	drawn         int // sections in the picture, if their height allows
}

func (f pageFigure) alt() string {
	figures := 0
	var names []string
	for _, s := range f.sections {
		figures += len(s.Views)
		if s.Heading != "" && len(names) < 12 {
			names = append(names, s.Heading)
		}
	}
	alt := fmt.Sprintf("Report of %s with %s", plural(len(f.sections), "section"), plural(figures, "figure"))
	if len(names) > 0 {
		alt += ": " + strings.Join(names, "; ")
	}
	return alt + "."
}

func (f pageFigure) text() string {
	var b strings.Builder
	if f.lead != "" {
		b.WriteString(fold(f.lead, 80) + "\n\n")
	}
	for i, s := range f.sections {
		if i > 0 {
			b.WriteString("\n")
		}
		if s.Heading != "" {
			b.WriteString(s.Heading + "\n" + strings.Repeat("-", columns(s.Heading)) + "\n")
		}
		for _, p := range s.Text {
			b.WriteString(fold(p, 80) + "\n\n")
		}
		for j, v := range s.Views {
			if j > 0 {
				b.WriteString("\n")
			}
			b.WriteString(v.Text())
		}
	}
	return b.String()
}

// html returns the page as sections with headings, after its contents.
func (f pageFigure) html(v View, id string) (template.HTML, []script, error) {
	var b strings.Builder
	var scripts []script
	esc := html.EscapeString
	b.WriteString("<div class=\"whybook-report\">\n")
	if f.lead != "" {
		fmt.Fprintf(&b, "<p class=\"whybook-lead\">%s</p>\n", esc(f.lead))
	}
	if f.listed() {
		b.WriteString("<nav aria-label=\"Contents\"><ol>\n")
		for i, s := range f.sections {
			if s.Heading != "" {
				fmt.Fprintf(&b, "<li><a href=\"#%s-%d\">%s</a></li>\n", id, i+1, esc(s.Heading))
			}
		}
		b.WriteString("</ol></nav>\n")
	}
	views := 0
	for _, s := range f.sections {
		views += len(s.Views)
	}
	for i, s := range f.sections {
		fmt.Fprintf(&b, "<section id=\"%s-%d\">\n", id, i+1)
		if s.Heading != "" {
			fmt.Fprintf(&b, "<h2>%s</h2>\n", esc(s.Heading))
		}
		for _, p := range s.Text {
			fmt.Fprintf(&b, "<p>%s</p>\n", esc(p))
		}
		for j, part := range s.Views {
			if views > manyViews {
				part.dpi = 144
			}
			inner, need, err := part.In(v.theme).fragment(fmt.Sprintf("%s/%d/%d", id, i, j), false)
			if err != nil {
				return "", nil, err
			}
			scripts = append(scripts, need...)
			b.WriteString(string(inner))
		}
		b.WriteString("</section>\n")
	}
	b.WriteString("</div>\n")
	return template.HTML(b.String()), scripts, nil
}

// listed reports whether the page has a list of its contents.
func (f pageFigure) listed() bool {
	n := 0
	for _, s := range f.sections {
		if s.Heading != "" {
			n++
		}
	}
	return n > 2
}

const (
	// manyViews is from how many views on a page has pictures of 1.5 instead of 2 pixels for
	// each of CSS, which take three fifths of the bytes.
	manyViews  = 8
	pageHeight = 3000 * px // of the picture
	pageText   = 640 * px  // width of paragraphs
)

// less returns the page with fewer sections in its picture, while it has more than one.
func (f pageFigure) less() (figure, bool) {
	shown := min(f.drawn, f.within(pageWidth-20*px))
	f.drawn = shown / 2
	return f, f.drawn > 0
}

// within returns how many of the sections fit into the height of the picture, at least one.
func (f pageFigure) within(maxWidth vg.Length) int {
	var h vg.Length
	for i, s := range f.sections {
		if h += f.section(s, maxWidth).h; h > pageHeight && i > 0 {
			return i
		}
	}
	return len(f.sections)
}

// section lays out one section.
func (f pageFigure) section(s Section, maxWidth vg.Length) drawing {
	d := drawing{h: 14 * px}
	var parts []drawing
	if s.Heading != "" {
		parts = append(parts, paragraph(title, titleLeading, s.Heading, maxWidth))
	}
	for _, p := range s.Text {
		parts = append(parts, paragraph(body, leading, p, min(maxWidth, pageText)))
	}
	for _, v := range s.Views {
		parts = append(parts, framed{fig: v.fig, title: v.title}.fit(maxWidth))
	}
	for _, p := range parts {
		d.w = max(d.w, p.w)
		d.h += p.h + 8*px
	}
	d.draw = func(p *pen, r vg.Rectangle) {
		y := r.Max.Y
		for _, part := range parts {
			part.draw(p, rect(r.Min.X, y-part.h, r.Min.X+part.w, y))
			y -= part.h + 8*px
		}
	}
	return d
}

// paragraph lays out text in lines.
func paragraph(s textStyle, step vg.Length, text string, width vg.Length) drawing {
	lines := s.wrap(text, width, 40)
	return drawing{min(widest(s, lines), width), vg.Length(len(lines)) * step, func(p *pen, r vg.Rectangle) {
		for i, line := range lines {
			p.text(s, p.ink, r.Min.X, r.Max.Y-vg.Length(i+1)*step+4*px, left, line)
		}
	}}
}

func (f pageFigure) fit(maxWidth vg.Length) drawing {
	n := min(f.drawn, f.within(maxWidth))
	all := drawing{w: 280 * px}
	var parts []drawing
	if f.lead != "" {
		lead := paragraph(body, leading, f.lead, min(maxWidth, pageText))
		lead.h += 12 * px
		parts = append(parts, lead)
	}
	for _, s := range f.sections[:n] {
		parts = append(parts, f.section(s, maxWidth))
	}
	if rest := len(f.sections) - n; rest > 0 {
		parts = append(parts, paragraph(body, leading, fmt.Sprintf("%s in the HTML and the text, %d in all.", plural(rest, "more section"), len(f.sections)), maxWidth))
	}
	for _, p := range parts {
		all.w = max(all.w, p.w)
		all.h += p.h
	}
	all.draw = func(p *pen, r vg.Rectangle) {
		y := r.Max.Y
		for _, part := range parts {
			part.draw(p, rect(r.Min.X, y-part.h, r.Min.X+part.w, y))
			y -= part.h
		}
	}
	return all
}

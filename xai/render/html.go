package render

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"html/template"
	"runtime"
	"slices"
	"strings"
	"sync"
)

//go:embed html
var templateFiles embed.FS

var templates = sync.OnceValue(func() *template.Template {
	return template.Must(template.ParseFS(templateFiles, "html/*.html"))
})

// script is the name of a file in the folder html that holds one function, which sets up one
// element of a page, its box. What it adds is a convenience: without it every figure shows
// all it has, or the first of it.
//
// A page defines each script once, however many figures bring it along, and in a notebook,
// where each output may be alone, so does the first output that shows. A script and its boxes
// know each other by a digest of the source, so that a notebook may hold outputs of different
// versions.
type script string

const (
	sortScript      script = "table"
	canvasScript    script = "canvas"
	framesScript    script = "frames"
	swipeScript     script = "swipe"
	thresholdScript script = "threshold"
	treeScript      script = "tree"
)

// source returns the function, without comments and indentation.
func (s script) source() (string, error) {
	file, err := templateFiles.ReadFile("html/" + string(s) + ".js")
	if err != nil {
		return "", fmt.Errorf("render: script %q: %w", s, err)
	}
	var b strings.Builder
	for line := range strings.Lines(string(file)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
			b.WriteString(line + "\n")
		}
	}
	return strings.TrimSpace(b.String()), nil
}

// key is what boxes of this script bear in data-whybook.
func (s script) key() (string, error) {
	source, err := s.source()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(source))
	return string(s) + "-" + hex.EncodeToString(sum[:4]), nil
}

// ownKeys keeps JupyterLab's keys away from an element that has the focus: it takes the arrow
// keys and Enter for itself, from the elements of outputs too. It looks at an element before
// those around it, so that every control needs this.
const ownKeys = `data-lm-suppress-shortcuts="true"`

// box returns the attributes of an element that the script sets up.
func (s script) box() (template.HTMLAttr, error) {
	key, err := s.key()
	return template.HTMLAttr(fmt.Sprintf("data-whybook=%q %s", key, ownKeys)), err
}

// tag returns the script element: it defines the function where no figure did before, and
// sets up all boxes that are not yet.
func (s script) tag() (template.HTML, error) {
	source, err := s.source()
	if err != nil {
		return "", err
	}
	key, err := s.key()
	if err != nil {
		return "", err
	}
	return template.HTML("<script>(function(k,f){var w=window.whybook=window.whybook||{};f=w[k]=w[k]||f;" +
		"document.querySelectorAll('[data-whybook=\"'+k+'\"]:not([data-on])').forEach(function(b){b.dataset.on=1;try{f(b)}catch(e){console.error(e)}" +
		"b.querySelectorAll('input,select,button,summary,a,[tabindex]').forEach(function(e){e.dataset.lmSuppressShortcuts=true})})" +
		"})('" + key + "'," + source + ")</script>"), nil
}

// web is the HTML form of a figure that can do more there than a picture can.
type web interface {
	// html returns the markup, and the scripts that it profits from. The id is that of
	// the figure; no other element of the page has one that starts with it.
	html(v View, id string) (template.HTML, []script, error)
}

// fragment is what the templates show.
type fragment struct {
	ID      string
	Title   string
	Alt     string
	Notes   []string
	Picture template.URL // data URI; "" for a table
	Width   int          // of the picture in CSS pixels
	Light   bool         // the picture has a light background, which dark pages dim
	Body    template.HTML
	Table   *htmlTable
	Plain   bool // the table is the figure, not the numbers behind it
	Parts   []template.HTML
	Stack   bool
	Outer   bool // not within another fragment, so that it brings style and scripts
	Scripts []template.HTML
}

type htmlTable struct {
	Head []string
	Rows [][]htmlCell
	Foot []htmlCell
	Rest string
	Num  []bool
	Sort template.HTMLAttr // of the box in which rows can be sorted; "" for none
}

type htmlCell struct {
	Text         string
	Number, Name bool
	Value        string // what the cell sorts by, if its text is rounded
	Shade        template.CSS
}

func (v View) encodeHTML() (string, error) {
	html, _, err := v.fragment("", true)
	return string(html), err
}

// fragment returns the view as markup and the scripts that it profits from. The path tells
// apart the parts of one page, which need different ids even if they are equal.
func (v View) fragment(path string, outer bool) (template.HTML, []script, error) {
	f := fragment{Title: v.title, Alt: v.Alt(), Notes: v.described(), Stack: v.stack, Outer: outer}
	var scripts []script
	id := sha256.New()
	fmt.Fprintf(id, "%q %q %q %v", path, v.Text(), f.Alt, v.theme)
	f.ID = "wb-" + hex.EncodeToString(id.Sum(nil)[:6])
	if v.table != nil {
		f.Table = v.table.html()
	}
	switch {
	case len(v.parts) > 0 && v.isHTML() && v.web == nil:
		for i, part := range v.parts {
			html, need, err := part.In(v.theme).fragment(fmt.Sprintf("%s/%d", path, i), false)
			if err != nil {
				return "", nil, err
			}
			f.Parts = append(f.Parts, html) // made by the templates, so escaped
			scripts = append(scripts, need...)
		}
		f.Notes = nil // each part has its own
	case v.web != nil:
		var err error
		if f.Body, scripts, err = v.web.html(v, f.ID); err != nil {
			return "", nil, err
		}
	case v.tabul:
		f.Plain = true
		if v.sorts {
			var err error
			if f.Table.Sort, err = sortScript.box(); err != nil {
				return "", nil, err
			}
			scripts = append(scripts, sortScript)
		}
	default:
		img, width, err := v.still(pngLimit)
		if err != nil {
			return "", nil, err
		}
		f.Picture, f.Width, f.Light = img, width, v.theme == Light
	}
	slices.Sort(scripts)
	scripts = slices.Compact(scripts)
	if outer {
		for _, s := range scripts {
			tag, err := s.tag()
			if err != nil {
				return "", nil, err
			}
			f.Scripts = append(f.Scripts, tag)
		}
	}
	var b strings.Builder
	if err := templates().ExecuteTemplate(&b, "fragment.html", f); err != nil {
		return "", nil, fmt.Errorf("render: figure %q: %w", v.Name(), err)
	}
	return template.HTML(b.String()), scripts, nil
}

// part is the fragment of one of several views.
type part struct {
	html    template.HTML
	scripts []script
	err     error
}

// fragments returns the views as parts of the figure with that id, each with room bytes for its
// picture. They are drawn side by side, as many at a time as there are processors.
func fragments(views []View, t Theme, id string, room int) []part {
	parts := make([]part, len(views))
	next := make(chan int)
	var all sync.WaitGroup
	for range min(len(views), runtime.GOMAXPROCS(0)) {
		all.Go(func() {
			for i := range next {
				v := views[i].In(t)
				v.room = room
				p := &parts[i]
				p.html, p.scripts, p.err = v.fragment(fmt.Sprintf("%s/%d", id, i), false)
			}
		})
	}
	for i := range views {
		next <- i
	}
	close(next)
	all.Wait()
	return parts
}

// still returns the picture without its title, which is the caption, as a data URI of
// limit bytes before encoding, or more if it cannot be that small, and its width in CSS
// pixels.
func (v View) still(limit int) (template.URL, int, error) {
	v.title = ""
	if v.room > 0 {
		limit = min(limit, v.room)
	}
	img, err := v.squeezePNG(limit)
	if err != nil {
		return "", 0, err
	}
	return template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(img)), v.width(), nil
}

// width returns the width of the picture in CSS pixels.
func (v View) width() int { return int(v.frame().fit(pageWidth).w/px + 0.5) }

// described returns the long description of the view and its parts.
func (v View) described() []string {
	notes := append([]string(nil), v.notes...)
	for i, part := range v.parts {
		inner := part.described()
		if len(inner) > 0 {
			head := fmt.Sprintf("Figure %d", i+1)
			if part.title != "" {
				head = part.title
			}
			inner[0] = head + ": " + inner[0]
		}
		notes = append(notes, inner...)
	}
	return notes
}

// page returns the fragment as a document of its own, for a file.
func (v View) page() (string, error) {
	inner, err := v.HTML()
	if err != nil {
		return "", err
	}
	heading := v.title
	if heading == "" {
		heading = v.Name()
	}
	var b strings.Builder
	err = templates().ExecuteTemplate(&b, "page.html", struct {
		Title string
		Body  template.HTML
	}{heading, template.HTML(inner)})
	if err != nil {
		return "", fmt.Errorf("render: figure %q: %w", v.Name(), err)
	}
	return b.String(), nil
}

func (s *sheet) html() *htmlTable {
	t := &htmlTable{Head: s.head, Rest: s.rest(textRows), Num: s.numeric}
	for i := range min(len(s.cells), textRows) {
		t.Rows = append(t.Rows, s.htmlRow(s.cells[i], i))
	}
	if s.foot != nil {
		t.Foot = s.htmlRow(s.foot, -1)
	}
	return t
}

// htmlRow returns one row; i is its place among the rows, or -1.
func (s *sheet) htmlRow(row []string, i int) []htmlCell {
	cells := make([]htmlCell, len(row))
	for j, text := range row {
		cells[j] = htmlCell{Text: text, Number: s.numeric[j], Name: j == 0}
		if i < 0 {
			continue
		}
		if s.sortKeys != nil {
			cells[j].Value = s.sortKeys[i][j]
		}
		if c, ok := s.shadeOf(i, j); ok {
			cells[j].Shade = template.CSS(fmt.Sprintf("background:#%02x%02x%02x;color:#%02[4]x%02[4]x%02[4]x", c.R, c.G, c.B, legible(c).R))
		}
	}
	return cells
}

package render

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"html/template"
	"sync"
)

//go:embed html/*.html
var templateFiles embed.FS

var templates = sync.OnceValue(func() *template.Template {
	return template.Must(template.ParseFS(templateFiles, "html/*.html"))
})

// fragment is what the templates show.
type fragment struct {
	ID      string
	Title   string
	Alt     string
	Notes   []string
	Picture template.URL // data URI; "" for a table
	Width   int          // of the picture in CSS pixels
	Light   bool         // the picture has a light background, which dark pages dim
	Table   *htmlTable
	Parts   []template.HTML
	Stack   bool
}

type htmlTable struct {
	Head []string
	Rows [][]htmlCell
	Rest string
	Num  []bool
}

type htmlCell struct {
	Text         string
	Number, Name bool
}

func (v View) encodeHTML() (string, error) {
	f := fragment{Title: v.title, Alt: v.Alt(), Notes: v.described(), Stack: v.stack}
	switch {
	case len(v.parts) > 0 && v.isTable():
		for _, part := range v.parts {
			s, err := part.encodeHTML()
			if err != nil {
				return "", err
			}
			f.Parts = append(f.Parts, template.HTML(s)) // made by the templates, so escaped
		}
		f.Notes = nil // each part has its own
	default:
		if v.table != nil {
			f.Table = v.table.html()
		}
		if v.isTable() {
			break
		}
		picture := v
		picture.title = "" // it is the caption
		img, err := picture.encodePNG(pngLimit)
		if err != nil {
			return "", err
		}
		f.Width = int(picture.frame().fit(pageWidth).w/px + 0.5)
		f.Light = v.theme == Light
		f.Picture = template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(img))
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %v", v.Text(), f.Alt, f.Picture, v.theme))
	f.ID = "wb-" + hex.EncodeToString(sum[:6])
	var b bytes.Buffer
	if err := templates().ExecuteTemplate(&b, "fragment.html", f); err != nil {
		return "", fmt.Errorf("render: figure %q: %w", v.Name(), err)
	}
	return b.String(), nil
}

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
	var b bytes.Buffer
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
	for _, row := range s.cells[:min(len(s.cells), textRows)] {
		cells := make([]htmlCell, len(row))
		for j, text := range row {
			cells[j] = htmlCell{Text: text, Number: s.numeric[j], Name: j == 0}
		}
		t.Rows = append(t.Rows, cells)
	}
	return t
}

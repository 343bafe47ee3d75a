// Package page turns an executed notebook into one HTML page that needs nothing else: no
// network, no scripts of the notebook. Pictures are part of the page; HTML that a cell
// shows is put into a sandboxed frame, where its scripts do not run.
package page

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/whybook/whybook/kernelext/jupyter"
)

//go:embed page.html
var pageHTML string

//go:embed frame.css
var frameCSS string

// view is what the template shows.
type view struct {
	Title string
	Cells []cell
}

type cell struct {
	Prose   template.HTML // a markdown cell
	Raw     string        // a raw cell
	Code    template.HTML
	Number  int
	IsCode  bool
	Outputs []output
}

// output has exactly one of its texts set.
type output struct {
	Text    string // stdout or another plain text
	Warning string // stderr
	Failure string
	Prose   template.HTML
	Picture template.URL
	Alt     string
	Width   int // CSS pixels; 0 when not known
	Least   int // width down to which the picture shrinks before it scrolls; 0 for any
	Frame   string
}

// Write renders the notebook into a file, which appears complete or not at all.
func Write(path string, nb *jupyter.Notebook, name string) error {
	var buf bytes.Buffer
	if err := Render(&buf, nb, name); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".page-")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // fails after the rename, as it should
	_, err = tmp.Write(buf.Bytes())
	if err == nil {
		err = tmp.Chmod(0o644)
	}
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	return err
}

// Render writes the page. Its title is the notebook's first heading, or name.
func Render(w io.Writer, nb *jupyter.Notebook, name string) error {
	page, err := template.New("page").Parse(pageHTML)
	if err != nil {
		return err
	}
	md := newMarkdown()
	v := view{Title: title(nb, name)}
	for _, c := range nb.Cells {
		var shown cell
		switch c.Type {
		case jupyter.Markdown:
			shown.Prose, err = md.render(c.Source, attachments(c))
		case jupyter.Raw:
			shown.Raw = c.Source
		case jupyter.Code:
			shown = cell{IsCode: true, Code: highlight(c.Source), Number: c.ExecutionCount}
			shown.Outputs, err = outputs(c, md)
		}
		if err != nil {
			return fmt.Errorf("page: %w", err)
		}
		v.Cells = append(v.Cells, shown)
	}
	if err := page.Execute(w, v); err != nil {
		return fmt.Errorf("page: %w", err)
	}
	return nil
}

func title(nb *jupyter.Notebook, name string) string {
	for _, c := range nb.Cells {
		if c.Type != jupyter.Markdown {
			continue
		}
		for line := range strings.Lines(c.Source) {
			if heading, ok := strings.CutPrefix(line, "# "); ok {
				return strings.TrimSpace(strings.NewReplacer("*", "", "`", "").Replace(heading))
			}
		}
	}
	return name
}

func outputs(c jupyter.Cell, md markdown) ([]output, error) {
	var shown []output
	for _, o := range c.Outputs {
		var s output
		var err error
		switch o.Type {
		case jupyter.Stream:
			if o.Name == "stderr" {
				s.Warning = Plain(o.Text)
			} else {
				s.Text = Plain(o.Text)
			}
		case jupyter.ErrorOutput:
			s.Failure = Plain(o.ErrName + ": " + o.ErrValue)
			if len(o.Traceback) > 0 {
				s.Failure = Plain(strings.Join(o.Traceback, "\n"))
			}
		default:
			s, err = display(o, md)
		}
		if err != nil {
			return nil, err
		}
		if s != (output{}) {
			shown = append(shown, s)
		}
	}
	return shown, nil
}

// display takes the richest form that is safe to show: HTML in its frame, then pictures,
// then text.
func display(o *jupyter.Output, md markdown) (output, error) {
	text := func(mime string) string { s, _ := o.Data[mime].(string); return s }
	html := strings.TrimSpace(text("text/html"))
	if lone := lonePicture.FindStringSubmatch(html); lone != nil {
		if _, err := base64.StdEncoding.DecodeString(lone[1]); err == nil {
			return picture(o, "image/svg+xml", lone[1]), nil
		}
	}
	if html != "" {
		return output{Frame: "<!DOCTYPE html><meta charset=utf-8><style>" + frameCSS + "</style>" + html, Alt: alt(o)}, nil
	}
	if svg := text("image/svg+xml"); svg != "" {
		return picture(o, "image/svg+xml", base64.StdEncoding.EncodeToString([]byte(svg))), nil
	}
	for _, mime := range pictures[1:] {
		data := strings.Join(strings.Fields(text(mime)), "")
		if _, err := base64.StdEncoding.DecodeString(data); err == nil && data != "" {
			return picture(o, mime, data), nil
		}
	}
	if source := text("text/markdown"); source != "" {
		prose, err := md.render(source, nil)
		return output{Prose: prose}, err
	}
	for _, mime := range []string{"text/latex", "text/plain"} {
		if s := text(mime); s != "" {
			return output{Text: Plain(s)}, nil
		}
	}
	return output{}, nil
}

// lonePicture is HTML that is one drawing and nothing else: the form in which figures bring
// their alternative text to front ends that drop a PNG's. Here it is a picture like any other.
var lonePicture = regexp.MustCompile(`^<img src="data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)" [^<>]*>$`)

// pictures are the forms of a picture, the best first.
var pictures = []string{"image/svg+xml", "image/png", "image/jpeg", "image/gif", "image/webp"}

// A picture shrinks to this share of its width, below which its text could not be read,
// and scrolls from there on.
const (
	legible = 0.7
	phone   = 260 // CSS pixels that every screen has for a picture
)

// picture makes an image of base64 data; in an image even SVG is inert.
func picture(o *jupyter.Output, mime, data string) output {
	p := output{Picture: template.URL("data:" + mime + ";base64," + data), Alt: alt(o)} // #nosec: checked base64 of a fixed type
	for _, mime := range pictures {                                                     // a drawing in HTML has the size of the PNG beside it
		fields, ok := o.Metadata[mime].(map[string]any)
		if !ok {
			continue
		}
		var width float64
		if _, err := fmt.Sscan(fmt.Sprint(fields["width"]), &width); err == nil && width >= 1 && width < 1e5 {
			p.Width = int(width)
			if least := int(width * legible); least > phone {
				p.Least = least
			}
		}
	}
	return p
}

// alt returns the alternative text: what the metadata of any picture form says, or the
// first line of the text form.
func alt(o *jupyter.Output) string {
	for _, mime := range pictures {
		if fields, ok := o.Metadata[mime].(map[string]any); ok {
			if text, _ := fields["alt"].(string); text != "" {
				return text
			}
		}
	}
	text, _ := o.Data["text/plain"].(string)
	first, _, _ := strings.Cut(strings.TrimSpace(Plain(text)), "\n")
	if first == "" {
		return "output of the cell above"
	}
	return first
}

// Plain removes terminal control sequences.
func Plain(s string) string {
	if !strings.Contains(s, "\x1b") {
		return s
	}
	return regexp.MustCompile(`\x1b(\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[@-Z\\^_])`).ReplaceAllString(s, "")
}

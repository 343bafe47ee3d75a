package page

import (
	"bytes"
	"html/template"
	"strings"

	"github.com/whybook/whybook/kernelext/jupyter"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// markdown renders prose. Raw HTML in it is left out: goldmark's default.
type markdown struct{ md goldmark.Markdown }

func newMarkdown() markdown {
	return markdown{goldmark.New(
		goldmark.WithExtensions(extension.GFM, extension.Footnote),
		goldmark.WithParserOptions(parser.WithInlineParsers(util.Prioritized(formulaParser{}, 90))),
		goldmark.WithRendererOptions(renderer.WithNodeRenderers(util.Prioritized(formulaRenderer{}, 500))),
	)}
}

// render renders one cell; files maps the names of its attachments to data URLs.
func (m markdown) render(source string, files map[string]string) (template.HTML, error) {
	src := []byte(source)
	doc := m.md.Parser().Parse(text.NewReader(src))
	err := ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if img, ok := n.(*ast.Image); ok && entering {
			if name, ok := strings.CutPrefix(string(img.Destination), "attachment:"); ok && files[name] != "" {
				img.Destination = []byte(files[name])
			}
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		return "", err
	}
	var buf bytes.Buffer
	if err := m.md.Renderer().Render(&buf, src, doc); err != nil {
		return "", err
	}
	return template.HTML(buf.String()), nil // #nosec: goldmark escapes, and drops raw HTML
}

// attachments returns the pictures that belong to a cell, by name.
func attachments(c jupyter.Cell) map[string]string {
	files := map[string]string{}
	all, _ := c.Extra["attachments"].(map[string]any)
	for name, bundle := range all {
		forms, _ := bundle.(map[string]any)
		for _, mime := range []string{"image/png", "image/jpeg", "image/gif", "image/webp"} {
			if data, ok := forms[mime].(string); ok {
				files[name] = "data:" + mime + ";base64," + strings.Join(strings.Fields(data), "")
				break
			}
		}
	}
	return files
}

// A formula is TeX between dollar signs. It is shown as written, since typesetting it
// would need scripts; marking it keeps markdown from reading its backslashes and
// underscores.
type formula struct {
	ast.BaseInline
	source []byte
}

var kindFormula = ast.NewNodeKind("Formula")

func (f *formula) Kind() ast.NodeKind         { return kindFormula }
func (f *formula) Dump(src []byte, level int) { ast.DumpHelper(f, src, level, nil, nil) }

type formulaParser struct{}

func (formulaParser) Trigger() []byte { return []byte{'$'} }

func (formulaParser) Parse(_ ast.Node, block text.Reader, _ parser.Context) ast.Node {
	line, _ := block.PeekLine()
	mark := []byte("$")
	if bytes.HasPrefix(line, []byte("$$")) {
		mark = []byte("$$")
	}
	end := bytes.Index(line[len(mark):], mark)
	if end <= 0 {
		return nil
	}
	source := line[len(mark) : len(mark)+end]
	// As in Jupyter: "$5 and $6" is no formula.
	if len(mark) == 1 && (source[0] == ' ' || source[end-1] == ' ') {
		return nil
	}
	block.Advance(end + 2*len(mark))
	return &formula{source: source}
}

type formulaRenderer struct{}

func (formulaRenderer) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(kindFormula, func(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			_, _ = w.WriteString(`<code class="formula">`)
			html.DefaultWriter.RawWrite(w, n.(*formula).source)
			_, _ = w.WriteString(`</code>`)
		}
		return ast.WalkSkipChildren, nil
	})
}

package page

import (
	"encoding/base64"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/whybook/whybook/kernelext/jupyter"
)

const pixel = "iVBORw0KGgo="

func render(t *testing.T, cells ...jupyter.Cell) string {
	t.Helper()
	var b strings.Builder
	if err := Render(&b, &jupyter.Notebook{Cells: cells}, "file-name"); err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(b.String(), "<main>")
	body, _, _ = strings.Cut(body, "</main>")
	return body
}

func prose(source string) jupyter.Cell { return jupyter.Cell{Type: jupyter.Markdown, Source: source} }

func showing(o jupyter.Output) jupyter.Cell {
	return jupyter.Cell{Type: jupyter.Code, Source: "%%", ExecutionCount: 1, Outputs: []*jupyter.Output{&o}}
}

func displayed(data map[string]any) jupyter.Cell {
	return showing(jupyter.Output{Type: jupyter.DisplayData, Data: data,
		Metadata: map[string]any{"image/png": map[string]any{"alt": `a "7"`, "width": 320}}})
}

func TestOutputsTakeTheirRichestSafeForm(t *testing.T) {
	svg := `<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`
	tests := []struct {
		name       string
		cell       jupyter.Cell
		want, lack string
	}{
		{"HTML in a frame without scripts", displayed(map[string]any{"text/html": "<b>x</b><script>alert(1)</script>", "image/png": pixel}),
			`<iframe sandbox="allow-same-origin" srcdoc="`, "<script>alert"},
		{"SVG as an inert image", displayed(map[string]any{"image/svg+xml": svg, "text/plain": "x"}),
			`<img src="data:image/svg&#43;xml;base64,` + strings.ReplaceAll(base64.StdEncoding.EncodeToString([]byte(svg)), "+", "&#43;"), "<script>"},
		{"PNG with its alternative text and size", displayed(map[string]any{"image/png": pixel + "\n", "text/plain": "other"}),
			`<img src="data:image/png;base64,` + pixel + `" alt="a &#34;7&#34;" width="320">`, "other"},
		{"a drawing in HTML, for its alternative text, is a picture like any other",
			displayed(map[string]any{"text/html": `<img src="data:image/svg+xml;base64,PHN2Zy8+" alt="a">`, "image/png": pixel}),
			`<img src="data:image/svg&#43;xml;base64,PHN2Zy8&#43;" alt="a &#34;7&#34;" width="320">`, "iframe"},
		{"a drawing with more beside it stays HTML",
			displayed(map[string]any{"text/html": `<img src="data:image/svg+xml;base64,PHN2Zy8+" alt="a"><b>x</b>`}), "iframe", `class="picture"`},
		{"a wide PNG scrolls before it gets too small", showing(jupyter.Output{Type: jupyter.DisplayData, Data: map[string]any{"image/png": pixel},
			Metadata: map[string]any{"image/png": map[string]any{"alt": "a", "width": 900}}}),
			`<div class="picture" tabindex="0" role="group" aria-label="Picture"><img src="data:image/png;base64,` + pixel + `" alt="a" width="900" style="min-width: 630px">`, ""},
		{"a damaged PNG gives way to text", displayed(map[string]any{"image/png": `"><script>`, "text/plain": "instead"}), "instead", "<img"},
		{"markdown", displayed(map[string]any{"text/markdown": "*so*"}), "<em>so</em>", "<pre tabindex=\"0\">*so*"},
		{"text is escaped", displayed(map[string]any{"text/plain": "<i>a</i>"}), "&lt;i&gt;a", "<i>"},
		{"scripts are not run", displayed(map[string]any{"application/javascript": "alert(1)"}), "", "alert"},
		{"stdout without terminal colours", showing(jupyter.Output{Type: jupyter.Stream, Name: "stdout", Text: "\x1b[31mred\x1b[0m <b>"}), "red &lt;b&gt;", "\x1b"},
		{"stderr", showing(jupyter.Output{Type: jupyter.Stream, Name: "stderr", Text: "careful"}), `class="warning"`, ""},
		{"an error", showing(jupyter.Output{Type: jupyter.ErrorOutput, ErrName: "ERROR", ErrValue: "<exit status 1>"}), `role="alert" tabindex="0">ERROR: &lt;exit`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := render(t, tt.cell)
			if !strings.Contains(got, tt.want) {
				t.Errorf("page lacks %q:\n%s", tt.want, got)
			}
			if tt.lack != "" && strings.Contains(got, tt.lack) {
				t.Errorf("page has %q:\n%s", tt.lack, got)
			}
		})
	}
}

func TestProse(t *testing.T) {
	tests := []struct{ name, source, want string }{
		{"heading", "# Why?", "<h1>Why?</h1>"},
		{"table", "|a|\n|-|\n|1|", "<td>1</td>"},
		{"raw HTML is left out", "<script>alert(1)</script>", "<!-- raw HTML omitted -->"},
		{"a dangerous link", "[x](javascript:alert(1))", `<a href="">x</a>`},
		{"a formula keeps its backslashes", `so $\{a_1\} * b *$ c`, `<code class="formula">\{a_1\} * b *</code>`},
		{"a displayed formula", `$$x < y$$`, `<code class="formula">x &lt; y</code>`},
		{"money is no formula", "$5 and $6", "<p>$5 and $6</p>"},
		{"an attachment", "![alt](attachment:a.png)", `<img src="data:image/png;base64,` + pixel + `" alt="alt">`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cell := prose(tt.source)
			cell.Extra = map[string]any{"attachments": map[string]any{"a.png": map[string]any{"image/png": pixel}}}
			if got := render(t, cell); !strings.Contains(got, tt.want) {
				t.Errorf("%q became\n%s\nwant %s in it", tt.source, got, tt.want)
			}
		})
	}
}

func TestPageNeedsNoNetwork(t *testing.T) {
	path := filepath.Join(t.TempDir(), "p.html")
	nb := &jupyter.Notebook{Cells: []jupyter.Cell{prose("# The *title*\n\n![remote](https://example.org/x.png)"), displayed(map[string]any{"image/png": pixel})}}
	if err := Write(path, nb, "name"); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	page := string(data)
	for _, want := range []string{"<title>The title</title>", `<html lang="en">`, "default-src 'none'; img-src data:"} {
		if !strings.Contains(page, want) {
			t.Errorf("page lacks %s", want)
		}
	}
	if regexp.MustCompile(`<(link|script src|style src)|@import|url\(`).MatchString(page) {
		t.Error("the page loads something")
	}
}

func TestTitleFallsBackToTheFile(t *testing.T) {
	if got := title(&jupyter.Notebook{Cells: []jupyter.Cell{prose("no heading")}}, "file-name"); got != "file-name" {
		t.Errorf("title is %q", got)
	}
}

func TestHighlight(t *testing.T) {
	got := string(highlight("%% --n=1\nfunc f() { return `a<b` } // why\nx := 'é' + 1.5\n!ls \"\n"))
	want := `<span class="special">%% --n=1</span>
<span class="keyword">func</span> f() { <span class="keyword">return</span> <span class="string">` + "`a&lt;b`" + `</span> } <span class="comment">// why</span>
x := <span class="string">&#39;é&#39;</span> + <span class="literal">1.5</span>
<span class="special">!ls &#34;</span>
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Marking must change nothing of the text, whatever it is.
func FuzzHighlight(f *testing.F) {
	for _, s := range []string{"%%\nfunc main() {}", "/* open", "`raw\n%not special`", "\"\\\n", "a\r\nb // c\r\n", "é%", "\x00'", "!x\n%y"} {
		f.Add(s)
	}
	tags := regexp.MustCompile(`</?span[^>]*>`)
	f.Fuzz(func(t *testing.T, source string) {
		if strings.ContainsAny(source, "\x00\r") || strings.ToValidUTF8(source, "") != source {
			return // html/template replaces what HTML cannot hold
		}
		if back := html.UnescapeString(tags.ReplaceAllString(string(highlight(source)), "")); back != source {
			t.Errorf("%q became %q", source, back)
		}
	})
}

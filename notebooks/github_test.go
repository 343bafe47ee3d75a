package notebooks_test

import (
	"encoding/base64"
	"html"
	"regexp"
	"strings"
	"testing"

	"github.com/whybook/whybook/kernelext/jupyter"
)

// asGitHub leaves of an output's HTML what GitHub and other viewers of saved notebooks show:
// no scripts, styles, drawings or controls, and of the attributes only what pictures and
// tables need.
func asGitHub(text string) string {
	for _, name := range []string{"script", "style", "svg", "button", "select", "template", "iframe", "object"} {
		text = regexp.MustCompile(`(?is)<`+name+`\b.*?</`+name+`\s*>`).ReplaceAllString(text, "")
	}
	text = regexp.MustCompile(`(?is)<(input|link|meta|canvas)\b[^>]*>`).ReplaceAllString(text, "")
	return regexp.MustCompile(`(?is)\s(on\w+|style|class|id|hidden|role|aria-[\w-]+|data-[\w-]+)(=("[^"]*"|'[^']*'|[^\s>]*))?`).ReplaceAllString(text, "")
}

// TestFiguresWithoutScripts: pictures of peers vanish on GitHub. Ours are there as PNG, and the
// HTML still holds a picture or a text when all that moves has been taken out.
func TestFiguresWithoutScripts(t *testing.T) {
	picture := regexp.MustCompile(`(?is)<img\b[^>]*src="data:image/(png|jpeg|svg\+xml)[;,][^"]{100,}"`)
	tag := regexp.MustCompile(`(?s)<[^>]*>`)
	for _, path := range notebooks(t) {
		nb, err := jupyter.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range nb.Cells {
			for k, o := range c.Outputs {
				page, isPage := o.Data["text/html"].(string)
				if isPage {
					left := asGitHub(page)
					words := strings.TrimSpace(html.UnescapeString(tag.ReplaceAllString(left, " ")))
					if !picture.MatchString(left) && len(words) < 40 {
						t.Errorf("%s: cell %d, output %d: nothing is left of its HTML but %q", path, i, k, words)
					}
				}
				png, isPNG := o.Data["image/png"].(string)
				if isPage && !isPNG {
					t.Errorf("%s: cell %d, output %d: HTML without a PNG beside it", path, i, k)
				}
				if !isPNG {
					continue
				}
				raw, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(png, "\n", ""))
				if err != nil || !strings.HasPrefix(string(raw), "\x89PNG\r\n\x1a\n") {
					t.Errorf("%s: cell %d, output %d: its PNG is none: %v", path, i, k, err)
				}
			}
		}
	}
}

// The filter takes out what it should.
func TestAsGitHub(t *testing.T) {
	give := `<figure id="a" class='b' style="color:red" onclick=x()><script>draw("<img>")</script><STYLE>p{}</STYLE>` +
		`<svg><path/></svg><canvas></canvas><input type="range"><p>kept</p><img alt="a" src="data:image/png;base64,AA" onerror="x()"></figure>`
	if got, want := asGitHub(give), `<figure></canvas><p>kept</p><img alt="a" src="data:image/png;base64,AA"></figure>`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

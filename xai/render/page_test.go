package render

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// Every link of the contents leads to a section, ids are unique even though one table is
// there twice, and nothing comes from elsewhere.
func TestPageIsOneDocument(t *testing.T) {
	t.Parallel()
	paths, err := Dir(t.TempDir()).Save(report(asIs).View())
	if err != nil {
		t.Fatal(err)
	}
	var doc string
	for _, p := range paths {
		if strings.HasSuffix(p, ".html") {
			doc = string(must(os.ReadFile(p)))
		}
	}
	for _, want := range []string{"<!DOCTYPE html>", "<title>what the model learned</title>", "@media print", "prefers-color-scheme:dark", "<h2>data</h2>", "<p>The end.</p>"} {
		if !strings.Contains(doc, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if n := strings.Count(doc, "<style>"); n != 2 {
		t.Errorf("%d styles, want that of the document and one for all figures", n)
	}
	ids := make(map[string]int)
	for _, m := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(doc, -1) {
		if ids[m[1]]++; ids[m[1]] > 1 {
			t.Errorf("id %s is there twice", m[1])
		}
	}
	links := regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(doc, -1)
	for _, m := range links {
		if !strings.HasPrefix(m[1], "#") || ids[m[1][1:]] == 0 {
			t.Errorf("link to %s leads nowhere", m[1])
		}
	}
	if len(links) != 3 {
		t.Errorf("%d links in the contents, want 3", len(links))
	}
	if regexp.MustCompile(`(src|href|url)[=(]"?https?:`).MatchString(doc) {
		t.Error("the page loads something from elsewhere")
	}
}

// A long page keeps all its sections as text and HTML, and says what its picture leaves out.
func TestLongPage(t *testing.T) {
	p := Page{Title: "long"}
	for range 30 {
		p.Sections = append(p.Sections, Section{Heading: "one", Views: []View{Lines{Series: []Series{{Y: []float64{1, 2}}}}.View()}})
	}
	v := p.View()
	f := v.fig.(pageFigure)
	n := f.within(pageWidth)
	if d := f.fit(pageWidth); n < 2 || n >= 30 || d.h > pageHeight+40*px {
		t.Errorf("%d of 30 sections in a picture of height %v", n, d.h)
	}
	less, ok := f.less()
	if !ok || less.(pageFigure).drawn != n/2 {
		t.Errorf("after %d sections, the picture tries %v", n, less.(pageFigure).drawn)
	}
	if got := strings.Count(v.Text(), "one\n---\n"); got != 30 {
		t.Errorf("%d sections in the text", got)
	}
}

func TestFramesInBrowser(t *testing.T) {
	t.Parallel()
	attack := `"><img src=x onerror="say('attacked')">`
	f := stepping(func(s string) string { return s + attack })
	html := must(Page{Sections: []Section{{Heading: "h", Views: []View{f.View(), stepping(asIs).View()}}}}.View().HTML())
	got := browse(t, "<body>"+html+html, `
var boxes=document.querySelectorAll('.whybook-frames'),box=boxes[1],bar=box.querySelector('.whybook-bar'),range=bar.querySelector('input'),b=bar.querySelector('button');
function shown(k){return Array.from(boxes[k].querySelectorAll('.whybook-frame')).map(function(e){return e.offsetWidth?1:0}).join('')}
function key(k){range.dispatchEvent(new KeyboardEvent('keydown',{key:k,bubbles:true}))}
say(boxes.length+' sequences, '+document.querySelectorAll('input[type=range]').length+' sliders');
say(shown(1)+' '+bar.querySelector('output').textContent);
key('ArrowRight');key('ArrowRight');say(shown(1)+' '+bar.querySelector('output').textContent+' '+range.getAttribute('aria-valuetext'));
key('ArrowLeft');say(shown(1)+' '+shown(0));
for(var i=0;i<9;i++)key('ArrowRight');say(shown(1));
b.click();say(shown(1)+' '+b.getAttribute('aria-pressed'));
b.click();say(shown(1)+' '+document.querySelectorAll('img[src=x]').length+' attacks');
`)
	want := []string{"4 sequences, 4 sliders", "10000 0 (1 of 5)", "00100 20 (3 of 5) 20", "01000 10000", "00001", "11111 true", "00001 0 attacks"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the page says\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Without scripts all frames are there, side by side, and they share their colours.
func TestFramesWithoutScripts(t *testing.T) {
	t.Parallel()
	html := withoutOurs(must(stepping(asIs).View().HTML()))
	if n := strings.Count(html, "<img "); n != 5 || strings.Contains(html, "hidden>") || strings.Contains(html, "<input") {
		t.Errorf("%d pictures, or controls that do nothing", n)
	}
	if n := strings.Count(html, "The 5 maps share this colour scale"); n < 5 {
		t.Errorf("%d frames say that they share their colours", n)
	}
	many := Frames{}
	for i := range 24 {
		many.Views = append(many.Views, HeatMap{Values: scaled(ring(28, 28), float64(i+1)), Height: 28, Width: 28, Signed: true, Label: "a"}.View())
	}
	b, err := many.View().Bundle()
	if err != nil || len(b.PNG) > pngLimit || len(b.HTML) > figureLimit {
		t.Errorf("24 frames: %v, PNG of %d and HTML of %d bytes", err, len(b.PNG), len(b.HTML))
	}
}

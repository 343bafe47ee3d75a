package render

import (
	"context"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// browse opens the page in Chromium, runs the script on it, and returns the lines that the
// script passed to say. It needs no network and skips where there is no Chromium.
func browse(t *testing.T, page, script string) []string {
	t.Helper()
	return browseAs(t, false, page, script)
}

// browseAs is browse for a reader who prefers light or dark pages.
func browseAs(t *testing.T, dark bool, page, script string) []string {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a browser")
	}
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium on this machine")
	}
	folder := t.TempDir()
	file := filepath.Join(folder, "page.html")
	page += "<script>addEventListener('error',function(e){say('error: '+e.message)});" +
		"function say(s){var p=document.createElement('p');p.className='said';p.textContent=s;document.body.append(p)}\n" +
		"addEventListener('load',async function(){" + script + "\nsay('done')})</script>"
	if err := os.WriteFile(file, []byte(page), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	scheme := "--blink-settings=preferredColorScheme=1" // light
	if dark {
		scheme = "--blink-settings=preferredColorScheme=0"
	}
	cmd := exec.CommandContext(ctx, chromium, scheme, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
		"--disable-extensions", "--no-first-run", "--user-data-dir="+filepath.Join(folder, "profile"), "--virtual-time-budget=20000", "--dump-dom", "file://"+file)
	dom, err := cmd.Output()
	if err != nil {
		t.Skipf("chromium does not start: %v", err)
	}
	var said []string
	for _, part := range strings.Split(string(dom), `<p class="said">`)[1:] {
		text, _, _ := strings.Cut(part, "</p>")
		said = append(said, text)
	}
	if len(said) == 0 || said[len(said)-1] != "done" {
		t.Fatalf("the script did not run to its end: %q", said)
	}
	return said[:len(said)-1]
}

func TestTablesSortAndFilter(t *testing.T) {
	t.Parallel()
	attack := `<img src=x onerror="say('attacked')"><script>say('attacked')</script>`
	table := Table{Columns: []string{"name" + attack, "n", "score"}, Foot: []any{"sum", 28, nil}, Rows: [][]any{
		{"class 10", 3, 0.123456}, {"class 9", 20, 2.0}, {"B" + attack, 1, 0.123454}, {"ä", nil, math.NaN()}, {"a", 4, -5.0},
	}}
	html := must(Row(table.View().Titled(attack), table.View()).HTML())
	got := browse(t, "<body>"+html+html, `
var boxes=document.querySelectorAll('.whybook-sort');
function names(k){return Array.from(boxes[k].querySelector('tbody').rows).filter(function(r){return !r.hidden}).map(function(r){return r.cells[0].textContent.slice(0,8)}).join('|')}
function head(k,j){return boxes[k].querySelector('thead').rows[0].cells[j]}
say(boxes.length+' tables, '+document.querySelectorAll('input[type=search]').length+' filters, '+document.querySelectorAll('th button').length+' buttons');
head(1,2).firstChild.click();say(head(1,2).getAttribute('aria-sort')+' '+names(1));
head(1,2).firstChild.click();say(head(1,2).getAttribute('aria-sort')+' '+names(1));
head(1,2).firstChild.click();say(head(1,2).getAttribute('aria-sort')+' '+names(1));
head(1,0).firstChild.click();say(names(1));
head(1,1).firstChild.click();say(names(1)+' '+head(1,0).getAttribute('aria-sort'));
say(names(0));
var f=boxes[1].querySelector('input');f.value='CLASS ';f.oninput();say(names(1)+' '+boxes[1].querySelector('output').textContent);
say(boxes[1].querySelector('tfoot').textContent.trim());
var b=head(1,0).firstChild;b.focus();say(document.activeElement===b?'focused':'not focused');
say(document.querySelectorAll('img[src=x]').length+' attacks');
`)
	want := []string{
		"4 tables, 4 filters, 12 buttons",
		"ascending a|B&lt;img sr|class 10|class 9|ä",
		"descending class 9|class 10|B&lt;img sr|a|ä",
		"none class 10|class 9|B&lt;img sr|ä|a",
		"a|ä|B&lt;img sr|class 9|class 10",
		"B&lt;img sr|class 10|a|class 9|ä none",
		"class 10|class 9|B&lt;img sr|ä|a",
		"class 10|class 9 2 of 5 rows",
		"sum28",
		"focused",
		"0 attacks",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the page says\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

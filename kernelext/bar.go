package kernelext

import (
	"fmt"
	"html/template"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/whybook/whybook/xai/progress"
)

const (
	barDelay    = 500 * time.Millisecond // work that is done by then shows no bar
	barInterval = 150 * time.Millisecond // between two updates in a notebook
	lineEvery   = 3 * time.Second        // between two lines on a terminal
)

// bar shows progress: a transient bar in a notebook, now and then a line elsewhere. It
// goes away when the task is done; Jupyter saves an empty output in its place, which
// whybook run leaves out.
type bar struct {
	out    output
	stderr io.Writer

	mu      sync.Mutex
	task    string
	started time.Time // of the task
	last    time.Time // update
	visible bool
}

func newBar(out output, stderr io.Writer) *bar { return &bar{out: out, stderr: stderr} }

// report is a progress.Reporter.
func (b *bar) report(e progress.Event) {
	now := time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	if e.Total > 0 && e.Done >= e.Total {
		b.eraseLocked()
		b.task = ""
		return
	}
	if e.Task != b.task {
		b.task, b.started, b.last = e.Task, now, time.Time{}
	}
	if now.Sub(b.started) < barDelay || now.Sub(b.last) < barInterval {
		return
	}
	if b.out.status(barHTML(e)) {
		b.last, b.visible = now, true
		return
	}
	if now.Sub(b.last) >= lineEvery {
		b.last = now
		fmt.Fprintln(b.stderr, barText(e))
	}
}

// erase takes the bar away.
func (b *bar) erase() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.eraseLocked()
}

func (b *bar) eraseLocked() {
	if b.visible {
		b.out.status("")
		b.visible = false
	}
}

var barTemplate = template.Must(template.New("bar").Parse(
	`<div style="font-family:var(--jp-ui-font-family,sans-serif);color:var(--jp-content-font-color1,inherit)">` +
		`<progress max="{{.Total}}" value="{{.Done}}" aria-label="{{.Task}}" style="width:300px;vertical-align:middle"></progress> ` +
		`{{.Task}}: {{.Done}} of {{.Total}}{{with .Detail}} ({{.}}){{end}}</div>`))

func barHTML(e progress.Event) string {
	var html strings.Builder
	if err := barTemplate.Execute(&html, e); err != nil {
		return ""
	}
	return html.String()
}

func barText(e progress.Event) string {
	text := fmt.Sprintf("%s: %d of %d", e.Task, e.Done, e.Total)
	if e.Detail != "" {
		text += " (" + e.Detail + ")"
	}
	return text
}

package kernelext

import (
	"encoding/gob"
	"fmt"
	"html/template"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/janpfeifer/gonb/gonbui"
	"github.com/janpfeifer/gonb/gonbui/protocol"
	"github.com/whybook/whybook/xai/render"
)

// output is where a cell's results go.
type output interface {
	// figure shows a rendered view in all its forms.
	figure(b render.Bundle)
	// update shows a figure in the place of that name, or a new one.
	update(id string, b render.Bundle)
	// place shows HTML in the place of that name; "" empties it.
	place(id, html string)
	// text shows plain text.
	text(s string)
	// status shows one line of progress in place of the one before; "" takes it away.
	// It reports false where there is no such place.
	status(html string) bool
	// failure shows an error message.
	failure(stderr io.Writer, message string)
	// flush waits until everything has arrived: what a cell displays just before it
	// ends can be lost otherwise.
	flush()
}

func inNotebook() bool { return gonbui.IsNotebook }

// notebook sends to the GoNB kernel.
type notebook struct{}

// registerMaps tells gob of the one type that the kernel knows and the client library
// does not: nested metadata.
var registerMaps = sync.OnceFunc(func() { gob.Register(map[string]any{}) })

func (n notebook) figure(b render.Bundle) { n.update("", b) }

func (n notebook) update(id string, b render.Bundle) {
	n.settle()
	registerMaps()
	data := map[protocol.MIMEType]any{protocol.MIMETextPlain: b.Text, protocol.MIMEImagePNG: b.PNG}
	if b.HTML != "" {
		data[protocol.MIMETextHTML] = b.HTML
	}
	gonbui.SendData(&protocol.DisplayData{
		Data: data,
		// Front ends read the display size and the alternative text from here.
		Metadata: map[string]any{string(protocol.MIMEImagePNG): map[string]any{
			"width": b.Width, "height": b.Height, "alt": b.Alt,
		}},
		DisplayID: id,
	})
}

func (n notebook) text(s string) {
	n.settle()
	gonbui.SendData(&protocol.DisplayData{Data: map[protocol.MIMEType]any{protocol.MIMETextPlain: s}})
}

// statusID names the progress block of this cell. The kernel remembers ids for as long as
// it runs, so another cell must not use the same one: its bar would appear here. Ids are
// not saved with a notebook.
var statusID = sync.OnceValue(func() string { return fmt.Sprintf("whybook-progress-%d", os.Getpid()) })

func (n notebook) status(html string) bool {
	n.place(statusID(), html)
	return true
}

func (notebook) place(id, html string) {
	gonbui.SendData(&protocol.DisplayData{
		Data:      map[protocol.MIMEType]any{protocol.MIMETextHTML: html},
		DisplayID: id,
	})
}

var failureBox = template.Must(template.New("failure").Parse(
	`<div role="alert" style="border-left:4px solid #b3261e;padding:8px 12px;margin:4px 0;` +
		`color:var(--jp-content-font-color1,var(--vscode-editor-foreground,#1f1f1f));` +
		`background:var(--jp-layout-color2,var(--vscode-editorWidget-background,#f4f4f4));` +
		`font-family:var(--jp-code-font-family,monospace);white-space:pre-wrap">{{.}}</div>`))

func (n notebook) failure(_ io.Writer, message string) {
	n.settle()
	data := map[protocol.MIMEType]any{protocol.MIMETextPlain: message}
	if html := failureHTML(message); html != "" {
		data[protocol.MIMETextHTML] = html
	}
	gonbui.SendData(&protocol.DisplayData{Data: data})
}

// failureHTML is the box of a message.
func failureHTML(message string) string {
	var html strings.Builder
	if err := failureBox.Execute(&html, message); err != nil {
		return ""
	}
	return html.String()
}

func (notebook) flush() { gonbui.Sync() }

// settle keeps what was printed before a display before it: read by the kernel first, and
// then a round trip, in which it passes on what it read.
func (notebook) settle() {
	settle(os.Stdout, os.Stderr)
	gonbui.Sync()
}

// terminal prints text.
type terminal struct{}

func (terminal) figure(b render.Bundle)           { fmt.Println(strings.TrimRight(b.Text, "\n")) }
func (terminal) update(_ string, b render.Bundle) { terminal{}.figure(b) }
func (terminal) place(_, _ string)                {}
func (terminal) text(s string)                    { fmt.Println(strings.TrimRight(s, "\n")) }
func (terminal) status(string) bool               { return false }
func (terminal) flush()                           {}

func (terminal) failure(stderr io.Writer, message string) {
	fmt.Fprintln(stderr, "whybook: "+message)
}

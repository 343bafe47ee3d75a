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

func (n notebook) figure(b render.Bundle) {
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

func (notebook) status(html string) bool {
	gonbui.SendData(&protocol.DisplayData{
		Data:      map[protocol.MIMEType]any{protocol.MIMETextHTML: html},
		DisplayID: statusID(),
	})
	return true
}

var failureBox = template.Must(template.New("failure").Parse(
	`<div role="alert" style="border-left:4px solid #b3261e;padding:8px 12px;margin:4px 0;` +
		`color:var(--jp-content-font-color1,var(--vscode-editor-foreground,#1f1f1f));` +
		`background:var(--jp-layout-color2,var(--vscode-editorWidget-background,#f4f4f4));` +
		`font-family:var(--jp-code-font-family,monospace);white-space:pre-wrap">{{.}}</div>`))

func (n notebook) failure(_ io.Writer, message string) {
	n.settle()
	var html strings.Builder
	if err := failureBox.Execute(&html, message); err != nil {
		html.Reset()
	}
	data := map[protocol.MIMEType]any{protocol.MIMETextPlain: message}
	if html.Len() > 0 {
		data[protocol.MIMETextHTML] = html.String()
	}
	gonbui.SendData(&protocol.DisplayData{Data: data})
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

func (terminal) figure(b render.Bundle) { fmt.Println(strings.TrimRight(b.Text, "\n")) }
func (terminal) text(s string)          { fmt.Println(strings.TrimRight(s, "\n")) }
func (terminal) status(string) bool     { return false }
func (terminal) flush()                 {}

func (terminal) failure(stderr io.Writer, message string) {
	fmt.Fprintln(stderr, "whybook: "+message)
}

package jupyter

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

const (
	defaultMaxOutput = 16 << 20
	// perOutput is what an output costs besides its content, so that a flood of tiny
	// outputs is bounded too.
	perOutput = 256
)

// collector turns the messages of one execution into outputs as a front end would show
// them, within a bound.
type collector struct {
	outputs   []*Output
	limit     int
	size      int
	truncated bool
	clearNext bool                 // clear_output(wait=True): clear when something new comes
	displays  map[string][]*Output // shared by all executions of a kernel
}

func newCollector(limit int, displays map[string][]*Output) *collector {
	if limit <= 0 {
		limit = defaultMaxOutput
	}
	return &collector{limit: limit, displays: displays}
}

// published is the content of any of the messages that make an output.
type published struct {
	Name      string         `json:"name"`
	Text      string         `json:"text"`
	Data      map[string]any `json:"data"`
	Metadata  map[string]any `json:"metadata"`
	Transient struct {
		DisplayID string `json:"display_id"`
	} `json:"transient"`
	Count     int      `json:"execution_count"`
	ErrName   string   `json:"ename"`
	ErrValue  string   `json:"evalue"`
	Traceback []string `json:"traceback"`
	Wait      bool     `json:"wait"`
}

// add takes one message; kinds that show nothing, and contents that do not decode, are
// passed over as front ends do.
func (c *collector) add(kind string, content []byte) {
	switch kind {
	case "stream", "display_data", "execute_result", "update_display_data", "error", "clear_output":
	default:
		return
	}
	if c.truncated && kind != "clear_output" && kind != "error" {
		return // nothing of it would be kept, so do not decode a flood
	}
	var p published
	if json.Unmarshal(content, &p) != nil {
		return
	}
	if c.clearNext && kind != "clear_output" {
		c.clear()
	}
	switch kind {
	case "stream":
		c.stream(p)
	case "display_data":
		c.display(&Output{Type: DisplayData, Data: p.Data, Metadata: p.Metadata}, p.Transient.DisplayID)
	case "execute_result":
		out := &Output{Type: ExecuteResult, Data: p.Data, Metadata: p.Metadata, ExecutionCount: p.Count}
		c.display(out, p.Transient.DisplayID)
	case "update_display_data":
		c.update(p)
	case "error":
		c.outputs = append(c.outputs, &Output{Type: ErrorOutput,
			ErrName: p.ErrName, ErrValue: clip(p.ErrValue, c.limit), Traceback: clipLines(p.Traceback, c.limit)})
	case "clear_output":
		if p.Wait {
			c.clearNext = true
		} else {
			c.clear()
		}
	}
}

func (c *collector) clear() {
	for _, out := range c.outputs {
		for id, shown := range c.displays {
			c.displays[id] = slices.DeleteFunc(shown, func(o *Output) bool { return o == out })
		}
	}
	c.outputs, c.size, c.clearNext, c.truncated = nil, 0, false, false
}

// stream joins text to an earlier one of the same name when only streams lie between:
// how the two are interleaved is an accident of timing.
func (c *collector) stream(p published) {
	var out *Output
	for i := len(c.outputs) - 1; i >= 0 && c.outputs[i].Type == Stream; i-- {
		if c.outputs[i].Name == p.Name {
			out = c.outputs[i]
			break
		}
	}
	if out == nil {
		out = &Output{Type: Stream, Name: p.Name}
		c.outputs = append(c.outputs, out)
		c.size += perOutput
	}
	room := c.limit - c.size
	if len(p.Text) > room {
		p.Text = clip(p.Text, room)
		defer c.truncate()
	}
	c.size += len(p.Text)
	out.buf = append(out.buf, p.Text...)
}

func (c *collector) display(out *Output, id string) {
	cost := perOutput + bundleSize(out.Data)
	if c.size+cost > c.limit {
		c.truncate()
		return
	}
	c.size += cost
	c.outputs = append(c.outputs, out)
	if id != "" {
		c.displays[id] = append(c.displays[id], out)
	}
}

// update changes what was shown with the display id, in this cell or an earlier one.
func (c *collector) update(p published) {
	for _, out := range c.displays[p.Transient.DisplayID] {
		grown := bundleSize(p.Data) - bundleSize(out.Data)
		if c.size+grown > c.limit {
			c.truncate()
			return
		}
		c.size += grown
		out.Data, out.Metadata = p.Data, p.Metadata
	}
}

// truncate leaves a note of what is missing, once.
func (c *collector) truncate() {
	if c.truncated {
		return
	}
	c.truncated = true
	c.outputs = append(c.outputs, &Output{Type: Stream, Name: "stderr",
		buf: fmt.Appendf(nil, "\n[output cut: more than %.3g MiB from one cell]\n", float64(c.limit)/(1<<20))})
}

// finish returns the outputs as they are to be kept.
func (c *collector) finish() []*Output {
	for i, out := range c.outputs {
		if out.Type != Stream {
			continue
		}
		out.Text = overwrite(string(out.buf))
		out.buf = nil
		if i > 0 && c.outputs[i-1].Type == Stream && c.outputs[i-1].Name == "stderr" && out.Name == "stdout" {
			c.outputs[i-1], c.outputs[i] = out, c.outputs[i-1]
		}
	}
	return slices.DeleteFunc(c.outputs, func(o *Output) bool { return o.Type == Stream && o.Text == "" })
}

// overwrite applies carriage returns as a terminal does, so that of a progress line only
// its last state remains.
func overwrite(text string) string {
	if !strings.Contains(text, "\r") {
		return text
	}
	var b strings.Builder
	for line := range strings.Lines(strings.ReplaceAll(text, "\r\n", "\n")) {
		body, newline := strings.CutSuffix(line, "\n")
		var shown []rune
		for part := range strings.SplitSeq(body, "\r") {
			new := []rune(part)
			if len(new) < len(shown) {
				new = append(new, shown[len(new):]...)
			}
			shown = new
		}
		b.WriteString(string(shown))
		if newline {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// blank reports whether a display shows nothing: what an erased progress bar leaves.
func (o *Output) blank() bool {
	if o.Type != DisplayData {
		return false
	}
	for _, content := range o.Data {
		if text, ok := content.(string); !ok || strings.TrimSpace(text) != "" {
			return false
		}
	}
	return true
}

func bundleSize(data map[string]any) int {
	size := 0
	for mime, content := range data {
		size += len(mime)
		if text, ok := content.(string); ok {
			size += len(text)
		} else if raw, err := json.Marshal(content); err == nil {
			size += len(raw)
		}
	}
	return size
}

// clip cuts text to n bytes at most, not within a character.
func clip(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:max(0, n)], "")
}

func clipLines(lines []string, n int) []string {
	var kept []string
	for _, line := range lines {
		line = clip(line, n)
		n -= len(line) + 1
		kept = append(kept, line)
		if n <= 0 {
			break
		}
	}
	return kept
}

package jupyter

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// maxNotebook bounds the files that Read accepts, in bytes.
const maxNotebook = 256 << 20

// CellType is the kind of a cell.
type CellType string

// The kinds of cell that nbformat 4 knows.
const (
	Code     CellType = "code"
	Markdown CellType = "markdown"
	Raw      CellType = "raw"
)

// OutputType is the kind of an output of a code cell.
type OutputType string

// The kinds of output that nbformat 4 knows.
const (
	Stream        OutputType = "stream"
	DisplayData   OutputType = "display_data"
	ExecuteResult OutputType = "execute_result"
	ErrorOutput   OutputType = "error"
)

// A Notebook is the content of an .ipynb file of format 4.
type Notebook struct {
	Cells    []Cell
	Metadata map[string]any
	Minor    int            // nbformat_minor; cells have ids from 5 on
	Extra    map[string]any // top-level fields unknown to this package
}

// A Cell is one cell of a notebook.
type Cell struct {
	Type           CellType
	ID             string
	Source         string
	Metadata       map[string]any
	Outputs        []*Output      // code cells only
	ExecutionCount int            // code cells only; 0 is never executed
	Extra          map[string]any // fields unknown to this package, attachments among them
}

// An Output is one thing a code cell shows. Which fields are used depends on Type.
type Output struct {
	Type OutputType

	Name string // Stream: "stdout" or "stderr"
	Text string // Stream

	// Data maps MIME types to content, for DisplayData and ExecuteResult: strings (base64
	// for binary types), or decoded JSON for JSON types.
	Data           map[string]any
	Metadata       map[string]any
	ExecutionCount int // ExecuteResult

	ErrName, ErrValue string // ErrorOutput
	Traceback         []string

	Extra map[string]any // fields unknown to this package

	buf []byte // Text while it grows
}

// Tagged reports whether the cell's metadata carries the tag.
func (c Cell) Tagged(tag string) bool {
	tags, _ := c.Metadata["tags"].([]any)
	return slices.Contains(tags, any(tag))
}

// timeoutTag begins the tag that bounds the time of a cell.
const timeoutTag = "timeout="

// Timeout returns the longest time that the cell asks for with a tag such as "timeout=90s"
// (the notation of time.ParseDuration; 0 is no limit), and whether it has one. The error
// wraps ErrNotebook.
func (c Cell) Timeout() (limit time.Duration, ok bool, err error) {
	tags, _ := c.Metadata["tags"].([]any)
	for _, tag := range tags {
		name, _ := tag.(string)
		text, found := strings.CutPrefix(name, timeoutTag)
		if !found {
			continue
		}
		limit, err := time.ParseDuration(text)
		if err != nil || limit < 0 {
			return 0, false, fmt.Errorf("%w: cell %q: the tag %q gives no time; write for instance timeout=90s or timeout=5m", ErrNotebook, c.ID, name)
		}
		return limit, true, nil
	}
	return 0, false, nil
}

// KernelName returns the name of the kernel that the notebook asks for, or "".
func (n *Notebook) KernelName() string {
	spec, _ := n.Metadata["kernelspec"].(map[string]any)
	name, _ := spec["name"].(string)
	return name
}

// Language returns the language of the notebook's code, or "" when it does not say.
func (n *Notebook) Language() string {
	for _, key := range []string{"kernelspec", "language_info"} {
		fields, _ := n.Metadata[key].(map[string]any)
		for _, name := range []string{"language", "name"} {
			if key == "kernelspec" && name == "name" {
				continue
			}
			if language, _ := fields[name].(string); language != "" {
				return language
			}
		}
	}
	return ""
}

// Clone returns a copy that shares nothing with n that this package changes.
func (n *Notebook) Clone() *Notebook {
	c := *n
	c.Metadata = maps.Clone(n.Metadata)
	c.Cells = slices.Clone(n.Cells)
	for i := range c.Cells {
		c.Cells[i].Outputs = slices.Clone(c.Cells[i].Outputs)
		for j, out := range c.Cells[i].Outputs {
			copied := *out
			c.Cells[i].Outputs[j] = &copied
		}
	}
	return &c
}

// Read reads a notebook file. The error wraps ErrNotebook when the content is at fault.
func Read(path string) (*Notebook, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("jupyter: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxNotebook+1))
	if err != nil {
		return nil, fmt.Errorf("jupyter: %s: %w", path, err)
	}
	if len(data) > maxNotebook {
		return nil, fmt.Errorf("%w: %s is larger than %d MiB", ErrNotebook, path, maxNotebook>>20)
	}
	n, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return n, nil
}

// Parse decodes the JSON of a notebook. Errors wrap ErrNotebook.
func Parse(data []byte) (*Notebook, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber() // keeps 1.0 and large integers as they were written
	var top map[string]any
	if err := dec.Decode(&top); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrNotebook, err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("%w: there is more after the end of the JSON object", ErrNotebook)
	}
	if top == nil {
		return nil, fmt.Errorf("%w: want a JSON object, have null", ErrNotebook)
	}
	f := fields{where: "notebook", m: top}
	n := &Notebook{}
	if major := f.integer("nbformat"); f.err == nil && major != 4 {
		return nil, fmt.Errorf("%w: nbformat is %d, want 4 (jupyter nbconvert --to notebook converts it)", ErrNotebook, major)
	}
	n.Minor = f.integer("nbformat_minor")
	n.Metadata = f.object("metadata")
	cells := f.list("cells")
	if _, ok := top["cells"]; !ok && f.err == nil {
		f.fail("cells", "is missing")
	}
	n.Extra = f.rest()
	if f.err != nil {
		return nil, f.err
	}
	n.Cells = make([]Cell, len(cells))
	for i, raw := range cells {
		if err := n.Cells[i].decode(i, raw); err != nil {
			return nil, err
		}
	}
	n.completeIDs()
	return n, nil
}

// completeIDs gives cells without an id one that depends only on their place.
func (n *Notebook) completeIDs() {
	if n.Minor < 5 {
		return
	}
	used := map[string]bool{}
	for _, c := range n.Cells {
		used[c.ID] = true
	}
	for i := range n.Cells {
		for k := i + 1; n.Cells[i].ID == ""; k += len(n.Cells) {
			if id := fmt.Sprintf("cell-%d", k); !used[id] {
				n.Cells[i].ID, used[id] = id, true
			}
		}
	}
}

func (c *Cell) decode(i int, raw any) error {
	f := newFields(fmt.Sprintf("cell %d", i+1), raw)
	c.Type = CellType(f.text("cell_type"))
	switch c.Type {
	case Code, Markdown, Raw:
	default:
		f.fail("cell_type", fmt.Sprintf("is %q, want code, markdown or raw", c.Type))
	}
	c.ID = f.text("id")
	c.Source = f.text("source")
	c.Metadata = f.object("metadata")
	var outputs []any
	if c.Type == Code {
		c.ExecutionCount = f.integer("execution_count")
		outputs = f.list("outputs")
	}
	c.Extra = f.rest()
	if f.err != nil {
		return f.err
	}
	for j, raw := range outputs {
		out := &Output{}
		if err := out.decode(fmt.Sprintf("cell %d, output %d", i+1, j+1), raw); err != nil {
			return err
		}
		c.Outputs = append(c.Outputs, out)
	}
	return nil
}

func (o *Output) decode(where string, raw any) error {
	f := newFields(where, raw)
	o.Type = OutputType(f.text("output_type"))
	switch o.Type {
	case Stream:
		o.Name, o.Text = f.text("name"), f.text("text")
	case ExecuteResult, DisplayData:
		if o.Type == ExecuteResult {
			o.ExecutionCount = f.integer("execution_count")
		}
		o.Data, o.Metadata = f.object("data"), f.object("metadata")
		for mime, content := range o.Data {
			if isJSONType(mime) {
				continue
			}
			if text, ok := joinLines(content); ok {
				o.Data[mime] = text
			}
		}
	case ErrorOutput:
		o.ErrName, o.ErrValue = f.text("ename"), f.text("evalue")
		for _, line := range f.list("traceback") {
			text, _ := line.(string)
			o.Traceback = append(o.Traceback, text)
		}
	default:
		f.fail("output_type", fmt.Sprintf("is %q, want stream, display_data, execute_result or error", o.Type))
	}
	o.Extra = f.rest()
	return f.err
}

// Encode returns the notebook as JSON in Jupyter's own layout: sorted keys, one space of
// indentation, text as lists of lines, a newline at the end.
func (n *Notebook) Encode() ([]byte, error) {
	cells := make([]any, len(n.Cells))
	for i, c := range n.Cells {
		cells[i] = c.encode(n.Minor)
	}
	top := with(n.Extra, map[string]any{
		"cells": cells, "metadata": orEmpty(n.Metadata), "nbformat": 4, "nbformat_minor": n.Minor,
	})
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(top); err != nil {
		return nil, fmt.Errorf("jupyter: encode notebook: %w", err)
	}
	return buf.Bytes(), nil
}

// Write writes the notebook to a file, which appears complete or not at all. A file that
// is there keeps its permissions, and a symbolic link stays one.
func (n *Notebook) Write(path string) error {
	data, err := n.Encode()
	if err != nil {
		return err
	}
	mode := os.FileMode(0o644)
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
		if info, err := os.Stat(path); err == nil {
			mode = info.Mode().Perm()
		}
	}
	return writeFile(path, data, mode)
}

func (c Cell) encode(minor int) map[string]any {
	m := map[string]any{
		"cell_type": string(c.Type), "metadata": orEmpty(c.Metadata), "source": splitLines(c.Source),
	}
	if c.ID != "" || minor >= 5 {
		m["id"] = c.ID
	}
	if c.Type == Code {
		outputs := make([]any, len(c.Outputs))
		for i, o := range c.Outputs {
			outputs[i] = o.encode()
		}
		m["outputs"] = outputs
		m["execution_count"] = count(c.ExecutionCount)
	}
	return with(c.Extra, m)
}

func (o *Output) encode() map[string]any {
	m := map[string]any{"output_type": string(o.Type)}
	switch o.Type {
	case Stream:
		m["name"], m["text"] = o.Name, splitLines(o.Text)
	case ExecuteResult, DisplayData:
		data := make(map[string]any, len(o.Data))
		for mime, content := range o.Data {
			if text, ok := content.(string); ok && isTextType(mime) {
				data[mime] = splitLines(text)
			} else {
				data[mime] = content
			}
		}
		m["data"], m["metadata"] = data, orEmpty(o.Metadata)
		if o.Type == ExecuteResult {
			m["execution_count"] = count(o.ExecutionCount)
		}
	case ErrorOutput:
		trace := make([]any, len(o.Traceback))
		for i, line := range o.Traceback {
			trace[i] = line
		}
		m["ename"], m["evalue"], m["traceback"] = o.ErrName, o.ErrValue, trace
	}
	return with(o.Extra, m)
}

// fields takes known fields out of a JSON object one by one and keeps the first mistake.
type fields struct {
	where string
	m     map[string]any
	taken []string
	err   error
}

func newFields(where string, raw any) *fields {
	f := &fields{where: where}
	m, ok := raw.(map[string]any)
	if !ok {
		f.err = fmt.Errorf("%w: %s is not a JSON object", ErrNotebook, where)
	}
	f.m = m
	return f
}

func (f *fields) fail(key, problem string) {
	if f.err == nil {
		f.err = fmt.Errorf("%w: %s: %s %s", ErrNotebook, f.where, key, problem)
	}
}

func (f *fields) take(key string) any {
	f.taken = append(f.taken, key)
	return f.m[key]
}

func (f *fields) text(key string) string {
	v := f.take(key)
	text, ok := joinLines(v)
	if !ok && v != nil {
		f.fail(key, "is neither a string nor a list of strings")
	}
	return text
}

func (f *fields) integer(key string) int {
	switch v := f.take(key).(type) {
	case nil:
		return 0
	case json.Number:
		if i, err := v.Int64(); err == nil && int64(int32(i)) == i {
			return int(i)
		}
	}
	f.fail(key, "is not a small whole number")
	return 0
}

func (f *fields) object(key string) map[string]any {
	v := f.take(key)
	m, ok := v.(map[string]any)
	if !ok && v != nil {
		f.fail(key, "is not a JSON object")
	}
	return m
}

func (f *fields) list(key string) []any {
	v := f.take(key)
	l, ok := v.([]any)
	if !ok && v != nil {
		f.fail(key, "is not a list")
	}
	return l
}

func (f *fields) rest() map[string]any {
	var rest map[string]any
	for key, v := range f.m {
		if !slices.Contains(f.taken, key) {
			if rest == nil {
				rest = map[string]any{}
			}
			rest[key] = v
		}
	}
	return rest
}

// joinLines returns text that nbformat stores as a string or as a list of lines.
func joinLines(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case []any:
		var b strings.Builder
		for _, line := range v {
			text, ok := line.(string)
			if !ok {
				return "", false
			}
			b.WriteString(text)
		}
		return b.String(), true
	}
	return "", false
}

func splitLines(s string) []any {
	lines := []any{}
	for line := range strings.Lines(s) {
		lines = append(lines, line)
	}
	return lines
}

func isJSONType(mime string) bool {
	return mime == "application/json" || strings.HasPrefix(mime, "application/") && strings.HasSuffix(mime, "+json")
}

// isTextType reports whether nbformat stores the type's content as a list of lines.
func isTextType(mime string) bool {
	return strings.HasPrefix(mime, "text/") || mime == "application/javascript" || mime == "image/svg+xml"
}

func with(extra, known map[string]any) map[string]any {
	for key, v := range extra {
		if _, ok := known[key]; !ok {
			known[key] = v
		}
	}
	return known
}

func orEmpty(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}

func count(n int) any {
	if n == 0 {
		return nil
	}
	return n
}

// writeFile writes by way of a temporary file in the same folder.
func writeFile(path string, data []byte, mode os.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("jupyter: write %s: %w", path, err)
	}
	defer os.Remove(f.Name()) // fails after the rename, as it should
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(mode)
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("jupyter: write %s: %w", path, err)
	}
	return nil
}

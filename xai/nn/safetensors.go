package nn

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"sort"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/internal/graph"
)

// ErrFormat is matched by errors about a network file that cannot be read.
var ErrFormat = errors.New("not a usable network file")

// maxHeader bounds the JSON header of a safetensors file, as the reference reader does.
const maxHeader = 100 << 20

// tensor is a named array as it lies in a file.
type tensor struct {
	name  string
	dims  []int
	dtype string // "F32" or "F64"
	bytes []byte // little-endian
}

// tensors implements runner.
func (e *engine[T]) tensors() []tensor {
	list := make([]tensor, len(e.params))
	for i, p := range e.params {
		list[i] = encodeTensor(p.name, p.dims, p.data)
	}
	return list
}

// encodeTensor returns values as they lie in a file.
func encodeTensor[T graph.Float](name string, dims []int, values []T) tensor {
	t := tensor{name: name, dims: dims, dtype: "F32"}
	switch values := any(values).(type) {
	case []float32:
		t.bytes = make([]byte, 0, 4*len(values))
		for _, v := range values {
			t.bytes = binary.LittleEndian.AppendUint32(t.bytes, math.Float32bits(v))
		}
	case []float64:
		t.dtype = "F64"
		t.bytes = make([]byte, 0, 8*len(values))
		for _, v := range values {
			t.bytes = binary.LittleEndian.AppendUint64(t.bytes, math.Float64bits(v))
		}
	}
	return t
}

// decodeTensor stores a tensor's values in dst, which has its size.
func decodeTensor[T graph.Float](dst []T, t tensor) {
	for j := range dst {
		if t.dtype == "F64" {
			dst[j] = T(math.Float64frombits(binary.LittleEndian.Uint64(t.bytes[8*j:])))
		} else {
			dst[j] = T(math.Float32frombits(binary.LittleEndian.Uint32(t.bytes[4*j:])))
		}
	}
}

// tensorJSON is an entry of the header.
type tensorJSON struct {
	Dtype   string `json:"dtype"`
	Shape   []int  `json:"shape"`
	Offsets [2]int `json:"data_offsets"`
}

// Save writes the network in the safetensors format: weights under PyTorch's names and
// layouts ("conv1.weight", out x in x K x K), and the architecture, class names and
// training history in the metadata.
func (n *Net) Save(w io.Writer) error {
	meta := map[string]string{"format": "whybook.nn/1"}
	for name, value := range map[string]any{"arch": n.arch, "classes": n.classes, "history": n.History} {
		text, err := json.Marshal(value)
		if err != nil {
			return fmt.Errorf("nn.Net.Save: %w", err)
		}
		meta[name] = string(text) // a map: json.Marshal sorts it below
	}
	if err := writeSafetensors(w, n.run.tensors(), meta); err != nil {
		return fmt.Errorf("nn.Net.Save: %w", err)
	}
	return nil
}

// writeSafetensors writes the container that readSafetensors reads.
func writeSafetensors(w io.Writer, list []tensor, meta map[string]string) error {
	header, at := map[string]any{"__metadata__": meta}, 0
	for _, t := range list {
		header[t.name] = tensorJSON{Dtype: t.dtype, Shape: t.dims, Offsets: [2]int{at, at + len(t.bytes)}}
		at += len(t.bytes)
	}
	text, err := json.Marshal(header) // sorts the keys
	if err != nil {
		return err
	}
	// Readers map the file: data starts on a multiple of eight bytes.
	text = append(text, bytes.Repeat([]byte(" "), (8-len(text)%8)%8)...)
	buf := binary.LittleEndian.AppendUint64(nil, uint64(len(text)))
	buf = append(buf, text...)
	for _, t := range list {
		buf = append(buf, t.bytes...)
	}
	_, err = w.Write(buf)
	return err
}

// Load reads a network that Save wrote. Errors match ErrFormat, or xai.ErrShape where a
// tensor has another shape than its layer.
func Load(r io.Reader) (*Net, error) {
	tensors, meta, err := readSafetensors(r)
	if err != nil {
		return nil, fmt.Errorf("nn.Load: %w", err)
	}
	if meta["format"] != "whybook.nn/1" {
		return nil, fmt.Errorf("nn.Load: the file has no Whybook architecture (format %q): %w", meta["format"], ErrFormat)
	}
	n := &Net{}
	for _, field := range []struct {
		name string
		into any
	}{{"arch", &n.arch}, {"classes", &n.classes}, {"history", &n.History}} {
		if err := json.Unmarshal([]byte(meta[field.name]), field.into); err != nil {
			return nil, fmt.Errorf("nn.Load: metadata %q: %w: %w", field.name, err, ErrFormat)
		}
	}
	if err := n.arch.checkEnd(); err != nil {
		return nil, fmt.Errorf("nn.Load: %w: %w", err, ErrFormat)
	}
	if k := n.arch.Output().Size(); n.classes != nil && len(n.classes) != k {
		return nil, fmt.Errorf("nn.Load: %d class names for %d scores: %w", len(n.classes), k, ErrFormat)
	}
	double := false
	for _, t := range tensors {
		double = double || t.dtype == "F64"
	}
	if double {
		n.run, err = fill[float64](n.arch, tensors)
	} else {
		n.run, err = fill[float32](n.arch, tensors)
	}
	if err != nil {
		return nil, fmt.Errorf("nn.Load: %w", err)
	}
	return n, nil
}

// fill makes an engine whose weights come from the tensors, which must be exactly those
// of the architecture.
func fill[T graph.Float](a Arch, tensors map[string]tensor) (*engine[T], error) {
	var params []param[T]
	for i, s := range a.steps {
		for _, w := range a.weights(i) {
			name := s.name + "." + w.name
			t, ok := tensors[name]
			if !ok {
				return nil, fmt.Errorf("tensor %q is missing: %w", name, ErrFormat)
			}
			if fmt.Sprint(t.dims) != fmt.Sprint(w.dims) {
				return nil, fmt.Errorf("tensor %q has shape %v, the layer needs %v: %w", name, t.dims, w.dims, xai.ErrShape)
			}
			p := param[T]{name: name, dims: w.dims, rows: w.rows, cols: w.cols, data: make([]T, w.rows*w.cols)}
			decodeTensor(p.data, t)
			params = append(params, p)
			delete(tensors, name)
		}
	}
	if len(tensors) > 0 {
		var surplus []string
		for name := range tensors {
			surplus = append(surplus, name)
		}
		sort.Strings(surplus)
		return nil, fmt.Errorf("tensors %q belong to no layer: %w", surplus, ErrFormat)
	}
	return newEngine(a, params), nil
}

// readSafetensors reads the container: https://github.com/huggingface/safetensors. It
// believes nothing that the header says before checking it against the bytes there are.
func readSafetensors(r io.Reader) (map[string]tensor, map[string]string, error) {
	var size [8]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, nil, fmt.Errorf("truncated before the header: %w", ErrFormat)
	}
	length := binary.LittleEndian.Uint64(size[:])
	if length > maxHeader {
		return nil, nil, fmt.Errorf("header of %d bytes; at most %d are allowed: %w", length, maxHeader, ErrFormat)
	}
	// A limited copy grows with the bytes that really come, not with what is claimed.
	text, err := io.ReadAll(io.LimitReader(r, int64(length)))
	if err != nil {
		return nil, nil, err
	}
	if uint64(len(text)) != length {
		return nil, nil, fmt.Errorf("truncated in the header: %w", ErrFormat)
	}
	var header map[string]json.RawMessage
	if err := json.Unmarshal(text, &header); err != nil {
		return nil, nil, fmt.Errorf("header: %w: %w", err, ErrFormat)
	}
	meta := map[string]string{}
	if raw, ok := header["__metadata__"]; ok {
		if err := json.Unmarshal(raw, &meta); err != nil {
			return nil, nil, fmt.Errorf("metadata: %w: %w", err, ErrFormat)
		}
		delete(header, "__metadata__")
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, nil, err
	}
	names := make([]string, 0, len(header))
	for name := range header {
		names = append(names, name)
	}
	sort.Strings(names) // so that the first error is always the same one
	tensors := make(map[string]tensor, len(header))
	used := 0
	for _, name := range names {
		var t tensorJSON
		if err := json.Unmarshal(header[name], &t); err != nil {
			return nil, nil, fmt.Errorf("tensor %q: %w: %w", name, err, ErrFormat)
		}
		width := map[string]int{"F32": 4, "F64": 8}[t.Dtype]
		if width == 0 {
			return nil, nil, fmt.Errorf("tensor %q has type %q; F32 and F64 are supported: %w", name, t.Dtype, ErrFormat)
		}
		count := 1
		for _, d := range t.Shape {
			if d < 0 || (d > 0 && count > len(data)/d) {
				return nil, nil, fmt.Errorf("tensor %q: shape %v does not fit the file: %w", name, t.Shape, ErrFormat)
			}
			count *= d
		}
		lo, hi := t.Offsets[0], t.Offsets[1]
		if lo < 0 || hi < lo || hi > len(data) || hi-lo != count*width {
			return nil, nil, fmt.Errorf("tensor %q: bytes %d-%d of %d for shape %v of %s; is the file truncated? %w", name, lo, hi, len(data), t.Shape, t.Dtype, ErrFormat)
		}
		used += hi - lo
		tensors[name] = tensor{name: name, dims: t.Shape, dtype: t.Dtype, bytes: data[lo:hi]}
	}
	if used != len(data) {
		return nil, nil, fmt.Errorf("%d bytes of data, the header describes %d: %w", len(data), used, ErrFormat)
	}
	return tensors, meta, nil
}

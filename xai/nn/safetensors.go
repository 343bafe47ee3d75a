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
	"strings"

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
	dtype string // as in the file: "F32"
	bytes []byte // little-endian
}

// widths are the sizes in bytes of a file's element types, of which the floating ones can
// be weights.
var widths = map[string]int{"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}

// decode returns the values of a tensor of a floating type.
func decode[T graph.Float](t tensor) ([]T, error) {
	var at func(b []byte) float64
	switch t.dtype {
	case "F64":
		at = func(b []byte) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(b)) }
	case "F32":
		at = func(b []byte) float64 { return float64(math.Float32frombits(binary.LittleEndian.Uint32(b))) }
	case "BF16": // the upper half of a float32
		at = func(b []byte) float64 {
			return float64(math.Float32frombits(uint32(binary.LittleEndian.Uint16(b)) << 16))
		}
	case "F16":
		at = func(b []byte) float64 { return half(binary.LittleEndian.Uint16(b)) }
	default:
		return nil, fmt.Errorf("tensor %q holds values of type %s; weights must be F64, F32, F16 or BF16: %w", t.name, t.dtype, ErrFormat)
	}
	w := widths[t.dtype]
	values := make([]T, len(t.bytes)/w)
	for i := range values {
		values[i] = T(at(t.bytes[i*w:]))
	}
	return values, nil
}

// half converts an IEEE 754 half-precision number.
func half(b uint16) float64 {
	sign, exponent, fraction := 1.0, int(b>>10&31), float64(b&1023)/1024
	if b>>15 == 1 {
		sign = -1
	}
	switch {
	case exponent == 0:
		return sign * math.Ldexp(fraction, -14)
	case exponent == 31 && fraction == 0:
		return sign * math.Inf(1)
	case exponent == 31:
		return math.NaN()
	}
	return sign * math.Ldexp(1+fraction, exponent-15)
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
	if n == nil || n.run == nil {
		return errors.New("nn.Net.Save: there is no network")
	}
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

// Load returns a network of this architecture with the weights of a safetensors file: one
// that Save wrote, or one from PyTorch, whose tensor names must be those of the layers
// ("layer1.0.conv1.weight"; see Named). Half-precision weights are converted; a missing,
// surplus or differently shaped tensor is an error that names it. PyTorch's counters
// (num_batches_tracked) are ignored.
//
// classes are the names of the scores, or nil.
func (a Arch) Load(r io.Reader, classes []string) (*Net, error) {
	if err := a.checkEnd(); err != nil {
		return nil, err
	}
	if k := a.Output().Size(); classes != nil && len(classes) != k {
		return nil, fmt.Errorf("nn.Arch.Load: %d class names for %d scores: %w", len(classes), k, xai.ErrShape)
	}
	tensors, _, err := readSafetensors(r)
	if err != nil {
		return nil, fmt.Errorf("nn.Arch.Load: %w", err)
	}
	e, err := fill[float32](a, tensors)
	if err != nil {
		return nil, fmt.Errorf("nn.Arch.Load: %w", err)
	}
	return &Net{arch: a, classes: append([]string(nil), classes...), run: e}, nil
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
			data, err := decode[T](t)
			if err != nil {
				return nil, err
			}
			p := param[T]{name: name, dims: w.dims, rows: w.rows, cols: w.cols, data: data}
			params = append(params, p)
			delete(tensors, name)
		}
	}
	if len(tensors) > 0 {
		var surplus []string
		for name := range tensors {
			if !strings.HasSuffix(name, ".num_batches_tracked") {
				surplus = append(surplus, name)
			}
		}
		sort.Strings(surplus)
		if len(surplus) > 0 {
			return nil, fmt.Errorf("tensors %q belong to no layer: %w", surplus, ErrFormat)
		}
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
		width := widths[t.Dtype]
		if width == 0 {
			return nil, nil, fmt.Errorf("tensor %q has the unknown type %q: %w", name, t.Dtype, ErrFormat)
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

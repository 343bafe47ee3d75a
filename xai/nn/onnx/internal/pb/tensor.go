package pb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

// DataType is TensorProto.DataType.
type DataType int32

// The element types that are read.
const (
	Float    DataType = 1
	Uint8    DataType = 2
	Int8     DataType = 3
	Uint16   DataType = 4
	Int16    DataType = 5
	Int32    DataType = 6
	Int64    DataType = 7
	Bool     DataType = 9
	Float16  DataType = 10
	Double   DataType = 11
	Uint32   DataType = 12
	Uint64   DataType = 13
	BFloat16 DataType = 16
)

func (t DataType) String() string {
	names := [...]string{"undefined", "float", "uint8", "int8", "uint16", "int16", "int32", "int64", "string", "bool", "float16", "double",
		"uint32", "uint64", "complex64", "complex128", "bfloat16", "float8e4m3fn", "float8e4m3fnuz", "float8e5m2", "float8e5m2fnuz", "uint4", "int4", "float4e2m1"}
	if t >= 0 && int(t) < len(names) {
		return names[t]
	}
	return fmt.Sprintf("type %d", int32(t))
}

// IsFloat tells whether the elements are floating-point numbers that Floats converts.
func (t DataType) IsFloat() bool {
	return t == Float || t == Double || t == Float16 || t == BFloat16
}

// size is the number of bytes of an element in raw data; 0 for types that are not read.
func (t DataType) size() int {
	switch t {
	case Uint8, Int8, Bool:
		return 1
	case Uint16, Int16, Float16, BFloat16:
		return 2
	case Float, Int32, Uint32:
		return 4
	case Double, Int64, Uint64:
		return 8
	}
	return 0
}

// Tensor is TensorProto. Its elements stay as they lie in the file until Floats or Ints
// asks for them.
type Tensor struct {
	Name string
	Dims []int64
	Type DataType
	Raw  []byte // little-endian elements

	fixed    []byte  // float_data or double_data, whose packed form is little-endian too
	varints  []int64 // int32_data, int64_data or uint64_data
	external bool
	segment  bool
	location string // of external data
	offset   string
	length   string
}

func (t *Tensor) decode(b []byte) error {
	err := each("tensor", b, func(f field) error {
		switch {
		case f.num == 1:
			return ints(&t.Dims, f)
		case f.number(2):
			t.Type = DataType(f.n)
		case f.text(3):
			t.segment = true
		case f.text(4), f.text(10): // packed floats and doubles
			if len(t.fixed) == 0 {
				t.fixed = f.b[:len(f.b):len(f.b)] // in the file: a second piece makes append copy
			} else {
				t.fixed = append(t.fixed, f.b...)
			}
		case f.num == 4 && f.typ == protowire.Fixed32Type:
			t.fixed = binary.LittleEndian.AppendUint32(t.fixed, uint32(f.n))
		case f.num == 10 && f.typ == protowire.Fixed64Type:
			t.fixed = binary.LittleEndian.AppendUint64(t.fixed, f.n)
		case f.num == 5 || f.num == 7 || f.num == 11:
			return ints(&t.varints, f)
		case f.text(8):
			t.Name = string(f.b)
		case f.text(9):
			t.Raw = f.b
		case f.text(13):
			return t.decodeExternal(f.b)
		case f.number(14):
			t.external = f.n == 1
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("tensor %q: %w", t.Name, err)
	}
	if len(t.Dims) > maxRank {
		return fmt.Errorf("tensor %q has %d axes: %w", t.Name, len(t.Dims), ErrFormat)
	}
	return nil
}

func (t *Tensor) decodeExternal(b []byte) error {
	var key, value string
	if err := each("external data", b, func(f field) error {
		switch {
		case f.text(1):
			key = string(f.b)
		case f.text(2):
			value = string(f.b)
		}
		return nil
	}); err != nil {
		return err
	}
	switch key {
	case "location":
		t.location = value
	case "offset":
		t.offset = value
	case "length":
		t.length = value
	}
	return nil
}

// Len returns the number of elements that the shape asks for, or an error where it
// is negative or too large to be real.
func (t *Tensor) Len() (int, error) {
	n := int64(1)
	for _, d := range t.Dims {
		if d < 0 || (d > 0 && n > (1<<40)/d) {
			return 0, fmt.Errorf("tensor %q: impossible shape %v: %w", t.Name, t.Dims, ErrFormat)
		}
		n *= d
	}
	return int(n), nil
}

// check makes sure that the elements are there, so that allocating for them is safe.
func (t *Tensor) check() (n int, err error) {
	size := t.Type.size()
	if size == 0 {
		return 0, fmt.Errorf("tensor %q has elements of type %v; float, double, float16, bfloat16, bool and integers of 8 to 64 bits are read: convert the model to float", t.Name, t.Type)
	}
	if n, err = t.Len(); err != nil {
		return 0, err
	}
	have := 0
	switch {
	case t.segment:
		return 0, fmt.Errorf("tensor %q is stored in segments, which are not read: save the model again", t.Name)
	case t.external:
		return 0, fmt.Errorf("tensor %q lies in the external file %q, which was not given", t.Name, t.location)
	case t.Raw != nil:
		have = len(t.Raw) / size
		if len(t.Raw)%size != 0 {
			have = -1
		}
	case t.Type == Float || t.Type == Double:
		have = len(t.fixed) / size
		if len(t.fixed)%size != 0 {
			have = -1
		}
	default:
		have = len(t.varints)
	}
	if have != n {
		return 0, fmt.Errorf("tensor %q of shape %v needs %d elements, the file has %d: %w", t.Name, t.Dims, n, max(have, 0), ErrFormat)
	}
	return n, nil
}

// Check reports elements that are missing, or of a type that is not read.
func (t *Tensor) Check() error {
	_, err := t.check()
	return err
}

// Floats returns the elements of a floating-point tensor.
func (t *Tensor) Floats() ([]float64, error) {
	n, err := t.check()
	if err != nil {
		return nil, err
	}
	if !t.Type.IsFloat() {
		return nil, fmt.Errorf("tensor %q has elements of type %v, needs a floating-point type", t.Name, t.Type)
	}
	out := make([]float64, n)
	b := t.Raw
	if b == nil {
		b = t.fixed
	}
	for i := range out {
		switch {
		case t.Type == Float:
			out[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:])))
		case t.Type == Double:
			out[i] = math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:]))
		default:
			var bits uint16
			if t.Raw != nil {
				bits = binary.LittleEndian.Uint16(b[2*i:])
			} else {
				bits = uint16(t.varints[i])
			}
			if t.Type == Float16 {
				out[i] = half(bits)
			} else {
				out[i] = float64(math.Float32frombits(uint32(bits) << 16))
			}
		}
	}
	return out, nil
}

// half converts an IEEE half-precision number.
func half(bits uint16) float64 {
	sign := 1.0
	if bits>>15 != 0 {
		sign = -1
	}
	exponent, fraction := int(bits>>10&31), float64(bits&1023)
	switch exponent {
	case 0:
		return sign * math.Ldexp(fraction, -24)
	case 31:
		if fraction != 0 {
			return math.NaN()
		}
		return sign * math.Inf(1)
	}
	return sign * math.Ldexp(1024+fraction, exponent-25)
}

// Ints returns the elements of an integer or bool tensor.
func (t *Tensor) Ints() ([]int64, error) {
	n, err := t.check()
	if err != nil {
		return nil, err
	}
	if t.Type.IsFloat() {
		return nil, fmt.Errorf("tensor %q has elements of type %v, needs an integer type", t.Name, t.Type)
	}
	out := make([]int64, n)
	if t.Raw == nil {
		copy(out, t.varints)
		return out, nil
	}
	for i := range out {
		switch b := t.Raw[i*t.Type.size():]; t.Type {
		case Uint8, Bool:
			out[i] = int64(b[0])
		case Int8:
			out[i] = int64(int8(b[0]))
		case Uint16:
			out[i] = int64(binary.LittleEndian.Uint16(b))
		case Int16:
			out[i] = int64(int16(binary.LittleEndian.Uint16(b)))
		case Int32:
			out[i] = int64(int32(binary.LittleEndian.Uint32(b)))
		case Uint32:
			out[i] = int64(binary.LittleEndian.Uint32(b))
		default:
			out[i] = int64(binary.LittleEndian.Uint64(b))
		}
	}
	return out, nil
}

// External returns the name of the file in which the elements lie, or "".
func (t *Tensor) External() string {
	if !t.external {
		return ""
	}
	return t.location
}

// Fetch reads external elements from a folder. The location is a path inside it.
func (t *Tensor) Fetch(folder fs.FS) (err error) {
	if !t.external {
		return nil
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("tensor %q, external file %q: %w", t.Name, t.location, err)
		}
	}()
	if !fs.ValidPath(t.location) {
		return fmt.Errorf("the location must be a path inside the model's folder: %w", ErrFormat)
	}
	n, err := t.Len()
	if err != nil {
		return err
	}
	want := int64(n) * int64(t.Type.size())
	offset, length := int64(0), want
	for _, entry := range []struct {
		text string
		into *int64
	}{{t.offset, &offset}, {t.length, &length}} {
		if entry.text == "" {
			continue
		}
		v, err := strconv.ParseInt(entry.text, 10, 64)
		if err != nil || v < 0 {
			return fmt.Errorf("offset or length %q is no byte count: %w", entry.text, ErrFormat)
		}
		*entry.into = v
	}
	if length != want {
		return fmt.Errorf("%d bytes for %d elements of type %v: %w", length, n, t.Type, ErrFormat)
	}
	file, err := folder.Open(t.location)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || offset > info.Size() || length > info.Size()-offset {
		return fmt.Errorf("bytes %d to %d of a file of %d: is it truncated? %w", offset, offset+length, info.Size(), ErrFormat)
	}
	if seeker, ok := file.(io.Seeker); ok {
		_, err = seeker.Seek(offset, io.SeekStart)
	} else {
		_, err = io.CopyN(io.Discard, file, offset)
	}
	if err != nil {
		return err
	}
	raw := make([]byte, length)
	if _, err := io.ReadFull(file, raw); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = ErrFormat
		}
		return err
	}
	t.Raw, t.external = raw, false
	return nil
}

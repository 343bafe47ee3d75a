package store

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
)

// maxDepth bounds the nesting of structs and lists.
const maxDepth = 32

// Encode returns v as JSON. It is a text that names v: equal values have equal texts.
func Encode(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	if err := encode(&b, reflect.ValueOf(v), "", 0); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

var floats = reflect.TypeFor[[]float64]()

func encode(b *bytes.Buffer, v reflect.Value, at string, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("%s: nested more than %d deep: %w", at, maxDepth, ErrType)
	}
	if !v.IsValid() {
		b.WriteString("null")
		return nil
	}
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		if v.IsNil() {
			b.WriteString("null")
			return nil
		}
		if v.Kind() == reflect.Pointer {
			return encode(b, v.Elem(), at, depth+1)
		}
		inner := v.Elem()
		for inner.Kind() == reflect.Pointer && !inner.IsNil() {
			inner = inner.Elem()
		}
		fmt.Fprintf(b, `{"type":%q,"value":`, inner.Type().String())
		if err := encode(b, inner, at, depth+1); err != nil {
			return err
		}
		b.WriteByte('}')
		return nil
	case reflect.Struct:
		return encodeStruct(b, v, at, depth)
	case reflect.Slice, reflect.Array:
		return encodeList(b, v, at, depth)
	case reflect.Map:
		if v.Type().Key().Kind() != reflect.String {
			return fmt.Errorf("%s: a map with keys that are no text: %w", at, ErrType)
		}
		return encodeMap(b, v, at, depth)
	case reflect.Float64, reflect.Float32:
		if f := v.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
			fmt.Fprintf(b, "%q", strconv.FormatFloat(f, 'g', -1, 64))
			return nil
		}
	case reflect.Func, reflect.Chan, reflect.UnsafePointer, reflect.Complex64, reflect.Complex128, reflect.Uintptr:
		return fmt.Errorf("%s is a %s: %w", at, v.Kind(), ErrType)
	}
	text, err := json.Marshal(v.Interface())
	if err != nil {
		return fmt.Errorf("%s: %w: %w", at, err, ErrType)
	}
	b.Write(text)
	return nil
}

func encodeStruct(b *bytes.Buffer, v reflect.Value, at string, depth int) error {
	b.WriteByte('{')
	first := true
	for i := range v.NumField() {
		field := v.Type().Field(i)
		f := v.Field(i)
		name := at + "." + field.Name
		if at == "" {
			name = field.Name
		}
		switch {
		case f.IsZero():
			continue
		case !field.IsExported():
			return fmt.Errorf("field %s is not exported: %w", name, ErrType)
		}
		if !first {
			b.WriteByte(',')
		}
		first = false
		fmt.Fprintf(b, "%q:", field.Name)
		if err := encode(b, f, name, depth+1); err != nil {
			return err
		}
	}
	b.WriteByte('}')
	return nil
}

func encodeList(b *bytes.Buffer, v reflect.Value, at string, depth int) error {
	if v.Kind() == reflect.Slice && v.IsNil() {
		b.WriteString("null")
		return nil
	}
	if v.Type().ConvertibleTo(floats) && v.Kind() == reflect.Slice {
		list := v.Convert(floats).Interface().([]float64)
		raw := make([]byte, 0, 8*len(list))
		for _, f := range list {
			raw = binary.LittleEndian.AppendUint64(raw, math.Float64bits(f))
		}
		b.WriteByte('"')
		b.WriteString(base64.StdEncoding.EncodeToString(raw))
		b.WriteByte('"')
		return nil
	}
	b.WriteByte('[')
	for i := range v.Len() {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := encode(b, v.Index(i), fmt.Sprintf("%s[%d]", at, i), depth+1); err != nil {
			return err
		}
	}
	b.WriteByte(']')
	return nil
}

func encodeMap(b *bytes.Buffer, v reflect.Value, at string, depth int) error {
	if v.IsNil() {
		b.WriteString("null")
		return nil
	}
	byKey := map[string]reflect.Value{}
	for it := v.MapRange(); it.Next(); {
		byKey[it.Key().String()] = it.Value()
	}
	b.WriteByte('{')
	for i, key := range slices.Sorted(maps.Keys(byKey)) {
		if i > 0 {
			b.WriteByte(',')
		}
		text, err := json.Marshal(key)
		if err != nil {
			return err
		}
		b.Write(text)
		b.WriteByte(':')
		if err := encode(b, byKey[key], at+"["+key+"]", depth+1); err != nil {
			return err
		}
	}
	b.WriteByte('}')
	return nil
}

// Decode reads what Encode wrote into the value that p points to.
func Decode(text json.RawMessage, p any, known ...any) error {
	d := decoder{types: map[string]reflect.Type{}}
	for _, k := range known {
		t := reflect.TypeOf(k)
		for t != nil && t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		if t == nil {
			continue
		}
		if other, taken := d.types[t.String()]; taken && other != t {
			return fmt.Errorf("two types are named %s, of %q and %q: %w", t, other.PkgPath(), t.PkgPath(), ErrType)
		}
		d.types[t.String()] = t
	}
	return d.decode(text, reflect.ValueOf(p).Elem(), "", 0)
}

type decoder struct{ types map[string]reflect.Type }

func bad(at, format string, args ...any) error {
	if at == "" {
		at = "the value"
	}
	return fmt.Errorf("%s: %s: %w", at, fmt.Sprintf(format, args...), ErrFormat)
}

func (d decoder) decode(text json.RawMessage, v reflect.Value, at string, depth int) error {
	if depth > maxDepth {
		return bad(at, "nested more than %d deep", maxDepth)
	}
	if string(text) == "null" {
		switch v.Kind() {
		case reflect.Interface, reflect.Pointer, reflect.Slice, reflect.Map:
			v.SetZero()
			return nil
		}
		return bad(at, "null")
	}
	switch v.Kind() {
	case reflect.Interface:
		return d.tagged(text, v, at, depth)
	case reflect.Pointer:
		p := reflect.New(v.Type().Elem())
		if err := d.decode(text, p.Elem(), at, depth+1); err != nil {
			return err
		}
		v.Set(p)
		return nil
	case reflect.Struct:
		var fields map[string]json.RawMessage
		if err := strict(text, &fields); err != nil {
			return bad(at, "%v", err)
		}
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			sf, ok := v.Type().FieldByName(name)
			if !ok || !sf.IsExported() || len(sf.Index) > 1 {
				return bad(at, "%s has no field %.40q", v.Type(), name)
			}
			inner := name
			if at != "" {
				inner = at + "." + name
			}
			if err := d.decode(fields[name], v.FieldByIndex(sf.Index), inner, depth+1); err != nil {
				return err
			}
		}
		return nil
	case reflect.Slice, reflect.Array:
		return d.list(text, v, at, depth)
	case reflect.Map:
		var fields map[string]json.RawMessage
		if err := strict(text, &fields); err != nil || v.Type().Key().Kind() != reflect.String {
			return bad(at, "not an object for a %s", v.Type())
		}
		v.Set(reflect.MakeMap(v.Type()))
		for key, raw := range fields {
			e := reflect.New(v.Type().Elem()).Elem()
			if err := d.decode(raw, e, at+"["+key+"]", depth+1); err != nil {
				return err
			}
			v.SetMapIndex(reflect.ValueOf(key).Convert(v.Type().Key()), e)
		}
		return nil
	case reflect.Float64, reflect.Float32:
		switch string(text) {
		case `"NaN"`:
			v.SetFloat(math.NaN())
			return nil
		case `"+Inf"`:
			v.SetFloat(math.Inf(1))
			return nil
		case `"-Inf"`:
			v.SetFloat(math.Inf(-1))
			return nil
		}
	}
	p := reflect.New(v.Type())
	if err := strict(text, p.Interface()); err != nil {
		return bad(at, "%v", err)
	}
	v.Set(p.Elem())
	return nil
}

// tagged reads a value behind an interface.
func (d decoder) tagged(text json.RawMessage, v reflect.Value, at string, depth int) error {
	var tag struct {
		Type  string          `json:"type"`
		Value json.RawMessage `json:"value"`
	}
	if err := strict(text, &tag); err != nil {
		return bad(at, "%v", err)
	}
	t, ok := d.types[tag.Type]
	if !ok {
		return fmt.Errorf("%s is of type %.80q, which is not known here: %w: %w", at, tag.Type, ErrType, ErrFormat)
	}
	p := reflect.New(t)
	if err := d.decode(tag.Value, p.Elem(), at, depth+1); err != nil {
		return err
	}
	switch {
	case t.AssignableTo(v.Type()):
		v.Set(p.Elem())
	case p.Type().AssignableTo(v.Type()): // methods on the pointer
		v.Set(p)
	default:
		return bad(at, "a %s is no %s", t, v.Type())
	}
	return nil
}

func (d decoder) list(text json.RawMessage, v reflect.Value, at string, depth int) error {
	if v.Kind() == reflect.Slice && v.Type().ConvertibleTo(floats) {
		coded, ok := bytes.CutPrefix(text, []byte(`"`)) // base64 has nothing to escape
		coded, end := bytes.CutSuffix(coded, []byte(`"`))
		raw, err := base64.StdEncoding.Strict().AppendDecode(nil, coded)
		if !ok || !end || err != nil || len(raw)%8 != 0 {
			return bad(at, "not a list of float64")
		}
		list := make([]float64, len(raw)/8)
		for i := range list {
			list[i] = math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:]))
		}
		v.Set(reflect.ValueOf(list).Convert(v.Type()))
		return nil
	}
	var items []json.RawMessage
	if err := strict(text, &items); err != nil {
		return bad(at, "%v", err)
	}
	if v.Kind() == reflect.Slice {
		v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
	} else if v.Len() != len(items) {
		return bad(at, "%d items for %s", len(items), v.Type())
	}
	for i, item := range items {
		if err := d.decode(item, v.Index(i), fmt.Sprintf("%s[%d]", at, i), depth+1); err != nil {
			return err
		}
	}
	return nil
}

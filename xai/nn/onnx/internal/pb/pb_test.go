package pb

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

func TestWrittenModelsReadTheSame(t *testing.T) {
	files, err := filepath.Glob("../../testdata/*.onnx")
	if err != nil || len(files) < 50 {
		t.Fatalf("only %d models: %v", len(files), err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		m, err := Unmarshal(data)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		again, err := Unmarshal(m.Marshal())
		if err != nil {
			t.Fatalf("%s, written: %v", file, err)
		}
		again.Bytes = m.Bytes
		if !reflect.DeepEqual(m, again) {
			t.Errorf("%s changes when it is written", file)
		}
	}
}

// The typed fields hold what raw data does, packed or one by one.
func TestTypedFields(t *testing.T) {
	floats := Tensor{Dims: []int64{2}, Type: Float}
	doubles := Tensor{Dims: []int64{3}, Type: Double}
	halves := Tensor{Dims: []int64{2}, Type: Float16}
	ints := Tensor{Dims: []int64{3}, Type: Int64}
	for _, part := range []struct {
		t    *Tensor
		wire []byte
	}{
		{&floats, []byte{4<<3 | 5, 0, 0, 0x80, 0x3f, 4<<3 | 5, 0, 0, 0, 0xc0}},                                 // 1, -2, not packed
		{&doubles, []byte{10<<3 | 2, 8, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f}},                                         // 1, packed
		{&doubles, []byte{10<<3 | 2, 8, 0, 0, 0, 0, 0, 0, 0, 0xc0, 10<<3 | 1, 0, 0, 0, 0, 0, 0, 0xe0, 0x3f}},   // -2, packed again; 0.5
		{&halves, []byte{5<<3 | 2, 5, 0x80, 0x78, 0x81, 0x80, 0x02}},                                           // 0x3c00 = 1 and 0x8001, the smallest below 0
		{&ints, []byte{7<<3 | 2, 2, 1, 2, 7 << 3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}}, // 1, 2, -1
	} {
		if err := part.t.decode(part.wire); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		t    Tensor
		want []float64
	}{
		{floats, []float64{1, -2}}, {doubles, []float64{1, -2, 0.5}}, {halves, []float64{1, -math.Ldexp(1, -24)}},
	} {
		if got, err := test.t.Floats(); err != nil || !reflect.DeepEqual(got, test.want) {
			t.Errorf("%v: %v, %v; want %v", test.t.Type, got, err, test.want)
		}
	}
	if got, err := ints.Ints(); err != nil || !reflect.DeepEqual(got, []int64{1, 2, -1}) {
		t.Errorf("int64: %v, %v; want 1 2 -1", got, err)
	}
	if _, err := ints.Floats(); err == nil {
		t.Error("integers are read as floating-point numbers")
	}
}

func TestHalf(t *testing.T) {
	for bits, want := range map[uint16]float64{0x3c00: 1, 0xc000: -2, 0x7bff: 65504, 0x0400: math.Ldexp(1, -14), 0x7c00: math.Inf(1), 0xfc00: math.Inf(-1), 0: 0} {
		if got := half(bits); got != want {
			t.Errorf("half(%#04x) = %v, want %v", bits, got, want)
		}
	}
	if !math.IsNaN(half(0x7e00)) {
		t.Error("half(0x7e00) must be NaN")
	}
}

func FuzzUnmarshal(f *testing.F) {
	files, err := filepath.Glob("../../testdata/*-17.onnx")
	if err != nil || len(files) == 0 {
		f.Fatal("no models to start from", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Unmarshal(data)
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Errorf("error %v does not match ErrFormat", err)
			}
			return
		}
		for i := range m.Graph.Initializers {
			w := &m.Graph.Initializers[i]
			v, _ := w.Floats()
			n, _ := w.Ints()
			if len(v)+len(n) > len(data) {
				t.Errorf("%d elements from %d bytes", len(v)+len(n), len(data))
			}
		}
	})
}

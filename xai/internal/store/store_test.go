package store

import (
	"bytes"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

type animal interface{ legs() int }
type dog struct{ Name string }
type herd struct {
	Of    animal
	Count uint64
}
type spider struct{ Hairs []float64 }

func (dog) legs() int     { return 4 }
func (h herd) legs() int  { return int(h.Count) * h.Of.legs() }
func (*spider) legs() int { return 8 }

type farm struct {
	Name    string
	Animals []animal
	Weights []float64
	Flags   []bool
	Fixed   [2]int
	Sizes   map[string]float64
	One     float64
	Empty   []float64
	Next    *farm
	hidden  int
}

var known = []any{dog{}, herd{}, &spider{}}

func round(t interface{ Fatal(...any) }, v farm) farm {
	var b bytes.Buffer
	if err := Write(&b, "farm/1", v); err != nil {
		t.Fatal(err)
	}
	var back farm
	if err := Read(&b, "farm/1", &back, known...); err != nil {
		t.Fatal(err)
	}
	return back
}

func TestRoundTrip(t *testing.T) {
	v := farm{
		Name:    "a \"b\"\n<é>",
		Animals: []animal{dog{"rex"}, herd{Of: herd{Of: dog{}, Count: 2}, Count: math.MaxUint64}, &spider{Hairs: []float64{1}}, nil},
		Weights: []float64{0, math.Copysign(0, -1), 5e-324, math.MaxFloat64, 0.1, math.Float64frombits(0x7ff8000000000123), math.Inf(-1)},
		Flags:   []bool{true, false}, Fixed: [2]int{3, 4}, Sizes: map[string]float64{"b": math.Inf(1), "a": 1}, One: math.Inf(-1),
		Empty: []float64{}, Next: &farm{One: 1e-300},
	}
	back := round(t, v)
	for i, w := range v.Weights {
		if math.Float64bits(w) != math.Float64bits(back.Weights[i]) {
			t.Errorf("weight %d: %x, want %x", i, math.Float64bits(back.Weights[i]), math.Float64bits(w))
		}
	}
	v.Weights, back.Weights = nil, nil // NaN
	if !reflect.DeepEqual(v, back) {
		t.Errorf("%+v, want %+v", back, v)
	}
}

func TestAnyFloatsSurvive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := farm{Weights: rapid.SliceOfN(rapid.Float64(), 1, 20).Draw(t, "weights"), One: rapid.Float64().Draw(t, "one"), Name: rapid.String().Draw(t, "name")}
		v.Name = strings.ToValidUTF8(v.Name, "?")
		if back := round(t, v); !reflect.DeepEqual(back, v) {
			t.Fatalf("%v, want %v", back, v)
		}
	})
}

func TestEqualValuesHaveEqualTexts(t *testing.T) {
	a, err := Encode(farm{Sizes: map[string]float64{"x": 1, "y": 2, "z": 3}})
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		b, _ := Encode(farm{Sizes: map[string]float64{"z": 3, "y": 2, "x": 1}})
		if string(a) != string(b) {
			t.Fatalf("%s and %s", a, b)
		}
	}
}

func TestWhatCannotBeStored(t *testing.T) {
	loop := &farm{}
	loop.Next = loop
	for _, v := range []any{farm{hidden: 1}, struct{ F func() }{func() {}}, *loop, struct{ C chan int }{make(chan int)}} {
		if _, err := Encode(v); !errors.Is(err, ErrType) {
			t.Errorf("%T: %v", v, err)
		}
	}
}

func TestDamage(t *testing.T) {
	var b bytes.Buffer
	if err := Write(&b, "farm/1", farm{Name: "x", Animals: []animal{dog{"rex"}}, Weights: []float64{1, 2}}); err != nil {
		t.Fatal(err)
	}
	whole := b.Bytes()
	for i := range whole[:len(whole)-1] { // but for the line end
		for _, damaged := range [][]byte{whole[:i], append(append(append([]byte{}, whole[:i]...), whole[i]^1), whole[i+1:]...)} {
			if err := Read(bytes.NewReader(damaged), "farm/1", &farm{}, known...); !errors.Is(err, ErrFormat) {
				t.Fatalf("byte %d: %v\n%s", i, err, damaged)
			}
		}
	}
	for what, err := range map[string]error{
		"other format": Read(bytes.NewReader(whole), "farm/2", &farm{}, known...),
		"unknown type": Read(bytes.NewReader(whole), "farm/1", &farm{}),
		"more bytes":   Read(bytes.NewReader(append(append([]byte{}, whole...), '{')), "farm/1", &farm{}, known...),
		"deep":         Decode([]byte(strings.Repeat(`{"Next":`, 100)+"null"+strings.Repeat("}", 100)), &farm{}),
		"hidden":       Decode([]byte(`{"hidden":1}`), &farm{}),
		"wrong type":   Decode([]byte(`{"Animals":[{"type":"store.farm","value":{}}]}`), &farm{}, farm{}),
		"null number":  Decode([]byte(`{"One":null}`), &farm{}),
		"array":        Decode([]byte(`{"Fixed":[1,2,3]}`), &farm{}),
		"half a float": Decode([]byte(`{"Weights":"AAAA"}`), &farm{}),
		"fraction":     Decode([]byte(`{"Fixed":[1.5,2]}`), &farm{}),
	} {
		if !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.json")
	put := func(text string, fail error) error {
		return File(path, func(w io.Writer) error {
			io.WriteString(w, text)
			return fail
		})
	}
	failed := errors.New("full")
	if err := errors.Join(put("one", nil)); err != nil {
		t.Fatal(err)
	}
	if err := put("two", failed); !errors.Is(err, failed) {
		t.Errorf("%v", err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if text, _ := os.ReadFile(path); string(text) != "one" || len(entries) != 1 || err != nil {
		t.Errorf("%q, %d files, %v", text, len(entries), err)
	}
}

func FuzzDecode(f *testing.F) {
	text, _ := Encode(farm{Name: "x", Animals: []animal{herd{Of: dog{"rex"}}}, Weights: []float64{1, 2}, Sizes: map[string]float64{"a": 1}})
	f.Add([]byte(text))
	f.Add([]byte(`{"Next":{"Next":null}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var v farm
		if Decode(text, &v, known...) != nil {
			return
		}
		again, err := Encode(v)
		if err != nil {
			t.Fatal(err)
		}
		var w farm
		if err := Decode(again, &w, known...); err != nil {
			t.Fatalf("%v: %s", err, again)
		}
	})
}

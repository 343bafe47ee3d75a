package saliency

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/internal/store"
	"github.com/whybook/whybook/xai/nn"
	"gonum.org/v1/gonum/mat"
)

// small is an untrained network for 1 x 6 x 5 images, and one image.
func small(t testing.TB) (*nn.Net, datasets.Sample) {
	t.Helper()
	shape := datasets.Shape{Channels: 1, Height: 6, Width: 5}
	net, err := nn.Image(shape).Conv(4, 3).ReLU().Dense(3).Init(7)
	if err != nil {
		t.Fatal(err)
	}
	x := datasets.Sample{Set: "test", Index: 4, Shape: shape, X: random(1, 30, 3).RawRowView(0), Label: 1, Class: "b", Classes: []string{"a", "b", "c"}, Mask: make([]bool, 30)}
	x.Mask[3] = true
	return net, x
}

// stored is a method of each type with settings that are not the default.
func stored() []Method {
	return []Method{
		Gradient{}, &InputGradient{}, IntegratedGradients{Steps: 7, Rule: GaussLegendre, Baseline: random(1, 30, 5).RawRowView(0)},
		AdaptiveIntegratedGradients{}, ExpectedGradients{Baselines: [][]float64{random(1, 30, 8).RawRowView(0), make([]float64, 30)}, Samples: 5},
		Smooth{Of: Smooth{Of: InputGradient{}, Samples: 2, Seed: 1<<64 - 1}, Samples: 3, Kind: Squared},
		Occlusion{}, RISE{Masks: 20, Seed: 9}, LIME{Samples: 40, Ridge: 0.1}, Shapley{},
		FiniteDifference{KeepSign: true, Values: []float64{0, 0.3}}, GradientFlow{Steps: 3}, Boundary{Overshoot: 0.1, Steps: 500},
		GuidedBackprop{}, Deconvnet{}, GradCAM{Layer: "relu1", KeepNegative: true}, GuidedGradCAM{},
		LRP{Rule: xai.AlphaBeta{Beta: 1}}, LRP{Composite: Composite{First: xai.Box{Low: 0, High: 1}, Layers: map[string]xai.Rule{"fc1": xai.Epsilon{Epsilon: 0.1}, "conv1": xai.ZPlus{}}}},
	}
}

func TestMapsSurviveAndReplay(t *testing.T) {
	net, x := small(t)
	of := map[reflect.Type]bool{}
	for _, m := range stored() {
		recipe := Of(net, x).With(m).Target(2)
		want, err := recipe.Explain(ctx)
		if err != nil {
			t.Errorf("%s: %v", name(m), err)
			continue
		}
		var b bytes.Buffer
		if err := want.Save(&b); err != nil {
			t.Errorf("%s: %v", name(m), err)
			continue
		}
		got, err := Load(bytes.NewReader(b.Bytes()))
		if p := reflect.ValueOf(want.By); p.Kind() == reflect.Pointer {
			want.By = p.Elem().Interface().(Method) // a file does not know pointers
		}
		of[reflect.TypeOf(want.By)] = true
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v\n%+v, want\n%+v", name(m), err, got, want)
			continue
		}
		for _, processors := range []int{1, 4} {
			before := runtime.GOMAXPROCS(processors)
			again, err := Replay(ctx, net, got)
			runtime.GOMAXPROCS(before)
			if err != nil || sameBits("value", want.Values, again.Values) != nil {
				t.Errorf("%s: replayed on %d processors: %v", name(m), processors, err)
			}
		}
		cached, err := recipe.Load(&b)
		if err != nil || !reflect.DeepEqual(cached, want) {
			t.Errorf("%s: from the cache: %v", name(m), err)
		}
	}
	for _, m := range methods() {
		if !of[reflect.TypeOf(m)] {
			t.Errorf("%s has no case", name(m))
		}
	}
}

// TestMethodsAreComplete reads the source: every type with an Attribute method is listed.
func TestMethodsAreComplete(t *testing.T) {
	listed := map[string]bool{}
	for _, m := range methods() {
		listed[reflect.TypeOf(m).Name()] = true
	}
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 10 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv == nil || f.Name.Name != "Attribute" {
				continue
			}
			if star, ok := f.Recv.List[0].Type.(*ast.StarExpr); ok && !ast.IsExported(star.X.(*ast.Ident).Name) {
				continue // never in a map
			}
			if id, ok := f.Recv.List[0].Type.(*ast.Ident); !ok || !listed[id.Name] {
				t.Errorf("%s: the type of this Attribute is not in methods(), so that its maps cannot be loaded", file)
			}
		}
	}
}

// foreign is a method of a user.
type foreign struct {
	Factor float64
	Hook   func()
}

func (foreign) Signed() bool { return true }
func (m foreign) Attribute(ctx context.Context, f xai.Differentiable, dst *mat.Dense, in Batch) (Report, error) {
	report, err := Gradient{}.Attribute(ctx, f, dst, in)
	dst.Scale(m.Factor, dst)
	return report, err
}

func TestForeignMethods(t *testing.T) {
	net, x := small(t)
	m, err := Of(net, x).With(Smooth{Of: foreign{Factor: 2}, Samples: 2}).Explain(ctx)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "m.json")
	if err := m.SaveFile(path); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadFile(path); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "saliency.foreign") {
		t.Errorf("an unknown method: %v", err)
	}
	back, err := LoadFile(path, foreign{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Replay(ctx, net, back); err != nil {
		t.Error(err)
	}
	hooked := Of(net, x).With(foreign{Factor: 1, Hook: func() {}})
	if m, err = hooked.Explain(ctx); err != nil {
		t.Fatal(err)
	}
	if err := m.Save(&bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "By.Hook") {
		t.Errorf("a function: %v", err)
	}
	if _, err := hooked.Build(ctx); err == nil {
		t.Error("a map that cannot be found again was built for a cache")
	}
	if _, err := Of(affine(0, make([]float64, 30)), x).Build(ctx); err == nil || !strings.Contains(err.Error(), "fingerprint") {
		t.Errorf("a model without a fingerprint: %v", err)
	}
}

// TestReplayNamesWhatDiffers plants one difference at a time.
func TestReplayNamesWhatDiffers(t *testing.T) {
	net, x := small(t)
	whole, err := Of(net, x).With(RISE{Masks: 20}).Explain(ctx)
	if err != nil {
		t.Fatal(err)
	}
	other, err := net.Arch().Init(8)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what  string
		model xai.Differentiable
		plant func(m *Map)
		want  string
	}{
		{"another model", other, func(*Map) {}, "the model of the map"},
		{"older algorithms", net, func(m *Map) { m.Provenance.Version = "saliency/0" }, "version"},
		{"a changed pixel", net, func(m *Map) {
			m.Sample.X = append([]float64(nil), m.Sample.X...)
			m.Sample.X[0] += 0.1
		}, "the sample of the map"},
		{"another seed", net, func(m *Map) { m.By = RISE{Masks: 20, Seed: 1} }, "the method of the map"},
		{"no method", net, func(m *Map) { m.By = nil }, "does not hold the method"},
		{"a changed value", net, func(m *Map) {
			m.Values = append([]float64(nil), m.Values...)
			m.Values[7] += 1e-12
		}, "1 of 30 values differ"},
		{"a changed score", net, func(m *Map) { m.Scores = []float64{0, 1, 2} }, "scores differ"},
		{"no values", net, func(m *Map) { m.Values = nil }, "0 values"},
		{"no model", nil, func(*Map) {}, "need a model"},
	} {
		m := whole
		c.plant(&m)
		if _, err := Replay(ctx, c.model, m); !errors.Is(err, ErrReplay) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want one that says %q", c.what, err, c.want)
		}
	}
	var b bytes.Buffer
	if err := whole.Save(&b); err != nil {
		t.Fatal(err)
	}
	if _, err := Of(net, x).With(RISE{Masks: 21}).Load(&b); !errors.Is(err, ErrReplay) {
		t.Errorf("a map of another recipe from the cache: %v", err)
	}
}

// TestEveryFieldIsStored fills every field that there is, so that a new one cannot be
// forgotten.
func TestEveryFieldIsStored(t *testing.T) {
	net, x := small(t)
	m, err := Of(net, x).With(IntegratedGradients{}).Explain(ctx)
	if err != nil {
		t.Fatal(err)
	}
	m.Provenance.Verdict, m.Classes, m.Sample.Columns = "fine", []string{"a", "b", "c"}, make([]string, 30)
	m.Layer, m.Scalar = "conv1", Margin{Class: 1}
	m.Report.Notes = []Note{{Row: 0, Kind: Blank, Text: "x"}}
	v := reflect.ValueOf(m)
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			t.Errorf("field %s is not filled; fill it here", v.Type().Field(i).Name)
		}
	}
	var b bytes.Buffer
	if err := m.Save(&b); err != nil {
		t.Fatal(err)
	}
	back, err := Load(&b)
	if err != nil || !reflect.DeepEqual(back, m) {
		t.Errorf("%v: %+v", err, back)
	}
}

func FuzzLoad(f *testing.F) {
	net, x := small(f)
	m, err := Of(net, x).With(Smooth{Of: LIME{Samples: 9}, Samples: 2}).Explain(ctx)
	if err != nil {
		f.Fatal(err)
	}
	var b bytes.Buffer
	if err := m.Save(&b); err != nil {
		f.Fatal(err)
	}
	whole := b.String()
	f.Add([]byte(whole), uint64(0))
	f.Add([]byte(strings.Replace(whole, mapFormat, "whybook.map/9", 1)), uint64(1))
	f.Fuzz(func(t *testing.T, text []byte, at uint64) {
		m, err := Load(bytes.NewReader(text))
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Fatalf("an error without a sentinel: %v", err)
			}
			return
		}
		if err := m.check(); err != nil {
			t.Fatal(err)
		}
		m.Plane()
		m.ClassName(m.Target)
		if m.View().Err() != nil {
			t.Skip()
		}
	})
}

// FuzzValue changes the value and mends the checksum, to get past it.
func FuzzValue(f *testing.F) {
	net, x := small(f)
	m, err := Of(net, x).With(Smooth{Of: LIME{Samples: 9}, Samples: 2}).Explain(ctx)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(`{"Width":-5}`), 3)
	f.Fuzz(func(t *testing.T, patch []byte, at int) {
		text := encoded(t, m)
		if at < 0 || at+len(patch) > len(text) {
			return
		}
		copy(text[at:], patch)
		m, err := Load(bytes.NewReader(sealed(text)))
		if err == nil {
			if err := m.check(); err != nil {
				t.Fatal(err)
			}
			m.View()
		} else if !errors.Is(err, ErrFormat) {
			t.Fatalf("an error without a sentinel: %v", err)
		}
	})
}

// TestHostileValues mends the checksum of files that ask for what is not there.
func TestHostileValues(t *testing.T) {
	net, x := small(t)
	m, err := Of(net, x).Explain(ctx)
	if err != nil {
		t.Fatal(err)
	}
	text := string(encoded(t, m))
	for _, change := range [][2]string{
		{`"Width":5`, `"Width":4611686018427387904`}, {`"Width":5`, `"Width":-5`}, {`"Width":5`, `"Width":5.0`},
		{`"Target":`, `"Target":9`}, {`"Index":4`, `"Index":"4"`}, {`saliency.Gradient`, `saliency.Gradients`}, {`"Signed":true`, `"signed":true`},
	} {
		if !strings.Contains(text, change[0]) {
			change[0] = `"Index":4`
			change[1] += `0,"Index":4`
		}
		damaged := strings.ReplaceAll(text, change[0], change[1])
		if _, err := Load(bytes.NewReader(sealed([]byte(damaged)))); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", change[1], err)
		}
	}
	if _, err := Load(bytes.NewReader(sealed([]byte(text)))); err != nil {
		t.Errorf("the test's own seal: %v", err)
	}
	if _, err := LoadFile(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

func encoded(t testing.TB, m Map) []byte {
	t.Helper()
	text, err := store.Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// sealed puts a value into a file with a checksum that fits.
func sealed(value []byte) []byte {
	return fmt.Appendf(nil, `{"format":%q,"sha256":"%x","value":%s}`, mapFormat, sha256.Sum256(value), value)
}

// BenchmarkStore writes and reads a map of a 3 x 224 x 224 image, with the image.
func BenchmarkStore(b *testing.B) {
	shape := datasets.Shape{Channels: 3, Height: 224, Width: 224}
	m := Map{Values: random(1, shape.Size(), 1).RawRowView(0), Shape: shape, By: Gradient{}, Scores: []float64{1, 0}, Sample: datasets.Sample{Shape: shape, X: random(1, shape.Size(), 2).RawRowView(0)}}
	var file bytes.Buffer
	if err := m.Save(&file); err != nil {
		b.Fatal(err)
	}
	b.Run("save", func(b *testing.B) {
		b.SetBytes(int64(file.Len()))
		for b.Loop() {
			if err := m.Save(io.Discard); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("load", func(b *testing.B) {
		b.SetBytes(int64(file.Len()))
		for b.Loop() {
			if _, err := Load(bytes.NewReader(file.Bytes())); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// TestScalarsAndLayersReplay: whatever is explained, and at which layer, is kept and made
// again.
func TestScalarsAndLayersReplay(t *testing.T) {
	net, x := small(t)
	for _, recipe := range []Recipe{
		Of(net, x).Toward(Margin{Class: Predicted}), Of(net, x).Toward(Unit{Layer: "relu1", Index: 7}), Of(net, x).Toward(Channel{Layer: "conv1", Index: 2}),
		Of(net, x).Toward(Probability{Class: 1}), Of(net, x).Toward(Contrast{Class: 0, Over: 2}), Of(net, x).Toward(LogProbability{Class: 1}),
		Of(net, x).At("relu1").With(InputGradient{}).Target(1), Of(net, x).With(IntegratedGradients{Steps: 5}).At("conv1").Toward(Margin{Class: 2}),
		Of(net, x).With(LRP{Composite: Composite{First: xai.Box{Low: 0, High: 1}, Layers: map[string]xai.Rule{"fc1": xai.Gamma{Gamma: 0.1}, "conv1": xai.ZPlus{}}}}),
	} {
		want, err := recipe.Build(ctx)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := recipe.Save(&b, want); err != nil {
			t.Fatal(err)
		}
		got, err := recipe.Load(&b)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v\n%+v, want\n%+v", recipe.Key(), err, got, want)
			continue
		}
		again, err := Replay(ctx, net, got)
		if err != nil || !reflect.DeepEqual(again, want) {
			t.Errorf("%s: replayed: %v", recipe.Key(), err)
		}
		got.Provenance.Layer += "elsewhere"
		if _, err := Replay(ctx, net, got); !errors.Is(err, ErrReplay) {
			t.Errorf("%s: at another layer: %v", recipe.Key(), err)
		}
	}
	first := Of(net, x).Toward(Function{Name: "first", Value: func(row []float64) float64 { return row[0] }})
	if _, err := first.Build(ctx); err == nil {
		t.Error("a Go function in a cache")
	}
	m, err := first.Explain(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Save(io.Discard); err == nil {
		t.Error("a Go function was written to a file")
	}
}

package nn

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/mat"
)

var ctx = context.Background()

// random returns an n x d matrix of normal numbers.
func random(n, d int, path ...any) *mat.Dense {
	r := seed.Stream(1, append([]any{"nn test"}, path...)...)
	x := mat.NewDense(n, d, nil)
	for i := range n {
		for j := range d {
			x.Set(i, j, r.NormFloat64())
		}
	}
	return x
}

func toyArch() Arch {
	return Image(datasets.Shape{Channels: 1, Height: 4, Width: 4}).Conv(4, 3).ReLU().MaxPool(2).Dropout(0.25).Dense(3)
}

// layerCases has at least one small network for every kind of layer.
func layerCases() map[string][]Arch {
	image := Image(datasets.Shape{Channels: 2, Height: 5, Width: 6})
	// both applies a layer to two branches of the image.
	both := func(l Layer) Arch {
		return image.Then(Conv{Filters: 2, Kernel: 1}).Named("a").From(InputName).Then(Conv{Filters: 2, Kernel: 3, Pad: 1}).Then(Tanh{}).
			Then(Affine{Shift: []float64{3}}).Merge(l, "a").Dense(3)
	}
	head := func(l Layer) Arch { return image.Then(l).Dense(3) }
	tall := Window{KernelH: 3, KernelW: 2, StrideH: 2, Top: 1, Right: 2, DilationW: 2}
	flip := make([]int32, 60)
	for i := range flip {
		flip[i] = int32(59 - i)
	}
	flip[7], flip[8] = -1, 3
	return map[string][]Arch{
		"conv": {
			image.Conv(3, 3).Dense(3),
			head(Conv{Filters: 2, Kernel: 3, Stride: 2}),
			head(Conv{Filters: 2, Kernel: 2, Stride: 3, Pad: 2, NoBias: true}),
			head(Conv{Filters: 4, Kernel: 3, Groups: 2, Dilation: 2, Pad: 1}),
			head(Conv{Filters: 2, Window: tall}),
		},
		"convt": {
			head(ConvTranspose{Filters: 3, Kernel: 3}),
			head(ConvTranspose{Filters: 2, Kernel: 3, Stride: 2, Pad: 1, Extra: 1}),
			head(ConvTranspose{Filters: 4, Kernel: 2, Groups: 2, NoBias: true}),
			head(ConvTranspose{Filters: 2, Window: tall}),
		},
		"cosine": {head(CosineDense{Units: 4}), image.Then(CosineDense{Units: 3})},
		"fc":     {image.Dense(7).Dense(2), head(Dense{Units: 4, NoBias: true})},
		"pool": {
			image.MaxPool(2).Dense(3),
			head(MaxPool{Kernel: 3, Stride: 1}),
			head(MaxPool{Kernel: 3, Stride: 2, Pad: 1}),
			head(MaxPool{Window: Window{KernelH: 2, KernelW: 3, StrideH: 2, StrideW: 3, Bottom: 1}}),
		},
		"avgpool": {
			head(AvgPool{Kernel: 2}),
			head(AvgPool{Kernel: 3, Stride: 2, Pad: 1}),
			head(AvgPool{Kernel: 3, Stride: 2, Pad: 1, SkipBorder: true}),
		},
		"adaptiveavgpool": {head(AdaptiveAvgPool{Height: 3, Width: 4}), head(AdaptiveAvgPool{Height: 1, Width: 6})},
		"gap":             {head(GlobalAvgPool{})},
		"relu":            {image.Dense(9).ReLU().Dense(3), image.ReLU().Dense(2)},
		"leakyrelu":       {head(LeakyReLU{}), head(LeakyReLU{Slope: 0.3})},
		"sigmoid":         {head(Sigmoid{})},
		"tanh":            {head(Tanh{})},
		"softmax":         {head(Softmax{}), image.Dense(4).Then(Softmax{})},
		"logsoftmax":      {head(LogSoftmax{}), image.Dense(4).Then(LogSoftmax{})},
		"clip":            {head(Clip{Low: -0.5, High: 0.8})},
		"bn":              {head(BatchNorm{}), image.Dense(5).BatchNorm().Dense(2)},
		"normalize":       {head(Normalize{Mean: []float64{0.5, -1}, Std: []float64{2, 0.1}}), head(Normalize{Mean: []float64{1}, Std: []float64{3}})},
		"affine":          {head(Affine{Scale: []float64{2}, Shift: []float64{1, -1}}), image.Dense(3).Then(Affine{Scale: []float64{1, 0, -2}})},
		"dropout":         {image.Dropout(0.5).Dense(3)},
		"add":             {both(Add{})},
		"sub":             {both(Sub{})},
		"mul":             {both(Mul{})},
		"div":             {image.Then(Sigmoid{}).Then(Affine{Shift: []float64{0.5}}).Named("a").From(InputName).Merge(Div{}, "a").Dense(3)},
		"concat":          {both(Concat{})},
		"slice":           {head(Slice{Step: 2})},
		"pad":             {head(Pad{Before: 1, After: 2, Top: 1, Right: 3})},
		"gather":          {head(Gather{Output: datasets.Shape{Channels: 6, Height: 10, Width: 1}, Index: flip}), head(Gather{Output: datasets.Shape{Channels: 60, Height: 1, Width: 1}})},
		"upsample":        {head(Upsample{Factor: 2})},
	}
}

// TestLayerGradients compares the gradient of a score with respect to the input with
// central differences, for every kind of layer, in float64, for batches of 1 and 3, twice.
func TestLayerGradients(t *testing.T) {
	const h, tolerance = 1e-5, 1e-7
	for kind, archs := range layerCases() {
		for a, arch := range archs {
			for _, n := range []int{1, 3} {
				t.Run(fmt.Sprintf("%s/%d/batch %d", kind, a, n), func(t *testing.T) {
					net, err := arch.Init(5)
					if err != nil {
						t.Fatal(err)
					}
					net = net.Double()
					for _, p := range net.run.(*engine[float64]).params {
						if strings.Contains(p.name, "running") || strings.HasPrefix(p.name, "bn") {
							for j := range p.data { // statistics and scales of 0 and 1 would hide mistakes
								p.data[j] += 0.3 * float64(j+1)
							}
						}
					}
					d, k := net.Dims()
					x := random(n, d, kind, a)
					targets := make([]int, n)
					for i := range targets {
						targets[i] = i % k
					}
					before := mat.DenseCopyOf(x)
					first, second := mat.NewDense(n, d, nil), mat.NewDense(n, d, nil)
					scores, err := net.Gradients(ctx, first, x, targets)
					if err != nil {
						t.Fatal(err)
					}
					if _, err := net.Gradients(ctx, second, x, targets); err != nil {
						t.Fatal(err)
					}
					if !mat.Equal(first, second) {
						t.Error("the second run gave another gradient")
					}
					if !mat.Equal(before, x) {
						t.Error("the input was changed")
					}
					alone, err := net.Scores(ctx, x)
					if err != nil {
						t.Fatal(err)
					}
					if !mat.Equal(scores, alone) {
						t.Error("Gradients and Scores return different scores")
					}
					floor := 1e-3 * max(mat.Max(first), -mat.Min(first)) // differences of tiny values are rounding
					for i := range n {
						for j := range d {
							at := func(v float64) float64 {
								y := mat.DenseCopyOf(x)
								y.Set(i, j, v)
								s, err := net.Scores(ctx, y)
								if err != nil {
									t.Fatal(err)
								}
								return s.At(i, targets[i])
							}
							v := x.At(i, j)
							want := (at(v+h) - at(v-h)) / (2 * h)
							if got := first.At(i, j); math.Abs(got-want) > tolerance*max(floor, math.Abs(want)) {
								t.Fatalf("row %d, value %d: gradient %v, central difference %v", i, j, got, want)
							}
						}
					}
				})
			}
		}
	}
}

// TestEveryLayerIsListed finds the layer types in the source, so that a new layer without
// an entry in layers() or without a gradient check is noticed.
func TestEveryLayerIsListed(t *testing.T) {
	var declared []string
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range parsed.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Name.Name == "kind" && fn.Recv != nil {
				declared = append(declared, fn.Recv.List[0].Type.(*ast.Ident).Name)
			}
		}
	}
	var listed []string
	cases := layerCases()
	for _, l := range layers() {
		name := fmt.Sprintf("%T", l)
		listed = append(listed, strings.TrimPrefix(name, "nn."))
		if len(cases[l.kind()]) == 0 {
			t.Errorf("%s (kind %q) has no gradient check", name, l.kind())
		}
	}
	slices.Sort(declared)
	slices.Sort(listed)
	if !slices.Equal(declared, listed) {
		t.Errorf("layer types in the source: %v; in layers(): %v", declared, listed)
	}
}

// TestLeNetAgainstPlainLoops compares the network with a second implementation: loops
// straight from the definitions, no matrices, no graph.
func TestLeNetAgainstPlainLoops(t *testing.T) {
	arch := Image(datasets.Shape{Channels: 2, Height: 9, Width: 8}).
		Then(Normalize{Mean: []float64{0.1, 0.2}, Std: []float64{0.5, 2}}).
		Conv(3, 3).ReLU().MaxPool(2).Then(Conv{Filters: 4, Kernel: 2, Stride: 2, Pad: 1}).ReLU().Dense(5)
	net, err := arch.Init(9)
	if err != nil {
		t.Fatal(err)
	}
	net = net.Double()
	d, k := net.Dims()
	x := random(4, d, "plain")
	scores, err := net.Scores(ctx, x)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		want := plainForward(net, x.RawRowView(i))
		for j := range k {
			if got := scores.At(i, j); math.Abs(got-want[j]) > 1e-12*max(1, math.Abs(want[j])) {
				t.Errorf("row %d, score %d: %v, plain loops give %v", i, j, got, want[j])
			}
		}
	}
}

// plainForward evaluates a float64 network by its definitions.
func plainForward(net *Net, x []float64) []float64 {
	params, next := net.run.(*engine[float64]).params, 0
	in := net.arch.input
	at := func(v []float64, s datasets.Shape, c, y, x int) (float64, bool) {
		if y < 0 || y >= s.Height || x < 0 || x >= s.Width {
			return 0, false
		}
		return v[(c*s.Height+y)*s.Width+x], true
	}
	for _, st := range net.arch.steps {
		out := make([]float64, st.out.Size())
		switch l := st.layer.(type) {
		case Conv:
			w, b := params[next].data, params[next+1].data
			next += 2
			stride := max(l.Stride, 1)
			for f := range st.out.Channels {
				for oy := range st.out.Height {
					for ox := range st.out.Width {
						sum := b[f]
						for c := range in.Channels {
							for ky := range l.Kernel {
								for kx := range l.Kernel {
									v, _ := at(x, in, c, oy*stride+ky-l.Pad, ox*stride+kx-l.Pad)
									sum += v * w[((f*in.Channels+c)*l.Kernel+ky)*l.Kernel+kx]
								}
							}
						}
						out[(f*st.out.Height+oy)*st.out.Width+ox] = sum
					}
				}
			}
		case MaxPool:
			stride := l.window().StrideH
			for c := range in.Channels {
				for oy := range st.out.Height {
					for ox := range st.out.Width {
						best := math.Inf(-1)
						for ky := range l.Kernel {
							for kx := range l.Kernel {
								if v, ok := at(x, in, c, oy*stride+ky-l.Pad, ox*stride+kx-l.Pad); ok {
									best = max(best, v)
								}
							}
						}
						out[(c*st.out.Height+oy)*st.out.Width+ox] = best
					}
				}
			}
		case Dense:
			w, b := params[next].data, params[next+1].data
			next += 2
			for u := range out {
				out[u] = b[u]
				for j, v := range x {
					out[u] += v * w[u*len(x)+j]
				}
			}
		case ReLU:
			for j, v := range x {
				out[j] = max(v, 0)
			}
		case Normalize:
			for j, v := range x {
				mean, std := l.at(j / (in.Height * in.Width))
				out[j] = (v - mean) / std
			}
		}
		x, in = out, st.out
	}
	return x
}

// TestBatchesAreIndependent: a row's result does not depend on its company, to the bit.
func TestBatchesAreIndependent(t *testing.T) {
	net, err := LeNet(datasets.Shape{Channels: 1, Height: 28, Width: 28}, 10).Init(2)
	if err != nil {
		t.Fatal(err)
	}
	const n = maxRows + 37 // crosses the internal batch bound
	x := random(n, 784, "independent")
	targets := make([]int, n)
	for i := range targets {
		targets[i] = i % 10
	}
	all := mat.NewDense(n, 784, nil)
	scores, err := net.Gradients(ctx, all, x, targets)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{0, 1, maxRows - 1, maxRows, n - 1} {
		one := mat.NewDense(1, 784, nil)
		s, err := net.Gradients(ctx, one, mat.NewDense(1, 784, x.RawRowView(i)), targets[i:i+1])
		if err != nil {
			t.Fatal(err)
		}
		same := func(what string, a, b []float64) {
			if !slices.Equal(a, b) {
				t.Errorf("%s of row %d differ alone and in a batch of %d", what, i, n)
			}
		}
		same("scores", s.RawRowView(0), scores.RawRowView(i))
		same("gradients", one.RawRowView(0), all.RawRowView(i))
	}
}

// TestManyGoroutines lets several goroutines use one network; run it with -race.
func TestManyGoroutines(t *testing.T) {
	net, err := toyArch().Init(1)
	if err != nil {
		t.Fatal(err)
	}
	x := random(20, 16, "goroutines")
	want, err := net.Scores(ctx, x)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5 {
				got, err := net.Scores(ctx, x)
				if err != nil || !mat.Equal(got, want) {
					t.Errorf("scores differ, error %v", err)
				}
			}
		})
	}
	wg.Wait()
}

func TestSaveAndLoad(t *testing.T) {
	fit := toyArch().Fit(toys(60), Training{Epochs: 1})
	net, err := fit.Build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []*Net{net, net.Double()} {
		var buf bytes.Buffer
		if err := n.Save(&buf); err != nil {
			t.Fatal(err)
		}
		got, err := Load(bytes.NewReader(buf.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		if got.Fingerprint() != n.Fingerprint() {
			t.Error("the network that was read is another one")
		}
		if !slices.Equal(got.Classes(), []string{"top", "middle", "bottom"}) || len(got.History) != 1 {
			t.Errorf("classes %v, history %v", got.Classes(), got.History)
		}
		x := random(3, 16, "save")
		a, err := n.Scores(ctx, x)
		if err != nil {
			t.Fatal(err)
		}
		b, err := got.Scores(ctx, x)
		if err != nil {
			t.Fatal(err)
		}
		if !mat.Equal(a, b) {
			t.Error("the network that was read gives other scores")
		}
	}
	var buf bytes.Buffer
	if err := net.Save(&buf); err != nil {
		t.Fatal(err)
	}
	if _, err := toyArch().Dense(3).Fit(toys(3), Training{}).Load(&buf); err == nil {
		t.Error("a fit accepted a network of another architecture")
	}
}

func TestLoadRefusesDamage(t *testing.T) {
	net, err := toyArch().Init(1)
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	if err := net.Save(&buf); err != nil {
		t.Fatal(err)
	}
	good := buf.String()
	for name, bad := range map[string]string{
		"empty":             "",
		"header only":       good[:100],
		"truncated weights": good[:len(good)-1],
		"trailing bytes":    good + "x",
		"huge header":       "\xff\xff\xff\xff\xff\xff\xff\x7f{}",
		"not JSON":          strings.Replace(good, "{", "[", 1),
		"another dtype":     strings.Replace(good, `"F32"`, `"I32"`, 1),
		"missing tensor":    strings.Replace(good, `"fc1.bias"`, `"fc9.bias"`, 1),
		"unknown kind":      strings.Replace(good, `\"kind\":\"relu\"`, `\"kind\":\"rely\"`, 1),
	} {
		if _, err := Load(strings.NewReader(bad)); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: error %v, want one that matches ErrFormat", name, err)
		}
	}
	swapped := strings.Replace(good, `"shape":[4,1,3,3]`, `"shape":[4,3,1,3]`, 1)
	if _, err := Load(strings.NewReader(swapped)); !errors.Is(err, xai.ErrShape) || !strings.Contains(err.Error(), "conv1.weight") {
		t.Errorf("another shape: %v", err)
	}
}

func FuzzLoad(f *testing.F) {
	net, err := Image(datasets.Shape{Channels: 1, Height: 2, Width: 2}).Dense(2).Init(1)
	if err != nil {
		f.Fatal(err)
	}
	var buf bytes.Buffer
	if err := net.Save(&buf); err != nil {
		f.Fatal(err)
	}
	f.Add(buf.Bytes())
	f.Add(buf.Bytes()[:40])
	f.Fuzz(func(t *testing.T, data []byte) {
		if n, err := Load(bytes.NewReader(data)); err == nil {
			_ = n.Fingerprint()
		}
	})
}

// TestMistakes goes through what users do wrong: the message must name the step, the
// value and the remedy.
func TestMistakes(t *testing.T) {
	image := Image(datasets.Shape{Channels: 1, Height: 4, Width: 4})
	net, err := toyArch().Init(1)
	if err != nil {
		t.Fatal(err)
	}
	x := random(2, 16, "mistakes")
	dst := mat.NewDense(2, 16, nil)
	build := func(a Arch) error { _, err := a.Init(0); return err }
	fit := func(s datasets.Source, tr Training) error { _, err := toyArch().Fit(s, tr).Build(ctx); return err }
	second := func(_ *mat.Dense, err error) error { return err }
	relabelled := toys(6)
	relabelled.Labels[4] = 3
	for _, c := range []struct {
		name string
		err  error
		is   error
		want []string
	}{
		{"even kernel", build(image.Conv(8, 4).Dense(2)), nil, []string{"nn.Arch.Conv(8, 4)", "odd"}},
		{"kernel too large", build(image.Then(Conv{Filters: 2, Kernel: 7, Pad: 1}).Dense(2)), xai.ErrShape, []string{"7x7", "4x4"}},
		{"pool too large", build(image.MaxPool(5).Dense(2)), xai.ErrShape, []string{"nn.Arch.MaxPool(5)"}},
		{"no filters", build(image.Conv(0, 3).Dense(2)), nil, []string{"at least 1"}},
		{"dropout of all", build(image.Dropout(1).Dense(2)), nil, []string{"[0, 1)"}},
		{"deviation zero", build(image.Then(Normalize{Mean: []float64{0}, Std: []float64{0}}).Dense(2)), nil, []string{"above 0"}},
		{"no layers", build(image), nil, []string{"no layers"}},
		{"no scores", build(image.Conv(3, 3)), xai.ErrShape, []string{"3x4x4", "Dense"}},
		{"the first mistake is kept", build(image.Conv(0, 3).MaxPool(9).Dense(2)), nil, []string{"Conv(0, 3)"}},
		{"name taken", build(image.Dense(2).Dense(2).Named("fc1")), nil, []string{"fc1"}},
		{"name with a space", build(image.Dense(2).Named("a b")), nil, []string{"a b"}},
		{"from nowhere", build(image.Dense(2).From("fc7")), xai.ErrLayer, []string{`From("fc7")`, "fc1"}},
		{"two inputs for one", build(image.Dense(2).Merge(Dense{Units: 3}, InputName)), nil, []string{"one input"}},
		{"a branch that leads nowhere", build(image.Dense(2).From(InputName).Dense(3)), nil, []string{"fc1", "fc2"}},
		{"nil layer", build(image.Then(nil)), nil, []string{"need a layer"}},
		{"zero shape", build(Image(datasets.Shape{}).Dense(2)), xai.ErrShape, []string{"0x0x0"}},
		{"wrong width", second(net.Scores(ctx, random(1, 15, "w"))), xai.ErrShape, []string{"15", "16"}},
		{"no rows", second(net.Scores(ctx, &mat.Dense{})), xai.ErrShape, []string{"no rows"}},
		{"nil rows", second(net.Scores(ctx, nil)), xai.ErrShape, []string{"no rows"}},
		{"class too high", second(net.Gradients(ctx, dst, x, []int{0, 3})), xai.ErrTarget, []string{"target 3", "0-2"}},
		{"class negative", second(net.Gradients(ctx, dst, x, []int{-1, 0})), xai.ErrTarget, []string{"target -1"}},
		{"targets missing", second(net.Gradients(ctx, dst, x, []int{1})), xai.ErrShape, []string{"1 targets for 2 rows"}},
		{"dst of another size", second(net.Gradients(ctx, mat.NewDense(1, 16, nil), x, []int{1, 1})), xai.ErrShape, []string{"1 x 16"}},
		{"unknown layer", second(net.Activations(ctx, "conv9", x)), xai.ErrLayer, []string{"conv9", "conv1, relu1, pool1, dropout1, fc1"}},
		{"set of another shape", fit(datasets.Set{Name: "s", Shape: datasets.Shape{Channels: 1, Height: 2, Width: 2}, Classes: []string{"a", "b", "c"}, Labels: []int{0}, Pixels: make([]uint8, 4)}, Training{}), xai.ErrShape, []string{"1x2x2", "1x4x4"}},
		{"label out of range", fit(relabelled, Training{}), datasets.ErrLabel, []string{"row 4", "label 3"}},
		{"empty set", fit(datasets.Set{Name: "void", Shape: image.input, Classes: []string{"a", "b", "c"}, Pixels: []uint8{}}, Training{}), nil, []string{"void", "empty"}},
		{"no data", fit(nil, Training{}), nil, []string{"need data"}},
		{"negative epochs", fit(toys(3), Training{Epochs: -1}), nil, []string{"Epochs"}},
		{"rate NaN", fit(toys(3), Training{Optimizer: Adam{Rate: math.NaN()}}), nil, []string{"Rate"}},
		{"divergence", fit(toys(60), Training{Optimizer: Adam{Rate: 1e30}}), ErrDiverged, []string{"epoch 1", "step"}},
	} {
		if c.err == nil {
			t.Errorf("%s: no error", c.name)
			continue
		}
		if c.is != nil && !errors.Is(c.err, c.is) {
			t.Errorf("%s: %v does not match %q", c.name, c.err, c.is)
		}
		for _, w := range c.want {
			if !strings.Contains(c.err.Error(), w) {
				t.Errorf("%s: %q does not say %q", c.name, c.err, w)
			}
		}
	}
}

// TestChainsDoNotShare: two chains from one base must not write into each other.
func TestChainsDoNotShare(t *testing.T) {
	base := Image(datasets.Shape{Channels: 1, Height: 4, Width: 4}).Conv(2, 3).ReLU().Dense(5)
	a := base.Dense(2).Named("left")
	b := base.Dense(3).Named("right")
	has := func(a Arch, name string) bool { _, ok := a.find(name); return ok }
	if a.Output().Size() != 2 || b.Output().Size() != 3 || has(a, "right") || has(b, "left") {
		t.Errorf("left is %v, right is %v", a, b)
	}
	if has(base, "left") || len(base.steps) != 3 {
		t.Errorf("the base changed: %v", base)
	}
}

func TestActivations(t *testing.T) {
	net, err := toyArch().Init(3)
	if err != nil {
		t.Fatal(err)
	}
	x := random(5, 16, "activations")
	relu, err := net.Activations(ctx, "relu1", x)
	if err != nil {
		t.Fatal(err)
	}
	conv, err := net.Activations(ctx, "conv1", x)
	if err != nil {
		t.Fatal(err)
	}
	n, w := relu.Dims()
	if n != 5 || w != 4*4*4 {
		t.Fatalf("relu1 is %d x %d", n, w)
	}
	for i := range n {
		for j := range w {
			if want := max(conv.At(i, j), 0); relu.At(i, j) != want {
				t.Fatalf("relu1 at %d, %d is %v, conv1 %v", i, j, relu.At(i, j), conv.At(i, j))
			}
		}
	}
	last, err := net.Activations(ctx, "fc1", x)
	if err != nil {
		t.Fatal(err)
	}
	scores, err := net.Scores(ctx, x)
	if err != nil {
		t.Fatal(err)
	}
	if !mat.Equal(last, scores) {
		t.Error("the activations of the last layer are not the scores")
	}
}

// TestZeroValues: what was not made by its constructor gives an error, never a panic.
func TestZeroValues(t *testing.T) {
	var none *Net
	var empty Net
	var arch Arch
	var fit Fit
	x := random(1, 16, "zero")
	_ = arch.String() + fit.Key() + none.String() + empty.String() + none.Fingerprint() + empty.Fingerprint()
	none.Dims()
	none.Classes()
	none.Double()
	empty.Double()
	arch.Output()
	arch.Layers()
	errs := map[string]error{"zero Arch": arch.Err(), "zero Arch with a layer": arch.Dense(2).Err()}
	_, errs["Init of a zero Arch"] = arch.Init(1)
	_, errs["Build of a zero Fit"] = fit.Build(ctx)
	_, errs["a layer by pointer"] = Image(toyArch().input).Then(&Dense{Units: 2}).Init(1)
	_, errs["merging nil"] = Image(toyArch().input).Dense(2).Merge(nil, "fc1").Init(1)
	net, err := toyArch().Init(1)
	if err != nil {
		t.Fatal(err)
	}
	_, errs["too few class names"] = net.WithClasses("a", "b")
	_, errs["class names of nothing"] = none.WithClasses()
	_, errs["nil dst"] = net.Gradients(ctx, nil, x, []int{0})
	_, errs["nil data"] = net.Evaluate(ctx, nil)
	nan := random(1, 16, "zero")
	nan.Set(0, 3, math.NaN())
	_, errs["NaN in a row"] = net.Predict(ctx, nan)
	for name, n := range map[string]*Net{"nil Net": none, "zero Net": &empty} {
		_, errs[name+", Scores"] = n.Scores(ctx, x)
		_, errs[name+", Gradients"] = n.Gradients(ctx, x, x, []int{0})
		_, errs[name+", Activations"] = n.Activations(ctx, "fc1", x)
		_, errs[name+", Predict"] = n.Predict(ctx, x)
		_, errs[name+", Verify"] = n.Verify(ctx, x)
		_, errs[name+", Evaluate"] = n.Evaluate(ctx, toys(3))
		errs[name+", Save"] = n.Save(&bytes.Buffer{})
	}
	for name, err := range errs {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestWithClasses(t *testing.T) {
	net, err := toyArch().Init(1)
	if err != nil {
		t.Fatal(err)
	}
	named, err := net.WithClasses("a", "b", "c")
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(named.Classes(), ""); got != "abc" || net.Classes() != nil {
		t.Errorf("classes %q, and %v of the network it came from", got, net.Classes())
	}
	if named.Fingerprint() == net.Fingerprint() {
		t.Error("the names are not part of the fingerprint")
	}
	x := random(2, 16, "named")
	a, err := net.Scores(ctx, x)
	if err != nil {
		t.Fatal(err)
	}
	b, err := named.Scores(ctx, x)
	if err != nil || !mat.Equal(a, b) {
		t.Errorf("other scores, error %v", err)
	}
}

// TestManyLayersInAFile: reading is linear in the number of layers, which has a limit.
func TestManyLayersInAFile(t *testing.T) {
	file := func(layers int) []byte {
		var b strings.Builder
		b.WriteString(`{"input":{"Channels":1,"Height":1,"Width":2},"output":"last","layers":[`)
		for i := range layers {
			from := InputName
			if i > 0 {
				from = fmt.Sprint("l", i-1)
			}
			fmt.Fprintf(&b, `{"name":"l%d","kind":"relu","inputs":[%q],"layer":{}},`, i, from)
		}
		fmt.Fprintf(&b, `{"name":"last","kind":"fc","inputs":["l%d"],"layer":{"Units":2}}]}`, layers-1)
		return []byte(b.String())
	}
	var a Arch
	start := time.Now()
	if err := json.Unmarshal(file(9000), &a); err != nil || len(a.steps) != 9001 {
		t.Fatalf("%d layers, %v", len(a.steps), err)
	}
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("9,001 layers took %v to read", took)
	}
	if err := json.Unmarshal(file(20000), &a); err == nil {
		t.Error("20,001 layers were accepted")
	}
	for name, bad := range map[string]string{
		"an input that does not exist": strings.Replace(string(file(3)), `["l1"]`, `["l7"]`, 1),
		"a layer that takes itself":    strings.Replace(string(file(3)), `["l0"]`, `["l1"]`, 1),
		"two layers of one name":       strings.Replace(string(file(3)), `"l1","kind"`, `"l0","kind"`, 1),
		"no such output":               strings.Replace(string(file(3)), `"output":"last"`, `"output":"first"`, 1),
		"no inputs":                    strings.Replace(string(file(3)), `["l0"]`, `[]`, 1),
		"a name with a space":          strings.ReplaceAll(string(file(3)), `"l1"`, `"l 1"`),
		"two inputs for one":           strings.Replace(string(file(3)), `["l0"]`, `["l0","l0"]`, 1),
	} {
		if err := json.Unmarshal([]byte(bad), &a); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestRowsPerRun: a network of large images takes few of them at a time.
func TestRowsPerRun(t *testing.T) {
	rows := func(a Arch) int { return newEngine[float32](a, nil).rowsPerRun() }
	if small, large := rows(toyArch()), rows(ResNet18(datasets.Shape{Channels: 3, Height: 224, Width: 224}, 10)); small != maxRows || large < 1 || large > 16 {
		t.Errorf("%d rows of 4 x 4 images at a time, and %d of 224 x 224", small, large)
	}
}

// TestSharesMakeNoDifference: whatever part of a batch a machine takes, beside however many
// others, every row gets the same bits, and the results go where they belong.
func TestSharesMakeNoDifference(t *testing.T) {
	net, err := LeNet(datasets.Shape{Channels: 1, Height: 28, Width: 28}, 10).Init(2)
	if err != nil {
		t.Fatal(err)
	}
	share := net.run.(*engine[float32]).rowsPerShare()
	if share < 2 || share > maxRows/2 {
		t.Fatalf("%d rows at a time: too few or too many for this test", share)
	}
	n := 3*share + share/2 + 1
	x, targets := random(n, 784, "shares"), make([]int, n)
	for i := range targets {
		targets[i] = i % 10
	}
	gradients := func(lo, hi int, dst *mat.Dense) *mat.Dense {
		scores, err := net.Gradients(ctx, dst.Slice(lo, hi, 0, 784).(*mat.Dense), x.Slice(lo, hi, 0, 784).(*mat.Dense), targets[lo:hi])
		if err != nil {
			t.Fatal(err)
		}
		return scores
	}
	want, wantScores := mat.NewDense(n, 784, nil), mat.NewDense(n, 10, nil)
	for i := range n {
		wantScores.SetRow(i, gradients(i, i+1, want).RawRowView(0))
	}
	for _, procs := range []int{1, 2, 5} {
		old := runtime.GOMAXPROCS(procs)
		for _, rows := range []int{2, 3, share - 1, share, share + 1, n} {
			got := mat.NewDense(n, 784, nil)
			scores := gradients(0, rows, got)
			if !mat.Equal(scores, wantScores.Slice(0, rows, 0, 10)) || !mat.Equal(got.Slice(0, rows, 0, 784), want.Slice(0, rows, 0, 784)) {
				t.Errorf("%d processors, %d rows: not what the rows give one by one", procs, rows)
			}
		}
		runtime.GOMAXPROCS(old)
	}
}

// TestRowsPerShare: shares fit caches, but repay the weights that they fetch, and all of
// them together have to fit the memory of a run.
func TestRowsPerShare(t *testing.T) {
	rows := func(a Arch, procs int) int {
		old := runtime.GOMAXPROCS(procs)
		defer runtime.GOMAXPROCS(old)
		return newEngine(a, initial[float32](a, 1, HeNormal)).rowsPerShare()
	}
	wide := Image(datasets.Shape{Channels: 1, Height: 1, Width: 1000}).Dense(3000).ReLU().Dense(3000).ReLU().Dense(10) // 12 million weights
	large := ResNet18(datasets.Shape{Channels: 3, Height: 224, Width: 224}, 10)
	for _, c := range []struct {
		name        string
		arch        Arch
		procs, want int
	}{
		{"toy", toyArch(), 2, maxRows},
		{"cnn", cnn(), 2, 16}, // 2^20 / (2 * 25,088) = 20
		{"wide", wide, 2, maxRows},
		{"large images", large, 1, 4},
		{"large images", large, 64, 0},
	} {
		if got := rows(c.arch, c.procs); got != c.want {
			t.Errorf("%s on %d processors: %d rows, want %d", c.name, c.procs, got, c.want)
		}
	}
}

// TestMachineRows: a batch is rounded up by a row at most.
func TestMachineRows(t *testing.T) {
	for rows, want := range map[int]int{1: 1, 2: 2, 3: 4, 9: 10, 15: 16, 16: 16, 17: 17, 101: 101} {
		if got := machineRows(rows); got != want {
			t.Errorf("%d rows: a machine for %d, want %d", rows, got, want)
		}
	}
}

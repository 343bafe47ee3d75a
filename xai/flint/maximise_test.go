package flint

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/nn"
	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"
)

// objective is what Maximise climbs, written anew from the formula.
func objective(m Maximisation, gain float64, x []float64, s shape) float64 {
	at := func(c, r, col int) float64 { return x[(c*s.Height+r)*s.Width+col] }
	var down, right, bound, size float64
	for c := range s.Channels {
		for r := range s.Height {
			for col := range s.Width {
				v := at(c, r, col)
				if r+1 < s.Height {
					down += math.Abs(v - at(c, r+1, col))
				}
				if col+1 < s.Width {
					right += math.Abs(v - at(c, r, col+1))
				}
				if v > m.High || v < m.Low {
					bound += math.Abs(v)
				}
				size += math.Abs(v)
			}
		}
	}
	n, rows := float64(len(x)), float64(s.Channels)
	tv := down/(rows*float64((s.Height-1)*s.Width)) + right/(rows*float64(s.Height*(s.Width-1)))
	return gain - m.Smooth*tv - m.Bound*bound/n - m.Sparse*size/n
}

// TestPenaltiesAgainstPyTorch: the gradients of TV and Bo that PyTorch has, at values of which
// several tie or lie on the bounds.
func TestPenaltiesAgainstPyTorch(t *testing.T) {
	var g struct {
		Penalties struct {
			Shape          []int
			X              []float64
			TV, Bo, BoWide struct {
				Value    float64
				Gradient []float64
			}
		}
	}
	data, err := os.ReadFile(filepath.Join("testdata", "golden.json"))
	if err == nil {
		err = json.Unmarshal(data, &g)
	}
	if err != nil {
		t.Fatal(err)
	}
	p := g.Penalties
	s := shape{Channels: p.Shape[0], Height: p.Shape[1], Width: p.Shape[2]}
	for _, c := range []struct {
		name  string
		m     Maximisation
		value float64
		want  []float64
	}{
		{"TV", Maximisation{Smooth: 1, Low: -9, High: 9}, p.TV.Value, p.TV.Gradient},
		{"Bo", Maximisation{Bound: 1, High: 1}, p.Bo.Value, p.Bo.Gradient},
		{"Bo of a wide range", Maximisation{Bound: 1, Low: -0.6, High: 1.6}, p.BoWide.Value, p.BoWide.Gradient},
	} {
		if v := -objective(c.m, 0, p.X, s); math.Abs(v-c.value) > 1e-12 {
			t.Errorf("%s is %v, PyTorch has %v", c.name, v, c.value)
		}
		got := make([]float64, len(p.X))
		c.m.penalise(got, p.X, s)
		for j, want := range c.want {
			if math.Abs(got[j]+want) > 1e-12 {
				t.Errorf("%s: the gradient of value %d is %v, PyTorch has %v", c.name, j, -got[j], want)
			}
		}
	}
}

// TestPenaltyGradients: central differences of the formula, away from kinks.
func TestPenaltyGradients(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 4)
		s := shape{Channels: size.Draw(t, "channels"), Height: size.Draw(t, "height") + 1, Width: size.Draw(t, "width") + 1}
		weight := rapid.Float64Range(0, 9)
		m := Maximisation{Smooth: weight.Draw(t, "TV"), Bound: weight.Draw(t, "Bo"), Sparse: weight.Draw(t, "l1"), High: 1}
		x := make([]float64, s.Size())
		perm := rapid.Permutation(places(len(x))).Draw(t, "order")
		for j, p := range perm {
			x[j] = -0.53 + 2*float64(p)/float64(len(x)) + 1e-3 // all differ, none on a bound
		}
		got := make([]float64, len(x))
		m.penalise(got, x, s)
		const step = 1e-6
		for j, v := range x {
			x[j] = v + step
			up := objective(m, 0, x, s)
			x[j] = v - step
			down := objective(m, 0, x, s)
			x[j] = v
			if want := (up - down) / (2 * step); math.Abs(got[j]-want) > 1e-6 && clear(x, j, step) {
				t.Errorf("%v: the gradient of value %d is %v, differences give %v", s, j, got[j], want)
			}
		}
	})
}

// clear reports whether value j is away from 0 and from the bounds.
func clear(x []float64, j int, step float64) bool {
	return min(math.Abs(x[j]), math.Abs(x[j]-1)) > 2*step
}

// plane is a model with the attributes w_j.x.
func plane(weights ...[]float64) xai.Function {
	return xai.Function{Inputs: len(weights[0]), Outputs: len(weights),
		Func: func(x []float64) []float64 {
			out := make([]float64, len(weights))
			for j, w := range weights {
				for i, v := range x {
					out[j] += w[i] * v
				}
			}
			return out
		},
		Grad: func(_ []float64, k int) []float64 { return weights[k] },
	}
}

// TestClimbOnPlane: with a constant gradient every step of Adam has the length of its rate, in
// the direction of the gradient's sign.
func TestClimbOnPlane(t *testing.T) {
	w := []float64{0.5, -2, 1e-3, -7, 3, 0}
	m := Maximisation{Gain: 2, High: 1, Stages: 3, Steps: 4, Rate: 0.05}
	x := mat.NewDense(1, 6, []float64{0.1, 0.2, 0.3, 0.4, 0.5, 0.6})
	want := mat.DenseCopyOf(x)
	for j, v := range w {
		want.Set(0, j, want.At(0, j)+sign(v)*4*(0.05+0.025+0.0125))
	}
	if err := m.climb(t.Context(), plane(w), x, []int{0}, shape{Channels: 1, Height: 2, Width: 3}, func(int) {}); err != nil {
		t.Fatal(err)
	}
	if !mat.EqualApprox(x, want, 1e-5) { // of 1e-3 the constant 1e-8 takes 1e-5
		t.Errorf("came to %v, want %v", mat.Formatted(x), mat.Formatted(want))
	}
}

// TestClimbBalances: the penalty of the bounds holds an attribute whose gradient is weaker.
func TestClimbBalances(t *testing.T) {
	m, err := Maximisation{Smooth: -1, Stages: 8}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	x := mat.NewDense(1, 4, []float64{0.3, 0.3, 0.3, 0.3})
	// The bound's gradient is 10/4 a value; 2 w is 2 and 4.
	if err := m.climb(t.Context(), plane([]float64{1, 2, 1, 2}), x, []int{0}, shape{Channels: 1, Height: 2, Width: 2}, func(int) {}); err != nil {
		t.Fatal(err)
	}
	for j, v := range x.RawRowView(0) {
		if inside := j%2 == 0; inside != (v < 1.1) {
			t.Errorf("value %d ends at %v", j, v)
		}
	}
}

func TestMaximise(t *testing.T) {
	in, set := shared(t)
	x := set.Batch(nil, []int{0, 1, 2})
	g, err := in.Global(t.Context(), set, 1)
	if err != nil {
		t.Fatal(err)
	}
	used := falling(g.R.RawRowView(set.Labels[0]))[0]
	short := Maximisation{Stages: 2, Steps: 20}
	got, err := in.Maximise(t.Context(), x, []int{used, used, used}, short)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if !(got.After[i] > got.Before[i]) {
			t.Errorf("row %d: the attribute went from %v to %v", i, got.Before[i], got.After[i])
		}
	}
	// Rows do not depend on each other, and the image that one starts from is not changed.
	alone, err := in.Maximise(t.Context(), set.Batch(nil, []int{1}), []int{used}, short)
	if err != nil {
		t.Fatal(err)
	}
	if !mat.Equal(alone.Images, got.Images.Slice(1, 2, 0, 784)) {
		t.Error("a row alone comes to another image")
	}
	if !mat.Equal(x, set.Batch(nil, []int{0, 1, 2})) {
		t.Error("the images were changed")
	}
	x.Set(0, 300, 0.123) // is the caller's again
	if !mat.Equal(got.From, set.Batch(nil, []int{0, 1, 2})) || got.Shape != set.Shape {
		t.Error("what the images were made from is not kept")
	}

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		name string
		ctx  context.Context
		x    *mat.Dense
		j    []int
		m    Maximisation
		is   error
		want string
	}{
		{"no rows", t.Context(), nil, nil, short, xai.ErrShape, "no rows"},
		{"other size", t.Context(), mat.NewDense(1, 3, nil), []int{0}, short, xai.ErrShape, "takes 784"},
		{"no attribute", t.Context(), x, []int{0}, short, xai.ErrShape, "1 attributes for 3 rows"},
		{"attribute 16", t.Context(), x, []int{0, 16, 0}, short, xai.ErrTarget, "there are 16"},
		{"NaN", t.Context(), x, []int{0, 0, 0}, Maximisation{Gain: math.NaN()}, nil, "field Gain"},
		{"range", t.Context(), x, []int{0, 0, 0}, Maximisation{Low: 2}, nil, "field Low"},
		{"stages", t.Context(), x, []int{0, 0, 0}, Maximisation{Stages: -1}, nil, "field Stages"},
		{"input", t.Context(), mat.NewDense(1, 784, append(make([]float64, 783), math.NaN())), []int{0}, short, nil, "NaN"},
		{"stopped", ended, x, []int{0, 0, 0}, short, context.Canceled, ""},
	} {
		_, err := in.Maximise(c.ctx, c.x, c.j, c.m)
		if err == nil || !strings.Contains(err.Error(), c.want) || c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

// TestClimbAgainstPyTorch: the first steps on a network of convolutions.
func TestClimbAgainstPyTorch(t *testing.T) {
	var g struct {
		Shapes     map[string][]int
		Parameters map[string][]float64
		Maximise   struct {
			Attribute     int
			C, TV, Bo, LR float64
			Low, High     float64
			Objective     []float64
			Path          [][]float64
		}
	}
	data, err := os.ReadFile(filepath.Join("testdata", "golden.json"))
	if err == nil {
		err = json.Unmarshal(data, &g)
	}
	if err != nil {
		t.Fatal(err)
	}
	s := shape{Channels: 1, Height: 8, Width: 8}
	arch := nn.Image(s).Conv(2, 3).Named("f.conv1").ReLU().Conv(3, 3).Named("f.conv2").MaxPool(2).ReLU().
		Conv(4, 3).Named("psi.conv").Then(nn.LeakyReLU{}).Then(nn.AdaptiveAvgPool{Height: 3, Width: 3}).
		Dense(4).Named("psi.fc").Then(nn.LeakyReLU{})
	single, err := arch.Load(safetensors(t, g.Shapes, g.Parameters, "f.conv1", "f.conv2", "psi.conv", "psi.fc"), nil)
	if err != nil {
		t.Fatal(err)
	}
	net, o := single.Double(), g.Maximise
	m := Maximisation{Gain: o.C, Smooth: o.TV, Bound: o.Bo, Low: o.Low, High: o.High, Rate: o.LR, Stages: 1}
	for steps, want := range o.Path {
		x := mat.NewDense(1, s.Size(), append([]float64(nil), o.Path[0]...))
		m.Steps = steps
		if err := m.climb(t.Context(), net, x, []int{o.Attribute}, s, func(int) {}); err != nil {
			t.Fatal(err)
		}
		for j, v := range x.RawRowView(0) {
			if math.Abs(v-want[j]) > 1e-5 { // weights are those of PyTorch rounded to float32
				t.Fatalf("after %d steps value %d is %v, PyTorch has %v", steps, j, v, want[j])
			}
		}
		if steps == len(o.Objective) {
			break
		}
		scores, err := net.Scores(t.Context(), x)
		if err != nil {
			t.Fatal(err)
		}
		if v := objective(m, m.Gain*scores.At(0, o.Attribute), x.RawRowView(0), s); math.Abs(v-o.Objective[steps]) > 1e-5 {
			t.Errorf("after %d steps the objective is %v, PyTorch has %v", steps, v, o.Objective[steps])
		}
	}
}

// safetensors writes the tensors of some layers.
func safetensors(t *testing.T, shapes map[string][]int, values map[string][]float64, layers ...string) *bytes.Reader {
	t.Helper()
	header, body := make(map[string]any), []byte(nil)
	for _, layer := range layers {
		for _, name := range []string{layer + ".weight", layer + ".bias"} {
			start := len(body)
			for _, v := range values[name] {
				body = binary.LittleEndian.AppendUint64(body, math.Float64bits(v))
			}
			header[name] = map[string]any{"dtype": "F64", "shape": shapes[name], "data_offsets": []int{start, len(body)}}
		}
	}
	text, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	file := binary.LittleEndian.AppendUint64(nil, uint64(len(text)))
	return bytes.NewReader(append(append(file, text...), body...))
}

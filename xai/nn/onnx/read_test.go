package onnx_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/whybook/whybook/xai/nn/onnx"
	"github.com/whybook/whybook/xai/nn/onnx/internal/pb"
	"gonum.org/v1/gonum/diff/fd"
	"gonum.org/v1/gonum/mat"
)

// golden is an input batch and what onnxruntime makes of it: see testdata/make_models.py.
type golden struct {
	X     []float64 `json:"x"`
	Shape []int     `json:"shape"`
	Y     []float64 `json:"y"`
}

func readGolden(t testing.TB, name string) (x, y *mat.Dense) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if errors.Is(err, fs.ErrNotExist) { // the operator set makes no difference
		stem, _, _ := strings.Cut(name, "-")
		text, err = os.ReadFile(filepath.Join("testdata", stem+".json"))
	}
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(text, &g); err != nil {
		t.Fatal(err)
	}
	n := g.Shape[0]
	return mat.NewDense(n, len(g.X)/n, g.X), mat.NewDense(n, len(g.Y)/n, g.Y)
}

// compare fails where two matrices differ, relative to the wanted values above 1.
func compare(t *testing.T, got, want *mat.Dense, tolerance float64) {
	t.Helper()
	n, k := want.Dims()
	for i := range n {
		for j := range k {
			v, w := got.At(i, j), want.At(i, j)
			if !(math.Abs(v-w) <= tolerance*(1+math.Abs(w))) {
				t.Fatalf("row %d, value %d of %d: %.7g, want %.7g", i, j, k, v, w)
			}
		}
	}
}

// scored appends a matrix to a model that leaves its values as they are and adds a zero,
// so that every model ends in two scores or more and has something to train.
func scored(t *testing.T, file string, k int) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	m, err := pb.Unmarshal(data)
	if err != nil {
		t.Fatal(err)
	}
	eye := make([]float32, k*(k+1))
	for i := range k {
		eye[i*(k+1)+i] = 1
	}
	g := &m.Graph
	g.Nodes = append(g.Nodes,
		pb.Node{Name: "flat", Op: "Flatten", Inputs: []string{"y"}, Outputs: []string{"flat"}},
		pb.Node{Name: "scores", Op: "Gemm", Inputs: []string{"flat", "eye"}, Outputs: []string{"scores"}})
	g.Initializers = append(g.Initializers, pb.FloatTensor("eye", []int{k, k + 1}, eye))
	g.Outputs[0].Name = "scores"
	for i := range g.Initializers {
		if len(g.Initializers[i].Raw) == 0 && len(g.Initializers[i].Dims) > 0 && g.Initializers[i].Dims[0] != 0 {
			t.Fatalf("%s: tensor %q would not survive writing", file, g.Initializers[i].Name)
		}
	}
	return m.Marshal()
}

func TestNetsScoreWhatONNXRuntimeScores(t *testing.T) {
	files, err := filepath.Glob("testdata/*.onnx")
	if err != nil || len(files) < 50 {
		t.Fatalf("only %d models: %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".onnx")
		t.Run(name, func(t *testing.T) {
			x, want := readGolden(t, name)
			n, k := want.Dims()
			net, err := onnx.Read(bytes.NewReader(scored(t, file, k)))
			if err != nil {
				t.Fatal(err)
			}
			got, err := net.Scores(context.Background(), x)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, got.Slice(0, n, 0, k).(*mat.Dense), want, 1e-4)
		})
	}
}

// TestSquaresAndSumsHaveGradients: the square of a value is its product with itself, and
// each layer is found under its node's name.
func TestSquaresAndSumsHaveGradients(t *testing.T) {
	ctx := context.Background()
	for file, layer := range map[string]string{"powers-17": "Pow_2", "reducesum-17": "ReduceSum_0", "split-17": "Split_0/1"} {
		_, y := readGolden(t, file)
		_, k := y.Dims()
		net, err := onnx.Read(bytes.NewReader(scored(t, "testdata/"+file+".onnx", k)))
		if err != nil {
			t.Fatal(err)
		}
		net = net.Double()
		x, _ := readGolden(t, file)
		n, d := x.Dims()
		dx := mat.NewDense(n, d, nil)
		if _, err := net.Gradients(ctx, dx, x, []int{1, 0}); err != nil {
			t.Fatal(err)
		}
		for i, target := range []int{1, 0} {
			numeric := fd.Gradient(nil, func(p []float64) float64 {
				s, err := net.Scores(ctx, mat.NewDense(1, d, p))
				if err != nil {
					t.Fatal(err)
				}
				return s.At(0, target)
			}, x.RawRowView(i), &fd.Settings{Formula: fd.Central, Step: 1e-5})
			compare(t, dx.Slice(i, i+1, 0, d).(*mat.Dense), mat.NewDense(1, d, numeric), 1e-6)
		}
		if _, err := net.Activations(ctx, layer, x); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	// A sum of 6 values and not their mean has the sum's name.
	net, err := onnx.Read(bytes.NewReader(scored(t, "testdata/reducesum-17.onnx", 4)))
	if err != nil {
		t.Fatal(err)
	}
	x, _ := readGolden(t, "reducesum-17")
	sums, err := net.Activations(ctx, "ReduceSum_0", x)
	if err != nil {
		t.Fatal(err)
	}
	want := mat.Sum(x.Slice(0, 1, 0, 6))
	compare(t, mat.NewDense(1, 1, []float64{sums.At(0, 0)}), mat.NewDense(1, 1, []float64{want}), 1e-5)
}

func TestImportedNetHasGradientsAndActivations(t *testing.T) {
	net, err := onnx.ReadFile("testdata/network-17.onnx")
	if err != nil {
		t.Fatal(err)
	}
	net = net.Double()
	ctx := context.Background()
	x, want := readGolden(t, "network-17")
	n, d := x.Dims()
	targets := []int{3, 1}
	dx := mat.NewDense(n, d, nil)
	scores, err := net.Gradients(ctx, dx, x, targets)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, scores, want, 1e-5)
	for i := range n {
		numeric := fd.Gradient(nil, func(p []float64) float64 {
			s, err := net.Scores(ctx, mat.NewDense(1, d, p))
			if err != nil {
				t.Fatal(err)
			}
			return s.At(0, targets[i])
		}, x.RawRowView(i), &fd.Settings{Formula: fd.Central, Step: 1e-5})
		compare(t, dx.Slice(i, i+1, 0, d).(*mat.Dense), mat.NewDense(1, d, numeric), 1e-6)
	}
	a, err := net.Activations(ctx, "MaxPool_6", x)
	if err != nil {
		t.Fatal(err)
	}
	if _, k := a.Dims(); k != 4*4*4 {
		t.Errorf("activations of MaxPool_6 have %d columns, want 64", k)
	}
}

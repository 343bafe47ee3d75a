package onnx_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/nn"
	"github.com/whybook/whybook/xai/nn/onnx"
	"github.com/whybook/whybook/xai/nn/onnx/internal/pb"
	"gonum.org/v1/gonum/mat"
)

// model is a convolution of 2 filters, a mean and two scores, to be spoilt.
func model() *pb.Model {
	return &pb.Model{IRVersion: 8, Opsets: []pb.Opset{{Version: 17}}, Graph: pb.Graph{
		Inputs:  []pb.ValueInfo{{Name: "image", Type: pb.Float, HasShape: true, Dims: []pb.Dim{{Name: "batch"}, {Size: 1}, {Size: 4}, {Size: 4}}}},
		Outputs: []pb.ValueInfo{{Name: "y"}},
		Nodes: []pb.Node{
			{Name: "first", Op: "Conv", Inputs: []string{"image", "w"}, Outputs: []string{"c"}},
			{Name: "second", Op: "GlobalAveragePool", Inputs: []string{"c"}, Outputs: []string{"m"}},
			{Name: "third", Op: "Flatten", Inputs: []string{"m"}, Outputs: []string{"y"}},
		},
		Initializers: []pb.Tensor{pb.FloatTensor("w", []int{2, 1, 3, 3}, make([]float32, 18))},
	}}
}

func read(m *pb.Model) (*nn.Net, error) { return onnx.Read(bytes.NewReader(m.Marshal())) }

func TestErrorsNameWhatIsWrong(t *testing.T) {
	if _, err := read(model()); err != nil {
		t.Fatalf("the model is sound before it is spoilt: %v", err)
	}
	attribute := func(node int, a pb.Attribute) func(m *pb.Model) {
		return func(m *pb.Model) { m.Graph.Nodes[node].Attributes = append(m.Graph.Nodes[node].Attributes, a) }
	}
	replace := func(node int, n pb.Node) func(m *pb.Model) {
		return func(m *pb.Model) {
			n.Inputs, n.Outputs = append([]string{m.Graph.Nodes[node].Inputs[0]}, n.Inputs...), m.Graph.Nodes[node].Outputs
			m.Graph.Nodes[node] = n
		}
	}
	for _, test := range []struct {
		name        string
		spoil       func(m *pb.Model)
		op, node    string // of an UnsupportedError, or ""
		shape       bool   // matches xai.ErrShape
		wantMessage []string
	}{
		{name: "operator", spoil: replace(1, pb.Node{Name: "rnn", Op: "LSTM"}), op: "LSTM", node: "rnn", wantMessage: []string{`"rnn"`, "LSTM", "no counterpart"}},
		{name: "operator of shape arithmetic", spoil: func(m *pb.Model) {
			m.Graph.Nodes = append([]pb.Node{
				{Name: "size", Op: "Shape", Inputs: []string{"image"}, Outputs: []string{"size"}},
				{Name: "all", Op: "ReduceProd", Inputs: []string{"size"}, Outputs: []string{"all"}},
				{Name: "flat", Op: "Reshape", Inputs: []string{"image", "all"}, Outputs: []string{"flat"}},
			}, m.Graph.Nodes...)
			m.Graph.Nodes[3].Inputs[0] = "flat"
		}, op: "ReduceProd", node: "all", wantMessage: []string{"constants and shapes", "no rule"}},
		{name: "operator without a name", spoil: replace(1, pb.Node{Op: "Einsum"}), op: "Einsum", node: "m"},
		{name: "domain", spoil: replace(1, pb.Node{Name: "q", Op: "Relu", Domain: "com.example"}), op: "Relu", node: "q", wantMessage: []string{`"com.example"`}},
		{name: "attribute", spoil: attribute(0, pb.Int("surprise", 1)), op: "Conv", node: "first", wantMessage: []string{`"surprise"`}},
		{name: "subgraph attribute", spoil: attribute(0, pb.Attribute{Name: "body", Type: 5}), op: "Conv", node: "first", wantMessage: []string{`"body"`}},
		{name: "linear resize", spoil: replace(1, pb.Node{Name: "r", Op: "Resize", Attributes: []pb.Attribute{pb.Text("mode", "linear")}}), op: "Resize", node: "r", wantMessage: []string{`"linear"`, "nearest"}},
		{name: "batch mixed", spoil: replace(1, pb.Node{Name: "t", Op: "Transpose"}), op: "Transpose", node: "t", wantMessage: []string{"batch"}},
		{name: "training", spoil: func(m *pb.Model) {
			replace(1, pb.Node{Name: "d", Op: "Dropout", Inputs: []string{"", "on"}})(m)
			m.Graph.Initializers = append(m.Graph.Initializers, pb.Tensor{Name: "on", Type: pb.Bool, Raw: []byte{1}})
		}, op: "Dropout", node: "d", wantMessage: []string{"evaluation mode"}},
		{name: "two computed factors", spoil: replace(1, pb.Node{Name: "attention", Op: "MatMul", Inputs: []string{"c"}}), op: "MatMul", node: "attention"},
		{name: "root", spoil: func(m *pb.Model) {
			replace(1, pb.Node{Name: "p", Op: "Pow", Inputs: []string{"half"}})(m)
			m.Graph.Initializers = append(m.Graph.Initializers, pb.FloatTensor("half", []int{1}, []float32{0.5}))
		}, op: "Pow", node: "p", wantMessage: []string{`"half"`, "1 and 2"}},
		{name: "computed exponent", spoil: replace(1, pb.Node{Name: "p", Op: "Pow", Inputs: []string{"c"}}), op: "Pow", node: "p", wantMessage: []string{`"c"`}},
		{name: "sum over the batch", spoil: replace(1, pb.Node{Name: "s", Op: "ReduceSum"}), op: "ReduceSum", node: "s", wantMessage: []string{"batch"}},
		{name: "split of the batch", spoil: replace(1, pb.Node{Name: "s", Op: "Split"}), op: "Split", node: "s", wantMessage: []string{"batch"}},
		{name: "computed remainder", spoil: replace(1, pb.Node{Name: "r", Op: "Mod", Inputs: []string{"c"}}), op: "Mod", node: "r", wantMessage: []string{"integers"}},
		{name: "pooling indices", spoil: func(m *pb.Model) {
			m.Graph.Nodes[0].Outputs = []string{"c", "indices"}
			m.Graph.Nodes[1].Inputs = []string{"indices"}
		}, op: "GlobalAveragePool", node: "second", wantMessage: []string{`"indices"`}},
		{name: "old operator set", spoil: func(m *pb.Model) { m.Opsets[0].Version = 9 }, op: "opset_import", wantMessage: []string{"operator set 9", "11 to 21", "version_converter"}},
		{name: "new operator set", spoil: func(m *pb.Model) { m.Opsets[0].Version = 22 }, op: "opset_import"},
		{name: "integer input", spoil: func(m *pb.Model) { m.Graph.Inputs[0].Type = pb.Uint8 }, op: "input", node: "image", wantMessage: []string{"uint8"}},
		{name: "second input", spoil: func(m *pb.Model) {
			m.Graph.Inputs = append(m.Graph.Inputs, pb.ValueInfo{Name: "mask", Type: pb.Float})
		}, op: "input", node: "mask"},
		{name: "integer weights", spoil: func(m *pb.Model) {
			m.Graph.Initializers[0].Type, m.Graph.Initializers[0].Raw = pb.Int8, make([]byte, 18)
		}, op: "Conv", node: "first", wantMessage: []string{`"w"`, "integer"}},

		{name: "dynamic axis", spoil: func(m *pb.Model) { m.Graph.Inputs[0].Dims[2] = pb.Dim{Name: "height"} }, shape: true, wantMessage: []string{`"image"`, `"height"`, "axis 2", "Options.Axes"}},
		{name: "unknown axis", spoil: func(m *pb.Model) { m.Graph.Inputs[0].Dims[3] = pb.Dim{} }, shape: true, wantMessage: []string{"axis 3"}},
		{name: "weights of another shape", spoil: func(m *pb.Model) { m.Graph.Initializers[0].Dims = []int64{1, 2, 3, 3} }, shape: true, wantMessage: []string{`"w"`, "[1 2 3 3]", "[1 1 3 3]", `"first"`}},
		{name: "squeeze of a long axis", spoil: func(m *pb.Model) {
			replace(1, pb.Node{Name: "s", Op: "Squeeze", Inputs: []string{"axes"}})(m)
			m.Graph.Initializers = append(m.Graph.Initializers, pb.IntTensor("axes", []int64{1}))
		}, shape: true, wantMessage: []string{`"s"`, "length 2"}},
		{name: "split in parts of another sum", spoil: func(m *pb.Model) {
			replace(1, pb.Node{Name: "s", Op: "Split", Inputs: []string{"parts"}, Attributes: []pb.Attribute{pb.Int("axis", 1)}})(m)
			m.Graph.Initializers = append(m.Graph.Initializers, pb.IntTensor("parts", []int64{1}))
		}, shape: true, wantMessage: []string{`"s"`, "length 2", "[1]"}},
		{name: "kernel larger than its image", spoil: func(m *pb.Model) { m.Graph.Inputs[0].Dims[3].Size = 2 }, shape: true},

		{name: "truncated weights", spoil: func(m *pb.Model) { m.Graph.Initializers[0].Raw = make([]byte, 71) }, wantMessage: []string{`"w"`, "18 elements"}},
		{name: "huge weights", spoil: func(m *pb.Model) { m.Graph.Initializers[0].Dims = []int64{1 << 40, 1 << 40, 3, 3} }, wantMessage: []string{`"w"`, "impossible"}},
		{name: "type of weights", spoil: func(m *pb.Model) { m.Graph.Initializers[0].Type = 17 }, wantMessage: []string{`"w"`, "float8e4m3fn"}},
		{name: "cycle", spoil: func(m *pb.Model) { m.Graph.Nodes[0].Inputs[0] = "m" }, wantMessage: []string{"cycle"}},
		{name: "missing tensor", spoil: func(m *pb.Model) { m.Graph.Nodes[0].Inputs[1] = "lost" }, wantMessage: []string{`"first"`, `"lost"`}},
		{name: "made twice", spoil: func(m *pb.Model) { m.Graph.Nodes[2].Outputs[0] = "c" }, wantMessage: []string{`"c"`, "twice"}},
		{name: "two outputs", spoil: func(m *pb.Model) { m.Graph.Outputs = append(m.Graph.Outputs, pb.ValueInfo{Name: "c"}) }, wantMessage: []string{`["y" "c"]`, "Options.Output"}},
		{name: "no operator set", spoil: func(m *pb.Model) { m.Opsets = nil }},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := model()
			test.spoil(m)
			_, err := read(m)
			if !errors.Is(err, nn.ErrFormat) {
				t.Fatalf("error %v does not match nn.ErrFormat", err)
			}
			if errors.Is(err, xai.ErrShape) != test.shape {
				t.Errorf("error %q matches ErrShape: %v, want %v", err, !test.shape, test.shape)
			}
			var unsupported *onnx.UnsupportedError
			if errors.As(err, &unsupported) != (test.op != "") {
				t.Fatalf("error %q is an UnsupportedError: %v", err, test.op == "")
			}
			if test.op != "" && (unsupported.Op != test.op || unsupported.Node != test.node) {
				t.Errorf("names operator %q of node %q, want %q of %q", unsupported.Op, unsupported.Node, test.op, test.node)
			}
			for _, part := range test.wantMessage {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error %q does not say %s", err, part)
				}
			}
		})
	}
}

func TestTruncatedFilesAreRefused(t *testing.T) {
	data := model().Marshal()
	for n := range data {
		if _, err := onnx.Read(bytes.NewReader(data[:n])); !errors.Is(err, nn.ErrFormat) {
			t.Errorf("the first %d of %d bytes: %v", n, len(data), err)
		}
	}
}

func TestOptions(t *testing.T) {
	m := model()
	m.Graph.Inputs[0].Dims[2] = pb.Dim{Name: "height"}
	m.Graph.Outputs = append(m.Graph.Outputs, pb.ValueInfo{Name: "other"})
	net, err := onnx.Options{Output: "y", Axes: map[string]int{"height": 6}}.Read(bytes.NewReader(m.Marshal()))
	if err != nil {
		t.Fatal(err)
	}
	if d, k := net.Dims(); d != 24 || k != 2 {
		t.Errorf("%d inputs and %d scores, want 24 and 2", d, k)
	}
}

// Weights of every type, wherever they lie, make the same network.
func TestWeightTypes(t *testing.T) {
	numbers := []float32{0.5, -2, 0.25, 3, -0.125, 1, 0, 8, -1.5, 2, 4, -0.75, 1.25, 6, -3, 0.0625, 7, -5}
	want := score(t, func(m *pb.Model, raw func(size int, put func(b []byte, v float32)) []byte) {
		m.Graph.Initializers[0].Raw = raw(4, func(b []byte, v float32) { binary.LittleEndian.PutUint32(b, math.Float32bits(v)) })
	}, numbers)
	for name, change := range map[string]func(m *pb.Model, raw func(int, func([]byte, float32)) []byte){
		"double": func(m *pb.Model, raw func(int, func([]byte, float32)) []byte) {
			m.Graph.Initializers[0].Type = pb.Double
			m.Graph.Initializers[0].Raw = raw(8, func(b []byte, v float32) { binary.LittleEndian.PutUint64(b, math.Float64bits(float64(v))) })
		},
		"bfloat16": func(m *pb.Model, raw func(int, func([]byte, float32)) []byte) {
			m.Graph.Initializers[0].Type = pb.BFloat16
			m.Graph.Initializers[0].Raw = raw(2, func(b []byte, v float32) { binary.LittleEndian.PutUint16(b, uint16(math.Float32bits(v)>>16)) })
		},
		"float16": func(m *pb.Model, raw func(int, func([]byte, float32)) []byte) {
			m.Graph.Initializers[0].Type = pb.Float16
			m.Graph.Initializers[0].Raw = raw(2, func(b []byte, v float32) {
				bits := math.Float32bits(v)
				if v != 0 { // all of the numbers are exact in half precision
					binary.LittleEndian.PutUint16(b, uint16(bits>>16&0x8000|((bits>>23&255)-112)<<10|bits>>13&1023))
				}
			})
		},
	} {
		t.Run(name, func(t *testing.T) { compare(t, score(t, change, numbers), want, 1e-7) })
	}
}

// score runs the model with the numbers as weights.
func score(t *testing.T, change func(m *pb.Model, raw func(int, func([]byte, float32)) []byte), numbers []float32) *mat.Dense {
	t.Helper()
	m := model()
	change(m, func(size int, put func(b []byte, v float32)) []byte {
		b := make([]byte, size*len(numbers))
		for i, v := range numbers {
			put(b[i*size:], v)
		}
		return b
	})
	net, err := read(m)
	if err != nil {
		t.Fatal(err)
	}
	y, err := net.Scores(t.Context(), noise(3, 16))
	if err != nil {
		t.Fatal(err)
	}
	return y
}

func TestExternalData(t *testing.T) {
	weights := make([]byte, 8+72)
	for i := range 18 {
		binary.LittleEndian.PutUint32(weights[8+4*i:], math.Float32bits(float32(i)-9))
	}
	dir := t.TempDir()
	for name, data := range map[string][]byte{"model.onnx": external("weights.bin", "8"), "weights.bin": weights} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	net, err := onnx.ReadFile(filepath.Join(dir, "model.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	y, err := net.Scores(t.Context(), mat.NewDense(1, 16, []float64{1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}))
	if err != nil {
		t.Fatal(err)
	}
	compare(t, y, mat.NewDense(1, 2, []float64{-9. / 4, 0}), 1e-6) // one of four positions sees the pixel

	_, err = onnx.Read(bytes.NewReader(external("weights.bin", "8")))
	if err == nil || !strings.Contains(err.Error(), `"weights.bin"`) || !strings.Contains(err.Error(), "Options.Folder") {
		t.Errorf("without a folder: %v; want the file's name and the remedy", err)
	}
	folder := fstest.MapFS{"weights.bin": {Data: weights}}
	for name, data := range map[string][]byte{
		"outside the folder": external("../weights.bin", "0"),
		"absolute":           external("/etc/passwd", "0"),
		"absent":             external("lost.bin", "0"),
		"past the end":       external("weights.bin", "12"),
		"negative":           external("weights.bin", "-4"),
		"a folder":           external(".", "0"),
	} {
		if _, err := (onnx.Options{Folder: folder}).Read(bytes.NewReader(data)); !errors.Is(err, nn.ErrFormat) {
			t.Errorf("external data %s: %v", name, err)
		}
	}
}

// external is the model with its weights in another file. Nothing here writes such models,
// so the tensor is written by hand, in a second graph that readers merge with the first.
func external(location, offset string) []byte {
	field := func(num byte, b []byte) []byte { return append([]byte{num<<3 | 2, byte(len(b))}, b...) }
	entry := func(key, value string) []byte {
		return field(13, append(field(1, []byte(key)), field(2, []byte(value))...))
	}
	m := model()
	m.Graph.Initializers = nil
	tensor := []byte{1 << 3, 2, 1 << 3, 1, 1 << 3, 3, 1 << 3, 3, 2 << 3, byte(pb.Float), 14 << 3, 1} // dims, type, external
	tensor = append(tensor, field(8, []byte("w"))...)
	tensor = append(tensor, entry("location", location)...)
	tensor = append(tensor, entry("offset", offset)...)
	return append(m.Marshal(), field(7, field(5, tensor))...)
}

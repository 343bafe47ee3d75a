package onnx_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/nn"
	"github.com/whybook/whybook/xai/nn/onnx"
	"github.com/whybook/whybook/xai/nn/onnx/internal/pb"
)

// FuzzRead feeds bytes that are nearly a model. None may panic, and none may make us
// allocate much more than they are long.
func FuzzRead(f *testing.F) {
	files, err := filepath.Glob("testdata/*.onnx")
	if err != nil || len(files) == 0 {
		f.Fatal("no models to start from", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		f.Add(data[:len(data)/2])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		hostile(t, "fuzz", data)
	})
}

// hostile reads a file that may say anything: it must not panic, and must not make us
// allocate much more than it is long.
func hostile(t *testing.T, what string, data []byte) error {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	net, err := onnx.Read(bytes.NewReader(data))
	runtime.ReadMemStats(&after)
	if used, most := after.TotalAlloc-before.TotalAlloc, uint64(1<<29+1000*len(data)); used > most {
		t.Errorf("%s: %d bytes of file made %d bytes of memory", what, len(data), used)
	}
	if err == nil && net == nil {
		t.Errorf("%s: neither a network nor an error", what)
	}
	if err != nil && !errors.Is(err, nn.ErrFormat) {
		t.Errorf("%s: error %v does not match nn.ErrFormat", what, err)
	}
	return err
}

func TestSmallFileAboutLargeImages(t *testing.T) {
	hostile(t, "2 million values moved", wide(1<<10, 1<<11))
	if err := hostile(t, "a billion values moved", wide(1<<14, 1<<14)); !errors.Is(err, xai.ErrShape) {
		t.Errorf("%v: want an error that matches ErrShape", err)
	}
}

// TestForgedNumbers replaces every number and name of every model, one at a time, by what
// no exporter would write.
func TestForgedNumbers(t *testing.T) {
	files, err := filepath.Glob("testdata/*-17.onnx")
	if err != nil || len(files) < 15 {
		t.Fatalf("only %d models: %v", len(files), err)
	}
	bad := []int64{-1, 0, 1, 7, 1 << 28, 1<<31 + 5, math.MaxInt64, math.MinInt64}
	reads, errs := 0, 0
	for _, file := range files {
		m := load(t, file)
		try := func(what string) {
			reads++
			if hostile(t, filepath.Base(file)+": "+what, m.Marshal()) != nil {
				errs++
			}
		}
		number := func(what string, at *int64) {
			old := *at
			for _, v := range bad {
				*at = v
				try(what)
			}
			*at = old
		}
		g := &m.Graph
		for i := range g.Inputs[0].Dims {
			name := g.Inputs[0].Dims[i].Name
			g.Inputs[0].Dims[i].Name = ""
			number("input axis", &g.Inputs[0].Dims[i].Size)
			g.Inputs[0].Dims[i].Name = name
		}
		for i := range g.Initializers {
			w := &g.Initializers[i]
			for j := range w.Dims {
				number(w.Name+" dims", &w.Dims[j])
			}
			if w.Type == pb.Int64 {
				for j := 0; j+8 <= len(w.Raw); j += 8 {
					old := binary.LittleEndian.Uint64(w.Raw[j:])
					for _, v := range bad {
						binary.LittleEndian.PutUint64(w.Raw[j:], uint64(v))
						try(w.Name + " value")
					}
					binary.LittleEndian.PutUint64(w.Raw[j:], old)
				}
			}
			for _, typ := range []pb.DataType{0, pb.Float, pb.Int64, pb.Bool, pb.BFloat16, 8, 17, 99} {
				old := w.Type
				w.Type = typ
				try(w.Name + " type")
				w.Type = old
			}
		}
		for i := range g.Nodes {
			n := &g.Nodes[i]
			for j := range n.Attributes {
				a := &n.Attributes[j]
				number(n.Name+" "+a.Name, &a.I)
				for k := range a.Ints {
					number(n.Name+" "+a.Name, &a.Ints[k])
				}
				if a.T != nil {
					for k := range a.T.Dims {
						number(n.Name+" "+a.Name, &a.T.Dims[k])
					}
				}
				old := *a
				a.F, a.S, a.Ints = float32(math.NaN()), "nonsense", nil
				try(n.Name + " " + a.Name)
				a.Ints, a.Type = slices.Repeat([]int64{2}, 40), pb.AttributeInts
				try(n.Name + " " + a.Name)
				*a = old
			}
			for j := range n.Inputs {
				old := n.Inputs[j]
				for _, v := range []string{"", "x", "y", "nobody", n.Outputs[0], "const_0"} {
					n.Inputs[j] = v
					try(n.Name + " input")
				}
				n.Inputs[j] = old
			}
			old := *n
			n.Inputs = nil
			try(n.Name + " without inputs")
			n.Inputs = append(slices.Clone(old.Inputs), "x", "x", "x", "x")
			try(n.Name + " with surplus inputs")
			n.Inputs, n.Outputs = old.Inputs, nil
			try(n.Name + " without outputs")
			n.Outputs, n.Attributes = old.Outputs, nil
			try(n.Name + " without attributes")
			*n = old
			for _, op := range []string{"Reshape", "Slice", "Gather", "Concat", "Squeeze", "Unsqueeze", "Transpose", "Pad", "Resize", "MatMul", "Gemm", "Conv", "MaxPool", "Softmax", "ReduceMean", "ReduceSum", "Split", "Neg", "Pow", "Mod", "Add", "Div", "ConstantOfShape", "Shape", "Cast", "Flatten", "Loop"} {
				n.Op = op
				try(n.Name + " as " + op)
			}
			n.Op = old.Op
		}
	}
	if reads < 1000 || errs < reads/2 {
		t.Errorf("%d of %d forged files were refused: does the test forge anything?", errs, reads)
	}
	t.Logf("%d of %d forged files were refused", errs, reads)
}

func load(t testing.TB, file string) *pb.Model {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	m, err := pb.Unmarshal(data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// wide is a small file about large images: a transposition, a mean and a matrix.
func wide(h, w int) []byte {
	m := pb.Model{IRVersion: 8, Opsets: []pb.Opset{{Version: 17}}, Graph: pb.Graph{
		Inputs:  []pb.ValueInfo{{Name: "x", Type: pb.Float, Dims: []pb.Dim{{Name: "batch"}, {Size: 1}, {Size: int64(h)}, {Size: int64(w)}}}},
		Outputs: []pb.ValueInfo{{Name: "y"}},
		Nodes: []pb.Node{
			{Op: "Transpose", Inputs: []string{"x"}, Outputs: []string{"t"}, Attributes: []pb.Attribute{pb.Ints("perm", 0, 1, 3, 2)}},
			{Op: "GlobalAveragePool", Inputs: []string{"t"}, Outputs: []string{"m"}},
			{Op: "Flatten", Inputs: []string{"m"}, Outputs: []string{"f"}},
			{Op: "MatMul", Inputs: []string{"f", "w"}, Outputs: []string{"y"}},
		},
		Initializers: []pb.Tensor{pb.FloatTensor("w", []int{1, 2}, []float32{1, 2})},
	}}
	return m.Marshal()
}

package ir

import (
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/whybook/whybook/xai/nn/onnx/internal/pb"
)

// golden is an input batch and what onnxruntime makes of it: see testdata/make_models.py.
type golden struct {
	X     []float64 `json:"x"`
	Shape []int     `json:"shape"`
	Y     []float64 `json:"y"`
}

const testdata = "../../testdata"

func load(t testing.TB, file string) *pb.Model {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	m, err := pb.Unmarshal(data)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return m
}

func TestModelsComputeWhatONNXRuntimeComputes(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(testdata, "*.onnx"))
	if err != nil || len(files) < 50 {
		t.Fatalf("only %d models: %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".onnx")
		t.Run(name, func(t *testing.T) {
			g, err := Import(load(t, file), Options{})
			if err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(strings.TrimSuffix(file, "onnx") + "json")
			if errors.Is(err, fs.ErrNotExist) { // the operator set makes no difference
				stem, _, _ := strings.Cut(name, "-")
				text, err = os.ReadFile(filepath.Join(testdata, stem+".json"))
			}
			if err != nil {
				t.Fatal(err)
			}
			var want golden
			if err := json.Unmarshal(text, &want); err != nil {
				t.Fatal(err)
			}
			if !equal(g.Output.Shape, want.Shape[1:]) {
				t.Fatalf("rows of shape %v, onnxruntime makes %v", g.Output.Shape, want.Shape[1:])
			}
			n := want.Shape[0]
			d, k := len(want.X)/n, len(want.Y)/n
			for i := range n {
				y := evaluate(g, want.X[i*d:(i+1)*d])
				for j, v := range y {
					w := want.Y[i*k+j]
					if !(math.Abs(v-w) <= 2e-5*(1+math.Abs(w))) {
						t.Fatalf("row %d, value %d of %d: %.7g, onnxruntime says %.7g", i, j, k, v, w)
					}
				}
			}
		})
	}
}

package onnx_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/nn"
	"github.com/whybook/whybook/xai/nn/onnx"
	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/mat"
)

// archs has every layer of nn at least once.
func archs() map[string]nn.Arch {
	img := nn.Image(datasets.Shape{Channels: 2, Height: 9, Width: 8})
	return map[string]nn.Arch{
		"lenet": nn.LeNet(datasets.Shape{Channels: 1, Height: 14, Width: 14}, 3),
		"convolutions": img.Then(nn.Normalize{Mean: []float64{.1, .2}, Std: []float64{.5, .7}}).
			Then(nn.Conv{Filters: 4, Kernel: 3, Stride: 2, Pad: 1, Groups: 2}).Then(nn.LeakyReLU{Slope: 0.2}).
			Then(nn.ConvTranspose{Filters: 3, Kernel: 3, Stride: 2, Pad: 1, Extra: 1, NoBias: true}).Then(nn.BatchNorm{}).
			Then(nn.Conv{Filters: 2, Window: nn.Window{KernelH: 3, KernelW: 2, Left: 1, Bottom: 2, DilationH: 2}}).
			Then(nn.ConvTranspose{Filters: 2, Window: nn.Window{KernelH: 2, KernelW: 3, StrideH: 1, StrideW: 2, Top: 1}, ExtraW: 1}).
			Then(nn.AdaptiveAvgPool{Height: 3, Width: 4}).Then(nn.Sigmoid{}).Then(nn.GlobalAvgPool{}).Dense(3).Then(nn.LogSoftmax{}),
		"pools": img.Then(nn.MaxPool{Kernel: 3, Stride: 2, Pad: 1}).
			Then(nn.AvgPool{Kernel: 2, Stride: 1, Pad: 1}).Then(nn.AvgPool{Kernel: 3, Stride: 2, Pad: 1, SkipBorder: true}).
			Then(nn.Tanh{}).Dropout(0.5).Then(nn.Affine{Scale: []float64{2, 3}}).Then(nn.Affine{Shift: []float64{.5}}).
			Then(nn.Clip{Low: -2, High: 2.5}).Dense(4).
			Then(nn.Affine{Scale: []float64{1, 2, 3, 4}, Shift: []float64{4, 3, 2, 1}}).Then(nn.BatchNorm{}).Then(nn.Softmax{}),
		"branches": img.Conv(4, 3).Named("a").From("a").Conv(4, 1).Named("b").
			Merge(nn.Add{}, "a", "b").Merge(nn.Sub{}, "a").Merge(nn.Mul{}, "b").Named("m").
			Then(nn.Sigmoid{}).Then(nn.Affine{Shift: []float64{2}}).Named("s").From("m").Merge(nn.Div{}, "s").Merge(nn.Concat{}, "b").
			Then(nn.Slice{Step: 2}).Then(nn.Pad{Before: 1, After: 2, Top: 1, Right: 3}).Then(nn.Upsample{Factor: 2}).
			Then(nn.Gather{Output: datasets.Shape{Channels: 2, Height: 2, Width: 2}, Index: []int32{900, 5, -1, 300, 200, 5, -1, 80}}).
			Then(nn.Gather{Output: datasets.Shape{Channels: 4, Height: 1, Width: 2}}).Then(nn.Softmax{}).Dense(3),
	}
}

func noise(rows, cols int) *mat.Dense {
	r := seed.Stream(3, "onnx", "noise")
	x := make([]float64, rows*cols)
	for i := range x {
		x[i] = r.NormFloat64()
	}
	return mat.NewDense(rows, cols, x)
}

func TestWhatIsWrittenReadsAsTheSameNet(t *testing.T) {
	ctx := context.Background()
	for name, arch := range archs() {
		t.Run(name, func(t *testing.T) {
			net, err := arch.Init(5)
			if err != nil {
				t.Fatal(err)
			}
			x := noise(5, arch.Input().Size())
			want, err := net.Scores(ctx, x)
			if err != nil {
				t.Fatal(err)
			}
			var file bytes.Buffer
			if err := onnx.Write(&file, net); err != nil {
				t.Fatal(err)
			}
			if dir := os.Getenv("WHYBOOK_ONNX_OUT"); dir != "" {
				keep(t, filepath.Join(dir, name), file.Bytes(), x, want)
			}
			for range 2 { // a second trip changes nothing more
				back, err := onnx.Read(bytes.NewReader(file.Bytes()))
				if err != nil {
					t.Fatal(err)
				}
				got, err := back.Scores(ctx, x)
				if err != nil {
					t.Fatal(err)
				}
				compare(t, got, want, 1e-6)
				file.Reset()
				if err := onnx.Write(&file, back); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestImportedModelsSurviveWriting(t *testing.T) {
	files, err := filepath.Glob("testdata/*-17.onnx")
	if err != nil || len(files) < 15 {
		t.Fatalf("only %d models: %v", len(files), err)
	}
	for _, path := range files {
		name := strings.TrimSuffix(filepath.Base(path), ".onnx")
		t.Run(name, func(t *testing.T) {
			x, want := readGolden(t, name)
			n, k := want.Dims()
			net, err := onnx.Read(bytes.NewReader(scored(t, path, k)))
			if err != nil {
				t.Fatal(err)
			}
			var file bytes.Buffer
			if err := onnx.Write(&file, net); err != nil {
				t.Fatal(err)
			}
			back, err := onnx.Read(&file)
			if err != nil {
				t.Fatal(err)
			}
			got, err := back.Scores(context.Background(), x)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, got.Slice(0, n, 0, k).(*mat.Dense), want, 1e-4)
		})
	}
}

// keep leaves a model, a batch and its scores for testdata/check_written.py.
func keep(t *testing.T, stem string, model []byte, x, scores *mat.Dense) {
	t.Helper()
	text, err := json.Marshal(map[string][]float64{"x": x.RawMatrix().Data, "y": scores.RawMatrix().Data})
	if err != nil {
		t.Fatal(err)
	}
	for path, data := range map[string][]byte{stem + ".onnx": model, stem + ".json": text} {
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

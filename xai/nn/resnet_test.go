package nn

import (
	"bytes"
	"errors"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"gonum.org/v1/gonum/mat"
)

// Normalisation of the published model.
var (
	cifarMean = []float64{0.4914, 0.4822, 0.4465}
	cifarStd  = []float64{0.2023, 0.1994, 0.2010}
	cifar     = datasets.Shape{Channels: 3, Height: 32, Width: 32}
)

// TestResNetSizes compares with the numbers of weights that are in the papers and in
// torchvision.
func TestResNetSizes(t *testing.T) {
	for name, c := range map[string]struct {
		arch Arch
		want int
		gap  int
	}{
		"ResNet-20":               {ResNet20(cifar, 10), 269_722, 64},
		"ResNet-32":               {ResNet32(cifar, 10), 464_154, 64},
		"ResNet-56":               {ResNet56(cifar, 10), 853_018, 64},
		"ResNet-18 (torchvision)": {ResNet18(datasets.Shape{Channels: 3, Height: 224, Width: 224}, 1000), 11_689_512, 512},
	} {
		if err := c.arch.checkEnd(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		total := 0
		for _, l := range c.arch.Layers() {
			total += l.Params
			if l.Name == "gap" && l.Output.Size() != c.gap {
				t.Errorf("%s: gap is %v", name, l.Output)
			}
		}
		if total != c.want {
			t.Errorf("%s has %d weights, want %d", name, total, c.want)
		}
	}
	plain := ResNet18Plain(cifar, 10, 64)
	if err := plain.checkEnd(); err != nil {
		t.Fatal(err)
	}
	for _, l := range plain.Layers() {
		if _, norm := l.Layer.(BatchNorm); norm {
			t.Errorf("the plain ResNet-18 has a batch normalisation: %s", l.Name)
		}
	}
}

// TestPublishedResNet32 loads the weights that the authors of the imbalance paper published
// and measures the accuracy: 65.79 % in PyTorch on these images.
func TestPublishedResNet32(t *testing.T) {
	net := publishedResNet32(t)
	test := cifarTest(t)
	if testing.Short() {
		var err error
		if test, err = test.Take(500).Seed(1).Build(ctx); err != nil {
			t.Fatal(err)
		}
		e, err := net.Evaluate(ctx, test)
		if err != nil {
			t.Fatal(err)
		}
		if e.Accuracy < 0.6 || e.Accuracy > 0.72 {
			t.Errorf("accuracy %v on 500 images; the model has 0.658", e.Accuracy)
		}
		return
	}
	e, err := net.Evaluate(ctx, test)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(e)
	if math.Abs(100*e.Accuracy-65.79) > 0.05 {
		t.Errorf("accuracy %.2f %%, want 65.79", 100*e.Accuracy)
	}
}

func publishedResNet32(t testing.TB) *Net {
	t.Helper()
	data, err := os.ReadFile("../../../shared/models/resnet32-cifar10-lt.safetensors")
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("the published model is not here (../shared/models)")
	} else if err != nil {
		t.Fatal(err)
	}
	net, err := ResNet32(cifar, 10).Normalized(cifarMean, cifarStd).Load(bytes.NewReader(data), nil)
	if err != nil {
		t.Fatal(err)
	}
	return net
}

func cifarTest(t testing.TB) datasets.Set {
	t.Helper()
	f, err := os.Open("../../../shared/data/cifar10-test.bin.gz")
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("the CIFAR-10 test images are not here (../shared/data)")
	} else if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	set, err := datasets.ReadCIFAR10(f)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// TestLoadByName: what does not fit is named; half precision is converted.
func TestLoadByName(t *testing.T) {
	arch := Image(datasets.Shape{Channels: 1, Height: 1, Width: 2}).Dense(2).Named("head")
	net, err := arch.Init(1)
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	if err := net.Save(&buf); err != nil {
		t.Fatal(err)
	}
	if _, err := arch.Load(bytes.NewReader(buf.Bytes()), []string{"a", "b"}); err != nil {
		t.Error(err)
	}
	file := func(header, data string) []byte {
		n := len(header)
		return append([]byte{byte(n), byte(n >> 8), 0, 0, 0, 0, 0, 0}, header+data...)
	}
	// 1, -2, 0.5, 65504 in half precision and 1, -2, 0.5, 3 in bfloat16.
	f16 := file(`{"head.weight":{"dtype":"F16","shape":[2,2],"data_offsets":[0,8]},"head.bias":{"dtype":"BF16","shape":[2],"data_offsets":[8,12]},"head.num_batches_tracked":{"dtype":"I64","shape":[],"data_offsets":[12,20]}}`,
		"\x00\x3c\x00\xc0\x00\x38\xff\x7b"+"\x80\x3f\x40\x40"+strings.Repeat("\x00", 8))
	got, err := arch.Load(bytes.NewReader(f16), nil)
	if err != nil {
		t.Fatal(err)
	}
	scores, err := got.Scores(ctx, mat.NewDense(2, 2, []float64{1, 0, 0, 1}))
	if err != nil {
		t.Fatal(err)
	}
	if want := mat.NewDense(2, 2, []float64{2, 3.5, -1, 65507}); !mat.EqualApprox(scores, want, 1e-6) {
		t.Errorf("scores %v, want %v", mat.Formatted(scores), mat.Formatted(want))
	}
	for _, c := range []struct {
		name string
		arch Arch
		data []byte
		is   error
		want string
	}{
		{"another shape", arch.From(InputName).Dense(3).Named("head2"), buf.Bytes(), nil, "head"},
		{"a missing tensor", Image(arch.input).Dense(2).Named("neck"), buf.Bytes(), ErrFormat, `"neck.weight" is missing`},
		{"a wide layer", Image(arch.input).Dense(3).Named("head"), buf.Bytes(), xai.ErrShape, "[2 2], the layer needs [3 2]"},
		{"a surplus tensor", Image(arch.input).Then(Dense{Units: 2, NoBias: true}).Named("head"), buf.Bytes(), ErrFormat, `"head.bias"`},
		{"integer weights", Image(arch.input).Then(Dense{Units: 2, NoBias: true}).Named("head"), file(`{"head.weight":{"dtype":"I16","shape":[2,2],"data_offsets":[0,8]}}`, "12345678"), ErrFormat, "I16"},
		{"an unknown type", arch, file(`{"head.weight":{"dtype":"Q4","shape":[2,2],"data_offsets":[0,8]}}`, "12345678"), ErrFormat, "Q4"},
	} {
		_, err := c.arch.Load(bytes.NewReader(c.data), nil)
		if err == nil || !strings.Contains(err.Error(), c.want) || (c.is != nil && !errors.Is(err, c.is)) {
			t.Errorf("%s: error %v, want one that says %q", c.name, err, c.want)
		}
	}
	if _, err := arch.Load(bytes.NewReader(buf.Bytes()), []string{"a"}); !errors.Is(err, xai.ErrShape) {
		t.Errorf("one class name for two scores: %v", err)
	}
}

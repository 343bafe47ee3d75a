package saliency

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/whybook/whybook/xai/nn"
	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/mat"
)

// TestWriteForCaptum writes what docs/benchmarks/saliency.py compares with Captum to the
// folder that WHYBOOK_CAPTUM names: the benchmarks' weights and images, SmoothGrad's noise
// and our maps, in float32 and in float64.
func TestWriteForCaptum(t *testing.T) {
	folder := os.Getenv("WHYBOOK_CAPTUM")
	if folder == "" {
		t.Skip("for docs/benchmarks/saliency.py: WHYBOOK_CAPTUM names no folder")
	}
	write := func(name string, values []float64) {
		f, err := os.Create(filepath.Join(folder, name+".f64"))
		if err == nil {
			err = binary.Write(f, binary.LittleEndian, values)
		}
		if err == nil {
			err = f.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	net, in := benchNet(t), benchBatch(32)
	f, err := os.Create(filepath.Join(folder, "weights.safetensors"))
	if err == nil {
		err = net.Save(f)
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	write("images", in.X.RawMatrix().Data)
	var noise []float64
	for s := range 50 {
		r := seed.Stream(1, "smooth", s)
		for range in.Shape.Size() {
			noise = append(noise, r.NormFloat64())
		}
	}
	write("noise", noise)
	for precision, net := range map[string]*nn.Net{"32": net, "64": net.Double()} {
		for _, m := range benchMethods {
			dst := mat.NewDense(32, in.Shape.Size(), nil)
			if _, err := m.Attribute(ctx, net, dst, in); err != nil {
				t.Fatal(err)
			}
			write(fmt.Sprintf("%s-%s", m.name, precision), dst.RawMatrix().Data)
		}
	}
}

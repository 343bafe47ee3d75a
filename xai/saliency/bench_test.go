package saliency

import (
	"fmt"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/nn"
	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/mat"
)

// benchNet is the network of the comparison with Captum (docs/benchmarks): 421,642 random weights.
func benchNet(tb testing.TB) *nn.Net {
	net, err := nn.Image(datasets.Shape{Channels: 1, Height: 28, Width: 28}).
		Conv(32, 3).ReLU().MaxPool(2).
		Conv(64, 3).ReLU().MaxPool(2).
		Dense(128).ReLU().Dense(10).Init(1)
	if err != nil {
		tb.Fatal(err)
	}
	return net
}

// benchBatch is n random images, each with a target.
func benchBatch(n int) Batch {
	in := Batch{Shape: datasets.Shape{Channels: 1, Height: 28, Width: 28}, High: 1}
	in.X, in.Targets = mat.NewDense(n, in.Shape.Size(), nil), make([]int, n)
	r := seed.Stream(1, "bench")
	for i := range n {
		for j := range in.X.RawRowView(i) {
			in.X.Set(i, j, r.Float64())
		}
		in.Targets[i] = i % 10
	}
	return in
}

// benchMethods are the methods of the comparison with Captum, with settings that Captum has too.
var benchMethods = []struct {
	name string
	Method
}{
	{"Gradient", Gradient{}},
	{"IntegratedGradients50", IntegratedGradients{Steps: 50}},
	{"SmoothGrad50", Smooth{Samples: 50, Seed: 1}},
	{"Occlusion", Occlusion{Patch: 4, Stride: 2}},
}

// BenchmarkGradient is a single gradient, which the other methods are made of.
func BenchmarkGradient(b *testing.B) { benchmarkMethod(b, "Gradient") }

// BenchmarkIntegratedGradients50 takes 50 steps of the midpoint rule.
func BenchmarkIntegratedGradients50(b *testing.B) { benchmarkMethod(b, "IntegratedGradients50") }

// BenchmarkSmoothGrad50 takes 50 noisy copies.
func BenchmarkSmoothGrad50(b *testing.B) { benchmarkMethod(b, "SmoothGrad50") }

// BenchmarkOcclusion covers 169 windows of 4 x 4 pixels, 2 pixels apart.
func BenchmarkOcclusion(b *testing.B) { benchmarkMethod(b, "Occlusion") }

func benchmarkMethod(b *testing.B, name string) {
	net := benchNet(b)
	for _, n := range []int{1, 32} {
		for _, m := range benchMethods {
			if m.name != name {
				continue
			}
			b.Run(fmt.Sprint(n), func(b *testing.B) {
				in := benchBatch(n)
				dst := mat.NewDense(n, in.Shape.Size(), nil)
				run := func() {
					if _, err := m.Attribute(ctx, net, dst, in); err != nil {
						b.Fatal(err)
					}
				}
				run() // compiles
				b.ReportAllocs()
				for b.Loop() {
					run()
				}
			})
		}
	}
}

package nn

import (
	"testing"

	"github.com/whybook/whybook/datasets"
	"gonum.org/v1/gonum/mat"
)

// BenchmarkTrainStep is one Adam step of LeNet on 100 digits.
func BenchmarkTrainStep(b *testing.B) {
	set, err := datasets.MNIST().Train().Build(ctx)
	if err != nil {
		b.Fatal(err)
	}
	arch := LeNet(set.Shape, 10)
	e := newEngine(arch, initial[float32](arch, 1))
	t, err := e.trainer(pass{100, true}, objective{})
	if err != nil {
		b.Fatal(err)
	}
	opt := newUpdater(Adam{}.withDefaults(), t.params)
	index := make([]int, 100)
	for i := range index {
		index[i] = i
	}
	feed[float32]{set: set}.fill(t, index)
	b.ReportAllocs()
	for b.Loop() {
		if err := t.prog.Run(); err != nil {
			b.Fatal(err)
		}
		opt.update(t.params, t.grads, 0.001)
	}
}

// BenchmarkGradients is the input gradient of LeNet for batches of several sizes.
func BenchmarkGradients(b *testing.B) {
	net, err := LeNet(datasets.Shape{Channels: 1, Height: 28, Width: 28}, 10).Init(1)
	if err != nil {
		b.Fatal(err)
	}
	for _, n := range []int{1, 10, 100, 1000} {
		b.Run(map[int]string{1: "1", 10: "10", 100: "100", 1000: "1000"}[n], func(b *testing.B) {
			x, dst := random(n, 784, "bench"), mat.NewDense(n, 784, nil)
			targets := make([]int, n)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := net.Gradients(ctx, dst, x, targets); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkFullMNIST trains LeNet on all 60,000 digits for three epochs and reports the
// accuracy on the 10,000 test digits. The data are fetched if they are not here.
//
//	go test ./xai/nn -run - -bench FullMNIST -benchtime 1x
func BenchmarkFullMNIST(b *testing.B) {
	train, err := datasets.MNIST().Train().Full().Build(ctx)
	if err != nil {
		b.Skip(err)
	}
	for b.Loop() {
		net, err := LeNet(train.Shape, 10).Fit(train, Training{Epochs: 3, Seed: 7}).Build(ctx)
		if err != nil {
			b.Fatal(err)
		}
		e, err := net.Evaluate(ctx, datasets.MNIST().Test().Full())
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(100*e.Accuracy, "%right")
	}
}

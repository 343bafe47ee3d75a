package nn

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/internal/graph"
	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/mat"
)

// cnn is the network of the comparison with PyTorch: 421,642 weights.
func cnn() Arch {
	return Image(datasets.Shape{Channels: 1, Height: 28, Width: 28}).
		Conv(32, 3).ReLU().MaxPool(2).
		Conv(64, 3).ReLU().MaxPool(2).
		Dense(128).ReLU().Dense(10)
}

// noise is a set of random images.
func noise(shape datasets.Shape, n, classes int) datasets.Set {
	s := datasets.Set{Name: "noise", Shape: shape, Pixels: make([]uint8, n*shape.Size())}
	r := seed.Stream(1, "noise")
	for i := range s.Pixels {
		s.Pixels[i] = uint8(r.UintN(256))
	}
	for c := range classes {
		s.Classes = append(s.Classes, fmt.Sprint(c))
	}
	for i := range n {
		s.Labels = append(s.Labels, i%classes)
	}
	return s
}

// BenchmarkTrainStepCNN is a step on 100 images: the batch is put together, then the
// gradients of the weights, then Adam.
func BenchmarkTrainStepCNN(b *testing.B) {
	benchmarkStep(b, cnn(), 100, feed[float32]{}, Adam{})
}

// BenchmarkTrainStepResNet32 is a step of the imbalance paper's training: 128 images,
// cropped and mirrored, SGD with momentum and weight decay.
func BenchmarkTrainStepResNet32(b *testing.B) {
	t := LongTailTraining(200)
	benchmarkStep(b, ResNet32(datasets.Shape{Channels: 3, Height: 32, Width: 32}, 10), t.Batch, feed[float32]{augment: t.Augment}, t.Optimizer)
}

func benchmarkStep(b *testing.B, arch Arch, rows int, f feed[float32], o Optimizer) {
	f.set = noise(arch.input, rows, arch.Output().Size())
	e := newEngine(arch, initial[float32](arch, 1, HeNormal))
	t, err := e.trainer(pass{rows, true}, objective{}, nil)
	if err != nil {
		b.Fatal(err)
	}
	o = o.withDefaults()
	u := newUpdater(o, t.params)
	index := make([]int, rows)
	for i := range index {
		index[i] = i
	}
	run := func() {
		f.fill(t, index)
		if err := t.prog.Run(); err != nil {
			b.Fatal(err)
		}
		u.update(t.params, t.grads, o.rate())
		for _, norm := range t.norms {
			norm.update()
		}
	}
	run() // allocates
	b.ReportAllocs()
	for b.Loop() {
		run()
	}
}

// BenchmarkFill puts a batch of 128 cropped and mirrored images of 3 x 32 x 32 together.
func BenchmarkFill(b *testing.B) {
	arch := Image(datasets.Shape{Channels: 3, Height: 32, Width: 32}).Dense(10)
	t, err := newEngine(arch, initial[float32](arch, 1, HeNormal)).trainer(pass{128, true}, objective{}, nil)
	if err != nil {
		b.Fatal(err)
	}
	f := feed[float32]{set: noise(arch.input, 128, 10), augment: CropFlip{Pad: 4, Flip: true}}
	index := make([]int, 128)
	for i := range index {
		index[i] = i
	}
	b.ReportAllocs()
	for b.Loop() {
		f.fill(t, index)
	}
}

// BenchmarkUpdate is an optimiser's step on the weights of cnn.
func BenchmarkUpdate(b *testing.B) {
	for _, o := range []Optimizer{Adam{}, SGD{Momentum: 0.9, WeightDecay: 1e-4}} {
		b.Run(strings.TrimPrefix(fmt.Sprintf("%T", o), "nn."), func(b *testing.B) {
			o, params := o.withDefaults(), initial[float32](cnn(), 1, HeNormal)
			u, build := newUpdater(o, params), graph.New[float32]()
			var grads []*graph.Node[float32]
			for _, p := range params {
				grads = append(grads, build.Input("g", p.rows, p.cols, slices.Clone(p.data), false))
			}
			b.ReportAllocs()
			for b.Loop() {
				u.update(params, grads, o.rate())
			}
		})
	}
}

// BenchmarkForwardCNN is the scores of 100 images.
func BenchmarkForwardCNN(b *testing.B) { benchmarkNet(b, cnn(), 100, false) }

// BenchmarkInputGradientCNN is the gradients of 100 scores with respect to their images.
func BenchmarkInputGradientCNN(b *testing.B) { benchmarkNet(b, cnn(), 100, true) }

// BenchmarkForwardResNet32 is the scores of 128 images of 3 x 32 x 32.
func BenchmarkForwardResNet32(b *testing.B) {
	benchmarkNet(b, ResNet32(datasets.Shape{Channels: 3, Height: 32, Width: 32}, 10), 128, false)
}

// BenchmarkInputGradientResNet32 is the gradients of 128 scores.
func BenchmarkInputGradientResNet32(b *testing.B) {
	benchmarkNet(b, ResNet32(datasets.Shape{Channels: 3, Height: 32, Width: 32}, 10), 128, true)
}

// BenchmarkFirstGradientCNN is what the first gradients of a network cost: a machine for
// their number of rows is compiled, once, and its memory fetched.
func BenchmarkFirstGradientCNN(b *testing.B) {
	net, err := cnn().Init(1)
	if err != nil {
		b.Fatal(err)
	}
	e := net.run.(*engine[float32])
	for _, n := range []int{1, 16} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			x, dst, targets := random(n, 784, "bench"), mat.NewDense(n, 784, nil), make([]int, n)
			for b.Loop() {
				e.idle = nil
				if _, err := net.Gradients(ctx, dst, x, targets); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func benchmarkNet(b *testing.B, arch Arch, rows int, gradient bool) {
	net, err := arch.Init(1)
	if err != nil {
		b.Fatal(err)
	}
	x := random(rows, arch.input.Size(), "bench")
	dst, targets := mat.NewDense(rows, arch.input.Size(), nil), make([]int, rows)
	run := func() {
		if gradient {
			_, err = net.Gradients(ctx, dst, x, targets)
		} else {
			_, err = net.Scores(ctx, x)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	run() // compiles
	b.ReportAllocs()
	for b.Loop() {
		run()
	}
}

// BenchmarkScaling is the input gradient of the CNN for batches of several sizes: the time
// for each image, and the memory in use after the run, which stops growing where batches
// are split. Run it with -cpu 1,2 to see what a second processor brings.
func BenchmarkScaling(b *testing.B) {
	for _, n := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			runtime.GC()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			benchmarkNet(b, cnn(), n, true)
			runtime.ReadMemStats(&after)
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/image")
			b.ReportMetric(float64(after.HeapInuse-min(before.HeapInuse, after.HeapInuse))/1e6, "MB")
		})
	}
}

// BenchmarkLongTailEpoch is one epoch of ResNet-32 on the long-tailed CIFAR-10 (12,406
// images) with the imbalance paper's settings.
//
//	go test ./xai/nn -run - -bench LongTailEpoch -benchtime 1x
func BenchmarkLongTailEpoch(b *testing.B) {
	f, err := os.Open("../../../shared/data/cifar10-lt100-train.bin.gz")
	if err != nil {
		b.Skip(err)
	}
	defer f.Close()
	set, err := datasets.ReadCIFAR10(f)
	if err != nil {
		b.Fatal(err)
	}
	settings := LongTailTraining(200)
	settings.Epochs, settings.Schedule = 1, Constant{}
	for b.Loop() {
		net, err := ResNet32(set.Shape, 10).Normalized(cifarMean, cifarStd).Fit(set, settings).Build(ctx)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(100*net.History[0].Accuracy, "%right")
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

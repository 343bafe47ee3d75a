package graph

import (
	"math"
	"testing"
	"time"

	"github.com/whybook/whybook/xai/seed"
)

// The networks of docs/benchmarks/engine.py, built directly: what an engine costs without
// the layers above it.

// network is a graph under construction with its parameters.
type network struct {
	*Builder[float32]
	train  bool
	params []*Node[float32]
}

func (n *network) param(rows, cols int, scale float64) *Node[float32] {
	p := n.Input("param", rows, cols, nil, n.train)
	r := seed.Stream(5, "bench", len(n.params))
	for i := range p.Data() {
		p.Data()[i] = float32(scale * r.NormFloat64())
	}
	n.params = append(n.params, p)
	return p
}

func (n *network) conv(x *Node[float32], in Plane, filters, stride int, bias bool) (*Node[float32], Plane) {
	win := Square(3, stride, 1)
	w := n.param(filters, in.C*9, 0.05)
	var b *Node[float32]
	if bias {
		b = n.param(1, filters, 0)
	}
	oh, ow := win.Over(in)
	return n.Conv2D(x, w, b, in, win), Plane{filters, oh, ow}
}

func (n *network) dense(x *Node[float32], units int) *Node[float32] {
	return n.Dense(x, n.param(units, x.Cols, 0.03), n.param(1, units, 0))
}

// cnn is the benchmark CNN: two convolutions with pooling and two dense layers.
func (n *network) cnn(x *Node[float32]) *Node[float32] {
	p := Plane{1, 28, 28}
	for _, filters := range []int{32, 64} {
		x, p = n.conv(x, p, filters, 1, true)
		x = n.MaxPool(n.ReLU(x), p, Square(2, 2, 0))
		p.H, p.W = p.H/2, p.W/2
	}
	return n.dense(n.ReLU(n.dense(x, 128)), 10)
}

// resnet is CIFAR's ResNet-32: normalisation with running statistics, or with the batch's
// when training, and shortcuts without parameters.
func (n *network) resnet(x *Node[float32]) *Node[float32] {
	p := Plane{3, 32, 32}
	norm := func(x *Node[float32], p Plane) *Node[float32] {
		gamma, beta := n.param(1, p.C, 1), n.param(1, p.C, 0)
		if n.train {
			y, _ := n.BatchNorm(x, gamma, beta, p, 1e-5)
			return y
		}
		mean, variance := n.param(1, p.C, 0), n.param(1, p.C, 0)
		fill(variance.Data(), 1)
		return n.BatchNormEval(x, gamma, beta, mean, variance, p, 1e-5)
	}
	x, p = n.conv(x, p, 16, 1, false)
	x = n.ReLU(norm(x, p))
	for stage, filters := range []int{16, 32, 64} {
		for block := range 5 {
			stride := 1
			if stage > 0 && block == 0 {
				stride = 2
			}
			y, q := n.conv(x, p, filters, stride, false)
			y = n.ReLU(norm(y, q))
			y, q = n.conv(y, q, filters, 1, false)
			y = norm(y, q)
			if stride == 2 {
				x = n.Gather(x, shortcut(p, q))
			}
			x, p = n.ReLU(n.Add(y, x)), q
		}
	}
	return n.dense(n.GlobalAvgPool(x, p), 10)
}

// shortcut takes every second pixel and pads with zero channels on both sides.
func shortcut(in, out Plane) []int32 {
	index := make([]int32, 0, out.Size())
	positions(1, out, func(_, c, y, x int) {
		if c -= (out.C - in.C) / 2; c < 0 || c >= in.C {
			index = append(index, -1)
		} else {
			index = append(index, int32((c*in.H+2*y)*in.W+2*x))
		}
	})
	return index
}

// BenchmarkNetworks runs what docs/benchmarks/engine.py runs in PyTorch: a training step
// without the optimiser, scores, and scores with input gradients.
func BenchmarkNetworks(b *testing.B) {
	networks := []struct {
		name string
		rows int
		in   Plane
		add  func(n *network, x *Node[float32]) *Node[float32]
	}{
		{"cnn", 100, Plane{1, 28, 28}, (*network).cnn},
		{"resnet32", 128, Plane{3, 32, 32}, (*network).resnet},
	}
	for _, net := range networks {
		for _, what := range []string{"train", "forward", "gradient"} {
			b.Run(net.name+"/"+what, func(b *testing.B) {
				n := &network{Builder: New[float32](), train: what == "train"}
				x := n.Input("x", net.rows, net.in.Size(), nil, what == "gradient")
				r := seed.Stream(6)
				for i := range x.Data() {
					x.Data()[i] = float32(r.NormFloat64())
				}
				out := net.add(n, x)
				seeds := n.Input("seed", net.rows, 10, nil, false)
				for i := range net.rows {
					seeds.Data()[i*10+i%10] = 1
				}
				var grads []*Node[float32]
				var err error
				switch what {
				case "train":
					one := n.Input("one", 1, 1, []float32{1}, false)
					grads, err = n.Backward(n.CrossEntropy(out, seeds, nil), one, n.params...)
				case "gradient":
					grads, err = n.Backward(out, seeds, x)
				}
				if err != nil {
					b.Fatal(err)
				}
				p, err := n.Compile(append(grads, out)...)
				if err != nil {
					b.Fatal(err)
				}
				run := func() {
					if err := p.Run(); err != nil {
						b.Fatal(err)
					}
				}
				run() // gets its memory from the system
				b.ReportAllocs()
				fastest := time.Duration(math.MaxInt64) // tells more than the mean where others use the processor
				for b.Loop() {
					start := time.Now()
					run()
					fastest = min(fastest, time.Since(start))
				}
				b.ReportMetric(float64(fastest), "min-ns/op")
			})
		}
	}
}

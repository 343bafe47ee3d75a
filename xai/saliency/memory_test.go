package saliency

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"gonum.org/v1/gonum/mat"
)

// watched notes the most rows that its model was asked for at once, and the most memory
// that was in use, garbage not counted, while it was asked.
type watched struct {
	xai.Differentiable
	rows  int
	bytes uint64
}

func (w *watched) look(x *mat.Dense) {
	n, _ := x.Dims()
	w.rows = max(w.rows, n)
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	w.bytes = max(w.bytes, m.HeapAlloc)
}

func (w *watched) Scores(ctx context.Context, x *mat.Dense) (*mat.Dense, error) {
	w.look(x)
	return w.Differentiable.Scores(ctx, x)
}

func (w *watched) Gradients(ctx context.Context, dst, x *mat.Dense, targets []int) (*mat.Dense, error) {
	w.look(x)
	return w.Differentiable.Gradients(ctx, dst, x, targets)
}

// TestMemoryDoesNotGrow: ten times the steps, samples or images take no more memory. Inputs
// of 10,000 values make it show: a row more that is kept is 80 kB.
func TestMemoryDoesNotGrow(t *testing.T) {
	const d, size = 10_000, 16
	shape := datasets.Shape{Channels: 1, Height: 100, Width: 100}
	model := formula{
		d:      d,
		scores: func(x []float64) []float64 { return []float64{x[0] * x[d-1]} },
		grad: func(x []float64, _ int) []float64 {
			g := make([]float64, d)
			g[0], g[d-1] = x[d-1], x[0]
			return g
		},
	}
	use := func(m Method, images int) watched {
		in := Batch{X: mat.NewDense(images, d, nil), Shape: shape, Targets: make([]int, images), High: 1}
		for i := range images {
			in.X.Set(i, 0, 1)
		}
		dst := mat.NewDense(images, d, nil)
		w := watched{Differentiable: model}
		runtime.GC()
		var before runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := m.Attribute(ctx, &w, dst, in); err != nil {
			t.Fatal(err)
		}
		w.bytes -= min(w.bytes, before.HeapAlloc) // the caller's matrices are not the method's
		return w
	}
	for _, c := range []struct {
		name        string
		few, many   Method
		manyImages  int
		blockCopies uint64 // matrices of size rows that the method holds
	}{
		{"integrated gradients, steps", IntegratedGradients{Steps: 50, Batch: size}, IntegratedGradients{Steps: 500, Batch: size}, 1, 2},
		{"integrated gradients, images", IntegratedGradients{Batch: size}, IntegratedGradients{Batch: size}, 5, 2},
		{"smooth, samples", Smooth{Samples: 50, Batch: size}, Smooth{Samples: 500, Batch: size}, 1, 2},
		{"occlusion, windows", Occlusion{Patch: 20, Stride: 20, Batch: size}, Occlusion{Patch: 5, Stride: 5, Batch: size}, 1, 1},
	} {
		few, many := use(c.few, 1), use(c.many, c.manyImages)
		const slack = 4 * d * 8 // short of what a fifth of the block would need
		block := uint64(size * d * 8)
		if few.rows > size || many.rows > size {
			t.Errorf("%s: %d rows at once, and %d, want at most %d", c.name, few.rows, many.rows, size)
		}
		if many.bytes > few.bytes+slack {
			t.Errorf("%s: %d bytes, and %d with more of them", c.name, few.bytes, many.bytes)
		}
		if few.bytes < block*9/10 || few.bytes > c.blockCopies*block+slack {
			t.Errorf("%s: %d bytes for %d matrices of %d: does this test see them?", c.name, few.bytes, c.blockCopies, block)
		}
	}
}

// BenchmarkMemory reports the most memory that the process ever had (Linux): run one of
// its cases at a time, since they follow each other in one process.
//
//	go test ./xai/saliency -run - -bench 'Memory/500$' -benchtime 1x
func BenchmarkMemory(b *testing.B) {
	for _, steps := range []int{1, 50, 500, 5000} {
		b.Run(fmt.Sprint(steps), func(b *testing.B) {
			net, in := benchNet(b), benchBatch(1)
			dst := mat.NewDense(1, in.Shape.Size(), nil)
			for b.Loop() {
				if _, err := (IntegratedGradients{Steps: steps}).Attribute(ctx, net, dst, in); err != nil {
					b.Fatal(err)
				}
			}
			status, err := os.ReadFile("/proc/self/status")
			if err != nil {
				b.Skip(err)
			}
			if m := regexp.MustCompile(`VmHWM:\s*(\d+) kB`).FindSubmatch(status); m != nil {
				kb, err := strconv.ParseFloat(string(m[1]), 64)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(kb/1024, "peak-MB")
			}
		})
	}
}

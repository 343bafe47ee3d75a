//go:build unix

package flint

import (
	"context"
	"syscall"
	"testing"

	"github.com/whybook/whybook/datasets"
)

// processor is the processor time that this process has used, in ns.
func processor() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkEpoch trains the authors' networks for MNIST on 3,200 digits for one epoch: f alone,
// and f with its interpretation, all terms of the loss having their last weights.
// docs/benchmarks/flint.py compares both with PyTorch.
func BenchmarkEpoch(b *testing.B) {
	const images = 3200
	set, err := datasets.MNIST().Train().Take(images).Build(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	t := Training()
	t.Epochs = 1
	w := MNISTWeights()
	for _, f := range []*[]float64{&w.Rebuild, &w.Follow, &w.Sparse, &w.Entropy} {
		*f = (*f)[len(*f)-1:]
	}
	f := SmallNet(set.Shape, 10)
	for _, c := range []struct {
		name  string
		build func(context.Context) error
	}{
		{"plain", func(ctx context.Context) error { _, err := f.Fit(set, t).Build(ctx); return err }},
		{"flint", func(ctx context.Context) error {
			_, err := Of(f).Hidden(hiddenName).Weights(w).Fit(set, t).Build(ctx)
			return err
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			before := processor()
			for b.Loop() {
				if err := c.build(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			n := float64(b.N * images)
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/n, "ns/image")
			b.ReportMetric((processor()-before)/n, "cpu-ns/image")
		})
	}
}

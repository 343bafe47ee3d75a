package flint

import (
	"testing"

	"github.com/whybook/whybook/datasets"
)

// BenchmarkEpoch trains the MNIST preset for one epoch in which all terms count, on 1,600
// digits: plain, f alone, and with the interpretation.
func BenchmarkEpoch(b *testing.B) {
	set, err := datasets.MNIST().Train().Take(1600).Build(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	p := Paper("mnist")
	p.Training.Epochs = 1
	p.Recipe = p.Recipe.Weights(Weights{Rebuild: []float64{0.8}, Follow: []float64{0.5}, Sparse: []float64{0.1}, Entropy: []float64{0.2}, Diversity: 1})
	run := func(name string, train func() error) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := train(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*set.Len()), "ns/image")
		})
	}
	run("plain", func() error { _, err := SmallNet(set.Shape, 10).Fit(set, p.Training).Build(b.Context()); return err })
	run("flint", func() error { _, err := p.Recipe.Fit(set, p.Training).Build(b.Context()); return err })
}

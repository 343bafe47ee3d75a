package forest

import (
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/tree"
)

func digits(b *testing.B, recipe datasets.Digits) (tree.Bytes, []int) {
	b.Helper()
	s, err := recipe.Build(b.Context())
	if err != nil {
		b.Skip(err)
	}
	return tree.Bytes{Rows: s.Len(), Cols: s.Shape.Size(), Data: s.Pixels}, s.Labels
}

// BenchmarkMNIST is a forest of 100 trees on the full MNIST, 60,000 x 784.
func BenchmarkMNIST(b *testing.B) {
	x, labels := digits(b, datasets.MNIST().Train().Full())
	test, truth := digits(b, datasets.MNIST().Test().Full())
	var f *Forest
	b.Run("grow", func(b *testing.B) {
		for b.Loop() {
			var err error
			if f, err = (Random{}).Classify(b.Context(), x, labels, 10); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("predict", func(b *testing.B) {
		right := 0
		for b.Loop() {
			classes, err := f.Predict(b.Context(), test)
			if err != nil {
				b.Fatal(err)
			}
			right = 0
			for i, c := range classes {
				if c == truth[i] {
					right++
				}
			}
		}
		b.ReportMetric(100*float64(right)/float64(len(truth)), "%right")
		b.ReportMetric(float64(f.Size())/1e6, "MB")
	})
}

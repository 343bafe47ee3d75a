//go:build unix

package forest

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/tree"
	"gonum.org/v1/gonum/mat"
)

// processor returns the processor time of the process so far, in ms.
func processor() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e6
}

// digits returns the images of a part of the full MNIST, and their classes.
func digits(b *testing.B, recipe datasets.Digits) (tree.Bytes, []int) {
	b.Helper()
	s, err := recipe.Full().Build(b.Context())
	if err != nil {
		b.Skip(err)
	}
	return tree.Bytes{Rows: s.Len(), Cols: s.Shape.Size(), Data: s.Pixels}, s.Labels
}

// head returns the first n rows and d columns.
func head(x tree.Bytes, n, d int) tree.Bytes {
	h := tree.Bytes{Rows: n, Cols: d}
	for i := range n {
		h.Data = append(h.Data, x.Data[i*x.Cols:][:d]...)
	}
	return h
}

// start is the seed that WHYBOOK_SEED names, or 0.
func start() uint64 {
	sd, err := strconv.ParseUint(os.Getenv("WHYBOOK_SEED"), 10, 64)
	if err != nil {
		return 0
	}
	return sd
}

// run measures f, which makes a model, and how many test digits that gets right.
func run(b *testing.B, f func() (func(mat.Matrix) ([]int, error), error)) {
	var predict func(mat.Matrix) ([]int, error)
	before := processor()
	for b.Loop() {
		var err error
		if predict, err = f(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric((processor()-before)/float64(b.N), "cpu-ms/op")
	accuracy(b, predict)
}

func accuracy(b *testing.B, predict func(mat.Matrix) ([]int, error)) {
	test, truth := digits(b, datasets.MNIST().Test())
	classes, err := predict(test)
	if err != nil {
		b.Fatal(err)
	}
	right := 0.0
	for i, c := range classes {
		if c == truth[i] {
			right++
		}
	}
	b.ReportMetric(right/float64(len(truth)), "measure")
}

// BenchmarkForest grows 100 trees on the full MNIST, 60,000 x 784.
func BenchmarkForest(b *testing.B) {
	x, labels := digits(b, datasets.MNIST().Train())
	run(b, func() (func(mat.Matrix) ([]int, error), error) {
		f, err := Random{Seed: start()}.Classify(b.Context(), x, labels, 10)
		return func(x mat.Matrix) ([]int, error) { return f.Predict(b.Context(), x) }, err
	})
}

// BenchmarkForestPredict answers for the 10,000 test digits.
func BenchmarkForestPredict(b *testing.B) {
	x, labels := digits(b, datasets.MNIST().Train())
	test, _ := digits(b, datasets.MNIST().Test())
	f, err := Random{Seed: start()}.Classify(b.Context(), x, labels, 10)
	if err != nil {
		b.Fatal(err)
	}
	predict := func(x mat.Matrix) ([]int, error) { return f.Predict(b.Context(), x) }
	run(b, func() (func(mat.Matrix) ([]int, error), error) {
		_, err := predict(test)
		return predict, err
	})
	b.ReportMetric(float64(f.Size())/1e6, "MB")
}

// BenchmarkTree grows one tree on the full MNIST.
func BenchmarkTree(b *testing.B) {
	x, labels := digits(b, datasets.MNIST().Train())
	run(b, func() (func(mat.Matrix) ([]int, error), error) {
		t, err := tree.CART{}.Classify(b.Context(), x, labels, 10)
		return func(x mat.Matrix) ([]int, error) { return t.Predict(b.Context(), x) }, err
	})
}

// BenchmarkRegression grows one tree of depth 8 on 10,000 digits, whose ten outputs are 1 for
// the class and 0 for the others.
func BenchmarkRegression(b *testing.B) {
	x, labels := digits(b, datasets.MNIST().Train())
	x = head(x, 10000, 784)
	y := mat.NewDense(10000, 10, nil)
	for i := range 10000 {
		y.Set(i, labels[i], 1)
	}
	run(b, func() (func(mat.Matrix) ([]int, error), error) {
		t, err := tree.CART{MaxDepth: 8}.Regress(b.Context(), x, y)
		return func(x mat.Matrix) ([]int, error) { return t.Predict(b.Context(), x) }, err
	})
}

// BenchmarkScaling grows 20 trees on parts of MNIST, and reports what the forest holds and
// what was allocated in all.
func BenchmarkScaling(b *testing.B) {
	x, labels := digits(b, datasets.MNIST().Train())
	for _, size := range [][2]int{{7500, 784}, {15000, 784}, {30000, 784}, {60000, 784}, {60000, 392}} {
		b.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(b *testing.B) {
			part := head(x, size[0], size[1])
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			cpu := processor()
			var f *Forest
			for b.Loop() {
				var err error
				if f, err = (Random{Trees: 20}).Classify(b.Context(), part, labels[:size[0]], 10); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric((processor()-cpu)/float64(b.N), "cpu-ms/op")
			runtime.ReadMemStats(&after)
			b.ReportMetric(float64(f.Size())/1e6, "forest-MB")
			b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/1e6/float64(b.N), "allocated-MB/op")
		})
	}
}

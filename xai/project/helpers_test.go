package project

import (
	"context"
	"encoding/binary"
	"math"
	"runtime"
	"testing"

	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/mat"
)

var ctx = context.Background()

// normal returns an n x d matrix of standard normal values.
func normal(s uint64, n, d int) *mat.Dense {
	x := mat.NewDense(n, d, nil)
	r := seed.Stream(s, "normal")
	for i := range x.RawMatrix().Data {
		x.RawMatrix().Data[i] = r.NormFloat64()
	}
	return x
}

// blobs returns n rows around so many centres, and whose they are.
func blobs(s uint64, n, d, centres int) (*mat.Dense, []int) {
	x, at := normal(s, n, d), normal(s+1000, centres, d)
	label := make([]int, n)
	for i := range n {
		label[i] = i % centres
		for j := range d {
			x.Set(i, j, x.At(i, j)+8*at.At(label[i], j))
		}
	}
	return x, label
}

// bits returns the bytes of matrices.
func bits(list ...*mat.Dense) string {
	var b []byte
	for _, x := range list {
		n, _ := x.Dims()
		for i := range n {
			for _, v := range x.RawRowView(i) {
				b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
			}
		}
	}
	return string(b)
}

// onProcessors runs f with several numbers of processors.
func onProcessors(t *testing.T, f func()) {
	t.Helper()
	for _, procs := range []int{1, 2, 4} {
		before := runtime.GOMAXPROCS(procs)
		f()
		runtime.GOMAXPROCS(before)
	}
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s: %v, want %v (within %v)", what, got, want, tolerance)
	}
}

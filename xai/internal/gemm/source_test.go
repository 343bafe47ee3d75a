package gemm

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/whybook/whybook/xai/seed"
)

// stored is a Source over a matrix in memory.
type stored[T float] struct {
	data []T
	ld   int
}

func (s stored[T]) Fill(dst []T, stride, k0, rows, j0, cols int) {
	for t := range rows {
		copy(dst[t*stride:][:cols], s.data[(k0+t)*s.ld+j0:])
	}
}

// TestSourceSameBytes compares products of one B in memory and from a source.
func TestSourceSameBytes(t *testing.T) {
	for _, s := range []shape{{m: 1, n: 1, k: 1}, {m: 9, n: 49, k: 30}, {m: 70, n: 333, k: 400, transA: true}, {m: 64, n: 1000, k: 200}, {m: 530, n: 70, k: 330}} {
		p := newProblem[float32](seed.Stream(8), s.transA, false, s.m, s.n, s.k, 2, 0, 1.5, 2)
		for _, kn := range everyKernel() {
			want, got := p.clone(), p.clone()
			want.run(kn)
			kn.SGEMMFrom(p.transA, p.m, p.n, p.k, p.alpha, p.a, p.lda, stored[float32]{p.b, p.ldb}, p.beta, got.c, p.ldc)
			if i := firstDifference(got.whole, want.whole); i >= 0 {
				t.Errorf("%v, %v: element %d is %v, with B in memory %v", kn, s, i, got.whole[i], want.whole[i])
			}
		}
	}
}

// TestPatches compares the matrix of patches with its definition, whole and in
// pieces, and a convolution made of it with the product of that matrix.
func TestPatches(t *testing.T)        { rapid.Check(t, patches[float32]) }
func TestPatchesFloat64(t *testing.T) { rapid.Check(t, patches[float64]) }

func patches[T float](t *rapid.T) {
	w := Window{
		C: rapid.IntRange(1, 4).Draw(t, "C"), H: rapid.IntRange(5, 30).Draw(t, "H"), W: rapid.IntRange(5, 30).Draw(t, "W"),
		KH: rapid.IntRange(1, 5).Draw(t, "KH"), KW: rapid.IntRange(1, 5).Draw(t, "KW"),
		Stride: rapid.IntRange(1, 3).Draw(t, "stride"), Pad: rapid.IntRange(0, 6).Draw(t, "pad"),
	}
	image := make([]T, w.C*w.H*w.W)
	for i := range image {
		image[i] = T(i + 1)
	}
	p := NewPatches[T](w)
	p.Load(make([]T, len(image))) // a second image must leave nothing of the first
	p.Load(image)
	k, n := w.Size()
	_, ow := w.Out()
	k0, j0 := rapid.IntRange(0, k-1).Draw(t, "k0"), rapid.IntRange(0, n-1).Draw(t, "j0")
	rows, cols := rapid.IntRange(1, k-k0).Draw(t, "rows"), rapid.IntRange(1, n-j0).Draw(t, "cols")
	stride := cols + rapid.IntRange(0, 50).Draw(t, "gap")
	whole := make([]T, rows*stride+2*pieceSlack)
	after := whole[rows*stride:]
	p.Fill(whole[:rows*stride:rows*stride], stride, k0, rows, j0, cols)
	turned := make([]T, cols*(rows+3)+2*pieceSlack)
	p.Transposed().Fill(turned[:cols*(rows+3):cols*(rows+3)], rows+3, j0, cols, k0, rows)
	after = append(after, turned[cols*(rows+3):]...)
	for i, v := range after {
		if v != 0 {
			t.Fatalf("%+v: Fill wrote %v at %d beyond the end", w, v, i)
		}
	}
	for r := range rows {
		for q := range cols {
			tap, col := k0+r, j0+q
			y, x := col/ow*w.Stride+tap/w.KW%w.KH-w.Pad, col%ow*w.Stride+tap%w.KW-w.Pad
			var want T
			if y >= 0 && y < w.H && x >= 0 && x < w.W {
				want = image[(tap/(w.KH*w.KW)*w.H+y)*w.W+x]
			}
			if v := whole[r*stride+q]; v != want {
				t.Fatalf("%+v: element (%d,%d) is %v, want %v", w, tap, col, v, want)
			}
			if v := turned[q*(rows+3)+r]; v != want {
				t.Fatalf("%+v: element (%d,%d) of the transpose is %v, want %v", w, col, tap, v, want)
			}
		}
	}
}

// BenchmarkConvolution is one image through a layer: patches written out and then
// multiplied, against patches made on the way.
func BenchmarkConvolution(b *testing.B) {
	for _, l := range []struct{ out, in, size int }{{32, 1, 28}, {64, 32, 14}, {64, 64, 14}, {128, 128, 7}, {64, 32, 32}} {
		r := seed.Stream(10)
		p := NewPatches[float32](Window{C: l.in, H: l.size, W: l.size, KH: 3, KW: 3, Stride: 1, Pad: 1})
		image := make([]float32, l.in*l.size*l.size)
		for i := range image {
			image[i] = float32(r.NormFloat64())
		}
		k, n := p.Size()
		filters, matrix, c := make([]float32, l.out*k), make([]float32, k*n), make([]float32, l.out*n)
		run := func(name string, f func()) {
			b.Run(fmt.Sprintf("%dx%dx%d-%d/%s", l.in, l.size, l.size, l.out, name), func(b *testing.B) {
				for b.Loop() {
					f()
				}
				b.ReportMetric(2*float64(l.out*n*k)*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GFLOP/s")
			})
		}
		kn := Best()
		run("explicit", func() {
			p.Load(image)
			p.Fill(matrix, n, 0, k, 0, n)
			kn.SGEMM(false, false, l.out, n, k, 1, filters, k, matrix, n, 0, c, n)
		})
		run("implicit", func() {
			p.Load(image)
			kn.SGEMMFrom(false, l.out, n, k, 1, filters, k, p, 0, c, n)
		})
		grad := make([]float32, l.out*k)
		run("filter-gradient", func() {
			p.Load(image)
			kn.SGEMMFrom(false, l.out, k, n, 1, c, n, p.Transposed(), 1, grad, k)
		})
		run("filter-gradient-explicit", func() {
			p.Load(image)
			p.Fill(matrix, n, 0, k, 0, n)
			kn.SGEMM(false, true, l.out, k, n, 1, c, n, matrix, n, 1, grad, k)
		})
		run("product", func() { kn.SGEMM(false, false, l.out, n, k, 1, filters, k, matrix, n, 0, c, n) })
	}
}

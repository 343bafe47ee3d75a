package gemm

import (
	"fmt"
	"math"
	"testing"

	"github.com/whybook/whybook/xai/seed"
)

// slowMaxPool2 is MaxPool2 and MaxPool2Grad by their description.
func slowMaxPool2(dy, x []float32, h, w int) (y, dx []float32) {
	dx = make([]float32, h*w)
	for oy := range h / 2 {
		for ox := range w / 2 {
			at := []int{2*oy*w + 2*ox, 2*oy*w + 2*ox + 1, (2*oy+1)*w + 2*ox, (2*oy+1)*w + 2*ox + 1}
			top := float32(math.Inf(-1))
			for _, i := range at {
				top = max(top, x[i])
			}
			winner := at[3]
			for _, i := range at {
				if x[i] == top {
					winner = i
					break
				}
			}
			dx[winner] = dy[len(y)]
			y = append(y, top)
		}
	}
	return y, dx
}

func TestMaxPool2(t *testing.T) {
	const most = 40 * 71
	dxs, dys := beforeFault[float32](t, most), beforeFault[float32](t, most)
	xs, ys := beforeFault[float32](t, most), beforeFault[float32](t, most)
	last := func(mem []float32, n int) []float32 { return mem[len(mem)-n:] }
	for _, kn := range Kernels() {
		for _, h := range []int{0, 1, 2, 3, 4, 7, 28} {
			for w := range 71 {
				r := seed.Stream(21, h, w)
				// Every operand ends where unreadable memory begins.
				x, dy := last(xs, h*w), last(dys, (h/2)*(w/2))
				copy(x, odd(r, len(x)))
				for i := range x { // ties
					if r.IntN(2) == 0 {
						x[i] = float32(r.IntN(3) - 1)
					}
				}
				copy(dy, odd(r, len(dy)))
				want, grad := slowMaxPool2(dy, x, h, w)
				y, dx := last(ys, len(want)), last(dxs, len(grad))
				MaxPool2(kn, y, x, h, w)
				for i, v := range want {
					if !same(y[i], v) {
						t.Fatalf("%v: %d x %d: maximum %d is %v, want %v", kn, h, w, i, y[i], v)
					}
				}
				for i := range dx { // what was there before must not matter
					dx[i] = 7
				}
				before := dxs[max(len(dxs)-len(dx)-1, 0)]
				MaxPool2Grad(kn, dx, dy, x, y, h, w)
				for i, v := range grad {
					if !same(dx[i], v) {
						t.Fatalf("%v: %d x %d: gradient %d is %v, want %v; x %v", kn, h, w, i, dx[i], v, x)
					}
				}
				if !same(before, dxs[max(len(dxs)-len(dx)-1, 0)]) {
					t.Fatalf("%v: %d x %d: wrote before dx", kn, h, w)
				}
				if h == 4 { // lines and windows that are not of this image
					whole := make([]float32, len(y)+1)
					whole[len(y)] = 7
					if MaxPool2(kn, whole[:len(y)], x, h, w); whole[len(y)] != 7 {
						t.Fatalf("%v: %d x %d: wrote beyond y", kn, h, w)
					}
				}
			}
		}
	}
}

func TestMaxPool2Sizes(t *testing.T) {
	defer func() {
		if got, want := fmt.Sprint(recover()), "gemm: MaxPool2: 12 and 12 values, and 3 and 3 maxima, for an image of 3 x 4"; got != want {
			t.Errorf("panic %q, want %q", got, want)
		}
	}()
	MaxPool2(Best(), make([]float32, 3), make([]float32, 12), 3, 4)
}

func BenchmarkMaxPool2(b *testing.B) {
	for _, size := range []int{28, 14} {
		x, y := make([]float32, size*size), make([]float32, size*size/4)
		copy(x, odd(seed.Stream(22), len(x)))
		dx, dy := make([]float32, len(x)), make([]float32, len(y))
		for _, kn := range Kernels() {
			b.Run(fmt.Sprintf("%d/%v", size, kn), func(b *testing.B) {
				b.SetBytes(4 * int64(len(x)))
				for b.Loop() {
					MaxPool2(kn, y, x, size, size)
				}
			})
			b.Run(fmt.Sprintf("grad/%d/%v", size, kn), func(b *testing.B) {
				b.SetBytes(4 * int64(len(x)))
				for b.Loop() {
					MaxPool2Grad(kn, dx, dy, x, y, size, size)
				}
			})
		}
	}
}

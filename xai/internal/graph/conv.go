package graph

import "fmt"

// Plane is the shape of an image at a node: the node has C*H*W columns.
type Plane struct{ C, H, W int }

// Size returns C*H*W.
func (p Plane) Size() int { return p.C * p.H * p.W }

// Window is how a kernel slides over a plane: a square of Kernel x Kernel, moved by
// Stride, over the plane padded by Pad on every side.
type Window struct{ Kernel, Stride, Pad int }

// Square returns the window of a square kernel.
func Square(kernel, stride, pad int) Window { return Window{kernel, stride, pad} }

// Over returns the height and width of the output for a window over p.
func (w Window) Over(p Plane) (oh, ow int) {
	return (p.H+2*w.Pad-w.Kernel)/w.Stride + 1, (p.W+2*w.Pad-w.Kernel)/w.Stride + 1
}

// Conv2D returns the cross-correlation of x (n x C*H*W) with w (F x C*K*K), plus one
// bias per filter (1 x F): n x F*OH*OW. Padding is with zeros.
func (b *Builder[T]) Conv2D(x, w, bias *Node[T], in Plane, win Window) *Node[T] {
	n, f := x.Rows, w.Rows
	oh, ow := win.Over(in)
	ckk, p := in.C*win.Kernel*win.Kernel, oh*ow
	if x.Cols != in.Size() || w.Cols != ckk || bias.Cols != f || oh < 1 || ow < 1 {
		panic(fmt.Sprintf("graph: conv2d: x %d x %d, w %d x %d, bias %d, plane %v, window %v",
			x.Rows, x.Cols, w.Rows, w.Cols, bias.Cols, in, win))
	}
	d, out := in.Size(), f*p

	// One column matrix (C*K*K x OH*OW) per block of rows that runs at a time.
	columns := newPool[T](ckk * p)
	run := func(dst []T, src [][]T) {
		parallel(n, func(i int) {
			col := columns.get()
			defer columns.put(col)
			im2col(*col, src[0][i*d:(i+1)*d], in, win, oh, ow)
			y := dst[i*out : (i+1)*out]
			for c, v := range src[2] {
				fill(y[c*p:(c+1)*p], v)
			}
			matmul(false, false, f, p, ckk, src[1], *col, y, true)
		})
	}
	return b.apply("conv2d", n, out, []*Node[T]{x, w, bias}, run, func(_, grad *Node[T]) []*Node[T] {
		grads := make([]*Node[T], 3)
		if x.grad {
			grads[0] = b.apply("conv2d.dx", n, d, []*Node[T]{grad, w}, func(dst []T, src [][]T) {
				parallel(n, func(i int) {
					col := columns.get()
					defer columns.put(col)
					matmul(true, false, ckk, p, f, src[1], src[0][i*out:(i+1)*out], *col, false)
					col2im(dst[i*d:(i+1)*d], *col, in, win, oh, ow)
				})
			}, nil)
		}
		if w.grad {
			partial := make([]T, sumParts*f*ckk)
			grads[1] = b.apply("conv2d.dw", f, ckk, []*Node[T]{grad, x}, func(dst []T, src [][]T) {
				parts := blocks(n, sumParts, func(part, lo, hi int) {
					col := columns.get()
					defer columns.put(col)
					sum := partial[part*f*ckk : (part+1)*f*ckk]
					for i := lo; i < hi; i++ {
						im2col(*col, src[1][i*d:(i+1)*d], in, win, oh, ow)
						matmul(false, true, f, ckk, p, src[0][i*out:(i+1)*out], *col, sum, i > lo)
					}
				})
				copy(dst, partial[:f*ckk])
				for part := 1; part < parts; part++ {
					for j, v := range partial[part*f*ckk : (part+1)*f*ckk] {
						dst[j] += v
					}
				}
			}, nil)
		}
		if bias.grad {
			grads[2] = b.apply("conv2d.db", 1, f, []*Node[T]{grad}, func(dst []T, src [][]T) {
				parallel(f, func(c int) {
					var sum T
					for i := range n {
						for _, v := range src[0][i*out+c*p : i*out+(c+1)*p] {
							sum += v
						}
					}
					dst[c] = sum
				})
			}, nil)
		}
		return grads
	})
}

// im2col writes row (c, ky, kx) of col with the values that kernel element (ky, kx) of
// channel c meets at each output position.
func im2col[T Float](col, x []T, in Plane, win Window, oh, ow int) {
	r := 0
	for c := range in.C {
		plane := x[c*in.H*in.W : (c+1)*in.H*in.W]
		for ky := range win.Kernel {
			for kx := range win.Kernel {
				row := col[r*oh*ow : (r+1)*oh*ow]
				r++
				for oy := range oh {
					line := row[oy*ow : (oy+1)*ow]
					y := oy*win.Stride + ky - win.Pad
					if y < 0 || y >= in.H {
						clear(line)
						continue
					}
					src := plane[y*in.W : (y+1)*in.W]
					lo, hi := inside(kx, in.W, ow, win)
					clear(line[:lo])
					clear(line[hi:])
					if win.Stride == 1 {
						copy(line[lo:hi], src[lo+kx-win.Pad:])
						continue
					}
					for ox := lo; ox < hi; ox++ {
						line[ox] = src[ox*win.Stride+kx-win.Pad]
					}
				}
			}
		}
	}
}

// col2im is the adjoint of im2col: it adds every element of col to the input position
// that it was read from. x is overwritten.
func col2im[T Float](x, col []T, in Plane, win Window, oh, ow int) {
	clear(x)
	r := 0
	for c := range in.C {
		plane := x[c*in.H*in.W : (c+1)*in.H*in.W]
		for ky := range win.Kernel {
			for kx := range win.Kernel {
				row := col[r*oh*ow : (r+1)*oh*ow]
				r++
				lo, hi := inside(kx, in.W, ow, win)
				for oy := range oh {
					y := oy*win.Stride + ky - win.Pad
					if y < 0 || y >= in.H {
						continue
					}
					dst := plane[y*in.W : (y+1)*in.W]
					for ox, v := range row[oy*ow+lo : oy*ow+hi] {
						dst[(lo+ox)*win.Stride+kx-win.Pad] += v
					}
				}
			}
		}
	}
}

// inside returns the range of output columns for which kernel column kx lies inside an
// input line of the given width.
func inside(kx, width, ow int, win Window) (lo, hi int) {
	off := kx - win.Pad // input column of output column 0
	if off < 0 {
		lo = (-off + win.Stride - 1) / win.Stride
	}
	hi = ow
	if last := width - 1 - off; last < 0 {
		hi = 0
	} else {
		hi = min(hi, last/win.Stride+1)
	}
	return min(lo, hi), hi
}

func fill[T Float](x []T, v T) {
	for i := range x {
		x[i] = v
	}
}

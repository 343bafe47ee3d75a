package graph

import "github.com/whybook/whybook/xai/internal/gemm"

// patcher is the matrix of all patches of an image, one per column, as the source of a
// product: element (c, ky, kx) of the patch at each position of the window.
type patcher[T Float] interface {
	gemm.Source[T]
	Load(image []T)
}

// newPatcher returns package gemm's patches where they do, because they are faster.
func newPatcher[T Float](in Plane, win Window) patcher[T] {
	if win.Top == win.Left && win.Top == win.Bottom && win.Top == win.Right && win.StrideH == win.StrideW && win.DilationH == 1 && win.DilationW == 1 {
		return gemm.NewPatches[T](gemm.Window{C: in.C, H: in.H, W: in.W, KH: win.KernelH, KW: win.KernelW, Stride: win.StrideH, Pad: win.Top})
	}
	oh, ow := win.Over(in)
	p := &patches[T]{in: in, win: win, oh: oh, ow: ow, width: in.W + win.Left + win.Right}
	height := in.H + win.Top + win.Bottom
	p.padded = make([]T, in.C*height*p.width)
	for c := range in.C {
		for ky := range win.KernelH {
			for kx := range win.KernelW {
				p.taps = append(p.taps, (c*height+ky*win.DilationH)*p.width+kx*win.DilationW)
			}
		}
	}
	return p
}

// patches is the patcher of any window.
type patches[T Float] struct {
	in     Plane
	win    Window
	oh, ow int
	padded []T   // the image with its border
	width  int   // of padded
	taps   []int // where the patch at the first position has its elements
}

// Load copies an image.
func (p *patches[T]) Load(image []T) {
	height := p.in.H + p.win.Top + p.win.Bottom
	for c := range p.in.C {
		for y := range p.in.H {
			copy(p.padded[(c*height+y+p.win.Top)*p.width+p.win.Left:][:p.in.W], image[(c*p.in.H+y)*p.in.W:])
		}
	}
}

// Fill implements gemm.Source.
func (p *patches[T]) Fill(dst []T, stride, k0, rows, j0, cols int) {
	for t := range rows {
		out, from := dst[t*stride:][:cols], p.padded[p.taps[k0+t]:]
		for oy, ox := j0/p.ow, j0%p.ow; len(out) > 0; oy, ox = oy+1, 0 {
			n := min(len(out), p.ow-ox)
			line := from[oy*p.win.StrideH*p.width+ox*p.win.StrideW:]
			for i := range out[:n] {
				out[i] = line[i*p.win.StrideW]
			}
			out = out[n:]
		}
	}
}

// addColumns is the adjoint of taking patches: it adds every element of columns (C*KH*KW x
// positions) to the element of x that it would have been read from.
func addColumns[T Float](x, columns []T, in Plane, win Window, oh, ow int) {
	row := 0
	for c := range in.C {
		plane := channel(x, in, 0, c)
		for ky := range win.KernelH {
			for kx := range win.KernelW {
				src := columns[row*oh*ow:][:oh*ow]
				row++
				left := kx*win.DilationW - win.Left
				lo, hi := span(left, ow, win.StrideW, in.W)
				for oy := range oh {
					y := oy*win.StrideH + ky*win.DilationH - win.Top
					if y < 0 || y >= in.H || lo >= hi {
						continue
					}
					dst := plane[y*in.W:][:in.W]
					at := lo*win.StrideW + left
					for _, v := range src[oy*ow+lo : oy*ow+hi] {
						dst[at] += v
						at += win.StrideW
					}
				}
			}
		}
	}
}

// transposer is the transposed matrix of patches with the channels last: row (oy, ox) has
// the elements (ky, kx, c) of the patch there. In an image that has its channels last,
// they lie together.
type transposer[T Float] struct {
	in     Plane
	win    Window
	ow     int
	padded []T       // the image with its border, position by position
	width  int       // of padded, in positions
	run    int       // elements of a patch that lie together
	runs   []int     // where the patch at the first position has its runs
	pieces []segment // of the columns asked for
}

// segment is a number of elements of a row of the matrix: where they lie in the image before
// the position is added, and where in the row they go.
type segment struct{ from, to, n int }

func newTransposer[T Float](in, out Plane, win Window) *transposer[T] {
	t := &transposer[T]{in: in, win: win, ow: out.W, width: in.W + win.Left + win.Right}
	t.padded = make([]T, (in.H+win.Top+win.Bottom)*t.width*in.C)
	perRow := win.KernelW // runs in a row of the kernel
	t.run = in.C
	if win.DilationW == 1 {
		t.run, perRow = in.C*win.KernelW, 1
	}
	for ky := range win.KernelH {
		for kx := range perRow {
			t.runs = append(t.runs, (ky*win.DilationH*t.width+kx*win.DilationW)*in.C)
		}
	}
	return t
}

// load copies an image, channels last.
func (t *transposer[T]) load(image []T) {
	ch := t.in.C
	for y := range t.in.H {
		line := t.padded[((y+t.win.Top)*t.width+t.win.Left)*ch:][:t.in.W*ch]
		for c := range ch {
			at := c
			for _, v := range image[(c*t.in.H+y)*t.in.W:][:t.in.W] {
				line[at] = v
				at += ch
			}
		}
	}
}

// Fill implements gemm.Source.
func (t *transposer[T]) Fill(dst []T, stride, k0, rows, j0, cols int) {
	t.pieces = t.pieces[:0]
	for done := 0; done < cols; {
		r, off := (j0+done)/t.run, (j0+done)%t.run
		n := min(cols-done, t.run-off)
		t.pieces = append(t.pieces, segment{t.runs[r] + off, done, n})
		done += n
	}
	for i := range rows {
		oy, ox := (k0+i)/t.ow, (k0+i)%t.ow
		src := t.padded[(oy*t.win.StrideH*t.width+ox*t.win.StrideW)*t.in.C:]
		row := dst[i*stride:][:cols]
		for _, p := range t.pieces {
			copy(row[p.to:][:p.n], src[p.from:])
		}
	}
}

package graph

import "github.com/whybook/whybook/xai/internal/gemm"

// patcher is the matrix of all patches of an image, one per column, as the source of a
// product: element (c, ky, kx) of the patch at each position of the window.
type patcher[T Float] interface {
	gemm.Source[T]
	Load(image []T)
	Transposed() gemm.Source[T] // one patch per row
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

// Transposed implements patcher.
func (p *patches[T]) Transposed() gemm.Source[T] { return (*transposedPatches[T])(p) }

type transposedPatches[T Float] patches[T]

// Fill implements gemm.Source.
func (p *transposedPatches[T]) Fill(dst []T, stride, k0, rows, j0, cols int) {
	for t := range rows {
		oy, ox := (k0+t)/p.ow, (k0+t)%p.ow
		out, from := dst[t*stride:][:cols], p.padded[oy*p.win.StrideH*p.width+ox*p.win.StrideW:]
		for j, tap := range p.taps[j0:][:cols] {
			out[j] = from[tap]
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

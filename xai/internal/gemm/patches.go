package gemm

import "fmt"

// Window says how a filter moves over an image.
type Window struct {
	C, H, W int // channels, height and width of the image
	KH, KW  int // height and width of the filter
	Stride  int // distance between positions, at least 1
	Pad     int // zeros around the image, on all four sides
}

// Out returns the height and width of the convolution.
func (w Window) Out() (oh, ow int) {
	return (w.H+2*w.Pad-w.KH)/w.Stride + 1, (w.W+2*w.Pad-w.KW)/w.Stride + 1
}

// Size returns the size of the matrix of patches: k = C*KH*KW rows and n = OH*OW columns.
func (w Window) Size() (k, n int) {
	oh, ow := w.Out()
	return w.C * w.KH * w.KW, oh * ow
}

// Patches is the [Source] that makes a convolution a product: the matrix of all
// patches of an image, one per column. With the filters as the rows of A (outputs x
// C*KH*KW, as they are stored), A times Patches is the convolution in channel-major
// order, outputs x (OH*OW). The matrix is never built.
type Patches[T float] struct {
	Window
	padded []T     // the image with its border, and pieceSlack elements
	rows   int     // stride of padded
	taps   []int32 // where in padded the patch at (0, 0) has its elements
}

// pieceSlack is how far beyond a piece of an image its copy may read.
const pieceSlack = 16

// NewPatches prepares for images of one size. It panics when the filter does not fit
// the padded image.
func NewPatches[T float](w Window) *Patches[T] {
	if min(w.C, w.H, w.W, w.KH, w.KW, w.Stride) < 1 || w.Pad < 0 || w.KH > w.H+2*w.Pad || w.KW > w.W+2*w.Pad {
		panic(fmt.Sprintf("gemm: no patches in %+v: sizes must be positive and the filter no larger than the padded image", w))
	}
	height, width := w.H+2*w.Pad, w.W+2*w.Pad
	p := &Patches[T]{Window: w, padded: make([]T, w.C*height*width+pieceSlack), rows: width}
	for c := range w.C {
		for y := range w.KH {
			for x := range w.KW {
				p.taps = append(p.taps, int32((c*height+y)*width+x))
			}
		}
	}
	return p
}

// Load copies an image of C*H*W values, channel-major, to take patches from. It must
// not run at the same time as a product that reads p.
func (p *Patches[T]) Load(image []T) {
	if len(image) != p.C*p.H*p.W {
		panic(fmt.Sprintf("gemm: image of %d values, want %d x %d x %d", len(image), p.C, p.H, p.W))
	}
	for c := range p.C {
		for y := range p.H {
			at := (c*(p.H+2*p.Pad)+y+p.Pad)*p.rows + p.Pad
			copy(p.padded[at:][:p.W], image[(c*p.H+y)*p.W:])
		}
	}
}

// Fill implements [Source].
func (p *Patches[T]) Fill(dst []T, stride, k0, rows, j0, cols int) {
	done := 0
	if p.Stride == 1 {
		done = p.fillPieces(dst, stride, k0, rows, j0, cols)
	}
	_, ow := p.Out()
	for t := done; t < rows; t++ {
		out, from := dst[t*stride:][:cols], p.padded[p.taps[k0+t]:]
		for oy, ox := j0/ow, j0%ow; len(out) > 0; oy, ox = oy+1, 0 {
			n := min(len(out), ow-ox)
			line := from[oy*p.Stride*p.rows+ox*p.Stride:]
			if p.Stride == 1 {
				copy(out[:n], line)
			} else {
				for i := range out[:n] {
					out[i] = line[i*p.Stride]
				}
			}
			out = out[n:]
		}
	}
}

// Transposed returns the transpose of the matrix of patches as a [Source]: one patch
// per row, as the gradient of a convolution's filters needs it.
func (p *Patches[T]) Transposed() Source[T] { return (*transposedPatches[T])(p) }

type transposedPatches[T float] Patches[T]

// Fill implements [Source].
func (p *transposedPatches[T]) Fill(dst []T, stride, k0, rows, j0, cols int) {
	_, ow := p.Out()
	filled, blocks := 0, 0 // patches done, and blocks of 8 of their elements
	if p.Stride == 1 {
		filled, blocks = p.fillPieces(dst, stride, k0, rows, j0, cols)
	}
	for t := range rows {
		y, x := (k0+t)/ow, (k0+t)%ow
		out, from := dst[t*stride:][:cols], p.padded[(y*p.rows+x)*p.Stride:]
		first := 0
		if t < filled {
			first = 8 * blocks
		}
		for j := first; j < cols; j++ {
			out[j] = from[p.taps[j0+j]]
		}
	}
}

// piece is a run of consecutive pixels, at most one vector, of a patch matrix' row:
// where it lies in the padded image before the row's tap is added, and where in the
// row it goes. In bytes.
type piece struct{ from, to int32 }

// fillPieces fills rows with vector copies, in ascending order, that may spill beyond
// their piece, where the next piece or row overwrites them. It returns how many rows
// it has done: those from which nothing spills beyond dst; none when there are too
// many columns, or this processor or element type has no such copies.
func (p *Patches[T]) fillPieces(dst []T, stride, k0, rows, j0, cols int) int {
	var pieces [64]piece
	lanes := pieceLanes()
	padded, ok := any(p.padded).([]float32)
	if !ok || lanes == 0 || cols > len(pieces) {
		return 0
	}
	room := rows*stride - cols - lanes
	if room < 0 {
		return 0
	}
	rows = min(rows, room/stride+1)
	_, ow := p.Out()
	count := 0
	for done := 0; done < cols; count++ {
		y, x := (j0+done)/ow, (j0+done)%ow
		pieces[count] = piece{from: int32(4 * (y*p.rows + x)), to: int32(4 * done)}
		done += min(lanes, ow-x, cols-done)
	}
	copyPieces(rows, &padded[0], &p.taps[k0], &pieces[0], count, &any(dst).([]float32)[0], stride*4)
	return rows
}

// fillPieces fills with transposed blocks, in ascending order, of 8 elements of up to
// 8 patches side by side; like [Patches.fillPieces] it may spill into patches that
// come later. It returns how many patches have how many blocks of elements done.
func (p *transposedPatches[T]) fillPieces(dst []T, stride, k0, rows, j0, cols int) (filled, blocks int) {
	padded, ok := any(p.padded).([]float32)
	blocks = cols / 8
	if !ok || pieceLanes() == 0 || blocks == 0 || rows < 8 {
		return 0, 0
	}
	_, ow := p.Out()
	var pieces [64]piece
	for filled+8 <= rows {
		count := 0
		for ; filled+8 <= rows && count < len(pieces); count++ {
			y, x := (k0+filled)/ow, (k0+filled)%ow
			pieces[count] = piece{from: int32(4 * (y*p.rows + x)), to: int32(4 * filled * stride)}
			filled += min(8, ow-x)
		}
		for b := range blocks {
			transposePieces(&padded[0], &p.taps[j0+8*b], &pieces[0].from, count, &any(dst).([]float32)[8*b], stride*4)
		}
	}
	return filled, blocks
}

package gemm

import "golang.org/x/sys/cpu"

//go:generate go -C asm run .

// runnable reports whether this processor runs the kernels of p. The flags of
// package cpu say also that the operating system keeps the registers.
func runnable(p path) bool {
	x := &cpu.X86
	switch p {
	case pathAVX512:
		return x.HasAVX512F && x.HasBMI2 && runnable(pathAVX2)
	case pathAVX2:
		return x.HasAVX2 && x.HasFMA
	}
	return true
}

// microFor returns the micro-kernels of p, nil for plain Go.
func microFor[T float](p path) *micro[T] {
	if p == pathGo {
		return nil
	}
	var mk any
	switch any(T(0)).(type) {
	case float32:
		mk = &sAVX2
		if p == pathAVX512 {
			mk = &sAVX512
		}
	case float64:
		mk = &dAVX2
		if p == pathAVX512 {
			mk = &dAVX512
		}
	}
	return mk.(*micro[T])
}

// vectorsFor returns the elementwise operations of p, nil for plain Go.
func vectorsFor(p path) *vectors {
	switch p {
	case pathAVX512:
		return &vecAVX512
	case pathAVX2:
		return &vecAVX2
	}
	return nil
}

// stepsFor returns the updates of p, nil for plain Go.
func stepsFor(p path) *steps {
	switch p {
	case pathAVX512:
		return &stepAVX512
	case pathAVX2:
		return &stepAVX2
	}
	return nil
}

// pieceLanes returns the number of elements that copyPieces copies at a time, 0
// where it and transposePieces do not run.
func pieceLanes() int {
	switch Best().path {
	case pathAVX512:
		return 16
	case pathAVX2:
		return 8
	}
	return 0
}

// copyPieces copies pieces to each of rows rows at dst, dstRow bytes apart, for row t
// from taps[t] elements beyond src.
func copyPieces(rows int, src *float32, taps *int32, pieces *piece, count int, dst *float32, dstRow int) {
	if pieceLanes() == 16 {
		copyPiecesAVX512(rows, src, taps, &pieces.from, count, dst, dstRow)
	} else {
		copyPiecesAVX2(rows, src, taps, &pieces.from, count, dst, dstRow)
	}
}

// sumLines stores in parts the partial sums of the blocks of one or four lines, stride bytes
// apart. Wider vectors than AVX2's would change the order of additions. The calls are direct,
// not by a table, which would move parts to the heap.
func sumLines(sum sumKind, lines, blocks int, x, y *float32, stride int, centre float32, parts *float32) {
	switch {
	case sum == totals && lines == 1:
		total1AVX2(blocks, x, y, stride, centre, parts)
	case sum == totals:
		total4AVX2(blocks, x, y, stride, centre, parts)
	case sum == squares && lines == 1:
		squares1AVX2(blocks, x, y, stride, centre, parts)
	case sum == squares:
		squares4AVX2(blocks, x, y, stride, centre, parts)
	case lines == 1:
		moments1AVX2(blocks, x, y, stride, centre, parts)
	default:
		moments4AVX2(blocks, x, y, stride, centre, parts)
	}
}

var (
	poolsAVX2   = pools{maxPool2AVX2, maxPool2GradAVX2}
	poolsAVX512 = pools{maxPool2AVX512, maxPool2GradAVX512}
)

// poolsFor returns the 2 x 2 pooling of p, nil for plain Go.
func poolsFor(p path) *pools {
	switch p {
	case pathAVX512:
		return &poolsAVX512
	case pathAVX2:
		return &poolsAVX2
	}
	return nil
}

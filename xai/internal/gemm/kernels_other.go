//go:build !amd64

package gemm

// runnable reports whether this processor runs the kernels of p.
func runnable(p path) bool { return p == pathGo }

// microFor returns the micro-kernels of p, nil for plain Go.
func microFor[T float](path) *micro[T] { return nil }

// vectorsFor returns the elementwise operations of p, nil for plain Go.
func vectorsFor(path) *vectors {
	return nil
}

// stepsFor returns the updates of p, nil for plain Go.
func stepsFor(path) *steps { return nil }

// poolsFor returns the 2 x 2 pooling of p, nil for plain Go.
func poolsFor(path) *pools { return nil }

// pieceLanes returns 0: copyPieces and transposePieces do not run here.
func pieceLanes() int { return 0 }

func copyPieces(rows int, src *float32, taps *int32, pieces *piece, count int, dst *float32, dstRow int) {
	panic("gemm: no vector copies on this processor")
}

func transposePieces(src *float32, taps *int32, pieces *int32, count int, dst *float32, dstRow int) {
	panic("gemm: no vector transposition on this processor")
}

func sumLines(sum sumKind, lines, blocks int, x, y *float32, stride int, centre float32, parts *float32) {
	panic("gemm: no vector sums on this processor")
}

package gemm

// Source is a matrix B that need not exist in memory: it is asked for pieces when
// they are needed, straight into the packed panels that the kernels read. A
// convolution's matrix of patches is the case in point: kH*kW times the image.
//
// Fill stores element (k0+t, j0+j) of B at dst[t*stride+j] for 0 <= t < rows and
// 0 <= j < cols. dst holds rows*stride elements with arbitrary contents; elements
// j >= cols of its rows are not used. A piece may be asked for more than once, and
// by several goroutines when the kernel is parallel.
type Source[T float] interface {
	Fill(dst []T, stride, k0, rows, j0, cols int)
}

// SGEMMFrom is [Kernel.SGEMM] with the k x n matrix B taken from a source. The bytes
// of C are those that SGEMM computes with the same B in memory.
func (kn Kernel) SGEMMFrom(transA bool, m, n, k int, alpha float32, a []float32, lda int, b Source[float32], beta float32, c []float32, ldc int) {
	multiplyFrom(kn, transA, m, n, k, alpha, a, lda, b, beta, c, ldc)
}

// DGEMMFrom is [Kernel.SGEMMFrom] in float64.
func (kn Kernel) DGEMMFrom(transA bool, m, n, k int, alpha float64, a []float64, lda int, b Source[float64], beta float64, c []float64, ldc int) {
	multiplyFrom(kn, transA, m, n, k, alpha, a, lda, b, beta, c, ldc)
}

func multiplyFrom[T float](kn Kernel, transA bool, m, n, k int, alpha T, a []T, lda int, b Source[T], beta T, c []T, ldc int) {
	if b == nil {
		panic("gemm: B has no source: pass a Source, or use SGEMM for a matrix in memory")
	}
	p := newProduct(transA, m, n, k, alpha, a, lda, beta, c, ldc)
	p.source = b
	p.compute(kn)
}

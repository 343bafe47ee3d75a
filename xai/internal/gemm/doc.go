// Package gemm multiplies dense row-major matrices in float32 and float64:
//
//	C = alpha op(A) op(B) + beta C,    op(X) = X or its transpose
//
// with A m x k, B k x n and C m x n after op. The products run in assembly
// written by the generator in the asm folder (AVX-512, or AVX2 with FMA), picked
// by what the processor can do, and in plain Go everywhere else. No cgo.
//
// # How a product is computed
//
// The scheme is that of Goto and van de Geijn (Anatomy of High-Performance Matrix
// Multiplication, ACM TOMS 34, 2008) with the roles arranged for row-major C. A
// micro-kernel keeps a tile of C of a few rows by three vectors in registers and
// walks k, broadcasting elements of A over vectors of B. It takes A with two free
// strides, so that A, its transpose and a packed A are the same case, and B with
// one, so that B may be read where it lies or from a packed panel. The driver
// packs only when the copy is repaid: a panel of B (kc x one tile wide, sized
// for the L1 cache) when enough rows of C use it, a block of A when enough
// columns do.
//
// # Reproducible bytes
//
// Every element of C is one chain of fused multiply-adds over k in ascending
// order, cut into equal blocks of up to [BlockK] terms, whose sums are added to C
// in order. Neither the tile an element falls in, nor packing, nor the number of
// workers changes that chain, so for one kernel the bytes of C do not depend on
// [Kernel.Parallel], and the AVX2 and AVX-512 kernels agree with each other bit
// for bit. The plain Go kernel rounds products and sums separately where the
// compiler does not fuse them, and so differs in the last digits.
//
// No term is skipped: a zero in A times an infinity in B is NaN, as in the
// definition. With beta = 0, C is only written, never read; with alpha = 0 or
// k = 0, A and B are not read.
//
// # Elementwise operations
//
// [Kernel.Add], [Kernel.Mul], [Kernel.Scale], [Kernel.Affine], [Kernel.Combine],
// [Kernel.ReLU], [Kernel.ReLUGrad] and [Kernel.Leaky] give the same bytes with every
// kernel, plain Go included, and run on the calling goroutine. The result may be the
// same slice as an operand but must not overlap one otherwise. They panic when lengths
// differ. So do [MaxPool2] and [MaxPool2Grad], the maximum over windows of 2 x 2, and the
// updates of optimisers, [AdamStep] and [SGDStep], whose operands must not overlap; and
// the sums [Total], [SquareSum] and [Moments].
package gemm

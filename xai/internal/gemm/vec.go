package gemm

import "fmt"

// vectors are the elementwise operations of one instruction set on n elements.
type vectors struct{ add, mul, scale, affine, combine, relu, reluGrad, leaky vecFunc }

// vecFunc computes dst from x, y and scalars: those that the operation has.
type vecFunc func(n int, dst, x, y *float32, alpha, beta, gamma float32)

// Add computes dst = x + y.
func (kn Kernel) Add(dst, x, y []float32) {
	checkLengths("Add", len(dst), len(x), len(y))
	if v := vectorsFor(kn.path); v != nil && len(dst) > 0 {
		v.add(len(dst), &dst[0], &x[0], &y[0], 0, 0, 0)
		return
	}
	for i := range dst {
		dst[i] = x[i] + y[i]
	}
}

// Mul computes dst = x y, element by element.
func (kn Kernel) Mul(dst, x, y []float32) {
	checkLengths("Mul", len(dst), len(x), len(y))
	if v := vectorsFor(kn.path); v != nil && len(dst) > 0 {
		v.mul(len(dst), &dst[0], &x[0], &y[0], 0, 0, 0)
		return
	}
	for i := range dst {
		dst[i] = x[i] * y[i]
	}
}

// Scale computes dst = alpha x.
func (kn Kernel) Scale(dst []float32, alpha float32, x []float32) {
	checkLengths("Scale", len(dst), len(x), len(x))
	if v := vectorsFor(kn.path); v != nil && len(dst) > 0 {
		v.scale(len(dst), &dst[0], &x[0], nil, alpha, 0, 0)
		return
	}
	for i := range dst {
		dst[i] = alpha * x[i]
	}
}

// Affine computes dst = alpha x + beta, the product rounded before.
func (kn Kernel) Affine(dst []float32, alpha float32, x []float32, beta float32) {
	checkLengths("Affine", len(dst), len(x), len(x))
	if v := vectorsFor(kn.path); v != nil && len(dst) > 0 {
		v.affine(len(dst), &dst[0], &x[0], nil, alpha, beta, 0)
		return
	}
	for i, xi := range x {
		dst[i] = float32(alpha*xi) + beta // the conversion keeps compilers from fusing
	}
}

// Combine computes dst = (gamma + alpha x) + beta y, both products rounded before.
func (kn Kernel) Combine(dst []float32, alpha float32, x []float32, beta float32, y []float32, gamma float32) {
	checkLengths("Combine", len(dst), len(x), len(y))
	if v := vectorsFor(kn.path); v != nil && len(dst) > 0 {
		v.combine(len(dst), &dst[0], &x[0], &y[0], alpha, beta, gamma)
		return
	}
	for i, xi := range x {
		dst[i] = gamma + float32(alpha*xi) + float32(beta*y[i])
	}
}

// ReLU computes dst = 0 where x < 0 and x elsewhere, so NaN stays NaN.
func (kn Kernel) ReLU(dst, x []float32) {
	checkLengths("ReLU", len(dst), len(x), len(x))
	if v := vectorsFor(kn.path); v != nil && len(dst) > 0 {
		v.relu(len(dst), &dst[0], &x[0], nil, 0, 0, 0)
		return
	}
	for i, xi := range x {
		if xi < 0 {
			xi = 0
		}
		dst[i] = xi
	}
}

// ReLUGrad computes the gradient of ReLU's input x from that of its output: dst =
// grad where x > 0 and 0 elsewhere. At x = 0 the gradient is 0.
func (kn Kernel) ReLUGrad(dst, grad, x []float32) {
	checkLengths("ReLUGrad", len(dst), len(grad), len(x))
	if v := vectorsFor(kn.path); v != nil && len(dst) > 0 {
		v.reluGrad(len(dst), &dst[0], &grad[0], &x[0], 0, 0, 0)
		return
	}
	for i, g := range grad {
		if !(x[i] > 0) {
			g = 0
		}
		dst[i] = g
	}
}

// Leaky computes dst = x where y > 0 and alpha x elsewhere: leaky ReLU for y = x, and its
// gradient for the output's gradient x and the input y.
func (kn Kernel) Leaky(dst []float32, alpha float32, x, y []float32) {
	checkLengths("Leaky", len(dst), len(x), len(y))
	if v := vectorsFor(kn.path); v != nil && len(dst) > 0 {
		v.leaky(len(dst), &dst[0], &x[0], &y[0], alpha, 0, 0)
		return
	}
	for i, xi := range x {
		if !(y[i] > 0) {
			xi *= alpha
		}
		dst[i] = xi
	}
}

func checkLengths(op string, dst, x, y int) {
	if dst != x || dst != y {
		panic(fmt.Sprintf("gemm: %s of vectors of different lengths %d, %d and %d", op, dst, x, y))
	}
}

package graph

import (
	"fmt"
	"math"
)

// The losses take scores (n x k) and targets (n x k, one-hot rows for hard labels; no
// gradient), and return a 1 x 1 mean over the rows. weight is n x 1, one weight per row, or
// nil for equal weights. As PyTorch does for class weights, the mean is sum(weight*loss) /
// sum(weight), which is NaN when all weights are zero. No gradient flows to weights.

// CrossEntropy returns the mean of -sum_c target_c log softmax(scores)_c.
func (b *Builder[T]) CrossEntropy(scores, target, weight *Node[T]) *Node[T] {
	return b.rowLoss("crossentropy", scores, target, weight, crossEntropy[T])
}

// Focal returns the focal loss of Lin et al. (2017), the mean of -sum_c target_c (1 - p_c)^gamma
// log p_c with p = softmax(scores). gamma 0 is the cross-entropy.
func (b *Builder[T]) Focal(scores, target, weight *Node[T], gamma float64) *Node[T] {
	if !(gamma >= 0) {
		panic(fmt.Sprintf("graph: focal loss: gamma %v is negative", gamma))
	}
	return b.rowLoss("focal", scores, target, weight, func(scores, target, grad []T) (loss float64) {
		lse := logSumExp(scores)
		var sum float64
		// With h_c = p_c dloss/dp_c, dloss/dscore_j = h_j - p_j sum_c h_c.
		h := func(logp float64) float64 {
			q := -math.Expm1(logp) // 1 - p, exact also where p is near 1
			if q == 0 && gamma > 0 {
				return 0
			}
			return gamma*math.Exp(logp)*math.Pow(q, gamma-1)*logp - math.Pow(q, gamma)
		}
		for j, t := range target {
			if t != 0 {
				logp := float64(scores[j]) - lse
				loss -= float64(t) * math.Pow(-math.Expm1(logp), gamma) * logp
				if grad != nil {
					sum += float64(t) * h(logp)
				}
			}
		}
		for j := range grad {
			logp := float64(scores[j]) - lse
			var own float64
			if target[j] != 0 {
				own = float64(target[j]) * h(logp)
			}
			grad[j] = T(own - math.Exp(logp)*sum)
		}
		return loss
	})
}

// LDAM returns the label-distribution-aware margin loss of Cao et al. (2019): the
// cross-entropy of scale*(scores - margins*target), so that the true class must win by its
// margin. margins has one value per class.
func (b *Builder[T]) LDAM(scores, target, weight *Node[T], margins []float64, scale float64) *Node[T] {
	k := scores.Cols
	if len(margins) != k {
		panic(fmt.Sprintf("graph: ldam: %d margins for %d classes", len(margins), k))
	}
	return b.rowLoss("ldam", scores, target, weight, func(scores, target, grad []T) float64 {
		var few [64]T // on the stack, for up to 64 classes
		shifted := append(few[:0], scores...)
		for j, t := range target {
			shifted[j] = T(scale * (float64(scores[j]) - margins[j]*float64(t)))
		}
		loss := crossEntropy(shifted, target, grad)
		for j := range grad {
			grad[j] *= T(scale)
		}
		return loss
	})
}

// crossEntropy is a row's loss, and its gradient unless grad is nil.
func crossEntropy[T Float](scores, target, grad []T) (loss float64) {
	lse := logSumExp(scores)
	var mass float64
	for j, t := range target {
		mass += float64(t)
		if t != 0 { // 0 * Inf would be NaN
			loss += float64(t) * (lse - float64(scores[j]))
		}
	}
	for j := range grad {
		grad[j] = T(mass*math.Exp(float64(scores[j])-lse) - float64(target[j]))
	}
	return loss
}

// rowLoss adds the weighted mean of a loss over the rows. loss returns a row's loss, and
// writes its gradient with respect to the scores unless grad is nil.
func (b *Builder[T]) rowLoss(name string, scores, target, weight *Node[T], loss func(scores, target, grad []T) float64) *Node[T] {
	n, k := scores.Rows, scores.Cols
	if target.Rows != n || target.Cols != k || target.grad || weight != nil && (weight.Rows != n || weight.Cols != 1 || weight.grad) {
		panic(fmt.Sprintf("graph: %s: targets must be %d x %d and weights %d x 1, both without gradient", name, n, k, n))
	}
	in := biased(scores, target, weight)
	weights := func(src [][]T) (of func(i int) float64, sum float64) {
		w := optional(src, 2)
		if w == nil {
			return func(int) float64 { return 1 }, float64(n)
		}
		for _, v := range w {
			sum += float64(v)
		}
		return func(i int) float64 { return float64(w[i]) }, sum
	}
	run := func(out []T, src [][]T) {
		w, all := weights(src)
		var sum float64
		for i := range n {
			sum += w(i) * loss(src[0][i*k:][:k], src[1][i*k:][:k], nil)
		}
		out[0] = T(sum / all)
	}
	return b.apply(name, 1, 1, in, run, func(_, grad *Node[T]) []*Node[T] {
		dx := b.apply(name+".dx", n, k, append(in[:len(in):len(in)], grad), func(out []T, src [][]T) {
			g := float64(src[len(src)-1][0])
			w, all := weights(src[:len(src)-1])
			for i := range n {
				row := out[i*k:][:k]
				loss(src[0][i*k:][:k], src[1][i*k:][:k], row)
				for j := range row {
					row[j] *= T(g * w(i) / all)
				}
			}
		}, nil)
		return []*Node[T]{dx, nil, nil}[:len(in)]
	})
}

package graph

import "math"

// CrossEntropy returns the 1 x 1 mean over the rows of -sum_c target_c log softmax(scores)_c.
// target is n x k and needs no gradient: one-hot rows for hard labels.
func (b *Builder[T]) CrossEntropy(scores, target *Node[T]) *Node[T] {
	n, k := scores.Rows, scores.Cols
	run := func(out []T, in [][]T) {
		var sum float64
		for i := range n {
			row := in[0][i*k : (i+1)*k]
			lse := logSumExp(row)
			for j, t := range in[1][i*k : (i+1)*k] {
				if t != 0 { // 0 * Inf would be NaN
					sum += float64(t) * (lse - float64(row[j]))
				}
			}
		}
		out[0] = T(sum / float64(n))
	}
	return b.apply("crossentropy", 1, 1, []*Node[T]{scores, target}, run, func(_, grad *Node[T]) []*Node[T] {
		return []*Node[T]{b.apply("crossentropy.dx", n, k, []*Node[T]{grad, scores, target}, func(out []T, in [][]T) {
			g := float64(in[0][0]) / float64(n)
			for i := range n {
				row, target := in[1][i*k:(i+1)*k], in[2][i*k:(i+1)*k]
				lse := logSumExp(row)
				var mass float64
				for _, t := range target {
					mass += float64(t)
				}
				for j, v := range row {
					out[i*k+j] = T(g * (mass*math.Exp(float64(v)-lse) - float64(target[j])))
				}
			}
		}, nil), nil}
	})
}

// logSumExp returns log sum exp(x), shifted by the maximum so that it cannot overflow.
func logSumExp[T Float](x []T) float64 {
	top := math.Inf(-1)
	for _, v := range x {
		top = max(top, float64(v))
	}
	var sum float64
	for _, v := range x {
		sum += math.Exp(float64(v) - top)
	}
	return top + math.Log(sum)
}

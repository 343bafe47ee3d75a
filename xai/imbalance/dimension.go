package imbalance

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// components returns the number of principal components, of the features as they are, that
// hold 95 % of the variance; 0 without any variance.
func components(x *mat.Dense) int {
	n, m := x.Dims()
	centred := mat.DenseCopyOf(x)
	for f := range m {
		mean := 0.0
		for i := range n {
			mean += x.At(i, f)
		}
		mean /= float64(n)
		for i := range n {
			centred.Set(i, f, x.At(i, f)-mean)
		}
	}
	var square *mat.SymDense
	if m > n { // of two with the same eigenvalues, the smaller one
		square = outer(centred)
	} else {
		square = gram(nil, centred)
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(square, false) {
		return 0
	}
	values := eigen.Values(nil) // ascending
	total := 0.0
	for i, v := range values {
		values[i] = math.Max(v, 0)
		total += values[i]
	}
	if total == 0 {
		return 0
	}
	count, sum := 0, 0.0
	for i := len(values) - 1; i >= 0 && sum < 0.95*total; i-- {
		sum += values[i]
		count++
	}
	return count
}

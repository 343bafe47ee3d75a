package project

import (
	"context"
	"errors"
	"math"

	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/mat"
)

// leading returns the k eigenvectors, as rows, with the greatest eigenvalues of a symmetric
// m x m matrix without negative ones, and these, descending.
//
// A full decomposition costs some 10 m^3 operations outside of matrix products. For few
// vectors of a large matrix the space that they span is iterated instead: a block of
// vectors is multiplied by a Chebyshev polynomial of the matrix that is small where the
// unwanted eigenvalues are and grows beyond, and the best vectors within the block are
// taken (Rayleigh and Ritz), until what remains of A v - lambda v are rounding errors (Zhou,
// Saad, Tiago and Chelikowsky, 2006, J. Comput. Phys. 219). What does not converge, such
// as a spectrum without any gap, is decomposed in full.
func leading(ctx context.Context, a []float64, m, k int) (vectors, values []float64, err error) {
	if block := k + max(16, k/2); m > 150 && 3*block < m {
		vectors, values, ok, err := iterated(ctx, a, m, k, block)
		if ok || err != nil {
			return vectors, values, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	vectors, values, ok := decomposed(a, m, k)
	if !ok {
		return nil, nil, errors.New("the eigenvalues did not converge")
	}
	return vectors, values, nil
}

// decomposed is leading by a full decomposition.
func decomposed(a []float64, m, k int) (vectors, values []float64, ok bool) {
	var e mat.EigenSym
	if !e.Factorize(mat.NewSymDense(m, append([]float64(nil), a...)), true) {
		return nil, nil, false
	}
	var v mat.Dense
	e.VectorsTo(&v)
	all := e.Values(nil) // ascending
	vectors, values = make([]float64, k*m), make([]float64, k)
	for i := range k {
		values[i] = max(all[m-1-i], 0)
		mat.Col(vectors[i*m:][:m], m-1-i, &v)
	}
	return vectors, values, true
}

// iterated is leading by Chebyshev-filtered iteration of a block of p vectors. Vectors that
// have converged leave the block and are taken out of the matrix, so that the filter can be
// as steep as the next ones need.
func iterated(ctx context.Context, a []float64, m, k, p int) (vectors, values []float64, ok bool, err error) {
	const (
		rounds    = 30
		degree    = 10
		growth    = 1e9   // of the filter: what it leaves of the smallest vectors must stay above rounding errors
		tolerance = 1e-14 // of what remains, relative to the greatest eigenvalue
	)
	a = append([]float64(nil), a...)
	kernel := workers()
	times := func(dst, x []float64, alpha, beta float64) { // dst = alpha x A + beta dst
		kernel.DGEMM(false, false, p, m, m, alpha, x, m, a, m, beta, dst, m)
	}
	x, y, w := make([]float64, p*m), make([]float64, p*m), make([]float64, p*m)
	r := seed.Stream(0, "project", "eigenvectors")
	for i := range x {
		x[i] = r.NormFloat64()
	}
	for range rounds {
		if err := ctx.Err(); err != nil {
			return nil, nil, false, err
		}
		for range 2 { // the second time to rounding errors
			if found := len(values); found > 0 {
				along := make([]float64, p*found)
				kernel.DGEMM(false, true, p, found, m, 1, x, m, vectors, m, 0, along, found)
				kernel.DGEMM(false, false, p, m, found, -1, along, found, vectors, m, 1, x, m)
			}
			if !gramOrthonormal(x, w, m, p) {
				return nil, nil, false, nil
			}
		}
		times(w, x, 1, 0)
		h := make([]float64, p*p)
		kernel.DGEMM(false, true, p, p, m, 1, w, m, x, m, 0, h, p)
		q, ritz, ok := decomposed(h, p, p)
		if !ok {
			return nil, nil, false, nil
		}
		kernel.DGEMM(false, false, p, m, p, 1, q, p, x, m, 0, y, m)
		x, y = y, x
		kernel.DGEMM(false, false, p, m, p, 1, q, p, w, m, 0, y, m) // y = x A

		greatest := append(values, ritz[0])[0]
		done := 0
		for done < k-len(values) && remains(x[done*m:][:m], y[done*m:][:m], ritz[done]) <= tolerance*greatest {
			done++
		}
		vectors, values = append(vectors, x[:done*m]...), append(values, ritz[:done]...)
		if len(values) == k {
			return vectors, values, true, nil
		}
		for i, xi := range x[:done*m] {
			w[i] = ritz[i/m] * xi
		}
		kernel.DGEMM(true, false, m, m, done, -1, w, m, x, m, 1, a, m)
		p, ritz, x, y, w = p-done, ritz[done:], x[done*m:], y[done*m:], w[done*m:]
		if !(ritz[0] > 0) {
			return nil, nil, false, nil
		}

		// The filter is the Chebyshev polynomial T of 2 A / cut - 1, at most 1 on [0, cut] and
		// steep above.
		cut := max(ritz[p-1], 2*ritz[0]/growth)
		steps := int(math.Acosh(growth) / math.Acosh(max(2*ritz[0]/cut-1, 1+epsilon)))
		for i, yi := range y {
			y[i] = 2/cut*yi - x[i]
		}
		for range min(steps, degree) - 1 {
			times(x, y, 4/cut, -1)
			for i, yi := range y {
				x[i] -= 2 * yi
			}
			x, y = y, x
		}
		x, y = y, x
	}
	return nil, nil, false, nil
}

// remains returns the length of x A - value x for a row x.
func remains(x, xa []float64, value float64) float64 {
	sum := 0.0
	for j, v := range x {
		sum += (xa[j] - value*v) * (xa[j] - value*v)
	}
	return math.Sqrt(sum)
}

// gramOrthonormal makes the p rows of x orthonormal, to about the square of their condition
// times a rounding error, through the Cholesky factor of their products. scratch is as
// long as x. It reports whether the rows were independent enough.
func gramOrthonormal(x, scratch []float64, m, p int) bool {
	for i := range p {
		row := x[i*m:][:m]
		length := norm(row)
		if !(length > 0) || math.IsInf(length, 0) {
			return false
		}
		for j := range row {
			row[j] /= length
		}
	}
	kernel := workers()
	g := make([]float64, p*p)
	kernel.DGEMM(false, true, p, p, m, 1, x, m, x, m, 0, g, p)
	var chol mat.Cholesky
	if !chol.Factorize(mat.NewSymDense(p, g)) {
		return false
	}
	var l, inverse mat.TriDense
	chol.LTo(&l)
	if inverse.InverseTri(&l) != nil {
		return false
	}
	raw := mat.DenseCopyOf(&inverse).RawMatrix()
	copy(scratch, x)
	kernel.DGEMM(false, false, p, m, p, 1, raw.Data, raw.Stride, scratch, m, 0, x, m)
	return true
}

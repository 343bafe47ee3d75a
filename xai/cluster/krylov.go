package cluster

import (
	"context"
	"math"
	"runtime"

	"github.com/whybook/whybook/xai/internal/gemm"
	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/mat"
)

// The search for the largest eigenvalues: blocks of a basis, restarts, and the length of
// A v - lambda v at which a vector v counts as found.
const (
	krylovBlocks   = 10
	krylovRestarts = 12
	krylovResidual = 1e-10
)

// largestEigen finds the k largest eigenvalues of a symmetric matrix, descending, and their
// vectors, n x k: from the span of X, AX, A^2 X, ..., for a block X of random vectors, that
// then begins anew from the best of it (block Lanczos with whole orthogonalisation). Blocks find
// eigenvalues that occur several times. It reports false where that does not settle, as with
// eigenvalues that lie close together; then all have to be computed.
func largestEigen(ctx context.Context, a *mat.SymDense, k int) (values []float64, vectors *mat.Dense, ok bool, err error) {
	n := a.SymmetricDim()
	b := k + 4
	if (krylovBlocks+1)*b > n/2 {
		return nil, nil, false, nil
	}
	full := mat.DenseCopyOf(a).RawMatrix().Data
	s := seed.Stream(0, "krylov")
	block := make([]float64, b*n) // vectors are rows
	for i := range block {
		block[i] = s.NormFloat64()
	}
	kernel := gemm.Best().Parallel(runtime.GOMAXPROCS(0)) // with the same bytes for any number
	for range krylovRestarts {
		if err := ctx.Err(); err != nil {
			return nil, nil, false, err
		}
		// basis holds orthonormal rows, and image A times them.
		var basis, image []float64
		for range krylovBlocks {
			m := len(basis) / n
			basis = append(basis, block...)
			m = orthonormal(basis, m, n)
			basis = basis[:m*n]
			fresh := basis[len(image):]
			if len(fresh) == 0 {
				break
			}
			rows := len(fresh) / n
			block = make([]float64, rows*n)
			kernel.DGEMM(false, false, rows, n, n, 1, fresh, n, full, n, 0, block, n)
			image = append(image, block...)
		}
		m := len(basis) / n
		if m < k {
			return nil, nil, false, nil
		}
		small := make([]float64, m*m)
		kernel.DGEMM(false, true, m, m, n, 1, basis, n, image, n, 0, small, m)
		t := mat.NewSymDense(m, nil)
		for i := range m {
			for j := i; j < m; j++ {
				t.SetSym(i, j, (small[i*m+j]+small[j*m+i])/2)
			}
		}
		var eigen mat.EigenSym
		if !eigen.Factorize(t, true) {
			return nil, nil, false, nil
		}
		all := eigen.Values(nil)
		var u mat.Dense
		eigen.VectorsTo(&u)
		keep := min(b, m)
		weights := make([]float64, keep*m) // of basis rows in the best vectors
		for c := range keep {
			for i := range m {
				weights[c*m+i] = u.At(i, m-1-c)
			}
		}
		best, moved := make([]float64, keep*n), make([]float64, keep*n)
		kernel.DGEMM(false, false, keep, n, m, 1, weights, m, basis, n, 0, best, n)
		kernel.DGEMM(false, false, keep, n, m, 1, weights, m, image, n, 0, moved, n)
		worst := 0.0
		for c := range k {
			sum := 0.0
			for i := range n {
				d := moved[c*n+i] - all[m-1-c]*best[c*n+i]
				sum += float64(d * d)
			}
			worst = max(worst, math.Sqrt(sum))
		}
		if worst <= krylovResidual {
			vectors = mat.NewDense(n, k, nil)
			for c := range k {
				values = append(values, all[m-1-c])
				for i := range n {
					vectors.Set(i, c, best[c*n+i])
				}
			}
			return values, vectors, true, nil
		}
		block = best
	}
	return nil, nil, false, nil
}

// orthonormal makes the rows of v from done on orthogonal to those before them, and of length
// 1. Rows of which nothing is left are dropped. It returns how many there are.
func orthonormal(v []float64, done, n int) int {
	at := done
	for i := done; i < len(v)/n; i++ {
		x := v[at*n : (at+1)*n]
		copy(x, v[i*n:(i+1)*n])
		before := math.Sqrt(dot(x, x))
		for range 2 { // the second time removes what rounding left the first
			c := make([]float64, at)
			for j := range c {
				c[j] = dot(x, v[j*n:(j+1)*n])
			}
			for j, f := range c {
				for p, w := range v[j*n : (j+1)*n] {
					x[p] -= float64(f * w)
				}
			}
		}
		length := math.Sqrt(dot(x, x))
		if length <= 1e-10*before || length == 0 {
			continue
		}
		for p := range x {
			x[p] /= length
		}
		at++
	}
	return at
}

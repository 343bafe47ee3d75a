package cluster

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/whybook/whybook/xai"
	"gonum.org/v1/gonum/mat"
)

// ErrIsolated is matched by the error about an item that is like no other.
var ErrIsolated = errors.New("item without a neighbour")

// Spectral divides items by how alike they are (Ng, Jordan and Weiss 2001): the rows of the
// eigenvectors of the K largest eigenvalues of D^-1/2 A D^-1/2, scaled to length 1, are
// divided by k-means. A is the affinity and D the diagonal matrix of its row sums. As in
// SpRAy (Lapuschkin et al. 2019), K can be left to the eigengap.
//
// Affinities are held as n x n numbers. Of many items only the eigenvectors that are needed
// are looked for; where these do not settle, since eigenvalues lie close together, and for few items all
// are computed, which takes a time that grows with n^3 and does not notice the end of its context.
type Spectral struct {
	K        int    // clusters; default by the eigengap: the number at which eigenvalues fall most, from 2 to MaxK
	MaxK     int    // default 10, or n-1 if that is less
	Restarts int    // of k-means; default 10
	Seed     uint64 // of k-means
}

// Spectrum is the result of Spectral.
type Spectrum struct {
	Labels      []int      // n, in [0, K)
	K           int        // the number of clusters
	Eigenvalues []float64  // of the normalised Laplacian I - D^-1/2 A D^-1/2, ascending from 0, at most 2: up to MaxK+1 of them
	Gap         float64    // Eigenvalues[K] - Eigenvalues[K-1]; 0 for K = n
	Embedding   *mat.Dense // n x K: the rows that k-means divided
}

// Fit divides n items by their affinities, n x n and at least 0, such as those of Graph. An
// item without any affinity is an error that matches ErrIsolated.
func (s Spectral) Fit(ctx context.Context, affinity mat.Symmetric) (*Spectrum, error) {
	out, err := s.fit(ctx, affinity)
	if err != nil {
		return nil, fmt.Errorf("cluster.Spectral.Fit: %w", err)
	}
	return out, nil
}

func (s Spectral) fit(ctx context.Context, affinity mat.Symmetric) (*Spectrum, error) {
	if isNil(affinity) || affinity.SymmetricDim() == 0 {
		return nil, fmt.Errorf("need affinities of at least one item: %w", xai.ErrShape)
	}
	n := affinity.SymmetricDim()
	if s.K < 0 || s.K > 0 && s.MaxK != 0 {
		return nil, fmt.Errorf("fields K and MaxK are %d and %d; set K, or leave it to the eigengap up to MaxK", s.K, s.MaxK)
	}
	if err := clusters(max(s.K, 1), n); err != nil {
		return nil, err
	}
	most, err := count("MaxK", s.MaxK, max(s.K, min(10, n-1)))
	if err != nil {
		return nil, err
	}
	if s.K == 0 && (most < 2 || most >= n) {
		return nil, fmt.Errorf("field MaxK is %d for %d items; it must be at least 2 and less than their number, or set K: %w", most, n, ErrTooFew)
	}
	a, err := normalised(affinity, n)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	values, vectors, err := eigen(ctx, a, min(n, most+1))
	if err != nil {
		return nil, err
	}
	out := &Spectrum{K: s.K}
	for _, v := range values {
		out.Eigenvalues = append(out.Eigenvalues, 1-v)
	}
	if out.K == 0 {
		gap := math.Inf(-1)
		for k := 2; k <= most; k++ {
			// Equal to rounding is equal: the smaller number stays.
			if g := out.Eigenvalues[k] - out.Eigenvalues[k-1]; g > gap+1e-10 {
				out.K, gap = k, g
			}
		}
	}
	if out.K < len(out.Eigenvalues) {
		out.Gap = out.Eigenvalues[out.K] - out.Eigenvalues[out.K-1]
	}
	out.Embedding = embedding(vectors, out.K)
	m, err := KMeans{K: out.K, Restarts: s.Restarts, Seed: s.Seed}.fit(ctx, out.Embedding)
	if err != nil {
		return nil, err
	}
	out.Labels = m.Labels
	return out, nil
}

// normalised returns D^-1/2 A D^-1/2.
func normalised(affinity mat.Symmetric, n int) (*mat.SymDense, error) {
	a, degree := mat.NewSymDense(n, nil), make([]float64, n)
	for i := range n {
		for j := range n {
			v := affinity.At(i, j)
			if v-v != 0 {
				return nil, fmt.Errorf("affinity of %d and %d is %v: %w", i, j, v, ErrNotFinite)
			}
			if v < 0 {
				return nil, fmt.Errorf("affinity of %d and %d is %v; it must be at least 0", i, j, v)
			}
			degree[i] += v
		}
		if degree[i] == 0 {
			return nil, fmt.Errorf("item %d has no affinity to any; connect it or leave it out: %w", i, ErrIsolated)
		}
		if math.IsInf(degree[i], 1) {
			return nil, fmt.Errorf("the affinities of item %d are too large to be added: %w", i, ErrNotFinite)
		}
	}
	for i := range n {
		for j := i; j < n; j++ {
			a.SetSym(i, j, affinity.At(i, j)/(math.Sqrt(degree[i])*math.Sqrt(degree[j])))
		}
	}
	return a, nil
}

// eigen returns the k largest eigenvalues, descending, and their vectors, n x k.
func eigen(ctx context.Context, a *mat.SymDense, k int) (values []float64, vectors *mat.Dense, err error) {
	values, vectors, ok, err := largestEigen(ctx, a, k)
	if ok || err != nil {
		return values, vectors, err
	}
	return allEigen(a, k)
}

// allEigen is eigen by way of all eigenvalues.
func allEigen(a *mat.SymDense, k int) (values []float64, vectors *mat.Dense, err error) {
	var e mat.EigenSym
	if !e.Factorize(a, true) {
		return nil, nil, errors.New("the eigenvalues of the affinities could not be found")
	}
	all, n := e.Values(nil), a.SymmetricDim() // ascending
	var v mat.Dense
	e.VectorsTo(&v)
	vectors = mat.NewDense(n, k, nil)
	for c := range k {
		values = append(values, all[n-1-c])
		for i := range n {
			vectors.Set(i, c, v.At(i, n-1-c))
		}
	}
	return values, vectors, nil
}

// embedding returns the first k columns, each with its largest element positive, in rows of
// length 1.
func embedding(vectors *mat.Dense, k int) *mat.Dense {
	n, _ := vectors.Dims()
	e := mat.NewDense(n, k, nil)
	for c := range k {
		sign, most := 1.0, 0.0
		for i := range n {
			if v := vectors.At(i, c); math.Abs(v) > most+1e-10 {
				sign, most = math.Copysign(1, v), math.Abs(v)
			}
		}
		for i := range n {
			e.Set(i, c, sign*vectors.At(i, c))
		}
	}
	for i := range n {
		row := e.RawRowView(i)
		if length := math.Sqrt(dot(row, row)); length > 0 {
			for c := range row {
				row[c] /= length
			}
		}
	}
	return e
}

// Graph returns the affinities of a neighbour graph: 1 between two items of which at least
// one has the other among its neighbours, else 0. neighbours[i] lists those of item i, all in
// [0, n) and not i itself; an index out of range matches xai.ErrTarget.
func Graph(neighbours [][]int) (*mat.SymDense, error) {
	n := len(neighbours)
	if n == 0 {
		return nil, fmt.Errorf("cluster.Graph: need the neighbours of at least one item: %w", xai.ErrShape)
	}
	a := mat.NewSymDense(n, nil)
	for i, list := range neighbours {
		for _, j := range list {
			if j < 0 || j >= n || j == i {
				return nil, fmt.Errorf("cluster.Graph: item %d has neighbour %d; it must be another of the %d items (0-%d): %w", i, j, n, n-1, xai.ErrTarget)
			}
			a.SetSym(i, j, 1)
		}
	}
	return a, nil
}

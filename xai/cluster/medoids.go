package cluster

import (
	"context"
	"fmt"
	"math"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/progress"
	"gonum.org/v1/gonum/mat"
)

// Medoids divides items among K of them, the medoids, so that the sum of the distances of
// items from their medoid is small. It needs only distances, of any kind. It starts with
// the greedy BUILD of PAM (Kaufman and Rousseeuw 1987) and swaps medoids for other items as
// long as one swap lowers the sum, with the accounting of FasterPAM (Schubert and
// Rousseeuw, Information Systems 101, 2021). There is no chance in it.
type Medoids struct {
	K int // clusters, at least 1; no default
}

// Around is a division of items among medoids.
type Around struct {
	Medoids []int   // K items, by rising index
	Labels  []int   // n, the place of the nearest medoid in Medoids, the first where several are
	Cost    float64 // sum of the distances of items from their medoid
}

// Fit divides n items by their distances, n x n: symmetric, at least 0, 0 from an item to
// itself, finite (ErrNotFinite).
func (m Medoids) Fit(ctx context.Context, distances mat.Matrix) (*Around, error) {
	a, err := m.fit(ctx, distances)
	if err != nil {
		return nil, fmt.Errorf("cluster.Medoids.Fit: %w", err)
	}
	return a, nil
}

// checkDistances copies an n x n matrix of distances, row by row.
func checkDistances(distances mat.Matrix) (d []float64, n int, err error) {
	if isNil(distances) {
		return nil, 0, fmt.Errorf("need distances, have nil: %w", xai.ErrShape)
	}
	n, c := distances.Dims()
	if n != c || n == 0 {
		return nil, 0, fmt.Errorf("distances are %d x %d; they must be square: %w", n, c, xai.ErrShape)
	}
	d = make([]float64, n*n)
	for i := range n {
		for j := range n {
			v := distances.At(i, j)
			switch {
			case v-v != 0:
				return nil, 0, fmt.Errorf("distance of %d and %d is %v: %w", i, j, v, ErrNotFinite)
			case v < 0:
				return nil, 0, fmt.Errorf("distance of %d and %d is %v; it must be at least 0", i, j, v)
			case i == j && v != 0:
				return nil, 0, fmt.Errorf("distance of %d and itself is %v; it must be 0", i, v)
			case j < i && v != d[j*n+i]:
				return nil, 0, fmt.Errorf("distance of %d and %d is %v one way and %v the other; it must be the same", j, i, d[j*n+i], v)
			}
			d[i*n+j] = v
		}
	}
	return d, n, nil
}

func (m Medoids) fit(ctx context.Context, distances mat.Matrix) (*Around, error) {
	d, n, err := checkDistances(distances)
	if err != nil {
		return nil, err
	}
	if err := clusters(m.K, n); err != nil {
		return nil, err
	}
	p := &pam{d: d, n: n}
	if err := p.build(ctx, m.K); err != nil {
		return nil, err
	}
	if m.K > 1 { // the first item of BUILD is the best single medoid
		if err := p.swap(ctx); err != nil {
			return nil, err
		}
	}
	return p.result(), nil
}

// pam is the state of the search.
type pam struct {
	d       []float64
	n       int
	medoids []int
	is      []bool // whether an item is a medoid

	first, second []int // of each item: the places of the nearest two medoids
}

func (p *pam) row(i int) []float64 { return p.d[i*p.n : (i+1)*p.n] }

// build adds the medoid that lowers the cost most, K times.
func (p *pam) build(ctx context.Context, k int) error {
	p.is = make([]bool, p.n)
	left := make([]float64, p.n)
	for i := range left {
		left[i] = math.Inf(1)
	}
	for c := range k {
		if err := ctx.Err(); err != nil {
			return err
		}
		best, least := -1, math.Inf(1)
		for i := range p.n {
			if p.is[i] {
				continue
			}
			sum := 0.0
			for j, v := range p.row(i) {
				sum += min(v, left[j])
			}
			if best < 0 || sum < least {
				best, least = i, sum
			}
		}
		p.medoids, p.is[best] = append(p.medoids, best), true
		for j, v := range p.row(best) {
			left[j] = min(left[j], v)
		}
		progress.Report(ctx, "k-medoids: build", c+1, k)
	}
	return nil
}

// nearestTwo sets first and second.
func (p *pam) nearestTwo() {
	p.first, p.second = make([]int, p.n), make([]int, p.n)
	for i := range p.n {
		a, b := -1, -1
		for c, m := range p.medoids {
			switch v := p.d[i*p.n+m]; {
			case a < 0 || v < p.d[i*p.n+p.medoids[a]]:
				a, b = c, a
			case b < 0 || v < p.d[i*p.n+p.medoids[b]]:
				b = c
			}
		}
		p.first[i], p.second[i] = a, b
	}
}

// swap takes every item in turn, and swaps it for the medoid whose loss it makes up for best,
// until a whole round has brought nothing.
func (p *pam) swap(ctx context.Context) error {
	k := len(p.medoids)
	p.nearestTwo()
	loss, change := make([]float64, k), make([]float64, k)
	cost := 0.0
	losses := func() { // what the cost rises by when a medoid is taken away
		clear(loss)
		cost = 0
		for i := range p.n {
			row := p.row(i)
			near, next := row[p.medoids[p.first[i]]], row[p.medoids[p.second[i]]]
			loss[p.first[i]] += next - near
			cost += near
		}
	}
	losses()
	for x, idle := 0, 0; idle < p.n; x = (x + 1) % p.n {
		if idle++; p.is[x] {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		copy(change, loss)
		shared := 0.0
		for i, v := range p.row(x) {
			row := p.row(i)
			near, next := row[p.medoids[p.first[i]]], row[p.medoids[p.second[i]]]
			switch {
			case v < near:
				shared += v - near
				change[p.first[i]] += near - next
			case v < next:
				change[p.first[i]] += v - next
			}
		}
		c, gain := nearest(change)
		if gain+shared >= -1e-12*cost { // less is rounding, and could go round in circles
			continue
		}
		p.is[p.medoids[c]], p.is[x] = false, true
		p.medoids[c] = x
		p.nearestTwo()
		losses()
		idle = 0
	}
	return nil
}

func (p *pam) result() *Around {
	a := &Around{Labels: make([]int, p.n)}
	for i, is := range p.is {
		if is {
			a.Medoids = append(a.Medoids, i)
		}
	}
	for i := range p.n {
		for c, m := range a.Medoids {
			if p.d[i*p.n+m] < p.d[i*p.n+a.Medoids[a.Labels[i]]] {
				a.Labels[i] = c
			}
		}
		a.Cost += p.d[i*p.n+a.Medoids[a.Labels[i]]]
	}
	return a
}

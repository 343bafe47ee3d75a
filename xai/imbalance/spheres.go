package imbalance

import (
	"context"
	"sort"

	"github.com/whybook/whybook/xai/internal/parallel"
)

// spheres returns the rows whose spheres are left when all rows are covered; T1 is their
// number over n. A row's sphere reaches to the border between it and its nearest enemy:
//
//	rho_i = d(i,j)/2 if i and j are each other's nearest enemies, else d(i,j) - rho_j
//
// Which spheres are left depends on the order, and that on the convention. It takes n^2
// bits of memory.
func (s *surroundings) spheres(ctx context.Context, c Convention) ([]int, error) {
	radius := s.radii()
	n := len(radius)
	// coverers has in row j the spheres that cover row j.
	coverers := newSquare(n)
	err := parallel.Blocks(ctx, n, 32, func(lo, hi int) error {
		distance := make([]float64, n)
		for j := lo; j < hi; j++ {
			if _, err := s.index.Distances(ctx, distance, j); err != nil {
				return err
			}
			for i, d := range distance {
				if d < radius[i] || c == PyMFE && d <= radius[i] {
					if c != Problexity || s.data.y[i] == s.data.y[j] {
						coverers.set(j, i)
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	switch c {
	case PyMFE:
		return byMassOnce(coverers, n), nil
	case Problexity:
		return byRadius(coverers, radius), nil
	}
	return byMass(coverers, n), nil
}

// radii follows each row's chain of nearest enemies to its end. Distances along it do not
// grow, and ties take the lower index, so that it ends in a pair.
func (s *surroundings) radii() []float64 {
	radius, known := make([]float64, len(s.enemy)), make([]bool, len(s.enemy))
	var chain []int
	for i := range radius {
		chain = chain[:0]
		for ; !known[i]; i = s.rival[i] {
			if j := s.rival[i]; s.rival[j] == i {
				radius[i], radius[j] = s.enemy[i]/2, s.enemy[i]/2
				known[i], known[j] = true, true
				break
			}
			chain = append(chain, i)
		}
		for k := len(chain) - 1; k >= 0; k-- {
			i := chain[k]
			radius[i], known[i] = max(0, s.enemy[i]-radius[s.rival[i]]), true
		}
	}
	return radius
}

// mass counts the rows that each sphere covers.
func mass(coverers square, n int) []int {
	count := make([]int, n)
	for j := range n {
		coverers.each(j, func(i int) { count[i]++ })
	}
	return count
}

// byMass takes the sphere with most rows that are not covered yet, again and again (ECoL).
func byMass(coverers square, n int) []int {
	count, gone := mass(coverers, n), make([]bool, n)
	var taken []int
	for left := n; left > 0; {
		best := -1
		for i := range n {
			if !gone[i] && (best < 0 || count[i] > count[best]) {
				best = i
			}
		}
		taken = append(taken, best)
		for j := range n {
			if !gone[j] && (j == best || coverers.has(j, best)) {
				gone[j] = true
				left--
				coverers.each(j, func(i int) { count[i]-- })
			}
		}
	}
	return taken
}

// byMassOnce passes once through the spheres, most rows first (PyMFE).
func byMassOnce(coverers square, n int) []int {
	count := mass(coverers, n)
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool { return count[order[a]] > count[order[b]] })
	holds := make([]int, n)
	for i := range holds {
		holds[i] = 1
	}
	for _, i := range order {
		if holds[i] == 0 {
			continue
		}
		sum := 0
		for j := range n {
			if coverers.has(j, i) {
				sum += holds[j]
				holds[j] = 0
			}
		}
		holds[i] = sum
	}
	var taken []int
	for i, h := range holds {
		if h > 0 {
			taken = append(taken, i)
		}
	}
	return taken
}

// byRadius takes the largest sphere of a row that no other has covered, until all rows are
// covered (Problexity).
func byRadius(coverers square, radius []float64) []int {
	n := len(radius)
	order := make([]int, n)
	for i := range order {
		order[i] = n - 1 - i
	}
	sort.SliceStable(order, func(a, b int) bool { return radius[order[a]] > radius[order[b]] })
	covered, left := make([]bool, n), n
	var taken []int
	for _, i := range order {
		if left == 0 {
			break
		}
		if covered[i] {
			continue
		}
		taken = append(taken, i)
		for j := range n {
			if !covered[j] && (j == i || coverers.has(j, i)) {
				covered[j] = true
				left--
			}
		}
	}
	return taken
}

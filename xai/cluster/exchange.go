package cluster

import "context"

// exchange moves single rows for which it lowers the inertia to leave their cluster a for
// another b, with the change of both means counted in (Hartigan and Wong 1979):
//
//	n_b/(n_b+1) |x - c_b|^2 < n_a/(n_a-1) |x - c_a|^2
//
// until a round over all rows has moved none. Where that ends, every row is at its nearest
// centroid, but not all such divisions are ends: Lloyd's algorithm stops at more of them
// (Telgarsky and Vattani 2010).
func (l *lloyd) exchange(ctx context.Context, m *Means, iterations int) error {
	l.labels, l.sizes = m.Labels, m.Sizes
	c, objective := m.Centroids.RawMatrix().Data, m.Inertia
	centre := func(k int) []float64 { return c[k*l.d : (k+1)*l.d] }
	leave := func(a int, d2 float64) float64 { return float64(l.sizes[a]) / float64(l.sizes[a]-1) * d2 }
	enter := func(b int, d2 float64) float64 { return float64(l.sizes[b]) / float64(l.sizes[b]+1) * d2 }
	dist := make([]float64, min(l.n, rowsTogether)*l.k)
	m.Converged = false
	for len(m.Objective) < iterations {
		moved := false
		for lo := 0; lo < l.n; lo += rowsTogether {
			if err := ctx.Err(); err != nil {
				return err
			}
			hi := min(lo+rowsTogether, l.n)
			distances(dist[:(hi-lo)*l.k], l.x[lo*l.d:hi*l.d], l.square[lo:hi], c, squares(c, l.d), l.d)
			for i := lo; i < hi; i++ {
				a := l.labels[i]
				if l.sizes[a] < 2 {
					continue
				}
				// Centroids have moved a little since their distances were computed: these
				// name the cluster to try, which is then measured.
				row, b := dist[(i-lo)*l.k:][:l.k], a
				least := leave(a, row[a])
				for k, v := range row {
					if k != a && enter(k, v) < least {
						b, least = k, enter(k, v)
					}
				}
				if b == a {
					continue
				}
				x, from, to := l.row(i), centre(a), centre(b)
				was := leave(a, distance2(x, from))
				gain := was - enter(b, distance2(x, to))
				if gain <= 1e-12*was { // less is rounding, and could go round in circles
					continue
				}
				na, nb := float64(l.sizes[a]-1), float64(l.sizes[b]+1)
				for j, v := range x {
					from[j] += (from[j] - v) / na
					to[j] += (v - to[j]) / nb
				}
				l.sizes[a]--
				l.sizes[b]++
				l.labels[i] = b
				objective -= gain
				moved = true
			}
		}
		if !moved {
			m.Converged = true
			break
		}
		m.Objective = append(m.Objective, max(0, objective))
	}
	return l.finish(ctx, m)
}

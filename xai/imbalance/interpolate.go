package imbalance

import (
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
)

// interpolate makes count new rows, each between two rows of one class, as the convention
// does: in ECoL and DCoL the class is drawn by its size, in the others every class has as
// many new rows as rows (and count is not looked at); in PyMFE each feature has a place of
// its own between the two. near has the closer one of the two rows, or either.
func interpolate(d data, c Convention, count int, r *rand.Rand) (x *mat.Dense, y, near []int) {
	if c == ECoL || c == DCoL {
		for range count {
			y = append(y, d.y[r.IntN(d.rows())])
		}
	} else {
		for k, rows := range d.members {
			for range rows {
				y = append(y, k)
			}
		}
	}
	x = mat.NewDense(len(y), d.features(), nil)
	for i, k := range y {
		near = append(near, between(x.RawRowView(i), d, d.members[k], c == PyMFE, r))
	}
	return x, y, near
}

// between stores a row between two of the rows given: two different ones if there are two,
// unless each feature moves alone. It returns the nearer one, or either if features do.
func between(row []float64, d data, rows []int, alone bool, r *rand.Rand) int {
	a := r.IntN(len(rows))
	b := r.IntN(len(rows))
	if !alone && len(rows) > 1 {
		b = r.IntN(len(rows) - 1)
		if b >= a {
			b++
		}
	}
	from, to := d.x.RawRowView(rows[a]), d.x.RawRowView(rows[b])
	t := r.Float64()
	for f, v := range from {
		if alone {
			t = r.Float64()
		}
		row[f] = v + (to[f]-v)*t
	}
	if t > 0.5 {
		return rows[b]
	}
	return rows[a]
}

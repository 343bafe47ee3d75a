package imbalance

import (
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
)

// interpolate makes count new rows, each between two rows of one class, as the convention
// does: in ECoL and DCoL the class is drawn by its size, in the others every class has as
// many new rows as rows (and count is not looked at); in PyMFE each feature has a place of
// its own between the two.
func interpolate(d data, c Convention, count int, r *rand.Rand) (*mat.Dense, []int) {
	var y []int
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
	x := mat.NewDense(len(y), d.features(), nil)
	for i, k := range y {
		between(x.RawRowView(i), d, d.members[k], c == PyMFE, r)
	}
	return x, y
}

// between stores a row between two of the rows given: two different ones if there are two,
// unless each feature moves alone.
func between(row []float64, d data, rows []int, alone bool, r *rand.Rand) {
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
}

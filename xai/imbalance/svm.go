package imbalance

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// plane is a linear classifier of two classes: class 0 where value is positive.
type plane struct {
	w      []float64
	b      float64
	scaled func(*mat.Dense) *mat.Dense // what rows go through first
}

// values returns w.x + b of each row.
func (p plane) values(q *mat.Dense) []float64 {
	q = p.scaled(q)
	n, _ := q.Dims()
	out := make([]float64, n)
	for i := range out {
		out[i] = floats.Dot(p.w, q.RawRowView(i)) + p.b
	}
	return out
}

// separate trains the linear support vector machine of a convention on two classes.
func separate(ctx context.Context, d data, c Convention, sd uint64, memory int) (plane, error) {
	p := plane{scaled: func(q *mat.Dense) *mat.Dense { return q }}
	switch c {
	case PyMFE:
		p.scaled = func(q *mat.Dense) *mat.Dense { return standard(q, d.x, 0) }
	case ECoL, DCoL:
		p.scaled = func(q *mat.Dense) *mat.Dense { return standard(q, d.x, 1) }
	}
	x := p.scaled(d.x)
	sign := make([]float64, d.rows())
	for i, k := range d.y {
		sign[i] = 1 - 2*float64(k)
	}
	var err error
	switch c {
	case PyMFE:
		p.w, p.b, err = coordinates(ctx, x, sign, 2, false, seed.Stream(sd, "svm"))
	case Problexity:
		p.w, p.b, err = coordinates(ctx, x, sign, 1, true, seed.Stream(sd, "svm"))
	default:
		p.w, p.b, err = smo(ctx, x, sign, 1, memory)
	}
	return p, err
}

// smo solves the soft-margin problem
//
//	min |w|^2/2 + cost sum_i max(0, 1 - y_i (w.x_i + b))
//
// by sequential minimal optimisation with second-order working sets, as LIBSVM does (Fan,
// Chen and Lin, JMLR 6, 2005), to LIBSVM's tolerance of 1e-3. Rows of the kernel matrix are
// kept up to memory bytes.
func smo(ctx context.Context, x *mat.Dense, y []float64, cost float64, memory int) (w []float64, b float64, err error) {
	const (
		tolerance = 1e-3
		tiny      = 1e-12
	)
	n, m := x.Dims()
	// pull is -y_i times the gradient of the dual: alpha_i y_i may grow where its row is in up
	// and shrink where it is in low.
	alpha, pull, diagonal := make([]float64, n), slices.Clone(y), make([]float64, n)
	up, low := make([]bool, n), make([]bool, n)
	mark := func(i int) {
		up[i] = y[i] > 0 && alpha[i] < cost || y[i] < 0 && alpha[i] > 0
		low[i] = y[i] > 0 && alpha[i] > 0 || y[i] < 0 && alpha[i] < cost
	}
	for i := range n {
		diagonal[i] = floats.Dot(x.RawRowView(i), x.RawRowView(i))
		mark(i)
	}
	rows, kept, most := make([][]float64, n), []int(nil), max(2, memory/(8*n))
	kernel := func(i, pinned int) []float64 {
		if rows[i] != nil {
			return rows[i]
		}
		var row []float64
		if len(kept) >= most { // the oldest one goes, unless it is in use
			if kept[0] == pinned {
				kept = append(kept[1:], pinned)
			}
			row, rows[kept[0]] = rows[kept[0]], nil
			kept = kept[1:]
		} else {
			row = make([]float64, n)
		}
		mat.NewVecDense(n, row).MulVec(x, x.RowView(i))
		rows[i], kept = row, append(kept, i)
		return row
	}
	for step := range max(10_000_000, 100*n) {
		if step%1024 == 0 {
			if err := ctx.Err(); err != nil {
				return nil, 0, err
			}
		}
		i, highest := -1, math.Inf(-1)
		for t, v := range pull {
			if v >= highest && up[t] {
				i, highest = t, v
			}
		}
		if i < 0 {
			break
		}
		ki, di := kernel(i, -1)[:n], diagonal[i]
		j, lowest, gain := -1, math.Inf(1), math.Inf(-1)
		for t, v := range pull {
			if v >= highest || !low[t] {
				continue
			}
			lowest = min(lowest, v)
			distance := highest - v
			// The gain distance^2/curve, compared without a division.
			if curve := max(di+diagonal[t]-2*ki[t], tiny); distance*distance >= gain*curve {
				j, gain = t, distance*distance/curve
			}
		}
		if j < 0 || highest-lowest < tolerance {
			break
		}
		kj := kernel(j, i)[:n]
		// alpha_i y_i grows and alpha_j y_j shrinks by t, up to the first border.
		t := (highest - pull[j]) / max(di+diagonal[j]-2*ki[j], tiny)
		roomI, roomJ := alpha[i], alpha[j]
		if y[i] > 0 {
			roomI = cost - alpha[i]
		}
		if y[j] < 0 {
			roomJ = cost - alpha[j]
		}
		t = min(t, roomI, roomJ)
		alpha[i] += y[i] * t
		alpha[j] -= y[j] * t
		if t == roomI { // without a rounding
			alpha[i] = border(y[i] > 0, cost)
		}
		if t == roomJ {
			alpha[j] = border(y[j] < 0, cost)
		}
		mark(i)
		mark(j)
		for k, v := range ki {
			pull[k] -= t * (v - kj[k])
		}
	}
	w = make([]float64, m)
	for i, a := range alpha {
		if a != 0 {
			floats.AddScaled(w, a*y[i], x.RawRowView(i))
		}
	}
	// b is the pull of the free ones, else the middle of what the bounds allow.
	high, lowest, sum, free := math.Inf(-1), math.Inf(1), 0.0, 0
	for i, v := range pull {
		switch {
		case up[i] && low[i]:
			sum += v
			free++
		case up[i]:
			high = max(high, v)
		default:
			lowest = min(lowest, v)
		}
	}
	if free > 0 {
		return w, sum / float64(free), nil
	}
	return w, (high + lowest) / 2, nil
}

func border(upper bool, cost float64) float64 {
	if upper {
		return cost
	}
	return 0
}

// coordinates solves
//
//	min (|w|^2 + b^2)/2 + cost sum_i max(0, 1 - y_i (w.x_i + b))^p
//
// with p of 2 if squared, else 1, by coordinate descent in the dual, as LIBLINEAR does
// (Hsieh et al., A dual coordinate descent method for large-scale linear SVM, 2008).
func coordinates(ctx context.Context, x *mat.Dense, y []float64, cost float64, squared bool, r *rand.Rand) (w []float64, b float64, err error) {
	const sweeps = 20000
	n, m := x.Dims()
	tolerance := 1e-3 // a tenth of what the packages use
	most, extra := cost, 0.0
	if squared {
		most, extra, tolerance = math.Inf(1), 0.5/cost, 1e-5
	}
	w = make([]float64, m)
	alpha, diagonal := make([]float64, n), make([]float64, n)
	order := make([]int, n)
	for i := range n {
		order[i] = i
		diagonal[i] = floats.Dot(x.RawRowView(i), x.RawRowView(i)) + 1 + extra
	}
	for sweep := range sweeps {
		if sweep%64 == 0 {
			if err := ctx.Err(); err != nil {
				return nil, 0, err
			}
		}
		r.Shuffle(n, func(a, b int) { order[a], order[b] = order[b], order[a] })
		greatest, least := math.Inf(-1), math.Inf(1)
		for _, i := range order {
			row := x.RawRowView(i)
			g := y[i]*(floats.Dot(w, row)+b) - 1 + extra*alpha[i]
			p := g // the part that a bound does not hold
			if alpha[i] == 0 {
				p = min(g, 0)
			} else if alpha[i] == most {
				p = max(g, 0)
			}
			greatest, least = max(greatest, p), min(least, p)
			if p == 0 {
				continue
			}
			before := alpha[i]
			alpha[i] = min(max(before-g/diagonal[i], 0), most)
			t := (alpha[i] - before) * y[i]
			floats.AddScaled(w, t, row)
			b += t
		}
		if greatest-least < tolerance {
			break
		}
	}
	return w, b, nil
}

package imbalance

import (
	"context"
	"math"

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
func separate(ctx context.Context, d data, c Convention) (plane, error) {
	p := plane{scaled: func(q *mat.Dense) *mat.Dense { return q }}
	switch c {
	case PyMFE:
		p.scaled = standard(d.x, 0)
	case ECoL, DCoL:
		p.scaled = standard(d.x, 1)
	}
	x := p.scaled(d.x)
	sign := make([]float64, d.rows())
	for i, k := range d.y {
		sign[i] = 1 - 2*float64(k)
	}
	problem := machine{x: x, y: sign, cost: 1}
	switch c {
	case PyMFE:
		problem.cost, problem.penalised = 2, true
	case Problexity:
		problem.squared, problem.penalised = true, true
	}
	var err error
	p.w, p.b, err = problem.solve(ctx)
	return p, err
}

// machine is the problem
//
//	min (|w|^2 [+ b^2])/2 + cost sum_i max(0, 1 - y_i (w.x_i + b))^p
//
// with b^2 if penalised, and p of 2 if squared, else 1. The packages stop at tolerances of
// 1e-4 (LIBLINEAR in scikit-learn), 1e-3 (LIBSVM) and 1e-2 (pymfe's choice); this goes on
// until rounding.
type machine struct {
	x                  *mat.Dense
	y                  []float64 // 1 or -1
	cost               float64
	squared, penalised bool
}

// solve finds the plane by a primal-dual interior-point method (Mehrotra 1992) on the dual
//
//	min a'Qa/2 - sum a,  0 <= a_i <= cost,  y'a = 0 unless penalised
//
// whose Q has the rank of the features, so that a step takes n m^2 operations (Fine and
// Scheinberg, Efficient SVM training using low-rank kernel representations, JMLR 2, 2001).
// Squared losses have no upper bound, and 1/(2 cost) on the diagonal of Q.
func (p machine) solve(ctx context.Context) (w []float64, b float64, err error) {
	const (
		steps     = 100
		tolerance = 1e-9
	)
	n, m := p.x.Dims()
	width := m
	if p.penalised {
		width++ // a feature that is 1
	}
	// signed has the rows y_i x_i: Q is its square.
	signed := mat.NewDense(n, width, nil)
	for i := range n {
		row := signed.RawRowView(i)
		for f, v := range p.x.RawRowView(i) {
			row[f] = p.y[i] * v
		}
		if p.penalised {
			row[m] = p.y[i]
		}
	}
	z := narrow(signed)
	_, width = z.Dims()
	ridge, bounded := 0.0, !p.squared
	if p.squared {
		ridge = 0.5 / p.cost
	}
	// a is between bounds with the multipliers lower and upper; room is cost - a.
	a, lower, room, upper := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
	for i := range a {
		a[i], lower[i], room[i], upper[i] = p.cost/2, 1, p.cost/2, 1
		if !bounded {
			room[i], upper[i] = 1, 0
		}
	}
	var (
		plane         = mat.NewVecDense(width, nil)
		scaled        = mat.NewDense(n, width, nil)
		right, theta  = make([]float64, n), make([]float64, n)
		da, dl, du    = make([]float64, n), make([]float64, n), make([]float64, n)
		first, second = make([]float64, n), make([]float64, n) // solutions for the right side and for y
		dual          = make([]float64, n)
		square        = make([]float64, width*width)
		chol          mat.Cholesky
		short         = mat.NewVecDense(width, nil)
		product       = mat.NewVecDense(n, nil)
	)
	// apply stores (diag(theta) + zz')^-1 v into dst (Woodbury).
	apply := func(dst, v []float64) error {
		for i := range dst {
			dst[i] = v[i] / theta[i]
		}
		short.MulVec(z.T(), mat.NewVecDense(n, dst))
		if err := chol.SolveVecTo(short, short); err != nil && chol.Cond() > 1e300 {
			return err
		}
		product.MulVec(z, short)
		for i := range dst {
			dst[i] -= product.AtVec(i) / theta[i]
		}
		return nil
	}
	count := float64(n)
	if bounded {
		count *= 2
	}
	for range steps {
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		plane.MulVec(z.T(), mat.NewVecDense(n, a))
		product.MulVec(z, plane)
		gap, worst, balance := 0.0, 0.0, 0.0
		for i := range n {
			dual[i] = 1 - product.AtVec(i) - ridge*a[i] - p.y[i]*b + lower[i] - upper[i]
			worst = max(worst, math.Abs(dual[i]))
			gap += a[i] * lower[i]
			if bounded {
				gap += room[i] * upper[i]
			}
			balance += p.y[i] * a[i]
		}
		if p.penalised {
			balance = 0
		}
		if mu := gap / count; mu < tolerance*p.cost && worst < 1e-7 && math.Abs(balance) < 1e-7*p.cost*count {
			break
		}
		for i := range n {
			theta[i] = lower[i]/a[i] + ridge
			if bounded {
				theta[i] += upper[i] / room[i]
			}
			root := 1 / math.Sqrt(theta[i])
			from, to := z.RawRowView(i), scaled.RawRowView(i)
			for f, v := range from {
				to[f] = v * root
			}
		}
		core := gram(square, scaled)
		for f := range width {
			core.SetSym(f, f, core.At(f, f)+1)
		}
		if !chol.Factorize(core) {
			break // as near as rounding allows
		}
		if !p.penalised {
			if apply(second, p.y) != nil {
				break
			}
		}
		// step solves for the change towards complementary products of target, with the
		// second-order terms of the change before.
		db := 0.0
		step := func(target float64, correct bool) error {
			for i := range n {
				right[i] = dual[i] + target/a[i] - lower[i]
				if correct {
					right[i] -= da[i] * dl[i] / a[i]
				}
				if bounded {
					right[i] -= target/room[i] - upper[i]
					if correct {
						right[i] -= da[i] * du[i] / room[i]
					}
				}
			}
			if err := apply(first, right); err != nil {
				return err
			}
			db = 0
			if !p.penalised {
				db = (floats.Dot(p.y, first) + balance) / floats.Dot(p.y, second)
			}
			for i := range n {
				change := first[i] - db*second[i]
				l := target/a[i] - lower[i] - lower[i]/a[i]*change
				u := 0.0
				if correct {
					l -= da[i] * dl[i] / a[i]
				}
				if bounded {
					u = target/room[i] - upper[i] + upper[i]/room[i]*change
					if correct {
						u += da[i] * du[i] / room[i]
					}
				}
				da[i], dl[i], du[i] = change, l, u
			}
			return nil
		}
		reach := func() float64 {
			t := 1.0
			for i := range n {
				if da[i] < 0 {
					t = min(t, -a[i]/da[i])
				}
				if dl[i] < 0 {
					t = min(t, -lower[i]/dl[i])
				}
				if bounded {
					if da[i] > 0 {
						t = min(t, room[i]/da[i])
					}
					if du[i] < 0 {
						t = min(t, -upper[i]/du[i])
					}
				}
			}
			return t
		}
		if step(0, false) != nil {
			break
		}
		t := reach()
		ahead := 0.0
		for i := range n {
			ahead += (a[i] + t*da[i]) * (lower[i] + t*dl[i])
			if bounded {
				ahead += (room[i] - t*da[i]) * (upper[i] + t*du[i])
			}
		}
		centre := math.Pow(ahead/gap, 3)
		if step(centre*gap/count, true) != nil {
			break
		}
		t = min(1, 0.995*reach())
		for i := range n {
			a[i] += t * da[i]
			lower[i] += t * dl[i]
			if bounded {
				room[i] -= t * da[i]
				upper[i] += t * du[i]
			}
		}
		b += t * db
	}
	var full mat.VecDense
	full.MulVec(signed.T(), mat.NewVecDense(n, a))
	w = full.RawVector().Data
	if p.penalised {
		w, b = w[:m], w[m]
	}
	return w, b, nil
}

// narrow returns a matrix with the products of rows that z has, and no more columns than these
// need: without the columns of 0, and of more columns than rows as many as rows at most.
func narrow(z *mat.Dense) *mat.Dense {
	n, m := z.Dims()
	var some []int
	for f := range m {
		for i := range n {
			if z.At(i, f) != 0 {
				some = append(some, f)
				break
			}
		}
	}
	if len(some) > n {
		if u, values, ok := principal(outer(z)); ok {
			for i := range n {
				row := u.RawRowView(i)
				for k, v := range values {
					row[k] *= math.Sqrt(v)
				}
			}
			return u
		}
	}
	if len(some) == m || len(some) == 0 {
		return z
	}
	out := mat.NewDense(n, len(some), nil)
	for i := range n {
		from, to := z.RawRowView(i), out.RawRowView(i)
		for k, f := range some {
			to[k] = from[f]
		}
	}
	return out
}

// principal returns the eigenvectors of s, as columns, whose eigenvalues are more than rounding,
// and these, the largest last; false if there are none.
func principal(s *mat.SymDense) (vectors *mat.Dense, values []float64, ok bool) {
	var eigen mat.EigenSym
	if !eigen.Factorize(s, true) {
		return nil, nil, false
	}
	values = eigen.Values(nil)
	n := len(values)
	least := 0x1p-52 * float64(n) * values[n-1]
	first := 0
	for first < n && !(values[first] > least && values[first] > 0) {
		first++
	}
	if first == n {
		return nil, nil, false
	}
	var all mat.Dense
	eigen.VectorsTo(&all)
	return mat.DenseCopyOf(all.Slice(0, n, first, n)), values[first:], true
}

package imbalance

import (
	"context"
	"math"

	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// linearity has the measures L1 to L3 of two classes, and what they are made of.
type linearity struct {
	plane      plane
	l1, l2, l3 float64
	distance   []float64 // of each row to the plane if it is on the wrong side, else 0
	wrong      []bool
}

// measureLinearity returns the survey's measures of section 3.2, with S the mean distance
// of the rows on the wrong side:
//
//	L1 = S/(1+S), L2 = share of wrong rows, L3 = share of wrong interpolated rows
func measureLinearity(ctx context.Context, d data, c Convention, sd uint64) (linearity, error) {
	l, err := onPlane(ctx, d, c)
	if err != nil {
		return linearity{}, err
	}
	l.l1, l.l2 = l.errors(nil, c)
	x, y, _ := interpolate(d, c, d.rows(), seed.Stream(sd, "L3"))
	l.l3 = misplaced(l.plane, x, y)
	return l, nil
}

// onPlane finds the plane, and the rows on its wrong side.
func onPlane(ctx context.Context, d data, c Convention) (linearity, error) {
	p, err := separate(ctx, d, c)
	if err != nil {
		return linearity{}, err
	}
	l := linearity{plane: p, distance: make([]float64, d.rows()), wrong: make([]bool, d.rows())}
	for i, v := range p.values(d.x) {
		if l.wrong[i] = (v > 0) != (d.y[i] == 0); l.wrong[i] {
			l.distance[i] = math.Abs(v)
		}
	}
	if norm := floats.Norm(p.w, 2); c == Problexity && norm > 0 {
		floats.Scale(1/norm, l.distance)
	}
	return l, nil
}

// errors returns L1 and L2 over some rows, all if nil.
func (l linearity) errors(rows []int, c Convention) (l1, l2 float64) {
	n := len(rows)
	if rows == nil {
		n = len(l.wrong)
	}
	var sum, wrong float64
	for k := range n {
		i := k
		if rows != nil {
			i = rows[k]
		}
		sum += l.distance[i]
		if l.wrong[i] {
			wrong++
		}
	}
	s := sum / float64(n)
	if c != DCoL {
		s /= 1 + s
	}
	return s, wrong / float64(n)
}

// misplaced returns the share of rows on the wrong side.
func misplaced(p plane, x *mat.Dense, y []int) float64 {
	wrong := 0
	for i, v := range p.values(x) {
		if (v > 0) != (y[i] == 0) {
			wrong++
		}
	}
	return float64(wrong) / float64(len(y))
}

// classLinearity returns L1 to L3 of class 0 against the others (ImbCoL): the errors of
// one plane, over the rows of the class, and over n rows between them.
func classLinearity(ctx context.Context, d data, c Convention, sd uint64) (l linearity, err error) {
	if l, err = onPlane(ctx, d, c); err != nil {
		return l, err
	}
	l.l1, l.l2 = l.errors(d.members[0], c)
	r := seed.Stream(sd, "L3 of the class")
	x := mat.NewDense(d.rows(), d.features(), nil)
	for i := range d.rows() {
		between(x.RawRowView(i), d, d.members[0], c == PyMFE, r)
	}
	l.l3 = misplaced(l.plane, x, make([]int, d.rows()))
	return l, nil
}

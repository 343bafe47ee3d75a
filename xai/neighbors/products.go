package neighbors

import (
	"math"
	"runtime"
	"sync"

	"github.com/whybook/whybook/xai/internal/gemm"
)

// real is an element type of products.
type real interface{ float32 | float64 }

// packed holds rows for products: moved to a common centre, scaled by a power of two to
// values of 1 at most, rounded to T, and followed by half the negative square of their
// length, so that one product gives all but a constant of a squared distance:
//
//	|a-b|^2 = |a|^2 - 2 (a.b - |b|^2/2)
type packed[T real] struct {
	width  int // values of a row and one more
	data   []T
	length []float64 // of each row, as rounded
}

// multiplier scans pairs by products.
type multiplier struct {
	ix     *Index
	plan   *plan
	kernel gemm.Kernel
	centre []float64
	scale  float64 // power of two
	wide   int     // columns of a block in float32
	single packed[float32]
	double func() packed[float64] // made when first needed
	spare  sync.Pool              // of *buffers
}

type buffers struct {
	a32, c32 []float32
	a64, c64 []float64
}

// newMultiplier returns nil where float64 itself underflows in distances.
func newMultiplier(ix *Index, p *plan) *multiplier {
	m := &multiplier{ix: ix, plan: p, kernel: gemm.Best(), centre: make([]float64, ix.width)}
	most := 0.0
	for i := range m.centre {
		m.centre[i] = p.low[i] + (p.high[i]-p.low[i])/2
		most = max(most, p.high[i]-p.low[i])
	}
	if most < 1e-120 {
		return nil
	}
	m.scale = math.Ldexp(1, -math.Ilogb(most))
	m.wide = ix.memory / runtime.GOMAXPROCS(0) / (4 * jobRows)
	m.wide = max(16, min(m.wide, 1024))
	m.single = pack[float32](m, ix.data, ix.rows, p.row)
	m.double = sync.OnceValue(func() packed[float64] { return pack[float64](m, ix.data, ix.rows, p.row) })
	m.spare.New = func() any { return new(buffers) }
	return m
}

func pack[T real](m *multiplier, data []float64, rows int, row func(int) int) packed[T] {
	d := m.ix.width
	p := packed[T]{width: d + 1, data: make([]T, rows*(d+1)), length: make([]float64, rows)}
	for i := range rows {
		from, to := data[row(i)*d:][:d], p.data[i*p.width:][:p.width]
		p.length[i] = place(to, from, m.centre, m.scale)
	}
	return p
}

// place writes a packed row and returns its length.
func place[T real](to []T, from, centre []float64, scale float64) float64 {
	var squares float64
	for j, v := range from {
		t := T((v - centre[j]) * scale)
		to[j] = t
		squares += float64(t) * float64(t)
	}
	to[len(from)] = T(-squares / 2)
	return math.Sqrt(squares)
}

// slack returns a bound on the error of a product as a squared distance, for rows of the
// lengths a and b: the values are rounded once, which moves each row by unit times its
// length, and the d+1 terms of the sum at most d+1 times, in whatever order; the float64
// sum that it stands for has roundings of its own, and what underflows is less than 1e-37.
func slack[T real](d int, a, b float64) float64 {
	unit := 0x1p-24
	if _, double := any(T(0)).(float64); double {
		unit = 0x1p-53
	}
	return (2*float64(d) + 32) * (unit*(a+b)*(a+b) + 1e-37)
}

func (m *multiplier) each(j job, s scanner) {
	buf := m.spare.Get().(*buffers)
	defer m.spare.Put(buf)
	double := false
	for _, c := range j.spans {
		for lo := c.lo; lo < c.hi; {
			if double {
				size := max(m.wide/2, 8)
				hi := min(lo+size, c.hi)
				block(m, m.double(), j, span{lo, hi}, &buf.a64, &buf.c64, s.scan64)
				lo = hi
				continue
			}
			hi := min(lo+m.wide, c.hi)
			computed := block(m, m.single, j, span{lo, hi}, &buf.a32, &buf.c32, s.scan32)
			// Where float32 cannot tell apart one pair in eight, float64 is the faster.
			double = lo > c.lo && computed > (j.hi-j.lo)*(hi-lo)/8
			lo = hi
		}
	}
}

// block multiplies the queries of j with the columns of c and has them scanned.
func block[T real](m *multiplier, p packed[T], j job, c span, a, out *[]T, scan func(r int, values []T, c int, scale, base, slack float64) int) (computed int) {
	rows, columns := j.hi-j.lo, c.hi-c.lo
	*a, *out = resize(*a, rows*p.width), resize(*out, rows*columns)
	lengths := make([]float64, rows)
	for r := range rows {
		row := (*a)[r*p.width:][:p.width]
		lengths[r] = place(row, m.plan.values(j.lo+r, m.ix.width), m.centre, m.scale)
		row[p.width-1] = 1
	}
	b := p.data[c.lo*p.width : c.hi*p.width]
	switch out := any(*out).(type) {
	case []float32:
		m.kernel.SGEMM(false, true, rows, columns, p.width, -2, any(*a).([]float32), p.width, any(b).([]float32), p.width, 0, out, columns)
	case []float64:
		m.kernel.DGEMM(false, true, rows, columns, p.width, -2, any(*a).([]float64), p.width, any(b).([]float64), p.width, 0, out, columns)
	}
	longest := 0.0
	for _, l := range p.length[c.lo:c.hi] {
		longest = max(longest, l)
	}
	for r, l := range lengths {
		computed += scan(r, (*out)[r*columns:(r+1)*columns], c.lo, m.scale*m.scale, l*l, slack[T](m.ix.width, l, longest))
	}
	return computed
}

func resize[T real](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// upward returns the least T that is not less than v.
func upward[T real](v float64) T {
	t := T(v)
	if float64(t) >= v {
		return t
	}
	if s, single := any(t).(float32); single {
		return T(math.Nextafter32(s, float32(inf)))
	}
	return T(math.Nextafter(float64(t), inf))
}

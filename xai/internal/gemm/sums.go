package gemm

import "fmt"

// Lines are lines in memory: Count times Width elements, each Stride after the one before.
type Lines struct{ Width, Count, Stride int }

// sumKind is what is added up.
type sumKind uint8

const (
	totals sumKind = iota
	squares
	moments
)

// Total returns the sum of the lines of x. Each line is added in eight interleaved partial
// sums, which keep the adders busy and lose fewer digits than one; lines are added in order.
func Total[T float](kn Kernel, x []T, l Lines) float64 {
	l.check("Total", len(x), len(x))
	const block = 8
	var sum float64
	if l.Width < block {
		for i := range l.Count {
			var s T
			for _, v := range x[i*l.Stride:][:l.Width] {
				s += v
			}
			sum += float64(s)
		}
		return sum
	}
	vector, whole := vectorsFor(kn.path) != nil, l.Width/block*block
	var parts [4 * block]T
	for i := 0; i < l.Count; {
		line, n := x[i*l.Stride:], 1
		if floats, ok := any(line).([]float32); ok && vector {
			n = l.run(totals, l.Count-i, block, &floats[0], nil, 0, any(parts[:]).([]float32))
		} else {
			total8((*[block]T)(parts[:]), line[:whole])
		}
		for k := range n {
			s := (*[block]T)(parts[k*block:])
			for _, v := range line[k*l.Stride:][whole:l.Width] {
				s[0] += v
			}
			sum += float64((s[0] + s[1]) + (s[2] + s[3]) + ((s[4] + s[5]) + (s[6] + s[7])))
		}
		i += n
	}
	return sum
}

// SquareSum returns the sum of (x - centre)^2 over the lines of x, each in four interleaved
// partial sums.
func SquareSum[T float](kn Kernel, x []T, l Lines, centre T) float64 {
	l.check("SquareSum", len(x), len(x))
	const block = 4
	vector, whole := vectorsFor(kn.path) != nil, l.Width/block*block
	var sum float64
	var parts [4 * block]T
	for i := 0; i < l.Count; {
		line, n := x[i*l.Stride:], 1
		if floats, ok := any(line).([]float32); ok && vector && whole > 0 {
			n = l.run(squares, l.Count-i, block, &floats[0], nil, float32(centre), any(parts[:]).([]float32))
		} else {
			squares4((*[block]T)(parts[:]), line[:whole], centre)
		}
		for k := range n {
			s := (*[block]T)(parts[k*block:])
			for _, v := range line[k*l.Stride:][whole:l.Width] {
				s[0] += T((v - centre) * (v - centre))
			}
			sum += float64((s[0] + s[1]) + (s[2] + s[3]))
		}
		i += n
	}
	return sum
}

// Moments returns the sums of y (x - centre) and of y over the lines of x and y, each in
// four interleaved partial sums.
func Moments[T float](kn Kernel, x, y []T, l Lines, centre T) (product, sum float64) {
	l.check("Moments", len(x), len(y))
	const block = 4
	vector, whole := vectorsFor(kn.path) != nil, l.Width/block*block
	var parts [4 * 2 * block]T
	for i := 0; i < l.Count; {
		xs, ys, n := x[i*l.Stride:], y[i*l.Stride:], 1
		if floats, ok := any(xs).([]float32); ok && vector && whole > 0 {
			n = l.run(moments, l.Count-i, block, &floats[0], &any(ys).([]float32)[0], float32(centre), any(parts[:]).([]float32))
		} else {
			moments4((*[2 * block]T)(parts[:]), xs[:whole], ys[:whole], centre)
		}
		for k := range n {
			s := (*[2 * block]T)(parts[k*2*block:])
			rest := xs[k*l.Stride:][whole:l.Width]
			for j, v := range ys[k*l.Stride:][whole:l.Width] {
				s[0] += T(v * (rest[j] - centre))
				s[block] += v
			}
			product += float64((s[0] + s[1]) + (s[2] + s[3]))
			sum += float64((s[4] + s[5]) + (s[6] + s[7]))
		}
		i += n
	}
	return product, sum
}

// run adds up the whole blocks of the next lines, of which some are left, and returns how
// many it took.
func (l Lines) run(sum sumKind, left, block int, x, y *float32, centre float32, parts []float32) int {
	lines := 1
	if left >= 4 {
		lines = 4
	}
	sumLines(sum, lines, l.Width/block, x, y, 4*l.Stride, centre, &parts[0])
	return lines
}

// total8, squares4 and moments4 do in plain Go what the kernels do for a line of whole blocks.

func total8[T float](parts *[8]T, x []T) {
	var s0, s1, s2, s3, s4, s5, s6, s7 T
	for len(x) >= 8 {
		s0, s1, s2, s3 = s0+x[0], s1+x[1], s2+x[2], s3+x[3]
		s4, s5, s6, s7 = s4+x[4], s5+x[5], s6+x[6], s7+x[7]
		x = x[8:]
	}
	*parts = [8]T{s0, s1, s2, s3, s4, s5, s6, s7}
}

func squares4[T float](parts *[4]T, x []T, centre T) {
	var s0, s1, s2, s3 T
	for len(x) >= 4 {
		a, b, c, d := x[0]-centre, x[1]-centre, x[2]-centre, x[3]-centre
		s0, s1, s2, s3 = s0+T(a*a), s1+T(b*b), s2+T(c*c), s3+T(d*d)
		x = x[4:]
	}
	*parts = [4]T{s0, s1, s2, s3}
}

func moments4[T float](parts *[8]T, x, y []T, centre T) {
	var p0, p1, p2, p3, s0, s1, s2, s3 T
	for len(x) >= 4 && len(y) >= 4 {
		p0, p1 = p0+T(y[0]*(x[0]-centre)), p1+T(y[1]*(x[1]-centre))
		p2, p3 = p2+T(y[2]*(x[2]-centre)), p3+T(y[3]*(x[3]-centre))
		s0, s1, s2, s3 = s0+y[0], s1+y[1], s2+y[2], s3+y[3]
		x, y = x[4:], y[4:]
	}
	*parts = [8]T{p0, p1, p2, p3, s0, s1, s2, s3}
}

func (l Lines) check(op string, x, y int) {
	need := (l.Count-1)*l.Stride + l.Width
	if l.Width < 0 || l.Count < 0 || l.Stride < 0 || l.Count > 0 && (x < need || y < need) {
		panic(fmt.Sprintf("gemm: %s of %+v in %d and %d elements", op, l, x, y))
	}
}

package gemm

import "sync"

// side x side is the tile of the plain Go kernel: its sums, a column of A and a row
// of B fit the 32 floating point registers of arm64.
const side = 4

// goRun computes the product in plain Go: A in packed strips of 4 rows, B in
// packed panels of 4 columns, both padded with zeros to full width.
func goRun[T float](p product[T]) {
	if p.source != nil {
		goRunSource(p)
		return
	}
	block := depth(p.k)
	rows := min(blockRows, (p.m+side-1)/side*side)
	buf := borrow[T]((rows + side) * block)
	defer buf.giveBack()
	as, bs := buf.data[:rows*block], buf.data[rows*block:]
	beta := p.beta
	for k0 := 0; k0 < p.k; k0 += block {
		kc := min(p.k-k0, block)
		for i0 := 0; i0 < p.m; i0 += rows {
			m := min(p.m-i0, rows)
			for i := 0; i < m; i += side {
				a := p.a.from(i0+i, k0)
				packLines(as[i*kc:], a, min(side, m-i), kc)
			}
			for j := 0; j < p.n; j += side {
				b, n := p.b.from(k0, j), min(side, p.n-j)
				packLines(bs, b.transposed(), n, kc)
				for i := 0; i < m; i += side {
					sums := goTile(as[i*kc:][:side*kc], bs[:side*kc])
					for r := range min(side, m-i) {
						addRow(p.c[(i0+i+r)*p.ldc+j:][:n], p.alpha, sums[r][:n], beta)
					}
				}
			}
		}
		beta = 1
	}
}

// goRunSource writes out B, a few columns and a block of rows at a time.
func goRunSource[T float](p product[T]) {
	const width = 64
	block := depth(p.k)
	buf := borrow[T](block * width)
	defer buf.giveBack()
	for j := 0; j < p.n; j += width {
		part := p.part(0, p.m, j, min(j+width, p.n))
		part.source = nil
		for k0 := 0; k0 < p.k; k0 += block {
			part.k = min(p.k-k0, block)
			p.source.Fill(buf.data, width, k0, part.k, p.column+j, part.n)
			part.a, part.b = p.a.from(0, k0), strided[T]{buf.data, width, 1}
			goRun(part)
			part.beta = 1
		}
	}
}

// addRow computes c = alpha sums + beta c, without reading c when beta is 0.
func addRow[T float](c []T, alpha T, sums []T, beta T) {
	for j, sum := range sums {
		if beta == 0 {
			c[j] = alpha * sum
		} else {
			c[j] = alpha*sum + beta*c[j]
		}
	}
}

// packLines stores lines rows of x side by side: element t of row i goes to
// dst[t*side+i], for t < kc; the rest of the width is zero.
func packLines[T float](dst []T, x strided[T], lines, kc int) {
	switch {
	case lines == side && x.row == 1:
		for t := range kc {
			*(*[side]T)(dst[t*side:]) = [side]T(x.data[t*x.col:])
		}
	case lines == side && x.col == 1:
		r0, r1, r2, r3 := x.data[:kc], x.data[x.row:][:kc], x.data[2*x.row:][:kc], x.data[3*x.row:][:kc]
		for t := range r0 {
			*(*[side]T)(dst[t*side:]) = [side]T{r0[t], r1[t], r2[t], r3[t]}
		}
	default:
		for t := range kc {
			row := dst[t*side:][:side]
			for i := range lines {
				row[i] = x.data[i*x.row+t*x.col]
			}
			clear(row[lines:])
		}
	}
}

// goTile returns the product of a strip (kc x 4, transposed) and a panel (kc x 4).
func goTile[T float](a, b []T) (c [side][side]T) {
	var c00, c01, c02, c03, c10, c11, c12, c13, c20, c21, c22, c23, c30, c31, c32, c33 T
	for len(a) >= side && len(b) >= side {
		b0, b1, b2, b3 := b[0], b[1], b[2], b[3]
		x := a[0]
		c00, c01, c02, c03 = c00+x*b0, c01+x*b1, c02+x*b2, c03+x*b3
		x = a[1]
		c10, c11, c12, c13 = c10+x*b0, c11+x*b1, c12+x*b2, c13+x*b3
		x = a[2]
		c20, c21, c22, c23 = c20+x*b0, c21+x*b1, c22+x*b2, c23+x*b3
		x = a[3]
		c30, c31, c32, c33 = c30+x*b0, c31+x*b1, c32+x*b2, c33+x*b3
		a, b = a[side:], b[side:]
	}
	return [side][side]T{{c00, c01, c02, c03}, {c10, c11, c12, c13}, {c20, c21, c22, c23}, {c30, c31, c32, c33}}
}

// scratch is memory for packed operands, kept between products.
type scratch[T float] struct {
	data []T
	pool *sync.Pool
}

// The pools hold nothing but memory: which buffer a product gets, or whether it is
// new, cannot be seen in any result.
var scratch32, scratch64 sync.Pool

// borrow returns scratch of at least size elements with arbitrary contents.
func borrow[T float](size int) *scratch[T] {
	pool := &scratch32
	if _, ok := any(T(0)).(float64); ok {
		pool = &scratch64
	}
	s, ok := pool.Get().(*scratch[T])
	if !ok {
		s = &scratch[T]{pool: pool}
	}
	if cap(s.data) < size {
		s.data = make([]T, size)
	}
	s.data = s.data[:size]
	return s
}

func (s *scratch[T]) giveBack() { s.pool.Put(s) }

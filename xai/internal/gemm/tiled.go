package gemm

import "unsafe"

const maxRows, maxVecs = 8, 3

// micro is a family of micro-kernels, one for each tile of up to rows x vecs vectors.
type micro[T float] struct {
	lanes      int // of a vector
	rows, vecs int // of the largest tile
	tile       [maxRows][maxVecs]tileFunc[T]
	packing    [maxVecs]packingFunc[T] // of the largest number of rows

	// transpose8 stores column t of 8 rows at src as 8 elements at dst+t*dstRow,
	// for t < 8*blocks; nil when there is none. Strides are in bytes.
	transpose8 func(blocks int, src *T, srcRow int, dst *T, dstRow int)
}

// tileFunc computes C = alpha A B + beta C for tiles of C that lie side by side.
// Element (i, t) of A is at a + i*aRow + t*aCol, element (t, j) of B at b + t*bRow
// + j*size and C's likewise; the next tile's B is bTile further. All these are in
// bytes. Only the first lanes lanes of a tile's last vector exist.
type tileFunc[T float] func(k, tiles int, a *T, aRow, aCol int, b *T, bRow, bTile int, c *T, cRow int, alpha, beta T, lanes int)

// packingFunc is a tileFunc that also stores the tiles' part of B, k rows of one tile
// and then those of the next, whole vectors, from packed on.
type packingFunc[T float] func(k, tiles int, a *T, aRow, aCol int, b *T, bRow, bTile int, c *T, cRow int, alpha, beta T, lanes int, packed *T)

// Sizes of blocks, tuned on processors with 32-48 kB of L1 and 1-2 MB of L2 cache.
const (
	// blockRows is the number of rows of A that pass over a panel of B.
	blockRows = 512
	// panelBytes is how much of B stays in the L1 cache while they do.
	panelBytes = 32 << 10
	// packBRows is the number of rows of C from which a packed copy of B pays.
	packBRows = 48
	// packACols is the number of columns of C from which a packed copy of A pays.
	packACols = 512
)

// strip is the height of packed pieces of A, for kernels of 4 and of 8 rows.
const strip = 8

// run computes the product on the calling goroutine.
func (mk *micro[T]) run(p product[T]) {
	size := int(unsafe.Sizeof(T(0)))
	block, widest := depth(p.k), mk.vecs*mk.lanes
	written := p.source != nil || p.b.col != 1 // panels of B must be written before use
	packB := written || p.m >= packBRows
	packA := p.n >= packACols && p.m >= strip
	most := max(1, panelBytes/(block*widest*size)) // tiles side by side
	var needA, needB int
	if packB {
		needB = block * min(most*widest, p.n+widest)
	}
	if packA {
		needA = block * min(blockRows, p.m)
	}
	buf := borrow[T](needA + needB)
	defer buf.giveBack()
	bs, as := buf.data[:needB], buf.data[needB:]

	beta := p.beta
	for k0 := 0; k0 < p.k; k0 += block {
		kc := min(p.k-k0, block)
		for i0 := 0; i0 < p.m; i0 += blockRows {
			m := min(p.m-i0, blockRows)
			packed := 0 // rows of A
			if packA {
				packed = m / strip * strip
				for i := 0; i < packed; i += strip {
					mk.pack(as[i*kc:], strip, p.a.from(i0+i, k0), strip, kc)
				}
			}
			for j := 0; j < p.n; {
				vecs, tiles, lanes := mk.cut(p.n-j, most)
				width := vecs * mk.lanes
				var b *T
				bRow, bTile := p.b.row, width
				if written {
					for t := range tiles {
						panel, j, live := bs[t*kc*width:][:kc*width], j+t*width, width-mk.lanes+lanes
						if p.source != nil {
							p.source.Fill(panel, width, k0, kc, p.column+j, live)
						} else {
							mk.pack(panel, width, p.b.from(k0, j).transposed(), live, kc)
						}
					}
					b, bRow, bTile = &bs[0], width, kc*width
				} else {
					b = &p.b.data[k0*p.b.row+j]
				}
				for i := 0; i < m; {
					rows := min(mk.rows, m-i)
					a, aRow, aCol := (*T)(nil), 1, strip
					if i < packed {
						a = &as[i/strip*strip*kc+i%strip]
					} else {
						a, aRow, aCol = &p.a.data[(i0+i)*p.a.row+k0*p.a.col], p.a.row, p.a.col
					}
					c := &p.c[(i0+i)*p.ldc+j]
					if i == 0 && packB && !written && rows == mk.rows {
						mk.packing[vecs-1](kc, tiles, a, aRow*size, aCol*size, b, bRow*size, bTile*size,
							c, p.ldc*size, p.alpha, beta, lanes, &bs[0])
						b, bRow, bTile = &bs[0], width, kc*width
					} else {
						mk.tile[rows-1][vecs-1](kc, tiles, a, aRow*size, aCol*size, b, bRow*size, bTile*size,
							c, p.ldc*size, p.alpha, beta, lanes)
					}
					i += rows
				}
				j += tiles * width
			}
		}
		beta = 1
	}
}

// cut returns the tiles to compute next when n columns are left: how many vectors
// wide, how many side by side (at most most), and how many lanes of their last
// vector exist. It avoids ending with a tile of one vector, which has too few sums
// to keep the multipliers busy.
func (mk *micro[T]) cut(n, most int) (vecs, tiles, lanes int) {
	left := (n + mk.lanes - 1) / mk.lanes
	switch {
	case left <= mk.vecs:
		return left, 1, n - (left-1)*mk.lanes
	case left == mk.vecs+1:
		return mk.vecs - 1, 1, mk.lanes
	}
	tiles = n / (mk.vecs * mk.lanes)
	if left-tiles*mk.vecs == 1 {
		tiles--
	}
	return mk.vecs, min(tiles, most), mk.lanes
}

// pack stores lines rows of x side by side: element t of row i goes to
// dst[t*width+i], for t < kc.
func (mk *micro[T]) pack(dst []T, width int, x strided[T], lines, kc int) {
	size := int(unsafe.Sizeof(T(0)))
	if x.row == 1 && lines == strip {
		for t := range kc {
			*(*[strip]T)(dst[t*width:]) = [strip]T(x.data[t*x.col:])
		}
		return
	}
	i, blocks := 0, kc/8
	if mk.transpose8 != nil && blocks > 0 {
		for ; i+8 <= lines; i += 8 {
			y := x.from(i, 0)
			mk.transpose8(blocks, &y.data[0], y.row*size, &dst[i], width*size)
			if done := blocks * 8; done < kc {
				packCorner(dst[done*width+i:], width, y.from(0, done), 8, kc-done)
			}
		}
	}
	if i < lines {
		packCorner(dst[i:], width, x.from(i, 0), lines-i, kc)
	}
}

// packCorner is pack for the remains of blocks.
func packCorner[T float](dst []T, width int, x strided[T], lines, kc int) {
	for i := range lines {
		for t := range kc {
			dst[t*width+i] = x.data[i*x.row+t*x.col]
		}
	}
}

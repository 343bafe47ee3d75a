package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// microKernels writes a micro-kernel for every tile up to the largest one.
func microKernels(ctx *build.Context, v isa, e elem) {
	o := &ops{Context: ctx, isa: v, elem: e}
	var iota operand.Mem
	if v.bytes == 32 {
		iota = lanesTable(ctx, v, e)
	}
	for rows := 1; rows <= v.rows; rows++ {
		for vecs := 1; vecs <= v.vecs; vecs++ {
			o.microKernel(rows, vecs, false, iota)
		}
	}
	for vecs := 1; vecs <= v.vecs; vecs++ {
		o.microKernel(v.rows, vecs, true, iota)
	}
}

func microName(v isa, e elem, rows, vecs int, packs bool) string {
	suffix := ""
	if packs {
		suffix = "pack"
	}
	return fmt.Sprintf("%sgemm%s_%dx%d%s", e.letter, v.name, rows, vecs, suffix)
}

// lanesTable is the vector 0, 1, 2, ... of integers as wide as the elements.
func lanesTable(ctx *build.Context, v isa, e elem) operand.Mem {
	t := ctx.StaticGlobal(e.letter + "lanes")
	ctx.DataAttributes(attr.RODATA | attr.NOPTR)
	for i := range v.lanes(e) {
		if e.size == 8 {
			ctx.AppendDatum(operand.U64(i))
		} else {
			ctx.AppendDatum(operand.U32(i))
		}
	}
	return t
}

// microKernel writes the kernel of one tile shape. It computes a row of tiles of C,
// side by side; all strides are in bytes. With packs it also stores what it reads of
// B, vector by vector, which costs next to nothing while the multipliers are the
// bottleneck, and fetches the next tile's part of B into the L2 cache.
func (o *ops) microKernel(rows, vecs int, packs bool, iota operand.Mem) {
	name := microName(o.isa, o.elem, rows, vecs, packs)
	o.Function(name)
	o.Attributes(attr.NOSPLIT)
	o.Pragma("noescape")
	doc, packed := fmt.Sprintf("%s computes tiles of %d x %d of C", name, rows, vecs*o.isa.lanes(o.elem)), ""
	if packs {
		doc, packed = doc+" and packs B", fmt.Sprintf(", packed *%s", o.elem.name)
	}
	o.Doc(doc + ".")
	o.SignatureExpr(fmt.Sprintf("func(k, tiles int, a *%[1]s, aRow, aCol int, b *%[1]s, bRow, bTile int, c *%[1]s, cRow int, alpha, beta %[1]s, lanes int%[2]s)", o.elem.name, packed))

	n := o.GP64()
	o.Load(o.Param("lanes"), n)
	o.setMask(n, iota)
	a, aCol, b, bRow, c := o.GP64(), o.GP64(), o.GP64(), o.GP64(), o.GP64()
	o.Load(o.Param("a"), a)
	o.Load(o.Param("aCol"), aCol)
	o.Load(o.Param("b"), b)
	o.Load(o.Param("bRow"), bRow)
	o.Load(o.Param("c"), c)
	aStep := o.rowSteps("aRow", rows)
	tiles := o.GP64()
	o.Load(o.Param("tiles"), tiles)

	var pack reg.Register
	if packs {
		pack = o.GP64()
		o.Load(o.Param("packed"), pack)
	}

	o.Label("tile")
	acc := make([][]reg.VecVirtual, rows)
	for r := range acc {
		acc[r] = make([]reg.VecVirtual, vecs)
		for q := range acc[r] {
			acc[r][q] = o.vector()
			o.zero(acc[r][q])
		}
	}
	aRows := o.quads(a, aStep, rows)
	bk, k := o.GP64(), o.GP64()
	o.MOVQ(b, bk)
	o.Load(o.Param("k"), k)

	o.Label("term")
	bs := make([]reg.VecVirtual, vecs)
	for q := range bs {
		bs[q] = o.vector()
		m := operand.Mem{Base: bk, Disp: q * o.isa.bytes}
		if q == vecs-1 {
			o.load(m, bs[q])
		} else {
			o.move(m, bs[q])
		}
		if packs {
			o.move(bs[q], operand.Mem{Base: pack, Disp: q * o.isa.bytes})
		}
	}
	if packs {
		width := vecs * o.isa.bytes
		for line := 0; line < width; line += 64 {
			o.PREFETCHT1(operand.Mem{Base: bk, Disp: width + line})
		}
		o.ADDQ(operand.U32(width), pack)
	}
	for r := range rows {
		x := o.vector()
		o.broadcast(aStep.at(aRows, r, 0), x)
		for q := range bs {
			o.fma(x, bs[q], acc[r][q])
		}
	}
	for _, p := range aRows {
		o.ADDQ(aCol, p)
	}
	o.ADDQ(bRow, bk)
	o.DECQ(k)
	o.JNZ(operand.LabelRef("term"))

	o.writeBack(acc, c)
	step := o.GP64()
	o.Load(o.Param("bTile"), step)
	o.ADDQ(step, b)
	o.ADDQ(operand.U32(vecs*o.isa.bytes), c)
	o.DECQ(tiles)
	o.JNZ(operand.LabelRef("tile"))
	o.VZEROUPPER()
	o.RET()
}

// writeBack computes C = alpha acc + beta C for the tile at c, without reading C when beta is 0.
func (o *ops) writeBack(acc [][]reg.VecVirtual, c reg.Register) {
	rows, last := len(acc), len(acc[0])-1
	step := o.rowSteps("cRow", rows)
	cRows := o.quads(c, step, rows)
	scale := o.vector()
	alpha, _ := o.Param("alpha").Resolve()
	o.broadcast(alpha.Addr, scale)
	for _, row := range acc {
		for _, x := range row {
			o.mul(scale, x, x)
		}
	}
	beta, _ := o.Param("beta").Resolve()
	bits := o.GP64()
	if o.double() {
		o.MOVQ(beta.Addr, bits)
		o.SHLQ(operand.U8(1), bits) // drop the sign: -0 is 0 too
	} else {
		o.MOVL(beta.Addr, bits.As32())
		o.SHLL(operand.U8(1), bits.As32())
	}
	o.JZ(operand.LabelRef("write"))
	o.broadcast(beta.Addr, scale)
	for r, row := range acc {
		for q, x := range row {
			m := step.at(cRows, r, q*o.isa.bytes)
			if q < last {
				o.fma(m, scale, x)
				continue
			}
			old := o.vector()
			o.load(m, old)
			o.fma(old, scale, x)
		}
	}
	o.Label("write")
	for r, row := range acc {
		for q, x := range row {
			m := step.at(cRows, r, q*o.isa.bytes)
			if q < last {
				o.move(x, m)
			} else {
				o.store(x, m)
			}
		}
	}
}

// rowSteps are multiples of the distance between a matrix' rows: 1 and 3 times.
type rowSteps struct{ once, thrice reg.Register }

func (o *ops) rowSteps(param string, rows int) rowSteps {
	var s rowSteps
	if rows > 1 {
		s.once = o.GP64()
		o.Load(o.Param(param), s.once)
	}
	if rows > 3 {
		s.thrice = o.GP64()
		o.LEAQ(operand.Mem{Base: s.once, Index: s.once, Scale: 2}, s.thrice)
	}
	return s
}

// quads returns a pointer to every fourth row of the matrix at p.
func (o *ops) quads(p reg.Register, s rowSteps, rows int) []reg.GPVirtual {
	var qs []reg.GPVirtual
	for r := 0; r < rows; r += 4 {
		q := o.GP64()
		if r == 0 {
			o.MOVQ(p, q)
		} else {
			o.LEAQ(operand.Mem{Base: qs[len(qs)-1], Index: s.once, Scale: 4}, q)
		}
		qs = append(qs, q)
	}
	return qs
}

// at addresses byte disp of row r.
func (s rowSteps) at(quads []reg.GPVirtual, r, disp int) operand.Mem {
	m := operand.Mem{Base: quads[r/4], Disp: disp}
	switch r % 4 {
	case 1:
		m.Index, m.Scale = s.once, 1
	case 2:
		m.Index, m.Scale = s.once, 2
	case 3:
		m.Index, m.Scale = s.thrice, 1
	}
	return m
}

package main

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Predicates of comparisons, all quiet.
const equal, unordered = 0, 3

// poolKernels writes the maximum over windows of 2 x 2 and its gradient.
func poolKernels(ctx *build.Context) {
	lanes := lanesTable(ctx, avx2, float32s)
	// The vectors that VPERMT2PS takes evens and odds from two vectors by, and puts them
	// side by side again.
	var perms [4]operand.Mem
	for p, name := range []string{"evens", "odds", "lower", "upper"} {
		perms[p] = ctx.StaticGlobal(name)
		ctx.DataAttributes(attr.RODATA | attr.NOPTR)
		for i := range 16 {
			ctx.AppendDatum(operand.U32([]int{2 * i, 2*i + 1, i%2*16 + i/2, i%2*16 + i/2 + 8}[p]))
		}
	}
	for _, v := range []isa{avx2, avx512} {
		for _, gradient := range []bool{false, true} {
			p := pooling{ops: &ops{Context: ctx, isa: v, elem: float32s}}
			p.kernel(gradient, lanes, perms)
		}
	}
}

// pooling writes one kernel. It works on blocks of a vector of windows: two vectors of
// each of the two lines of x.
type pooling struct {
	*ops
	perms               [4]reg.VecVirtual // AVX-512 only
	live                [3]reg.Register   // masks of the last block: its windows, and the vectors of their two halves
	x, below, y, dy, dx reg.GPVirtual     // of this line; below is the line of x below
	dbelow, at          reg.GPVirtual     // at: bytes of y in this line before the block
}

func (p *pooling) kernel(gradient bool, lanes operand.Mem, perms [4]operand.Mem) {
	name := "maxPool2" + p.isa.name
	doc := " stores the maxima of windows of 2 x 2 of x, whose lines are xRow bytes apart, in lines of pairs elements at y."
	signature := "func(lines, pairs int, y, x *float32, xRow int)"
	if gradient {
		name = "maxPool2Grad" + p.isa.name
		doc = " stores dy at dx where x is the first of its window to equal y, else at its last, and 0 elsewhere; dx's lines are like x's."
		signature = "func(lines, pairs int, dx, dy, x, y *float32, xRow int)"
	}
	p.Function(name)
	p.Attributes(attr.NOSPLIT)
	p.Pragma("noescape")
	p.Doc(name + doc)
	p.SignatureExpr(signature)
	param := func(name string) reg.GPVirtual {
		r := p.GP64()
		p.Load(p.Param(name), r)
		return r
	}
	if p.isa.bytes == 64 {
		for i := range perms {
			if gradient || i < 2 {
				p.perms[i] = p.ZMM()
				p.VMOVDQU32(perms[i], p.perms[i])
			}
		}
	}
	n := p.isa.lanes(p.elem)
	rest := param("pairs")
	p.ANDQ(operand.U8(n-1), rest)
	p.setMask(rest, lanes)
	p.live[0] = p.mask
	half := p.GP64()
	p.LEAQ(operand.Mem{Base: rest, Index: rest, Scale: 1}, half)
	p.setMask(half, lanes)
	p.live[1] = p.mask
	none := p.GP64()
	p.XORQ(none, none)
	p.SUBQ(operand.U8(n), half)
	p.CMOVQLT(none, half)
	p.setMask(half, lanes)
	p.live[2] = p.mask

	p.x, p.y, p.below, p.at = param("x"), param("y"), p.GP64(), p.GP64()
	xRow := param("xRow")
	p.LEAQ(operand.Mem{Base: p.x, Index: xRow, Scale: 1}, p.below)
	if gradient {
		p.dy, p.dx, p.dbelow = param("dy"), param("dx"), p.GP64()
		p.LEAQ(operand.Mem{Base: p.dx, Index: xRow, Scale: 1}, p.dbelow)
	}
	block := p.maxima
	if gradient {
		block = p.spread
	}

	lines := param("lines")

	p.Label("line")
	p.XORQ(p.at, p.at)
	left := param("pairs")
	p.Label("block")
	p.SUBQ(operand.U8(n), left)
	p.JL(operand.LabelRef("rest"))
	block(false)
	p.ADDQ(operand.U8(p.isa.bytes), p.at)
	p.JMP(operand.LabelRef("block"))

	p.Label("rest")
	p.CMPQ(left, operand.I8(-n))
	p.JE(operand.LabelRef("next"))
	block(true)

	p.Label("next")
	pairs := param("pairs")
	for _, r := range []reg.GPVirtual{p.y, p.dy} {
		if r != nil {
			p.LEAQ(operand.Mem{Base: r, Index: pairs, Scale: 4}, r)
		}
	}
	for _, r := range []reg.GPVirtual{p.x, p.below, p.dx, p.dbelow} {
		if r != nil {
			p.LEAQ(operand.Mem{Base: r, Index: xRow, Scale: 2}, r)
		}
	}
	p.DECQ(lines)
	p.JNZ(operand.LabelRef("line"))
	p.VZEROUPPER()
	p.RET()
}

// read returns the vector at m, or its live lanes; write stores them.
func (p *pooling) read(m operand.Mem, last bool, which int) reg.VecVirtual {
	v := p.vector()
	if last {
		p.mask = p.live[which]
		p.load(m, v)
	} else {
		p.move(m, v)
	}
	return v
}

func (p *pooling) write(v reg.VecVirtual, m operand.Mem, last bool, which int) {
	if last {
		p.mask = p.live[which]
		p.store(v, m)
	} else {
		p.move(v, m)
	}
}

// windows addresses the windows of a block at a line of y or dy, halves one half of their
// pixels in a line of x or dx.
func (p *pooling) windows(line reg.GPVirtual) operand.Mem {
	return operand.Mem{Base: line, Index: p.at, Scale: 1}
}

func (p *pooling) halves(line reg.GPVirtual, i int) operand.Mem {
	return operand.Mem{Base: line, Index: p.at, Scale: 2, Disp: i * p.isa.bytes}
}

// maxima writes a block of maxPool2.
func (p *pooling) maxima(last bool) {
	var tall [2]reg.VecVirtual
	for i := range tall {
		tall[i] = p.max(p.read(p.halves(p.x, i), last, 1+i), p.read(p.halves(p.below, i), last, 1+i))
	}
	p.write(p.max(p.pick(0, tall[0], tall[1]), p.pick(1, tall[0], tall[1])), p.windows(p.y), last, 0)
}

// spread writes a block of maxPool2Grad.
func (p *pooling) spread(last bool) {
	upper := [2]reg.VecVirtual{p.read(p.halves(p.x, 0), last, 1), p.read(p.halves(p.x, 1), last, 2)}
	lower := [2]reg.VecVirtual{p.read(p.halves(p.below, 0), last, 1), p.read(p.halves(p.below, 1), last, 2)}
	y, dy := p.read(p.windows(p.y), last, 0), p.read(p.windows(p.dy), last, 0)
	x := [3]reg.VecVirtual{p.pick(0, upper[0], upper[1]), p.pick(1, upper[0], upper[1]), p.pick(0, lower[0], lower[1])}
	var d [4]reg.VecVirtual
	if p.isa.bytes == 64 {
		taken, free := p.K(), p.K() // windows whose gradient has, and has not, found its pixel
		for i := range x {
			wins := p.K()
			if d[i] = p.vector(); i == 0 {
				p.VCMPPS(operand.U8(equal), y, x[i], wins)
				p.KMOVW(wins, taken)
			} else {
				p.VCMPPS(operand.U8(equal), y, x[i], free, wins)
				p.KORW(wins, taken, taken)
			}
			p.KNOTW(taken, free)
			p.VMOVAPS_Z(dy, wins, d[i])
		}
		d[3] = p.vector()
		p.VMOVAPS_Z(dy, free, d[3])
	} else {
		left := dy // the gradients that have not found their pixel
		for i := range x {
			wins, rest := p.vector(), p.vector()
			p.VCMPPS(operand.U8(equal), y, x[i], wins)
			d[i] = p.vector()
			p.VANDPS(left, wins, d[i])
			p.VANDNPS(left, wins, rest)
			left = rest
		}
		d[3] = left
	}
	for line, to := range []reg.GPVirtual{p.dx, p.dbelow} {
		for i, v := range p.join(d[2*line], d[2*line+1]) {
			p.write(v, p.halves(to, i), last, 1+i)
		}
	}
}

// max returns the greater of two numbers, +0 of two zeros, and NaN where either is: more
// than the instruction does, which takes its second operand in these two cases.
func (p *pooling) max(v, w reg.VecVirtual) reg.VecVirtual {
	one, other := p.vector(), p.vector()
	p.VMAXPS(v, w, one)
	p.VMAXPS(w, v, other)
	if p.isa.bytes == 64 {
		nan := p.K()
		p.VPANDD(one, other, one)
		p.VCMPPS(operand.U8(unordered), v, w, nan)
		p.VADDPS(v, w, nan, one)
		return one
	}
	nan, sum := p.vector(), p.vector()
	p.VANDPS(one, other, one)
	p.VCMPPS(operand.U8(unordered), v, w, nan)
	p.VADDPS(v, w, sum)
	p.VBLENDVPS(nan, sum, one, one)
	return one
}

// pick returns every second element of v and w, from element 0 or 1.
func (p *pooling) pick(from int, v, w reg.VecVirtual) reg.VecVirtual {
	out := p.vector()
	if p.isa.bytes == 64 {
		p.VMOVAPS(v, out)
		p.VPERMT2PS(w, p.perms[from], out)
		return out
	}
	p.VSHUFPS(operand.U8([]int{0x88, 0xdd}[from]), w, v, out)
	p.VPERMPD(operand.U8(0xd8), out, out)
	return out
}

// join is the reverse of pick: elements of v and w take turns.
func (p *pooling) join(v, w reg.VecVirtual) [2]reg.VecVirtual {
	lo, hi := p.vector(), p.vector()
	if p.isa.bytes == 64 {
		p.VMOVAPS(v, lo)
		p.VMOVAPS(v, hi)
		p.VPERMT2PS(w, p.perms[2], lo)
		p.VPERMT2PS(w, p.perms[3], hi)
		return [2]reg.VecVirtual{lo, hi}
	}
	first, second := p.vector(), p.vector()
	p.VUNPCKLPS(w, v, lo)
	p.VUNPCKHPS(w, v, hi)
	p.VPERM2F128(operand.U8(0x20), hi, lo, first)
	p.VPERM2F128(operand.U8(0x31), hi, lo, second)
	return [2]reg.VecVirtual{first, second}
}

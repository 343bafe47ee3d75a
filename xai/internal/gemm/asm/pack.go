package main

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// packKernels writes the copies that packing is made of.
func packKernels(ctx *build.Context) {
	transpose8(ctx)
	copyPieces(ctx, avx2)
	copyPieces(ctx, avx512)
	transposePieces(ctx)
}

// transpose8 writes the transposition of 8 rows of blocks of 8 x 8 float32.
func transpose8(ctx *build.Context) {
	ctx.Function("transpose8")
	ctx.Attributes(attr.NOSPLIT)
	ctx.Pragma("noescape")
	ctx.Doc("transpose8 stores column t of 8 rows of float32 at src as 8 elements at dst+t*dstRow, for t < 8*blocks. Strides are in bytes.")
	ctx.SignatureExpr("func(blocks int, src *float32, srcRow int, dst *float32, dstRow int)")
	o := &ops{Context: ctx, isa: avx2, elem: float32s}
	n := ctx.GP64()
	ctx.Load(ctx.Param("blocks"), n)
	src, dst := ctx.GP64(), ctx.GP64()
	ctx.Load(ctx.Param("src"), src)
	ctx.Load(ctx.Param("dst"), dst)
	from, to := o.rowSteps("srcRow", 8), o.rowSteps("dstRow", 8)
	srcs, dsts := o.quads(src, from, 8), o.quads(dst, to, 8)
	stride := ctx.GP64()
	ctx.MOVQ(to.once, stride)
	ctx.SHLQ(operand.U8(3), stride)

	ctx.Label("block")
	o.transposeBlock(
		func(r, disp int) operand.Mem { return from.at(srcs, r, disp) },
		func(t int) operand.Mem { return to.at(dsts, t, 0) })
	for _, p := range srcs {
		ctx.ADDQ(operand.U8(32), p)
	}
	for _, p := range dsts {
		ctx.ADDQ(stride, p)
	}
	ctx.DECQ(n)
	ctx.JNZ(operand.LabelRef("block"))
	ctx.VZEROUPPER()
	ctx.RET()
}

// transposeBlock writes the transposition of 8 x 8 float32: src addresses byte disp
// of a row, dst a column.
func (o *ops) transposeBlock(src func(r, disp int) operand.Mem, dst func(t int) operand.Mem) {
	// Halves of rows r and r+4 share a register, so that no later step crosses lanes.
	half := func(r, disp int) reg.VecVirtual {
		v := o.YMM()
		o.VMOVUPS(src(r, disp), v.AsX())
		o.VINSERTF128(operand.U8(1), src(r+4, disp), v, v)
		return v
	}
	for disp := 0; disp < 32; disp += 16 {
		r0, r1, r2, r3 := half(0, disp), half(1, disp), half(2, disp), half(3, disp)
		lo01, hi01, lo23, hi23 := o.YMM(), o.YMM(), o.YMM(), o.YMM()
		o.VUNPCKLPS(r1, r0, lo01)
		o.VUNPCKHPS(r1, r0, hi01)
		o.VUNPCKLPS(r3, r2, lo23)
		o.VUNPCKHPS(r3, r2, hi23)
		for t, pair := range [][2]reg.VecVirtual{{lo01, lo23}, {hi01, hi23}} {
			v, w := o.YMM(), o.YMM()
			o.VUNPCKLPD(pair[1], pair[0], v)
			o.VMOVUPS(v, dst(disp/4+2*t))
			o.VUNPCKHPD(pair[1], pair[0], w)
			o.VMOVUPS(w, dst(disp/4+2*t+1))
		}
	}
}

// transposePieces writes the copy of pieces of an image into columns of 8 rows of a
// patch matrix, transposed.
func transposePieces(ctx *build.Context) {
	ctx.Function("transposePieces")
	ctx.Attributes(attr.NOSPLIT)
	ctx.Pragma("noescape")
	ctx.Doc("transposePieces stores pixel t of each of count pieces of 8 as 8 elements at dst, t*dstRow bytes beyond the piece's place: element i is taken taps[i] elements beyond src.")
	ctx.SignatureExpr("func(src *float32, taps *int32, pieces *int32, count int, dst *float32, dstRow int)")
	o := &ops{Context: ctx, isa: avx2, elem: float32s}
	src, taps := ctx.GP64(), ctx.GP64()
	ctx.Load(ctx.Param("src"), src)
	ctx.Load(ctx.Param("taps"), taps)
	rows := make([]reg.GPVirtual, 8)
	for i := range rows {
		rows[i] = ctx.GP64()
		ctx.MOVLQSX(operand.Mem{Base: taps, Disp: 4 * i}, rows[i])
		ctx.LEAQ(operand.Mem{Base: src, Index: rows[i], Scale: 4}, rows[i])
	}
	next, left := ctx.GP64(), ctx.GP64()
	ctx.Load(ctx.Param("pieces"), next)
	ctx.Load(ctx.Param("count"), left)
	step := o.rowSteps("dstRow", 8)

	ctx.Label("piece")
	at, to := ctx.GP64(), ctx.GP64()
	ctx.MOVLQSX(operand.Mem{Base: next}, at)
	ctx.MOVLQSX(operand.Mem{Base: next, Disp: 4}, to)
	dst, _ := ctx.Param("dst").Resolve()
	ctx.ADDQ(dst.Addr, to)
	o.transposeBlock(
		func(r, disp int) operand.Mem {
			return operand.Mem{Base: rows[r], Index: at, Scale: 1, Disp: disp}
		},
		func(t int) operand.Mem {
			if t == 4 {
				ctx.LEAQ(operand.Mem{Base: to, Index: step.once, Scale: 4}, to)
			}
			return step.at([]reg.GPVirtual{to}, t%4, 0)
		})
	ctx.ADDQ(operand.U8(8), next)
	ctx.DECQ(left)
	ctx.JNZ(operand.LabelRef("piece"))
	ctx.VZEROUPPER()
	ctx.RET()
}

// copyPieces writes the copy of pieces of an image into rows of a patch matrix.
func copyPieces(ctx *build.Context, v isa) {
	name := "copyPieces" + v.name
	ctx.Function(name)
	ctx.Attributes(attr.NOSPLIT)
	ctx.Pragma("noescape")
	ctx.Doc(name + " copies count pieces, a vector each, to every one of rows rows at dst, for row t from taps[t] elements beyond src.")
	ctx.SignatureExpr("func(rows int, src *float32, taps *int32, pieces *int32, count int, dst *float32, dstRow int)")
	o := &ops{Context: ctx, isa: v, elem: float32s}
	load := func(param string) reg.GPVirtual {
		r := ctx.GP64()
		ctx.Load(ctx.Param(param), r)
		return r
	}
	rows, src, taps, pieces, dst, dstRow := load("rows"), load("src"), load("taps"), load("pieces"), load("dst"), load("dstRow")

	ctx.Label("row")
	from := ctx.GP64()
	ctx.MOVLQSX(operand.Mem{Base: taps}, from)
	ctx.LEAQ(operand.Mem{Base: src, Index: from, Scale: 4}, from)
	next, left := ctx.GP64(), load("count")
	ctx.MOVQ(pieces, next)

	ctx.Label("piece")
	at, to := ctx.GP64(), ctx.GP64()
	ctx.MOVLQSX(operand.Mem{Base: next}, at)
	ctx.MOVLQSX(operand.Mem{Base: next, Disp: 4}, to)
	x := o.vector()
	o.move(operand.Mem{Base: from, Index: at, Scale: 1}, x)
	o.move(x, operand.Mem{Base: dst, Index: to, Scale: 1})
	ctx.ADDQ(operand.U8(8), next)
	ctx.DECQ(left)
	ctx.JNZ(operand.LabelRef("piece"))

	ctx.ADDQ(operand.U8(4), taps)
	ctx.ADDQ(dstRow, dst)
	ctx.DECQ(rows)
	ctx.JNZ(operand.LabelRef("row"))
	ctx.VZEROUPPER()
	ctx.RET()
}

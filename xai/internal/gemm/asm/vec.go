package main

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// elementwise is an operation on vectors of float32: it computes dst from x, y and a
// scalar. All of them have the same signature, so that they fit in one table.
type elementwise struct {
	name, doc string
	reads     string // which of d (dst), x and y
	body      func(o *ops, d, x, y, alpha reg.VecVirtual)
}

var elementwises = []elementwise{
	{"add", "dst = x + y", "xy", func(o *ops, d, x, y, _ reg.VecVirtual) { o.VADDPS(y, x, d) }},
	{"scale", "dst = alpha x", "x", func(o *ops, d, x, _, alpha reg.VecVirtual) { o.VMULPS(alpha, x, d) }},
	// Not a fused multiply-add, which plain Go has not.
	{"axpy", "dst = dst + alpha x", "dx", func(o *ops, d, x, _, alpha reg.VecVirtual) {
		o.VMULPS(alpha, x, x)
		o.VADDPS(x, d, d)
	}},
	// The maximum of two zeros, or with a NaN, is its second operand, which is x.
	{"relu", "dst = 0 where x < 0 and x elsewhere", "x", func(o *ops, d, x, _, zero reg.VecVirtual) { o.VMAXPS(x, zero, d) }},
	{"reluGrad", "dst = x where y > 0 and 0 elsewhere", "xy", func(o *ops, d, x, y, zero reg.VecVirtual) {
		const greater = 30 // ordered, quiet
		if o.isa.bytes == 64 {
			positive := o.K()
			o.VCMPPS(operand.U8(greater), zero, y, positive)
			o.VMOVAPS_Z(x, positive, d)
		} else {
			o.VCMPPS(operand.U8(greater), zero, y, y)
			o.VANDPS(x, y, d)
		}
	}},
}

func vecKernels(ctx *build.Context) {
	iota := lanesTable(ctx, avx2, float32s)
	for _, v := range []isa{avx2, avx512} {
		for _, e := range elementwises {
			(&ops{Context: ctx, isa: v, elem: float32s}).elementwise(e, iota)
		}
	}
}

func (o *ops) elementwise(e elementwise, iota operand.Mem) {
	const unroll = 4
	name := e.name + o.isa.name
	o.Function(name)
	o.Attributes(attr.NOSPLIT)
	o.Pragma("noescape")
	o.Doc(name + " computes " + e.doc + " for n elements.")
	o.SignatureExpr("func(n int, dst, x, y *float32, alpha float32)")
	n := o.GP64()
	o.Load(o.Param("n"), n)
	ptr := map[byte]reg.GPVirtual{'d': o.GP64()}
	o.Load(o.Param("dst"), ptr['d'])
	for _, arg := range []string{"x", "y"} {
		for i := range e.reads {
			if e.reads[i] == arg[0] {
				ptr[arg[0]] = o.GP64()
				o.Load(o.Param(arg), ptr[arg[0]])
			}
		}
	}
	scalar := o.vector()
	switch e.name {
	case "scale", "axpy":
		alpha, _ := o.Param("alpha").Resolve()
		o.broadcast(alpha.Addr, scalar)
	case "relu", "reluGrad":
		o.zero(scalar)
	}
	one := func(disp int, load, store func(src, dst operand.Op)) {
		at := func(arg byte) operand.Mem { return operand.Mem{Base: ptr[arg], Disp: disp} }
		v := map[byte]reg.VecVirtual{'d': o.vector()}
		for i := range e.reads {
			arg := e.reads[i]
			if arg != 'd' {
				v[arg] = o.vector()
			}
			load(at(arg), v[arg])
		}
		e.body(o, v['d'], v['x'], v['y'], scalar)
		store(v['d'], at('d'))
	}
	advance := func(bytes int) {
		for _, arg := range []byte("dxy") {
			if p, ok := ptr[arg]; ok {
				o.ADDQ(operand.U32(bytes), p)
			}
		}
	}
	lanes := o.isa.lanes(o.elem)

	o.Label("block")
	o.CMPQ(n, operand.U32(unroll*lanes))
	o.JL(operand.LabelRef("rest"))
	for i := range unroll {
		one(i*o.isa.bytes, o.move, o.move)
	}
	advance(unroll * o.isa.bytes)
	o.SUBQ(operand.U32(unroll*lanes), n)
	o.JMP(operand.LabelRef("block"))

	o.Label("rest")
	o.CMPQ(n, operand.U8(0))
	o.JLE(operand.LabelRef("done"))
	o.setMask(n, iota)
	one(0, func(m, dst operand.Op) { o.load(m.(operand.Mem), dst) }, func(src, m operand.Op) { o.store(src, m.(operand.Mem)) })
	advance(o.isa.bytes)
	o.SUBQ(operand.U32(lanes), n)
	o.JMP(operand.LabelRef("rest"))

	o.Label("done")
	o.VZEROUPPER()
	o.RET()
}

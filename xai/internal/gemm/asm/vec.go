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
	reads     string // which of x and y
	scalars   string // which of a (alpha), b (beta), c (gamma) and 0
	body      func(o *ops, v lanes)
}

// lanes are the registers of an operation; those that it does not read are nil.
type lanes struct{ d, x, y, alpha, beta, gamma, zero reg.VecVirtual }

var elementwises = []elementwise{
	{"add", "dst = x + y", "xy", "", func(o *ops, v lanes) { o.VADDPS(v.y, v.x, v.d) }},
	{"mul", "dst = x y", "xy", "", func(o *ops, v lanes) { o.VMULPS(v.y, v.x, v.d) }},
	{"scale", "dst = alpha x", "x", "a", func(o *ops, v lanes) { o.VMULPS(v.alpha, v.x, v.d) }},
	// No fused multiply-adds, which plain Go has not.
	{"affine", "dst = alpha x + beta", "x", "ab", func(o *ops, v lanes) {
		o.VMULPS(v.alpha, v.x, v.d)
		o.VADDPS(v.beta, v.d, v.d)
	}},
	{"combine", "dst = (gamma + alpha x) + beta y", "xy", "abc", func(o *ops, v lanes) {
		o.VMULPS(v.alpha, v.x, v.d)
		o.VADDPS(v.gamma, v.d, v.d)
		o.VMULPS(v.beta, v.y, v.y)
		o.VADDPS(v.y, v.d, v.d)
	}},
	// The maximum of two zeros, or with a NaN, is its second operand, which is x.
	{"relu", "dst = 0 where x < 0 and x elsewhere", "x", "0", func(o *ops, v lanes) { o.VMAXPS(v.x, v.zero, v.d) }},
	{"reluGrad", "dst = x where y > 0 and 0 elsewhere", "xy", "0", func(o *ops, v lanes) {
		if o.isa.bytes == 64 {
			o.VMOVAPS_Z(v.x, o.positive(v), v.d)
		} else {
			o.VANDPS(v.x, o.positive(v), v.d)
		}
	}},
	{"leaky", "dst = x where y > 0 and alpha x elsewhere", "xy", "a0", func(o *ops, v lanes) {
		o.VMULPS(v.alpha, v.x, v.d)
		if o.isa.bytes == 64 {
			o.VMOVAPS(v.x, o.positive(v), v.d)
		} else {
			o.VBLENDVPS(o.positive(v), v.x, v.d, v.d)
		}
	}},
}

// positive returns the mask of the lanes where y > 0; with AVX2 in the register of y.
func (o *ops) positive(v lanes) reg.Register {
	const greater = 30 // ordered, quiet
	var mask reg.Register = v.y
	if o.isa.bytes == 64 {
		mask = o.K()
	}
	o.VCMPPS(operand.U8(greater), v.zero, v.y, mask)
	return mask
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
	o.SignatureExpr("func(n int, dst, x, y *float32, alpha, beta, gamma float32)")
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
	var scalars lanes
	for _, name := range e.scalars {
		if name == '0' {
			scalars.zero = o.vector()
			o.zero(scalars.zero)
			continue
		}
		to, arg := &scalars.alpha, "alpha"
		switch name {
		case 'b':
			to, arg = &scalars.beta, "beta"
		case 'c':
			to, arg = &scalars.gamma, "gamma"
		}
		*to = o.vector()
		address, _ := o.Param(arg).Resolve()
		o.broadcast(address.Addr, *to)
	}
	one := func(disp int, load, store func(src, dst operand.Op)) {
		v := scalars
		v.d = o.vector()
		for _, arg := range e.reads {
			into := &v.x
			if arg == 'y' {
				into = &v.y
			}
			*into = o.vector()
			load(operand.Mem{Base: ptr[byte(arg)], Disp: disp}, *into)
		}
		e.body(o, v)
		store(v.d, operand.Mem{Base: ptr['d'], Disp: disp})
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

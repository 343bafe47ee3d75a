package main

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// step is an optimiser's update of n weights w along their gradients g, with its memories m
// and v, by constants k. All have the same signature, so that they fit in one table. They
// round after every operation, as plain Go does: no fused multiply-adds.
type step struct {
	name, doc string
	writes    string // which of w, m and v
	constants int
	body      func(o *ops, k []reg.VecVirtual, r weights)
}

// weights are the registers of an update; t is free.
type weights struct{ w, g, m, v, t reg.VecVirtual }

var stepKinds = []step{
	{"adam", "Adam, k = beta1, 1-beta1, beta2, 1-beta2, rate, epsilon", "wmv", 6, adam},
	{"adamDecay", "Adam with weight decay, k[6]", "wmv", 7, func(o *ops, k []reg.VecVirtual, r weights) {
		o.decay(k[6], r)
		adam(o, k, r)
	}},
	{"sgd", "gradient descent, k = rate, decay", "w", 2, func(o *ops, k []reg.VecVirtual, r weights) {
		o.decay(k[1], r)
		o.descend(k[0], r.g, r)
	}},
	{"momentum", "gradient descent with momentum, k = rate, decay, momentum", "wm", 3, func(o *ops, k []reg.VecVirtual, r weights) {
		o.decay(k[1], r)
		o.remember(k[2], r)
		o.descend(k[0], r.m, r)
	}},
	{"nesterov", "gradient descent with Nesterov's momentum, k = rate, decay, momentum", "wm", 3, func(o *ops, k []reg.VecVirtual, r weights) {
		o.decay(k[1], r)
		o.remember(k[2], r)
		o.VMULPS(k[2], r.m, r.t)
		o.VADDPS(r.t, r.g, r.g)
		o.descend(k[0], r.g, r)
	}},
}

// decay computes g += k w.
func (o *ops) decay(k reg.VecVirtual, r weights) {
	o.VMULPS(k, r.w, r.t)
	o.VADDPS(r.t, r.g, r.g)
}

// remember computes m = k m + g.
func (o *ops) remember(k reg.VecVirtual, r weights) {
	o.VMULPS(k, r.m, r.m)
	o.VADDPS(r.g, r.m, r.m)
}

// descend computes w -= k along.
func (o *ops) descend(k, along reg.VecVirtual, r weights) {
	o.VMULPS(k, along, r.t)
	o.VSUBPS(r.t, r.w, r.w)
}

func adam(o *ops, k []reg.VecVirtual, r weights) {
	o.VMULPS(k[0], r.m, r.m) // m = beta1 m + (1-beta1) g
	o.VMULPS(k[1], r.g, r.t)
	o.VADDPS(r.t, r.m, r.m)
	o.VMULPS(k[2], r.v, r.v) // v = beta2 v + (1-beta2) g g
	o.VMULPS(k[3], r.g, r.t)
	o.VMULPS(r.t, r.g, r.t)
	o.VADDPS(r.t, r.v, r.v)
	o.VSQRTPS(r.v, r.g) // w -= rate m / (sqrt(v) + epsilon)
	o.VADDPS(k[5], r.g, r.g)
	o.VMULPS(k[4], r.m, r.t)
	o.VDIVPS(r.g, r.t, r.t)
	o.VSUBPS(r.t, r.w, r.w)
}

func stepKernels(ctx *build.Context) {
	iota := lanesTable(ctx, avx2, float32s)
	for _, v := range []isa{avx2, avx512} {
		for _, s := range stepKinds {
			(&ops{Context: ctx, isa: v, elem: float32s}).step(s, iota)
		}
	}
}

func (o *ops) step(s step, iota operand.Mem) {
	name := s.name + o.isa.name
	o.Function(name)
	o.Attributes(attr.NOSPLIT)
	o.Pragma("noescape")
	o.Doc(name + " updates n weights by " + s.doc + ".")
	o.SignatureExpr("func(n int, w, dw, m, v, k *float32)")
	param := func(name string) reg.GPVirtual {
		r := o.GP64()
		o.Load(o.Param(name), r)
		return r
	}
	n, k := param("n"), param("k")
	constants := make([]reg.VecVirtual, s.constants)
	for i := range constants {
		constants[i] = o.vector()
		o.broadcast(operand.Mem{Base: k, Disp: i * o.elem.size}, constants[i])
	}
	names := "g" + s.writes
	ptr := make(map[rune]reg.GPVirtual)
	for _, name := range names {
		ptr[name] = param(map[rune]string{'w': "w", 'g': "dw", 'm': "m", 'v': "v"}[name]) // g is a register
	}
	one := func(load, store func(src, dst operand.Op)) {
		r := weights{o.vector(), o.vector(), o.vector(), o.vector(), o.vector()}
		of := map[rune]reg.VecVirtual{'w': r.w, 'g': r.g, 'm': r.m, 'v': r.v}
		for _, name := range names {
			load(operand.Mem{Base: ptr[name]}, of[name])
		}
		s.body(o, constants, r)
		for _, name := range s.writes {
			store(of[name], operand.Mem{Base: ptr[name]})
		}
		for _, name := range names {
			o.ADDQ(operand.U8(o.isa.bytes), ptr[name])
		}
	}
	lanes := operand.U8(o.isa.lanes(o.elem))

	o.Label("block")
	o.CMPQ(n, lanes)
	o.JL(operand.LabelRef("rest"))
	one(o.move, o.move)
	o.SUBQ(lanes, n)
	o.JMP(operand.LabelRef("block"))

	o.Label("rest")
	o.CMPQ(n, operand.U8(0))
	o.JLE(operand.LabelRef("done"))
	o.setMask(n, iota)
	one(func(m, dst operand.Op) { o.load(m.(operand.Mem), dst) }, func(src, m operand.Op) { o.store(src, m.(operand.Mem)) })

	o.Label("done")
	o.VZEROUPPER()
	o.RET()
}

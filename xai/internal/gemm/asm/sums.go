package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// reduction is a kernel that adds up blocks of a few lines in partial sums, which it stores
// line by line: of every lane one, so that the order of additions is that of plain Go, and
// no wider. Several lines at a time keep the adders busy.
type reduction struct {
	name, doc string
	lanes     int    // elements of a block
	sums      int    // of each line
	reads     string // which of x and y
	body      func(o *ops, sums []reg.VecVirtual, x, y, centre reg.VecVirtual)
}

var reductions = []reduction{
	{"total", "x", 8, 1, "x", func(o *ops, sums []reg.VecVirtual, x, _, _ reg.VecVirtual) { o.VADDPS(x, sums[0], sums[0]) }},
	{"squares", "(x - centre)(x - centre)", 4, 1, "x", func(o *ops, sums []reg.VecVirtual, x, _, centre reg.VecVirtual) {
		o.VSUBPS(centre, x, x)
		o.VMULPS(x, x, x)
		o.VADDPS(x, sums[0], sums[0])
	}},
	{"moments", "y(x - centre), and then of y,", 4, 2, "xy", func(o *ops, sums []reg.VecVirtual, x, y, centre reg.VecVirtual) {
		o.VSUBPS(centre, x, x)
		o.VMULPS(y, x, x)
		o.VADDPS(x, sums[0], sums[0])
		o.VADDPS(y, sums[1], sums[1])
	}},
}

// linesAtATime are the numbers of lines that there are kernels for.
var linesAtATime = []int{1, 4}

func (r reduction) kernel(lines int) string { return fmt.Sprintf("%s%dAVX2", r.name, lines) }

func sumKernels(ctx *build.Context) {
	for _, r := range reductions {
		for _, lines := range linesAtATime {
			(&ops{Context: ctx, isa: avx2, elem: float32s}).reduction(r, lines)
		}
	}
}

func (o *ops) reduction(r reduction, lines int) {
	name := r.kernel(lines)
	o.Function(name)
	o.Attributes(attr.NOSPLIT)
	o.Pragma("noescape")
	o.Doc(fmt.Sprintf("%s stores at out the sums in %d lanes of %s of blocks of %d elements of %d lines, stride bytes apart.", name, r.lanes, r.doc, r.lanes, lines))
	o.SignatureExpr("func(blocks int, x, y *float32, stride int, centre float32, out *float32)")
	param := func(name string) reg.GPVirtual {
		v := o.GP64()
		o.Load(o.Param(name), v)
		return v
	}
	vector := func() reg.VecVirtual {
		if r.lanes == 4 {
			return o.XMM()
		}
		return o.YMM()
	}
	blocks, stride, out := param("blocks"), param("stride"), param("out")
	ptr := make(map[rune]reg.GPVirtual)
	for _, arg := range r.reads {
		ptr[arg] = param(string(arg))
	}
	centre := vector()
	address, _ := o.Param("centre").Resolve()
	o.VBROADCASTSS(address.Addr, centre)
	var far reg.GPVirtual // three lines
	if lines > 1 {
		far = o.GP64()
		o.LEAQ(operand.Mem{Base: stride, Index: stride, Scale: 2}, far)
	}
	at := func(arg rune, line int) operand.Mem {
		m := operand.Mem{Base: ptr[arg]}
		switch line {
		case 1, 2:
			m.Index, m.Scale = stride, uint8(line)
		case 3:
			m.Index, m.Scale = far, 1
		}
		return m
	}
	sums := make([][]reg.VecVirtual, lines)
	for l := range sums {
		for range r.sums {
			v := vector()
			o.VXORPS(v, v, v)
			sums[l] = append(sums[l], v)
		}
	}

	o.Label("block")
	o.CMPQ(blocks, operand.U8(0))
	o.JLE(operand.LabelRef("done"))
	for l := range lines {
		read := make(map[rune]reg.VecVirtual)
		for _, arg := range r.reads {
			read[arg] = vector()
			o.VMOVUPS(at(arg, l), read[arg])
		}
		r.body(o, sums[l], read['x'], read['y'], centre)
	}
	for _, arg := range r.reads {
		o.ADDQ(operand.U8(r.lanes*o.elem.size), ptr[arg])
	}
	o.DECQ(blocks)
	o.JMP(operand.LabelRef("block"))

	o.Label("done")
	for l := range sums {
		for s, v := range sums[l] {
			o.VMOVUPS(v, operand.Mem{Base: out, Disp: (l*r.sums + s) * r.lanes * o.elem.size})
		}
	}
	o.VZEROUPPER()
	o.RET()
}

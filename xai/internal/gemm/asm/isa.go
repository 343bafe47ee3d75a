package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// elem is an element type of matrices.
type elem struct {
	name   string // in Go
	letter string // in names of functions, as in BLAS
	size   int    // bytes
}

var (
	float32s = elem{"float32", "s", 4}
	float64s = elem{"float64", "d", 8}
)

// isa is an instruction set: the widths of its registers and of the tile that fills them.
type isa struct {
	name  string
	bytes int // of a vector register
	rows  int // of the largest tile
	vecs  int // across the largest tile
}

// The tiles take 4 x 3 accumulators, 3 vectors of B and one of A: all 16 registers
// of AVX2; and 8 x 3 + 3 + 1 of the 32 of AVX-512, where more rows would not help:
// the loads (3 + 8 for 24 multiply-adds) are well below what the ports take, and
// 8 divides the channel counts of most networks.
var (
	avx2   = isa{"AVX2", 32, 4, 3}
	avx512 = isa{"AVX512", 64, 8, 3}
)

func (v isa) lanes(e elem) int { return v.bytes / e.size }

// ops writes the instructions that differ between instruction sets and element types.
type ops struct {
	*build.Context
	isa  isa
	elem elem
	mask reg.Register // the live lanes of a tile's last vector
}

func (o *ops) vector() reg.VecVirtual {
	if o.isa.bytes == 64 {
		return o.ZMM()
	}
	return o.YMM()
}

func (o *ops) double() bool { return o.elem.size == 8 }

func (o *ops) zero(r reg.VecVirtual) {
	if o.isa.bytes == 64 {
		o.VPXORD(r, r, r)
	} else {
		o.VXORPS(r, r, r)
	}
}

func (o *ops) broadcast(m, r operand.Op) {
	if o.double() {
		o.VBROADCASTSD(m, r)
	} else {
		o.VBROADCASTSS(m, r)
	}
}

// fma computes dst += x * y.
func (o *ops) fma(x, y, dst operand.Op) {
	if o.double() {
		o.VFMADD231PD(x, y, dst)
	} else {
		o.VFMADD231PS(x, y, dst)
	}
}

func (o *ops) mul(x, y, dst operand.Op) {
	if o.double() {
		o.VMULPD(x, y, dst)
	} else {
		o.VMULPS(x, y, dst)
	}
}

func (o *ops) move(src, dst operand.Op) {
	if o.double() {
		o.VMOVUPD(src, dst)
	} else {
		o.VMOVUPS(src, dst)
	}
}

// setMask makes the mask of the first n lanes.
func (o *ops) setMask(n reg.Register, iota operand.Mem) {
	if o.isa.bytes == 64 {
		bits := o.GP64()
		o.MOVQ(operand.I64(-1), bits)
		o.BZHIQ(n, bits, bits)
		o.mask = o.K()
		o.KMOVW(bits.As32(), o.mask)
		return
	}
	count := o.XMM()
	o.VMOVQ(n, count)
	o.mask = o.YMM()
	if o.double() {
		o.VPBROADCASTQ(count, o.mask)
		o.VPCMPGTQ(iota, o.mask, o.mask)
	} else {
		o.VPBROADCASTD(count, o.mask)
		o.VPCMPGTD(iota, o.mask, o.mask)
	}
}

// load reads the live lanes of a vector; the others become zero and their memory is not touched.
func (o *ops) load(m operand.Mem, dst operand.Op) {
	switch {
	case o.isa.bytes == 64 && o.double():
		o.VMOVUPD_Z(m, o.mask, dst)
	case o.isa.bytes == 64:
		o.VMOVUPS_Z(m, o.mask, dst)
	case o.double():
		o.VMASKMOVPD(m, o.mask, dst)
	default:
		o.VMASKMOVPS(m, o.mask, dst)
	}
}

// store writes the live lanes of a vector; the memory of the others is not touched.
func (o *ops) store(src operand.Op, m operand.Mem) {
	switch {
	case o.isa.bytes == 64 && o.double():
		o.VMOVUPD(src, o.mask, m)
	case o.isa.bytes == 64:
		o.VMOVUPS(src, o.mask, m)
	case o.double():
		o.VMASKMOVPD(src, o.mask, m)
	default:
		o.VMASKMOVPS(src, o.mask, m)
	}
}

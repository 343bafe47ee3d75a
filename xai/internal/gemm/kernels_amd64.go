package gemm

import "golang.org/x/sys/cpu"

//go:generate go -C asm run .

// runnable reports whether this processor runs the kernels of p. The flags of
// package cpu say also that the operating system keeps the registers.
func runnable(p path) bool {
	x := &cpu.X86
	switch p {
	case pathAVX512:
		return x.HasAVX512F && x.HasBMI2 && runnable(pathAVX2)
	case pathAVX2:
		return x.HasAVX2 && x.HasFMA
	}
	return true
}

// microFor returns the micro-kernels of p, nil for plain Go.
func microFor[T float](p path) *micro[T] {
	if p == pathGo {
		return nil
	}
	var mk any
	switch any(T(0)).(type) {
	case float32:
		mk = &sAVX2
		if p == pathAVX512 {
			mk = &sAVX512
		}
	case float64:
		mk = &dAVX2
		if p == pathAVX512 {
			mk = &dAVX512
		}
	}
	return mk.(*micro[T])
}

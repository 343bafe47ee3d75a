package gemm

import (
	"fmt"
	"math"
)

// steps are the updates of one instruction set of n weights; see the generator for k.
type steps struct{ adam, adamDecay, sgd, momentum, nesterov stepFunc }

type stepFunc func(n int, w, dw, m, v, k *float32)

// AdamStep holds the numbers of one step of Adam, the corrections of both means folded into
// Rate and Epsilon.
type AdamStep[T float] struct {
	Beta1, Rest1 T // decay of the mean of gradients, and 1 minus that
	Beta2, Rest2 T // the same of the squared ones
	Rate         T
	Epsilon      T
	Decay        T // of weights; 0 leaves the gradients alone
}

// Update changes weights w along their gradients g, with the means m of gradients and v of
// squared ones:
//
//	g' = g + Decay w,  m = Beta1 m + Rest1 g',  v = Beta2 v + Rest2 g' g',
//	w = w - Rate m / (sqrt(v) + Epsilon)
//
// every operation rounded. The slices must not overlap. It panics when lengths differ.
func (s AdamStep[T]) Update(kn Kernel, w, g, m, v []T) {
	checkStep("AdamStep", len(w), len(g), len(m), len(v))
	if w, ok := any(w).([]float32); ok && len(w) > 0 {
		if f := stepsFor(kn.path); f != nil {
			k := [...]float32{float32(s.Beta1), float32(s.Rest1), float32(s.Beta2), float32(s.Rest2), float32(s.Rate), float32(s.Epsilon), float32(s.Decay)}
			update := f.adam
			if s.Decay != 0 {
				update = f.adamDecay
			}
			update(len(w), &w[0], &any(g).([]float32)[0], &any(m).([]float32)[0], &any(v).([]float32)[0], &k[0])
			return
		}
	}
	for j, d := range g { // conversions keep compilers from fusing
		if s.Decay != 0 {
			d += T(s.Decay * w[j])
		}
		m[j] = T(s.Beta1*m[j]) + T(s.Rest1*d)
		v[j] = T(s.Beta2*v[j]) + T(T(s.Rest2*d)*d)
		w[j] -= T(s.Rate*m[j]) / (sqrt(v[j]) + s.Epsilon)
	}
}

// SGDStep holds the numbers of one step of gradient descent.
type SGDStep[T float] struct {
	Rate     T
	Decay    T // of weights
	Momentum T // 0 for none
	Nesterov bool
}

// Update changes weights w along their gradients g, with momentum by their velocities m,
// which without are not looked at:
//
//	g' = g + Decay w,  m = Momentum m + g',  w = w - Rate m
//
// and with Nesterov w = w - Rate (g' + Momentum m), every operation rounded. The slices must
// not overlap. It panics when lengths differ.
func (s SGDStep[T]) Update(kn Kernel, w, g, m []T) {
	moving := s.Momentum != 0
	if !moving {
		m = g // never written
	}
	checkStep("SGDStep", len(w), len(g), len(m), len(m))
	if w, ok := any(w).([]float32); ok && len(w) > 0 {
		if f := stepsFor(kn.path); f != nil {
			k := [...]float32{float32(s.Rate), float32(s.Decay), float32(s.Momentum)}
			update := f.sgd
			switch {
			case moving && s.Nesterov:
				update = f.nesterov
			case moving:
				update = f.momentum
			}
			update(len(w), &w[0], &any(g).([]float32)[0], &any(m).([]float32)[0], nil, &k[0])
			return
		}
	}
	for j, d := range g {
		d += T(s.Decay * w[j])
		if moving {
			m[j] = T(s.Momentum*m[j]) + d
			if s.Nesterov {
				d += T(s.Momentum * m[j])
			} else {
				d = m[j]
			}
		}
		w[j] -= T(s.Rate * d)
	}
}

// sqrt is the correctly rounded root: that of float64, rounded once more, is exact for
// float32, as it has more than twice its digits.
func sqrt[T float](x T) T { return T(math.Sqrt(float64(x))) }

func checkStep(op string, w, g, m, v int) {
	if w != g || w != m || w != v {
		panic(fmt.Sprintf("gemm: %s of %d weights, %d gradients, and memories of %d and %d", op, w, g, m, v))
	}
}

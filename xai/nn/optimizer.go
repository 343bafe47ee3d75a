package nn

import (
	"context"
	"fmt"
	"math"

	"github.com/whybook/whybook/xai/internal/graph"
	"github.com/whybook/whybook/xai/internal/parallel"
)

// Optimizer is a rule by which gradients change weights. The implementations are Adam and
// SGD.
type Optimizer interface {
	withDefaults() Optimizer
	check() error
	rate() float64
}

// updater applies an optimiser's rule to the weights and keeps the rule's memory.
type updater[T graph.Float] struct {
	slots []string   // names of what the rule remembers of each weight
	state [][2][]T   // those memories, zero at first, for each parameter
	n     int        // steps taken
	spans []span     // what is updated at a time
	rule  stepper[T] // the optimiser's rule
}

// stepper returns the update of step n, which counts from 1, at the given rate: a
// function that changes weights w along their gradients g. It works on single elements,
// so that the parameters can be cut at will.
type stepper[T graph.Float] func(n int, rate float64) func(w, g []T, state [2][]T)

// span is a part of a parameter.
type span struct{ param, lo, hi int }

// spanSize is the number of weights that one processor updates at a time.
const spanSize = 1 << 14

func newUpdater[T graph.Float](o Optimizer, params []param[T]) *updater[T] {
	u := &updater[T]{}
	switch o := o.(type) {
	case Adam:
		u.slots, u.rule = []string{"m", "v"}, adamRule[T](o)
	case SGD:
		if o.Momentum > 0 {
			u.slots = []string{"momentum"}
		}
		u.rule = sgdRule[T](o)
	}
	for i, p := range params {
		var state [2][]T
		for k := range u.slots {
			state[k] = make([]T, len(p.data))
		}
		u.state = append(u.state, state)
		for lo := 0; lo < len(p.data); lo += spanSize {
			u.spans = append(u.spans, span{i, lo, min(lo+spanSize, len(p.data))})
		}
	}
	return u
}

// update changes the parameters, always the same ones, by one step along grads.
func (u *updater[T]) update(params []param[T], grads []*graph.Node[T], rate float64) {
	u.n++
	step := u.rule(u.n, rate)
	// The spans are disjoint, and nothing here can fail.
	_ = parallel.Blocks(context.Background(), len(u.spans), 1, func(i, _ int) error {
		s := u.spans[i]
		var state [2][]T
		for k := range u.slots {
			state[k] = u.state[s.param][k][s.lo:s.hi]
		}
		step(params[s.param].data[s.lo:s.hi], grads[s.param].Data()[s.lo:s.hi], state)
		return nil
	})
}

// setting is a named number, for checks.
type setting struct {
	name  string
	value float64
}

// atLeastZero reports the first setting that is negative, NaN or infinite.
func atLeastZero(settings ...setting) error {
	for _, s := range settings {
		if !(s.value >= 0) || math.IsInf(s.value, 0) {
			return fmt.Errorf("field %s must not be negative and must be finite, is %v", s.name, s.value)
		}
	}
	return nil
}

// below1 reports the first setting that is not in [0, 1).
func below1(settings ...setting) error {
	for _, s := range settings {
		if !(s.value >= 0 && s.value < 1) {
			return fmt.Errorf("field %s must be in [0, 1), is %v", s.name, s.value)
		}
	}
	return nil
}

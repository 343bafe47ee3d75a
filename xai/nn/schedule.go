package nn

import (
	"fmt"
	"math"
	"slices"
)

// Schedule says how the optimiser's rate changes from epoch to epoch. The implementations
// are Constant, Steps and Cosine.
type Schedule interface {
	// Factor returns what the rate is multiplied with in the given epoch, 1 to epochs.
	Factor(epoch, epochs int) float64

	withDefaults() Schedule
	check(epochs int) error
}

// Constant keeps the rate. It is the default.
type Constant struct{}

// Factor returns 1.
func (Constant) Factor(epoch, epochs int) float64 { return 1 }

func (Constant) withDefaults() Schedule { return Constant{} }
func (Constant) check(int) error        { return nil }

// Steps changes the rate after certain epochs. The imbalance paper's authors use
// Steps{At: []int{160, 180}, Factors: []float64{0.01, 0.0001}, Warmup: 5} for 200 epochs.
type Steps struct {
	At      []int     // epochs after which the rate changes, ascending, each from 1 to the last but one
	Factors []float64 // what the optimiser's rate is then multiplied with, one for each of At; default 0.1, 0.01, 0.001, ...
	Warmup  int       // epochs over which the rate rises: 1/Warmup of it in the first, all of it in epoch Warmup; default 0
}

// Factor implements Schedule.
func (s Steps) Factor(epoch, epochs int) float64 {
	if epoch <= s.Warmup {
		return float64(epoch) / float64(s.Warmup)
	}
	s, factor := s.filled(), 1.0
	for i, at := range s.At {
		if epoch > at {
			factor = s.Factors[i]
		}
	}
	return factor
}

// filled returns the schedule with its default factors.
func (s Steps) filled() Steps {
	if s.Factors == nil {
		for i := range s.At {
			s.Factors = append(s.Factors, math.Pow10(-i-1))
		}
	}
	return s
}

func (s Steps) withDefaults() Schedule {
	s = s.filled()
	s.At, s.Factors = slices.Clone(s.At), slices.Clone(s.Factors)
	return s
}

func (s Steps) check(epochs int) error {
	if len(s.Factors) != len(s.At) {
		return fmt.Errorf("field Factors has %d values for %d epochs in field At", len(s.Factors), len(s.At))
	}
	last := 0
	for i, at := range s.At {
		switch {
		case at <= last && i > 0:
			return fmt.Errorf("field At must be ascending, but %d follows %d", at, last)
		case at < 1 || at >= epochs:
			return fmt.Errorf("field At: a change after epoch %d is not within %d epochs (1-%d)", at, epochs, epochs-1)
		}
		last = at
		if err := atLeastZero(setting{fmt.Sprintf("Factors[%d]", i), s.Factors[i]}); err != nil {
			return err
		}
	}
	if len(s.At) > 0 && s.Warmup > s.At[0] {
		return fmt.Errorf("field Warmup of %d epochs must end before the first change, after epoch %d", s.Warmup, s.At[0])
	}
	return checkWarmup(s.Warmup, epochs)
}

func checkWarmup(warmup, epochs int) error {
	if warmup < 0 || warmup > epochs {
		return fmt.Errorf("field Warmup must be from 0 to %d epochs, is %d", epochs, warmup)
	}
	return nil
}

// Cosine lowers the rate along half a cosine (Loshchilov and Hutter 2017, without
// restarts): all of it in the first epoch after the warm-up, and the part End would be
// reached in the epoch after the last, as in PyTorch's CosineAnnealingLR.
type Cosine struct {
	Warmup int     // epochs over which the rate rises, as in Steps; default 0
	End    float64 // part of the rate that is left at the end, in [0, 1]; default 0
}

// Factor implements Schedule.
func (c Cosine) Factor(epoch, epochs int) float64 {
	if epoch <= c.Warmup {
		return float64(epoch) / float64(c.Warmup)
	}
	part := float64(epoch-1-c.Warmup) / float64(epochs-c.Warmup)
	return c.End + (1-c.End)*(1+math.Cos(math.Pi*part))/2
}

func (c Cosine) withDefaults() Schedule { return c }

func (c Cosine) check(epochs int) error {
	if !(c.End >= 0 && c.End <= 1) {
		return fmt.Errorf("field End must be in [0, 1], is %v", c.End)
	}
	return checkWarmup(c.Warmup, epochs)
}

package nn

import (
	"fmt"
	"math"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
)

// BatchNorm normalises each channel (Ioffe and Szegedy 2015) and then scales and shifts it
// by trained numbers: while training by the mean and variance of the batch, else by their
// running averages, which training keeps.
type BatchNorm struct {
	Epsilon  float64 // added to the variance; default 1e-5
	Momentum float64 // weight of the newest batch in the running averages; default 0.1
}

func (BatchNorm) kind() string { return "bn" }

func (l BatchNorm) epsilon() float64 {
	if l.Epsilon == 0 {
		return 1e-5
	}
	return l.Epsilon
}

func (l BatchNorm) momentum() float64 {
	if l.Momentum == 0 {
		return 0.1
	}
	return l.Momentum
}

func (l BatchNorm) shape(in []datasets.Shape) (datasets.Shape, error) {
	if !(l.Epsilon >= 0) || math.IsInf(l.Epsilon, 0) || !(l.Momentum >= 0 && l.Momentum <= 1) {
		return datasets.Shape{}, fmt.Errorf("epsilon must be positive and momentum in [0, 1], not %v and %v", l.Epsilon, l.Momentum)
	}
	return one(in)
}

func (l BatchNorm) weights(in []datasets.Shape) []weight {
	c := in[0].Channels
	vector := func(name string, start float64, state bool) weight {
		return weight{name: name, dims: []int{c}, rows: 1, cols: c, start: start, state: state}
	}
	return []weight{
		vector("weight", 1, false), vector("bias", 0, false),
		vector("running_mean", 0, true), vector("running_var", 1, true),
	}
}

// Normalize subtracts a mean and divides by a standard deviation, channel by channel. As
// a layer it belongs to the network, so that explanations stay in units of the image.
type Normalize struct {
	plain
	Mean, Std []float64 // one per channel, or one for all; Std above 0
}

func (Normalize) kind() string { return "normalize" }

func (l Normalize) shape(in []datasets.Shape) (datasets.Shape, error) {
	x, err := one(in)
	if err != nil {
		return x, err
	}
	for _, list := range [][]float64{l.Mean, l.Std} {
		if len(list) != 1 && len(list) != x.Channels {
			return x, fmt.Errorf("needs 1 or %d means and standard deviations, has %d and %d", x.Channels, len(l.Mean), len(l.Std))
		}
	}
	for i := range max(len(l.Mean), len(l.Std)) {
		mean, std := l.at(i)
		if !finite(mean) || !finite(std) || std <= 0 {
			return x, fmt.Errorf("channel %d: mean %v and standard deviation %v must be finite, the second above 0", i, mean, std)
		}
	}
	return x, nil
}

// at returns the mean and standard deviation of channel c.
func (l Normalize) at(c int) (mean, std float64) {
	return l.Mean[min(c, len(l.Mean)-1)], l.Std[min(c, len(l.Std)-1)]
}

// columns returns what the layer does to each value of an input: x*scale + shift.
func (l Normalize) columns(in datasets.Shape) (scale, shift []float64) {
	scale, shift = make([]float64, in.Size()), make([]float64, in.Size())
	for j := range scale {
		mean, std := l.at(j / (in.Height * in.Width))
		scale[j], shift[j] = 1/std, -mean/std
	}
	return scale, shift
}

// Affine multiplies by fixed numbers and adds fixed numbers: one for all values, one for
// each channel, or one for each value. Imported networks use it for their constants.
type Affine struct {
	plain
	Scale []float64 // default 1
	Shift []float64 // default 0
}

func (Affine) kind() string { return "affine" }

func (l Affine) shape(in []datasets.Shape) (datasets.Shape, error) {
	x, err := one(in)
	if err != nil {
		return x, err
	}
	for _, list := range [][]float64{l.Scale, l.Shift} {
		if n := len(list); n > 1 && n != x.Channels && n != x.Size() {
			return x, fmt.Errorf("%d numbers for an input of %v: give 1, %d (channels) or %d (values): %w", n, x, x.Channels, x.Size(), xai.ErrShape)
		}
		for i, v := range list {
			if !finite(v) {
				return x, fmt.Errorf("number %d is %v", i, v)
			}
		}
	}
	return x, nil
}

// columns returns what the layer does to each value of an input.
func (l Affine) columns(in datasets.Shape) (scale, shift []float64) {
	spread := func(list []float64, fallback float64) []float64 {
		out := make([]float64, in.Size())
		for j := range out {
			switch len(list) {
			case 0:
				out[j] = fallback
			case 1:
				out[j] = list[0]
			case in.Size():
				out[j] = list[j]
			default:
				out[j] = list[j/(in.Height*in.Width)]
			}
		}
		return out
	}
	return spread(l.Scale, 1), spread(l.Shift, 0)
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

package nn

import (
	"fmt"
	"math"

	"github.com/whybook/whybook/datasets"
)

// Dense is a fully connected layer. Images are flattened, channel by channel. Initial
// weights are normal with variance 2/fan-in (He et al. 2015), biases zero.
type Dense struct {
	Units  int // outputs, at least 1
	NoBias bool
}

func (Dense) kind() string { return "fc" }

func (l Dense) shape(in []datasets.Shape) (datasets.Shape, error) {
	x, err := one(in)
	if err != nil {
		return x, err
	}
	if l.Units < 1 {
		return x, fmt.Errorf("number of units must be at least 1, not %d", l.Units)
	}
	return datasets.Shape{Channels: l.Units, Height: 1, Width: 1}, nil
}

func (l Dense) weights(in []datasets.Shape) []weight {
	fan := in[0].Size()
	list := []weight{{
		name: "weight", dims: []int{l.Units, fan}, rows: l.Units, cols: fan,
		spread: math.Sqrt(2 / float64(fan)),
	}}
	if !l.NoBias {
		list = append(list, bias(l.Units))
	}
	return list
}

// CosineDense is a classifier of directions: score k is the cosine of the angle between the
// input and row k of the weights, in [-1, 1]. Training with LDAM multiplies it by its Scale
// (Cao et al. 2019), whose networks end in this layer.
type CosineDense struct {
	Units int // outputs, at least 1
}

func (CosineDense) kind() string { return "cosine" }

func (l CosineDense) shape(in []datasets.Shape) (datasets.Shape, error) {
	return Dense{Units: l.Units}.shape(in)
}

func (l CosineDense) weights(in []datasets.Shape) []weight {
	return Dense{Units: l.Units, NoBias: true}.weights(in)
}

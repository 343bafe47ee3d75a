package nn

import (
	"fmt"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
)

// Add is the sum of two or more inputs of one shape.
type Add struct{ plain }

func (Add) kind() string { return "add" }

func (Add) shape(in []datasets.Shape) (datasets.Shape, error) { return alike(in, 2, maxInputs) }

// Sub is the first input less the second.
type Sub struct{ plain }

func (Sub) kind() string { return "sub" }

func (Sub) shape(in []datasets.Shape) (datasets.Shape, error) { return alike(in, 2, 2) }

// Mul is the product of two inputs, value by value.
type Mul struct{ plain }

func (Mul) kind() string { return "mul" }

func (Mul) shape(in []datasets.Shape) (datasets.Shape, error) { return alike(in, 2, 2) }

// Div is the first input divided by the second, value by value.
type Div struct{ plain }

func (Div) kind() string { return "div" }

func (Div) shape(in []datasets.Shape) (datasets.Shape, error) { return alike(in, 2, 2) }

// Concat puts the channels of its inputs one after the other.
type Concat struct{ plain }

func (Concat) kind() string { return "concat" }

func (Concat) shape(in []datasets.Shape) (datasets.Shape, error) {
	if len(in) < 2 || len(in) > maxInputs {
		return datasets.Shape{}, fmt.Errorf("takes 2 to %d inputs, not %d", maxInputs, len(in))
	}
	out := in[0]
	for i, s := range in[1:] {
		if s.Height != out.Height || s.Width != out.Width {
			return out, fmt.Errorf("input %d is %v, the first one %v: %w", i+1, s, in[0], xai.ErrShape)
		}
		out.Channels += s.Channels
	}
	return out, nil
}

// maxInputs bounds what a layer can join.
const maxInputs = 1024

// alike returns the shape that all inputs must have.
func alike(in []datasets.Shape, least, most int) (datasets.Shape, error) {
	if len(in) < least || len(in) > most {
		if least == most {
			return datasets.Shape{}, fmt.Errorf("takes %d inputs, not %d", least, len(in))
		}
		return datasets.Shape{}, fmt.Errorf("takes %d to %d inputs, not %d", least, most, len(in))
	}
	for i, s := range in {
		if s != in[0] {
			return s, fmt.Errorf("input %d is %v, the first one %v: %w", i, s, in[0], xai.ErrShape)
		}
	}
	return in[0], nil
}

package nn

import (
	"fmt"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
)

// Slice keeps every Step-th row and column of the image, from the first on.
type Slice struct {
	plain
	Step int // at least 1
}

func (Slice) kind() string { return "slice" }

func (l Slice) shape(in []datasets.Shape) (datasets.Shape, error) {
	x, err := one(in)
	if err != nil {
		return x, err
	}
	if l.Step < 1 {
		return x, fmt.Errorf("step must be at least 1, not %d", l.Step)
	}
	return datasets.Shape{Channels: x.Channels, Height: (x.Height + l.Step - 1) / l.Step, Width: (x.Width + l.Step - 1) / l.Step}, nil
}

func (l Slice) index(in datasets.Shape) []int32 {
	var index []int32
	for c := range in.Channels {
		for y := 0; y < in.Height; y += l.Step {
			for x := 0; x < in.Width; x += l.Step {
				index = append(index, int32((c*in.Height+y)*in.Width+x))
			}
		}
	}
	return index
}

// Pad adds zeros: channels before and after, rows and columns around.
type Pad struct {
	plain
	Before, After            int // channels
	Top, Left, Bottom, Right int // rows and columns
}

func (Pad) kind() string { return "pad" }

func (l Pad) shape(in []datasets.Shape) (datasets.Shape, error) {
	x, err := one(in)
	if err != nil {
		return x, err
	}
	all := []int{l.Before, l.After, l.Top, l.Left, l.Bottom, l.Right}
	for _, v := range all {
		if v < 0 || v > maxWidth {
			return x, fmt.Errorf("padding must be from 0 to %d, not %d", maxWidth, v)
		}
	}
	return datasets.Shape{
		Channels: x.Channels + l.Before + l.After,
		Height:   x.Height + l.Top + l.Bottom,
		Width:    x.Width + l.Left + l.Right,
	}, nil
}

func (l Pad) index(in datasets.Shape) []int32 {
	var index []int32
	for c := -l.Before; c < in.Channels+l.After; c++ {
		for y := -l.Top; y < in.Height+l.Bottom; y++ {
			for x := -l.Left; x < in.Width+l.Right; x++ {
				if c < 0 || c >= in.Channels || y < 0 || y >= in.Height || x < 0 || x >= in.Width {
					index = append(index, -1)
				} else {
					index = append(index, int32((c*in.Height+y)*in.Width+x))
				}
			}
		}
	}
	return index
}

// Gather makes its output of values of its input, by their position there (channel-major);
// -1 stands for a zero. Every movement of values is a Gather: slices, transpositions,
// reshapes. Imported networks use it.
type Gather struct {
	plain
	Output datasets.Shape // shape of the output
	Index  []int32        // one for each output value; nil keeps all in order
}

func (Gather) kind() string { return "gather" }

func (l Gather) shape(in []datasets.Shape) (datasets.Shape, error) {
	x, err := one(in)
	if err != nil {
		return x, err
	}
	o := l.Output
	if o.Channels < 1 || o.Height < 1 || o.Width < 1 || o.Channels > maxWidth || o.Height > maxWidth || o.Width > maxWidth {
		return x, fmt.Errorf("output shape %v: %w", o, xai.ErrShape)
	}
	want := len(l.Index)
	if l.Index == nil {
		want = x.Size()
	}
	if o.Size() != want {
		return x, fmt.Errorf("%d values for an output of %v: %w", want, o, xai.ErrShape)
	}
	for i, at := range l.Index {
		if at < -1 || int(at) >= x.Size() {
			return x, fmt.Errorf("position %d of output %d: the input has %d values: %w", at, i, x.Size(), xai.ErrShape)
		}
	}
	return o, nil
}

// Upsample repeats every pixel Factor times in both directions (nearest neighbour).
type Upsample struct {
	plain
	Factor int // at least 1
}

func (Upsample) kind() string { return "upsample" }

func (l Upsample) shape(in []datasets.Shape) (datasets.Shape, error) {
	x, err := one(in)
	if err != nil {
		return x, err
	}
	if l.Factor < 1 || l.Factor > maxWidth {
		return x, fmt.Errorf("factor must be at least 1, not %d", l.Factor)
	}
	return datasets.Shape{Channels: x.Channels, Height: x.Height * l.Factor, Width: x.Width * l.Factor}, nil
}

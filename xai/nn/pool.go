package nn

import (
	"fmt"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/internal/graph"
)

// MaxPool takes the maximum of each window of Kernel x Kernel. Where elements tie, the
// first one in reading order takes the gradient, as in PyTorch.
type MaxPool struct {
	plain
	Kernel int    // at least 1
	Stride int    // default Kernel
	Pad    int    // border that never wins, less than Kernel; default 0
	Window Window // if set, replaces Kernel, Stride and Pad
}

func (MaxPool) kind() string { return "pool" }

func (l MaxPool) window() Window { return poolWindow(l.Kernel, l.Stride, l.Pad, l.Window) }

func (l MaxPool) shape(in []datasets.Shape) (datasets.Shape, error) { return poolShape(l.window(), in) }

// AvgPool takes the mean of each window of Kernel x Kernel.
type AvgPool struct {
	plain
	Kernel     int    // at least 1
	Stride     int    // default Kernel
	Pad        int    // border, less than Kernel; default 0
	SkipBorder bool   // divide by the number of pixels; by default the border's zeros count, as in PyTorch
	Window     Window // if set, replaces Kernel, Stride and Pad
}

func (AvgPool) kind() string { return "avgpool" }

func (l AvgPool) window() Window { return poolWindow(l.Kernel, l.Stride, l.Pad, l.Window) }

func (l AvgPool) shape(in []datasets.Shape) (datasets.Shape, error) {
	if w := l.window(); w.DilationH > 1 || w.DilationW > 1 {
		return datasets.Shape{}, fmt.Errorf("an average has no dilation, not %dx%d", w.DilationH, w.DilationW)
	}
	return poolShape(l.window(), in)
}

func poolWindow(kernel, stride, pad int, general Window) Window {
	if stride == 0 {
		stride = kernel
	}
	return window(kernel, stride, pad, 1, general)
}

func poolShape(w Window, in []datasets.Shape) (datasets.Shape, error) {
	x, err := one(in)
	if err != nil {
		return x, err
	}
	if err := w.check(x); err != nil {
		return x, err
	}
	if !graph.Window(w).Covered(plane(x)) {
		return x, fmt.Errorf("some position of the window has no pixel of the %dx%d input, only padding: %w", x.Height, x.Width, xai.ErrShape)
	}
	h, width := w.over(x)
	return datasets.Shape{Channels: x.Channels, Height: h, Width: width}, nil
}

// AdaptiveAvgPool takes the means of Height x Width bins that cover the image, by PyTorch's
// rule: bin i of m over a length s covers floor(i*s/m) up to ceil((i+1)*s/m).
type AdaptiveAvgPool struct {
	plain
	Height, Width int // of the output, at least 1 and at most the input's
}

func (AdaptiveAvgPool) kind() string { return "adaptiveavgpool" }

func (l AdaptiveAvgPool) shape(in []datasets.Shape) (datasets.Shape, error) {
	x, err := one(in)
	if err != nil {
		return x, err
	}
	if l.Height < 1 || l.Width < 1 || l.Height > x.Height || l.Width > x.Width {
		return x, fmt.Errorf("%dx%d bins do not fit an image of %dx%d: %w", l.Height, l.Width, x.Height, x.Width, xai.ErrShape)
	}
	return datasets.Shape{Channels: x.Channels, Height: l.Height, Width: l.Width}, nil
}

// GlobalAvgPool takes the mean of each channel.
type GlobalAvgPool struct{ plain }

func (GlobalAvgPool) kind() string { return "gap" }

func (GlobalAvgPool) shape(in []datasets.Shape) (datasets.Shape, error) {
	x, err := one(in)
	return datasets.Shape{Channels: x.Channels, Height: 1, Width: 1}, err
}

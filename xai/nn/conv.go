package nn

import (
	"fmt"
	"math"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/internal/graph"
)

// Window is the general geometry of a sliding kernel, for what Kernel, Stride and Pad of a
// layer cannot say.
type Window struct {
	KernelH, KernelW         int // at least 1
	StrideH, StrideW         int // default 1
	Top, Left, Bottom, Right int // border around the image
	DilationH, DilationW     int // distance between the kernel's elements; default 1
}

// window returns the geometry of a square kernel, or general where that is set.
func window(kernel, stride, pad, dilation int, general Window) Window {
	if general != (Window{}) {
		return general
	}
	return Window{
		KernelH: kernel, KernelW: kernel, StrideH: stride, StrideW: stride,
		Top: pad, Left: pad, Bottom: pad, Right: pad, DilationH: dilation, DilationW: dilation,
	}
}

// check says what is wrong with the geometry over an input.
func (w Window) check(in datasets.Shape) error {
	switch {
	case w.KernelH < 1 || w.KernelW < 1:
		return fmt.Errorf("kernel size must be at least 1, not %d x %d", w.KernelH, w.KernelW)
	case w.StrideH < 0 || w.StrideW < 0:
		return fmt.Errorf("stride must be at least 1, not %d x %d", w.StrideH, w.StrideW)
	case w.DilationH < 0 || w.DilationW < 0:
		return fmt.Errorf("dilation must be at least 1, not %d x %d", w.DilationH, w.DilationW)
	case min(w.Top, w.Left, w.Bottom, w.Right) < 0:
		return fmt.Errorf("padding must not be negative: top %d, left %d, bottom %d, right %d", w.Top, w.Left, w.Bottom, w.Right)
	case max(w.KernelH, w.KernelW, w.DilationH, w.DilationW, w.Top, w.Left, w.Bottom, w.Right, w.StrideH, w.StrideW) > maxWidth:
		return fmt.Errorf("a size of %+v is beyond %d", w, maxWidth)
	}
	if oh, ow := graph.Window(w).Over(plane(in)); oh < 1 || ow < 1 {
		return fmt.Errorf("a %dx%d kernel%s is larger than its %dx%d input padded by %d, %d, %d, %d (top, left, bottom, right): %w",
			w.KernelH, w.KernelW, w.dilated(), in.Height, in.Width, w.Top, w.Left, w.Bottom, w.Right, xai.ErrShape)
	}
	return nil
}

func (w Window) dilated() string {
	if max(w.DilationH, w.DilationW) > 1 {
		return fmt.Sprintf(" dilated by %dx%d", w.DilationH, w.DilationW)
	}
	return ""
}

// over returns the output plane of a window that fits.
func (w Window) over(in datasets.Shape) (h, width int) { return graph.Window(w).Over(plane(in)) }

func plane(s datasets.Shape) graph.Plane {
	return graph.Plane{C: s.Channels, H: s.Height, W: s.Width}
}

// Conv is a two-dimensional convolution (cross-correlation, zero padding). Initial weights
// are normal with variance 2/fan-in (He et al. 2015), biases zero.
type Conv struct {
	Filters  int // output channels, at least 1
	Kernel   int // height and width of the kernel, at least 1
	Stride   int // default 1
	Pad      int // zeros added on every side; default 0
	Dilation int // distance between the kernel's elements; default 1
	Groups   int // both input channels and filters are cut in so many; default 1
	NoBias   bool
	Window   Window // if set, replaces Kernel, Stride, Pad and Dilation
}

func (Conv) kind() string { return "conv" }

func (l Conv) window() Window { return window(l.Kernel, l.Stride, l.Pad, l.Dilation, l.Window) }

func (l Conv) shape(in []datasets.Shape) (datasets.Shape, error) {
	x, err := one(in)
	if err != nil {
		return x, err
	}
	w := l.window()
	if err := checkGroups(l.Filters, l.Groups, x); err != nil {
		return x, err
	}
	if err := w.check(x); err != nil {
		return x, err
	}
	h, width := w.over(x)
	return datasets.Shape{Channels: l.Filters, Height: h, Width: width}, nil
}

func checkGroups(filters, groups int, in datasets.Shape) error {
	g := max(groups, 1)
	switch {
	case filters < 1 || filters > maxWidth:
		return fmt.Errorf("number of filters must be at least 1, not %d", filters)
	case groups < 0 || in.Channels%g != 0 || filters%g != 0:
		return fmt.Errorf("%d groups do not divide %d channels and %d filters", groups, in.Channels, filters)
	}
	return nil
}

func (l Conv) weights(in []datasets.Shape) []weight {
	w, c := l.window(), in[0].Channels/max(l.Groups, 1)
	fan := c * w.KernelH * w.KernelW
	list := []weight{{
		name: "weight", dims: []int{l.Filters, c, w.KernelH, w.KernelW}, rows: l.Filters, cols: fan,
		spread: math.Sqrt(2 / float64(fan)),
	}}
	if !l.NoBias {
		list = append(list, bias(l.Filters))
	}
	return list
}

// ConvTranspose is a transposed convolution: the adjoint of a Conv of the same geometry. Its
// output is (H-1)*Stride - 2*Pad + Dilation*(Kernel-1) + 1 + Extra high.
type ConvTranspose struct {
	Filters  int // output channels, at least 1
	Kernel   int // height and width of the kernel, at least 1
	Stride   int // default 1
	Pad      int // taken off every side of the output; default 0
	Extra    int // added at the bottom and right of the output (PyTorch's output_padding), less than the stride; default 0
	Dilation int // default 1
	Groups   int // default 1
	NoBias   bool
	Window   Window // if set, replaces Kernel, Stride, Pad and Dilation
	ExtraH   int    // with Window: Extra for the height
	ExtraW   int    // with Window: Extra for the width
}

func (ConvTranspose) kind() string { return "convt" }

func (l ConvTranspose) window() Window {
	return window(l.Kernel, l.Stride, l.Pad, l.Dilation, l.Window)
}

func (l ConvTranspose) extra() (h, w int) {
	if l.Window != (Window{}) {
		return l.ExtraH, l.ExtraW
	}
	return l.Extra, l.Extra
}

func (l ConvTranspose) shape(in []datasets.Shape) (datasets.Shape, error) {
	x, err := one(in)
	if err != nil {
		return x, err
	}
	if err := checkGroups(l.Filters, l.Groups, x); err != nil {
		return x, err
	}
	w := l.window()
	// The window itself must be sound; whether it fits is a question to the output.
	if err := w.check(datasets.Shape{Channels: 1, Height: maxWidth, Width: maxWidth}); err != nil {
		return x, err
	}
	eh, ew := l.extra()
	if eh < 0 || ew < 0 || eh >= max(w.StrideH, 1) || ew >= max(w.StrideW, 1) {
		return x, fmt.Errorf("extra rows and columns must be at least 0 and less than the stride, not %d and %d", eh, ew)
	}
	h, width := graph.Window(w).Under(plane(x))
	out := datasets.Shape{Channels: l.Filters, Height: h + eh, Width: width + ew}
	if h < 1 || width < 1 {
		return x, fmt.Errorf("padding leaves nothing of the %dx%d output: %w", h, width, xai.ErrShape)
	}
	return out, nil
}

func (l ConvTranspose) weights(in []datasets.Shape) []weight {
	w, c, g := l.window(), in[0].Channels, max(l.Groups, 1)
	taps := w.KernelH * w.KernelW
	list := []weight{{
		name: "weight", dims: []int{c, l.Filters / g, w.KernelH, w.KernelW}, rows: c, cols: l.Filters / g * taps,
		spread: math.Sqrt(2 / float64(c/g*taps)),
	}}
	if !l.NoBias {
		list = append(list, bias(l.Filters))
	}
	return list
}

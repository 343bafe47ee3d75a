package soxai

import (
	"fmt"

	"github.com/whybook/whybook/datasets"
)

// Fill says what takes the place of a region that is masked.
type Fill int

// The fills.
const (
	// Local continues the surroundings: from the border of the region inwards, every pixel
	// becomes the mean of those of its eight neighbours that are known. A region without
	// surroundings becomes grey.
	Local Fill = iota
	// Mean is the mean of each channel over the data set.
	Mean
	// Grey is half of the full brightness. The paper paints its region black, which is what
	// Local does on a black background.
	Grey
	// Black is 0.
	Black
)

var fills = [...]string{"local", "mean", "grey", "black"}

// String returns "local", "mean", "grey" or "black".
func (f Fill) String() string {
	if f < Local || int(f) >= len(fills) {
		return fmt.Sprintf("Fill(%d)", int(f))
	}
	return fills[f]
}

func (f Fill) check() error {
	if f < Local || int(f) >= len(fills) {
		return fmt.Errorf("field Fill is %d; need Local, Mean, Grey or Black", int(f))
	}
	return nil
}

// canvas is what a fill needs to know about the images.
type canvas struct {
	fill  Fill
	shape datasets.Shape
	mean  []float64 // of each channel
}

func newCanvas(set datasets.Set, fill Fill) canvas {
	c := canvas{fill: fill, shape: set.Shape, mean: make([]float64, set.Shape.Channels)}
	if fill != Mean || set.Len() == 0 {
		return c
	}
	hw := set.Shape.Height * set.Shape.Width
	for i := range set.Len() {
		for ch := range c.mean {
			sum := 0
			for _, v := range set.Pixels[(i*len(c.mean)+ch)*hw:][:hw] {
				sum += int(v)
			}
			c.mean[ch] += float64(sum)
		}
	}
	for ch := range c.mean {
		c.mean[ch] /= 255 * float64(hw*set.Len())
	}
	return c
}

// paint fills an area of an image in place; x has C*H*W values, channel-major, in [0,1].
func (c canvas) paint(x []float64, a Area) {
	hw := c.shape.Height * c.shape.Width
	pixels := a.Pixels()
	if c.fill == Local {
		c.continued(x, pixels)
		return
	}
	for ch := range c.shape.Channels {
		v := 0.0
		switch c.fill {
		case Mean:
			v = c.mean[ch]
		case Grey:
			v = 0.5
		}
		for _, p := range pixels {
			x[ch*hw+p] = v
		}
	}
}

// continued fills from the border inwards, ring by ring, so that the order of the pixels has
// no part in it.
func (c canvas) continued(x []float64, pixels []int) {
	h, w, hw := c.shape.Height, c.shape.Width, c.shape.Height*c.shape.Width
	unknown := make([]bool, hw)
	for _, p := range pixels {
		unknown[p] = true
	}
	left := pixels
	values := make([]float64, 0, len(pixels)*c.shape.Channels)
	for len(left) > 0 {
		var ring, inner []int
		values = values[:0]
		for _, p := range left {
			known := 0
			at := len(values)
			for range c.shape.Channels {
				values = append(values, 0)
			}
			y, u := p/w, p%w
			for v := max(0, y-1); v <= min(h-1, y+1); v++ {
				for t := max(0, u-1); t <= min(w-1, u+1); t++ {
					if q := v*w + t; !unknown[q] {
						known++
						for ch := range c.shape.Channels {
							values[at+ch] += x[ch*hw+q]
						}
					}
				}
			}
			if known == 0 {
				values, inner = values[:at], append(inner, p)
				continue
			}
			ring = append(ring, p)
			for ch := range c.shape.Channels {
				values[at+ch] /= float64(known)
			}
		}
		if len(ring) == 0 { // the region is the whole image
			for _, p := range inner {
				for ch := range c.shape.Channels {
					x[ch*hw+p] = 0.5
				}
			}
			return
		}
		for i, p := range ring {
			unknown[p] = false
			for ch := range c.shape.Channels {
				x[ch*hw+p] = values[i*c.shape.Channels+ch]
			}
		}
		left = inner
	}
}

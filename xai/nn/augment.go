package nn

import (
	"fmt"
	"math/rand/v2"

	"github.com/whybook/whybook/datasets"
)

// Augment changes the images of a training set anew in each epoch. What it does to an
// image depends on the seed, the epoch and the image's index in the set, on nothing else.
// The implementation is CropFlip.
type Augment interface {
	check(shape datasets.Shape) error

	// apply writes the changed image of the given shape to dst.
	apply(dst, src []uint8, shape datasets.Shape, r *rand.Rand)
}

// CropFlip is the augmentation of CIFAR-10 training (He et al. 2016): pad every side with
// black, cut out a window of the image's own size anywhere, and mirror it left to right
// with probability 1/2.
type CropFlip struct {
	Pad  int  // pixels on every side, less than the image's sides; 4 for CIFAR-10; default 0, no crop
	Flip bool // mirror half of the images
}

func (c CropFlip) check(shape datasets.Shape) error {
	switch {
	case c.Pad < 0 || c.Pad >= shape.Height || c.Pad >= shape.Width:
		return fmt.Errorf("field Pad must be from 0 to less than the sides of the %dx%d image, is %d", shape.Height, shape.Width, c.Pad)
	case c.Pad == 0 && !c.Flip:
		return fmt.Errorf("neither Pad nor Flip is set, so nothing would be changed; leave Augment out")
	}
	return nil
}

func (c CropFlip) apply(dst, src []uint8, shape datasets.Shape, r *rand.Rand) {
	dy, dx := r.IntN(2*c.Pad+1)-c.Pad, r.IntN(2*c.Pad+1)-c.Pad
	flip := c.Flip && r.IntN(2) == 1
	h, w := shape.Height, shape.Width
	for row := range shape.Channels * h {
		out := dst[row*w : (row+1)*w]
		clear(out)
		if y := row%h + dy; y < 0 || y >= h {
			continue
		}
		in := src[(row+dy)*w : (row+dy+1)*w]
		if dx >= 0 {
			copy(out, in[dx:])
		} else {
			copy(out[-dx:], in)
		}
		if flip {
			for l, r := 0, w-1; l < r; l, r = l+1, r-1 {
				out[l], out[r] = out[r], out[l]
			}
		}
	}
}

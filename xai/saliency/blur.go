package saliency

import (
	"math"

	"github.com/whybook/whybook/datasets"
)

// blur smooths every channel of an image in place with a Gaussian of the given standard
// deviation in pixels, cut at three of them. Beyond the border lies nothing: the weights
// inside are scaled to sum to 1, so a constant image stays as it is.
func blur(values []float64, s datasets.Shape, sigma float64) {
	reach := int(math.Ceil(3 * sigma))
	kernel := make([]float64, reach+1)
	for i := range kernel {
		kernel[i] = math.Exp(-float64(i*i) / (2 * sigma * sigma))
	}
	line := make([]float64, max(s.Height, s.Width))
	along := func(first, stride, count int) {
		for i := range count {
			sum, weight := 0.0, 0.0
			for j := max(i-reach, 0); j <= min(i+reach, count-1); j++ {
				w := kernel[max(i-j, j-i)]
				sum, weight = sum+w*values[first+j*stride], weight+w
			}
			line[i] = sum / weight
		}
		for i := range count {
			values[first+i*stride] = line[i]
		}
	}
	for c := range s.Channels {
		plane := c * s.Height * s.Width
		for y := range s.Height {
			along(plane+y*s.Width, 1, s.Width)
		}
		for x := range s.Width {
			along(plane+x, s.Width, s.Height)
		}
	}
}

package evaluate

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/saliency"
	"gonum.org/v1/gonum/floats"
)

// Deletion is the area under the curve of the output while the pixels of x are replaced,
// the most important first (Petsiuk, Das and Saenko, 2018, RISE, arXiv:1806.07421, with the
// conventions of the authors' code). With s_k the output after k of K = ceil(pixels/Step)
// steps, s_0 at x:
//
//	AUC = (sum over k = 0..K of s_k - s_0/2 - s_K/2) / K
//
// Less is better, in units of the output. The last step may have fewer pixels. Images with
// holes are unlike anything that the model has seen, and the order of methods can depend on
// the baseline. The map (4, 3, 2, 1) of f = (4, 3, 2, 1) x at ones has 3.75.
type Deletion struct {
	Step        int       // pixels replaced at once; default ceil(pixels/224): at most 224 steps
	Baseline    []float64 // what replaces x, d values; default zeros
	Probability bool      // follow the softmax probability, as the paper does, not the score
}

// Card implements Metric.
func (Deletion) Card() Card {
	return Card{
		Name: "Deletion AUC", Low: math.Inf(-1), High: math.Inf(1), Better: Lower,
		Source:  "Petsiuk, Das and Saenko, 2018, arXiv:1806.07421",
		Formula: "(sum over k = 0..K of s_k - s_0/2 - s_K/2) / K, the most important pixels replaced first",
		Fails:   "Images with holes are unlike the training data, and the order of methods can depend on the baseline; edges alone often do well.",
		Oracle:  "f = (4, 3, 2, 1) x at ones, map (4, 3, 2, 1): 3.75.",
	}
}

// Measure implements Metric.
func (c Deletion) Measure(ctx context.Context, f xai.Differentiable, m saliency.Map) (float64, error) {
	curve, err := c.Curve(ctx, f, m)
	return area(curve), err
}

// Curve returns the outputs s_0 ... s_K.
func (c Deletion) Curve(ctx context.Context, f xai.Differentiable, m saliency.Map) ([]float64, error) {
	name := c.Card().Name
	if err := checkModel(name, f, m); err != nil {
		return nil, err
	}
	baseline, err := or(name, "Baseline", c.Baseline, len(m.Values))
	if err != nil {
		return nil, err
	}
	return replacing(ctx, name, f, m, replacement{from: m.Sample.X, to: baseline, order: ranking(m.Plane()), step: c.Step, probability: c.Probability})
}

// Insertion is the area under the curve of the output while the pixels of x come back, the
// most important first, into a blurred image (same source and formula as Deletion). More is
// better, in units of the output. A blurred image still shows large objects, so that the
// curve can start high. From zeros, the map (4, 3, 2, 1) of f = (4, 3, 2, 1) x at ones has
// 6.25, and for any linear f without bias insertion is f(x) less deletion.
type Insertion struct {
	Step        int       // pixels restored at once; default ceil(pixels/224): at most 224 steps
	Start       []float64 // the image at the start, d values; default x blurred, see Blur
	Probability bool      // follow the softmax probability, as the paper does, not the score
}

// Card implements Metric.
func (Insertion) Card() Card {
	return Card{
		Name: "Insertion AUC", Low: math.Inf(-1), High: math.Inf(1), Better: Higher,
		Source:  "Petsiuk, Das and Saenko, 2018, arXiv:1806.07421",
		Formula: "(sum over k = 0..K of s_k - s_0/2 - s_K/2) / K, the most important pixels restored first into a blurred image",
		Fails:   "A blurred image still shows large objects, so that the curve can start high and every map looks good.",
		Oracle:  "f = (4, 3, 2, 1) x at ones, map (4, 3, 2, 1), from zeros: 6.25.",
	}
}

// Measure implements Metric.
func (c Insertion) Measure(ctx context.Context, f xai.Differentiable, m saliency.Map) (float64, error) {
	curve, err := c.Curve(ctx, f, m)
	return area(curve), err
}

// Curve returns the outputs s_0 ... s_K.
func (c Insertion) Curve(ctx context.Context, f xai.Differentiable, m saliency.Map) ([]float64, error) {
	name := c.Card().Name
	if err := checkModel(name, f, m); err != nil {
		return nil, err
	}
	if c.Start == nil && m.Sample.Columns != nil {
		return nil, fmt.Errorf("evaluate: %s: the sample is a row of a table, which cannot be blurred; set the field Start", name)
	}
	if c.Start == nil {
		c.Start = Blur(m)
	}
	start, err := or(name, "Start", c.Start, len(m.Values))
	if err != nil {
		return nil, err
	}
	return replacing(ctx, name, f, m, replacement{from: start, to: m.Sample.X, order: ranking(m.Plane()), step: c.Step, probability: c.Probability})
}

// area is the mean of a curve by the trapezoid rule; 0 for no curve.
func area(curve []float64) float64 {
	if len(curve) < 2 {
		return 0
	}
	last := len(curve) - 1
	return (floats.Sum(curve) - curve[0]/2 - curve[last]/2) / float64(last)
}

// Blur returns the sample of m blurred as in the authors' notebook of RISE: an 11 x 11
// kernel of standard deviation 5, whose tails beyond the square are reflected into it, and
// zeros around the image.
func Blur(m saliency.Map) []float64 {
	const size, sigma, tail = 11, 5.0, 20 // the kernel ends at 4 sigma
	var kernel [size]float64
	for j := -tail; j <= tail; j++ {
		at := ((size/2+j)%(2*size) + 2*size) % (2 * size)
		kernel[min(at, 2*size-1-at)] += math.Exp(-float64(j*j) / (2 * sigma * sigma))
	}
	floats.Scale(1/floats.Sum(kernel[:]), kernel[:])
	s := m.Shape
	along := func(src []float64, count, stride int, at func(line int) int, lines int) []float64 {
		dst := make([]float64, len(src))
		for l := range lines {
			first := at(l)
			for i := range count {
				for k, w := range kernel {
					if j := i + k - size/2; j >= 0 && j < count {
						dst[first+i*stride] += w * src[first+j*stride]
					}
				}
			}
		}
		return dst
	}
	rows := along(m.Sample.X, s.Width, 1, func(l int) int { return l * s.Width }, s.Channels*s.Height)
	return along(rows, s.Height, s.Width, func(l int) int { return l/s.Width*s.Height*s.Width + l%s.Width }, s.Channels*s.Width)
}

// replacement turns the input from into the input to, pixel by pixel.
type replacement struct {
	from, to    []float64 // d values each
	order       []int     // of the pixels
	step        int       // pixels at once; 0: at most 224 steps
	steps       int       // how many steps; 0: until the end
	probability bool
}

// replacing returns the outputs s_0 ... s_K of the inputs on the way.
func replacing(ctx context.Context, metric string, f xai.Differentiable, m saliency.Map, r replacement) ([]float64, error) {
	pixels := len(r.order)
	step, err := positive(metric, "Step", r.step, (pixels+223)/224)
	if err != nil {
		return nil, err
	}
	all := (pixels-1)/step + 1
	steps, err := positive(metric, "Steps", r.steps, all)
	if err != nil {
		return nil, err
	}
	steps = min(steps, all)
	x := slices.Clone(r.from)
	return outputs(ctx, metric, f, m.Target, steps+1, r.probability, func(i int, row []float64) {
		if i > 0 {
			for _, p := range r.order[(i-1)*step : min(i*step, pixels)] {
				for j := p; j < len(x); j += pixels {
					x[j] = r.to[j]
				}
			}
		}
		copy(row, x)
	})
}

var _, _ Metric = Deletion{}, Insertion{}

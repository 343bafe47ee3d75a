package render

import (
	"image/color"
	"math"
	"sync"

	"gonum.org/v1/plot/palette"
	"gonum.org/v1/plot/palette/moreland"
)

// levels is the number of colour steps on each side of the middle of a colour map; with
// an odd number of colours, zero has one of its own.
const levels = 128

type ramp [2*levels + 1]color.NRGBA

// diverging runs from blue through a light neutral grey to red: Moreland's "cool to warm",
// which stays readable in all common forms of colour blindness.
var diverging = sync.OnceValue(func() *ramp { return sample(moreland.SmoothBlueRed()) })

// sequential runs from dark violet to yellow in even steps of lightness: the control
// points of viridis, interpolated by Moreland's rule.
var sequential = sync.OnceValue(func() *ramp {
	var points []color.Color
	for _, hex := range []uint32{0x440154, 0x472d7b, 0x3b528b, 0x2c728e, 0x21918c, 0x28ae80, 0x5ec962, 0xaddc30, 0xfde725} {
		points = append(points, rgb(hex))
	}
	m, err := moreland.NewLuminance(points)
	if err != nil {
		panic(err) // the points above rise in lightness
	}
	return sample(m)
})

func sample(m palette.ColorMap) *ramp {
	m.SetMin(0)
	m.SetMax(1)
	r := new(ramp)
	for i := range r {
		c, err := m.At(float64(i) / (2 * levels))
		if err != nil {
			panic(err) // the argument is in [0,1]
		}
		r[i] = color.NRGBAModel.Convert(c).(color.NRGBA)
	}
	return r
}

// noValue is the colour of NaN: darker than the neutral grey, and greyer than anything in
// either map.
func noValue() color.NRGBA { return rgb(0x6e6e6e) }

// scale maps values to colours.
type scale struct {
	lo, hi  float64
	colours *ramp
	none    color.NRGBA // for NaN
}

// position returns where v lies between lo (0) and hi (1), clipped to the ends.
func (s scale) position(v float64) float64 {
	return math.Min(math.Max((v-s.lo)/(s.hi-s.lo), 0), 1)
}

func (s scale) colour(v float64) color.NRGBA {
	if math.IsNaN(v) {
		return s.none
	}
	return s.colours[int(s.position(v)*2*levels+0.5)]
}

// luminance returns the relative luminance that WCAG 2 defines, in [0,1].
func luminance(c color.NRGBA) float64 {
	linear := func(u uint8) float64 {
		v := float64(u) / 255
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c.R) + 0.7152*linear(c.G) + 0.0722*linear(c.B)
}

// contrast returns the WCAG 2 contrast ratio of two colours, from 1 to 21.
func contrast(a, b color.NRGBA) float64 {
	la, lb := luminance(a), luminance(b)
	return (math.Max(la, lb) + 0.05) / (math.Min(la, lb) + 0.05)
}

// legible returns black or white, whichever reads better on c.
func legible(c color.NRGBA) color.NRGBA {
	black, white := rgb(0x000000), rgb(0xffffff)
	if contrast(c, black) >= contrast(c, white) {
		return black
	}
	return white
}

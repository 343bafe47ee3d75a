package imbalance

import (
	"fmt"
	"image/color"
	"math"
)

// Binning sorts colours into bins.
type Binning int

const (
	// Hue sorts by hue, saturation and value, so that every colour has a bin. It is ours: value
	// below 0.20 is black; else saturation below 0.15 is white above a value of 0.85 and
	// grey up to it; else the hue in degrees decides, red [345,15), orange [15,45), yellow
	// [45,70), green [70,165), cyan [165,200), blue [200,260), purple [260,290) and pink
	// [290,345). An orange of value below 0.60 is brown; greens and blues are dark below a
	// value of 0.45, and light above 0.75 with a saturation below 0.45.
	Hue Binning = iota

	// Published sorts by boxes in RGB, as the authors' code does: of the rules for black,
	// brown, orange, red, green, blue, yellow, purple, lavender, pink, white and grey the
	// first one that fits decides. The names of the bins are theirs, though their rules put
	// purple into "light blue" and lavender into "light green". Their code has about 25
	// hand-tuned rules between white and grey, which are not published as such and are left
	// out here: colours that no rule fits are counted apart (Histogram.Unmatched), and bins
	// that only those rules fill ("dark green", "dark blue") stay empty.
	Published
)

// String returns "hue" or "published".
func (b Binning) String() string {
	if b == Hue || b == Published {
		return [...]string{"hue", "published"}[b]
	}
	return fmt.Sprintf("Binning(%d)", int(b))
}

// bin is the name of a bin and a colour that stands for it where no pixel does.
type bin struct {
	name string
	rgb  [3]uint8
}

var hueBins = []bin{
	{"black", [3]uint8{20, 20, 20}}, {"grey", [3]uint8{128, 128, 128}}, {"white", [3]uint8{245, 245, 245}},
	{"red", [3]uint8{200, 40, 40}}, {"brown", [3]uint8{120, 70, 30}}, {"orange", [3]uint8{230, 130, 40}}, {"yellow", [3]uint8{230, 210, 60}},
	{"dark green", [3]uint8{30, 90, 40}}, {"green", [3]uint8{50, 150, 60}}, {"light green", [3]uint8{150, 220, 150}},
	{"cyan", [3]uint8{50, 190, 200}},
	{"dark blue", [3]uint8{30, 50, 100}}, {"blue", [3]uint8{50, 90, 180}}, {"light blue", [3]uint8{150, 185, 230}},
	{"purple", [3]uint8{120, 60, 170}}, {"pink", [3]uint8{220, 80, 170}},
}

var publishedBins = []bin{
	{"black", [3]uint8{20, 20, 20}}, {"dark green", [3]uint8{30, 90, 40}}, {"dark blue", [3]uint8{30, 50, 100}}, {"grey", [3]uint8{128, 128, 128}},
	{"brown", [3]uint8{120, 70, 30}}, {"orange", [3]uint8{230, 130, 40}}, {"red", [3]uint8{200, 40, 40}}, {"green", [3]uint8{50, 190, 60}},
	{"blue", [3]uint8{50, 90, 200}}, {"yellow", [3]uint8{230, 210, 60}}, {"light blue", [3]uint8{120, 80, 200}}, {"light green", [3]uint8{200, 80, 230}},
	{"light red", [3]uint8{220, 80, 150}}, {"white", [3]uint8{245, 245, 245}},
}

func (b Binning) bins() []bin {
	if b == Published {
		return publishedBins
	}
	return hueBins
}

// Names returns the names of the bins, in the order of their numbers.
func (b Binning) Names() []string {
	var names []string
	for _, x := range b.bins() {
		names = append(names, x.name)
	}
	return names
}

// colour returns a colour that stands for a bin.
func (b Binning) colour(at int) color.NRGBA {
	rgb := b.bins()[at].rgb
	return color.NRGBA{rgb[0], rgb[1], rgb[2], 255}
}

// Bin returns the bin of a colour with red, green and blue in [0,1], or -1 where no rule
// fits, which only happens with Published.
func (b Binning) Bin(red, green, blue float64) int {
	if b == Published {
		return publishedBin(red*255, green*255, blue*255)
	}
	return hueBin(red, green, blue)
}

// Numbers of the hue bins.
const (
	hueBlack = iota
	hueGrey
	hueWhite
	hueRed
	hueBrown
	hueOrange
	hueYellow
	hueDarkGreen
	hueGreen
	hueLightGreen
	hueCyan
	hueDarkBlue
	hueBlue
	hueLightBlue
	huePurple
	huePink
)

func hueBin(r, g, b float64) int {
	hue, saturation, value := hsv(r, g, b)
	switch {
	case value < 0.20:
		return hueBlack
	case saturation < 0.15 && value > 0.85:
		return hueWhite
	case saturation < 0.15:
		return hueGrey
	}
	shade := func(dark, plain, light int) int {
		switch {
		case value < 0.45:
			return dark
		case value > 0.75 && saturation < 0.45:
			return light
		}
		return plain
	}
	switch {
	case hue < 15 || hue >= 345:
		return hueRed
	case hue < 45 && value < 0.60:
		return hueBrown
	case hue < 45:
		return hueOrange
	case hue < 70:
		return hueYellow
	case hue < 165:
		return shade(hueDarkGreen, hueGreen, hueLightGreen)
	case hue < 200:
		return hueCyan
	case hue < 260:
		return shade(hueDarkBlue, hueBlue, hueLightBlue)
	case hue < 290:
		return huePurple
	}
	return huePink
}

// hsv returns the hue in degrees, [0,360), and saturation and value in [0,1] (Smith 1978).
func hsv(r, g, b float64) (hue, saturation, value float64) {
	value = max(r, g, b)
	span := value - min(r, g, b)
	if span == 0 {
		return 0, 0, value
	}
	switch value {
	case r:
		hue = math.Mod((g-b)/span+6, 6)
	case g:
		hue = (b-r)/span + 2
	default:
		hue = (r-g)/span + 4
	}
	return 60 * hue, span / value, value
}

// rgbRule is a box of colours of 0 to 255: [low, high) in red, green and blue, where a high of
// 255 belongs to it.
type rgbRule struct {
	low, high [3]float64
	bin       int
}

// publishedRules are the rules of the authors' code that are known, in its order.
var publishedRules = []rgbRule{
	{[3]float64{0, 0, 0}, [3]float64{77, 77, 77}, 0},           // black
	{[3]float64{100, 0, 0}, [3]float64{150, 130, 100}, 4},      // brown
	{[3]float64{200, 100, 0}, [3]float64{255, 200, 150}, 5},    // orange
	{[3]float64{150, 0, 0}, [3]float64{255, 150, 150}, 6},      // red
	{[3]float64{0, 150, 0}, [3]float64{150, 255, 150}, 7},      // green
	{[3]float64{0, 0, 150}, [3]float64{150, 160, 255}, 8},      // blue
	{[3]float64{160, 160, 0}, [3]float64{255, 255, 160}, 9},    // yellow
	{[3]float64{50, 0, 150}, [3]float64{200, 150, 255}, 10},    // purple
	{[3]float64{150, 0, 200}, [3]float64{255, 150, 255}, 11},   // lavender
	{[3]float64{150, 0, 50}, [3]float64{255, 150, 200}, 12},    // pink
	{[3]float64{190, 190, 190}, [3]float64{255, 255, 255}, 13}, // white
	{[3]float64{50, 50, 50}, [3]float64{200, 200, 200}, 3},     // grey, the last rule
}

func publishedBin(r, g, b float64) int {
	rgb := [3]float64{r, g, b}
	for _, rule := range publishedRules {
		fits := true
		for ch, v := range rgb {
			if v < rule.low[ch] || v > rule.high[ch] || v == rule.high[ch] && v != 255 {
				fits = false
			}
		}
		if fits {
			return rule.bin
		}
	}
	return -1
}

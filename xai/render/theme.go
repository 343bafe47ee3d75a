package render

import "image/color"

// Theme chooses the colours of background, text and lines. The colours that stand for
// values are the same in both.
type Theme int

const (
	Light Theme = iota // dark text on white, the default
	Dark               // light text on near black
)

// String returns "light" or "dark".
func (t Theme) String() string {
	if t == Dark {
		return "dark"
	}
	return "light"
}

// inks are the colours of one theme.
type inks struct {
	paper, ink, muted color.NRGBA // background; text; secondary text
	rule, grid        color.NRGBA // frames and axes; grid lines
	alarm             color.NRGBA // marks what needs attention, always together with a shape
	series            []color.NRGBA
}

func (t Theme) inks() inks {
	if t == Dark {
		return inks{
			paper: rgb(0x14171c), ink: rgb(0xe6edf3), muted: rgb(0xa9b3be),
			rule: rgb(0x7d8590), grid: rgb(0x30363d), alarm: rgb(0xff9e64),
			series: []color.NRGBA{rgb(0x56b4e9), rgb(0xf0a35e), rgb(0xcab2d6), rgb(0x5ab4ac), rgb(0xdfc27d), rgb(0xc0c0c0)},
		}
	}
	return inks{
		paper: rgb(0xffffff), ink: rgb(0x1f2328), muted: rgb(0x57606a),
		rule: rgb(0x818b98), grid: rgb(0xdde2e8), alarm: rgb(0xc2410c),
		series: []color.NRGBA{rgb(0x0072b2), rgb(0xc2500a), rgb(0x6a3d9a), rgb(0x018571), rgb(0x8c510a), rgb(0x404040)},
	}
}

func rgb(hex uint32) color.NRGBA {
	return color.NRGBA{R: uint8(hex >> 16), G: uint8(hex >> 8), B: uint8(hex), A: 255}
}

package render

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image/color"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func wellFormed(doc []byte) error {
	d := xml.NewDecoder(bytes.NewReader(doc))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func linear(u uint8) float64 {
	v := float64(u) / 255
	if v <= 0.04045 {
		return v / 12.92
	}
	return math.Pow((v+0.055)/1.055, 2.4)
}

// lab converts linear RGB to CIELAB under D65.
func lab(r, g, b float64) [3]float64 {
	f := func(t float64) float64 {
		if t > 216.0/24389 {
			return math.Cbrt(t)
		}
		return (24389.0/27*t + 16) / 116
	}
	x := f((0.4124564*r + 0.3575761*g + 0.1804375*b) / 0.95047)
	y := f(0.2126729*r + 0.7151522*g + 0.0721750*b)
	z := f((0.0193339*r + 0.1191920*g + 0.9503041*b) / 1.08883)
	return [3]float64{116*y - 16, 500 * (x - y), 200 * (y - z)}
}

func labOf(c color.NRGBA) [3]float64 { return lab(linear(c.R), linear(c.G), linear(c.B)) }

// blind returns the colour as a dichromat sees it. The matrices are those of Machado,
// Oliveira and Fernandes (2009) for full severity, on linear RGB.
func blind(m [9]float64, c color.NRGBA) [3]float64 {
	r, g, b := linear(c.R), linear(c.G), linear(c.B)
	clip := func(v float64) float64 { return math.Min(math.Max(v, 0), 1) }
	return lab(clip(m[0]*r+m[1]*g+m[2]*b), clip(m[3]*r+m[4]*g+m[5]*b), clip(m[6]*r+m[7]*g+m[8]*b))
}

func deltaE(a, b [3]float64) float64 {
	return math.Sqrt((a[0]-b[0])*(a[0]-b[0]) + (a[1]-b[1])*(a[1]-b[1]) + (a[2]-b[2])*(a[2]-b[2]))
}

func blindness() map[string][9]float64 {
	return map[string][9]float64{
		"deuteranopia": {0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.011820, 0.042940, 0.968881},
		"protanopia":   {0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998},
		"tritanopia":   {1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.303900},
	}
}

// rounding is what storing a colour in 8 bits can change in its lightness.
const rounding = 0.1

func TestSequentialOnlyGetsLighter(t *testing.T) {
	last := -1.0
	for i, c := range sequential() {
		l := labOf(c)[0]
		if l <= last-rounding {
			t.Errorf("colour %d has lightness %.2f after %.2f", i, l, last)
		}
		last = l
	}
	if first := labOf(sequential()[0])[0]; last-first < 60 {
		t.Errorf("lightness runs from %.0f to %.0f; want a range of at least 60", first, last)
	}
}

func TestDivergingIsNeutralAtZero(t *testing.T) {
	r := diverging()
	if c := r[levels]; c.R != c.G || c.G != c.B {
		t.Errorf("the middle is %v, want a grey", c)
	}
	last := math.Inf(1)
	for i := range levels + 1 { // away from zero, both sides get darker
		l := math.Max(labOf(r[levels+i])[0], labOf(r[levels-i])[0])
		if l >= last+rounding {
			t.Errorf("%d steps from zero, lightness is %.2f after %.2f", i, l, last)
		}
		last = l
	}
	for _, f := range []float64{-3, 0.1, 7} {
		s := scale{-math.Abs(f), math.Abs(f), r, noValue()}
		if s.colour(0) != r[levels] || s.colour(math.Abs(f)) != r[2*levels] || s.colour(-100) != r[0] {
			t.Errorf("limit %v: zero or the ends have the wrong colour", f)
		}
	}
}

// 20 is about ten times a just noticeable difference.
func TestSignsDifferForColourBlindReaders(t *testing.T) {
	r := diverging()
	for name, m := range blindness() {
		for _, i := range []int{levels / 4, levels / 2, levels} {
			if d := deltaE(blind(m, r[levels+i]), blind(m, r[levels-i])); d < 20 {
				t.Errorf("%s: at %d %% the signs differ by ΔE %.1f only", name, 100*i/levels, d)
			}
		}
		for _, ramp := range []*ramp{diverging(), sequential()} {
			for i, c := range ramp {
				if d := deltaE(blind(m, c), blind(m, noValue())); d < 8 {
					t.Errorf("%s: NaN differs from colour %d by ΔE %.1f only", name, i, d)
				}
			}
		}
	}
}

func TestContrast(t *testing.T) {
	for _, theme := range []Theme{Light, Dark} {
		c := theme.inks()
		for name, ink := range map[string]color.NRGBA{"ink": c.ink, "muted": c.muted, "alarm": c.alarm} {
			if k := contrast(ink, c.paper); k < 4.5 {
				t.Errorf("%v: %s on paper has contrast %.2f, want 4.5", theme, name, k)
			}
		}
		for i, s := range c.series { // WCAG asks 3:1 of graphics
			if k := contrast(s, c.paper); k < 3 {
				t.Errorf("%v: series %d has contrast %.2f, want 3", theme, i, k)
			}
		}
		if k := contrast(c.rule, c.paper); k < 3 {
			t.Errorf("%v: rules have contrast %.2f, want 3", theme, k)
		}
	}
	for _, ramp := range []*ramp{diverging(), sequential()} {
		for i, c := range ramp {
			if k := contrast(c, legible(c)); k < 4.5 {
				t.Errorf("numbers on colour %d have contrast %.2f", i, k)
			}
		}
	}
}

// The colours that HTML takes where the front end names none are legible in light and dark.
func TestContrastInHTML(t *testing.T) {
	source := string(must(templateFiles.ReadFile("html/fragment.html")))
	light, dark, ok := strings.Cut(source, "@media (prefers-color-scheme:dark)")
	if !ok {
		t.Fatal("no dark colours")
	}
	for scheme, css := range map[string]string{"light": light, "dark": dark} {
		colours := make(map[string]color.NRGBA)
		for _, m := range regexp.MustCompile(`--wb-(ink|paper|muted|rule|link):#([0-9a-f]{6})`).FindAllStringSubmatch(css, -1) {
			hex, err := strconv.ParseUint(m[2], 16, 32)
			if err != nil {
				t.Fatal(err)
			}
			colours[m[1]] = rgb(uint32(hex))
		}
		for name, least := range map[string]float64{"ink": 4.5, "muted": 4.5, "link": 4.5, "rule": 3} {
			if k := contrast(colours[name], colours["paper"]); k < least || colours[name].A == 0 {
				t.Errorf("%s: %s has contrast %.2f, want %v", scheme, name, k, least)
			}
		}
	}
	// Variables of the front ends come first, so that a page in one theme stays in it.
	for _, m := range regexp.MustCompile(`(color|background|border[a-z-]*|accent-color):[^;}]*var\(--wb-[^;}]*`).FindAllString(source, -1) {
		if !strings.Contains(m, "var(--jp-") || !strings.Contains(m, "var(--vscode-") || strings.Index(m, "--jp-") > strings.Index(m, "--vscode-") || strings.Index(m, "--vscode-") > strings.Index(m, "--wb-") {
			t.Errorf("%s: JupyterLab's variable, VS Code's, then ours", m)
		}
	}
}

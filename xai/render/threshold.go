package render

import (
	"encoding/base64"
	"fmt"
	"html"
	"html/template"
	"math"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/recorder"
)

// Threshold lets readers of a heat map or of bars ask what is left of it above a threshold:
// which concepts are relevant, which pixels carry most of an attribution.
//
// In HTML, a slider fades cells or bars whose absolute value is below it, and says how many
// are left and which share of the sum of absolute values they carry; a script of 2 kB does
// that. Without it, and in the picture, nothing is faded, and a note says what three
// thresholds and Start leave.
type Threshold struct {
	Title string  // "" for that of the view
	Of    View    // of a [HeatMap], an [Overlay] or [Bars]
	Start float64 // the threshold at first: 0 or more, in units of the values

	// Positive compares the values themselves: what is negative fades always, and shares are
	// those of the sum of positive values.
	Positive bool
}

// thresholdSteps is how many steps there are from 0 to the largest absolute value.
const thresholdSteps = 200

// View draws the map or the bars.
func (g Threshold) View() View {
	const where = "render.Threshold"
	if err := g.Of.Err(); err != nil {
		return Failed(fmt.Errorf("%s: %w", where, err))
	}
	f := faded{inner: g.Of, what: "value", positive: g.Positive}
	if m, ok := g.Of.heat(); ok {
		f.values, f.columns, f.rows, f.things = m.Values, m.Width, m.Height, "cells"
		f.name(m.Label)
	} else if b, ok := g.Of.fig.(barFigure); ok {
		f.values, f.columns, f.rows, f.things = b.Values[:b.n], 1, b.n, "bars"
		if b.Vertical {
			f.columns, f.rows = f.rows, 1
		}
		f.name(b.Label)
	} else {
		return Failed(fmt.Errorf("%s: the view shows neither a heat map nor bars: %w", where, ErrSize))
	}
	if !(g.Start >= 0) || g.Start > limit {
		return Failed(fmt.Errorf("%s: Start is %v; it must be 0 or more, and finite: %w", where, g.Start, ErrNotFinite))
	}
	for _, v := range f.values {
		if !math.IsNaN(v) {
			f.max = math.Max(f.max, f.size(v))
		}
	}
	if f.max > 0 {
		f.start = int(math.Round(math.Min(g.Start/f.max, 1) * thresholdSteps))
	}
	v := g.Of
	if t := clean(g.Title); t != "" {
		v.title = t
	}
	v.web = f
	v.notes = append(v.notes[:len(v.notes):len(v.notes)], f.note(g.Start))
	return v
}

// faded is a checked Threshold.
type faded struct {
	inner         View
	values        []float64
	columns, rows int
	what, things  string // "attribution", "cells"
	positive      bool
	max           float64 // of the sizes
	start         int     // step
}

// size is what is compared with the threshold: the absolute value, or the value itself, with -1
// for all that are negative.
func (f faded) size(v float64) float64 {
	if f.positive && v < 0 {
		return -1
	}
	return math.Abs(v)
}

// compared names what is compared with the threshold, and sum what shares are of.
func (f faded) compared() (what, sum string) {
	if f.positive {
		return f.what, "sum of positive values"
	}
	return "|" + f.what + "|", "absolute sum"
}

func (f *faded) name(label string) {
	if label != "" {
		f.what = label
	}
}

// left returns how many values are at least t in size, how many there are, and the share of the
// sum of sizes that they carry.
func (f faded) left(t float64) (n, of int, share float64) {
	kept, all := 0.0, 0.0
	for _, v := range f.values {
		if math.IsNaN(v) {
			continue
		}
		of++
		part := math.Max(f.size(v), 0) / math.Max(f.max, math.SmallestNonzeroFloat64) // no overflow
		all += part
		if f.size(v) >= t {
			n++
			kept += part
		}
	}
	if all == 0 {
		return n, of, 0
	}
	return n, of, kept / all
}

// note says what is left above some thresholds.
func (f faded) note(start float64) string {
	say := func(t float64) string {
		n, of, share := f.left(t)
		what, sum := f.compared()
		return fmt.Sprintf("%d of %d %s with %s ≥ %s carry %s of the %s", n, of, f.things, what, number(t), percent(share), sum)
	}
	if f.max == 0 && f.positive {
		return "No value is positive: there is nothing above a threshold."
	}
	if f.max == 0 {
		return "All values are 0 or missing: there is nothing above a threshold."
	}
	var parts []string
	if start > 0 {
		parts = append(parts, say(start))
	}
	for _, part := range []float64{0.25, 0.5, 0.75} {
		parts = append(parts, say(part*f.max))
	}
	return strings.Join(parts, "; ") + "."
}

// What the script reads in place of a step.
const (
	fadesAlways = 254 // fades at every step
	noCell      = 255 // is no value: neither fades nor counts
)

// step returns the highest step of the slider at which a value does not fade.
func (f faded) step(v float64) byte {
	switch size := f.size(v); {
	case math.IsNaN(v), f.max == 0:
		return noCell
	case size < 0:
		return fadesAlways
	default:
		return byte(size/f.max*thresholdSteps + 1e-9)
	}
}

func (f faded) html(v View, _ string) (template.HTML, []script, error) {
	box, err := thresholdScript.box()
	if err != nil {
		return "", nil, err
	}
	still, width, err := v.still(pngLimit * 2 / 3)
	if err != nil {
		return "", nil, err
	}
	steps := make([]byte, len(f.values))
	sums := make([]float64, thresholdSteps+1) // of the values that fade above a step
	all := 0.0
	for i, value := range f.values {
		if steps[i] = f.step(value); steps[i] < fadesAlways {
			sums[steps[i]] += f.size(value) / f.max
			all += f.size(value) / f.max
		}
	}
	mass := make([]string, thresholdSteps+1)
	for t, kept := thresholdSteps, 0.0; t >= 0; t-- {
		kept += sums[t]
		mass[t] = fmt.Sprintf("%.0f", 100*kept/math.Max(all, math.SmallestNonzeroFloat64))
	}
	class := ""
	if v.theme == Light {
		class = " whybook-light"
	}
	paper := v.theme.inks().paper
	esc := html.EscapeString
	what, sum := f.compared()
	var b strings.Builder
	fmt.Fprintf(&b, "<div class=\"whybook-threshold\" %s data-n=\"%d\" data-start=\"%d\" data-max=\"%g\" data-columns=\"%d\" data-rows=\"%d\" data-paper=\"%d,%d,%d\" data-what=\"%s\" data-sum=\"%s\" data-things=\"%s\" data-place=\"%s\" data-mass=\"%s\" data-v=\"%s\">\n",
		box, thresholdSteps, f.start, f.max, f.columns, f.rows, paper.R, paper.G, paper.B, esc(what), sum, f.things, f.place(v), strings.Join(mass, " "), base64.StdEncoding.EncodeToString(steps))
	fmt.Fprintf(&b, "<div class=\"whybook-over%s\"><img src=\"%s\" alt=\"%s\" width=\"%d\"></div>\n</div>\n", class, still, esc(v.Alt()), width)
	return template.HTML(b.String()), []script{thresholdScript}, nil
}

// place says in CSS where in the picture the cells are, in parts of its size.
func (f faded) place(v View) string {
	v.title = ""
	d := v.frame().fit(pageWidth)
	p := &pen{Canvas: new(recorder.Canvas), inks: v.theme.inks()}
	d.draw(p, rect(0, 0, d.w, d.h))
	part := func(a, of vg.Length) float64 { return 100 * float64(a/of) }
	at := p.cells
	return fmt.Sprintf("left:%.4f%%;top:%.4f%%;width:%.4f%%;height:%.4f%%", part(at.Min.X, d.w), part(d.h-at.Max.Y, d.h), part(at.Size().X, d.w), part(at.Size().Y, d.h))
}

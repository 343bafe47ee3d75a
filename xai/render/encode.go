package render

import (
	"bytes"
	"cmp"
	"fmt"
	"html"
	"image"
	"image/color"
	"image/png"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode"

	xdraw "golang.org/x/image/draw"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// paint draws the laid-out view on a canvas of its size.
func (v View) paint(c vg.Canvas, d drawing) []spot {
	p := &pen{Canvas: c, inks: v.theme.inks()}
	page := rect(0, 0, d.w, d.h)
	if _, raster := c.(rasterCanvas); !raster { // which is made of paper
		p.fillRect(p.paper, page)
	}
	d.draw(p, page)
	return p.spots
}

// encodePNG tries coarser and coarser pictures until one fits into limit bytes. A drawing of
// more than plenty bytes gets few colours in any case: in a notebook plenty is 0, as they take a
// third of the bytes and of the time.
func (v View) encodePNG(limit, plenty int) ([]byte, error) {
	d := v.frame().fit(pageWidth)
	var img image.Image
	var size int
	for _, dpi := range []int{192, 144, 96} {
		if v.dpi > 0 && dpi > v.dpi {
			continue
		}
		c := vgimg.NewWith(vgimg.UseWH(d.w, d.h), vgimg.UseDPI(dpi), vgimg.UseBackgroundColor(v.theme.inks().paper))
		v.paint(rasterCanvas{c}, d)
		img = c.Image()
		out, err := v.pngBytes(img, min(limit, plenty))
		if err != nil || len(out) <= limit {
			return out, err
		}
		size = len(out)
	}
	for _, levels := range []int{24, 12, 8} {
		out, err := v.pngBytes(posterise(img, levels), min(limit, plenty))
		if err != nil || len(out) <= limit {
			return out, err
		}
		size = len(out)
	}
	// Photographs by the dozen: keep the figure, at a lower resolution.
	for range 3 {
		b := img.Bounds()
		small := image.NewRGBA(image.Rect(0, 0, b.Dx()*3/4, b.Dy()*3/4))
		xdraw.ApproxBiLinear.Scale(small, small.Bounds(), img, b, xdraw.Src, nil)
		img = small
		out, err := v.pngBytes(posterise(img, 12), min(limit, plenty))
		if err != nil || len(out) <= limit {
			return out, err
		}
		size = len(out)
	}
	if long, ok := v.fig.(interface{ less() (figure, bool) }); ok {
		if fig, ok := long.less(); ok {
			v.fig = fig
			return v.encodePNG(limit, plenty)
		}
	}
	return nil, fmt.Errorf("render: figure %q needs %d kB as a PNG, the limit is %d kB; show fewer or smaller images", v.Name(), size/1000, limit/1000)
}

// encodePrint draws the picture in the resolution of print.
func (v View) encodePrint() ([]byte, error) {
	d := v.layout()
	dpi := int(math.Ceil(float64(v.print.DPI) * v.print.scale()))
	c := vgimg.NewWith(vgimg.UseWH(d.w, d.h), vgimg.UseDPI(dpi), vgimg.UseBackgroundColor(v.theme.inks().paper))
	v.paint(rasterCanvas{c}, d)
	out, err := v.pngBytes(c.Image(), plentyPNG)
	if err != nil {
		return nil, err
	}
	return withDensity(out, float64(c.Image().Bounds().Dx())/v.print.Width*25.4), nil
}

// plentyPNG is the size of a picture in print from which few colours are worth it: half of the
// bytes of most charts are shades at the edges of letters.
const plentyPNG = 40_000

// pngBytes encodes img: with a palette where that loses nothing, else with few colours if that
// is possible and it needs more than plenty bytes without.
func (v View) pngBytes(img image.Image, plenty int) ([]byte, error) {
	flat, exact, ok := paletted(img)
	var small bytes.Buffer
	if ok {
		if err := png.Encode(&small, flat); err != nil {
			return nil, fmt.Errorf("render: figure %q: %w", v.Name(), err)
		}
		// All colours take three times as many bytes, and much longer to encode.
		if exact || 3*small.Len() > plenty {
			return small.Bytes(), nil
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		return nil, fmt.Errorf("render: figure %q: %w", v.Name(), err)
	}
	if ok && b.Len() > plenty && small.Len() < b.Len() {
		return small.Bytes(), nil
	}
	return b.Bytes(), nil
}

// squeezePNG is encodePNG with a limit that gives way, up to pngLimit, where the picture
// cannot be that small.
func (v View) squeezePNG(limit int) ([]byte, error) {
	for {
		out, err := v.encodePNG(limit, 0)
		if err == nil || limit >= pngLimit {
			return out, err
		}
		limit = min(2*limit, pngLimit)
	}
}

// near reports whether two colours differ by so little that nobody sees it in a picture.
func near(a, b color.NRGBA) bool {
	const most = 10
	d := func(x, y uint8) int { return max(int(x)-int(y), int(y)-int(x)) }
	return max(d(a.R, b.R), d(a.G, b.G), d(a.B, b.B)) <= most
}

// nearest returns the place of the colour most like c, the first of those that are equally.
func nearest(list []uint32, c uint32) uint8 {
	best, least := 0, math.MaxInt
	r, g, b := int(c>>16), int(c>>8&0xff), int(c&0xff)
	for i, l := range list {
		dr, dg, db := r-int(l>>16), g-int(l>>8&0xff), b-int(l&0xff)
		if d := dr*dr + dg*dg + db*db; d < least {
			best, least = i, d
		}
	}
	return uint8(best)
}

// paletted gives a drawing its 256 most frequent colours, which takes a third of the bytes
// and changes no more than shades at the edges of letters. ok is false for what is no
// drawing: where more than one pixel in fifty would have another colour, unless hardly one of
// those is seen to change. It is exact where no pixel changes.
func paletted(src image.Image) (img *image.Paletted, exact, ok bool) {
	from, ok := src.(*image.RGBA)
	if !ok {
		return nil, false, false
	}
	b := from.Bounds()
	packed := func(p []uint8) uint32 { return uint32(p[0])<<16 | uint32(p[1])<<8 | uint32(p[2]) }
	count := make(map[uint32]int)
	row := func(y int) []uint8 { return from.Pix[y*from.Stride:][:4*b.Dx()] }
	for y := range b.Dy() {
		run, n := packed(row(y)), 0 // neighbours are often the same
		for p := row(y); len(p) > 0; p = p[4:] {
			if c := packed(p); c != run {
				count[run] += n
				run, n = c, 0
			}
			n++
		}
		count[run] += n
	}
	colours := slices.SortedFunc(maps.Keys(count), func(a, b uint32) int {
		return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(a, b))
	})
	rest := 0
	for _, c := range colours[min(256, len(colours)):] {
		rest += count[c]
	}
	const fewShades = 8192 // where many pixels have other colours, those must be near the frequent ones
	crowded := rest*50 > b.Dx()*b.Dy()
	if crowded && len(colours) > fewShades {
		return nil, false, false
	}
	frequent := colours[:min(256, len(colours))]
	palette := make(color.Palette, len(frequent))
	index := make(map[uint32]uint8, len(colours))
	far := 0 // pixels whose colour changes visibly
	for i, c := range colours {
		if i < len(palette) {
			palette[i] = rgb(c)
			index[c] = uint8(i)
			continue
		}
		index[c] = nearest(frequent, c)
		if !near(rgb(c), rgb(frequent[index[c]])) {
			far += count[c]
		}
	}
	if crowded && far*40 > b.Dx()*b.Dy() {
		return nil, false, false
	}
	img = image.NewPaletted(b, palette)
	for y := range b.Dy() {
		to := img.Pix[y*img.Stride:]
		last, at := packed(row(y)), index[packed(row(y))]
		for x, p := 0, row(y); len(p) > 0; x, p = x+1, p[4:] {
			if c := packed(p); c != last {
				last, at = c, index[c]
			}
			to[x] = at
		}
	}
	return img, rest == 0, true
}

// posterise keeps the given number of levels per channel, which compresses better.
func posterise(src image.Image, levels int) image.Image {
	b := src.Bounds()
	dst := image.NewRGBA(b)
	step := 255 / float64(levels-1)
	var table [256]uint8
	for i := range table {
		table[i] = uint8(math.Round(math.Round(float64(i)/step) * step))
	}
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			r, g, bl, _ := src.At(x, y).RGBA()
			dst.SetRGBA(x, y, color.RGBA{table[r>>8], table[g>>8], table[bl>>8], 255})
		}
	}
	return dst
}

// rasterCanvas is a vgimg canvas that keeps pixels crisp and writes right-to-left words
// in their reading direction. vgimg itself scales images bilinearly, which turns one hot
// pixel into a soft blob.
type rasterCanvas struct{ *vgimg.Canvas }

// DrawImage draws img into r in device pixels. Figures never transform the canvas around
// an image, so r is in page coordinates.
func (c rasterCanvas) DrawImage(r vg.Rectangle, img image.Image) {
	dpi, height := c.DPI(), c.Image().Bounds().Dy()
	dots := func(l vg.Length) int { return int(math.Round(l.Dots(dpi))) }
	to := image.Rect(dots(r.Min.X), height-dots(r.Max.Y), dots(r.Max.X), height-dots(r.Min.Y))
	scaler(img.Bounds(), to).Scale(c.Image(), to, img, img.Bounds(), xdraw.Over, nil)
}

// scaler enlarges by repeating pixels and shrinks by averaging them.
func scaler(from, to image.Rectangle) xdraw.Scaler {
	if to.Dx() >= from.Dx() && to.Dy() >= from.Dy() {
		return xdraw.NearestNeighbor
	}
	return xdraw.CatmullRom
}

func (c rasterCanvas) FillString(f font.Face, at vg.Point, text string) {
	c.Canvas.FillString(f, at, visual(drawable(f, text)))
}

// visual puts right-to-left runs into drawing order, since the rasteriser writes all runes
// from left to right. It covers words within a left-to-right line, or a whole line; it is
// no full bidirectional algorithm, and browsers do their own in SVG and HTML.
func visual(text string) string {
	runes := []rune(text)
	for i := 0; i < len(runes); i++ {
		if !rightToLeft(runes[i]) {
			continue
		}
		end := i + 1
		for j := end; j < len(runes) && (rightToLeft(runes[j]) || unicode.IsSpace(runes[j]) || unicode.Is(unicode.Mn, runes[j])); j++ {
			if !unicode.IsSpace(runes[j]) {
				end = j + 1
			}
		}
		for a, b := i, end-1; a < b; a, b = a+1, b-1 {
			runes[a], runes[b] = runes[b], runes[a]
		}
		i = end
	}
	return string(runes)
}

func rightToLeft(r rune) bool { return unicode.In(r, unicode.Hebrew, unicode.Arabic, unicode.Syriac) }

// svgCanvas is a vgsvg canvas whose images are crisp in every viewer.
type svgCanvas struct {
	*vgsvg.Canvas
	dots float64 // for each CSS pixel, of embedded images
}

// DrawImage embeds img enlarged by a whole factor: not every viewer honours
// image-rendering, and those that do not blur the edges only by a fraction of a pixel.
func (c svgCanvas) DrawImage(r vg.Rectangle, img image.Image) {
	c.Canvas.DrawImage(r, enlarged(img, r.Size(), c.dots))
}

// encodeSVG mends what vgsvg writes: fallback fonts, the type of embedded images, and the
// description that assistive technology reads. Text in the document is escaped, so what is
// replaced, which holds quotes or angle brackets, cannot be part of a user's string.
func (v View) encodeSVG() ([]byte, error) {
	d := v.layout()
	c := vgsvg.New(d.w, d.h)
	spots := v.paint(svgCanvas{c, max(1, v.print.dots()/2)}, d)
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("render: figure %q: %w", v.Name(), err)
	}
	heading := v.title
	if heading == "" {
		heading = v.Name()
	}
	fix := strings.NewReplacer(
		"<!-- Generated by SVGo and Plotinum VG -->\n", "",
		`xlink:href="data:image/jpg;base64,`, `style="image-rendering:pixelated" preserveAspectRatio="none" xlink:href="data:image/png;base64,`,
		`style="font-family:Liberation Sans;font-variant:normal;font-weight:normal;font-style:normal;`, `style="`, // the root says it
		`style="font-family:Liberation Sans;font-variant:normal;font-weight:bold;font-style:normal;`, `style="font-weight:bold;`,
		`style="font-family:Liberation Mono;`, `style="white-space:pre;font-family:'Liberation Mono','Courier New',monospace;`,
		`font-variant:none;`, ``, // would switch off common ligatures that shaping needs
		`xmlns:xlink="http://www.w3.org/1999/xlink">`,
		`xmlns:xlink="http://www.w3.org/1999/xlink" role="img" `+sans+`>`+"\n"+
			"<title>"+html.EscapeString(heading)+"</title>\n<desc>"+html.EscapeString(v.Alt())+"</desc>",
	)
	svg := withSpots(fix.Replace(b.String()), spots, d.h)
	if v.print.Width > 0 {
		size := fmt.Sprintf(`width="%.5gmm" height="%.5gmm"`, v.print.Width, float64(d.h/vg.Millimeter)*v.print.scale())
		if at := svgSize.FindStringIndex(svg); at != nil {
			svg = svg[:at[0]] + size + svg[at[1]:]
		}
	}
	return []byte(svg), nil
}

// svgSize is how vgsvg writes the size of a picture, before anything else of it.
var svgSize = regexp.MustCompile(`width="[0-9.e+]+pt" height="[0-9.e+]+pt"`)

// sans is the face of all text but numbers in columns.
const sans = `font-family="'Liberation Sans',Arial,Helvetica,sans-serif"`

// withSpots adds what the spots say, as tooltips on invisible rectangles above the picture.
func withSpots(svg string, spots []spot, height vg.Length) string {
	if len(spots) == 0 || len(spots) > spotsMost {
		return svg
	}
	var b strings.Builder
	b.WriteString(strings.TrimSuffix(strings.TrimSpace(svg), "</svg>"))
	for _, s := range spots {
		size := s.at.Size()
		fmt.Fprintf(&b, "<rect class=\"whybook-spot\" x=\"%.5g\" y=\"%.5g\" width=\"%.5g\" height=\"%.5g\" fill=\"none\" pointer-events=\"all\"><title>%s</title></rect>\n",
			s.at.Min.X, height-s.at.Max.Y, size.X, size.Y, html.EscapeString(clean(s.text)))
	}
	b.WriteString("</svg>\n")
	return b.String()
}

const spotsMost = 1000 // per picture; beyond, tooltips would outweigh it

package render

import (
	"bytes"
	"cmp"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"time"

	"codeberg.org/go-pdf/fpdf"
	xdraw "golang.org/x/image/draw"
	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
)

// encodePDF draws the view on one page of its size. Fonts are embedded, as far as they are
// used, so that text can be searched; nothing in the file tells when it was made.
func (v View) encodePDF() ([]byte, error) {
	d := v.layout()
	scale := v.print.scale()
	w, h := float64(d.w)*scale, float64(d.h)*scale
	doc := fpdf.NewCustom(&fpdf.InitType{UnitStr: "pt", Size: fpdf.SizeType{Wd: w, Ht: h}})
	doc.SetMargins(0, 0, 0)
	doc.SetAutoPageBreak(false, 0)
	doc.SetCatalogSort(true)
	doc.SetCreationDate(time.Unix(0, 0).UTC())
	doc.SetModificationDate(time.Unix(0, 0).UTC())
	doc.SetProducer("Whybook", true)
	doc.SetTitle(cmp.Or(v.title, v.Name()), true)
	doc.SetSubject(v.Alt(), true)
	doc.SetLang("en")
	doc.AddPage()
	c := &pdfCanvas{doc: doc, height: h, dots: v.print.dots(), fonts: make(map[font.Font]string), widths: make(map[int]bool), state: []pdfState{{color: color.Black, width: 1}}}
	c.Push()
	c.Scale(scale, scale)
	v.paint(c, d)
	c.Pop()
	var b bytes.Buffer
	if err := doc.Output(&b); err != nil {
		return nil, fmt.Errorf("render: figure %q: %w", v.Name(), err)
	}
	return b.Bytes(), nil
}

// pdfCanvas draws on a page of a PDF. gonum's canvas knows the letters of western Europe only
// and writes fonts to temporary files.
type pdfCanvas struct {
	doc    *fpdf.Fpdf
	height float64 // of the page in points; fpdf counts downwards
	dots   float64 // for each CSS pixel, of embedded images
	fonts  map[font.Font]string
	widths map[int]bool // of embedded images
	state  []pdfState
}

// pdfState is what Push keeps and fpdf does not.
type pdfState struct {
	color color.Color
	width vg.Length
}

func (c *pdfCanvas) top() *pdfState { return &c.state[len(c.state)-1] }

func (c *pdfCanvas) SetLineWidth(w vg.Length) {
	c.top().width = w
	c.doc.SetLineWidth(float64(w))
}

func (c *pdfCanvas) SetLineDash(pattern []vg.Length, offset vg.Length) {
	dashes := make([]float64, len(pattern))
	for i, d := range pattern {
		dashes[i] = float64(d)
	}
	c.doc.SetDashPattern(dashes, float64(offset))
}

func (c *pdfCanvas) SetColor(k color.Color) {
	c.top().color = k
	n := color.NRGBAModel.Convert(k).(color.NRGBA)
	r, g, b := int(n.R), int(n.G), int(n.B)
	c.doc.SetDrawColor(r, g, b)
	c.doc.SetFillColor(r, g, b)
	c.doc.SetTextColor(r, g, b)
	if a, _ := c.doc.GetAlpha(); a != float64(n.A)/255 {
		c.doc.SetAlpha(float64(n.A)/255, "Normal")
	}
}

func (c *pdfCanvas) Rotate(rad float64) {
	sin, cos := math.Sincos(rad)
	c.doc.Transform(fpdf.TransformMatrix{A: cos, B: sin, C: -sin, D: cos})
}

func (c *pdfCanvas) Translate(pt vg.Point) {
	c.doc.Transform(fpdf.TransformMatrix{A: 1, D: 1, E: float64(pt.X), F: float64(pt.Y)})
}

func (c *pdfCanvas) Scale(x, y float64) {
	c.doc.Transform(fpdf.TransformMatrix{A: x, D: y})
}

func (c *pdfCanvas) Push() {
	c.state = append(c.state, *c.top())
	c.doc.TransformBegin()
}

func (c *pdfCanvas) Pop() {
	c.doc.TransformEnd()
	c.state = c.state[:len(c.state)-1]
	c.doc.SetLineWidth(float64(c.top().width))
	c.SetColor(c.top().color)
}

func (c *pdfCanvas) Stroke(p vg.Path) {
	if c.top().width > 0 {
		c.path(p, "D")
	}
}

func (c *pdfCanvas) Fill(p vg.Path) { c.path(p, "F") }

func (c *pdfCanvas) path(p vg.Path, style string) {
	at := func(p vg.Point) (x, y float64) { return float64(p.X), c.height - float64(p.Y) }
	for _, comp := range p {
		x, y := at(comp.Pos)
		switch comp.Type {
		case vg.MoveComp:
			c.doc.MoveTo(x, y)
		case vg.LineComp:
			c.doc.LineTo(x, y)
		case vg.CurveComp:
			x1, y1 := at(comp.Control[0])
			if len(comp.Control) == 1 {
				c.doc.CurveTo(x1, y1, x, y)
				continue
			}
			x2, y2 := at(comp.Control[1])
			c.doc.CurveBezierCubicTo(x1, y1, x2, y2, x, y)
		case vg.ArcComp:
			c.arc(comp)
		case vg.CloseComp:
			c.doc.ClosePath()
		}
	}
	c.doc.DrawPath(style)
}

// arc goes on to the start of an arc and along it, in pieces of at most a quarter of a circle.
func (c *pdfCanvas) arc(a vg.PathComp) {
	on := func(angle, x, y float64) (float64, float64) { // a point of the unit circle, moved along and across it
		sin, cos := math.Sincos(angle)
		r := float64(a.Radius)
		return float64(a.Pos.X) + r*(x*cos-y*sin), c.height - float64(a.Pos.Y) - r*(x*sin+y*cos)
	}
	c.doc.LineTo(on(a.Start, 1, 0))
	n := max(1, int(math.Ceil(math.Abs(a.Angle)/(math.Pi/2)-1e-9)))
	step := a.Angle / float64(n)
	k := 4.0 / 3 * math.Tan(step/4)
	for i := range n {
		from := a.Start + float64(i)*step
		x1, y1 := on(from, 1, k)
		x2, y2 := on(from+step, 1, -k)
		x, y := on(from+step, 1, 0)
		c.doc.CurveBezierCubicTo(x1, y1, x2, y2, x, y)
	}
}

func (c *pdfCanvas) FillString(f font.Face, at vg.Point, text string) {
	if text = visual(drawable(f, text)); text == "" {
		return
	}
	style := ""
	if f.Font.Weight == xfont.WeightBold {
		style = "B"
	}
	key := f.Font
	key.Size = 0
	family, known := c.fonts[key]
	if !known {
		family = string(f.Font.Typeface) + string(f.Font.Variant)
		c.fonts[key] = family
		var source bytes.Buffer
		if _, err := f.Face.WriteSourceTo(nil, &source); err != nil {
			c.doc.SetError(err)
			return
		}
		c.doc.AddUTF8FontFromBytes(family, style, source.Bytes())
	}
	c.doc.SetFont(family, style, float64(f.Font.Size))
	c.doc.Text(float64(at.X), c.height-float64(at.Y), text)
}

// DrawImage embeds img enlarged by a whole factor, since viewers smooth what they enlarge.
//
// fpdf writes images in the order of their widths, and in that of a map where widths are equal.
// So that there is one order, an image as wide as another gets columns that are cut off again.
func (c *pdfCanvas) DrawImage(r vg.Rectangle, img image.Image) {
	big := enlarged(img, r.Size(), c.dots)
	w, h := big.Bounds().Dx(), big.Bounds().Dy()
	wide := w
	for c.widths[wide] {
		wide++
	}
	c.widths[wide] = true
	if wide > w {
		padded := image.NewNRGBA(image.Rect(0, 0, wide, h))
		for x := range wide {
			xdraw.Copy(padded, image.Pt(x, 0), big, image.Rect(min(x, w-1), 0, min(x, w-1)+1, h), xdraw.Src, nil)
		}
		big = padded
	}
	var b bytes.Buffer
	if err := png.Encode(&b, big); err != nil {
		c.doc.SetError(err)
		return
	}
	name, options := fmt.Sprint("image ", wide), fpdf.ImageOptions{ImageType: "PNG"}
	c.doc.RegisterImageOptionsReader(name, options, &b)
	size := r.Size()
	x, y := float64(r.Min.X), c.height-float64(r.Max.Y)
	c.doc.ClipRect(x, y, float64(size.X), float64(size.Y), false)
	c.doc.ImageOptions(name, x, y, float64(size.X)*float64(wide)/float64(w), float64(size.Y), false, options, 0, "")
	c.doc.ClipEnd()
}

// enlarged repeats the pixels of img by whole factors, to about the given dots for each CSS
// pixel of its size on the page, and shrinks it where it is far larger than that.
func enlarged(img image.Image, size vg.Point, dots float64) image.Image {
	b := img.Bounds()
	w, h := int(math.Round(float64(size.X/px)*dots)), int(math.Round(float64(size.Y/px)*dots))
	to := image.Rect(0, 0, b.Dx()*max(1, w/b.Dx()), b.Dy()*max(1, h/b.Dy()))
	if b.Dx() > 2*w && b.Dy() > 2*h {
		to = image.Rect(0, 0, 2*w, 2*h)
	}
	big := image.NewNRGBA(to)
	scaler(b, to).Scale(big, to, img, b, xdraw.Src, nil)
	return big
}

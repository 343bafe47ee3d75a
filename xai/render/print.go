package render

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot/vg"
)

// Print is how large a figure is on paper. See View.Print.
type Print struct {
	Width float64 // in mm, 40 to 400
	Text  float64 // size of the letters in points, 4 to 14; default 7. Titles are larger by 2/9
	DPI   int     // of a PNG, 72 to 1200; default 300
}

// SingleColumn is the width of a column in Nature and Cell, 89 mm, in IEEE's journals 88.9.
func SingleColumn() Print { return Print{Width: 89} }

// DoubleColumn is the width of both columns, 183 mm.
func DoubleColumn() Print { return Print{Width: 183} }

// Print returns the view in the size of a figure in a paper: PNG, SVG and PDF are exactly that
// wide, whatever is drawn, with letters of the size asked for; a figure that needs less width
// stands in the middle. One that needs more is an error that names the width that it needs.
// What a notebook shows is not changed.
//
//	err := v.Titled("").Print(render.SingleColumn()).Save("fig1.pdf", "fig1.png")
func (v View) Print(p Print) View {
	if v.Err() != nil {
		return v
	}
	fail := func(field string, value any, lo, hi any) View {
		v.err = fmt.Errorf("render.View.Print: %s is %v; it must be between %v and %v: %w", field, value, lo, hi, ErrSize)
		return v
	}
	p.Text, p.DPI = cmp.Or(p.Text, 7), cmp.Or(p.DPI, 300)
	switch {
	case !(p.Width >= 40 && p.Width <= 400):
		return fail("Width", p.Width, "40", "400 mm, such as that of render.SingleColumn()")
	case !(p.Text >= 4 && p.Text <= 14):
		return fail("Text", p.Text, 4, "14 points, or 0 for 7")
	case p.DPI < 72 || p.DPI > 1200:
		return fail("DPI", p.DPI, 72, "1200 dots per inch, or 0 for 300")
	}
	v.print = p
	if need := v.frame().fit(p.room()); need.w > p.room()+px/2 {
		v.print = Print{}
		v.err = fmt.Errorf("render.View.Print: figure %q needs %.0f mm with letters of %g points, and there are %g; print it wider, such as on render.DoubleColumn(), or with smaller letters: %w",
			v.Name(), math.Ceil(float64(need.w/vg.Millimeter)*p.scale()), p.Text, p.Width, ErrSize)
	}
	return v
}

// scale returns the size of what is printed against what is laid out.
func (p Print) scale() float64 {
	if p.Width == 0 {
		return 1
	}
	return p.Text / 9 // body text is laid out with 9 points
}

// room returns the width to lay out in.
func (p Print) room() vg.Length { return vg.Length(p.Width/p.scale()) * vg.Millimeter }

// dots returns how many pixels of an embedded image go to a CSS pixel of the layout.
func (p Print) dots() float64 {
	if p.Width == 0 {
		return 2
	}
	return float64(p.DPI) / 96 * p.scale()
}

// layout lays the view out for the screen or for print.
func (v View) layout() drawing {
	if v.print.Width == 0 {
		return v.frame().fit(pageWidth)
	}
	room := v.print.room()
	d := v.frame().fit(room)
	return drawing{room, d.h, func(p *pen, r vg.Rectangle) {
		left := r.Min.X + vg.Length(math.Floor(float64((room-d.w)/2/px)))*px
		d.draw(p, rect(left, r.Min.Y, left+d.w, r.Max.Y))
	}}
}

// PDF returns the picture as a page of its size. Its text can be searched, its fonts are
// embedded, and it has the same bytes at every call: there is no date in it.
func (v View) PDF() ([]byte, error) {
	if err := v.Err(); err != nil {
		return nil, err
	}
	return v.encodePDF()
}

// Save writes the view into files. Their extensions say in which format: .png, .svg, .pdf,
// .html (a document of its own) or .txt. Folders are made where they are missing. Files appear
// whole or not at all; an error names the file, and those before it are there.
//
//	err := v.Save("fig1.svg", "fig1.png", "fig1.pdf")
//
// The same figure gives the same bytes. For all forms of many figures there is [Dir].
func (v View) Save(paths ...string) error {
	if err := v.Err(); err != nil {
		return err
	}
	forms := map[string]func() ([]byte, error){
		".png": v.PNG, ".svg": v.SVG, ".pdf": v.PDF,
		".html": func() ([]byte, error) { s, err := v.page(); return []byte(s), err },
		".txt":  func() ([]byte, error) { return []byte(v.Text()), nil },
	}
	for _, path := range paths {
		if forms[strings.ToLower(filepath.Ext(path))] == nil {
			return fmt.Errorf("render.View.Save: %q: no format has the extension %q; there are .png, .svg, .pdf, .html and .txt", path, filepath.Ext(path))
		}
	}
	for _, path := range paths {
		data, err := forms[strings.ToLower(filepath.Ext(path))]()
		if err == nil {
			err = os.MkdirAll(filepath.Dir(path), 0o777)
		}
		if err == nil {
			err = writeFile(path, data)
		}
		if err != nil {
			return fmt.Errorf("render.View.Save: %s: %w", path, err)
		}
	}
	return nil
}

// withDensity tells in a PNG how many of its pixels go to a metre of paper, by which programs
// know its size.
func withDensity(img []byte, dpi float64) []byte {
	const header = 8 + 25 // signature and IHDR, after which the chunk may stand
	perMetre := uint32(math.Round(dpi / 0.0254))
	chunk := binary.BigEndian.AppendUint32(nil, 9)
	chunk = append(chunk, "pHYs"...)
	chunk = binary.BigEndian.AppendUint32(chunk, perMetre)
	chunk = binary.BigEndian.AppendUint32(chunk, perMetre)
	chunk = append(chunk, 1)
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk[4:]))
	return bytes.Join([][]byte{img[:header], chunk, img[header:]}, nil)
}

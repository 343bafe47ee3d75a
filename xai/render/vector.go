package render

import (
	"bytes"
	"fmt"
	"html"
	"html/template"
	"strings"
)

// vector is the HTML form of figures whose parts say more when the reader points at them
// or reaches them with the keyboard: the SVG itself. It needs no script. Where markup is
// stripped of SVG, as in notebooks that are not trusted, the picture takes its place.
type vector struct{}

func (vector) html(v View, _ string) (template.HTML, []script, error) {
	body, err := v.inline()
	if err != nil {
		return "", nil, err
	}
	if v.list != "" {
		body += template.HTML("<details><summary " + ownKeys + ">As text</summary>\n<pre>" + html.EscapeString(v.list) + "</pre></details>\n")
	}
	return body, nil, nil
}

// inline returns the picture without its title as an SVG element, and after it the image
// that stands in where that is stripped. A large SVG has no room for the image beside it;
// one that is too large leaves only the image.
func (v View) inline() (template.HTML, error) {
	alt := html.EscapeString(v.Alt())
	v.title = ""
	svg, err := v.encodeSVG()
	if err != nil {
		return "", err
	}
	class := "whybook-dark"
	if v.theme == Light {
		class = "whybook-light"
	}
	var img string
	if n := len(svg); n < figureLimit/3 || n > figureLimit*2/3 {
		limit := 40_000 // beside an SVG and the PNG of the bundle
		if n > figureLimit/3 {
			limit = pngLimit / 2
		}
		still, width, err := v.still(limit)
		if err != nil {
			return "", err
		}
		img = fmt.Sprintf("<img class=%q src=%q alt=\"%s\" width=\"%d\">\n", class, string(still), alt, width)
		if n > figureLimit/3 {
			return template.HTML(img), nil
		}
	}
	_, rest, ok := bytes.Cut(svg, []byte("<desc>"))
	_, rest, closed := bytes.Cut(rest, []byte("</desc>"))
	if !ok || !closed {
		return "", fmt.Errorf("render: figure %q: its SVG has no description", v.Name())
	}
	d := v.frame().fit(pageWidth)
	open := fmt.Sprintf("<svg class=%q role=\"group\" %s aria-label=\"%s\" width=\"%.5g\" height=\"%.5g\" viewBox=\"0 0 %.5g %.5g\">",
		class, sans, alt, float64(d.w/px), float64(d.h/px), float64(d.w), float64(d.h))
	tail := strings.ReplaceAll(string(rest), `<rect class="whybook-spot" `, `<rect class="whybook-spot" tabindex="0" role="img" `)
	return template.HTML(open + tail + img), nil
}

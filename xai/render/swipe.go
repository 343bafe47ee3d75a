package render

import (
	"fmt"
	"html"
	"html/template"
	"strings"
)

// Swipe compares two pictures of one size in every detail: two methods on one image, a map
// before and after. Heat maps of the same quantity share their colours, as in a [Row].
//
// In HTML, the pictures lie over each other, and a divider between them follows the pointer
// or a slider with its arrow keys; a script of 2 kB does that. The two pictures stand side by
// side without it, and in the picture.
type Swipe struct {
	Title       string
	Left, Right View      // pictures, no tables, that are equally wide: both are maps of the same size
	Labels      [2]string // "" for the title of the view
}

// View draws both pictures.
func (s Swipe) View() View {
	const where = "render.Swipe"
	views := []View{s.Left, s.Right}
	labels := make([]string, 2)
	for i, v := range views {
		if err := v.Err(); err != nil {
			return Failed(fmt.Errorf("%s: view %d: %w", where, i, err))
		}
		if v.isHTML() {
			return Failed(fmt.Errorf("%s: view %d is best shown as HTML, not as a picture; put both into a Choice: %w", where, i, ErrSize))
		}
		labels[i] = clean(s.Labels[i])
		if labels[i] == "" {
			labels[i] = v.title
		}
		if labels[i] == "" {
			labels[i] = []string{"left", "right"}[i]
		}
		views[i] = v.Titled(labels[i])
	}
	all := Row(views...)
	pair := swiped{parts: all.parts, labels: labels}
	if a, b := pair.width(0), pair.width(1); a != b {
		return Failed(fmt.Errorf("%s: the pictures are %d and %d pixels wide; they must be equal to lie over each other: %w", where, a, b, ErrSize))
	}
	return View{title: clean(s.Title), theme: all.theme, fig: all.fig, web: pair, list: all.Text(),
		alt: fmt.Sprintf("Two pictures to compare. %s: %s %s: %s", labels[0], all.parts[0].Titled("").Alt(), labels[1], all.parts[1].Titled("").Alt())}
}

// swiped is a checked Swipe.
type swiped struct {
	parts  []View
	labels []string
}

// width returns the width of a picture without its title, in CSS pixels.
func (s swiped) width(i int) int { return s.parts[i].Titled("").width() }

func (s swiped) html(v View, id string) (template.HTML, []script, error) {
	box, err := swipeScript.box()
	if err != nil {
		return "", nil, err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "<div class=\"whybook-swipe\" %s data-names=\"%s\">\n<div class=\"whybook-parts\">\n", box, html.EscapeString(strings.Join(s.labels, "\n")))
	for _, part := range fragments(s.parts, v.theme, id, pngLimit/2) {
		if part.err != nil {
			return "", nil, part.err
		}
		b.WriteString(string(part.html))
	}
	b.WriteString("</div>\n</div>\n")
	return template.HTML(b.String()), []script{swipeScript}, nil
}

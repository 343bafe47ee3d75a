package render

import (
	"cmp"
	"fmt"
	"html"
	"html/template"
	"strings"
)

// Frames shows a sequence of views as small multiples: the steps of a path, one map for
// each class. Heat maps of the same quantity share their colours, as in a Row.
//
// In HTML, a slider goes from frame to frame, which also obeys the arrow keys; a script of
// less than 1.5 kB does that, and all frames show side by side without it.
type Frames struct {
	Title  string
	Views  []View   // two or more, in order
	Labels []string // one per view; nil for the titles of the views
	Axis   string   // what changes from one to the next: "step", "class"
}

// View draws the frames.
func (f Frames) View() View {
	const where = "render.Frames"
	switch {
	case len(f.Views) < 2:
		return Failed(fmt.Errorf("%s: %s given; a sequence needs two: %w", where, plural(len(f.Views), "view"), ErrEmpty))
	case f.Labels != nil && len(f.Labels) != len(f.Views):
		return Failed(fmt.Errorf("%s: %d labels for %d views: %w", where, len(f.Labels), len(f.Views), ErrSize))
	}
	views := make([]View, len(f.Views))
	labels := make([]string, len(f.Views))
	for i, v := range f.Views {
		if err := v.Err(); err != nil {
			return Failed(fmt.Errorf("%s: view %d: %w", where, i, err))
		}
		labels[i] = v.title
		if f.Labels != nil {
			labels[i] = clean(f.Labels[i])
		}
		labels[i] = cmp.Or(labels[i], fmt.Sprint(i+1))
		views[i] = v.Titled(labels[i])
	}
	all := Row(views...)
	seq := sequence{parts: all.parts, labels: labels, axis: cmp.Or(clean(f.Axis), "frame")}
	all.title = ""
	return View{title: clean(f.Title), theme: all.theme, fig: all.fig, web: seq, alt: seq.alt(), list: all.Text()}
}

// sequence is a checked Frames.
type sequence struct {
	parts  []View
	labels []string
	axis   string
}

func (s sequence) alt() string {
	last := len(s.parts) - 1
	return fmt.Sprintf("Sequence of %d frames, %s from %s to %s. First: %s Last: %s", len(s.parts), s.axis, s.labels[0], s.labels[last], s.parts[0].Alt(), s.parts[last].Alt())
}

func (s sequence) html(v View, id string) (template.HTML, []script, error) {
	var b strings.Builder
	scripts := []script{framesScript}
	fmt.Fprintf(&b, "<div class=\"whybook-frames\" data-lm-suppress-shortcuts=\"true\" data-axis=\"%s\">\n<div class=\"whybook-parts\">\n", html.EscapeString(s.axis))
	for i, part := range s.parts {
		part.room = max(pngLimit/len(s.parts), 4000)
		inner, need, err := part.In(v.theme).fragment(fmt.Sprintf("%s/%d", id, i), false)
		if err != nil {
			return "", nil, err
		}
		scripts = append(scripts, need...)
		fmt.Fprintf(&b, "<div class=\"whybook-frame\" data-n=\"%s\">%s</div>\n", html.EscapeString(s.labels[i]), inner)
	}
	b.WriteString("</div>\n</div>\n")
	return template.HTML(b.String()), scripts, nil
}

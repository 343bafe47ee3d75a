package render

import (
	"cmp"
	"fmt"
	"html"
	"html/template"
	"strings"
)

// Frames shows a sequence of views as small multiples: the steps of a path. Heat maps of the
// same quantity share their colours, as in a Row. For what has no order there is [Choice].
//
// In HTML, a slider goes from frame to frame, which also obeys the arrow keys; a script of
// 2 kB does that, and all frames show side by side without it.
type Frames struct {
	Title  string
	Views  []View   // two or more, in order
	Labels []string // one per view; nil for the titles of the views
	Axis   string   // what changes from one to the next: "step"
}

// View draws the frames.
func (f Frames) View() View {
	return sequenced("render.Frames", f.Title, f.Views, f.Labels, sequence{axis: cmp.Or(clean(f.Axis), "frame")})
}

// Choice shows views of which one is looked at at a time: the maps of several classes, or of
// several methods. Heat maps of the same quantity share their colours, as in a Row.
//
// In HTML, readers choose one from a list, or see all; a script of 2 kB does that, and all
// views show side by side without it, as in the picture.
type Choice struct {
	Title  string
	Views  []View   // two or more
	Labels []string // one per view; nil for the titles of the views
	Axis   string   // what is chosen: "class", "method"
	Start  int      // the view that is chosen at first
}

// View draws the views side by side.
func (c Choice) View() View {
	const where = "render.Choice"
	if c.Start < 0 || c.Start >= max(len(c.Views), 1) {
		return Failed(fmt.Errorf("%s: Start is view %d of %d (0-%d): %w", where, c.Start, len(c.Views), len(c.Views)-1, ErrSize))
	}
	return sequenced(where, c.Title, c.Views, c.Labels, sequence{axis: cmp.Or(clean(c.Axis), "show"), pick: true, start: c.Start})
}

// sequenced is the view of a sequence, of which everything is known but its parts and labels.
func sequenced(where, heading string, views []View, names []string, seq sequence) View {
	switch {
	case len(views) < 2:
		return Failed(fmt.Errorf("%s: %s given; it needs two: %w", where, plural(len(views), "view"), ErrEmpty))
	case names != nil && len(names) != len(views):
		return Failed(fmt.Errorf("%s: %d labels for %d views: %w", where, len(names), len(views), ErrSize))
	}
	labelled := make([]View, len(views))
	for i, v := range views {
		if err := v.Err(); err != nil {
			return Failed(fmt.Errorf("%s: view %d: %w", where, i, err))
		}
		label := v.title
		if names != nil {
			label = clean(names[i])
		}
		label = cmp.Or(label, fmt.Sprint(i+1))
		seq.labels = append(seq.labels, label)
		labelled[i] = v.Titled(label)
	}
	all := Row(labelled...)
	all.title = ""
	seq.parts = all.parts
	return View{title: clean(heading), theme: all.theme, fig: all.fig, web: seq, alt: seq.alt(), list: all.Text()}
}

// sequence is a checked Frames or Choice.
type sequence struct {
	parts  []View
	labels []string
	axis   string
	pick   bool // from a list, rather than by a slider
	start  int
}

func (s sequence) alt() string {
	last := len(s.parts) - 1
	if s.pick {
		return fmt.Sprintf("%d figures to choose from by %s: %s. %s: %s", len(s.parts), s.axis, strings.Join(s.labels, ", "), s.labels[s.start], s.parts[s.start].Alt())
	}
	return fmt.Sprintf("Sequence of %d frames, %s from %s to %s. First: %s Last: %s", len(s.parts), s.axis, s.labels[0], s.labels[last], s.parts[0].Alt(), s.parts[last].Alt())
}

// besides is how wide a picture is at most, in CSS pixels, that can stand at half of its width or
// less beside others, where all are shown. Figures of figures cannot be read then.
const besides = 540

func (s sequence) html(v View, id string) (template.HTML, []script, error) {
	var b strings.Builder
	scripts := []script{framesScript}
	box, err := framesScript.box()
	if err != nil {
		return "", nil, err
	}
	fmt.Fprintf(&b, "<div class=\"whybook-frames\" %s data-axis=\"%s\"", box, html.EscapeString(s.axis))
	if s.pick {
		b.WriteString(" data-pick=\"1\"")
	}
	if s.start > 0 {
		fmt.Fprintf(&b, " data-start=\"%d\"", s.start)
	}
	b.WriteString(">\n<div class=\"whybook-parts\">\n")
	for i, part := range fragments(s.parts, v.theme, id, max(pngLimit/len(s.parts), 4000)) {
		if part.err != nil {
			return "", nil, part.err
		}
		scripts = append(scripts, part.scripts...)
		class := "whybook-frame"
		if s.parts[i].width() > besides {
			class += " whybook-wide"
		}
		fmt.Fprintf(&b, "<div class=\"%s\" data-n=\"%s\">%s</div>\n", class, html.EscapeString(s.labels[i]), part.html)
	}
	b.WriteString("</div>\n</div>\n")
	return template.HTML(b.String()), scripts, nil
}

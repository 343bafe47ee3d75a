package saliency

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/whybook/whybook/xai/render"
)

// View draws the map with the outline of its image, red for and blue against the target.
// Side by side, maps of one method share their colour scale. A map at a layer is drawn
// without the image: its channels are added, and a layer without space is a line of units.
func (m Map) View() render.View {
	title := fmt.Sprintf("%s for “%s”", m.Method, m.ClassName(m.Target))
	if m.Layer != "" {
		layer := render.HeatMap{
			Title: title + " at " + m.Layer, Values: m.Plane(), Height: m.Shape.Height, Width: m.Shape.Width,
			Signed: m.Signed, Label: "attribution", Scale: m.Method + " at " + m.Layer,
		}
		if len(layer.Values) == 1 {
			layer.Values, layer.Width = m.Values, len(m.Values)
		}
		return layer.View()
	}
	title += m.remark()
	if m.Sample.Columns != nil { // a row of a table
		return render.Bars{Title: title, Labels: m.Sample.Columns, Values: m.Values, Label: "attribution"}.View()
	}
	heat := render.HeatMap{
		Title: title, Values: m.Plane(), Height: m.Shape.Height, Width: m.Shape.Width,
		Signed: m.Signed, Label: "attribution", Scale: m.Method,
	}
	if m.Scalar != nil { // another quantity than a score, unless it is made of scores
		heat.Scale += m.Scalar.source()
	}
	return render.Overlay{HeatMap: heat, Image: render.Image{
		Pixels: m.Sample.X, Channels: m.Shape.Channels, Height: m.Shape.Height, Width: m.Shape.Width,
	}}.View()
}

// AbsoluteView draws what matters, for the target or against it: the absolute values, of an
// image added over the channels.
func (m Map) AbsoluteView() render.View {
	m.Values = slices.Clone(m.Values)
	for i, v := range m.Values {
		m.Values[i] = math.Abs(v)
	}
	m.Signed, m.Method = false, m.Method+", absolute,"
	return m.View()
}

// View computes the map and draws it.
func (r Recipe) View(ctx context.Context) (render.View, error) {
	m, err := r.Explain(ctx)
	if err != nil {
		return render.View{}, err
	}
	return m.View(), nil
}

// frames is how many points of a path are drawn.
const frames = 6

// View draws the way of the flow: what has come and gone after some of the steps, in one
// colour scale, with the target's probability or a scalar's value; or, in a table of two
// columns, the path beside the straight line along the gradient.
func (p Path) View() render.View {
	if len(p.Points) < 2 {
		return render.Failed(fmt.Errorf("saliency.Path: %d points make no path", len(p.Points)))
	}
	class := p.Flow.ClassName(p.Target)
	last := len(p.Points) - 1
	if columns := p.Flow.Sample.Columns; columns != nil {
		if len(columns) != 2 {
			return p.Flow.View()
		}
		x, y := make([]float64, len(p.Points)), make([]float64, len(p.Points))
		for k, point := range p.Points {
			x[k], y[k] = point[0], point[1]
		}
		ahead := x[last] - x[0] // of the same width, in the direction of the first step
		slope := (y[1] - y[0]) / (x[1] - x[0])
		series := []render.Series{{Name: "gradient flow", X: x, Y: y}}
		if !math.IsInf(slope, 0) && !math.IsNaN(slope) {
			series = append(series, render.Series{Name: "straight along the gradient", X: []float64{x[0], x[last]}, Y: []float64{y[0], y[0] + slope*ahead}, Reference: true})
		}
		return render.Lines{Title: fmt.Sprintf("Gradient flow for “%s”", class), XLabel: columns[0], YLabel: columns[1], Series: series}.View()
	}
	moved := p.Displacements()
	var views []render.View
	for f := range min(frames, last) {
		k := (f + 1) * last / min(frames, last)
		m := Map{Values: moved[k], Shape: p.Shape}
		views = append(views, render.HeatMap{
			Title:  fmt.Sprintf("%d: %s “%s”", k, p.standing(k), class),
			Values: m.Plane(), Height: p.Shape.Height, Width: p.Shape.Width,
			Signed: true, Label: "displacement", Scale: "path",
		}.View())
	}
	title := fmt.Sprintf("Gradient flow for “%s”, from %s", class, p.standing(0))
	if len(views) == 1 {
		return views[0].Titled(title)
	}
	return render.Frames{Title: title, Axis: "step", Views: views}.View()
}

// standing says where the target is at point k: its probability, or the value of a scalar.
func (p Path) standing(k int) string {
	if len(p.Scores[k]) == 1 {
		return fmt.Sprintf("%.3g", p.Scores[k][0])
	}
	return fmt.Sprintf("%.0f %%", 100*probability(p.Scores[k], p.Target))
}

// remark returns what the notes of the map say, for its title.
func (m Map) remark() string {
	var kinds []string
	for _, n := range m.Report.Notes {
		kinds = append(kinds, string(n.Kind))
	}
	if len(kinds) == 0 {
		return ""
	}
	return " (" + strings.Join(kinds, ", ") + ")"
}

// View draws the maps side by side, with one scale of colours for those of one method. In a
// notebook, readers choose a class or, of maps by several methods, a method; that of the
// predicted class is chosen first.
func (ms Maps) View() render.View {
	if len(ms) == 1 {
		return ms[0].View()
	}
	c := render.Choice{Axis: "class"}
	if ms.methods() {
		c.Axis = "method"
	}
	for i, m := range ms {
		c.Views = append(c.Views, m.View())
		if c.Axis == "class" && m.Scalar == nil && m.Target == m.Predicted() {
			c.Start = i
		}
	}
	return c.View()
}

// methods reports whether not all maps are of one method.
func (ms Maps) methods() bool {
	return slices.ContainsFunc(ms, func(m Map) bool { return m.Method != ms[0].Method })
}

// SwipeView draws the first two maps; in a notebook over each other, with a divider that
// readers move: two methods, or two classes, at every place of one image.
func (ms Maps) SwipeView() render.View {
	if len(ms) < 2 {
		return render.Failed(fmt.Errorf("saliency.Maps.SwipeView: two maps are compared, there are %d: %w", len(ms), render.ErrEmpty))
	}
	a, b := ms[0].View(), ms[1].View()
	title := "Two maps of one sample"
	if ms[0].Target == ms[1].Target && ms.methods() {
		title = fmt.Sprintf("Two methods for “%s”", ms[0].ClassName(ms[0].Target))
	}
	if v := (render.Swipe{Title: title, Left: a, Right: b}).View(); v.Err() == nil {
		return v
	}
	return render.Choice{Title: title, Axis: "map", Views: []render.View{a, b}}.View() // of different sizes
}

// View draws the maps in one scale of colours, with where the target is by then; in a notebook
// with a slider along the way.
func (w Walk) View() render.View {
	f := render.Frames{Axis: "part of the way"}
	for i, m := range w.Maps {
		p := Path{Scores: [][]float64{m.Scores}, Target: m.Target}
		f.Views = append(f.Views, m.View())
		f.Labels = append(f.Labels, fmt.Sprintf("%.0f %%: %s “%s”", 100*w.At[i], p.standing(0), m.ClassName(m.Target)))
		f.Title = fmt.Sprintf("Integrated gradients for “%s”, along the way from the baseline", m.ClassName(m.Target))
	}
	return f.View()
}

// ThresholdView draws the map with a slider, in a notebook, that fades what is weaker than a
// threshold and says how much of the map is left.
func (m Map) ThresholdView() render.View { return render.Threshold{Of: m.View()}.View() }

// View draws the mean map of each class that has one, with the number of its maps and one
// scale of colours for all: red for and blue against the class.
func (a Atlas) View() render.View {
	return a.draw("mean", a.Signed, func(e Entry) []float64 { return e.Mean })
}

// AbsoluteView draws the mean of the absolute values for each class.
func (a Atlas) AbsoluteView() render.View {
	return a.draw("mean absolute value", false, func(e Entry) []float64 { return e.Absolute })
}

// SpreadView draws the standard deviation over the maps of each class.
func (a Atlas) SpreadView() render.View {
	return a.draw("standard deviation", false, func(e Entry) []float64 { return e.Spread })
}

func (a Atlas) draw(what string, signed bool, of func(Entry) []float64) render.View {
	if a.Columns != nil {
		return a.matrix(what, signed, of)
	}
	var views []render.View
	for _, e := range a.Entries {
		if e.Count == 0 {
			continue
		}
		s := a.Shape
		views = append(views, render.HeatMap{
			Title:  fmt.Sprintf("%s (%d)", e.Class, e.Count),
			Values: Map{Values: of(e), Shape: s}.Plane(), Height: s.Height, Width: s.Width,
			Signed: signed, Label: what, Scale: a.Method,
		}.View())
	}
	if len(views) == 0 {
		return render.Failed(fmt.Errorf("saliency: no class of the atlas has a map"))
	}
	return render.Row(views...).Titled(fmt.Sprintf("%s, %s over %s", a.Method, what, a.DataName))
}

// matrix draws the classes of a table by its columns.
func (a Atlas) matrix(what string, signed bool, of func(Entry) []float64) render.View {
	m := render.HeatMap{
		Title: fmt.Sprintf("%s, %s over %s", a.Method, what, a.DataName), Width: len(a.Columns), Columns: a.Columns,
		RowAxis: "class", Signed: signed, Label: what, Clip: 100, Numbers: true,
	}
	for _, e := range a.Entries {
		if e.Count > 0 {
			m.Values, m.Rows = append(m.Values, of(e)...), append(m.Rows, fmt.Sprintf("%s (%d)", e.Class, e.Count))
		}
	}
	if m.Height = len(m.Rows); m.Height == 0 {
		return render.Failed(fmt.Errorf("saliency: no class of the atlas has a map"))
	}
	return m.View()
}

// View computes the atlas and draws it.
func (s Survey) View(ctx context.Context) (render.View, error) {
	a, err := s.Explain(ctx)
	if err != nil {
		return render.View{}, err
	}
	return a.View(), nil
}

package saliency

import (
	"context"
	"fmt"
	"math"

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
	if m.Sample.Columns != nil { // a row of a table
		return render.Bars{Title: title, Labels: m.Sample.Columns, Values: m.Values, Label: "attribution"}.View()
	}
	heat := render.HeatMap{
		Title: title, Values: m.Plane(), Height: m.Shape.Height, Width: m.Shape.Width,
		Signed: m.Signed, Label: "attribution", Scale: m.Method,
	}
	return render.Overlay{HeatMap: heat, Image: render.Image{
		Pixels: m.Sample.X, Channels: m.Shape.Channels, Height: m.Shape.Height, Width: m.Shape.Width,
	}}.View()
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
// colour scale, with the target's probability; or, in a table of two columns, the path
// beside the straight line along the gradient.
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
			Title:  fmt.Sprintf("step %d: %.0f %% “%s”", k, 100*probability(p.Scores[k], p.Target), class),
			Values: m.Plane(), Height: p.Shape.Height, Width: p.Shape.Width,
			Signed: true, Label: "displacement", Scale: "path",
		}.View())
	}
	return render.Row(views...).Titled(fmt.Sprintf("Gradient flow for “%s”, from %.0f %%", class, 100*probability(p.Scores[0], p.Target)))
}

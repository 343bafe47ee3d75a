package saliency

import (
	"context"
	"fmt"

	"github.com/whybook/whybook/xai/render"
)

// View draws the map with the outline of its image, red for and blue against the target.
// Side by side, maps of one method share their colour scale.
func (m Map) View() render.View {
	title := fmt.Sprintf("%s for “%s”", m.Method, m.ClassName(m.Target))
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

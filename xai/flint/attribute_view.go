package flint

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/whybook/whybook/xai/render"
	"gonum.org/v1/gonum/floats"
)

// madeImages is how many images a figure of Maximised shows.
const madeImages = 8

// View draws the images from which Maximise started, and below each of them what became of it;
// the first eight. Brightness goes from the least to the greatest value of what was made.
func (m *Maximised) View() render.View {
	if m == nil || m.From == nil {
		return render.Failed(fmt.Errorf("flint.Maximised.View: there are no images; they are made by Interpreter.Maximise"))
	}
	n := min(len(m.Attributes), madeImages)
	grid := render.ImageGrid{Title: "Images, and what makes an attribute of each larger (brightness scaled)", Columns: n}
	if n < len(m.Attributes) {
		grid.Title += fmt.Sprintf(": the first %d of %d", n, len(m.Attributes))
	}
	for i, j := range m.Attributes[:n] {
		grid.Images = append(grid.Images, picture(m.From.RawRowView(i), m.Shape, attributeName(j)+": "+decimals(m.Original[i])))
	}
	for i := range n {
		grid.Images = append(grid.Images, scaled(m.Images.RawRowView(i), m.Shape, decimals(m.Before[i])+" to "+decimals(m.After[i])))
	}
	return grid.View()
}

// View draws an input, what the decoder makes of its attributes, and what the three attributes add
// that change the image most.
func (d *Decoded) View() render.View {
	if d == nil || d.Parts == nil {
		return render.Failed(fmt.Errorf("flint.Decoded.View: there is no image; it is made by Interpreter.DecodeAttributes"))
	}
	views := []render.View{render.ImageGrid{Images: []render.Image{picture(d.X, d.Shape, "input"), picture(d.Image, d.Shape, "decoded")}, Columns: 1}.View()}
	order := places(len(d.Phi))
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Compare(floats.Norm(d.Parts.RawRowView(b), 1), floats.Norm(d.Parts.RawRowView(a), 1))
	})
	for _, j := range order[:min(top, len(order))] {
		views = append(views, part(d.Parts.RawRowView(j), d.Shape, attributeName(j)+", of "+decimals(d.Phi[j])))
	}
	return render.Row(views...).Titled("What the decoder makes of the attributes, and what the strongest add")
}

// part draws what an attribute adds to the decoder's image; of several channels, their mean.
func part(values []float64, s shape, title string) render.View {
	plane := make([]float64, s.Height*s.Width)
	for j, v := range values {
		plane[j%len(plane)] += v / float64(s.Channels)
	}
	return render.HeatMap{Title: title, Values: plane, Height: s.Height, Width: s.Width, Signed: true, Label: "added brightness", Scale: "decoder"}.View()
}

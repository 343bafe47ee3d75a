package flint

import (
	"context"
	"fmt"

	"github.com/whybook/whybook/xai/render"
	"gonum.org/v1/gonum/mat"
)

// top is how many attributes a local figure shows, and how many samples an attribute's sheet
// does for each class, as the paper's.
const top = 3

func (l *Local) whole(where string) error {
	if l.Sample.X == nil || len(l.Order) == 0 {
		return fmt.Errorf("%s: there is no interpretation; it is made by Interpreter.Local", where)
	}
	return nil
}

// View draws a decision as the paper's figure: the input, the three most relevant attributes, and
// what makes each of them larger, by Maximise with m. As in the authors' figures the brightness
// of what was made goes from its least to its greatest value.
func (l *Local) View(ctx context.Context, in *Interpreter, m Maximisation) render.View {
	if err := l.whole("flint.Local.View"); err != nil {
		return render.Failed(err)
	}
	n := min(top, len(l.Order))
	best := l.Order[:n]
	x := mat.NewDense(n, len(l.Sample.X), nil)
	for i := range n {
		x.SetRow(i, l.Sample.X)
	}
	strong, err := in.Maximise(ctx, x, best, m)
	if err != nil {
		return render.Failed(err)
	}
	caption := fmt.Sprintf("f: %s (%.0f %%)", class(l.Classes, l.Predicted), 100*l.F[l.Predicted])
	if !l.Agree() {
		caption += fmt.Sprintf(", g: %s", class(l.Classes, l.Interpreted))
	}
	grid := render.ImageGrid{Title: "Input, and what makes its attributes larger (brightness scaled)", Images: []render.Image{picture(l.Sample.X, l.Sample.Shape, caption)}, Columns: n + 1}
	grid.Images[0].Marked = l.Sample.Label >= 0 && l.Sample.Label != l.Predicted
	for i, j := range best {
		grid.Images = append(grid.Images, scaled(strong.Images.RawRowView(i), l.Sample.Shape, fmt.Sprintf("%s: %s to %s", attributeName(j), decimals(strong.Original[i]), decimals(strong.After[i]))))
	}
	title := fmt.Sprintf("Why %s", class(l.Classes, l.Interpreted))
	if !l.Agree() {
		title = fmt.Sprintf("f says %s, g %s: why g does", class(l.Classes, l.Predicted), class(l.Classes, l.Interpreted))
	}
	return render.Column(grid.View(), l.bars(best)).Titled(title)
}

// ThresholdView draws the relevance of all attributes, strongest first, with a slider that fades
// those that are not above a threshold, 1/tau at first; tau must be above 1. Without scripts it
// says how many several thresholds leave.
func (l *Local) ThresholdView(tau float64) render.View {
	const where = "flint.Local.ThresholdView"
	if err := l.whole(where); err != nil {
		return render.Failed(err)
	}
	return above(l.bars(l.Order), where, tau)
}

func (l *Local) bars(attributes []int) render.View {
	bars := render.Bars{Title: "Relevance to " + class(l.Classes, l.Interpreted), Label: "relevance r"}
	for _, j := range attributes {
		bars.Labels, bars.Values = append(bars.Labels, attributeName(j)), append(bars.Values, l.R[j])
	}
	return bars.View()
}

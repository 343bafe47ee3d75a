package nn

import (
	"fmt"
	"slices"

	"github.com/whybook/whybook/xai/render"
)

// gridSize is how many images View and Grid draw at most.
const gridSize = 48

// View draws the images that the network gets wrong, or says that there are none. For a
// table it is the confusion matrix.
func (e Evaluation) View() render.View {
	wrong := e.Wrong()
	switch {
	case e.Set.Pixels == nil:
		return e.ConfusionView()
	case len(wrong) == 0:
		return render.Table{Title: e.String(), Columns: []string{"wrong", "of"}, Rows: [][]any{{0, len(e.Predicted)}}}.View()
	}
	return e.Grid(wrong).Titled(fmt.Sprintf("%s: the wrong ones", e))
}

// ConfusionView draws the number of samples of each class (row) by prediction (column).
func (e Evaluation) ConfusionView() render.View {
	k := len(e.Set.Classes)
	counts := make([]float64, 0, k*k)
	for _, row := range e.Confusion() {
		for _, n := range row {
			counts = append(counts, float64(n))
		}
	}
	return render.HeatMap{
		Title: e.String(), Values: counts, Height: k, Width: k, Clip: 100, Numbers: true,
		Rows: e.Set.Classes, Columns: e.Set.Classes, RowAxis: "class", ColumnAxis: "predicted", Label: "samples",
	}.View()
}

// Grid draws the samples with the given indices, each with its label and, where that
// differs, the prediction; wrong ones are marked. It draws the first 48.
func (e Evaluation) Grid(index []int) render.View {
	if e.Set.Pixels == nil {
		return render.Failed(fmt.Errorf("nn.Evaluation.Grid: the set %q has no images", e.Set.Name))
	}
	images := make([]render.Image, 0, len(index))
	for _, i := range index[:min(len(index), gridSize)] {
		x := e.Set.At(i)
		if err := x.Err(); err != nil {
			return render.Failed(fmt.Errorf("nn.Evaluation.Grid: %w", err))
		}
		caption, wrong := x.Class, e.Predicted[i] != x.Label
		if wrong {
			caption = fmt.Sprintf("%s, predicted %s", x.Class, e.Set.Classes[e.Predicted[i]])
		}
		images = append(images, render.Image{
			Pixels: x.X, Channels: x.Shape.Channels, Height: x.Shape.Height, Width: x.Shape.Width,
			Caption: caption, Marked: wrong,
		})
	}
	return render.ImageGrid{Title: e.String(), Images: images}.View()
}

// HistoryView draws loss, accuracy and, where it changed, the optimiser's rate against the
// epoch: for the training data as they were seen, and for the validation data after each
// epoch. Where both are there, a dotted line marks the epoch whose weights the network
// has, and the best one if that is another.
func (n *Net) HistoryView() render.View {
	if len(n.History) == 0 {
		return render.Failed(fmt.Errorf("nn.Net.HistoryView: the network has no history of training"))
	}
	draw := func(title, label string, training, validation func(Epoch) float64) render.View {
		series := []render.Series{curve("training", n.History, training)}
		if validation != nil && n.History[0].Validation.Samples > 0 {
			series = append(series, curve("validation", n.History, validation))
			series = append(series, marks(n.History, series)...)
		}
		return render.Lines{Title: title, XLabel: "epoch", YLabel: label, Series: series}.View()
	}
	views := []render.View{
		draw("Loss", "loss", func(e Epoch) float64 { return e.Loss }, func(e Epoch) float64 { return e.Validation.Loss }),
		draw("Accuracy", "share right", func(e Epoch) float64 { return e.Accuracy }, func(e Epoch) float64 { return e.Validation.Accuracy }),
	}
	if rate := func(e Epoch) float64 { return e.Rate }; slices.ContainsFunc(n.History, func(e Epoch) bool { return e.Rate != n.History[0].Rate }) {
		views = append(views, draw("Rate", "step size", rate, nil))
	}
	return render.Row(views...)
}

// curve is a quantity of a history as a line.
func curve(name string, history []Epoch, of func(Epoch) float64) render.Series {
	s := render.Series{Name: name}
	for i, e := range history {
		s.X, s.Y = append(s.X, float64(i+1)), append(s.Y, of(e))
	}
	return s
}

// marks returns vertical lines, as high as the series, at the epochs that matter.
func marks(history []Epoch, series []render.Series) []render.Series {
	lo, hi := series[0].Y[0], series[0].Y[0]
	for _, s := range series {
		lo, hi = min(lo, slices.Min(s.Y)), max(hi, slices.Max(s.Y))
	}
	at := func(format string, i int) render.Series {
		x := float64(i + 1)
		return render.Series{Name: fmt.Sprintf(format, i+1), X: []float64{x, x}, Y: []float64{lo, hi}, Reference: true}
	}
	top := best(history)
	if history[top].Kept {
		return []render.Series{at("best: epoch %d, kept", top)}
	}
	lines := []render.Series{at("best: epoch %d", top)}
	for i, e := range history {
		if e.Kept {
			lines = append(lines, at("kept: epoch %d", i))
		}
	}
	return lines
}

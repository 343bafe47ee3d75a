package nn

import (
	"fmt"

	"github.com/whybook/whybook/xai/render"
)

// gridSize is how many images View and Grid draw at most.
const gridSize = 48

// View draws the samples that the network gets wrong, or says that there are none.
func (e Evaluation) View() render.View {
	wrong := e.Wrong()
	if len(wrong) == 0 {
		return render.Table{Title: e.String(), Columns: []string{"wrong", "of"}, Rows: [][]any{{0, len(e.Predicted)}}}.View()
	}
	return e.Grid(wrong).Titled(fmt.Sprintf("%s: the wrong ones", e))
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

// HistoryView draws loss and accuracy against the epoch.
func (n *Net) HistoryView() render.View {
	x, loss, accuracy := make([]float64, len(n.History)), make([]float64, len(n.History)), make([]float64, len(n.History))
	for i, e := range n.History {
		x[i], loss[i], accuracy[i] = float64(i+1), e.Loss, e.Accuracy
	}
	return render.Row(
		render.Lines{Title: "Training loss", XLabel: "epoch", YLabel: "cross-entropy", Series: []render.Series{{Name: "training", X: x, Y: loss}}}.View(),
		render.Lines{Title: "Training accuracy", XLabel: "epoch", YLabel: "share right", Series: []render.Series{{Name: "training", X: x, Y: accuracy}}}.View(),
	)
}

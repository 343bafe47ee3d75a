package kernelext

import (
	"fmt"
	"slices"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/render"
)

// firstImages is how many images of a set Show draws.
const firstImages = 24

// shown picks the n samples of a set that Show draws: the first ones. Folders are read class by
// class, so that the first ones would show one class alone; then n of them, evenly spaced.
func shown(set datasets.Set, n int) []int {
	index := make([]int, n)
	for i := range index {
		index[i] = i
	}
	other := func(label int) bool { return label != set.Labels[0] }
	if !slices.ContainsFunc(set.Labels[:n], other) && slices.ContainsFunc(set.Labels, other) {
		for i := range index {
			index[i] = i * set.Len() / n
		}
	}
	return index
}

// setView draws images of a set, or rows of a table.
func setView(set datasets.Set) render.View {
	if err := set.Check(); err != nil {
		return render.Failed(err)
	}
	title := fmt.Sprintf("%s: %d samples of %v in %d classes", set.Name, set.Len(), set.Shape, len(set.Classes))
	n := min(set.Len(), firstImages)
	if set.Pixels == nil {
		columns := append([]string{"class"}, set.Columns...)
		rows := make([][]any, n)
		for i, j := range shown(set, n) {
			x := set.At(j)
			rows[i] = []any{x.Class}
			for _, v := range x.X {
				rows[i] = append(rows[i], v)
			}
		}
		return render.Table{Title: title, Columns: columns, Rows: rows}.View()
	}
	images := make([]render.Image, n)
	for i, j := range shown(set, n) {
		x := set.At(j)
		images[i] = picture(x)
		images[i].Caption = x.Class
	}
	return render.ImageGrid{Title: title, Images: images}.View()
}

// sampleView draws one sample: an image, or a row of a table.
func sampleView(x datasets.Sample) render.View {
	if err := x.Err(); err != nil {
		return render.Failed(err)
	}
	title := x.Set
	if x.Class != "" {
		title = fmt.Sprintf("Sample %d: %s", x.Index, x.Class)
	}
	if x.Columns != nil {
		rows := make([][]any, len(x.X))
		for j, v := range x.X {
			rows[j] = []any{x.Columns[j], v}
		}
		return render.Table{Title: title, Columns: []string{"column", "value"}, Rows: rows}.View()
	}
	img := picture(x)
	img.Title = title
	return img.View()
}

func picture(x datasets.Sample) render.Image {
	return render.Image{Pixels: x.X, Channels: x.Shape.Channels, Height: x.Shape.Height, Width: x.Shape.Width}
}

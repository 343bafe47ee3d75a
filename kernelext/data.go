package kernelext

import (
	"fmt"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/render"
)

// firstImages is how many images of a set Show draws.
const firstImages = 24

// setView draws the first images of a set, or the first rows of a table.
func setView(set datasets.Set) render.View {
	if err := set.Check(); err != nil {
		return render.Failed(err)
	}
	title := fmt.Sprintf("%s: %d samples of %v in %d classes", set.Name, set.Len(), set.Shape, len(set.Classes))
	n := min(set.Len(), firstImages)
	if set.Pixels == nil {
		columns := append([]string{"class"}, set.Columns...)
		rows := make([][]any, n)
		for i := range rows {
			x := set.At(i)
			rows[i] = []any{x.Class}
			for _, v := range x.X {
				rows[i] = append(rows[i], v)
			}
		}
		return render.Table{Title: title, Columns: columns, Rows: rows}.View()
	}
	images := make([]render.Image, n)
	for i := range images {
		x := set.At(i)
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

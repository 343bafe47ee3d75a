package render

import (
	"fmt"
	"math"
	"os"
	"testing"
)

func wave(h, w int) []float64 {
	v := make([]float64, h*w)
	for i := range v {
		y, x := float64(i/w)/float64(h)-0.4, float64(i%w)/float64(w)-0.5
		v[i] = math.Exp(-12*(x*x+y*y)) * math.Sin(9*x+14*y)
	}
	return v
}

func digit(h, w, k int) []float64 {
	v := make([]float64, h*w)
	for i := range v {
		y, x := float64(i/w)/float64(h), float64(i%w)/float64(w)
		if math.Abs(y-0.2) < 0.05 && x > 0.25 && x < 0.75 || math.Abs(x-0.75+0.5*(y-0.2)) < 0.05 && y > 0.2 && y < 0.85 {
			v[i] = 1
		}
		if k%3 == 1 {
			v[i] = 1 - v[i]
		}
	}
	return v
}

func photo(h, w int) []float64 {
	v := make([]float64, 3*h*w)
	for i := range h * w {
		y, x := float64(i/w)/float64(h), float64(i%w)/float64(w)
		n := float64((i*7919)%97) / 97 * 0.2
		v[i] = 0.4*x + 0.3 + n
		v[h*w+i] = 0.5*y + 0.2 + n
		v[2*h*w+i] = 0.6*(1-x) + n
	}
	return v
}

func TestLook(t *testing.T) {
	if os.Getenv("LOOK") == "" {
		t.Skip()
	}
	spike := wave(28, 28)
	spike[100] = 7
	nan := wave(28, 28)
	for i := range 40 {
		nan[i*3+200] = math.NaN()
	}
	img := Image{Pixels: digit(28, 28, 0), Channels: 1, Height: 28, Width: 28}
	hm := HeatMap{Title: "Integrated gradients of LeNet for class 7", Values: spike, Height: 28, Width: 28, Signed: true, Label: "attribution", Unit: "logits"}
	un := HeatMap{Title: "Grad-CAM", Values: absAll(wave(28, 28)), Height: 28, Width: 28, Label: "relevance"}
	views := map[string]View{
		"heat-signed": hm.View(), "heat-unsigned": un.View(),
		"heat-nan":     HeatMap{Title: "With missing values", Values: nan, Height: 28, Width: 28, Signed: true}.View(),
		"heat-const":   HeatMap{Values: make([]float64, 784), Height: 28, Width: 28, Signed: true}.View(),
		"heat-1":       HeatMap{Values: []float64{3}, Height: 1, Width: 1, Title: "One pixel"}.View(),
		"heat-1xn":     HeatMap{Values: wave(1, 300), Height: 1, Width: 300, Title: "A row"}.View(),
		"heat-nx1":     HeatMap{Values: wave(64, 1), Height: 64, Width: 1, Title: "A column", Signed: true}.View(),
		"heat-extreme": HeatMap{Values: []float64{-1e-12, 3e-12, 2e-13, 5e-12}, Height: 2, Width: 2, Title: "Tiny numbers", Label: "gradient", Signed: true}.View(),
		"heat-huge":    HeatMap{Values: []float64{-1e299, 3e299, 2e200, 5e298}, Height: 2, Width: 2, Title: "Huge numbers", Label: "gradient"}.View(),
		"confusion":    HeatMap{Title: "Confusion", Values: []float64{50, 2, 1, 3, 44, 0, 0, 9, 31}, Height: 3, Width: 3, Rows: []string{"airplane", "automobile", "bird"}, Columns: []string{"airplane", "automobile", "bird"}, RowAxis: "true class", ColumnAxis: "predicted class", Numbers: true, Label: "samples", Clip: 100}.View(),
		"confusion10":  HeatMap{Title: "Similarity", Values: wave(10, 10), Height: 10, Width: 10, Rows: names(10), Columns: names(10), RowAxis: "true class", ColumnAxis: "predicted class", Label: "samples", Numbers: true, Signed: true}.View(),
		"heat-224":     HeatMap{Title: "Large", Values: wave(224, 224), Height: 224, Width: 224, Signed: true}.View(),
		"overlay":      Overlay{HeatMap: hm, Image: img}.View(),
		"overlay-un":   Overlay{HeatMap: un, Image: img}.View(),
		"overlay-rgb":  Overlay{HeatMap: HeatMap{Title: "CAM over photo", Values: absAll(wave(7, 7)), Height: 7, Width: 7, Label: "relevance"}, Image: Image{Pixels: photo(96, 96), Channels: 3, Height: 96, Width: 96}}.View(),
		"image":        Image{Title: "Sample 85", Pixels: digit(28, 28, 0), Channels: 1, Height: 28, Width: 28, Caption: "7, predicted 7"}.View(),
		"row3":         Row(Image{Title: "Input", Pixels: digit(28, 28, 0), Channels: 1, Height: 28, Width: 28}.View(), hm.View(), Overlay{HeatMap: un, Image: img}.View()),
		"row2":         Row(hm.View(), un.View()).Titled("Two explanations of the same decision"),
		"row5":         Row(hm.View(), un.View(), hm.View(), un.View(), hm.View()),
		"column":       Column(hm.View(), un.View()),
		"bars":         Bars{Title: "Most important concepts", Labels: []string{"upper bar", "diagonal", "background", "a very long label of a concept that nobody can remember", "edge"}, Values: []float64{0.82, 0.61, -0.2, 0.12, 0.05}, Errors: []float64{0.05, 0.1, 0.04, 0.02, 0.01}, Highlight: []int{1}, Label: "mean attribution", Unit: "logits"}.View(),
		"bars-v":       Bars{Title: "Class counts", Labels: []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}, Values: []float64{5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50}, Vertical: true, Label: "samples", Highlight: []int{9}}.View(),
		"bars-vl":      Bars{Title: "Class counts", Labels: names(10), Values: []float64{5000, 2997, -1796, 1077, 645, 387, 232, 139, 83, 50}, Vertical: true, Label: "samples"}.View(),
		"bars-80":      Bars{Title: "Many", Labels: names(80), Values: wave(80, 1)}.View(),
		"lines":        Lines{Title: "Training history", XLabel: "epoch", YLabel: "loss", Series: []Series{{Name: "train", Y: []float64{2.3, 0.9, 0.5, 0.3, 0.2}}, {Name: "validation", Y: []float64{2.2, 1.0, 0.7, 0.6, 0.65}, Low: []float64{2.1, 0.9, 0.6, 0.5, 0.5}, High: []float64{2.3, 1.1, 0.8, 0.7, 0.8}}, {Name: "chance", Y: []float64{2.3, 2.3, 2.3, 2.3, 2.3}, Reference: true}}}.View(),
		"lines-many":   Lines{Title: "Deletion curves", XLabel: "share of pixels removed", YLabel: "class probability", Series: manySeries(8)}.View(),
		"lines-one":    Lines{Series: []Series{{Y: []float64{1e-9}}}}.View(),
		"lines-big":    Lines{Title: "Large numbers", Series: []Series{{Y: []float64{1e8, 3e8, 2.5e8, 1e8}, Name: "x"}}}.View(),
		"table":        Table{Title: "Class overview", Columns: []string{"class", "n", "accuracy", "overlap with", "complexity"}, Rows: [][]any{{"airplane", 5000, 0.912, "bird", 0.0312}, {"automobile", 2997, 0.95, "truck", math.NaN()}, {"<b>bird</b> with a long name", 50, 0.5, nil, 1.25}}, Note: "Complexity is N3: the error of the nearest neighbour."}.View(),
		"table-long":   Table{Title: "Long", Columns: []string{"i", "square", "text"}, Rows: longRows(300)}.View(),
		"row-table":    Row(un.View(), Table{Title: "Scores", Columns: []string{"class", "score"}, Rows: [][]any{{"7", 0.91}, {"9", 0.05}}}.View(), Bars{Labels: []string{"7", "9"}, Values: []float64{0.91, 0.05}, Title: "Scores"}.View()),
		"hostile":      Bars{Title: "<script>alert(1)</script> \"quotes\" & emoji 😀👨‍👩‍👧 שלום עולם and مرحبا 中文\nnewline \x00\x1b[31m", Labels: []string{"<script>alert(2)</script>", "שלום עולם abc", "ελληνικά → ≥ −"}, Values: []float64{1, 2, 3}, Label: "</text><script>"}.View(),
	}
	for _, n := range []int{1, 7, 25} {
		g := ImageGrid{Title: fmt.Sprintf("%d images", n)}
		for i := range n {
			im := Image{Pixels: digit(28, 28, i), Channels: 1, Height: 28, Width: 28, Caption: fmt.Sprintf("7 → %d", 7+i%3), Marked: i%5 == 3}
			if i == 2 {
				im = Image{Pixels: photo(32, 48), Channels: 3, Height: 32, Width: 48, Caption: "a long caption, truck → automobile (0.93)", Marked: true}
			}
			g.Images = append(g.Images, im)
		}
		views[fmt.Sprintf("grid-%d", n)] = g.View()
	}
	big := ImageGrid{Title: "Photographs"}
	for range 25 {
		big.Images = append(big.Images, Image{Pixels: photo(224, 224), Channels: 3, Height: 224, Width: 224})
	}
	views["grid-photos"] = big.View()
	for name, v := range views {
		for _, th := range []Theme{Light, Dark} {
			b, err := v.In(th).Bundle()
			if err != nil {
				t.Error(name, err)
				continue
			}
			os.WriteFile(fmt.Sprintf("/tmp/render-look/%s-%v.png", name, th), b.PNG, 0o644)
			svg, _ := v.In(th).SVG()
			os.WriteFile(fmt.Sprintf("/tmp/render-look/%s-%v.svg", name, th), svg, 0o644)
			pg, err := v.In(th).page()
			if err != nil {
				t.Error(err)
			}
			os.WriteFile(fmt.Sprintf("/tmp/render-look/%s-%v.html", name, th), []byte(pg), 0o644)
			if th == Light {
				t.Logf("%s: png %d svg %d html %d %dx%d\n%s\nALT %s", name, len(b.PNG), len(svg), len(pg), b.Width, b.Height, b.Text, b.Alt)
			}
		}
	}
}

func absAll(v []float64) []float64 {
	for i := range v {
		v[i] = math.Abs(v[i])
	}
	return v
}
func names(n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("class number %d", i))
	}
	return out
}
func manySeries(n int) []Series {
	var out []Series
	for k := range n {
		s := Series{Name: fmt.Sprintf("method %d", k)}
		for i := range 20 {
			s.X = append(s.X, float64(i)/19)
			s.Y = append(s.Y, math.Exp(-float64(i)*float64(k+1)/20))
		}
		out = append(out, s)
	}
	return out
}
func longRows(n int) [][]any {
	var out [][]any
	for i := range n {
		out = append(out, []any{i, float64(i*i) / 7, fmt.Sprintf("some rather long text in row %d which does not want to end and goes on and on", i)})
	}
	return out
}

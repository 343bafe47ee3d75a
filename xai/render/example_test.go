package render_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/whybook/whybook/xai/render"
)

func ExampleHeatMap() {
	v := render.HeatMap{
		Title:  "Attribution of class 7",
		Values: []float64{0, 0.5, -1, 2},
		Height: 2, Width: 2,
		Signed: true, Label: "attribution",
	}.View()
	fmt.Println(v.Alt())
	fmt.Print(v.Text())
	// Output:
	// Attribution of class 7. Heat map of 2 by 2 values, attribution. Highest at row 1, column 1 (2), lowest at row 1, column 0 (-1).
	// Attribution of class 7
	// ======================
	//     0    1
	// ----------
	// 0   0  0.5
	// 1  -1  2.0
	// Positive values carry 71 % of the absolute mass, negative ones 29 %.
}

func ExampleOverlay() {
	v := render.Overlay{
		HeatMap: render.HeatMap{Values: []float64{0, 1, 0, 0}, Height: 2, Width: 2},
		Image:   render.Image{Pixels: []float64{0, 1, 1, 0}, Channels: 1, Height: 2, Width: 2},
	}.View()
	fmt.Println(v.Alt())
	// Output:
	// Heat map with the outline of its image of 2 by 2 pixels: map of 2 by 2 values. Highest at row 0, column 1 (1).
}

func ExampleImageGrid() {
	pixels := []float64{0, 1, 1, 0}
	v := render.ImageGrid{
		Title: "Two of ten",
		Images: []render.Image{
			{Pixels: pixels, Channels: 1, Height: 2, Width: 2, Caption: "7 → 7"},
			{Pixels: pixels, Channels: 1, Height: 2, Width: 2, Caption: "7 → 9", Marked: true},
		},
	}.View()
	fmt.Println(v.Alt())
	fmt.Print(v.Text())
	// Output:
	// Two of ten. Grid of 2 images, 1 of them marked: “7 → 7”, “7 → 9”.
	// Two of ten
	// ==========
	// 2 grey images of 2 by 2 pixels, 1 marked (✗).
	// 0: 7 → 7     1: 7 → 9 ✗
}

func ExampleBars() {
	v := render.Bars{Labels: []string{"stem", "bar"}, Values: []float64{0.8, -0.3}, Label: "effect"}.View()
	fmt.Println(v.Alt())
	fmt.Print(v.Text())
	// Output:
	// Bar chart of 2 values, effect. Highest: stem (0.8); lowest: bar (-0.3).
	//       effect
	// ------------
	// stem     0.8
	// bar     -0.3
}

func ExampleBars_intervals() {
	v := render.Bars{
		Labels: []string{"weighted", "plain"}, Values: []float64{0.71, 0.44}, Label: "balanced accuracy",
		Low: []float64{0.66, 0.41}, High: []float64{0.74, 0.53},
		References: []render.Reference{{Name: "chance level", At: 0.5}},
	}.View()
	fmt.Print(v.Text())
	// Output:
	//           balanced accuracy   low  high
	// ---------------------------------------
	// weighted               0.71  0.66  0.74
	// plain                  0.44  0.41  0.53
	// 1 of 2 bars above chance level (0.5); the intervals of 1 leave it out.
}

func ExampleStackedBars() {
	v := render.StackedBars{
		Labels: []string{"ship", "deer"},
		Segments: []render.Segment{
			{Name: "right", Values: []float64{90, 12}},
			{Name: "wrong", Values: []float64{10, 8}},
		},
		Line: &render.Curve{Name: "training samples", Values: []float64{5000, 60}},
	}.View()
	fmt.Println(v.Alt())
	fmt.Print(v.Text())
	// Output:
	// Stacked bars of 2 totals: right, wrong. Largest total: ship (100); smallest: deer (20). A line shows training samples.
	//       right  wrong  total  training samples
	// -------------------------------------------
	// ship     90     10    100              5000
	// deer     12      8     20                60
	// right: largest part in ship (90 % of its total).
	// wrong: largest part in deer (40 % of its total).
}

func ExampleLines() {
	v := render.Lines{
		Title: "Training", XLabel: "epoch", YLabel: "loss",
		Series: []render.Series{
			{Name: "train", Y: []float64{2.3, 0.9, 0.41}},
			{Name: "test", Y: []float64{2.2, 1.1, 0.8}},
		},
	}.View()
	fmt.Print(v.Text())
	// Output:
	// Training
	// ========
	// epoch  train  test
	// ------------------
	//     1   2.30   2.2
	//     2   0.90   1.1
	//     3   0.41   0.8
	// train: highest 2.3 at 1, lowest 0.41 at 3.
	// test: highest 2.2 at 1, lowest 0.8 at 3.
}

func ExampleScatter() {
	v := render.Scatter{
		X: []float64{0, 1, 4, 5}, Y: []float64{0, 1, 1, 0},
		Groups: []string{"cat", "dog"}, Group: []int{0, 0, 1, 1},
		Marked: []render.Mark{{Point: 1, Label: "nearest adversary"}},
	}.View()
	fmt.Println(v.Alt())
	fmt.Print(v.Text())
	// Output:
	// Scatter plot of 4 points in 2 groups: cat (2), dog (2).
	// group  points  x mean  x sd  y mean  y sd
	// -----------------------------------------
	// cat         2     0.5   0.5     0.5   0.5
	// dog         2     4.5   0.5     0.5   0.5
	// Marked: nearest adversary (1, 1).
}

func ExampleTree() {
	v := render.Tree{
		Classes: []string{"cat", "dog"},
		Nodes: []render.TreeNode{
			{Text: "ears hang", Counts: []float64{50, 50}, Children: []int{1, 2}},
			{Text: "dog", Counts: []float64{2, 45}},
			{Text: "cat", Counts: []float64{48, 5}},
		},
		Path: []int{0, 2},
	}.View()
	fmt.Println(v.Alt())
	fmt.Print(v.Text())
	// Output:
	// Decision tree of 3 nodes, 2 of them leaves, depth 1; first test: ears hang. Emphasised: ears hang, no → cat.
	// > ears hang (100 samples: 50 cat, 50 dog)
	//     yes: dog (47 samples: 2 cat, 45 dog)
	// >   no: cat (53 samples: 48 cat, 5 dog)
}

func ExampleFlow() {
	v := render.Flow{
		Columns: []render.FlowColumn{{Name: "class", Nodes: []string{"cat", "dog"}}, {Name: "predicted", Nodes: []string{"cat", "dog"}}},
		Bands: []render.Band{
			{From: 0, To: 0, Count: 45}, {From: 0, To: 1, Count: 5, Lit: true}, {From: 1, To: 1, Count: 20},
		},
		Label: "samples",
	}.View()
	fmt.Println(v.Alt())
	fmt.Print(v.Text())
	// Output:
	// Flow of samples (70) through 2 columns: class (2), predicted (2). Largest band: cat → cat (45).
	// from  to   samples  of from
	// ---------------------------
	// cat   cat       45  90 %
	// dog   dog       20  100 %
	// cat   dog        5  10 %
	// Emphasised: cat → dog (5).
}

func ExampleCanvas() {
	pixels := []float64{0, 1, 1, 0}
	crop := render.Image{Pixels: pixels, Channels: 1, Height: 2, Width: 2}
	v := render.Canvas{
		Clusters: []string{"wheels", "wings"},
		Thumbs: []render.Thumb{
			{Image: crop, X: 0, Y: 0, Cluster: 0}, {Image: crop, X: 0.1, Y: 0, Cluster: 0}, {Image: crop, X: 5, Y: 5, Cluster: 1},
		},
	}.View()
	fmt.Println(v.Alt())
	fmt.Print(v.Text())
	// Output:
	// Map of 3 images in 2 clusters: wheels (2), wings (1).
	// cluster  images  of all
	// -----------------------
	// wheels        2  67 %
	// wings         1  33 %
	// Images that are close are alike to the method that placed them; directions and
	// distances have no unit.
}

func ExampleFrames() {
	one := render.Bars{Labels: []string{"stem"}, Values: []float64{0.1}}.View()
	two := render.Bars{Labels: []string{"stem"}, Values: []float64{0.4}}.View()
	v := render.Frames{Views: []render.View{one, two}, Labels: []string{"0", "10"}, Axis: "step"}.View()
	fmt.Print(v.Text())
	// Output:
	// 0
	// =
	//       value
	// -----------
	// stem    0.1
	//
	// 10
	// ==
	//       value
	// -----------
	// stem    0.4
}

// Maps of several classes, of which one is looked at at a time.
func ExampleChoice() {
	c := render.Choice{Title: "What speaks for each class", Axis: "class", Labels: []string{"cat", "dog"}, Start: 1}
	for _, sign := range []float64{1, -1} {
		c.Views = append(c.Views, render.HeatMap{Values: []float64{sign, 0, 0, -sign}, Height: 2, Width: 2, Signed: true, Label: "attribution"}.View())
	}
	fmt.Println(c.View().Alt())
	// Output:
	// What speaks for each class. 2 figures to choose from by class: cat, dog. dog: dog. Heat map of 2 by 2 values, attribution. Highest at row 1, column 1 (1), lowest at row 0, column 0 (-1).
}

// Two methods on one image, to look from one to the other at every place.
func ExampleSwipe() {
	m := render.HeatMap{Values: []float64{1, 0, 0, -1}, Height: 2, Width: 2, Signed: true, Scale: "gradient"}
	n := m
	n.Values, n.Scale = []float64{0.5, 0, 0, -0.5}, "integrated gradients"
	v := render.Swipe{Left: m.View(), Right: n.View(), Labels: [2]string{m.Scale, n.Scale}}.View()
	fmt.Println(v.Alt())
	// Output:
	// Two pictures to compare. gradient: Heat map of 2 by 2 values. Highest at row 0, column 0 (1), lowest at row 1, column 1 (-1). integrated gradients: Heat map of 2 by 2 values. Highest at row 0, column 0 (0.5), lowest at row 1, column 1 (-0.5).
}

// Which attributes are relevant for a decision, above a threshold that readers move.
func ExampleThreshold() {
	bars := render.Bars{Title: "Relevance", Label: "relevance", Labels: []string{"loop", "stem", "dot"}, Values: []float64{1, -0.35, 0.05}}
	fmt.Print(render.Threshold{Of: bars.View(), Start: 0.2}.View().Text())
	// Output:
	// Relevance
	// =========
	//       relevance
	// ---------------
	// loop       1.00
	// stem      -0.35
	// dot        0.05
	// 2 of 3 bars with |relevance| ≥ 0.2 carry 96 % of the absolute sum; 2 of 3 bars
	// with |relevance| ≥ 0.25 carry 96 % of the absolute sum; 1 of 3 bars with
	// |relevance| ≥ 0.5 carry 71 % of the absolute sum; 1 of 3 bars with |relevance| ≥
	// 0.75 carry 71 % of the absolute sum.
}

func ExamplePage() {
	v := render.Page{
		Title: "A small report", Lead: "What the model does.",
		Sections: []render.Section{
			{Heading: "Mistakes", Text: []string{"Most are dogs."}, Views: []render.View{
				render.Bars{Labels: []string{"cat", "dog"}, Values: []float64{3, 40}}.View(),
			}},
		},
	}.View()
	fmt.Println(v.Alt())
	fmt.Print(v.Text())
	// Output:
	// A small report. Report of 1 section with 1 figure: Mistakes.
	// A small report
	// ==============
	// What the model does.
	//
	// Mistakes
	// --------
	// Most are dogs.
	//
	//      value
	// ----------
	// cat      3
	// dog     40
}

func ExampleTable() {
	v := render.Table{
		Columns: []string{"class", "samples", "F1"},
		Rows:    [][]any{{"cat", 120, 0.912}, {"dog", 7, 0.5}},
		Note:    "F1 on held-out samples.",
	}.View()
	fmt.Print(v.Text())
	// Output:
	// class  samples     F1
	// ---------------------
	// cat        120  0.912
	// dog          7  0.500
	// F1 on held-out samples.
}

func ExampleTable_shading() {
	v := render.Table{
		Columns:  []string{"class", "F1"},
		Rows:     [][]any{{"ship", 0.9}, {"deer", 0.3}},
		Foot:     []any{"mean", 0.6},
		Shadings: []render.Shading{{Columns: []int{1}, High: 1}},
	}.View()
	fmt.Print(v.Text())
	// Output:
	// class   F1
	// ----------
	// ship   0.9
	// deer   0.3
	// ----------
	// mean   0.6
	// Background of F1: dark to bright, from 0 to 1.
}

func ExampleRow() {
	one := render.Table{Columns: []string{"score"}, Rows: [][]any{{0.91}}}.View().Titled("first")
	two := render.Table{Columns: []string{"score"}, Rows: [][]any{{0.47}}}.View().Titled("second")
	fmt.Println(render.Row(one, two).Alt())
	// Output:
	// 2 figures side by side. 1: first. Table of 1 row and 1 column: score. 2: second. Table of 1 row and 1 column: score.
}

func ExampleView_Err() {
	v := render.HeatMap{Values: make([]float64, 784), Height: 28, Width: 27}.View()
	fmt.Println(v.Err())
	// Output:
	// render.HeatMap: 784 values for 28x27 pixels, which need 756: sizes do not agree
}

func ExampleDir() {
	folder, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(folder)
	v := render.HeatMap{Values: []float64{0, 1}, Height: 1, Width: 2}.View()
	paths, err := render.Dir(folder).Save(v.Named("Digit 7"), v.Named("Digit 7").In(render.Dark))
	for _, p := range paths {
		fmt.Println(filepath.Base(p))
	}
	fmt.Println(err)
	// Output:
	// digit-7.png
	// digit-7.svg
	// digit-7-2.png
	// digit-7-2.svg
	// <nil>
}

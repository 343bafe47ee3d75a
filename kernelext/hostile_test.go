package kernelext

import (
	"context"
	"strings"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/cnninte"
	"github.com/whybook/whybook/xai/evaluate"
	"github.com/whybook/whybook/xai/flint"
	"github.com/whybook/whybook/xai/imbalance"
	"github.com/whybook/whybook/xai/nn"
	"github.com/whybook/whybook/xai/render"
	"github.com/whybook/whybook/xai/saliency"
	"github.com/whybook/whybook/xai/soxai"
)

// attack is what no name should be: markup, quotes, control characters, emoji, and letters that
// run from right to left.
const attack = "\"'><img src=x onerror=alert(1)><script>alert('1')</script>&\x00\x1b[31m\u202e😀 שלום عربي"

// corners are small images with a bright square in a corner, for each of three classes.
func corners(n int) datasets.Set {
	set := datasets.Set{Name: "corners" + attack, Shape: datasets.Shape{Channels: 1, Height: 8, Width: 8}}
	for _, name := range []string{"top", "right", "bottom"} {
		set.Classes = append(set.Classes, name+attack)
	}
	for i := range n {
		c := i % 3
		image := make([]uint8, 64)
		for y := range 3 {
			for x := range 3 {
				image[(c/2*5+y)*8+(c+1)/2*5%8+x] = uint8(180 + i*7%70)
			}
		}
		set.Labels, set.Pixels = append(set.Labels, c), append(set.Pixels, image...)
	}
	return set
}

// TestHostileNames gives names of classes, columns and data sets that are attacks to every kind
// of result, and looks for them in everything that a notebook gets.
func TestHostileNames(t *testing.T) {
	if testing.Short() {
		t.Skip("trains networks")
	}
	ctx := context.Background()
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	views := make(map[string]render.View)
	set := corners(90)
	net, err := nn.Image(set.Shape).Conv(4, 3).ReLU().MaxPool(2).Dense(8).ReLU().Dense(3).Fit(set, nn.Training{Epochs: 20, Seed: 1, Optimizer: nn.Adam{Rate: 0.01}}).Build(ctx)
	ok(err)
	eval, err := net.Evaluate(ctx, set)
	ok(err)
	views["set"], views["sample"], views["evaluation"], views["confusion"] = setView(set), sampleView(set.At(1)), eval.View(), eval.ConfusionView()
	recipe := saliency.Of(net, set.At(1))
	each, err := recipe.ExplainEach(ctx)
	ok(err)
	by, err := recipe.ExplainBy(ctx, saliency.Gradient{}, saliency.IntegratedGradients{Steps: 4})
	ok(err)
	walk, err := recipe.With(saliency.IntegratedGradients{Steps: 4}).Walk(ctx, 2)
	ok(err)
	over, err := saliency.Over(net, set).Explain(ctx)
	ok(err)
	views["map"], views["maps"], views["methods"], views["swipe"], views["threshold"], views["walk"], views["atlas"] = each[0].View(), each.View(), by.View(), by.SwipeView(), each[1].ThresholdView(), walk.View(), over.View()
	grid, err := evaluate.Compare(net, set.Take(6)).Methods(saliency.Gradient{}).Metrics(evaluate.Deletion{}, evaluate.Sparseness{}).Run(ctx)
	ok(err)
	views["grid"], views["bars"] = grid.View(), grid.BarsView()
	analysis, err := imbalance.Of(set).Embed(net, "relu2").HeldOut(set).Build(ctx)
	ok(err)
	page, err := imbalance.Report(ctx, analysis, imbalance.ReportOptions{})
	ok(err)
	views["imbalance"], views["report"] = analysis.View(), page.View()
	concepts, err := soxai.Of(net, set).With(saliency.IntegratedGradients{Steps: 4}).At("relu1").Concepts(2, 2).Build(ctx)
	ok(err)
	concepts, err = concepts.Name(0, "square"+attack)
	ok(err)
	views["concepts"], views["concept canvas"], views["concept sheet"], views["statistics"] = concepts.Report(), concepts.CanvasView(), concepts.SheetView(concepts.Concepts[0].Name), concepts.StatisticsView()
	views["reasons"], views["shares"], views["choice"] = concepts.ReasonsView(), concepts.ShareView(), concepts.ChoiceView()
	tree, err := cnninte.Of(net).Factors(2).Clusters(3).Trees(5).On(set).Build(ctx)
	ok(err)
	tested, err := tree.Test(ctx, set)
	ok(err)
	why, err := tree.Explain(ctx, set.At(1))
	ok(err)
	views["tree"], views["tested tree"], views["factor"] = tree.View(), tested.TreeView(), tree.FactorView(0)
	views["fidelity"], views["tested confusion"], views["flow"] = tested.View(), tested.ConfusionView(), tested.FlowView()
	views["way"], err = why.View(ctx)
	ok(err)
	views["tree report"], err = tested.Report(ctx)
	ok(err)
	views["flint"] = attributes(ctx, t, net, set, views)

	table := datasets.Set{Name: "t" + attack, Shape: datasets.Shape{Channels: 1, Height: 1, Width: 2}, Classes: set.Classes[:2], Columns: []string{"a" + attack, "b" + attack}}
	for i := range 40 {
		table.Labels, table.Values = append(table.Labels, i%2), append(table.Values, float64(i%2), float64(i)/40)
	}
	flat, err := nn.Image(table.Shape).Dense(2).Fit(table, nn.Training{Epochs: 3}).Build(ctx)
	ok(err)
	row, err := saliency.Of(flat, table.At(0)).ExplainEach(ctx)
	ok(err)
	views["rows"], views["row"], views["columns"] = setView(table), sampleView(table.At(0)), row.View()

	said := 0
	for name, v := range views {
		ok(v.Err())
		b, err := v.Bundle()
		ok(err)
		html := b.HTML
		if html == "" {
			html, err = v.HTML()
			ok(err)
		}
		svg, err := v.SVG()
		ok(err)
		if strings.Contains(b.Text, "😀") {
			said++
		} else {
			t.Logf("%s names nothing", name)
		}
		ours := strings.Count(html, "<script>(function(k,f){")
		if n := strings.Count(strings.ToLower(html), "<script"); n != ours {
			t.Errorf("%s: %d scripts in the HTML, %d of them ours", name, n, ours)
		}
		for what, s := range map[string]string{"HTML": html, "SVG": string(svg)} {
			if strings.Contains(s, "<img src=x") || strings.Contains(s, "\"'>") || strings.Contains(s, "<script>alert") {
				t.Errorf("%s: the %s holds markup of a name", name, what)
			}
			if strings.Contains(s, `\"'\u003e`) { // JSON that would end the attribute it stands in
				t.Errorf("%s: the %s holds a name whose quotes end an attribute", name, what)
			}
		}
		for what, s := range map[string]string{"HTML": html, "SVG": string(svg), "text": b.Text, "alt": b.Alt} {
			if i := strings.IndexAny(s, "\x00\x1b\u202e"); i >= 0 {
				t.Errorf("%s: the %s holds the control character %q", name, what, s[i])
			}
		}
	}
	// These name no class: sets of numbers, of concepts, of attributes.
	silent := 6
	if said < len(views)-silent {
		t.Errorf("only %d of %d results say a name at all", said, len(views))
	}
	var failure strings.Builder
	ok(failureBox.Execute(&failure, attack))
	l := &liveCell{id: "x", knobs: []Knob{Slider("a"+attack, 0, 1, 0), Menu("b"+attack, 0, "c"+attack, "d")}, shown: map[string]float64{}}
	for what, html := range map[string]string{"a failure": failure.String(), "knobs": l.controls(), "settings": l.settings()} {
		if strings.Contains(html, "<img src=x") || strings.Contains(html, "<script>alert") || !strings.Contains(html, "&lt;script&gt;alert") {
			t.Errorf("%s: %s", what, html)
		}
	}
}

// attributes adds what FLINT shows to the views, and returns its report.
func attributes(ctx context.Context, t *testing.T, net *nn.Net, set datasets.Set, views map[string]render.View) render.View {
	t.Helper()
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	training := flint.Training()
	training.Epochs = 2
	in, err := flint.Explain(net).Hidden("relu1").Attributes(4).Fit(set, training).Build(ctx)
	ok(err)
	global, err := in.Global(ctx, set, 1)
	ok(err)
	brief := flint.Maximisation{Stages: 1, Steps: 2}
	sheets, err := in.Sheets(ctx, global, 3, brief)
	ok(err)
	local, err := in.Local(ctx, set.At(1))
	ok(err)
	e, err := in.Evaluate(ctx, set)
	ok(err)
	views["global"], views["relevances"], views["use"], views["pairs"] = global.View(), global.ThresholdView(5), global.UseView(), global.PairsView(5)
	views["sheets"], views["local"], views["attributes"], views["agreement"] = flint.SheetsView(sheets), local.ThresholdView(5), e.ConcisenessView(), e.View()
	views["sheet of one"] = local.View(ctx, in, brief)
	page, err := in.Report(ctx, set, set, brief)
	ok(err)
	return page
}

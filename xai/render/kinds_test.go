package render

import (
	"fmt"
	"image/color"
	"math"
	"math/rand/v2"
)

// chartKinds are figures of groups, trees, flows and pages, with t applied to every text.
func chartKinds(t func(string) string) map[string]View {
	return map[string]View{
		"ranking": rankedClasses(t).View(),
		"tables":  Column(rankedClasses(t).View(), rankedClasses(t).View()),
		"scatter": scattered(t, 90).View(),
		"map": func() View {
			s := scattered(t, 1600)
			s.Map, s.Hulls, s.Links, s.Hollow = true, false, nil, nil
			return s.View()
		}(),
		"frames":    stepping(t).View(),
		"choice":    Choice{Title: t("what speaks for each class"), Views: stepping(t).Views[:3], Labels: []string{t("cat"), t("dog"), t("deer")}, Axis: t("class"), Start: 1}.View(),
		"swipe":     Swipe{Title: t("two methods"), Left: stepping(t).Views[1], Right: stepping(t).Views[4], Labels: [2]string{t("gradient"), t("integrated gradients")}}.View(),
		"threshold": Threshold{Of: relevances(t).View(), Start: 0.2}.View(),
		"sifted":    Threshold{Title: t("what carries the map"), Of: HeatMap{Values: ramp28(), Height: 28, Width: 28, Signed: true, Label: t("relevance")}.View()}.View(),
		"page":      report(t).View(),
		"canvas":    thumbs(t, 120).View(),
		"flow":      flowing(t, false).View(),
		"lit":       flowing(t, true).View(),
		"tree":      grown(t, 3, 3).View(),
		"intervals": Bars{Title: t("balanced accuracy"), Labels: []string{t("cost"), t("smote"), t("plain")}, Values: []float64{0.71, 0.68, 0.44},
			Low: []float64{0.66, 0.6, 0.41}, High: []float64{0.74, 0.75, 0.53}, Label: t("balanced accuracy"), Highlight: []int{0},
			References: []Reference{{t("chance level"), 0.1}, {t("paper"), 0.7}}}.View(),
		"upright": Bars{Title: t("change"), Labels: []string{t("a"), t("b")}, Values: []float64{-2, 3}, Low: []float64{-3, 1}, High: []float64{-1, 4.5},
			References: []Reference{{t("no change"), 1}}, Vertical: true}.View(),
		"stacked": stackedErrors(t).View(),
		"shares":  func() View { s := stackedErrors(t); s.Share, s.Line = true, nil; return s.View() }(),
		"standing": func() View {
			s := stackedErrors(t)
			s.Vertical = true
			return s.View()
		}(),
		"bands": StackedBars{Title: t("hues of the class"), Labels: []string{t("red"), t("green"), t("blue"), t("white")}, Vertical: true, Label: t("share of pixels"),
			Segments: []Segment{{Name: t("pixels"), Values: []float64{0.2, 0.5, 0.1, 0.2}, Colours: []color.Color{rgb(0xd62728), rgb(0x2ca02c), rgb(0x1f77b4), rgb(0xffffff)}}}}.View(),
	}
}

func stackedErrors(t func(string) string) StackedBars {
	return StackedBars{
		Title: t("kinds of mistake"), Label: t("test samples"), Print: true,
		Labels: []string{t("ship"), t("truck"), t("cat"), t("deer")},
		Segments: []Segment{
			{Name: t("safe"), Values: []float64{80, 40, 20, 5}}, {Name: t("border"), Values: []float64{10, 25, 30, 12}}, {Name: t("rare"), Values: []float64{3, 9, 0, 7}},
			{Name: t("outlier"), Values: []float64{2, 4, 6, 8}}, {Name: t("e"), Values: []float64{9, 4, 6, 8}}, {Name: t("f"), Values: []float64{9, 4, 6, 8}}, {Name: t("g"), Values: []float64{9, 14, 16, 8}},
		},
		Line: &Curve{Name: t("training samples"), Values: []float64{5000, 1200, 400, 60}},
	}
}

func rankedClasses(t func(string) string) Table {
	table := Table{
		Title: t("imbalance by class"), Columns: []string{t("class"), "n", "F1", "change"},
		Foot: []any{t("mean"), 1041.1, 0.70, nil}, Note: t("F1 on held-out samples."),
		Shadings: []Shading{{Columns: []int{2}, High: 1}, {Columns: []int{3}, Signed: true}},
	}
	for i, name := range []string{"plane", "car", "bird", "cat", "deer", "dog", "class 10", "class 9"} {
		f1 := 0.95123 - 0.1*float64(i)
		if i == 5 {
			f1 = math.NaN()
		}
		table.Rows = append(table.Rows, []any{t(name), 5000 >> i, f1, 0.03*float64(i) - 0.1})
	}
	return table
}

// scattered is n points around seven centres.
func scattered(t func(string) string, n int) Scatter {
	s := Scatter{Title: t("two features"), XLabel: t("first"), YLabel: t("second"), Hulls: true, HollowName: t("synthetic"), FilledName: t("real")}
	draw := rand.New(rand.NewPCG(1, 2))
	for g := range 7 {
		s.Groups = append(s.Groups, t(fmt.Sprintf("class %d", g)))
	}
	for i := range n {
		g := i * 7 / n
		s.Group = append(s.Group, g)
		s.X = append(s.X, 5*math.Cos(float64(g))+draw.NormFloat64())
		s.Y = append(s.Y, 5*math.Sin(float64(g))+draw.NormFloat64())
		s.Hollow = append(s.Hollow, i%3 == 0)
	}
	s.Marked = []Mark{{0, t("prototype")}, {n / 2, t("border")}, {n/2 + 1, t("border two")}, {n - 1, ""}}
	s.Links = [][2]int{{0, n / 2}, {1, n / 3}}
	return s
}

// grown is a tree of the given depth whose every fifth node is a leaf.
func grown(t func(string) string, depth, classes int) Tree {
	tree := Tree{Title: t("which class?")}
	for k := range classes {
		tree.Classes = append(tree.Classes, t(fmt.Sprintf("class %d", k)))
	}
	draw := rand.New(rand.NewPCG(5, 6))
	tree.Nodes = []TreeNode{{Counts: make([]float64, classes)}}
	for k := range classes {
		tree.Nodes[0].Counts[k] = float64(200 + 100*k)
	}
	levels := []int{0}
	for i := 0; i < len(tree.Nodes); i++ {
		n := &tree.Nodes[i]
		n.Text = t(fmt.Sprintf("brightness of row %d ≤ %.2f", i, draw.Float64()))
		if levels[i] == depth || i%5 == 4 {
			n.Text = t(fmt.Sprintf("class %d", i%classes))
			continue
		}
		yes, no := make([]float64, classes), make([]float64, classes)
		for k, v := range n.Counts {
			yes[k] = math.Floor(v * draw.Float64())
			no[k] = v - yes[k]
		}
		n.Children = []int{len(tree.Nodes), len(tree.Nodes) + 1}
		levels = append(levels, levels[i]+1, levels[i]+1)
		tree.Nodes = append(tree.Nodes, TreeNode{Counts: yes}, TreeNode{Counts: no})
	}
	for i := 0; ; i = tree.Nodes[i].Children[len(tree.Path)%2] {
		if tree.Path = append(tree.Path, i); tree.Nodes[i].Children == nil {
			break
		}
	}
	return tree
}

// flowing leads four classes through three clusters to four predictions.
func flowing(t func(string) string, lit bool) Flow {
	f := Flow{Title: t("from class to prediction"), Label: t("test samples"), Columns: []FlowColumn{
		{t("true class"), []string{t("cat"), t("dog"), t("deer"), t("ship")}},
		{t("cluster"), []string{t("fur"), t("legs"), t("water")}},
		{t("predicted"), []string{t("cat"), t("dog"), t("deer"), t("ship")}},
	}}
	for i, row := range [][]float64{{80, 15, 5}, {60, 40, 0}, {5, 70, 3}, {1, 0, 90}} {
		for k, n := range row {
			f.Bands = append(f.Bands, Band{Column: 0, From: i, To: k, Count: n, Lit: lit && i == 0 && k == 1})
		}
	}
	for k, row := range [][]float64{{76, 65, 4, 1}, {10, 40, 75, 0}, {0, 1, 2, 95}} {
		for j, n := range row {
			f.Bands = append(f.Bands, Band{Column: 1, From: k, To: j, Count: n, Lit: lit && k == 1 && j == 2})
		}
	}
	return f
}

// thumbs is n images around seven places.
func thumbs(t func(string) string, n int) Canvas {
	c := Canvas{Title: t("what the layer tells apart")}
	draw := rand.New(rand.NewPCG(7, 8))
	for g := range 7 {
		c.Clusters = append(c.Clusters, t(fmt.Sprintf("cluster %d", g)))
	}
	for i := range n {
		g := i % 7
		m := slash(8)
		if i%2 == 0 {
			m = rainbow(6 + g)
		}
		m.Caption = t(fmt.Sprintf("sample %d", i))
		c.Thumbs = append(c.Thumbs, Thumb{Image: m, X: 3*math.Cos(float64(g)) + draw.NormFloat64(), Y: 3*math.Sin(float64(g)) + draw.NormFloat64(), Cluster: g})
	}
	return c
}

// stepping is five maps of one quantity, growing.
func stepping(t func(string) string) Frames {
	f := Frames{Title: t("the path of the flow"), Axis: t("step")}
	for i := range 5 {
		f.Views = append(f.Views, HeatMap{Values: scaled(ring(9, 9), 0.2*float64(i+1)), Height: 9, Width: 9, Signed: true, Label: "relevance"}.View())
		f.Labels = append(f.Labels, t(fmt.Sprintf("%d", 10*i)))
	}
	return f
}

func report(t func(string) string) Page {
	return Page{
		Title: t("what the model learned"), Lead: t("A report on a small model, which was trained for this test and has seen very few classes of anything."),
		Sections: []Section{
			{Heading: t("data"), Text: []string{t("Classes differ in size."), t("Some are rare.")}, Views: []View{rankedClasses(t).View(), rankedClasses(t).View()}},
			{Heading: t("classes in the plane"), Views: []View{scattered(t, 14).View()}},
			{Heading: t("steps"), Views: []View{Frames{Views: stepping(t).Views[:2]}.View()}},
			{Text: []string{t("The end.")}},
		},
	}
}

// relevances is what concepts have to say, one of them against.
func relevances(t func(string) string) Bars {
	return Bars{Title: t("relevant attributes"), Label: t("relevance"), Labels: []string{t("loop"), t("stem"), t("bar"), t("hook"), t("dot")}, Values: []float64{1, 0.6, -0.35, 0.2, 0.05}}
}

// ramp28 is 28 x 28 values from -0.5 to 1, each once, with one that is missing.
func ramp28() []float64 {
	v := make([]float64, 28*28)
	for i := range v {
		v[i] = 1.5*float64(i*5%len(v))/float64(len(v)-1) - 0.5
	}
	v[100] = math.NaN()
	return v
}

package flint

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/nn"
	"github.com/whybook/whybook/xai/render"
	"github.com/whybook/whybook/xai/saliency"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// picture is a row of values as an image; what lies outside of [0,1] is cut off.
func picture(x []float64, s shape, caption string) render.Image {
	shown := make([]float64, len(x))
	for j, v := range x {
		shown[j] = min(max(v, 0), 1)
	}
	return render.Image{Pixels: shown, Channels: s.Channels, Height: s.Height, Width: s.Width, Caption: caption}
}

// scaled is a row of values as an image whose darkest value is black and whose brightest is white.
func scaled(x []float64, s shape, caption string) render.Image {
	low, high := floats.Min(x), floats.Max(x)
	shown := make([]float64, len(x))
	for j, v := range x {
		if high > low {
			shown[j] = (v - low) / (high - low)
		}
	}
	return picture(shown, s, caption)
}

func attributeName(j int) string { return fmt.Sprintf("attribute %d", j) }

// numbers lists numbers in words: "3, 7 and 12".
func numbers(list []int) string {
	switch len(list) {
	case 0:
		return "none"
	case 1:
		return fmt.Sprint(list[0])
	}
	var text []string
	for _, n := range list[:len(list)-1] {
		text = append(text, fmt.Sprint(n))
	}
	return strings.Join(text, ", ") + " and " + fmt.Sprint(list[len(list)-1])
}

// View draws what attributes mean to classes: the paper's heat map of r_{j,c}.
func (g *Global) View() render.View {
	k, j := g.R.Dims()
	m := render.HeatMap{
		Title: "Relevance of attributes to classes", Height: k, Width: j, Rows: g.Classes,
		RowAxis: "class that g says", ColumnAxis: "attribute", Label: "mean relevance r", Signed: true, Limit: 1,
	}
	for a := range j {
		m.Columns = append(m.Columns, fmt.Sprint(a))
	}
	for c := range k {
		m.Values = append(m.Values, g.R.RawRowView(c)...)
	}
	return m.View()
}

// PairsView lists the classes and attributes with r_{j,c} > 1/tau.
func (g *Global) PairsView(tau float64) render.View {
	pairs, err := g.Pairs(tau)
	if err != nil {
		return render.Failed(err)
	}
	use, err := g.Use(tau)
	if err != nil {
		return render.Failed(err)
	}
	t := render.Table{
		Title: fmt.Sprintf("Attributes with relevance above %.3g", 1/tau), Columns: []string{"class", "attribute", "relevance"},
		Note: fmt.Sprintf("Attributes of several classes: %s. Of none: %s.", numbers(use.Shared), numbers(use.Unused)),
	}
	for _, p := range pairs {
		t.Rows = append(t.Rows, []any{class(g.Classes, p.Class), p.Attribute, p.R})
	}
	if len(t.Rows) == 0 {
		t.Rows = [][]any{{"none", nil, nil}}
	}
	return t.View()
}

// ConcisenessView draws how many attributes matter to a decision, over the threshold; give it
// evaluations by name to compare them.
func (e Evaluation) ConcisenessView() render.View {
	return ConcisenessView([]string{"FLINT"}, []Evaluation{e})
}

// ConcisenessView draws the conciseness of several evaluations, each with its name.
func ConcisenessView(names []string, list []Evaluation) render.View {
	if len(names) != len(list) || len(list) == 0 {
		return render.Failed(fmt.Errorf("flint.ConcisenessView: %d names for %d evaluations: %w", len(names), len(list), xai.ErrShape))
	}
	l := render.Lines{Title: "Conciseness", XLabel: "threshold tau", YLabel: "relevant attributes per sample"}
	for i, e := range list {
		l.Series = append(l.Series, render.Series{Name: names[i], X: slices.Clone(e.Taus), Y: slices.Clone(e.Conciseness)})
	}
	return l.View()
}

// View is the table of the main numbers.
func (e Evaluation) View() render.View {
	t := render.Table{
		Title: fmt.Sprintf("f and g on %d samples", len(e.Predicted)), Columns: []string{"measure", "value"}, Plain: true,
		Rows: [][]any{
			{"accuracy of f, %", 100 * e.Accuracy}, {"accuracy of g, %", 100 * e.Interpreter}, {"fidelity of g to f, %", 100 * e.Fidelity},
		},
		Note: "Conciseness: attributes of a sample with more than 1/tau of its largest contribution.",
	}
	for i, tau := range e.Taus {
		t.Rows = append(t.Rows, []any{fmt.Sprintf("conciseness at tau %v", tau), e.Conciseness[i]})
	}
	return t.View()
}

// CertaintyView is the table of where f and g are certain, agree, and f is right; see Certainty.
func (e Evaluation) CertaintyView(certainF, certainG float64) render.View {
	cells, err := e.Certainty(certainF, certainG)
	if err != nil {
		return render.Failed(err)
	}
	t := render.Table{
		Title: "Certainty and agreement of f and g", Columns: []string{"f and g", "f is", "f is certain", "g is certain", "samples", "%"},
		Note: fmt.Sprintf("Certain: the entropy of the softmax is below %v nats for f and %v for g. What g says where they disagree is about g's class.", certainF, certainG),
	}
	for _, c := range cells {
		if len(c.Samples) == 0 {
			continue
		}
		agree, right := "disagree", "wrong"
		if c.Agree {
			agree = "agree"
		}
		if c.Right {
			right = "right"
		}
		t.Rows = append(t.Rows, []any{agree, right, yesNo(c.CertainF), yesNo(c.CertainG), len(c.Samples), 100 * float64(len(c.Samples)) / float64(len(e.Predicted))})
	}
	return t.View()
}

func yesNo(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}

// NoiseView draws what noise does to f, g and the attributes.
func NoiseView(list []AtNoise) render.View {
	l := render.Lines{Title: "Uniform noise on the input", XLabel: "largest change of a pixel (1: from black to white)", YLabel: "share of the samples (%)"}
	for i := range list {
		l.XNames = append(l.XNames, fmt.Sprint(list[i].Level))
	}
	for _, s := range []struct {
		name string
		of   func(AtNoise) float64
	}{
		{"f is right", func(a AtNoise) float64 { return a.Accuracy }}, {"g is right", func(a AtNoise) float64 { return a.Interpreter }},
		{"g agrees with f", func(a AtNoise) float64 { return a.Fidelity }}, {"same strongest attribute", func(a AtNoise) float64 { return a.Kept }},
	} {
		line := render.Series{Name: s.name}
		for i, a := range list {
			line.X, line.Y = append(line.X, float64(i)), append(line.Y, 100*s.of(a))
		}
		l.Series = append(l.Series, line)
	}
	return l.View()
}

// HistoryView draws the training: every term of the loss by epoch, times its weight, and the
// accuracy of f on the training samples.
func (in *Interpreter) HistoryView() render.View {
	h := in.Net.History
	if len(h) == 0 {
		return render.Failed(fmt.Errorf("flint.Interpreter.HistoryView: there is no history of a training"))
	}
	terms := render.Lines{Title: "Terms of the loss", XLabel: "epoch", YLabel: "weight times term"}
	for i, term := range h[0].Terms {
		s := render.Series{Name: term.Name}
		for n, e := range h {
			s.X, s.Y = append(s.X, float64(n+1)), append(s.Y, e.Terms[i].Weight*e.Terms[i].Loss)
		}
		terms.Series = append(terms.Series, s)
	}
	return render.Row(terms.View(), in.accuracyView(h))
}

func (in *Interpreter) accuracyView(h []nn.Epoch) render.View {
	s := render.Series{Name: "f, in training"}
	for n, e := range h {
		s.X, s.Y = append(s.X, float64(n+1)), append(s.Y, 100*e.Accuracy)
	}
	return render.Lines{Title: "Accuracy of f", XLabel: "epoch", YLabel: "right (%)", Series: []render.Series{s}}.View()
}

// top is how many attributes a local figure shows, and how many samples an attribute's sheet
// does for each class, as the paper's.
const top = 3

// View draws a decision as the paper's figure: the input, the three most relevant attributes, and
// what makes each of them larger, by Maximise with m. As in the authors' figures the brightness
// of what was made goes from its least to its greatest value.
func (l *Local) View(ctx context.Context, in *Interpreter, m Maximisation) render.View {
	n := min(top, len(l.Order))
	if l.Sample.X == nil || n == 0 {
		return render.Failed(fmt.Errorf("flint.Local.View: there is no interpretation; it is made by Interpreter.Local"))
	}
	best, d := l.Order[:n], len(l.Sample.X)
	x := mat.NewDense(n, d, nil)
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
	bars := render.Bars{Title: "Relevance to " + class(l.Classes, l.Interpreted), Label: "relevance r"}
	for i, j := range best {
		grid.Images = append(grid.Images, scaled(strong.Images.RawRowView(i), l.Sample.Shape, fmt.Sprintf("%s: %.2f to %.2f", attributeName(j), strong.Original[i], strong.After[i])))
		bars.Labels, bars.Values = append(bars.Labels, attributeName(j)), append(bars.Values, l.R[j])
	}
	title := fmt.Sprintf("Why %s", class(l.Classes, l.Interpreted))
	if !l.Agree() {
		title = fmt.Sprintf("f says %s, g %s: why g does", class(l.Classes, l.Predicted), class(l.Classes, l.Interpreted))
	}
	return render.Column(grid.View(), bars.View()).Titled(title)
}

// Sheet is what there is to see of an attribute.
type Sheet struct {
	Attribute int
	Pairs     []Pair // the classes that it is relevant to, strongest first

	g          *Global
	samples    [][]int    // for each pair, maximum activating samples in g.Set
	maximised  *Maximised // one image for each pair, from its first sample
	pixels     saliency.Map
	decoded    []float64 // what the attribute adds to the decoder's image of that sample
	shownClass string
}

// Sheets gathers, for each attribute that is relevant to a class (r_{j,c} > 1/tau), what shows its
// meaning: the samples of the class that it is largest for, and what Maximise makes of the first
// of them. An attribute that is relevant to nothing has no sheet.
func (in *Interpreter) Sheets(ctx context.Context, g *Global, tau float64, m Maximisation) ([]Sheet, error) {
	pairs, err := g.Pairs(tau)
	if err != nil {
		return nil, err
	}
	var list []Sheet
	var rows, attributes []int
	for j := range in.Settings.Attributes {
		s := Sheet{Attribute: j, g: g}
		for _, p := range pairs {
			if p.Attribute != j {
				continue
			}
			samples, err := g.Activating(p.Class, j, top)
			if err != nil {
				return nil, err
			}
			if len(samples) == 0 {
				continue // g says this class of no sample of it
			}
			s.Pairs, s.samples = append(s.Pairs, p), append(s.samples, samples)
		}
		if len(s.Pairs) == 0 {
			continue
		}
		order := make([]float64, len(s.Pairs))
		for i, p := range s.Pairs {
			order[i] = p.R
		}
		sorted := Sheet{Attribute: j, g: g}
		for _, i := range falling(order) {
			sorted.Pairs, sorted.samples = append(sorted.Pairs, s.Pairs[i]), append(sorted.samples, s.samples[i])
			rows, attributes = append(rows, s.samples[i][0]), append(attributes, j)
		}
		list = append(list, sorted)
	}
	if len(list) == 0 {
		return nil, nil
	}
	all, err := in.Maximise(ctx, g.Set.Batch(nil, rows), attributes, m)
	if err != nil {
		return nil, err
	}
	at := 0
	for i := range list {
		s := &list[i]
		n := len(s.Pairs)
		s.maximised = all.part(at, at+n)
		at += n
		if err := s.look(ctx, in); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// part returns some rows.
func (m *Maximised) part(lo, hi int) *Maximised {
	_, d := m.Images.Dims()
	return &Maximised{m.Attributes[lo:hi], m.Images.Slice(lo, hi, 0, d).(*mat.Dense), m.Original[lo:hi], m.Before[lo:hi], m.After[lo:hi]}
}

// look adds the saliency map and the decoder's view of the first sample.
func (s *Sheet) look(ctx context.Context, in *Interpreter) error {
	x := s.g.Set.At(s.samples[0][0])
	r, err := in.Saliency(x, s.Attribute)
	if err != nil {
		return err
	}
	if s.pixels, err = r.With(saliency.InputGradient{}).Explain(ctx); err != nil {
		return fmt.Errorf("flint: the saliency of attribute %d: %w", s.Attribute, err)
	}
	decoded, err := in.DecodeAttributes(ctx, x.X)
	if err != nil {
		return err
	}
	s.decoded, s.shownClass = decoded.Parts.RawRowView(s.Attribute), x.Class
	return nil
}

// View draws the sheet: for each class that the attribute is relevant to, its samples and the image
// that makes it larger; and for the first sample, which pixels the attribute depends on
// (gradient times input) and what it adds to the decoder's image.
func (s Sheet) View() render.View {
	if s.g == nil {
		return render.Failed(fmt.Errorf("flint.Sheet.View: there is no sheet; it is made by Interpreter.Sheets"))
	}
	grid := render.ImageGrid{Title: "Its largest samples, and the first with more of it (brightness scaled)", Columns: top + 1}
	var classes []string
	for i, p := range s.Pairs {
		name := class(s.g.Classes, p.Class)
		classes = append(classes, fmt.Sprintf("%s (r %.2f)", name, p.R))
		for k := range top {
			if k >= len(s.samples[i]) { // keep the columns
				grid.Images = append(grid.Images, picture(make([]float64, s.g.Set.Shape.Size()), s.g.Set.Shape, "no sample"))
				continue
			}
			at := s.samples[i][k]
			grid.Images = append(grid.Images, picture(s.g.Set.At(at).X, s.g.Set.Shape, fmt.Sprintf("%s: %.2f", name, s.g.Phi.At(at, s.Attribute))))
		}
		grid.Images = append(grid.Images, scaled(s.maximised.Images.RawRowView(i), s.g.Set.Shape, fmt.Sprintf("made: %.2f", s.maximised.After[i])))
	}
	first := s.g.Set.Shape
	plane := make([]float64, first.Height*first.Width)
	for j, v := range s.decoded {
		plane[j%len(plane)] += v / float64(first.Channels)
	}
	part := render.HeatMap{Title: "What it adds to the decoder's image", Values: plane, Height: first.Height, Width: first.Width, Signed: true, Label: "added brightness", Scale: "decoder"}
	return render.Column(grid.View(), render.Row(s.pixels.View(), part.View())).Titled(fmt.Sprintf("Attribute %d speaks for %s", s.Attribute, strings.Join(classes, ", ")))
}

// SheetsView shows the sheets of attributes, one at a time in HTML.
func SheetsView(list []Sheet) render.View {
	if len(list) == 0 {
		return render.Failed(fmt.Errorf("flint.SheetsView: no attribute is relevant to a class; raise tau: %w", render.ErrEmpty))
	}
	if len(list) == 1 {
		return list[0].View()
	}
	c := render.Choice{Title: "Attributes", Axis: "attribute"}
	for _, s := range list {
		c.Views, c.Labels = append(c.Views, s.View()), append(c.Labels, s.label())
	}
	return c.View()
}

// label names an attribute with the class that it is most relevant to.
func (s Sheet) label() string {
	return fmt.Sprintf("%d, for %s", s.Attribute, class(s.g.Classes, s.Pairs[0].Class))
}

// Report is a page with everything: how the interpreter was trained and how well it follows, what
// attributes mean to classes, a sheet for each, and one decision each that is right, that f gets
// wrong, and on which f and g disagree. train is where attributes are looked at, test what the
// numbers are from.
func (in *Interpreter) Report(ctx context.Context, train, test datasets.Source, m Maximisation) (render.View, error) {
	e, err := in.Evaluate(ctx, test)
	if err != nil {
		return render.View{}, err
	}
	g, err := in.Global(ctx, train, 0)
	if err != nil {
		return render.View{}, err
	}
	sheets, err := in.Sheets(ctx, g, 5, m)
	if err != nil {
		return render.View{}, err
	}
	page := render.Page{
		Title: "Which attributes lead to this class", Lead: "A network and its interpretation by attributes, after FLINT (Parekh, Mozharovskyi and d'Alche-Buc, 2021).",
		Sections: []render.Section{
			{Heading: "How far it can be trusted", Text: []string{"What follows is about g, which says what f says of the share of samples that is called fidelity."},
				Views: []render.View{e.View(), e.ConcisenessView(), e.CertaintyView(CertainF, CertainG)}},
			{Heading: "What attributes mean to classes", Views: []render.View{g.View(), g.PairsView(5)}},
		}}
	if len(in.Net.History) > 0 {
		page.Sections[0].Views = append(page.Sections[0].Views, in.HistoryView())
	}
	for _, s := range sheets {
		page.Sections = append(page.Sections, render.Section{Heading: "Attribute " + s.label(), Views: []render.View{s.View()}})
	}
	for _, c := range e.cases() {
		if c.sample < 0 {
			page.Sections = append(page.Sections, render.Section{Heading: c.heading, Text: []string{"There is no such sample."}})
			continue
		}
		l, err := in.Local(ctx, e.Set.At(c.sample))
		if err != nil {
			return render.View{}, err
		}
		page.Sections = append(page.Sections, render.Section{Heading: c.heading, Views: []render.View{l.View(ctx, in, m)}})
	}
	return page.View(), nil
}

type example struct {
	heading string
	sample  int
}

// cases finds the first sample of each kind, -1 for none.
func (e Evaluation) cases() []example {
	find := func(is func(f, g, label int) bool) int {
		return slices.IndexFunc(places(len(e.Predicted)), func(i int) bool { return is(e.Predicted[i], e.Interpreted[i], e.Set.Labels[i]) })
	}
	return []example{
		{"A decision that is right", find(func(f, g, y int) bool { return f == y && g == y })},
		{"A decision that is wrong", find(func(f, g, y int) bool { return f != y && f == g })},
		{"f and g disagree", find(func(f, g, _ int) bool { return f != g })},
	}
}

package flint

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/nn"
	"github.com/whybook/whybook/xai/render"
	"gonum.org/v1/gonum/floats"
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

// decimals writes a value with two decimals, and no minus before zeros.
func decimals(v float64) string { return fmt.Sprintf("%.2f", math.Round(100*v)/100+0) }

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

// ThresholdView is the heat map with a slider that fades what is not above a threshold, 1/tau at
// first; tau must be above 1. Without scripts it says what several thresholds leave.
func (g *Global) ThresholdView(tau float64) render.View {
	return above(g.View(), "flint.Global.ThresholdView", tau)
}

// above lets readers ask which relevances of a figure are above a threshold. Negative ones are
// never: an attribute that speaks against a class is not relevant to it.
func above(v render.View, where string, tau float64) render.View {
	if err := checkTau(where, tau); err != nil {
		return render.Failed(err)
	}
	return render.Threshold{Of: v, Start: 1 / tau, Positive: true}.View()
}

// UseView is the table of what thresholds leave of the heat map, a row for each tau; without one,
// for those of Taus and for 10, the largest with which the authors list pairs.
func (g *Global) UseView(taus ...float64) render.View {
	if len(taus) == 0 {
		taus = append(Taus(), 10)
	}
	t := render.Table{
		Title: "Which attributes classes use, by threshold", Plain: true,
		Columns: []string{"tau", "relevance above", "pairs", "fewest of a class", "most of a class", "shared attributes", "unused attributes"},
		Note:    "A pair is a class and an attribute that is relevant to it; an attribute is shared that several classes have, and unused that none has.",
	}
	for _, tau := range taus {
		u, err := g.Use(tau)
		if err != nil {
			return render.Failed(err)
		}
		pairs := 0
		for _, n := range u.Strong {
			pairs += n
		}
		t.Rows = append(t.Rows, []any{tau, 1 / tau, pairs, slices.Min(u.Strong), slices.Max(u.Strong), len(u.Shared), len(u.Unused)})
	}
	return t.View()
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

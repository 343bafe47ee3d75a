package flint

import (
	"context"
	"slices"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/render"
)

// reportTau is the threshold from which a report starts: relevances above 0.2.
const reportTau = 5

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
	sheets, err := in.Sheets(ctx, g, reportTau, m)
	if err != nil {
		return render.View{}, err
	}
	page := render.Page{
		Title: "Which attributes lead to this class", Lead: "A network and its interpretation by attributes, after FLINT (Parekh, Mozharovskyi and d'Alche-Buc, 2021).",
		Sections: []render.Section{
			{Heading: "How far it can be trusted", Text: []string{"What follows is about g, which says what f says of the share of samples that is called fidelity."},
				Views: []render.View{e.View(), e.ConcisenessView(), e.CertaintyView(CertainF, CertainG)}},
			{Heading: "What attributes mean to classes", Views: []render.View{g.ThresholdView(reportTau), g.UseView(), g.PairsView(reportTau)}},
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
		page.Sections = append(page.Sections, render.Section{Heading: c.heading, Views: []render.View{l.View(ctx, in, m), l.ThresholdView(reportTau)}})
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

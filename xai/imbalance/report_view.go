package imbalance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/whybook/whybook/xai/render"
)

// ReportOptions says what goes into a report.
type ReportOptions struct {
	Top       int   // features of a class; default 10
	Classes   []int // whose prototypes and, with archetypes, colours are shown; default the largest and the smallest
	Reference *int  // class of the density ratios; default the smallest

	// Complexity measures the classes among the features and, where samples have at most
	// 1,024 values, among the inputs. Unlike elsewhere, Sample is 1,000 rows and Repeats 1 by
	// default, so that the report is a matter of seconds.
	Complexity Complexity
}

// widest is up to how many values of a sample a report measures complexity among inputs.
const widest = 1024

// Report puts all that is known about an analysis on one page, from class sizes to colours. What
// the analysis has no data for is named at the end. To export it as one HTML document that
// needs nothing else:
//
//	page, err := imbalance.Report(ctx, a, imbalance.ReportOptions{})
//	paths, err := render.Dir("out").Save(page.View())
func Report(ctx context.Context, a Analysis, o ReportOptions) (render.Page, error) {
	const where = "imbalance.Report"
	if o.Top < 0 {
		return render.Page{}, fmt.Errorf("%s: ReportOptions.Top is %d; want 0 for 10, or more", where, o.Top)
	}
	if o.Top == 0 {
		o.Top = 10
	}
	if o.Complexity.Sample == 0 {
		o.Complexity.Sample = 1000
	}
	if o.Complexity.Repeats == 0 {
		o.Complexity.Repeats = 1
	}
	if _, err := o.Complexity.withDefaults(); err != nil {
		return render.Page{}, fmt.Errorf("%s: ReportOptions.Complexity: %w", where, err)
	}
	m, err := a.Train.checked(where)
	if err != nil {
		return render.Page{}, err
	}
	counts := m.Counts()
	if o.Classes == nil {
		o.Classes = []int{0}
		for c, n := range counts {
			if n > counts[o.Classes[0]] {
				o.Classes[0] = c
			}
		}
		if s := a.smallest(); s != o.Classes[0] {
			o.Classes = append(o.Classes, s)
		}
	}
	if err := checkLabels(where+": ReportOptions.Classes", "class", o.Classes, m.Classes); err != nil {
		return render.Page{}, err
	}
	if o.Reference == nil {
		s := a.smallest()
		o.Reference = &s
	}
	a.Train = m
	r := report{ctx: ctx, a: a, o: o, page: render.Page{Title: "Imbalanced classes: " + a.name(), Lead: a.lead()}}
	r.classes()
	r.adversaries()
	r.complexity()
	r.prototypes()
	r.features()
	r.colours()
	if r.err != nil {
		return render.Page{}, fmt.Errorf("%s: %w", where, r.err)
	}
	if len(r.without) > 0 {
		t := render.Table{Columns: []string{"section", "why it is left out"}, Plain: true}
		for _, w := range r.without {
			t.Rows = append(t.Rows, []any{w[0], w[1]})
		}
		r.add("Left out", "What this analysis has no data for.", t.View())
	}
	return r.page, nil
}

// lead says what an analysis is of.
func (a Analysis) lead() string {
	counts := a.Train.Counts()
	most, least := slices.Max(counts), counts[a.smallest()]
	text := fmt.Sprintf("%d training members of %d classes, from %d members of a class down to %d", a.Train.Len(), len(counts), most, least)
	if empty := len(slices.DeleteFunc(counts, func(n int) bool { return n > 0 })); empty > 0 {
		text += fmt.Sprintf(" (and %s without any)", plural(empty, "class"))
	}
	switch {
	case a.Layer != "":
		text += fmt.Sprintf(", compared by what layer %q of the network puts out for them", a.Layer)
	case a.Train.Features != nil:
		text += ", compared by their values as they are"
	}
	text += fmt.Sprintf("; %s of each are looked at.", plural(a.K, "nearest neighbour"))
	if n := a.HeldOut.Len(); n > 0 {
		text += fmt.Sprintf(" Held out: %d members.", n)
	}
	return text
}

// report collects sections.
type report struct {
	ctx     context.Context
	a       Analysis
	o       ReportOptions
	page    render.Page
	without [][2]string // heading and reason of what is left out
	err     error       // a cancelled context
}

// add adds a section with a text that says what to see. The heading is the title of its first
// view.
func (r *report) add(heading, text string, views ...render.View) {
	views[0] = views[0].Titled("")
	r.page.Sections = append(r.page.Sections, render.Section{Heading: heading, Text: []string{text}, Views: views})
}

// skip notes why a section is left out.
func (r *report) skip(title string, err error) {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		r.err = err
	}
	reason := err.Error()
	if _, after, ok := strings.Cut(reason, ": "); ok && strings.HasPrefix(reason, "imbalance.") {
		reason = after
	}
	r.without = append(r.without, [2]string{title, reason})
}

func (r *report) classes() {
	if accuracy, err := r.a.Accuracy(); err != nil {
		r.skip("Accuracy of classes", err)
	} else {
		text := "How often the network is right about each class of held-out data, and how many training members the class has."
		if r.a.HeldOut.Len() == 0 {
			text = "How often the network is right about the training members themselves, which is too good, and how many there are."
		}
		r.add("Accuracy of classes", fmt.Sprintf("%s Mean recall of the classes: %.1f %%.", text, 100*accuracy.Mean()), accuracy.View())
	}
	s, err := r.a.Summary()
	if err != nil {
		r.skip("Archetypes", err)
		return
	}
	r.add("Archetypes", fmt.Sprintf("Members by how many of their %d nearest neighbours are of their class: safe, border, rare, outlier.", r.a.K), s.ArchetypeView())
	r.add("Table of classes", "The same in numbers, with measures of how much a class overlaps with others.", s.View())
	if r.a.HeldOut.Len() > 0 {
		if held, err := r.a.HeldOutSummary(); err != nil {
			r.skip("Archetypes of held-out data", err)
		} else {
			r.add("Archetypes of held-out data", "The same for members that the network was not trained on, among the training members: features of training members are separated better than new ones.", held.ArchetypeView())
		}
	}
	if s.Errors[0].Wrong >= 0 {
		r.add("Errors of archetypes", "How often the network is wrong about training members of each archetype.", s.ErrorView())
	}
	if r.a.Recall != nil {
		r.add("What goes with recall", "Whether the share of safe members or the size of a class goes closer with its recall.", s.RecallView())
	}
}

func (r *report) adversaries() {
	for _, who := range []Voters{Misclassified, Everyone} {
		title := "Nearest adversaries of " + who.String()
		if rivals, err := r.a.Adversaries(who); err != nil {
			r.skip(title, err)
		} else {
			r.add(title, "With which classes a class is likely to be confused: the labels of neighbours of another class, and how many votes that rests on.", rivals.View())
		}
	}
	errs, err := r.a.Errors()
	if err != nil {
		r.skip("Errors on held-out data", err)
		return
	}
	r.add("Errors on held-out data", "What held-out members that the network gets wrong are taken for.", errs.View())
	if g, err := r.a.Agreement(Everyone); err != nil {
		r.skip("Adversaries against errors", err)
	} else {
		r.add("Adversaries against errors", "How well the nearest adversaries of all training members foretell these errors.", g.View())
	}
}

func (r *report) complexity() {
	const title = "Complexity"
	var spaces Spaces
	switch m := r.a.Train; {
	case m.Features == nil || r.a.Layer == "":
	case m.Set.Len() == 0:
		r.skip(title+" of the inputs", errors.New("the analysis has no samples"))
	case m.Set.Shape.Size() > widest:
		r.skip(title+" of the inputs", fmt.Errorf("samples of %d values take long; Analysis.InputComplexity measures them", m.Set.Shape.Size()))
	default:
		if t, err := r.a.InputComplexity(r.ctx, r.o.Complexity); err != nil {
			r.skip(title+" of the inputs", err)
		} else {
			spaces = append(spaces, t)
		}
	}
	t, err := r.a.Complexity(r.ctx, r.o.Complexity)
	if err != nil {
		r.skip(title, err)
		return
	}
	spaces = append(spaces, t)
	text := "How hard the classes are to tell apart, each against all others, and all together."
	if len(spaces) > 1 {
		text += " What is easier in the features than in the inputs, the network has learned."
	}
	r.add(title, text, spaces.View())
}

func (r *report) prototypes() {
	const title = "Prototypes"
	list, err := r.a.Prototypes(r.ctx)
	if err != nil {
		r.skip(title, err)
		return
	}
	var some []Prototype
	for _, c := range r.o.Classes {
		some = append(some, list[c*ArchetypeCount:(c+1)*ArchetypeCount]...)
	}
	r.add(title, "The member nearest to all others of its archetype; outliers carry a cross.", r.a.PrototypeView(some))
	for _, c := range r.o.Classes {
		title := "Sub-concepts of " + r.a.Train.Classes[c]
		groups, err := r.a.Concepts(r.ctx, c, SubConcepts{})
		if err != nil {
			r.skip(title, err)
			continue
		}
		text := "The class is of one piece: dividing it makes no groups that stand apart."
		if len(groups.Medoids) > 1 {
			text = fmt.Sprintf("The class falls into %d groups, with a mean silhouette of %.2f.", len(groups.Medoids), groups.Silhouette)
		}
		r.add(title, text, r.a.ConceptView(groups))
	}
}

func (r *report) features() {
	importance, err := r.a.Importance(r.o.Top)
	if err != nil {
		r.skip("Important features", err)
		return
	}
	r.add("Important features", "The features of largest mean of each class, the most important first, and their shares.", importance.bars(), importance.places())
	overlap := importance.Overlap()
	r.add("Overlap of features", "How many of these features every two classes share, which they need other features to be told apart by.", overlap.View())
	if rivals, err := r.a.Adversaries(Everyone); err == nil {
		r.add("Overlap beside adversaries", "Whether classes that share features are also near each other.", overlap.BesideAdversaries(rivals))
	}
	density, err := r.a.Density(r.ctx, *r.o.Reference, r.o.Top)
	if err != nil {
		r.skip("Density of features", err)
		return
	}
	r.add("Density of features", fmt.Sprintf("How much more often members of other classes than those of %s have its features among their own %d largest: by number, which a large class leads by its size, and by share. "+
		"Grey: no member has the feature.", r.a.Train.Classes[*r.o.Reference], importance.K), density.View())
}

func (r *report) colours() {
	if r.a.Colours == nil {
		r.without = append(r.without, [2]string{"Colours", "not in the recipe; add Colours to the chain"})
		return
	}
	r.add("Colours", "The colours of the pixels that the network looks at beside those of all pixels of the same images: only where they differ does a colour matter.", r.a.Colours.View())
	for _, c := range r.o.Classes {
		class := r.a.Train.Classes[c]
		if slices.ContainsFunc(r.a.Colours.Groups, func(g BandGroup) bool { return g.Class == class && !g.Whole && g.Images > 0 }) {
			r.add("Colours of "+class, "The same for each archetype of the class.", r.a.Colours.ArchetypeView(class))
		}
	}
}

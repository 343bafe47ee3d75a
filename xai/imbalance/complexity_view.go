package imbalance

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/whybook/whybook/xai/render"
)

// View draws the measures of the set and of every class as tables that readers can sort and
// filter, and names convention, distance and sample; with recalls, what goes with them, and with
// resamples, the intervals of the classes.
func (t Table) View() render.View { return Spaces{t}.View() }

// View draws the tables side by side: a column for each space among the measures of the set, a row
// for each space below each class.
func (s Spaces) View() render.View {
	if err := s.check("imbalance.Spaces.View"); err != nil {
		return render.Failed(err)
	}
	views := []render.View{
		s.set(),
		s.classes("Each class among its neighbours", slices.Concat([]string{"n"}, neighbourMeasures), true),
		s.classes("Each class against the others", slices.Concat([]string{"share", "IR"}, separationMeasures), false),
	}
	if s[0].Options.Bootstrap > 0 {
		views = append(views, s.intervals())
	}
	if s.recalled() {
		views = append(views, s.relations())
	}
	title := "Complexity of the classes"
	if len(s) == 1 && s[0].Space != "" {
		title += ": " + s[0].Space
	}
	return render.Column(views...).Titled(fmt.Sprintf("%s (%v)", title, s[0].Options.Convention))
}

// recalled reports whether any table has recalls.
func (s Spaces) recalled() bool {
	return slices.ContainsFunc(s, func(t Table) bool { return t.Options.Recall != nil })
}

// header says by what the measures were taken.
func (s Spaces) header() string {
	o := s[0].Options
	pairs := "; measures of two classes are means over their pairs"
	switch {
	case len(s[0].Classes) == 2:
		pairs = ""
	case o.Convention == Problexity:
		pairs = "; all measures are means over the pairs of classes"
	}
	text := fmt.Sprintf("Convention: %v, %v distance, k = %d%s", o.Convention, o.Distance, o.Neighbors, pairs)
	if o.Bootstrap > 0 {
		text += fmt.Sprintf("; intervals hold %.3g %% of %d resamples", 100*o.Level, o.Bootstrap)
	}
	text += "."
	for i, t := range s {
		rows := fmt.Sprintf("all %d rows", t.Rows)
		if t.Sampled < t.Rows {
			rows = fmt.Sprintf("%s of %d of %d rows", plural(t.Repeats, "stratified sample"), t.Sampled, t.Rows)
		}
		text += fmt.Sprintf(" %s, %s: %s.", s.name(i), plural(t.Features, "feature"), rows)
	}
	return text
}

// set is the table of the measures of all classes together.
func (s Spaces) set() render.View {
	t := render.Table{Title: fmt.Sprintf("All classes together (%v)", s[0].Options.Convention), Columns: []string{"measure", "of"}}
	resampled := s[0].Options.Bootstrap > 0
	for i := range s {
		name := "value"
		if len(s) > 1 {
			name = s.name(i)
		}
		if t.Columns = append(t.Columns, name); resampled {
			t.Columns = append(t.Columns, "low", "high")
		}
	}
	notes := map[string][]string{}
	var order []string
	large := "" // what would leave no decimals to the others
	for m, v := range s[0].Set {
		if v.Value > 10 || v.Name == "IR" {
			large += fmt.Sprintf(" %s, the %s: %.4g.", v.Name, meaning[v.Name], v.Value)
			continue
		}
		row := []any{v.Name, meaning[v.Name]}
		for i := range s {
			w := s[i].Set[m]
			if row = append(row, w.Value); resampled {
				row = append(row, w.Low, w.High)
			}
			if w.Note != "" && !slices.Contains(notes[w.Note], w.Name) {
				if notes[w.Note] == nil {
					order = append(order, w.Note)
				}
				notes[w.Note] = append(notes[w.Note], w.Name)
			}
		}
		t.Rows = append(t.Rows, row)
	}
	if t.Note = s.header(); s[0].Options.Convention != DCoL {
		t.Note += " From 0 to 1, and more is harder."
	}
	t.Note += large
	for _, note := range order {
		t.Note += fmt.Sprintf(" %s: %s.", strings.Join(notes[note], ", "), note)
	}
	return t.View()
}

// classes is a table of some measures of every class, with its means as the foot.
func (s Spaces) classes(title string, names []string, adversary bool) render.View {
	t := render.Table{Title: title, Columns: []string{"class"}, Note: "Last row: the mean of the classes"}
	if len(s) > 1 {
		t.Columns, t.Note = append(t.Columns, "space"), t.Note+" in "+s.name(len(s)-1)
	}
	t.Note += "."
	var shaded []int
	for _, name := range names {
		if !slices.Contains(sizeMeasures, name) && name != "D3" && name != "safe" && name != "safe level" {
			shaded = append(shaded, len(t.Columns))
		}
		t.Columns = append(t.Columns, name)
	}
	if adversary {
		t.Columns = append(t.Columns, "whose")
		t.Note += " safe to outlier: shares of the members of each archetype, by count. adversary: share of the neighbours of other classes that are of the class in the last column. safe level: high for easy classes, as are safe members."
	}
	for c, class := range s[0].Classes {
		for i, table := range s {
			row := []any{class.Name}
			if len(s) > 1 {
				row = append(row, s.name(i))
			}
			for _, name := range names {
				row = append(row, whole(name, table.Column(name).Values[c]))
			}
			if adversary {
				row = append(row, table.Classes[c].Adversary)
			}
			t.Rows = append(t.Rows, row)
		}
	}
	last := s[len(s)-1]
	t.Foot = []any{"mean"}
	if len(s) > 1 {
		t.Foot = append(t.Foot, nil)
	}
	for _, name := range names {
		t.Foot = append(t.Foot, last.Column(name).Macro)
	}
	if adversary {
		t.Foot = append(t.Foot, nil)
	}
	t.Shadings = []render.Shading{{Columns: shaded, High: 1}}
	return t.View()
}

// whole returns a count as an integer.
func whole(name string, v float64) any {
	if name == "n" && v == math.Trunc(v) {
		return int(v)
	}
	return v
}

// intervals is a table of what the resamples of each class allow.
func (s Spaces) intervals() render.View {
	var names []string
	for _, c := range s[0].Columns {
		if slices.ContainsFunc(c.Low, func(v float64) bool { return !math.IsNaN(v) }) {
			names = append(names, c.Name)
		}
	}
	t := render.Table{Title: "Confidence intervals", Columns: []string{"class", "measure"}}
	for i := range s {
		name := "value"
		if len(s) > 1 {
			name = s.name(i)
		}
		t.Columns = append(t.Columns, name, "low", "high")
	}
	for c, class := range s[0].Classes {
		for _, name := range names {
			row := []any{class.Name, name}
			for _, table := range s {
				column := table.Column(name)
				row = append(row, column.Values[c], column.Low[c], column.High[c])
			}
			t.Rows = append(t.Rows, row)
		}
	}
	t.Note = fmt.Sprintf("%.3g %% of %d resamples of the rows of each class, with what surrounds them as it is. Table.IntervalTable has all of them.", 100*s[0].Options.Level, s[0].Options.Bootstrap)
	return t.View()
}

// relations is a table of what goes with recall.
func (s Spaces) relations() render.View {
	t := render.Table{Title: "What goes with recall", Columns: []string{"measure"}}
	var signed []int
	for i := range s {
		rho, p := "Spearman", "p"
		if len(s) > 1 {
			rho, p = "Spearman, "+s.name(i), "p, "+s.name(i)
		}
		signed = append(signed, len(t.Columns))
		t.Columns = append(t.Columns, rho, p)
	}
	known := 0
	for _, r := range s[0].Options.Recall {
		if !math.IsNaN(r) {
			known++
		}
	}
	for m, column := range s[0].Columns {
		row := []any{column.Name}
		for _, table := range s {
			row = append(row, table.Columns[m].Spearman, table.Columns[m].P)
		}
		t.Rows = append(t.Rows, row)
	}
	t.Note = fmt.Sprintf("Rank correlation of each measure with the recall of the %d classes for which it is known; p: share of permutations of the classes with one as far from 0. "+
		"Of many measures over few classes some go with recall by chance.", known)
	t.Shadings = []render.Shading{{Columns: signed, Signed: true, Low: -1, High: 1}}
	return t.View()
}

// meaning says in a few words what a measure of the set is about.
var meaning = map[string]string{
	"F1": "overlap of the best feature", "F1mean": "overlap of the features, on average", "F1v": "overlap along the best direction",
	"F2": "volume in which classes overlap", "F3": "rows in the overlap of the best feature", "F4": "rows in the overlap of all features in turn",
	"L1": "distance of errors to a plane", "L2": "errors of a plane", "L3": "errors of a plane between rows",
	"N1": "rows on the border, by spanning tree", "N2": "distances within against between classes, by row", "N2sum": "the same of sums, as in the survey",
	"N3": "errors of the nearest neighbour", "N4": "errors of the nearest neighbour between rows", "T1": "spheres to cover the classes", "LSC": "smallness of local sets",
	"kDN": "neighbours of other classes", "degOver": "rows with such a neighbour", "CM": "rows with mostly such neighbours", "CB": "such neighbours, nearer ones counting more",
	"R": "rows in the overlap of two classes, by imbalance", "density": "missing links between near rows of a class", "clsCoef": "missing triangles of links", "hubs": "lack of hubs of links",
	"T2": "features per row", "T3": "principal components per row", "T4": "principal components per feature",
	"C1": "unevenness of class sizes, by entropy", "C2": "unevenness of class sizes, by ratio", "IR": "largest class over smallest",
}

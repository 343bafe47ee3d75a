package imbalance

import (
	"context"
	"fmt"
	"image/color"
	"math"
	"slices"
	"strings"

	"github.com/whybook/whybook/xai/render"
	"gonum.org/v1/gonum/mat"
)

// stackedClasses is up to how many classes a stack of colours can be read.
const stackedClasses = 12

// View builds the analysis and draws it.
func (r Recipe) View(ctx context.Context) (render.View, error) {
	a, err := r.Build(ctx)
	if err != nil {
		return render.View{}, err
	}
	return a.View(), nil
}

// View draws the archetypes of every class above the table of classes. See [Report] for
// everything.
func (a Analysis) View() render.View {
	s, err := a.Summary()
	if err != nil {
		return render.Failed(err)
	}
	// A page rather than a column, for readers to sort the table.
	return render.Page{Title: "Classes of " + a.name(), Lead: a.lead(), Sections: []render.Section{{Views: []render.View{s.ArchetypeView(), s.View()}}}}.View()
}

// name returns what the analysis is of.
func (a Analysis) name() string {
	if a.Train.Name == "" {
		return "the training set"
	}
	return a.Train.Name
}

// View draws the recall of every class as a bar, with the number of training members as a
// curve over the bars.
func (a Accuracy) View() render.View {
	labels, recall, sizes := slices.Clone(a.Classes), make([]float64, len(a.Classes)), reals(a.Sizes)
	for c, of := range a.Of {
		if of == 0 {
			labels[c] += " (none)"
			continue
		}
		recall[c] = 100 * a.Recall(c)
	}
	title := "Recall of each class"
	if a.Name != "" {
		title += ": " + a.Name
	}
	return render.StackedBars{
		Title: fmt.Sprintf("%s (mean %.1f %%)", title, 100*a.Mean()), Labels: labels, Vertical: true, Print: true,
		Segments: []render.Segment{{Name: "recall (%)", Values: recall}}, Line: &render.Curve{Name: "training members", Values: sizes}, Label: "recall (%)",
	}.View()
}

// Compare draws the recall of each class against the logarithm of its number of training
// members, for several networks on one set: before and after another loss or other class
// weights. The table below has the figures, and the change from the first to the last.
func Compare(networks ...Accuracy) render.View {
	const where = "imbalance.Compare"
	if len(networks) == 0 {
		return render.Failed(fmt.Errorf("%s: no networks: %w", where, render.ErrEmpty))
	}
	first := networks[0]
	for i, a := range networks {
		if !slices.Equal(a.Classes, first.Classes) || !slices.Equal(a.Of, first.Of) || !slices.Equal(a.Sizes, first.Sizes) {
			return render.Failed(fmt.Errorf("%s: network %d (%q) was measured on other classes or members than the first: %w", where, i, a.Name, render.ErrSize))
		}
	}
	var order []int // classes that can be drawn, small ones first
	for c, n := range first.Sizes {
		if n > 0 && first.Of[c] > 0 {
			order = append(order, c)
		}
	}
	if len(order) == 0 {
		return render.Failed(fmt.Errorf("%s: no class has training members and members that were measured: %w", where, render.ErrEmpty))
	}
	slices.SortStableFunc(order, func(a, b int) int { return first.Sizes[a] - first.Sizes[b] })
	lines := render.Lines{XLabel: "log10 of the training members of the class", YLabel: "recall (%)"}
	table := render.Table{Columns: []string{"class", "training members"}, Note: "Recall in %; the mean is that of the classes."}
	foot := []any{"mean", nil}
	for i, a := range networks {
		name := a.Name
		if name == "" {
			name = fmt.Sprintf("network %d", i+1)
		}
		s := render.Series{Name: name}
		for _, c := range order {
			s.X, s.Y = append(s.X, math.Log10(float64(a.Sizes[c]))), append(s.Y, 100*a.Recall(c))
		}
		lines.Series = append(lines.Series, s)
		table.Columns, foot = append(table.Columns, name), append(foot, 100*a.Mean())
	}
	last := networks[len(networks)-1]
	for c, class := range first.Classes {
		row := []any{class, first.Sizes[c]}
		for _, a := range networks {
			row = append(row, 100*a.Recall(c))
		}
		if len(networks) > 1 {
			row = append(row, 100*(last.Recall(c)-first.Recall(c)))
		}
		table.Rows = append(table.Rows, row)
	}
	if len(networks) > 1 {
		table.Columns, foot = append(table.Columns, "change"), append(foot, 100*(last.Mean()-first.Mean()))
		table.Shadings = []render.Shading{{Columns: []int{len(table.Columns) - 1}, Signed: true}}
	}
	table.Foot = foot
	return render.Column(lines.View(), table.View()).Titled("Recall by class size")
}

// View is the table of classes, with measures of their neighbourhoods.
func (s Summary) View() render.View {
	row := func(r ClassRow) []any {
		k := r.Archetypes
		return []any{r.Class, r.Size, k[Safe], k[Border], k[Rare], k[Outlier], 100 * r.SafeShare(), 100 * r.Error, 100 * r.Recall, r.KDN, r.N3, r.Overlap, r.SafeLevel}
	}
	t := render.Table{
		Title:   "Classes",
		Columns: []string{"class", "n", "safe", "border", "rare", "outlier", "safe %", "wrong %", "recall %", "kDN", "N3", "degOver", "safe level"},
		Foot:    row(s.All),
		Note: fmt.Sprintf("Shares of %d nearest neighbours. wrong %%: members that the model gets wrong; recall %%: held-out members that it gets right. kDN: mean share of neighbours of other classes; "+
			"N3: share whose nearest neighbour is of another class; degOver: share with any such neighbour; safe level: share of neighbours of the class, others counted by the ratio of the class sizes.", s.K),
		Shadings: []render.Shading{{Columns: []int{6}, High: 100}, {Columns: []int{9, 10, 11}, High: 1}},
	}
	for _, r := range s.Rows {
		t.Rows = append(t.Rows, row(r))
	}
	return t.View()
}

// ArchetypeView draws the share of each archetype in every class, with the number of members
// as a curve over the bars where classes differ in it.
func (s Summary) ArchetypeView() render.View {
	bars := render.StackedBars{Title: "Archetypes of each class", Share: true, Vertical: true, Label: "members"}
	line := render.Curve{Name: "members"}
	for a := Safe; a <= Outlier; a++ {
		bars.Segments = append(bars.Segments, render.Segment{Name: a.String()})
	}
	for _, r := range s.Rows {
		bars.Labels, line.Values = append(bars.Labels, r.Class), append(line.Values, float64(r.Size))
		for a, n := range r.Archetypes {
			bars.Segments[a].Values = append(bars.Segments[a].Values, float64(n))
		}
	}
	if slices.Max(line.Values) > slices.Min(line.Values) { // else it says nothing
		bars.Line = &line
	}
	return bars.View()
}

// ErrorView draws how often the model is wrong about each archetype.
func (s Summary) ErrorView() render.View {
	bars := render.Bars{Title: "Errors of each archetype", Vertical: true, Label: "members that the model gets wrong", Unit: "%"}
	for _, r := range s.Errors {
		if e := r.Error(); !math.IsNaN(e) {
			bars.Labels, bars.Values = append(bars.Labels, fmt.Sprintf("%v (%d)", r.Archetype, r.Size)), append(bars.Values, 100*e)
		}
	}
	return bars.View()
}

// RecallView draws the recall of the classes against the share of their members that are
// safe, and against the logarithm of their size.
func (s Summary) RecallView() render.View {
	draw := func(title, label string, of func(ClassRow) float64) render.View {
		plot := render.Scatter{XLabel: label, YLabel: "recall (%)"}
		var all, recall []float64
		for _, r := range s.Rows {
			x, y := of(r), 100*r.Recall
			if all, recall = append(all, x), append(recall, y); math.IsNaN(x) || math.IsNaN(y) {
				continue
			}
			plot.Marked = append(plot.Marked, render.Mark{Point: len(plot.X), Label: r.Class})
			plot.X, plot.Y = append(plot.X, x), append(plot.Y, y)
		}
		g, err := Relate(all, recall)
		if err != nil {
			return render.Failed(err)
		}
		plot.Title = fmt.Sprintf("%s: Spearman %s, Pearson %s", title, figure(g.Spearman), figure(g.Pearson))
		if len(plot.X) == 0 {
			return nothing(plot.Title)
		}
		return plot.View()
	}
	return render.Row(
		draw("Safe members", "safe members (%)", func(r ClassRow) float64 { return 100 * r.SafeShare() }),
		draw("Size", "log10 of the training members", func(r ClassRow) float64 {
			if r.Size == 0 {
				return nan
			}
			return math.Log10(float64(r.Size))
		}),
	).Titled("What goes with recall")
}

// figure prints a correlation, which may not be known.
func figure(v float64) string {
	if math.IsNaN(v) {
		return "unknown"
	}
	return fmt.Sprintf("%.3f", v)
}

// View draws a bar for each class, whose parts are the shares of the other classes; each bar
// says on how many votes it rests. Many classes become a matrix.
func (r Rivals) View() render.View {
	if len(r.Classes) > stackedClasses {
		return r.MatrixView()
	}
	bars := render.StackedBars{Title: capital(r.What), Share: true, Label: "votes for other classes"}
	for i, class := range r.Classes {
		bars.Labels = append(bars.Labels, fmt.Sprintf("%s (%s)", class, plural(r.Votes(i), "vote")))
	}
	for j, class := range r.Classes {
		s := render.Segment{Name: class}
		for i := range r.Classes {
			v := float64(r.Counts[i][j])
			if i == j {
				v = 0
			}
			s.Values = append(s.Values, v)
		}
		bars.Segments = append(bars.Segments, s)
	}
	return bars.View()
}

// MatrixView draws the shares as a matrix: of class (row) for other classes (column).
func (r Rivals) MatrixView() render.View {
	k := len(r.Classes)
	rows, values := make([]string, k), make([]float64, 0, k*k)
	for i := range r.Classes {
		rows[i] = fmt.Sprintf("%s (%d)", r.Classes[i], r.Votes(i))
		for j := range r.Classes {
			v := 100 * r.Share(i, j)
			if i == j || r.Votes(i) == 0 {
				v = nan
			}
			values = append(values, v)
		}
	}
	return matrix(render.HeatMap{
		Title: capital(r.What), Values: values, Height: k, Width: k, Rows: rows, Columns: r.Classes,
		RowAxis: "class (votes)", ColumnAxis: "other class", Label: "share of the votes", Unit: "%", Limit: 100,
	})
}

// matrix draws a matrix with its numbers, or says that there are none.
func matrix(m render.HeatMap) render.View {
	m.Numbers, m.Clip = true, 100
	if !slices.ContainsFunc(m.Values, func(v float64) bool { return !math.IsNaN(v) }) {
		return nothing(m.Title)
	}
	return m.View()
}

// nothing is a figure without figures.
func nothing(title string) render.View {
	return render.Table{Title: title, Columns: []string{"nothing to show"}, Rows: [][]any{{"no value is known"}}, Plain: true}.View()
}

// View is a table of how well the adversaries of each class foretell its errors.
func (g Agreement) View() render.View {
	t := render.Table{
		Title: "Nearest adversaries against errors", Columns: []string{"class", "total variation", "divergence (nats)", "same top class"},
		Note: fmt.Sprintf("Total variation: 0 if shares of adversaries are those of the errors, 1 if they have nothing in common. Over the %d cells of classes with votes: Spearman %s, Pearson %s.",
			g.Cells.N, figure(g.Cells.Spearman), figure(g.Cells.Pearson)),
		Shadings: []render.Shading{{Columns: []int{1}, High: 1}},
	}
	same, known := 0, 0
	for c, class := range g.Classes {
		row := []any{class, g.TV[c], g.KL[c], nil}
		if !math.IsNaN(g.Top[c]) {
			if row[3], known = "no", known+1; g.Top[c] == 1 {
				row[3], same = "yes", same+1
			}
		}
		t.Rows = append(t.Rows, row)
	}
	t.Foot = []any{"mean", g.MeanTV(), mean(g.KL), fmt.Sprintf("%d of %d", same, known)}
	return t.View()
}

// PrototypeView draws the members that stand for the archetypes of some classes, a row for
// each class. Where there is none it says so. Rows of a table are given by their number.
func (a Analysis) PrototypeView(list []Prototype) render.View {
	const title = "Members that stand for an archetype"
	if len(list) == 0 {
		return render.Failed(fmt.Errorf("imbalance.Analysis.PrototypeView: no prototypes: %w", render.ErrEmpty))
	}
	m := a.Train.named()
	for _, p := range list {
		if p.Class < 0 || p.Class >= len(m.Classes) || p.Index >= m.Len() {
			return render.Failed(fmt.Errorf("imbalance.Analysis.PrototypeView: class %d, member %d are not of this analysis: %w", p.Class, p.Index, render.ErrSize))
		}
	}
	if m.Set.Pixels == nil {
		t := render.Table{Title: title, Columns: []string{"class", "archetype", "members", "medoid"}, Note: "medoid: number of the member, from 0"}
		for _, p := range list {
			row := []any{m.Classes[p.Class], p.Archetype, p.Size, nil}
			if p.Index >= 0 {
				row[3] = p.Index
			}
			t.Rows = append(t.Rows, row)
		}
		return t.View()
	}
	shape := m.Set.Shape
	grid := render.ImageGrid{Title: title, Columns: ArchetypeCount}
	for _, p := range list {
		image := render.Image{Channels: shape.Channels, Height: shape.Height, Width: shape.Width}
		if p.Index < 0 {
			image.Pixels = make([]float64, shape.Size())
			for i := range image.Pixels {
				image.Pixels[i] = 0.5
			}
			image.Caption = fmt.Sprintf("%s, %v: none", m.Classes[p.Class], p.Archetype)
		} else {
			image.Pixels = m.Set.At(p.Index).X
			image.Caption = fmt.Sprintf("%s, %v: 1 of %d", m.Classes[p.Class], p.Archetype, p.Size)
			image.Marked = p.Archetype == Outlier
		}
		grid.Images = append(grid.Images, image)
	}
	return grid.View()
}

// ConceptView draws the member that stands for each group, largest group first.
func (a Analysis) ConceptView(c Concepts) render.View {
	const title = "Groups of members"
	if len(c.Medoids) == 0 {
		return nothing(title)
	}
	m, sizes := a.Train.named(), count(c.Group, len(c.Medoids))
	t := render.Table{Title: title, Columns: []string{"group", "class", "members", "medoid"}, Note: "medoid: number of the member, from 0"}
	grid := render.ImageGrid{Title: title}
	for g, i := range c.Medoids {
		if i < 0 || i >= m.Len() {
			return render.Failed(fmt.Errorf("imbalance.Analysis.ConceptView: member %d is not of this analysis: %w", i, render.ErrSize))
		}
		class := m.Classes[m.Labels[i]]
		t.Rows = append(t.Rows, []any{g + 1, class, sizes[g], i})
		if shape := m.Set.Shape; m.Set.Pixels != nil {
			grid.Images = append(grid.Images, render.Image{
				Pixels: m.Set.At(i).X, Channels: shape.Channels, Height: shape.Height, Width: shape.Width, Caption: fmt.Sprintf("%s: 1 of %d", class, sizes[g]),
			})
		}
	}
	if m.Set.Pixels == nil {
		return t.View()
	}
	return grid.View()
}

// View draws the shares of the top features of every class, the most important first, above
// a table of which features they are.
func (f FeatureImportance) View() render.View {
	return render.Column(f.bars(), f.places()).Titled("Most important features of each class")
}

func (f FeatureImportance) bars() render.View {
	bars := render.StackedBars{Labels: f.Classes, Vertical: true, Share: true, Label: "mean of the feature"}
	for p := range f.K {
		s := render.Segment{Name: fmt.Sprintf("place %d", p+1)}
		for c := range f.Classes {
			v := f.Share(c, p)
			if math.IsNaN(v) {
				v = 0
			}
			s.Values = append(s.Values, v)
		}
		bars.Segments = append(bars.Segments, s)
	}
	return bars.View()
}

// places is the table of the features at each place.
func (f FeatureImportance) places() render.View {
	t := render.Table{Columns: []string{"class"}, Note: "Number of the feature at each place, from 0."}
	for p := range f.K {
		t.Columns = append(t.Columns, fmt.Sprint(p+1))
	}
	for c, class := range f.Classes {
		row := make([]any, f.K+1)
		row[0] = class
		for p, g := range f.Top[c] {
			row[p+1] = g
		}
		t.Rows = append(t.Rows, row)
	}
	return t.View()
}

// View draws the share of top features that every two classes have in common, and its weighted
// form, as matrices to choose from.
func (o FeatureOverlap) View() render.View {
	return render.Choice{Title: "Overlap of features", Axis: "share", Views: []render.View{o.matrix("Shared top features", o.Count), o.matrix("Shared top features by weight", o.Weighted)}}.View()
}

// BesideAdversaries draws the share of top features that every two classes have in common
// beside the nearest adversaries: whether classes that share features are near each other.
func (o FeatureOverlap) BesideAdversaries(r Rivals) render.View {
	return render.Row(o.matrix("Shared top features", o.Count), r.MatrixView()).Titled("Overlap of features and nearest adversaries")
}

func (o FeatureOverlap) matrix(title string, m *mat.Dense) render.View {
	return matrix(render.HeatMap{
		Title: title, Values: percent(m), Height: len(o.Classes), Width: len(o.Classes), Rows: o.Classes, Columns: o.Classes,
		RowAxis: "class", ColumnAxis: "class", Label: "shared", Unit: "%", Limit: 100,
	})
}

// percent returns the values of a matrix in percent, row by row.
func percent(m *mat.Dense) []float64 {
	r, c := m.Dims()
	out := make([]float64, 0, r*c)
	for i := range r {
		for _, v := range m.RawRowView(i)[:c] {
			out = append(out, 100*v)
		}
	}
	return out
}

// View draws the density ratios on a logarithmic scale, as they are and normalised, to choose
// from.
func (d FeatureDensity) View() render.View {
	columns := make([]string, len(d.Features))
	for p, f := range d.Features {
		columns[p] = fmt.Sprint(f)
	}
	draw := func(title string, m *mat.Dense) render.View {
		values := percent(m)
		for i, v := range values {
			if values[i] = math.Log10(v / 100); math.IsInf(values[i], 0) {
				values[i] = nan
			}
		}
		return matrix(render.HeatMap{
			Title: title, Values: values, Height: len(d.Classes), Width: len(columns), Signed: true, Rows: d.Classes, Columns: columns,
			RowAxis: "class", ColumnAxis: "feature", Label: "log10 of the ratio", Scale: title,
		})
	}
	return render.Choice{Axis: "ratio of", Views: []render.View{draw("Counts", d.Raw), draw("Shares of the class", d.Normalized)},
		Title: "Members with the features of " + d.Classes[d.Reference] + ", against its own"}.View()
}

// View draws the colours of the salient pixels of every class beside those of all its
// pixels, painted with their mean colour, above how much more frequent they are.
func (b Bands) View() render.View {
	var whole []BandGroup
	for _, g := range b.Groups {
		if g.Whole {
			whole = append(whole, g)
		}
	}
	return b.draw(whole, "Colours that matter to each class")
}

// ArchetypeView is View for the archetypes of one class, by its name.
func (b Bands) ArchetypeView(class string) render.View {
	var groups []BandGroup
	for _, g := range b.Groups {
		if g.Class == class {
			groups = append(groups, g)
		}
	}
	return b.draw(groups, "Colours that matter to archetypes of "+class)
}

func (b Bands) draw(groups []BandGroup, title string) render.View {
	groups = slices.DeleteFunc(groups, func(g BandGroup) bool { return g.Images == 0 })
	if len(groups) == 0 {
		return render.Failed(fmt.Errorf("imbalance.Bands: no images of these groups: %w", render.ErrEmpty))
	}
	names := b.Bins.Names()
	var labels, rows []string
	for _, g := range groups {
		rows, labels = append(rows, g.Name()), append(labels, g.Name()+": salient", g.Name()+": all")
	}
	bars := render.StackedBars{Labels: labels, Share: true, Label: fmt.Sprintf("pixels; salient: %.0f %% of each image", 100*b.Top)}
	var shown []int
	for bin := range names {
		s, some := render.Segment{Name: names[bin]}, false
		for _, g := range groups {
			for _, h := range []Histogram{g.Salient, g.All} {
				mean, ok := h.Mean(bin)
				if !ok {
					mean = b.Bins.colour(bin)
				}
				some = some || ok
				s.Values, s.Colours = append(s.Values, float64(h.Count[bin])), append(s.Colours, color.Color(mean))
			}
		}
		if some {
			bars.Segments, shown = append(bars.Segments, s), append(shown, bin)
		}
	}
	var ratios []float64
	columns := make([]string, len(shown))
	for p, bin := range shown {
		columns[p] = names[bin]
	}
	for _, g := range groups {
		for _, bin := range shown {
			v := math.Log2(g.Ratio(bin))
			if math.IsInf(v, 0) {
				v = nan
			}
			ratios = append(ratios, v)
		}
	}
	if len(shown) == 0 {
		return nothing(title)
	}
	return render.Column(bars.View(), matrix(render.HeatMap{
		Title: "Salient pixels against all pixels", Values: ratios, Height: len(rows), Width: len(columns), Signed: true, Rows: rows, Columns: columns,
		RowAxis: "class", ColumnAxis: "colour", Label: "log2 of the ratio",
	})).Titled(title)
}

func reals(list []int) []float64 {
	out := make([]float64, len(list))
	for i, v := range list {
		out[i] = float64(v)
	}
	return out
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

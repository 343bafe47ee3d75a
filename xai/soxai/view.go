package soxai

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/whybook/whybook/xai/render"
	"github.com/whybook/whybook/xai/seed"
)

// View builds the atlas and draws it.
func (r Recipe) View(ctx context.Context) (render.View, error) {
	a, err := r.Build(ctx)
	if err != nil {
		return render.View{}, err
	}
	return a.View(), nil
}

// View draws what the first order is worth, the map of all regions and the statistics of the
// concepts. See [Atlas.Report] for everything.
func (a Atlas) View() render.View {
	if err := a.check(); err != nil {
		return render.Failed(fmt.Errorf("soxai.Atlas.View: not a whole atlas: %w", err))
	}
	return render.Column(a.firstOrderView(), a.CanvasView(), a.StatisticsView()).Titled("Concepts in the explanations of " + a.name())
}

// firstOrderView is a line on the explanations themselves, with what is worth knowing.
func (a Atlas) firstOrderView() render.View {
	t := render.Table{
		Title:   "Do the explanations matter?",
		Columns: []string{"method", "images", "skipped", "Impact Score %", "elsewhere %", "Impact Coverage %"},
		Rows:    [][]any{{a.Impact.Method, a.Impact.Images, len(a.Skipped), percent(a.Impact.Score), percent(a.Impact.Elsewhere), whole(a.Impact.Coverage.Value)}},
		Note: strings.Join(append([]string{"Impact Score: decisions changed, or confidence halved, by filling the critical pixels; elsewhere: by filling as many others. " +
			"Impact Coverage: overlap with the set's masks."}, a.Notes...), " "),
		Plain: true,
	}
	return t.View()
}

// space says what the regions are embedded by.
func (a Atlas) space() string {
	if a.Layer == "" {
		return "their maps"
	}
	return fmt.Sprintf("layer %q", a.Layer)
}

func (a Atlas) name() string {
	if a.Set.Name == "" {
		return "the set"
	}
	return a.Set.Name
}

// thumbs is how many regions a canvas can take.
const thumbs = 5000

// CanvasView draws every region at its place in the picture, in a frame of the colour of its
// concept: the paper's figure. More than 5,000 are sampled.
func (a Atlas) CanvasView() render.View {
	if err := a.check(); err != nil {
		return render.Failed(fmt.Errorf("soxai.Atlas.CanvasView: not a whole atlas: %w", err))
	}
	n := len(a.Regions)
	rows := make([]int, n)
	for i := range rows {
		rows[i] = i
	}
	title := fmt.Sprintf("%d regions of %s by %s", n, a.name(), a.Drawn)
	if n > thumbs {
		rows = seed.Stream(0, "soxai", "canvas").Perm(n)[:thumbs]
		slices.Sort(rows)
		title = fmt.Sprintf("%d of %s", thumbs, title)
	}
	c := render.Canvas{Title: title}
	for _, q := range a.Concepts {
		c.Clusters, c.About = append(c.Clusters, q.Name), append(c.About, a.about(q))
	}
	if a.Unassigned > 0 {
		c.Clusters, c.About = append(c.Clusters, "no concept"), append(c.About, plural(a.Unassigned, "region"))
	}
	for _, i := range rows {
		g := a.Regions[i]
		concept := g.Concept
		if concept < 0 {
			concept = len(a.Concepts)
		}
		c.Thumbs = append(c.Thumbs, render.Thumb{Image: a.crop(g, a.caption(g)), X: a.Picture[2*i], Y: a.Picture[2*i+1], Cluster: concept})
	}
	return c.View()
}

// about is a concept in one line.
func (a Atlas) about(q Concept) string {
	verdict := "suggested to be " + q.Suggestion.Verdict.String()
	if j := q.Judgement; j != nil {
		verdict = fmt.Sprintf("%v, says %s", j.Verdict, j.By)
	}
	if len(q.Suggestion.Reasons) > 0 {
		verdict += " (" + strings.Join(q.Suggestion.Reasons, "; ") + ")"
	}
	return fmt.Sprintf("%s in %.0f %% of the images, %.0f %% %s; dP %s; stable to %s; %s",
		plural(q.Size, "region"), 100*q.Cover.Value, 100*q.Purity.Value, a.Set.Classes[q.Class], number(q.Effect), number(Interval{q.Stability, nan, nan}), verdict)
}

// caption says what a region is of.
func (a Atlas) caption(g Region) string {
	label, target := a.Set.Classes[a.Set.Labels[g.Image]], a.class(g.Target)
	if p := a.Predicted[g.Image]; p != a.Set.Labels[g.Image] {
		return fmt.Sprintf("%s, taken for %s", label, a.class(p))
	}
	if label != target {
		return fmt.Sprintf("%s, for %s", label, target)
	}
	return label
}

// class names a score.
func (a Atlas) class(c int) string {
	if c >= 0 && c < len(a.Set.Classes) {
		return a.Set.Classes[c]
	}
	return fmt.Sprint(c)
}

// crop cuts a region out, in a square with a margin; what is around it is faded to grey.
func (a Atlas) crop(g Region, caption string) render.Image {
	s := a.Set.Shape
	x0, y0, x1, y1 := s.Width, s.Height, 0, 0
	for _, p := range g.Area.Pixels() {
		x0, x1, y0, y1 = min(x0, p%s.Width), max(x1, p%s.Width+1), min(y0, p/s.Width), max(y1, p/s.Width+1)
	}
	side := min(max(x1-x0, y1-y0)+2, s.Width, s.Height)
	place := func(lo, hi, size int) int { return min(max((lo+hi-side)/2, 0), size-side) }
	left, top := place(x0, x1, s.Width), place(y0, y1, s.Height)
	if x1-x0 > side || y1-y0 > side { // longer than the image is high or wide: all of it
		return a.cut(g, caption, s.Width, s.Height, 0, 0)
	}
	return a.cut(g, caption, side, side, left, top)
}

// cut is a rectangle of an image, with what is outside the region faded.
func (a Atlas) cut(g Region, caption string, width, height, left, top int) render.Image {
	s := a.Set.Shape
	hw, in := s.Height*s.Width, g.Area.Mask(s.Height*s.Width)
	m := render.Image{Channels: s.Channels, Height: height, Width: width, Caption: caption}
	for ch := range s.Channels {
		for y := top; y < top+height; y++ {
			for x := left; x < left+width; x++ {
				v := float64(a.Set.Pixels[(g.Image*s.Channels+ch)*hw+y*s.Width+x]) / 255
				if !in[y*s.Width+x] {
					v = 0.5 + 0.25*(v-0.5)
				}
				m.Pixels = append(m.Pixels, v)
			}
		}
	}
	return m
}

// SheetView draws a concept: the medoid and the regions nearest to it, in their images.
func (a Atlas) SheetView(concept string) render.View {
	if err := a.check(); err != nil {
		return render.Failed(fmt.Errorf("soxai.Atlas.SheetView: not a whole atlas: %w", err))
	}
	q, err := a.Concept(concept)
	if err != nil {
		return render.Failed(err)
	}
	grid := render.ImageGrid{Title: fmt.Sprintf("%s: %s, %.0f %% %s; masking takes %s of the probability",
		q.Name, plural(q.Size, "region"), 100*q.Purity.Value, a.Set.Classes[q.Class], number(q.Effect))}
	for p, i := range q.Nearest {
		caption := a.caption(a.Regions[i])
		if p == 0 {
			caption += " (medoid)"
		}
		grid.Images = append(grid.Images, a.cut(a.Regions[i], caption, a.Set.Shape.Width, a.Set.Shape.Height, 0, 0))
	}
	return grid.View().Named("sheet-" + q.Name)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// number prints an estimate with its interval.
func number(i Interval) string {
	if math.IsNaN(i.Value) {
		return "–"
	}
	if math.IsNaN(i.Low) {
		return fmt.Sprintf("%.2f", i.Value)
	}
	return fmt.Sprintf("%.2f (%.2f to %.2f)", i.Value, i.Low, i.High)
}

// percent prints a share with its interval in whole per cent.
func percent(i Interval) string {
	if math.IsNaN(i.Value) {
		return "–"
	}
	if math.IsNaN(i.Low) {
		return fmt.Sprintf("%.0f %%", 100*i.Value)
	}
	return fmt.Sprintf("%.0f %% (%.0f to %.0f)", 100*i.Value, 100*i.Low, 100*i.High)
}

// StatisticsView has the tables of the concepts: what they are, and what they do.
func (a Atlas) StatisticsView() render.View {
	if err := a.check(); err != nil {
		return render.Failed(fmt.Errorf("soxai.Atlas.StatisticsView: not a whole atlas: %w", err))
	}
	are := render.Table{
		Title:   "What the concepts are",
		Columns: []string{"concept", "regions", "images %", "class", "pure %", "area %", "silhouette", "stable", "in mask"},
		Note: "images %: explained images that have the concept; pure %: regions of that class. stable: Jaccard index with itself in samples of the regions; " +
			"below 0.6 the concept dissolves. in mask: share of alpha in the set's masks.",
	}
	do := render.Table{
		Title:   "What they do",
		Columns: []string{"concept", "dP", "flips %", "right %", "else %", "same", "transfer %", "suggestion", "verdict"},
		Note: "dP: loss of probability when the region is filled, with its 95 % interval; flips %: regions whose filling changes the prediction. right %, else %: how often the model is right with the " +
			"concept and without. same: variation of the regions against that of the set, 0 for a stamp. transfer %: images of other classes that a pasted region turns into the concept's. " +
			"A suggestion is by rule; the verdict is a person's.",
	}
	if c := a.Completeness; c.Why == "" {
		are.Note += fmt.Sprintf(" Completeness: projected to the %s of the concepts, layer %q keeps %s of the decisions beyond the most frequent one; to as many random directions, %s.",
			plural(c.Directions, "direction"), a.Layer, percent(c.Value), percent(c.Random))
	}
	for _, q := range a.Concepts {
		verdict := "open"
		if j := q.Judgement; j != nil {
			verdict = fmt.Sprintf("%v (%s)", j.Verdict, j.By)
		}
		name := q.Name
		if !q.Stable() && !math.IsNaN(q.Stability) {
			name += " (unstable)"
		}
		are.Rows = append(are.Rows, []any{name, q.Size, whole(q.Cover.Value), a.Set.Classes[q.Class], whole(q.Purity.Value), rounded(100*q.Area, 1),
			rounded(q.Silhouette, 2), rounded(q.Stability, 2), rounded(q.Pointing, 2)})
		do.Rows = append(do.Rows, []any{name, number(q.Effect), whole(q.Flips.Value), whole(q.Right.Value), whole(q.RightElsewhere.Value),
			rounded(q.Sameness, 2), whole(q.Transfer.Value), q.Suggestion.Verdict.String(), verdict})
	}
	if len(a.Concepts) == 0 {
		are.Note = "No concept was found."
		return are.View()
	}
	return render.Column(are.View(), do.View())
}

// whole is a share in whole per cent; nil where there is none.
func whole(v float64) any {
	if math.IsNaN(v) {
		return nil
	}
	return int(math.Round(100 * v))
}

// rounded is a number with few decimals; nil where there is none.
func rounded(v float64, decimals int) any {
	if math.IsNaN(v) {
		return nil
	}
	scale := math.Pow10(decimals)
	return math.Round(scale*v) / scale
}

// ReasonsView lists the suggestions with their reasons.
func (a Atlas) ReasonsView() render.View {
	t := render.Table{Title: "Suggestions and their reasons", Columns: []string{"concept", "suggestion", "reason"}}
	for _, q := range a.Concepts {
		for i, reason := range q.Suggestion.Reasons {
			name, verdict := q.Name, q.Suggestion.Verdict.String()
			if i > 0 {
				name, verdict = "", ""
			}
			t.Rows = append(t.Rows, []any{name, verdict, reason})
		}
	}
	t.Plain = true
	return t.View()
}

// ShareView draws which concepts the explanations of each class consist of.
func (a Atlas) ShareView() render.View {
	if err := a.check(); err != nil {
		return render.Failed(fmt.Errorf("soxai.Atlas.ShareView: not a whole atlas: %w", err))
	}
	bars := render.StackedBars{Title: "Concepts in the explanations of each class", Share: true, Label: "regions"}
	var classes []int
	for c := range a.Set.Classes {
		total := 0
		for _, q := range a.Concepts {
			total += q.Counts[c]
		}
		if total > 0 {
			classes = append(classes, c)
			bars.Labels = append(bars.Labels, fmt.Sprintf("%s (%d)", a.Set.Classes[c], total))
		}
	}
	for _, q := range a.Concepts {
		s := render.Segment{Name: q.Name}
		for _, c := range classes {
			s.Values = append(s.Values, float64(q.Counts[c]))
		}
		bars.Segments = append(bars.Segments, s)
	}
	return bars.View()
}

// PairView draws what masking a concept does: the regions nearest to its medoid, before and
// after, with the probability of the explained class; a cross marks those after which the model
// predicts another class.
func (a Atlas) PairView(concept string) render.View {
	if err := a.check(); err != nil {
		return render.Failed(fmt.Errorf("soxai.Atlas.PairView: not a whole atlas: %w", err))
	}
	q, err := a.Concept(concept)
	if err != nil {
		return render.Failed(err)
	}
	fill := newCanvas(a.Set, a.Fill)
	grid := render.ImageGrid{Title: fmt.Sprintf("%s, before and after masking", q.Name)}
	nearest := q.Nearest[:min(len(q.Nearest), 4)]
	grid.Columns = 2 * len(nearest)
	for _, i := range nearest {
		g := a.Regions[i]
		before := a.Set.Batch(nil, []int{g.Image}).RawRowView(0)
		after := slices.Clone(before)
		fill.paint(after, g.Area)
		for side, pixels := range [][]float64{before, after} {
			grid.Images = append(grid.Images, render.Image{
				Channels: a.Set.Shape.Channels, Height: a.Set.Shape.Height, Width: a.Set.Shape.Width, Pixels: pixels,
				Caption: fmt.Sprintf("%s: %.0f %%", a.class(g.Target), 100*[]float64{g.P, g.Masked}[side]), Marked: side == 1 && g.Flipped,
			})
		}
	}
	return grid.View()
}

// ChoiceView draws what the number of concepts was chosen by.
func (a Atlas) ChoiceView() render.View {
	if len(a.Grouped.Tried) == 0 {
		return render.Failed(fmt.Errorf("soxai.Atlas.ChoiceView: the number of concepts was not chosen among several: %w", render.ErrEmpty))
	}
	l := render.Lines{Title: fmt.Sprintf("%d concepts are chosen", a.Grouped.K), XLabel: "concepts", YLabel: "score (silhouette or eigengap)"}
	s := render.Series{Name: "score", Y: a.Grouped.Scores}
	for _, k := range a.Grouped.Tried {
		s.X = append(s.X, float64(k))
	}
	l.Series = []render.Series{s}
	return l.View()
}

// View draws the impact of one method.
func (i Impact) View() render.View { return Impacts{i}.View() }

// View compares methods by their Impact Scores, each beside what filling other pixels does.
func (l Impacts) View() render.View {
	bars := render.Bars{Title: "Do the critical pixels drive the decisions?", Label: "decisions changed, or confidence halved, by filling them", Unit: "%"}
	t := render.Table{Title: "Impact", Columns: []string{"method", "images", "Impact Score %", "elsewhere %", "Impact Coverage %"},
		Note: "elsewhere: as many pixels at another place. Impact Coverage: overlap with the set's masks."}
	for _, i := range l {
		name, same := i.Method, 0
		for _, o := range l {
			if o.Method == i.Method {
				same++
			}
		}
		if same > 1 {
			name = strings.TrimPrefix(i.Settings, "saliency.")
		}
		t.Rows = append(t.Rows, []any{name, i.Images, whole(i.Score.Value), whole(i.Elsewhere.Value), whole(i.Coverage.Value)})
		if math.IsNaN(i.Score.Value) {
			continue
		}
		bars.Highlight = append(bars.Highlight, len(bars.Labels))
		bars.Labels = append(bars.Labels, name, "  elsewhere")
		for _, v := range []Interval{i.Score, i.Elsewhere} {
			bars.Values, bars.Low, bars.High = append(bars.Values, 100*v.Value), append(bars.Low, min(100*v.Low, 100*v.Value)), append(bars.High, max(100*v.High, 100*v.Value))
		}
	}
	if len(bars.Values) == 0 {
		return t.View()
	}
	return render.Column(bars.View(), t.View())
}

// Report is a page with everything: the impact, the map, the statistics, and a section for
// each concept.
func (a Atlas) Report() render.View {
	if err := a.check(); err != nil {
		return render.Failed(fmt.Errorf("soxai.Atlas.Report: not a whole atlas: %w", err))
	}
	page := render.Page{
		Title: "Concepts in the explanations of " + a.name(),
		Lead: fmt.Sprintf("%s of %s, by %s, embedded by %s, in %d principal components that keep %.0f %% of the variance; %s.",
			plural(len(a.Regions), "region"), plural(a.Set.Len()-len(a.Skipped), "image"), a.Impact.Method, a.space(), a.Basis.K, 100*a.Basis.Explained(), plural(len(a.Concepts), "concept")),
	}
	page.Sections = append(page.Sections,
		render.Section{Heading: "Do the regions matter?", Text: a.Notes, Views: []render.View{a.Impact.View()}},
		render.Section{Heading: "All regions", Views: []render.View{a.CanvasView()}},
		render.Section{Heading: "Statistics", Views: []render.View{a.StatisticsView(), a.ReasonsView(), a.ShareView()}})
	for _, q := range a.Concepts {
		page.Sections = append(page.Sections, render.Section{Heading: q.Name, Views: []render.View{a.SheetView(q.Name), a.PairView(q.Name)}})
	}
	return page.View()
}

// View draws how each way to make the training set changes each measure, in percentage points
// against the set as it is, above the table of all numbers. In a notebook, readers choose the
// measure.
func (o Outcome) View() render.View {
	var views []render.View
	if err := o.check(); err != nil {
		return render.Failed(fmt.Errorf("soxai.Outcome.View: %w", err))
	}
	for m, one := range o.Arms[0].Measures {
		bars := render.Bars{Title: one.Name, Label: "change (points)"}
		for i, arm := range o.Arms[1:] {
			c := arm.Measures[m].Change
			if math.IsNaN(c.Value) || math.IsNaN(c.Low) {
				continue
			}
			if !arm.Control {
				bars.Highlight = append(bars.Highlight, len(bars.Labels))
			}
			bars.Labels = append(bars.Labels, o.Arms[i+1].Name)
			bars.Values, bars.Low, bars.High = append(bars.Values, 100*c.Value), append(bars.Low, min(100*c.Low, 100*c.Value)), append(bars.High, max(100*c.High, 100*c.Value))
		}
		if len(bars.Labels) > 0 {
			views = append(views, bars.View())
		}
	}
	if len(views) == 0 {
		return o.TableView()
	}
	bars := views[0]
	if len(views) > 1 {
		bars = render.Choice{Axis: "measure", Views: views}.View()
	}
	return render.Column(bars, o.TableView()).Titled(o.title())
}

// check says why there is nothing to show.
func (o Outcome) check() error {
	if o.Seeds == 0 || len(o.Arms) == 0 {
		return fmt.Errorf("no seed is complete: %w", render.ErrEmpty)
	}
	for _, arm := range o.Arms {
		if len(arm.Measures) != len(o.Arms[0].Measures) {
			return fmt.Errorf("arm %q has %d measures, %q has %d: %w", arm.Name, len(arm.Measures), o.Arms[0].Name, len(o.Arms[0].Measures), render.ErrSize)
		}
	}
	return nil
}

func (o Outcome) title() string {
	names := ""
	for i, c := range o.Concepts {
		if i > 0 {
			names += ", "
		}
		names += c
	}
	return fmt.Sprintf("Retrained without %s, %s", names, plural(o.Seeds, "seed"))
}

// TableView is the table of an outcome.
func (o Outcome) TableView() render.View {
	t := render.Table{Title: "All numbers", Columns: []string{"measure", "images", "training set", "mean %", "change", "beyond control"},
		Note: fmt.Sprintf("Changes in points, with 95 %% intervals from a bootstrap of seeds and images: against the set as it is, and against the same action on other regions or images. "+
			"The concept is in %s of the training set, and was detected in %d to test.", plural(o.TrainImages, "image"), o.TestImages)}
	span := func(i Interval) any {
		switch {
		case math.IsNaN(i.Value):
			return nil
		case math.IsNaN(i.Low):
			return fmt.Sprintf("%+.1f", 100*i.Value)
		}
		return fmt.Sprintf("%+.1f (%+.1f to %+.1f)", 100*i.Value, 100*i.Low, 100*i.High)
	}
	if err := o.check(); err != nil {
		return render.Failed(fmt.Errorf("soxai.Outcome.TableView: %w", err))
	}
	for m := range o.Arms[0].Measures {
		for i, arm := range o.Arms {
			one, name := arm.Measures[m], any(nil)
			if i == 0 {
				name = one.Name
			}
			t.Rows = append(t.Rows, []any{name, one.N, arm.Name, rounded(100*one.Value.Value, 1), span(one.Change), span(one.Beyond)})
		}
	}
	t.Plain = true
	return t.View()
}

// View draws the importance of the concepts that CRAFT found, and the crops of the first ones.
func (c Crafted) View() render.View {
	if len(c.Concepts) == 0 {
		return render.Failed(fmt.Errorf("soxai.Crafted.View: no concepts: %w", render.ErrEmpty))
	}
	bars := render.Bars{Title: fmt.Sprintf("Concepts of class %s by CRAFT", c.Class), Label: "total Sobol index"}
	var views []render.View
	for k, one := range c.Concepts {
		bars.Labels, bars.Values = append(bars.Labels, fmt.Sprintf("concept %d", k+1)), append(bars.Values, one.Importance)
		if k >= 4 || len(one.Crops) == 0 {
			continue
		}
		grid := render.ImageGrid{Title: fmt.Sprintf("Concept %d, importance %.2f", k+1, one.Importance), Columns: sheet}
		for _, crop := range one.Crops {
			if crop.Image < 0 || crop.Image >= c.Set.Len() || !crop.Area.valid(c.Set.Shape.Height*c.Set.Shape.Width) || c.Set.Pixels == nil {
				return render.Failed(fmt.Errorf("soxai.Crafted.View: a crop of image %d does not fit the set: %w", crop.Image, render.ErrSize))
			}
			grid.Images = append(grid.Images, Atlas{Set: c.Set}.crop(Region{Image: crop.Image, Area: crop.Area}, ""))
		}
		views = append(views, grid.View())
	}
	return render.Column(append([]render.View{bars.View()}, views...)...)
}

// View is the table of the ways.
func (l Relatives) View() render.View {
	if len(l) == 0 {
		return render.Failed(fmt.Errorf("soxai.Relatives.View: nothing to compare: %w", render.ErrEmpty))
	}
	t := render.Table{
		Title:   "Ways to look for concepts",
		Columns: []string{"way", "groups", "concepts", "on the masks", "overlap", "typical on it", "rank", "importance"},
		Note: "on the masks: the concept that overlaps the set's masks most, with the mean intersection over union of its typical members; typical on it: those that cover " +
			"at least half of their mask. rank, importance: of that concept, by its effect (dP) or its total Sobol index, which are different quantities.",
	}
	for _, r := range l {
		row := []any{r.Way, r.Unit, r.Concepts, "none", nil, nil, nil, nil}
		if r.Concept >= 0 {
			value := any(nil)
			if !math.IsNaN(r.Importance) {
				value = fmt.Sprintf("%.2f (%s)", r.Importance, r.Measure)
			}
			row = []any{r.Way, r.Unit, r.Concepts, fmt.Sprintf("concept %d", r.Concept+1), rounded(r.Overlap, 2), fmt.Sprintf("%d of %d", r.On, r.Typical), fmt.Sprintf("%d of %d", r.Rank, r.Concepts), value}
		}
		t.Rows = append(t.Rows, row)
	}
	t.Plain = true
	return t.View()
}

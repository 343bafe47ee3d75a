package cnninte

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/render"
	"github.com/whybook/whybook/xai/tree"
	"gonum.org/v1/gonum/mat"
)

// View builds the interpretation and draws its tree.
func (r Recipe) View(ctx context.Context) (render.View, error) {
	in, err := r.Build(ctx)
	if err != nil {
		return render.View{}, err
	}
	return in.View(), nil
}

// View builds the frontier and draws it.
func (s Sweep) View(ctx context.Context) (render.View, error) {
	f, err := s.Build(ctx)
	if err != nil {
		return render.View{}, err
	}
	return f.View(), nil
}

// image reports whether instances can be drawn.
func (in *Interpretation) image() bool {
	return in.Columns == nil && in.Shape.Height > 1 && (in.Shape.Channels == 1 || in.Shape.Channels == 3)
}

// picture is an instance as an image.
func (in *Interpretation) picture(x []float64, caption string) render.Image {
	shown := make([]float64, len(x))
	for j, v := range x {
		shown[j] = min(max(v, 0), 1)
	}
	return render.Image{Pixels: shown, Channels: in.Shape.Channels, Height: in.Shape.Height, Width: in.Shape.Width, Caption: caption}
}

// column names a column of a table.
func (in *Interpretation) column(j int) string {
	if j < len(in.Columns) {
		return in.Columns[j]
	}
	return fmt.Sprintf("x%d", j)
}

// percent is a share of a whole that may be empty.
func percent(part, of int) float64 {
	if of == 0 {
		return 0
	}
	return 100 * float64(part) / float64(of)
}

// mostly names the classes of some clusters: the most frequent, and, up to one more than there
// are clusters, the next ones if they have a fifth of a cluster's share of the instances.
func (in *Interpretation) mostly(g int, clusters ...int) string {
	counts, size := make([]int, len(in.Classes)), 0
	for _, c := range clusters {
		size += in.Factors[g].Sizes[c]
		for j, n := range in.Factors[g].Counts[c] {
			counts[j] += n
		}
	}
	order := indices(0, len(counts))
	slices.SortStableFunc(order, func(a, b int) int { return counts[b] - counts[a] })
	text := in.Classes[order[0]]
	for _, j := range order[1:min(len(order), len(clusters)+1)] {
		if 5*len(clusters)*counts[j] >= size {
			text += ", " + in.Classes[j]
		}
	}
	return text
}

// question is a test of the tree in words.
func (in *Interpretation) question(q Question) string {
	return fmt.Sprintf("%v (%s)?", q, in.mostly(q.Factor, q.Clusters...))
}

// View draws the tree with the training instances of each class in its nodes.
func (in *Interpretation) View() render.View {
	return in.drawTree("How "+in.Reading.Asked+" leads to a class", nil, in.ways())
}

// followed is how many instances can be followed through a tree at most.
const followed = 40

// ways are those of the training instances that stand for the clusters.
func (in *Interpretation) ways() []render.TreeWay {
	identities, seen := make([][]int, len(in.Factors)), make(map[int]bool)
	var list []Exemplar
	for g := range in.Factors {
		for _, near := range in.Factors[g].Nearest {
			if len(near) == 0 || seen[near[0].Index] || len(list) == followed {
				continue
			}
			seen[near[0].Index] = true
			list = append(list, near[0])
			for h := range in.Factors {
				identities[h] = append(identities[h], in.Identities[h][near[0].Index])
			}
		}
	}
	if len(list) == 0 {
		return nil
	}
	hot, nodes := in.hot(identities), in.Tree.Nodes()
	ways := make([]render.TreeWay, 0, len(list))
	for i, e := range list {
		_, leaf, err := in.Tree.Path(mat.Row(nil, i, hot))
		if err != nil {
			return nil // the tree is not of these columns, which drawing it says
		}
		ways = append(ways, in.wayTo(nodes, leaf, fmt.Sprintf("training instance %d: %s", e.Index, in.class(e.Label)), e.X))
	}
	return ways
}

// wayTo is the way to a leaf.
func (in *Interpretation) wayTo(nodes []tree.Node, leaf int, name string, x []float64) render.TreeWay {
	w := render.TreeWay{Name: name}
	for n := leaf; n >= 0; n = nodes[n].Parent {
		w.Path = append(w.Path, n)
	}
	slices.Reverse(w.Path)
	if in.image() {
		im := in.picture(x, "")
		w.Image = &im
	}
	return w
}

// TreeView draws the tree with the training instances in its nodes, and lets the reader follow
// test instances through it by the forests' clusters: one of each kind of [Cases], then for each
// class of the network the first ones.
func (t *Tested) TreeView() render.View {
	in, nodes := t.in, t.in.Tree.Nodes()
	var ways []render.TreeWay
	add := func(kind string, i int) {
		x := t.set.Batch(nil, []int{i}).RawRowView(0)
		name := fmt.Sprintf("%s %d: true %s, network %s, tree %s", kind, i, in.class(t.Labels[i]), in.class(t.Network[i]), in.class(t.Tree[i]))
		ways = append(ways, in.wayTo(nodes, t.Leaf[i], name, x))
	}
	cases := t.Cases()
	for _, c := range []struct {
		kind  string
		index int
	}{{"right,", cases.Right}, {"the network errs,", cases.Wrong}, {"the tree disagrees,", cases.Disagree}} {
		if c.index >= 0 {
			add(c.kind, c.index)
		}
	}
	each, count := max(1, (followed-3)/len(in.Classes)), make([]int, len(in.Classes))
	for i, c := range t.Network {
		if len(ways) == followed {
			break
		}
		if count[c]++; count[c] <= each && i != cases.Right && i != cases.Wrong && i != cases.Disagree {
			add("no.", i)
		}
	}
	return in.drawTree("How "+in.Reading.Asked+" leads to a class", nil, ways)
}

func (in *Interpretation) drawTree(title string, path []int, ways []render.TreeWay) render.View {
	t := render.Tree{Title: title, Classes: in.Classes, Path: path, Ways: ways}
	questions := in.Questions()
	for _, n := range in.Tree.Nodes() {
		node := render.TreeNode{Counts: n.Values}
		if n.Leaf() {
			node.Text = in.Classes[n.Class()]
		} else {
			node.Text, node.Children = in.question(questions[n.Feature]), []int{n.Right, n.Left}
		}
		t.Nodes = append(t.Nodes, node)
	}
	return t.View()
}

// FactorView draws a factor, counted from 0: the mean image of each cluster, the classes in
// it, the hidden values in a plane, and the inputs that its forest looks at.
func (in *Interpretation) FactorView(g int) render.View {
	if g < 0 || g >= len(in.Factors) {
		return render.Failed(fmt.Errorf("cnninte.Interpretation.FactorView(%d): there are %d factors: %w", g, len(in.Factors), xai.ErrTarget))
	}
	f := &in.Factors[g]
	k := f.Clusters()
	names := make([]string, k)
	for c := range names {
		names[c] = fmt.Sprintf("%d: %s", c+1, in.mostly(g, c))
	}
	bars := render.StackedBars{Title: "What the network says in each cluster", Share: true, Label: "training instances"}
	for c, name := range names {
		bars.Labels = append(bars.Labels, fmt.Sprintf("%s (%d)", name, f.Sizes[c]))
	}
	for j, class := range in.Classes {
		s := render.Segment{Name: class}
		for c := range k {
			s.Values = append(s.Values, float64(f.Counts[c][j]))
		}
		bars.Segments = append(bars.Segments, s)
	}
	views := []render.View{in.means(g), bars.View(), render.Row(in.plane(g, nil, 0), in.importance(g))}
	return render.Column(views...).Titled(fmt.Sprintf("Factor %d: %d neurons, %d clusters", g+1, len(f.Neurons), k))
}

// means draws the mean inputs of the clusters.
func (in *Interpretation) means(g int) render.View {
	f := &in.Factors[g]
	if !in.image() {
		return in.meanTable(g)
	}
	grid := render.ImageGrid{Title: "Mean image of each cluster"}
	for c := range f.Clusters() {
		grid.Images = append(grid.Images, in.picture(f.Means.RawRowView(c), fmt.Sprintf("%d: %s", c+1, in.mostly(g, c))))
	}
	return grid.View()
}

// tableColumns is how many columns of a table's rows are shown at most.
const tableColumns = 12

func (in *Interpretation) meanTable(g int) render.View {
	f := &in.Factors[g]
	t := render.Table{Title: "Mean of each cluster", Columns: []string{"cluster"}}
	d := min(in.Shape.Size(), tableColumns)
	for j := range d {
		t.Columns = append(t.Columns, in.column(j))
	}
	if d < in.Shape.Size() {
		t.Note = fmt.Sprintf("The first %d of %d columns.", d, in.Shape.Size())
	}
	for c := range f.Clusters() {
		row := []any{fmt.Sprintf("%d: %s", c+1, in.mostly(g, c))}
		for _, v := range f.Means.RawRowView(c)[:d] {
			row = append(row, v)
		}
		t.Rows = append(t.Rows, row)
	}
	return t.View()
}

// besideOne is how many points are drawn around an instance.
const besideOne = 300

// plane draws the factor's cloud, and the instance where there is one.
func (in *Interpretation) plane(g int, p *Part, cluster int) render.View {
	f := &in.Factors[g]
	n := len(f.Cloud.X)
	if p != nil {
		n = min(n, besideOne) // a page has one of these for each factor on the path
	}
	s := render.Scatter{
		Title: "Hidden values of the factor", X: slices.Clone(f.Cloud.X[:n]), Y: slices.Clone(f.Cloud.Y[:n]), Group: slices.Clone(f.Cloud.Cluster[:n]),
		XLabel: axis(f, 0), YLabel: axis(f, 1),
	}
	for c := range f.Clusters() {
		s.Groups = append(s.Groups, fmt.Sprintf("%d: %s", c+1, in.mostly(g, c)))
	}
	if p != nil {
		s.Marked = []render.Mark{{Point: len(s.X), Label: "this instance"}, {Point: len(s.X) + 1, Label: fmt.Sprintf("centre of %d", cluster+1)}}
		s.X, s.Y, s.Group = append(s.X, p.X, p.CentroidX), append(s.Y, p.Y, p.CentroidY), append(s.Group, p.Oracle, p.Cluster)
	}
	return s.View()
}

// axis names a principal component.
func axis(f *Factor, a int) string {
	if a >= len(f.Basis.Ratio) {
		return "nothing varies here"
	}
	return fmt.Sprintf("component %d (%.0f %% of the variance)", a+1, 100*f.Basis.Ratio[a])
}

// importance draws what a factor's forest looks at.
func (in *Interpretation) importance(g int) render.View {
	values := in.Factors[g].Forest.Importance()
	for j := range values {
		values[j] *= 100
	}
	return in.inputMap(values, render.HeatMap{Title: "Inputs that its forest looks at", Label: "share of the impurity", Unit: "%"}, nil)
}

// inputMap draws a value for each input: over the image, alone, or as bars for a table.
func (in *Interpretation) inputMap(values []float64, m render.HeatMap, x []float64) render.View {
	if !in.image() {
		order := indices(0, len(values))
		slices.SortStableFunc(order, func(a, b int) int {
			switch va, vb := max(values[a], -values[a]), max(values[b], -values[b]); {
			case va > vb:
				return -1
			case va < vb:
				return 1
			}
			return 0
		})
		b := render.Bars{Title: m.Title, Label: m.Label, Unit: m.Unit}
		for _, j := range order[:min(len(order), tableColumns)] {
			b.Labels, b.Values = append(b.Labels, in.column(j)), append(b.Values, values[j])
		}
		return b.View()
	}
	area := in.Shape.Height * in.Shape.Width
	m.Values, m.Height, m.Width = make([]float64, area), in.Shape.Height, in.Shape.Width
	for j, v := range values {
		m.Values[j%area] += v
	}
	if x == nil {
		return m.View()
	}
	return render.Overlay{HeatMap: m, Image: in.picture(x, "")}.View()
}

// View is the page of the instance: what everyone says about it, the path through the tree,
// and for each factor on it the cluster, what stands for it, and the pixels that lead there.
func (e *Explanation) View(ctx context.Context) (render.View, error) {
	sections, err := e.sections(ctx)
	if err != nil {
		return render.View{}, err
	}
	return render.Page{Title: e.title(), Lead: e.lead(), Sections: sections}.View(), nil
}

func (e *Explanation) title() string {
	name := "instance"
	if e.Sample.Set != "" {
		name = fmt.Sprintf("%s %d", e.Sample.Set, e.Sample.Index)
	}
	return fmt.Sprintf("How the network comes to %s: %s", e.in.class(e.Network), name)
}

// lead says what everyone says.
func (e *Explanation) lead() string {
	text := fmt.Sprintf("The network says %s, and that is the answer. ", e.in.class(e.Network))
	switch {
	case e.Label < 0:
	case e.Label == e.Network:
		text += "It is right. "
	default:
		text += fmt.Sprintf("It is wrong: the true class is %s. ", e.in.class(e.Label))
	}
	if e.Agrees() {
		text += "The path through the tree leads to the same class."
	} else {
		text += fmt.Sprintf("The path through the tree leads to %s: what follows does not explain the network's answer.", e.in.class(e.Tree))
		if e.TreeOracle == e.Network {
			text += " With the clusters of the true hidden values it would lead there: a forest has misread the image."
		} else {
			text += " The clusters of the true hidden values do not lead there either: the tree is too coarse here."
		}
	}
	return text
}

func (e *Explanation) sections(ctx context.Context) ([]render.Section, error) {
	sections := []render.Section{e.way()}
	for i := range e.Parts {
		if !e.Parts[i].OnPath {
			continue
		}
		s, err := e.factor(ctx, &e.Parts[i])
		if err != nil {
			return nil, err
		}
		sections = append(sections, s)
	}
	return sections, nil
}

// way is the section about the path.
func (e *Explanation) way() render.Section {
	in := e.in
	path := make([]int, 0, len(e.Path)+1)
	words := make([]string, 0, len(e.Path)+1)
	for _, s := range e.Path {
		path = append(path, s.Node)
		answer := "No."
		if s.Yes {
			answer = "Yes."
		}
		words = append(words, fmt.Sprintf("Is %v (mostly %s)? %s", s.Question, in.mostly(s.Factor, s.Clusters...), answer))
	}
	path = append(path, e.Leaf)
	words = append(words, fmt.Sprintf("So the tree says %s.", in.class(e.Tree)))
	first := render.Section{Heading: "The path", Text: []string{strings.Join(words, " ")}}
	if in.image() {
		im := in.picture(e.Sample.X, fmt.Sprintf("true %s, network %s, tree %s", in.class(e.Label), in.class(e.Network), in.class(e.Tree)))
		im.Title, im.Marked = "The instance", e.Label >= 0 && e.Label != e.Network
		first.Views = append(first.Views, im.View())
	}
	first.Views = append(first.Views, in.drawTree("The path through the tree", path, nil))
	return first
}

// factor is the section about one factor on the path.
func (e *Explanation) factor(ctx context.Context, p *Part) (render.Section, error) {
	in, g := e.in, p.Factor
	f := &in.Factors[g]
	pixels, err := e.Pixels(ctx, g)
	if err != nil {
		return render.Section{}, err
	}
	text := fmt.Sprintf("The forest puts the instance into cluster %d (mostly %s), with %.0f %% of its votes.", p.Cluster+1, in.mostly(g, p.Cluster), 100*p.Shares[p.Cluster])
	if p.Oracle == p.Cluster {
		text += " Its true hidden values lie there too."
	} else {
		text += fmt.Sprintf(" Its true hidden values lie in cluster %d (mostly %s).", p.Oracle+1, in.mostly(g, p.Oracle))
	}
	votes := render.Bars{Title: "Votes of the forest", Label: "share of the votes", Unit: "%", Highlight: []int{p.Cluster}}
	for c, v := range p.Shares {
		votes.Labels, votes.Values = append(votes.Labels, fmt.Sprintf("%d: %s", c+1, in.mostly(g, c))), append(votes.Values, 100*v)
	}
	history := render.Bars{Title: fmt.Sprintf("The network's classes in cluster %d", p.Cluster+1), Label: "training instances", Unit: "%"}
	for j, n := range f.Counts[p.Cluster] {
		history.Labels, history.Values = append(history.Labels, in.Classes[j]), append(history.Values, percent(n, f.Sizes[p.Cluster]))
	}
	moved := in.inputMap(pixels, render.HeatMap{
		Title: "What speaks for the cluster", Signed: true, Label: "change of the forest's share", Scale: "forest share",
	}, e.Sample.X)
	return render.Section{
		Heading: fmt.Sprintf("Factor %d is in cluster %d", g+1, p.Cluster+1), Text: []string{text},
		Views: []render.View{e.examples(p), render.Row(votes.View(), history.View()), in.plane(g, p, p.Cluster), moved},
	}, nil
}

// examples draws the mean of the cluster and the training instances nearest to its centroid.
func (e *Explanation) examples(p *Part) render.View {
	in, f := e.in, &e.in.Factors[p.Factor]
	title := fmt.Sprintf("Cluster %d: its mean, and the training instances nearest to its centre", p.Cluster+1)
	if !in.image() {
		t := render.Table{Title: title, Columns: []string{"instance"}, Plain: true}
		d := min(in.Shape.Size(), tableColumns)
		for j := range d {
			t.Columns = append(t.Columns, in.column(j))
		}
		add := func(name string, x []float64) {
			row := []any{name}
			for _, v := range x[:d] {
				row = append(row, v)
			}
			t.Rows = append(t.Rows, row)
		}
		add("this one", e.Sample.X)
		add("mean", f.Means.RawRowView(p.Cluster))
		for _, n := range f.Nearest[p.Cluster] {
			add(fmt.Sprintf("%d: %s", n.Index, in.Classes[n.Label]), n.X)
		}
		return t.View()
	}
	grid := render.ImageGrid{Title: title}
	grid.Images = append(grid.Images, in.picture(f.Means.RawRowView(p.Cluster), "mean"))
	for _, n := range f.Nearest[p.Cluster] {
		grid.Images = append(grid.Images, in.picture(n.X, fmt.Sprintf("%s, no. %d", in.Classes[n.Label], n.Index)))
	}
	return grid.View()
}

// View is the table of quality.
func (q Quality) View() render.View {
	t := render.Table{
		Title: fmt.Sprintf("Quality on %d instances", q.Rows), Columns: []string{"what", "%", "from", "to"}, Plain: true,
		Note: "95 % intervals (Wilson). Fidelity: the tree says what the network says. Oracle: with the clusters of the true hidden values.",
	}
	for _, r := range []struct {
		name string
		rate Rate
	}{
		{"the network is right", q.Network}, {"the tree is right", q.Tree}, {"the tree is right, oracle", q.TreeOracle},
		{"fidelity", q.Fidelity}, {"fidelity, oracle", q.FidelityOracle},
	} {
		low, high := r.rate.Interval()
		t.Rows = append(t.Rows, []any{r.name, 100 * r.rate.Value(), 100 * low, 100 * high})
	}
	f := render.Table{
		Title: "Factors", Columns: []string{"factor", "neurons", "clusters", "forest right %", "purity", "mutual information"}, Plain: true,
		Note: "Forest right: it gives the cluster of the true hidden values. Purity and normalised mutual information of clusters with the true classes.",
	}
	for g, one := range q.Factors {
		f.Rows = append(f.Rows, []any{fmt.Sprint(g + 1), one.Neurons, one.Clusters, 100 * one.Forest.Value(), one.Purity, one.MutualInformation})
	}
	return render.Column(t.View(), f.View()).Titled(fmt.Sprintf("Quality of a tree of depth %d with %d leaves", q.Depth, q.Leaves))
}

// View is the table of quality; see Report for everything.
func (t *Tested) View() render.View { return t.Quality().View() }

// ConfusionView draws what the tree says where the network says something.
func (t *Tested) ConfusionView() render.View {
	k := len(t.in.Classes)
	m := render.HeatMap{
		Title: "The tree against the network", Height: k, Width: k, Rows: t.in.Classes, Columns: t.in.Classes,
		RowAxis: "network", ColumnAxis: "tree", Numbers: true, Label: "instances with this class of the network", Unit: "%", Limit: 100,
	}
	for _, row := range t.Confusion() {
		sum := 0
		for _, n := range row {
			sum += n
		}
		for _, n := range row {
			v := nan
			if sum > 0 {
				v = percent(n, sum)
			}
			m.Values = append(m.Values, v)
		}
	}
	return m.View()
}

// flowDepth is how many tests of the tree are drawn as stages of a flow.
const flowDepth = 3

// FlowView draws how the instances go through the first tests of the tree, and to which class
// of the network.
func (t *Tested) FlowView() render.View {
	nodes := t.in.Tree.Nodes()
	levels := min(flowDepth, t.in.Tree.Depth())
	flow := render.Flow{Title: "Test instances through the tree (F2 in 6: factor 2 is in cluster 6)", Label: "test instances"}
	// Columns are the nodes of a level, with the leaves above it, in the order of the tree.
	place := make([]map[int]int, levels+1)
	for l := range place {
		place[l] = make(map[int]int)
		column := render.FlowColumn{Name: fmt.Sprintf("after %d tests", l)}
		if l == 1 {
			column.Name = "after 1 test"
		}
		if l == 0 {
			column.Name = "all"
		}
		for _, n := range nodes {
			if n.Depth != l && !(n.Leaf() && n.Depth < l) {
				continue
			}
			place[l][n.Index] = len(column.Nodes)
			column.Nodes = append(column.Nodes, t.stage(n.Index, n.Parent, nodes[n.Index].Leaf()))
		}
		flow.Columns = append(flow.Columns, column)
	}
	classes := render.FlowColumn{Name: "network", Nodes: t.in.Classes}
	flow.Columns = append(flow.Columns, classes)
	counts := make([]map[[2]int]int, levels+1)
	for l := range counts {
		counts[l] = make(map[[2]int]int)
	}
	for i, leaf := range t.Leaf {
		way := make([]int, levels+2)
		for n := leaf; n >= 0; n = nodes[n].Parent {
			for l := nodes[n].Depth; l <= levels && (l == nodes[n].Depth || nodes[n].Leaf()); l++ {
				way[l] = place[l][n]
			}
		}
		way[levels+1] = t.Network[i]
		for l := range counts {
			counts[l][[2]int{way[l], way[l+1]}]++
		}
	}
	for l, m := range counts {
		for from := range flow.Columns[l].Nodes {
			for to := range flow.Columns[l+1].Nodes {
				if n := m[[2]int{from, to}]; n > 0 {
					flow.Bands = append(flow.Bands, render.Band{Column: l, From: from, To: to, Count: float64(n)})
				}
			}
		}
	}
	return flow.View()
}

// stage names a node by the answer that leads to it.
func (t *Tested) stage(n, parent int, leaf bool) string {
	if parent < 0 {
		return "all"
	}
	nodes := t.in.Tree.Nodes()
	q := t.in.Questions()[nodes[parent].Feature]
	text := fmt.Sprintf("F%d in %s", q.Factor+1, q.list())
	if nodes[parent].Left == n {
		text = fmt.Sprintf("F%d not in %s", q.Factor+1, q.list())
	}
	if leaf {
		text += " = " + t.in.Classes[nodes[n].Class()]
	}
	return text
}

// DepthView draws fidelity against the depth of the tree.
func DepthView(list []AtDepth) render.View {
	l := render.Lines{Title: "Fidelity against depth", XLabel: "depth of the tree", YLabel: "share of the test instances (%)"}
	series := func(name string, of func(AtDepth) Rate) {
		s := render.Series{Name: name}
		for _, d := range list {
			low, high := of(d).Interval()
			s.X, s.Y = append(s.X, float64(d.Depth)), append(s.Y, 100*of(d).Value())
			s.Low, s.High = append(s.Low, 100*low), append(s.High, 100*high)
		}
		l.Series = append(l.Series, s)
	}
	series("fidelity, forests", func(d AtDepth) Rate { return d.Fidelity })
	series("fidelity, oracle", func(d AtDepth) Rate { return d.FidelityOracle })
	series("accuracy, forests", func(d AtDepth) Rate { return d.Tree })
	return l.View()
}

// View draws the best fidelity at every depth beside the baselines, above the table of every
// setting.
func (f Frontier) View() render.View {
	l := render.Lines{Title: fmt.Sprintf("Fidelity on %d test instances", f.Rows), XLabel: "depth of the tree", YLabel: "fidelity (%)"}
	add := func(name string, x int, r Rate) {
		at := slices.IndexFunc(l.Series, func(s render.Series) bool { return s.Name == name })
		if at < 0 {
			at, l.Series = len(l.Series), append(l.Series, render.Series{Name: name})
		}
		s := &l.Series[at]
		if n := len(s.X); n > 0 && s.X[n-1] == float64(x) {
			s.Y[n-1] = max(s.Y[n-1], 100*r.Value())
			return
		}
		s.X, s.Y = append(s.X, float64(x)), append(s.Y, 100*r.Value())
	}
	t := render.Table{
		Title:   "Every setting",
		Columns: []string{"setting", "depth", "leaves", "fidelity %", "from", "to", "oracle %", "accuracy %"},
		Note:    "95 % intervals (Wilson). Oracle: fidelity with the clusters of the true hidden values. The best of many settings looks better than it is.",
	}
	settings := slices.Clone(f.Settings)
	slices.SortStableFunc(settings, func(a, b Setting) int { return a.Depth - b.Depth })
	for _, s := range settings {
		name := fmt.Sprintf("G %d, K %d, %d trees", s.Factors, s.Clusters, s.Trees)
		if s.Note != "" {
			t.Rows = append(t.Rows, []any{fmt.Sprintf("G %d, K %d: %s", s.Factors, s.Clusters, s.Note), nil, nil, nil, nil, nil, nil, nil})
			continue
		}
		low, high := s.Fidelity.Interval()
		t.Rows = append(t.Rows, []any{name, s.Depth, s.Leaves, 100 * s.Fidelity.Value(), 100 * low, 100 * high, 100 * s.FidelityOracle.Value(), 100 * s.Tree.Value()})
		add("best setting, forests", s.Depth, s.Fidelity)
	}
	for _, s := range settings {
		if s.Note == "" {
			add("best setting, oracle", s.Depth, s.FidelityOracle)
		}
	}
	for _, b := range f.Baselines {
		low, high := b.Fidelity.Interval()
		t.Rows = append(t.Rows, []any{b.Name, b.Depth, b.Leaves, 100 * b.Fidelity.Value(), 100 * low, 100 * high, nil, 100 * b.Tree.Value()})
		add("tree, "+b.Name, b.Depth, b.Fidelity)
	}
	return render.Column(l.View(), t.View()).Titled("Fidelity of every setting")
}

// Report is a page with everything: the tree, the flow through it, how far it can be trusted,
// every factor, and the path of one instance each that is right, that the network gets wrong,
// and on which tree and network disagree; [Explanation.View] has the rest about an instance. It
// needs no script; with one, [Tested.TreeView] can be asked.
func (t *Tested) Report(ctx context.Context) (render.View, error) {
	in := t.in
	depths, err := t.Depths(ctx, indices(1, 11)...)
	if err != nil {
		return render.View{}, err
	}
	notes := []string{
		fmt.Sprintf("Read: %v; %d of them hardly ever change and are in no factor. The tree summarises which groups of hidden values go with which class; the answer is always the network's.", in.Reading, len(in.Dead)),
	}
	for _, c := range in.Missing {
		notes = append(notes, fmt.Sprintf("The network gives class %s to no training instance, so the tree can never say it.", in.Classes[c]))
	}
	page := render.Page{Title: "How a hidden layer leads to a class", Lead: "Clusters of neurons, clusters of instances, forests and one tree, after CNN-INTE (Liu, Wang and Matwin, 2018).",
		Sections: []render.Section{
			{Heading: "The tree", Text: notes, Views: []render.View{t.TreeView(), t.FlowView()}},
			{Heading: "How far it can be trusted", Views: []render.View{t.Quality().View(), t.ConfusionView(), DepthView(depths)}},
		}}
	for g := range in.Factors {
		page.Sections = append(page.Sections, render.Section{Heading: fmt.Sprintf("Factor %d", g+1), Views: []render.View{in.FactorView(g)}})
	}
	cases := t.Cases()
	for _, c := range []struct {
		heading string
		index   int
	}{{"Right", cases.Right}, {"Wrong: the network errs", cases.Wrong}, {"Tree and network disagree", cases.Disagree}} {
		if c.index < 0 {
			page.Sections = append(page.Sections, render.Section{Heading: c.heading, Text: []string{"There is no such instance."}})
			continue
		}
		e, err := in.Explain(ctx, t.set.At(c.index))
		if err != nil {
			return render.View{}, err
		}
		way := e.way()
		way.Heading, way.Text = c.heading, append([]string{e.lead()}, way.Text...)
		page.Sections = append(page.Sections, way)
	}
	return page.View(), nil
}

var nan = math.NaN()

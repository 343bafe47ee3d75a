package render

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"
)

// TreeNode is one node of a Tree.
type TreeNode struct {
	Text     string    // the test in words, "brightness ≤ 0.4", or the answer of a leaf
	Counts   []float64 // samples of each class that come here, not negative; or nil
	Children []int     // by their place in Tree.Nodes; none for a leaf
	Edges    []string  // what leads to each child; nil for "yes" and "no" where there are two
}

// Tree shows a decision tree, from its root on the left to its leaves on the right. Every
// node has a bar of the classes that come to it, and lines are as wide as the share of the
// samples that take them. In HTML, pointing at a node or giving it the focus, and then the arrow
// keys, show what comes to it; a script of 4 kB does that. Without it, tooltips and the text do.
type Tree struct {
	Title   string
	Nodes   []TreeNode // the first is the root; every other is the child of exactly one
	Classes []string   // names of the counts
	Path    []int      // nodes to emphasise: the way of one sample

	// Ways are samples whose way the reader can follow, in HTML; a node shows which of them
	// come to it.
	Ways []TreeWay

	// Depth is the number of levels below the root that are drawn. Default 6, which is
	// also the most that is readable; less is drawn where there is no room.
	Depth int
}

const (
	treeDepth  = 6
	treeLeaves = 64 // rows of a picture
	treeLines  = 200
)

// View draws the tree. What is too deep or too much for the picture is folded into the
// node above it, the smallest branches first, and a note says so. The text has up to 200
// nodes.
func (t Tree) View() View {
	const where = "render.Tree"
	if len(t.Nodes) == 0 {
		return Failed(fmt.Errorf("%s: no nodes given: %w", where, ErrEmpty))
	}
	if t.Depth < 0 || t.Depth > treeDepth {
		return Failed(fmt.Errorf("%s: Depth is %d; levels 1 to %d can be drawn, or 0 for the default: %w", where, t.Depth, treeDepth, ErrSize))
	}
	f := treeFigure{Tree: t}
	f.Depth = cmp.Or(t.Depth, treeDepth)
	f.Classes = cleanAll(t.Classes)
	f.Nodes = slices.Clone(t.Nodes)
	for i := range f.Nodes {
		n := &f.Nodes[i]
		here := fmt.Sprintf("%s: node %d (%q)", where, i, clean(n.Text))
		if n.Counts != nil {
			if err := counts(here, n.Counts, len(t.Classes), "classes"); err != nil {
				return Failed(err)
			}
		}
		if n.Edges != nil && len(n.Edges) != len(n.Children) {
			return Failed(fmt.Errorf("%s: %d edge labels for %d children: %w", here, len(n.Edges), len(n.Children), ErrSize))
		}
		n.Text, n.Counts, n.Children = clean(n.Text), slices.Clone(n.Counts), slices.Clone(n.Children)
		if n.Edges = cleanAll(n.Edges); len(n.Edges) == 0 && len(n.Children) == 2 {
			n.Edges = []string{"yes", "no"}
		}
	}
	if err := f.climb(where); err != nil {
		return Failed(err)
	}
	if err := f.checkWays(where); err != nil {
		return Failed(err)
	}
	f.lit = make([]bool, len(f.Nodes))
	for _, i := range t.Path {
		if i < 0 || i >= len(f.Nodes) {
			return Failed(fmt.Errorf("%s: Path names node %d of %d (0-%d): %w", where, i, len(f.Nodes), len(f.Nodes)-1, ErrSize))
		}
		f.lit[i] = true
	}
	return View{title: clean(t.Title), fig: f, web: f, alt: f.alt(), notes: f.notes(), list: f.text()}
}

// treeFigure is a checked Tree.
type treeFigure struct {
	Tree
	parent []int // of each node, -1 for the root
	edge   []string
	depth  []int
	order  []int // parents before their children
	below  []int // nodes below each node
	total  []float64
	lit    []bool
}

// climb finds the parent of every node and what else follows from the shape.
func (f *treeFigure) climb(where string) error {
	n := len(f.Nodes)
	f.parent, f.edge, f.depth, f.below, f.total = make([]int, n), make([]string, n), make([]int, n), make([]int, n), make([]float64, n)
	for i := range f.parent {
		f.parent[i] = -1
	}
	for i, node := range f.Nodes {
		for k, c := range node.Children {
			switch {
			case c < 0 || c >= n:
				return fmt.Errorf("%s: node %d has child %d; there are nodes 0-%d: %w", where, i, c, n-1, ErrSize)
			case c == 0:
				return fmt.Errorf("%s: node %d has the root as its child: %w", where, i, ErrSize)
			case f.parent[c] >= 0:
				return fmt.Errorf("%s: node %d is the child of both %d and %d: %w", where, c, f.parent[c], i, ErrSize)
			}
			f.parent[c] = i
			if len(node.Edges) > 0 {
				f.edge[c] = node.Edges[k]
			}
		}
		for _, v := range node.Counts {
			f.total[i] += v
		}
	}
	f.order = []int{0}
	for k := 0; k < len(f.order); k++ {
		for _, c := range f.Nodes[f.order[k]].Children {
			f.depth[c] = f.depth[f.order[k]] + 1
			f.order = append(f.order, c)
		}
	}
	if len(f.order) != n {
		for i, p := range f.parent {
			if i > 0 && (p < 0 || !slices.Contains(f.order, i)) {
				return fmt.Errorf("%s: node %d cannot be reached from the root, node 0: %w", where, i, ErrSize)
			}
		}
	}
	for _, i := range slices.Backward(f.order) {
		if p := f.parent[i]; p >= 0 {
			f.below[p] += f.below[i] + 1
		}
	}
	return nil
}

func (f treeFigure) leaves() (n int) {
	for _, node := range f.Nodes {
		if len(node.Children) == 0 {
			n++
		}
	}
	return n
}

func (f treeFigure) alt() string {
	alt := fmt.Sprintf("Decision tree of %s, %d of them leaves, depth %d", plural(len(f.Nodes), "node"), f.leaves(), slices.Max(f.depth))
	if len(f.Nodes) > 1 {
		alt += "; first test: " + f.Nodes[0].Text
	}
	if way := f.way(); way != "" {
		alt += ". Emphasised: " + way
	}
	return alt + "."
}

// way tells the emphasised nodes from the root downwards.
func (f treeFigure) way() string {
	var b strings.Builder
	for _, i := range f.order {
		if !f.lit[i] {
			continue
		}
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		if f.edge[i] != "" && f.lit[max(f.parent[i], 0)] {
			b.WriteString(f.edge[i] + " → ")
		}
		b.WriteString(f.Nodes[i].Text)
	}
	return b.String()
}

func (f treeFigure) notes() []string {
	if note := f.prune(pageWidth - 20*px).note(); note != "" {
		return []string{note}
	}
	return nil
}

// what tells the counts of a node: "150 samples: 50 cat, 100 dog".
func (f treeFigure) what(i int) string {
	n := f.Nodes[i]
	if n.Counts == nil {
		return ""
	}
	var parts []string
	for k, v := range n.Counts {
		if v > 0 {
			parts = append(parts, number(v)+" "+f.Classes[k])
		}
	}
	s := number(f.total[i]) + " samples"
	if f.total[i] == 1 {
		s = "1 sample"
	}
	if len(parts) > 0 {
		s += ": " + strings.Join(parts, ", ")
	}
	return s
}

// text returns the tree in indented lines; an arrow marks what is emphasised.
func (f treeFigure) text() string {
	var b strings.Builder
	lines := 0
	stack := []int{0}
	for len(stack) > 0 && lines < treeLines {
		i := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		mark := "  "
		if f.lit[i] {
			mark = "> "
		}
		indent := min(f.depth[i], 30)
		s := mark + strings.Repeat("  ", indent)
		if f.edge[i] != "" {
			s += f.edge[i] + ": "
		}
		s += f.Nodes[i].Text
		if what := f.what(i); what != "" {
			s += " (" + what + ")"
		}
		b.WriteString(strings.TrimRight(s, " ") + "\n")
		lines++
		for _, c := range slices.Backward(f.Nodes[i].Children) {
			stack = append(stack, c)
		}
	}
	if rest := len(f.Nodes) - lines; rest > 0 {
		fmt.Fprintf(&b, "  %s, %d in all.\n", plural(rest, "more node"), len(f.Nodes))
	}
	return b.String()
}

const (
	treeGap   = 44 * px // between levels, for the words at the lines
	treeLeast = 82 * px // width of a node
	treeMost  = 190 * px
)

// pruned is the part of a tree that is drawn.
type pruned struct {
	*treeFigure
	folded []bool // drawn as a leaf although it has children
	hidden int    // nodes not drawn
	levels int
	rows   int // leaves drawn
	width  vg.Length
}

// prune folds what does not fit into the given width, or would make the picture too high.
func (f treeFigure) prune(maxWidth vg.Length) pruned {
	t := pruned{treeFigure: &f, folded: make([]bool, len(f.Nodes))}
	most := min(f.Depth, max(int((maxWidth+treeGap)/(treeLeast+treeGap))-1, 0))
	shown := make([]bool, len(f.Nodes))
	open := make([]int, len(f.Nodes)) // children that are drawn and not leaves of the picture
	for _, i := range f.order {
		if shown[i] = f.depth[i] <= most; !shown[i] {
			continue
		}
		t.folded[i] = f.depth[i] == most && len(f.Nodes[i].Children) > 0
		if t.inner(i) && i > 0 {
			open[f.parent[i]]++
		}
		if !t.inner(i) {
			t.rows++
		}
	}
	for t.rows > treeLeaves {
		// The smallest branch whose children are all leaves of the picture, off the path.
		best := -1
		for _, i := range f.order {
			if i == 0 || f.lit[i] || !shown[i] || !t.inner(i) || open[i] > 0 {
				continue
			}
			if best < 0 || f.sooner(i, best) {
				best = i
			}
		}
		if best < 0 {
			break
		}
		t.folded[best] = true
		t.rows -= len(f.Nodes[best].Children) - 1
		for _, c := range f.Nodes[best].Children {
			shown[c] = false
		}
		open[f.parent[best]]--
	}
	for _, i := range f.order {
		if !shown[i] {
			t.hidden++
			continue
		}
		t.levels = max(t.levels, f.depth[i]+1)
	}
	t.width = min((maxWidth-treeGap*vg.Length(t.levels-1))/vg.Length(t.levels), treeMost)
	t.width = max(vg.Length(int(t.width/px))*px, treeLeast)
	return t
}

// sooner reports whether node i is folded before node j.
func (f treeFigure) sooner(i, j int) bool {
	return cmp.Or(cmp.Compare(f.total[i], f.total[j]), cmp.Compare(f.depth[j], f.depth[i]), cmp.Compare(j, i)) < 0
}

// inner reports whether the children of node i are drawn.
func (t pruned) inner(i int) bool { return len(t.Nodes[i].Children) > 0 && !t.folded[i] }

func (t pruned) note() string {
	if t.hidden == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d nodes are folded away (…) to fit the picture.", t.hidden, len(t.Nodes))
}

// lines are the text of node i as drawn.
func (t pruned) lines(i int) []string {
	style := body
	if len(t.Nodes[i].Children) == 0 {
		style = bold
	}
	most := 2
	if t.width < 130*px {
		most = 3
	}
	return style.wrap(t.Nodes[i].Text, t.width-10*px, most)
}

const (
	treeLeading = 14 * px
	treeBar     = 9 * px
	treeBetween = 10 * px // below each other
)

// height of node i.
func (t pruned) height(i int) vg.Length {
	h := vg.Length(len(t.lines(i)))*treeLeading + 8*px
	if t.Nodes[i].Counts != nil {
		h += treeBar + 5*px
	}
	if t.folded[i] {
		h += treeLeading
	}
	return h
}

// place returns the middles of all nodes, measured downwards, and the height of the whole.
// Every node has rows to itself and its branch; a parent is half way between its first and
// its last child.
func (t pruned) place() (mid []vg.Length, h vg.Length) {
	mid = make([]vg.Length, len(t.Nodes))
	var next vg.Length // free from here downwards
	var walk func(i int)
	walk = func(i int) {
		top, half := next, t.height(i)/2
		if !t.inner(i) {
			mid[i] = top + half
			next = mid[i] + half + treeBetween
			return
		}
		children := t.Nodes[i].Children
		for _, c := range children {
			walk(c)
		}
		mid[i] = (mid[children[0]] + mid[children[len(children)-1]]) / 2
		if short := top + half - mid[i]; short > 0 { // higher than its children
			t.visit(i, func(j int) { mid[j] += short })
			next += short
		}
		next = max(next, mid[i]+half+treeBetween)
	}
	walk(0)
	return mid, next - treeBetween
}

// visit calls do for node i and all that are drawn below it.
func (t pruned) visit(i int, do func(i int)) {
	do(i)
	if t.inner(i) {
		for _, c := range t.Nodes[i].Children {
			t.visit(c, do)
		}
	}
}

func (f treeFigure) fit(maxWidth vg.Length) drawing {
	t := f.prune(maxWidth)
	mid, h := t.place()
	w := t.width*vg.Length(t.levels) + treeGap*vg.Length(t.levels-1)
	keys := f.keys()
	foot := keys.height(max(w, 200*px))
	if foot > 0 {
		foot += 8 * px
	}
	note := body.wrap(t.note(), max(w, 200*px), 3)
	w = max(w, 200*px)
	noteHeight := vg.Length(len(note)) * leading
	return drawing{w, h + foot + noteHeight, func(p *pen, r vg.Rectangle) {
		for i, line := range note {
			p.text(body, p.muted, r.Min.X, r.Min.Y+noteHeight-vg.Length(i+1)*leading+4*px, left, line)
		}
		keys.draw(p, rect(r.Min.X, r.Min.Y, r.Max.X, r.Min.Y+noteHeight+foot-8*px))
		t.draw(p, r, mid)
	}}
}

func (f treeFigure) keys() legend {
	for _, n := range f.Nodes {
		if n.Counts != nil && len(f.Classes) > 0 {
			return categoryKeys(f.Classes)
		}
	}
	return nil
}

func (t pruned) draw(p *pen, r vg.Rectangle, mid []vg.Length) {
	box := func(i int) vg.Rectangle {
		x, y, h := r.Min.X+(t.width+treeGap)*vg.Length(t.depth[i]), r.Max.Y-mid[i], t.height(i)
		return rect(x, y-h/2, x+t.width, y+h/2)
	}
	for _, lit := range []bool{false, true} { // emphasised lines above the others
		t.visit(0, func(i int) {
			if i > 0 && t.lit[i] == lit {
				t.line(p, i, box(t.parent[i]), box(i))
			}
		})
	}
	t.visit(0, func(i int) { t.node(p, i, box(i)) })
}

// share of all samples that come to node i, or a small one if it is not known.
func (t pruned) share(i int) float64 {
	if t.total[0] == 0 || t.Nodes[i].Counts == nil {
		return 0.1
	}
	return math.Min(t.total[i]/t.total[0], 1)
}

// line leads from the box of the parent to that of node i.
func (t pruned) line(p *pen, i int, from, to vg.Rectangle) {
	a := vg.Point{X: from.Max.X, Y: (from.Min.Y + from.Max.Y) / 2}
	b := vg.Point{X: to.Min.X, Y: (to.Min.Y + to.Max.Y) / 2}
	c := p.rule
	if t.lit[i] && t.lit[t.parent[i]] {
		c = p.series[1]
	}
	w := vg.Length(1.5+8.5*t.share(i)) * px
	p.SetColor(c)
	p.SetLineWidth(w)
	p.SetLineDash(nil, 0)
	p.Stroke(swing(a, b))
	if t.edge[i] != "" {
		text := body.fit(t.edge[i], treeGap-4*px)
		y := b.Y + w/2 + 3*px
		if b.Y < a.Y-px { // the line comes from above
			y = b.Y - w/2 - 11*px
		}
		p.text(body, p.ink, b.X-3*px, y, right, text)
	}
}

// swing leads from a to b, level at both ends.
func swing(a, b vg.Point) vg.Path {
	var path vg.Path
	path.Move(a)
	mid := (a.X + b.X) / 2
	path.CubeTo(vg.Point{X: mid, Y: a.Y}, vg.Point{X: mid, Y: b.Y}, b)
	return path
}

func (t pruned) node(p *pen, i int, r vg.Rectangle) {
	n := t.Nodes[i]
	edge, w, style := p.rule, px, body
	if len(n.Children) == 0 {
		style = bold
	}
	if t.lit[i] {
		edge, w = p.series[1], 2.5*px
	}
	p.fillRect(p.paper, r)
	if t.folded[i] { // a second edge behind it tells that there is more
		p.line(edge, w, nil, vg.Point{X: r.Max.X + 3*px, Y: r.Max.Y - 3*px}, vg.Point{X: r.Max.X + 3*px, Y: r.Min.Y - 3*px}, vg.Point{X: r.Min.X + 3*px, Y: r.Min.Y - 3*px})
	}
	p.line(edge, w, nil, vg.Point{X: r.Min.X, Y: r.Min.Y + w/2}, vg.Point{X: r.Max.X - w/2, Y: r.Min.Y + w/2},
		vg.Point{X: r.Max.X - w/2, Y: r.Max.Y - w/2}, vg.Point{X: r.Min.X + w/2, Y: r.Max.Y - w/2}, vg.Point{X: r.Min.X + w/2, Y: r.Min.Y})
	y := r.Max.Y - 15*px
	for _, line := range t.lines(i) {
		p.text(style, p.ink, r.Min.X+5*px, y, left, line)
		y -= treeLeading
	}
	y += treeLeading - 5*px
	if n.Counts != nil {
		count := number(t.total[i])
		bar := rect(r.Min.X+5*px, y-treeBar, r.Max.X-9*px-body.width(count), y)
		t.bar(p, n.Counts, t.total[i], bar)
		p.text(body, p.muted, r.Max.X-5*px, bar.Min.Y+px, right, count)
		y = bar.Min.Y - 5*px
	}
	if t.folded[i] {
		p.text(body, p.muted, r.Min.X+5*px, y-9*px, left, body.fit("… "+plural(t.below[i], "node"), t.width-10*px))
	}
	said := n.Text
	if what := t.what(i); what != "" {
		said += "\n" + what
	}
	if t.folded[i] {
		said += fmt.Sprintf("\n%s folded away", plural(t.below[i], "node"))
	}
	p.spot(r, strings.ReplaceAll(said, "\n", " · "))
}

// bar divides r by the counts.
func (t pruned) bar(p *pen, counts []float64, total float64, r vg.Rectangle) {
	p.fillRect(p.grid, r)
	if total == 0 {
		return
	}
	var sum float64
	for k, v := range counts {
		a := r.Min.X + (r.Max.X-r.Min.X)*vg.Length(sum/total)
		sum += v
		b := r.Min.X + (r.Max.X-r.Min.X)*vg.Length(sum/total)
		if v > 0 {
			p.swatch(k, rect(a, r.Min.Y, b, r.Max.Y))
		}
	}
}

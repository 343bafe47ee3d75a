package render

import (
	"regexp"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
)

func asIs(s string) string { return s }

// Nodes of one level do not overlap, and no node is above the picture or below it.
func TestTreeNodesDoNotOverlap(t *testing.T) {
	for _, width := range []vg.Length{300 * px, 560 * px, pageWidth} {
		for depth := range 9 {
			tree := grown(asIs, depth, 3)
			tree.Nodes[0].Text = strings.Repeat("a long test ", 9)
			if depth == 8 { // a parent higher than its children
				tree = Tree{Nodes: []TreeNode{{Text: "t", Children: []int{1, 2}}, {Text: "leaf"}, {Text: tree.Nodes[0].Text, Counts: []float64{1}, Children: []int{3}}, {Text: "leaf"}}, Classes: []string{"c"}}
			}
			f := tree.View().fig.(treeFigure)
			p := f.prune(width)
			mid, h := p.place()
			below := make(map[int]vg.Length) // per level
			p.visit(0, func(i int) {
				top, bottom := mid[i]-p.height(i)/2, mid[i]+p.height(i)/2
				if top < below[f.depth[i]]-1e-9 || bottom > h+1e-9 {
					t.Errorf("width %v, depth %d: node %d from %v to %v; free from %v, height %v", width, depth, i, top, bottom, below[f.depth[i]], h)
				}
				below[f.depth[i]] = bottom
			})
			if w := f.fit(width).w; w > width {
				t.Errorf("width %v, depth %d: %v wide", width, depth, w)
			}
			shown := 0
			p.visit(0, func(int) { shown++ })
			if shown+p.hidden != len(f.Nodes) {
				t.Errorf("width %v, depth %d: %d nodes shown and %d hidden of %d", width, depth, shown, p.hidden, len(f.Nodes))
			}
		}
	}
}

// A full tree of depth 6 is drawn whole. What is folded is said in the picture's notes, the
// smallest branches go first, and the emphasised way stays.
func TestTreeFolds(t *testing.T) {
	full := Tree{Nodes: []TreeNode{{}}, Classes: []string{"a"}}
	for i := 0; len(full.Nodes) < 127; i++ {
		full.Nodes[i].Children = []int{len(full.Nodes), len(full.Nodes) + 1}
		full.Nodes = append(full.Nodes, TreeNode{}, TreeNode{})
	}
	if p := full.View().fig.(treeFigure).prune(pageWidth - 20*px); p.hidden != 0 || p.levels != 7 || p.rows != 64 {
		t.Errorf("of a full tree of depth 6, %d nodes are hidden; %d levels, %d rows", p.hidden, p.levels, p.rows)
	}
	wide := Tree{Nodes: []TreeNode{{Counts: []float64{0}}}, Classes: []string{"a"}, Path: []int{0, 1, 41}}
	for k := range 40 { // forty branches of two leaves, growing; the first is emphasised
		wide.Nodes[0].Children = append(wide.Nodes[0].Children, 1+k)
		wide.Nodes = append(wide.Nodes, TreeNode{Counts: []float64{float64(k + 1)}})
	}
	for k := range 40 {
		for range 2 {
			wide.Nodes[1+k].Children = append(wide.Nodes[1+k].Children, len(wide.Nodes))
			wide.Nodes = append(wide.Nodes, TreeNode{Counts: []float64{float64(k+1) / 2}})
		}
	}
	v := wide.View()
	p := v.fig.(treeFigure).prune(pageWidth)
	if p.folded[1] || !p.folded[2] || !p.folded[17] || p.folded[18] || p.rows != treeLeaves {
		t.Errorf("branches folded: emphasised %v, smallest %v, %v, next %v; %d rows", p.folded[1], p.folded[2], p.folded[17], p.folded[18], p.rows)
	}
	if !strings.Contains(v.Text(), "32 of 121 nodes are folded away") {
		t.Errorf("the text does not say what is missing:\n%s", v.Text())
	}
}

// A chain as deep as a list of samples neither overflows nor stalls.
func TestDeepTree(t *testing.T) {
	tree := Tree{}
	for i := range 50_000 {
		tree.Nodes = append(tree.Nodes, TreeNode{Text: "t", Children: []int{i + 1}})
	}
	tree.Nodes = append(tree.Nodes, TreeNode{Text: "end"})
	b, err := tree.View().Bundle()
	if err != nil || len(b.Text) > 30_000 {
		t.Errorf("%v, text of %d bytes", err, len(b.Text))
	}
}

// Every node that is drawn can be reached with the keyboard and has a tooltip.
func TestTreeInHTML(t *testing.T) {
	html := must(grown(func(s string) string { return s + "<b>\"" }, 4, 3).View().HTML())
	spots := regexp.MustCompile(`<rect class="whybook-spot" tabindex="0" role="img" [^>]*><title>([^<]*)</title></rect>`).FindAllStringSubmatch(html, -1)
	if len(spots) != 23 || !strings.Contains(spots[0][1], "brightness of row 0 ≤ 0.84&lt;b&gt;&#34; · 900 samples: 200 class 0&lt;b&gt;&#34;, ") {
		t.Errorf("%d spots, the first %q", len(spots), spots[:min(1, len(spots))])
	}
	if !strings.Contains(html, "</svg>\n<img class=") || strings.Count(html, "<script") != 1 || strings.Contains(html, "<?xml") {
		t.Error("the SVG is not followed by its stand-in, or brings what HTML cannot have")
	}
}

// The largest tree that is drawn keeps its tooltips and stays within the limit of a figure.
func TestLargeTreeFits(t *testing.T) {
	b, err := grown(asIs, 9, 10).View().Bundle()
	if err != nil {
		t.Fatal(err)
	}
	if n := len(b.PNG)*4/3 + len(b.HTML) + len(b.Text); n > figureLimit || strings.Count(b.HTML, "whybook-spot\" tabindex") != 65 {
		t.Errorf("%d bytes, %d tooltips", n, strings.Count(b.HTML, "whybook-spot\" tabindex"))
	}
}

// The outer view decides on the theme, in HTML too.
func TestThemeOfParts(t *testing.T) {
	tree := grown(asIs, 1, 2).View()
	html := must(Column(tree, tree).In(Dark).HTML())
	if strings.Count(html, `<svg class="whybook-dark"`) != 2 {
		t.Error("the parts of a dark column are not dark")
	}
}

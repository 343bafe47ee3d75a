package render

import (
	"encoding/json"
	"fmt"
	"html"
	"html/template"
)

// TreeWay is the way of one sample through a Tree, for readers to follow.
type TreeWay struct {
	Name  string // "digit 17, a 4"
	Path  []int  // nodes from the root on, each the child of the one before
	Image *Image // the sample, or nil; either all ways have one or it is not shown
}

// treeWays is the most ways of one tree: so many are still found in a list.
const treeWays = 100

// checkWays checks the ways of a tree and cleans their names.
func (f *treeFigure) checkWays(where string) error {
	if len(f.Ways) > treeWays {
		return fmt.Errorf("%s: %d Ways; at most %d can be followed: %w", where, len(f.Ways), treeWays, ErrSize)
	}
	ways := make([]TreeWay, len(f.Ways))
	for i, w := range f.Ways {
		here := fmt.Sprintf("%s: way %d (%q)", where, i, clean(w.Name))
		if len(w.Path) == 0 || w.Path[0] != 0 {
			return fmt.Errorf("%s: it does not begin at the root, node 0: %w", here, ErrSize)
		}
		for at, n := range w.Path[1:] {
			if n < 0 || n >= len(f.Nodes) || f.parent[n] != w.Path[at] {
				return fmt.Errorf("%s: node %d is no child of node %d: %w", here, n, w.Path[at], ErrSize)
			}
		}
		if w.Image != nil {
			if err := w.Image.check(here); err != nil {
				return err
			}
		}
		ways[i] = TreeWay{Name: clean(w.Name), Path: w.Path, Image: w.Image}
	}
	f.Ways = ways
	return nil
}

// treeData is what the script knows of a tree: the nodes that are drawn, in the order of their
// spots.
type treeData struct {
	Nodes   []treeDataNode `json:"n"`
	Classes []string       `json:"k"`
	Ways    []treeDataWay  `json:"w"`
	Sprite  string         `json:"s,omitempty"` // all images in one
	Side    int            `json:"t,omitempty"`
	Columns int            `json:"c,omitempty"`
}

type treeDataNode struct {
	Parent int       `json:"p"`
	Depth  int       `json:"d"`
	Edge   string    `json:"e,omitempty"`
	Text   string    `json:"t"`
	Counts []float64 `json:"c,omitempty"`
}

type treeDataWay struct {
	Name string `json:"n"`
	Path []int  `json:"p"`
	More bool   `json:"m,omitempty"` // it goes on in what is folded away
}

// data returns what the script shows.
func (f treeFigure) data() (treeData, error) {
	d, place := treeData{Classes: f.Classes, Ways: []treeDataWay{}}, make(map[int]int)
	t := f.prune(pageWidth - 20*px)
	t.visit(0, func(i int) {
		n := treeDataNode{Parent: -1, Depth: f.depth[i], Edge: f.edge[i], Text: f.Nodes[i].Text, Counts: f.Nodes[i].Counts}
		if i > 0 {
			n.Parent = place[f.parent[i]]
		}
		place[i] = len(d.Nodes)
		d.Nodes = append(d.Nodes, n)
	})
	var c canvasFigure
	for _, w := range f.Ways {
		way := treeDataWay{Name: w.Name}
		for _, n := range w.Path {
			at, drawn := place[n]
			if !drawn {
				way.More = true
				break
			}
			way.Path = append(way.Path, at)
		}
		d.Ways = append(d.Ways, way)
		if w.Image != nil {
			c.pictures = append(c.pictures, w.Image.picture())
		}
	}
	if len(c.pictures) == 0 || len(c.pictures) < len(f.Ways) {
		return d, nil
	}
	var err error
	d.Sprite, d.Side, d.Columns, err = c.sprite()
	return d, err
}

// html adds to the SVG what the reader may ask of it.
func (f treeFigure) html(v View, id string) (template.HTML, []script, error) {
	body, _, err := vector{}.html(v, id)
	if err != nil {
		return "", nil, err
	}
	d, err := f.data()
	if err != nil {
		return "", nil, err
	}
	text, err := json.Marshal(d)
	if err != nil {
		return "", nil, fmt.Errorf("render: figure %q: %w", v.Name(), err)
	}
	box, err := treeScript.box()
	if err != nil {
		return "", nil, err
	}
	lit := v.theme.inks().series[1]
	return template.HTML(fmt.Sprintf("<div class=\"whybook-tree\" style=\"--wb-lit:#%02x%02x%02x\" %s data-w=\"%s\">\n", lit.R, lit.G, lit.B, box, html.EscapeString(string(text)))) +
		body + "</div>\n", []script{treeScript}, nil
}

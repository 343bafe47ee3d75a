package render

import (
	"strings"
	"testing"
)

// followable is a tree of three tests whose words try to inject markup, and two ways.
func followable() Tree {
	attack := `<img src=x onerror="say('attacked')">`
	return Tree{
		Classes: []string{"cat" + attack, "dog"},
		Nodes: []TreeNode{
			{Text: "size ≤ 3" + attack, Counts: []float64{30, 10}, Children: []int{1, 2}},
			{Text: "cat", Counts: []float64{24, 0}},
			{Text: "ears ≤ 2", Counts: []float64{6, 10}, Children: []int{3, 4}},
			{Text: "cat", Counts: []float64{6, 1}},
			{Text: "dog", Counts: []float64{0, 9}},
		},
		Ways: []TreeWay{{Name: "first" + attack, Path: []int{0, 1}}, {Name: "second", Path: []int{0, 2, 4}}},
	}
}

// A reader points at nodes, goes from one to the next by keys, and follows a sample.
func TestTreeInBrowser(t *testing.T) {
	t.Parallel()
	html := must(followable().View().HTML())
	got := browse(t, "<body>"+html+html, `
var box=document.querySelectorAll('.whybook-tree')[1],spots=box.querySelectorAll('.whybook-spot'),select=box.querySelector('select'),panel=box.querySelector('.whybook-node');
function lit(){return Array.from(spots).map(function(s){return s.classList.contains('whybook-lit')?1:0}).join('')+' '+box.querySelectorAll('.whybook-way').length}
function node(){return panel.lastChild.querySelector('b').textContent.slice(0,8)+'|'+panel.lastChild.querySelector('p').textContent+'|'+Array.from(panel.querySelectorAll('.whybook-hist span')).map(function(e){return e.textContent.slice(0,3)}).join(' ')}
function key(k){document.activeElement.dispatchEvent(new KeyboardEvent('keydown',{key:k,bubbles:true}))}
say(document.querySelectorAll('.whybook-tree select').length+' lists, '+node());
spots[2].dispatchEvent(new PointerEvent('pointerenter'));say(node());
spots[0].focus();key('ArrowRight');say(node());key('ArrowDown');key('ArrowDown');say(node());key('ArrowRight');say(node());key('ArrowLeft');key('ArrowUp');say(node());key('ArrowLeft');say(node());
select.value=1;select.oninput();say(lit()+' '+Array.from(panel.querySelectorAll('li')).map(function(e){return e.textContent.replace(/<.*>/,'')}).join('|'));
say(panel.firstChild.getAttribute('role')+' '+select.labels[0].textContent.slice(0,6));
panel.querySelector('button').click();say(lit()+' '+select.value);
select.value=-1;select.oninput();say(lit());
say(document.querySelectorAll('img[src=x]').length+' attacks, '+performance.getEntriesByType('resource').filter(function(e){return e.name.indexOf('data:')}).length+' requests');
`)
	root := "size ≤ 3|40 samples, 100.0 % of all|cat 30 dog 10"
	want := []string{
		"2 lists, " + root, "ears ≤ 2|16 samples, 40.0 % of all|cat 6 dog 10",
		"cat|24 samples, 60.0 % of all|cat 24", "ears ≤ 2|16 samples, 40.0 % of all|cat 6 dog 10",
		"cat|7 samples, 17.5 % of all|cat 6 dog 1", "cat|24 samples, 60.0 % of all|cat 24", root,
		"10101 2 size ≤ 3 no|ears ≤ 2 no|dog", "status Follow",
		"11000 1 0", "00000 0", "0 attacks, 0 requests",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the page says\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// A way begins at the root and goes from parent to child; one that leads into what is folded
// away says that it goes on.
func TestTreeWays(t *testing.T) {
	for name, path := range map[string][]int{"empty": {}, "not from the root": {2, 4}, "a gap": {0, 4}, "no such node": {0, 9}, "negative": {0, -1}} {
		tree := followable()
		tree.Ways[1].Path = path
		if err := tree.View().Err(); err == nil || !strings.Contains(err.Error(), `way 1 ("second")`) {
			t.Errorf("%s: %v", name, err)
		}
	}
	tree := followable()
	tree.Ways = make([]TreeWay, treeWays+1)
	if err := tree.View().Err(); err == nil {
		t.Errorf("%d ways are drawn", len(tree.Ways))
	}
	tree = followable()
	tree.Ways[0].Image = &Image{Pixels: []float64{1}, Channels: 1, Height: 2, Width: 1}
	if err := tree.View().Err(); err == nil {
		t.Error("an image of another size is drawn")
	}
	tree = followable()
	tree.Depth = 1
	d, err := tree.View().fig.(treeFigure).data()
	if err != nil || len(d.Nodes) != 3 || d.Ways[0].More || !d.Ways[1].More || len(d.Ways[1].Path) != 2 || d.Sprite != "" {
		t.Errorf("%+v, %v", d, err)
	}
	image := &Image{Pixels: []float64{0, 0.5, 1, 0}, Channels: 1, Height: 2, Width: 2}
	for i := range tree.Ways {
		tree.Ways[i].Image = image
	}
	if d, err = tree.View().fig.(treeFigure).data(); err != nil || !strings.HasPrefix(d.Sprite, "data:image/png;base64,") || d.Columns != 2 {
		t.Errorf("%d bytes of images, %d columns, %v", len(d.Sprite), d.Columns, err)
	}
}

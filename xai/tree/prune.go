package tree

import (
	"container/heap"
	"fmt"
)

// Pruned is a step of the path from the whole tree to its root.
type Pruned struct {
	Alpha  float64 // from which price of a leaf on this subtree is best
	Leaves int
	Risk   float64 // the impurity of its leaves, weighted by their shares of the rows
}

// PruningPath returns the subtrees that minimise Risk + alpha * Leaves, for growing alpha:
// the whole tree first, the root alone last (Breiman et al., chapter 3, with the impurity
// as the risk, as scikit-learn does). A second step of alpha 0 is the tree without the
// splits that do not lower the risk.
func (t *Tree) PruningPath() []Pruned {
	var path []Pruned
	if t != nil && len(t.nodes) > 0 {
		t.weaken(func(s Pruned) bool { path = append(path, s); return true })
	}
	return path
}

// Prune returns the smallest subtree that minimises Risk + alpha * Leaves. It is an error if
// alpha, at least 0, is not a number.
func (t *Tree) Prune(alpha float64) (*Tree, error) {
	if !(alpha >= 0) {
		return nil, fmt.Errorf("tree.Tree.Prune: alpha is %v; it must be at least 0", alpha)
	}
	if t == nil || len(t.nodes) == 0 {
		return nil, fmt.Errorf("tree.Tree.Prune: there is no tree; grow one with CART or read one with Load")
	}
	nodes, cut := t.weaken(func(s Pruned) bool { return s.Alpha <= alpha })
	p := &Tree{columns: t.columns, outputs: t.outputs, criterion: t.criterion}
	type at struct {
		id, parent int
		right      bool
	}
	stack := []at{{0, -1, false}}
	for len(stack) > 0 {
		now := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		n, id := nodes[now.id], len(p.nodes)
		if now.right {
			p.nodes[now.parent].right = int32(id)
		}
		if !n.Leaf() && !cut[now.id] {
			p.nodes = append(p.nodes, node{feature: int32(n.Feature), threshold: n.Threshold})
			stack = append(stack, at{n.Right, id, true}, at{n.Left, id, false})
			continue
		}
		p.nodes = append(p.nodes, p.newLeaf(n.Rows, n.Weight, n.Impurity, n.Values))
	}
	return p, nil
}

// weaken cuts the weakest links, those whose subtree lowers the risk least for each leaf it
// costs. It calls visit with the whole tree, and then with what cutting each further set of
// equally weak links makes of it; when visit says no, those are not cut. It returns the
// nodes, and which have become leaves.
func (t *Tree) weaken(visit func(Pruned) bool) (nodes []Node, cut []bool) {
	nodes = t.Nodes()
	cut = make([]bool, len(nodes))
	total := nodes[0].Weight
	risk := func(id int) float64 { return nodes[id].Impurity * nodes[id].Weight / total }
	below, leaves := make([]float64, len(nodes)), make([]int, len(nodes)) // of the subtree
	q := &weakest{}
	for id := len(nodes) - 1; id >= 0; id-- {
		if n := nodes[id]; n.Leaf() {
			below[id], leaves[id] = risk(id), 1
		} else {
			below[id], leaves[id] = below[n.Left]+below[n.Right], leaves[n.Left]+leaves[n.Right]
			q.list = append(q.list, link{(risk(id) - below[id]) / float64(leaves[id]-1), id, leaves[id]})
		}
	}
	heap.Init(q)
	gone := func(id int) bool {
		for ; id >= 0; id = nodes[id].Parent {
			if cut[id] {
				return true
			}
		}
		return false
	}
	alpha := 0.0
	if !visit(Pruned{0, leaves[0], below[0]}) {
		return nodes, cut
	}
	for q.Len() > 0 {
		alpha = max(alpha, q.list[0].alpha)
		var batch []int
		for q.Len() > 0 && q.list[0].alpha <= alpha*(1+tie)+tie*risk(0) {
			w := heap.Pop(q).(link)
			if gone(w.id) || leaves[w.id] != w.leaves {
				continue // an ancestor was cut, or the link was weighed again
			}
			batch = append(batch, w.id)
			fewer, more := leaves[w.id]-1, risk(w.id)-below[w.id]
			cut[w.id] = true
			for id := w.id; id >= 0; id = nodes[id].Parent {
				leaves[id] -= fewer
				below[id] += more
				if leaves[id] > 1 {
					heap.Push(q, link{(risk(id) - below[id]) / float64(leaves[id]-1), id, leaves[id]})
				}
			}
		}
		if len(batch) > 0 && !visit(Pruned{alpha, leaves[0], below[0]}) {
			for _, id := range batch {
				cut[id] = false
			}
			break
		}
	}
	return nodes, cut
}

// link is an inner node with the price of a leaf at which cutting below it pays.
type link struct {
	alpha  float64
	id     int
	leaves int // of its subtree when it was weighed
}

// weakest is a heap of links; the lower node first where two are equally weak.
type weakest struct{ list []link }

func (q *weakest) Len() int { return len(q.list) }
func (q *weakest) Less(i, j int) bool {
	a, b := q.list[i], q.list[j]
	return a.alpha < b.alpha || a.alpha == b.alpha && a.id < b.id
}
func (q *weakest) Swap(i, j int) { q.list[i], q.list[j] = q.list[j], q.list[i] }
func (q *weakest) Push(x any)    { q.list = append(q.list, x.(link)) }
func (q *weakest) Pop() any {
	last := len(q.list) - 1
	x := q.list[last]
	q.list = q.list[:last]
	return x
}

package neighbors

import "slices"

// Lists has the k nearest rows of each query, nearest first; where two are equally far,
// the lower index first. Where fewer than k rows qualify, as in a class of few members,
// the rest of a list has index -1 and distance +Inf.
type Lists struct {
	K        int
	Index    []int     // queries x K, row by row: rows of the index
	Distance []float64 // likewise
}

// Len returns the number of queries.
func (l Lists) Len() int {
	if l.K == 0 {
		return 0
	}
	return len(l.Index) / l.K
}

// At returns the list of query i. The slices are parts of l.
func (l Lists) At(i int) (index []int, distance []float64) {
	return l.Index[i*l.K : (i+1)*l.K], l.Distance[i*l.K : (i+1)*l.K]
}

func newLists(queries, k int) Lists {
	return Lists{K: k, Index: make([]int, queries*k), Distance: make([]float64, queries*k)}
}

// found is a row at a distance. before is the order of all answers.
type found struct {
	distance float64
	index    int
}

func (a found) before(b found) bool {
	return a.distance < b.distance || a.distance == b.distance && a.index < b.index
}

// best keeps the first k rows offered, in the order of before: a heap with the last of
// them on top.
type best struct {
	k    int
	heap []found
}

func (b *best) reset(k int) { b.k, b.heap = k, b.heap[:0] }

func (b *best) full() bool { return len(b.heap) == b.k }

// offer reports whether f is among the first k so far.
func (b *best) offer(f found) bool {
	h := b.heap
	if len(h) < b.k {
		h = append(h, f)
		i := len(h) - 1
		for i > 0 {
			up := (i - 1) / 2
			if !h[up].before(f) {
				break
			}
			h[i] = h[up]
			i = up
		}
		h[i] = f
		b.heap = h
		return true
	}
	if !f.before(h[0]) {
		return false
	}
	i := 0
	for {
		down := 2*i + 1
		if down >= len(h) {
			break
		}
		if down+1 < len(h) && h[down].before(h[down+1]) {
			down++
		}
		if !f.before(h[down]) {
			break
		}
		h[i] = h[down]
		i = down
	}
	h[i] = f
	return true
}

// store writes the rows kept as list i of l and empties b.
func (b *best) store(l Lists, i int) {
	slices.SortFunc(b.heap, func(x, y found) int {
		if x.before(y) {
			return -1
		}
		return 1
	})
	index, distance := l.At(i)
	for j := range index {
		if j < len(b.heap) {
			index[j], distance[j] = b.heap[j].index, b.heap[j].distance
		} else {
			index[j], distance[j] = -1, inf
		}
	}
	b.heap = b.heap[:0]
}

package tree

import (
	"context"
	"encoding/binary"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/whybook/whybook/xai/internal/parallel"
	"github.com/whybook/whybook/xai/progress"
	"github.com/whybook/whybook/xai/seed"
)

// target is what leaves say.
type target struct {
	k         int
	classes   bool
	criterion Criterion
	weights   []float64 // nil for 1 each
	y         []float64 // n x k outputs; nil for classes
}

// grower grows one tree.
type grower[C cell] struct {
	stride    int  // cells of a place
	countRows bool // cells do not tell which places occur
	fill      filler[C]
	scanner   func() scanner[C]

	ctx    context.Context
	c      CART
	t      *Table
	target *target
	e      []entry // those of a node are a range
	right  []entry // scratch of partitions
	tree   *Tree

	all    []int // the columns that can be split at all
	drawn  []int // the same, in the order of the last draws
	random *rand.Rand
	view   view[C]
	spare  sync.Pool // of *scratch[C]

	offset []int           // places before each column in a stored histogram
	stored int             // histograms that may still be made
	idle   []*histogram[C] // to be used again
	worth  int             // rows from which a histogram is worth storing
}

// task is a node to be grown.
type task[C cell] struct {
	lo, hi    int
	depth     int
	parent    int
	right     bool
	histogram *histogram[C]
}

// histogram holds the cells of every column of a node.
type histogram[C cell] struct {
	cells []C
	rows  []uint32
}

// storedBytes bounds the memory of the histograms that wait for their node.
const storedBytes = 64 << 20

// grow grows the tree of the entries e.
func grow[C cell](ctx context.Context, c CART, t *Table, g *grower[C], e []entry, tg *target) (*Tree, error) {
	c.MinSplit, c.MinLeaf = max(c.MinSplit, 2), max(c.MinLeaf, 1)
	if c.Features == 0 {
		c.Features = len(t.cols)
	}
	g.ctx, g.c, g.t, g.e, g.right, g.target = ctx, c, t, e, make([]entry, 0, len(e)), tg
	g.countRows = g.countRows || c.MinLeaf > 1
	g.tree = &Tree{columns: len(t.cols), outputs: tg.k, criterion: tg.criterion}
	g.offset = make([]int, len(t.cols)+1)
	for j := range t.cols {
		places := t.cols[j].places()
		if t.cols[j].varies {
			g.all = append(g.all, j)
		}
		if t.cols[j].bytes == nil {
			places = 0
		}
		g.offset[j+1] = g.offset[j] + places
	}
	g.drawn = slices.Clone(g.all)
	if c.Features < len(t.cols) {
		g.random = seed.Stream(c.Seed, "tree")
	} else if places := g.offset[len(t.cols)]; places > 0 {
		// A histogram of the larger child by subtraction costs a pass over its cells,
		// one by counting a pass over its rows for each column.
		g.worth = max(256, places*g.stride/len(t.cols))
		g.stored = storedBytes / (8 * places * (g.stride + 1))
	}
	if err := g.run(); err != nil {
		return nil, err
	}
	if c.Alpha > 0 {
		return g.tree.Prune(c.Alpha)
	}
	return g.tree, nil
}

// run grows node by node, in preorder.
func (g *grower[C]) run() error {
	stack := []task[C]{{hi: len(g.e), parent: -1}}
	settled := 0
	for len(stack) > 0 {
		now := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if err := g.ctx.Err(); err != nil {
			return err
		}
		id := len(g.tree.nodes)
		g.tree.nodes = append(g.tree.nodes, node{feature: leaf})
		if now.right {
			g.tree.nodes[now.parent].right = int32(id)
		}
		e := g.e[now.lo:now.hi]
		var s split
		if (g.c.MaxDepth == 0 || now.depth < g.c.MaxDepth) && len(e) >= g.c.MinSplit && len(e) >= 2*g.c.MinLeaf && !g.target.pure(e) {
			var err error
			if s, err = g.split(&now, e); err != nil {
				return err
			}
		}
		if !s.found {
			g.drop(now.histogram)
			g.tree.addLeaf(id, g.target, e)
			if settled += len(e); g.random == nil && len(g.e) >= 1000 {
				progress.Report(g.ctx, "tree", settled, len(g.e))
			}
			continue
		}
		col := &g.t.cols[s.column]
		n := &g.tree.nodes[id]
		n.feature, n.threshold = int32(s.column), col.threshold(s.a, s.b)
		mid := now.lo + g.partition(e, col, s.a)
		left := task[C]{lo: now.lo, hi: mid, depth: now.depth + 1, parent: id}
		right := task[C]{lo: mid, hi: now.hi, depth: now.depth + 1, parent: id, right: true}
		if err := g.pass(now.histogram, &left, &right); err != nil {
			return err
		}
		stack = append(stack, right, left)
	}
	return nil
}

// partition moves the entries at places up to a to the front, keeping their order, and
// returns how many they are.
func (g *grower[C]) partition(e []entry, col *column, a int) int {
	right, n := g.right[:0], 0
	for _, x := range e {
		if col.place(x.row) <= a {
			e[n] = x
			n++
		} else {
			right = append(right, x)
		}
	}
	copy(e[n:], right)
	return n
}

func (c *column) place(row uint32) int {
	if c.bytes != nil {
		return int(c.bytes[row])
	}
	return int(c.ranks[row])
}

// split finds the best split of a node.
func (g *grower[C]) split(now *task[C], e []entry) (split, error) {
	node := g.local(e)
	if g.random != nil {
		return g.draw(node), nil
	}
	if now.histogram == nil && len(e) >= g.worth && g.stored > 0 {
		now.histogram = g.store()
		if err := g.fillAll(now.histogram, e); err != nil {
			return split{}, err
		}
	}
	found := make([]split, len(g.all))
	search := func(lo, hi int) error {
		s := g.borrow()
		for i := lo; i < hi; i++ {
			found[i] = g.column(s, node, g.all[i], now.histogram)
		}
		g.spare.Put(s)
		return nil
	}
	var err error
	if len(e)*len(g.all) < 1<<16 {
		err = search(0, len(g.all))
	} else {
		err = parallel.Blocks(g.ctx, len(g.all), max(1, len(g.all)/32), search)
	}
	var best split
	for _, s := range found {
		if s.better(best) {
			best = s
		}
	}
	return best, err
}

// draw finds the best split of Features columns drawn without replacement. Those that are
// constant in the node do not count.
func (g *grower[C]) draw(n *view[C]) split {
	s := g.borrow()
	defer g.spare.Put(s)
	var best split
	for i, tried := 0, 0; i < len(g.drawn) && tried < g.c.Features; i++ {
		j := i + g.random.IntN(len(g.drawn)-i)
		g.drawn[i], g.drawn[j] = g.drawn[j], g.drawn[i]
		found := g.column(s, n, g.drawn[i], nil)
		if s.varied {
			tried++
		}
		if found.better(best) {
			best = found
		}
	}
	return best
}

// view is a node while its columns are searched: its entries, with the classes that occur
// renumbered so that histograms are small, and their total.
type view[C cell] struct {
	e      []entry // with renumbered classes, and for byRow the place where a row begins
	byRow  bool    // to be read from Table.byRow
	stride int
	total  []C
	global []C // total with all classes, as in stored histograms
	number []uint16
	packed []C     // memory of total
	local  []entry // and of e
}

// fewRows is the size of a node from which on its columns are read row by row: so that
// they, and the nodes below, stay in the processor's cache.
const fewRows = 1024

// local makes the view of a node, in memory of the last one.
func (g *grower[C]) local(e []entry) *view[C] {
	v := &g.view
	v.e, v.stride = e, g.stride
	v.global = append(v.global[:0], make([]C, g.stride)...)
	lead := g.stride - g.target.k
	g.fill(v.global, nil, nil, g.t.origin, e, g.stride)
	v.total = v.global
	if !g.target.classes {
		return v
	}
	occur := 0
	v.number = append(v.number[:0], make([]uint16, g.target.k)...)
	v.packed = append(v.packed[:0], v.global[:lead]...)
	for c, n := range v.global[lead:] {
		if n != 0 {
			v.number[c] = uint16(occur)
			v.packed = append(v.packed, n)
			occur++
		}
	}
	d := len(g.t.cols)
	v.byRow = lead == 0 && len(e) <= fewRows && uint64(len(g.t.byRow)) <= math.MaxUint32 && g.t.byRow != nil
	if occur == g.target.k && !v.byRow {
		return v
	}
	v.local = append(v.local[:0], e...)
	for i := range v.local {
		x := &v.local[i]
		x.class = v.number[x.class]
		if v.byRow {
			x.row *= uint32(d)
		}
	}
	v.e, v.stride, v.total = v.local, len(v.packed), v.packed
	return v
}

// scratch is what one goroutine needs to search a column.
type scratch[C cell] struct {
	cells   []C
	rows    []uint32
	seen    [maxBins]uint8
	scanner scanner[C]
	keys    []uint64
	spare   []uint64 // as long as keys may be
	varied  bool     // the last column searched is not constant in the node
}

// column finds the best split of column j, from the stored histogram h if there is one.
func (g *grower[C]) column(s *scratch[C], v *view[C], j int, h *histogram[C]) split {
	col := &g.t.cols[j]
	if col.bytes == nil {
		return g.sorted(s, v, j)
	}
	if h != nil {
		lo, hi := g.offset[j], g.offset[j+1]
		rows := []uint32(nil)
		if g.countRows {
			rows = h.rows[lo:hi]
		}
		cells := h.cells[lo*g.stride : hi*g.stride]
		for p := range col.places() {
			s.seen[p] = 0
			if rows != nil && rows[p] > 0 || rows == nil && occupied(cells[p*g.stride:][:g.stride]) {
				s.seen[p] = 1
			}
		}
		return g.scan(s, len(v.e), v.global, cells, rows, j, false)
	}
	cells, rows := s.cells[:col.places()*v.stride], []uint32(nil)
	if g.countRows {
		rows = s.rows[:col.places()]
	}
	places := col.bytes
	if v.byRow {
		places = g.t.byRow[j:]
	}
	g.fill(cells, rows, &s.seen, places, v.e, v.stride)
	return g.scan(s, len(v.e), v.total, cells, rows, j, true)
}

func occupied[C cell](cells []C) bool {
	for _, n := range cells {
		if n != 0 {
			return true
		}
	}
	return false
}

// scan finds the best split of a column from its histogram, and clears what s owns of it.
func (g *grower[C]) scan(s *scratch[C], n int, total, cells []C, rows []uint32, j int, own bool) split {
	best := split{column: j}
	s.varied = false
	stride := len(total)
	s.scanner.reset(total)
	last, before := -1, 0 // the place before, and the entries up to it
	for at := 0; at < maxBins; at += 8 {
		for marks := binary.LittleEndian.Uint64(s.seen[at:]); marks != 0; marks &= marks - 1 {
			p := at + bits.TrailingZeros64(marks)/8
			if last >= 0 && (rows == nil || before >= g.c.MinLeaf && n-before >= g.c.MinLeaf) {
				best.consider(s.scanner.score(), last, p)
			}
			c := cells[p*stride:][:stride]
			s.scanner.move(c)
			if rows != nil {
				before += int(rows[p])
			}
			if own {
				clear(c)
				if rows != nil {
					rows[p] = 0
				}
			}
			s.varied = s.varied || last >= 0
			last = p
		}
	}
	clear(s.seen[:])
	return best
}

// sorted finds the best split of a column with too many values for a histogram.
func (g *grower[C]) sorted(s *scratch[C], v *view[C], j int) split {
	ranks := g.t.cols[j].ranks
	s.keys = s.keys[:0]
	for i, x := range v.e {
		s.keys = append(s.keys, uint64(ranks[x.row])<<32|uint64(i))
	}
	if cap(s.spare) < len(s.keys) {
		s.spare = make([]uint64, cap(s.keys))
	}
	s.keys, s.spare = sortKeys(s.keys, s.spare, g.t.cols[j].places())
	best := split{column: j}
	s.varied = false
	s.scanner.reset(v.total)
	cells := s.cells[:v.stride]
	last, n := -1, len(s.keys)
	for lo := 0; lo < n; {
		p, hi := s.keys[lo]>>32, lo
		for hi < n && s.keys[hi]>>32 == p {
			hi++
		}
		if last >= 0 && lo >= g.c.MinLeaf && n-lo >= g.c.MinLeaf {
			best.consider(s.scanner.score(), last, int(p))
		}
		for _, key := range s.keys[lo:hi] {
			i := uint32(key)
			g.fill(cells, nil, nil, g.t.origin, v.e[i:i+1], v.stride)
		}
		s.scanner.move(cells)
		clear(cells)
		s.varied = s.varied || last >= 0
		last, lo = int(p), hi
	}
	return best
}

// borrow returns scratch memory that nobody else uses.
func (g *grower[C]) borrow() *scratch[C] {
	if s, ok := g.spare.Get().(*scratch[C]); ok {
		return s
	}
	s := &scratch[C]{cells: make([]C, maxBins*g.stride), scanner: g.scanner()}
	if g.countRows {
		s.rows = make([]uint32, maxBins)
	}
	return s
}

// store returns an empty histogram of all columns.
func (g *grower[C]) store() *histogram[C] {
	g.stored--
	if n := len(g.idle); n > 0 {
		h := g.idle[n-1]
		g.idle = g.idle[:n-1]
		clear(h.cells)
		clear(h.rows)
		return h
	}
	places := g.offset[len(g.t.cols)]
	h := &histogram[C]{cells: make([]C, places*g.stride)}
	if g.countRows {
		h.rows = make([]uint32, places)
	}
	return h
}

// drop gives a histogram back.
func (g *grower[C]) drop(h *histogram[C]) {
	if h != nil {
		g.stored++
		g.idle = append(g.idle, h)
	}
}

// fillAll counts entries in every column that can be split.
func (g *grower[C]) fillAll(h *histogram[C], e []entry) error {
	return parallel.Blocks(g.ctx, len(g.all), max(1, len(g.all)/32), func(first, end int) error {
		for _, j := range g.all[first:end] {
			lo, hi := g.offset[j], g.offset[j+1]
			if lo == hi {
				continue
			}
			rows := []uint32(nil)
			if g.countRows {
				rows = h.rows[lo:hi]
			}
			g.fill(h.cells[lo*g.stride:hi*g.stride], rows, nil, g.t.cols[j].bytes, e, g.stride)
		}
		return nil
	})
}

// pass hands the histogram of a node on: the smaller child's is counted, the larger one's
// is the rest. Children too small for that go without.
func (g *grower[C]) pass(h *histogram[C], left, right *task[C]) error {
	if h == nil {
		return nil
	}
	small, large := left, right
	if small.hi-small.lo > large.hi-large.lo {
		small, large = large, small
	}
	if large.hi-large.lo < g.worth || g.stored == 0 {
		g.drop(h)
		return nil
	}
	part := g.store()
	if err := g.fillAll(part, g.e[small.lo:small.hi]); err != nil {
		return err
	}
	for i, n := range part.cells {
		h.cells[i] -= n
	}
	for i, n := range part.rows {
		h.rows[i] -= n
	}
	large.histogram = h
	if small.hi-small.lo >= g.worth {
		small.histogram = part
	} else {
		g.drop(part)
	}
	return nil
}

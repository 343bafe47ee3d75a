package project

import (
	"math"
	"sort"
)

// A quadtree holds points of the plane in the order of a curve that visits nearby ones
// together (Morton's), so that each square of the tree is a range of them. Two points
// are in one leaf when their squares of 2^-depth times the extent of all are the same, so
// that no number of points on one spot makes the tree deeper.
type quadtree struct {
	order  []int32   // point k of the tree is point order[k] of the caller
	points []float64 // x and y of each, in the order of the tree
	nodes  []node    // each before its children
	leaves []leaf

	keys, spare []key
}

// node is a square with all that is within: up to four nodes, or points.
type node struct {
	x, y, mass float64 // centre of mass, and number of points
	size2      float64 // squared diagonal of the least box around the points
	next       int32   // the node after all that is within
	lo, hi     int32   // the points of a leaf; lo = hi otherwise
}

// leaf is a group of points for which forces are computed together.
type leaf struct {
	node int32
	box
}

type box struct{ left, right, low, high float64 }

type key struct {
	code  uint64
	index int32
}

const (
	depth    = 22 // of the tree
	leafSize = 12 // points
)

// build makes the tree of n points, x and y of each.
func (t *quadtree) build(y []float64) {
	n := len(y) / 2
	if len(t.keys) != n {
		t.keys, t.spare = make([]key, n), make([]key, n)
		t.order, t.points = make([]int32, n), make([]float64, 2*n)
	}
	all := empty()
	for i := range n {
		all = all.with(y[2*i], y[2*i+1])
	}
	scale := (1 << depth) / max(all.right-all.left, all.high-all.low)
	if math.IsInf(scale, 0) {
		scale = 0 // all on one spot
	}
	cell := func(v float64) uint64 { return uint64(min(v*scale, 1<<depth-1)) }
	for i := range n {
		t.keys[i] = key{spread(cell(y[2*i]-all.left)) | spread(cell(y[2*i+1]-all.low))<<1, int32(i)}
	}
	t.sort()
	for k, key := range t.keys {
		i := key.index
		t.order[k] = i
		t.points[2*k], t.points[2*k+1] = y[2*i], y[2*i+1]
	}
	t.nodes, t.leaves = t.nodes[:0], t.leaves[:0]
	t.add(0, n, 2*depth)
}

// add appends the node of points lo to hi, whose codes agree but for their last bits, and
// returns the box around them.
func (t *quadtree) add(lo, hi, bits int) box {
	at := len(t.nodes)
	t.nodes = append(t.nodes, node{})
	b := empty()
	var nd node
	// Levels at which all points are in one quarter need no node.
	for bits > 0 && (t.keys[lo].code^t.keys[hi-1].code)>>(bits-2) == 0 {
		bits -= 2
	}
	if hi-lo <= leafSize || bits == 0 {
		for k := lo; k < hi; k++ {
			x, y := t.points[2*k], t.points[2*k+1]
			nd.x += x
			nd.y += y
			b = b.with(x, y)
		}
		nd.lo, nd.hi = int32(lo), int32(hi)
		t.leaves = append(t.leaves, leaf{int32(at), b})
	} else {
		for first := lo; first < hi; {
			quarter := t.keys[first].code >> (bits - 2)
			last := first + sort.Search(hi-first, func(k int) bool { return t.keys[first+k].code>>(bits-2) > quarter })
			child := len(t.nodes)
			b = b.join(t.add(first, last, bits-2))
			c := t.nodes[child]
			nd.x += c.x * c.mass
			nd.y += c.y * c.mass
			first = last
		}
	}
	nd.mass = float64(hi - lo)
	// A mean of equal values must not differ from them by a rounding error.
	nd.x = min(max(nd.x/nd.mass, b.left), b.right)
	nd.y = min(max(nd.y/nd.mass, b.low), b.high)
	nd.size2 = (b.right-b.left)*(b.right-b.left) + (b.high-b.low)*(b.high-b.low)
	nd.next = int32(len(t.nodes))
	t.nodes[at] = nd
	return b
}

// sort orders the keys by code, equal ones by index (radix sort, which is stable).
func (t *quadtree) sort() {
	const digit = 11
	var count [1 << digit]int
	for shift := 0; shift < 2*depth; shift += digit {
		clear(count[:])
		for _, k := range t.keys {
			count[k.code>>shift&(1<<digit-1)]++
		}
		at := 0
		for d, c := range count {
			count[d] = at
			at += c
		}
		for _, k := range t.keys {
			d := k.code >> shift & (1<<digit - 1)
			t.spare[count[d]] = k
			count[d]++
		}
		t.keys, t.spare = t.spare, t.keys
	}
}

// spread puts a zero bit before each of the lower 32 bits of v.
func spread(v uint64) uint64 {
	v = (v | v<<16) & 0x0000ffff0000ffff
	v = (v | v<<8) & 0x00ff00ff00ff00ff
	v = (v | v<<4) & 0x0f0f0f0f0f0f0f0f
	v = (v | v<<2) & 0x3333333333333333
	return (v | v<<1) & 0x5555555555555555
}

func empty() box { return box{math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)} }

func (b box) with(x, y float64) box {
	return box{min(b.left, x), max(b.right, x), min(b.low, y), max(b.high, y)}
}

func (b box) join(o box) box {
	return box{min(b.left, o.left), max(b.right, o.right), min(b.low, o.low), max(b.high, o.high)}
}

// body is something that repels: a point, or a square seen from afar.
type body struct{ x, y, mass float64 }

// bodies appends all that repels the points of leaf l except these points themselves: the
// squares whose diagonal is less than theta times the distance of their centre of mass from
// the nearest point that the box of l could have, and the points of all others. theta is
// at most 1, so that no square around the leaf itself is taken.
func (t *quadtree) bodies(list []body, l leaf, theta float64) []body {
	theta2 := theta * theta
	for at := int32(0); at < int32(len(t.nodes)); {
		nd := &t.nodes[at]
		dx := max(l.left-nd.x, nd.x-l.right, 0)
		dy := max(l.low-nd.y, nd.y-l.high, 0)
		switch {
		case nd.size2 < theta2*(dx*dx+dy*dy):
			list = append(list, body{nd.x, nd.y, nd.mass})
			at = nd.next
		case nd.lo == nd.hi:
			at++
		default:
			if at != l.node {
				for k := nd.lo; k < nd.hi; k++ {
					list = append(list, body{t.points[2*k], t.points[2*k+1], 1})
				}
			}
			at = nd.next
		}
	}
	return list
}

// repulsion stores into force, x and y of each point in the caller's order, the sum
//
//	sum over j of w_ij^2 (y_i - y_j),  w_ij = 1 / (1 + |y_i - y_j|^2)
//
// for the points of leaf l, and returns the sum of all their w_ij with j other than i.
func (t *quadtree) repulsion(force []float64, list []body, l leaf) float64 {
	nd := t.nodes[l.node]
	total := 0.0
	for k := nd.lo; k < nd.hi; k++ {
		x, y := t.points[2*k], t.points[2*k+1]
		sum, fx, fy := 0.0, 0.0, 0.0
		for _, b := range list {
			dx, dy := x-b.x, y-b.y
			w := 1 / (1 + dx*dx + dy*dy)
			mw := b.mass * w
			sum += mw
			mw *= w
			fx += mw * dx
			fy += mw * dy
		}
		if nd.size2 == 0 { // all on one spot
			sum += nd.mass - 1
		} else {
			for o := nd.lo; o < nd.hi; o++ {
				if o == k {
					continue
				}
				dx, dy := x-t.points[2*o], y-t.points[2*o+1]
				w := 1 / (1 + dx*dx + dy*dy)
				sum += w
				w *= w
				fx += w * dx
				fy += w * dy
			}
		}
		i := t.order[k]
		force[2*i], force[2*i+1] = fx, fy
		total += sum
	}
	return total
}

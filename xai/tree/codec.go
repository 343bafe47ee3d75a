package tree

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"
)

// ErrFormat is matched by errors about a file that is not a saved tree, or is damaged.
var ErrFormat = errors.New("not a usable tree file")

// The saved form of a Tree, all numbers little-endian:
//
//	magic    "whybook tree 1\n"
//	header   u32 criterion, columns, outputs, nodes
//	nodes    in preorder: u32 kind and what it has
//	         a column: f64 threshold of its test
//	         0xffffffff, a leaf: u32 rows, f64 weight, outputs x f64, f64 impurity
//	         0xfffffffe, a leaf of one class: u32 rows, f64 weight, u32 class
//	sha256   of all the above
//
// Preorder with marked leaves has only one tree that it can mean, so that no pointer has to
// be believed.
const magic = "whybook tree 1\n"

const (
	mixedLeaf = math.MaxUint32 - iota
	pureLeaf
)

// Save writes the tree in a format that Load reads.
func (t *Tree) Save(w io.Writer) error {
	if t == nil || len(t.nodes) == 0 {
		return errors.New("tree.Tree.Save: there is no tree")
	}
	le := binary.LittleEndian
	b := make([]byte, 0, len(magic)+16+12*len(t.nodes)+8*len(t.rows)+8*len(t.values)+sha256.Size)
	b = append(b, magic...)
	for _, v := range []int{int(t.criterion), t.columns, t.outputs, len(t.nodes)} {
		b = le.AppendUint32(b, uint32(v))
	}
	number := func(v float64) { b = le.AppendUint64(b, math.Float64bits(v)) }
	for _, n := range t.nodes {
		if n.feature != leaf {
			b = le.AppendUint32(b, uint32(n.feature))
			number(n.threshold)
			continue
		}
		kind := uint32(mixedLeaf)
		if n.threshold >= 0 {
			kind = pureLeaf
		}
		b = le.AppendUint32(b, kind)
		b = le.AppendUint32(b, uint32(t.rows[n.right]))
		number(t.weight[n.right])
		if kind == pureLeaf {
			b = le.AppendUint32(b, uint32(n.threshold))
			continue
		}
		for _, v := range t.mixed(n.right) {
			number(v)
		}
		number(t.impurity[n.right])
	}
	sum := sha256.Sum256(b)
	if _, err := w.Write(append(b, sum[:]...)); err != nil {
		return fmt.Errorf("tree.Tree.Save: %w", err)
	}
	return nil
}

// Load reads a tree that Save wrote, and nothing beyond it. Anything else is an error that
// matches ErrFormat, unless reading itself fails.
func Load(r io.Reader) (*Tree, error) {
	t, err := decode(r)
	if err != nil {
		return nil, fmt.Errorf("tree.Load: %w", err)
	}
	return t, nil
}

func decode(r io.Reader) (*Tree, error) {
	d := decoder{r: r, hash: sha256.New()}
	if got := d.bytes(len(magic)); d.err == nil && string(got) != magic {
		return nil, fmt.Errorf("starts with %q, want %q: %w", got, magic, ErrFormat)
	}
	t := &Tree{criterion: Criterion(min(d.number(), 255)), columns: d.number(), outputs: d.number()}
	nodes := d.number()
	if d.err != nil {
		return nil, d.err
	}
	if t.criterion > variance || t.columns < 1 || t.outputs < 1 || t.outputs > maxOutputs || nodes < 1 || nodes > math.MaxInt32 || nodes%2 == 0 {
		return nil, fmt.Errorf("claims criterion %d, %d columns, %d outputs and %d nodes: %w", t.criterion, t.columns, t.outputs, nodes, ErrFormat)
	}
	// waiting are the tests whose right child is still to come; left children follow at once.
	var waiting []int32
	child := false // the node belongs to the one before it
	for id := 0; id < nodes && d.err == nil; id++ {
		if id > 0 && !child {
			if len(waiting) == 0 {
				return nil, fmt.Errorf("node %d belongs to no test: %w", id, ErrFormat)
			}
			t.nodes[waiting[len(waiting)-1]].right = int32(id)
			waiting = waiting[:len(waiting)-1]
		}
		column := d.number()
		if child = column < pureLeaf; child {
			n := node{feature: int32(column), threshold: d.float()}
			if d.err == nil && column >= t.columns {
				return nil, fmt.Errorf("node %d tests column %d of %d: %w", id, column, t.columns, ErrFormat)
			}
			t.nodes = append(t.nodes, n)
			waiting = append(waiting, int32(id))
			continue
		}
		t.readLeaf(&d, column == pureLeaf)
	}
	sum := d.hash.Sum(nil)
	got := d.bytes(sha256.Size)
	switch {
	case d.err != nil:
		return nil, d.err
	case len(waiting) > 0 || child:
		return nil, fmt.Errorf("%d tests have no right child: %w", len(waiting), ErrFormat)
	case !bytes.Equal(sum, got):
		return nil, fmt.Errorf("sha256 is %x, want %x: %w", sum, got, ErrFormat)
	}
	return t, nil
}

// maxOutputs bounds what a damaged header makes Load allocate for one leaf.
const maxOutputs = 1 << 24

// readLeaf reads a leaf, of one class if it is pure, and appends its node.
func (t *Tree) readLeaf(d *decoder, pure bool) {
	rows, weight := d.number(), d.float()
	if d.err == nil && (rows < 1 || rows > math.MaxInt32 || weight <= 0) {
		d.err = fmt.Errorf("a leaf of %d rows with weight %v: %w", rows, weight, ErrFormat)
	}
	var values []float64
	sum := 0.0
	if pure {
		class := d.number()
		if d.err == nil && (class >= t.outputs || t.criterion == variance) {
			d.err = fmt.Errorf("a leaf of class %d only: %w", class, ErrFormat)
		}
		if d.err == nil {
			t.nodes = append(t.nodes, t.addPure(rows, weight, class))
		}
		return
	}
	for range t.outputs {
		v := d.float()
		if d.err == nil && t.criterion != variance && v < 0 {
			d.err = fmt.Errorf("a class of weight %v: %w", v, ErrFormat)
		}
		if d.err != nil {
			return
		}
		sum += v
		values = append(values, v)
	}
	impurity := d.float()
	if d.err == nil && (impurity < -1e-9 || t.criterion != variance && math.Abs(sum-weight) > 1e-6*weight) {
		d.err = fmt.Errorf("values of weight %v in a leaf of weight %v and impurity %v: %w", sum, weight, impurity, ErrFormat)
	}
	if d.err == nil {
		t.nodes = append(t.nodes, t.newLeaf(rows, weight, impurity, values))
	}
}

// decoder reads until the first error, which it keeps; afterwards it returns zeros. What it
// allocates grows with the bytes that are there, not with those that are claimed.
type decoder struct {
	r    io.Reader
	hash hash.Hash // of what was read
	err  error
	buf  [8]byte
}

func (d *decoder) bytes(n int) []byte {
	p := d.buf[:]
	if n > len(p) {
		p = make([]byte, n) // magic and sum only
	}
	p = p[:n]
	if d.err != nil {
		return p
	}
	if _, err := io.ReadFull(d.r, p); err != nil {
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			err = fmt.Errorf("ends too early: %w", ErrFormat)
		}
		d.err = err
		clear(p)
		return p
	}
	d.hash.Write(p)
	return p
}

func (d *decoder) number() int { return int(binary.LittleEndian.Uint32(d.bytes(4))) }

// float reads a finite number.
func (d *decoder) float() float64 {
	v := math.Float64frombits(binary.LittleEndian.Uint64(d.bytes(8)))
	if d.err == nil && !finite(v) {
		d.err = fmt.Errorf("holds %v: %w", v, ErrFormat)
		return 0
	}
	return v
}

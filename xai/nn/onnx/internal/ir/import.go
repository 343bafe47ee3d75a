package ir

import (
	"container/heap"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sort"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/nn/onnx/internal/pb"
)

// The operator sets that are understood.
const (
	MinOpset = 11
	MaxOpset = 21
)

const (
	maxSize = 1 << 28 // values of a row at any node
	maxAxes = 16
	spare   = 1 << 22 // constants and coordinates that any file may make us allocate
)

// Options says how to read a model that leaves something open.
type Options struct {
	Output string         // which output, where there are several
	Axes   map[string]int // sizes of named axes other than the batch
	Folder fs.FS          // where external data lies
}

// UnsupportedError says which part of a model has no counterpart here.
type UnsupportedError struct {
	Op   string // the operator, "Conv"
	Node string // the node's name, or its output's
	Need string // what would be needed
}

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("onnx: node %q: operator %s is not supported here: it needs %s", e.Node, e.Op, e.Need)
}

// errFormat is what a graph that contradicts itself matches.
var errFormat = pb.ErrFormat

// value is what a tensor name stands for: a constant or a node.
type value struct {
	tensor *Tensor
	node   *Node
}

// open is the size of the batch axis.
const open = -1

// dims returns the shape with the batch axis.
func (v value) dims() []int {
	if v.tensor != nil {
		return v.tensor.Dims
	}
	return append([]int{open}, v.node.Shape...)
}

// importer holds the state of one import.
type importer struct {
	opset  int
	fixed  int64 // the batch size that the file declares, 0 where it is open
	values map[string]value
	graph  *Graph
	budget int // how many more elements may be allocated
}

// Import checks a model and lists its operations.
func Import(m *pb.Model, o Options) (*Graph, error) {
	im := &importer{values: map[string]value{}, graph: &Graph{}, budget: spare + m.Bytes}
	if err := im.version(m); err != nil {
		return nil, err
	}
	g := &m.Graph
	if g.Sparse > 0 {
		return nil, &UnsupportedError{Op: "sparse_initializer", Node: g.Name, Need: "sparse weights; save the model with dense ones"}
	}
	output, err := chooseOutput(g, o.Output)
	if err != nil {
		return nil, err
	}
	weights, err := initializers(g)
	if err != nil {
		return nil, err
	}
	if err := im.input(g, weights, o.Axes); err != nil {
		return nil, err
	}
	order, tensors, err := sortNodes(g, weights, im.values, output)
	if err != nil {
		return nil, err
	}
	for _, t := range tensors {
		if t.External() != "" {
			if o.Folder == nil {
				return nil, fmt.Errorf("onnx: tensor %q lies in the external file %q: read the model from its folder with ReadFile, or give Options.Folder", t.Name, t.External())
			}
			if err := t.Fetch(o.Folder); err != nil {
				return nil, fmt.Errorf("onnx: %w", err)
			}
		}
		c, err := im.constant(t)
		if err != nil {
			return nil, err
		}
		im.values[t.Name] = value{tensor: c}
	}
	for _, n := range order {
		if err := im.node(n); err != nil {
			return nil, err
		}
	}
	v := im.values[output]
	if v.node == nil {
		return nil, fmt.Errorf("onnx: output %q is a constant: %w", output, errFormat)
	}
	im.graph.Output = v.node
	im.prune()
	return im.graph, nil
}

func (im *importer) version(m *pb.Model) error {
	found := false
	for _, o := range m.Opsets {
		if o.Domain != "" && o.Domain != "ai.onnx" {
			continue // a node of another domain is refused by name
		}
		if o.Version < MinOpset || o.Version > MaxOpset {
			return &UnsupportedError{Op: "opset_import", Node: m.Graph.Name,
				Need: fmt.Sprintf("operator set %d; %d to %d are read: convert the model with onnx.version_converter or export it again", o.Version, MinOpset, MaxOpset)}
		}
		im.opset, found = int(o.Version), true
	}
	if !found {
		return fmt.Errorf("onnx: the model names no operator set: %w", errFormat)
	}
	return nil
}

func chooseOutput(g *pb.Graph, name string) (string, error) {
	names := make([]string, len(g.Outputs))
	for i, o := range g.Outputs {
		names[i] = o.Name
	}
	switch {
	case name == "" && len(names) == 1:
		return names[0], nil
	case len(names) == 0:
		return "", fmt.Errorf("onnx: the graph has no outputs: %w", errFormat)
	case name == "":
		return "", fmt.Errorf("onnx: the model has the outputs %q: choose one with Options.Output", names)
	case !slices.Contains(names, name):
		return "", fmt.Errorf("onnx: no output %q: the model has %q", name, names)
	}
	return name, nil
}

func initializers(g *pb.Graph) (map[string]*pb.Tensor, error) {
	weights := make(map[string]*pb.Tensor, len(g.Initializers))
	for i := range g.Initializers {
		t := &g.Initializers[i]
		if weights[t.Name] != nil || t.Name == "" {
			return nil, fmt.Errorf("onnx: the name %q of an initializer is empty or not unique: %w", t.Name, errFormat)
		}
		weights[t.Name] = t
	}
	return weights, nil
}

// input finds the one input that is not an initializer.
func (im *importer) input(g *pb.Graph, weights map[string]*pb.Tensor, axes map[string]int) error {
	var in *pb.ValueInfo
	for i := range g.Inputs {
		if weights[g.Inputs[i].Name] != nil {
			continue // old files list the weights here too
		}
		if in != nil {
			return &UnsupportedError{Op: "input", Node: g.Inputs[i].Name, Need: fmt.Sprintf("a second input beside %q", in.Name)}
		}
		in = &g.Inputs[i]
	}
	switch {
	case in == nil || in.Name == "":
		return fmt.Errorf("onnx: the graph has no input: %w", errFormat)
	case !in.Type.IsFloat():
		return &UnsupportedError{Op: "input", Node: in.Name, Need: fmt.Sprintf("an input of type %v; floating-point inputs are read", in.Type)}
	case !in.HasShape || len(in.Dims) == 0 || len(in.Dims) > maxAxes:
		return fmt.Errorf("onnx: input %q has %d axes; it needs a batch axis and the axes of one sample: %w", in.Name, len(in.Dims), xai.ErrShape)
	}
	shape := make([]int, 0, len(in.Dims)-1)
	for i, d := range in.Dims {
		if i == 0 {
			im.fixed = max(d.Size, 0)
			continue
		}
		size := d.Size
		if d.Name != "" {
			size = int64(axes[d.Name])
		}
		if size < 1 || size > maxSize {
			if d.Name != "" {
				return fmt.Errorf("onnx: input %q: axis %d (%q) has no fixed size; only the first axis, the batch, may vary: give its size in Options.Axes or export the model with a fixed size: %w", in.Name, i, d.Name, xai.ErrShape)
			}
			return fmt.Errorf("onnx: input %q: axis %d has size %d; only the first axis, the batch, may vary, and a row has at most %d values: %w", in.Name, i, d.Size, maxSize, xai.ErrShape)
		}
		shape = append(shape, int(size))
	}
	n, err := im.add(&Node{Name: in.Name, Op: Input{}, Shape: shape})
	im.values[in.Name] = value{node: n}
	return err
}

// sortNodes returns the nodes on which the output depends, every one after its inputs and
// otherwise in the file's order, and the initializers that they use.
func sortNodes(g *pb.Graph, weights map[string]*pb.Tensor, given map[string]value, output string) ([]*pb.Node, []*pb.Tensor, error) {
	maker := map[string]int{}
	for i := range g.Nodes {
		for _, name := range g.Nodes[i].Outputs {
			if name == "" {
				continue
			}
			_, twice := maker[name]
			_, input := given[name]
			if twice || input || weights[name] != nil {
				return nil, nil, fmt.Errorf("onnx: the tensor %q is made twice, the second time by node %q: %w", name, label(&g.Nodes[i]), errFormat)
			}
			maker[name] = i
		}
	}
	// Backwards from the output: which nodes and weights are needed, who waits for whom.
	needed, waiting, users := map[int]bool{}, map[int]int{}, map[int][]int{}
	var tensors []*pb.Tensor
	have := map[string]bool{}
	var queue []int
	need := func(name string, user int) error {
		if i, ok := maker[name]; ok {
			if user >= 0 {
				users[i] = append(users[i], user)
				waiting[user]++
			}
			if !needed[i] {
				needed[i] = true
				queue = append(queue, i)
			}
			return nil
		}
		if t := weights[name]; t != nil {
			if !have[name] {
				have[name] = true
				tensors = append(tensors, t)
			}
			return nil
		}
		if _, ok := given[name]; ok {
			return nil
		}
		if user < 0 {
			return fmt.Errorf("onnx: nothing makes the output %q: %w", name, errFormat)
		}
		return fmt.Errorf("onnx: node %q: nothing makes its input %q: %w", label(&g.Nodes[user]), name, errFormat)
	}
	if err := need(output, -1); err != nil {
		return nil, nil, err
	}
	for len(queue) > 0 {
		i := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		for _, name := range g.Nodes[i].Inputs {
			if name == "" {
				continue
			}
			if err := need(name, i); err != nil {
				return nil, nil, err
			}
		}
	}
	ready := &indices{}
	for i := range g.Nodes {
		if needed[i] && waiting[i] == 0 {
			heap.Push(ready, i)
		}
	}
	var order []*pb.Node
	for ready.Len() > 0 {
		i := heap.Pop(ready).(int)
		order = append(order, &g.Nodes[i])
		for _, u := range users[i] {
			if waiting[u]--; waiting[u] == 0 {
				heap.Push(ready, u)
			}
		}
	}
	if len(order) < len(needed) {
		for i := range g.Nodes {
			if needed[i] && waiting[i] > 0 {
				return nil, nil, fmt.Errorf("onnx: node %q depends on its own output (a cycle): %w", label(&g.Nodes[i]), errFormat)
			}
		}
	}
	return order, tensors, nil
}

// indices is a heap of node numbers.
type indices struct{ sort.IntSlice }

func (h *indices) Push(x any) { h.IntSlice = append(h.IntSlice, x.(int)) }

func (h *indices) Pop() any {
	last := h.IntSlice[len(h.IntSlice)-1]
	h.IntSlice = h.IntSlice[:len(h.IntSlice)-1]
	return last
}

// label names a node for people.
func label(n *pb.Node) string {
	if n.Name != "" || len(n.Outputs) == 0 {
		return n.Name
	}
	return n.Outputs[0]
}

// constant makes a tensor of one that lies in the file.
func (im *importer) constant(t *pb.Tensor) (*Tensor, error) {
	if err := t.Check(); err != nil {
		return nil, fmt.Errorf("onnx: %w", err)
	}
	c := &Tensor{Name: t.Name, Dims: make([]int, len(t.Dims))}
	if len(t.Dims) > maxAxes {
		return nil, fmt.Errorf("onnx: tensor %q has %d axes: %w", t.Name, len(t.Dims), errFormat)
	}
	for i, d := range t.Dims {
		if d > maxSize {
			return nil, fmt.Errorf("onnx: tensor %q: impossible shape %v: %w", t.Name, t.Dims, errFormat)
		}
		c.Dims[i] = int(d)
	}
	if t.Type.IsFloat() {
		c.file = t
		return c, nil
	}
	if err := im.charge(c.Len()); err != nil {
		return nil, err
	}
	list, err := t.Ints()
	if err != nil {
		return nil, fmt.Errorf("onnx: %w", err)
	}
	c.whole, c.ints = true, make([]Int, len(list))
	for i, v := range list {
		c.ints[i].Const = v
	}
	return c, nil
}

var errBudget = errors.New("onnx: the constants computed at import are far larger than the file")

// charge accounts for n elements that are about to be allocated.
func (im *importer) charge(n int) error {
	if n < 0 || n > im.budget {
		return fmt.Errorf("%w: %w", errBudget, errFormat)
	}
	im.budget -= n
	return nil
}

// add appends a node after checking its size.
func (im *importer) add(n *Node) (*Node, error) {
	size := 1
	for _, d := range n.Shape {
		if d < 1 || d > maxSize/size {
			return nil, fmt.Errorf("onnx: node %q has shape %v, which is empty or larger than %d values: %w", n.Name, n.Shape, maxSize, xai.ErrShape)
		}
		size *= d
	}
	if len(n.Shape) > maxAxes {
		return nil, fmt.Errorf("onnx: node %q has %d axes; at most %d are read: %w", n.Name, len(n.Shape), maxAxes, xai.ErrShape)
	}
	im.graph.Nodes = append(im.graph.Nodes, n)
	return n, nil
}

// prune drops the nodes from which only shapes were used.
func (im *importer) prune() {
	used := map[*Node]bool{im.graph.Output: true, im.graph.Nodes[0]: true}
	kept := im.graph.Nodes[:0:0]
	for _, n := range slices.Backward(im.graph.Nodes) {
		if used[n] {
			kept = append(kept, n)
			for _, in := range n.In {
				used[in] = true
			}
		}
	}
	slices.Reverse(kept)
	im.graph.Nodes = kept
}

package ir

import (
	"fmt"
	"math"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/nn/onnx/internal/pb"
)

// call is one ONNX node while it is imported.
type call struct {
	*importer
	node  *pb.Node
	in    []value
	attrs map[string]*pb.Attribute // those not yet asked for
}

// node imports one ONNX node.
func (im *importer) node(n *pb.Node) error {
	c := &call{importer: im, node: n, attrs: map[string]*pb.Attribute{}}
	if n.Domain != "" && n.Domain != "ai.onnx" {
		return c.unsupported("the operators of domain %q", n.Domain)
	}
	for i := range n.Attributes {
		c.attrs[n.Attributes[i].Name] = &n.Attributes[i]
	}
	for _, name := range n.Inputs {
		c.in = append(c.in, im.values[name]) // "" is not a key: an input left out
	}
	out, err := c.apply()
	if err != nil {
		return err
	}
	// A setting that nobody asked for would be ignored in silence.
	for i := range n.Attributes {
		if a := c.attrs[n.Attributes[i].Name]; a != nil {
			return c.unsupported("the attribute %q", a.Name)
		}
	}
	if len(n.Outputs) > 0 && n.Outputs[0] != "" {
		im.values[n.Outputs[0]] = out
	}
	return nil
}

// apply runs the rule for the node's operator.
func (c *call) apply() (value, error) {
	switch c.node.Op {
	case "Conv":
		return c.conv()
	case "ConvTranspose":
		return c.convTranspose()
	case "MaxPool", "AveragePool":
		return c.pool()
	case "GlobalAveragePool":
		return c.globalAverage()
	case "Gemm":
		return c.gemm()
	case "MatMul":
		return c.matMul()
	case "BatchNormalization":
		return c.batchNorm()
	case "Relu":
		return c.unary(Relu{})
	case "LeakyRelu":
		slope, err := c.float("alpha", 0.01)
		if err != nil {
			return value{}, err
		}
		return c.unary(LeakyRelu{Slope: slope})
	case "Sigmoid":
		return c.unary(Sigmoid{})
	case "Tanh":
		return c.unary(Tanh{})
	case "Clip":
		return c.clip()
	case "Softmax", "LogSoftmax":
		return c.softmax()
	case "Dropout":
		return c.dropout()
	case "ReduceMean":
		return c.reduceMean(18)
	case "ReduceSum":
		return c.reduceSum()
	case "Neg":
		return c.neg()
	case "Pow":
		return c.pow()
	case "Add", "Sub", "Mul", "Div":
		return c.arithmetic()
	case "Mod":
		return c.mod()
	case "Sum":
		return c.sum()
	case "Identity":
		return c.arg(0)
	case "Cast":
		return c.cast()
	case "Constant":
		return c.constantNode()
	case "ConstantOfShape":
		return c.constantOfShape()
	case "Shape":
		return c.shapeOf()
	case "Reshape":
		return c.reshape()
	case "Flatten":
		return c.flatten()
	case "Squeeze":
		return c.squeeze()
	case "Unsqueeze":
		return c.unsqueeze()
	case "Transpose":
		return c.transpose()
	case "Slice":
		return c.slice()
	case "Gather":
		return c.gather()
	case "Pad":
		return c.pad()
	case "Resize":
		return c.resize()
	case "Concat":
		return c.concat()
	case "Split":
		return c.split()
	}
	if c.arithmeticOnly() {
		return value{}, c.unsupported("its result computed from constants and shapes when the model is read, for which there is no rule; simplify the model with onnxsim or export it with fixed sizes")
	}
	return value{}, c.unsupported("a layer of its own, which has no counterpart here")
}

// arithmeticOnly tells whether the node works on what is known at import alone.
func (c *call) arithmeticOnly() bool {
	known := false
	for _, v := range c.in {
		if v.node != nil {
			return false
		}
		known = known || v.tensor != nil
	}
	return known
}

func (c *call) unsupported(need string, args ...any) error {
	return &UnsupportedError{Op: c.node.Op, Node: label(c.node), Need: fmt.Sprintf(need, args...)}
}

// errorf reports a node that contradicts ONNX.
func (c *call) errorf(format string, args ...any) error {
	return fmt.Errorf("onnx: node %q: operator %s: %w: %w", label(c.node), c.node.Op, fmt.Errorf(format, args...), errFormat)
}

// shapeErrorf reports sizes that do not fit each other.
func (c *call) shapeErrorf(format string, args ...any) error {
	return fmt.Errorf("onnx: node %q: operator %s: %w: %w", label(c.node), c.node.Op, fmt.Errorf(format, args...), xai.ErrShape)
}

// has tells whether an input is given.
func (c *call) has(i int) bool {
	return i < len(c.in) && (c.in[i].tensor != nil || c.in[i].node != nil)
}

// arg returns an input that must be given.
func (c *call) arg(i int) (value, error) {
	if !c.has(i) {
		if i < len(c.node.Inputs) && c.node.Inputs[i] != "" {
			return value{}, c.unsupported("the tensor %q, a further output of another node", c.node.Inputs[i])
		}
		return value{}, c.errorf("input %d is missing", i)
	}
	return c.in[i], nil
}

// rows returns an input that must be computed from the network's input.
func (c *call) rows(i int) (*Node, error) {
	v, err := c.arg(i)
	if err != nil {
		return nil, err
	}
	if v.node == nil {
		return nil, c.unsupported("input %q as a constant; it must depend on the network's input", c.node.Inputs[i])
	}
	return v.node, nil
}

// weight returns an input that must be a floating-point constant.
func (c *call) weight(i int) (*Tensor, error) {
	v, err := c.arg(i)
	switch {
	case err != nil:
		return nil, err
	case v.tensor == nil:
		return nil, c.unsupported("input %q computed from the network's input; it must be a constant", c.node.Inputs[i])
	case v.tensor.whole:
		return nil, c.unsupported("the integer tensor %q as weights; floating-point weights are read", c.node.Inputs[i])
	}
	return v.tensor, nil
}

// vector returns a weight of n values.
func (c *call) vector(i, n int) (*Tensor, error) {
	t, err := c.weight(i)
	if err != nil {
		return nil, err
	}
	if len(t.Dims) != 1 || t.Dims[0] != n {
		return nil, c.shapeErrorf("tensor %q has shape %v, needs %v", c.node.Inputs[i], t.Dims, []int{n})
	}
	return t, nil
}

// indexes returns an input that must be a constant vector or scalar of integers. They may
// hold the batch size.
func (c *call) indexes(i int) ([]Int, error) {
	v, err := c.arg(i)
	switch {
	case err != nil:
		return nil, err
	case v.tensor == nil:
		return nil, c.unsupported("input %q computed from the network's input; it must be a constant", c.node.Inputs[i])
	case !v.tensor.whole:
		return nil, c.errorf("input %q must hold integers", c.node.Inputs[i])
	case len(v.tensor.Dims) > 1:
		return nil, c.errorf("input %q must be a vector, has shape %v", c.node.Inputs[i], v.tensor.Dims)
	}
	return v.tensor.ints, nil
}

// numbers is indexes without the batch size.
func (c *call) numbers(i int) ([]int64, error) {
	list, err := c.indexes(i)
	if err != nil {
		return nil, err
	}
	out := make([]int64, len(list))
	for j, v := range list {
		if v.Batch != 0 {
			return nil, c.unsupported("a setting that depends on the batch size (input %q)", c.node.Inputs[i])
		}
		out[j] = v.Const
	}
	return out, nil
}

// scalar returns a constant input of one number.
func (c *call) scalar(i int) (float64, error) {
	t, err := c.weight(i)
	if err != nil {
		return 0, err
	}
	if t.Len() != 1 {
		return 0, c.shapeErrorf("tensor %q has shape %v, needs one number", c.node.Inputs[i], t.Dims)
	}
	return t.Floats()[0], nil
}

// take returns an attribute and marks it as asked for.
func (c *call) take(name string, t pb.AttributeType) (*pb.Attribute, error) {
	a := c.attrs[name]
	if a == nil {
		return nil, nil
	}
	delete(c.attrs, name)
	if a.Type != t {
		return nil, c.errorf("attribute %q has type %d, needs %d", name, a.Type, t)
	}
	return a, nil
}

// ignore marks attributes that say nothing about the result.
func (c *call) ignore(names ...string) {
	for _, name := range names {
		delete(c.attrs, name)
	}
}

func (c *call) int(name string, otherwise int64) (int64, error) {
	a, err := c.take(name, pb.AttributeInt)
	if a == nil {
		return otherwise, err
	}
	return a.I, nil
}

func (c *call) float(name string, otherwise float64) (float64, error) {
	a, err := c.take(name, pb.AttributeFloat)
	if a == nil {
		return otherwise, err
	}
	if f := float64(a.F); !math.IsNaN(f) && !math.IsInf(f, 0) {
		return f, nil
	}
	return 0, c.errorf("attribute %q is %v, must be finite", name, a.F)
}

func (c *call) text(name, otherwise string) (string, error) {
	a, err := c.take(name, pb.AttributeString)
	if a == nil {
		return otherwise, err
	}
	return a.S, nil
}

// ints returns a list, or nil where the attribute is absent.
func (c *call) ints(name string) ([]int64, error) {
	a, err := c.take(name, pb.AttributeInts)
	if a == nil {
		return nil, err
	}
	if a.Ints == nil {
		return []int64{}, nil
	}
	return a.Ints, nil
}

// axis turns an axis of a tensor, which may count from the end, into an index.
func (c *call) axis(axis int64, rank int) (int, error) {
	if axis < int64(-rank) || axis >= int64(rank) {
		return 0, c.errorf("axis %d of a tensor with %d axes", axis, rank)
	}
	if axis < 0 {
		axis += int64(rank)
	}
	return int(axis), nil
}

// axes is axis for a list without repetition; the result says for each axis whether it is
// listed.
func (c *call) axes(list []int64, rank int) ([]bool, error) {
	is := make([]bool, rank)
	for _, a := range list {
		i, err := c.axis(a, rank)
		if err != nil {
			return nil, err
		}
		if is[i] {
			return nil, c.errorf("axis %d is listed twice", a)
		}
		is[i] = true
	}
	return is, nil
}

// emit adds the node's operation.
func (c *call) emit(op Op, shape []int, in ...*Node) (value, error) {
	n, err := c.add(&Node{Name: label(c.node), Op: op, In: in, Shape: shape})
	return value{node: n}, err
}

// unary adds an operation that keeps the shape.
func (c *call) unary(op Op) (value, error) {
	x, err := c.rows(0)
	if err != nil {
		return value{}, err
	}
	return c.emit(op, x.Shape, x)
}

// keep adds a Reshape, if it changes anything.
func (c *call) keep(x *Node, shape []int) (value, error) {
	if equal(x.Shape, shape) {
		return value{node: x}, nil
	}
	return c.emit(Reshape{}, shape, x)
}

// move applies a rearrangement of all axes, the batch included, and names the result's
// shape. The batch axis must stay where it is.
func (c *call) move(v value, r Rearrange, dims []int) (value, error) {
	if len(dims) > maxAxes {
		return value{}, c.errorf("%d axes", len(dims))
	}
	if v.tensor != nil {
		if err := c.charge(count(r.Dims())); err != nil {
			return value{}, err
		}
		return value{tensor: v.tensor.pick(dims, r.Columns(), r.Fill)}, nil
	}
	if r.Perm[0] != 0 || r.Pick[0] != nil || len(dims) == 0 || dims[0] != open {
		return value{}, c.mixes()
	}
	row := Rearrange{From: r.From[1:], Fill: r.Fill}
	for i, axis := range r.Perm[1:] {
		row.Perm, row.Pick = append(row.Perm, axis-1), append(row.Pick, r.Pick[i+1])
	}
	if row.still() {
		return c.keep(v.node, dims[1:])
	}
	return c.emit(row, dims[1:], v.node)
}

// mixes reports an operation on the batch axis.
func (c *call) mixes() error {
	return c.unsupported("to move, cut or mix rows of the batch (axis 0)")
}

// same describes a rearrangement that moves nothing yet.
func same(dims []int) Rearrange {
	r := Rearrange{From: dims, Perm: make([]int, len(dims)), Pick: make([][]int, len(dims))}
	for i := range dims {
		r.Perm[i] = i
	}
	return r
}

// count is the number of elements of a shape, or -1 where it is absurd.
func count(dims []int) int {
	n := 1
	for _, d := range dims {
		if d < 0 || d > 0 && n > maxSize*8/d {
			return -1
		}
		n *= d
	}
	return n
}

func equal(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

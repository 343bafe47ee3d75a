package ir

import (
	"math"

	"github.com/whybook/whybook/xai/nn/onnx/internal/pb"
)

func (c *call) clip() (value, error) {
	op := Clip{Min: math.Inf(-1), Max: math.Inf(1)}
	var err error
	for i, into := range []*float64{&op.Min, &op.Max} {
		if i+1 < len(c.node.Inputs) && c.node.Inputs[i+1] != "" {
			if *into, err = c.scalar(i + 1); err != nil {
				return value{}, err
			}
		}
	}
	if !(op.Min <= op.Max) {
		return value{}, c.errorf("limits %v and %v", op.Min, op.Max)
	}
	return c.unary(op)
}

func (c *call) softmax() (value, error) {
	x, err := c.rows(0)
	if err != nil {
		return value{}, err
	}
	rank := 1 + len(x.Shape)
	otherwise := int64(-1)
	if c.opset < 13 {
		otherwise = 1
	}
	a, err := c.int("axis", otherwise)
	if err != nil {
		return value{}, err
	}
	axis, err := c.axis(a, rank)
	if err != nil {
		return value{}, err
	}
	if axis == 0 {
		return value{}, c.mixes()
	}
	op := Softmax{From: axis - 1, To: axis, Log: c.node.Op == "LogSoftmax"}
	if c.opset < 13 {
		op.To = len(x.Shape) // it used to treat the axis and all after it as one
	}
	return c.emit(op, x.Shape, x)
}

func (c *call) dropout() (value, error) {
	c.ignore("ratio", "seed")
	if c.has(2) {
		if t := c.in[2].tensor; t == nil || !t.whole || t.Len() != 1 || t.ints[0] != (Int{}) {
			return value{}, c.unsupported("training mode; export the model in evaluation mode")
		}
	}
	return c.arg(0)
}

// reduceMean averages over axes, which became an input in operator set since.
func (c *call) reduceMean(since int) (value, error) {
	x, err := c.rows(0)
	if err != nil {
		return value{}, err
	}
	keep, err := c.int("keepdims", 1)
	if err != nil {
		return value{}, err
	}
	list, err := c.list("axes", since)
	if err != nil {
		return value{}, err
	}
	noop, err := c.int("noop_with_empty_axes", 0)
	if err != nil {
		return value{}, err
	}
	if len(list) == 0 {
		if noop != 0 {
			return value{node: x}, nil
		}
		return value{}, c.mixes() // all axes, the batch too
	}
	is, err := c.axes(list, 1+len(x.Shape))
	if err != nil {
		return value{}, err
	}
	if is[0] {
		return value{}, c.mixes()
	}
	op, shape := Mean{}, []int{}
	for i, d := range x.Shape {
		switch {
		case !is[i+1]:
			shape = append(shape, d)
			continue
		case keep != 0:
			shape = append(shape, 1)
		}
		op.Axes = append(op.Axes, i)
	}
	return c.emit(op, shape, x)
}

// reduceSum multiplies a mean by the number of its terms.
func (c *call) reduceSum() (value, error) {
	v, err := c.reduceMean(13)
	if err != nil || v == c.in[0] { // no axes to reduce
		return v, err
	}
	v.node.Name += "/mean"
	terms := v.node.In[0].Size() / v.node.Size()
	return c.emit(Affine{Scale: number(float64(terms))}, v.node.Shape, v.node)
}

// list reads integers, an attribute that became the second input in operator set since.
func (c *call) list(name string, since int) ([]int64, error) {
	if c.opset < since {
		return c.ints(name)
	}
	if len(c.node.Inputs) < 2 || c.node.Inputs[1] == "" {
		return nil, nil
	}
	return c.numbers(1)
}

func (c *call) cast() (value, error) {
	v, err := c.arg(0)
	if err != nil {
		return value{}, err
	}
	c.ignore("saturate") // of eight-bit floats, which are refused
	to, err := c.int("to", 0)
	if err != nil {
		return value{}, err
	}
	t := pb.DataType(to)
	switch {
	case v.node != nil:
		if !t.IsFloat() {
			return value{}, c.unsupported("computed values of type %v", t)
		}
		return v, nil
	case t.IsFloat() && v.tensor.whole:
		floats := make([]float64, len(v.tensor.ints))
		if err := c.charge(len(floats)); err != nil {
			return value{}, err
		}
		for i, n := range v.tensor.ints {
			if n.Batch != 0 {
				return value{}, c.unsupported("the batch size as a floating-point number")
			}
			floats[i] = float64(n.Const)
		}
		return value{tensor: &Tensor{Name: label(c.node), Dims: v.tensor.Dims, floats: floats}}, nil
	case t.IsFloat():
		return v, nil
	case t == pb.Bool:
		return value{}, c.unsupported("truth values")
	case !integers(t):
		return value{}, c.unsupported("values of type %v", t)
	case v.tensor.whole:
		return v, nil
	}
	if err := c.charge(2 * v.tensor.Len()); err != nil {
		return value{}, err
	}
	list := v.tensor.Floats()
	ints := make([]Int, len(list))
	for i, f := range list {
		if !(math.Abs(f) < 1<<62) {
			return value{}, c.errorf("the number %v is no integer", f)
		}
		ints[i].Const = int64(f)
	}
	return value{tensor: &Tensor{Name: label(c.node), Dims: v.tensor.Dims, ints: ints, whole: true}}, nil
}

// integers tells whether integer constants of a type are read. All are kept in 64 bits.
func integers(t pb.DataType) bool {
	switch t {
	case pb.Int8, pb.Int16, pb.Int32, pb.Int64, pb.Uint8, pb.Uint16, pb.Uint32, pb.Uint64:
		return true
	}
	return false
}

func (c *call) neg() (value, error) {
	v, err := c.arg(0)
	if err != nil {
		return value{}, err
	}
	if v.node != nil {
		return c.emit(Affine{Scale: number(-1)}, v.node.Shape, v.node)
	}
	t := v.tensor
	if err := c.charge(t.Len()); err != nil {
		return value{}, err
	}
	if !t.whole {
		return value{tensor: t.apply(func(v float64) float64 { return -v })}, nil
	}
	out := &Tensor{Name: label(c.node), Dims: t.Dims, ints: make([]Int, t.Len()), whole: true}
	for i, v := range t.ints {
		out.ints[i] = Int{-v.Const, -v.Batch}
	}
	return value{tensor: out}, nil
}

// pow handles the exponents for which there are layers.
func (c *call) pow() (value, error) {
	x, err := c.rows(0)
	if err != nil {
		return value{}, err
	}
	v, err := c.arg(1)
	if err != nil {
		return value{}, err
	}
	if t := v.tensor; t != nil && t.Len() == 1 && len(t.Dims) <= 1+len(x.Shape) {
		exponent := 0.0
		if !t.whole {
			exponent = t.Floats()[0]
		} else if t.ints[0].Batch == 0 {
			exponent = float64(t.ints[0].Const)
		}
		switch exponent {
		case 1:
			return value{node: x}, nil
		case 2:
			return c.emit(Binary{Kind: "Mul"}, x.Shape, x, x)
		}
	}
	return value{}, c.unsupported("an exponent (input %q) other than the constants 1 and 2", c.node.Inputs[1])
}

// arithmetic handles Add, Sub, Mul and Div, with constants on either side or both.
func (c *call) arithmetic() (value, error) {
	a, err := c.arg(0)
	if err != nil {
		return value{}, err
	}
	b, err := c.arg(1)
	if err != nil {
		return value{}, err
	}
	switch {
	case a.tensor != nil && b.tensor != nil:
		return c.fold(a.tensor, b.tensor)
	case a.node != nil && b.node != nil:
		return c.combine(a.node, b.node)
	case a.node != nil:
		return c.withConstant(a.node, b.tensor, 1, false)
	}
	return c.withConstant(b.node, a.tensor, 0, true)
}

// mod computes remainders of integer constants, whose sign is that of the divisor.
func (c *call) mod() (value, error) {
	fmod, err := c.int("fmod", 0)
	if err != nil {
		return value{}, err
	}
	var in [2]*Tensor
	for i := range in {
		v, err := c.arg(i)
		if err != nil {
			return value{}, err
		}
		if v.tensor == nil || !v.tensor.whole || fmod != 0 {
			return value{}, c.unsupported("remainders of other values than integers known when the model is read (fmod 0)")
		}
		in[i] = v.tensor
	}
	return c.fold(in[0], in[1])
}

// fold computes from two constants.
func (c *call) fold(a, b *Tensor) (value, error) {
	dims, ok := join(a.Dims, b.Dims)
	if !ok {
		return value{}, c.shapeErrorf("shapes %v and %v", a.Dims, b.Dims)
	}
	if a.whole != b.whole {
		return value{}, c.errorf("integers and floating-point numbers together")
	}
	n := count(dims)
	if err := c.charge(n); err != nil {
		return value{}, err
	}
	if err := c.charge(2 * n); err != nil {
		return value{}, err
	}
	left, right := expand(a.Dims, dims).Columns(), expand(b.Dims, dims).Columns()
	out := &Tensor{Name: label(c.node), Dims: dims, whole: a.whole}
	if a.whole {
		out.ints = make([]Int, n)
		for i := range out.ints {
			v, ok := compute(c.node.Op, a.ints[left[i]], b.ints[right[i]])
			if !ok {
				return value{}, c.unsupported("to compute %v and %v (constant + multiple of the batch size)", a.ints[left[i]], b.ints[right[i]])
			}
			out.ints[i] = v
		}
		return value{tensor: out}, nil
	}
	x, y := a.Floats(), b.Floats()
	out.floats = make([]float64, n)
	for i := range out.floats {
		p, q := x[left[i]], y[right[i]]
		switch c.node.Op {
		case "Add":
			p += q
		case "Sub":
			p -= q
		case "Mul":
			p *= q
		case "Div":
			p /= q
		}
		out.floats[i] = p
	}
	return value{tensor: out}, nil
}

// compute applies an operator to integers; false where the result is none.
func compute(op string, a, b Int) (Int, bool) {
	switch op {
	case "Add":
		return Int{a.Const + b.Const, a.Batch + b.Batch}, true
	case "Sub":
		return Int{a.Const - b.Const, a.Batch - b.Batch}, true
	case "Mul":
		if a.Batch != 0 {
			a, b = b, a
		}
		return Int{a.Const * b.Const, a.Const * b.Batch}, a.Batch == 0
	}
	if b.Batch != 0 || b.Const == 0 {
		return Int{}, false
	}
	if op == "Mod" {
		rest := a.Const % b.Const // of the dividend's sign in Go, of the divisor's in ONNX
		if rest != 0 && rest < 0 != (b.Const < 0) {
			rest += b.Const
		}
		return Int{Const: rest}, a.Batch%b.Const == 0
	}
	exact := a.Batch == 0 || a.Batch%b.Const == 0 && a.Const%b.Const == 0
	return Int{a.Const / b.Const, a.Batch / b.Const}, exact
}

// combine handles two computed tensors, which may broadcast.
func (c *call) combine(a, b *Node) (value, error) {
	if len(a.Shape) != len(b.Shape) {
		return value{}, c.unsupported("tensors of %d and %d axes together, whose batch axes do not meet", 1+len(a.Shape), 1+len(b.Shape))
	}
	shape, ok := join(a.Shape, b.Shape)
	if !ok {
		return value{}, c.shapeErrorf("rows of shape %v and %v", a.Shape, b.Shape)
	}
	in := []*Node{a, b}
	for i, n := range in {
		var err error
		if in[i], err = c.spread(n, shape); err != nil {
			return value{}, err
		}
	}
	return c.emit(Binary{Kind: c.node.Op}, shape, in...)
}

// sum adds any number of computed tensors.
func (c *call) sum() (value, error) {
	x, err := c.rows(0)
	if err != nil {
		return value{}, err
	}
	nodes, shape := []*Node{x}, x.Shape
	for i := range c.in[1:] {
		if x, err = c.rows(i + 1); err != nil {
			return value{}, err
		}
		joined, ok := join(shape, x.Shape)
		if !ok || len(shape) != len(x.Shape) {
			return value{}, c.shapeErrorf("rows of shape %v and %v", shape, x.Shape)
		}
		nodes, shape = append(nodes, x), joined
	}
	for i, n := range nodes {
		if nodes[i], err = c.spread(n, shape); err != nil {
			return value{}, err
		}
	}
	total := value{node: nodes[0]}
	for _, n := range nodes[1:] {
		if total, err = c.emit(Binary{Kind: "Add"}, shape, total.node, n); err != nil {
			return value{}, err
		}
	}
	return total, nil
}

// spread broadcasts a node to a shape.
func (c *call) spread(n *Node, shape []int) (*Node, error) {
	if equal(n.Shape, shape) {
		return n, nil
	}
	if err := c.affordable(shape); err != nil {
		return nil, err
	}
	return c.add(&Node{Name: label(c.node) + "/broadcast", Op: expand(n.Shape, shape), In: []*Node{n}, Shape: shape})
}

// affordable charges for lists of coordinates on all axes of a shape.
func (c *call) affordable(shape []int) error {
	for _, d := range shape {
		if err := c.charge(d); err != nil {
			return err
		}
	}
	return nil
}

// withConstant handles a computed tensor and a constant.
func (c *call) withConstant(x *Node, t *Tensor, at int, first bool) (value, error) {
	if t.whole {
		return value{}, c.errorf("the integer tensor %q with floating-point values", c.node.Inputs[at])
	}
	dims := t.Dims
	if len(dims) > len(x.Shape) {
		// It has a batch axis, or more axes than the rows.
		if len(dims) > 1+len(x.Shape) || dims[0] != 1 {
			return value{}, c.unsupported("tensor %q of shape %v beside a batch of %v; it would change the batch axis", c.node.Inputs[at], dims, x.Shape)
		}
		t = t.reshaped(dims[1:])
	}
	shape, ok := join(t.Dims, x.Shape)
	if !ok {
		return value{}, c.shapeErrorf("tensor %q has shape %v, the rows have %v", c.node.Inputs[at], dims, x.Shape)
	}
	x, err := c.spread(x, shape)
	if err != nil {
		return value{}, err
	}
	if err := c.charge(t.Len()); err != nil {
		return value{}, err
	}
	if c.node.Op == "Div" && first {
		if err := c.charge(count(shape)); err != nil {
			return value{}, err
		}
		row := &Tensor{Name: t.Name, Dims: shape, floats: t.Broadcast(shape)}
		fill, err := c.add(&Node{Name: label(c.node) + "/constant", Op: Fill{Row: row}, Shape: shape})
		if err != nil {
			return value{}, err
		}
		return c.emit(Binary{Kind: "Div"}, shape, fill, x)
	}
	var op Affine
	switch c.node.Op {
	case "Add":
		op.Shift = t
	case "Sub":
		op.Shift = t
		if first {
			op.Scale = number(-1)
		} else {
			op.Shift = t.apply(func(v float64) float64 { return -v })
		}
	case "Mul":
		op.Scale = t
	case "Div":
		op.Scale = t.apply(func(v float64) float64 { return 1 / v })
	}
	return c.emit(op, shape, x)
}

// number makes a tensor of one element.
func number(v float64) *Tensor { return &Tensor{floats: []float64{v}} }

// apply makes a tensor of changed elements.
func (t *Tensor) apply(f func(float64) float64) *Tensor {
	out := &Tensor{Name: t.Name, Dims: t.Dims, floats: make([]float64, t.Len())}
	for i, v := range t.Floats() {
		out.floats[i] = f(v)
	}
	return out
}

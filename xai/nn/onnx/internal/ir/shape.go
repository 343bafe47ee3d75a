package ir

import (
	"math"
	"slices"

	"github.com/whybook/whybook/xai/nn/onnx/internal/pb"
)

func (c *call) constantNode() (value, error) {
	one := func(t *Tensor) (value, error) {
		t.Name = label(c.node)
		return value{tensor: t}, nil
	}
	for _, a := range c.attrs {
		if len(c.attrs) != 1 {
			break
		}
		delete(c.attrs, a.Name)
		switch {
		case a.Name == "value" && a.Type == pb.AttributeTensor:
			t, err := c.constant(a.T)
			if err != nil {
				return value{}, err
			}
			return one(t)
		case a.Name == "value_int" && a.Type == pb.AttributeInt:
			return one(&Tensor{ints: []Int{{Const: a.I}}, whole: true})
		case a.Name == "value_ints" && a.Type == pb.AttributeInts:
			if err := c.charge(len(a.Ints)); err != nil {
				return value{}, err
			}
			t := &Tensor{Dims: []int{len(a.Ints)}, whole: true, ints: make([]Int, len(a.Ints))}
			for i, v := range a.Ints {
				t.ints[i].Const = v
			}
			return one(t)
		case a.Name == "value_float" && a.Type == pb.AttributeFloat:
			return one(&Tensor{floats: []float64{float64(a.F)}})
		case a.Name == "value_floats" && a.Type == pb.AttributeFloats:
			if err := c.charge(len(a.Floats)); err != nil {
				return value{}, err
			}
			t := &Tensor{Dims: []int{len(a.Floats)}, floats: make([]float64, len(a.Floats))}
			for i, v := range a.Floats {
				t.floats[i] = float64(v)
			}
			return one(t)
		}
		return value{}, c.unsupported("a constant given by the attribute %q", a.Name)
	}
	return value{}, c.errorf("needs one attribute, has %d", len(c.node.Attributes))
}

func (c *call) constantOfShape() (value, error) {
	list, err := c.indexes(0)
	if err != nil {
		return value{}, err
	}
	fill := &Tensor{Dims: []int{1}, floats: []float64{0}}
	a, err := c.take("value", pb.AttributeTensor)
	if err != nil {
		return value{}, err
	}
	if a != nil {
		if fill, err = c.constant(a.T); err != nil {
			return value{}, err
		}
		if fill.Len() != 1 {
			return value{}, c.errorf("a value of shape %v, needs one number", fill.Dims)
		}
	}
	rows := len(list) > 0 && list[0] == Int{Batch: 1}
	if rows {
		list = list[1:]
	}
	dims := make([]int, len(list))
	for i, v := range list {
		if v.Batch != 0 {
			return value{}, c.mixes()
		}
		if v.Const < 0 || v.Const > maxSize {
			return value{}, c.shapeErrorf("axis %d of length %d", i, v.Const)
		}
		dims[i] = int(v.Const)
	}
	n := count(dims)
	if err := c.charge(n); err != nil {
		return value{}, err
	}
	t := fill.pick(dims, make([]int32, n), 0)
	t.Name = label(c.node)
	switch {
	case !rows:
		return value{tensor: t}, nil
	case t.whole:
		return value{}, c.unsupported("integers for every row of the batch")
	}
	return c.emit(Fill{Row: t}, dims)
}

func (c *call) shapeOf() (value, error) {
	v, err := c.arg(0)
	if err != nil {
		return value{}, err
	}
	dims := v.dims()
	rank := int64(len(dims))
	start, err := c.int("start", 0)
	if err != nil {
		return value{}, err
	}
	end, err := c.int("end", rank)
	if err != nil {
		return value{}, err
	}
	if start < 0 {
		start += rank
	}
	if end < 0 {
		end += rank
	}
	start, end = min(max(start, 0), rank), min(max(end, 0), rank)
	t := &Tensor{Name: label(c.node), whole: true}
	for _, d := range dims[start:max(start, end)] {
		if d == open {
			t.ints = append(t.ints, Int{Batch: 1})
		} else {
			t.ints = append(t.ints, Int{Const: int64(d)})
		}
	}
	t.Dims = []int{len(t.ints)}
	return value{tensor: t}, nil
}

func (c *call) reshape() (value, error) {
	v, err := c.arg(0)
	if err != nil {
		return value{}, err
	}
	target, err := c.indexes(1)
	if err != nil {
		return value{}, err
	}
	zero, err := c.int("allowzero", 0)
	if err != nil {
		return value{}, err
	}
	if len(target) > maxAxes {
		return value{}, c.errorf("%d axes", len(target))
	}
	from := v.dims()
	target = slices.Clone(target)
	for i, d := range target {
		if (d == Int{}) && zero == 0 {
			if i >= len(from) {
				return value{}, c.errorf("axis %d keeps a length that the input does not have", i)
			}
			target[i] = Int{Const: int64(from[i])}
			if from[i] == open {
				target[i] = Int{Batch: 1}
			}
		}
	}
	if v.tensor != nil {
		dims, err := c.solve(target, v.tensor.Len())
		if err != nil {
			return value{}, err
		}
		return value{tensor: v.tensor.reshaped(dims)}, nil
	}
	// The batch must come first and alone: as its symbol, as the size that the file
	// declares, or as the one length that is left open.
	if len(target) == 0 {
		return value{}, c.mixes()
	}
	rest := target[1:]
	switch first := target[0]; {
	case first == Int{Batch: 1}, c.fixed > 0 && first == Int{Const: c.fixed}:
	case first == Int{Const: -1}:
		if slices.Contains(rest, Int{Const: -1}) {
			return value{}, c.errorf("two lengths are left open")
		}
	case first.Batch == 0 && c.fixed == 0 && first.Const > 0:
		return value{}, c.unsupported("a batch of any size, but the new shape fixes it to %d; export the model with that axis left open (-1)", first.Const)
	default:
		return value{}, c.mixes()
	}
	dims, err := c.solve(rest, v.node.Size())
	if err != nil {
		return value{}, err
	}
	return c.keep(v.node, dims)
}

// solve finds the length left open (-1) of a shape for n elements.
func (c *call) solve(target []Int, n int) ([]int, error) {
	dims, hole, known := make([]int, len(target)), -1, 1
	for i, d := range target {
		switch {
		case d.Batch != 0:
			return nil, c.mixes()
		case d.Const == -1 && hole >= 0:
			return nil, c.errorf("two lengths are left open")
		case d.Const == -1:
			hole = i
		case d.Const < 0 || d.Const > math.MaxInt32 || d.Const > 0 && int64(known) > math.MaxInt32/d.Const:
			return nil, c.errorf("impossible length %d", d.Const)
		default:
			dims[i] = int(d.Const)
			known *= dims[i]
		}
	}
	if hole >= 0 && known > 0 && n%known == 0 {
		dims[hole] = n / known
		return dims, nil
	}
	if hole >= 0 || known != n {
		return nil, c.shapeErrorf("%d values for the shape %v", n, dims)
	}
	return dims, nil
}

func (c *call) flatten() (value, error) {
	x, err := c.rows(0)
	if err != nil {
		return value{}, err
	}
	a, err := c.int("axis", 1)
	if err != nil {
		return value{}, err
	}
	rank := 1 + len(x.Shape)
	if a != int64(rank) { // the one operator where the rank itself is an axis
		if _, err := c.axis(a, rank); err != nil {
			return value{}, err
		}
	}
	if a < 0 {
		a += int64(rank)
	}
	if a == 0 || product(x.Shape[:a-1]) != 1 {
		return value{}, c.mixes()
	}
	return c.keep(x, []int{x.Size()})
}

func (c *call) squeeze() (value, error) {
	v, err := c.arg(0)
	if err != nil {
		return value{}, err
	}
	list, err := c.list("axes", 13)
	if err != nil {
		return value{}, err
	}
	from := v.dims()
	is, err := c.axes(list, len(from))
	if err != nil {
		return value{}, err
	}
	dims := []int{}
	for i, d := range from {
		switch {
		case list == nil && d == 1: // all axes of length 1
		case !is[i]:
			dims = append(dims, d)
		case d == open:
			return value{}, c.mixes()
		case d != 1:
			return value{}, c.shapeErrorf("axis %d has length %d, must have 1", i, d)
		}
	}
	return c.regroup(v, dims)
}

func (c *call) unsqueeze() (value, error) {
	v, err := c.arg(0)
	if err != nil {
		return value{}, err
	}
	list, err := c.list("axes", 13)
	if err != nil {
		return value{}, err
	}
	from := v.dims()
	if len(from)+len(list) > maxAxes {
		return value{}, c.errorf("%d axes", len(from)+len(list))
	}
	is, err := c.axes(list, len(from)+len(list))
	if err != nil {
		return value{}, err
	}
	dims := make([]int, len(is))
	for i := range dims {
		if is[i] {
			dims[i] = 1
		} else {
			dims[i], from = from[0], from[1:]
		}
	}
	return c.regroup(v, dims)
}

// regroup gives a value another shape of the same elements.
func (c *call) regroup(v value, dims []int) (value, error) {
	if v.tensor != nil {
		return value{tensor: v.tensor.reshaped(dims)}, nil
	}
	if len(dims) == 0 || dims[0] != open {
		return value{}, c.mixes()
	}
	return c.keep(v.node, dims[1:])
}

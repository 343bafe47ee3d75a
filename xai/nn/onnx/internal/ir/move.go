package ir

import (
	"fmt"
	"math"
	"slices"
)

func (c *call) transpose() (value, error) {
	v, err := c.arg(0)
	if err != nil {
		return value{}, err
	}
	perm, err := c.ints("perm")
	if err != nil {
		return value{}, err
	}
	from := v.dims()
	r := same(from)
	if perm == nil {
		slices.Reverse(r.Perm)
	} else {
		is, err := c.axes(perm, len(from))
		if err != nil {
			return value{}, err
		}
		if slices.Contains(is, false) {
			return value{}, c.errorf("perm %v does not list all %d axes", perm, len(from))
		}
		for i, p := range perm {
			r.Perm[i], _ = c.axis(p, len(from))
		}
	}
	dims := make([]int, len(from))
	for i, axis := range r.Perm {
		dims[i] = from[axis]
	}
	return c.move(v, r, dims)
}

func (c *call) slice() (value, error) {
	v, err := c.arg(0)
	if err != nil {
		return value{}, err
	}
	starts, err := c.indexes(1)
	if err != nil {
		return value{}, err
	}
	ends, err := c.indexes(2)
	if err != nil {
		return value{}, err
	}
	from := v.dims()
	axes := make([]int64, len(starts))
	for i := range axes {
		axes[i] = int64(i)
	}
	if c.has(3) {
		if axes, err = c.numbers(3); err != nil {
			return value{}, err
		}
	}
	steps := slices.Repeat([]int64{1}, min(len(starts), maxAxes))
	if c.has(4) {
		if steps, err = c.numbers(4); err != nil {
			return value{}, err
		}
	}
	if len(ends) != len(starts) || len(axes) != len(starts) || len(steps) != len(starts) {
		return value{}, c.errorf("%d starts, %d ends, %d axes and %d steps", len(starts), len(ends), len(axes), len(steps))
	}
	if _, err := c.axes(axes, len(from)); err != nil {
		return value{}, err
	}
	r, dims := same(from), slices.Clone(from)
	for i := range starts {
		axis, _ := c.axis(axes[i], len(from))
		if from[axis] == open {
			whole := ends[i] == Int{Batch: 1} || ends[i].Batch == 0 && (ends[i].Const >= math.MaxInt32 || c.fixed > 0 && ends[i].Const >= c.fixed)
			if (starts[i] != Int{}) || steps[i] != 1 || !whole {
				return value{}, c.mixes()
			}
			continue
		}
		if starts[i].Batch != 0 || ends[i].Batch != 0 {
			return value{}, c.unsupported("a cut at the batch size along axis %d", axis)
		}
		if steps[i] == 0 {
			return value{}, c.errorf("a step of 0")
		}
		first, n := cut(starts[i].Const, ends[i].Const, steps[i], int64(from[axis]))
		if n == from[axis] && steps[i] == 1 {
			continue
		}
		if err := c.charge(n); err != nil {
			return value{}, err
		}
		r.Pick[axis], dims[axis] = make([]int, n), n
		for j := range n {
			r.Pick[axis][j] = int(first + int64(j)*steps[i])
		}
	}
	return c.move(v, r, dims)
}

// cut returns the first index and the number of indices of a slice, clamped as ONNX says.
func cut(start, end, step, n int64) (first int64, count int) {
	if start < 0 {
		start += n
	}
	if end < 0 {
		end += n
	}
	if step > 0 {
		start, end = min(max(start, 0), n), min(max(end, 0), n)
		if end <= start {
			return start, 0
		}
		return start, int((end-start-1)/step) + 1
	}
	start, end = min(max(start, -1), n-1), min(max(end, -1), n-1)
	if start <= end {
		return start, 0
	}
	if step == math.MinInt64 {
		step++ // so that it can be negated; both leave one index
	}
	return start, int((start-end-1)/-step) + 1
}

func (c *call) gather() (value, error) {
	v, err := c.arg(0)
	if err != nil {
		return value{}, err
	}
	index, err := c.arg(1)
	if err != nil {
		return value{}, err
	}
	if index.tensor == nil || !index.tensor.whole {
		return value{}, c.unsupported("indices %q that are no integer constants", c.node.Inputs[1])
	}
	a, err := c.int("axis", 0)
	if err != nil {
		return value{}, err
	}
	from := v.dims()
	axis, err := c.axis(a, len(from))
	if err != nil {
		return value{}, err
	}
	if from[axis] == open {
		return value{}, c.mixes()
	}
	list := index.tensor.ints
	if err := c.charge(len(list)); err != nil {
		return value{}, err
	}
	pick := make([]int, len(list))
	for i, at := range list {
		n := int64(from[axis])
		if at.Batch != 0 || at.Const < -n || at.Const >= n {
			return value{}, c.errorf("index %d of %d", at.Const, n)
		}
		pick[i] = int((at.Const + n) % n)
	}
	r := same(from)
	r.Pick[axis] = pick
	// The indices' own axes take the place of the axis.
	dims := slices.Concat(from[:axis], index.tensor.Dims, from[axis+1:])
	return c.move(v, r, dims)
}

func (c *call) pad() (value, error) {
	v, err := c.arg(0)
	if err != nil {
		return value{}, err
	}
	pads, err := c.numbers(1)
	if err != nil {
		return value{}, err
	}
	mode, err := c.text("mode", "constant")
	if err != nil {
		return value{}, err
	}
	from := v.dims()
	axes := make([]int64, len(from))
	for i := range axes {
		axes[i] = int64(i)
	}
	if c.has(3) {
		if axes, err = c.numbers(3); err != nil {
			return value{}, err
		}
		if _, err := c.axes(axes, len(from)); err != nil {
			return value{}, err
		}
	}
	if len(pads) != 2*len(axes) {
		return value{}, c.errorf("%d pads for %d axes", len(pads), len(axes))
	}
	r, dims := same(from), slices.Clone(from)
	if c.has(2) {
		if t := c.in[2].tensor; t != nil && t.whole && t.Len() == 1 {
			r.Fill = float64(t.ints[0].Const)
		} else if r.Fill, err = c.scalar(2); err != nil {
			return value{}, err
		}
	}
	for i, a := range axes {
		axis, _ := c.axis(a, len(from))
		before, after := pads[i], pads[i+len(axes)]
		if before == 0 && after == 0 {
			continue
		}
		if from[axis] == open {
			return value{}, c.mixes()
		}
		n := int64(from[axis])
		if before < -n || after < -n || before > maxSize || after > maxSize || before+after+n < 0 {
			return value{}, c.shapeErrorf("padding of %d and %d along axis %d of length %d", before, after, axis, n)
		}
		length := int(before + after + n)
		if err := c.charge(length); err != nil {
			return value{}, err
		}
		r.Pick[axis], dims[axis] = make([]int, length), length
		for j := range length {
			at, err := reflectAt(mode, int64(j)-before, n)
			if err != nil {
				return value{}, c.unsupported("%v", err)
			}
			r.Pick[axis][j] = int(at)
		}
	}
	return c.move(v, r, dims)
}

// reflectAt returns the coordinate in 0..n-1 that padding shows at a coordinate, or -1.
func reflectAt(mode string, at, n int64) (int64, error) {
	inside := at >= 0 && at < n
	switch {
	case mode != "constant" && mode != "reflect" && mode != "edge" && mode != "wrap":
		return 0, fmt.Errorf("padding mode %q", mode)
	case inside:
		return at, nil
	case mode == "constant":
		return -1, nil
	case mode == "edge" && n > 0:
		return min(max(at, 0), n-1), nil
	case mode == "wrap" && n > 0:
		return (at%n + n) % n, nil
	case mode == "reflect" && n > 1 && at > -n && at < 2*n-1:
		if at < 0 {
			return -at, nil
		}
		return 2*(n-1) - at, nil
	}
	return 0, fmt.Errorf("padding mode %q further than the length %d of its axis", mode, n)
}

// split cuts along an axis. It stores all outputs but the first, which it returns.
func (c *call) split() (value, error) {
	v, err := c.arg(0)
	if err != nil {
		return value{}, err
	}
	a, err := c.int("axis", 0)
	if err != nil {
		return value{}, err
	}
	from := v.dims()
	axis, err := c.axis(a, len(from))
	if err != nil {
		return value{}, err
	}
	if from[axis] == open {
		return value{}, c.mixes()
	}
	lengths, err := c.parts(int64(from[axis]))
	if err != nil {
		return value{}, err
	}
	if err := c.charge(from[axis]); err != nil {
		return value{}, err
	}
	parts, at := make([]value, len(lengths)), 0
	for i, n := range lengths {
		r, dims := same(from), slices.Clone(from)
		if dims[axis] = int(n); dims[axis] != from[axis] {
			r.Pick[axis] = make([]int, n)
			for j := range r.Pick[axis] {
				r.Pick[axis][j] = at + j
			}
		}
		at += int(n)
		if c.node.Outputs[i] == "" {
			continue
		}
		if parts[i], err = c.move(v, r, dims); err != nil {
			return value{}, err
		}
		if part := parts[i].node; part != v.node {
			part.Name = fmt.Sprintf("%s/%d", part.Name, i)
		}
	}
	for i, name := range c.node.Outputs[1:] {
		if name != "" {
			c.values[name] = parts[1+i]
		}
	}
	return parts[0], nil
}

// parts returns the lengths into which an axis of length n is split, one for each output.
func (c *call) parts(n int64) ([]int64, error) {
	outputs := int64(len(c.node.Outputs))
	lengths, err := c.list("split", 13)
	if err != nil {
		return nil, err
	}
	if c.opset >= 18 {
		if told, err := c.int("num_outputs", outputs); err != nil {
			return nil, err
		} else if told != outputs {
			return nil, c.errorf("%d outputs, attribute \"num_outputs\" is %d", outputs, told)
		}
	}
	if lengths == nil {
		if outputs == 0 || c.opset < 18 && n%outputs != 0 {
			return nil, c.shapeErrorf("axis of length %d in %d equal parts", n, outputs)
		}
		each, rest := (n+outputs-1)/outputs, n // the last part may be shorter
		for range outputs {
			lengths = append(lengths, min(each, rest))
			rest -= lengths[len(lengths)-1]
		}
		return lengths, nil
	}
	rest := n
	for _, length := range lengths {
		if length < 0 || length > rest {
			return nil, c.shapeErrorf("axis of length %d in parts of %v", n, lengths)
		}
		rest -= length
	}
	if rest != 0 || int64(len(lengths)) != outputs {
		return nil, c.shapeErrorf("axis of length %d in parts of %v for %d outputs", n, lengths, outputs)
	}
	return lengths, nil
}

func (c *call) concat() (value, error) {
	a, err := c.int("axis", 0)
	if err != nil {
		return value{}, err
	}
	if len(c.in) == 0 {
		return value{}, c.errorf("no inputs")
	}
	list := make([]value, len(c.in))
	constant := true
	for i := range c.in {
		if list[i], err = c.arg(i); err != nil {
			return value{}, err
		}
		constant = constant && list[i].tensor != nil
	}
	if constant {
		return c.concatConstants(list, a)
	}
	nodes := make([]*Node, len(list))
	for i, v := range list {
		if nodes[i] = v.node; v.node == nil {
			if nodes[i], err = c.fill(i); err != nil {
				return value{}, err
			}
		}
	}
	axis, err := c.axis(a, 1+len(nodes[0].Shape))
	if err != nil {
		return value{}, err
	}
	if axis == 0 {
		return value{}, c.mixes()
	}
	shape := slices.Clone(nodes[0].Shape)
	for i, n := range nodes[1:] {
		if len(n.Shape) != len(shape) {
			return value{}, c.shapeErrorf("rows of shape %v and %v", shape, n.Shape)
		}
		sum := shape[axis-1] + n.Shape[axis-1]
		shape[axis-1] = n.Shape[axis-1]
		if !equal(shape, n.Shape) {
			return value{}, c.shapeErrorf("input %d has rows of shape %v, which differ from the others %v in another axis than %d", i+1, n.Shape, nodes[0].Shape, axis)
		}
		if sum > maxSize {
			return value{}, c.shapeErrorf("axis %d is longer than %d", axis, maxSize)
		}
		shape[axis-1] = sum
	}
	if len(nodes) == 1 {
		return value{node: nodes[0]}, nil
	}
	return c.emit(Concat{Axis: axis - 1}, shape, nodes...)
}

// fill turns a constant into the same row for every image. Its batch axis must have the
// length that the file declares.
func (c *call) fill(i int) (*Node, error) {
	t, err := c.weight(i)
	if err != nil {
		return nil, err
	}
	if len(t.Dims) == 0 || t.Dims[0] != 1 || c.fixed != 1 {
		return nil, c.unsupported("the constant %q of shape %v as rows of a batch of any size", c.node.Inputs[i], t.Dims)
	}
	t = t.reshaped(t.Dims[1:])
	return c.add(&Node{Name: c.node.Inputs[i], Op: Fill{Row: t}, Shape: t.Dims})
}

func (c *call) concatConstants(list []value, a int64) (value, error) {
	first := list[0].tensor
	axis, err := c.axis(a, len(first.Dims))
	if err != nil {
		return value{}, err
	}
	dims := slices.Clone(first.Dims)
	dims[axis] = 0
	for _, v := range list {
		t := v.tensor
		if t.whole != first.whole || len(t.Dims) != len(dims) {
			return value{}, c.shapeErrorf("constants of shape %v and %v", first.Dims, t.Dims)
		}
		sum := dims[axis] + t.Dims[axis]
		dims[axis] = t.Dims[axis]
		if !equal(dims, t.Dims) || sum > maxSize {
			return value{}, c.shapeErrorf("constants of shape %v and %v along axis %d", first.Dims, t.Dims, axis)
		}
		dims[axis] = sum
	}
	n := count(dims)
	if err := c.charge(n); err != nil {
		return value{}, err
	}
	out := &Tensor{Name: label(c.node), Dims: dims, whole: first.whole}
	outer := product(dims[:axis])
	var floats [][]float64
	for _, v := range list {
		floats = append(floats, nil)
		if !first.whole {
			floats[len(floats)-1] = v.tensor.Floats()
		}
	}
	for o := range outer {
		for i, v := range list {
			step := product(v.tensor.Dims[axis:])
			if first.whole {
				out.ints = append(out.ints, v.tensor.ints[o*step:(o+1)*step]...)
			} else {
				out.floats = append(out.floats, floats[i][o*step:(o+1)*step]...)
			}
		}
	}
	return value{tensor: out}, nil
}

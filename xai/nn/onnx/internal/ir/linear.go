package ir

func (c *call) gemm() (value, error) {
	x, err := c.rows(0)
	if err != nil {
		return value{}, err
	}
	w, err := c.weight(1)
	if err != nil {
		return value{}, err
	}
	op := MatMul{Weight: w}
	if op.Scale, err = c.float("alpha", 1); err != nil {
		return value{}, err
	}
	if op.BiasScale, err = c.float("beta", 1); err != nil {
		return value{}, err
	}
	if a, err := c.int("transA", 0); err != nil {
		return value{}, err
	} else if a != 0 {
		return value{}, c.mixes()
	}
	b, err := c.int("transB", 0)
	if err != nil {
		return value{}, err
	}
	op.Transposed = b != 0
	units, err := c.units(op, x)
	if err != nil {
		return value{}, err
	}
	if len(x.Shape) != 1 {
		return value{}, c.shapeErrorf("an input with %d axes, needs 2", 1+len(x.Shape))
	}
	if c.has(2) {
		if op.Bias, err = c.weight(2); err != nil {
			return value{}, err
		}
		n := op.Bias.Len()
		if full, ok := join(op.Bias.Dims, []int{1, units}); !ok || !equal(full, []int{1, units}) {
			return value{}, c.shapeErrorf("tensor %q has shape %v, needs %v", c.node.Inputs[2], op.Bias.Dims, []int{units})
		}
		op.Bias = op.Bias.reshaped([]int{n})
	}
	return c.emit(op, []int{units}, x)
}

func (c *call) matMul() (value, error) {
	for i := range 2 {
		if _, err := c.arg(i); err != nil {
			return value{}, err
		}
	}
	if c.in[0].node != nil && c.in[1].node != nil {
		return value{}, c.unsupported("a product of two computed tensors; one must be a constant")
	}
	x, err := c.rows(0)
	if err != nil {
		return value{}, err
	}
	w, err := c.weight(1)
	if err != nil {
		return value{}, err
	}
	if len(x.Shape) == 0 {
		return value{}, c.shapeErrorf("an input with 1 axis, needs at least 2")
	}
	shape := x.Shape[: len(x.Shape)-1 : len(x.Shape)-1]
	op := MatMul{Weight: w, Scale: 1}
	if len(w.Dims) == 1 { // a vector: its axis disappears
		op.Weight = w.reshaped([]int{w.Dims[0], 1})
	}
	units, err := c.units(op, x)
	if err != nil {
		return value{}, err
	}
	if len(w.Dims) != 1 {
		shape = append(shape, units)
	}
	return c.emit(op, shape, x)
}

// units checks the weights of a product and returns the length of the result.
func (c *call) units(op MatMul, x *Node) (int, error) {
	w := op.Weight.Dims
	if len(w) != 2 {
		return 0, c.unsupported("a constant with %d axes (tensor %q); a matrix is read", len(w), c.node.Inputs[1])
	}
	if len(x.Shape) == 0 {
		return 0, c.shapeErrorf("an input with 1 axis, needs at least 2")
	}
	in := x.Shape[len(x.Shape)-1]
	need, units := []int{in, w[1]}, w[1]
	if op.Transposed {
		need, units = []int{w[0], in}, w[0]
	}
	if !equal(w, need) {
		return 0, c.shapeErrorf("tensor %q has shape %v, needs %v", c.node.Inputs[1], w, need)
	}
	return units, nil
}

func (c *call) batchNorm() (value, error) {
	x, err := c.rows(0)
	if err != nil {
		return value{}, err
	}
	if len(x.Shape) == 0 {
		return value{}, c.shapeErrorf("an input with 1 axis, needs at least 2")
	}
	var op BatchNorm
	for i, into := range []**Tensor{&op.Scale, &op.Bias, &op.Mean, &op.Variance} {
		if *into, err = c.vector(1+i, x.Shape[0]); err != nil {
			return value{}, err
		}
	}
	if op.Epsilon, err = c.float("epsilon", 1e-5); err != nil {
		return value{}, err
	}
	for i, v := range op.Variance.Floats() {
		if !(v+op.Epsilon > 0) {
			return value{}, c.errorf("channel %d has variance %v and epsilon %v; their sum must be above 0", i, v, op.Epsilon)
		}
	}
	c.ignore("momentum") // of training
	training, err := c.int("training_mode", 0)
	if err != nil {
		return value{}, err
	}
	for i, name := range c.node.Outputs { // how operator sets before 14 say it
		if c.opset < 14 && i > 0 && name != "" {
			training = 1
		}
	}
	if training != 0 {
		return value{}, c.unsupported("training mode; export the model in evaluation mode")
	}
	return c.emit(op, x.Shape, x)
}

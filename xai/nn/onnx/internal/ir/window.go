package ir

// plane returns the height and width over which a window slides, and the number of axes
// (1 or 2) that they have in ONNX.
func (c *call) plane(x *Node) (plane [2]int, axes int, err error) {
	switch len(x.Shape) {
	case 2:
		return [2]int{1, x.Shape[1]}, 1, nil
	case 3:
		return [2]int{x.Shape[1], x.Shape[2]}, 2, nil
	}
	return plane, 0, c.unsupported("an input of batch, channels and %d further axes; 1 or 2 are read", len(x.Shape)-1)
}

// pair reads an attribute with one value for each axis.
func (c *call) pair(name string, axes, otherwise, low int) ([2]int, error) {
	list, err := c.ints(name)
	pair := [2]int{otherwise, otherwise}
	if err != nil || list == nil {
		return pair, err
	}
	if len(list) != axes {
		return pair, c.errorf("attribute %q has %d values for %d axes", name, len(list), axes)
	}
	for i, v := range list {
		if v < int64(low) || v > maxSize {
			return pair, c.errorf("attribute %q holds %d, must be %d to %d", name, v, low, maxSize)
		}
		pair[2-axes+i] = int(v)
	}
	return pair, nil
}

// reach is the length that a kernel covers along an axis.
func (w Window) reach(i int) int { return (w.Kernel[i]-1)*w.Dilation[i] + 1 }

// window reads the attributes of a window whose kernel is known from the weights, or from
// an attribute where kernel is zero. It leaves Out open.
func (c *call) window(axes int, kernel [2]int) (w Window, auto string, err error) {
	given, err := c.pair("kernel_shape", axes, 0, 0)
	if err != nil {
		return w, "", err
	}
	if axes == 1 {
		given[0] = 1
	}
	switch {
	case given[1] == 0 && kernel[1] == 0:
		return w, "", c.errorf("attribute %q is missing", "kernel_shape")
	case given[1] == 0:
		given = kernel
	case kernel[1] != 0 && kernel != given:
		return w, "", c.shapeErrorf("tensor %q has a kernel of %v, the attribute kernel_shape says %v", c.node.Inputs[1], kernel[2-axes:], given[2-axes:])
	}
	if given[0] < 1 || given[1] < 1 {
		return w, "", c.errorf("kernel of %v", given[2-axes:])
	}
	w.Kernel = given
	if w.Stride, err = c.pair("strides", axes, 1, 1); err != nil {
		return w, "", err
	}
	if w.Dilation, err = c.pair("dilations", axes, 1, 1); err != nil {
		return w, "", err
	}
	for i := range 2 {
		if w.Dilation[i] > maxSize/w.Kernel[i] {
			return w, "", c.errorf("a kernel of %v dilated by %v", w.Kernel, w.Dilation)
		}
	}
	pads, err := c.ints("pads")
	if err != nil {
		return w, "", err
	}
	if auto, err = c.text("auto_pad", "NOTSET"); err != nil {
		return w, "", err
	}
	switch auto {
	case "NOTSET":
		for i, p := range pads {
			if len(pads) != 2*axes || p < 0 || p > maxSize {
				return w, "", c.errorf("pads %v", pads)
			}
			// ONNX lists the starts of all axes, then the ends.
			w.Pads[2*(i/axes)+2-axes+i%axes] = int(p)
		}
	case "SAME_UPPER", "SAME_LOWER", "VALID":
		for _, p := range pads {
			if p != 0 {
				return w, "", c.errorf("auto_pad %s beside pads %v", auto, pads)
			}
		}
	default:
		return w, "", c.errorf("auto_pad %q", auto)
	}
	return w, auto, nil
}

// slide sets the positions of a window over a plane, and the padding that auto asks for.
// With ceil a last window may hang over the end, but must start before it.
func (c *call) slide(w *Window, plane [2]int, auto string, ceil bool) error {
	for i, in := range plane {
		if auto == "SAME_UPPER" || auto == "SAME_LOWER" {
			out := (in + w.Stride[i] - 1) / w.Stride[i]
			total := max(0, (out-1)*w.Stride[i]+w.reach(i)-in)
			w.Pads[i] = total / 2
			if auto == "SAME_LOWER" {
				w.Pads[i] = total - total/2
			}
			w.Pads[2+i] = total - w.Pads[i]
		}
		room := in + w.Pads[i] + w.Pads[2+i] - w.reach(i)
		if room < 0 {
			return c.shapeErrorf("a kernel that covers %v is larger than its input %v padded by %v", [2]int{w.reach(0), w.reach(1)}, plane, w.Pads)
		}
		w.Out[i] = room/w.Stride[i] + 1
		if ceil && room%w.Stride[i] != 0 && w.Out[i]*w.Stride[i] < in+w.Pads[i] {
			w.Out[i]++
		}
	}
	return nil
}

// outer returns the shape of an output plane with the given channels.
func (w Window) outer(channels, axes int) []int {
	if axes == 1 {
		return []int{channels, w.Out[1]}
	}
	return []int{channels, w.Out[0], w.Out[1]}
}

// kernels checks the shape of convolution weights, whose first two lengths have a meaning
// and the others are the kernel.
func (c *call) kernels(axes int) (t *Tensor, kernel [2]int, err error) {
	if t, err = c.weight(1); err != nil {
		return nil, kernel, err
	}
	if len(t.Dims) != 2+axes || count(t.Dims) < 1 {
		return nil, kernel, c.shapeErrorf("tensor %q has shape %v, needs %d axes of at least 1", c.node.Inputs[1], t.Dims, 2+axes)
	}
	kernel = [2]int{1, t.Dims[1+axes]}
	if axes == 2 {
		kernel[0] = t.Dims[2]
	}
	return t, kernel, nil
}

func (c *call) groups(channels int) (int, error) {
	g, err := c.int("group", 1)
	if err == nil && (g < 1 || g > int64(channels) || channels%int(g) != 0) {
		err = c.shapeErrorf("%d channels in %d groups", channels, g)
	}
	return int(g), err
}

func (c *call) conv() (value, error) {
	x, err := c.rows(0)
	if err != nil {
		return value{}, err
	}
	plane, axes, err := c.plane(x)
	if err != nil {
		return value{}, err
	}
	w, kernel, err := c.kernels(axes)
	if err != nil {
		return value{}, err
	}
	op := Conv{Weight: w, Filters: w.Dims[0]}
	if op.Groups, err = c.groups(x.Shape[0]); err != nil {
		return value{}, err
	}
	if need := append([]int{w.Dims[0], x.Shape[0] / op.Groups}, w.Dims[2:]...); !equal(need, w.Dims) || op.Filters%op.Groups != 0 {
		return value{}, c.shapeErrorf("tensor %q has shape %v, needs %v and filters in %d groups", c.node.Inputs[1], w.Dims, need, op.Groups)
	}
	if c.has(2) {
		if op.Bias, err = c.vector(2, op.Filters); err != nil {
			return value{}, err
		}
	}
	var auto string
	if op.Window, auto, err = c.window(axes, kernel); err != nil {
		return value{}, err
	}
	if err := c.slide(&op.Window, plane, auto, false); err != nil {
		return value{}, err
	}
	return c.emit(op, op.outer(op.Filters, axes), x)
}

func (c *call) convTranspose() (value, error) {
	x, err := c.rows(0)
	if err != nil {
		return value{}, err
	}
	plane, axes, err := c.plane(x)
	if err != nil {
		return value{}, err
	}
	w, kernel, err := c.kernels(axes)
	if err != nil {
		return value{}, err
	}
	op := ConvTranspose{Weight: w}
	if op.Groups, err = c.groups(x.Shape[0]); err != nil {
		return value{}, err
	}
	if w.Dims[0] != x.Shape[0] || w.Dims[1] > maxSize/op.Groups {
		return value{}, c.shapeErrorf("tensor %q has shape %v, needs %v", c.node.Inputs[1], w.Dims, append([]int{x.Shape[0], w.Dims[1]}, w.Dims[2:]...))
	}
	op.Filters = w.Dims[1] * op.Groups
	if c.has(2) {
		if op.Bias, err = c.vector(2, op.Filters); err != nil {
			return value{}, err
		}
	}
	var auto string
	if op.Window, auto, err = c.window(axes, kernel); err != nil {
		return value{}, err
	}
	extra, err := c.pair("output_padding", axes, 0, 0)
	if err != nil {
		return value{}, err
	}
	wanted, err := c.pair("output_shape", axes, 0, 0)
	if err != nil {
		return value{}, err
	}
	for i, in := range plane {
		if in > maxSize/op.Stride[i] {
			return value{}, c.shapeErrorf("an input of %v with strides of %v", plane, op.Stride)
		}
		full := (in-1)*op.Stride[i] + op.reach(i) + extra[i]
		out := 0
		switch {
		case axes == 1 && i == 0:
			out = 1
		case wanted[1] > 0:
			if out = wanted[i]; out > full {
				return value{}, c.shapeErrorf("output_shape %v is larger than the %d that the kernel reaches", wanted[2-axes:], full)
			}
		case auto == "SAME_UPPER" || auto == "SAME_LOWER":
			out = in * op.Stride[i]
		default:
			op.Out[i] = full - op.Pads[i] - op.Pads[2+i]
			if op.Out[i] < 1 {
				return value{}, c.shapeErrorf("padding %v leaves nothing of the output", op.Pads)
			}
			continue
		}
		// The output's size is given: the padding follows from it.
		total := max(0, full-out)
		op.Pads[i], op.Pads[2+i] = total-total/2, total/2
		if auto == "SAME_UPPER" {
			op.Pads[i], op.Pads[2+i] = total/2, total-total/2
		}
		op.Out[i] = out
	}
	return c.emit(op, op.outer(op.Filters, axes), x)
}

func (c *call) pool() (value, error) {
	x, err := c.rows(0)
	if err != nil {
		return value{}, err
	}
	plane, axes, err := c.plane(x)
	if err != nil {
		return value{}, err
	}
	w, auto, err := c.window(axes, [2]int{})
	if err != nil {
		return value{}, err
	}
	if auto != "NOTSET" && w.Dilation != [2]int{1, 1} {
		return value{}, c.unsupported("auto_pad %s with dilations %v, on which implementations disagree; give the pads", auto, w.Dilation)
	}
	ceil, err := c.int("ceil_mode", 0)
	if err != nil {
		return value{}, err
	}
	if err := c.slide(&w, plane, auto, ceil != 0); err != nil {
		return value{}, err
	}
	for i := range plane {
		if max(w.Pads[i], w.Pads[2+i]) >= w.reach(i) {
			return value{}, c.errorf("padding %v is not smaller than the window of %v", w.Pads, w.Kernel)
		}
	}
	shape := w.outer(x.Shape[0], axes)
	if c.node.Op == "MaxPool" {
		c.ignore("storage_order") // of the indices, a second output that is refused where it is used
		return c.emit(MaxPool{Window: w}, shape, x)
	}
	pad, err := c.int("count_include_pad", 0)
	if err != nil {
		return value{}, err
	}
	return c.emit(AveragePool{Window: w, CountPad: pad != 0}, shape, x)
}

func (c *call) globalAverage() (value, error) {
	x, err := c.rows(0)
	if err != nil {
		return value{}, err
	}
	if len(x.Shape) < 2 {
		return value{}, c.shapeErrorf("an input with %d axes, needs batch, channels and at least one more", 1+len(x.Shape))
	}
	op, shape := Mean{}, []int{x.Shape[0]}
	for i := 1; i < len(x.Shape); i++ {
		op.Axes, shape = append(op.Axes, i), append(shape, 1)
	}
	return c.emit(op, shape, x)
}

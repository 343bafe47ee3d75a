package ir

// Graph is an imported model. Nodes[0] is the input; every node comes after its inputs.
type Graph struct {
	Nodes  []*Node
	Output *Node
}

// Node is one operation on a batch of rows.
type Node struct {
	Name  string // the ONNX node's, or its output's
	Op    Op
	In    []*Node
	Shape []int // of one row, row-major
}

// Size returns the number of values of a row.
func (n *Node) Size() int { return product(n.Shape) }

// Op is one of the operation types of this package.
type Op interface{ isOp() }

// Input is the network's input.
type Input struct{ op }

// Fill is a row that does not depend on the input.
type Fill struct {
	op
	Row *Tensor // of the node's shape
}

// Window is how a kernel slides over a plane (height, width). Sequences are planes of
// height 1.
type Window struct {
	Kernel, Stride, Dilation [2]int
	Pads                     [4]int // top, left, bottom, right
	Out                      [2]int // positions: the output's height and width
}

// Conv is a convolution: Weight is Filters x C/Groups x kernel height x kernel width.
type Conv struct {
	op
	Window
	Filters, Groups int
	Weight          *Tensor
	Bias            *Tensor // Filters values, or nil
}

// ConvTranspose is a transposed convolution: Weight is C x Filters/Groups x kernel height
// x kernel width. Window.Out includes what the output padding adds at the end.
type ConvTranspose struct {
	op
	Window
	Filters, Groups int
	Weight          *Tensor
	Bias            *Tensor // Filters values, or nil
}

// MatMul multiplies the last axis of its input by a constant matrix.
type MatMul struct {
	op
	Weight     *Tensor // in x units; units x in where Transposed
	Transposed bool
	Scale      float64 // of the product
	Bias       *Tensor // units values or one, or nil
	BiasScale  float64
}

// Relu is max(x, 0).
type Relu struct{ op }

// LeakyRelu is x where x > 0, else Slope*x.
type LeakyRelu struct {
	op
	Slope float64
}

// Sigmoid is 1/(1+exp(-x)).
type Sigmoid struct{ op }

// Tanh is the hyperbolic tangent.
type Tanh struct{ op }

// Clip limits values to [Min, Max]; either may be infinite.
type Clip struct {
	op
	Min, Max float64
}

// Softmax normalizes over the axes From to To-1 together. Log takes the logarithm.
type Softmax struct {
	op
	From, To int
	Log      bool
}

// MaxPool is the maximum over windows; padding never wins.
type MaxPool struct {
	op
	Window
}

// AveragePool is the mean over windows. CountPad counts padding as zeros, otherwise only
// the values inside the plane count. Positions beyond the padding never count.
type AveragePool struct {
	op
	Window
	CountPad bool
}

// Mean is the mean over the given axes of its input.
type Mean struct {
	op
	Axes []int // increasing
}

// BatchNorm is (x-Mean)/sqrt(Variance+Epsilon)*Scale+Bias along the first axis.
type BatchNorm struct {
	op
	Scale, Bias, Mean, Variance *Tensor
	Epsilon                     float64
}

// Affine is x*Scale+Shift. Either broadcasts to the node's shape, or is nil.
type Affine struct {
	op
	Scale, Shift *Tensor
}

// Binary combines two inputs of the same shape.
type Binary struct {
	op
	Kind string // "Add", "Sub", "Mul", "Div"
}

// Concat joins its inputs along an axis.
type Concat struct {
	op
	Axis int
}

// Reshape changes the shape and moves nothing.
type Reshape struct{ op }

// Rearrange gathers its output from its input. The node's Shape may group the gathered
// axes differently; the order of the values is the same.
type Rearrange struct {
	op
	From []int   // the input's shape
	Perm []int   // the input axis of each output axis
	Pick [][]int // the input coordinate of each output coordinate, -1 for Fill; nil is all, in order
	Fill float64
}

// op marks the operation types.
type op struct{}

func (op) isOp() {}

// Dims returns the lengths of the gathered axes.
func (r Rearrange) Dims() []int {
	dims := make([]int, len(r.Perm))
	for i, axis := range r.Perm {
		dims[i] = r.From[axis]
		if r.Pick[i] != nil {
			dims[i] = len(r.Pick[i])
		}
	}
	return dims
}

// Columns returns for each output value the index of its source, or -1 for Fill.
func (r Rearrange) Columns() []int32 {
	dims := r.Dims()
	if product(dims) == 0 {
		return nil
	}
	stride := make([]int, len(r.From))
	step := 1
	for i := len(r.From) - 1; i >= 0; i-- {
		stride[i], step = step, step*r.From[i]
	}
	columns := []int32{0}
	for i, axis := range r.Perm { // outer product, one axis at a time
		next := make([]int32, 0, len(columns)*dims[i])
		for _, base := range columns {
			for j := range dims[i] {
				at := j
				if r.Pick[i] != nil {
					at = r.Pick[i][j]
				}
				if base < 0 || at < 0 {
					next = append(next, -1)
				} else {
					next = append(next, base+int32(at*stride[axis]))
				}
			}
		}
		columns = next
	}
	return columns
}

// still tells whether nothing moves.
func (r Rearrange) still() bool {
	for i, axis := range r.Perm {
		if axis != i || r.Pick[i] != nil {
			return false
		}
	}
	return true
}

func product(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

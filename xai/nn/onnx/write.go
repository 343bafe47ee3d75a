package onnx

import (
	"fmt"
	"io"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/nn"
	"github.com/whybook/whybook/xai/nn/onnx/internal/pb"
)

// The version that Write writes: what every current runtime reads.
const (
	writtenOpset = 17
	writtenIR    = 8
	outputName   = "scores"
)

// Write writes a network as an ONNX model of operator set 17, with weights in 32 bits. Its
// input "input" is a batch of images, n x channels x height x width, its output "scores" is
// n x classes. Layers become nodes of the same names; dropout is left out. Read gives a
// network with the same scores.
func Write(w io.Writer, net *nn.Net) error {
	weights, err := weightsOf(net)
	if err != nil {
		return fmt.Errorf("onnx.Write: %w", err)
	}
	arch := net.Arch()
	e := &export{weights: weights, names: namer{}, labels: namer{}, values: map[string]output{nn.InputName: {name: nn.InputName, shape: arch.Input()}}}
	e.names.unique(nn.InputName)
	e.names.unique(outputName)
	for _, l := range arch.Layers() {
		if err := e.layer(l); err != nil {
			return fmt.Errorf("onnx.Write: layer %s: %w", l.Name, err)
		}
	}
	end := e.row(e.values[arch.End()])
	e.nodes = append(e.nodes, pb.Node{Name: e.labels.unique("output"), Op: "Identity", Inputs: []string{end}, Outputs: []string{outputName}})
	in, k := arch.Input(), arch.Output().Size()
	batch := pb.Dim{Name: "batch"}
	m := pb.Model{
		IRVersion: writtenIR, Producer: "whybook", Opsets: []pb.Opset{{Version: writtenOpset}},
		Graph: pb.Graph{
			Name: "network", Nodes: e.nodes, Initializers: e.tensors,
			Inputs: []pb.ValueInfo{{Name: nn.InputName, Type: pb.Float,
				Dims: []pb.Dim{batch, {Size: int64(in.Channels)}, {Size: int64(in.Height)}, {Size: int64(in.Width)}}}},
			Outputs: []pb.ValueInfo{{Name: outputName, Type: pb.Float, Dims: []pb.Dim{batch, {Size: int64(k)}}}},
		},
	}
	if _, err := w.Write(m.Marshal()); err != nil {
		return fmt.Errorf("onnx.Write: %w", err)
	}
	return nil
}

// output is what a layer's name stands for in the model.
type output struct {
	name  string // of the tensor
	shape datasets.Shape
	row   bool // n x channels, not n x channels x height x width
}

// export collects the nodes of a model.
type export struct {
	weights map[string]weight
	values  map[string]output // by layer
	nodes   []pb.Node
	tensors []pb.Tensor
	names   namer // of tensors
	labels  namer // of nodes, which may share names with tensors
}

// namer counts how often a name was asked for.
type namer map[string]int

// unique returns a name that was not given yet.
func (n namer) unique(name string) string {
	for {
		n[name]++
		if n[name] == 1 {
			return name
		}
		name = fmt.Sprintf("%s_%d", name, n[name])
	}
}

// node adds a node and returns its output.
func (e *export) node(name, op string, inputs []string, attributes ...pb.Attribute) string {
	out := e.names.unique(name)
	e.nodes = append(e.nodes, pb.Node{Name: e.labels.unique(name), Op: op, Inputs: inputs, Outputs: []string{out}, Attributes: attributes})
	return out
}

// floats adds a constant and returns its name.
func (e *export) floats(name string, dims []int, data []float32) string {
	name = e.names.unique(name)
	e.tensors = append(e.tensors, pb.FloatTensor(name, dims, data))
	return name
}

func (e *export) ints(name string, data ...int) string {
	wide := make([]int64, len(data))
	for i, v := range data {
		wide[i] = int64(v)
	}
	name = e.names.unique(name)
	e.tensors = append(e.tensors, pb.IntTensor(name, wide))
	return name
}

// param adds a weight of a layer, or returns "" where the layer has none of that name.
func (e *export) param(layer, name string) string {
	w, ok := e.weights[layer+"."+name]
	if !ok {
		return ""
	}
	return e.floats(w.name, w.dims, w.data)
}

// row returns the tensor of a value as n x size.
func (e *export) row(v output) string {
	if v.row {
		return v.name
	}
	return e.node(v.name+"/flatten", "Flatten", []string{v.name}, pb.Int("axis", 1))
}

// image returns the tensor of a value as n x channels x height x width.
func (e *export) image(v output) string {
	if !v.row {
		return v.name
	}
	return e.reshape(v.name+"/reshape", v.name, v.shape)
}

// reshape gives every row of the batch a shape.
func (e *export) reshape(name, x string, s datasets.Shape) string {
	return e.node(name, "Reshape", []string{x, e.ints(name+"/shape", 0, s.Channels, s.Height, s.Width)})
}

// layer adds the nodes of one layer.
func (e *export) layer(info nn.LayerInfo) error {
	in := make([]output, len(info.Inputs))
	for i, name := range info.Inputs {
		in[i] = e.values[name]
	}
	x := in[0]
	out := output{shape: info.Output}
	// plain is for operators that take rows and images alike.
	plain := func(op string, attributes ...pb.Attribute) {
		out.row = x.row
		out.name = e.node(info.Name, op, []string{x.name}, attributes...)
	}
	image := func(op string, inputs []string, attributes ...pb.Attribute) {
		out.name = e.node(info.Name, op, append([]string{e.image(x)}, inputs...), attributes...)
	}
	switch l := info.Layer.(type) {
	case nn.Conv:
		image("Conv", e.params(info.Name, "weight", "bias"), append(geometryOf(l.Kernel, l.Stride, l.Pad, l.Dilation, l.Window), pb.Int("group", int64(max(l.Groups, 1))))...)
	case nn.ConvTranspose:
		eh, ew := l.Extra, l.Extra
		if l.Window != (nn.Window{}) {
			eh, ew = l.ExtraH, l.ExtraW
		}
		image("ConvTranspose", e.params(info.Name, "weight", "bias"), append(geometryOf(l.Kernel, l.Stride, l.Pad, l.Dilation, l.Window),
			pb.Int("group", int64(max(l.Groups, 1))), pb.Ints("output_padding", eh, ew))...)
	case nn.Dense:
		out.row = true
		out.name = e.node(info.Name, "Gemm", append([]string{e.row(x)}, e.params(info.Name, "weight", "bias")...), pb.Int("transB", 1))
	case nn.MaxPool:
		image("MaxPool", nil, poolGeometry(l.Kernel, l.Stride, l.Pad, l.Window)...)
	case nn.AvgPool:
		count := int64(1)
		if l.SkipBorder {
			count = 0
		}
		image("AveragePool", nil, append(poolGeometry(l.Kernel, l.Stride, l.Pad, l.Window), pb.Int("count_include_pad", count))...)
		if d := l.Window; max(d.DilationH, d.DilationW) > 1 {
			return fmt.Errorf("a dilated average pooling needs operator set 19, %d is written", writtenOpset)
		}
	case nn.AdaptiveAvgPool:
		out.name = e.adaptive(info.Name, e.image(x), x.shape, l)
	case nn.GlobalAvgPool:
		image("GlobalAveragePool", nil)
	case nn.ReLU:
		plain("Relu")
	case nn.LeakyReLU:
		slope := l.Slope
		if slope == 0 {
			slope = 0.01
		}
		plain("LeakyRelu", pb.FloatValue("alpha", slope))
	case nn.Sigmoid:
		plain("Sigmoid")
	case nn.Tanh:
		plain("Tanh")
	case nn.Softmax:
		plain("Softmax", pb.Int("axis", 1))
	case nn.LogSoftmax:
		plain("LogSoftmax", pb.Int("axis", 1))
	case nn.Clip:
		low, high := e.floats(info.Name+"/low", nil, []float32{float32(l.Low)}), e.floats(info.Name+"/high", nil, []float32{float32(l.High)})
		out.row, out.name = x.row, e.node(info.Name, "Clip", []string{x.name, low, high})
	case nn.BatchNorm:
		epsilon := l.Epsilon
		if epsilon == 0 {
			epsilon = 1e-5
		}
		out.row = x.row
		out.name = e.node(info.Name, "BatchNormalization", append([]string{x.name}, e.params(info.Name, "weight", "bias", "running_mean", "running_var")...), pb.FloatValue("epsilon", epsilon))
	case nn.Normalize:
		n := max(len(l.Mean), len(l.Std))
		scale, shift := make([]float64, n), make([]float64, n)
		for i := range n {
			std := l.Std[min(i, len(l.Std)-1)]
			scale[i], shift[i] = 1/std, -l.Mean[min(i, len(l.Mean)-1)]/std
		}
		out.row, out.name = x.row, e.affine(info.Name, x, scale, shift)
	case nn.Affine:
		out.row, out.name = x.row, e.affine(info.Name, x, l.Scale, l.Shift)
	case nn.Dropout:
		out = x
	case nn.Add, nn.Sub, nn.Mul, nn.Div, nn.Concat:
		out.row, out.name = e.merge(info, in)
	case nn.Slice:
		image("Slice", []string{e.ints(info.Name+"/starts", 0, 0), e.ints(info.Name+"/ends", x.shape.Height, x.shape.Width),
			e.ints(info.Name+"/axes", 2, 3), e.ints(info.Name+"/steps", l.Step, l.Step)})
	case nn.Pad:
		image("Pad", []string{e.ints(info.Name+"/pads", 0, l.Before, l.Top, l.Left, 0, l.After, l.Bottom, l.Right)})
	case nn.Gather:
		out.name = e.gather(info.Name, x, l)
	case nn.Upsample:
		f := float32(l.Factor)
		image("Resize", []string{"", e.floats(info.Name+"/scales", []int{4}, []float32{1, 1, f, f})},
			pb.Text("mode", "nearest"), pb.Text("coordinate_transformation_mode", "asymmetric"), pb.Text("nearest_mode", "floor"))
	default:
		return &UnsupportedError{Op: fmt.Sprintf("%T", l), Node: info.Name, Need: "an ONNX operator for this layer"}
	}
	e.values[info.Name] = out
	return nil
}

// params adds the weights that the layer has, in order.
func (e *export) params(layer string, names ...string) []string {
	var list []string
	for _, name := range names {
		if p := e.param(layer, name); p != "" {
			list = append(list, p)
		}
	}
	return list
}

// geometryOf writes a window's attributes; 0 stands for 1 where nn has that default.
func geometryOf(kernel, stride, pad, dilation int, w nn.Window) []pb.Attribute {
	if w == (nn.Window{}) {
		w = nn.Window{KernelH: kernel, KernelW: kernel, StrideH: stride, StrideW: stride, Top: pad, Left: pad, Bottom: pad, Right: pad, DilationH: dilation, DilationW: dilation}
	}
	list := []pb.Attribute{
		pb.Ints("kernel_shape", w.KernelH, w.KernelW),
		pb.Ints("strides", max(w.StrideH, 1), max(w.StrideW, 1)),
		pb.Ints("pads", w.Top, w.Left, w.Bottom, w.Right),
	}
	if max(w.DilationH, w.DilationW) > 1 {
		list = append(list, pb.Ints("dilations", max(w.DilationH, 1), max(w.DilationW, 1)))
	}
	return list
}

// poolGeometry is geometryOf for pooling, whose stride is the kernel by default.
func poolGeometry(kernel, stride, pad int, w nn.Window) []pb.Attribute {
	if stride == 0 {
		stride = kernel
	}
	return geometryOf(kernel, stride, pad, 1, w)
}

// adaptive pools by matrices that hold the bins' weights, one for the width and one for
// the height: ONNX has no such operator.
func (e *export) adaptive(name, x string, in datasets.Shape, l nn.AdaptiveAvgPool) string {
	x = e.node(name+"/columns", "MatMul", []string{x, e.bins(name+"/width", in.Width, l.Width)})
	x = e.node(name+"/transpose", "Transpose", []string{x}, pb.Ints("perm", 0, 1, 3, 2))
	x = e.node(name+"/rows", "MatMul", []string{x, e.bins(name+"/height", in.Height, l.Height)})
	return e.node(name, "Transpose", []string{x}, pb.Ints("perm", 0, 1, 3, 2))
}

// bins adds an s x m matrix whose columns average the bins of a length s.
func (e *export) bins(name string, s, m int) string {
	data := make([]float32, s*m)
	for i := range m {
		lo, hi := i*s/m, ((i+1)*s+m-1)/m
		for at := lo; at < hi; at++ {
			data[at*m+i] = 1 / float32(hi-lo)
		}
	}
	return e.floats(name, []int{s, m}, data)
}

// affine multiplies and adds constants.
func (e *export) affine(name string, x output, scale, shift []float64) string {
	y := x.name
	switch {
	case len(scale) > 0 && len(shift) > 0:
		y = e.node(name+"/scale", "Mul", []string{y, e.constants(name+"/factors", x, scale)})
		return e.node(name, "Add", []string{y, e.constants(name+"/shifts", x, shift)})
	case len(scale) > 0:
		return e.node(name, "Mul", []string{y, e.constants(name+"/factors", x, scale)})
	case len(shift) > 0:
		return e.node(name, "Add", []string{y, e.constants(name+"/shifts", x, shift)})
	}
	return y
}

// constants adds one number, one for each channel or one for each value, in a shape that
// broadcasts to x.
func (e *export) constants(name string, x output, list []float64) string {
	data := make([]float32, len(list))
	for i, v := range list {
		data[i] = float32(v)
	}
	dims := []int{len(list)}
	switch s := x.shape; {
	case x.row || len(list) == 1:
	case len(list) == s.Channels:
		dims = []int{s.Channels, 1, 1}
	default:
		dims = []int{s.Channels, s.Height, s.Width}
	}
	return e.floats(name, dims, data)
}

// merge adds the node or nodes that join several inputs.
func (e *export) merge(info nn.LayerInfo, in []output) (row bool, name string) {
	row = true
	for _, v := range in {
		row = row && v.row
	}
	names := make([]string, len(in))
	for i, v := range in {
		names[i] = v.name
		if !row {
			names[i] = e.image(v)
		}
	}
	switch info.Layer.(type) {
	case nn.Concat:
		return row, e.node(info.Name, "Concat", names, pb.Int("axis", 1))
	case nn.Sub:
		return row, e.node(info.Name, "Sub", names)
	case nn.Mul:
		return row, e.node(info.Name, "Mul", names)
	case nn.Div:
		return row, e.node(info.Name, "Div", names)
	}
	sum := names[0]
	for i, next := range names[1:] {
		step := info.Name
		if i < len(names)-2 {
			step += "/partial"
		}
		sum = e.node(step, "Add", []string{sum, next})
	}
	return row, sum
}

// gather picks columns of rows to which a zero was added, for -1.
func (e *export) gather(name string, x output, l nn.Gather) string {
	if l.Index == nil {
		return e.reshape(name, x.name, l.Output)
	}
	size := x.shape.Size()
	index, zeros := make([]int, len(l.Index)), false
	for i, at := range l.Index {
		if index[i] = int(at); at < 0 {
			index[i], zeros = size, true
		}
	}
	row := e.row(x)
	if zeros {
		row = e.node(name+"/zero", "Pad", []string{row, e.ints(name+"/pads", 0, 0, 0, 1)})
	}
	y := e.node(name+"/values", "Gather", []string{row, e.ints(name+"/index", index...)}, pb.Int("axis", 1))
	return e.reshape(name, y, l.Output)
}

package onnx

import (
	"fmt"
	"math"
	"strings"
	"unicode"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/nn"
	"github.com/whybook/whybook/xai/nn/onnx/internal/ir"
)

const (
	maxLayers  = 10_000
	maxColumns = 1 << 24 // column numbers and constants for single values, in all layers together
	maxName    = 200
)

// lowering turns operations into layers. Rows keep their order of values; the layer that
// computes a node has the shape shapeOf(node.Shape), but for what only dense layers take.
type lowering struct {
	arch    nn.Arch
	weights []weight
	at      map[*ir.Node]string       // the layer that computes a node
	shapes  map[string]datasets.Shape // of the layers
	names   namer
	pending map[*ir.Node]moved // rearrangements that their only user takes over
	columns int                // how many there are so far
	err     error              // the first mistake
}

// moved is a rearrangement that is not a layer yet: columns of what another node computes.
type moved struct {
	from    *ir.Node
	columns []int32
}

// lower makes a network of a graph.
func lower(g *ir.Graph) (*nn.Net, error) {
	input := shapeOf(g.Nodes[0].Shape)
	l := &lowering{
		arch:    nn.Image(input),
		at:      map[*ir.Node]string{g.Nodes[0]: nn.InputName},
		shapes:  map[string]datasets.Shape{nn.InputName: input},
		names:   namer{nn.InputName: 1},
		pending: map[*ir.Node]moved{},
	}
	users := map[*ir.Node][]*ir.Node{}
	for _, n := range g.Nodes {
		for _, in := range n.In {
			users[in] = append(users[in], n)
		}
	}
	for _, n := range g.Nodes[1:] {
		if n != g.Output && len(users[n]) == 1 && onlyMoves(n) && onlyMoves(users[n][0]) {
			l.pending[n] = l.compose(n)
			continue
		}
		if onlyFlattens(n, users[n]) {
			l.at[n] = l.at[n.In[0]]
			continue
		}
		l.at[n] = l.node(n)
		if l.err == nil {
			l.err = l.arch.Err()
		}
		if l.err != nil {
			return nil, fmt.Errorf("node %q: %w", n.Name, l.err)
		}
	}
	end := l.reshape("scores", l.at[g.Output], datasets.Shape{Channels: g.Output.Size(), Height: 1, Width: 1})
	return assemble(l.arch.From(end), l.weights)
}

// shapeOf is the image in which a row of any number of axes is kept.
func shapeOf(dims []int) datasets.Shape {
	s := datasets.Shape{Channels: 1, Height: 1, Width: 1}
	for i, d := range dims {
		switch {
		case i == 0:
			s.Channels = d
		case i == len(dims)-1:
			s.Width = d
		default:
			s.Height *= d
		}
	}
	return s
}

// add appends a layer and returns its name.
func (l *lowering) add(name string, layer nn.Layer, in ...string) string {
	if len(l.shapes) > maxLayers && l.err == nil {
		l.err = fmt.Errorf("more than %d layers", maxLayers)
	}
	if l.err != nil {
		return nn.InputName
	}
	name = l.name(name)
	l.arch = l.arch.From(in[0]).Merge(layer, in[1:]...)
	if l.arch.End() != name {
		l.arch = l.arch.Named(name)
	}
	l.shapes[name] = l.arch.Output()
	return name
}

// name cleans the name of an ONNX node, and makes it unique.
func (l *lowering) name(name string) string {
	name = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || !unicode.IsPrint(r) {
			return '_'
		}
		return r
	}, strings.TrimPrefix(name, "/"))
	if len(name) > maxName {
		name = strings.ToValidUTF8(name[:maxName], "")
	}
	if name == "" {
		name = "layer"
	}
	return l.names.unique(name)
}

// param adds a weight of a layer.
func (l *lowering) param(layer, name string, dims []int, data []float64, scale float64) {
	w := weight{name: layer + "." + name, dims: dims, data: make([]float32, len(data))}
	for i, v := range data {
		w.data[i] = float32(v * scale)
		if l.err == nil && math.IsInf(float64(w.data[i]), 0) && !math.IsInf(v, 0) {
			l.err = fmt.Errorf("the weight %v does not fit 32 bits", v*scale)
		}
	}
	l.weights = append(l.weights, w)
}

// reshape gives the output of a layer another shape, if it has not got it.
func (l *lowering) reshape(name, x string, shape datasets.Shape) string {
	if l.shapes[x] == shape {
		return x
	}
	return l.add(name, nn.Gather{Output: shape}, x)
}

// charge accounts for numbers that belong to single values; false where they are too many.
func (l *lowering) charge(n int) bool {
	if n > maxColumns-l.columns && l.err == nil {
		l.err = fmt.Errorf("more than %d values are moved or have constants of their own: %w", maxColumns, xai.ErrShape)
	}
	l.columns += n
	return l.err == nil
}

// gather adds a layer that takes columns of another.
func (l *lowering) gather(name, x string, shape datasets.Shape, columns []int32) string {
	if columns == nil {
		return nn.InputName // after a mistake
	}
	return l.add(name, nn.Gather{Output: shape, Index: columns}, x)
}

// columnsOf lists the columns of a rearrangement.
func (l *lowering) columnsOf(r ir.Rearrange) []int32 {
	n := 1
	for _, d := range r.Dims() {
		n *= d
	}
	if !l.charge(n) {
		return nil
	}
	return r.Columns()
}

// transpose lists the columns of rows of the given shape after a permutation of its axes.
func (l *lowering) transpose(dims, perm []int) []int32 {
	return l.columnsOf(ir.Rearrange{From: dims, Perm: perm, Pick: make([][]int, len(dims))})
}

// onlyFlattens tells whether a node reshapes images to rows for dense layers, which do that
// themselves.
func onlyFlattens(n *ir.Node, users []*ir.Node) bool {
	_, ok := n.Op.(ir.Reshape)
	for _, u := range users {
		_, dense := u.Op.(ir.MatMul)
		ok = ok && dense
	}
	return ok && len(n.Shape) == 1 && len(users) > 0
}

func onlyMoves(n *ir.Node) bool {
	r, ok := n.Op.(ir.Rearrange)
	return ok && r.Fill == 0
}

// compose lists the columns of a rearrangement and of those before it that are pending.
func (l *lowering) compose(n *ir.Node) moved {
	m := moved{from: n.In[0], columns: l.columnsOf(n.Op.(ir.Rearrange))}
	if before, ok := l.pending[m.from]; ok && m.columns != nil && before.columns != nil {
		m.from = before.from
		for i, at := range m.columns {
			if at >= 0 {
				m.columns[i] = before.columns[at]
			}
		}
	}
	return m
}

// node adds the layers of one operation and returns the last one's name.
func (l *lowering) node(n *ir.Node) string {
	shape, in := shapeOf(n.Shape), make([]string, len(n.In))
	for i, from := range n.In {
		in[i] = l.at[from]
	}
	switch op := n.Op.(type) {
	case ir.Reshape:
		return l.reshape(n.Name, in[0], shape)
	case ir.Rearrange:
		return l.rearrange(n, op, shape)
	case ir.Fill:
		return l.fill(n, op, shape)
	case ir.Relu:
		return l.add(n.Name, nn.ReLU{}, in[0])
	case ir.LeakyRelu:
		if op.Slope == 0 { // stands for the default in nn
			return l.add(n.Name, nn.ReLU{}, in[0])
		}
		return l.add(n.Name, nn.LeakyReLU{Slope: op.Slope}, in[0])
	case ir.Sigmoid:
		return l.add(n.Name, nn.Sigmoid{}, in[0])
	case ir.Tanh:
		return l.add(n.Name, nn.Tanh{}, in[0])
	case ir.Clip:
		const most = math.MaxFloat32 // a file cannot hold infinity
		return l.add(n.Name, nn.Clip{Low: min(max(op.Min, -most), most), High: min(max(op.Max, -most), most)}, in[0])
	case ir.Affine:
		return l.add(n.Name, nn.Affine{Scale: l.constants(op.Scale, n.Shape), Shift: l.constants(op.Shift, n.Shape)}, in[0])
	case ir.BatchNorm:
		// 0 stands for the default in nn; this is as good as 0.
		name := l.add(n.Name, nn.BatchNorm{Epsilon: max(op.Epsilon, math.SmallestNonzeroFloat32)}, in[0])
		for i, t := range []*ir.Tensor{op.Scale, op.Bias, op.Mean, op.Variance} {
			l.param(name, [...]string{"weight", "bias", "running_mean", "running_var"}[i], t.Dims, t.Floats(), 1)
		}
		return name
	case ir.Conv:
		c := nn.Conv{Filters: op.Filters, Groups: groups(op.Groups), NoBias: op.Bias == nil}
		c.Kernel, c.Stride, c.Pad, c.Dilation, c.Window = geometry(op.Window)
		return l.kernels(l.add(n.Name, c, in[0]), op.Window, op.Weight, op.Bias)
	case ir.ConvTranspose:
		c := nn.ConvTranspose{Filters: op.Filters, Groups: groups(op.Groups), NoBias: op.Bias == nil}
		c.Kernel, c.Stride, c.Pad, c.Dilation, c.Window = geometry(op.Window)
		x := l.shapes[in[0]]
		var extra [2]int // what the window does not reach
		for i, size := range [2]int{x.Height, x.Width} {
			extra[i] = op.Out[i] - ((size-1)*op.Stride[i] + (op.Kernel[i]-1)*op.Dilation[i] + 1 - op.Pads[i] - op.Pads[2+i])
		}
		switch {
		case c.Window != (nn.Window{}):
			c.ExtraH, c.ExtraW = extra[0], extra[1]
		case extra[0] == extra[1]:
			c.Extra = extra[0]
		default:
			c.Window, c.ExtraH, c.ExtraW = general(op.Window), extra[0], extra[1]
			c.Kernel, c.Stride, c.Pad, c.Dilation = 0, 0, 0, 0
		}
		return l.kernels(l.add(n.Name, c, in[0]), op.Window, op.Weight, op.Bias)
	case ir.MaxPool:
		w, _ := l.covering(op.Window, l.shapes[in[0]])
		var p nn.MaxPool
		p.Kernel, p.Stride, p.Pad, _, p.Window = geometry(w)
		return l.add(n.Name, p, in[0])
	case ir.AveragePool:
		return l.averagePool(n, op, in[0], shape)
	case ir.Mean:
		return l.mean(n, op, in[0], shape)
	case ir.MatMul:
		return l.matMul(n, op, in[0], shape)
	case ir.Softmax:
		return l.softmax(n, op, in[0], shape)
	case ir.Binary:
		layers := map[string]nn.Layer{"Add": nn.Add{}, "Sub": nn.Sub{}, "Mul": nn.Mul{}, "Div": nn.Div{}}
		return l.add(n.Name, layers[op.Kind], in...)
	case ir.Concat:
		return l.concat(n, op, in, shape)
	}
	l.err = fmt.Errorf("no layer for %T", n.Op)
	return nn.InputName
}

func (l *lowering) rearrange(n *ir.Node, op ir.Rearrange, shape datasets.Shape) string {
	if _, ok := l.pending[n.In[0]]; !ok {
		if f := factor(op); f > 0 {
			return l.add(n.Name, nn.Upsample{Factor: f}, l.at[n.In[0]])
		}
	}
	m := l.compose(n)
	from := l.at[m.from]
	if op.Fill == 0 {
		return l.gather(n.Name, from, shape, m.columns)
	}
	filled := make([]float64, len(m.columns))
	for i, at := range m.columns {
		if at < 0 {
			filled[i] = op.Fill
		}
	}
	x := l.gather(n.Name+"/values", from, shape, m.columns)
	return l.add(n.Name, nn.Affine{Shift: filled}, x)
}

// factor returns by how much a rearrangement enlarges an image, 0 where it does something
// else.
func factor(r ir.Rearrange) int {
	if len(r.From) != 3 || r.Pick[0] != nil || r.Pick[1] == nil || r.Pick[2] == nil {
		return 0
	}
	f := len(r.Pick[1]) / r.From[1]
	for i, axis := range r.Perm {
		if axis != i || (i > 0 && len(r.Pick[i]) != f*r.From[i]) {
			return 0
		}
		for j, at := range r.Pick[i] {
			if at != j/f {
				return 0
			}
		}
	}
	return f
}

// fill makes rows that do not depend on the input, of zeros and a shift.
func (l *lowering) fill(n *ir.Node, op ir.Fill, shape datasets.Shape) string {
	if !l.charge(2 * n.Size()) {
		return nn.InputName
	}
	none := make([]int32, n.Size())
	for i := range none {
		none[i] = -1
	}
	return l.add(n.Name, nn.Affine{Shift: op.Row.Floats()}, l.gather(n.Name+"/zeros", nn.InputName, shape, none))
}

// constants lists a tensor for an Affine layer: one number, one for each channel or one
// for each value.
func (l *lowering) constants(t *ir.Tensor, shape []int) []float64 {
	switch {
	case t == nil:
		return nil
	case t.Len() == 1, len(t.Dims) == len(shape) && t.Dims[0] == t.Len():
		return t.Floats()
	case !l.charge(shapeOf(shape).Size()):
		return nil
	}
	return t.Broadcast(shape)
}

// groups writes the usual single group as nn's default.
func groups(g int) int {
	if g == 1 {
		return 0
	}
	return g
}

// geometry describes a window as nn does: by four numbers where it is the same in both
// directions, else in full.
func geometry(w ir.Window) (kernel, stride, pad, dilation int, full nn.Window) {
	square := w.Kernel[0] == w.Kernel[1] && w.Stride[0] == w.Stride[1] && w.Dilation == [2]int{1, 1} &&
		w.Pads == [4]int{w.Pads[0], w.Pads[0], w.Pads[0], w.Pads[0]}
	if !square {
		return 0, 0, 0, 0, general(w)
	}
	return w.Kernel[0], w.Stride[0], w.Pads[0], 0, nn.Window{}
}

func general(w ir.Window) nn.Window {
	return nn.Window{
		KernelH: w.Kernel[0], KernelW: w.Kernel[1], StrideH: w.Stride[0], StrideW: w.Stride[1],
		Top: w.Pads[0], Left: w.Pads[1], Bottom: w.Pads[2], Right: w.Pads[3],
		DilationH: w.Dilation[0], DilationW: w.Dilation[1],
	}
}

// kernels adds the weights of a convolution, whose layout nn and ONNX share.
func (l *lowering) kernels(name string, w ir.Window, weight, bias *ir.Tensor) string {
	dims := []int{weight.Dims[0], weight.Dims[1], w.Kernel[0], w.Kernel[1]} // a sequence has a height of 1
	l.param(name, "weight", dims, weight.Floats(), 1)
	if bias != nil {
		l.param(name, "bias", bias.Dims, bias.Floats(), 1)
	}
	return name
}

// covering extends the padding so that positions over the end become ordinary ones, and
// tells whether there were any.
func (l *lowering) covering(w ir.Window, in datasets.Shape) (ir.Window, bool) {
	wide := w
	for i, size := range [2]int{in.Height, in.Width} {
		last := (w.Out[i]-1)*w.Stride[i] + (w.Kernel[i]-1)*w.Dilation[i] + 1
		wide.Pads[2+i] = max(w.Pads[2+i], last-size-w.Pads[i])
	}
	return wide, wide != w
}

func (l *lowering) averagePool(n *ir.Node, op ir.AveragePool, in string, shape datasets.Shape) string {
	x := l.shapes[in]
	wide, over := l.covering(op.Window, x)
	p := nn.AvgPool{SkipBorder: !op.CountPad}
	p.Kernel, p.Stride, p.Pad, _, p.Window = geometry(wide)
	if !over || !op.CountPad {
		return l.add(n.Name, p, in)
	}
	// Where a window hangs over the padding, fewer values count than the kernel has.
	if !l.charge(shape.Size()) {
		return nn.InputName
	}
	scale := make([]float64, 0, shape.Size())
	counted := func(i, at, size int) (count int) {
		for k := range op.Kernel[i] {
			if at*op.Stride[i]-op.Pads[i]+k*op.Dilation[i] < size+op.Pads[2+i] {
				count++
			}
		}
		return count
	}
	for range shape.Channels {
		for y := range shape.Height {
			for z := range shape.Width {
				scale = append(scale, float64(op.Kernel[0]*op.Kernel[1])/float64(counted(0, y, x.Height)*counted(1, z, x.Width)))
			}
		}
	}
	return l.add(n.Name, nn.Affine{Scale: scale}, l.add(n.Name+"/sum", p, in))
}

func (l *lowering) mean(n *ir.Node, op ir.Mean, in string, shape datasets.Shape) string {
	dims := n.In[0].Shape
	reduced := make([]bool, len(dims))
	for _, a := range op.Axes {
		reduced[a] = true
	}
	var perm []int
	outer := 1
	for i, d := range dims {
		if !reduced[i] {
			perm, outer = append(perm, i), outer*d
		}
	}
	inner := n.In[0].Size() / outer
	trailing := len(perm) == 0 || perm[len(perm)-1] == len(perm)-1
	perm = append(perm, op.Axes...)
	plane := datasets.Shape{Channels: outer, Height: 1, Width: inner}
	switch {
	case !trailing:
		in = l.gather(n.Name+"/transpose", in, plane, l.transpose(dims, perm))
	case l.shapes[in].Channels != outer:
		in = l.reshape(n.Name+"/reshape", in, plane)
	}
	if shape.Channels == outer {
		return l.reshape(n.Name+"/shape", l.add(n.Name, nn.GlobalAvgPool{}, in), shape)
	}
	return l.reshape(n.Name, l.add(n.Name+"/mean", nn.GlobalAvgPool{}, in), shape)
}

func (l *lowering) matMul(n *ir.Node, op ir.MatMul, in string, shape datasets.Shape) string {
	width := n.In[0].Shape[len(n.In[0].Shape)-1]
	rows, units := n.In[0].Size()/width, op.Weight.Len()/width
	data := op.Weight.Floats()
	if !op.Transposed {
		turned := make([]float64, len(data))
		for i, v := range data {
			turned[i%units*width+i/units] = v
		}
		data = turned
	}
	name := ""
	if rows == 1 {
		name = l.add(n.Name, nn.Dense{Units: units, NoBias: op.Bias == nil}, in)
		l.param(name, "weight", []int{units, width}, data, op.Scale)
	} else {
		// The same matrix at every position is a convolution with a kernel of 1.
		x := l.gather(n.Name+"/transpose", in, datasets.Shape{Channels: width, Height: 1, Width: rows}, l.transpose([]int{rows, width}, []int{1, 0}))
		name = l.add(n.Name+"/product", nn.Conv{Filters: units, Kernel: 1, Stride: 1, NoBias: op.Bias == nil}, x)
		l.param(name, "weight", []int{units, width, 1, 1}, data, op.Scale)
	}
	if op.Bias != nil {
		b := op.Bias.Floats()
		bias := make([]float64, units)
		for i := range bias {
			bias[i] = b[i%len(b)]
		}
		l.param(name, "bias", []int{units}, bias, op.BiasScale)
	}
	if rows == 1 {
		return l.reshape(n.Name+"/shape", name, shape)
	}
	return l.gather(n.Name, name, shape, l.transpose([]int{units, rows}, []int{1, 0}))
}

func (l *lowering) softmax(n *ir.Node, op ir.Softmax, in string, shape datasets.Shape) string {
	dims := [3]int{1, 1, 1} // before, among and after the axes
	for i, d := range n.Shape {
		switch {
		case i < op.From:
			dims[0] *= d
		case i < op.To:
			dims[1] *= d
		default:
			dims[2] *= d
		}
	}
	var layer nn.Layer = nn.Softmax{}
	if op.Log {
		layer = nn.LogSoftmax{}
	}
	group := datasets.Shape{Channels: dims[1], Height: dims[0], Width: dims[2]}
	switch {
	case dims[0] == 1 && shape.Channels == dims[1]:
		return l.add(n.Name, layer, in)
	case dims[0] == 1:
		x := l.add(n.Name+"/softmax", layer, l.reshape(n.Name+"/reshape", in, group))
		return l.reshape(n.Name, x, shape)
	}
	x := l.gather(n.Name+"/transpose", in, group, l.transpose(dims[:], []int{1, 0, 2}))
	x = l.add(n.Name+"/softmax", layer, x)
	return l.gather(n.Name, x, shape, l.transpose([]int{dims[1], dims[0], dims[2]}, []int{1, 0, 2}))
}

func (l *lowering) concat(n *ir.Node, op ir.Concat, in []string, shape datasets.Shape) string {
	outer := 1
	for _, d := range n.Shape[:op.Axis] {
		outer *= d
	}
	if op.Axis == 0 {
		return l.add(n.Name, nn.Concat{}, in...)
	}
	// Whole rows one after the other, then the columns in their order.
	for i := range in {
		in[i] = l.reshape(n.Name+"/reshape", in[i], datasets.Shape{Channels: n.In[i].Size(), Height: 1, Width: 1})
	}
	joined := l.add(n.Name+"/join", nn.Concat{}, in...)
	if outer == 1 {
		return l.reshape(n.Name, joined, shape)
	}
	if !l.charge(n.Size()) {
		return nn.InputName
	}
	columns := make([]int32, 0, n.Size())
	for o := range outer {
		start := 0
		for _, from := range n.In {
			step := from.Size() / outer
			for j := range step {
				columns = append(columns, int32(start+o*step+j))
			}
			start += from.Size()
		}
	}
	return l.gather(n.Name, joined, shape, columns)
}

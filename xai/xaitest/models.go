package xaitest

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/nn"
	"github.com/whybook/whybook/xai/saliency"
	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/mat"
)

// The images of the suite, and the number of scores.
var shape = datasets.Shape{Channels: 1, Height: 6, Width: 6}

const (
	size    = 36
	classes = 3
	hidden  = 16 // units
)

// body is a small network that begins where a ends; its weights are drawn by name, so two
// bodies with one prefix have the same.
func body(a nn.Arch, prefix string, smooth bool) nn.Arch {
	a = a.Conv(4, 3).Named(prefix + "conv")
	if smooth {
		return a.Then(nn.Tanh{}).Dense(hidden).Named(prefix + "hidden").Then(nn.Tanh{}).Dense(classes).Named(prefix + "out")
	}
	return a.ReLU().Named(prefix + "relu").MaxPool(2).Dense(hidden).Named(prefix + "hidden").ReLU().Dense(classes).Named(prefix + "out")
}

func build(a nn.Arch, s uint64) (*nn.Net, error) {
	net, err := a.Init(s)
	if err != nil {
		return nil, fmt.Errorf("xaitest: a model of the suite: %w", err)
	}
	return net.Double(), nil
}

// network is the plain model of the suite.
func network(s uint64, smooth bool) (*nn.Net, error) {
	return build(body(nn.Image(shape), "", smooth), s)
}

// linear has the scores w.x + b and -w.x - b, so that its margins are parallel to w too.
func linear(s uint64) (*nn.Net, error) {
	return build(nn.Image(shape).Dense(1).Named("for").Then(nn.Affine{Scale: []float64{-1}}).Named("against").
		From("for").Merge(nn.Concat{}, "against"), s)
}

// blind does not read the given value.
func blind(s uint64, value int) (*nn.Net, error) {
	index := identity()
	index[value] = -1
	return build(body(nn.Image(shape).Then(nn.Gather{Output: shape, Index: index}), "", false), s)
}

// mirrored reads tanh(p) + tanh(q) in the place of both of two values, and twice the tanh
// of every other one.
func mirrored(s uint64, p, q int) (*nn.Net, error) {
	index := identity()
	index[p], index[q] = index[q], index[p]
	a := nn.Image(shape).Then(nn.Tanh{}).Named("straight").
		Then(nn.Gather{Output: shape, Index: index}).Named("swapped").
		Merge(nn.Add{}, "straight")
	return build(body(a, "", false), s)
}

// sum returns f, g and a f + b g.
func sum(s uint64, a, b float64) (f, g, both *nn.Net, err error) {
	end := func(arch nn.Arch, prefix string, scale float64) nn.Arch {
		return body(arch, prefix, false).Then(nn.Affine{Scale: []float64{scale}}).Named(prefix + "scaled")
	}
	if f, err = build(body(nn.Image(shape), "f.", false), s); err != nil {
		return nil, nil, nil, err
	}
	if g, err = build(body(nn.Image(shape), "g.", false), s); err != nil {
		return nil, nil, nil, err
	}
	both, err = build(end(end(nn.Image(shape), "f.", a).From(nn.InputName), "g.", b).Merge(nn.Add{}, "f.scaled"), s)
	return f, g, both, err
}

// pair is one function computed in two ways.
type pair struct {
	name string
	a, b *nn.Net
}

// pairs returns networks that compute the same function.
func pairs(s uint64) ([]pair, error) {
	plain, err := network(s, false)
	if err != nil {
		return nil, err
	}
	list := []pair{
		{name: "z written as relu(z) - relu(-z)", a: plain},
		{name: "features moved up and down again", a: plain},
		{name: "two linear layers in one"},
		{name: "z written as relu(z + 100) - 100"},
		{name: "channels mixed and separated again"},
	}

	// Between convolution and ReLU: z = relu(z) - relu(-z).
	a := nn.Image(shape).Conv(4, 3).Named("conv").
		Then(nn.Affine{Scale: []float64{-1}}).Named("turned").ReLU().Named("negative").
		From("conv").ReLU().Named("positive").Merge(nn.Sub{}, "negative").
		ReLU().MaxPool(2).Dense(hidden).Named("hidden").ReLU().Dense(classes).Named("out")
	if list[0].b, err = build(a, s); err != nil {
		return nil, err
	}

	// After the last image: add one, flatten, subtract one.
	flat := datasets.Shape{Channels: 4 * 9, Height: 1, Width: 1}
	a = nn.Image(shape).Conv(4, 3).Named("conv").ReLU().MaxPool(2).
		Then(nn.Affine{Shift: []float64{1}}).Then(nn.Gather{Output: flat}).Then(nn.Affine{Shift: []float64{-1}}).
		Dense(hidden).Named("hidden").ReLU().Dense(classes).Named("out")
	if list[1].b, err = build(a, s); err != nil {
		return nil, err
	}

	// Dense layers W1, W2 without anything between them, W2 W1 in one, and W1, W2 with a ReLU
	// between them that never cuts.
	start := nn.Image(shape).Conv(4, 3).Named("conv").ReLU().MaxPool(2)
	w := weights{"conv": normal(s, "conv", 4, 9), "first": normal(s, "first", 5, 36), "second": normal(s, "second", classes, 5)}
	var product mat.Dense
	product.Mul(w["second"], w["first"])
	if list[2].a, err = weighted(start.Dense(5).Named("first").Dense(classes).Named("second"), w, 0); err != nil {
		return nil, err
	}
	if list[2].b, err = weighted(start.Dense(classes).Named("only"), weights{"conv": w["conv"], "only": &product}, 0); err != nil {
		return nil, err
	}
	list[3].a = list[2].a
	raised := start.Dense(5).Named("first").
		Then(nn.Affine{Shift: []float64{100}}).ReLU().Then(nn.Affine{Shift: []float64{-100}}).Dense(classes).Named("second")
	if list[3].b, err = weighted(raised, w, 0); err != nil {
		return nil, err
	}

	// After the convolution: the channels times an orthogonal matrix that is its own inverse.
	mixing := mat.NewDense(4, 4, []float64{1, 1, 1, 1, 1, -1, 1, -1, 1, 1, -1, -1, 1, -1, -1, 1})
	mixing.Scale(0.5, mixing)
	end := func(a nn.Arch) nn.Arch {
		return a.ReLU().MaxPool(2).Dense(5).Named("first").Dense(classes).Named("second")
	}
	list[4].a = list[2].a
	mixed := nn.Image(shape).Conv(4, 3).Named("conv").Conv(4, 1).Named("mix").Conv(4, 1).Named("separate")
	w["mix"], w["separate"] = mixing, mixing
	list[4].b, err = weighted(end(mixed), w, 0)
	return list, err
}

// biased is a network of ReLUs with biases.
func biased(s uint64) (*nn.Net, error) {
	a := nn.Image(shape).Conv(4, 3).Named("conv").ReLU().MaxPool(2).Dense(hidden).Named("hidden").ReLU().Dense(classes).Named("out")
	return weighted(a, weights{"conv": normal(s, "conv", 4, 9), "hidden": normal(s, "hidden", hidden, 36), "out": normal(s, "out", classes, hidden)}, 0.5)
}

// colours returns a network of small images of two channels, and a batch of them.
func colours(s uint64, n int) (*nn.Net, saliency.Batch, error) {
	in := inputs(s, n)
	in.Shape = datasets.Shape{Channels: 2, Height: 6, Width: 3}
	f, err := nn.Image(in.Shape).Conv(4, 3).Named("conv").ReLU().Dense(hidden).Named("hidden").ReLU().Dense(classes).Named("out").Init(s)
	if err != nil {
		err = fmt.Errorf("xaitest: a model of the suite: %w", err)
	}
	return f, in, err
}

func identity() []int32 {
	index := make([]int32, size)
	for i := range index {
		index[i] = int32(i)
	}
	return index
}

// normal draws a matrix whose products keep the size of their inputs.
func normal(s uint64, name string, rows, cols int) *mat.Dense {
	r, m := seed.Stream(s, "xaitest", name), mat.NewDense(rows, cols, nil)
	for i := range m.RawMatrix().Data {
		m.RawMatrix().Data[i] = r.NormFloat64() * math.Sqrt(2/float64(cols))
	}
	return m
}

// weights are those of layers, by name.
type weights map[string]*mat.Dense

// weighted returns a network with given weights, and biases that are all the same.
func weighted(a nn.Arch, w weights, bias float64) (*nn.Net, error) {
	type entry struct {
		Dtype   string `json:"dtype"`
		Shape   []int  `json:"shape"`
		Offsets [2]int `json:"data_offsets"`
	}
	header, data := map[string]entry{}, []byte(nil)
	put := func(name string, values []float64, dims ...int) {
		from := len(data)
		for _, v := range values {
			data = binary.LittleEndian.AppendUint64(data, math.Float64bits(v))
		}
		header[name] = entry{"F64", dims, [2]int{from, len(data)}}
	}
	for name, m := range w { // the file names its tensors, so their order does not matter
		rows, cols := m.Dims()
		dims := []int{rows, cols}
		switch name {
		case "conv":
			dims = []int{rows, 1, 3, 3}
		case "mix", "separate":
			dims = []int{rows, cols, 1, 1}
		}
		put(name+".weight", m.RawMatrix().Data, dims...)
		biases := make([]float64, rows)
		for i := range biases {
			biases[i] = bias
		}
		put(name+".bias", biases, rows)
	}
	text, err := json.Marshal(header)
	if err != nil {
		return nil, err
	}
	file := binary.LittleEndian.AppendUint64(nil, uint64(len(text)))
	net, err := a.Load(bytes.NewReader(append(append(file, text...), data...)), nil)
	if err != nil {
		return nil, fmt.Errorf("xaitest: a model of the suite: %w", err)
	}
	return net.Double(), nil
}

// inputs returns n random images in [0,1], with targets in turn. The limits leave room for
// methods that change the image.
func inputs(s uint64, n int) saliency.Batch {
	r, x := seed.Stream(s, "xaitest", "inputs"), mat.NewDense(n, size, nil)
	for i := range x.RawMatrix().Data {
		x.RawMatrix().Data[i] = r.Float64()
	}
	in := saliency.Batch{X: x, Shape: shape, Low: -2, High: 3, Targets: make([]int, n)}
	for i := range in.Targets {
		in.Targets[i] = i % classes
	}
	return in
}

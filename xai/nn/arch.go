package nn

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
)

// Arch describes a network's architecture: layers on an input shape, usually in a chain. It
// is a recipe: methods return a changed copy, nothing is computed, and the first mistake
// is kept until Init or Fit reports it.
//
//	nn.Image(shape).Conv(8, 5).ReLU().MaxPool(2).Dense(10)
//
// Layers are named by kind and position ("conv1", "relu1", "pool1", "fc1"); Named renames
// the last one. Names select activations and appear in weight files.
//
// # Branches
//
// Every step is attached to the end of the chain. From moves the end to an earlier layer,
// and Merge joins the end with other layers, so that any acyclic network can be written:
//
//	a = a.Conv(16, 3).Named("main").From("relu1").Conv(16, 1).Merge(nn.Add{}, "main")
type Arch struct {
	input datasets.Shape
	steps []step
	tip   int // the number of the step, from 1, that the next one is attached to; 0 is the input
	err   error
}

// step is a layer with its name, its inputs and its output shape.
type step struct {
	name  string
	layer Layer
	in    []int // indices of earlier steps; -1 is the network's input
	out   datasets.Shape
}

// InputName stands for the network's input where a layer is named.
const InputName = "input"

// Image starts an architecture for inputs of the given shape.
func Image(shape datasets.Shape) Arch {
	a := Arch{input: shape}
	if shape.Channels < 1 || shape.Height < 1 || shape.Width < 1 {
		a.err = xai.Stepf(fmt.Sprintf("nn.Image(%v)", shape), "every size must be at least 1: %w", xai.ErrShape)
	}
	return a
}

// Conv adds a convolution with an odd kernel, stride 1 and as much padding as keeps the
// height and width. For any other geometry use Then(Conv{...}).
func (a Arch) Conv(filters, kernel int) Arch {
	if a.err == nil && (kernel < 1 || kernel%2 == 0) {
		a.err = xai.Stepf(fmt.Sprintf("nn.Arch.Conv(%d, %d)", filters, kernel), "kernel size must be odd, to keep the image's size; use Then(nn.Conv{...}) for others")
		return a
	}
	return a.add(fmt.Sprintf("nn.Arch.Conv(%d, %d)", filters, kernel), Conv{Filters: filters, Kernel: kernel, Pad: kernel / 2})
}

// MaxPool adds a max-pooling of size x size windows that do not overlap.
func (a Arch) MaxPool(size int) Arch {
	return a.add(fmt.Sprintf("nn.Arch.MaxPool(%d)", size), MaxPool{Kernel: size})
}

// Dense adds a fully connected layer.
func (a Arch) Dense(units int) Arch {
	return a.add(fmt.Sprintf("nn.Arch.Dense(%d)", units), Dense{Units: units})
}

// ReLU adds a rectifier.
func (a Arch) ReLU() Arch { return a.add("nn.Arch.ReLU()", ReLU{}) }

// BatchNorm adds batch normalisation with the usual settings.
func (a Arch) BatchNorm() Arch { return a.add("nn.Arch.BatchNorm()", BatchNorm{}) }

// Dropout adds dropout with the given rate in [0, 1).
func (a Arch) Dropout(rate float64) Arch {
	return a.add(fmt.Sprintf("nn.Arch.Dropout(%v)", rate), Dropout{Rate: rate})
}

// Then adds any layer with all its settings.
func (a Arch) Then(l Layer) Arch {
	return a.add(fmt.Sprintf("nn.Arch.Then(%T)", l), l)
}

// Merge adds a layer of several inputs: the end of the chain first, then the layers with
// the given names.
func (a Arch) Merge(l Layer, with ...string) Arch {
	if a.err != nil {
		return a
	}
	call := fmt.Sprintf("nn.Arch.Merge(%T, %q)", l, with)
	in := []int{a.end()}
	for _, name := range with {
		i, ok := a.find(name)
		if !ok {
			a.err = xai.Stepf(call, "the layers are %s: %w", a.names(), xai.ErrLayer)
			return a
		}
		in = append(in, i)
	}
	return a.attach(call, l, in)
}

// From moves the end of the chain to the named layer, or to the network's input for
// InputName. The next step is attached there.
func (a Arch) From(name string) Arch {
	if a.err != nil {
		return a
	}
	i, ok := a.find(name)
	if !ok {
		a.err = xai.Stepf(fmt.Sprintf("nn.Arch.From(%q)", name), "the layers are %s: %w", a.names(), xai.ErrLayer)
		return a
	}
	a.tip = i + 1
	return a
}

// Named renames the layer at the end of the chain. The name must be new and free of
// white space.
func (a Arch) Named(name string) Arch {
	if a.err != nil {
		return a
	}
	call := fmt.Sprintf("nn.Arch.Named(%q)", name)
	at, taken := a.find(name)
	switch {
	case a.tip == 0:
		a.err = xai.Stepf(call, "there is no layer to name yet")
	case checkName(name) != nil:
		a.err = xai.Stepf(call, "%w", checkName(name))
	case taken && at != a.end():
		a.err = xai.Stepf(call, "another layer has this name")
	default:
		a.steps = append([]step(nil), a.steps...)
		a.steps[a.end()].name = name
	}
	return a
}

func checkName(name string) error {
	if name == "" || strings.ContainsFunc(name, unicode.IsSpace) {
		return errors.New("a name must not be empty nor hold white space")
	}
	return nil
}

// End returns the name of the layer at the end of the chain.
func (a Arch) End() string {
	if a.tip == 0 {
		return InputName
	}
	return a.steps[a.end()].name
}

// Normalized puts a Normalize layer between the input and everything that takes it, so that
// a network that was trained on normalised images takes images in [0,1], and explanations
// are in units of the image.
func (a Arch) Normalized(mean, std []float64) Arch {
	if a.err != nil {
		return a
	}
	call := fmt.Sprintf("nn.Arch.Normalized(%v, %v)", mean, std)
	first := Image(a.input).add(call, Normalize{Mean: append([]float64(nil), mean...), Std: append([]float64(nil), std...)})
	if first.err != nil {
		return first
	}
	for _, taken := a.find(first.steps[0].name); taken; _, taken = a.find(first.steps[0].name) {
		first.steps[0].name += "0" // an architecture that normalises somewhere else too
	}
	for _, s := range a.steps {
		in := make([]int, len(s.in))
		for j, at := range s.in {
			in[j] = at + 1 // what was the input, -1, is now the new layer, 0
		}
		s.in = in
		first.steps = append(first.steps, s)
	}
	first.tip = a.tip + 1
	return first
}

// LeNet is LeNet-5 (LeCun et al. 1998) with ReLU and max-pooling: two 5x5 convolutions of
// 6 and 16 filters, then dense layers of 120, 84 and classes units. The image must be at
// least 12 x 12.
func LeNet(shape datasets.Shape, classes int) Arch {
	return Image(shape).
		Conv(6, 5).ReLU().MaxPool(2).
		Then(Conv{Filters: 16, Kernel: 5}).ReLU().MaxPool(2).
		Dense(120).ReLU().
		Dense(84).ReLU().
		Dense(classes)
}

// add attaches a layer of one input to the end.
func (a Arch) add(call string, l Layer) Arch {
	if a.err != nil {
		return a
	}
	return a.attach(call, l, []int{a.end()})
}

// attach appends a layer, named by its kind and how many of the kind there are, and makes
// it the end.
func (a Arch) attach(call string, l Layer, in []int) Arch {
	if v := reflect.ValueOf(l); !v.IsValid() || v.Kind() != reflect.Struct {
		a.err = xai.Stepf(call, "need a layer by value, such as nn.ReLU{}, not %T", l)
		return a
	}
	count := 1
	for _, s := range a.steps {
		if s.layer.kind() == l.kind() {
			count++
		}
	}
	name := fmt.Sprintf("%s%d", l.kind(), count)
	for _, taken := a.find(name); taken; _, taken = a.find(name) {
		count++
		name = fmt.Sprintf("%s%d", l.kind(), count)
	}
	// Clip makes the append copy, so that two chains from one base cannot write into each
	// other.
	a.steps = slices.Clip(a.steps)
	a.push(call, name, l, in)
	return a
}

// push appends a layer in place; the name must be new.
func (a *Arch) push(call, name string, l Layer, in []int) {
	shapes := a.shapes(in)
	out, err := l.shape(shapes)
	if err == nil && (out.Channels < 1 || out.Height < 1 || out.Width < 1 ||
		out.Channels > maxWidth || out.Height > maxWidth/out.Channels || out.Width > maxWidth/out.Channels/out.Height) {
		err = fmt.Errorf("the output %v is empty or larger than %d values: %w", out, maxWidth, xai.ErrShape)
	}
	if err != nil {
		a.err = xai.Stepf(call, "after %v: %w", shapes[0], err)
		return
	}
	a.tip = len(a.steps) + 1
	a.steps = append(a.steps, step{name: name, layer: l, in: in, out: out})
}

// end returns the index of the step at the end of the chain, -1 for the input.
func (a Arch) end() int { return a.tip - 1 }

// shapes returns the output shapes of steps.
func (a Arch) shapes(steps []int) []datasets.Shape {
	shapes := make([]datasets.Shape, len(steps))
	for i, at := range steps {
		shapes[i] = a.input
		if at >= 0 {
			shapes[i] = a.steps[at].out
		}
	}
	return shapes
}

// weights describes the parameters of step i.
func (a Arch) weights(i int) []weight { return a.steps[i].layer.weights(a.shapes(a.steps[i].in)) }

// needed reports for each step whether the output of one of the steps last depends on it.
func (a Arch) needed(last ...int) []bool {
	need := make([]bool, len(a.steps))
	for _, i := range last {
		need[i] = true
	}
	for i := len(a.steps) - 1; i >= 0; i-- {
		if !need[i] {
			continue
		}
		for _, at := range a.steps[i].in {
			if at >= 0 {
				need[at] = true
			}
		}
	}
	return need
}

// maxWidth bounds the values per image at any layer: a hostile file must not make us
// allocate without limit.
const maxWidth = 1 << 28

// find returns the index of the layer with the given name, -1 for the input.
func (a Arch) find(name string) (int, bool) {
	if name == InputName {
		return -1, true
	}
	for i, s := range a.steps {
		if s.name == name {
			return i, true
		}
	}
	return 0, false
}

// Err returns the first mistake of the chain, or nil.
func (a Arch) Err() error {
	switch {
	case a.err != nil:
		return a.err
	case a.input == datasets.Shape{}:
		return fmt.Errorf("nn: an architecture starts with nn.Image(shape)")
	case a.tip == 0:
		return fmt.Errorf("nn: the architecture has no layers")
	}
	return nil
}

// Input returns the shape of one input.
func (a Arch) Input() datasets.Shape { return a.input }

// Output returns the shape at the end of the chain.
func (a Arch) Output() datasets.Shape { return a.shapes([]int{a.end()})[0] }

// LayerInfo describes one layer of an architecture.
type LayerInfo struct {
	Name   string         // "conv1"
	Layer  Layer          // its settings
	Inputs []string       // names of the layers it takes; InputName for the network's input
	Output datasets.Shape // of one sample
	Params int            // number of trainable values
}

// Layers describes the layers in the order in which they were added.
func (a Arch) Layers() []LayerInfo {
	infos := make([]LayerInfo, len(a.steps))
	for i, s := range a.steps {
		infos[i] = LayerInfo{Name: s.name, Layer: s.layer, Inputs: a.inputs(i), Output: s.out}
		for _, w := range a.weights(i) {
			if !w.state {
				infos[i].Params += w.rows * w.cols
			}
		}
	}
	return infos
}

// inputs names the inputs of step i.
func (a Arch) inputs(i int) []string {
	names := make([]string, len(a.steps[i].in))
	for j, at := range a.steps[i].in {
		names[j] = InputName
		if at >= 0 {
			names[j] = a.steps[at].name
		}
	}
	return names
}

// names lists the layers for an error message.
func (a Arch) names() string {
	names := make([]string, len(a.steps))
	for i, s := range a.steps {
		names[i] = s.name
	}
	return strings.Join(names, ", ")
}

// String writes the architecture as a chain; a layer that does not take the one before it
// names its inputs.
func (a Arch) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "input %v", a.input)
	for i, s := range a.steps {
		fmt.Fprintf(&b, " > %s %s", s.name, describe(s.layer))
		if len(s.in) != 1 || s.in[0] != i-1 {
			fmt.Fprintf(&b, " of %s", strings.Join(a.inputs(i), " and "))
		}
	}
	if a.tip != len(a.steps) {
		fmt.Fprintf(&b, " > output of %s", a.End())
	}
	return b.String()
}

// describe prints a layer's settings, leaving out those that are zero. Long lists, which
// imported networks have, are given by their length and digest, so that the text still
// tells two layers apart.
func describe(l Layer) string {
	v := reflect.ValueOf(l)
	if v.Kind() != reflect.Struct {
		return fmt.Sprintf("%T", l)
	}
	var parts []string
	for i := range v.NumField() {
		f := v.Field(i)
		if v.Type().Field(i).Anonymous || f.IsZero() {
			continue
		}
		text := ""
		if f.Kind() == reflect.Slice && f.Len() > 8 {
			h := sha256.New()
			if err := binary.Write(h, binary.LittleEndian, f.Interface()); err != nil {
				panic(fmt.Sprintf("nn: a layer holds a list of %T: %v", f.Interface(), err)) // ours are numbers
			}
			text = fmt.Sprintf("%d values %x", f.Len(), h.Sum(nil)[:8])
		} else {
			text = fmt.Sprint(f.Interface())
		}
		parts = append(parts, v.Type().Field(i).Name+": "+text)
	}
	return v.Type().Name() + "{" + strings.Join(parts, ", ") + "}"
}

// layerJSON is a layer in a file.
type layerJSON struct {
	Name   string          `json:"name"`
	Kind   string          `json:"kind"`
	Inputs []string        `json:"inputs"`
	Layer  json.RawMessage `json:"layer"`
}

type archJSON struct {
	Input  datasets.Shape `json:"input"`
	Layers []layerJSON    `json:"layers"`
	Output string         `json:"output"`
}

// MarshalJSON writes the architecture for a file.
func (a Arch) MarshalJSON() ([]byte, error) {
	if err := a.Err(); err != nil {
		return nil, err
	}
	file := archJSON{Input: a.input, Output: a.End()}
	for i, s := range a.steps {
		raw, err := json.Marshal(s.layer)
		if err != nil {
			return nil, fmt.Errorf("nn: layer %s: %w", s.name, err)
		}
		file.Layers = append(file.Layers, layerJSON{Name: s.name, Kind: s.layer.kind(), Inputs: a.inputs(i), Layer: raw})
	}
	return json.Marshal(file)
}

// UnmarshalJSON reads an architecture and checks it as if it had been chained.
func (a *Arch) UnmarshalJSON(data []byte) error {
	var file archJSON
	if err := json.Unmarshal(data, &file); err != nil {
		return fmt.Errorf("nn: architecture: %w", err)
	}
	if len(file.Layers) > maxLayers {
		return fmt.Errorf("nn: architecture: %d layers, more than %d are not supported", len(file.Layers), maxLayers)
	}
	read := Image(file.Input)
	at := map[string]int{InputName: -1}
	for i, l := range file.Layers {
		layer, err := decodeLayer(l.Kind, l.Layer)
		if err != nil {
			return fmt.Errorf("nn: architecture: layer %q: %w", l.Name, err)
		}
		if err := checkName(l.Name); err != nil {
			return fmt.Errorf("nn: architecture: layer %d: %w", i, err)
		}
		if _, taken := at[l.Name]; taken {
			return fmt.Errorf("nn: architecture: two layers are named %q", l.Name)
		}
		if len(l.Inputs) == 0 {
			return fmt.Errorf("nn: architecture: layer %q has no inputs", l.Name)
		}
		in := make([]int, len(l.Inputs))
		for j, name := range l.Inputs {
			from, ok := at[name]
			if !ok {
				return fmt.Errorf("nn: architecture: layer %q takes %q, which does not stand before it: %w", l.Name, name, xai.ErrLayer)
			}
			in[j] = from
		}
		if read.err == nil {
			read.push(fmt.Sprintf("nn: architecture: layer %q", l.Name), l.Name, layer, in)
		}
		if read.err != nil {
			return read.err
		}
		at[l.Name] = i
	}
	end, ok := at[file.Output]
	if !ok {
		return fmt.Errorf("nn: architecture: the output %q is none of the layers: %w", file.Output, xai.ErrLayer)
	}
	read.tip = end + 1
	if err := read.Err(); err != nil {
		return err
	}
	*a = read
	return nil
}

// maxLayers bounds the layers of a file.
const maxLayers = 10_000

// decodeLayer finds the kind among the layers and reads the settings into it.
func decodeLayer(kind string, raw json.RawMessage) (Layer, error) {
	for _, l := range layers() {
		if l.kind() != kind {
			continue
		}
		p := reflect.New(reflect.TypeOf(l))
		if err := json.Unmarshal(raw, p.Interface()); err != nil {
			return nil, err
		}
		return p.Elem().Interface().(Layer), nil
	}
	return nil, fmt.Errorf("unknown kind %q", kind)
}

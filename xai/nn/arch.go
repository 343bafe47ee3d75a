package nn

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
)

// Arch describes a network's architecture: a chain of layers on an input shape. It is a
// recipe: methods return a changed copy, nothing is computed, and the first mistake is
// kept until Init or Fit reports it.
//
//	nn.Image(shape).Conv(8, 5).ReLU().MaxPool(2).Dense(10)
//
// Layers are named by kind and position ("conv1", "relu1", "pool1", "fc1"); Named renames
// the last one. Names select activations and appear in weight files.
type Arch struct {
	input datasets.Shape
	steps []step
	err   error
}

// step is a layer with its name and its output shape.
type step struct {
	name  string
	layer Layer
	out   datasets.Shape
}

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

// Dropout adds dropout with the given rate in [0, 1).
func (a Arch) Dropout(rate float64) Arch {
	return a.add(fmt.Sprintf("nn.Arch.Dropout(%v)", rate), Dropout{Rate: rate})
}

// Then adds any layer with all its settings.
func (a Arch) Then(l Layer) Arch {
	if l == nil {
		if a.err == nil {
			a.err = xai.Stepf("nn.Arch.Then(nil)", "need a layer")
		}
		return a
	}
	return a.add(fmt.Sprintf("nn.Arch.Then(%s)", describe(l)), l)
}

// Named renames the last layer. The name must be new and free of spaces and dots.
func (a Arch) Named(name string) Arch {
	if a.err != nil {
		return a
	}
	call := fmt.Sprintf("nn.Arch.Named(%q)", name)
	switch {
	case len(a.steps) == 0:
		a.err = xai.Stepf(call, "there is no layer to name yet")
	case name == "" || strings.ContainsAny(name, ". \t\n"):
		a.err = xai.Stepf(call, "a name must not be empty nor hold spaces or dots")
	case a.index(name) >= 0:
		a.err = xai.Stepf(call, "another layer has this name")
	default:
		a.steps = append([]step(nil), a.steps...)
		a.steps[len(a.steps)-1].name = name
	}
	return a
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

// add appends a layer, named by its kind and how many of the kind there are.
func (a Arch) add(call string, l Layer) Arch {
	if a.err != nil {
		return a
	}
	in := a.Output()
	out, err := l.shape(in)
	if err == nil && out.Size() > maxWidth {
		err = fmt.Errorf("output of %v has %d values; more than %d are not supported: %w", out, out.Size(), maxWidth, xai.ErrShape)
	}
	if err != nil {
		a.err = xai.Stepf(call, "after %v: %w", in, err)
		return a
	}
	count := 1
	for _, s := range a.steps {
		if s.layer.kind() == l.kind() {
			count++
		}
	}
	name := fmt.Sprintf("%s%d", l.kind(), count)
	for a.index(name) >= 0 {
		count++
		name = fmt.Sprintf("%s%d", l.kind(), count)
	}
	// The full slice expression makes append copy, so that two chains from one base
	// cannot write into each other.
	a.steps = append(a.steps[:len(a.steps):len(a.steps)], step{name: name, layer: l, out: out})
	return a
}

// maxWidth bounds the values per image at any layer: a hostile file must not make us
// allocate without limit.
const maxWidth = 1 << 28

// index returns the position of the layer with the given name, or -1.
func (a Arch) index(name string) int {
	for i, s := range a.steps {
		if s.name == name {
			return i
		}
	}
	return -1
}

// Err returns the first mistake of the chain, or nil.
func (a Arch) Err() error {
	switch {
	case a.err != nil:
		return a.err
	case len(a.steps) == 0:
		return fmt.Errorf("nn: the architecture has no layers")
	}
	return nil
}

// Input returns the shape of one input.
func (a Arch) Input() datasets.Shape { return a.input }

// Output returns the shape after the last layer.
func (a Arch) Output() datasets.Shape {
	if len(a.steps) == 0 {
		return a.input
	}
	return a.steps[len(a.steps)-1].out
}

// LayerInfo describes one layer of an architecture.
type LayerInfo struct {
	Name   string         // "conv1"
	Layer  Layer          // its settings
	Output datasets.Shape // of one sample
	Params int            // number of trainable values
}

// Layers describes the layers in order.
func (a Arch) Layers() []LayerInfo {
	infos := make([]LayerInfo, len(a.steps))
	in := a.input
	for i, s := range a.steps {
		infos[i] = LayerInfo{Name: s.name, Layer: s.layer, Output: s.out}
		for _, w := range s.layer.weights(in) {
			infos[i].Params += w.rows * w.cols
		}
		in = s.out
	}
	return infos
}

// names lists the layers for an error message.
func (a Arch) names() string {
	names := make([]string, len(a.steps))
	for i, s := range a.steps {
		names[i] = s.name
	}
	return strings.Join(names, ", ")
}

// String writes the architecture as a chain.
func (a Arch) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "input %v", a.input)
	for _, s := range a.steps {
		fmt.Fprintf(&b, " > %s %s", s.name, describe(s.layer))
	}
	return b.String()
}

// describe prints a layer's settings, leaving out those that are zero.
func describe(l Layer) string {
	v := reflect.ValueOf(l)
	var parts []string
	for i := range v.NumField() {
		if f := v.Field(i); !f.IsZero() {
			parts = append(parts, fmt.Sprintf("%s: %v", v.Type().Field(i).Name, f.Interface()))
		}
	}
	return v.Type().Name() + "{" + strings.Join(parts, ", ") + "}"
}

// layerJSON is a layer in a file.
type layerJSON struct {
	Name  string          `json:"name"`
	Kind  string          `json:"kind"`
	Layer json.RawMessage `json:"layer"`
}

type archJSON struct {
	Input  datasets.Shape `json:"input"`
	Layers []layerJSON    `json:"layers"`
}

// MarshalJSON writes the architecture for a file.
func (a Arch) MarshalJSON() ([]byte, error) {
	if err := a.Err(); err != nil {
		return nil, err
	}
	file := archJSON{Input: a.input}
	for _, s := range a.steps {
		raw, err := json.Marshal(s.layer)
		if err != nil {
			return nil, fmt.Errorf("nn: layer %s: %w", s.name, err)
		}
		file.Layers = append(file.Layers, layerJSON{Name: s.name, Kind: s.layer.kind(), Layer: raw})
	}
	return json.Marshal(file)
}

// UnmarshalJSON reads an architecture and checks it as if it had been chained.
func (a *Arch) UnmarshalJSON(data []byte) error {
	var file archJSON
	if err := json.Unmarshal(data, &file); err != nil {
		return fmt.Errorf("nn: architecture: %w", err)
	}
	read := Image(file.Input)
	for _, l := range file.Layers {
		layer, err := decodeLayer(l.Kind, l.Layer)
		if err != nil {
			return fmt.Errorf("nn: architecture: layer %q: %w", l.Name, err)
		}
		read = read.Then(layer)
		if read.err == nil && read.steps[len(read.steps)-1].name != l.Name {
			read = read.Named(l.Name)
		}
	}
	if err := read.Err(); err != nil {
		return err
	}
	*a = read
	return nil
}

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

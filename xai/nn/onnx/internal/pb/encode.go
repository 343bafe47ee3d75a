package pb

import (
	"encoding/binary"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// message builds the wire form of one message.
type message []byte

func (m *message) int(num protowire.Number, v int64) {
	*m = protowire.AppendTag(*m, num, protowire.VarintType)
	*m = protowire.AppendVarint(*m, uint64(v))
}

func (m *message) text(num protowire.Number, s string) {
	*m = protowire.AppendTag(*m, num, protowire.BytesType)
	*m = protowire.AppendString(*m, s)
}

func (m *message) bytes(num protowire.Number, b []byte) {
	*m = protowire.AppendTag(*m, num, protowire.BytesType)
	*m = protowire.AppendBytes(*m, b)
}

func (m *message) float(num protowire.Number, v float32) {
	*m = protowire.AppendTag(*m, num, protowire.Fixed32Type)
	*m = protowire.AppendFixed32(*m, math.Float32bits(v))
}

// Marshal writes the model. Tensors are written from Raw: see FloatTensor and IntTensor.
func (m *Model) Marshal() []byte {
	var b message
	b.int(1, m.IRVersion)
	b.text(2, m.Producer)
	b.bytes(7, m.Graph.encode())
	for _, o := range m.Opsets {
		var e message
		e.text(1, o.Domain)
		e.int(2, o.Version)
		b.bytes(8, e)
	}
	return b
}

func (g *Graph) encode() []byte {
	var b message
	for i := range g.Nodes {
		b.bytes(1, g.Nodes[i].encode())
	}
	b.text(2, g.Name)
	for i := range g.Initializers {
		b.bytes(5, g.Initializers[i].encode())
	}
	for i := range g.Inputs {
		b.bytes(11, g.Inputs[i].encode())
	}
	for i := range g.Outputs {
		b.bytes(12, g.Outputs[i].encode())
	}
	return b
}

func (n *Node) encode() []byte {
	var b message
	for _, s := range n.Inputs {
		b.text(1, s)
	}
	for _, s := range n.Outputs {
		b.text(2, s)
	}
	b.text(3, n.Name)
	b.text(4, n.Op)
	for i := range n.Attributes {
		b.bytes(5, n.Attributes[i].encode())
	}
	if n.Domain != "" {
		b.text(7, n.Domain)
	}
	return b
}

func (a *Attribute) encode() []byte {
	var b message
	b.text(1, a.Name)
	switch a.Type {
	case AttributeFloat:
		b.float(2, a.F)
	case AttributeInt:
		b.int(3, a.I)
	case AttributeString:
		b.text(4, a.S)
	case AttributeTensor:
		b.bytes(5, a.T.encode())
	case AttributeFloats:
		for _, v := range a.Floats {
			b.float(7, v)
		}
	case AttributeInts:
		for _, v := range a.Ints {
			b.int(8, v)
		}
	}
	b.int(20, int64(a.Type))
	return b
}

func (t *Tensor) encode() []byte {
	var b message
	for _, d := range t.Dims {
		b.int(1, d)
	}
	b.int(2, int64(t.Type))
	b.text(8, t.Name)
	b.bytes(9, t.Raw)
	return b
}

func (v *ValueInfo) encode() []byte {
	var shape message
	for _, d := range v.Dims {
		var e message
		if d.Name != "" {
			e.text(2, d.Name)
		} else {
			e.int(1, d.Size)
		}
		shape.bytes(1, e)
	}
	var tensor, typ, b message
	tensor.int(1, int64(v.Type))
	tensor.bytes(2, shape)
	typ.bytes(1, tensor)
	b.text(1, v.Name)
	b.bytes(2, typ)
	return b
}

// FloatTensor makes a tensor of 32-bit floats.
func FloatTensor(name string, dims []int, data []float32) Tensor {
	t := Tensor{Name: name, Type: Float, Dims: wide(dims), Raw: make([]byte, 0, 4*len(data))}
	for _, v := range data {
		t.Raw = binary.LittleEndian.AppendUint32(t.Raw, math.Float32bits(v))
	}
	return t
}

// IntTensor makes a vector of 64-bit integers.
func IntTensor(name string, data []int64) Tensor {
	t := Tensor{Name: name, Type: Int64, Dims: []int64{int64(len(data))}, Raw: make([]byte, 0, 8*len(data))}
	for _, v := range data {
		t.Raw = binary.LittleEndian.AppendUint64(t.Raw, uint64(v))
	}
	return t
}

func wide(dims []int) []int64 {
	out := make([]int64, len(dims))
	for i, d := range dims {
		out[i] = int64(d)
	}
	return out
}

// Int, Ints, Float and String make attributes.
func Int(name string, v int64) Attribute { return Attribute{Name: name, Type: AttributeInt, I: v} }

// Ints makes an attribute that is a list of integers.
func Ints(name string, v ...int) Attribute {
	return Attribute{Name: name, Type: AttributeInts, Ints: wide(v)}
}

// FloatValue makes an attribute that is a number.
func FloatValue(name string, v float64) Attribute {
	return Attribute{Name: name, Type: AttributeFloat, F: float32(v)}
}

// Text makes an attribute that is a string.
func Text(name, v string) Attribute { return Attribute{Name: name, Type: AttributeString, S: v} }

package pb

import (
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// Bounds on what a few bytes can make us allocate. The largest published networks stay
// far below.
const (
	maxItems = 1 << 17 // nodes, tensors, inputs of one graph
	maxRank  = 32
)

// Unmarshal reads a model. Tensors keep pointing into data, which must not change.
func Unmarshal(data []byte) (*Model, error) {
	m := &Model{Bytes: len(data)}
	if err := m.decode(data); err != nil {
		return nil, err
	}
	if m.IRVersion == 0 && len(m.Opsets) == 0 && len(m.Graph.Nodes) == 0 {
		return nil, fmt.Errorf("no model in %d bytes: %w", len(data), ErrFormat)
	}
	return m, nil
}

// field is one field of a message: n holds a number, b everything that has a length.
type field struct {
	num protowire.Number
	typ protowire.Type
	n   uint64
	b   []byte
}

// text tells whether the field is the numbered one and has a length. A known number with
// an unexpected type is skipped like an unknown field, as protobuf's own readers do.
func (f field) text(num protowire.Number) bool {
	return f.num == num && f.typ == protowire.BytesType
}

func (f field) number(num protowire.Number) bool {
	return f.num == num && f.typ == protowire.VarintType
}

// each calls do for every field of the message.
func each(message string, b []byte, do func(f field) error) error {
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return fmt.Errorf("%s: %w: %w", message, protowire.ParseError(n), ErrFormat)
		}
		b = b[n:]
		f := field{num: num, typ: typ}
		switch typ {
		case protowire.VarintType:
			f.n, n = protowire.ConsumeVarint(b)
		case protowire.Fixed32Type:
			var v uint32
			v, n = protowire.ConsumeFixed32(b)
			f.n = uint64(v)
		case protowire.Fixed64Type:
			f.n, n = protowire.ConsumeFixed64(b)
		case protowire.BytesType:
			f.b, n = protowire.ConsumeBytes(b)
		default:
			n = protowire.ConsumeFieldValue(num, typ, b)
		}
		if n < 0 {
			return fmt.Errorf("%s, field %d: %w: %w", message, num, protowire.ParseError(n), ErrFormat)
		}
		b = b[n:]
		if err := do(f); err != nil {
			return err
		}
	}
	return nil
}

func (m *Model) decode(b []byte) error {
	return each("model", b, func(f field) error {
		switch {
		case f.number(1):
			m.IRVersion = int64(f.n)
		case f.text(2):
			m.Producer = string(f.b)
		case f.text(7):
			return m.Graph.decode(f.b)
		case f.text(8):
			var o Opset
			if err := each("opset", f.b, func(f field) error {
				switch {
				case f.text(1):
					o.Domain = string(f.b)
				case f.number(2):
					o.Version = int64(f.n)
				}
				return nil
			}); err != nil {
				return err
			}
			return add("opsets", &m.Opsets, o)
		}
		return nil
	})
}

// add appends, up to the bound.
func add[E any](what string, list *[]E, e E) error {
	if len(*list) == maxItems {
		return fmt.Errorf("more than %d %s: %w", maxItems, what, ErrFormat)
	}
	*list = append(*list, e)
	return nil
}

func (g *Graph) decode(b []byte) error {
	return each("graph", b, func(f field) error {
		switch {
		case f.text(1):
			var n Node
			if err := n.decode(f.b); err != nil {
				return err
			}
			return add("nodes", &g.Nodes, n)
		case f.text(2):
			g.Name = string(f.b)
		case f.text(5):
			var t Tensor
			if err := t.decode(f.b); err != nil {
				return err
			}
			return add("initializers", &g.Initializers, t)
		case f.text(11), f.text(12):
			var v ValueInfo
			if err := v.decode(f.b); err != nil {
				return err
			}
			if f.num == 11 {
				return add("inputs", &g.Inputs, v)
			}
			return add("outputs", &g.Outputs, v)
		case f.text(15):
			g.Sparse++
		}
		return nil
	})
}

func (n *Node) decode(b []byte) error {
	return each("node", b, func(f field) error {
		switch {
		case f.text(1):
			return add("inputs of a node", &n.Inputs, string(f.b))
		case f.text(2):
			return add("outputs of a node", &n.Outputs, string(f.b))
		case f.text(3):
			n.Name = string(f.b)
		case f.text(4):
			n.Op = string(f.b)
		case f.text(5):
			var a Attribute
			if err := a.decode(f.b); err != nil {
				return fmt.Errorf("node %q: %w", n.Name, err)
			}
			return add("attributes of a node", &n.Attributes, a)
		case f.text(7):
			n.Domain = string(f.b)
		}
		return nil
	})
}

func (a *Attribute) decode(b []byte) error {
	err := each("attribute", b, func(f field) error {
		switch {
		case f.text(1):
			a.Name = string(f.b)
		case f.num == 2 && f.typ == protowire.Fixed32Type:
			a.F = math.Float32frombits(uint32(f.n))
		case f.number(3):
			a.I = int64(f.n)
		case f.text(4):
			a.S = string(f.b)
		case f.text(5):
			if a.T == nil {
				a.T = new(Tensor)
			}
			return a.T.decode(f.b)
		case f.num == 7 && f.typ == protowire.Fixed32Type:
			a.Floats = append(a.Floats, math.Float32frombits(uint32(f.n)))
		case f.text(7):
			for b := f.b; len(b) > 0; {
				v, n := protowire.ConsumeFixed32(b)
				if n < 0 {
					return fmt.Errorf("attribute %q: floats: %w", a.Name, ErrFormat)
				}
				a.Floats = append(a.Floats, math.Float32frombits(v))
				b = b[n:]
			}
		case f.num == 8:
			return ints(&a.Ints, f)
		case f.number(20):
			a.Type = AttributeType(f.n)
		}
		return nil
	})
	if err == nil && a.Type == AttributeTensor && a.T == nil {
		err = fmt.Errorf("attribute %q: the tensor is missing: %w", a.Name, ErrFormat)
	}
	return err
}

// ints appends a repeated integer field, packed or not.
func ints(list *[]int64, f field) error {
	switch f.typ {
	case protowire.VarintType:
		*list = append(*list, int64(f.n))
	case protowire.BytesType:
		for b := f.b; len(b) > 0; {
			v, n := protowire.ConsumeVarint(b)
			if n < 0 {
				return fmt.Errorf("packed integers: %w: %w", protowire.ParseError(n), ErrFormat)
			}
			*list = append(*list, int64(v))
			b = b[n:]
		}
	}
	return nil
}

func (v *ValueInfo) decode(b []byte) error {
	return each("value", b, func(f field) error {
		switch {
		case f.text(1):
			v.Name = string(f.b)
		case f.text(2):
			return each("type", f.b, func(f field) error {
				if !f.text(1) { // a sequence, map or sparse tensor
					return nil
				}
				return each("tensor type", f.b, func(f field) error {
					switch {
					case f.number(1):
						v.Type = DataType(f.n)
					case f.text(2):
						v.HasShape = true
						return each("shape", f.b, func(f field) error {
							if !f.text(1) {
								return nil
							}
							if len(v.Dims) == maxRank {
								return fmt.Errorf("value %q has more than %d axes: %w", v.Name, maxRank, ErrFormat)
							}
							var d Dim
							if err := each("axis", f.b, func(f field) error {
								switch {
								case f.number(1):
									d.Size = int64(f.n)
								case f.text(2):
									d.Name = string(f.b)
								}
								return nil
							}); err != nil {
								return err
							}
							v.Dims = append(v.Dims, d)
							return nil
						})
					}
					return nil
				})
			})
		}
		return nil
	})
}

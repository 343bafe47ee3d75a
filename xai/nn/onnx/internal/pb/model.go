package pb

import "errors"

// ErrFormat is matched by errors about bytes that are not an ONNX model, or only part of
// one.
var ErrFormat = errors.New("not a complete ONNX file")

// Model is ModelProto.
type Model struct {
	IRVersion int64
	Producer  string
	Opsets    []Opset
	Graph     Graph
	Bytes     int // length of the file, a measure of what may be allocated for it
}

// Opset is OperatorSetIdProto.
type Opset struct {
	Domain  string // "" is ONNX's own
	Version int64
}

// Graph is GraphProto.
type Graph struct {
	Name         string
	Nodes        []Node
	Initializers []Tensor
	Inputs       []ValueInfo
	Outputs      []ValueInfo
	Sparse       int // number of sparse initializers, which are not read
}

// Node is NodeProto.
type Node struct {
	Name       string
	Op         string
	Domain     string
	Inputs     []string // "" stands for an input left out
	Outputs    []string
	Attributes []Attribute
}

// AttributeType is AttributeProto.AttributeType.
type AttributeType int32

// The attribute types that are read. Others, such as subgraphs, keep their number.
const (
	AttributeFloat   AttributeType = 1
	AttributeInt     AttributeType = 2
	AttributeString  AttributeType = 3
	AttributeTensor  AttributeType = 4
	AttributeFloats  AttributeType = 6
	AttributeInts    AttributeType = 7
	AttributeStrings AttributeType = 8
)

// Attribute is AttributeProto. Type says which of the fields counts.
type Attribute struct {
	Name   string
	Type   AttributeType
	F      float32
	I      int64
	S      string
	T      *Tensor
	Floats []float32
	Ints   []int64
}

// ValueInfo is ValueInfoProto for a tensor.
type ValueInfo struct {
	Name     string
	Type     DataType // 0 where the value is no tensor
	Dims     []Dim
	HasShape bool
}

// Dim is one axis of a declared shape: a size, a name, or neither.
type Dim struct {
	Size int64
	Name string
}

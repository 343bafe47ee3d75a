// Package pb reads and writes the part of ONNX's protobuf messages that networks need.
// The structs are written by hand after onnx.proto3 (IR version 10); the wire format comes
// from protowire. Fields that nothing here uses are skipped.
//
// A file is not believed: lengths are checked against the bytes there are, the numbers of
// nodes and tensors are bounded, and nothing is decoded recursively.
package pb

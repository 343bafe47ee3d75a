// Package onnx answers "can it be my own model?": it reads a network from an ONNX file, so
// that it is scored and explained like one made here, and writes one. The network keeps the
// weights of the file. Its architecture, nn.Net.Arch, can be trained, but nn.Arch.Fit starts
// from random weights: it does not go on from those of the file.
//
//	net, err := onnx.ReadFile("resnet50.onnx")
//	scores, err := net.Scores(ctx, x) // n x classes
//
// A model has one input, a batch of rows: its first axis is the batch, every other axis has
// a fixed size. Operator sets 11 to 21 are read; shape arithmetic is computed at import,
// what only moves values becomes a gather of columns, and the layers carry the names of
// the ONNX nodes, for nn.Net.Activations. Weights of any floating-point type are kept in
// 32 bits.
//
// What has no counterpart is refused by name with an *UnsupportedError. Every error about a
// file matches nn.ErrFormat, and xai.ErrShape where sizes do not fit each other.
//
// Reference: ONNX operator specification, https://onnx.ai/onnx/operators.
package onnx

// Package ir turns an ONNX graph into a short list of operations with static shapes, ready
// to be lowered into the layers of a network.
//
// The differences between operator sets end here, and so does shape arithmetic: what can
// be computed from constants and shapes is computed at import. What remains are nodes in
// topological order. Every value is a batch of rows: the first axis of the input is the
// batch, its size stays open, and no operation may move or mix it. A node's Shape is that
// of one row, without the batch axis.
//
// Everything that only moves values (Transpose, Slice, Pad, Gather, broadcasting, nearest
// Resize) becomes a Rearrange, whose output axes are lists of coordinates on input axes.
package ir

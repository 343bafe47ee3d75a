// Package graph is Whybook's border to gorgonia, and the only importer of it.
//
// gorgonia supplies the expression graph, reverse-mode differentiation (Backpropagate)
// and the tape machine. What runs in the nodes is ours: every operation here is a
// gorgonia Op with its own derivative, because several of v0.9.18's own operations
// have silently wrong gradients (average and global pooling, ReLU and Max at ties,
// reductions over axis 2), and its initialisers and dropout seed from the clock.
//
// # Conventions
//
// Every node is a matrix. A batch of n images of shape C x H x W is an n x (C*H*W)
// matrix, channel-major, so that flattening is free; the operation knows the geometry.
// Weights follow PyTorch's layout: convolution F x (C/groups*KH*KW), transposed convolution
// C x (F/groups*KH*KW), dense out x in, biases and other values per channel 1 x F. Sizes,
// ties, limits and derivatives at kinks follow PyTorch too.
//
// A Builder builds one graph for a fixed number of rows. Only the gradients that were
// asked for are built: a node knows whether something below it needs a gradient. A
// Program owns all its memory, is reused for any number of runs, and belongs to one
// goroutine at a time. Compile is told which nodes will be read; all others share memory.
//
// # Reproducible bytes
//
// Kernels run in parallel over the rows of a batch, or over channels or elements. Sums over
// the batch (weight gradients) go through a fixed number of partial sums that are added in
// order, so the bytes of a result do not depend on the number of processors. A row's
// results have the same bytes alone and in any batch, but for those of operations that mix
// rows by definition: BatchNorm and the losses.
//
// # Adding an operation
//
// Write a method of Builder that calls apply (or elementwise, where output elements depend
// on the same element of the inputs): a function that computes the output from the inputs,
// and one that adds the nodes of the gradient. Then add a fixture to fixtures_test.go with
// a slow version from the definition; a test fails until there is one.
package graph

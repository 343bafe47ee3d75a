// Package nn answers "which network?": it describes, trains, saves and runs the networks
// that the other packages explain.
//
// An Arch is the recipe of an architecture, a Fit the recipe of a trained network, a Net
// the result:
//
//	arch := nn.LeNet(digits.Shape, 10)
//	net, err := arch.Fit(digits, nn.Training{Epochs: 3, Seed: 7}).Build(ctx)
//	scores, err := net.Scores(ctx, x)                   // n x classes
//	scores, err = net.Gradients(ctx, dst, x, targets)   // dst: n x inputs
//
// Layers can be seen as well, by the names that Arch.Layers gives them:
//
//	u, err := net.Activations(ctx, "conv2", x)
//	err = net.Pull(ctx, "", "conv2", dst, x, seed)      // gradients at a layer
//	rest, err := net.After("conv2")                     // the network from there on
//	err = net.Propagate(ctx, "", "", dst, x, seed, rules) // sent back by other rules
//
// Everything is batched: a single image is a batch of one row. Inputs are rows of
// C*H*W values, channel-major, images in [0,1]. Scores are logits. A Net computes in
// float32; Net.Double gives the same network in float64 for exact tests.
//
// Results depend on the recipe and its seed only: the same call gives the same bytes for
// any number of processors.
package nn

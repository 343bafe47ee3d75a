// Package saliency answers "which pixels drive this decision?".
//
// A map is described by a chain and computed by Explain:
//
//	m, err := saliency.Of(net, x).With(saliency.IntegratedGradients{}).Target(3).Explain(ctx)
//
// Notation: f is the scalar that is explained, by default the score (logit) of the
// predicted class; x is the image, C x H x W values in [0,1]; a map has one value for
// each value of x.
package saliency

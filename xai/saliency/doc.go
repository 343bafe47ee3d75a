// Package saliency answers "which pixels drive this decision?".
//
// A map is described by a chain and computed by Explain:
//
//	m, err := saliency.Of(net, x).With(saliency.IntegratedGradients{}).Target(3).Explain(ctx)
//
// Survey makes the maps of a data set and says what those of a class have in common, and
// ExplainEach those of one sample for all classes. A map knows where it comes from: Save
// keeps it, and Replay makes it again and compares it bit by bit.
//
// Notation: f is the scalar that is explained, by default the score (logit) of the
// predicted class; x is the image, C x H x W values in [0,1]; a map has one value for
// each value of x.
//
// # What is explained, and where
//
// Target chooses a class, Toward any other number that the model computes: a margin between
// two classes, a probability, a hidden unit, a function of the scores. At explains it by what
// a layer puts out instead of by the input:
//
//	saliency.Of(net, x).Toward(saliency.Contrast{Class: 3, Over: 5})
//	saliency.Of(net, x).Toward(saliency.Channel{Layer: "conv2", Index: 17})
//	saliency.Of(net, x).With(saliency.IntegratedGradients{}).At("conv2")
//
// A Method knows nothing of that: it explains scores of an xai.Differentiable. Score makes of
// a scalar a model with one score; the rest of a network after a layer is a model as well.
// Methods that need more than gradients ask the model for it: GradCAM for an xai.Layered,
// GuidedBackprop, Deconvnet and LRP for an xai.Propagator, both also below a Score. A model
// that lacks it gives an error that matches xai.ErrAbility.
//
// A method that looks at other scores than its target has to say what it does with a model of
// one score: GradientFlow and Boundary take it as the margin over a rival with the score 0.
package saliency

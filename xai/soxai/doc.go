// Package soxai answers "which concepts do the explanations of a whole data set share, and
// which of them should go?": second-order explainability, after Zeng, Gunraj, Fernandez and
// Wong, Explaining Explainability: Towards Deeper Actionable Insights into Deep Learning
// through Second-order Explainability, XAI4CV workshop at CVPR 2023 (arXiv 2306.08780).
//
//	recipe := soxai.Of(net, set).With(saliency.GradCAM{Layer: "conv5"}).Concepts(2, 12)
//	atlas, err := recipe.Build(ctx)
//	atlas.View()                                   // a map of all regions, and the statistics
//	atlas, err = atlas.Name(2, "tag")              // a person looks, names and judges
//	atlas, err = atlas.Confirm("tag", soxai.Irrelevant, "A. Reader")
//	outcome, err := soxai.Trial{Retrain: fit, Test: test}.Run(ctx, recipe, atlas, "tag")
//
// # What happens
//
// First order: a saliency method explains every image. Its map, made non-negative, is alpha;
// the pixels that hold half of its mass are critical, and each connected part of them is a
// [Region]. [Impact] says whether these regions drive the decision at all: look at it first.
//
// Second order: each region becomes a row, the alpha-weighted mean of a layer's features
// (equation 1 of the paper). The rows go through PCA and are grouped there; t-SNE only
// draws them. Each group is a [Concept], with statistics, the effect of masking it, and a
// suggestion whether it belongs to the task. The suggestion is for a person to confirm.
//
// Loop: [Trial] masks, drops, down-weights or swaps the regions of confirmed concepts,
// retrains from the same initial weights, and compares with a control that does the same to
// other regions of the same sizes.
//
// # What is whose
//
// Alpha, the embedding of equation 1, PCA to 50 and t-SNE to 2 dimensions, the canvas of
// crops and the human verdict are the paper's. Its groups are rectangles drawn by hand, it
// has no numbers for a concept, no retraining and no control. Regions, grouping, stability,
// statistics, suggestions, detection and the trial are ours; docs/methods/soxai.md says
// which is which, line by line.
//
// # Relatives
//
// [Recipe.HeatMaps] with [Spectral] is SpRAy's space, whole heat maps, and [CRAFT] factors
// the activations of crops and weighs the factors by Sobol indices: two other ways to find
// concepts, to compare with.
//
// # Memory and time
//
// Images are taken in batches (see [Recipe.Batch]). Beside the set, of one byte for each value,
// and three batches in float64 with what the layer puts out for them, n regions take n x N
// features, N being the channels of the layer, at 8 bytes each. Distances of all pairs are
// held by [Spectral] alone. Results have the same bytes for any batch and number of processors.
package soxai

// Package project answers "what does this cloud of points look like?": it brings rows of
// many values down to few, for a picture or for clustering.
//
//	basis, err := project.PCA{}.Fit(ctx, x)        // x: n x d, one row per sample
//	z, err := basis.Transform(x)                   // n x 50: cluster these
//	picture, err := project.TSNE{}.Embed(ctx, z)   // picture.Y: n x 2: look at these
//
// [PCA] is linear, exact and has an inverse; distances in it are distances in the data,
// less what its ratio of explained variance says is missing. [TSNE] keeps neighbourhoods
// and gives up everything else: the sizes of groups in its picture, the distances between
// them and the empty space mean nothing, so no number should be read off it and nothing
// clustered in it.
//
// Rows and columns are those of gonum's matrices. No input is changed. Results have the
// same bytes for any number of processors; instruction sets (AVX on one side, plain Go
// on the other) differ in the last digits of the matrix products, which t-SNE, being
// chaotic, can turn into another picture of the same quality.
package project

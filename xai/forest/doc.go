// Package forest answers "what do many trees, each grown on its own sample of rows and
// columns, agree on?" with random forests (Breiman, Random Forests, Machine Learning 45,
// 2001).
//
//	f, err := forest.Random{Trees: 100}.Classify(ctx, x, labels, 10)
//	classes, err := f.Predict(ctx, x)
//	shares, err := f.Values(ctx, x)
//
// Each tree is grown on n rows drawn with replacement from the n there are, and tries a
// random part of the columns at each split. A forest answers with the mean of its trees'
// answers (the shares of the classes in the leaf, not single votes, as scikit-learn does;
// Votes counts the latter).
//
// Tree i draws from the stream ("forest", i) of the seed, and sums over trees are made in
// their order, so that a forest and its answers have the same bytes on any number of
// processors, and its first trees are those of a smaller forest.
//
// Images may stay bytes: [tree.Bytes] takes an eighth of the memory of a *mat.Dense, and
// gives the same forest.
package forest

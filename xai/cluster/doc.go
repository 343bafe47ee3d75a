// Package cluster answers "which rows belong together, and how sure is that?".
//
//	c, err := cluster.KMeans{K: 5}.Fit(ctx, x)             // x is n x d
//	s, err := cluster.Silhouette{}.Measure(ctx, x, c.Labels)
//	best, err := cluster.Choice{}.Fit(ctx, x)              // k from 2 to 12 by silhouette
//	agreement, err := cluster.AdjustedRand(c.Labels, classes)
//
// [KMeans] and [MiniBatch] want rows in a space where Euclidean distance means something;
// [Medoids] wants only the distances between rows; [Spectral] wants only how alike they
// are, and finds clusters that are not round; [HDBSCAN] finds clusters of any number and
// leaves out what belongs to none.
//
// Labels number clusters from 0. Their order says nothing, so compare partitions by
// [AdjustedRand] or [MutualInformation]. Every result is the same for any number of
// processors, and can be saved and loaded.
package cluster

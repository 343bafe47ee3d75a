// Package neighbors answers "which rows are nearest?", exactly.
//
// An [Index] holds the rows of a matrix:
//
//	ix, err := neighbors.New(x, neighbors.Options{})
//	near, err := ix.Nearest(ctx, 5)            // of each row, among the others
//	near, err := ix.Query(ctx, queries, 5)     // of other rows
//	near, err := ix.Enemies(ctx, labels, 1)    // among the rows of other classes
//	near, err := ix.Friends(ctx, labels, 1)    // among the others of its own class
//	count, err := ix.Closer(ctx, radii)        // how many rows lie nearer than a radius
//	edges, err := ix.SpanningTree(ctx)         // the minimum spanning tree
//
// # What exact means
//
// The answer is that of a loop over all pairs in float64 that adds the terms of a distance
// in the order of the columns and sorts by distance, then by index. A row is left out of
// its own neighbours by its index, so duplicates of it are kept. Neither the method, nor
// the memory, nor the number of processors changes a bit of the answer.
//
// # How it is fast
//
// Euclidean searches in many columns multiply blocks of rows in float32 and look at pairs
// again in float64 only where the error bound of the product leaves a doubt (Higham,
// Accuracy and Stability of Numerical Algorithms, 2002, section 3.1). Where float32 cannot
// tell most rows apart, as in tight clusters far from each other, the products are done in
// float64 with the bound of that. Many rows in few columns are searched in gonum's k-d
// tree (Bentley 1975). Nothing needs a matrix of all pairs.
package neighbors

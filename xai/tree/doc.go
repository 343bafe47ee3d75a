// Package tree answers "which few tests lead to this answer?" with classification and
// regression trees.
//
// A tree is grown by [CART] (Breiman, Friedman, Olshen and Stone, Classification and
// Regression Trees, 1984), from the top: at each node the test "column <= threshold" is
// taken that leaves the least impurity, until nodes are pure or a limit is met.
//
//	t, err := tree.CART{MaxDepth: 5}.Classify(ctx, x, labels, 10)
//	y, err := t.Predict(ctx, x)      // classes
//	path, err := t.Path(row)         // the tests that row goes through
//
// Impurity is the Gini index 1 - sum p_c^2 or the entropy -sum p_c ln p_c of the shares of
// the classes, and for regression the variance, summed over the outputs; so a tree can
// imitate a network by regression on its logits, and Predict returns the largest.
//
// # Ties and thresholds
//
// A threshold lies halfway between the two neighbouring values of the node. Splits that
// are equally good, to twelve digits, are decided for the lower column and then for the
// lower threshold. An impure node is split as long as the limits allow it, even where no
// single split helps, as at the root of XOR.
//
// # Exact and binned
//
// Splits are searched among all distinct values of a column. Columns of at most 256
// distinct values, such as the pixels of images, are searched through histograms, which is
// as exact as sorting; [CART.Bins] brings other columns into that form, with the loss of
// the thresholds between. Below a node that a histogram was made for, the one of the
// larger child is its parent's less its sibling's.
//
// Growing uses all processors where there is enough to do; a tree's bytes do not depend on
// how many there are, nor, for classification without fractional weights, on the order of
// the rows.
package tree

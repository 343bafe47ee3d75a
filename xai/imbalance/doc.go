// Package imbalance answers "what does a network make of classes of unequal size?": where
// classes overlap, which members are safe, border, rare or outliers, which features and
// which colours a class lives on.
//
// One chain does it all:
//
//	a, err := imbalance.Of(set).Embed(net, "gap").Neighbors(5).HeldOut(test).Build(ctx)
//
// It runs the images through the network in batches, keeps what the layer puts out and what
// the network predicts, finds each member's nearest training members, and gives an
// [Analysis], whose methods are the techniques of Dablain, Bellinger, Krawczyk, Aha and
// Chawla, Understanding imbalanced data: XAI & interpretable ML framework, Machine Learning
// 2024 (doi 10.1007/s10994-023-06414-w). Every technique is a function of plain data too:
// features n x d, labels, predictions, or only the neighbours, as the authors published
// them (see [ReadNeighbors]).
//
// # Symbols
//
// y_i is the label of member i, p_i its prediction, z_i its features, n_c the number of
// members of class c, NN_k(i) the k nearest training members by Euclidean distance, i itself
// left out by its index, and s_i how many of them have label y_i.
//
// # Where this differs from the paper
//
// The paper's text was not at hand beyond its introduction; its definitions are taken from
// the authors' published code. Members are left out of their own neighbours by index, where
// the code drops the first neighbour, which is wrong for duplicates. Density ratios come
// normalised by class size too, and the colour bands of a class are always shown beside
// those of all its pixels: without them the chart shows what colours a class has, not which
// matter. How well nearest adversaries foretell validation errors, the overlap of features
// as numbers, and the colour bins by hue are ours, as is said where they are defined.
package imbalance

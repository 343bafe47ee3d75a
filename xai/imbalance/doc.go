// Package imbalance answers "which classes are hard, and why?": where classes of unequal size
// overlap, which members are safe, border, rare or outliers, which features and which colours
// a class lives on, and what goes with low recall.
//
// # Classes as a network sees them
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
// them (see [ReadNeighbors]). [Report] puts everything on one page, which saves as one HTML
// document:
//
//	page, err := imbalance.Report(ctx, a, imbalance.ReportOptions{})
//	paths, err := render.Dir("out").Save(page.View())
//
// # Complexity
//
// [Complexity] measures how hard the classes of a table are to tell apart:
//
//	t, err := imbalance.Complexity{}.Measure(ctx, x, labels)
//	t.Get("N1")        // of all classes together
//	t.Column("N1")     // of each class against the others
//	t.View()           // tables to sort and filter
//
// Of an analysis, Analysis.Complexity measures the features of a layer and
// Analysis.InputComplexity the inputs; [Spaces] puts them side by side.
//
// Sources: Lorena, Garcia, Lehmann, Souto and Ho, How complex is your classification
// problem?, ACM Computing Surveys 52(5), 2019, for the set; Barella et al., Assessing the data
// complexity of imbalanced datasets, Information Sciences 553, 2021, for the classes; pycol for
// kDN to R; Lango, Napierala and Stefanowski for the safe level. The published programs
// disagree, so a table names the [Convention] that it follows. Unless said otherwise a value
// lies in [0,1] and more is harder.
//
// Of all classes together, in the order of Table.Set ("pairs": mean over the pairs of
// classes, each measured by itself):
//
//	F1       overlap of the feature that separates best; F1mean of all features
//	F1v      overlap along the direction that separates best; pairs
//	F2       volume of the overlap of the ranges; pairs
//	F3, F4   rows in the overlap of the best feature, of all features in turn; pairs
//	L1       distance of the errors of a linear SVM; L2 their share; L3 on interpolated rows; pairs
//	N1       rows on the border, by the minimum spanning tree
//	N2       distances within the classes against those between; N2sum as in the survey
//	N3, N4   error of the nearest neighbour, left out in turn; on interpolated rows
//	T1       spheres needed to cover the classes, per row
//	LSC      1 - mean size of the local sets
//	kDN      share of the k nearest rows that are of other classes; degOver of rows with
//	         any such; CM of rows with more than half; CB the mean over 1 to k nearest
//	R        rows with more than 2 of the k nearest in another class, weighted by imbalance; pairs
//	density, clsCoef, hubs   of the graph of near rows of a class
//	T2-T4    features per row; principal components per row, and per feature
//	C1, C2   entropy and imbalance of the class sizes; IR the largest class over the smallest
//
// Of each class, in the order of Table.Columns: n rows, their share, IR the largest class
// over this one; the shares of rows that are safe, border, rare and outlier (see [Archetype], by
// [Count]); kDN, degOver and CM over its rows, D3 the number of rows with less than half of
// the k nearest of the class; safe level, high for easy; adversary, the largest share that one
// other class has of the neighbours of other classes, and Class.Adversary which one; N1, N2 (as
// N2sum), N3, N4, T1 and LSC over its rows; F2 and F3 of its range and rows against all others;
// L1 to L3 of one SVM of the class against all others. ImbCoL's F4 of a class is left out: it
// always equals its F3.
//
// # Symbols
//
// y_i is the label of member i, p_i its prediction, z_i its features, n_c the number of
// members of class c, NN_k(i) the k nearest training members by Euclidean distance, i itself
// left out by its index, and s_i how many of them have label y_i.
//
// # Departures
//
// The text of Dablain et al. was not at hand beyond its introduction; its definitions are
// taken from the authors' published code. Members are left out of their own neighbours by
// index, where the code drops the first neighbour, which is wrong for duplicates; the packages
// of complexity measures do that too. Ties go to the lower index. A feature of 0 is no member's
// in density ratios, which come normalised by class size too, and the colour bands of a class are always shown beside
// those of all its pixels: without them the chart shows what colours a class has, not which
// matter. How well nearest adversaries foretell validation errors, the overlap of features
// as numbers, and the colour bins by hue are ours, as is said where they are defined. Random
// measures of complexity (L3, N4) come from a stream of Seed, so their last digits are no
// package's.
package imbalance

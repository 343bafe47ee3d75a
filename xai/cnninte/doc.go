// Package cnninte answers "how does a hidden layer lead to this class?": it groups the neurons
// of a layer, groups what each group of neurons says about the training instances, learns to
// read these groups off the input, and draws one small tree that leads from them to the class
// that the network gives.
//
//	in, err := cnninte.Of(net).Layer("fc1").Factors(5).Clusters(10).Trees(100).On(digits).Build(ctx)
//	tested, err := in.Test(ctx, unseen)          // every test instance through forests and tree
//	q := tested.Quality()                        // fidelity with its interval
//	e, err := in.Explain(ctx, unseen.At(0))      // one instance: its path, its clusters, its pixels
//
// # The method
//
// It follows CNN-INTE: Liu, Wang and Matwin, Interpretable deep convolutional neural networks
// via meta-learning, IJCNN 2018, arXiv:1802.00560. From the paper are the stages: one hidden
// layer, clustering in two levels that yields the meta-level training data, random forests as
// base learners that yield the meta-level test data, diagrams that tell how a test instance is
// classified, for all test instances, and no loss of the network's accuracy. The body of the
// paper was not at hand: the definitions below and every constant are ours.
//
// Let h(x) be what the layer puts out for x, D values, and f the network.
//
//	1  factors: k-means on the neurons, each the vector of its values on Sample training
//	   instances, scaled to length 1. Neurons that hardly ever change are set aside.  C_1 .. C_G
//	2  clusters: for each factor g, k-means on the rows of h_Cg(x_i).           a_ig, mu_gk
//	3  meta-level training data: a_i1 .. a_iG with the target argmax f(x_i)
//	4  base learners: for each factor a random forest from the input x_i to a_ig
//	5  meta-learner: a classification tree of bounded depth from the identities, as yes or no
//	   for each cluster of each factor, to the target
//	6  meta-level test data: the forests' answers for x; the tree's answer to them explains x
//	7  the class of x remains argmax f(x)
//
// [Rows] is another reading of "two levels", for comparison: the first level groups instances
// by all neurons, the second divides each of these groups again.
//
// # What the numbers mean
//
// Fidelity is the share of test instances for which the tree says what the network says. With
// oracle identities, those of the centroids nearest to the true h(x), it measures the clusters
// and the tree; with the forests' identities, which need no network, the whole. The gap is the
// price of reading clusters off the input.
//
// A tree that agrees with the network on an instance has not shown that the network computes
// this way. It is a summary of which groups of hidden values go with which class.
//
// # Numbering
//
// Factors are numbered by their lowest neuron, clusters by falling size, then by their first
// training instance. In pictures both count from 1, in data from 0. So the result depends on
// the partitions only, not on the order in which k-means found them, and it has the same bytes
// for any number of processors.
//
// # Memory
//
// Beside the data, building takes 8 n D bytes for the hidden values (n training instances, D
// neurons), twice that while factors are clustered, and the forests, each about 100 bytes for
// each leaf of each tree at 10 clusters. [Recipe.Memory] bounds the two together. The answers to
// the tree's questions take n bytes for each question: one for each cluster, or 2^(K-1) - 1 for
// each factor with Sets.
package cnninte

package imbalance_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/imbalance"
	"github.com/whybook/whybook/xai/nn"
)

// From data and a network to archetypes, adversaries and what the network confuses.
func ExampleOf() {
	ctx := context.Background()
	blobs := datasets.Blobs(datasets.BlobOptions{Samples: 600, Classes: 3, Spread: 3}).Seed(4)
	train, test := blobs.Split(0.5)
	set, err := train.LongTail(0.1).Build(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	net, err := nn.Image(set.Shape).Dense(8).ReLU().Dense(3).Fit(set, nn.Training{Epochs: 30, Seed: 1, Optimizer: nn.Adam{Rate: 0.01}}).Build(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	a, err := imbalance.Of(set).Embed(net, "relu1").Neighbors(5).HeldOut(test).Build(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := a.Summary()
	if err != nil {
		fmt.Println(err)
		return
	}
	first, last := s.Rows[0], s.Rows[2]
	fmt.Printf("%d and %d members\n", first.Size, last.Size)
	fmt.Println("the larger class is safer:", first.SafeShare() > last.SafeShare())
	fmt.Println("and recognised more often:", first.Recall > last.Recall)
	rivals, err := a.Adversaries(imbalance.Everyone)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("class 2 is nearest to", rivals.Classes[rivals.Top(2)])
	// Output:
	// 100 and 10 members
	// the larger class is safer: true
	// and recognised more often: true
	// class 2 is nearest to blob 1
}

// Neighbours that somebody else has found are enough for archetypes.
func ExampleReadNeighbors() {
	const file = `actual,idx,pred,cats,N0,N1,I0,I1
0,0,0,0,0,0,1,2
0,1,0,0,0,0,0,2
0,2,0,0,0,0,1,0
1,3,0,3,0,0,2,1
1,4,1,1,1,0,3,2
`
	a, err := imbalance.ReadNeighbors(strings.NewReader(file), "cat", "dog")
	if err != nil {
		fmt.Println(err)
		return
	}
	kinds, err := a.Near.Archetypes(imbalance.Typing{Small: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(kinds)
	r, err := a.Adversaries(imbalance.Misclassified)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("dogs are taken for %s, by %d votes\n", r.Classes[r.Top(1)], r.Votes(1))
	// Output:
	// [safe safe safe outlier border]
	// dogs are taken for cat, by 2 votes
}

// Two networks on one test set, class by class: predictions are all that is needed, so those
// of nn.Net.Evaluate (its Set.Labels and Predicted) or of any other model will do.
func ExampleCompare() {
	labels := []int{0, 0, 0, 0, 1, 1, 1, 1}
	before, err := imbalance.ClassAccuracy(imbalance.Members{Name: "plain", Labels: labels, Predicted: []int{0, 0, 0, 0, 0, 0, 0, 1}}, []int{500, 20})
	if err != nil {
		fmt.Println(err)
		return
	}
	after, err := imbalance.ClassAccuracy(imbalance.Members{Name: "weighted", Labels: labels, Predicted: []int{0, 0, 0, 1, 1, 1, 1, 0}}, []int{500, 20})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("small class: %.2f, then %.2f\n", before.Recall(1), after.Recall(1))
	fmt.Printf("mean: %.3f, then %.3f\n", before.Mean(), after.Mean())
	fmt.Println(imbalance.Compare(before, after).Title())
	// Output:
	// small class: 0.25, then 0.75
	// mean: 0.625, then 0.750
	// Recall by class size
}

// What is hard in the inputs, and what still is in the features of a layer.
func ExampleSpaces() {
	ctx := context.Background()
	set, err := datasets.Blobs(datasets.BlobOptions{Samples: 300, Classes: 3, Spread: 3}).Seed(4).LongTail(0.1).Build(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	net, err := nn.Image(set.Shape).Dense(8).ReLU().Dense(3).Fit(set, nn.Training{Epochs: 60, Seed: 1, Optimizer: nn.Adam{Rate: 0.02}}).Build(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	a, err := imbalance.Of(set).Embed(net, "relu1").Build(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	inputs, err := a.InputComplexity(ctx, imbalance.Complexity{})
	if err != nil {
		fmt.Println(err)
		return
	}
	features, err := a.Complexity(ctx, imbalance.Complexity{})
	if err != nil {
		fmt.Println(err)
		return
	}
	side := imbalance.Spaces{inputs, features}
	fmt.Println(side.View().Title())
	fmt.Println(side.SetTable().Names())
	page, err := imbalance.Report(ctx, a, imbalance.ReportOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(page.Title)
	fmt.Println(page.Sections[0].Heading)
	// Output:
	// Complexity of the classes (ECoL)
	// [measure inputs relu1]
	// Imbalanced classes: blobs, long tail 0.1
	// Accuracy of classes
}

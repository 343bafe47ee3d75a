package evaluate_test

import (
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/evaluate"
	"github.com/whybook/whybook/xai/nn"
	"github.com/whybook/whybook/xai/saliency"
)

// TestPlantedTag trains a network on digits whose labels are dealt out at random and told
// by a coloured tag alone: good methods point at the tag, and the references at chance.
func TestPlantedTag(t *testing.T) {
	if testing.Short() {
		t.Skip("trains a network")
	}
	ctx := t.Context()
	train, err := datasets.MNIST().Train().ShuffleLabels().Tagged(datasets.Tag{}).Build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	test := datasets.MNIST().Test().Take(100).ShuffleLabels().Tagged(datasets.Tag{})
	net, err := nn.LeNet(train.Shape, 10).Fit(train, nn.Training{Epochs: 3, Seed: 7}).Build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	seen, err := net.Evaluate(ctx, test)
	if err != nil {
		t.Fatal(err)
	}
	if seen.Accuracy < 0.98 {
		t.Fatalf("the network reads the tag of %.0f %% of the digits only", 100*seen.Accuracy)
	}
	grid, err := evaluate.Compare(net, test).
		Methods(saliency.IntegratedGradients{}, saliency.Smooth{}, saliency.Occlusion{}).
		Metrics(evaluate.PointingGame{Exact: true}).Run(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range grid.Summaries() {
		switch {
		case !s.Attributor.Reference && s.Mean < 0.95:
			t.Errorf("%s points at the tag in %.0f %% of the digits, want 95 %%", s.Attributor.Name, 100*s.Mean)
		case s.Attributor.Name == "Random" && s.Mean > 0.1: // 16 of 784 pixels
			t.Errorf("random maps point at the tag in %.0f %% of the digits", 100*s.Mean)
		case s.Attributor.Name == "Oracle" && s.Mean != 1:
			t.Errorf("the oracle points at the tag in %.0f %% of the digits", 100*s.Mean)
		}
		t.Logf("%-22s %.2f", s.Attributor.Name, s.Mean)
	}
}

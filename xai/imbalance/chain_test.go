package imbalance_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/imbalance"
	"github.com/whybook/whybook/xai/nn"
	"github.com/whybook/whybook/xai/nn/onnx"
)

var ctx = context.Background()

// resnet reads the authors' network from ONNX, with the normalisation of its images as its
// first layer, so that it takes images in [0,1].
func resnet(t testing.TB) *nn.Net {
	t.Helper()
	openShared(t, "models/resnet32-cifar10-lt.onnx")
	imported, err := onnx.ReadFile(filepath.Join(shared, "models/resnet32-cifar10-lt.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	net, err := imported.Normalized([]float64{.4914, .4822, .4465}, []float64{.2023, .1994, .2010})
	if err == nil {
		net, err = net.WithClasses(cifarClasses...)
	}
	if err != nil {
		t.Fatal(err)
	}
	return net
}

func cifar(t testing.TB, file string) datasets.Set {
	t.Helper()
	set, err := datasets.ReadCIFAR10(openShared(t, file))
	if err != nil {
		t.Fatal(err)
	}
	set.Classes, set.Name = cifarClasses, "CIFAR-10-LT"
	return set
}

// TestPublishedNetwork goes from pixels to the tables in one chain, with the authors' network.
// The images are re-coded, and of the smaller classes others than the authors', whose choice
// is not known by name: most tail images were never seen in training. So the figures agree
// in kind only, and the test says how far.
func TestPublishedNetwork(t *testing.T) {
	net, train := resnet(t), cifar(t, "data/cifar10-lt100-train.bin.gz")
	source, long := datasets.Source(train), os.Getenv("WHYBOOK_TEST_LONG") != ""
	if !long {
		source = train.Take(310)
	}
	begin := time.Now()
	recipe := imbalance.Of(source).Embed(net, "").Neighbors(5).Archetypes(imbalance.Typing{Small: true})
	a, err := recipe.Build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(begin)
	if _, d := a.Train.Features.Dims(); d != 64 {
		t.Errorf("%q puts out %d features, the paper has 64", a.Layer, d)
	}
	s, err := a.Summary()
	if err != nil {
		t.Fatal(err)
	}
	file := published(t)
	of, err := file.Summary()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d images to archetypes in %v; %v, the authors' file has %v", a.Train.Len(), took.Round(time.Millisecond), s.All.Archetypes, of.All.Archetypes)
	for k := range s.Errors {
		t.Logf("%v: %d members, %.1f %% wrong; the file: %d, %.1f %%", imbalance.Archetype(k), s.Errors[k].Size, 100*s.Errors[k].Error(), of.Errors[k].Size, 100*of.Errors[k].Error())
		if k > 0 && long && s.Errors[k].Error() <= s.Errors[k-1].Error() {
			t.Errorf("%v members are not wrong more often than %v ones", imbalance.Archetype(k), imbalance.Archetype(k-1))
		}
	}
	// The images of the largest class are the authors' own, but re-coded, which costs the
	// network a tenth of them.
	if got, want := s.Rows[0].SafeShare(), of.Rows[0].SafeShare(); long && got < want-.15 {
		t.Errorf("%.1f %% of the planes are safe, the authors have %.1f", 100*got, 100*want)
	}
	// The predictions of the one pass are those of the network.
	e, err := net.Evaluate(ctx, a.Train.Set)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range e.Predicted {
		if a.Train.Predicted[i] != p {
			t.Fatalf("member %d: predicted %d, the network says %d", i, a.Train.Predicted[i], p)
		}
	}
	if !long {
		return
	}
	relation := func(rivals func(imbalance.Analysis) (imbalance.Rivals, error)) imbalance.Agreement {
		x, err := rivals(a)
		if err != nil {
			t.Fatal(err)
		}
		y, err := rivals(file)
		if err != nil {
			t.Fatal(err)
		}
		g, err := imbalance.Agree(x, y)
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	for _, who := range []imbalance.Voters{imbalance.Misclassified, imbalance.Everyone} {
		g := relation(func(a imbalance.Analysis) (imbalance.Rivals, error) { return a.Adversaries(who) })
		t.Logf("adversaries of %v against the file's: mean total variation %.3f, Spearman %.3f, Pearson %.3f", who, g.MeanTV(), g.Cells.Spearman, g.Cells.Pearson)
		if g.Cells.Spearman < 0.8 {
			t.Errorf("adversaries of %v: Spearman %.3f with the authors' own", who, g.Cells.Spearman)
		}
	}
	for c, row := range s.Rows {
		t.Logf("%-6s %v, safe %.1f %% (%.1f), wrong %.1f %% (%.1f)", row.Class, row.Archetypes, 100*row.SafeShare(), 100*of.Rows[c].SafeShare(), 100*row.Error, 100*of.Rows[c].Error)
	}
}

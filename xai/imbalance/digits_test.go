package imbalance_test

import (
	"errors"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/imbalance"
	"github.com/whybook/whybook/xai/neighbors"
	"github.com/whybook/whybook/xai/nn"
	"github.com/whybook/whybook/xai/render"
	"github.com/whybook/whybook/xai/saliency"
	"gonum.org/v1/gonum/mat"
)

// longTail is a small LeNet trained on long-tailed digits.
var longTail = sync.OnceValues(func() (*nn.Net, error) {
	train := datasets.MNIST().Train().LongTail(0.01).Seed(1)
	shape := datasets.Shape{Channels: 1, Height: 28, Width: 28}
	return nn.LeNet(shape, 10).Fit(train, nn.Training{Epochs: 5, Seed: 1}).Build(ctx)
})

// digits analyses it: the chain that a notebook has.
var digits = sync.OnceValues(func() (imbalance.Analysis, error) {
	net, err := longTail()
	if err != nil {
		return imbalance.Analysis{}, err
	}
	train := datasets.MNIST().Train().LongTail(0.01).Seed(1)
	return imbalance.Of(train).Embed(net, "").Neighbors(5).HeldOut(datasets.MNIST().Test()).Build(ctx)
})

func analysed(t testing.TB) imbalance.Analysis {
	t.Helper()
	if testing.Short() {
		t.Skip("trains a network")
	}
	a, err := digits()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// The relations that the paper reports, on data that come with the program.
func TestLongTailedDigits(t *testing.T) {
	a := analysed(t)
	s, err := a.Summary()
	if err != nil {
		t.Fatal(err)
	}
	held, err := a.HeldOutSummary()
	if err != nil {
		t.Fatal(err)
	}
	var sizes, shares, heldShares []float64
	for c, r := range s.Rows {
		sizes, shares, heldShares = append(sizes, float64(r.Size)), append(shares, r.SafeShare()), append(heldShares, held.Rows[c].SafeShare())
	}
	for what, list := range map[string][]float64{"training": shares, "held-out": heldShares} {
		r, err := imbalance.Relate(sizes, list)
		if err != nil || !(r.Spearman > 0.3) {
			t.Errorf("safe share of %s members against class size: Spearman %.3f, %v", what, r.Spearman, err)
		}
	}
	for k := 1; k < 4; k++ {
		if held.Errors[k].Size > 0 && !(held.Errors[k].Error() > held.Errors[k-1].Error()) {
			t.Errorf("held-out %v members: %.1f %% of %d wrong, %v ones %.1f %%", imbalance.Archetype(k), 100*held.Errors[k].Error(), held.Errors[k].Size,
				imbalance.Archetype(k-1), 100*held.Errors[k-1].Error())
		}
	}
	if s.Errors[0].Error() >= s.Errors[1].Error() {
		t.Errorf("training members: safe %.3f wrong, border %.3f", s.Errors[0].Error(), s.Errors[1].Error())
	}
	for _, who := range []imbalance.Voters{imbalance.Misclassified, imbalance.Everyone} {
		g, err := a.Agreement(who)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("adversaries of %v against errors: mean total variation %.3f, top class %.2f, Spearman %.3f, Pearson %.3f over %d cells", who, g.MeanTV(), g.MeanTop(), g.Cells.Spearman, g.Cells.Pearson, g.Cells.N)
		if !(g.Cells.Spearman > 0.3) {
			t.Errorf("adversaries of %v: Spearman %v with the errors", who, g.Cells.Spearman)
		}
	}
	safe, size, err := a.Relations()
	if err != nil || !(safe.Spearman > 0) || !(size.Spearman > 0) {
		t.Errorf("recall: %+v with safe share, %+v with size, %v", safe, size, err)
	}
	t.Logf("recall: %+v with safe share, %+v with size", safe, size)
}

// The same bytes for any number of processors and any batch.
func TestChainIsReproducible(t *testing.T) {
	a := analysed(t)
	net, err := longTail()
	if err != nil {
		t.Fatal(err)
	}
	train := datasets.MNIST().Train().LongTail(0.01).Seed(1)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	b, err := imbalance.Of(train).Embed(net, "relu4").Neighbors(5).Batch(37).Build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if !mat.Equal(a.Train.Features, b.Train.Features) || !slices.Equal(a.Near.Index, b.Near.Index) || !slices.Equal(a.Archetypes, b.Archetypes) {
		t.Error("another batch size changes the analysis")
	}
	p, err := a.Prototypes(ctx)
	if err != nil {
		t.Fatal(err)
	}
	runtime.GOMAXPROCS(4)
	if q, err := a.Prototypes(ctx); err != nil || !slices.Equal(p, q) {
		t.Errorf("prototypes on one and four processors: %v, %v, %v", p, q, err)
	}
}

// A planted tag, whose colour tells the class: the colours that matter are not those that
// the digits have anyway.
func TestColoursOfPlantedTags(t *testing.T) {
	if testing.Short() {
		t.Skip("trains a network")
	}
	// Hues 0, 120 and 240 degrees: red, green, blue. With the labels shuffled the tag is all
	// that tells the class.
	data := datasets.MNIST().Train().Only("0", "1", "7").Take(300).ShuffleLabels().Tagged(datasets.Tag{Size: 6}).Seed(3)
	set, err := data.Build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	net, err := nn.LeNet(set.Shape, 3).Fit(set, nn.Training{Epochs: 8, Seed: 2}).Build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	recipe := imbalance.Of(set).Embed(net, "")
	a, err := recipe.Colours(imbalance.ColourBands{Most: 40, Method: saliency.InputGradient{}}).Build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := recipe.Colours(imbalance.ColourBands{Most: 40}).Build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	names, found := a.Colours.Bins.Names(), 0
	for c, tag := range []string{"red", "green", "blue"} {
		g := a.Colours.Groups[c*5]
		if !g.Whole || g.Class != set.Classes[c] || g.Images != 40 {
			t.Fatalf("group %d: %s of %d images", c, g.Name(), g.Images)
		}
		bin := slices.Index(names, tag)
		if want := 36. / 784; math.Abs(g.All.Share(bin)-want) > 1e-9 {
			t.Errorf("%v of all pixels of %s are %s, want %v", g.All.Share(bin), g.Class, tag, want)
		}
		if ratio := g.Ratio(bin); !(ratio > 2) {
			t.Errorf("class %s: %s is %.2f times as frequent among salient pixels, want more than twice", g.Class, tag, ratio)
		}
		if plain.Colours.Groups[c*5].Ratio(bin) > 2 {
			found++
		}
		total := 0
		for _, n := range g.Salient.Count {
			total += n
		}
		if total != 40*78 {
			t.Errorf("class %s has %d salient pixels, want 40 x 78", g.Class, total)
		}
		if mean, ok := g.Salient.Mean(bin); !ok || max(mean.R, mean.G, mean.B) != 255 || min(mean.R, mean.G, mean.B) != 0 {
			t.Errorf("mean %s of class %s is %v", tag, g.Class, mean)
		}
	}
	// A network needs no pixel to know the last of three classes: the gradient of its score
	// may be small at its own tag.
	if found < 2 {
		t.Errorf("the plain gradient finds the tags of %d classes, want at least 2 of 3", found)
	}
	look(t, "colours", a.Colours.View())
	look(t, "colours-archetypes", a.Colours.ArchetypeView(set.Classes[0]))
	if a.Colours.ArchetypeView("nine").Err() == nil {
		t.Error("colours of a class that is not there")
	}
}

// LDAM with deferred weights, plain training and class weights in one chart.
func TestBeforeAndAfter(t *testing.T) {
	if testing.Short() {
		t.Skip("trains networks")
	}
	train := datasets.MNIST().Train().Only("0", "1", "2", "3").LongTail(0.02).Seed(1)
	set, err := train.Build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	weights, err := nn.BalancedWeights(set, 0.999)
	if err != nil {
		t.Fatal(err)
	}
	base := nn.Image(set.Shape).Conv(6, 5).ReLU().MaxPool(2).Dense(24).ReLU()
	var all []imbalance.Accuracy
	for _, c := range []struct {
		name string
		arch nn.Arch
		loss nn.Loss
	}{
		{"cross-entropy", base.Dense(4), nil},
		{"class weights", base.Dense(4), nn.CrossEntropy{Weights: weights}},
		{"LDAM, deferred weights", base.Then(nn.CosineDense{Units: 4}), nn.LDAM{Deferred: 2}},
	} {
		net, err := c.arch.Fit(set, nn.Training{Epochs: 3, Seed: 1, Loss: c.loss}).Build(ctx)
		if err != nil {
			t.Fatal(err)
		}
		a, err := imbalance.Of(set).Embed(net, "").HeldOut(datasets.MNIST().Test().Only("0", "1", "2", "3")).Build(ctx)
		if err != nil {
			t.Fatal(err)
		}
		accuracy, err := a.Accuracy()
		if err != nil {
			t.Fatal(err)
		}
		accuracy.Name = c.name
		errs, err := a.Errors()
		if err != nil {
			t.Fatal(err)
		}
		// The same from nn's own evaluation.
		e, err := net.Evaluate(ctx, a.HeldOut.Set)
		if err != nil || math.Abs(e.Accuracy-accuracy.Overall()) > 1e-12 {
			t.Errorf("%s: overall %v, nn says %v, %v", c.name, accuracy.Overall(), e.Accuracy, err)
		}
		for i, row := range e.Confusion() {
			if !slices.Equal(row, errs.Counts[i]) {
				t.Errorf("%s: class %d is taken for %v, nn says %v", c.name, i, errs.Counts[i], row)
			}
		}
		all = append(all, accuracy)
	}
	v := imbalance.Compare(all...)
	look(t, "compare", v)
	for _, a := range all {
		if !strings.Contains(v.Text(), a.Name) {
			t.Errorf("the chart does not name %s", a.Name)
		}
	}
	all[1].Of = []int{1, 2, 3, 4}
	if err := imbalance.Compare(all...).Err(); !errors.Is(err, render.ErrSize) {
		t.Errorf("networks measured on other members: %v", err)
	}
	if err := imbalance.Compare().Err(); !errors.Is(err, render.ErrEmpty) {
		t.Errorf("no networks: %v", err)
	}
}

func TestReport(t *testing.T) {
	a := analysed(t)
	net, err := longTail()
	if err != nil {
		t.Fatal(err)
	}
	bands, err := imbalance.ColourBands{Most: 20}.Measure(ctx, net, a.Train, a.Archetypes)
	if err != nil {
		t.Fatal(err)
	}
	a.Colours = &bands
	page, err := imbalance.Report(ctx, a, imbalance.ReportOptions{Complexity: imbalance.Complexity{Sample: 300}})
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range page.Sections {
		if s.Heading == "" || len(s.Text) != 1 || s.Text[0] == "" || len(s.Views) == 0 || s.Views[0].Err() != nil || s.Views[0].Alt() == "" {
			t.Errorf("section %d %q: %q, %d views, %v, alt %q", i, s.Heading, s.Text, len(s.Views), s.Views[0].Err(), s.Views[0].Alt())
		}
	}
	look(t, "report", page.View())
	for _, want := range []string{"Accuracy of classes", "Archetypes", "Table of classes", "Archetypes of held-out data", "Errors of archetypes", "What goes with recall",
		"Nearest adversaries of misclassified members", "Nearest adversaries of all members", "Errors on held-out data", "Adversaries against errors",
		"Complexity", "Prototypes", "Sub-concepts of 0", "Sub-concepts of 9", "Important features", "Overlap of features", "Overlap beside adversaries", "Density of features", "Colours", "Colours of 0", "Colours of 9"} {
		if !slices.ContainsFunc(page.Sections, func(s render.Section) bool { return s.Heading == want }) {
			t.Errorf("no section %q", want)
		}
	}
	if last := page.Sections[len(page.Sections)-1]; last.Heading == "Left out" {
		t.Errorf("left out: %s", last.Views[0].Text())
	}
	// One page, on disk, that needs nothing else.
	paths, err := render.Dir(t.TempDir()).Save(page.View())
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(paths, func(p string) bool { return strings.HasSuffix(p, ".html") })
	if at < 0 {
		t.Fatalf("no page among %v", paths)
	}
	html, err := os.ReadFile(paths[at])
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{page.Title, "<h2>Complexity</h2>", "inputs, 784 features", "relu4, 84 features", "Convention: ECoL, Gower distance"} {
		if !strings.Contains(string(html), want) {
			t.Errorf("the page of %d bytes has no %q", len(html), want)
		}
	}
	for _, outside := range []string{"src=\"http", "href=\"http", "@import"} {
		if strings.Contains(string(html), outside) {
			t.Errorf("the page needs something from outside: %s", outside)
		}
	}
	look(t, "analysis", a.View())
}

// The published file has neither features nor images: the report says what it leaves out.
func TestReportOfPublishedNeighbours(t *testing.T) {
	page, err := imbalance.Report(ctx, published(t), imbalance.ReportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	last := page.Sections[len(page.Sections)-1]
	for _, want := range []string{"Prototypes", "Important features", "Errors on held-out data", "Colours", "Complexity"} {
		if last.Heading != "Left out" || !strings.Contains(last.Views[0].Text(), want) {
			t.Errorf("the last section is %q and does not name %q", last.Heading, want)
		}
	}
	look(t, "published", page.View())
}

func TestRecipeRefuses(t *testing.T) {
	set, err := datasets.Blobs(datasets.BlobOptions{Samples: 30, Classes: 3}).Seed(1).Build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	net, err := nn.Image(set.Shape).Dense(4).ReLU().Dense(3).Init(1)
	if err != nil {
		t.Fatal(err)
	}
	other, err := nn.Image(datasets.Shape{Channels: 1, Height: 28, Width: 28}).Dense(3).Init(1)
	if err != nil {
		t.Fatal(err)
	}
	more, err := nn.Image(set.Shape).Dense(4).ReLU().Dense(5).Init(1)
	if err != nil {
		t.Fatal(err)
	}
	bad := set
	bad.Values = slices.Clone(set.Values)
	bad.Values[3] = math.NaN()
	gap := set
	gap.Classes = append(slices.Clone(set.Classes), "empty")
	nobody := set
	nobody.Labels, nobody.Values = nil, nil
	var nilNet *nn.Net
	for name, c := range map[string]struct {
		r    imbalance.Recipe
		want error // nil: any
		says string
	}{
		"zero":           {imbalance.Recipe{}, nil, "imbalance.Of"},
		"no data":        {imbalance.Of(nil), nil, "need data"},
		"no net":         {imbalance.Of(set).Embed(nil, "fc1"), nil, "need a network"},
		"nil net":        {imbalance.Of(set).Embed(nilNet, "fc1"), nil, "need a network"},
		"layer":          {imbalance.Of(set).Embed(net, "gap"), xai.ErrLayer, "fc1 relu1 fc2"},
		"one layer":      {imbalance.Of(set).Embed(other, ""), xai.ErrLayer, "no layer before"},
		"input shape":    {imbalance.Of(set).Embed(other, "fc1"), xai.ErrShape, "784"},
		"classes":        {imbalance.Of(set).Embed(more, ""), xai.ErrShape, "5 scores"},
		"k = 0":          {imbalance.Of(set).Neighbors(0), imbalance.ErrCount, "Neighbors(0)"},
		"k < 0":          {imbalance.Of(set).Neighbors(-5), imbalance.ErrCount, "Neighbors(-5)"},
		"k = n":          {imbalance.Of(set).Neighbors(30), neighbors.ErrCount, "30"},
		"small classes":  {imbalance.Of(set).Neighbors(29), imbalance.ErrDegenerateClass{}, "class \""},
		"empty class":    {imbalance.Of(gap), imbalance.ErrDegenerateClass{}, "class \"empty\""},
		"NaN":            {imbalance.Of(bad), datasets.ErrNotFinite, ""},
		"empty set":      {imbalance.Of(nobody), nil, ""},
		"batch":          {imbalance.Of(set).Batch(0), nil, "Batch(0)"},
		"no held-out":    {imbalance.Of(set).HeldOut(nil), nil, "HeldOut"},
		"colours":        {imbalance.Of(set).Colours(imbalance.ColourBands{}), nil, "add Embed"},
		"colours, table": {imbalance.Of(set).Embed(net, "").Colours(imbalance.ColourBands{}), xai.ErrShape, "no images"},
		"top":            {imbalance.Of(set).Embed(net, "").Colours(imbalance.ColourBands{Top: 2}), nil, "Top is 2"},
		"typing":         {imbalance.Of(set).Archetypes(imbalance.Typing{Rare: 9}), nil, "Typing.Rare"},
	} {
		_, err := c.r.Build(ctx)
		switch {
		case err == nil:
			t.Errorf("%s: accepted", name)
			continue
		case c.want == imbalance.ErrDegenerateClass{}:
			if !errors.As(err, new(imbalance.ErrDegenerateClass)) {
				t.Errorf("%s: %v", name, err)
			}
		case c.want != nil && !errors.Is(err, c.want):
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v does not say %q", name, err, c.says)
		}
		if _, err := c.r.View(ctx); err == nil {
			t.Errorf("%s: drawn", name)
		}
		_ = c.r.Key() // no panic
	}
	// The first mistake is the one that is told.
	_, err = imbalance.Of(set).Embed(net, "gap").Neighbors(0).Build(ctx)
	if !errors.Is(err, xai.ErrLayer) {
		t.Errorf("two mistakes: %v", err)
	}
}

// A table goes through the chain as well, with and without a network; everything that
// determines the analysis is in its key.
func TestTablesAndKeys(t *testing.T) {
	data := datasets.Blobs(datasets.BlobOptions{Samples: 90, Classes: 3, Spread: 3}).Seed(1)
	set, err := data.Build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	net, err := nn.Image(set.Shape).Dense(4).ReLU().Dense(3).Init(1)
	if err != nil {
		t.Fatal(err)
	}
	a, err := imbalance.Of(data).Neighbors(3).Build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if a.Train.Predicted != nil || a.Layer != "" || !mat.Equal(a.Train.Features, set.Batch(nil, nil)) {
		t.Error("without a network the features are not the columns")
	}
	page, err := imbalance.Report(ctx, a, imbalance.ReportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	look(t, "table-report", page.View())
	of := imbalance.Of(data)
	keys := map[string]string{}
	for name, r := range map[string]imbalance.Recipe{
		"plain": of, "net": of.Embed(net, ""), "layer": of.Embed(net, "fc1"), "k": of.Neighbors(7), "rare": of.Archetypes(imbalance.Typing{Rare: imbalance.Isolated}),
		"small": of.Archetypes(imbalance.Typing{Small: true}), "held": of.HeldOut(data.Seed(2)), "colours": of.Embed(net, "").Colours(imbalance.ColourBands{}),
		"bins": of.Embed(net, "").Colours(imbalance.ColourBands{Bins: imbalance.Published}), "data": imbalance.Of(data.Seed(2)),
	} {
		if other, ok := keys[r.Key()]; ok {
			t.Errorf("%s and %s have one key", name, other)
		}
		keys[r.Key()] = name
	}
	if of.Key() != of.Batch(7).Key() || of.Key() != imbalance.Of(data).Neighbors(5).Key() {
		t.Error("what does not change the result changes the key")
	}
	bands := func(c imbalance.ColourBands) string { return of.Embed(net, "").Colours(c).Key() }
	if bands(imbalance.ColourBands{}) != bands(imbalance.ColourBands{Batch: 9, Top: .1, Method: saliency.Gradient{}}) {
		t.Error("defaults and the size of a batch change the key")
	}
	if of.Embed(net, "").Key() != of.Embed(net, "relu1").Key() {
		t.Error("the default layer and its name have two keys")
	}
}

package soxai_test

import (
	"context"
	"errors"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/cluster"
	"github.com/whybook/whybook/xai/nn"
	"github.com/whybook/whybook/xai/saliency"
	"github.com/whybook/whybook/xai/seed"
	"github.com/whybook/whybook/xai/soxai"
)

// Planted truth: digits as colour images, with a red tag of 6 x 6 pixels.

const tagSide = 6

// tagging says which images get a tag.
type tagging func(label int, chance float64) bool

// inFirst plants the tag in most images of the first class and in no other.
func inFirst(label int, chance float64) bool { return label == 0 && chance < 0.9 }

// swapped plants it in most images of all other classes, and not in the first.
func swapped(label int, chance float64) bool { return label != 0 && chance < 0.9 }

// nowhere plants nothing.
func nowhere(int, float64) bool { return false }

// plant makes RGB images of grey ones and tags some of them in the upper left corner.
func plant(set datasets.Set, name string, tagged tagging) datasets.Set {
	return paint{}.of(set, name, tagged)
}

// paint is how tags are planted.
type paint struct {
	side int    // default tagSide
	seed uint64 // of who gets one; default 1
	at   func(image int) (y, x int)
}

// corners spreads tags over the four corners.
func corners(i int) (int, int) { return 2 + i/2%2*18, 2 + i%2*18 }

func (p paint) of(set datasets.Set, name string, tagged tagging) datasets.Set {
	if p.side == 0 {
		p.side = tagSide
	}
	if p.seed == 0 {
		p.seed = 1
	}
	if p.at == nil {
		p.at = func(int) (int, int) { return 2, 2 }
	}
	h, w, n := set.Shape.Height, set.Shape.Width, set.Len()
	hw := h * w
	out := set
	out.Name, out.Shape.Channels = name, 3
	out.Pixels, out.Masks = make([]uint8, n*3*hw), make([]uint8, n*hw)
	rng := seed.Stream(p.seed, "plant")
	for i, y := range set.Labels {
		for ch := range 3 {
			copy(out.Pixels[(i*3+ch)*hw:][:hw], set.Pixels[i*hw:][:hw])
		}
		if !tagged(y, rng.Float64()) {
			continue
		}
		top, left := p.at(i)
		for v := top; v < top+p.side; v++ {
			for u := left; u < left+p.side; u++ {
				out.Masks[i*hw+v*w+u] = 1
				out.Pixels[i*3*hw+v*w+u] = 255
			}
		}
	}
	return out
}

func arch(set datasets.Set) nn.Arch {
	return nn.Image(set.Shape).Conv(12, 5).ReLU().MaxPool(2).Conv(24, 3).ReLU().Conv(32, 3).ReLU().Then(nn.GlobalAvgPool{}).Dense(len(set.Classes))
}

func retrain(epochs int) func(context.Context, datasets.Set, uint64) (xai.Scorer, error) {
	return func(ctx context.Context, set datasets.Set, seed uint64) (xai.Scorer, error) {
		return fit(ctx, set, epochs, seed)
	}
}

func fit(ctx context.Context, set datasets.Set, epochs int, seed uint64) (*nn.Net, error) {
	return arch(set).Fit(set, nn.Training{Epochs: epochs, Seed: seed, Optimizer: nn.Adam{Rate: 0.003}}).Build(ctx)
}

func must[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// planted is a network that has learned the tag, with its data.
type planted struct {
	train, test, swapped datasets.Set
	net                  *nn.Net
}

const epochs = 12

// Digits that look alike, so that the tag is worth learning.
var alike = []string{"3", "5", "8", "9"}

var theTagged = sync.OnceValues(func() (planted, error) { return plantedBy(inFirst, alike) })

func plantedBy(tagged tagging, classes []string) (planted, error) {
	ctx := context.Background()
	var p planted
	train, err := datasets.MNIST().Train().Only(classes...).Take(400).Build(ctx)
	if err != nil {
		return p, err
	}
	test, err := datasets.MNIST().Test().Only(classes...).Take(200).Build(ctx)
	if err != nil {
		return p, err
	}
	p.train, p.test, p.swapped = plant(train, "digits", tagged), plant(test, "digits to test", tagged), plant(test, "swapped tags", swapped)
	p.net, err = fit(ctx, p.train, epochs, 1)
	return p, err
}

// tagOf returns the concept that overlaps the planted masks most.
func tagOf(a soxai.Atlas) int {
	best, most := -1, 0.0
	for c, q := range a.Concepts {
		if q.Overlap > most {
			best, most = c, q.Overlap
		}
	}
	return best
}

// TestPlantedTag is the synthetic truth of the method: a concept is the tag, by every grouping.
func TestPlantedTag(t *testing.T) {
	if testing.Short() {
		t.Skip("trains a network")
	}
	t.Parallel()
	p := must[planted](t)(theTagged())
	ctx := context.Background()
	half := must[datasets.Set](t)(p.train.Take(200).Build(ctx))
	for name, r := range map[string]soxai.Recipe{
		"k-means":              soxai.Of(p.net, p.train),
		"HDBSCAN":              soxai.Of(p.net, half).Grouping(soxai.Density{}),
		"spectral":             soxai.Of(p.net, half).Grouping(soxai.Spectral{}),
		"integrated gradients": soxai.Of(p.net, half).With(saliency.IntegratedGradients{Steps: 10}),
		"unit length":          soxai.Of(p.net, half).Normalize(),
		"an earlier layer":     soxai.Of(p.net, half).At("relu2"),
	} {
		a := must[soxai.Atlas](t)(r.Build(ctx))
		if !(a.Impact.Score.Low > a.Impact.Elsewhere.High) {
			t.Errorf("%s: Impact Score %+v, elsewhere %+v", name, a.Impact.Score, a.Impact.Elsewhere)
		}
		c := tagOf(a)
		if c < 0 {
			t.Errorf("%s: no concept overlaps the tag", name)
			continue
		}
		q := a.Concepts[c]
		if q.Overlap <= 0.5 || !q.Effect.Above(0) || q.Purity.Value < 0.9 || a.Set.Classes[q.Class] != "3" {
			t.Errorf("%s: tag IoU %.2f, dP %+v, purity %.2f of class %d", name, q.Overlap, q.Effect, q.Purity.Value, q.Class)
		}
		if q.Suggestion.Verdict != soxai.Irrelevant {
			t.Errorf("%s: the tag is suggested to be %v: %q", name, q.Suggestion.Verdict, q.Suggestion.Reasons)
		}
		// The concept against the truth, which regions are the tag: those that lie on it for
		// the most part.
		var found, truth []int
		for _, g := range a.Regions {
			f, y := 0, 0
			if g.Concept >= 0 && a.Concepts[g.Concept].Overlap > 0.3 { // it may be in two parts
				f = 1
			}
			if g.Inside > 0.5 {
				y = 1
			}
			found, truth = append(found, f), append(truth, y)
		}
		ari := must[float64](t)(cluster.AdjustedRand(found, truth))
		t.Logf("%s: tag IoU %.2f, ARI %.3f", name, q.Overlap, ari)
		if ari < 0.9 {
			t.Errorf("%s: the adjusted Rand index between the concept and the truth is %.2f", name, ari)
		}
		for _, other := range a.Concepts {
			if other.Suggestion.Verdict == soxai.Irrelevant && other.Overlap < 0.2 {
				t.Errorf("%s: %s is suggested to be irrelevant, and is not the tag: %q", name, other.Name, other.Suggestion.Reasons)
			}
		}
	}
}

// fine are settings that find small things, for every seed and size of the tag: an attribution
// at the resolution of the image instead of that of a layer.
func fine(net *nn.Net, set datasets.Set) soxai.Recipe {
	return soxai.Of(net, set).With(saliency.IntegratedGradients{Steps: 20}).Regions(soxai.Regions{Blur: 1, Positive: true, Mass: 0.8})
}

// agreement is the adjusted Rand index between a concept and the planted truth: of regions, which
// are the tag if more than half of their alpha lies on it, and of images.
func agreement(t testing.TB, a soxai.Atlas, concept int) (regions, images float64) {
	t.Helper()
	var found, truth []int
	hw := a.Set.Shape.Height * a.Set.Shape.Width
	has, tagged := make([]int, a.Set.Len()), make([]int, a.Set.Len())
	for i := range tagged {
		if slices.Contains(a.Set.Masks[i*hw:(i+1)*hw], 1) {
			tagged[i] = 1
		}
	}
	for _, g := range a.Regions {
		f, y := 0, 0
		if g.Concept == concept {
			f, has[g.Image] = 1, 1
		}
		if g.Inside > 0.5 {
			y = 1
		}
		found, truth = append(found, f), append(truth, y)
	}
	return must[float64](t)(cluster.AdjustedRand(found, truth)), must[float64](t)(cluster.AdjustedRand(has, tagged))
}

// withoutTag is the share of tagged images that the network takes for another class without it.
func withoutTag(t testing.TB, net *nn.Net, tagged, clean datasets.Set) float64 {
	t.Helper()
	n, changed := 0, 0
	predict := func(s datasets.Set, i int) int {
		return must[[]int](t)(net.Predict(context.Background(), s.Batch(nil, []int{i})))[0]
	}
	for i := range tagged.Len() {
		if slices.Contains(tagged.Masks[i*784:(i+1)*784], 1) {
			if n++; predict(tagged, i) != predict(clean, i) {
				changed++
			}
		}
	}
	return float64(changed) / float64(n)
}

// TestTheTagAtEverySeed: other data, another network and others tagged, by the same settings. With
// WHYBOOK_TEST_LONG it is five seeds, tags of 6 to 2 pixels, and clean digits.
func TestTheTagAtEverySeed(t *testing.T) {
	if testing.Short() {
		t.Skip("trains networks")
	}
	t.Parallel()
	ctx, seeds, sides := context.Background(), uint64(1), []int{4}
	if os.Getenv("WHYBOOK_TEST_LONG") != "" {
		seeds, sides = 5, []int{6, 4, 3, 2}
	}
	suspects, concepts := 0, 0
	for sd := uint64(1); sd <= seeds; sd++ {
		digits := must[datasets.Set](t)(datasets.MNIST().Train().Only(alike...).Take(400).Seed(sd).Build(ctx))
		for _, side := range sides {
			set := paint{side: side, seed: sd}.of(digits, "digits", inFirst)
			net := must[*nn.Net](t)(fit(ctx, set, epochs, sd))
			a := must[soxai.Atlas](t)(fine(net, set).Build(ctx))
			// Smaller ones are only reported, with how much the network makes of them.
			errorf, used := t.Errorf, withoutTag(t, net, set, paint{}.of(digits, "digits", nowhere))
			if side < 4 {
				errorf = t.Logf
			}
			c := tagOf(a)
			if c < 0 {
				errorf("%d pixels, seed %d: no concept overlaps the tag", side, sd)
				continue
			}
			q := a.Concepts[c]
			regions, images := agreement(t, a, c)
			t.Logf("%d pixels, seed %d: IoU %.2f, dP %.2f (%.2f to %.2f), ARI %.3f of regions, %.3f of images, %v; erasing the tag changes %.0f %% of the decisions", side, sd, q.Overlap, q.Effect.Value, q.Effect.Low, q.Effect.High, regions, images, q.Suggestion.Verdict, 100*used)
			if q.Overlap <= 0.5 || !q.Effect.Above(0) || regions < 0.9 || images < 0.9 || q.Suggestion.Verdict != soxai.Irrelevant {
				errorf("%d pixels, seed %d: %q", side, sd, q.Suggestion.Reasons)
			}
			if side == tagSide { // the default knows it too, if not its borders
				d := must[soxai.Atlas](t)(soxai.Of(net, set).Build(ctx))
				c := tagOf(d)
				regions, images := agreement(t, d, c)
				t.Logf("%d pixels, seed %d, by default: IoU %.2f, dP %.2f, ARI %.3f of regions, %.3f of images, %v", side, sd, d.Concepts[c].Overlap, d.Concepts[c].Effect.Value, regions, images, d.Concepts[c].Suggestion.Verdict)
				if regions < 0.9 || images < 0.9 || d.Concepts[c].Suggestion.Verdict != soxai.Irrelevant {
					t.Errorf("seed %d, by default: %q", sd, d.Concepts[c].Suggestion.Reasons)
				}
			}
			for i, other := range a.Concepts {
				if i != c && other.Suggestion.Verdict == soxai.Irrelevant {
					errorf("%d pixels, seed %d: %s is suggested to be irrelevant, and is not the tag: %q", side, sd, other.Name, other.Suggestion.Reasons)
				}
			}
		}
		if seeds == 1 {
			continue // TestCleanDigits has one
		}
		set := paint{}.of(digits, "clean digits", nowhere)
		net := must[*nn.Net](t)(fit(ctx, set, epochs, sd))
		for _, r := range []soxai.Recipe{soxai.Of(net, set), fine(net, set)} {
			a := must[soxai.Atlas](t)(r.Build(ctx))
			for _, q := range a.Concepts {
				concepts++
				if q.Suggestion.Verdict == soxai.Irrelevant {
					suspects++
					t.Errorf("clean digits, seed %d: %s is suggested to be irrelevant: %q", sd, q.Name, q.Suggestion.Reasons)
				}
			}
		}
	}
	if concepts > 0 {
		t.Logf("clean digits: %d of %d concepts are suggested to be irrelevant", suspects, concepts)
	}
}

// TestImpactTellsABadMap: Grad-CAM weighs channels by mean gradients, which says little where a
// dense layer reads every position by itself. The atlas must say so.
func TestImpactTellsABadMap(t *testing.T) {
	if testing.Short() {
		t.Skip("trains a network")
	}
	t.Parallel()
	ctx := context.Background()
	p := must[planted](t)(theTagged())
	dense := nn.Image(p.train.Shape).Conv(8, 5).ReLU().MaxPool(2).Conv(16, 5).ReLU().MaxPool(2).Dense(4)
	net := must[*nn.Net](t)(dense.Fit(p.train, nn.Training{Epochs: 4, Seed: 1, Optimizer: nn.Adam{Rate: 0.003}}).Build(ctx))
	half := must[datasets.Set](t)(p.train.Take(200).Build(ctx))
	a := must[soxai.Atlas](t)(soxai.Of(net, half).With(saliency.GradCAM{Layer: "relu2"}).Build(ctx))
	t.Logf("Impact Score %.3f, elsewhere %.3f", a.Impact.Score.Value, a.Impact.Elsewhere.Value)
	if a.Impact.Score.Value > 0.1 || !slices.ContainsFunc(a.Notes, func(n string) bool { return strings.Contains(n, "choose another method") }) {
		t.Errorf("Impact Score %+v, elsewhere %+v, notes %q", a.Impact.Score, a.Impact.Elsewhere, a.Notes)
	}
	better := must[soxai.Impact](t)(soxai.Of(net, half).With(saliency.InputGradient{}).Impact(ctx))
	if !(better.Score.Low > a.Impact.Score.High) {
		t.Errorf("input x gradient scores %+v, no better than Grad-CAM's %+v", better.Score, a.Impact.Score)
	}
}

// TestHeatMaps: a tag that is found in every corner is one concept to the network, and as many
// as it has places in the space of heat maps.
func TestHeatMaps(t *testing.T) {
	if testing.Short() {
		t.Skip("trains a network")
	}
	t.Parallel()
	ctx := context.Background()
	train := must[datasets.Set](t)(datasets.MNIST().Train().Only(alike...).Take(200).Build(ctx))
	set := paint{at: corners}.of(train, "tags in all corners", inFirst)
	net := must[*nn.Net](t)(fit(ctx, set, 24, 1))
	places := func(r soxai.Recipe) (concepts int, agreement float64) {
		a := must[soxai.Atlas](t)(r.Build(ctx))
		seen := map[int]bool{}
		var found, truth []int
		for _, g := range a.Regions {
			y := 0
			if g.Overlap > 0.3 {
				y = 1
				seen[g.Concept] = true
			}
			found, truth = append(found, g.Concept), append(truth, y)
		}
		c := tagOf(a)
		for i := range found {
			if found[i] == c {
				found[i] = 1
			} else {
				found[i] = 0
			}
		}
		return len(seen), must[float64](t)(cluster.AdjustedRand(found, truth))
	}
	r := soxai.Of(net, set).Regions(soxai.Regions{PerImage: true})
	inFeatures, agreement := places(r)
	inMaps, less := places(r.HeatMaps(14))
	t.Logf("tags are in %d concepts of features (ARI %.2f) and %d of heat maps (ARI %.2f)", inFeatures, agreement, inMaps, less)
	if inMaps < 3 || agreement < 0.7 || less > 0.5 {
		t.Errorf("tags are in %d concepts of features (ARI %.2f) and %d of heat maps (ARI %.2f)", inFeatures, agreement, inMaps, less)
	}
}

// TestCleanDigits: where nothing is planted, nothing is suggested to be irrelevant.
func TestCleanDigits(t *testing.T) {
	if testing.Short() {
		t.Skip("trains networks")
	}
	t.Parallel()
	for _, classes := range [][]string{alike, {"0", "1", "2"}} {
		p := must[planted](t)(plantedBy(nowhere, classes))
		p.train = must[datasets.Set](t)(p.train.Take(200).Build(context.Background()))
		for _, g := range []soxai.Grouping{soxai.KMeans{}, soxai.Density{}} {
			a := must[soxai.Atlas](t)(soxai.Of(p.net, p.train).Grouping(g).Build(context.Background()))
			for _, q := range a.Concepts {
				if q.Suggestion.Verdict == soxai.Irrelevant {
					t.Errorf("digits %v by %T: %s is suggested to be irrelevant: %q", classes, g, q.Name, q.Suggestion.Reasons)
				}
			}
		}
	}
}

// confirmed returns the atlas with its tag named and judged.
func confirmed(t testing.TB, a soxai.Atlas) soxai.Atlas {
	t.Helper()
	a = must[soxai.Atlas](t)(a.Name(tagOf(a), "tag"))
	return must[soxai.Atlas](t)(a.Confirm("tag", soxai.Irrelevant, "a test"))
}

func TestDetectionInUnseenImages(t *testing.T) {
	if testing.Short() {
		t.Skip("trains a network")
	}
	t.Parallel()
	p := must[planted](t)(theTagged())
	ctx := context.Background()
	r := soxai.Of(p.net, p.train)
	a := confirmed(t, must[soxai.Atlas](t)(r.Build(ctx)))
	for _, set := range []datasets.Set{p.test, p.swapped} {
		seen := must[soxai.Sightings](t)(r.Detect(ctx, a, set, "tag"))
		has := map[int]bool{}
		for _, i := range seen.Images() {
			has[i] = true
		}
		hw, hits, tagged, wrong := 28*28, 0, 0, 0
		for i := range set.Len() {
			truth := slices.Contains(set.Masks[i*hw:(i+1)*hw], 1)
			switch {
			case truth:
				tagged++
				if has[i] {
					hits++
				}
			case has[i]:
				wrong++
			}
		}
		t.Logf("%s: %d of %d tags detected, %d false", set.Name, hits, tagged, wrong)
		if float64(hits) < 0.8*float64(tagged) || wrong > 2 {
			t.Errorf("%s: %d of %d tags detected, and %d where there is none", set.Name, hits, tagged, wrong)
		}
	}
	// In the images of the atlas, it finds the members but for the farthest 5 %.
	seen, members := must[soxai.Sightings](t)(r.Detect(ctx, a, p.train, "tag")), must[soxai.Sightings](t)(a.Members("tag"))
	near := 0
	for _, m := range members.List {
		if m.Distance <= 1 {
			near++
		}
	}
	if n, m := len(seen.List), len(members.List); n != near || n >= m || float64(n) < 0.94*float64(m) {
		t.Errorf("%d of %d members are detected, %d are within the radius", n, m, near)
	}
}

// TestTrialOnTheTag closes the loop: after masking the tag and retraining, the swapped tag
// misleads no longer; after masking as much elsewhere, it still does.
func TestTrialOnTheTag(t *testing.T) {
	if testing.Short() {
		t.Skip("trains networks")
	}
	t.Parallel()
	p := must[planted](t)(theTagged())
	ctx := context.Background()
	r := soxai.Of(p.net, p.train)
	a := confirmed(t, must[soxai.Atlas](t)(r.Build(ctx)))
	trial := soxai.Trial{Retrain: retrain(epochs), Test: p.test, Also: []datasets.Source{p.swapped}, Seeds: 1}
	long := os.Getenv("WHYBOOK_TEST_LONG") != ""
	if long {
		trial.Seeds, trial.Actions = 5, []soxai.Action{soxai.Mask{}, soxai.Drop{}, soxai.Downweight{}, soxai.Swap{}}
	}
	o := must[soxai.Outcome](t)(trial.Run(ctx, r, a, "tag"))
	if long {
		t.Log("\n" + o.TableView().Text())
	}
	const on = "accuracy on swapped tags"
	mask, control := o.Arm("mask").Get(on), o.Arm("mask, control").Get(on)
	if !(mask.Change.Low > 0.2) || !(mask.Beyond.Low > 0.2) {
		t.Errorf("masking changes the accuracy on swapped tags by %+v, beyond the control by %+v", mask.Change, mask.Beyond)
	}
	if control.Change.Value > 0.05 {
		t.Errorf("masking other regions changes it by %+v", control.Change)
	}
	if m := o.Arm("mask").Get(soxai.AlphaMass); !(m.Change.High < -0.2) {
		t.Errorf("alpha on the tag changes by %+v", m.Change)
	}
	if m := o.Arm("as it is").Get(soxai.AccuracyWith); m.Value.Value < 0.95 {
		t.Errorf("the network gets %+v of the tagged images right", m.Value)
	}
	if err := o.View().Err(); err != nil {
		t.Error(err)
	}
	if rows := o.Table().Nrow(); rows != len(o.Arms)*6 {
		t.Errorf("the table has %d rows for %d arms", rows, len(o.Arms))
	}
}

// TestSameBytes: neither the batch nor the number of processors matters.
func TestSameBytes(t *testing.T) {
	if testing.Short() {
		t.Skip("trains a network")
	}
	p := must[planted](t)(theTagged())
	small := must[datasets.Set](t)(p.train.Take(80).Build(context.Background()))
	r := soxai.Of(p.net, small).Seed(3)
	first := saved(t, r, must[soxai.Atlas](t)(r.Build(context.Background())))
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	second := saved(t, r, must[soxai.Atlas](t)(r.Batch(7).Build(context.Background())))
	if first != second {
		t.Error("another batch on one processor gives another atlas")
	}
}

// TestCRAFT: the concept that matters most to the tagged class is the tag.
func TestCRAFT(t *testing.T) {
	if testing.Short() {
		t.Skip("trains a network")
	}
	t.Parallel()
	p := must[planted](t)(theTagged())
	ctx := context.Background()
	half := must[datasets.Set](t)(p.train.Take(200).Build(ctx))
	found := must[soxai.Crafted](t)(soxai.CRAFT{Concepts: 6, Patch: 0.5}.Find(ctx, p.net, half, 0))
	if len(found.Concepts) != 6 || found.Class != "3" || found.Layer != "relu3" {
		t.Fatalf("%d concepts of %s at %s", len(found.Concepts), found.Class, found.Layer)
	}
	tagged := 0
	for _, crop := range found.Concepts[0].Crops {
		hits := 0
		for _, q := range crop.Area.Pixels() {
			hits += int(half.Masks[crop.Image*784+q])
		}
		if hits > 18 { // of 36
			tagged++
		}
	}
	t.Logf("the first of %d concepts has importance %.2f, the next %.2f; %d of its %d crops show the tag; error %.2f",
		len(found.Concepts), found.Concepts[0].Importance, found.Concepts[1].Importance, tagged, len(found.Concepts[0].Crops), found.Error)
	if tagged < 8 || found.Concepts[0].Importance < found.Concepts[1].Importance || found.Error > 0.5 {
		t.Errorf("%d of %d crops show the tag, importance %v, error %v", tagged, len(found.Concepts[0].Crops), found.Concepts[0].Importance, found.Error)
	}
	if err := found.View().Err(); err != nil {
		t.Error(err)
	}
	// Beside the others, on the same images.
	ways := soxai.Relatives{must[soxai.Relative](t)(must[soxai.Atlas](t)(soxai.Of(p.net, half).Build(ctx)).Relative("SOXAI")),
		must[soxai.Relative](t)(must[soxai.Atlas](t)(soxai.Of(p.net, half).HeatMaps(14).Grouping(soxai.Spectral{}).Build(ctx)).Relative("SpRAy")),
		must[soxai.Relative](t)(found.Relative())}
	t.Log("\n" + ways.View().Text())
	for i, unit := range []string{"regions", "heat maps", "crops"} {
		if w := ways[i]; w.Unit != unit || w.Concept < 0 || w.On < 8 || w.Typical != 10 {
			t.Errorf("%+v does not find the tag", w)
		}
	}
	if ways[0].Overlap < 0.5 || ways[2].Overlap > 0.3 || ways[2].Rank != 1 {
		t.Errorf("overlaps and ranks %+v", ways)
	}
	for name, f := range map[string]func() error{
		"negative layer": func() error { _, err := soxai.CRAFT{Layer: "conv3"}.Find(ctx, p.net, half, 0); return err },
		"unknown layer":  func() error { _, err := soxai.CRAFT{Layer: "x"}.Find(ctx, p.net, half, 0); return err },
	} {
		if err := f(); !errors.Is(err, xai.ErrLayer) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := (soxai.CRAFT{}).Find(ctx, p.net, half, 9); !errors.Is(err, xai.ErrTarget) {
		t.Errorf("class 9: %v", err)
	}
	if _, err := (soxai.CRAFT{Patch: 2}).Find(ctx, p.net, half, 0); err == nil {
		t.Error("a crop larger than the image")
	}
	if err := (soxai.Crafted{}).View().Err(); err == nil {
		t.Error("nothing has a view")
	}
}

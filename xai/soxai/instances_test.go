package soxai_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/nn"
	"github.com/whybook/whybook/xai/saliency"
	"github.com/whybook/whybook/xai/soxai"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// scored is an untrained network with a score of every class at each of 8 x 8 places.
func scored(t testing.TB, s datasets.Set) *nn.Net {
	t.Helper()
	return must[*nn.Net](t)(nn.Image(s.Shape).Conv(4, 3).ReLU().Conv(len(s.Classes), 3).Then(nn.GlobalAvgPool{}).Init(3))
}

// TestInstancesAgainstASlowSecondWay computes scores, gradients, regions and embeddings of
// instances again, one by one, with central differences.
func TestInstancesAgainstASlowSecondWay(t *testing.T) {
	s := squares(20)
	for i := range s.Pixels { // nothing is zero, and no ReLU at its corner
		s.Pixels[i] += uint8(20 + (i*7)%31)
	}
	net, ctx := scored(t, s).Double(), context.Background()
	var areas []soxai.Area
	for i := range 20 {
		areas = append(areas, soxai.Box(s.Shape, i%2*4, i%5, i%2*4+4, i%5+3))
	}
	a := must[soxai.Atlas](t)(soxai.Of(net, s).Instances(soxai.Instances{Areas: areas, Around: 1}).With(saliency.Gradient{}).
		Regions(soxai.Regions{Blur: 1, Mass: 1, PerImage: true, Fill: soxai.Black}).Batch(7).Concepts(2, 3).Build(ctx))
	if a.Layer != "relu1" || len(a.Regions) != 20 {
		t.Fatalf("embedded by %q, %d regions", a.Layer, len(a.Regions))
	}
	probabilities := func(x *mat.Dense, area soxai.Area) []float64 {
		maps := must[*mat.Dense](t)(net.Activations(ctx, "conv2", x)).RawRowView(0)
		p := make([]float64, 2)
		for c := range p {
			for _, q := range area.Pixels() {
				p[c] += maps[c*64+q] / float64(area.Size())
			}
		}
		return p
	}
	softmax := func(p []float64) []float64 {
		e := []float64{math.Exp(p[0]), math.Exp(p[1])}
		floats.Scale(1/floats.Sum(e), e)
		return e
	}
	rows := make([][]float64, 20)
	for i, g := range a.Regions {
		x := s.Batch(nil, []int{i})
		p := softmax(probabilities(x, areas[i]))
		if g.Target != floats.MaxIdx(p) || math.Abs(g.P-p[g.Target]) > 1e-6 || a.Predicted[i] != g.Target {
			t.Fatalf("instance %d: class %d with %v, want %v", i, g.Target, g.P, p)
		}
		// alpha, by differences, within one pixel of the box
		box := soxai.Box(s.Shape, i%2*4-1, i%5-1, i%2*4+5, i%5+4)
		alpha, total := make([]float64, 64), 0.0
		for _, q := range box.Pixels() {
			up, down := mat.DenseCopyOf(x), mat.DenseCopyOf(x)
			up.Set(0, q, x.At(0, q)+1e-5)
			down.Set(0, q, x.At(0, q)-1e-5)
			alpha[q] = math.Abs(probabilities(up, areas[i])[g.Target]-probabilities(down, areas[i])[g.Target]) / 2e-5
			total += alpha[q]
		}
		if g.Area.Size() > box.Size() || slices.ContainsFunc(g.Area.Pixels(), func(q int) bool { return !slices.Contains(box.Pixels(), q) }) {
			t.Fatalf("instance %d: the region leaves the box", i)
		}
		maps := must[*mat.Dense](t)(net.Activations(ctx, "relu1", x)).RawRowView(0)
		rows[i] = make([]float64, 4)
		for n := range rows[i] {
			for q, v := range alpha {
				rows[i][n] += maps[n*64+q] * v / total
			}
		}
		for _, q := range g.Area.Pixels() {
			x.Set(0, q, 0)
		}
		if masked := softmax(probabilities(x, areas[i]))[g.Target]; math.Abs(g.Masked-masked) > 1e-6 {
			t.Errorf("instance %d: %v with the region filled, want %v", i, g.Masked, masked)
		}
	}
	k := a.Basis.K
	for i := range rows {
		for j := range i {
			if want, got := floats.Distance(rows[i], rows[j], 2), floats.Distance(a.Points[i*k:(i+1)*k], a.Points[j*k:(j+1)*k], 2); math.Abs(got-want) > 1e-6*(1+want) {
				t.Fatalf("instances %d and %d: distance %v, want %v", i, j, got, want)
			}
		}
	}
	for _, q := range a.Concepts {
		if !math.IsNaN(q.Transfer.Value) {
			t.Errorf("instances have a transfer of %v", q.Transfer)
		}
	}
}

// scenes are a network with a score at every place, trained on digits on textures.
type scenes struct {
	train, two datasets.Set
	net        *nn.Net
}

// pastedBy trains on single digits, whose textures are those of their class or drawn at random.
func pastedBy(random float64) (scenes, error) {
	ctx := context.Background()
	var s scenes
	train, err := datasets.MNIST().Train().Only(alike...).Take(400).Pasted(datasets.Texture{Side: 48, Random: random, Rim: 2}).Build(ctx)
	if err != nil {
		return s, err
	}
	s.train = train
	s.two, err = datasets.MNIST().Test().Only(alike...).Take(100).Pasted(datasets.Texture{Side: 64, Objects: 2, Random: random, Rim: 2}).Build(ctx)
	if err != nil {
		return s, err
	}
	arch := nn.Image(train.Shape).Conv(12, 5).ReLU().MaxPool(2).Conv(24, 5).ReLU().MaxPool(2).Conv(32, 3).ReLU().Conv(4, 1).Then(nn.GlobalAvgPool{})
	s.net, err = arch.Fit(train, nn.Training{Epochs: 12 + int(28*random), Seed: 1, Optimizer: nn.Adam{Rate: 0.003}}).Build(ctx)
	return s, err
}

var (
	byGround = sync.OnceValues(func() (scenes, error) { return pastedBy(0) })
	byDigit  = sync.OnceValues(func() (scenes, error) { return pastedBy(1) })
)

// TestInstancesOnTextures: of a network that reads the class off the ground the concepts lie on the
// ground, and are suggested to be irrelevant; of one for which the ground says nothing they lie
// on the digits, and are not.
func TestInstancesOnTextures(t *testing.T) {
	if testing.Short() {
		t.Skip("trains networks")
	}
	t.Parallel()
	for name, c := range map[string]struct {
		of   func() (scenes, error)
		want soxai.Verdict
	}{"ground": {byGround, soxai.Irrelevant}, "digit": {byDigit, soxai.Relevant}} {
		s := must[scenes](t)(c.of())
		a := must[soxai.Atlas](t)(soxai.Of(s.net, s.train).Instances(soxai.Instances{}).Suggest(soxai.Criteria{Masks: soxai.Object}).Build(context.Background()))
		inside, wanted := 0.0, 0
		for _, g := range a.Regions {
			inside += g.Inside / float64(len(a.Regions))
		}
		for _, q := range a.Concepts {
			t.Logf("%s: %s has %d regions, %.2f of alpha on the digits, dP %.2f (%.2f to %.2f), %v", name, q.Name, q.Size, q.Pointing, q.Effect.Value, q.Effect.Low, q.Effect.High, q.Suggestion.Verdict)
			if q.Suggestion.Verdict == c.want {
				wanted += q.Size
			} else if q.Suggestion.Verdict != soxai.Unsure {
				t.Errorf("%s: %s is suggested to be %v: %q", name, q.Name, q.Suggestion.Verdict, q.Suggestion.Reasons)
			}
		}
		if onGround := inside < 0.3; onGround != (name == "ground") || 2*wanted < len(a.Regions) {
			t.Errorf("%s: %.2f of alpha is on the digits, %d of %d regions are suggested to be %v", name, inside, wanted, len(a.Regions), c.want)
		}
		if err := a.View().Err(); err != nil {
			t.Error(err)
		}
	}
}

// TestTwoInstancesInOneImage: each of two digits has its own class and its own regions, near it,
// in scenes of another size than those of the training.
func TestTwoInstancesInOneImage(t *testing.T) {
	if testing.Short() {
		t.Skip("trains a network")
	}
	t.Parallel()
	s := must[scenes](t)(byDigit())
	ctx := context.Background()
	// The weights of the same layers for larger images, as a file hands them on.
	larger := nn.Image(s.two.Shape).Conv(12, 5).ReLU().MaxPool(2).Conv(24, 5).ReLU().MaxPool(2).Conv(32, 3).ReLU().Conv(4, 1).Then(nn.GlobalAvgPool{})
	var file bytes.Buffer
	if err := s.net.Save(&file); err != nil {
		t.Fatal(err)
	}
	net := must[*nn.Net](t)(larger.Load(&file, s.net.Classes()))
	var boxes []soxai.Area // as a detector's, a little wider than the digit
	for i := range s.two.Len() {
		left, top, right, bottom := 64, 64, 0, 0
		for p, m := range s.two.Masks[i*64*64 : (i+1)*64*64] {
			if m == 1 {
				left, top, right, bottom = min(left, p%64), min(top, p/64), max(right, p%64+1), max(bottom, p/64+1)
			}
		}
		boxes = append(boxes, soxai.Box(s.two.Shape, left-4, top-4, right+4, bottom+4))
	}
	a := must[soxai.Atlas](t)(soxai.Of(net, s.two).Instances(soxai.Instances{Areas: boxes}).Build(ctx))
	whole := must[nn.Evaluation](t)(net.Evaluate(ctx, s.two))
	right := 0
	for i, p := range a.Predicted {
		if p == s.two.Labels[i] {
			right++
		}
	}
	t.Logf("%d of 100 instances are classified rightly, by the whole image %.0f", right, 100*whole.Accuracy)
	if right < 50 || float64(right) < 100*whole.Accuracy+10 {
		t.Errorf("%d of 100 instances are classified rightly, by the whole image %.0f", right, 100*whole.Accuracy)
	}
	// The boxes of two digits do not overlap, but their surroundings may.
	far := must[soxai.Atlas](t)(soxai.Of(net, s.two).Instances(soxai.Instances{Areas: boxes, Around: -1}).Build(ctx))
	strays := func(a soxai.Atlas) float64 {
		stray := 0
		for _, g := range a.Regions {
			own, other := 0, 0
			for _, p := range g.Area.Pixels() {
				own, other = own+int(s.two.Masks[g.Image*64*64+p]), other+int(s.two.Masks[(g.Image^1)*64*64+p])
			}
			if other > own {
				stray++
			}
		}
		return float64(stray) / float64(len(a.Regions))
	}
	near, free := strays(a), strays(far)
	t.Logf("%.0f %% of the regions lie on the other digit, %.0f %% without a limit", 100*near, 100*free)
	if near > 0.15 || free < 2*near {
		t.Errorf("%.0f %% of the regions lie on the other digit, %.0f %% without a limit", 100*near, 100*free)
	}
}

func TestBadInstances(t *testing.T) {
	s := squares(20)
	net, ctx := scored(t, s), context.Background()
	areas := make([]soxai.Area, 20)
	for i := range areas {
		areas[i] = soxai.Box(s.Shape, 0, 0, 4, 4)
	}
	one := slices.Clone(areas)
	one[3] = nil
	wide := slices.Clone(areas)
	wide[2] = soxai.Area{60, 70}
	r := soxai.Of(net, s).With(saliency.InputGradient{})
	for name, c := range map[string]struct {
		r    soxai.Recipe
		is   error
		says string
	}{
		"no masks":        {r.Instances(soxai.Instances{}), xai.ErrShape, "field Areas"},
		"around":          {r.Instances(soxai.Instances{Around: -2}), nil, "Around is -2"},
		"unknown layer":   {r.Instances(soxai.Instances{Scores: "x"}), xai.ErrLayer, "relu1 (4 channels)"},
		"flat layer":      {r.Instances(soxai.Instances{Scores: "gap1"}), xai.ErrLayer, "layer with space"},
		"the first layer": {r.Instances(soxai.Instances{Scores: "conv1"}), xai.ErrLayer, "is the first one"},
		"no scores":       {soxai.Of(squareNet(t, s), s).Instances(soxai.Instances{}), xai.ErrLayer, "a score for each of the 2 classes"},
		"another number":  {r.Instances(soxai.Instances{Areas: areas[:7]}), soxai.ErrOtherSet, "7 instances for the 20"},
		"another size":    {r.Instances(soxai.Instances{Areas: wide}), soxai.ErrOtherSet, "instance 2"},
		"target":          {r.Instances(soxai.Instances{Areas: areas}).Targets(2), xai.ErrTarget, "2 classes"},
		"nothing marked":  {r.Instances(soxai.Instances{Areas: make([]soxai.Area, 20)}), soxai.ErrNoRegions, "no instance is marked"},
		"an ability":      {r.Instances(soxai.Instances{Areas: areas}).With(saliency.GuidedBackprop{}), xai.ErrAbility, "Propagator"},
	} {
		_, err := c.r.Build(ctx)
		if err == nil || !strings.Contains(err.Error(), c.says) || c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%s: %v; want one with %q that matches %v", name, err, c.says, c.is)
		}
	}
	a := must[soxai.Atlas](t)(r.Instances(soxai.Instances{Areas: one}).Build(ctx))
	if len(a.Skipped) != 1 || a.Skipped[0].Image != 3 {
		t.Errorf("skipped %+v", a.Skipped)
	}
	keys := map[string]bool{}
	for _, o := range []soxai.Instances{{Areas: areas}, {Areas: one}, {Areas: areas, Around: 2}, {Areas: areas, Scores: "relu1"}, {}} {
		keys[r.Instances(o).Key()] = true
	}
	if keys[r.Key()] = true; len(keys) != 6 {
		t.Errorf("%d keys of 6 recipes", len(keys))
	}
	a = must[soxai.Atlas](t)(a.Confirm("concept 1", soxai.Irrelevant, "A"))
	if _, err := (soxai.Trial{Test: s, Retrain: retrain(1)}).Run(ctx, r.Instances(soxai.Instances{Areas: one}), a, "concept 1"); err == nil || !strings.Contains(err.Error(), "about instances") {
		t.Errorf("a trial of instances: %v", err)
	}
	if soxai.Box(s.Shape, 5, 5, 5, 9) != nil || soxai.Box(s.Shape, -3, -3, 99, 99).Size() != 64 {
		t.Error("boxes are not cut to the image")
	}
}

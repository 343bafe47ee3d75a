package soxai_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/nn"
	"github.com/whybook/whybook/xai/progress"
	"github.com/whybook/whybook/xai/saliency"
	"github.com/whybook/whybook/xai/soxai"
	"gonum.org/v1/gonum/mat"
)

// mapBy is a saliency method that is any function of the image.
type mapBy func(x, dst []float64)

func (m mapBy) Signed() bool { return false }

func (m mapBy) Attribute(_ context.Context, _ xai.Differentiable, dst *mat.Dense, in saliency.Batch) (saliency.Report, error) {
	for i := range in.Targets {
		m(in.X.RawRowView(i), dst.RawRowView(i))
	}
	return saliency.Report{}, nil
}

// brightness points at what is bright.
var brightness = mapBy(func(x, dst []float64) { copy(dst, x) })

// squares are images of 8 x 8 with a bright square: class 0 has it on the left, class 1 on the
// right, image i in row i%5.
func squares(n int) datasets.Set {
	s := datasets.Set{Name: "squares", Shape: datasets.Shape{Channels: 1, Height: 8, Width: 8}, Classes: []string{"left", "right"}, Pixels: make([]uint8, n*64)}
	for i := range n {
		s.Labels = append(s.Labels, i%2)
		for y := range 3 {
			for x := range 3 {
				s.Pixels[i*64+(i%5+y)*8+i%2*5+x] = uint8(200 + i%50)
			}
		}
	}
	return s
}

func squareNet(t testing.TB, s datasets.Set) *nn.Net {
	t.Helper()
	return must[*nn.Net](t)(nn.Image(s.Shape).Conv(4, 3).ReLU().MaxPool(2).Dense(len(s.Classes)).Fit(s, nn.Training{Epochs: 30, Seed: 1, Optimizer: nn.Adam{Rate: 0.01}}).Build(context.Background()))
}

func saved(t testing.TB, r soxai.Recipe, a soxai.Atlas) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.Save(&b, a); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestBadChains(t *testing.T) {
	s := squares(20)
	net := squareNet(t, s)
	ctx := context.Background()
	other := squares(10)
	other.Shape.Height, other.Shape.Width = 4, 16
	three := s
	three.Labels, three.Classes = slices.Clone(s.Labels), []string{"left", "right", "up"}
	three.Labels[3] = 2
	table, err := datasets.Blobs(datasets.BlobOptions{Samples: 10, Features: 64}).Build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	flat := must[*nn.Net](t)(nn.Image(s.Shape).Dense(2).Init(1))
	for name, c := range map[string]struct {
		r    soxai.Recipe
		is   error
		says string
	}{
		"no chain":               {soxai.Recipe{}, nil, "starts with soxai.Of"},
		"no model":               {soxai.Of(nil, s), nil, "need a model"},
		"nil net":                {soxai.Of((*nn.Net)(nil), s), nil, "need a model"},
		"no data":                {soxai.Of(net, nil), nil, "need data"},
		"no layer with space":    {soxai.Of(flat, s), xai.ErrLayer, "no hidden layer with space"},
		"layer without space":    {soxai.Of(net, s).At("fc1"), xai.ErrLayer, "conv1, relu1, pool1"},
		"Grad-CAM without space": {soxai.Of(net, s).With(saliency.GradCAM{Layer: "fc1"}), xai.ErrLayer, "pool1"},
		"unknown layer":          {soxai.Of(net, s).At("conv9"), xai.ErrLayer, "conv9"},
		"no method":              {soxai.Of(net, s).With(nil), nil, "need a method"},
		"no grouping":            {soxai.Of(net, s).Grouping(nil), nil, "need KMeans"},
		"concepts":               {soxai.Of(net, s).Concepts(3, 2), nil, "2 <= min <= max"},
		"one or more":            {soxai.Of(net, s).Concepts(1, 2), nil, "2 <= min <= max"},
		"k-means":                {soxai.Of(net, s).Grouping(soxai.KMeans{Min: 4, Max: 3}), nil, "2 <= Min <= Max"},
		"density":                {soxai.Of(net, s).Grouping(soxai.Density{MinSize: 1}), nil, "MinSize is 1"},
		"spectral":               {soxai.Of(net, s).Grouping(soxai.Spectral{Max: 1}), nil, "at least 2"},
		"components":             {soxai.Of(net, s).Components(0), nil, "at least 1"},
		"too many components":    {soxai.Of(net, s).With(brightness).Components(5), soxai.ErrFew, "at most 4"},
		"heat maps":              {soxai.Of(net, s).HeatMaps(1), nil, "at least 2 pixels"},
		"batch":                  {soxai.Of(net, s).Batch(0), nil, "at least 1"},
		"mass":                   {soxai.Of(net, s).Regions(soxai.Regions{Mass: 1.1}), nil, "Mass is 1.1"},
		"NaN mass":               {soxai.Of(net, s).Regions(soxai.Regions{Mass: math.NaN()}), nil, "Mass is NaN"},
		"area":                   {soxai.Of(net, s).Regions(soxai.Regions{Area: -1}), nil, "Area is -1"},
		"least":                  {soxai.Of(net, s).Regions(soxai.Regions{Least: 1}), nil, "Least is 1"},
		"blur":                   {soxai.Of(net, s).Regions(soxai.Regions{Blur: 4}), nil, "Blur is 4"},
		"fill":                   {soxai.Of(net, s).Regions(soxai.Regions{Fill: 7}), nil, "Fill is 7"},
		"group":                  {soxai.Of(net, s).Group(9), nil, "ByPrediction"},
		"target":                 {soxai.Of(net, s).Targets(2), xai.ErrTarget, "2 classes (0-1)"},
		"criteria":               {soxai.Of(net, s).Suggest(soxai.Criteria{Pure: 2}), nil, "Pure is 2"},
		"masks":                  {soxai.Of(net, s).Suggest(soxai.Criteria{Masks: 5}), nil, "Masks is 5"},
		"another size":           {soxai.Of(net, squares(0)), xai.ErrShape, "0 images"},
		"more classes":           {soxai.Of(net, three), xai.ErrTarget, "label 2"},
		"a table":                {soxai.Of(net, table), xai.ErrShape, "is a table"},
		"the first mistake":      {soxai.Of(net, s).Batch(0).Concepts(9, 1), nil, "Batch(0)"},
	} {
		_, err := c.r.Build(ctx)
		if err == nil || !strings.Contains(err.Error(), c.says) || c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%s: %v; want one with %q that matches %v", name, err, c.says, c.is)
		}
	}
	mixed := s
	mixed.Pixels = s.Pixels[:len(s.Pixels)-7] // an image of another size
	if _, err := soxai.Of(net, mixed).Build(ctx); err == nil || !strings.Contains(err.Error(), "need 1280 pixels") {
		t.Errorf("images of several sizes: %v", err)
	}
	if _, err := soxai.Of(net, s).With(brightness).Concepts(50, 60).Build(ctx); !errors.Is(err, soxai.ErrFew) || !strings.Contains(err.Error(), "fewer concepts") {
		t.Errorf("fewer regions than concepts: %v", err)
	}
}

// TestMapsWithoutRegions: they are skipped, counted and explained.
func TestMapsWithoutRegions(t *testing.T) {
	s := squares(20)
	net := squareNet(t, s)
	ctx := context.Background()
	count := 0
	a, err := soxai.Of(net, s).With(mapBy(func(x, dst []float64) {
		copy(dst, x)
		switch count++; count {
		case 3:
			dst[5] = math.NaN()
		case 5:
			clear(dst)
		case 6:
			dst[5] = math.Inf(1)
		}
	})).Concepts(2, 3).Build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var images []int
	for _, k := range a.Skipped {
		images = append(images, k.Image)
	}
	if !slices.Equal(images, []int{2, 4, 5}) || !strings.Contains(a.Skipped[0].Why, "NaN at value 5") || !strings.Contains(a.Skipped[1].Why, "zero everywhere") {
		t.Errorf("skipped %+v", a.Skipped)
	}
	if a.Impact.Images != 17 || !slices.ContainsFunc(a.Notes, func(n string) bool { return strings.Contains(n, "3 of 20 images have no region") }) {
		t.Errorf("%d images, notes %q", a.Impact.Images, a.Notes)
	}
	for name, m := range map[string]mapBy{
		"zero": func(x, dst []float64) { clear(dst) },
		"NaN":  func(x, dst []float64) { dst[0] = math.NaN() },
	} {
		if _, err := soxai.Of(net, s).With(m).Build(ctx); !errors.Is(err, soxai.ErrNoRegions) || !strings.Contains(err.Error(), "image 0") {
			t.Errorf("all maps %s: %v", name, err)
		}
	}
	_, err = soxai.Of(net, s).With(mapBy(func(x, dst []float64) { dst[0], dst[2], dst[4] = 1, 1, 1 })).Regions(soxai.Regions{Blur: 1, Least: 0.1}).Build(ctx)
	if !errors.Is(err, soxai.ErrNoRegions) || !strings.Contains(err.Error(), "scattered") {
		t.Errorf("scattered pixels: %v", err)
	}
}

func TestDegenerateSets(t *testing.T) {
	s := squares(20)
	net := squareNet(t, s)
	ctx := context.Background()

	same := s
	same.Pixels, same.Labels = nil, nil
	for range 12 {
		same.Pixels, same.Labels = append(same.Pixels, s.Pixels[:64]...), append(same.Labels, 0)
	}
	a, err := soxai.Of(net, same).With(brightness).Build(ctx)
	if err != nil || len(a.Concepts) != 1 || a.Concepts[0].Size != 12 || a.Drawn != "PCA" {
		t.Errorf("identical images: %d concepts, drawn by %q, %v", len(a.Concepts), a.Drawn, err)
	}
	if err := a.View().Err(); err != nil {
		t.Errorf("identical images: %v", err)
	}
	if got := a.Concepts[0]; got.Spread > 1e-9 || got.Radius > 1e-9 || got.Medoid != 0 || got.Nearest[0] != 0 {
		t.Errorf("identical images: spread %v, radius %v, medoid %d of %v", got.Spread, got.Radius, got.Medoid, got.Nearest)
	}
	saved(t, soxai.Of(net, same), a)

	one := must[datasets.Set](t)(s.Pick(0, 2, 4, 6, 8, 10, 12, 14).Build(ctx)) // one class only
	a, err = soxai.Of(net, one).With(brightness).Build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range a.Concepts {
		if q.Purity.Value != 1 || !math.IsNaN(q.Transfer.Value) {
			t.Errorf("one class: purity %v, transfer %+v", q.Purity, q.Transfer)
		}
	}
	a, err = soxai.Of(net, s).With(brightness).Concepts(1, 1).Build(ctx)
	if err != nil || len(a.Concepts) != 1 || !math.IsNaN(a.Concepts[0].Silhouette) || a.Concepts[0].Size != 20 {
		t.Errorf("one concept: %v", err)
	}
	if _, err := soxai.Of(net, must[datasets.Set](t)(s.Pick(0).Build(ctx))).With(brightness).Build(ctx); !errors.Is(err, soxai.ErrFew) {
		t.Errorf("a single region: %v", err)
	}
	// No region is in a dense group: an atlas without concepts that can still be shown.
	a, err = soxai.Of(net, s).With(brightness).Grouping(soxai.Density{MinSize: 15}).Build(ctx)
	if err != nil || len(a.Concepts) != 0 || a.Unassigned != 20 {
		t.Errorf("no concepts: %d, %d unassigned, %v", len(a.Concepts), a.Unassigned, err)
	}
	if err := a.View().Err(); err != nil {
		t.Error(err)
	}
}

// badModel returns what is not finite.
type badModel struct{ *nn.Net }

func (m badModel) Scores(ctx context.Context, x *mat.Dense) (*mat.Dense, error) {
	s, err := m.Net.Scores(ctx, x)
	if err == nil {
		s.Set(0, 0, math.NaN())
	}
	return s, err
}

func TestScoresThatAreNotFinite(t *testing.T) {
	s := squares(10)
	if _, err := soxai.Of(badModel{squareNet(t, s)}, s).Build(context.Background()); !errors.Is(err, soxai.ErrNotFinite) || !strings.Contains(err.Error(), "image 0") {
		t.Errorf("NaN scores: %v", err)
	}
}

func TestNamesAndJudgements(t *testing.T) {
	s := squares(20)
	a := must[soxai.Atlas](t)(soxai.Of(squareNet(t, s), s).With(brightness).Concepts(2, 2).Build(context.Background()))
	b := must[soxai.Atlas](t)(a.Name(0, "square"))
	if a.Concepts[0].Name != "concept 1" || b.Concepts[0].Name != "square" {
		t.Errorf("names %q and %q", a.Concepts[0].Name, b.Concepts[0].Name)
	}
	if _, err := b.Name(0, "square"); err != nil {
		t.Errorf("its own name again: %v", err)
	}
	for name, f := range map[string]func() error{
		"taken":        func() error { _, err := b.Name(1, "square"); return err },
		"empty":        func() error { _, err := b.Name(1, " "); return err },
		"no concept":   func() error { _, err := b.Name(2, "x"); return err },
		"unknown":      func() error { _, err := b.Concept("x"); return err },
		"confirm":      func() error { _, err := b.Confirm("x", soxai.Relevant, "A"); return err },
		"by nobody":    func() error { _, err := b.Confirm("square", soxai.Relevant, ""); return err },
		"members":      func() error { _, err := b.Members("x"); return err },
		"sheet":        func() error { return b.SheetView("x").Err() },
		"before/after": func() error { return b.PairView("x").Err() },
	} {
		if err := f(); !errors.Is(err, soxai.ErrName) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := b.Confirm("square", 7, "A"); err == nil {
		t.Error("Verdict(7) is accepted")
	}
	c := must[soxai.Atlas](t)(b.Confirm("square", soxai.Relevant, "A. Reader"))
	if b.Concepts[0].Judgement != nil || *c.Concepts[0].Judgement != (soxai.Judgement{Verdict: soxai.Relevant, By: "A. Reader"}) {
		t.Errorf("judgements %+v and %+v", b.Concepts[0].Judgement, c.Concepts[0].Judgement)
	}
	if text := c.StatisticsView().Text(); !strings.Contains(text, "relevant (A. Reader)") {
		t.Errorf("the table does not say who judged:\n%s", text)
	}
}

// TestActions by hand.
func TestActions(t *testing.T) {
	s := squares(10)
	s.Masks = make([]uint8, 640)
	seen := soxai.Sightings{Set: s.Fingerprint(), List: []soxai.Sighting{{Image: 0, Area: soxai.Area{0, 3, 8, 11, 16, 19}}, {Image: 2, Area: soxai.Area{16, 19}}}}
	masked := must[datasets.Set](t)(seen.Apply(s, soxai.Mask{}, 1))
	for i := range 10 {
		changed := !slices.Equal(masked.Pixels[i*64:(i+1)*64], s.Pixels[i*64:(i+1)*64])
		if changed != (i == 0 || i == 2) {
			t.Errorf("mask: image %d changed is %v", i, changed)
		}
	}
	if slices.Max(masked.Pixels[:64]) != 0 {
		t.Error("mask: something is left of a square on black")
	}
	none := must[datasets.Set](t)(seen.Apply(s, soxai.Mask{Grow: -1, Fill: soxai.Grey}, 1))
	if n := count(none.Pixels[:64], 128); n != 9 {
		t.Errorf("mask without growing: %d grey pixels, want 9", n)
	}
	if dropped := must[datasets.Set](t)(seen.Apply(s, soxai.Drop{}, 1)); dropped.Len() != 8 || !slices.Equal(dropped.Pixels[:64], s.Pixels[64:128]) || len(dropped.Masks) != 8*64 {
		t.Errorf("drop: %d images", dropped.Len())
	}
	kept := 0
	for seed := range uint64(200) {
		kept += must[datasets.Set](t)(seen.Apply(s, soxai.Downweight{Weight: 0.25}, seed)).Len() - 8
	}
	if kept < 75 || kept > 125 { // of 400, 100 on average, standard deviation 8.7
		t.Errorf("down-weight: %d of 400 stay, want about 100", kept)
	}
	swapped := must[datasets.Set](t)(seen.Apply(s, soxai.Swap{}, 1))
	if swapped.Len() != 14 || !slices.Equal(swapped.Labels[10:], []int{0, 1, 0, 1}) {
		t.Fatalf("swap: labels %v", swapped.Labels)
	}
	for _, p := range []int{0, 1, 2, 8, 9, 10, 16, 17, 18} {
		if swapped.Pixels[640+p] != 0 || swapped.Pixels[704+p] != s.Pixels[p] {
			t.Fatalf("swap: pixel %d is %d and %d, want 0 and %d", p, swapped.Pixels[640+p], swapped.Pixels[704+p], s.Pixels[p])
		}
	}
	if s.Pixels[0] != 200 {
		t.Error("an action changed the set")
	}
	for _, action := range []soxai.Action{soxai.Mask{}, soxai.Swap{}} {
		control := must[soxai.Sightings](t)(seen.Control(s, action, 1))
		for i, c := range control.List {
			if c.Image != seen.List[i].Image || c.Area.Size() != seen.List[i].Area.Size() || slices.Equal(c.Area, seen.List[i].Area) {
				t.Errorf("control of %v: %+v for %+v", action, c, seen.List[i])
			}
		}
	}
	control := must[soxai.Sightings](t)(seen.Control(s, soxai.Drop{}, 1))
	if images := control.Images(); len(images) != 2 || slices.Contains(images, 0) || slices.Contains(images, 2) || s.Labels[images[0]] != 0 || s.Labels[images[1]] != 0 {
		t.Errorf("control of drop: images %v", images)
	}

	other := squares(12)
	far := seen
	far.List = []soxai.Sighting{{Image: 10, Area: soxai.Area{0, 1}}}
	wide := seen
	wide.List = []soxai.Sighting{{Image: 1, Area: soxai.Area{60, 65}}}
	left := soxai.Sightings{Set: s.Fingerprint()}
	for i := 0; i < 10; i += 2 {
		left.List = append(left.List, soxai.Sighting{Image: i, Area: soxai.Area{0, 1}})
	}
	for name, c := range map[string]struct {
		err error
		is  error
	}{
		"another set":   {apply(seen, other, soxai.Mask{}), soxai.ErrOtherSet},
		"no such image": {apply(far, s, soxai.Mask{}), soxai.ErrOtherSet},
		"no such pixel": {apply(wide, s, soxai.Mask{}), soxai.ErrOtherSet},
		"a class gone":  {apply(left, s, soxai.Drop{}), datasets.ErrEmptyClass},
		"nil":           {apply(seen, s, nil), nil},
		"grow":          {apply(seen, s, soxai.Mask{Grow: -2}), nil},
		"weight":        {apply(seen, s, soxai.Downweight{Weight: 1}), nil},
		"copies":        {apply(seen, s, soxai.Swap{Copies: -1}), nil},
	} {
		if c.err == nil || c.is != nil && !errors.Is(c.err, c.is) {
			t.Errorf("%s: %v, want %v", name, c.err, c.is)
		}
	}
}

func apply(s soxai.Sightings, set datasets.Set, action soxai.Action) error {
	_, err := s.Apply(set, action, 0)
	return err
}

func count(list []uint8, v uint8) int {
	n := 0
	for _, p := range list {
		if p == v {
			n++
		}
	}
	return n
}

func TestBadTrials(t *testing.T) {
	s := squares(40)
	net := squareNet(t, s)
	ctx := context.Background()
	r := soxai.Of(net, s).With(brightness).Concepts(2, 2)
	a := must[soxai.Atlas](t)(r.Build(ctx))
	a = must[soxai.Atlas](t)(a.Name(0, "a"))
	a = must[soxai.Atlas](t)(a.Confirm("a", soxai.Irrelevant, "A"))
	fine := soxai.Trial{Retrain: func(context.Context, datasets.Set, uint64) (xai.Scorer, error) { return net, nil }, Test: s, Seeds: 2}
	with := func(change func(*soxai.Trial)) soxai.Trial { c := fine; change(&c); return c }
	for name, c := range map[string]struct {
		t        soxai.Trial
		concepts []string
		is       error
		says     string
	}{
		"no retrain":  {with(func(t *soxai.Trial) { t.Retrain = nil }), []string{"a"}, nil, "Retrain"},
		"no test":     {with(func(t *soxai.Trial) { t.Test = nil }), []string{"a"}, nil, "Test"},
		"seeds":       {with(func(t *soxai.Trial) { t.Seeds = -1 }), []string{"a"}, nil, "Seeds"},
		"no concept":  {fine, nil, soxai.ErrName, "need the name"},
		"unknown":     {fine, []string{"z"}, soxai.ErrName, "concepts are"},
		"unconfirmed": {fine, []string{"concept 2"}, soxai.ErrUnconfirmed, "Atlas.Confirm"},
		"twice":       {fine, []string{"a", "a"}, soxai.ErrName, "given twice"},
		"nil action":  {with(func(t *soxai.Trial) { t.Actions = []soxai.Action{nil} }), []string{"a"}, nil, "nil action"},
		"twice mask":  {with(func(t *soxai.Trial) { t.Actions = []soxai.Action{soxai.Mask{}, soxai.Mask{Grow: 2}} }), []string{"a"}, nil, "twice"},
		"bad action":  {with(func(t *soxai.Trial) { t.Actions = []soxai.Action{soxai.Mask{Fill: 9}} }), []string{"a"}, nil, "Fill is 9"},
		"nil also":    {with(func(t *soxai.Trial) { t.Also = []datasets.Source{nil} }), []string{"a"}, nil, "Also"},
		"no model": {with(func(t *soxai.Trial) {
			t.Retrain = func(context.Context, datasets.Set, uint64) (xai.Scorer, error) { return nil, nil }
		}), []string{"a"}, nil, "no model"},
		"empty test": {with(func(t *soxai.Trial) { t.Test = squares(0) }), []string{"a"}, xai.ErrShape, "test data"},
		"another model": {with(func(t *soxai.Trial) {
			t.Retrain = func(context.Context, datasets.Set, uint64) (xai.Scorer, error) {
				return nn.Image(datasets.Shape{Channels: 1, Height: 2, Width: 2}).Dense(2).Init(1)
			}
		}), []string{"a"}, xai.ErrShape, "need 64"},
	} {
		_, err := c.t.Run(ctx, r, a, c.concepts...)
		if err == nil || !strings.Contains(err.Error(), c.says) || c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%s: %v; want one with %q that matches %v", name, err, c.says, c.is)
		}
	}
	if _, err := soxai.Of(net, s).Detect(ctx, a, s, "a"); err == nil || !strings.Contains(err.Error(), "another model") {
		t.Errorf("detection by another method: %v", err)
	}

	// Interrupted in the second seed: the first one is returned.
	stop, cancel := context.WithCancel(ctx)
	runs := 0
	o, err := with(func(t *soxai.Trial) {
		t.Seeds = 3
		t.Retrain = func(ctx context.Context, _ datasets.Set, _ uint64) (xai.Scorer, error) {
			if runs++; runs == 5 {
				cancel()
				return nil, ctx.Err()
			}
			return net, nil
		}
	}).Run(stop, r, a, "a")
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "seed 2 of 3, mask (1 seeds are complete)") {
		t.Errorf("interrupted: %v", err)
	}
	if o.Seeds != 1 || len(o.Arms) != 3 || o.Arms[1].Get(soxai.Accuracy).N != 40 || o.Arms[1].Get(soxai.Accuracy).Change.Value != 0 {
		t.Errorf("interrupted: %d seeds, %+v", o.Seeds, o.Arms)
	}
	if err := o.View().Err(); err != nil {
		t.Errorf("the view of an interrupted trial: %v", err)
	}
	if err := (soxai.Outcome{}).View().Err(); err == nil {
		t.Error("an outcome without seeds has a view")
	}
}

// TestTrialIsPaired: within a seed every arm trains from the same start, and sees what it should.
func TestTrialIsPaired(t *testing.T) {
	s := squares(40)
	net := squareNet(t, s)
	ctx := context.Background()
	r := soxai.Of(net, s).With(brightness).Concepts(2, 2)
	a := must[soxai.Atlas](t)(r.Build(ctx))
	a = must[soxai.Atlas](t)(a.Confirm("concept 1", soxai.Irrelevant, "A"))
	var seeds []uint64
	var sets []datasets.Set
	trial := soxai.Trial{Seeds: 2, Test: s, Actions: []soxai.Action{soxai.Mask{}, soxai.Swap{}}, Retrain: func(_ context.Context, set datasets.Set, seed uint64) (xai.Scorer, error) {
		seeds, sets = append(seeds, seed), append(sets, set)
		return net, nil
	}}
	o := must[soxai.Outcome](t)(trial.Run(ctx, r, a, "concept 1"))
	if len(seeds) != 10 || seeds[0] == seeds[5] {
		t.Fatalf("seeds %v", seeds)
	}
	for i, sd := range seeds {
		if sd != seeds[i/5*5] {
			t.Errorf("training %d starts from seed %d, others of its round from %d", i, sd, seeds[i/5*5])
		}
	}
	n := a.Concepts[0].Size
	for i, want := range []int{40, 40, 40, 40 + 2*n, 40 + 2*n} {
		if sets[i].Len() != want || o.Arms[i].Images != want {
			t.Errorf("arm %s has %d and %d images, want %d", o.Arms[i].Name, sets[i].Len(), o.Arms[i].Images, want)
		}
	}
	if sets[0].Fingerprint() != s.Fingerprint() {
		t.Error("the first arm is not the set as it is")
	}
	if slices.Equal(sets[2].Pixels, sets[7].Pixels) {
		t.Error("the control draws the same regions for every seed")
	}
	if !slices.Equal(sets[1].Pixels, sets[6].Pixels) {
		t.Error("masking depends on the seed")
	}
	right := o.Arm("as it is").Get(soxai.Accuracy)
	if e := must[nn.Evaluation](t)(net.Evaluate(ctx, s)); right.Value.Value != e.Accuracy || len(right.Seeds) != 2 {
		t.Errorf("accuracy %+v, want %v", right, e.Accuracy)
	}
	with, without := o.Arm("as it is").Get(soxai.AccuracyWith), o.Arm("as it is").Get(soxai.AccuracyWithout)
	if with.N != o.TestImages || with.N+without.N != 40 || with.N == 0 {
		t.Errorf("%d images with the concept, %d without, %d detected", with.N, without.N, o.TestImages)
	}
	if m := o.Arm("none").Get("none"); m.N != 0 || !math.IsNaN(m.Value.Value) {
		t.Errorf("a measure that does not exist: %+v", m)
	}
}

func TestCancelledAndObserved(t *testing.T) {
	s := squares(40)
	net := squareNet(t, s)
	ctx, cancel := context.WithCancel(context.Background())
	tasks := map[string]bool{}
	watched := progress.WithReporter(ctx, func(e progress.Event) { tasks[e.Task] = true })
	r := soxai.Of(net, s).With(brightness).Batch(8)
	if _, err := r.Build(watched); err != nil {
		t.Fatal(err)
	}
	for _, task := range []string{"explain", "stability", "concepts"} {
		if !tasks[task] {
			t.Errorf("no progress of %q in %v", task, tasks)
		}
	}
	part := progress.WithReporter(ctx, func(e progress.Event) {
		if e.Task == "explain" && e.Done >= 16 {
			cancel()
		}
	})
	if _, err := r.Build(part); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "16 of 40 images") {
		t.Errorf("cancelled: %v", err)
	}
}

func TestSaveAndLoad(t *testing.T) {
	s := squares(30)
	net := squareNet(t, s)
	r := soxai.Of(net, s).With(saliency.InputGradient{}).Concepts(2, 3)
	a := must[soxai.Atlas](t)(r.Build(context.Background()))
	a = must[soxai.Atlas](t)(a.Confirm("concept 1", soxai.Relevant, "A"))
	text := saved(t, r, a)
	b, err := r.Load(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if saved(t, r, b) != text {
		t.Error("saved again it differs")
	}
	if fmt.Sprintf("%+v", b.Regions) != fmt.Sprintf("%+v", a.Regions) || *b.Concepts[0].Judgement != *a.Concepts[0].Judgement {
		t.Error("what was loaded differs")
	}
	if _, err := r.Seed(9).Load(strings.NewReader(text)); !errors.Is(err, soxai.ErrFormat) {
		t.Errorf("an atlas of another recipe: %v", err)
	}
	for _, bad := range []string{"", text[:len(text)/2], strings.Replace(text, "concept 2", "concept 1", 1), text + "x"} {
		if _, err := soxai.Load(strings.NewReader(bad)); !errors.Is(err, soxai.ErrFormat) {
			t.Errorf("%d damaged bytes: %v", len(bad), err)
		}
	}
	for name, change := range map[string]func(*soxai.Atlas){
		"region of no image":   func(a *soxai.Atlas) { a.Regions[0].Image = 99 },
		"area":                 func(a *soxai.Atlas) { a.Regions[0].Area = soxai.Area{0, 1000} },
		"no concept":           func(a *soxai.Atlas) { a.Regions[0].Concept = 9 },
		"points":               func(a *soxai.Atlas) { a.Points = a.Points[1:] },
		"picture":              func(a *soxai.Atlas) { a.Picture = append([]float64{math.NaN()}, a.Picture[1:]...) },
		"labels":               func(a *soxai.Atlas) { a.Grouped.Labels = a.Grouped.Labels[1:] },
		"a name twice":         func(a *soxai.Atlas) { a.Concepts[0].Name = a.Concepts[1].Name },
		"nearest of no region": func(a *soxai.Atlas) { a.Concepts[0].Nearest = []int{-1} },
		"predictions":          func(a *soxai.Atlas) { a.Predicted = nil },
	} {
		c := must[soxai.Atlas](t)(soxai.Load(strings.NewReader(text)))
		change(&c)
		if err := c.Save(&bytes.Buffer{}); err == nil {
			t.Errorf("%s: it can be saved", name)
		}
	}
	keys := map[string]string{}
	for name, r := range map[string]soxai.Recipe{
		"base": r, "seed": r.Seed(1), "layer": r.At("conv1"), "method": r.With(saliency.Gradient{}), "concepts": r.Concepts(2, 4), "group": r.Group(saliency.ByLabel),
		"targets": r.Targets(1), "unit": r.Normalize(), "maps": r.HeatMaps(8), "larger maps": r.HeatMaps(16), "components": r.Components(2), "mass": r.Regions(soxai.Regions{Mass: 0.3}), "fill": r.Regions(soxai.Regions{Fill: soxai.Grey}),
		"density": r.Grouping(soxai.Density{}), "criteria": r.Suggest(soxai.Criteria{Pure: 0.9}), "data": soxai.Of(net, squares(32)).With(saliency.InputGradient{}).Concepts(2, 3),
	} {
		if before, taken := keys[r.Key()]; taken {
			t.Errorf("%s and %s have one key", name, before)
		}
		keys[r.Key()] = name
	}
	for _, m := range []saliency.Method{saliency.GradCAM{Layer: "conv1"}, &saliency.GradCAM{Layer: "conv1"}} {
		if key := r.With(m).Key(); !strings.Contains(key, `layer "conv1"`) {
			t.Errorf("the layer of Grad-CAM does not embed: %s", key)
		}
	}
	if r.Batch(3).Key() != r.Key() {
		t.Error("the batch is in the key, but does not change the result")
	}
}

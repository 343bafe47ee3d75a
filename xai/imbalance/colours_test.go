package imbalance_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/imbalance"
	"github.com/whybook/whybook/xai/saliency"
	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"
)

func TestBinsOfKnownColours(t *testing.T) {
	for _, c := range []struct {
		r, g, b        float64 // 0 to 255
		hue, published string
	}{
		{0, 0, 0, "black", "black"},
		{50, 50, 50, "black", "black"}, // 50/255 = 0.196
		{51, 51, 51, "grey", "black"},
		{76, 76, 76, "grey", "black"},
		{77, 77, 77, "grey", "grey"},
		{128, 128, 128, "grey", "grey"},
		{199, 199, 199, "grey", "white"}, // white comes first
		{189, 189, 189, "grey", "grey"},
		{217, 217, 217, "white", "white"},
		{255, 255, 255, "white", "white"},
		{255, 0, 0, "red", "red"},
		{0, 255, 0, "green", "green"},
		{0, 0, 255, "blue", "blue"},
		{255, 255, 0, "yellow", "yellow"},
		{0, 255, 255, "cyan", ""},
		{255, 0, 255, "pink", "light green"}, // the authors' name for lavender
		{150, 0, 255, "purple", "light blue"},
		{128, 0, 255, "purple", "blue"},
		{255, 128, 0, "orange", "orange"},
		{120, 60, 20, "brown", "brown"},
		{0, 100, 0, "dark green", ""}, // only an unpublished rule has dark green
		{144, 238, 144, "light green", "green"},
		{0, 0, 100, "dark blue", ""},
		{150, 190, 250, "light blue", ""},
		{255, 105, 180, "pink", "light red"},
		{100, 0, 0, "red", "brown"}, // lower bounds belong to a box,
		{150, 0, 0, "red", "red"},   // upper ones do not,
		{150, 255, 0, "green", ""},  // even for green, which ends below 150,
		{149, 255, 0, "green", "green"},
		{255, 99, 0, "orange", "red"},
		{255, 200, 0, "yellow", "yellow"},
	} {
		for _, b := range []imbalance.Binning{imbalance.Hue, imbalance.Published} {
			want, got := c.hue, ""
			if b == imbalance.Published {
				want = c.published
			}
			if at := b.Bin(c.r/255, c.g/255, c.b/255); at >= 0 {
				got = b.Names()[at]
			}
			if got != want {
				t.Errorf("%v, %v, %v is %q by %v, want %q", c.r, c.g, c.b, got, b, want)
			}
		}
	}
}

// The edges between hues, half a degree on either side, at full saturation and value.
func TestEdgesOfHues(t *testing.T) {
	colour := func(hue float64) (r, g, b float64) {
		channel := func(shift float64) float64 { // red is at 0, green at 120, blue at 240 degrees
			d := math.Abs(math.Mod(hue-shift+540, 360) - 180)
			return min(max(2-d/60, 0), 1)
		}
		return channel(0), channel(120), channel(240)
	}
	names := imbalance.Hue.Names()
	for _, edge := range []struct {
		hue           float64
		before, after string
	}{{15, "red", "orange"}, {45, "orange", "yellow"}, {70, "yellow", "green"}, {165, "green", "cyan"}, {200, "cyan", "blue"},
		{260, "blue", "purple"}, {290, "purple", "pink"}, {345, "pink", "red"}} {
		before, after := names[imbalance.Hue.Bin(colour(edge.hue-.5))], names[imbalance.Hue.Bin(colour(edge.hue+.5))]
		if before != edge.before || after != edge.after {
			t.Errorf("at %v degrees %s turns into %s, want %s into %s", edge.hue, before, after, edge.before, edge.after)
		}
	}
}

// Every colour has a bin by hue, and the hue is that of the mean colour of a thin slice.
func TestEveryColourHasAHue(t *testing.T) {
	names := imbalance.Hue.Names()
	if len(names) != 16 || len(imbalance.Published.Names()) != 14 {
		t.Fatalf("%d and %d bins", len(names), len(imbalance.Published.Names()))
	}
	used := make([]bool, len(names))
	for r := range 52 {
		for g := range 52 {
			for b := range 52 {
				at := imbalance.Hue.Bin(float64(r)/51, float64(g)/51, float64(b)/51)
				if at < 0 || at >= len(names) {
					t.Fatalf("colour %d, %d, %d has bin %d", r, g, b, at)
				}
				used[at] = true
			}
		}
	}
	if slices.Contains(used, false) {
		t.Errorf("bins without a colour: %v", used)
	}
	rapid.Check(t, func(t *rapid.T) { // black, grey and white do not depend on the order of channels
		x := rapid.SliceOfN(rapid.Float64Range(0, 1), 3, 3).Draw(t, "rgb")
		a, b := imbalance.Hue.Bin(x[0], x[1], x[2]), imbalance.Hue.Bin(x[1], x[2], x[0])
		if (a < 3 || b < 3) && a != b {
			t.Fatalf("%v is %s, turned %s", x, names[a], names[b])
		}
	})
}

// stripes are images of two classes, 3 x 4 x 5, whose columns are red, green, blue, white and
// black; and a linear model of class c whose weights single out column c in one channel.
func stripes(t testing.TB) (imbalance.Members, xai.Function) {
	t.Helper()
	set := datasets.Set{Name: "stripes", Shape: datasets.Shape{Channels: 3, Height: 4, Width: 5}, Classes: []string{"a", "b"}}
	colours := [5][3]uint8{{255, 0, 0}, {0, 255, 0}, {0, 0, 255}, {255, 255, 255}, {0, 0, 0}}
	for i := range 6 {
		set.Labels = append(set.Labels, i%2)
		for ch := range 3 {
			for range 4 {
				for x := range 5 {
					set.Pixels = append(set.Pixels, colours[x][ch])
				}
			}
		}
	}
	if err := set.Check(); err != nil {
		t.Fatal(err)
	}
	model := xai.Function{Inputs: 60, Outputs: 2, Func: func(x []float64) []float64 {
		out := []float64{0, 1} // predicts b
		for y := range 4 {
			out[0] += -2 * x[20+5*y]  // column 0 by its green: red pixels
			out[1] += 3 * x[40+5*y+1] // column 1 by its blue: green pixels
			out[0] += 1e-3 * x[5*y+4] // a little of column 4
			out[1] += 1e-3 * x[5*y+4]
		}
		return out
	}}
	return imbalance.Members{Classes: set.Classes, Labels: set.Labels, Set: set}, model
}

func TestBandsOfALinearModel(t *testing.T) {
	m, model := stripes(t)
	names := imbalance.Hue.Names()
	at := func(name string) int { return slices.Index(names, name) }
	kinds := []imbalance.Archetype{0, 0, 0, 3, 1, 0}
	// A fifth of the pixels is one column: that of the class.
	bands, err := imbalance.ColourBands{Top: 0.2}.Measure(ctx, model, m, kinds)
	if err != nil {
		t.Fatal(err)
	}
	if len(bands.Groups) != 10 {
		t.Fatalf("%d groups of 2 classes", len(bands.Groups))
	}
	for g, want := range []struct {
		images int
		colour string
	}{{3, "red"}, {2, "red"}, {1, "red"}, {0, ""}, {0, ""}, {3, "green"}, {2, "green"}, {0, ""}, {0, ""}, {1, "green"}} {
		group := bands.Groups[g]
		if group.Images != want.images || group.Undefined != 0 {
			t.Errorf("%s: %d images, want %d", group.Name(), group.Images, want.images)
		}
		for bin, name := range names {
			salient, all := 0, 0
			if name == want.colour {
				salient = 4 * want.images
			}
			if slices.Contains([]string{"red", "green", "blue", "white", "black"}, name) {
				all = 4 * want.images
			}
			if group.Salient.Count[bin] != salient || group.All.Count[bin] != all {
				t.Errorf("%s, %s: %d salient, %d pixels; want %d, %d", group.Name(), name, group.Salient.Count[bin], group.All.Count[bin], salient, all)
			}
		}
		if want.images == 0 {
			if !math.IsNaN(group.Salient.Share(0)) || !math.IsNaN(group.Ratio(0)) {
				t.Error("shares of no pixels")
			}
			continue
		}
		if r := group.Ratio(at(want.colour)); math.Abs(r-5) > 1e-12 {
			t.Errorf("%s: ratio %v, want 5", group.Name(), r)
		}
		if !math.IsNaN(group.Ratio(at("pink"))) {
			t.Error("ratio of a colour that the class does not have")
		}
	}
	if mean, ok := bands.Groups[0].Salient.Mean(at("red")); !ok || mean.R != 255 || mean.G != 0 || mean.B != 0 {
		t.Errorf("mean red is %v", mean)
	}
	// The predicted class is b for all, so that a's pixels are green too.
	predicted, err := imbalance.ColourBands{Top: 0.2, Predicted: true}.Measure(ctx, model, m, nil)
	if err != nil || len(predicted.Groups) != 2 || predicted.Groups[0].Salient.Count[at("green")] != 12 {
		t.Errorf("by prediction: %+v, %v", predicted.Groups, err)
	}
	// Two images in flight are as good as many.
	small, err := imbalance.ColourBands{Top: 0.2, Batch: 2}.Measure(ctx, model, m, kinds)
	if err != nil || !slices.EqualFunc(small.Groups, bands.Groups, func(a, b imbalance.BandGroup) bool {
		return slices.Equal(a.Salient.Count, b.Salient.Count) && slices.Equal(a.Salient.Sum, b.Salient.Sum)
	}) {
		t.Errorf("batches of 2: %v", err)
	}
	// At most two images of each group, without another archetype's leaking in.
	most, err := imbalance.ColourBands{Most: 2, Classes: []int{1}}.Measure(ctx, model, m, kinds)
	if err != nil || len(most.Groups) != 5 || most.Groups[0].Images != 2 || most.Groups[1].Images != 2 || most.Groups[4].Images != 1 {
		t.Errorf("at most 2: %+v, %v", most.Groups, err)
	}
	// The least share is one pixel; floor(0.1 * 20) is 2.
	for top, want := range map[float64]int{1e-9: 1, 0: 2, 1: 20} {
		b, err := imbalance.ColourBands{Top: top, Most: 1}.Measure(ctx, model, m, nil)
		if err != nil {
			t.Fatal(err)
		}
		total := 0
		for _, n := range b.Groups[0].Salient.Count {
			total += n
		}
		if total != want {
			t.Errorf("top %v: %d salient pixels, want %d", top, total, want)
		}
	}
	// The published boxes leave cyan out of every share.
	cyan := m
	cyan.Set.Pixels = slices.Clone(m.Set.Pixels)
	for i := range 6 {
		for y := range 4 {
			cyan.Set.Pixels[60*i+20+5*y+2] = 255 // green of the blue column
		}
	}
	p, err := imbalance.ColourBands{Bins: imbalance.Published}.Measure(ctx, model, cyan, nil)
	if err != nil || p.Groups[0].All.Unmatched != 12 || math.Abs(p.Groups[0].All.Share(slices.Index(imbalance.Published.Names(), "red"))-.25) > 1e-12 {
		t.Errorf("cyan: %+v, %v", p.Groups[0].All, err)
	}
	for _, b := range []imbalance.Bands{bands, predicted, p} {
		if err := b.View().Err(); err != nil {
			t.Error(err)
		}
	}
}

// never has no map of odd rows.
type never struct{}

func (never) Signed() bool { return true }

func (never) Attribute(_ context.Context, _ xai.Differentiable, dst *mat.Dense, in saliency.Batch) (saliency.Report, error) {
	r := saliency.Report{Undefined: make([]error, len(in.Targets))}
	for i := range in.Targets {
		for j := range dst.RawRowView(i) {
			dst.Set(i, j, float64(j))
			if i%2 == 1 {
				r.Undefined[i] = saliency.ErrUndefined
				dst.Set(i, j, math.NaN())
			}
		}
	}
	return r, nil
}

// broken says nothing of its NaN.
type broken struct{ never }

func (b broken) Attribute(ctx context.Context, f xai.Differentiable, dst *mat.Dense, in saliency.Batch) (saliency.Report, error) {
	_, err := b.never.Attribute(ctx, f, dst, in)
	return saliency.Report{}, err
}

func TestBandsRefuse(t *testing.T) {
	m, model := stripes(t)
	measure := func(c imbalance.ColourBands, m imbalance.Members, kinds []imbalance.Archetype) error {
		_, err := c.Measure(ctx, model, m, kinds)
		return err
	}
	b, err := imbalance.ColourBands{Method: never{}, Batch: 2}.Measure(ctx, model, m, nil)
	if err != nil || b.Groups[0].Images+b.Groups[1].Images != 3 || b.Groups[0].Undefined+b.Groups[1].Undefined != 3 {
		t.Errorf("maps of every other image: %+v, %v", b.Groups, err)
	}
	if err := measure(imbalance.ColourBands{Method: broken{}}, m, nil); !errors.Is(err, saliency.ErrUndefined) {
		t.Errorf("a map with NaN: %v", err)
	}
	table, two := m, m
	table.Set = datasets.Set{}
	two.Set.Shape = datasets.Shape{Channels: 2, Height: 6, Width: 5}
	for name, err := range map[string]error{
		"no images":    measure(imbalance.ColourBands{}, table, nil),
		"two channels": measure(imbalance.ColourBands{}, two, nil),
	} {
		if !errors.Is(err, xai.ErrShape) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := measure(imbalance.ColourBands{Classes: []int{2}}, m, nil); !errors.Is(err, xai.ErrTarget) {
		t.Errorf("class 2: %v", err)
	}
	for name, c := range map[string]imbalance.ColourBands{"Top": {Top: -1}, "NaN": {Top: math.NaN()}, "Bins": {Bins: 7}, "Most": {Most: -1}, "Batch": {Batch: -1}, "Method": {Method: (*saliency.Smooth)(nil)}} {
		if measure(c, m, nil) == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if measure(imbalance.ColourBands{}, m, make([]imbalance.Archetype, 5)) == nil {
		t.Error("five archetypes of six images")
	}
	if _, err := (imbalance.ColourBands{}).Measure(ctx, nil, m, nil); err == nil {
		t.Error("no model")
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := (imbalance.ColourBands{}).Measure(gone, model, m, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

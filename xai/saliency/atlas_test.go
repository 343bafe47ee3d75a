package saliency

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/nn"
	"github.com/whybook/whybook/xai/progress"
	"github.com/whybook/whybook/xai/render"
	"gonum.org/v1/gonum/stat"
)

// rowsSet is a table of n rows in two classes.
func rowsSet(n int) datasets.Set {
	set := datasets.Set{Name: "rows", Shape: datasets.Shape{Channels: 1, Height: 1, Width: 3}, Classes: []string{"a", "b", "c"}, Columns: []string{"x", "y", "z"}}
	x := random(max(n, 1), 3, 11)
	for i := range n {
		set.Values, set.Labels = append(set.Values, x.RawRowView(i)...), append(set.Labels, i%3)
	}
	return set
}

// TestAtlasAgainstMaps compares with maps that are made one by one, for more samples than a
// block has.
func TestAtlasAgainstMaps(t *testing.T) {
	f, set := tanhNet(3, 4), rowsSet(150)
	for _, group := range []Group{Correct, ByLabel, ByPrediction} {
		for _, method := range []Method{InputGradient{}, Smooth{Samples: 3, Sigma: 0.1}} {
			got, err := Over(f, set).With(method).Group(group).Explain(ctx)
			if err != nil {
				t.Fatal(err)
			}
			maps, wrong := make([][]Map, 3), make([]int, 3)
			for i := range set.Len() {
				x := set.At(i)
				first, err := Of(f, x).Explain(ctx)
				if err != nil {
					t.Fatal(err)
				}
				target := x.Label
				switch {
				case group == ByPrediction:
					target = first.Predicted()
				case group == Correct && first.Predicted() != x.Label:
					wrong[x.Label]++
					continue
				}
				m, err := Of(f, x).With(method).Target(target).Explain(ctx)
				if err != nil {
					t.Fatal(err)
				}
				maps[target] = append(maps[target], m)
			}
			for c, e := range got.Entries {
				if e.Count != len(maps[c]) || e.Wrong != wrong[c] || e.Class != set.Classes[c] || e.Undefined != 0 {
					t.Errorf("%#v, class %d: %+v, want %d maps and %d wrong", group, c, e, len(maps[c]), wrong[c])
					continue
				}
				for j := range 3 {
					var phi, size, x []float64
					for _, m := range maps[c] {
						phi, size, x = append(phi, m.Values[j]), append(size, math.Abs(m.Values[j])), append(x, m.Sample.X[j])
					}
					for _, v := range []struct {
						what      string
						got, want float64
					}{{"mean", e.Mean[j], stat.Mean(phi, nil)}, {"absolute", e.Absolute[j], stat.Mean(size, nil)}, {"spread", e.Spread[j], stat.StdDev(phi, nil)}, {"image", e.Image[j], stat.Mean(x, nil)}} {
						if math.Abs(v.got-v.want) > 1e-12 {
							t.Errorf("%#v, class %d, %s of column %d: %v, want %v", group, c, v.what, j, v.got, v.want)
						}
					}
				}
			}
		}
	}
}

// TestAtlasSkips: samples without a map are counted, listed, and cost the others nothing.
func TestAtlasSkips(t *testing.T) {
	set := rowsSet(6)
	copy(set.Values[3:6], []float64{0, 0, 0}) // sample 1
	f := formula{d: 3,
		scores: func(x []float64) []float64 { return []float64{0, x[0] * x[0], 0} },
		grad: func(x []float64, k int) []float64 {
			if k == 1 {
				return []float64{2 * x[0], 0, 0}
			}
			return []float64{0, 0, 0}
		},
	}
	a, err := Over(f, set).With(GradientFlow{Average: true}).Group(ByLabel).Explain(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Skipped) != 5 || a.Skipped[1].Index != 1 || a.Skipped[1].Class != 1 || !strings.Contains(a.Skipped[1].Why, "no direction") {
		t.Errorf("%+v", a.Skipped)
	}
	if e := a.Entries[1]; e.Count != 1 || e.Undefined != 1 || e.Spread[0] != 0 || e.Mean[0] == 0 {
		t.Errorf("%+v", e)
	}
	if e := a.Entries[0]; e.Count != 0 || e.Undefined != 2 || e.Mean != nil {
		t.Errorf("%+v", e)
	}
	a, err = Over(f, set).Group(ByLabel).Explain(ctx)
	if want := []NoteCount{{Blank, 5}, {Uniform, 1}}; err != nil || !slices.Equal(a.Notes, want) {
		t.Errorf("%v, want %v (%v)", a.Notes, want, err)
	}
}

func TestAtlasIsKept(t *testing.T) {
	net, err := nn.Image(rowsSet(1).Shape).Dense(6).Then(nn.Tanh{}).Dense(3).Init(2)
	if err != nil {
		t.Fatal(err)
	}
	survey := Over(net, rowsSet(20)).With(Smooth{Of: InputGradient{}, Samples: 2})
	a, err := survey.Build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := survey.Save(&b, a); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	back, err := survey.Load(&b)
	if err != nil || !reflect.DeepEqual(back, a) {
		t.Errorf("%v\n%+v, want\n%+v", err, back, a)
	}
	if _, err := survey.With(Gradient{}).Load(strings.NewReader(text)); !errors.Is(err, ErrReplay) {
		t.Errorf("an atlas of another method: %v", err)
	}
	if _, err := LoadAtlas(strings.NewReader(text[:len(text)/2])); !errors.Is(err, ErrFormat) {
		t.Errorf("half a file: %v", err)
	}
	a.Entries[0].Mean = nil
	if err := a.Save(&b); a.Entries[0].Count > 0 && err == nil {
		t.Error("an entry without its mean was written")
	}
	keys := map[string]bool{}
	for _, s := range []Survey{survey, survey.Group(ByLabel), survey.With(Gradient{}), Over(net, rowsSet(21))} {
		keys[s.Key()] = true
	}
	if len(keys) != 4 {
		t.Errorf("%v", keys)
	}
	for what, s := range map[string]Survey{
		"need a model": Over(nil, rowsSet(3)), "need data": Over(net, nil), "need a method": survey.With(nil), "need Correct": survey.Group(9),
		"starts with": {}, "has 0 samples": Over(net, datasets.Set{Shape: rowsSet(1).Shape, Values: []float64{}, Classes: []string{"a"}}),
	} {
		if _, err := s.Explain(ctx); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := Over(affine(0, []float64{1, 2, 3}, []float64{1, 2, 3}), rowsSet(3)).Explain(ctx); !errors.Is(err, xai.ErrTarget) {
		t.Errorf("three labels, two scores: %v", err)
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := survey.Explain(cancelled); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	last := progress.Event{}
	if _, err := survey.Explain(progress.WithReporter(ctx, func(e progress.Event) { last = e })); err != nil || last.Task != "atlas" || last.Done != 20 {
		t.Errorf("%+v, %v", last, err)
	}
}

func TestExplainEach(t *testing.T) {
	net, x := small(t)
	maps, err := Of(net, x).With(IntegratedGradients{Steps: 4}).ExplainEach(ctx)
	if err != nil || len(maps) != 3 {
		t.Fatal(err, len(maps))
	}
	for c, m := range maps {
		one, err := Of(net, x).With(IntegratedGradients{Steps: 4}).Target(c).Explain(ctx)
		if err != nil || !reflect.DeepEqual(one, m) {
			t.Errorf("target %d: %v", c, err)
		}
	}
	if v := maps.View(); v.Err() != nil || strings.Count(v.Text(), "for “") != 3 {
		t.Errorf("%v\n%s", v.Err(), v.Text())
	}
	some, err := Of(net, x).ExplainEach(ctx, 2, 0)
	if err != nil || len(some) != 2 || some[0].Target != 2 {
		t.Errorf("%v, %v", some, err)
	}
	if _, err := Of(net, x).ExplainEach(ctx, 3); !errors.Is(err, xai.ErrTarget) {
		t.Errorf("%v", err)
	}
}

func TestAtlasViews(t *testing.T) {
	f := tanhNet(3, 4)
	a, err := Over(f, rowsSet(30)).Group(ByLabel).Explain(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []render.View{a.View(), a.AbsoluteView(), a.SpreadView()} {
		if v.Err() != nil || !strings.Contains(v.Text(), "b (10)") {
			t.Errorf("%v\n%s", v.Err(), v.Text())
		}
	}
	a.Columns = nil // now images
	if v := a.View(); v.Err() != nil || strings.Count(v.Alt(), "Heat map") != 3 {
		t.Errorf("%v: %s", v.Err(), v.Alt())
	}
	if (Atlas{}).View().Err() == nil || (Atlas{Columns: []string{"a"}}).View().Err() == nil || (Maps{}).View().Err() == nil {
		t.Error("nothing to draw, and no error")
	}
	blank, err := Of(affine(0, []float64{0, 0}), sampled(0.1, 0.2)).Explain(ctx)
	if err != nil || !strings.HasSuffix(blank.View().Title(), "(zero everywhere)") {
		t.Errorf("%q, %v", blank.View().Title(), err)
	}
}

// What a model looks at in each class of its data.
func ExampleOver() {
	set := rowsSet(30)
	net, err := nn.Image(set.Shape).Dense(8).Then(nn.Tanh{}).Dense(3).Init(1)
	if err != nil {
		fmt.Println(err)
		return
	}
	atlas, err := Over(net, set).With(InputGradient{}).Group(ByLabel).Explain(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range atlas.Entries {
		fmt.Printf("%s: %d maps of %d values\n", e.Class, e.Count, len(e.Mean))
	}
	// Output:
	// a: 10 maps of 3 values
	// b: 10 maps of 3 values
	// c: 10 maps of 3 values
}

// TestAbsoluteView: what channels say for and against the target cancels in the signed
// picture of a pixel, and adds up in the absolute one. The map stays as it is.
func TestAbsoluteView(t *testing.T) {
	x := sampled(1, 1, 1, 1, 1, 1)
	x.Shape = datasets.Shape{Channels: 3, Height: 1, Width: 2}
	m, err := Of(affine(0, []float64{3, 1, -3, 1, 0, 0}), x).Explain(ctx)
	if err != nil {
		t.Fatal(err)
	}
	signed, absolute := m.View(), m.AbsoluteView()
	if signed.Err() != nil || absolute.Err() != nil || !strings.HasPrefix(absolute.Title(), "Gradient, absolute, for “0”") {
		t.Fatalf("%v, %v, the title %q", signed.Err(), absolute.Err(), absolute.Title())
	}
	if a, b := signed.Text(), absolute.Text(); !strings.Contains(a, "\n0  0  2\n") || !strings.Contains(b, "\n0  6  2\n") {
		t.Errorf("want the pixels 0 and 2, by absolute values 6 and 2:\n%s\n%s", a, b)
	}
	if m.Values[2] != -3 || !m.Signed || m.Method != "Gradient" {
		t.Errorf("the map was changed: %v, %v, %q", m.Values, m.Signed, m.Method)
	}
}

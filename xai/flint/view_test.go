package flint

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/whybook/whybook/xai/nn"
	"github.com/whybook/whybook/xai/render"
	"github.com/whybook/whybook/xai/saliency"
)

// brief is a short maximisation, for tests.
var brief = Maximisation{Stages: 1, Steps: 5}

// TestViews: every picture can be drawn, and its alternative text has the main numbers.
func TestViews(t *testing.T) {
	in, set := shared(t)
	e, err := in.Evaluate(t.Context(), set)
	if err != nil {
		t.Fatal(err)
	}
	g, err := in.Global(t.Context(), set, 1)
	if err != nil {
		t.Fatal(err)
	}
	sheets, err := in.Sheets(t.Context(), g, 2, brief)
	if err != nil {
		t.Fatal(err)
	}
	l, err := in.Local(t.Context(), set.At(5))
	if err != nil {
		t.Fatal(err)
	}
	noise, err := in.Noise(t.Context(), set, 1, 0.1, 1)
	if err != nil {
		t.Fatal(err)
	}
	made, err := in.Maximise(t.Context(), set.Batch(nil, places(10)), make([]int, 10), brief)
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := in.DecodeAttributes(t.Context(), set.At(5).X)
	if err != nil {
		t.Fatal(err)
	}
	report, err := in.Report(t.Context(), set, set, brief)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		v    render.View
		says []string
	}{
		"global":      {g.View(), []string{"10", "16", "relevance", "attribute"}},
		"threshold":   {g.ThresholdView(5), []string{"of 160 cells with mean relevance r ≥ 0.2 carry", "of positive values"}},
		"use":         {g.UseView(), []string{"tau", "10", "shared attributes"}},
		"one tau":     {g.UseView(4), []string{"0.25"}},
		"maximised":   {made.View(), []string{"attribute 0", "16 grey images", "the first 8 of 10"}},
		"decoded":     {decoded.View(), []string{"decoder", "input", "added brightness", "attribute"}},
		"relevances":  {l.ThresholdView(4), []string{"of 16 bars with relevance r ≥ 0.25 carry", "attribute 15"}},
		"pairs":       {g.PairsView(5), []string{"0.2"}},
		"conciseness": {e.ConcisenessView(), []string{"tau", "FLINT"}},
		"evaluation":  {e.View(), []string{"fidelity", "300 samples"}},
		"certainty":   {e.CertaintyView(CertainF, CertainG), []string{"certain", "agree"}},
		"noise":       {NoiseView(noise), []string{"noise", "strongest"}},
		"history":     {in.HistoryView(), []string{"epoch", "diversity", "rebuild"}},
		"local":       {l.View(t.Context(), in, brief), []string{"relevance", "attribute", "Why"}},
		"sheet":       {sheets[0].View(), []string{"Attribute", "decoder", "made", "relevance to the classes"}},
		"sheets":      {SheetsView(sheets), []string{"Attribute"}},
		"report":      {report, []string{"attributes"}},
	} {
		if err := c.v.Err(); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		alt := c.v.Alt() + c.v.Text()
		for _, word := range c.says {
			if !strings.Contains(alt, word) {
				t.Errorf("%s: the text lacks %q:\n%s", name, word, alt)
			}
		}
	}
	for i, p := range sheets[0].Pairs {
		if p.Attribute != sheets[0].Attribute || p.R <= 0.5 || i > 0 && p.R > sheets[0].Pairs[i-1].R {
			t.Errorf("the sheet of attribute %d has the pairs %v", sheets[0].Attribute, sheets[0].Pairs)
		}
	}
	for _, s := range sheets {
		for i, p := range s.Pairs {
			want, err := g.Activating(p.Class, s.Attribute, top)
			if err != nil {
				t.Fatal(err)
			}
			rows, _ := s.Made[i].From.Dims()
			if !slices.Equal(s.Samples[i], want) || rows != len(want) || !slices.Equal(s.Made[i].From.RawRowView(rows-1), g.Set.At(want[rows-1]).X) ||
				s.Made[i].Attributes[0] != s.Attribute || s.Made[i].Original[0] != g.Phi.At(want[0], s.Attribute) {
				t.Errorf("attribute %d, class %d: samples %v, want %v, and images made from %d of them", s.Attribute, p.Class, s.Samples[i], want, rows)
			}
		}
		d, err := in.DecodeAttributes(t.Context(), g.Set.At(s.Samples[0][0]).X)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(s.decoded, d.Parts.RawRowView(s.Attribute)) {
			t.Errorf("attribute %d has the decoder's view of something else", s.Attribute)
		}
		r, err := in.Saliency(g.Set.At(s.Samples[0][0]), s.Attribute)
		if err != nil {
			t.Fatal(err)
		}
		m, err := r.With(saliency.InputGradient{}).Explain(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(s.pixels.Values, m.Values) {
			t.Errorf("attribute %d has the saliency of something else", s.Attribute)
		}
	}
	empty := &Global{Classes: g.Classes, R: g.R, Samples: g.Samples}
	for j := range 16 {
		for c := range 10 {
			empty.R.Set(c, j, math.NaN())
		}
	}
	none, err := in.Sheets(t.Context(), empty, 2, brief)
	if err != nil || len(none) != 0 {
		t.Errorf("sheets of no relevance: %d, %v", len(none), err)
	}
	for name, v := range map[string]render.View{
		"no sheets": SheetsView(none), "no sheet": Sheet{}.View(), "no decision": (&Local{}).View(t.Context(), in, brief),
		"tau": g.PairsView(1), "slider": g.ThresholdView(1), "table": g.UseView(5, 1), "bars": l.ThresholdView(math.NaN()), "no bars": (&Local{}).ThresholdView(5),
		"nothing made": (&Maximised{}).View(), "nothing decoded": (&Decoded{}).View(), "no evaluations": ConcisenessView(nil, nil), "thresholds": e.CertaintyView(-1, 1),
		"no history": (&Interpreter{Net: &nn.Net{}}).HistoryView(),
	} {
		if v.Err() == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for v, want := range map[float64]string{-0.001: "0.00", math.Copysign(0, -1): "0.00", -0.126: "-0.13", 182.304: "182.30"} {
		if got := decimals(v); got != want {
			t.Errorf("%v is written %q, want %q", v, got, want)
		}
	}
	if v := SheetsView(nil); !errors.Is(v.Err(), render.ErrEmpty) {
		t.Errorf("no sheets: %v", v.Err())
	}
}

// TestUseView: what the table says of each threshold.
func TestUseView(t *testing.T) {
	g := &Global{R: dense([][]float64{{1, 0.3, 0, -0.9}, {0.6, 0.12, 0, 0.8}, {1, 0.5, 0, 0}}), Samples: []int{5, 5, 5}}
	rows := func(v render.View) (list []string) {
		for _, line := range strings.Split(v.Text(), "\n")[4:] {
			if words := strings.Fields(line); len(words) == 7 {
				list = append(list, strings.Join(words, " "))
			}
		}
		return list
	}
	want := []string{"1.5 0.6667 3 1 1 1 2", "2.0 0.5000 4 1 2 1 2", "5.0 0.2000 6 2 2 2 1"}
	if got := rows(g.UseView(1.5, 2, 5)); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if all := rows(g.UseView()); len(all) != len(Taus())+1 || !strings.HasPrefix(all[len(all)-1], "10.0 0.1000 7 ") {
		t.Errorf("without thresholds: %q", all)
	}
}

// TestPairsView: the note tells the attributes of several classes from those of none.
func TestPairsView(t *testing.T) {
	g := &Global{R: dense([][]float64{{1, 0.3, 0, -0.9}, {0.6, 0.12, 0, 0.8}, {1, 0.5, 0, 0}}), Samples: []int{5, 5, 5}}
	if text, want := g.PairsView(5).Text(), "Attributes of several classes: 0 and 1. Of none: 2."; !strings.Contains(text, want) {
		t.Errorf("the text lacks %q:\n%s", want, text)
	}
}

// TestClassesView: a sheet's bars are its own attribute's, without the classes that g never says.
func TestClassesView(t *testing.T) {
	nan := math.NaN()
	g := &Global{Classes: []string{"cat", "dog", "owl"}, R: dense([][]float64{{1, 0.254}, {nan, nan}, {0, -0.126}}), Samples: []int{5, 0, 5}}
	text := Sheet{Attribute: 1, g: g, tau: 5}.classesView().Text()
	for _, want := range []string{"cat", "0.25", "owl", "-0.13"} {
		if !strings.Contains(text, want) {
			t.Errorf("the text lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "dog") {
		t.Errorf("a class without samples has a bar:\n%s", text)
	}
}

// TestDecodedView: those attributes are shown that change the image most.
func TestDecodedView(t *testing.T) {
	d := &Decoded{
		Shape: shape{Channels: 1, Height: 1, Width: 2}, X: []float64{0, 1}, Image: []float64{0, 1}, Phi: []float64{9, 8, 7, 6},
		Parts: dense([][]float64{{0.1, 0}, {0.2, -0.2}, {0, 0.3}, {1, 1}}),
	}
	text := d.View().Text()
	last := -1
	for _, title := range []string{"attribute 3, of 6.00", "attribute 1, of 8.00", "attribute 2, of 7.00"} {
		at := strings.Index(text, title)
		if at <= last {
			t.Errorf("%q is at %d, what comes before it at %d:\n%s", title, at, last, text)
		}
		last = at
	}
	if strings.Contains(text, "attribute 0") {
		t.Errorf("the fourth attribute is shown:\n%s", text)
	}
}

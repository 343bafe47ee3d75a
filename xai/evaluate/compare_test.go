package evaluate

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/nn"
	"github.com/whybook/whybook/xai/progress"
	"github.com/whybook/whybook/xai/saliency"
	"gonum.org/v1/gonum/floats"
)

// spots is a set of 4 x 4 images with masks, of which one is black.
func spots(n int) datasets.Set {
	set := datasets.Set{Name: "spots", Shape: shape(1, 4, 4), Classes: []string{"low", "high"}}
	for i := range n {
		for p := range 16 {
			v := uint8((i*31 + p*p*7 + 20) % 256)
			if i == 1 {
				v = 0
			}
			set.Pixels, set.Masks = append(set.Pixels, v), append(set.Masks, uint8(boolean(p == i%16 || p == 5)))
		}
		set.Labels = append(set.Labels, i%2)
	}
	return set
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}

func spotNet(t *testing.T) *nn.Net {
	t.Helper()
	net, err := nn.Image(shape(1, 4, 4)).Dense(8).ReLU().Dense(2).Init(3)
	if err != nil {
		t.Fatal(err)
	}
	return net
}

func spotGrid(t *testing.T) (Comparison, Grid) {
	t.Helper()
	c := Compare(spotNet(t), spots(6)).
		Methods(saliency.InputGradient{}, saliency.IntegratedGradients{Steps: 5}, saliency.IntegratedGradients{Steps: 7}).
		Metrics(Deletion{}, Deletion{Probability: true}, Sparseness{}, MPRT{}, RelevanceMass{}, MaxSensitivity{Samples: 2}).Bootstrap(200, 0.9)
	g, err := c.Run(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return c, g
}

func TestGrid(t *testing.T) {
	c, g := spotGrid(t)
	var names, questions []string
	references := 0
	for _, a := range g.Attributors {
		if names = append(names, a.Name); a.Reference {
			references++
		}
	}
	for _, q := range g.Questions {
		questions = append(questions, q.Name)
	}
	if !slices.Equal(names, []string{"Input x gradient", "saliency.IntegratedGradients{Steps: 5}", "saliency.IntegratedGradients{Steps: 7}", "Random", "Constant", "Sobel", "Oracle"}) || references != 4 {
		t.Errorf("attributors %q, %d references", names, references)
	}
	if !slices.Equal(questions, []string{"Deletion AUC", "Deletion AUC (Probability true)", "Sparseness (Gini)", "MPRT", "Relevance mass", "Max-sensitivity"}) {
		t.Errorf("metrics %q", questions)
	}
	// Every cell is what the metric gives by itself.
	set := spots(6)
	methods := []saliency.Method{saliency.InputGradient{}, saliency.IntegratedGradients{Steps: 5}, saliency.IntegratedGradients{Steps: 7}, Random{}, Constant{}, Sobel{}, nil}
	for a, of := range methods {
		for i := range set.Len() {
			if a == 6 {
				of = Oracle{Mask: set.At(i).Mask}
			}
			m, err := saliency.Of(c.model, set.At(i)).With(of).Explain(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for q, metric := range c.metrics {
				want, err := metric.Measure(ctx, c.model, m)
				got := g.At(a, q, i)
				if err != nil && (!math.IsNaN(got.Value) || got.Note != err.Error()) || err == nil && (got.Value != want || got.Note != "") {
					t.Errorf("%s, %s, sample %d: %+v, want %v (%v)", names[a], questions[q], i, got, want, err)
				}
			}
		}
	}
	// The black image has an input x gradient of zeros: a note, not a failure.
	if cell := g.At(0, 2, 1); !strings.Contains(cell.Note, ErrZero.Error()) || !math.IsNaN(cell.Value) {
		t.Errorf("the black image: %+v", cell)
	}
	if g.Cases[1].Index != 1 || g.Cases[1].Class != "high" || g.Cases[1].Target < 0 {
		t.Errorf("%+v", g.Cases[1])
	}
	if cell := g.At(9, 0, 0); cell.Note == "" || g.At(0, 0, -1).Note == "" {
		t.Errorf("outside: %+v", cell)
	}

	frame := g.Table()
	if rows, columns := frame.Dims(); rows != len(g.Cells) || columns != 8 || frame.Err != nil {
		t.Errorf("table of %d x %d: %v", rows, columns, frame.Err)
	}
	k := g.index(4, 3, 2)
	if m := frame.Maps()[k]; m["method"] != "Constant" || m["metric"] != "MPRT" || m["sample"] != 2 || m["reference"] != true {
		t.Errorf("row %d: %v", k, m)
	}
	if rows, columns := g.SummaryTable().Dims(); rows != len(g.Attributors)*len(g.Questions) || columns != 14 {
		t.Errorf("summary of %d x %d", rows, columns)
	}
}

func TestSummaries(t *testing.T) {
	_, g := spotGrid(t)
	list := g.Summaries()
	for _, s := range list {
		if s.N+s.Missing != 6 || s.N >= 2 && !(s.Low <= s.Mean && s.Mean <= s.High) || s.N == 0 && !math.IsNaN(s.Mean) {
			t.Errorf("%+v", s)
		}
		if s.Attributor.Name == "Random" && s.N > 0 && (s.Difference != 0 || s.Pairs != s.N || s.Against() != "not told apart") {
			t.Errorf("random against random: %+v", s)
		}
	}
	// A grid by hand: 8 samples, the method is ahead of random by 1 to 2.
	hand := Grid{
		Attributors: []Attributor{{Name: "good"}, {Name: "Random", Settings: "evaluate.Random{}", Reference: true}},
		Questions:   []Question{{Name: "q", Card: Card{Better: Higher}}}, Cases: make([]Case, 8), Resamples: 1000, Level: 0.95,
	}
	for i := range 8 {
		hand.Cells = append(hand.Cells, Cell{Value: float64(100*i) + 1 + float64(i%2)})
	}
	for i := range 8 {
		hand.Cells = append(hand.Cells, Cell{Value: float64(100 * i)})
	}
	s := hand.Summaries()[0]
	if s.Mean != 351.5 || s.Difference != 1.5 || s.DifferenceLow < 1 || s.DifferenceHigh > 2 || s.Against() != "better" || s.Low > 250 || s.High < 450 {
		t.Errorf("%+v", s)
	}
	hand.Questions[0].Card.Better = Lower
	if v := hand.Summaries()[0].Against(); v != "worse" {
		t.Errorf("less is better, the method has more: %q", v)
	}
	hand.Cells[3].Value = math.NaN()
	if s := hand.Summaries()[0]; s.N != 7 || s.Missing != 1 || s.Pairs != 7 {
		t.Errorf("%+v", s)
	}
	// The interval of a mean of normal values covers the truth about as often as it says.
	covered := 0
	for sd := range uint64(200) {
		if _, low, high := (draws{seed: sd, resamples: 400, level: 0.9}).interval(random(sd, 40)); low <= 0 && 0 <= high {
			covered++
		}
	}
	if covered < 160 || covered > 194 {
		t.Errorf("the 90 %% interval covers the mean in %d of 200 cases", covered)
	}
}

func TestGridIsTheSameEverywhere(t *testing.T) {
	_, a := spotGrid(t)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	c, b := spotGrid(t)
	if !reflect.DeepEqual(fmt.Sprint(a), fmt.Sprint(b)) || fmt.Sprint(a.Summaries()) != fmt.Sprint(b.Summaries()) {
		t.Error("another number of processors, another grid")
	}
	var file bytes.Buffer
	if err := c.Save(&file, a); err != nil {
		t.Fatal(err)
	}
	text := file.String()
	back, err := c.Load(&file)
	if err != nil || fmt.Sprintf("%#v", back) != fmt.Sprintf("%#v", a) {
		t.Errorf("from the cache: %v", err)
	}
	if _, err := LoadGrid(strings.NewReader(strings.Replace(text, "Sparse", "Dense", 1))); !errors.Is(err, ErrFormat) {
		t.Errorf("a damaged file: %v", err)
	}
	other, err := spotNet(t).Arch().Init(4)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Compare(other, spots(6)).Methods(saliency.Gradient{}).Metrics(Sparseness{}).Load(strings.NewReader(text)); !errors.Is(err, ErrFormat) {
		t.Errorf("the grid of another model: %v", err)
	}
	keys := map[string]bool{}
	for _, c := range []Comparison{c, c.Seed(1), c.Bootstrap(300, 0.9), c.Methods(saliency.Gradient{}), c.Metrics(Insertion{}), c.Metrics(Insertion{Step: 2})} {
		keys[c.Key()] = true
	}
	if len(keys) != 6 || c.Key() != c.Seed(0).Key() {
		t.Errorf("keys %v", keys)
	}
	if _, err := Compare(c.model, spots(3)).Methods(saliency.Gradient{}).Metrics(Infidelity{Perturb: func(int, []float64, []float64) {}}).Build(ctx); err == nil {
		t.Error("a function in a cache's key")
	}
	if g, err := Compare(c.model, spots(3)).Methods(Random{}).Metrics(Sparseness{}).Build(ctx); err != nil || len(g.Attributors) != 4 || !g.Attributors[0].Reference {
		t.Errorf("%+v, %v", g.Attributors, err)
	}
}

func TestComparisonMistakes(t *testing.T) {
	net := spotNet(t)
	good := Compare(net, spots(3)).Methods(saliency.Gradient{}).Metrics(Sparseness{})
	for what, c := range map[string]Comparison{
		"need a model":    Compare(nil, spots(3)).Methods(saliency.Gradient{}).Metrics(Sparseness{}),
		"need data":       Compare(net, nil).Methods(saliency.Gradient{}).Metrics(Sparseness{}),
		"starts with":     {},
		"no method":       Compare(net, spots(3)).Metrics(Sparseness{}),
		"no metric":       Compare(net, spots(3)).Methods(saliency.Gradient{}),
		"metric 0 is nil": good.Metrics(nil),
		"method 1 is nil": good.Methods(saliency.Gradient{}, nil),
		"100 resamples":   good.Bootstrap(3, 0.9),
		"spots":           Compare(net, spots(0)).Methods(saliency.Gradient{}).Metrics(Sparseness{}),
		"field Step":      good.Metrics(Deletion{Step: -1}),
		"Randomizable":    Compare(spotNet(t), spots(3)).Methods(saliency.Gradient{}).Metrics(MPRT{Of: Sobel{}}),
	} {
		if what == "Randomizable" {
			c.model = formulaOf(net)
		}
		if _, err := c.Run(ctx); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := good.Run(cancelled); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	var last progress.Event
	if _, err := good.Run(progress.WithReporter(ctx, func(e progress.Event) { last = e })); err != nil || last.Task != "compare" || last.Done != 15 || last.Total != 15 {
		t.Errorf("progress: %+v, %v", last, err)
	}
}

// formulaOf hides everything but the scores and gradients of a model.
func formulaOf(f xai.Differentiable) xai.Differentiable { return struct{ xai.Differentiable }{f} }

func TestCurves(t *testing.T) {
	net := spotNet(t)
	c := Compare(net, spots(6)).Methods(saliency.Gradient{}).Bootstrap(200, 0.9)
	for _, metric := range []Traced{Deletion{Step: 3}, Insertion{}, SensitivityN{}, MPRT{}} {
		curves, err := c.Curves(ctx, metric)
		if err != nil {
			t.Errorf("%T: %v", metric, err)
			continue
		}
		if len(curves.Lines) != 5 || len(curves.X) < 2 || curves.XLabel == "" || curves.YLabel == "" || len(curves.Names) != 0 && len(curves.Names) != len(curves.X) {
			t.Errorf("%T: %+v", metric, curves)
		}
		l := curves.Lines[0]
		sum, n := 0.0, 0
		for i := range 6 {
			m, err := saliency.Of(net, spots(6).At(i)).Explain(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if one, err := metric.Trace(ctx, net, m); err == nil {
				sum, n = sum+one.Y[1], n+1
			} else if i != 1 || !errors.Is(err, ErrConstant) { // the black image, where the network is flat
				t.Fatal(err)
			}
		}
		sum /= float64(n)
		if l.N != n || l.Missing != 6-n || math.Abs(l.Mean[1]-sum) > 1e-12 || !(l.Low[1] <= l.Mean[1] && l.Mean[1] <= l.High[1]) || len(l.High) != len(curves.X) {
			t.Errorf("%T: %+v, want the second mean to be %v", metric, l, sum)
		}
		if _, ok := metric.(Deletion); ok && !floats.EqualApprox(curves.X, []float64{0, 18.75, 37.5, 56.25, 75, 93.75, 100}, 1e-12) {
			t.Errorf("x %v", curves.X)
		}
		if constant := curves.Lines[2]; constant.Attributor.Name != "Constant" {
			t.Errorf("%+v", constant)
		} else if _, ok := metric.(MPRT); ok && (constant.N != 0 || constant.Missing != 6 || constant.Mean != nil) {
			t.Errorf("a constant map has no correlation, yet %+v", constant)
		}
	}
	if _, err := c.Curves(ctx, nil); err == nil {
		t.Error("no metric")
	}

	tracing := c.Tracing(MPRT{})
	built, err := tracing.Build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := tracing.Save(&file, built); err != nil {
		t.Fatal(err)
	}
	text := file.String()
	back, err := tracing.Load(&file)
	if err != nil || !reflect.DeepEqual(back, built) {
		t.Errorf("from the cache: %v\n%+v, want\n%+v", err, back, built)
	}
	if tracing.Key() == c.Tracing(MPRT{Seed: 1}).Key() || tracing.Key() == c.Metrics(MPRT{}).Key() {
		t.Errorf("one key for different curves: %s", tracing.Key())
	}
	if _, err := LoadCurves(strings.NewReader(text[:len(text)-9])); !errors.Is(err, ErrFormat) {
		t.Errorf("a cut file: %v", err)
	}
	built.Lines[0].Mean = built.Lines[0].Mean[1:]
	if err := tracing.Save(&file, built); err != nil {
		t.Fatal(err)
	}
	if _, err := tracing.Load(&file); !errors.Is(err, ErrFormat) {
		t.Errorf("a curve that is too short: %v", err)
	}
	if _, err := c.Tracing(nil).Build(ctx); err == nil {
		t.Error("no metric to trace")
	}
}

// One network, two methods and a metric: is either better than chance?
func ExampleCompare() {
	net, err := nn.Image(datasets.Shape{Channels: 1, Height: 4, Width: 4}).Dense(8).ReLU().Dense(2).Init(3)
	if err != nil {
		fmt.Println(err)
		return
	}
	grid, err := Compare(net, spots(20)).
		Methods(saliency.InputGradient{}, saliency.IntegratedGradients{}).
		Metrics(Deletion{}).
		Run(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range grid.Summaries() {
		fmt.Printf("%s: %d samples, %s\n", s.Attributor.Name, s.N, s.Against())
	}
	// Output:
	// Input x gradient: 20 samples, better
	// Integrated gradients: 20 samples, better
	// Random: 20 samples, not told apart
	// Constant: 20 samples, worse
	// Sobel: 20 samples, not told apart
	// Oracle: 20 samples, worse
}

func FuzzLoadGrid(f *testing.F) {
	g := Grid{Attributors: []Attributor{{Name: "a"}, {Name: "b"}}, Questions: []Question{{Name: "q", Card: Deletion{}.Card()}}, Cases: make([]Case, 2),
		Cells: []Cell{{Value: 1}, {Value: math.NaN(), Note: "none"}, {Value: 3}, {Value: 4}}, Resamples: 100, Level: 0.9}
	var b bytes.Buffer
	if err := g.Save(&b); err != nil {
		f.Fatal(err)
	}
	text, value, _ := bytes.Cut(b.Bytes(), []byte(`"value":`))
	f.Add(value[:len(value)-2], text)
	f.Fuzz(func(t *testing.T, value, _ []byte) {
		file := fmt.Appendf(nil, `{"format":%q,"sha256":"%x","value":%s}`, gridFormat, sha256.Sum256(value), value)
		g, err := LoadGrid(bytes.NewReader(file))
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Fatalf("an error without a sentinel: %v", err)
			}
			return
		}
		if g.Resamples > 1000 {
			return // right, but slow
		}
		g.Summaries()
		g.View()
		g.BarsView()
	})
}

// TestLabels: with Labels every sample is explained for its own class, and the two keys
// differ.
func TestLabels(t *testing.T) {
	set := spots(6)
	for i := range set.Labels { // none of them is what the network says
		set.Labels[i] = 1 - set.Labels[i]
	}
	c := Compare(spotNet(t), set).Methods(saliency.InputGradient{}).Metrics(Sparseness{})
	g, err := c.Labels().Run(ctx)
	if err != nil {
		t.Fatal(err)
	}
	p, err := c.Run(ctx)
	if err != nil {
		t.Fatal(err)
	}
	differ := 0
	for i, s := range g.Cases {
		if s.Target != set.Labels[i] {
			t.Errorf("sample %d of class %d was explained for %d", i, set.Labels[i], s.Target)
		}
		if p.Cases[i].Target != s.Target {
			differ++
		}
	}
	if differ == 0 || c.Key() == c.Labels().Key() {
		t.Error("labels and predictions are not told apart")
	}
}

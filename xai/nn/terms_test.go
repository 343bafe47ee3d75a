package nn

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
)

// goldenTerms is what PyTorch makes of a network that is trained with its interpretation; see
// golden.py beside it.
type goldenTerms struct {
	Versions          string
	Images            [][]float64
	Labels            []int
	Parameters        map[string][]float64
	Terms, Total      map[string]float64
	Gradients         map[string]map[string][]float64
	Forward           map[string][][]float64
	Adam, AdamPosthoc struct {
		LR         float64
		Losses     []float64
		Parameters map[string][]float64
	}
}

func readGoldenTerms(t *testing.T) (g goldenTerms) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "flint", "testdata", "golden.json"))
	if err == nil {
		err = json.Unmarshal(data, &g)
	}
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// twoEnded is the network of the golden file.
func twoEnded() Arch {
	return Image(datasets.Shape{Channels: 1, Height: 8, Width: 8}).
		Conv(2, 3).Named("f.conv1").ReLU().Conv(3, 3).Named("f.conv2").MaxPool(2).ReLU().Named("hidden").
		Dense(5).Named("f.fc1").ReLU().Dense(3).Named("f.fc2").
		From("hidden").Conv(4, 3).Named("psi.conv").Then(LeakyReLU{}).Then(AdaptiveAvgPool{Height: 3, Width: 3}).
		Dense(4).Named("psi.fc").Then(LeakyReLU{}).Named("phi").Dense(3).Named("h.fc").
		From("phi").Dense(8).Named("d.fc").Then(Gather{Output: datasets.Shape{Channels: 2, Height: 2, Width: 2}}).
		Then(ConvTranspose{Filters: 3, Kernel: 3, Stride: 2, Pad: 1, Extra: 1}).Named("d.up1").ReLU().
		Then(ConvTranspose{Filters: 1, Kernel: 3, Stride: 2, Pad: 1, Extra: 1}).Named("d.up2").ReLU().Named("rebuilt").
		From("f.fc2")
}

func interpretationTerms(absolute bool) Terms {
	return Terms{
		{Name: "pred", Goal: Labels{}},
		{Name: "of", Goal: Follow{Layer: "h.fc"}, Weight: []float64{0.5}},
		{Name: "if", Goal: Rebuild{Layer: "rebuilt", Absolute: absolute}, Weight: []float64{0.8}},
		{Name: "spa", Goal: Magnitude{Layer: "phi"}, Weight: []float64{0.1}},
		{Name: "h1", Goal: RowEntropy{Layer: "phi"}, Weight: []float64{0.2}},
		{Name: "h2", Goal: BatchEntropy{Layer: "phi"}, Weight: []float64{-0.2}},
	}
}

// goldenTrainer compiles the golden network with the golden weights and batch.
func goldenTrainer(t *testing.T, g goldenTerms, terms Terms, frozen []string) *trainer[float64] {
	t.Helper()
	a := twoEnded()
	if err := a.Err(); err != nil {
		t.Fatal(err)
	}
	params := initial[float64](a, 1, HeNormal)
	for _, p := range params {
		if n := copy(p.data, g.Parameters[p.name]); n != len(p.data) {
			t.Fatalf("%s: %d of %d values", p.name, n, len(p.data))
		}
	}
	goal := objective{terms: terms.withDefaults().(Terms)}
	tr, err := newEngine(a, params).trainer(pass{len(g.Labels), true}, goal, frozen)
	if err != nil {
		t.Fatal(err)
	}
	set := datasets.Set{Shape: a.input, Classes: []string{"a", "b", "c"}, Labels: g.Labels}
	for _, row := range g.Images {
		set.Values = append(set.Values, row...)
	}
	feed[float64]{set: set, goal: goal, epoch: 1}.fill(tr, []int{0, 1, 2})
	if err := tr.prog.Run(); err != nil {
		t.Fatal(err)
	}
	return tr
}

var frozenF = []string{"f.conv1", "f.conv2", "f.fc1", "f.fc2"}

// TestTermsAgainstPyTorch: values, the total and all gradients of a training step with two
// ends, and post hoc, where the first part of the network is frozen.
func TestTermsAgainstPyTorch(t *testing.T) {
	g := readGoldenTerms(t)
	for _, c := range []struct {
		name, fit string
		terms     Terms
		frozen    []string
	}{
		{"mse", "mse", interpretationTerms(false), nil},
		{"mae", "mae", interpretationTerms(true), nil},
		{"posthoc", "mse", interpretationTerms(false)[1:], frozenF},
	} {
		tr := goldenTrainer(t, g, c.terms, c.frozen)
		for i, v := range tr.each() {
			name := c.terms[i].Name
			if name == "if" {
				name = c.fit
			}
			if math.Abs(v-g.Terms[name]) > 1e-12 {
				t.Errorf("%s: term %s is %v, PyTorch (%s) has %v", c.name, name, v, g.Versions, g.Terms[name])
			}
		}
		if loss := tr.loss.Data()[0]; math.Abs(loss-g.Total[c.name]) > 1e-12 {
			t.Errorf("%s: the loss is %v, PyTorch has %v", c.name, loss, g.Total[c.name])
		}
		if len(tr.params) != len(g.Gradients[c.name]) {
			t.Errorf("%s: %d tensors are trained, want %d", c.name, len(tr.params), len(g.Gradients[c.name]))
		}
		for i, p := range tr.params {
			if j := far(tr.grads[i].Data(), g.Gradients[c.name][p.name], 1e-11); j >= 0 {
				t.Errorf("%s: gradient %d of %s is %v, PyTorch has %v", c.name, j, p.name, tr.grads[i].Data()[j], g.Gradients[c.name][p.name][j])
			}
		}
	}
}

// TestAdamOnTerms: three joint steps, and three that leave the frozen part as it is.
func TestAdamOnTerms(t *testing.T) {
	g := readGoldenTerms(t)
	for name, c := range map[string]struct {
		terms  Terms
		frozen []string
		want   map[string][]float64
		losses []float64
	}{
		"joint":   {interpretationTerms(false), nil, g.Adam.Parameters, g.Adam.Losses},
		"posthoc": {interpretationTerms(false)[1:], frozenF, g.AdamPosthoc.Parameters, g.AdamPosthoc.Losses},
	} {
		tr := goldenTrainer(t, g, c.terms, c.frozen)
		u := newUpdater(Adam{}.withDefaults(), tr.params)
		for step, want := range c.losses {
			if err := tr.prog.Run(); err != nil {
				t.Fatal(err)
			}
			if loss := tr.loss.Data()[0]; math.Abs(loss-want) > 1e-9 {
				t.Errorf("%s, step %d: loss %v, PyTorch has %v", name, step, loss, want)
			}
			u.update(tr.params, tr.grads, g.Adam.LR)
		}
		for _, p := range tr.engine.params {
			if j := far(p.data, c.want[p.name], 1e-8); j >= 0 {
				t.Errorf("%s: after three steps %s[%d] is %v, PyTorch has %v", name, p.name, j, p.data[j], c.want[p.name][j])
			}
		}
	}
}

// TestFrozenLayersStay: to the bit, and the others move.
func TestFrozenLayersStay(t *testing.T) {
	set, err := datasets.Blobs(datasets.BlobOptions{Samples: 60, Classes: 3, Features: 64}).Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	set.Shape = datasets.Shape{Channels: 1, Height: 8, Width: 8}
	base := Image(set.Shape).Conv(2, 3).Named("f.conv1").ReLU().Conv(3, 3).Named("f.conv2").MaxPool(2).ReLU().Named("hidden").
		Dense(5).Named("f.fc1").ReLU().Dropout(0.5).Dense(3).Named("f.fc2")
	start, err := base.Init(3)
	if err != nil {
		t.Fatal(err)
	}
	train := Training{Epochs: 2, Batch: 16, Start: start, Frozen: append([]string{"dropout1"}, frozenF...)}
	train.Loss = interpretationTerms(false)[1:]
	joint := base.From("hidden").Conv(4, 3).Named("psi.conv").Then(LeakyReLU{}).Then(AdaptiveAvgPool{Height: 3, Width: 3}).
		Dense(4).Named("psi.fc").Then(LeakyReLU{}).Named("phi").Dense(3).Named("h.fc").
		From("phi").Dense(64).Named("d.fc").ReLU().Named("rebuilt").From("f.fc2")
	net, err := joint.Fit(set, train).Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	before := make(map[string]tensor)
	for _, w := range start.run.tensors() {
		before[w.name] = w
	}
	for _, w := range net.run.tensors() {
		same := string(before[w.name].bytes) == string(w.bytes)
		if strings.HasPrefix(w.name, "f.") && !same {
			t.Errorf("%s changed", w.name)
		}
	}
	last := net.History[1]
	if len(last.Terms) != 5 || last.Terms[0].Name != "of" || last.Terms[4].Weight != -0.2 || !(last.Terms[1].Loss > 0) {
		t.Errorf("history: %+v", last.Terms)
	}
	var file strings.Builder
	if err := net.Save(&file); err != nil {
		t.Fatal(err)
	}
	if again, err := Load(strings.NewReader(file.String())); err != nil || again.Fingerprint() != net.Fingerprint() || len(again.History[1].Terms) != 5 {
		t.Errorf("a network with two ends is not read back: %v", err)
	}
}

// TestTermsFollowTheirSchedule: the loss of every epoch is the sum of its terms with that
// epoch's weights, and the last weight goes on.
func TestTermsFollowTheirSchedule(t *testing.T) {
	set, err := datasets.Blobs(datasets.BlobOptions{Samples: 48, Classes: 3, Features: 8}).Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	a := Image(set.Shape).Dense(6).ReLU().Named("hidden").Dense(3)
	want := [][]float64{{1, 0}, {1, 2}, {1, 0.5}, {1, 0.5}}
	net, err := a.Fit(set, Training{Epochs: 4, Batch: 16, Loss: Terms{
		{Name: "predict", Goal: Labels{}}, {Name: "small", Goal: Magnitude{Layer: "hidden"}, Weight: []float64{0, 2, 0.5}},
	}}).Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range net.History {
		sum := 0.0
		for j, term := range e.Terms {
			if term.Weight != want[i][j] {
				t.Errorf("epoch %d: the history says weight %v of %s, want %v", i+1, term.Weight, term.Name, want[i][j])
			}
			sum += want[i][j] * term.Loss
		}
		if math.Abs(sum-e.Loss) > 1e-5 {
			t.Errorf("epoch %d: loss %v, its terms with their weights add up to %v", i+1, e.Loss, sum)
		}
	}
}

func TestBadTerms(t *testing.T) {
	a := twoEnded()
	set := datasets.Set{Name: "x"}
	other, err := LeNet(datasets.Shape{Channels: 1, Height: 12, Width: 12}, 3).Init(1)
	if err != nil {
		t.Fatal(err)
	}
	terms := func(list ...Term) Training { return Training{Loss: Terms(list)} }
	for _, c := range []struct {
		name string
		t    Training
		is   error
		want string
	}{
		{"none", terms(), nil, "at least one term"},
		{"same name", terms(Term{Name: "a", Goal: Labels{}}, Term{Name: "a", Goal: Labels{}}), nil, "must be new"},
		{"no goal", terms(Term{Name: "a"}), nil, "need a goal"},
		{"no such layer", terms(Term{Name: "a", Goal: Magnitude{Layer: "psi"}}), xai.ErrLayer, "there is no layer psi"},
		{"other size", terms(Term{Name: "a", Goal: Follow{Layer: "phi"}}), xai.ErrShape, "layer phi has 4 values, f.fc2 has 3"},
		{"not the input", terms(Term{Name: "a", Goal: Rebuild{Layer: "phi"}}), xai.ErrShape, "input has 64"},
		{"NaN", terms(Term{Name: "a", Goal: Labels{}, Weight: []float64{math.NaN()}}), nil, "not finite"},
		{"batch of one", Training{Batch: 1, Loss: Terms{{Name: "div", Goal: BatchEntropy{Layer: "phi"}}}}, xai.ErrShape, "at least 2"},
		{"frozen without weights", Training{Frozen: []string{"f.fc1"}, Loss: interpretationTerms(false)}, nil, "field Start"},
		{"frozen nowhere", Training{Frozen: []string{"f.fc9"}, Loss: interpretationTerms(false)}, xai.ErrLayer, "no layer f.fc9"},
		{"start of another", Training{Start: other, Loss: interpretationTerms(false)}, xai.ErrLayer, "field Start"},
	} {
		_, err := a.Fit(set, c.t).Build(context.Background())
		if err == nil || !strings.Contains(err.Error(), c.want) || c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	if _, err := a.Fit(set, Training{}).Build(context.Background()); err == nil || !strings.Contains(err.Error(), "nothing leads from") {
		t.Errorf("a loss of the output only: %v", err)
	}
}

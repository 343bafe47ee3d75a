package flint

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/nn"
	"gonum.org/v1/gonum/mat"
)

// golden is what PyTorch makes of FLINT; see testdata/golden.py.
type golden struct {
	Versions  string
	Taus      []float64
	Relevance struct {
		Phi, W, G, Alpha, R [][]float64
		Class               []int
		ConcisenessByMax    []float64
	}
	MNIST struct {
		Counts, Parts map[string]int
		Outputs       map[string][]int
		Epochs        []map[string]float64
	}
}

func readGolden(t *testing.T) (g golden) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "golden.json"))
	if err == nil {
		err = json.Unmarshal(data, &g)
	}
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func dense(rows [][]float64) *mat.Dense {
	m := mat.NewDense(len(rows), len(rows[0]), nil)
	for i, row := range rows {
		m.SetRow(i, row)
	}
	return m
}

func TestRelevancesAgainstPyTorch(t *testing.T) {
	g := readGolden(t)
	in := &Interpreter{W: dense(g.Relevance.W)}
	o := Outputs{Phi: dense(g.Relevance.Phi), G: dense(g.Relevance.G)}
	alpha := in.Contributions(o)
	if !mat.EqualApprox(alpha, dense(g.Relevance.Alpha), 1e-12) {
		t.Errorf("alpha:\n%v", mat.Formatted(alpha))
	}
	if r := in.Relevances(o); !mat.EqualApprox(r, dense(g.Relevance.R), 1e-12) {
		t.Errorf("r:\n%v", mat.Formatted(r))
	}
	for i, tau := range g.Taus {
		sum := 0
		for _, n := range Concise(alpha, tau) {
			sum += n
		}
		if mean := float64(sum) / float64(len(g.Relevance.Phi)); math.Abs(mean-g.Relevance.ConcisenessByMax[i]) > 1e-12 {
			t.Errorf("conciseness at %v is %v, PyTorch has %v", tau, mean, g.Relevance.ConcisenessByMax[i])
		}
	}
}

// TestPaperMNIST: every tensor has the size that it has in the authors' network, and weights
// follow their schedule.
func TestPaperMNIST(t *testing.T) {
	g := readGolden(t)
	p := Paper("mnist")
	a, err := p.Recipe.s.extend(p.Recipe.f)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{
		"conv1": "f.conv1", "conv2": "f.conv2", "fc1": "f.fc1", "fc2": "f.fc2",
		"flint.psi.conv": "psi.conv", "flint.psi.fc": "psi.fc", "flint.g": "h.fc",
		"flint.d.fc": "d.fc", "flint.d.up1": "d.up1", "flint.d.up2": "d.up2",
	}
	found := 0
	for _, l := range a.Layers() {
		if l.Params == 0 {
			continue
		}
		theirs := names[l.Name]
		if want := g.MNIST.Counts[theirs+".weight"] + g.MNIST.Counts[theirs+".bias"]; l.Params != want {
			t.Errorf("%s has %d parameters, the authors' %s %d", l.Name, l.Params, theirs, want)
		}
		found++
	}
	if found != len(names) {
		t.Errorf("%d layers with parameters, want %d", found, len(names))
	}
	w := p.Recipe.s.Weights
	at := func(list []float64, epoch int) float64 { return list[min(epoch, len(list))-1] }
	for _, e := range g.MNIST.Epochs {
		n := int(e["epoch"])
		for _, c := range []struct {
			name string
			got  float64
		}{{"if", at(w.Rebuild, n)}, {"of", at(w.Follow, n)}, {"spa", at(w.Sparse, n)}, {"ent", at(w.Entropy, n)}} {
			if c.got != e[c.name] {
				t.Errorf("epoch %d: weight %s is %v, the authors' %v", n, c.name, c.got, e[c.name])
			}
		}
	}
	for _, name := range Presets() {
		p := Paper(name)
		if p.Recipe.err != nil {
			t.Errorf("%s: %v", name, p.Recipe.err)
			continue
		}
		if _, err := p.Recipe.s.extend(p.Recipe.f); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A preset's network made smaller keeps the preset's layers, attributes and weights.
func TestNarrow(t *testing.T) {
	p := Paper("cifar-10")
	narrow := p.Recipe.Network(CIFARNet(16))
	a, err := narrow.s.extend(narrow.f)
	if err != nil {
		t.Fatal(err)
	}
	wide, err := p.Recipe.s.extend(p.Recipe.f)
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range a.Layers() {
		w := wide.Layers()[i]
		if l.Name != w.Name {
			t.Errorf("layer %d is %s, in the authors' width %s", i, l.Name, w.Name)
		}
		if strings.HasPrefix(l.Name, "flint.d") && l.Params != w.Params {
			t.Errorf("%s has %d parameters, in the authors' width %d", l.Name, l.Params, w.Params)
		}
		if strings.HasPrefix(l.Name, "layer") && l.Output.Channels*4 != w.Output.Channels {
			t.Errorf("%s has %v, in the authors' width %v", l.Name, l.Output, w.Output)
		}
	}
}

// trained is a small interpreter of embedded digits, for tests of what a trained one does.
func trained(t *testing.T) (*Interpreter, datasets.Set) {
	t.Helper()
	set, err := datasets.MNIST().Train().Take(300).Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f := nn.Image(set.Shape).Then(nn.Conv{Filters: 4, Kernel: 3, Stride: 2, Pad: 1}).ReLU().Named("maps").Dense(16).ReLU().Dense(10)
	tr := Training()
	tr.Epochs, tr.Optimizer = 30, nn.Adam{Rate: 3e-3}
	in, err := Of(f).Hidden("maps").Attributes(16).Maps(16).Fit(set, tr).Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return in, set
}

func TestTrainsTogether(t *testing.T) {
	in, set := trained(t)
	e, err := in.Evaluate(t.Context(), set)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(e)
	if e.Accuracy < 0.8 || e.Interpreter < 0.6 || e.Fidelity < 0.6 {
		t.Errorf("%v: did not learn", e)
	}
	for i := 1; i < len(e.Conciseness); i++ {
		if e.Conciseness[i] < e.Conciseness[i-1] {
			t.Errorf("conciseness falls from tau %v to %v: %v", e.Taus[i-1], e.Taus[i], e.Conciseness)
		}
	}
	if e.Conciseness[0] < 1 {
		t.Errorf("conciseness %v: below one", e.Conciseness)
	}
	// g is linear in phi, with the weights that were read off.
	g := mat.NewDense(set.Len(), 10, nil)
	g.Mul(e.Phi, in.W.T())
	for i := range set.Len() {
		for c, b := range in.Bias {
			if d := g.At(i, c) + b - e.G.At(i, c); math.Abs(d) > 1e-4 {
				t.Fatalf("sample %d, class %d: W phi + b differs from g by %v", i, c, d)
			}
		}
	}
	history := in.Net.History
	if first, last := history[0].Terms[2], history[len(history)-1].Terms[2]; first.Name != "rebuild" || !(last.Loss < first.Loss) {
		t.Errorf("the decoder did not learn: %v, then %v", first, last)
	}
	var file bytes.Buffer
	if err := in.Save(&file); err != nil {
		t.Fatal(err)
	}
	again, err := Load(bytes.NewReader(file.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if other, err := again.Evaluate(t.Context(), set); err != nil || !mat.Equal(other.G, e.G) || !mat.Equal(other.Phi, e.Phi) {
		t.Errorf("an interpreter that was saved says something else: %v", err)
	}
	var net bytes.Buffer // of another seed: same sizes, other weights
	other, err := in.Net.Randomized(5, in.Net.Arch().End())
	if err != nil {
		t.Fatal(err)
	}
	if err := other.(*nn.Net).Save(&net); err != nil {
		t.Fatal(err)
	}
	head := 8 + binary.LittleEndian.Uint64(file.Bytes())
	if _, err := Load(io.MultiReader(bytes.NewReader(file.Bytes()[:head]), &net)); !errors.Is(err, ErrFormat) {
		t.Errorf("the header of one network before another one: %v", err)
	}
	cut := file.Bytes()[:file.Len()/2]
	if _, err := Load(bytes.NewReader(cut)); !errors.Is(err, ErrFormat) {
		t.Errorf("half a file: %v", err)
	}
}

// TestPostHoc: the network's parameters are those it had, to the bit, and g learns to follow.
func TestPostHoc(t *testing.T) {
	set, err := datasets.MNIST().Train().Take(300).Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f := nn.Image(set.Shape).Then(nn.Conv{Filters: 4, Kernel: 3, Stride: 2, Pad: 1}).ReLU().Named("maps").Dense(16).ReLU().Dropout(0.3).Dense(10)
	net, err := f.Fit(set, nn.Training{Epochs: 6, Batch: 16}).Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tr := Training()
	tr.Epochs, tr.Optimizer = 30, nn.Adam{Rate: 3e-3}
	in, err := Explain(net).Hidden("maps").Attributes(16).Maps(16).Fit(set, tr).Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if in.Predictor().Fingerprint() != net.Fingerprint() {
		t.Error("f changed")
	}
	if err := in.For(net); err != nil {
		t.Error(err)
	}
	other, err := f.Init(9)
	if err != nil {
		t.Fatal(err)
	}
	if err := in.For(other); !errors.Is(err, ErrOther) {
		t.Errorf("another network: %v", err)
	}
	e, err := in.Evaluate(t.Context(), set)
	if err != nil {
		t.Fatal(err)
	}
	if e.Fidelity < 0.6 {
		t.Errorf("%v: g does not follow", e)
	}
}

func TestBadRecipes(t *testing.T) {
	set, err := datasets.MNIST().Train().Take(40).Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f := SmallNet(set.Shape, 10)
	net, err := f.Fit(set, nn.Training{Epochs: 1}).Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		fit  Fit
		is   error
		want string
	}{
		{"no hidden layer", Of(f).Fit(set, Training()), xai.ErrLayer, "no hidden layer is named"},
		{"unknown layer", Of(f).Hidden("conv9").Fit(set, Training()), xai.ErrLayer, "conv9"},
		{"not spatial", Of(f).Hidden("fc1").Fit(set, Training()), xai.ErrShape, "Psi reads maps"},
		{"no attributes", Of(f).Hidden("hidden").Attributes(0).Fit(set, Training()), nil, "at least 2 attributes"},
		{"one attribute", Of(f).Hidden("hidden").Attributes(1).Fit(set, Training()), nil, "at least 2 attributes"},
		{"negative weight", Of(f).Hidden("hidden").Weights(Weights{Rebuild: []float64{1}, Follow: []float64{-1}, Sparse: []float64{0}, Entropy: []float64{0}}).Fit(set, Training()), nil, "field Follow"},
		{"a weight left out", Of(f).Hidden("hidden").Weights(Weights{}).Fit(set, Training()), nil, "field Rebuild"},
		{"batch of one", Of(f).Hidden("hidden").Fit(set, nn.Training{Batch: 1}), xai.ErrShape, "at least 2"},
		{"a loss of one's own", Of(f).Hidden("hidden").Fit(set, nn.Training{Loss: nn.Focal{}}), nil, "leave them out"},
		{"a network for one that is trained", Explain(net).Hidden("hidden").Network(f).Fit(set, Training()), nil, "start with flint.Of"},
		{"a network without the layer", Of(f).Hidden("hidden").Network(nn.Image(set.Shape).Dense(10)).Fit(set, Training()), xai.ErrLayer, "hidden"},
		{"a broken network", Of(f).Hidden("hidden").Network(nn.Image(set.Shape).Conv(0, 0)).Fit(set, Training()), nil, "flint.Network"},
		{"no network", Explain(nil).Hidden("hidden").Fit(set, Training()), nil, "need a network"},
		{"unknown preset", Paper("imagenet").Recipe.Fit(set, Training()), nil, "there are"},
		{"diverges", Of(f).Hidden("hidden").Fit(set, nn.Training{Batch: 16, Optimizer: nn.Adam{Rate: 1e30}}), nn.ErrDiverged, "term"},
		{"zero value", Fit{}, nil, "made with"},
	} {
		_, err := c.fit.Build(t.Context())
		if err == nil || !strings.Contains(err.Error(), c.want) || c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	wrong := set
	wrong.Labels = append([]int(nil), set.Labels...)
	wrong.Labels[3] = 12
	if _, err := Of(f).Hidden("hidden").Fit(wrong, Training()).Build(t.Context()); err == nil {
		t.Error("a label outside of the classes is taken")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Of(f).Hidden("hidden").Fit(set, Training()).Build(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

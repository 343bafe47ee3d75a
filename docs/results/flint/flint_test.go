package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/flint"
	"github.com/whybook/whybook/xai/nn"
	"gonum.org/v1/gonum/stat"
)

// TestSmall: what is reduced for CIFAR-10, and what is the paper's; and that it trains.
func TestSmall(t *testing.T) {
	recipe, tr := options{data: smallName, seed: 1}.settings()
	paper := flint.Paper("cifar-10")
	s, theirs := recipe.Settings(), paper.Recipe.Settings()
	if s.Attributes != theirs.Attributes || !reflect.DeepEqual(s.Weights, theirs.Weights) || s.Maps != theirs.Maps || s.Absolute != theirs.Absolute || s.Target != theirs.Target ||
		tr.Batch != paper.Training.Batch || tr.Augment != paper.Training.Augment || tr.Init != paper.Training.Init {
		t.Errorf("%+v, %+v: not the paper's %+v, %+v", s, tr, theirs, paper.Training)
	}
	f := smallNet()
	for i, want := range []datasets.Shape{{Channels: 96, Height: 8, Width: 8}, {Channels: 128, Height: 4, Width: 4}} {
		if got := f.From(hidden[i]).Output(); got != want {
			t.Errorf("%s puts out %v, want %v", hidden[i], got, want)
		}
	}
	set := datasets.Set{Name: "grey", Shape: f.Input(), Classes: strings.Fields("0 1 2 3 4 5 6 7 8 9"), Labels: []int{0, 1, 2, 3, 4, 5, 6, 7}}
	set.Pixels = bytes.Repeat([]byte{30, 200, 90, 140, 7}, len(set.Labels)*f.Input().Size()/5+1)[:len(set.Labels)*f.Input().Size()]
	tr.Epochs, tr.Batch, tr.Schedule = 1, 4, nil
	in, err := recipe.Fit(set, tr).Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	e, err := in.Evaluate(t.Context(), set)
	if err != nil {
		t.Fatal(err)
	}
	stored := result{Seed: 1, Accuracy: e.Accuracy, Interpreter: e.Interpreter, Fidelity: e.Fidelity, Conciseness: e.Conciseness}
	if err := stored.relate(t.Context(), in, set, set); err != nil || stored.Relevance.Samples != 8 || stored.Relevance.Attributes != 36 || len(stored.Relevance.Use) != len(taus) {
		t.Errorf("%+v, %v", stored.Relevance, err)
	}
	for _, change := range []func(r *result){
		func(r *result) { r.Accuracy += 0.125 },
		func(r *result) { r.Interpreter += 0.125 },
		func(r *result) { r.Fidelity -= 0.125 },
		func(r *result) { r.Conciseness = r.Conciseness[1:] },
	} {
		other := stored
		change(&other)
		if err := other.relate(t.Context(), in, set, set); err == nil {
			t.Errorf("relevances of another interpreter are added to %+v", other)
		}
	}
}

// TestOptions: flags of the paper's ablation reach the weights of any data, and leave the paper's alone.
func TestOptions(t *testing.T) {
	for _, name := range []string{"mnist", "cifar-10", smallName} {
		paper := flint.Paper(strings.TrimSuffix(name, "-small")).Recipe.Settings().Weights
		eta := paper.Sparse[2] / 0.2
		for _, c := range []struct {
			o    options
			want flint.Weights
		}{
			{options{}, paper},
			{options{noEntropy: true}, paper.Penalty(eta, false)},
			{options{eta: 3}, paper.Penalty(3, true)},
			{options{eta: 3, noEntropy: true}, paper.Penalty(3, false)},
		} {
			c.o.data, c.o.width = name, 16
			r, _ := c.o.settings()
			if got := r.Settings().Weights; !reflect.DeepEqual(got, c.want) {
				t.Errorf("%+v: %+v, want %+v", c.o, got, c.want)
			}
		}
	}
	_, tr := options{data: smallName, epochs: 5, he: true, rate: 0.01, seed: 4}.settings()
	if tr.Init != nn.HeNormal || tr.Optimizer != (nn.Adam{Rate: 0.01}) || tr.Epochs != 5 || tr.Seed != 4 || tr.Schedule.(nn.Steps).At[0] != 4 {
		t.Errorf("%+v", tr)
	}
}

// TestRelateOther: relevances are not added to the result of another run.
func TestRelateOther(t *testing.T) {
	out := filepath.Join(t.TempDir(), "run.json")
	if err := write(result{Data: "mnist", Seed: 2}, out); err != nil {
		t.Fatal(err)
	}
	for _, o := range []options{{data: "fashion-mnist", seed: 2, out: out}, {data: "mnist", seed: 1, out: out}} {
		if err := relate(t.Context(), o); err == nil || !strings.Contains(err.Error(), "is of mnist and seed 2") {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

func TestRow(t *testing.T) {
	r := &relevance{Attributes: 4, Pairs: []pair{{"cat", 1, 0.9}, {"cat", 3, 0.15}, {"dog", 1, 0.95}, {"dog", 2, 0.3}}}
	u := flint.Use{Tau: 5, Strong: []int{1, 2}, Shared: []int{1}, Unused: []int{0, 3}}
	if got := r.shared(u); got != "dog 0.95, cat 0.90" {
		t.Error(got)
	}
	if got := r.shared(flint.Use{Tau: 5}); got != "none" {
		t.Error(got)
	}
	if got := spread([]int{2, 1, 1, 0, 2, 1}); got != "1 with 0, 3 with 1, 2 with 2" {
		t.Error(got)
	}
}

// TestPage: the numbers that the page gives of stored runs are those of their files.
func TestPage(t *testing.T) {
	files, err := filepath.Glob("*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no results: %v", err)
	}
	page, err := os.ReadFile("../../methods/flint.md")
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	if err := table(&want, files); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), want.String()) {
		t.Errorf("the page has not this table, which -counts prints:\n%s", &want)
	}
	for _, runs := range []string{"mnist-1 mnist-2 mnist-3", "mnist-1-he mnist-2-he mnist-3-he", "mnist-1-plain", "mnist-1-senn",
		"fashion-mnist-1 fashion-mnist-2 fashion-mnist-3", "fashion-mnist-1-plain", "fashion-mnist-1-he", "cifar-10-small-1",
		"mnist-1", "mnist-1-noentropy", "mnist-1-eta2", "mnist-1-eta2-noentropy", "fashion-mnist-1", "fashion-mnist-1-noentropy", "fashion-mnist-1-eta2-noentropy"} {
		row, err := row(strings.Fields(runs))
		if err != nil {
			t.Error(err)
			continue
		}
		if !strings.Contains(string(page), row) {
			t.Errorf("%s: the page has no %q", runs, row)
		}
	}
}

// row returns what the page's table of results says of runs: f, g and fidelity in %, and attributes
// at tau 1.5, 2, 3 and 5; of several runs mean and standard deviation.
func row(names []string) (string, error) {
	var all [7][]float64
	for _, name := range names {
		r, err := read(name + ".json")
		if err != nil {
			return "", err
		}
		values := []float64{100 * r.Accuracy}
		if c := r.Conciseness; len(c) == len(flint.Taus()) {
			values = append(values, 100*r.Interpreter, 100*r.Fidelity, c[0], c[1], c[3], c[5])
		}
		for i, v := range values {
			all[i] = append(all[i], v)
		}
	}
	text := fmt.Sprintf("| %d |", len(names))
	for _, v := range all {
		switch len(v) {
		case 0:
			text += " |"
		case 1:
			text += fmt.Sprintf(" %.2f |", v[0])
		default:
			mean, sd := stat.MeanStdDev(v, nil)
			text += fmt.Sprintf(" %.2f +- %.2f |", mean, sd)
		}
	}
	return text, nil
}

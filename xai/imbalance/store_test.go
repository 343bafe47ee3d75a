package imbalance_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/imbalance"
	"github.com/whybook/whybook/xai/nn"
)

// small is an analysis with everything in it.
func small(t testing.TB) (imbalance.Recipe, imbalance.Analysis) {
	t.Helper()
	train := datasets.MNIST().Train().Only("0", "1", "7").Take(60).Seed(3)
	shape := datasets.Shape{Channels: 1, Height: 28, Width: 28}
	net, err := nn.Image(shape).Dense(8).ReLU().Dense(3).Init(1)
	if err != nil {
		t.Fatal(err)
	}
	r := imbalance.Of(train).Embed(net, "").Neighbors(5).HeldOut(datasets.MNIST().Test().Only("0", "1", "7").Take(30)).Colours(imbalance.ColourBands{Most: 5})
	a, err := r.Build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return r, a
}

func TestSaveAndLoad(t *testing.T) {
	r, a := small(t)
	var file bytes.Buffer
	if err := r.Save(&file, a); err != nil {
		t.Fatal(err)
	}
	b, err := r.Load(bytes.NewReader(file.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if a.Train.Set.Fingerprint() != b.Train.Set.Fingerprint() || a.HeldOut.Set.Fingerprint() != b.HeldOut.Set.Fingerprint() {
		t.Error("the samples are others")
	}
	a.Train.Set, b.Train.Set, a.HeldOut.Set, b.HeldOut.Set = datasets.Set{}, datasets.Set{}, datasets.Set{}, datasets.Set{}
	if !reflect.DeepEqual(a, b) {
		t.Errorf("saved %+v, loaded %+v", a, b)
	}
	// What has neither features nor samples too; NaN stands for what is not known.
	a, err = imbalance.ReadNeighbors(strings.NewReader("actual,idx,pred,cats,N0,I0\n0,0,0,0,0,1\n0,1,0,0,0,0\n"), "a", "b")
	if err != nil {
		t.Fatal(err)
	}
	file.Reset()
	if err := a.Save(&file); err != nil {
		t.Fatal(err)
	}
	if b, err = imbalance.Load(&file); err != nil || !reflect.DeepEqual(a, b) {
		t.Errorf("saved %+v, loaded %+v, %v", a, b, err)
	}
}

// No damage goes unnoticed, and none panics.
func TestLoadRefusesDamage(t *testing.T) {
	_, a := small(t)
	var file bytes.Buffer
	if err := a.Save(&file); err != nil {
		t.Fatal(err)
	}
	whole := file.Bytes()
	for at := 0; at < len(whole); at += 1 + len(whole)/97 {
		for name, data := range map[string][]byte{"cut": whole[:at], "changed": append(append(bytes.Clone(whole[:at]), whole[at]^1), whole[at+1:]...)} {
			if _, err := imbalance.Load(bytes.NewReader(data)); !errors.Is(err, imbalance.ErrFormat) {
				t.Fatalf("%s at %d: %v", name, at, err)
			}
		}
	}
	// Whole files that say what cannot be.
	for name, damage := range map[string]func(*imbalance.Analysis){
		"no members":       func(a *imbalance.Analysis) { a.Train = imbalance.Members{} },
		"k":                func(a *imbalance.Analysis) { a.K = 3 },
		"k = 0":            func(a *imbalance.Analysis) { a.K = 0 },
		"neighbour":        func(a *imbalance.Analysis) { a.Near.Index[2] = 60 },
		"negative":         func(a *imbalance.Analysis) { a.HeldOutNear.Index[2] = -1 },
		"archetype":        func(a *imbalance.Analysis) { a.Archetypes[1] = 4 },
		"archetypes":       func(a *imbalance.Analysis) { a.HeldOutArchetypes = nil },
		"label":            func(a *imbalance.Analysis) { a.Train.Labels = append([]int{9}, a.Train.Labels[1:]...) },
		"prediction":       func(a *imbalance.Analysis) { a.HeldOut.Predicted = a.HeldOut.Predicted[1:] },
		"recall":           func(a *imbalance.Analysis) { a.Recall = a.Recall[1:] },
		"bins":             func(a *imbalance.Analysis) { a.Colours.Bins = 5 },
		"histogram":        func(a *imbalance.Analysis) { a.Colours.Groups[1].All.Count = nil },
		"held-out classes": func(a *imbalance.Analysis) { a.HeldOut.Labels = append([]int{3}, a.HeldOut.Labels[1:]...) },
	} {
		_, a := small(t)
		damage(&a)
		file.Reset()
		if err := a.Save(&file); err != nil {
			t.Fatal(err)
		}
		if _, err := imbalance.Load(&file); !errors.Is(err, imbalance.ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

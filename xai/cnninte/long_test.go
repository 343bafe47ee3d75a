package cnninte

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/nn"
	"github.com/whybook/whybook/xai/progress"
	"github.com/whybook/whybook/xai/tree"
)

// full returns the network of docs/methods/cnn-inte.md, trained on all of MNIST, or read from
// the checkpoint of an earlier run, and what prints how long something took.
func full(t *testing.T) (context.Context, *nn.Net, func(what string)) {
	if os.Getenv("WHYBOOK_TEST_LONG") == "" {
		t.Skip("set WHYBOOK_TEST_LONG=1; it takes about ten minutes")
	}
	ctx := progress.WithReporter(t.Context(), func(e progress.Event) {
		if e.Task == "sweep" || e.Task == "forests of the factors" {
			fmt.Fprintln(os.Stderr, time.Now().Format("15:04:05"), e.Task, e.Done, "of", e.Total)
		}
	})
	begin := time.Now()
	step := func(what string) {
		fmt.Printf("\n%s: %.0f s\n", what, time.Since(begin).Seconds())
		begin = time.Now()
	}
	arch := nn.Image(datasets.Shape{Channels: 1, Height: 28, Width: 28}).
		Conv(16, 5).ReLU().MaxPool(2).Conv(32, 3).ReLU().MaxPool(2).Dense(128).ReLU().Dense(10)
	net, err := arch.Fit(datasets.MNIST().Train().Full(), nn.Training{
		Epochs: 5, Batch: 64, Seed: 7, Schedule: nn.Cosine{}, Checkpoint: filepath.Join(os.TempDir(), "whybook-cnninte-mnist"),
	}).Build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	step("network trained (or read from the checkpoint of an earlier run)")
	return ctx, net, step
}

// TestFullSweep and TestFullMNIST make the figures of docs/methods/cnn-inte.md, as Markdown on
// standard output:
//
//	WHYBOOK_TEST_LONG=1 go test ./xai/cnninte -run 'TestFull' -v -timeout 2h
//
// They take about ten minutes of two processors each, and download MNIST once. Settings are
// chosen on training images that the interpretation has not seen, never on the test images.
func TestFullSweep(t *testing.T) {
	ctx, net, step := full(t)
	// 10,000 training images to build on, and 10,000 others to choose by.
	most, rest := datasets.MNIST().Train().Full().Split(5.0 / 6)
	r := Of(net).Layer("fc1").On(most.Take(10000))
	for _, c := range []struct {
		name string
		r    Recipe
		grid Grid
	}{
		{"single clusters", r, Grid{Factors: []int{3, 5, 8, 10}, Clusters: []int{3, 5, 7, 10, 15, 20}, Trees: []int{50}}},
		{"sets", r.Sets(), Grid{Factors: []int{3, 5, 8, 10}, Clusters: []int{3, 5, 7, 10}, Trees: []int{50}, Depths: []int{2, 3, 4, 5, 6}}},
		{"trees, single clusters", r, Grid{Factors: []int{5}, Clusters: []int{10}, Trees: []int{10, 50, 100, 200}}},
	} {
		f, err := c.r.Sweep(rest, c.grid).Build(ctx)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("\n## %s\n", c.name)
		printSweep(f, c.grid.defaults())
		for _, depth := range []int{4, 5, 8} {
			best, _ := f.Best(depth)
			fmt.Printf("best of depth %d or less: %+v, %v\n", depth, best, best.Fidelity)
		}
		step(c.name)
	}
}

// TestFullMNIST builds on all 60,000 training images, and tests on the 10,000 test images.
func TestFullMNIST(t *testing.T) {
	ctx, net, step := full(t)
	train, test := datasets.MNIST().Train().Full(), datasets.MNIST().Test().Full()
	r, best := Of(net).Layer("fc1"), 0.0
	for _, c := range []struct {
		name string
		r    Recipe
	}{
		{"defaults", r},
		{"rows", r.Variant(Rows)},
	} {
		in, err := c.r.On(train).Build(ctx)
		if err != nil {
			t.Fatal(err)
		}
		step(c.name + ": built")
		tested, err := in.Test(ctx, test)
		if err != nil {
			t.Fatal(err)
		}
		step(c.name + ": tested")
		list, err := in.ExplainEach(ctx, test)
		if err != nil || len(list) != 10000 {
			t.Fatal(len(list), err)
		}
		step(c.name + ": 10,000 explanations")
		q := tested.Quality()
		fmt.Printf("\n%s: %+v, %v, %d dead, forests of %d MiB\n%s\n", c.name, c.r.s, in.Reading, len(in.Dead), in.Size()>>20, q.View().Text())
		for _, sets := range []bool{false, true} {
			if sets && c.r.s.Variant == Rows {
				continue // too many clusters
			}
			for _, criterion := range []tree.Criterion{tree.Entropy, tree.Gini} {
				changed, other := *in, *tested
				changed.Settings.Sets, changed.Settings.Criterion, other.in = sets, criterion, &changed
				depths, err := other.Depths(ctx, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
				if err != nil {
					t.Fatal(err)
				}
				fmt.Printf("\n%s, sets %v, %v\n\n| depth | leaves | fidelity | oracle | accuracy |\n|---|---|---|---|---|\n", c.name, sets, criterion)
				for _, d := range depths {
					fmt.Printf("| %d | %d | %v | %v | %v |\n", d.Depth, d.Leaves, d.Fidelity, d.FidelityOracle, d.Tree)
					if d.Depth <= 8 && c.name == "defaults" {
						best = max(best, d.Fidelity.Value())
					}
				}
			}
		}
		step(c.name + ": other trees")
		if low, _ := q.Network.Interval(); q.Network.Value() < 0.99 {
			t.Errorf("the network is right about %v (from %v), want 99 %%", q.Network, low)
		}
	}

	s := r.On(train).Sweep(test, Grid{Depths: []int{5, 8}})
	tr, err := s.r.train(ctx)
	if err != nil {
		t.Fatal(err)
	}
	data, err := test.Build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	h, err := s.hidden(ctx, tr, data)
	if err != nil {
		t.Fatal(err)
	}
	baselines, err := s.baselines(ctx, tr, data, h)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("\n| tree from | depth | leaves | fidelity | accuracy |\n|---|---|---|---|---|")
	for _, b := range baselines {
		fmt.Printf("| %s | %d | %d | %v | %v |\n", b.Name, b.Depth, b.Leaves, b.Fidelity, b.Tree)
		if b.Fidelity.Value() >= best {
			t.Errorf("a tree from %s of depth %d has a fidelity of %v", b.Name, b.Depth, b.Fidelity)
		}
	}
	step("baselines")
	if best < 0.9 {
		t.Errorf("fidelity of %.3f at a depth of at most 8", best)
	}
}

// printSweep prints fidelity in % for every setting.
func printSweep(f Frontier, g Grid) {
	for _, trees := range g.Trees {
		fmt.Printf("\n%d trees, fidelity with the forests' clusters (oracle) in %%\n\n| G | K |", trees)
		for _, d := range g.Depths {
			fmt.Printf(" depth %d |", d)
		}
		fmt.Print("\n|---|---|", strings.Repeat("---|", len(g.Depths)))
		for _, s := range f.Settings {
			if s.Trees != trees {
				continue
			}
			if s.Depth == g.Depths[0] {
				fmt.Printf("\n| %d | %d |", s.Factors, s.Clusters)
			}
			fmt.Printf(" %.1f (%.1f) |", 100*s.Fidelity.Value(), 100*s.FidelityOracle.Value())
		}
		fmt.Println()
	}
	names := []string{OnClasses, OnNetwork, OnScores}
	for _, name := range names {
		fmt.Printf("| %s | |", name)
		for _, b := range f.Baselines {
			if b.Name == name {
				fmt.Printf(" %.1f |", 100*b.Fidelity.Value())
			}
		}
		fmt.Println()
	}
	if notes := slices.ContainsFunc(f.Settings, func(s Setting) bool { return s.Note != "" }); notes {
		fmt.Println("some settings could not be had")
	}
}

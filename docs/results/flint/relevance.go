package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/flint"
)

// relevance is what classes and attributes have to do with each other, by training samples.
type relevance struct {
	Samples    int         `json:"samples"`
	Attributes int         `json:"attributes"`
	Use        []flint.Use `json:"use"` // at taus
	Pairs      []pair      `json:"pairs"`
}

// pair is a class with an attribute that is relevant to it at the largest of taus.
type pair struct {
	Class     string  `json:"class"`
	Attribute int     `json:"attribute"`
	R         float64 `json:"r"`
}

// taus are the thresholds of the paper's pairs: r above 0.2 for CIFAR-10, and 0.1 for MNIST.
var taus = []float64{5, 10}

func relevances(ctx context.Context, in *flint.Interpreter, train datasets.Source, seed uint64) (*relevance, error) {
	g, err := in.Global(ctx, train, seed)
	if err != nil {
		return nil, err
	}
	r := &relevance{Samples: g.Set.Len(), Attributes: in.Settings.Attributes}
	for _, tau := range taus {
		u, err := g.Use(tau)
		if err != nil {
			return nil, err
		}
		r.Use = append(r.Use, u)
	}
	pairs, err := g.Pairs(slices.Max(taus))
	if err != nil {
		return nil, err
	}
	for _, p := range pairs {
		r.Pairs = append(r.Pairs, pair{g.Classes[p.Class], p.Attribute, p.R})
	}
	return r, nil
}

// relate adds the relevances to the stored result of a run that is done.
func relate(ctx context.Context, o options) error {
	r, err := read(o.out)
	if err != nil {
		return err
	}
	if r.Data != o.data || r.Seed != o.seed {
		return fmt.Errorf("%s is of %s and seed %d, not of %s and seed %d", o.out, r.Data, r.Seed, o.data, o.seed)
	}
	in, err := load(o.state)
	if err != nil {
		return err
	}
	train, test, err := sets(o.data, o.from)
	if err != nil {
		return err
	}
	if err := r.relate(ctx, in, train, test); err != nil {
		return fmt.Errorf("%s and %s: %w", o.out, o.state, err)
	}
	return write(r, o.out)
}

// relate measures the interpreter's relevances, after it has seen that it is the one of the result.
func (r *result) relate(ctx context.Context, in *flint.Interpreter, train, test datasets.Source) error {
	e, err := in.Evaluate(ctx, test)
	if err != nil {
		return err
	}
	if e.Accuracy != r.Accuracy || e.Interpreter != r.Interpreter || e.Fidelity != r.Fidelity || !slices.Equal(e.Conciseness, r.Conciseness) {
		return fmt.Errorf("the result is not this interpreter's, which has %v", e)
	}
	r.Relevance, err = relevances(ctx, in, train, r.Seed)
	return err
}

// read returns a stored result.
func read(file string) (result, error) {
	var r result
	text, err := os.ReadFile(file)
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return r, fmt.Errorf("%s: %w", file, err)
	}
	return r, nil
}

// table prints a row for each result that has relevances, in Markdown.
func table(w io.Writer, files []string) error {
	strong := 1 / taus[0]
	fmt.Fprintf(w, "| run | classes, by attributes with r > %v | attributes of no class | of several classes, with r in each | of several at r > %v |\n|---|---|---|---|---|\n", strong, 1/taus[1])
	for _, file := range files {
		r, err := read(file)
		if err != nil {
			return err
		}
		if r.Relevance == nil {
			continue
		}
		u := r.Relevance.Use
		if len(u) != len(taus) {
			return fmt.Errorf("%s: relevances at %d thresholds, want %d", file, len(u), len(taus))
		}
		fmt.Fprintf(w, "| %s | %s | %d of %d | %s | %d |\n", strings.TrimSuffix(filepath.Base(file), ".json"), spread(u[0].Strong),
			len(u[0].Unused), r.Relevance.Attributes, r.Relevance.shared(u[0]), len(u[1].Shared))
	}
	return nil
}

// spread says how many classes have how many attributes.
func spread(strong []int) string {
	classes := make(map[int]int)
	for _, n := range strong {
		classes[n]++
	}
	var list []string
	for _, n := range slices.Sorted(maps.Keys(classes)) {
		list = append(list, fmt.Sprintf("%d with %d", classes[n], n))
	}
	return strings.Join(list, ", ")
}

// shared lists the classes of each shared attribute, the most relevant first.
func (r *relevance) shared(u flint.Use) string {
	var list []string
	for _, a := range u.Shared {
		own := slices.DeleteFunc(slices.Clone(r.Pairs), func(p pair) bool { return p.Attribute != a || p.R <= 1/u.Tau })
		slices.SortStableFunc(own, func(a, b pair) int { return cmp.Compare(b.R, a.R) })
		names := make([]string, len(own))
		for i, p := range own {
			names[i] = fmt.Sprintf("%s %.2f", p.Class, p.R)
		}
		list = append(list, strings.Join(names, ", "))
	}
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, "; ")
}

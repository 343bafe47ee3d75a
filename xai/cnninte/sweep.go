package cnninte

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/forest"
	"github.com/whybook/whybook/xai/internal/parallel"
	"github.com/whybook/whybook/xai/internal/store"
	"github.com/whybook/whybook/xai/progress"
	"github.com/whybook/whybook/xai/seed"
	"github.com/whybook/whybook/xai/tree"
	"gonum.org/v1/gonum/mat"
)

// Grid is the settings that a sweep tries: all combinations.
type Grid struct {
	Factors  []int // default 3, 5, 8 and 10
	Clusters []int // default 5, 10, 15 and 20
	Trees    []int // default 10, 50, 100 and 200; the smaller forests are parts of the largest
	Depths   []int // default 3 to 10
}

// defaults fills in what is left out, sorts, and drops what is there twice.
func (g Grid) defaults() Grid {
	for _, f := range []struct {
		list    *[]int
		initial []int
	}{
		{&g.Factors, []int{3, 5, 8, 10}}, {&g.Clusters, []int{5, 10, 15, 20}},
		{&g.Trees, []int{10, 50, 100, 200}}, {&g.Depths, []int{3, 4, 5, 6, 7, 8, 9, 10}},
	} {
		if len(*f.list) == 0 {
			*f.list = f.initial
		}
		*f.list = slices.Compact(slices.Sorted(slices.Values(*f.list)))
	}
	return g
}

// Sweep describes a Frontier. It is immutable.
type Sweep struct {
	r    Recipe
	test datasets.Source
	grid Grid
	err  error
}

// Sweep tries every setting of a grid in the place of the recipe's own numbers, and trees
// that know nothing of hidden values at the same depths. Every setting is reported, on the
// test data. Choose by them, and the one that is chosen looks better than it is.
func (r Recipe) Sweep(test datasets.Source, g Grid) Sweep {
	s := Sweep{r: r, test: test, grid: g.defaults(), err: r.check()}
	if s.err == nil && isNil(test) {
		s.err = xai.Stepf("cnninte.Of.Sweep", "need test data, have nil")
	}
	for _, f := range []struct {
		name string
		list []int
	}{{"Factors", s.grid.Factors}, {"Clusters", s.grid.Clusters}, {"Trees", s.grid.Trees}, {"Depths", s.grid.Depths}} {
		if s.err == nil && f.list[0] < 1 {
			s.err = xai.Stepf("cnninte.Of.Sweep", "field %s of the grid has %d; it must be at least 1", f.name, f.list[0])
		}
	}
	return s
}

// Key names everything that determines the frontier.
func (s Sweep) Key() string {
	if s.err != nil {
		return "cnninte sweep: " + s.err.Error()
	}
	return fmt.Sprintf("sweep %+v of %s | on %s", s.grid, s.r.Key(), s.test.Key())
}

// Frontier is the quality of many settings.
type Frontier struct {
	Rows     int  // test instances
	Network  Rate // that the network gets right
	Settings []Setting

	// Baselines are trees on the inputs, at the same depths and without MinLeaf.
	Baselines []Baseline

	Provenance Provenance
}

// Setting is the quality of one combination of the grid.
type Setting struct {
	Factors, Clusters, Trees, Depth int
	Leaves                          int
	Fidelity, FidelityOracle        Rate
	Tree                            Rate   // accuracy, from the forests' clusters
	Note                            string // why there is nothing: more factors than neurons, say
}

// Baseline is a tree on the inputs.
type Baseline struct {
	Name          string // what it was grown on
	Depth, Leaves int
	Fidelity      Rate // to the network
	Tree          Rate // accuracy
}

// The baselines.
const (
	OnClasses = "inputs to true classes"
	OnNetwork = "inputs to the network's classes"

	// OnScores is the distilled tree of Liu, Wang and Matwin, Improving the interpretability of
	// deep neural networks with knowledge distillation, 2018, arXiv:1812.10924: one regression
	// tree for all scores (logits), whose answer is the largest.
	OnScores = "inputs to the network's scores"
)

// Build tries the settings. Its memory is that of one interpretation with the largest forest.
func (s Sweep) Build(ctx context.Context) (Frontier, error) {
	if s.err == nil {
		s.err = s.r.ready()
	}
	if s.err != nil {
		return Frontier{}, s.err
	}
	t, err := s.r.train(ctx)
	if err != nil {
		return Frontier{}, err
	}
	set, err := s.test.Build(ctx)
	if err != nil {
		return Frontier{}, fmt.Errorf("cnninte: test data: %w", err)
	}
	if err := fits(s.r.net, set); err != nil {
		return Frontier{}, err
	}
	h, err := s.hidden(ctx, t, set)
	if err != nil {
		return Frontier{}, err
	}
	f := Frontier{Rows: set.Len(), Network: agree(h.classes, set.Labels), Provenance: s.r.provenance()}
	done := 0
	for _, g := range s.grid.Factors {
		for _, k := range s.grid.Clusters {
			list, err := s.settings(ctx, t, set, h, g, k)
			if err != nil {
				return f, fmt.Errorf("%d factors, %d clusters: %w", g, k, err)
			}
			f.Settings = append(f.Settings, list...)
			done++
			progress.Report(ctx, "sweep", done, len(s.grid.Factors)*len(s.grid.Clusters))
		}
	}
	f.Baselines, err = s.baselines(ctx, t, set, h)
	return f, err
}

// hidden reads the test set.
func (s Sweep) hidden(ctx context.Context, t *training, set datasets.Set) (*hidden, error) {
	return read(ctx, t.net, t.reading, set.Len(), t.batch, func(x *mat.Dense, lo, hi int) *mat.Dense { return set.Batch(x, indices(lo, hi)) })
}

// settings tries all trees and depths for g factors and k clusters.
func (s Sweep) settings(ctx context.Context, t *training, set datasets.Set, h *hidden, g, k int) ([]Setting, error) {
	settings := s.r.s
	settings.Factors, settings.Clusters = g, k
	settings.Trees = s.grid.Trees[len(s.grid.Trees)-1]
	in, err := t.interpret(ctx, settings)
	var factors ErrFactors
	var clusters ErrClusters
	if errors.As(err, &factors) || errors.As(err, &clusters) {
		return []Setting{{Factors: g, Clusters: k, Note: err.Error()}}, nil
	}
	if err != nil {
		return nil, err
	}
	tested := &Tested{Labels: set.Labels, Network: h.classes, in: in}
	if tested.Oracle, err = assign(ctx, in.Factors, h.values); err != nil {
		return nil, err
	}
	x, err := tree.Check(ctx, inputs(set))
	if err != nil {
		return nil, fmt.Errorf("cnninte: test data: %w", err)
	}
	// One forest at a time: what it says is all that is kept of it.
	answers := make([][][]int, len(s.grid.Trees)) // sizes x factors x n
	for p := range in.Factors {
		f := &in.Factors[p]
		f.Forest, err = forest.Random{
			Trees: settings.Trees, MinLeaf: settings.TreeLeaf, Memory: max(1, s.r.memory-8*t.hidden.size()),
			Seed: seed.Sub(settings.Seed, "cnninte", "forest", p),
		}.Classify(ctx, t.table, in.Identities[p], f.Clusters())
		if err != nil {
			return nil, fmt.Errorf("cnninte: forest of factor %d: %w", p+1, err)
		}
		parts, err := firstTrees(ctx, f.Forest, x, s.grid.Trees)
		if err != nil {
			return nil, err
		}
		for i, clusters := range parts {
			answers[i] = append(answers[i], clusters)
		}
		f.Forest = nil
	}
	var list []Setting
	for i, trees := range s.grid.Trees {
		tested.Forests = answers[i]
		depths, err := tested.Depths(ctx, s.grid.Depths...)
		if err != nil {
			return nil, err
		}
		for _, d := range depths {
			list = append(list, Setting{Factors: g, Clusters: k, Trees: trees, Depth: d.Depth, Leaves: d.Leaves,
				Fidelity: d.Fidelity, FidelityOracle: d.FidelityOracle, Tree: d.Tree})
		}
	}
	return list, nil
}

// firstTrees returns what the forests of the first trees say, for ascending sizes.
func firstTrees(ctx context.Context, f *forest.Forest, x tree.Rows, sizes []int) ([][]int, error) {
	n, _ := x.Dims()
	_, k := f.Dims()
	out := make([][]int, len(sizes))
	for i := range out {
		out[i] = make([]int, n)
	}
	err := parallel.Blocks(ctx, n, 1024, func(lo, hi int) error {
		sum, at := mat.NewDense(hi-lo, k, nil), 0
		for i := range f.Len() {
			f.Tree(i).AddValues(sum, x, lo)
			if i+1 == sizes[at] {
				for p := range hi - lo {
					out[at][lo+p] = largest(sum.RawRowView(p))
				}
				if at++; at == len(sizes) {
					break
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("cnninte: ask the forests: %w", err)
	}
	return out, nil
}

// baselines grows trees on the inputs. They are bounded by their depth alone: a leaf of few
// instances would not be shown less.
func (s Sweep) baselines(ctx context.Context, t *training, set datasets.Set, h *hidden) ([]Baseline, error) {
	x, classes := inputs(set), len(set.Classes)
	var list []Baseline
	for _, b := range []struct {
		name string
		grow func(tree.CART) (*tree.Tree, error)
	}{
		{OnClasses, func(c tree.CART) (*tree.Tree, error) { return c.Classify(ctx, t.table, t.set.Labels, classes) }},
		{OnNetwork, func(c tree.CART) (*tree.Tree, error) {
			return c.Classify(ctx, t.table, t.hidden.classes, classes)
		}},
		{OnScores, func(c tree.CART) (*tree.Tree, error) { return c.Regress(ctx, t.table, t.hidden.scores) }},
	} {
		for i, depth := range s.grid.Depths {
			grown, err := b.grow(tree.CART{MaxDepth: depth})
			if err != nil {
				return nil, fmt.Errorf("cnninte: tree from %s: %w", b.name, err)
			}
			says, err := grown.Predict(ctx, x)
			if err != nil {
				return nil, fmt.Errorf("cnninte: tree from %s: %w", b.name, err)
			}
			list = append(list, Baseline{Name: b.name, Depth: depth, Leaves: grown.Leaves(), Fidelity: agree(says, h.classes), Tree: agree(says, set.Labels)})
			progress.Report(ctx, "tree from "+b.name, i+1, len(s.grid.Depths))
		}
	}
	return list, nil
}

// Best returns the setting of the highest fidelity with forests among those of at most the
// given depth, the first where several are; false if there is none.
func (f Frontier) Best(depth int) (Setting, bool) {
	var best Setting
	found := false
	for _, s := range f.Settings {
		if s.Note == "" && s.Depth <= depth && (!found || s.Fidelity.Hits > best.Fidelity.Hits) {
			best, found = s, true
		}
	}
	return best, found
}

const sweepFormat = "whybook.cnninte.sweep/1"

// Save writes a frontier as JSON with a checksum. Like Recipe.Save it refuses what was made of
// a network without a fingerprint.
func (s Sweep) Save(w io.Writer, f Frontier) error {
	if err := s.r.named(); err != nil {
		return err
	}
	return store.Write(w, sweepFormat, f)
}

// Load reads a frontier that Save wrote. Anything else is an error that matches ErrFormat.
func (s Sweep) Load(r io.Reader) (Frontier, error) {
	var f Frontier
	if err := store.Read(r, sweepFormat, &f); err != nil {
		return Frontier{}, fmt.Errorf("cnninte.Sweep.Load: %w", err)
	}
	return f, nil
}

package cnninte

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/forest"
	"github.com/whybook/whybook/xai/progress"
	"github.com/whybook/whybook/xai/project"
	"github.com/whybook/whybook/xai/seed"
	"github.com/whybook/whybook/xai/tree"
	"gonum.org/v1/gonum/mat"
)

// Interpretation is what Recipe.Build found: factors, their clusters and forests, and the tree
// that leads from them to the network's classes. Treat it as immutable; it may be used from
// several goroutines.
type Interpretation struct {
	Settings Settings // with the defaults filled in
	Reading  Reading  // what the hidden values are
	Dead     []int    // neurons that never or hardly ever change on the sample, see Recipe.Quiet; they are in no factor
	Classes  []string
	Shape    datasets.Shape
	Columns  []string // names of the columns of a table

	Factors []Factor
	Tree    *tree.Tree // columns as in Column, 0 or 1

	Labels     []int   // n: true classes of the training instances
	Targets    []int   // n: what the network says about them
	Identities [][]int // factors x n: the cluster of each training instance, the meta-level training data

	// Missing are classes that the network gives to no training instance: the tree can never
	// say them.
	Missing []int

	Provenance Provenance

	net   xai.Layered
	batch int
}

// Factor is a group of neurons and the clusters of instances by their values.
type Factor struct {
	Neurons   []int      // of the hidden values, ascending
	Centroids *mat.Dense // clusters x len(Neurons)
	Within    []int      // of the second level of Rows: the cluster of the first level that each cluster lies in; else nil

	Sizes   []int        // training instances of each cluster
	Counts  [][]int      // clusters x classes: what the network says about them
	Means   *mat.Dense   // clusters x d: their mean inputs
	Nearest [][]Exemplar // clusters x up to 5: the training instances nearest to the centroid, nearest first
	Basis   project.Basis
	Cloud   Cloud
	Forest  *forest.Forest // from inputs to clusters
}

// Clusters returns the number of clusters: that asked for, or fewer where fewer rows of
// hidden values differ.
func (f *Factor) Clusters() int {
	k, _ := f.Centroids.Dims()
	return k
}

// Exemplar is a training instance that stands for a cluster.
type Exemplar struct {
	Index    int       // in the training set
	Label    int       // its true class
	Distance float64   // of its hidden values from the centroid
	X        []float64 // d values
}

// Cloud is some training instances in the plane of the first two principal components of a
// factor's hidden values.
type Cloud struct {
	X, Y    []float64
	Cluster []int
}

const (
	exemplars = 5    // of each cluster
	cloudSize = 1000 // points
)

// Build clusters the layer's hidden values, grows a forest for each factor, and the tree.
//
// Errors match [xai.ErrLayer] for a network without a layer to interpret, [xai.ErrShape] for
// data that do not fit the network, [ErrFactors] and [ErrClusters] (errors.As) for more groups
// than there is to group, [ErrMemory], and [ErrNotFinite].
//
// Two things that look like errors are results: a factor whose rows are fewer than K
// different ones has that many clusters, and a class that the network never gives is listed
// as missing.
func (r Recipe) Build(ctx context.Context) (*Interpretation, error) {
	if err := r.ready(); err != nil {
		return nil, err
	}
	t, err := r.train(ctx)
	if err != nil {
		return nil, err
	}
	in, err := t.interpret(ctx, r.s)
	if err != nil {
		return nil, err
	}
	if err := in.grow(ctx, t.table, r.memory-8*t.hidden.size()); err != nil {
		return nil, err
	}
	if in.Tree, err = in.tree(ctx, in.Settings.Depth); err != nil {
		return nil, err
	}
	in.Provenance = r.provenance()
	return in, nil
}

// training is what a recipe starts from: the same for all settings but the layer.
type training struct {
	net     xai.Layered
	batch   int
	set     datasets.Set
	reading Reading
	hidden  *hidden
	table   *tree.Table // the inputs
}

// size returns the number of hidden values.
func (h *hidden) size() int { n, d := h.values.Dims(); return n * d }

// train reads the training set and sends it through the network.
func (r Recipe) train(ctx context.Context) (*training, error) {
	set, err := r.data.Build(ctx)
	if err != nil {
		return nil, fmt.Errorf("cnninte: %w", err)
	}
	if err := fits(r.net, set); err != nil {
		return nil, err
	}
	t := &training{net: r.net, batch: r.batch, set: set}
	n := set.Len()
	if t.reading, err = reading(ctx, r.net, r.s, set.Batch(nil, indices(0, min(n, 16)))); err != nil {
		return nil, fmt.Errorf("cnninte: %w", err)
	}
	if need := 8 * float64(n) * float64(t.reading.Neurons); need > float64(r.memory) {
		return nil, fmt.Errorf("cnninte: hidden values of %d instances and %d neurons take %.0f MiB, and %.0f are allowed; raise Memory, choose a narrower layer or fewer instances, or leave Flatten out: %w",
			n, t.reading.Neurons, need/(1<<20), float64(r.memory)/(1<<20), ErrMemory)
	}
	t.hidden, err = read(ctx, r.net, t.reading, n, r.batch, func(x *mat.Dense, lo, hi int) *mat.Dense { return set.Batch(x, indices(lo, hi)) })
	if err != nil {
		return nil, err
	}
	if t.table, err = tree.Prepare(ctx, inputs(set), 0); err != nil {
		return nil, fmt.Errorf("cnninte: inputs: %w", err)
	}
	return t, nil
}

// interpret clusters, and describes the clusters.
func (t *training) interpret(ctx context.Context, s Settings) (*Interpretation, error) {
	n := t.set.Len()
	if s.MinLeaf == 0 {
		s.MinLeaf = max(1, min(50, n/100))
	}
	if s.Sample == 0 {
		s.Sample = 5000
	}
	s.Sample, s.Layer = min(s.Sample, n), t.reading.Asked
	progress.Report(ctx, "clusters", 0, 1)
	l, err := s.cluster(ctx, t.hidden.values)
	if err != nil {
		return nil, fmt.Errorf("cnninte: clusters: %w", err)
	}
	in := &Interpretation{
		Settings: s, Reading: t.reading, Dead: l.dead, Classes: t.set.Classes, Shape: t.set.Shape, Columns: t.set.Columns,
		Factors: l.factors, Labels: t.set.Labels, Targets: t.hidden.classes, Identities: l.labels, net: t.net, batch: t.batch,
	}
	if err := in.askable(); err != nil { // before the forests, which take long
		return nil, err
	}
	seen := make([]bool, len(in.Classes))
	for _, c := range in.Targets {
		seen[c] = true
	}
	for c, s := range seen {
		if !s {
			in.Missing = append(in.Missing, c)
		}
	}
	for g := range in.Factors {
		if err := in.describe(ctx, g, t); err != nil {
			return nil, fmt.Errorf("cnninte: factor %d: %w", g+1, err)
		}
		progress.Report(ctx, "clusters", g+1, len(in.Factors))
	}
	return in, nil
}

// describe fills in what there is to show of a factor.
func (in *Interpretation) describe(ctx context.Context, g int, t *training) error {
	f, labels := &in.Factors[g], in.Identities[g]
	k, d := f.Clusters(), t.set.Shape.Size()
	f.Sizes, f.Counts, f.Nearest = make([]int, k), make([][]int, k), make([][]Exemplar, k)
	for c := range k {
		f.Counts[c] = make([]int, len(in.Classes))
	}
	f.Means = mat.NewDense(k, d, nil)
	var x *mat.Dense
	for i, c := range labels {
		if i%1024 == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		f.Sizes[c]++
		f.Counts[c][in.Targets[i]]++
		x = t.set.Batch(x, []int{i})
		mean := f.Means.RawRowView(c)
		for j, v := range x.RawRowView(0) {
			mean[j] += v
		}
		f.Nearest[c] = nearer(f.Nearest[c], Exemplar{Index: i, Label: t.set.Labels[i], Distance: f.distance(t.hidden.values.RawRowView(i), c)})
	}
	for c := range k {
		mean := f.Means.RawRowView(c)
		for j := range mean {
			mean[j] /= float64(f.Sizes[c])
		}
		for p := range f.Nearest[c] {
			e := &f.Nearest[c][p]
			e.Distance, e.X = math.Sqrt(e.Distance), slices.Clone(t.set.Batch(x, []int{e.Index}).RawRowView(0))
		}
	}
	return f.project(ctx, t.hidden.values, labels, sample(in.Settings.Seed, len(labels), cloudSize))
}

// nearer puts an exemplar into its place among the nearest.
func nearer(list []Exemplar, e Exemplar) []Exemplar {
	at, _ := slices.BinarySearchFunc(list, e, func(a, b Exemplar) int {
		if a.Distance <= b.Distance {
			return -1
		}
		return 1
	})
	if at >= exemplars {
		return list
	}
	list = slices.Insert(list, at, e)
	return list[:min(len(list), exemplars)]
}

// project finds the plane in which a factor's values vary most, by the given rows.
func (f *Factor) project(ctx context.Context, values *mat.Dense, labels, rows []int) error {
	part := mat.NewDense(len(rows), len(f.Neurons), nil)
	for p, i := range rows {
		row, to := values.RawRowView(i), part.RawRowView(p)
		for q, j := range f.Neurons {
			to[q] = row[j]
		}
	}
	f.Cloud = Cloud{X: make([]float64, len(rows)), Y: make([]float64, len(rows)), Cluster: make([]int, len(rows))}
	if len(rows) > 1 {
		var err error
		if f.Basis, err = (project.PCA{Components: min(2, len(rows)-1, len(f.Neurons))}).Fit(ctx, part); err != nil {
			return err
		}
	}
	for p, i := range rows {
		f.Cloud.X[p], f.Cloud.Y[p] = f.place(part.RawRowView(p))
		f.Cloud.Cluster[p] = labels[i]
	}
	return nil
}

// place returns the coordinates in the plane of a row of the factor's values.
func (f *Factor) place(row []float64) (x, y float64) {
	var at [2]float64
	if f.Basis.Axes != nil {
		k, _ := f.Basis.Axes.Dims()
		for a := range k {
			for q, v := range f.Basis.Axes.RawRowView(a) {
				at[a] += float64((row[q] - f.Basis.Mean[q]) * v)
			}
		}
	}
	return at[0], at[1]
}

// grow grows the forests within the memory that is left.
func (in *Interpretation) grow(ctx context.Context, table *tree.Table, memory int) error {
	for g := range in.Factors {
		f := &in.Factors[g]
		var err error
		f.Forest, err = forest.Random{
			Trees: in.Settings.Trees, MinLeaf: in.Settings.TreeLeaf, Memory: max(1, memory), Seed: seed.Sub(in.Settings.Seed, "cnninte", "forest", g),
		}.Classify(ctx, table, in.Identities[g], f.Clusters())
		if errors.Is(err, ErrMemory) {
			return fmt.Errorf("cnninte: forest of factor %d of %d; raise Memory, or ask for fewer Trees or a larger TreeLeaf: %w", g+1, len(in.Factors), err)
		}
		if err != nil {
			return fmt.Errorf("cnninte: forest of factor %d of %d: %w", g+1, len(in.Factors), err)
		}
		memory -= f.Forest.Size()
		progress.Report(ctx, "forests of the factors", g+1, len(in.Factors))
	}
	return nil
}

// askable returns an error where there would be too many questions.
func (in *Interpretation) askable() error {
	if !in.Settings.Sets {
		return nil
	}
	for g := range in.Factors {
		if k := in.Factors[g].Clusters(); k > maxSets {
			return xai.Stepf("cnninte.Of.Sets", "factor %d has %d clusters, which can be divided in too many ways; ask for at most %d", g+1, k, maxSets)
		}
	}
	return nil
}

// tree grows the meta-level tree to a depth.
func (in *Interpretation) tree(ctx context.Context, depth int) (*tree.Tree, error) {
	if err := in.askable(); err != nil {
		return nil, err
	}
	t, err := tree.CART{Criterion: in.Settings.Criterion, MaxDepth: depth, MinLeaf: in.Settings.MinLeaf}.Classify(ctx, in.hot(in.Identities), in.Targets, len(in.Classes))
	if err != nil {
		return nil, fmt.Errorf("cnninte: meta-level tree: %w", err)
	}
	return t, nil
}

// class names a class, which may be unknown.
func (in *Interpretation) class(c int) string {
	if c < 0 || c >= len(in.Classes) {
		return "unknown"
	}
	return in.Classes[c]
}

// Network returns the network that was interpreted.
func (in *Interpretation) Network() xai.Layered { return in.net }

// Size returns the approximate memory of forests and tree in bytes.
func (in *Interpretation) Size() int {
	size := in.Tree.Size()
	for g := range in.Factors {
		size += in.Factors[g].Forest.Size()
	}
	return size
}

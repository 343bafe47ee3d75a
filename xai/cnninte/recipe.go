package cnninte

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/tree"
)

// Variant is how the two levels of clustering divide the hidden values.
type Variant int

const (
	// Columns groups neurons first, then instances by each group of neurons. It is the
	// default.
	Columns Variant = iota

	// Rows groups instances by all neurons first, into Factors groups, then the instances of
	// each group again, into Clusters. The result has two factors, both with all neurons: the
	// first level, and the second, whose clusters are the pairs of both levels.
	Rows
)

// String returns "columns" or "rows".
func (v Variant) String() string {
	switch v {
	case Columns:
		return "columns"
	case Rows:
		return "rows"
	}
	return fmt.Sprintf("Variant(%d)", int(v))
}

// Settings are all that a recipe says beside network and data.
type Settings struct {
	Layer     string         // whose output is interpreted; "" for the first dense layer
	Flatten   bool           // take every value of a layer of maps for a neuron instead of each map's mean
	Variant   Variant        // default Columns
	Factors   int            // G; default 5
	Clusters  int            // K, in each factor; default 10
	Trees     int            // of each forest; default 100
	TreeLeaf  int            // training instances that a leaf of a forest's tree needs; default 1
	Depth     int            // tests on the way to any leaf of the meta-level tree; default 5
	MinLeaf   int            // training instances that its leaves need; default 50, or n/100 if that is less
	Criterion tree.Criterion // of the meta-level tree; default tree.Entropy
	Sets      bool           // tests may ask for several clusters of a factor at once
	Quiet     float64        // share of the sample on which a neuron must differ from its most frequent value to be in a factor; default 0.01
	Sample    int            // training instances by which neurons are compared; default 5000, or n if that is less
	Seed      uint64
}

// Recipe describes an interpretation of a network. It is immutable: each step returns a
// changed copy, and the first mistake is returned by Build.
type Recipe struct {
	net    xai.Layered
	data   datasets.Source
	s      Settings
	batch  int
	memory int
	err    error
}

// Of starts an interpretation of a network. What Layer and On leave open are the first dense
// layer, and an error: there is no default for the data.
func Of(net xai.Layered) Recipe {
	r := Recipe{net: net, s: Settings{Factors: 5, Clusters: 10, Trees: 100, TreeLeaf: 1, Depth: 5, Criterion: tree.Entropy, Quiet: 0.01}, batch: 256, memory: 2 << 30}
	if isNil(net) {
		r.net, r.err = nil, xai.Stepf("cnninte.Of", "need a network, have nil")
	}
	return r
}

// Layer names the layer to interpret; "" is the first dense layer before the scores, or, in a
// network without one, the layer before the scores.
//
// As in the paper's setting hidden values are those after the rectifier: where a "relu" that
// rectifies the named layer stands next to it, its output is read, and the result says so.
//
// Of a layer of maps each map is one neuron, with the mean over its positions as its value;
// see Flatten.
func (r Recipe) Layer(name string) Recipe {
	if r.check() == nil && name != "" {
		if _, err := find(r.net, name); err != nil {
			r.err = xai.Stepf(fmt.Sprintf("cnninte.Of.Layer(%q)", name), "%w", err)
		}
	}
	r.s.Layer = name
	return r
}

// Flatten takes every value of a layer of maps for a neuron.
func (r Recipe) Flatten() Recipe {
	r.s.Flatten = true
	return r
}

// Variant sets how the two levels divide the hidden values; the default is Columns.
func (r Recipe) Variant(v Variant) Recipe {
	if r.check() == nil && v != Columns && v != Rows {
		r.err = xai.Stepf(fmt.Sprintf("cnninte.Of.Variant(%d)", int(v)), "there are Columns and Rows")
	}
	r.s.Variant = v
	return r
}

// Factors sets G, the number of groups of neurons; the default is 5.
func (r Recipe) Factors(g int) Recipe { return r.set("Factors", "factor", g, &r.s.Factors) }

// Clusters sets K, the number of groups of instances in each factor; the default is 10.
func (r Recipe) Clusters(k int) Recipe { return r.set("Clusters", "cluster", k, &r.s.Clusters) }

// Trees sets the number of trees of each forest; the default is 100.
func (r Recipe) Trees(n int) Recipe { return r.set("Trees", "tree", n, &r.s.Trees) }

// TreeLeaf sets how many training instances a leaf of a forest's tree needs; the default is 1,
// trees of full depth. More makes smaller forests.
func (r Recipe) TreeLeaf(n int) Recipe { return r.set("TreeLeaf", "instance", n, &r.s.TreeLeaf) }

// Depth sets how many tests the meta-level tree may ask of an instance; the default is 5.
func (r Recipe) Depth(n int) Recipe { return r.set("Depth", "test", n, &r.s.Depth) }

// MinLeaf sets how many training instances a leaf of the meta-level tree needs; the default is
// 50, or a hundredth of them if that is less.
func (r Recipe) MinLeaf(n int) Recipe { return r.set("MinLeaf", "instance", n, &r.s.MinLeaf) }

// Sets lets a test of the tree ask whether a factor is in one of several clusters, "1, 4 or 7",
// instead of in a single one. It is ours: a test for one of K clusters takes about a K-th of the
// instances away, so that a tree of single clusters needs about as many levels as there are
// classes; with sets it needs few, each of them harder to say in words. All divisions of the
// clusters in two are tried, so that a factor can have 12 clusters at most.
func (r Recipe) Sets() Recipe {
	r.s.Sets = true
	return r
}

// Sample sets by how many training instances neurons are compared; the default is 5000, or all
// if that is less.
func (r Recipe) Sample(n int) Recipe { return r.set("Sample", "instance", n, &r.s.Sample) }

// Criterion sets the impurity that the meta-level tree reduces; the default is tree.Entropy.
// It prefers tests that divide evenly, which a tree of few levels needs: to tree.Gini every
// clean division of classes of one size is as good as any other, one class from nine or five
// from five.
func (r Recipe) Criterion(c tree.Criterion) Recipe {
	if r.check() == nil && c != tree.Gini && c != tree.Entropy {
		r.err = xai.Stepf(fmt.Sprintf("cnninte.Of.Criterion(%d)", uint8(c)), "there are tree.Gini and tree.Entropy")
	}
	r.s.Criterion = c
	return r
}

// Quiet sets on which share of the sample, in [0, 1), a neuron must have another value than its
// most frequent one; others are set aside. The default is 0.01: a neuron that speaks up for a
// few instances goes with no other, and would be a factor by itself. With 0 only neurons that
// never change are set aside.
func (r Recipe) Quiet(share float64) Recipe {
	if r.check() == nil && !(share >= 0 && share < 1) {
		r.err = xai.Stepf(fmt.Sprintf("cnninte.Of.Quiet(%v)", share), "need a share in [0, 1)")
	}
	r.s.Quiet = share
	return r
}

// Seed sets the seed of the sample, of k-means and of the forests; the default is 0.
func (r Recipe) Seed(seed uint64) Recipe {
	r.s.Seed = seed
	return r
}

// Batch sets how many instances the network sees at once; the default is 256. It does not
// change the result.
func (r Recipe) Batch(rows int) Recipe { return r.set("Batch", "instance", rows, &r.batch) }

// Memory bounds what hidden values and forests may take together, in bytes; the default is
// 2 GiB. It does not change the result.
func (r Recipe) Memory(bytes int) Recipe { return r.set("Memory", "byte", bytes, &r.memory) }

// set returns r with a number that is at least 1. field points into r, the caller's copy.
func (r *Recipe) set(step, what string, n int, field *int) Recipe {
	if r.check() == nil && n < 1 {
		r.err = xai.Stepf(fmt.Sprintf("cnninte.Of.%s(%d)", step, n), "need at least 1 %s", what)
	}
	*field = n
	return *r
}

// On sets the training data: what the network was trained on, best, since the clusters are
// those of its hidden values.
func (r Recipe) On(data datasets.Source) Recipe {
	if r.check() == nil && isNil(data) {
		r.err = xai.Stepf("cnninte.Of.On", "need data, have nil")
		return r
	}
	r.data = data
	return r
}

// check returns the first mistake of the chain.
func (r Recipe) check() error {
	if r.err == nil && r.net == nil {
		return errors.New("cnninte: a recipe starts with cnninte.Of(net)")
	}
	return r.err
}

// ready returns the first mistake of a chain that is to be built.
func (r Recipe) ready() error {
	if err := r.check(); err != nil {
		return err
	}
	if r.data == nil {
		return xai.Stepf("cnninte.Of", "there are no training data; add On(data)")
	}
	return nil
}

// version is raised with every change that alters results.
const version = "cnninte/1"

// Provenance is what is needed to make the same result again.
type Provenance struct {
	Version string // of this package's algorithms: "cnninte/1"
	Data    string // key of the training set
	Model   string // fingerprint; "" where the network has none
}

func (r Recipe) provenance() Provenance {
	return Provenance{Version: version, Data: r.data.Key(), Model: fingerprint(r.net)}
}

// fingerprint returns that of a model, "" where it has none.
func fingerprint(net any) string {
	if named, ok := net.(xai.Named); ok {
		return named.Fingerprint()
	}
	return ""
}

// Key names everything that determines the interpretation.
func (r Recipe) Key() string {
	if err := r.ready(); err != nil {
		return "cnninte: " + err.Error()
	}
	p := r.provenance()
	return fmt.Sprintf("%s %+v | model %s | data %s", p.Version, r.s, p.Model, p.Data)
}

func isNil(x any) bool {
	v := reflect.ValueOf(x)
	return !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil()
}

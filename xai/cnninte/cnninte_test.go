package cnninte

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/nn"
	"github.com/whybook/whybook/xai/progress"
	"github.com/whybook/whybook/xai/render"
	"github.com/whybook/whybook/xai/tree"
	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"
)

// arch is the paper's kind of network, with few filters and the dense layer of 128 units that
// is interpreted.
func arch() nn.Arch {
	return nn.Image(datasets.Shape{Channels: 1, Height: 28, Width: 28}).
		Conv(6, 5).ReLU().MaxPool(2).Conv(12, 3).ReLU().MaxPool(2).Dense(128).ReLU().Dense(10)
}

func digits() datasets.Recipe { return datasets.MNIST().Train().Take(2000) }
func unseen() datasets.Recipe { return datasets.MNIST().Test().Take(500) }

var trained = sync.OnceValues(func() (*nn.Net, error) {
	return arch().Fit(digits(), nn.Training{Epochs: 3, Seed: 7}).Build(context.Background())
})

func net(t testing.TB) *nn.Net {
	t.Helper()
	n, err := trained()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func small(t testing.TB) Recipe {
	return Of(net(t)).Layer("fc1").Factors(3).Clusters(5).Trees(20).Depth(6).On(digits())
}

var interpreted = sync.OnceValues(func() (*Interpretation, error) {
	n, err := trained()
	if err != nil {
		return nil, err
	}
	return Of(n).Layer("fc1").Factors(3).Clusters(5).Trees(20).Depth(6).On(digits()).Build(context.Background())
})

func interpretation(t testing.TB) *Interpretation {
	t.Helper()
	in, err := interpreted()
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func tested(t testing.TB) *Tested {
	t.Helper()
	out, err := interpretation(t).Test(t.Context(), unseen())
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func set(t testing.TB, s datasets.Source) datasets.Set {
	t.Helper()
	out, err := s.Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestAccuracyIsTheNetworks: the class is the network's own, bit for bit the same scores.
func TestAccuracyIsTheNetworks(t *testing.T) {
	data, te := set(t, unseen()), tested(t)
	want, err := net(t).Predict(t.Context(), data.Batch(nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(te.Network, want) {
		t.Error("the classes are not those of the network")
	}
	e, err := net(t).Evaluate(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	if q := te.Quality(); q.Network.Hits != len(e.Right()) || q.Network.Value() < 0.85 {
		t.Errorf("%v of the network's %d", q.Network, len(e.Right()))
	}
}

// TestAgainstASlowVersion does all of Test again, one instance at a time and from the
// definitions.
func TestAgainstASlowVersion(t *testing.T) {
	in, te, data := interpretation(t), tested(t), set(t, unseen())
	if in.Reading.Asked != "fc1" || in.Reading.Layer.Name != "relu3" || in.Reading.Neurons != 128 || in.Reading.Pooled {
		t.Errorf("reading %+v", in.Reading)
	}
	nodes, fidelity, oracleFidelity, right := in.Tree.Nodes(), 0, 0, 0
	grown := make([][][]tree.Node, len(in.Factors))
	for g, f := range in.Factors {
		for n := range f.Forest.Len() {
			grown[g] = append(grown[g], f.Forest.Tree(n).Nodes())
		}
	}
	for i := range data.Len() {
		x := data.Batch(nil, []int{i})
		h, err := net(t).Activations(t.Context(), "fc1", x)
		if err != nil {
			t.Fatal(err)
		}
		row, says, oracleSays := h.RawRowView(0), []int(nil), []int(nil)
		for g, f := range in.Factors {
			best, least := 0, math.Inf(1)
			for c := range f.Clusters() {
				d := 0.0
				for p, j := range f.Neurons {
					v := max(row[j], 0) - f.Centroids.At(c, p)
					d += v * v
				}
				if d < least {
					best, least = c, d
				}
			}
			// A distance computed in another order may tie otherwise.
			if best != te.Oracle[g][i] {
				t.Errorf("instance %d, factor %d: oracle %d, want %d", i, g, te.Oracle[g][i], best)
			}
			votes := make([]float64, f.Clusters())
			for n := range f.Forest.Len() {
				_, leaf, err := f.Forest.Tree(n).Path(x.RawRowView(0))
				if err != nil {
					t.Fatal(err)
				}
				l := grown[g][n][leaf]
				for c := range votes {
					votes[c] += l.Values[c] / l.Weight
				}
			}
			if votes[te.Forests[g][i]] < slices.Max(votes)-1e-9 {
				t.Errorf("instance %d, factor %d: forest says %d of %v", i, g, te.Forests[g][i], votes)
			}
			says, oracleSays = append(says, te.Forests[g][i]), append(oracleSays, best)
		}
		walk := func(clusters []int) (int, int) {
			at := 0
			for !nodes[at].Leaf() {
				q := in.Questions()[nodes[at].Feature]
				if at = nodes[at].Left; slices.Contains(q.Clusters, clusters[q.Factor]) {
					at = nodes[nodes[at].Parent].Right
				}
			}
			return at, nodes[at].Class()
		}
		leaf, class := walk(says)
		_, oracle := walk(oracleSays)
		if leaf != te.Leaf[i] || class != te.Tree[i] || oracle != te.TreeOracle[i] {
			t.Errorf("instance %d: leaf %d and classes %d, %d; want %d and %d, %d", i, te.Leaf[i], te.Tree[i], te.TreeOracle[i], leaf, class, oracle)
		}
		for _, c := range []struct {
			hit bool
			n   *int
		}{{class == te.Network[i], &fidelity}, {oracle == te.Network[i], &oracleFidelity}, {class == data.Labels[i], &right}} {
			if c.hit {
				*c.n++
			}
		}
	}
	q := te.Quality()
	if q.Fidelity.Hits != fidelity || q.FidelityOracle.Hits != oracleFidelity || q.Tree.Hits != right || q.Rows != data.Len() {
		t.Errorf("%+v; want %d, %d and %d", q, fidelity, oracleFidelity, right)
	}
	if q.Fidelity.Value() < 0.6 || q.FidelityOracle.Value() < 0.6 {
		t.Errorf("fidelity %v, oracle %v", q.Fidelity, q.FidelityOracle)
	}
	sum := 0
	for _, row := range te.Confusion() {
		for _, n := range row {
			sum += n
		}
	}
	if sum != data.Len() {
		t.Errorf("confusion of %d", sum)
	}
}

// TestExplanations: one by one and together they say what Test says, steps are true, and the
// pixels add up.
func TestExplanations(t *testing.T) {
	in, te, data := interpretation(t), tested(t), set(t, unseen())
	list, err := in.ExplainEach(t.Context(), unseen())
	if err != nil || len(list) != data.Len() {
		t.Fatal(len(list), err)
	}
	for i, e := range list {
		if e.Network != te.Network[i] || e.Tree != te.Tree[i] || e.Leaf != te.Leaf[i] || e.TreeOracle != te.TreeOracle[i] || e.Label != data.Labels[i] || len(e.Parts) != 3 {
			t.Fatalf("instance %d: %+v", i, e)
		}
		for _, s := range e.Path {
			if s.Yes != slices.Contains(s.Clusters, te.Forests[s.Factor][i]) {
				t.Errorf("instance %d: %v, but the forest says %d", i, s, te.Forests[s.Factor][i]+1)
			}
		}
		for _, p := range e.Parts {
			total := 0.0
			for _, v := range p.Shares {
				total += v
			}
			if p.Oracle != te.Oracle[p.Factor][i] || p.Cluster != te.Forests[p.Factor][i] || math.Abs(total-1) > 1e-9 {
				t.Errorf("instance %d: %+v", i, p)
			}
		}
	}
	e, err := in.Explain(t.Context(), data.At(3))
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(e.Path, e.Tree, e.Network) != fmt.Sprint(list[3].Path, list[3].Tree, list[3].Network) {
		t.Error("alone it is explained otherwise")
	}
	for _, p := range e.Parts {
		pixels, err := e.Pixels(t.Context(), p.Factor)
		if err != nil {
			t.Fatal(err)
		}
		sum, root, f := 0.0, 0.0, in.Factors[p.Factor].Forest
		for _, v := range pixels {
			sum += v
		}
		for i := range f.Len() {
			n := f.Tree(i).Nodes()[0]
			root += n.Values[p.Cluster] / n.Weight / float64(f.Len())
		}
		if math.Abs(sum-(p.Shares[p.Cluster]-root)) > 1e-9 {
			t.Errorf("factor %d: pixels add up to %v, want %v - %v", p.Factor+1, sum, p.Shares[p.Cluster], root)
		}
	}
	if _, err := e.Pixels(t.Context(), 3); !errors.Is(err, xai.ErrTarget) {
		t.Errorf("pixels of a factor that does not exist: %v", err)
	}
}

// TestDescriptions: counts, means and nearest instances are those of their clusters.
func TestDescriptions(t *testing.T) {
	in, data := interpretation(t), set(t, digits())
	seen := make(map[int]bool)
	for _, f := range in.Factors {
		for _, j := range f.Neurons {
			if seen[j] {
				t.Errorf("neuron %d is in two factors", j)
			}
			seen[j] = true
		}
	}
	for _, j := range in.Dead {
		seen[j] = true
	}
	if len(seen) != 128 {
		t.Errorf("%d neurons of 128", len(seen))
	}
	counts := make([]int, 10)
	for i, c := range in.Identities[0] {
		if c == 0 {
			counts[in.Targets[i]]++
		}
	}
	if !slices.Equal(counts, in.Factors[0].Counts[0]) {
		t.Errorf("the network's classes in a cluster are %v, want %v", in.Factors[0].Counts[0], counts)
	}
	f, c := &in.Factors[1], 2
	mean, n := make([]float64, 784), 0
	for i, label := range in.Identities[1] {
		if label == c {
			n++
			for j, v := range data.At(i).X {
				mean[j] += v
			}
		}
	}
	for j := range mean {
		if math.Abs(mean[j]/float64(n)-f.Means.At(c, j)) > 1e-9 {
			t.Fatalf("mean of pixel %d is %v, want %v", j, f.Means.At(c, j), mean[j]/float64(n))
		}
	}
	if f.Sizes[c] != n || !slices.IsSortedFunc(f.Sizes, func(a, b int) int { return b - a }) {
		t.Errorf("sizes %v, cluster %d has %d", f.Sizes, c, n)
	}
	h, err := net(t).Activations(t.Context(), "relu3", data.Batch(nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range f.Nearest[c] {
		nearer := 0
		for i, label := range in.Identities[1] {
			if label == c && math.Sqrt(f.distance(h.RawRowView(i), c)) < e.Distance {
				nearer++
			}
		}
		if nearer >= exemplars || in.Identities[1][e.Index] != c || !slices.Equal(e.X, data.At(e.Index).X) || e.Label != data.Labels[e.Index] {
			t.Errorf("instance %d is not among the nearest: %d are nearer", e.Index, nearer)
		}
	}
	if len(f.Nearest[c]) != exemplars || len(f.Cloud.X) != cloudSize {
		t.Errorf("%d nearest, %d points", len(f.Nearest[c]), len(f.Cloud.X))
	}
}

func TestRelabelling(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := rapid.IntRange(1, 6).Draw(t, "k")
		labels := append(indices(0, k), rapid.SliceOfN(rapid.IntRange(0, k-1), 0, 40).Draw(t, "labels")...)
		names := rapid.Permutation(indices(0, k)).Draw(t, "names")
		other := make([]int, len(labels))
		for i, l := range labels {
			other[i] = names[l]
		}
		a, order := canonical(labels, k)
		b, _ := canonical(other, k)
		if !slices.Equal(a, b) {
			t.Fatalf("%v and %v become %v and %v", labels, other, a, b)
		}
		for i, l := range labels {
			if order[a[i]] != l {
				t.Fatalf("cluster %d was %d, not %d", a[i], l, order[a[i]])
			}
		}
	})
	// The tree's answers do not depend on the numbers either, nor does fidelity: the clusters of
	// one factor in another order are columns in another order.
	in := interpretation(t)
	other := *in
	other.Identities = slices.Clone(in.Identities)
	other.Identities[1] = make([]int, len(in.Identities[1]))
	for i, c := range in.Identities[1] {
		other.Identities[1][i] = (c + 2) % 5
	}
	var err error
	if other.Tree, err = other.tree(t.Context(), 6); err != nil {
		t.Fatal(err)
	}
	a, _, err := in.decide(t.Context(), in.Identities)
	if err != nil {
		t.Fatal(err)
	}
	b, _, err := other.decide(t.Context(), other.Identities)
	if err != nil {
		t.Fatal(err)
	}
	if r := agree(a, b); r.Hits != r.Of {
		t.Errorf("after renumbering clusters %v of the answers stay", r)
	}
}

func saved(t testing.TB, in *Interpretation) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := in.Save(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestSameBytesOnAnyNumberOfProcessors(t *testing.T) {
	want := saved(t, interpretation(t))
	r := small(t)
	for _, procs := range []int{1, 3} {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		in, err := r.Batch(100 + procs).Build(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(saved(t, in), want) {
			t.Errorf("other bytes on %d processors", procs)
		}
	}
	other, err := r.Seed(1).Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(saved(t, other), want) {
		t.Error("another seed gives the same bytes")
	}
}

func TestSaveLoad(t *testing.T) {
	in, r := interpretation(t), small(t)
	file := saved(t, in)
	again, err := r.Load(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(saved(t, again), file) {
		t.Error("it is saved otherwise after loading")
	}
	te, err := again.Test(t.Context(), unseen())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := te.Quality(), tested(t).Quality(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%+v after loading, want %+v", got, want)
	}
	alone, err := Load(bytes.NewReader(file), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := alone.View().PNG(); err != nil {
		t.Error(err)
	}
	if _, err := alone.Test(t.Context(), unseen()); !errors.Is(err, ErrModel) {
		t.Errorf("without a network: %v", err)
	}
	if _, err := alone.Explain(t.Context(), set(t, unseen()).At(0)); !errors.Is(err, ErrModel) {
		t.Errorf("without a network: %v", err)
	}
	other, err := arch().Init(3)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Load(bytes.NewReader(file), other); !errors.Is(err, ErrModel) {
		t.Errorf("another network: %v", err)
	}
	for _, cut := range []int{0, 1, 20, len(file) / 2, len(file) - 1} {
		if _, err := Load(bytes.NewReader(file[:cut]), nil); !errors.Is(err, ErrFormat) {
			t.Errorf("cut at %d: %v", cut, err)
		}
	}
	for i := 17; i < len(file); i += len(file)/8 + 1 {
		damaged := slices.Clone(file)
		damaged[i] ^= 0x40
		if _, err := Load(bytes.NewReader(damaged), nil); !errors.Is(err, ErrFormat) {
			t.Errorf("damaged at %d: %v", i, err)
		}
	}
	if _, err := Load(bytes.NewReader(append(slices.Clone(file), file...)), nil); !errors.Is(err, ErrFormat) {
		t.Errorf("twice: %v", err)
	}
}

func TestSample(t *testing.T) {
	a, b := sample(1, 1000, 10), sample(2, 1000, 10)
	if len(a) != 10 || !slices.IsSorted(a) || len(slices.Compact(slices.Clone(a))) != 10 || slices.Equal(a, b) || !slices.Equal(a, sample(1, 1000, 10)) {
		t.Errorf("samples %v and %v", a, b)
	}
	if got := sample(1, 3, 10); !slices.Equal(got, []int{0, 1, 2}) {
		t.Errorf("more than there are: %v", got)
	}
}

func TestDefaults(t *testing.T) {
	in, err := Of(sixNet()).Trees(2).Factors(2).Clusters(2).On(sixClasses(300, 1)).Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := (Settings{Layer: "hidden", Factors: 2, Clusters: 2, Trees: 2, TreeLeaf: 1, Depth: 5, MinLeaf: 3, Criterion: tree.Entropy, Quiet: 0.01, Sample: 300}); in.Settings != want {
		t.Errorf("%+v, want %+v", in.Settings, want)
	}
	// The impurity of the root by both criteria.
	counts, entropy, gini := make([]float64, 6), 0.0, 1.0
	for _, c := range in.Targets {
		counts[c] += 1.0 / 300
	}
	for _, p := range counts {
		entropy, gini = entropy-p*math.Log(p), gini-p*p
	}
	for criterion, want := range map[tree.Criterion]float64{tree.Entropy: entropy, tree.Gini: gini} {
		in.Settings.Criterion = criterion
		grown, err := in.tree(t.Context(), 3)
		if err != nil {
			t.Fatal(err)
		}
		if got := grown.Nodes()[0].Impurity; math.Abs(got-want) > 1e-9 {
			t.Errorf("%v: impurity of the root %v, want %v", criterion, got, want)
		}
	}
	if s := Of(sixNet()).s; s.Factors != 5 || s.Clusters != 10 || s.Trees != 100 {
		t.Errorf("%+v", s)
	}
}

func TestKeys(t *testing.T) {
	r := small(t)
	keys := map[string]string{}
	for name, other := range map[string]Recipe{
		"as it is": r, "layer": r.Layer("relu2"), "flatten": r.Flatten(), "variant": r.Variant(Rows), "factors": r.Factors(4), "clusters": r.Clusters(6),
		"trees": r.Trees(21), "tree leaf": r.TreeLeaf(2), "depth": r.Depth(7), "min leaf": r.MinLeaf(3), "sample": r.Sample(9), "sets": r.Sets(), "quiet": r.Quiet(0), "criterion": r.Criterion(tree.Gini), "seed": r.Seed(9), "data": r.On(unseen()),
	} {
		if twin, ok := keys[other.Key()]; ok {
			t.Errorf("%q and %q have one key", name, twin)
		}
		keys[other.Key()] = name
	}
	if r.Batch(3).Memory(4e9).Key() != r.Key() {
		t.Error("what does not change the result changes the key")
	}
}

func TestMaps(t *testing.T) {
	r := Of(net(t)).Layer("conv2").Factors(2).Clusters(3).Trees(2).On(digits().Take(200))
	in, err := r.Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if in.Reading.String() != `layer "conv2" after its rectifier "relu2", the means of its 12 maps` {
		t.Error(in.Reading)
	}
	// Rows of the pooled layer from the definition.
	x := set(t, unseen()).Batch(nil, []int{0, 1})
	maps, err := net(t).Activations(t.Context(), "relu2", x)
	if err != nil {
		t.Fatal(err)
	}
	h, err := read(t.Context(), net(t), in.Reading, 2, 2, func(*mat.Dense, int, int) *mat.Dense { return x })
	if err != nil {
		t.Fatal(err)
	}
	for c := range 12 {
		sum := 0.0
		for p := range 196 {
			sum += maps.At(1, 196*c+p)
		}
		if math.Abs(sum/196-h.values.At(1, c)) > 1e-12 {
			t.Errorf("map %d: mean %v, want %v", c, h.values.At(1, c), sum/196)
		}
	}
	in, err = r.Layer("pool2").Flatten().Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if in.Reading.Neurons != 12*49 || in.Reading.String() != `layer "pool2", all 588 values of its 12 maps` {
		t.Error(in.Reading)
	}
}

// TestBadInput is what users do wrong: each has an error that says what to do.
func TestBadInput(t *testing.T) {
	r, in := small(t), interpretation(t)
	var nilNet *nn.Net
	build := func(r Recipe) error { _, err := r.Build(t.Context()); return err }
	wide := datasets.Sample{X: make([]float64, 900), Shape: datasets.Shape{Channels: 1, Height: 30, Width: 30}, Label: -1}
	flat := datasets.Sample{X: make([]float64, 784), Shape: datasets.Shape{Channels: 1, Height: 1, Width: 784}, Label: -1}
	nan := set(t, unseen()).At(0)
	nan.X = slices.Clone(nan.X)
	nan.X[5] = math.NaN()
	explain := func(s datasets.Sample) error { _, err := in.Explain(t.Context(), s); return err }
	var step *xai.StepError
	for name, c := range map[string]struct {
		err  error
		is   error
		says string
	}{
		"no network":            {build(Of(nil)), nil, "need a network"},
		"nil network":           {build(Of(nilNet).Layer("fc1").On(digits())), nil, "need a network"},
		"zero recipe":           {build(Recipe{}), nil, "starts with cnninte.Of"},
		"no such layer":         {build(Of(net(t)).Layer("fc9").On(digits())), xai.ErrLayer, "relu3"},
		"no data":               {build(Of(net(t)).Layer("fc1")), nil, "add On(data)"},
		"nil data":              {build(r.On(nil)), nil, "need data"},
		"no factors":            {build(r.Factors(0)), nil, "cnninte.Of.Factors(0): need at least 1 factor"},
		"no clusters":           {build(r.Clusters(-1)), nil, "at least 1 cluster"},
		"no trees":              {build(r.Trees(0)), nil, "at least 1 tree"},
		"no depth":              {build(r.Depth(0)), nil, "at least 1 test"},
		"no such variant":       {build(r.Variant(7)), nil, "Columns and Rows"},
		"first mistake":         {build(r.Depth(0).Trees(0).Layer("x")), nil, "Depth(0)"},
		"memory, hidden values": {build(r.Memory(1000)), ErrMemory, "narrower layer"},
		"memory, forests":       {build(r.Memory(8*2000*128 + 4<<20)), ErrMemory, "fewer Trees"},
		"sets of many clusters": {build(r.Sets().Clusters(13).Trees(1)), nil, "at most 12"},
		"quiet":                 {build(r.Quiet(1)), nil, "share in [0, 1)"},
		"criterion":             {build(r.Criterion(9)), nil, "tree.Entropy"},
		"quiet NaN":             {build(r.Quiet(math.NaN())), nil, "share in [0, 1)"},
		"other data":            {build(r.On(sixClasses(50, 1))), xai.ErrShape, "takes 784 values"},
		"too few images":        {build(r.On(digits().Take(3000))), datasets.ErrTooFew, ""},
		"other shape":           {explain(wide), xai.ErrShape, "1x30x30"},
		"other order":           {explain(flat), xai.ErrShape, "1x1x784"},
		"not a number":          {explain(nan), datasets.ErrNotFinite, ""},
		"sample of no set":      {explain(datasets.Sample{}), nil, ""},
		"index of no sample":    {explain(set(t, unseen()).At(-1)), nil, ""},
	} {
		switch {
		case c.err == nil:
			t.Errorf("%s: no error", name)
		case c.is != nil && !errors.Is(c.err, c.is), !strings.Contains(c.err.Error(), c.says):
			t.Errorf("%s: %v", name, c.err)
		case strings.HasPrefix(c.says, "at least") && !errors.As(c.err, &step):
			t.Errorf("%s is no StepError: %v", name, c.err)
		}
	}
	if !strings.Contains(r.Depth(0).Key(), "Depth(0)") {
		t.Error(r.Depth(0).Key())
	}
	if _, err := tested(t).Depths(t.Context(), 3, 0); err == nil {
		t.Error("depth 0 of Depths")
	}
	if _, err := in.Test(t.Context(), nil); err == nil {
		t.Error("no test data")
	}
	if _, err := in.Test(t.Context(), sixClasses(5, 1)); !errors.Is(err, xai.ErrShape) {
		t.Errorf("test data of another shape: %v", err)
	}
	if err := in.FactorView(3).Err(); !errors.Is(err, xai.ErrTarget) {
		t.Errorf("view of no factor: %v", err)
	}
}

// TestInterrupt ends the context at the first report of every task.
func TestInterrupt(t *testing.T) {
	r := small(t)
	tasks := map[string]bool{}
	ctx := progress.WithReporter(t.Context(), func() progress.Reporter {
		var mu sync.Mutex
		return func(e progress.Event) { mu.Lock(); tasks[e.Task] = true; mu.Unlock() }
	}())
	if _, err := r.Trees(2).Build(ctx); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"hidden layer", "clusters", "forests of the factors"} {
		if !tasks[want] {
			t.Errorf("no report of %q, only of %v", want, tasks)
		}
	}
	for _, task := range []string{"hidden layer", "clusters"} {
		ctx, cancel := context.WithCancel(t.Context())
		ctx = progress.WithReporter(ctx, func(e progress.Event) {
			if e.Task == task {
				cancel()
			}
		})
		if _, err := r.Build(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("interrupted in %q: %v", task, err)
		}
		cancel()
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := interpretation(t).Test(gone, unseen()); !errors.Is(err, context.Canceled) {
		t.Errorf("test: %v", err)
	}
	if _, err := interpretation(t).ExplainEach(gone, unseen()); !errors.Is(err, context.Canceled) {
		t.Errorf("explain: %v", err)
	}
	if _, err := r.Sweep(unseen(), Grid{}).Build(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("sweep: %v", err)
	}
}

func TestSweep(t *testing.T) {
	r := small(t)
	s := r.Sweep(unseen(), Grid{Factors: []int{3, 200}, Clusters: []int{5}, Trees: []int{20, 5}, Depths: []int{6, 2, 6}})
	f, err := s.Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Settings) != 5 || len(f.Baselines) != 6 || f.Settings[4].Note == "" {
		t.Fatalf("%+v", f)
	}
	// The setting of the recipe has the recipe's quality.
	q, got := tested(t).Quality(), f.Settings[3]
	if got.Trees != 20 || got.Depth != 6 || got.Fidelity != q.Fidelity || got.FidelityOracle != q.FidelityOracle || got.Tree != q.Tree || got.Leaves != q.Leaves {
		t.Errorf("%+v, want %+v", got, q)
	}
	five, err := r.Trees(5).Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	te, err := five.Test(t.Context(), unseen())
	if err != nil {
		t.Fatal(err)
	}
	if got, q := f.Settings[1], te.Quality(); got.Trees != 5 || got.Fidelity != q.Fidelity {
		t.Errorf("%+v, want %+v", got, q)
	}
	if best, ok := f.Best(6); !ok || best.Depth != 6 {
		t.Errorf("best %+v", best)
	}
	if _, ok := f.Best(1); ok {
		t.Error("a best setting of depth 1")
	}
	// A baseline from its definition.
	train, test := set(t, digits()), set(t, unseen())
	one, err := tree.CART{MaxDepth: 6}.Classify(t.Context(), train.Batch(nil, nil), interpretation(t).Targets, 10)
	if err != nil {
		t.Fatal(err)
	}
	says, err := one.Predict(t.Context(), test.Batch(nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	if b := f.Baselines[3]; b.Name != OnNetwork || b.Depth != 6 || b.Fidelity != agree(says, te.Network) || b.Tree != agree(says, test.Labels) {
		t.Errorf("baseline %+v, want fidelity %v", b, agree(says, te.Network))
	}
	var file bytes.Buffer
	if err := s.Save(&file, f); err != nil {
		t.Fatal(err)
	}
	again, err := s.Load(bytes.NewReader(file.Bytes()))
	if err != nil || fmt.Sprint(again) != fmt.Sprint(f) {
		t.Errorf("loaded %+v, %v", again, err)
	}
	if _, err := s.Load(bytes.NewReader(file.Bytes()[:50])); !errors.Is(err, ErrFormat) {
		t.Errorf("half a file: %v", err)
	}
	if err := f.View().Err(); err != nil {
		t.Error(err)
	}
	if _, err := r.Sweep(unseen(), Grid{Depths: []int{0, 3}}).Build(t.Context()); err == nil || !strings.Contains(err.Error(), "field Depths") {
		t.Errorf("depth 0: %v", err)
	}
	if _, err := r.Sweep(nil, Grid{}).Build(t.Context()); err == nil {
		t.Error("no test data")
	}
}

func TestRate(t *testing.T) {
	// 8 of 10: Wilson's interval by hand, (p + z²/2n ± z sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n).
	low, high := Rate{Hits: 8, Of: 10}.Interval()
	if math.Abs(low-0.4901625) > 1e-6 || math.Abs(high-0.9433178) > 1e-6 {
		t.Errorf("[%v, %v]", low, high)
	}
	if low, high := (Rate{0, 10}).Interval(); low != 0 || math.Abs(high-0.2775328) > 1e-6 {
		t.Errorf("none of 10: [%v, %v]", low, high)
	}
	if low, high := (Rate{10, 10}).Interval(); high != 1 || math.Abs(low-0.7224672) > 1e-6 {
		t.Errorf("all of 10: [%v, %v]", low, high)
	}
	if got := purity([]int{0, 0, 0, 1, 1}, []int{2, 2, 1, 0, 1}, 2, 3); math.Abs(got-0.6) > 1e-12 {
		t.Errorf("purity %v, want 3/5", got)
	}
}

func TestViews(t *testing.T) {
	in, te := interpretation(t), tested(t)
	report, err := te.Report(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	page, err := report.HTML()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"How far it can be trusted", "Factor 3", "Wrong: the network errs", "Tree and network disagree", "<svg", "in no factor"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q", want)
		}
	}
	c := te.Cases()
	if c.Right < 0 || c.Wrong < 0 || c.Disagree < 0 {
		t.Fatalf("cases %+v", c)
	}
	e, err := in.Explain(t.Context(), set(t, unseen()).At(c.Disagree))
	if err != nil {
		t.Fatal(err)
	}
	v, err := e.View(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if text := v.Text(); !strings.Contains(text, "does not explain the network's answer") || !strings.Contains(text, "in cluster") {
		t.Error(text)
	}
	depths, err := te.Depths(t.Context(), 1, 3, 5)
	if err != nil {
		t.Fatal(err)
	}
	// The page has drawn all others.
	for name, v := range map[string]render.View{"depth": DepthView(depths), "flow": te.FlowView().In(render.Dark)} {
		if _, err := v.PNG(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if in.FactorView(0).Err() != nil || te.View().Err() != nil {
		t.Error(in.FactorView(0).Err(), te.View().Err())
	}
}

// TestSets asks for several clusters at once: all divisions in two, once each, and a tree that
// agrees with the network more often at a small depth, here on the data it was grown on.
func TestSets(t *testing.T) {
	in := interpretation(t)
	other := *in
	other.Settings.Sets = true
	seen := map[string]bool{}
	for _, q := range other.Questions()[:15] {
		rest := Question{Factor: q.Factor}
		for c := range 5 {
			if !slices.Contains(q.Clusters, c) {
				rest.Clusters = append(rest.Clusters, c)
			}
		}
		if q.Factor != 0 || len(q.Clusters) > 2 || !slices.IsSorted(q.Clusters) || seen[q.String()] || seen[rest.String()] {
			t.Errorf("question %v", q)
		}
		seen[q.String()] = true
	}
	if n := len(other.Questions()); n != 3*15 {
		t.Errorf("%d questions, want 3 x (2^4 - 1)", n)
	}
	if got := fmt.Sprint(other.Questions()[:7]); got != "[factor 1 in cluster 1 factor 1 in cluster 2 factor 1 in cluster 3 factor 1 in cluster 4 factor 1 in cluster 5 factor 1 in cluster 1 or 2 factor 1 in cluster 1 or 3]" {
		t.Error(got)
	}
	for depth := 1; depth < 5; depth++ {
		var rates []Rate
		for _, i := range []*Interpretation{in, &other} {
			one := *i
			var err error
			if one.Tree, err = one.tree(t.Context(), depth); err != nil {
				t.Fatal(err)
			}
			says, _, err := one.decide(t.Context(), in.Identities)
			if err != nil {
				t.Fatal(err)
			}
			rates = append(rates, agree(says, in.Targets))
		}
		if depth == 3 && rates[1].Hits <= rates[0].Hits {
			t.Errorf("depth %d: %v with single clusters, %v with sets", depth, rates[0], rates[1])
		}
	}
	// Through the whole of it, with a factor of one cluster beside.
	built, err := small(t).Sets().Depth(3).Trees(3).Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	again, err := small(t).Sets().Depth(3).Trees(3).Load(bytes.NewReader(saved(t, built)))
	if err != nil {
		t.Fatal(err)
	}
	e, err := again.Explain(t.Context(), set(t, unseen()).At(0))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range e.Path {
		for _, p := range e.Parts {
			if p.Factor == s.Factor && s.Yes != slices.Contains(s.Clusters, p.Cluster) {
				t.Errorf("%v, but the forest says %d", s, p.Cluster+1)
			}
		}
	}
	if err := again.View().Err(); err != nil {
		t.Error(err)
	}
	if got := (Question{1, []int{0, 3, 6}}).String(); got != "factor 2 in cluster 1, 4 or 7" {
		t.Error(got)
	}
}

func TestTable(t *testing.T) {
	te := tested(t)
	df := te.Table()
	if rows, cols := df.Dims(); rows != 500 || cols != 10 || df.Err != nil {
		t.Fatal(rows, cols, df.Err)
	}
	if got, want := df.Elem(7, 3).String(), interpretation(t).Classes[te.Tree[7]]; got != want || df.Elem(7, 4).String() != fmt.Sprint(te.Forests[0][7]+1) {
		t.Errorf("row 7: %v, want %v and %d", df.Subset(7), want, te.Forests[0][7]+1)
	}
}

// TestForestBound: the bound holds for all forests together, not for each.
func TestForestBound(t *testing.T) {
	in := interpretation(t)
	size := 0
	for _, f := range in.Factors {
		size += f.Forest.Size()
	}
	if size > in.Size() || size < in.Factors[0].Forest.Size()*2 {
		t.Errorf("forests of %d bytes in all, the interpretation says %d", size, in.Size())
	}
	table, err := tree.Prepare(t.Context(), inputs(set(t, digits())), 0)
	if err != nil {
		t.Fatal(err)
	}
	rest := 8*2000*128 + table.Bytes() + 64<<10
	if _, err := small(t).Memory(rest + size*2/3).Build(t.Context()); !errors.Is(err, ErrMemory) || !strings.Contains(err.Error(), "forest of factor 3 of 3") {
		t.Errorf("two thirds of the forests fit: %v", err)
	}
	if _, err := small(t).Memory(rest + size).Build(t.Context()); err != nil {
		t.Errorf("all forests fit: %v", err)
	}
}

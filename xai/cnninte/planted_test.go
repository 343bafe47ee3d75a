package cnninte

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/mat"
)

// planted is a model whose hidden layer is known: hidden maps an input to its neurons, score
// an input to its class.
type planted struct {
	inputs, neurons, classes int
	hidden                   func(x []float64) []float64
	class                    func(x []float64) int
}

func (p planted) Dims() (int, int) { return p.inputs, p.classes }

func (p planted) Layers() []xai.Layer {
	return []xai.Layer{
		{Name: "hidden", Kind: "fc", Channels: p.neurons, Height: 1, Width: 1},
		{Name: "scores", Kind: "fc", Channels: p.classes, Height: 1, Width: 1},
	}
}

func (p planted) Scores(_ context.Context, x *mat.Dense) (*mat.Dense, error) {
	n, _ := x.Dims()
	s := mat.NewDense(n, p.classes, nil)
	for i := range n {
		s.Set(i, p.class(x.RawRowView(i)), 1)
	}
	return s, nil
}

func (p planted) Activations(ctx context.Context, layer string, x *mat.Dense) (*mat.Dense, error) {
	if layer == "scores" {
		return p.Scores(ctx, x)
	}
	n, _ := x.Dims()
	h := mat.NewDense(n, p.neurons, nil)
	for i := range n {
		h.SetRow(i, p.hidden(x.RawRowView(i)))
	}
	return h, nil
}

func (p planted) Gradients(context.Context, *mat.Dense, *mat.Dense, []int) (*mat.Dense, error) {
	return nil, errors.New("not here")
}

func (p planted) Pull(context.Context, string, string, *mat.Dense, *mat.Dense, *mat.Dense) error {
	return errors.New("not here")
}

func (p planted) After(string) (xai.Differentiable, error) { return nil, errors.New("not here") }

func (p planted) Fingerprint() string { return fmt.Sprintf("planted %d", p.neurons) }

// sixClasses is a table whose class is 2a + b, where a in {0,1,2} and b in {0,1} are its two
// columns but for some noise.
func sixClasses(n int, sd uint64) datasets.Set {
	r := seed.Stream(sd, "test", "six")
	s := datasets.Set{Name: "six", Shape: datasets.Shape{Channels: 1, Height: 1, Width: 2}, Columns: []string{"a", "b"}, Classes: []string{"a0b0", "a0b1", "a1b0", "a1b1", "a2b0", "a2b1"}}
	for range n {
		// Uneven, so that no two clusters are of one size.
		a, b := []int{0, 0, 0, 1, 1, 2}[r.IntN(6)], []int{0, 0, 1}[r.IntN(3)]
		s.Values = append(s.Values, float64(a)+0.1*r.Float64(), float64(b)+0.1*r.Float64())
		s.Labels = append(s.Labels, 2*a+b)
	}
	return s
}

func round(x []float64) (a, b int) { return int(math.Round(x[0])), int(math.Round(x[1])) }

// sixNet has neurons 0, 3 and 5 that know a, 1 and 4 that know b, and 2 and 6 that are dead.
func sixNet() planted {
	return planted{inputs: 2, neurons: 7, classes: 6,
		hidden: func(x []float64) []float64 {
			a, b := x[0], x[1]
			return []float64{3 * a, b, 0, 2*a + 0.01*b, 5 * b, a, 4}
		},
		class: func(x []float64) int { a, b := round(x); return 2*a + b },
	}
}

// TestPlantedFactors has an answer that is known: two groups of neurons, three and two
// clusters of instances, and a tree that asks about both.
func TestPlantedFactors(t *testing.T) {
	train, test := sixClasses(600, 1), sixClasses(230, 2)
	in, err := Of(sixNet()).Layer("hidden").Factors(2).Clusters(3).Trees(10).On(train).Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(in.Dead, in.Factors[0].Neurons, in.Factors[1].Neurons), "[2 6] [0 3 5] [1 4]"; got != want {
		t.Errorf("dead neurons and factors are %s, want %s", got, want)
	}
	// Clusters are numbered by size: a = 0, 1, 2.
	for i, c := range in.Identities[0] {
		if a, _ := round(train.At(i).X); c != a {
			t.Fatalf("instance %d with a = %d is in cluster %d", i, a, c)
		}
	}
	if in.Reading.String() != `layer "hidden", 7 neurons` {
		t.Error(in.Reading)
	}
	tested, err := in.Test(t.Context(), test)
	if err != nil {
		t.Fatal(err)
	}
	q := tested.Quality()
	if q.Fidelity.Hits != 230 || q.FidelityOracle.Hits != 230 || q.Network.Hits != 230 {
		t.Errorf("quality %+v", q)
	}
	// a tells nothing of b: within a, the more frequent b.
	most := make([]int, 6)
	for _, c := range test.Labels {
		most[c]++
	}
	want := float64(max(most[0], most[1])+max(most[2], most[3])+max(most[4], most[5])) / 230
	if got := q.Factors[0].Purity; math.Abs(got-want) > 1e-12 {
		t.Errorf("purity %v, want %v", got, want)
	}
	for i := range 20 {
		e, err := in.Explain(t.Context(), test.At(i))
		if err != nil {
			t.Fatal(err)
		}
		a, _ := round(test.At(i).X)
		if !e.Agrees() || e.Parts[0].Cluster != a && e.Parts[1].Cluster != a || !e.Parts[0].OnPath || !e.Parts[1].OnPath {
			t.Errorf("instance %d: %+v", i, e)
		}
	}
	// What is drawn says the same: who answers yes to the first question.
	first, yes, asked := in.Questions()[in.Tree.Nodes()[0].Feature], 0, 0
	for _, c := range in.Identities[first.Factor] {
		if c == first.Clusters[0] {
			yes++
		}
	}
	for _, c := range tested.Forests[first.Factor] {
		if c == first.Clusters[0] {
			asked++
		}
	}
	branch := regexp.MustCompile(`\n    yes: .*\((\d+) samples`).FindStringSubmatch(in.View().Text())
	if branch == nil || branch[1] != fmt.Sprint(yes) {
		t.Errorf("%d say yes to %v:\n%s", yes, first, in.View().Text())
	}
	if 2*asked == 230 || 2*yes == 600 {
		t.Fatalf("%d and %d say yes: as many as no, and nothing is tested", yes, asked)
	}
	row := regexp.MustCompile(fmt.Sprintf(`\nall +F%d in %d[^\n]*? +(\d+) +\d+ %%`, first.Factor+1, first.Clusters[0]+1)).FindStringSubmatch(tested.FlowView().Text())
	if row == nil || row[1] != fmt.Sprint(asked) {
		t.Errorf("%d of the test instances say yes to %v, drawn is %v:\n%s", asked, first, row, tested.FlowView().Text())
	}
	// The forest of the first factor looks at a, that of the second at b.
	for g := range 2 {
		if v := in.Factors[g].Forest.Importance()[g]; v < 0.95 {
			t.Errorf("factor %d: importance %v", g+1, v)
		}
	}
}

// TestSeedOfForests: with clusters that are found from any start, another seed gives other
// forests and nothing else.
func TestSeedOfForests(t *testing.T) {
	var forests [2]bytes.Buffer
	var clusters [2]string
	for i := range forests {
		in, err := Of(sixNet()).Factors(2).Clusters(2).Trees(3).Seed(uint64(i)).On(sixClasses(300, 1)).Build(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		clusters[i] = fmt.Sprint(in.Identities)
		if err := in.Factors[0].Forest.Save(&forests[i]); err != nil {
			t.Fatal(err)
		}
	}
	if clusters[0] != clusters[1] || bytes.Equal(forests[0].Bytes()[100:], forests[1].Bytes()[100:]) { // behind the header, which has the seed
		t.Error("clusters differ, or forests do not")
	}
}

func TestQuietNeurons(t *testing.T) {
	x := mat.NewDense(200, 4, nil)
	for i := range 200 {
		x.Set(i, 0, float64(i)) // always another value
		if i < 2 {
			x.Set(i, 1, 1) // on a hundredth
		}
		if i == 7 {
			x.Set(i, 2, 1) // on one instance
		}
		x.Set(i, 3, -5)
	}
	for quiet, want := range map[float64]string{0: "[0 1 2] [3]", 0.01: "[0 1] [2 3]", 0.011: "[0] [1 2 3]", 0.999: "[] [0 1 2 3]"} {
		live, dead := neurons(x, indices(0, 200), quiet)
		if got := fmt.Sprint(live, dead); got != want {
			t.Errorf("quiet %v: %s, want %s", quiet, got, want)
		}
	}
	// Rows that are not asked about do not count.
	if live, _ := neurons(x, indices(2, 7), 0); fmt.Sprint(live) != "[0]" {
		t.Error(live)
	}
}

func TestNearestCentroid(t *testing.T) {
	f := []Factor{{Neurons: []int{1}, Centroids: mat.NewDense(3, 1, []float64{5, -1, 1})}}
	got, err := assign(t.Context(), f, mat.NewDense(3, 2, []float64{9, 0, 9, 0.1, -9, 3}))
	if err != nil || fmt.Sprint(got) != "[[1 2 0]]" { // 0 lies between two, 3 too: the first one
		t.Errorf("%v, %v", got, err)
	}
}

func TestRowsVariant(t *testing.T) {
	in, err := Of(sixNet()).Variant(Rows).Factors(3).Clusters(2).Trees(10).On(sixClasses(600, 1)).Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(in.Factors) != 2 || in.Factors[0].Clusters() != 3 || in.Factors[1].Clusters() != 6 || fmt.Sprint(in.Factors[1].Within) != "[0 0 1 1 2 2]" {
		t.Fatalf("factors %+v", in.Factors)
	}
	for i, pair := range in.Identities[1] {
		if in.Factors[1].Within[pair] != in.Identities[0][i] {
			t.Fatalf("instance %d is in pair %d and group %d", i, pair, in.Identities[0][i])
		}
	}
	tested, err := in.Test(t.Context(), sixClasses(200, 2))
	if err != nil {
		t.Fatal(err)
	}
	if f := tested.Quality().FidelityOracle.Value(); f < 0.8 {
		t.Errorf("fidelity %v", f)
	}
	for i, pair := range tested.Oracle[1] {
		if in.Factors[1].Within[pair] != tested.Oracle[0][i] {
			t.Fatalf("oracle of %d: pair %d in group %d", i, pair, tested.Oracle[0][i])
		}
	}
}

// TestCollapse has a factor with two different values only, of which no three clusters can be
// made, and a class that the network never gives.
func TestCollapse(t *testing.T) {
	net := sixNet()
	net.neurons = 3
	net.hidden = func(x []float64) []float64 {
		_, b := round(x)
		return []float64{x[0], 1 + float64(b), 2 * x[0]}
	}
	net.class = func(x []float64) int { a, b := round(x); return min(2*a+b, 4) }
	in, err := Of(net).Factors(2).Clusters(4).Trees(5).On(sixClasses(600, 1)).Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(in.Factors[0].Neurons, in.Factors[1].Neurons) != "[0 2] [1]" || in.Factors[0].Clusters() != 4 || in.Factors[1].Clusters() != 2 {
		t.Errorf("%v with %d clusters, %v with %d", in.Factors[0].Neurons, in.Factors[0].Clusters(), in.Factors[1].Neurons, in.Factors[1].Clusters())
	}
	if fmt.Sprint(in.Missing) != "[5]" {
		t.Errorf("missing classes %v", in.Missing)
	}
	tested, err := in.Test(t.Context(), sixClasses(200, 2))
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range tested.Tree {
		if c == 5 {
			t.Errorf("instance %d gets a class that was never seen", i)
		}
	}
	if q := tested.Quality(); q.Network.Value() > 0.98 || q.Fidelity.Value() < 0.95 {
		t.Errorf("quality %+v", q)
	}
	for _, v := range []interface{ Err() error }{in.View(), in.FactorView(0), in.FactorView(1), tested.FlowView(), tested.ConfusionView()} {
		if v.Err() != nil {
			t.Error(v.Err())
		}
	}
}

// TestNoName: what cannot be told from others is not cached.
func TestNoName(t *testing.T) {
	in, err := Of(unnamed{sixNet()}).Factors(2).Clusters(2).Trees(2).On(sixClasses(60, 1)).Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := Of(unnamed{sixNet()}).Save(io.Discard, in); !errors.Is(err, ErrModel) {
		t.Errorf("a cache would keep it: %v", err)
	}
	if err := in.Save(io.Discard); err != nil {
		t.Error(err)
	}
}

// unnamed is a network without a fingerprint.
type unnamed struct{ xai.Layered }

// TestTooMuch asks for more groups than there is to group.
func TestTooMuch(t *testing.T) {
	data := sixClasses(300, 1)
	net := sixNet()
	net.hidden = func(x []float64) []float64 { a, _ := round(x); return []float64{float64(a), 0, float64(2 * a)} }
	net.neurons = 3
	var factors ErrFactors
	var clusters ErrClusters
	_, err := Of(net).Factors(3).On(data).Build(t.Context())
	if !errors.As(err, &factors) || factors != (ErrFactors{Factors: 3, Live: 2}) {
		t.Errorf("more factors than live neurons: %v", err)
	}
	// In proportion: two neurons, and no two groups.
	_, err = Of(net).Factors(2).On(data).Build(t.Context())
	if !errors.As(err, &factors) || factors != (ErrFactors{Factors: 2, Live: 1}) {
		t.Errorf("more factors than different neurons: %v", err)
	}
	for _, v := range []Variant{Columns, Rows} {
		_, err = Of(net).Variant(v).Factors(1).Clusters(4).On(data).Build(t.Context())
		if !errors.As(err, &clusters) || clusters != (ErrClusters{Clusters: 4, Distinct: 3}) {
			t.Errorf("%v: more clusters than different rows: %v", v, err)
		}
	}
	_, err = Of(net).Factors(1).Clusters(301).On(data).Build(t.Context())
	if !errors.As(err, &clusters) {
		t.Errorf("more clusters than rows: %v", err)
	}
	net.hidden = func([]float64) []float64 { return make([]float64, 3) }
	for _, v := range []Variant{Columns, Rows} {
		if _, err := Of(net).Variant(v).Factors(1).Clusters(1).On(data).Build(t.Context()); !errors.As(err, &factors) || factors.Live != 0 {
			t.Errorf("%v: a dead layer: %v", v, err)
		}
	}
	net.hidden = func([]float64) []float64 { return []float64{1, math.NaN(), 2} }
	if _, err := Of(net).On(data).Build(t.Context()); !errors.Is(err, ErrNotFinite) {
		t.Errorf("NaN in the layer: %v", err)
	}
}

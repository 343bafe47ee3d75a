package cnninte

import (
	"context"
	"fmt"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/progress"
	"github.com/whybook/whybook/xai/tree"
	"gonum.org/v1/gonum/mat"
)

// Explanation is how one instance is classified.
type Explanation struct {
	Sample     datasets.Sample
	Label      int // true class; -1 where unknown
	Network    int // the network's class, which is the answer
	Tree       int // the class that the path leads to
	TreeOracle int // the class that it would lead to with the clusters of the true hidden values

	Path []Step // the tests, from the root
	Leaf int    // where the path ends, as in Interpretation.Tree.Nodes
	// Parts are the factors on the path, in the order in which it meets them; then the others.
	Parts []Part

	in *Interpretation
}

// Step is one test of the tree.
type Step struct {
	Node int // as in Interpretation.Tree.Nodes
	Question
	Yes bool
}

// String says it in words, counting from 1: "factor 2 in cluster 3: yes".
func (s Step) String() string {
	answer := "no"
	if s.Yes {
		answer = "yes"
	}
	return fmt.Sprintf("%v: %s", s.Question, answer)
}

// Part is what a factor says about the instance.
type Part struct {
	Factor  int
	OnPath  bool
	Cluster int       // that the forest gives
	Oracle  int       // that of the true hidden values
	Shares  []float64 // what the forest gives each cluster; they add up to 1
	X, Y    float64   // the true hidden values in the plane of the factor's cloud

	// CentroidX and CentroidY are the centroid of Cluster in the plane.
	CentroidX, CentroidY float64
}

// Agrees reports whether the tree says what the network says.
func (e *Explanation) Agrees() bool { return e.Tree == e.Network }

// Explain explains one instance.
//
// An instance of another shape matches [xai.ErrShape]; one that carries a mistake returns it.
func (in *Interpretation) Explain(ctx context.Context, x datasets.Sample) (*Explanation, error) {
	list, err := in.explain(ctx, []datasets.Sample{x}, 1)
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

// explainTogether is how many instances are explained at once: it bounds the memory that is
// taken beside the explanations.
const explainTogether = 1024

// ExplainEach explains every instance of a set. An explanation takes some hundreds of bytes
// beside its input, which is 8 bytes a value.
func (in *Interpretation) ExplainEach(ctx context.Context, data datasets.Source) ([]*Explanation, error) {
	if isNil(data) {
		return nil, fmt.Errorf("cnninte.Interpretation.ExplainEach: need data, have nil")
	}
	set, err := data.Build(ctx)
	if err != nil {
		return nil, fmt.Errorf("cnninte: %w", err)
	}
	if in.net == nil {
		return nil, fmt.Errorf("cnninte.Interpretation.ExplainEach: load it with its network: %w", ErrModel)
	}
	if err := in.fits(set); err != nil {
		return nil, err
	}
	var list []*Explanation
	for lo := 0; lo < set.Len(); lo += explainTogether {
		var samples []datasets.Sample
		for i := lo; i < min(lo+explainTogether, set.Len()); i++ {
			samples = append(samples, set.At(i))
		}
		part, err := in.explain(ctx, samples, in.batch)
		if err != nil {
			return nil, fmt.Errorf("cnninte: instances from %d on, of %d: %w", lo, set.Len(), err)
		}
		list = append(list, part...)
		progress.Report(ctx, "explain", len(list), set.Len())
	}
	return list, nil
}

func (in *Interpretation) explain(ctx context.Context, samples []datasets.Sample, batch int) ([]*Explanation, error) {
	if in.net == nil {
		return nil, fmt.Errorf("cnninte.Interpretation.Explain: load it with its network: %w", ErrModel)
	}
	x := mat.NewDense(len(samples), in.Shape.Size(), nil)
	for i, s := range samples {
		if err := s.Err(); err != nil {
			return nil, fmt.Errorf("cnninte.Interpretation.Explain: %w", err)
		}
		if s.Shape != in.Shape {
			return nil, fmt.Errorf("cnninte.Interpretation.Explain: the instance is %v, the training set has %v: %w", s.Shape, in.Shape, xai.ErrShape)
		}
		x.SetRow(i, s.X)
	}
	h, err := read(ctx, in.net, in.Reading, len(samples), batch, func(_ *mat.Dense, lo, hi int) *mat.Dense {
		return x.Slice(lo, hi, 0, in.Shape.Size()).(*mat.Dense)
	})
	if err != nil {
		return nil, err
	}
	oracle, err := assign(ctx, in.Factors, h.values)
	if err != nil {
		return nil, err
	}
	treeOracle, _, err := in.decide(ctx, oracle)
	if err != nil {
		return nil, err
	}
	shares, clusters := make([]*mat.Dense, len(in.Factors)), make([][]int, len(in.Factors))
	for g := range in.Factors {
		if shares[g], err = in.Factors[g].Forest.Values(ctx, x); err != nil {
			return nil, fmt.Errorf("cnninte: factor %d: %w", g+1, err)
		}
		clusters[g] = make([]int, len(samples))
		for i := range samples {
			clusters[g][i] = largest(shares[g].RawRowView(i))
		}
	}
	hot, ask := in.hot(clusters), asker{in.Questions(), in.answers()}
	list := make([]*Explanation, len(samples))
	for i, s := range samples {
		e := &Explanation{Sample: s, Label: s.Label, Network: h.classes[i], TreeOracle: treeOracle[i], in: in}
		parts := make([]Part, len(in.Factors))
		for g := range in.Factors {
			parts[g] = in.part(g, clusters[g][i], oracle[g][i], shares[g].RawRowView(i), h.values.RawRowView(i))
		}
		if err := e.follow(hot, i, ask, parts); err != nil {
			return nil, err
		}
		list[i] = e
	}
	return list, nil
}

// part describes what factor g says.
func (in *Interpretation) part(g, clusterOf, oracle int, shares, values []float64) Part {
	f := &in.Factors[g]
	p := Part{Factor: g, Cluster: clusterOf, Oracle: oracle, Shares: shares}
	row := make([]float64, len(f.Neurons))
	for q, j := range f.Neurons {
		row[q] = values[j]
	}
	p.X, p.Y = f.place(row)
	p.CentroidX, p.CentroidY = f.place(f.Centroids.RawRowView(p.Cluster))
	return p
}

// asker is the tree as instances meet it.
type asker struct {
	questions []Question // of its columns
	answers   []int      // of its nodes
}

// follow takes the path of row i.
func (e *Explanation) follow(hot tree.Bytes, i int, ask asker, parts []Part) error {
	path, leaf, err := e.in.Tree.Path(mat.Row(nil, i, hot))
	if err != nil {
		return fmt.Errorf("cnninte: meta-level tree: %w", err)
	}
	e.Leaf = leaf
	for _, t := range path {
		q := ask.questions[t.Feature]
		g := q.Factor
		e.Path = append(e.Path, Step{Node: t.Node, Question: q, Yes: !t.Left()})
		if !parts[g].OnPath {
			parts[g].OnPath = true
			e.Parts = append(e.Parts, parts[g])
		}
	}
	for _, p := range parts {
		if !p.OnPath {
			e.Parts = append(e.Parts, p)
		}
	}
	e.Tree = ask.answers[leaf]
	return nil
}

// answers returns the class of every node of the tree.
func (in *Interpretation) answers() []int {
	nodes := in.Tree.Nodes()
	classes := make([]int, len(nodes))
	for i, n := range nodes {
		classes[i] = n.Class()
	}
	return classes
}

// largest returns the place of the largest value, the first where several are.
func largest(values []float64) int {
	best := 0
	for c, v := range values {
		if v > values[best] {
			best = c
		}
	}
	return best
}

// Pixels returns how much each input value moves the forest's share of the cluster that it
// gives to the instance (Saabas, Interpreting random forests, 2014): along the way of the
// instance through each tree the change of the share at a test is credited to the value that
// is tested, and the trees are averaged. The values add up to the share less its mean at the
// roots; negative ones speak for other clusters.
func (e *Explanation) Pixels(ctx context.Context, factor int) ([]float64, error) {
	if factor < 0 || factor >= len(e.in.Factors) {
		return nil, fmt.Errorf("cnninte.Explanation.Pixels(%d): there are %d factors: %w", factor, len(e.in.Factors), xai.ErrTarget)
	}
	clusterOf := -1
	for _, p := range e.Parts {
		if p.Factor == factor {
			clusterOf = p.Cluster
		}
	}
	f := e.in.Factors[factor].Forest
	out := make([]float64, len(e.Sample.X))
	for i := range f.Len() {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("cnninte.Explanation.Pixels: after %d of %d trees: %w", i, f.Len(), err)
		}
		path, leaf, err := f.Tree(i).Path(e.Sample.X)
		if err != nil {
			return nil, fmt.Errorf("cnninte.Explanation.Pixels: %w", err)
		}
		nodes := f.Tree(i).Nodes()
		share := func(n int) float64 { return nodes[n].Values[clusterOf] / nodes[n].Weight }
		for s, t := range path {
			next := leaf
			if s+1 < len(path) {
				next = path[s+1].Node
			}
			out[t.Feature] += share(next) - share(t.Node)
		}
	}
	for j := range out {
		out[j] /= float64(f.Len())
	}
	return out, nil
}

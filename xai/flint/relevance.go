package flint

import (
	"context"
	"fmt"
	"math"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// Taus are the thresholds at which the paper measures conciseness.
func Taus() []float64 { return []float64{1.5, 2, 2.5, 3, 4, 5} }

// checkTau reports a threshold that leaves everything or nothing.
func checkTau(where string, tau float64) error {
	if !(tau > 1) || math.IsInf(tau, 1) {
		return fmt.Errorf("%s(%v): tau must be above 1 and finite: %w", where, tau, xai.ErrShape)
	}
	return nil
}

// Contributions returns alpha, n x J: alpha_j(x) = phi_j(x) W[c][j], what attribute j adds to
// the score of class c, the one that g says of x. The bias belongs to no attribute.
func (in *Interpreter) Contributions(o Outputs) *mat.Dense {
	n, j := o.Phi.Dims()
	alpha := mat.NewDense(n, j, nil)
	for i := range n {
		floats.MulTo(alpha.RawRowView(i), o.Phi.RawRowView(i), in.W.RawRowView(floats.MaxIdx(o.G.RawRowView(i))))
	}
	return alpha
}

// Relevances returns r, n x J: r_j(x) = alpha_j / max_i |alpha_i|, in [-1, 1] (paper, section
// 3.2); 0 where all of a row's contributions are.
func (in *Interpreter) Relevances(o Outputs) *mat.Dense {
	r := in.Contributions(o)
	n, _ := r.Dims()
	for i := range n {
		row := r.RawRowView(i)
		if top := floats.Norm(row, math.Inf(1)); top > 0 {
			floats.Scale(1/top, row)
		}
	}
	return r
}

// Concise counts, for each row of alpha, the attributes with alpha_j > max_i alpha_i / tau, tau
// above 1: at least one where any contribution is positive, and more for a larger tau. It is
// the authors' code's CNS; by the paper's formula, r_j > 1/tau, a row whose largest
// contribution in magnitude is negative counts fewer.
func Concise(alpha *mat.Dense, tau float64) []int {
	n, _ := alpha.Dims()
	counts := make([]int, n)
	for i := range n {
		row := alpha.RawRowView(i)
		for _, a := range row {
			if a > floats.Max(row)/tau {
				counts[i]++
			}
		}
	}
	return counts
}

// Global is what attributes mean to classes: the result of Interpreter.Global.
type Global struct {
	Classes []string
	R       *mat.Dense // classes x J: r_{j,c}, the mean of r_j(x) over the samples of which g says c; NaN where there are none
	Samples []int      // their number, for each class

	Set     datasets.Set // the samples that were drawn
	Outputs              // for them
}

// Pair is a class and an attribute that is relevant to it.
type Pair struct {
	Class, Attribute int
	R                float64
}

// globalSamples is how many training samples the authors average over: 51 batches of 20.
const globalSamples = 1020

// Global averages relevances by class over at most 1,020 samples of data, drawn with the seed,
// as the authors do with their training set.
func (in *Interpreter) Global(ctx context.Context, data datasets.Source, s uint64) (*Global, error) {
	if data == nil {
		return nil, fmt.Errorf("flint: need data")
	}
	set, err := data.Build(ctx)
	if err != nil {
		return nil, err
	}
	if set.Len() > globalSamples {
		pick := seed.Stream(s, "flint", "global").Perm(set.Len())[:globalSamples]
		if set, err = set.Pick(pick...).Build(ctx); err != nil {
			return nil, err
		}
	}
	_, o, err := in.of(ctx, set)
	if err != nil {
		return nil, err
	}
	r := in.Relevances(o)
	n, j := r.Dims()
	_, k := o.G.Dims()
	g := &Global{Set: set, Outputs: o, Classes: set.Classes, R: mat.NewDense(k, j, nil), Samples: make([]int, k)}
	for i := range n {
		c := floats.MaxIdx(o.G.RawRowView(i))
		g.Samples[c]++
		floats.Add(g.R.RawRowView(c), r.RawRowView(i))
	}
	for c, n := range g.Samples {
		if n == 0 {
			for j := range g.R.RawRowView(c) {
				g.R.Set(c, j, math.NaN())
			}
			continue
		}
		floats.Scale(1/float64(n), g.R.RawRowView(c))
	}
	return g, nil
}

// Pairs lists the classes and attributes with r_{j,c} > 1/tau, by class and then by relevance;
// tau must be above 1. The paper's figures list those above 0.1 to 0.2: tau 10 and 5.
func (g *Global) Pairs(tau float64) ([]Pair, error) {
	if err := checkTau("flint.Global.Pairs", tau); err != nil {
		return nil, err
	}
	var list []Pair
	k, j := g.R.Dims()
	for c := range k {
		var own []Pair
		for a := range j {
			if r := g.R.At(c, a); r > 1/tau {
				own = append(own, Pair{c, a, r})
			}
		}
		sortPairs(own)
		list = append(list, own...)
	}
	return list, nil
}

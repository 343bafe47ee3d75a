package flint

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// Local is the interpretation of one decision.
type Local struct {
	Sample      datasets.Sample
	Classes     []string
	Predicted   int       // f's class
	Interpreted int       // g's, of which everything below speaks
	F, G        []float64 // probabilities of the classes
	Phi         []float64 // the attributes
	Alpha       []float64 // alpha_j = phi_j W[c][j], c the class of g
	R           []float64 // r_j(x) = alpha_j / max |alpha|, in [-1, 1]; 0 where all are 0
	Order       []int     // attributes by falling r
}

// Local interprets the decision about a sample (paper, section 3.2).
func (in *Interpreter) Local(ctx context.Context, x datasets.Sample) (*Local, error) {
	if want := in.Net.Arch().Input(); x.Shape != want || len(x.X) != want.Size() {
		return nil, fmt.Errorf("flint.Interpreter.Local: the sample is %v, the network takes %v: %w", x.Shape, want, xai.ErrShape)
	}
	if err := x.Err(); err != nil {
		return nil, fmt.Errorf("flint.Interpreter.Local: %w", err)
	}
	o, err := in.Outputs(ctx, mat.NewDense(1, len(x.X), slices.Clone(x.X)))
	if err != nil {
		return nil, err
	}
	for _, m := range []*mat.Dense{o.F, o.G} {
		if _, err := classes(m); err != nil {
			return nil, fmt.Errorf("flint.Interpreter.Local: %w", err)
		}
	}
	l := &Local{
		Sample: x, Classes: in.Classes(),
		Predicted: floats.MaxIdx(o.F.RawRowView(0)), Interpreted: floats.MaxIdx(o.G.RawRowView(0)),
		F: softmax(o.F.RawRowView(0)), G: softmax(o.G.RawRowView(0)),
		Phi: o.Phi.RawRowView(0), Alpha: in.Contributions(o).RawRowView(0), R: in.Relevances(o).RawRowView(0),
	}
	l.Order = falling(l.R)
	return l, nil
}

// falling returns the places of values from the largest on; the lower place first where they tie.
func falling(values []float64) []int {
	order := places(len(values))
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(values[b], values[a]) })
	return order
}

// Agree reports whether f and g say the same class. Otherwise the interpretation is of g's class.
func (l *Local) Agree() bool { return l.Predicted == l.Interpreted }

// Relevant returns the attributes with r_j(x) > 1/tau, strongest first: the paper's L(x, f, g);
// tau must be above 1.
func (l *Local) Relevant(tau float64) ([]int, error) {
	if err := checkTau("flint.Local.Relevant", tau); err != nil {
		return nil, err
	}
	var list []int
	for _, j := range l.Order {
		if l.R[j] > 1/tau {
			list = append(list, j)
		}
	}
	return list, nil
}

// class names a class.
func class(names []string, c int) string {
	if c >= 0 && c < len(names) {
		return names[c]
	}
	return fmt.Sprint(c)
}

// places returns 0 .. n-1.
func places(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

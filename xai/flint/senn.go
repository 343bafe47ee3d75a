package flint

import (
	"context"
	"fmt"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/nn"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// SENN is a self-explaining network, to compare FLINT with (Alvarez-Melis and Jaakkola, NeurIPS
// 2018, arXiv 1806.07538). It has no predictor beside its interpretation: the score of class c
// is sum_j theta_cj(x) h_j(x), with concepts h from an encoder whose images a decoder must
// rebuild, and weights theta from another network.
//
// Of the original's loss the gradient term, which holds theta still where the concepts are, is
// left out: it needs second derivatives. What this network lacks of it may show in its
// robustness; FLINT's paper does not say which settings its own SENN had.
type SENN struct {
	Concepts int     // default 25
	Rebuild  float64 // weight of the decoder's mean squared error; default 0.8, as FLINT's
	Sparse   float64 // weight of the mean of |h_j|; default 0.1, as FLINT's; negative for none
}

// Names of the layers of a SENN.
const (
	conceptsName = "senn.concepts"
	thetaName    = "senn.theta" // classes x concepts
)

// arch returns the network. trunk leads from the image to what theta is computed from.
func (s SENN) arch(trunk nn.Arch, classes int) nn.Arch {
	j := s.Concepts
	matrix := shape{Channels: classes, Height: 1, Width: j}
	var repeat []int32
	for range classes {
		for i := range j {
			repeat = append(repeat, int32(i))
		}
	}
	scale := make([]float64, classes)
	for c := range scale {
		scale[c] = float64(j) // the mean over concepts times their number is the sum
	}
	a := trunk.Dense(classes*j).Then(nn.Gather{Output: matrix}).Named(thetaName).
		From(nn.InputName).Conv(10, 5).Named("senn.conv1").ReLU().MaxPool(2).Conv(20, 5).Named("senn.conv2").ReLU().MaxPool(2).
		Dense(j).Named(conceptsName)
	a = start().decode(a, trunk.Input())
	return a.From(conceptsName).Then(nn.Gather{Output: matrix, Index: repeat}).Merge(nn.Mul{}, thetaName).
		Then(nn.GlobalAvgPool{}).Then(nn.Affine{Scale: scale}).Named("senn.scores")
}

// Train trains the network. trunk leads from the image to what theta is computed from, such as the
// layers of a predictor without its last one. The training's loss must be left out.
func (s SENN) Train(ctx context.Context, trunk nn.Arch, data datasets.Source, t nn.Training) (*SelfExplainer, error) {
	if s.Concepts == 0 {
		s.Concepts = 25
	}
	switch {
	case s.Concepts < 2:
		return nil, fmt.Errorf("flint.SENN: field Concepts must be at least 2, is %d: %w", s.Concepts, xai.ErrShape)
	case data == nil:
		return nil, fmt.Errorf("flint.SENN: need data")
	case t.Loss != nil:
		return nil, fmt.Errorf("flint.SENN: the field Loss of the training is set by SENN itself; leave it out")
	}
	set, err := data.Build(ctx)
	if err != nil {
		return nil, err
	}
	weight := func(v, zero float64) []float64 {
		if v == 0 {
			v = zero
		}
		return []float64{max(v, 0)}
	}
	t.Loss = nn.Terms{
		{Name: "predict", Goal: nn.Labels{}},
		{Name: "rebuild", Goal: nn.Rebuild{Layer: rebuiltName}, Weight: weight(s.Rebuild, 0.8)},
		{Name: "sparse", Goal: nn.Magnitude{Layer: conceptsName}, Weight: weight(s.Sparse, 0.1)},
	}
	net, err := s.arch(trunk, len(set.Classes)).Fit(set, t).Build(ctx)
	if err != nil {
		return nil, fmt.Errorf("flint.SENN: %w", err)
	}
	return &SelfExplainer{Net: net, Concepts: s.Concepts}, nil
}

// SelfExplainer is a trained SENN.
type SelfExplainer struct {
	Net      *nn.Net
	Concepts int
}

// Contributions returns the scores of the rows of x and alpha, n x concepts: theta_cj h_j for the
// class c that the network says. A row of alpha sums to the score.
func (e *SelfExplainer) Contributions(ctx context.Context, x *mat.Dense) (scores, alpha *mat.Dense, err error) {
	if scores, err = e.Net.Scores(ctx, x); err != nil {
		return nil, nil, err
	}
	theta, err := e.Net.Activations(ctx, thetaName, x)
	if err != nil {
		return nil, nil, err
	}
	if alpha, err = e.Net.Activations(ctx, conceptsName, x); err != nil {
		return nil, nil, err
	}
	best, err := classes(scores)
	if err != nil {
		return nil, nil, fmt.Errorf("flint.SelfExplainer: %w", err)
	}
	for i, c := range best {
		floats.Mul(alpha.RawRowView(i), theta.RawRowView(i)[c*e.Concepts:][:e.Concepts])
	}
	return scores, alpha, nil
}

// Evaluate measures accuracy and conciseness as for FLINT. The network is its own interpretation:
// f and g are one, and fidelity is 1.
func (e *SelfExplainer) Evaluate(ctx context.Context, data datasets.Source) (Evaluation, error) {
	if data == nil {
		return Evaluation{}, fmt.Errorf("flint.SelfExplainer: need data")
	}
	set, err := data.Build(ctx)
	if err != nil {
		return Evaluation{}, err
	}
	if set.Len() == 0 {
		return Evaluation{}, fmt.Errorf("flint.SelfExplainer: the set %q is empty: %w", set.Name, xai.ErrShape)
	}
	scores, alpha, err := e.Contributions(ctx, set.Batch(nil, places(set.Len())))
	if err != nil {
		return Evaluation{}, err
	}
	out := Evaluation{Set: set, Outputs: Outputs{F: scores, G: scores}, Alpha: alpha, Fidelity: 1, Taus: Taus(), Conciseness: conciseness(alpha, Taus())}
	if out.Predicted, err = classes(scores); err != nil {
		return out, err
	}
	out.Interpreted = out.Predicted
	out.Accuracy = share(out.Predicted, set.Labels)
	out.Interpreter = out.Accuracy
	return out, nil
}

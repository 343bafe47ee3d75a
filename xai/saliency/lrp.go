package saliency

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/whybook/whybook/xai"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// LRP is layer-wise relevance propagation (Bach et al., 2015,
// doi:10.1371/journal.pone.0130140): the score is handed down from layer to layer, each
// sharing what it has got among its inputs by what they contributed. The rules are those of
// package xai, from xai.Epsilon to xai.Box; a Composite says which layer follows which, and
// the zero value is the one that Kohlbrenner et al. found best.
//
// Everything starts from the score itself, for a margin from the scores that it is made of
// with their signs, for any other Scalar from its gradient times what it is a function of.
// The report's Completeness compares the sum of the map with that start. They are equal,
// but for rounding and an Epsilon, in a network without biases; a bias keeps what is its
// share, and what a rule finds nothing to share by is lost.
//
// Max-pooling hands all to the winner, sums and means share by xai.Epsilon, activations and
// normalisations pass what they get, and a batch normalisation behind a convolution is made
// part of it (see xai.Pass). A layer that multiplies its inputs, a softmax or an attention
// has no rule: the error matches xai.ErrRule, and explaining a layer before it (Toward a
// Unit, for instance) is the way out. The map depends on how a network is written, not on
// its function alone. The model must be an xai.Propagator; else the error matches
// xai.ErrAbility.
type LRP struct {
	Rule      xai.Rule  // for all layers with weights; default: Composite says which for each
	Composite Composite // excludes Rule
}

// Composite chooses the rules of LRP by place. Its zero value is "epsilon plus": xai.ZPlus
// for convolutions and xai.Epsilon for dense layers (Kohlbrenner et al., 2020,
// arXiv:1910.09840, called LRP-CMP there).
type Composite struct {
	First  xai.Rule            // layers with weights that see the input; default: as their place says
	Conv   xai.Rule            // layers with weights whose output has space; default xai.ZPlus{}
	Dense  xai.Rule            // other layers with weights; default xai.Epsilon{1e-6}
	Sum    xai.Rule            // sums and means of values; default xai.Epsilon{1e-6}
	Layers map[string]xai.Rule // by name, before all others
}

// EpsilonGammaBox is the composite that Montavon et al. (2019,
// doi:10.1007/978-3-030-28954-6_10) recommend for images: xai.Box for the layer that sees the
// input, whose values lie in [low, high], xai.Gamma with 1/4 for convolutions and
// xai.Epsilon for dense layers.
func EpsilonGammaBox(low, high float64) Composite {
	return Composite{First: xai.Box{Low: low, High: high}, Conv: xai.Gamma{Gamma: 0.25}}
}

// EpsilonAlphaBeta is the composite with xai.AlphaBeta for convolutions, alpha 2 and beta 1,
// which also shows what speaks against the target, xai.Flat for the layer that sees the
// input and xai.Epsilon for dense layers (Kohlbrenner et al., 2020, arXiv:1910.09840).
func EpsilonAlphaBeta() Composite {
	return Composite{First: xai.Flat{}, Conv: xai.AlphaBeta{Alpha: 2, Beta: 1}}
}

// stabiliser is the default epsilon.
const stabiliser = 1e-6

// Rule returns the rule of a layer.
func (c Composite) Rule(s xai.Site) xai.Rule {
	if r, ok := c.Layers[s.Name]; ok {
		return r
	}
	usual := xai.Rule(xai.Epsilon{Epsilon: stabiliser})
	or := func(r, fallback xai.Rule) xai.Rule {
		if r == nil {
			return fallback
		}
		return r
	}
	switch s.Nature {
	case xai.Rectifier, xai.Activation, xai.Scaling:
		return xai.Pass{}
	case xai.Routing:
		return xai.Gradient{} // all goes where it came from
	case xai.Weighted:
		switch {
		case s.First && c.First != nil:
			return c.First
		case s.Height*s.Width > 1:
			return or(c.Conv, xai.ZPlus{})
		}
		return or(c.Dense, usual)
	}
	return or(c.Sum, usual)
}

// composite returns the composite in force.
func (m LRP) composite() (Composite, error) {
	c := m.Composite
	if m.Rule == nil {
		return c, nil
	}
	if c.First != nil || c.Conv != nil || c.Dense != nil || c.Sum != nil || c.Layers != nil {
		return c, fmt.Errorf("fields Rule and Composite are both set; keep one")
	}
	c = Composite{Conv: m.Rule, Dense: m.Rule}
	if e, ok := m.Rule.(xai.Epsilon); ok {
		c.Sum = e
	}
	return c, nil
}

// Signed implements Method.
func (LRP) Signed() bool { return true }

// Attribute implements Method.
func (m LRP) Attribute(ctx context.Context, f xai.Differentiable, dst *mat.Dense, in Batch) (Report, error) {
	if err := in.Check(f, dst); err != nil {
		return Report{}, err
	}
	model, err := below[xai.Propagator](f)
	if err != nil {
		return Report{}, err
	}
	c, err := m.composite()
	if err != nil {
		return Report{}, err
	}
	var names []string
	for _, l := range model.Layers() {
		names = append(names, l.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Layers)) {
		if !slices.Contains(names, name) {
			return Report{}, fmt.Errorf("field Composite.Layers has %q; the layers are %s: %w", name, list(names), xai.ErrLayer)
		}
	}
	o, err := originOf(ctx, f, in)
	if err != nil {
		return Report{}, err
	}
	o.seed.MulElem(o.seed, o.outputs)
	if err := model.Propagate(ctx, o.layer, "", dst, in.X, o.seed, c.Rule); err != nil {
		return Report{}, err
	}
	report := Report{Passes: 2, Completeness: make([]Completeness, len(in.Targets))}
	for i := range report.Completeness {
		report.Completeness[i] = Completeness{Sum: floats.Sum(dst.RawRowView(i)), Change: floats.Sum(o.seed.RawRowView(i))}
	}
	return report, nil
}

var _ Method = LRP{}

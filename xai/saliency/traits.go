package saliency

import "github.com/whybook/whybook/xai"

// Traits are what a method promises. Package xaitest holds a method to them, in both
// directions: a promise must hold, and an axiom that is not promised must be seen to fail
// on one of its models, so that nothing is promised too little either. The cards in
// docs/methods are made from them.
type Traits struct {
	Needs   Needs   // of the model
	Meaning Meaning // of a value of the map

	// Axioms (Sundararajan et al. 2017, arXiv:1703.01365; Shapley 1953).
	Complete  bool // the values sum to f(x) - f(baseline), but for the error in Report.Completeness
	Invariant bool // the map depends on the function, not on how the network computes it
	Dummy     bool // a value that the model does not read gets exactly 0
	Symmetric bool // equal values that the model treats alike get the same
	Additive  bool // the map of a f + b g is a times that of f plus b times that of g

	Stochastic bool // draws random numbers: another Seed, another map
}

// Needs is what a method asks of a model.
type Needs int

// What a method may need, from least to most.
const (
	Scores    Needs = iota // any model: xai.Scorer
	Gradients              // xai.Differentiable
	Layers                 // xai.Layered
	Rules                  // a model that propagates by rules: the layers' kinds matter
)

// String returns "scores", "gradients", "layers" or "rules".
func (n Needs) String() string {
	return [...]string{"scores", "gradients", "layers", "rules"}[n]
}

// Meaning says what a value of a map is.
type Meaning int

// The meanings of a value.
const (
	// Importance ranks values; its unit is the method's own.
	Importance Meaning = iota
	// Sensitivity is the change of the score per unit of the value: w on f = w.x + b.
	Sensitivity
	// Contribution is the value's share of the change of the score between baseline and
	// input, in units of the score: w (x - x') on f = w.x + b.
	Contribution
	// Displacement is a change of the input, in its units: parallel to w on f = w.x + b.
	Displacement
	// Relevance is the value's share of the score itself, as rules of propagation send it:
	// on f = w.x the values sum to f.
	Relevance
)

// String says the meaning in a few words.
func (m Meaning) String() string {
	return [...]string{
		"importance, for ranking only",
		"sensitivity: change of the score per unit of the pixel",
		"contribution: share of the score's change from the baseline, in its units",
		"displacement: change of the pixel that moves the score, in its units",
		"relevance: share of the score by the rules of propagation, in its units",
	}[m]
}

// Described is a method that says what it promises.
type Described interface {
	Method
	Traits() Traits
}

// Traits implements Described.
func (Gradient) Traits() Traits {
	return Traits{Needs: Gradients, Meaning: Sensitivity, Invariant: true, Dummy: true, Symmetric: true, Additive: true}
}

// Traits implements Described. It is complete only on networks without biases.
func (InputGradient) Traits() Traits {
	return Traits{Needs: Gradients, Meaning: Contribution, Invariant: true, Dummy: true, Symmetric: true, Additive: true}
}

// Traits implements Described.
func (IntegratedGradients) Traits() Traits { return integrated() }

// Traits implements Described. It is additive up to the tolerance only: each model is
// integrated where it bends.
func (AdaptiveIntegratedGradients) Traits() Traits { return integrated() }

func integrated() Traits {
	return Traits{Needs: Gradients, Meaning: Contribution, Complete: true, Invariant: true, Dummy: true, Symmetric: true, Additive: true}
}

// Traits implements Described. It is complete on average over draws: Report.Completeness
// has the error of this one.
func (ExpectedGradients) Traits() Traits {
	t := integrated()
	t.Stochastic = true
	return t
}

// Traits implements Described: those of the inner method, as far as a mean over noisy
// inputs keeps them. Noise differs from value to value, so equal values are no longer
// treated alike, and what depends on the input itself, as shares of the score do, is that of
// another input.
func (m Smooth) Traits() Traits {
	var t Traits
	if inner, ok := m.inner().(Described); ok {
		t = inner.Traits()
	}
	t.Complete, t.Symmetric, t.Stochastic = false, false, true
	if t.Meaning != Sensitivity {
		t.Meaning = Importance
	}
	if m.Kind != Mean {
		t.Meaning, t.Additive = Importance, false
	}
	return t
}

// Traits implements Described. A window covers many values, and those of a model that
// reads one of them get its effect.
func (m Occlusion) Traits() Traits {
	return Traits{Needs: Scores, Meaning: Contribution, Invariant: true, Additive: true, Dummy: m.Patch == 1, Symmetric: m.Patch == 1}
}

// Traits implements Described.
func (RISE) Traits() Traits {
	return Traits{Needs: Scores, Meaning: Importance, Invariant: true, Additive: true, Stochastic: true}
}

// Traits implements Described. It is symmetric on average over permutations only.
func (m Shapley) Traits() Traits {
	return Traits{Needs: Scores, Meaning: Contribution, Complete: true, Invariant: true, Additive: true, Stochastic: true, Dummy: m.Patch == 1}
}

// Traits implements Described. The coefficients are shrunk by Ridge, and each region has
// the baseline of its own mean.
func (LIME) Traits() Traits {
	return Traits{Needs: Scores, Meaning: Importance, Invariant: true, Additive: true, Stochastic: true}
}

// Traits implements Described. Blur gives a value what its neighbours have.
func (m GradientFlow) Traits() Traits {
	t := Traits{Needs: Gradients, Meaning: Displacement, Invariant: true, Dummy: true, Symmetric: true}
	if m.Average {
		t.Meaning = Sensitivity
	}
	if m.Blur > 0 {
		t.Meaning, t.Dummy, t.Symmetric = Importance, false, false
	}
	return t
}

// Traits implements Described.
func (Boundary) Traits() Traits {
	return Traits{Needs: Gradients, Meaning: Displacement, Invariant: true, Dummy: true, Symmetric: true}
}

// Traits implements Described.
func (m FiniteDifference) Traits() Traits {
	single := m.Patch <= 1 // the default up to 28 x 28
	return Traits{Needs: Scores, Meaning: Importance, Invariant: true, Dummy: single, Symmetric: single}
}

// Traits implements Described. Its values have the size of nothing in particular.
func (GuidedBackprop) Traits() Traits { return Traits{Needs: Rules, Dummy: true, Symmetric: true} }

// Traits implements Described.
func (Deconvnet) Traits() Traits { return Traits{Needs: Rules, Dummy: true, Symmetric: true} }

// Traits implements Described. It depends on the layer that it reads, and spreads what that
// says over the pixels around.
func (GradCAM) Traits() Traits { return Traits{Needs: Layers} }

// Traits implements Described.
func (GuidedGradCAM) Traits() Traits { return Traits{Needs: Rules, Dummy: true} }

// Traits implements Described. With epsilon alone it is the input times the gradient of a
// network of ReLUs, as epsilon goes to 0, which does not depend on how that is computed. It
// is complete on networks without biases only, and compares with the score, not with its
// change from a baseline.
func (m LRP) Traits() Traits {
	e, epsilon := m.Rule.(xai.Epsilon)
	return Traits{Needs: Rules, Meaning: Relevance, Dummy: true, Symmetric: true, Invariant: epsilon && e.Epsilon <= 1e-6}
}

var _, _, _, _, _ Described = GuidedBackprop{}, Deconvnet{}, GradCAM{}, GuidedGradCAM{}, LRP{}
var _, _, _, _, _, _ Described = Gradient{}, InputGradient{}, IntegratedGradients{}, AdaptiveIntegratedGradients{}, ExpectedGradients{}, Smooth{}
var _, _, _, _, _, _, _ Described = Occlusion{}, RISE{}, Shapley{}, LIME{}, GradientFlow{}, Boundary{}, FiniteDifference{}

package xai

import (
	"context"
	"errors"

	"gonum.org/v1/gonum/mat"
)

// Propagator is a model that can send something else than the gradient back through its
// layers: what guided backpropagation and layer-wise relevance propagation are made of.
type Propagator interface {
	Layered

	// Propagate sends row i of seed (n x size of layer of) back from what layer of puts out
	// for row i of x to what layer at puts out, and stores what arrives there in row i of dst
	// (n x size of layer at). Every layer in between passes on what its rule says; rules is
	// asked once for each of them, and a nil rule, or nil rules, is Gradient. As in Pull, ""
	// is the scores and the input. Where several layers read one, what they send is added.
	//
	// The error matches ErrRule where a layer cannot follow its rule; it names the layer.
	Propagate(ctx context.Context, of, at string, dst, x, seed *mat.Dense, rules func(Site) Rule) error
}

// ErrRule is matched by errors about a layer that cannot follow a rule.
var ErrRule = errors.New("the rule does not fit the layer")

// ErrAbility is matched by errors about a model that lacks what a method needs: layers, or
// rules that send something back through them.
var ErrAbility = errors.New("the model cannot do this")

// Site is a layer as its rule is chosen: by name, by kind, which every library calls in its
// own way, or by what all libraries have in common.
type Site struct {
	Layer
	Nature Nature

	// First says that no weighted layer stands between this one and the input, so that its
	// input has the input's meaning, but for its scale and order.
	First bool
}

// Nature is what a layer does to its input, which decides the rules that it can follow.
//
//	            Gradient  Guided, Deconv  Pass  Epsilon  Gamma, AlphaBeta, ZPlus, Flat, Squares, Box
//	Weighted       x                             x         x
//	Mean           x                             x         x (a mean's weights are positive)
//	Sum            x                             x
//	Scaling        x                      x      x
//	Rectifier      x            x         x
//	Activation     x                      x
//	Routing        x                             x (as Gradient: it moves what it gets)
//	Mixing         x
type Nature int

// The natures of layers.
const (
	Mixing     Nature = iota // anything else: products, quotients, softmax
	Weighted                 // weighted sums with weights that were trained: convolutions, dense layers
	Mean                     // means of several values: average pooling
	Sum                      // sums or differences of its inputs, value by value
	Scaling                  // a factor and an offset for each value: normalisation
	Rectifier                // max(x, 0)
	Activation               // another function of single values
	Routing                  // each value out is one of those in, or 0: max-pooling, concatenation, padding
)

var natures = [...]string{"mixing", "weighted", "mean", "sum", "scaling", "rectifier", "activation", "routing"}

func (n Nature) String() string {
	if n < 0 || int(n) >= len(natures) {
		return "unknown nature"
	}
	return natures[n]
}

// Rule is what a layer sends back for what arrives at its output. The rules are the types of
// this file; a model that meets one that it does not know returns an error that matches
// ErrRule.
//
// Relevance rules share what arrives at every output, R_j, among the inputs: the input x_i
// contributes c_ij = x_i w_ij to z_j = sum_i c_ij + b_j, and its positive and negative parts
// are c+ and c-, likewise b+ and b-. They keep the sum, up to what the bias takes its share
// of; without biases they keep it exactly, Epsilon only as its Epsilon goes to 0. Where a
// denominator is 0 there is nothing to share by: that R_j is lost.
type Rule interface{ rule() }

// Gradient sends the gradient: what the layer's derivative makes of what arrives.
type Gradient struct{}

// Guided, at a rectifier, sends what is positive of the gradient (Springenberg et al., 2014,
// arXiv:1412.6806): only where the input and what arrives are both positive.
type Guided struct{}

// Deconv, at a rectifier, sends what is positive of what arrives, whatever the input was
// (Zeiler and Fergus, 2013, arXiv:1311.2901).
type Deconv struct{}

// Pass sends what arrives, unchanged: relevance goes through activations as it is. A batch
// normalisation that passes, and alone reads a weighted layer, is made part of that layer,
// whose rule then sees the weights and biases of both; any other scaling that passes
// leaves to its input what its offset has contributed.
type Pass struct{}

// Epsilon sends R_i = sum_j c_ij / (z_j + Epsilon sign z_j) R_j, with sign 0 = 1 (Bach et
// al., 2015, doi:10.1371/journal.pone.0130140, eq. 58). With 0 it is LRP-0, which for a
// network of rectifiers amounts to the input times the gradient.
type Epsilon struct {
	Epsilon float64 // at least 0, in units of z
}

// Gamma sends R_i = sum_j (c_ij + Gamma c+_ij) / (z_j + Gamma (c+_j + b+_j)) R_j where z_j is
// positive (Montavon et al., 2019, doi:10.1007/978-3-030-28954-6_10), and the same with c-
// and b- where it is negative, so that inputs may have any sign.
type Gamma struct {
	Gamma float64 // at least 0
}

// AlphaBeta sends R_i = sum_j (Alpha c+_ij/(c+_j + b+_j) - Beta c-_ij/(c-_j + b-_j)) R_j
// (Bach et al., 2015, eq. 60). It keeps the sum if Alpha - Beta is 1.
type AlphaBeta struct {
	Alpha, Beta float64 // at least 0
}

// ZPlus is AlphaBeta{1, 0}, the rule z+ of Montavon et al. (2017, arXiv:1512.02479).
type ZPlus struct{}

// Flat shares every R_j equally among the inputs that the layer reads for it, whatever they
// are (Lapuschkin et al., 2019, doi:10.1038/s41467-019-08987-4).
type Flat struct{}

// Squares sends R_i = sum_j w_ij^2 / sum_i' w_i'j^2 R_j (Montavon et al., 2017, eq. 12).
type Squares struct{}

// Box sends R_i = sum_j (x_i w_ij - l_i w+_ij - h_i w-_ij) / (sum_i' of the same) R_j, for a
// first layer whose inputs lie between l and h (Montavon et al., 2017, eq. 14). Low and High
// are the limits of the model's input; the model takes them through the scalings before the
// layer.
type Box struct {
	Low, High float64 // Low below High; both 0 means 0 and 1
}

func (Gradient) rule()  {}
func (Guided) rule()    {}
func (Deconv) rule()    {}
func (Pass) rule()      {}
func (Epsilon) rule()   {}
func (Gamma) rule()     {}
func (AlphaBeta) rule() {}
func (ZPlus) rule()     {}
func (Flat) rule()      {}
func (Squares) rule()   {}
func (Box) rule()       {}

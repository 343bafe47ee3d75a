package xai

import (
	"context"

	"gonum.org/v1/gonum/mat"
)

// Layer describes one layer of a model: where it stands and what it puts out.
type Layer struct {
	Name string // unique in the model: "conv1"
	Kind string // as the model's library calls it: "conv", "relu", "dense"

	// Channels, Height and Width are the shape of the output of one input row; a layer
	// without space has height and width 1.
	Channels, Height, Width int
}

// Size returns the number of values that the layer puts out for one input row.
func (l Layer) Size() int { return l.Channels * l.Height * l.Width }

// Layered is a model whose hidden layers can be read and differentiated. Where a layer is
// named, "" is the end that the parameter stands for: the scores, or the input. An unknown
// name is an error that matches ErrLayer.
type Layered interface {
	Differentiable

	// Layers returns the layers in the order in which they are computed; the last one puts
	// out the scores.
	Layers() []Layer

	// Activations returns the n x Size output of a layer for each row of x (n x d),
	// channel-major.
	Activations(ctx context.Context, layer string, x *mat.Dense) (*mat.Dense, error)

	// Pull stores into row i of dst the gradient of the sum over j of seed[i][j] u_j, where u
	// is what layer of puts out for row i of x, with respect to what layer at puts out (the
	// input, if at is ""). seed is n x Size of of, dst n x Size of at. It is an error if the
	// one does not depend on the other.
	Pull(ctx context.Context, of, at string, dst, x, seed *mat.Dense) error

	// After returns the rest of the model after a layer, as a model whose input rows are
	// the layer's outputs. It is an error if something passes the layer by.
	After(layer string) (Differentiable, error)
}

// Randomizable is a model that can forget what it has learned, layer by layer.
type Randomizable interface {
	Layered

	// Randomized returns a copy of the model in which the weights of the named layers are
	// drawn anew, as before training; layers without weights are passed over.
	Randomized(seed uint64, layers ...string) (Differentiable, error)
}

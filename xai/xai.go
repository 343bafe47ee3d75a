// Package xai is the vocabulary that Whybook's explanation packages share: what a
// model must be able to do to be explained, and what a mistake in a chain looks like.
//
// It is tiny on purpose. Everything below this folder imports it, and it imports
// nothing but the standard library and gonum, so a model of any origin can satisfy
// its interfaces without knowing a network library.
package xai

import (
	"context"
	"errors"
	"fmt"

	"gonum.org/v1/gonum/mat"
)

// Scorer is a model seen from outside: rows of inputs in, rows of scores out.
type Scorer interface {
	// Dims returns the length d of an input row and the number k of scores (classes).
	Dims() (d, k int)

	// Scores returns an n x k matrix: one row of unnormalised scores (logits) for
	// each row of the n x d matrix x. x is not changed. Any n >= 1 is allowed; the
	// model splits large batches to bound its memory.
	Scores(ctx context.Context, x *mat.Dense) (*mat.Dense, error)
}

// Differentiable is a model whose scores have gradients with respect to its input.
type Differentiable interface {
	Scorer

	// Gradients stores into row i of dst the gradient of score targets[i] with
	// respect to row i of x, and returns the n x k scores of the same pass. dst and
	// x are n x d and must not share memory; x is not changed.
	Gradients(ctx context.Context, dst, x *mat.Dense, targets []int) (scores *mat.Dense, err error)
}

// Named is implemented by what has a fingerprint: models, data sets, samples. Two
// values with equal fingerprints are interchangeable in a cache and in provenance.
type Named interface {
	// Fingerprint returns a short hexadecimal digest of everything that determines
	// the value's behaviour (weights and structure, or pixels and labels).
	Fingerprint() string
}

// Classed is implemented by models that know the names of their scores.
type Classed interface {
	// Classes returns one name for each score, or nil when the names are unknown.
	Classes() []string
}

// ErrShape is matched (errors.Is) by every error about a wrong size: an image, a
// matrix, a weight tensor or a layer that does not fit its input.
var ErrShape = errors.New("shape mismatch")

// ErrTarget is matched by every error about a class or score index that does not exist.
var ErrTarget = errors.New("no such target")

// ErrLayer is matched by every error about a layer name that does not exist.
var ErrLayer = errors.New("no such layer")

// StepError says which step of a chain made the first mistake. Recipes keep the first
// one; later steps pass it on untouched, and the terminal verb returns it.
type StepError struct {
	Step string // the call as the user wrote it: "saliency.Of.Target(9)"
	Err  error  // what was wrong and what to do: "the model has 3 classes (0-2)"
}

func (e *StepError) Error() string { return e.Step + ": " + e.Err.Error() }

// Unwrap lets errors.Is and errors.As see the cause.
func (e *StepError) Unwrap() error { return e.Err }

// Stepf makes a StepError; the format may wrap a cause with %w.
func Stepf(step, format string, args ...any) error {
	return &StepError{Step: step, Err: fmt.Errorf(format, args...)}
}

package saliency

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/whybook/whybook/xai"
)

// ErrReplay is matched by errors that say what keeps a map from being made again.
var ErrReplay = errors.New("the map cannot be made again")

// Replay makes a map again from what it says of itself: its method with all settings, its
// target and its sample, with the given model. It returns the new map if that has the same
// bits.
//
// Everything else is an error that matches ErrReplay and names what does not match: the
// version of the algorithms, the fingerprint of the model or of the sample, the settings,
// or, where all these agree, the values. That happens between processors with different
// instruction sets; then the new map is returned beside the error.
func Replay(ctx context.Context, model xai.Differentiable, m Map) (Map, error) {
	if err := m.check(); err != nil {
		return Map{}, fmt.Errorf("saliency: replay: %w: %w", err, ErrReplay)
	}
	if isNil(m.By) {
		return Map{}, fmt.Errorf("saliency: replay: the map does not hold the method that made it (%s); was it made by Explain? %w", m.Provenance.Method, ErrReplay)
	}
	recipe := Of(model, m.Sample).With(m.By).again(m)
	if err := recipe.check(); err != nil {
		return Map{}, fmt.Errorf("saliency: replay: %w: %w", err, ErrReplay)
	}
	if err := differ(m.Provenance, recipe.provenance()); err != nil {
		return Map{}, fmt.Errorf("saliency: replay: %w", err)
	}
	now, err := recipe.Explain(ctx)
	if err != nil {
		return Map{}, fmt.Errorf("saliency: replay: %w", err)
	}
	for _, part := range []struct {
		what        string
		stored, now []float64
	}{{"score", m.Scores, now.Scores}, {"value", m.Values, now.Values}} {
		if err := sameBits(part.what, part.stored, part.now); err != nil {
			return now, fmt.Errorf("saliency: replay: %w", err)
		}
	}
	return now, nil
}

// again sets the target and the layer of m.
func (r Recipe) again(m Map) Recipe {
	if r = r.Target(m.Target); m.Scalar != nil {
		r.err = nil // the target counts the scalar alone
		r = r.Toward(m.Scalar)
	}
	if m.Layer != "" {
		r = r.At(m.Layer)
	}
	return r
}

// differ says which part of two origins is not the same. The verdict is no part of what
// makes a map, and what one side does not know cannot differ.
func differ(stored, here Provenance) error {
	for _, part := range []struct{ what, stored, here string }{
		{"version of the algorithms", stored.Version, here.Version},
		{"method", stored.Method, here.Method},
		{"model", stored.Model, here.Model},
		{"sample", stored.Sample, here.Sample},
	} {
		if part.stored != part.here && part.stored != "" && part.here != "" {
			return fmt.Errorf("the %s of the map is %s, the one here %s: %w", part.what, part.stored, part.here, ErrReplay)
		}
	}
	if stored.Layer != here.Layer {
		return fmt.Errorf("the layer of the map is %q, the one here %q (\"\" is the input): %w", stored.Layer, here.Layer, ErrReplay)
	}
	return nil
}

// sameBits compares two lists bit by bit.
func sameBits(what string, stored, now []float64) error {
	if len(stored) != len(now) {
		return fmt.Errorf("%d %ss are stored, now there are %d: %w", len(stored), what, len(now), ErrReplay)
	}
	differing, first, worst := 0, 0, 0.0
	for i, v := range stored {
		if math.Float64bits(v) == math.Float64bits(now[i]) {
			continue
		}
		if differing == 0 {
			first = i
		}
		differing++
		worst = max(worst, math.Abs(v-now[i]))
	}
	if differing == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d %ss differ by up to %.3g, the first is %s %d: %v stored, %v now; another instruction set gives other last digits: %w",
		differing, len(stored), what, worst, what, first, stored[first], now[first], ErrReplay)
}

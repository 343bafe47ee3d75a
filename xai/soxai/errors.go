package soxai

import (
	"errors"

	"github.com/whybook/whybook/xai/internal/store"
)

var (
	// ErrFormat is matched by errors about a file that is not a whole atlas.
	ErrFormat = store.ErrFormat

	// ErrNoRegions is matched by errors about explanations that leave nothing to group.
	ErrNoRegions = errors.New("no critical regions")

	// ErrFew is matched by errors about more concepts than there are different regions.
	ErrFew = errors.New("too few different regions")

	// ErrName is matched by errors about the name of a concept: taken, empty or unknown.
	ErrName = errors.New("no usable name")

	// ErrUnconfirmed is matched by errors about acting on a concept that nobody has
	// confirmed to be irrelevant.
	ErrUnconfirmed = errors.New("not confirmed by a person")

	// ErrOtherSet is matched by errors about regions of other images than those given.
	ErrOtherSet = errors.New("regions of another data set")

	// ErrNotFinite is matched by errors about scores or features that are NaN or infinite.
	ErrNotFinite = errors.New("value is not finite")
)

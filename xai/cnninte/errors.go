package cnninte

import (
	"errors"
	"fmt"

	"github.com/whybook/whybook/xai/forest"
	"github.com/whybook/whybook/xai/internal/store"
)

var (
	// ErrFormat is matched by errors about a file that is not a whole result of this package.
	ErrFormat = store.ErrFormat

	// ErrMemory is matched by errors about hidden values or forests that need more than
	// Recipe.Memory. It is that of package forest.
	ErrMemory = forest.ErrMemory

	// ErrNotFinite is matched by errors about a hidden value or a score that is NaN or infinite.
	ErrNotFinite = errors.New("value is not finite")

	// ErrModel is matched by errors about a network that is not the one that was interpreted.
	ErrModel = errors.New("another network")
)

// ErrFactors is the error (errors.As) about more factors than the layer has neurons that
// change, and differ.
type ErrFactors struct {
	Factors int // asked for
	Live    int // neurons that change, no two of them in proportion
}

func (e ErrFactors) Error() string {
	return fmt.Sprintf("%d factors for %d neurons that change and differ; ask for fewer factors, or choose a wider layer", e.Factors, e.Live)
}

// ErrClusters is the error (errors.As) about more clusters than different rows of hidden
// values.
type ErrClusters struct {
	Clusters int // asked for
	Distinct int // different rows
}

func (e ErrClusters) Error() string {
	return fmt.Sprintf("%d clusters for %d different rows of hidden values; ask for fewer clusters, or give more data", e.Clusters, e.Distinct)
}

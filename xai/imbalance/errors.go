package imbalance

import (
	"errors"
	"fmt"

	"github.com/whybook/whybook/xai/neighbors"
)

// ErrDegenerateClass is the error (errors.As) about a class with too few members for what
// was asked.
type ErrDegenerateClass struct {
	Class      string // its name
	Need, Have int    // members
}

func (e ErrDegenerateClass) Error() string {
	return fmt.Sprintf("class %q has too few members: %d, need %d; merge it, drop it or collect more", e.Class, e.Have, e.Need)
}

// ErrNotFinite is matched (errors.Is) by errors about a NaN or an infinity in the data. It is
// the one of the index of neighbours.
var ErrNotFinite = neighbors.ErrNotFinite

// ErrOneClass is matched by errors about data without a second class: nothing overlaps.
var ErrOneClass = errors.New("only one class")

// ErrCount is matched by errors about a number of neighbours that the rows do not allow. It is
// the one of the index too.
var ErrCount = neighbors.ErrCount

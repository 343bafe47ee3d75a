package datasets

import (
	"crypto/sha256"
	"fmt"
	"slices"
)

// Pick keeps the samples with the given indices, in the given order, an index as often as it
// is given: the ones that a network gets wrong, or one class of neighbours. No index, or one
// that the set does not have (ErrTooFew), is an error.
func (r Recipe) Pick(indices ...int) Recipe {
	if len(indices) == 0 {
		return r.fail("Pick()", "give at least one index")
	}
	return r.then(picked(slices.Clone(indices)))
}

// Pick returns a recipe for the samples with the given indices. See Recipe.Pick.
func (s Set) Pick(indices ...int) Recipe { return From(s).Pick(indices...) }

type picked []int

// String names long lists by their digest.
func (p picked) String() string {
	text := fmt.Sprint([]int(p))
	text = text[1 : len(text)-1]
	if len(p) > 20 {
		text = fmt.Sprintf("%d indices %x", len(p), sha256.Sum256([]byte(text)))
	}
	return "Pick(" + text + ")"
}

func (p picked) apply(s Set, _ uint64, _ int) (Set, error) {
	for _, i := range p {
		if i < 0 || i >= s.Len() {
			return Set{}, fmt.Errorf("index %d: the set %q has %d samples (0-%d): %w", i, s.Name, s.Len(), s.Len()-1, ErrTooFew)
		}
	}
	return s.subset(p), nil
}

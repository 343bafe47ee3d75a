package imbalance

import (
	"fmt"
	"slices"

	"github.com/whybook/whybook/xai"
)

// Spaces are tables of the same classes in several spaces, side by side: what is hard in the
// inputs, and what still is in the features of a layer.
//
//	inputs, err := a.InputComplexity(ctx, imbalance.Complexity{})
//	features, err := a.Complexity(ctx, imbalance.Complexity{})
//	imbalance.Spaces{inputs, features}.View()
type Spaces []Table

// name returns what table i is of.
func (s Spaces) name(i int) string {
	if s[i].Space == "" {
		return fmt.Sprintf("space %d", i+1)
	}
	for j, t := range s {
		if j != i && t.Space == s[i].Space {
			return fmt.Sprintf("%s (%d)", s[i].Space, i+1)
		}
	}
	return s[i].Space
}

// check reports tables that cannot stand side by side.
func (s Spaces) check(where string) error {
	if len(s) == 0 {
		return fmt.Errorf("%s: no tables: %w", where, xai.ErrShape)
	}
	same := func(a, b Class) bool { return a.Label == b.Label && a.Name == b.Name }
	for i, t := range s {
		switch {
		case len(t.Set) != len(setMeasures) || len(t.Columns) != len(classMeasures):
			return fmt.Errorf("%s: table %d has %d and %d measures; make it with Complexity.Measure: %w", where, i, len(t.Set), len(t.Columns), xai.ErrShape)
		case !slices.EqualFunc(t.Classes, s[0].Classes, same):
			return fmt.Errorf("%s: table %d has other classes than the first: %w", where, i, xai.ErrShape)
		case t.Options.Convention != s[0].Options.Convention:
			return fmt.Errorf("%s: table %d follows %v, the first %v; measure by one convention: %w", where, i, t.Options.Convention, s[0].Options.Convention, xai.ErrShape)
		}
	}
	return nil
}

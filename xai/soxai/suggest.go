package soxai

import (
	"fmt"
	"math"
)

// Verdict says whether a concept belongs to the task.
type Verdict int

// The verdicts.
const (
	Unsure Verdict = iota
	Relevant
	Irrelevant
)

// String returns "unsure", "relevant" or "irrelevant".
func (v Verdict) String() string {
	if v < Unsure || v > Irrelevant {
		return fmt.Sprintf("Verdict(%d)", int(v))
	}
	return [...]string{"unsure", "relevant", "irrelevant"}[v]
}

// Meaning says what the masks of a set mark.
type Meaning int

// The meanings of masks.
const (
	Unknown  Meaning = iota // masks are only reported
	Object                  // what the class is about
	Artifact                // what has nothing to do with the class
)

// Criteria are what suggestions are made by. A concept is suspect if
//
//   - it lies outside of the objects that the set's masks mark, or inside the artifacts: its
//     mean share of alpha in the mask is below Pointing, or not;
//   - it is small, pure and compact: a share of regions below Small, of one class to at least
//     Pure, with a silhouette of at least Compact, in a model of several classes;
//   - it is a stamp: its regions look alike to Same and, pasted into images that the model
//     takes for other classes, turn at least Transfer of them into its own.
//
// It is suggested to be irrelevant if it is suspect and matters: the whole interval of its
// effect lies above 0, and the effect itself is at least Least. It is suggested to be relevant
// if it is not suspect, has an interval above 0, is stable and does not look the same
// everywhere; else it is unsure.
// The stamp is ours; the first two are heuristics from SpRAy's successors. A zero field means
// its default.
type Criteria struct {
	Masks    Meaning // of the set; default Unknown
	Pointing float64 // default 0.5
	Small    float64 // default 0.05
	Pure     float64 // default 0.8
	Compact  float64 // default 0.5
	Least    float64 // effect that matters, in probability; default 0.02
	Same     float64 // at most this share of the set's variation; default 0.8
	Transfer float64 // default 0.5
}

func (c Criteria) filled() Criteria {
	for _, f := range []struct {
		field *float64
		value float64
	}{{&c.Pointing, 0.5}, {&c.Small, 0.05}, {&c.Pure, 0.8}, {&c.Compact, 0.5}, {&c.Least, 0.02}, {&c.Same, 0.8}, {&c.Transfer, 0.5}} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	return c
}

func (c Criteria) check() error {
	if c.Masks < Unknown || c.Masks > Artifact {
		return fmt.Errorf("field Masks is %d; need Unknown, Object or Artifact", int(c.Masks))
	}
	for _, f := range []struct {
		name  string
		value float64
	}{{"Pointing", c.Pointing}, {"Small", c.Small}, {"Pure", c.Pure}, {"Compact", c.Compact}, {"Least", c.Least}, {"Same", c.Same}, {"Transfer", c.Transfer}} {
		if !(f.value >= 0 && f.value <= 1) {
			return fmt.Errorf("field %s is %v; need a share in (0,1], or 0 for the default", f.name, f.value)
		}
	}
	return nil
}

// Suggestion is a verdict by rule, with its reasons, for a person to confirm or not.
type Suggestion struct {
	Verdict Verdict
	Reasons []string
}

// suggest judges a concept by its statistics. classes is how many the model knows.
func (c Criteria) suggest(k Concept, classes int) Suggestion {
	c = c.filled()
	var s Suggestion
	suspect := false
	because := func(format string, args ...any) { s.Reasons = append(s.Reasons, fmt.Sprintf(format, args...)) }
	if !math.IsNaN(k.Pointing) {
		switch {
		case c.Masks == Object && k.Pointing < c.Pointing:
			suspect = true
			because("only %.0f %% of its alpha lies on the objects", 100*k.Pointing)
		case c.Masks == Artifact && k.Pointing >= c.Pointing:
			suspect = true
			because("%.0f %% of its alpha lies on known artifacts", 100*k.Pointing)
		}
	}
	if classes > 1 && k.Share.Value < c.Small && k.Purity.Value >= c.Pure && k.Silhouette >= c.Compact {
		suspect = true
		because("it is small, pure and compact: %.1f %% of the regions, %.0f %% of one class, silhouette %.2f", 100*k.Share.Value, 100*k.Purity.Value, k.Silhouette)
	}
	looks := k.Sameness <= c.Same
	if looks && k.Transfer.Value >= c.Transfer {
		suspect = true
		because("it is a stamp: it always looks alike, and %.0f %% of other images become its class when it is pasted in", 100*k.Transfer.Value)
	}
	acts := k.Effect.Above(0)
	switch {
	case acts:
		because("masking it takes %.2f (%.2f to %.2f) from the probability", k.Effect.Value, k.Effect.Low, k.Effect.High)
	case math.IsNaN(k.Effect.Low):
		because("there are too few images to tell its effect")
	default:
		because("its effect may be none: %.3f (%.3f to %.3f)", k.Effect.Value, k.Effect.Low, k.Effect.High)
	}
	if looks && acts && !suspect {
		because("it always looks alike, as a stamp does, but hardly turns other images into its class")
	}
	if !k.Stable() {
		because("it is not stable: in samples of the regions, %.2f of it comes back", k.Stability)
	}
	switch {
	case suspect && acts && k.Effect.Value >= c.Least:
		s.Verdict = Irrelevant
	case !suspect && !looks && acts && k.Stable():
		s.Verdict = Relevant
	}
	return s
}

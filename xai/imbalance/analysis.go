package imbalance

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/whybook/whybook/xai"
	"gonum.org/v1/gonum/mat"
)

// Analysis is what there is to know about the classes of a set, and what the techniques read.
// Fields that are not known are empty, and what needs them is an error: an analysis of
// published neighbours has no features, one without a network no predictions.
type Analysis struct {
	Train   Members
	HeldOut Members // empty where there is none

	K      int    // neighbours
	Typing Typing // how members were sorted into archetypes
	Layer  string // whose output the features are; "" for the inputs themselves

	Near       Neighborhood // of the training members among themselves
	Archetypes []Archetype  // of the training members

	HeldOutNear       Neighborhood // of the held-out members among the training members
	HeldOutArchetypes []Archetype

	// Recall is the share of the held-out members of each class that the model gets right, NaN
	// where not known; nil without held-out data. Set it where only the figures are known.
	Recall []float64

	Colours    *Bands // where the recipe asks for them
	Provenance Provenance
}

// Summary returns the table of classes.
func (a Analysis) Summary() (Summary, error) {
	s, err := Summarize(a.Near, a.Train.Predicted, a.Archetypes)
	if err != nil || a.Recall == nil {
		return s, err
	}
	if len(a.Recall) != len(s.Rows) {
		return s, errSizes("imbalance.Analysis.Summary: Recall", len(a.Recall), len(s.Rows))
	}
	for c := range s.Rows {
		s.Rows[c].Recall = a.Recall[c]
	}
	s.All.Recall = mean(a.Recall)
	return s, nil
}

// HeldOutSummary returns the table of classes of the held-out members: their archetypes are
// those among the training members.
func (a Analysis) HeldOutSummary() (Summary, error) {
	if a.HeldOut.Len() == 0 {
		return Summary{}, errNoHeldOut("HeldOutSummary")
	}
	return Summarize(a.HeldOutNear, a.HeldOut.Predicted, a.HeldOutArchetypes)
}

func errNoHeldOut(method string) error {
	return fmt.Errorf("imbalance.Analysis.%s: there are no held-out data; add HeldOut to the chain", method)
}

// Accuracy returns the recall of each class on the held-out members, or, where there are
// none, on the training members, for which it is too good.
func (a Analysis) Accuracy() (Accuracy, error) {
	if a.HeldOut.Len() > 0 {
		return ClassAccuracy(a.HeldOut, a.Train.Counts())
	}
	return ClassAccuracy(a.Train, nil)
}

// Adversaries returns the nearest adversaries among the training members.
func (a Analysis) Adversaries(who Voters) (Rivals, error) {
	return NearestAdversaries(a.Near, a.Train.Predicted, who)
}

// Errors returns what held-out members are taken for.
func (a Analysis) Errors() (Rivals, error) {
	if a.HeldOut.Len() == 0 {
		return Rivals{}, errNoHeldOut("Errors")
	}
	return Errors(a.HeldOut)
}

// Agreement says how well the nearest adversaries among the training members foretell the
// errors on the held-out members.
func (a Analysis) Agreement(who Voters) (Agreement, error) {
	errors, err := a.Errors()
	if err != nil {
		return Agreement{}, err
	}
	adversaries, err := a.Adversaries(who)
	if err != nil {
		return Agreement{}, err
	}
	return Agree(adversaries, errors)
}

// Prototypes returns the member that stands for each archetype of each class.
func (a Analysis) Prototypes(ctx context.Context) ([]Prototype, error) {
	return Prototypes(ctx, a.Train, a.Archetypes)
}

// Concepts looks for groups among the members of a class, or among those of them that have
// one of the given archetypes. Without such members it has no groups.
func (a Analysis) Concepts(ctx context.Context, class int, s SubConcepts, among ...Archetype) (Concepts, error) {
	const where = "imbalance.Analysis.Concepts"
	m, err := a.Train.withFeatures(where)
	if err != nil {
		return Concepts{}, err
	}
	if err := checkLabels(where, "class", []int{class}, m.Classes); err != nil {
		return Concepts{}, err
	}
	var rows []int
	for i, c := range m.Labels {
		if c == class && (len(among) == 0 || slices.Contains(among, a.Archetypes[i])) {
			rows = append(rows, i)
		}
	}
	if len(rows) == 0 {
		return Concepts{Silhouette: nan}, nil
	}
	return s.Find(ctx, m.Features, rows)
}

// Importance returns the k features of largest mean of every class; the paper takes 10.
func (a Analysis) Importance(k int) (FeatureImportance, error) { return Importance(a.Train, k) }

// Density returns the density ratios against a class, with the k largest features of every
// member; the paper takes 10.
func (a Analysis) Density(ctx context.Context, reference, k int) (FeatureDensity, error) {
	return Density(ctx, a.Train, reference, k)
}

// Relations says what goes together with the recall of a class: the share of its members
// that are safe, and the logarithm of its size. Two figures of one analysis, over as many
// pairs as there are classes: no test of which is closer.
func (a Analysis) Relations() (safe, size Relation, err error) {
	s, err := a.Summary()
	if err != nil {
		return safe, size, err
	}
	if a.Recall == nil {
		return safe, size, errNoHeldOut("Relations")
	}
	var shares, sizes []float64
	for _, row := range s.Rows {
		shares = append(shares, row.SafeShare())
		if row.Size == 0 {
			sizes = append(sizes, nan)
			continue
		}
		sizes = append(sizes, math.Log(float64(row.Size)))
	}
	if safe, err = Relate(shares, a.Recall); err != nil {
		return safe, size, err
	}
	size, err = Relate(sizes, a.Recall)
	return safe, size, err
}

// Complexity measures how hard the classes are to tell apart by their features, see
// [Complexity]. Names and, where o has none, recalls are those of the analysis.
func (a Analysis) Complexity(ctx context.Context, o Complexity) (Table, error) {
	m, err := a.Train.withFeatures("imbalance.Analysis.Complexity")
	if err != nil {
		return Table{}, err
	}
	space := inputSpace
	if a.Layer != "" {
		space = a.Layer
	}
	return a.complexity(ctx, o, m.Features, space)
}

// InputComplexity is Complexity for the samples as they are, before any network. Put both, and
// those of other layers, side by side as [Spaces]. Time grows with the values of a sample: those
// of images in colour want a small Sample.
func (a Analysis) InputComplexity(ctx context.Context, o Complexity) (Table, error) {
	const where = "imbalance.Analysis.InputComplexity"
	m, err := a.Train.checked(where)
	if err != nil {
		return Table{}, err
	}
	if m.Set.Len() == 0 {
		return Table{}, fmt.Errorf("%s: the analysis has no samples; analyse a set: %w", where, xai.ErrShape)
	}
	return a.complexity(ctx, o, m.Set.Batch(nil, nil), inputSpace)
}

func (a Analysis) complexity(ctx context.Context, o Complexity, x *mat.Dense, space string) (Table, error) {
	if o.Names == nil {
		o.Names = a.Train.named().Classes
	}
	if o.Recall == nil {
		o.Recall = a.Recall
	}
	t, err := o.Measure(ctx, x, a.Train.Labels)
	t.Space = space
	return t, err
}

// smallest returns the class with the fewest members, but some; the first of several.
func (a Analysis) smallest() int {
	best := -1
	counts := a.Train.Counts()
	for c, n := range counts {
		if n > 0 && (best < 0 || n < counts[best]) {
			best = c
		}
	}
	return best
}

package nn

import (
	"fmt"
	"math"
	"slices"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/internal/graph"
)

// Loss is what training minimises, a mean over the samples of a batch. The
// implementations are CrossEntropy, Balanced, Focal, LDAM and Terms. Where classes have weights,
// the mean is the weighted one, sum(w_y loss) / sum(w_y), as in PyTorch.
type Loss interface {
	withDefaults() Loss
	check(a Arch, t Training) error

	// objective prepares the loss for a training set of which every class has the given
	// number of samples.
	objective(set datasets.Set) (objective, error)
}

// objective is a loss with the numbers that it takes from the training set.
type objective struct {
	weights   []float64 // one per class; nil for equal weights
	deferred  int       // epochs before the weights count
	smoothing float64   // part of each target that is spread over all classes
	focus     float64   // exponent of the focal loss; 0 for cross-entropy
	margins   []float64 // subtracted from the score of the label, one per class; nil for none
	scale     float64   // of the scores, after the margins
	terms     Terms     // nil for a single loss of the scores
}

// CrossEntropy is the mean of -log p_y, where p is the softmax of the scores and y the
// label. It is the default loss.
type CrossEntropy struct {
	Weights   []float64 // one per class, above 0; default 1 each
	Smoothing float64   // part of the target taken from the label and spread evenly over all classes, in [0, 1); default 0
}

func (l CrossEntropy) withDefaults() Loss {
	l.Weights = slices.Clone(l.Weights)
	return l
}

func (l CrossEntropy) check(a Arch, _ Training) error {
	if err := checkWeights(l.Weights, a.Output().Size()); err != nil {
		return err
	}
	return below1(setting{"Smoothing", l.Smoothing})
}

func (l CrossEntropy) objective(datasets.Set) (objective, error) {
	return objective{weights: l.Weights, smoothing: l.Smoothing}, nil
}

func checkWeights(weights []float64, classes int) error {
	if weights != nil && len(weights) != classes {
		return fmt.Errorf("field Weights has %d values for %d classes: %w", len(weights), classes, xai.ErrShape)
	}
	for c, w := range weights {
		if !(w > 0) || math.IsInf(w, 0) {
			return fmt.Errorf("field Weights: the weight of class %d must be positive and finite, is %v", c, w)
		}
	}
	return nil
}

// Balanced is cross-entropy with class weights that make up for different class sizes in
// the training set (Cui et al. 2019): see BalancedWeights.
type Balanced struct {
	Beta float64 // in [0, 1); default 0.9999; the nearer to 1, the nearer the weights are to 1/size
}

func (l Balanced) withDefaults() Loss {
	l.Beta = or(l.Beta, 0.9999)
	return l
}

func (l Balanced) check(Arch, Training) error { return below1(setting{"Beta", l.Beta}) }

func (l Balanced) objective(set datasets.Set) (objective, error) {
	weights, err := BalancedWeights(set, l.Beta)
	return objective{weights: weights}, err
}

// Focal is the focal loss (Lin et al. 2017), the mean of -(1-p_y)^Gamma log p_y: samples
// that are right already count for less.
type Focal struct {
	Gamma   float64   // above 0; default 1, as in the imbalance paper's code (Lin et al. recommend 2)
	Weights []float64 // one per class, above 0; default 1 each
}

func (l Focal) withDefaults() Loss {
	l.Gamma, l.Weights = or(l.Gamma, 1), slices.Clone(l.Weights)
	return l
}

func (l Focal) check(a Arch, _ Training) error {
	if err := atLeastZero(setting{"Gamma", l.Gamma}); err != nil {
		return err
	}
	return checkWeights(l.Weights, a.Output().Size())
}

func (l Focal) objective(datasets.Set) (objective, error) {
	return objective{weights: l.Weights, focus: l.Gamma}, nil
}

// LDAM is the label-distribution-aware margin loss (Cao et al. 2019): the cross-entropy
// of Scale times the scores, of which the label's is first lowered by a margin that grows
// as the class gets smaller: MaxMargin (n_min/n_y)^(1/4). The paper's networks end in a
// cosine classifier, whose scores lie in [-1, 1]; margins and scale are made for these.
type LDAM struct {
	MaxMargin float64 // margin of the smallest class; default 0.5
	Scale     float64 // default 30

	// Deferred is the number of epochs after which classes get the weights of
	// BalancedWeights, deferred re-weighting (DRW): 160 of 200 in the paper. Default 0:
	// never.
	Deferred int
	Beta     float64 // of BalancedWeights, in [0, 1); default 0.9999; only with Deferred
}

func (l LDAM) withDefaults() Loss {
	l.MaxMargin, l.Scale = or(l.MaxMargin, 0.5), or(l.Scale, 30)
	if l.Deferred > 0 {
		l.Beta = or(l.Beta, 0.9999)
	}
	return l
}

func (l LDAM) check(_ Arch, t Training) error {
	switch {
	case l.Deferred < 0 || l.Deferred >= t.Epochs:
		return fmt.Errorf("field Deferred must be less than the %d epochs, is %d", t.Epochs, l.Deferred)
	case l.Deferred == 0 && l.Beta != 0:
		return fmt.Errorf("field Beta (%v) has no effect without Deferred", l.Beta)
	}
	if err := below1(setting{"Beta", l.Beta}); err != nil {
		return err
	}
	return atLeastZero(setting{"MaxMargin", l.MaxMargin}, setting{"Scale", l.Scale})
}

func (l LDAM) objective(set datasets.Set) (objective, error) {
	counts, err := classCounts(set)
	if err != nil {
		return objective{}, err
	}
	o := objective{margins: make([]float64, len(counts)), scale: l.Scale}
	smallest := float64(slices.Min(counts))
	for c, n := range counts {
		o.margins[c] = l.MaxMargin * math.Pow(smallest/float64(n), 0.25)
	}
	if l.Deferred > 0 {
		o.deferred = l.Deferred
		o.weights, err = BalancedWeights(set, l.Beta)
	}
	return o, err
}

// BalancedWeights returns a weight for each class of a set that falls with its size n:
// (1-beta)/(1-beta^n), the inverse of the effective number of samples of Cui et al.
// (2019), scaled so that the weights add up to the number of classes. beta is in [0, 1); 0
// gives weights of 1. A class without samples is an ErrDegenerateClass.
func BalancedWeights(set datasets.Set, beta float64) ([]float64, error) {
	if err := below1(setting{"beta", beta}); err != nil {
		return nil, &xai.StepError{Step: "nn.BalancedWeights", Err: err}
	}
	counts, err := classCounts(set)
	if err != nil {
		return nil, err
	}
	weights, sum := make([]float64, len(counts)), 0.0
	for c, n := range counts {
		weights[c] = (1 - beta) / (1 - math.Pow(beta, float64(n)))
		sum += weights[c]
	}
	for c := range weights {
		weights[c] *= float64(len(weights)) / sum
	}
	return weights, nil
}

// ErrDegenerateClass is the error of a class with too few samples for what was asked.
type ErrDegenerateClass struct {
	Class      string
	Need, Have int // numbers of samples
}

func (e ErrDegenerateClass) Error() string {
	return fmt.Sprintf("class %q has %d samples, need at least %d", e.Class, e.Have, e.Need)
}

// classCounts returns the class sizes of a set without empty classes.
func classCounts(set datasets.Set) ([]int, error) {
	counts := set.Counts()
	for c, n := range counts {
		if n == 0 {
			return nil, fmt.Errorf("nn: class sizes of the set %q: %w", set.Name, ErrDegenerateClass{Class: set.Classes[c], Need: 1})
		}
	}
	return counts, nil
}

// in returns the class weights that count in an epoch.
func (o objective) in(epoch int) []float64 {
	if epoch <= o.deferred {
		return nil
	}
	return o.weights
}

// addLoss adds the loss of scores to a graph, for targets and weights of fillTargets.
func addLoss[T graph.Float](b *graph.Builder[T], o objective, scores, target, weight *graph.Node[T]) *graph.Node[T] {
	switch {
	case o.margins != nil:
		return b.LDAM(scores, target, weight, o.margins, o.scale)
	case o.focus > 0:
		return b.Focal(scores, target, weight, o.focus)
	}
	return b.CrossEntropy(scores, target, weight)
}

// fillTargets writes the target rows of a batch, one-hot or smoothed, and the weights of
// the rows, in the given epoch. It returns the sum of the weights, for means over many
// batches.
func fillTargets[T graph.Float](target, weight []T, o objective, labels []int, epoch int) (sum float64) {
	clear(target)
	k := len(target) / len(labels)
	classes := o.in(epoch)
	for i, y := range labels {
		own, row := 1.0, target[i*k:(i+1)*k]
		if classes != nil {
			own = classes[y]
		}
		if o.smoothing > 0 {
			for c := range row {
				// PyTorch weighs the smoothed part of a target by its own class, the
				// whole row by that of the label.
				part := o.smoothing / float64(k)
				if classes != nil {
					part *= classes[c] / own
				}
				row[c] = T(part)
			}
		}
		row[y] += T(1 - o.smoothing)
		weight[i] = T(own)
		sum += own
	}
	return sum
}

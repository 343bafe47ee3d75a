package nn

import (
	"errors"
	"fmt"
	"slices"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/internal/graph"
)

// Terms is a loss made of several terms, each at a layer of its own and with a weight that may
// change from epoch to epoch: the sum of weight * term. It trains networks with more than one
// end: the layers that a term is taken at need not lead to the network's output.
type Terms []Term

// Term is one part of a loss.
type Term struct {
	Name   string    // in the history of the training and in errors; must be new
	Goal   Goal      // what is measured
	Weight []float64 // in each epoch, from the first; the last one holds for all that follow; may be negative
}

// in returns the weight in an epoch, from 1.
func (t Term) in(epoch int) float64 { return t.Weight[min(epoch, len(t.Weight))-1] }

// Goal is what a term measures, a mean over the samples of a batch. The implementations are
// Labels, Follow, Rebuild, Magnitude, RowEntropy and BatchEntropy.
type Goal interface {
	// layers names the layers that the goal reads.
	layers() []string
	// check says why the goal does not fit an architecture; its layers exist.
	check(a Arch) error
}

// Labels is the cross-entropy of a layer's scores with the labels.
type Labels struct {
	Layer string // default the network's output
}

// Follow is the cross-entropy of a layer's scores with the softmax of another layer's, from
// -sum_c q_c log p_c with q of the leader and p of the follower. No gradient reaches the
// leader. It is smallest, the entropy of q, where both agree.
type Follow struct {
	Layer  string // the follower
	Leader string // default the network's output
}

// Rebuild is the mean squared error between a layer's output and that of another one, over
// all values, or the mean absolute error. No gradient reaches the model.
type Rebuild struct {
	Layer    string
	Of       string // what is rebuilt; default the network's input
	Absolute bool
}

// Magnitude is the mean of |v| over all values of a layer.
type Magnitude struct{ Layer string }

// RowEntropy is the mean over the samples of E(|v|), v a layer's values, where E is the entropy
// of the softmax in nats: small where few values stand out in each sample.
type RowEntropy struct{ Layer string }

// BatchEntropy is E (see RowEntropy) of the mean of |v| over the samples of a batch: large
// where the samples together use all values alike. It needs batches of at least two.
type BatchEntropy struct{ Layer string }

func (g Labels) layers() []string       { return []string{g.Layer} }
func (g Follow) layers() []string       { return []string{g.Layer, g.Leader} }
func (g Rebuild) layers() []string      { return []string{g.Layer, or(g.Of, InputName)} }
func (g Magnitude) layers() []string    { return []string{g.Layer} }
func (g RowEntropy) layers() []string   { return []string{g.Layer} }
func (g BatchEntropy) layers() []string { return []string{g.Layer} }

func (g Labels) check(a Arch) error       { return a.alike(g.Layer, "") }
func (g Follow) check(a Arch) error       { return a.alike(g.Layer, g.Leader) }
func (g Rebuild) check(a Arch) error      { return a.alike(g.Layer, or(g.Of, InputName)) }
func (g Magnitude) check(Arch) error      { return nil }
func (g RowEntropy) check(a Arch) error   { return a.several(g.Layer) }
func (g BatchEntropy) check(a Arch) error { return a.several(g.Layer) }

// at returns the number of a layer that a goal names, -1 for the input, and its size.
func (a Arch) at(name string) (step, size int, ok bool) {
	if name == "" {
		name = a.End()
	}
	if step, ok = a.find(name); !ok {
		return 0, 0, false
	}
	return step, a.shapes([]int{step})[0].Size(), true
}

// alike checks that two layers have as many values.
func (a Arch) alike(x, y string) error {
	_, n, _ := a.at(x)
	if _, m, _ := a.at(y); n != m {
		return fmt.Errorf("layer %s has %d values, %s has %d: %w", or(x, a.End()), n, or(y, a.End()), m, xai.ErrShape)
	}
	return nil
}

// several checks that a layer has more than one value: the entropy of one is always 0.
func (a Arch) several(name string) error {
	if _, n, _ := a.at(name); n < 2 {
		return fmt.Errorf("layer %s has %d value, whose entropy is always 0: %w", or(name, a.End()), n, xai.ErrShape)
	}
	return nil
}

func (l Terms) withDefaults() Loss {
	l = slices.Clone(l)
	for i := range l {
		l[i].Weight = slices.Clone(l[i].Weight)
		if len(l[i].Weight) == 0 {
			l[i].Weight = []float64{1}
		}
	}
	return l
}

func (l Terms) check(a Arch, t Training) error {
	if len(l) == 0 {
		return errors.New("need at least one term")
	}
	names := make(map[string]bool)
	for _, term := range l {
		if term.Name == "" || names[term.Name] {
			return fmt.Errorf("a term's name must be new and not empty, is %q", term.Name)
		}
		names[term.Name] = true
		if term.Goal == nil {
			return fmt.Errorf("term %s: need a goal", term.Name)
		}
		for _, layer := range term.Goal.layers() {
			if _, _, ok := a.at(layer); !ok {
				return fmt.Errorf("term %s: there is no layer %s; the layers are %s: %w", term.Name, layer, a.names(), xai.ErrLayer)
			}
		}
		if err := term.Goal.check(a); err != nil {
			return fmt.Errorf("term %s: %w", term.Name, err)
		}
		for _, w := range term.Weight {
			if !finite(w) {
				return fmt.Errorf("term %s: the weight %v is not finite", term.Name, w)
			}
		}
		if _, ok := term.Goal.(BatchEntropy); ok && t.Batch == 1 {
			return fmt.Errorf("term %s compares the samples of a batch; field Batch must be at least 2, is 1: %w", term.Name, xai.ErrShape)
		}
	}
	return nil
}

func (l Terms) objective(datasets.Set) (objective, error) { return objective{terms: l}, nil }

// ends returns the steps that the loss is taken at, besides the output.
func (o objective) ends(a Arch) []int {
	list := []int{a.end()}
	for _, t := range o.terms {
		for _, layer := range t.Goal.layers() {
			if at, _, _ := a.at(layer); at >= 0 {
				list = append(list, at)
			}
		}
	}
	return list
}

// addTerms adds the terms to a graph and returns the loss, each term, and the input for their
// weights. outs are the outputs of the layers.
func addTerms[T graph.Float](b *graph.Builder[T], a Arch, terms Terms, x *graph.Node[T], outs []*graph.Node[T], target, share *graph.Node[T]) (loss *graph.Node[T], each []*graph.Node[T], weights *graph.Node[T]) {
	layer := func(name string) *graph.Node[T] {
		if at, _, _ := a.at(name); at >= 0 {
			return outs[at]
		}
		return x
	}
	for _, t := range terms {
		var n *graph.Node[T]
		switch g := t.Goal.(type) {
		case Labels:
			n = b.CrossEntropy(layer(g.Layer), target, share)
		case Follow:
			leader := b.Detach(layer(g.Leader))
			n = b.CrossEntropy(layer(g.Layer), b.Softmax(leader, leader.Cols), nil)
		case Rebuild:
			n = b.MeanError(layer(g.Layer), b.Detach(layer(or(g.Of, InputName))), g.Absolute)
		case Magnitude:
			n = b.MeanAbs(layer(g.Layer))
		case RowEntropy:
			n = b.Entropy(layer(g.Layer))
		case BatchEntropy:
			n = b.BatchEntropy(layer(g.Layer))
		}
		each = append(each, n)
	}
	weights = b.Input("weights", 1, len(terms), nil, false)
	return b.Weighted(each, weights), each, weights
}

// TermLoss is a term's mean over an epoch, before its weight.
type TermLoss struct {
	Name   string
	Weight float64 // in this epoch
	Loss   float64
}

// termSums averages the terms over the batches of an epoch.
type termSums struct {
	terms Terms
	sums  []float64
	rows  float64
}

func newTermSums(terms Terms) *termSums {
	return &termSums{terms: terms, sums: make([]float64, len(terms))}
}

// add takes the terms of a batch.
func (s *termSums) add(each []float64, rows int) {
	for i, v := range each {
		s.sums[i] += v * float64(rows)
	}
	s.rows += float64(rows)
}

func (s *termSums) results(epoch int) []TermLoss {
	var list []TermLoss
	for i, t := range s.terms {
		list = append(list, TermLoss{Name: t.Name, Weight: t.in(epoch), Loss: s.sums[i] / s.rows})
	}
	return list
}

// culprit names, after a comma, the first term that is not finite, for an error; "" if there is none.
func (s *termSums) culprit(each []float64) string {
	for i, v := range each {
		if !finite(v) {
			return ", term " + s.terms[i].Name
		}
	}
	return ""
}

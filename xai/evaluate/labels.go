package evaluate

import (
	"context"
	"fmt"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/saliency"
	"github.com/whybook/whybook/xai/seed"
)

// LabelRandomisation is the data randomisation test (Adebayo et al., 2018,
// arXiv:1810.03292): the similarity of the map and the map that the same method makes of
// the same sample and score for a control model, of the same architecture and training, but
// trained on permuted labels (see Shuffled). Less is better: a map that stays the same shows
// no relation between inputs and labels. The range is that of the similarity, -1 to 1. The
// control must have learned its labels by heart; one that is at chance tests no more than
// MPRT does.
type LabelRandomisation struct {
	Control    xai.Differentiable // trained on permuted labels; required
	Of         saliency.Method    // what made the map; default the map's own
	Similarity Similarity         // default AbsoluteSpearman
}

// Card implements Metric.
func (LabelRandomisation) Card() Card {
	return Card{
		Name: "Label randomisation", Low: -1, High: 1, Better: Lower,
		Source:  "Adebayo et al., 2018, arXiv:1810.03292",
		Formula: "similarity(phi, phi~), phi~ of a model trained on permuted labels",
		Fails:   "The control must have learned its labels by heart; edges of the input keep the similarity high.",
		Oracle:  "The model itself as control: 1.",
	}
}

// Measure implements Metric.
func (c LabelRandomisation) Measure(ctx context.Context, f xai.Differentiable, m saliency.Map) (float64, error) {
	name := c.Card().Name
	if err := checkModel(name, f, m); err != nil {
		return 0, err
	}
	if err := checkModel(name+": field Control", c.Control, m); err != nil {
		return 0, err
	}
	of, err := maker(name, c.Of, m)
	if err != nil {
		return 0, err
	}
	phi, err := explain(ctx, name, of, c.Control, m, m.Target)
	if err != nil {
		return 0, err
	}
	return c.Similarity.compare(name, m, phi)
}

// Shuffled is a data set whose labels are permuted among its samples: images and the sizes
// of the classes stay, their relation is gone. Train on it for LabelRandomisation.
type Shuffled struct {
	Data datasets.Source // required
	Seed uint64
}

// Key implements datasets.Source.
func (s Shuffled) Key() string {
	if s.Data == nil {
		return "shuffled(nil)"
	}
	return fmt.Sprintf("shuffled(%d, %s)", s.Seed, s.Data.Key())
}

// Build implements datasets.Source.
func (s Shuffled) Build(ctx context.Context) (datasets.Set, error) {
	if s.Data == nil {
		return datasets.Set{}, fmt.Errorf("evaluate: Shuffled: field Data: need a data set, have nil")
	}
	set, err := s.Data.Build(ctx)
	if err != nil {
		return datasets.Set{}, err
	}
	labels := make([]int, len(set.Labels))
	for i, j := range seed.Stream(s.Seed, "shuffled labels").Perm(len(labels)) {
		labels[i] = set.Labels[j]
	}
	set.Labels = labels
	set.Name += ", labels shuffled"
	return set, nil
}

var (
	_ Metric          = LabelRandomisation{}
	_ datasets.Source = Shuffled{}
)

package cnninte

import (
	"context"
	"fmt"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/progress"
	"gonum.org/v1/gonum/mat"
)

// Tested is the meta-level test data: what network, forests and tree say about some
// instances.
type Tested struct {
	Name    string
	Labels  []int // n: true classes
	Network []int // n: the network's classes, the largest of its scores

	Forests [][]int // factors x n: the clusters that the forests give
	Oracle  [][]int // factors x n: the clusters of the true hidden values

	Tree       []int // n: the tree's classes from the forests' clusters
	TreeOracle []int // n: and from the oracle's
	Leaf       []int // n: the tree's leaf for the forests' clusters, as in Tree.Nodes

	in  *Interpretation
	set datasets.Set
}

// Len returns the number of instances.
func (t *Tested) Len() int { return len(t.Labels) }

// Test sends data through the network, the forests and the tree. Errors match
// [xai.ErrShape] for data that do not fit, and [ErrModel] where the interpretation has no
// network.
func (in *Interpretation) Test(ctx context.Context, data datasets.Source) (*Tested, error) {
	if isNil(data) {
		return nil, fmt.Errorf("cnninte.Interpretation.Test: need data, have nil")
	}
	if in.net == nil {
		return nil, fmt.Errorf("cnninte.Interpretation.Test: load it with its network: %w", ErrModel)
	}
	set, err := data.Build(ctx)
	if err != nil {
		return nil, fmt.Errorf("cnninte: %w", err)
	}
	if err := in.fits(set); err != nil {
		return nil, err
	}
	h, err := in.read(ctx, set)
	if err != nil {
		return nil, err
	}
	t := &Tested{Name: set.Name, Labels: set.Labels, Network: h.classes, in: in, set: set}
	if t.Oracle, err = assign(ctx, in.Factors, h.values); err != nil {
		return nil, err
	}
	x := inputs(set)
	for g := range in.Factors {
		clusters, err := in.Factors[g].Forest.Predict(ctx, x)
		if err != nil {
			return nil, fmt.Errorf("cnninte: factor %d: %w", g+1, err)
		}
		t.Forests = append(t.Forests, clusters)
		progress.Report(ctx, "ask the forests", g+1, len(in.Factors))
	}
	if t.Tree, t.Leaf, err = in.decide(ctx, t.Forests); err != nil {
		return nil, err
	}
	if t.TreeOracle, _, err = in.decide(ctx, t.Oracle); err != nil {
		return nil, err
	}
	return t, nil
}

// fits returns an error unless the set is like the training set.
func (in *Interpretation) fits(set datasets.Set) error {
	if err := fits(in.net, set); err != nil {
		return err
	}
	if set.Shape != in.Shape {
		return fmt.Errorf("cnninte: the set %q has instances of %v, the training set has %v: %w", set.Name, set.Shape, in.Shape, xai.ErrShape)
	}
	return nil
}

func (in *Interpretation) read(ctx context.Context, set datasets.Set) (*hidden, error) {
	return read(ctx, in.net, in.Reading, set.Len(), in.batch, func(x *mat.Dense, lo, hi int) *mat.Dense {
		return set.Batch(x, indices(lo, hi))
	})
}

// decide asks the tree about identities, factors x n.
func (in *Interpretation) decide(ctx context.Context, identities [][]int) (classes, leaves []int, err error) {
	hot := in.hot(identities)
	if classes, err = in.Tree.Predict(ctx, hot); err == nil {
		leaves, err = in.Tree.Leaf(ctx, hot)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("cnninte: meta-level tree: %w", err)
	}
	return classes, leaves, nil
}

// Cases are instances worth looking at, by their index; -1 where there is none.
type Cases struct {
	Right    int // network and tree are right
	Wrong    int // the network is wrong
	Disagree int // the network is right and the tree says something else
}

// Cases returns the first instance of each kind.
func (t *Tested) Cases() Cases {
	c := Cases{-1, -1, -1}
	for i, label := range t.Labels {
		switch {
		case t.Network[i] != label:
			if c.Wrong < 0 {
				c.Wrong = i
			}
		case t.Tree[i] != label:
			if c.Disagree < 0 {
				c.Disagree = i
			}
		case c.Right < 0:
			c.Right = i
		}
	}
	return c
}

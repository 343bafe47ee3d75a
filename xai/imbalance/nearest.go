package imbalance

import (
	"context"
	"fmt"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/neighbors"
	"gonum.org/v1/gonum/mat"
)

// Neighborhood has the nearest training members of every member, and the classes of both.
type Neighborhood struct {
	K       int      // neighbours of each member
	Classes []string // names
	Labels  []int    // n, of the members
	Index   []int    // n x K, row by row: training members, nearest first
	Near    []int    // n x K: their labels

	// Train is the neighbourhood of the training members among themselves, where the members
	// are other ones, such as held-out data; nil where they are the training members.
	Train *Neighborhood
}

// Nearest finds the k nearest of the other members of each member, by Euclidean distance
// between features, where two are equally far the lower index first. The paper takes 5.
// k is from 1 to n-1; another one is an error that matches [ErrCount].
func Nearest(ctx context.Context, m Members, k int) (Neighborhood, error) {
	const where = "imbalance.Nearest"
	m, err := m.withFeatures(where)
	if err != nil {
		return Neighborhood{}, err
	}
	near, err := search(ctx, m.Features, nil, k)
	if err != nil {
		return Neighborhood{}, fmt.Errorf("%s: %w", where, err)
	}
	return neighborhood(m.Classes, m.Labels, m.Labels, k, near.Index), nil
}

// HeldOut finds, for members that were not in the training data, their nearest training
// members: as many as near, the neighbourhood of the training members, has. Features of
// training members are close to separable once a network has been trained on them, so that
// only this tells how new data fare.
func HeldOut(ctx context.Context, train Members, near Neighborhood, held Members) (Neighborhood, error) {
	const where = "imbalance.HeldOut"
	train, err := train.withFeatures(where + ": training members")
	if err != nil {
		return Neighborhood{}, err
	}
	if held.Classes == nil {
		held.Classes = train.Classes
	}
	if held, err = held.withFeatures(where); err != nil {
		return Neighborhood{}, err
	}
	if err := near.check(where); err != nil {
		return Neighborhood{}, err
	}
	if len(near.Labels) != train.Len() || len(held.Classes) != len(train.Classes) {
		return Neighborhood{}, fmt.Errorf("%s: %d training members of %d classes, a neighbourhood of %d, held-out members of %d classes: %w",
			where, train.Len(), len(train.Classes), len(near.Labels), len(held.Classes), xai.ErrShape)
	}
	found, err := search(ctx, train.Features, held.Features, near.K)
	if err != nil {
		return Neighborhood{}, fmt.Errorf("%s: %w", where, err)
	}
	out := neighborhood(train.Classes, held.Labels, train.Labels, near.K, found.Index)
	out.Train = &near
	return out, nil
}

func search(ctx context.Context, x, queries *mat.Dense, k int) (neighbors.Lists, error) {
	ix, err := neighbors.New(x, neighbors.Options{})
	if err != nil {
		return neighbors.Lists{}, err
	}
	if queries == nil {
		return ix.Nearest(ctx, k)
	}
	return ix.Query(ctx, queries, k)
}

// FromLists makes the neighbourhood of members whose nearest other members are known: index
// is n x k, row by row, nearest first. Without names (nil) the classes are numbered.
func FromLists(classes []string, labels []int, k int, index []int) (Neighborhood, error) {
	const where = "imbalance.FromLists"
	m, err := Members{Classes: classes, Labels: labels}.checked(where)
	if err != nil {
		return Neighborhood{}, err
	}
	n := m.Len()
	if k < 1 || k >= n {
		return Neighborhood{}, fmt.Errorf("%s: %d neighbours; %d members have 1 to %d: %w", where, k, n, n-1, ErrCount)
	}
	if len(index) != n*k {
		return Neighborhood{}, fmt.Errorf("%s: %d indices for %d members with %d neighbours each: %w", where, len(index), n, k, xai.ErrShape)
	}
	for at, j := range index {
		if i := at / k; j < 0 || j >= n || j == i {
			return Neighborhood{}, fmt.Errorf("%s: neighbour %d of member %d is %d; need another one of the %d members", where, at%k, i, j, n)
		}
	}
	return neighborhood(m.Classes, labels, labels, k, index), nil
}

// neighborhood looks the labels of the neighbours up.
func neighborhood(classes []string, labels, train []int, k int, index []int) Neighborhood {
	out := Neighborhood{K: k, Classes: classes, Labels: labels, Index: index, Near: make([]int, len(index))}
	for at, j := range index {
		out.Near[at] = train[j]
	}
	return out
}

// check reports what a literal can get wrong.
func (n Neighborhood) check(where string) error {
	switch {
	case n.K < 1 || len(n.Labels) == 0:
		return fmt.Errorf("%s: the neighbourhood is empty; make one with Nearest: %w", where, xai.ErrShape)
	case len(n.Near) != len(n.Labels)*n.K || len(n.Index) != len(n.Near):
		return fmt.Errorf("%s: %d labels and %d indices of neighbours for %d members with %d each: %w", where, len(n.Near), len(n.Index), len(n.Labels), n.K, xai.ErrShape)
	}
	if err := checkLabels(where, "label", n.Labels, n.Classes); err != nil {
		return err
	}
	if err := checkLabels(where, "neighbour's label", n.Near, n.Classes); err != nil {
		return err
	}
	train := len(n.Labels)
	if n.Train != nil {
		if err := n.Train.check(where + ": Train"); err != nil {
			return err
		}
		train = len(n.Train.Labels)
	}
	for at, j := range n.Index {
		if j < 0 || j >= train {
			return fmt.Errorf("%s: neighbour %d of member %d is %d of %d training members: %w", where, at%n.K, at/n.K, j, train, xai.ErrShape)
		}
	}
	return nil
}

// At returns the nearest training members of member i and their labels, nearest first. The
// slices are parts of n.
func (n Neighborhood) At(i int) (index, labels []int) {
	return n.Index[i*n.K : (i+1)*n.K], n.Near[i*n.K : (i+1)*n.K]
}

// same returns s_i, how many neighbours of member i have its label.
func (n Neighborhood) same(i int) int {
	s := 0
	_, near := n.At(i)
	for _, c := range near {
		if c == n.Labels[i] {
			s++
		}
	}
	return s
}

package cnninte

import (
	"context"
	"fmt"
	"math"

	"github.com/whybook/whybook/xai/cluster"
)

// Rate is how many of some instances have a property.
type Rate struct{ Hits, Of int }

// Value returns the share, in [0, 1]; NaN for no instances.
func (r Rate) Value() float64 { return float64(r.Hits) / float64(r.Of) }

// Interval returns the 95 % confidence interval of the share (Wilson 1927, without continuity
// correction); NaN for no instances.
func (r Rate) Interval() (low, high float64) {
	const z = 1.959963984540054
	n, p := float64(r.Of), r.Value()
	middle, half := p+z*z/(2*n), z*math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	low, high = (middle-half)/(1+z*z/n), (middle+half)/(1+z*z/n)
	if r.Hits == 0 {
		low = 0
	}
	if r.Hits == r.Of {
		high = 1
	}
	return low, high
}

// String returns "94.2 % [93.7, 94.6]".
func (r Rate) String() string {
	low, high := r.Interval()
	return fmt.Sprintf("%.1f %% [%.1f, %.1f]", 100*r.Value(), 100*low, 100*high)
}

// agree counts the instances about which two lists agree.
func agree(a, b []int) Rate {
	r := Rate{Of: len(a)}
	for i, v := range a {
		if v == b[i] {
			r.Hits++
		}
	}
	return r
}

// Quality says how far an interpretation can be trusted, on instances that it has not seen.
type Quality struct {
	Rows int

	Network    Rate // instances that the network gets right; untouched by all this
	Tree       Rate // instances that the tree gets right, from the forests' clusters
	TreeOracle Rate // and from the oracle's

	Fidelity       Rate // instances for which the tree says what the network says, from the forests' clusters
	FidelityOracle Rate // and from the oracle's

	Factors       []FactorQuality
	Depth, Leaves int // of the tree
}

// FactorQuality is about one factor. Purity and MutualInformation compare oracle clusters with
// the true classes.
type FactorQuality struct {
	Neurons, Clusters int
	Forest            Rate    // instances that the forest puts into the cluster of their hidden values
	Purity            float64 // share of instances of the most frequent class of their cluster, in (0, 1]
	MutualInformation float64 // normalised by the mean of the entropies, in [0, 1]
}

// Quality measures fidelity and accuracy, and every factor.
func (t *Tested) Quality() Quality {
	q := Quality{
		Rows: t.Len(), Network: agree(t.Network, t.Labels), Tree: agree(t.Tree, t.Labels), TreeOracle: agree(t.TreeOracle, t.Labels),
		Fidelity: agree(t.Tree, t.Network), FidelityOracle: agree(t.TreeOracle, t.Network),
		Depth: t.in.Tree.Depth(), Leaves: t.in.Tree.Leaves(),
	}
	for g := range t.in.Factors {
		f := &t.in.Factors[g]
		one := FactorQuality{Neurons: len(f.Neurons), Clusters: f.Clusters(), Forest: agree(t.Forests[g], t.Oracle[g])}
		one.Purity = purity(t.Oracle[g], t.Labels, f.Clusters(), len(t.in.Classes))
		// Both lists are as long as the set, which is not empty.
		one.MutualInformation, _ = cluster.MutualInformation(t.Oracle[g], t.Labels)
		q.Factors = append(q.Factors, one)
	}
	return q
}

func purity(clusters, labels []int, k, classes int) float64 {
	counts := make([][]int, k)
	for c := range counts {
		counts[c] = make([]int, classes)
	}
	for i, c := range clusters {
		counts[c][labels[i]]++
	}
	sum := 0
	for _, row := range counts {
		most := 0
		for _, v := range row {
			most = max(most, v)
		}
		sum += most
	}
	return float64(sum) / float64(len(labels))
}

// Confusion counts what the tree says (column) where the network says something (row).
func (t *Tested) Confusion() [][]int {
	k := len(t.in.Classes)
	m := make([][]int, k)
	for c := range m {
		m[c] = make([]int, k)
	}
	for i, c := range t.Network {
		m[c][t.Tree[i]]++
	}
	return m
}

// AtDepth is the quality of a tree of another depth, on the same clusters and forests.
type AtDepth struct {
	Depth, Leaves            int // Depth is the bound; the tree may be less deep
	Fidelity, FidelityOracle Rate
	Tree                     Rate // accuracy, from the forests' clusters
}

// Depths grows the meta-level tree anew for each bound and tests it.
func (t *Tested) Depths(ctx context.Context, depths ...int) ([]AtDepth, error) {
	var list []AtDepth
	for _, d := range depths {
		if d < 1 {
			return nil, fmt.Errorf("cnninte.Tested.Depths(%d): need at least 1 test", d)
		}
		other := *t.in
		var err error
		if other.Tree, err = t.in.tree(ctx, d); err != nil {
			return nil, err
		}
		forests, _, err := other.decide(ctx, t.Forests)
		if err != nil {
			return nil, err
		}
		oracle, _, err := other.decide(ctx, t.Oracle)
		if err != nil {
			return nil, err
		}
		list = append(list, AtDepth{
			Depth: d, Leaves: other.Tree.Leaves(), Fidelity: agree(forests, t.Network),
			FidelityOracle: agree(oracle, t.Network), Tree: agree(forests, t.Labels),
		})
	}
	return list, nil
}

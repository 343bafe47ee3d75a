package cluster

import (
	"fmt"
	"math"
	"slices"

	"github.com/whybook/whybook/xai"
)

// table counts the items of two partitions: how many have both labels, and how many each.
type table struct {
	items int
	both  [][]int
	a, b  []int
}

// contingency makes the table of two partitions of the same items, whose labels may be any
// numbers.
func contingency(a, b []int) (table, error) {
	if len(a) != len(b) || len(a) == 0 {
		return table{}, fmt.Errorf("partitions of %d and %d items; both must label the same ones: %w", len(a), len(b), xai.ErrShape)
	}
	ia, ka := compact(a)
	ib, kb := compact(b)
	t := table{items: len(a), a: make([]int, ka), b: make([]int, kb), both: make([][]int, ka)}
	for c := range t.both {
		t.both[c] = make([]int, kb)
	}
	for i, c := range ia {
		t.both[c][ib[i]]++
		t.a[c]++
		t.b[ib[i]]++
	}
	return t, nil
}

// compact numbers the labels that occur from 0, in their order.
func compact(labels []int) (numbers []int, k int) {
	distinct := slices.Clone(labels)
	slices.Sort(distinct)
	distinct = slices.Compact(distinct)
	numbers = make([]int, len(labels))
	for i, l := range labels {
		numbers[i], _ = slices.BinarySearch(distinct, l)
	}
	return numbers, len(distinct)
}

func pairs(n int) float64 { return float64(n) * float64(n-1) / 2 }

// AdjustedRand returns the adjusted Rand index of two partitions of the same items (Hubert
// and Arabie 1985): (I - E)/(M - E), where I counts the pairs that are together in both, E
// is what I is by chance and M the mean of the pairs that are together in each. It is 1
// for equal partitions, whatever the labels are called, and 0 on average for independent
// ones. Two partitions that both have one cluster, or one for each item, are equal: 1.
func AdjustedRand(a, b []int) (float64, error) {
	t, err := contingency(a, b)
	if err != nil {
		return 0, fmt.Errorf("cluster.AdjustedRand: %w", err)
	}
	var both, inA, inB float64
	for c, row := range t.both {
		inA += pairs(t.a[c])
		for _, n := range row {
			both += pairs(n)
		}
	}
	for _, n := range t.b {
		inB += pairs(n)
	}
	if inA == inB && inA == both {
		return 1, nil
	}
	expected := inA / pairs(t.items) * inB
	return (both - expected) / ((inA+inB)/2 - expected), nil
}

// MutualInformation returns the normalised mutual information of two partitions of the same
// items, 2 I(A;B) / (H(A) + H(B)), in [0,1]: 1 for equal partitions. Two that both have one
// cluster are equal: 1.
func MutualInformation(a, b []int) (float64, error) {
	t, err := contingency(a, b)
	if err != nil {
		return 0, fmt.Errorf("cluster.MutualInformation: %w", err)
	}
	n := float64(t.items)
	entropy := func(sizes []int) float64 {
		h := 0.0
		for _, s := range sizes {
			p := float64(s) / n
			h -= p * math.Log(p)
		}
		return h
	}
	ha, hb := entropy(t.a), entropy(t.b)
	if ha+hb == 0 {
		return 1, nil
	}
	shared := 0.0
	for c, row := range t.both {
		for k, s := range row {
			if s > 0 {
				shared += float64(s) / n * math.Log(float64(s)*n/(float64(t.a[c])*float64(t.b[k])))
			}
		}
	}
	return min(1, max(0, 2*shared/(ha+hb))), nil
}

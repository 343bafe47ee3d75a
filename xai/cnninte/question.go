package cnninte

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"github.com/whybook/whybook/xai/tree"
)

// Question is what a column of the meta-level tree stands for, and so what a test asks: is the
// factor in one of the clusters? Both count from 0.
type Question struct {
	Factor   int
	Clusters []int // ascending; one, unless the recipe has Sets
}

// String says it in words, counting from 1: "factor 2 in cluster 1, 4 or 7".
func (q Question) String() string {
	return fmt.Sprintf("factor %d in cluster %s", q.Factor+1, q.list())
}

func (q Question) list() string {
	names := make([]string, len(q.Clusters))
	for i, c := range q.Clusters {
		names[i] = fmt.Sprint(c + 1)
	}
	last := len(names) - 1
	if last < 1 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// maxSets is how many clusters a factor may have where tests ask for several: there are
// 2^(k-1) - 1 divisions of k clusters in two.
const maxSets = 12

// Questions returns what the columns of the tree stand for, factor by factor: every cluster,
// or, with Sets, every division of the clusters in two, named by its smaller part. Small parts
// come first, since the tree takes the lower column where two are as good.
func (in *Interpretation) Questions() []Question {
	var list []Question
	for g := range in.Factors {
		k := in.Factors[g].Clusters()
		if !in.Settings.Sets || k < 2 {
			for c := range k {
				list = append(list, Question{Factor: g, Clusters: []int{c}})
			}
			continue
		}
		masks := make([]uint, 0, 1<<(k-1))
		for m := uint(1); m < 1<<(k-1); m++ { // without the last cluster
			if 2*bits.OnesCount(m) > k {
				m := 1<<k - 1 - m
				masks = append(masks, m)
				continue
			}
			masks = append(masks, m)
		}
		slices.SortFunc(masks, func(a, b uint) int {
			if n := bits.OnesCount(a) - bits.OnesCount(b); n != 0 {
				return n
			}
			return int(bits.Reverse(b)>>(bits.UintSize-k)) - int(bits.Reverse(a)>>(bits.UintSize-k)) // lower clusters first
		})
		for _, m := range masks {
			q := Question{Factor: g}
			for c := range k {
				if m>>c&1 == 1 {
					q.Clusters = append(q.Clusters, c)
				}
			}
			list = append(list, q)
		}
	}
	return list
}

// hot answers the questions for identities, factors x n: n rows of yes (1) and no (0).
func (in *Interpretation) hot(identities [][]int) tree.Bytes {
	questions := in.Questions()
	n, width := len(identities[0]), len(questions)
	b := tree.Bytes{Rows: n, Cols: width, Data: make([]uint8, n*width), Scale: 1}
	for first := 0; first < width; {
		g, last := questions[first].Factor, first
		for last < width && questions[last].Factor == g {
			last++
		}
		answers := make([][]uint8, in.Factors[g].Clusters())
		for c := range answers {
			answers[c] = make([]uint8, last-first)
			for j, q := range questions[first:last] {
				if slices.Contains(q.Clusters, c) {
					answers[c][j] = 1
				}
			}
		}
		for i, c := range identities[g] {
			copy(b.Data[i*width+first:], answers[c])
		}
		first = last
	}
	return b
}

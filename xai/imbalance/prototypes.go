package imbalance

import (
	"context"
	"fmt"
	"math"
	"sync/atomic"

	"github.com/whybook/whybook/xai/internal/parallel"
	"github.com/whybook/whybook/xai/progress"
	"gonum.org/v1/gonum/mat"
)

// Prototype is the member that stands for an archetype of a class.
type Prototype struct {
	Class     int
	Archetype Archetype
	Size      int // members of the class with the archetype
	Index     int // the one that stands for them; -1 where there is none
}

// Prototypes finds for every class and archetype the medoid of its members S (Dablain et
// al., step 6),
//
//	m(c,a) = argmin over i in S of sum over j in S of ||z_i - z_j||
//
// where several tie the lowest index: so of one or two members the first. The medoid of the
// safe members is the prototype of the class, that of the rare ones an example of a
// sub-concept. They come in order of class, then archetype. The time grows with the square
// of the size of the largest S, the memory with n.
func Prototypes(ctx context.Context, m Members, archetypes []Archetype) ([]Prototype, error) {
	const where = "imbalance.Prototypes"
	m, err := m.withFeatures(where)
	if err != nil {
		return nil, err
	}
	if err := checkArchetypes(where, archetypes, m.Len()); err != nil {
		return nil, err
	}
	rows := make([][]int, len(m.Classes)*ArchetypeCount)
	for i, c := range m.Labels {
		at := c*ArchetypeCount + int(archetypes[i])
		rows[at] = append(rows[at], i)
	}
	out := make([]Prototype, len(rows))
	var done atomic.Int64
	for at, list := range rows {
		p := Prototype{Class: at / ArchetypeCount, Archetype: Archetype(at % ArchetypeCount), Size: len(list)}
		if p.Index, err = medoid(ctx, m.Features, list, &done, m.Len()); err != nil {
			return nil, fmt.Errorf("%s: %w", where, err)
		}
		out[at] = p
	}
	return out, nil
}

// medoid returns the row of least total distance to the others, the lowest of several; -1
// of none. It adds the rows it has looked at to done.
func medoid(ctx context.Context, x *mat.Dense, rows []int, done *atomic.Int64, total int) (int, error) {
	sums := make([]float64, len(rows))
	err := parallel.Blocks(ctx, len(rows), 32, func(lo, hi int) error {
		for a := lo; a < hi; a++ {
			u, sum := x.RawRowView(rows[a]), 0.0
			for _, j := range rows {
				sum += distance(u, x.RawRowView(j))
			}
			sums[a] = sum
		}
		progress.Report(ctx, "prototypes", int(done.Add(int64(hi-lo))), total)
		return nil
	})
	if err != nil {
		return -1, err
	}
	best := -1
	for a, sum := range sums {
		if best < 0 || sum < sums[best] {
			best = a
		}
	}
	if best < 0 {
		return -1, nil
	}
	return rows[best], nil
}

// distance is Euclidean.
func distance(u, v []float64) float64 {
	v = v[:len(u)]
	var sum float64
	for i, a := range u {
		t := a - v[i]
		sum += float64(t * t)
	}
	return math.Sqrt(sum)
}

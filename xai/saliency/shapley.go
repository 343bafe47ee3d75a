package saliency

import (
	"context"
	"fmt"
	"math"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/mat"
)

// Shapley estimates Shapley values by random permutations (Castro, Gomez and Tejada,
// 2009; Strumbelj and Kononenko, 2010): patches of the image enter one by one, in a
// random order, in the place of the baseline's, and each is credited with the change of
// the score that it makes,
//
//	phi_g = (1/P) sum over permutations of f(before g, and g) - f(before g)
//
// Each permutation shares out f(x) - f(x') exactly, so the map is complete up to rounding
// for any number of them; the standard error of a single value falls with the square root
// of Permutations. A patch's value is divided evenly over its values, in all channels,
// so that the map sums to the change. All rows of a batch get the same permutations.
type Shapley struct {
	Permutations int       // default 25
	Patch        int       // side of a patch in pixels; default a seventh of the image's shorter side, at least 1
	Groups       []int     // instead of Patch: the group of each of the H*W pixels, numbered from 0 without gaps
	Baseline     []float64 // x', d values in the input's units; default zeros
	Seed         uint64    // of the permutations
	Batch        int       // images in flight; default 64
}

// Signed implements Method.
func (Shapley) Signed() bool { return true }

// Attribute implements Method.
func (m Shapley) Attribute(ctx context.Context, f xai.Differentiable, dst *mat.Dense, in Batch) (Report, error) {
	if err := in.Check(f, dst); err != nil {
		return Report{}, err
	}
	n, d := in.X.Dims()
	permutations, err := count("Permutations", m.Permutations, 25)
	if err != nil {
		return Report{}, err
	}
	size, err := count("Batch", m.Batch, 64)
	if err != nil {
		return Report{}, err
	}
	group, groups, err := m.groups(in)
	if err != nil {
		return Report{}, err
	}
	if permutations > math.MaxInt/groups/n {
		return Report{}, fmt.Errorf("field Permutations is %d, too many for %d patches", permutations, groups)
	}
	baseline := m.Baseline
	if baseline == nil {
		baseline = make([]float64, d)
	}
	if err := checkBaselines([][]float64{baseline}, d); err != nil {
		return Report{}, err
	}
	empty, err := f.Scores(ctx, mat.NewDense(1, d, append([]float64(nil), baseline...)))
	if err != nil {
		return Report{}, err
	}
	before := make([]float64, n) // the score before the next patch enters
	credit := mat.NewDense(n, groups, nil)
	var orders [][]int // permutations in use: orders[p-first]
	var ranks [][]int  // their inverses: the place of each group
	first := 0
	enter := sweep{
		task: "Shapley values", per: permutations * groups, size: size,
		prepare: func(from, to int) {
			first, orders, ranks = from/groups, orders[:0], ranks[:0]
			for p := first; p <= (to-1)/groups; p++ {
				order, rank := seed.Stream(m.Seed, "shapley", p).Perm(groups), make([]int, groups)
				for q, g := range order {
					rank[g] = q
				}
				orders, ranks = append(orders, order), append(ranks, rank)
			}
		},
		point: func(dst []float64, i, s int) {
			rank := ranks[s/groups-first]
			copy(dst, baseline)
			for j, v := range in.X.RawRowView(i) {
				if rank[group[j%len(group)]] <= s%groups {
					dst[j] = v
				}
			}
		},
		use: func(i, s int, _, scores []float64) {
			if s%groups == 0 {
				before[i] = empty.At(0, in.Targets[i])
			}
			now := scores[in.Targets[i]]
			credit.RawRowView(i)[orders[s/groups-first][s%groups]] += now - before[i]
			before[i] = now
		},
	}
	if err := enter.run(ctx, f, in); err != nil {
		return Report{}, err
	}
	members := make([]float64, groups)
	for j := range d {
		members[group[j%len(group)]]++
	}
	report := Report{Passes: enter.per + 1, Completeness: make([]Completeness, n)}
	for i := range n {
		row := credit.RawRowView(i)
		for g := range row {
			row[g] /= members[g] * float64(permutations)
		}
		spread(dst, i, group, row)
		c := &report.Completeness[i]
		for _, v := range dst.RawRowView(i) {
			c.Sum += v
		}
		c.Change = before[i] - empty.At(0, in.Targets[i])
	}
	return report, nil
}

// groups returns the group of each pixel and their number.
func (m Shapley) groups(in Batch) ([]int, int, error) {
	hw := in.Shape.Height * in.Shape.Width
	if m.Groups == nil {
		patch, err := patchSize(m.Patch, max(min(in.Shape.Height, in.Shape.Width)/7, 1), in.Shape)
		if err != nil {
			return nil, 0, err
		}
		group, groups := tiles(in.Shape, patch)
		return group, groups, nil
	}
	if m.Patch != 0 {
		return nil, 0, fmt.Errorf("fields Patch and Groups are both set; keep one")
	}
	if len(m.Groups) != hw {
		return nil, 0, fmt.Errorf("field Groups has %d values for %d pixels: %w", len(m.Groups), hw, xai.ErrShape)
	}
	used, groups := make([]bool, hw), 0
	for p, g := range m.Groups {
		if g < 0 || g >= hw {
			return nil, 0, fmt.Errorf("field Groups: pixel %d has group %d, outside 0-%d", p, g, hw-1)
		}
		used[g], groups = true, max(groups, g+1)
	}
	for g, u := range used[:groups] {
		if !u {
			return nil, 0, fmt.Errorf("field Groups: no pixel has group %d; number groups from 0 without gaps", g)
		}
	}
	return m.Groups, groups, nil
}

var _ Method = Shapley{}

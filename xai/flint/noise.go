package flint

import (
	"context"
	"fmt"
	"math"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// AtNoise is how f and g do on inputs with noise of one level.
type AtNoise struct {
	Level       float64 // the noise is uniform in [-Level, Level], in the input's units
	Accuracy    float64 // of f, 0-1
	Interpreter float64 // accuracy of g
	Fidelity    float64
	Kept        float64 // share of samples whose most relevant attribute is that without noise
	Moved       float64 // mean over the samples of |phi(x') - phi(x)|_1 / |phi(x)|_1
}

// NoiseLevels are from a thousandth of an image's range to all of it.
func NoiseLevels() []float64 { return []float64{0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1} }

// Noise adds uniform noise to data and measures what becomes of f, g and the attributes. Images
// stay in [0,1]. The noise of a sample is drawn by seed and index, the same for every level but
// for its size. Without levels they are those of NoiseLevels.
func (in *Interpreter) Noise(ctx context.Context, data datasets.Source, seed uint64, levels ...float64) ([]AtNoise, error) {
	if len(levels) == 0 {
		levels = NoiseLevels()
	}
	for _, l := range levels {
		if !(l >= 0) || math.IsInf(l, 0) {
			return nil, fmt.Errorf("flint.Interpreter.Noise: the level %v must be finite and not negative", l)
		}
	}
	e, err := in.Evaluate(ctx, data)
	if err != nil {
		return nil, err
	}
	top := strongest(in.Contributions(e.Outputs))
	var list []AtNoise
	for _, level := range levels {
		o, err := in.Outputs(ctx, noisy(e.Set, level, seed))
		if err != nil {
			return nil, fmt.Errorf("flint.Interpreter.Noise(%v): %w", level, err)
		}
		a, n := AtNoise{Level: level}, float64(e.Set.Len())
		for i, best := range strongest(in.Contributions(o)) {
			f, g := floats.MaxIdx(o.F.RawRowView(i)), floats.MaxIdx(o.G.RawRowView(i))
			for _, c := range []struct {
				is bool
				of *float64
			}{{f == e.Set.Labels[i], &a.Accuracy}, {g == e.Set.Labels[i], &a.Interpreter}, {f == g, &a.Fidelity}, {best == top[i], &a.Kept}} {
				if c.is {
					*c.of++
				}
			}
			if size := floats.Norm(e.Phi.RawRowView(i), 1); size > 0 {
				a.Moved += floats.Distance(e.Phi.RawRowView(i), o.Phi.RawRowView(i), 1) / size
			}
		}
		for _, mean := range []*float64{&a.Accuracy, &a.Interpreter, &a.Fidelity, &a.Kept, &a.Moved} {
			*mean /= n
		}
		list = append(list, a)
	}
	return list, nil
}

// strongest returns the attribute with the largest contribution in each row.
func strongest(alpha *mat.Dense) []int {
	n, _ := alpha.Dims()
	list := make([]int, n)
	for i := range n {
		list[i] = floats.MaxIdx(alpha.RawRowView(i))
	}
	return list
}

// noisy returns all samples of a set with noise.
func noisy(set datasets.Set, level float64, s uint64) *mat.Dense {
	x := set.Batch(nil, places(set.Len()))
	for i := range set.Len() {
		r := seed.Stream(s, "flint", "noise", i)
		row := x.RawRowView(i)
		for j := range row {
			if row[j] += level * (2*r.Float64() - 1); set.Pixels != nil {
				row[j] = min(max(row[j], 0), 1)
			}
		}
	}
	return x
}

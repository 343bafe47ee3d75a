package saliency

import (
	"errors"
	"math"
	"math/bits"
	"testing"

	"github.com/whybook/whybook/xai"
	"gonum.org/v1/gonum/mat"
)

// shapley is the definition, over all subsets.
func shapley(f formula, x []float64, target int) []float64 {
	d := len(x)
	value := func(set int) float64 {
		in := make([]float64, d)
		for j := range in {
			if set>>j&1 == 1 {
				in[j] = x[j]
			}
		}
		return f.scores(in)[target]
	}
	phi := make([]float64, d)
	for set := range 1 << d {
		size := bits.OnesCount(uint(set))
		for j := range phi {
			if set>>j&1 == 0 {
				weight := math.Gamma(float64(size+1)) * math.Gamma(float64(d-size)) / math.Gamma(float64(d+1))
				phi[j] += weight * (value(set|1<<j) - value(set))
			}
		}
	}
	return phi
}

func TestShapley(t *testing.T) {
	inFlight(t, Shapley{}, 64)
	inFlight(t, Shapley{Patch: 3, Permutations: 40, Batch: 5}, 5)

	near(t, "the definition on net A", shapley(netA(), []float64{20, 50, 30}, 0), []float64{230. / 3, 590. / 3, 350. / 3}, 1e-9)
	got, report := attribute(t, Shapley{Permutations: 20000}, netA(), images(rows([]float64{20, 50, 30}), 1, 3))
	near(t, "net A", got.RawRowView(0), []float64{230. / 3, 590. / 3, 350. / 3}, 0.15)
	near(t, "net A, efficiency", []float64{report.Completeness[0].Sum, report.Completeness[0].Change}, []float64{390, 390}, 1e-9)

	f, in := tanhNet(6, 4), images(random(1, 6, 2), 2, 3, 2)
	got, _ = attribute(t, Shapley{Permutations: 20000}, f, in)
	near(t, "random network", got.RawRowView(0), shapley(f, in.X.RawRowView(0), 2), 0.03)

	// One permutation: efficiency is exact, a linear model too, and what is not used gets 0.
	base := []float64{0.5, 0, -1, 4}
	got, report = attribute(t, Shapley{Permutations: 1, Baseline: base}, affine(7, []float64{2, -1, 0.5, 0}), images(rows([]float64{1, 2, 3, 5}), 2, 2))
	near(t, "linear", got.RawRowView(0), []float64{1, -2, 2, 0}, 1e-12)
	if got.At(0, 3) != 0 {
		t.Errorf("dummy: %g", got.At(0, 3))
	}
	for s := range uint64(20) {
		_, r := attribute(t, Shapley{Permutations: 1, Seed: s}, tanhNet(16, s), images(random(1, 16, s), 4, 4))
		near(t, "efficiency", []float64{r.Completeness[0].Error()}, []float64{0}, 1e-12)
	}

	// Groups over two channels: pixels 0 and 2 together, their value shared by four numbers.
	in = images(rows([]float64{1, 1, 1, 1, 1, 1}), 1, 3)
	in.Shape.Channels = 2
	got, report = attribute(t, Shapley{Groups: []int{0, 1, 0}}, affine(0, []float64{1, 2, 3, 10, 20, 30}), in)
	near(t, "groups", got.RawRowView(0), []float64{11, 11, 11, 11, 11, 11}, 1e-12)
	near(t, "groups, efficiency", []float64{report.Completeness[0].Error()}, []float64{0}, 1e-12)

	other, _ := attribute(t, Shapley{Permutations: 2, Seed: 1}, tanhNet(16, 1), images(random(1, 16, 2), 4, 4))
	first, _ := attribute(t, Shapley{Permutations: 2}, tanhNet(16, 1), images(random(1, 16, 2), 4, 4))
	if mat.Equal(other, first) {
		t.Error("another seed, the same permutations")
	}
	refuse(t, Shapley{Permutations: -1}, "field Permutations")
	refuse(t, Shapley{Permutations: math.MaxInt}, "too many")
	refuse(t, Shapley{Patch: 5}, "larger than the image")
	refuse(t, Shapley{Patch: 2, Groups: make([]int, 16)}, "both set")
	gap := make([]int, 16)
	gap[3] = 2
	refuse(t, Shapley{Groups: gap}, "no pixel has group 1")
	gap[3] = -2
	refuse(t, Shapley{Groups: gap}, "outside 0-15")
	refuse(t, Shapley{Baseline: make([]float64, 16)[:0:0]}, "has 0 values")
	if _, err := (Shapley{Groups: []int{0}}).Attribute(ctx, tanhNet(16, 1), mat.NewDense(1, 16, nil), images(random(1, 16, 2), 4, 4)); !errors.Is(err, xai.ErrShape) {
		t.Errorf("groups of another size: %v", err)
	}
}

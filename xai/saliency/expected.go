package saliency

import (
	"context"
	"fmt"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/mat"
)

// ExpectedGradients is integrated gradients without a privileged baseline: the mean over
// baselines x' drawn from a list and points t drawn from [0,1] (Erion et al., 2019,
// arXiv:1906.10670, eq. 3):
//
//	EG_i(x) = E over x', t of (x_i - x'_i) * df/dx_i (x' + t (x - x'))
//
// It is a random estimate: its completeness error, against f(x) minus the mean of f over
// the baselines, falls with the square root of Samples. All rows of a batch get the same
// draws.
type ExpectedGradients struct {
	Baselines [][]float64 // at least one, each d values; usually training samples
	Samples   int         // draws; default 200
	Seed      uint64      // of the draws
	Batch     int         // points in flight; default 64
}

// Signed implements Method.
func (ExpectedGradients) Signed() bool { return true }

// Attribute implements Method.
func (eg ExpectedGradients) Attribute(ctx context.Context, f xai.Differentiable, dst *mat.Dense, in Batch) (Report, error) {
	if err := in.Check(f, dst); err != nil {
		return Report{}, err
	}
	_, d := in.X.Dims()
	samples, err := count("Samples", eg.Samples, 200)
	if err != nil {
		return Report{}, err
	}
	size, err := count("Batch", eg.Batch, 64)
	if err != nil {
		return Report{}, err
	}
	if len(eg.Baselines) == 0 {
		return Report{}, fmt.Errorf("field Baselines is empty; give samples to compare with, such as some of the training set")
	}
	if err := checkBaselines(eg.Baselines, d); err != nil {
		return Report{}, err
	}
	draws := seed.Stream(eg.Seed, "expected gradients")
	from, at := make([][]float64, samples), make([]float64, samples)
	for s := range samples {
		from[s], at[s] = eg.Baselines[draws.IntN(len(eg.Baselines))], draws.Float64()
	}
	dst.Zero()
	path := sweep{
		task: "expected gradients", per: samples, size: size, gradients: true,
		point: func(dst []float64, i, s int) { between(dst, from[s], in.X.RawRowView(i), at[s]) },
		use: func(i, s int, gradient, _ []float64) {
			row := dst.RawRowView(i)
			for j, v := range in.X.RawRowView(i) {
				row[j] += (v - from[s][j]) * gradient[j] / float64(samples)
			}
		},
	}
	if err := path.run(ctx, f, in); err != nil {
		return Report{}, err
	}
	report := Report{Passes: samples + 1 + len(eg.Baselines)}
	report.Completeness, err = completeness(ctx, f, dst, in, eg.Baselines, size)
	return report, err
}

var _ Method = ExpectedGradients{}

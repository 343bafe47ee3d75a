package saliency

import (
	"context"
	"fmt"

	"github.com/whybook/whybook/xai"
	"gonum.org/v1/gonum/mat"
)

// IntegratedGradients is the path integral of the gradient along the straight line from
// a baseline x' to the input (Sundararajan, Taly and Yan, 2017, arXiv:1703.01365, eq. 1):
//
//	IG_i(x) = (x_i - x'_i) * integral over t in [0,1] of df/dx_i (x' + t (x - x'))
//
// With several baselines the map is the mean of their maps. For each row the report has
// the completeness error: what the map's sum misses of f(x) - f(x'), or of the mean of
// that difference over the baselines.
type IntegratedGradients struct {
	Steps     int         // points on the path; default 50
	Rule      Rule        // where the points lie and what they weigh; default Midpoint
	Baseline  []float64   // x', d values in the input's units; default zeros (a black image)
	Baselines [][]float64 // several baselines; excludes Baseline
	Batch     int         // points in flight, which bounds the memory; default 64
}

// Signed implements Method.
func (IntegratedGradients) Signed() bool { return true }

// Attribute implements Method. Memory does not grow with Steps: the path is walked in
// blocks of points, and each is added to the sum as it comes.
func (ig IntegratedGradients) Attribute(ctx context.Context, f xai.Differentiable, dst *mat.Dense, in Batch) (Report, error) {
	if err := in.Check(f, dst); err != nil {
		return Report{}, err
	}
	_, d := in.X.Dims()
	steps, err := count("Steps", ig.Steps, 50)
	if err != nil {
		return Report{}, err
	}
	size, err := count("Batch", ig.Batch, 64)
	if err != nil {
		return Report{}, err
	}
	at, weight, err := ig.Rule.nodes(steps)
	if err != nil {
		return Report{}, err
	}
	baselines := ig.Baselines
	switch {
	case ig.Baseline != nil && baselines != nil:
		return Report{}, fmt.Errorf("fields Baseline and Baselines are both set; keep one")
	case ig.Baseline != nil:
		baselines = [][]float64{ig.Baseline}
	case baselines == nil:
		baselines = [][]float64{make([]float64, d)}
	case len(baselines) == 0:
		return Report{}, fmt.Errorf("field Baselines is empty; leave it nil for a baseline of zeros")
	}
	if err := checkBaselines(baselines, d); err != nil {
		return Report{}, err
	}

	dst.Zero()
	share := 1 / float64(len(baselines))
	path := sweep{
		task: "integrated gradients", per: len(baselines) * steps, size: size, gradients: true,
		point: func(dst []float64, i, s int) {
			between(dst, baselines[s/steps], in.X.RawRowView(i), at[s%steps])
		},
		use: func(i, s int, gradient, _ []float64) {
			from, w := baselines[s/steps], share*weight[s%steps]
			row := dst.RawRowView(i)
			for j, v := range in.X.RawRowView(i) {
				row[j] += w * (v - from[j]) * gradient[j]
			}
		},
	}
	if err := path.run(ctx, f, in); err != nil {
		return Report{}, err
	}
	report := Report{Passes: len(baselines)*(steps+1) + 1}
	report.Completeness, err = completeness(ctx, f, dst, in, baselines, size)
	return report, err
}

// between writes a + t (b - a) to dst.
func between(dst, a, b []float64, t float64) {
	for j, v := range a {
		dst[j] = v + t*(b[j]-v)
	}
}

// completeness compares the sum of each map with f(x) minus the mean of f over the
// baselines.
func completeness(ctx context.Context, f xai.Differentiable, dst *mat.Dense, in Batch, baselines [][]float64, size int) ([]Completeness, error) {
	list := make([]Completeness, len(in.Targets))
	ends := sweep{
		task: "completeness", per: 1 + len(baselines), size: size,
		point: func(dst []float64, i, s int) {
			if s == 0 {
				copy(dst, in.X.RawRowView(i))
				return
			}
			copy(dst, baselines[s-1])
		},
		use: func(i, s int, _, scores []float64) {
			if s == 0 {
				list[i].Change += scores[in.Targets[i]]
				return
			}
			list[i].Change -= scores[in.Targets[i]] / float64(len(baselines))
		},
	}
	if err := ends.run(ctx, f, in); err != nil {
		return nil, err
	}
	for i := range list {
		for _, v := range dst.RawRowView(i) {
			list[i].Sum += v
		}
	}
	return list, nil
}

var _ Method = IntegratedGradients{}

package evaluate

import (
	"context"
	"fmt"
	"math"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/saliency"
	"github.com/whybook/whybook/xai/seed"
)

// ROAD, remove and debias, follows the output while pixels are not blackened but imputed
// from their neighbours, so that the shape of the hole tells the model little (Rong et al.,
// 2022, arXiv:2202.00449). With MoRF_p the output without the p % most relevant pixels,
// LeRF_p without the least relevant, the combined score (pytorch-grad-cam) is
//
//	1/2 mean over p = 10, 20, ..., 90 of (LeRF_p - MoRF_p)
//
// More is better, in units of the output; a random map has 0 on average. See Impute for
// the imputation. What it removes of a large region is still guessed from the region's
// rim, so that maps with blurred edges can gain (arXiv:2304.13836).
type ROAD struct {
	Sigma       float64 // standard deviation of the noise on imputed values, in the input's units; default 0.01
	Noiseless   bool    // no noise
	Probability bool    // follow the softmax probability, not the score
	Seed        uint64
}

// Card implements Metric.
func (ROAD) Card() Card {
	return Card{
		Name: "ROAD", Low: math.Inf(-1), High: math.Inf(1), Better: Higher,
		Source:  "Rong et al., 2022, arXiv:2202.00449",
		Formula: "1/2 mean over p of (s_p least relevant removed - s_p most relevant removed), removed pixels imputed from their neighbours",
		Fails:   "Blurs what it removes, so that maps in one piece look better than scattered ones (arXiv:2304.13836).",
		Oracle:  "A constant image and a linear ramp are imputed exactly, a single pixel as the weighted mean of its neighbours.",
	}
}

// Measure implements Metric.
func (c ROAD) Measure(ctx context.Context, f xai.Differentiable, m saliency.Map) (float64, error) {
	morf, lerf, err := c.Curves(ctx, f, m)
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for i := range morf {
		sum += lerf[i] - morf[i]
	}
	return sum / float64(2*len(morf)), nil
}

// Curves returns the outputs with 10, 20, ..., 90 % of the pixels imputed, the most and the
// least relevant ones.
func (c ROAD) Curves(ctx context.Context, f xai.Differentiable, m saliency.Map) (morf, lerf []float64, err error) {
	const steps = 9
	name := c.Card().Name
	if err := checkModel(name, f, m); err != nil {
		return nil, nil, err
	}
	switch {
	case m.Sample.Columns != nil:
		return nil, nil, fmt.Errorf("evaluate: %s: the sample is a row of a table, whose columns are no neighbours; use Deletion", name)
	case c.Noiseless && c.Sigma != 0:
		return nil, nil, fmt.Errorf("evaluate: %s: field Sigma is %v, but Noiseless allows none; set one of them", name, c.Sigma)
	}
	sigma, err := positiveReal(name, "Sigma", c.Sigma, 0.01)
	if err != nil {
		return nil, nil, err
	}
	order := ranking(m.Plane())
	pixels := len(order)
	var failed error
	out, err := outputs(ctx, name, f, m.Target, 2*steps, c.Probability, func(i int, row []float64) {
		copy(row, m.Sample.X)
		count := int(math.Round(float64((i%steps+1)*pixels) / (steps + 1)))
		removed := order[:count]
		if i >= steps {
			removed = order[pixels-count:]
		}
		if err := impute(ctx, row, m, removed); err != nil && failed == nil {
			failed = err
		}
		if c.Noiseless {
			return
		}
		r := seed.Stream(c.Seed, "road", i)
		for _, p := range removed {
			for j := p; j < len(row); j += pixels {
				row[j] += sigma * r.NormFloat64()
			}
		}
	})
	if failed != nil {
		err = fmt.Errorf("evaluate: %s: %w", name, failed)
	}
	if err != nil {
		return nil, nil, err
	}
	return out[:steps], out[steps:], nil
}

// Impute returns the sample of m with the removed pixels, indices into H x W, imputed from
// the others, all channels alike. Each removed pixel becomes the weighted mean of its
// neighbours,
//
//	x_i sum over j of w_ij = sum over j of w_ij x_j
//
// over the up to four direct (w = 1/6) and four diagonal ones (w = 1/12) within the image,
// of which some may be removed too: a linear system, solved by conjugate gradients. There
// must be at least one pixel left (ErrMask).
func Impute(ctx context.Context, m saliency.Map, removed []int) ([]float64, error) {
	if err := check("Impute", m); err != nil {
		return nil, err
	}
	if len(m.Sample.X) != len(m.Values) {
		return nil, fmt.Errorf("evaluate: Impute: the sample has %d values, the map %d: %w", len(m.Sample.X), len(m.Values), xai.ErrShape)
	}
	if !finite(m.Sample.X) {
		return nil, fmt.Errorf("evaluate: Impute: the sample has values that are no numbers: %w", datasets.ErrNotFinite)
	}
	x := append([]float64(nil), m.Sample.X...)
	if err := impute(ctx, x, m, removed); err != nil {
		return nil, fmt.Errorf("evaluate: Impute: %w", err)
	}
	return x, nil
}

// impute is Impute in place.
func impute(ctx context.Context, x []float64, m saliency.Map, removed []int) error {
	h, w := m.Shape.Height, m.Shape.Width
	pixels := h * w
	unknown := make([]int, pixels) // 1 + place in removed, 0 for pixels that are left
	for u, p := range removed {
		if p < 0 || p >= pixels {
			return fmt.Errorf("removed pixel %d: the image has %d (0-%d)", p, pixels, pixels-1)
		}
		if unknown[p] != 0 {
			return fmt.Errorf("pixel %d is removed twice", p)
		}
		unknown[p] = u + 1
	}
	n := len(removed)
	switch n {
	case 0:
		return nil
	case pixels:
		return fmt.Errorf("all %d pixels are removed, and none is left to impute from: %w", n, ErrMask)
	}
	neighbours := func(p int, visit func(q int, weight float64)) {
		for dy := -1; dy <= 1; dy++ {
			for dx := -1; dx <= 1; dx++ {
				y, x := p/w+dy, p%w+dx
				if dy == 0 && dx == 0 || y < 0 || y >= h || x < 0 || x >= w {
					continue
				}
				weight := 1. / 6
				if dy != 0 && dx != 0 {
					weight = 1. / 12
				}
				visit(y*w+x, weight)
			}
		}
	}

	// The matrix is symmetric, and positive definite as every removed pixel is connected
	// with one that is left. Its diagonal is the preconditioner.
	diagonal := make([]float64, n)
	for u, p := range removed {
		neighbours(p, func(_ int, weight float64) { diagonal[u] += weight })
	}
	// Row u of the matrix but for its diagonal is entries[first[u]:first[u+1]].
	first, entries := make([]int, 1, n+1), make([]entry, 0, 8*n)
	for _, p := range removed {
		neighbours(p, func(q int, weight float64) {
			if k := unknown[q]; k > 0 {
				entries = append(entries, entry{k - 1, weight})
			}
		})
		first = append(first, len(entries))
	}
	times := func(dst, v []float64) {
		for u := range dst {
			sum := diagonal[u] * v[u]
			for _, e := range entries[first[u]:first[u+1]] {
				sum -= e.weight * v[e.at]
			}
			dst[u] = sum
		}
	}
	b, v := make([]float64, n), make([]float64, n)
	for c := range m.Shape.Channels {
		plane := x[c*pixels : (c+1)*pixels]
		mean := 0.0 // of the pixels that are left: the first guess
		for p, value := range plane {
			if unknown[p] == 0 {
				mean += value / float64(pixels-n)
			}
		}
		for u, p := range removed {
			b[u], v[u] = 0, mean
			neighbours(p, func(q int, weight float64) {
				if unknown[q] == 0 {
					b[u] += weight * plane[q]
				}
			})
		}
		if err := conjugateGradients(ctx, times, diagonal, b, v); err != nil {
			return err
		}
		for u, p := range removed {
			plane[p] = v[u]
		}
	}
	return nil
}

// entry is a value of a sparse row, less than 0 by its weight.
type entry struct {
	at     int
	weight float64
}

// conjugateGradients solves A v = b from the first guess v, to a residual of 1e-12 times
// the greatest term of the first, for a symmetric positive definite A with the
// given diagonal.
func conjugateGradients(ctx context.Context, times func(dst, v []float64), diagonal, b, v []float64) error {
	const tolerance = 1e-12
	n := len(b)
	residual, direction, image := make([]float64, n), make([]float64, n), make([]float64, n)
	times(image, v)
	scale, rho := 0.0, 0.0 // greatest size of a term; r D^-1 r
	for u := range b {
		residual[u] = b[u] - image[u]
		direction[u] = residual[u] / diagonal[u]
		rho += residual[u] * direction[u]
		scale = max(scale, math.Abs(b[u]), diagonal[u]*math.Abs(v[u]))
	}
	limit := 10*n + 100
	for range limit {
		worst := 0.0
		for _, r := range residual {
			worst = max(worst, math.Abs(r))
		}
		if worst <= tolerance*scale {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		times(image, direction)
		curvature := 0.0
		for u, p := range direction {
			curvature += p * image[u]
		}
		alpha, next := rho/curvature, 0.0
		for u := range v {
			v[u] += alpha * direction[u]
			residual[u] -= alpha * image[u]
			next += residual[u] * residual[u] / diagonal[u]
		}
		for u := range direction {
			direction[u] = residual[u]/diagonal[u] + next/rho*direction[u]
		}
		rho = next
	}
	return fmt.Errorf("the imputation did not converge in %d steps; does the image have values of very different sizes?", limit)
}

var _ Metric = ROAD{}

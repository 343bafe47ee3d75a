package cluster

import (
	"context"
	"fmt"

	"github.com/whybook/whybook/xai/progress"
	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/mat"
)

// MiniBatch is k-means for many rows: centroids follow small samples, each row drawing its
// nearest by 1 over the number of rows that have drawn it so far (Sculley, Web-scale k-means
// clustering, WWW 2010). Its inertia is usually a few per cent above that of KMeans.
type MiniBatch struct {
	K      int    // clusters, at least 1; no default
	Batch  int    // rows of a sample, drawn with replacement; default 1024
	Passes int    // samples have this many times n rows in all; default 10
	Seed   uint64 // of the start, by greedy k-means++ on up to max(3 Batch, 3 K) rows, and of the samples
}

// Fit divides the rows of x, n x d, which is not changed; errors are those of KMeans.Fit. In
// the result every row has its nearest centroid, but centroids are not exactly the means of
// their rows, and may be left without any. Objective is the inertia of each sample before
// the centroids follow it, divided by its rows and multiplied by n; Converged is false.
func (m MiniBatch) Fit(ctx context.Context, x *mat.Dense) (*Means, error) {
	c, err := m.fit(ctx, x)
	if err != nil {
		return nil, fmt.Errorf("cluster.MiniBatch.Fit: %w", err)
	}
	return c, nil
}

func (m MiniBatch) fit(ctx context.Context, x *mat.Dense) (*Means, error) {
	r, mean, err := newRows(ctx, x, true)
	if err != nil {
		return nil, err
	}
	if err := clusters(m.K, r.n); err != nil {
		return nil, err
	}
	if m.Batch, err = count("Batch", m.Batch, 1024); err != nil {
		return nil, err
	}
	if m.Passes, err = count("Passes", m.Passes, 10); err != nil {
		return nil, err
	}
	centres, err := m.start(ctx, r)
	if err != nil {
		return nil, err
	}
	drawn := make([]float64, m.K)
	out := &Means{}
	steps := (m.Passes*r.n + m.Batch - 1) / m.Batch
	for step := range steps {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		batch := r.draw(m.Batch, m.Seed, "minibatch", step)
		labels, d2, err := assign(ctx, batch, centres)
		if err != nil {
			return nil, err
		}
		sum := 0.0
		for i, c := range labels {
			sum += d2[i]
			drawn[c]++
			rate := 1 / drawn[c]
			at := centres[c*r.d : (c+1)*r.d]
			for j, v := range batch.row(i) {
				at[j] += float64(rate * (v - at[j]))
			}
		}
		out.Objective = append(out.Objective, sum/float64(m.Batch)*float64(r.n))
		progress.Report(ctx, "mini-batch k-means", step+1, steps)
	}
	labels, d2, err := assign(ctx, r, centres)
	if err != nil {
		return nil, err
	}
	out.Labels, out.Sizes = labels, make([]int, m.K)
	for i, c := range labels {
		out.Sizes[c]++
		out.Inertia += d2[i]
	}
	for i := range centres {
		centres[i] += mean[i%r.d]
	}
	out.Centroids = mat.NewDense(m.K, r.d, centres)
	return out, nil
}

// start draws the first centres from a sample, or from all rows where the sample has too few
// different ones.
func (m MiniBatch) start(ctx context.Context, r *rows) ([]float64, error) {
	size := max(3*m.Batch, 3*m.K)
	if size < r.n {
		if c, err := plusPlus(ctx, r.draw(size, m.Seed, "minibatch", "start"), m.K, m.Seed, "minibatch"); err == nil {
			return c, nil
		}
	}
	return plusPlus(ctx, r, m.K, m.Seed, "minibatch")
}

// draw returns m rows drawn with replacement.
func (r *rows) draw(m int, sd uint64, path ...any) *rows {
	s := seed.Stream(sd, path...)
	b := &rows{n: m, d: r.d, x: make([]float64, 0, m*r.d), square: make([]float64, 0, m)}
	for range m {
		i := s.IntN(r.n)
		b.x, b.square = append(b.x, r.row(i)...), append(b.square, r.square[i])
	}
	return b
}

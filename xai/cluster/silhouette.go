package cluster

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/internal/parallel"
	"github.com/whybook/whybook/xai/progress"
	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/mat"
)

// ErrUndefined is matched by the error about a partition that a measure has no value for.
var ErrUndefined = errors.New("not defined for this partition")

// Silhouette measures how much nearer rows are to their own cluster than to the next
// (Rousseeuw 1987): for each row s = (b - a)/max(a, b), where a is its mean Euclidean
// distance from the other rows of its cluster and b the least mean distance from those of
// another; 0 for a row that is alone in its cluster, and where a = b = 0.
type Silhouette struct {
	Sample int    // rows measured, each against all others, drawn without replacement; default all
	Seed   uint64 // of the sample
}

// Quality is the result of Silhouette.
type Quality struct {
	Mean   float64   // over the rows measured, in [-1, 1]; more is better
	Rows   []int     // which were measured, ascending
	Values []float64 // of each of Rows
}

// Measure returns the silhouette of the rows of x, n x d, for their labels, which may be any
// numbers. A partition needs at least 2 clusters and fewer than n (ErrUndefined).
func (s Silhouette) Measure(ctx context.Context, x *mat.Dense, labels []int) (Quality, error) {
	q, err := s.measure(ctx, x, labels)
	if err != nil {
		return Quality{}, fmt.Errorf("cluster.Silhouette.Measure: %w", err)
	}
	return q, nil
}

func (s Silhouette) measure(ctx context.Context, x *mat.Dense, labels []int) (Quality, error) {
	r, _, err := newRows(ctx, x, true)
	if err != nil {
		return Quality{}, err
	}
	if len(labels) != r.n {
		return Quality{}, fmt.Errorf("%d rows with %d labels: %w", r.n, len(labels), xai.ErrShape)
	}
	cluster, k := compact(labels)
	if k < 2 || k >= r.n {
		return Quality{}, fmt.Errorf("%d clusters of %d rows; there must be at least 2, and a row that is not alone: %w", k, r.n, ErrUndefined)
	}
	size, err := count("Sample", s.Sample, r.n)
	if err != nil {
		return Quality{}, err
	}
	q := Quality{Rows: seed.Stream(s.Seed, "silhouette").Perm(r.n)[:min(size, r.n)]}
	slices.Sort(q.Rows)
	q.Values = make([]float64, len(q.Rows))
	sizes := make([]float64, k)
	for _, c := range cluster {
		sizes[c]++
	}
	const together = 64
	for lo := 0; lo < len(q.Rows); lo += 16 * together { // in parts, to report progress
		hi := min(lo+16*together, len(q.Rows))
		err = parallel.Blocks(ctx, hi-lo, together, func(from, to int) error {
			r.silhouette(q.Values[lo+from:lo+to], q.Rows[lo+from:lo+to], cluster, sizes)
			return nil
		})
		if err != nil {
			return Quality{}, err
		}
		progress.Report(ctx, "silhouette", hi, len(q.Rows))
	}
	for _, v := range q.Values {
		q.Mean += v / float64(len(q.Values))
	}
	return q, nil
}

// silhouette sets dst to the silhouettes of the rows which.
func (r *rows) silhouette(dst []float64, which, cluster []int, sizes []float64) {
	m, k := len(which), len(sizes)
	a, a2 := make([]float64, 0, m*r.d), make([]float64, 0, m)
	for _, i := range which {
		a, a2 = append(a, r.row(i)...), append(a2, r.square[i])
	}
	sums, d2 := make([]float64, m*k), make([]float64, m*rowsTogether)
	for lo := 0; lo < r.n; lo += rowsTogether {
		hi := min(lo+rowsTogether, r.n)
		part := d2[:m*(hi-lo)]
		distances(part, a, a2, r.x[lo*r.d:hi*r.d], r.square[lo:hi], r.d)
		for i := range m {
			sum := sums[i*k : (i+1)*k]
			for j, v := range part[i*(hi-lo) : (i+1)*(hi-lo)] {
				sum[cluster[lo+j]] += math.Sqrt(v)
			}
		}
	}
	for at, i := range which {
		own := cluster[i]
		if sizes[own] < 2 {
			continue
		}
		sum := sums[at*k : (at+1)*k]
		in, out := sum[own]/(sizes[own]-1), math.Inf(1)
		for c, v := range sum {
			if c != own {
				out = min(out, v/sizes[c])
			}
		}
		if most := max(in, out); most > 0 {
			dst[at] = (out - in) / most
		}
	}
}

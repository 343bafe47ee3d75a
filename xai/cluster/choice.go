package cluster

import (
	"context"
	"errors"
	"fmt"

	"gonum.org/v1/gonum/mat"
)

// Choice runs KMeans for several numbers of clusters and takes the one of the largest mean
// silhouette, the smallest number where several are.
type Choice struct {
	Min, Max   int        // numbers of clusters tried; default 2 and 12, or fewer where rows do not suffice
	KMeans     KMeans     // its K stays 0
	Silhouette Silhouette // of the divisions; with many rows, set its Sample
}

// Chosen is a division with the numbers that it was chosen by.
type Chosen struct {
	*Means
	K           int       // the number of clusters taken
	Tried       []int     // the numbers of clusters tried
	Silhouettes []float64 // of each of Tried
}

// Fit divides the rows of x, n x d; errors are those of KMeans.Fit and Silhouette.Measure.
func (c Choice) Fit(ctx context.Context, x *mat.Dense) (*Chosen, error) {
	best, err := c.fit(ctx, x)
	if err != nil {
		return nil, fmt.Errorf("cluster.Choice.Fit: %w", err)
	}
	return best, nil
}

func (c Choice) fit(ctx context.Context, x *mat.Dense) (*Chosen, error) {
	if c.KMeans.K != 0 {
		return nil, fmt.Errorf("field KMeans.K is %d, but Choice looks for it; set Min and Max", c.KMeans.K)
	}
	from, err := count("Min", c.Min, 2)
	if err != nil {
		return nil, err
	}
	to, err := count("Max", c.Max, max(12, from))
	if err != nil {
		return nil, err
	}
	if from < 2 || to < from {
		return nil, fmt.Errorf("fields Min and Max are %d and %d; they must be at least 2 and not descend", from, to)
	}
	best := &Chosen{}
	most := 0.0
	for k := from; k <= to; k++ {
		c.KMeans.K = k
		m, err := c.KMeans.fit(ctx, x)
		var q Quality
		if err == nil {
			q, err = c.Silhouette.measure(ctx, x, m.Labels)
		}
		if len(best.Tried) > 0 && c.Max == 0 && (errors.Is(err, ErrTooFew) || errors.Is(err, ErrUndefined)) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%d clusters: %w", k, err)
		}
		best.Tried, best.Silhouettes = append(best.Tried, k), append(best.Silhouettes, q.Mean)
		if best.Means == nil || q.Mean > most {
			best.Means, best.K, most = m, k, q.Mean
		}
	}
	return best, nil
}

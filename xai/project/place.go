package project

import (
	"context"
	"fmt"
	"math"

	"github.com/whybook/whybook/xai"
	"gonum.org/v1/gonum/mat"
)

// Place returns positions, m x 2, for m new rows in the picture of x, the rows that the
// embedding was made from: the mean of the positions of the nearest rows of x, weighted by
// affinities of perplexity 5 (less for fewer than 16 rows), as openTSNE starts its transform
// (Poličar, Stražar and Zupan, 2019, arXiv:1904.06055; there the optimisation goes on).
//
// t-SNE has no function from rows to positions. This one says into which neighbourhood a
// row falls, no more: it cannot form a group of its own, and a row like no other lands
// among those that are least unlike it, or between them.
func (e Embedding) Place(ctx context.Context, x, rows *mat.Dense) (*mat.Dense, error) {
	y, err := e.place(ctx, x, rows)
	if err != nil {
		return nil, fmt.Errorf("project.Embedding.Place: %w", err)
	}
	return y, nil
}

func (e Embedding) place(ctx context.Context, x, rows *mat.Dense) (*mat.Dense, error) {
	if err := check("x", x); err != nil {
		return nil, err
	}
	if err := check("rows", rows); err != nil {
		return nil, err
	}
	n, d := x.Dims()
	m, columns := rows.Dims()
	switch {
	case e.Y == nil || e.Y.IsEmpty():
		return nil, fmt.Errorf("the embedding is empty; make one with TSNE.Embed: %w", xai.ErrShape)
	case columns != d:
		return nil, fmt.Errorf("the new rows have %d values, those of x %d: %w", columns, d, xai.ErrShape)
	}
	if placed, c := e.Y.Dims(); placed != n || c != 2 || n < 4 {
		return nil, fmt.Errorf("x has %d rows, the embedding %d x %d positions; pass the rows that it was made from: %w", n, placed, c, xai.ErrShape)
	}
	c := centred(x)
	scaled := make([]float64, m*d)
	for i := range m {
		for j, v := range rows.RawRowView(i) {
			s := math.Ldexp(v-c.mean[j], -c.exp)
			if !(math.Abs(s) < 1e150) {
				return nil, fmt.Errorf("row %d, column %d is %v, further from x than can be measured: %w", i, j, v, ErrNotFinite)
			}
			scaled[i*d+j] = s
		}
	}
	perplexity := min(5, float64(n-1)/3)
	k := neighbours(perplexity, n)
	index, squares, err := nearest(ctx, scaled, c.data, d, k, false)
	if err != nil {
		return nil, err
	}
	p, _, err := conditional(ctx, squares, k, perplexity)
	if err != nil {
		return nil, err
	}
	y := mat.NewDense(m, 2, nil)
	for i := range m {
		row := y.RawRowView(i)
		for r := i * k; r < (i+1)*k; r++ {
			at := e.Y.RawRowView(int(index[r]))
			row[0] += p[r] * at[0]
			row[1] += p[r] * at[1]
		}
	}
	return y, nil
}

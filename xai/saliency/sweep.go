package saliency

import (
	"context"
	"fmt"
	"math"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/progress"
	"gonum.org/v1/gonum/mat"
)

// sweep sends `per` points for each row of a batch through a model, in blocks of at most
// size points, so that memory does not grow with per or with the number of rows.
type sweep struct {
	task      string
	per, size int
	gradients bool // whether use needs the gradients of the targets

	// prepare, if set, is called before the points from <= s < to are made; to - from is
	// at most size. It may keep what those points share, such as masks.
	prepare func(from, to int)
	// point writes point s of row i to dst.
	point func(dst []float64, i, s int)
	// use receives the results, for each row in the order of s; gradient is nil unless
	// asked for. The slices are valid during the call only.
	use func(i, s int, gradient, scores []float64)
}

func (w sweep) run(ctx context.Context, f xai.Differentiable, in Batch) error {
	n, d := in.X.Dims()
	total, done := n*w.per, 0
	size := min(w.size, total)
	points := mat.NewDense(size, d, nil)
	var grads *mat.Dense
	if w.gradients {
		grads = mat.NewDense(size, d, nil)
	}
	type place struct{ i, s int }
	places, targets := make([]place, 0, size), make([]int, 0, size)
	flush := func() error {
		m := len(places)
		if m == 0 {
			return nil
		}
		err := ctx.Err()
		var scores *mat.Dense
		block := points.Slice(0, m, 0, d).(*mat.Dense)
		switch {
		case err != nil:
		case w.gradients:
			scores, err = f.Gradients(ctx, grads.Slice(0, m, 0, d).(*mat.Dense), block, targets)
		default:
			scores, err = f.Scores(ctx, block)
		}
		if err != nil {
			return fmt.Errorf("after %d of %d model evaluations: %w", done, total, err)
		}
		for p, at := range places {
			var g []float64
			if w.gradients {
				g = grads.RawRowView(p)
			}
			w.use(at.i, at.s, g, scores.RawRowView(p))
		}
		done += m
		places, targets = places[:0], targets[:0]
		progress.Report(ctx, w.task, done, total)
		return nil
	}
	for from := 0; from < w.per; from += w.size {
		to := min(from+w.size, w.per)
		if w.prepare != nil {
			w.prepare(from, to)
		}
		for i := range n {
			for s := from; s < to; s++ {
				w.point(points.RawRowView(len(places)), i, s)
				places, targets = append(places, place{i, s}), append(targets, in.Targets[i])
				if len(places) == size {
					if err := flush(); err != nil {
						return err
					}
				}
			}
		}
		if err := flush(); err != nil {
			return err
		}
	}
	return nil
}

// scoresAt returns the target's score of each row of x.
func scoresAt(ctx context.Context, f xai.Differentiable, in Batch) ([]float64, error) {
	scores, err := f.Scores(ctx, in.X)
	if err != nil {
		return nil, err
	}
	list := make([]float64, len(in.Targets))
	for i, k := range in.Targets {
		list[i] = scores.At(i, k)
	}
	return list, nil
}

// count returns the value of a field that counts something: usual where it is 0.
func count(field string, value, usual int) (int, error) {
	switch {
	case value < 0:
		return 0, fmt.Errorf("field %s must be positive, not %d", field, value)
	case value == 0:
		return usual, nil
	}
	return value, nil
}

// amount returns the value of a field that measures something: usual where it is 0.
func amount(field string, value, usual float64) (float64, error) {
	switch {
	case !(value >= 0) || math.IsInf(value, 0):
		return 0, fmt.Errorf("field %s must be positive and finite, not %v", field, value)
	case value == 0:
		return usual, nil
	}
	return value, nil
}

// checkBaselines says what is wrong with baselines for inputs of d values.
func checkBaselines(baselines [][]float64, d int) error {
	for b, baseline := range baselines {
		if len(baseline) != d {
			return fmt.Errorf("baseline %d: the baseline has %d values, the input %d: %w", b, len(baseline), d, xai.ErrShape)
		}
		if j := indexNotFinite(baseline); j >= 0 {
			return fmt.Errorf("baseline %d: value %d is %v: %w", b, j, baseline[j], datasets.ErrNotFinite)
		}
	}
	return nil
}

func indexNotFinite(values []float64) int {
	for j, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return j
		}
	}
	return -1
}

package xaitest

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/nn"
	"github.com/whybook/whybook/xai/saliency"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// models is how many random networks each axiom is tried on.
const models = 4

// exact is what counts as no error, relative to the largest value: all arithmetic is in
// float64.
const exact = 1e-8

// unmapped reports whether an error says that this model is none for the method: without a
// layer it needs, with one that cannot follow its rule, or without a map at this input.
func unmapped(err error) bool {
	return errors.Is(err, saliency.ErrUndefined) || errors.Is(err, xai.ErrLayer) || errors.Is(err, xai.ErrRule)
}

// seeds: a method that draws has another map with another seed, and no other has.
func seeds(ctx context.Context, m saliency.Method, t saliency.Traits) error {
	other, has := withField(m, "Seed", uint64(12345))
	if has != t.Stochastic {
		if has {
			return errors.New("the method has a field Seed and does not say that it is stochastic")
		}
		return errors.New("the method is stochastic and has no field Seed of type uint64")
	}
	if !has {
		return nil
	}
	f, err := network(1, true)
	if err != nil {
		return err
	}
	in := inputs(9, 1)
	a, _, err := attribute(ctx, m, f, in)
	if err != nil {
		return err
	}
	b, _, err := attribute(ctx, other, f, in)
	if err != nil {
		return err
	}
	if mat.Equal(a, b) {
		return errors.New("another seed gives the same map")
	}
	return nil
}

// meaning: on f = w.x + b a sensitivity is w, a displacement parallel to w, and relevance sums
// to f. The contributions at two inputs differ by w times their difference, whatever the
// baseline.
func meaning(ctx context.Context, m saliency.Method, t saliency.Traits) error {
	if t.Meaning == saliency.Importance {
		return nil
	}
	for s := range uint64(models) {
		f, err := linear(s)
		if err != nil {
			return err
		}
		in := inputs(s, 2)
		in.Targets = []int{0, 0}
		got, _, err := attribute(ctx, m, f, in)
		if unmapped(err) {
			continue
		} else if err != nil {
			return err
		}
		w := mat.NewDense(2, size, nil)
		if _, err := f.Gradients(ctx, w, in.X, in.Targets); err != nil {
			return err
		}
		phi, slope, x := got.RawRowView(0), w.RawRowView(0), in.X.RawRowView(0)
		var worst float64
		switch t.Meaning {
		case saliency.Sensitivity:
			worst = distance(phi, slope)
		case saliency.Contribution:
			change, product := make([]float64, size), make([]float64, size)
			floats.SubTo(change, phi, got.RawRowView(1))
			floats.SubTo(product, x, in.X.RawRowView(1))
			floats.Mul(product, slope)
			if worst = distance(change, product); !t.Dummy { // windows and patches share theirs
				worst = 0.1 - cosine(change, product)
			}
		case saliency.Displacement: // for the target or against it
			worst = 1 - math.Abs(cosine(phi, slope))
		case saliency.Relevance:
			score := floats.Dot(slope, x)
			worst = math.Abs(floats.Sum(phi)-score)/math.Abs(score) - 1e-4 // what epsilon takes
		}
		if worst > 1e-6 {
			return fmt.Errorf("on a linear model the map is no %v: error %.3g", t.Meaning, worst)
		}
	}
	return nil
}

// cosine is that of the angle between two vectors.
func cosine(a, b []float64) float64 {
	return floats.Dot(a, b) / (floats.Norm(a, 2) * floats.Norm(b, 2))
}

// complete: the values of a row sum to the change of the score, up to the stated error; and
// the statement is right.
func complete(ctx context.Context, m saliency.Method, t saliency.Traits) error {
	worst := 0.0
	for s := range uint64(models) {
		smooth, err := network(s, true)
		if err != nil {
			return err
		}
		kinked, err := biased(s)
		if err != nil {
			return err
		}
		for _, f := range []*nn.Net{smooth, kinked} {
			in := inputs(s, 2)
			got, report, err := attribute(ctx, m, f, in)
			if err != nil {
				return err
			}
			if t.Complete && len(report.Completeness) != 2 {
				return fmt.Errorf("the method promises to be complete, and Report.Completeness has %d entries for 2 rows", len(report.Completeness))
			}
			before, err := f.Scores(ctx, mat.NewDense(2, size, nil))
			if err != nil {
				return err
			}
			after, err := f.Scores(ctx, in.X)
			if err != nil {
				return err
			}
			for i, c := range in.Targets {
				sum, change := floats.Sum(got.RawRowView(i)), after.At(i, c)-before.At(i, c)
				if report.Completeness == nil {
					if change != 0 {
						worst = math.Max(worst, math.Abs(sum-change)/math.Abs(change))
					}
					continue
				}
				say := report.Completeness[i]
				if math.Abs(say.Sum-sum) > 1e-9*(1+math.Abs(sum)) {
					return fmt.Errorf("Report.Completeness says that row %d sums to %g, it sums to %g", i, say.Sum, sum)
				}
				if say.Bound != 0 && math.Abs(say.Error()) > say.Bound {
					return fmt.Errorf("Report.Completeness has the error %g, above its own bound %g", say.Error(), say.Bound)
				}
				if scale := math.Max(math.Abs(say.Change), floats.Norm(got.RawRowView(i), 1)); scale > 0 {
					worst = math.Max(worst, math.Abs(say.Error())/scale)
				}
			}
		}
	}
	tolerance := 0.02 // of quadrature and sampling, at settings for a test
	if t.Complete && t.Stochastic {
		tolerance = 0.2
	}
	return promised("complete", t.Complete, models, worst, tolerance, "")
}

// dummy: a value that the model does not read gets exactly zero.
func dummy(ctx context.Context, m saliency.Method, t saliency.Traits) error {
	worst, tried := 0.0, 0
	for s := range uint64(models) {
		value := int(7 + 5*s)
		f, err := blind(s, value)
		if err != nil {
			return err
		}
		got, _, err := attribute(ctx, m, f, inputs(s, 2))
		if unmapped(err) {
			continue
		} else if err != nil {
			return err
		}
		tried++
		for i := range 2 {
			worst = math.Max(worst, math.Abs(got.At(i, value)))
		}
	}
	return promised("without a share for unused values", t.Dummy, tried, worst, 0, "")
}

// symmetric: equal values that the model treats alike get the same.
func symmetric(ctx context.Context, m saliency.Method, t saliency.Traits) error {
	worst, tried := 0.0, 0
	for s := range uint64(models) {
		p, q := int(8+s), int(27-s)
		f, err := mirrored(s, p, q)
		if err != nil {
			return err
		}
		in := inputs(s, 2)
		for i := range 2 {
			in.X.Set(i, q, in.X.At(i, p))
		}
		got, _, err := attribute(ctx, m, f, in)
		if unmapped(err) {
			continue
		} else if err != nil {
			return err
		}
		tried++
		for i := range 2 {
			if scale := floats.Norm(got.RawRowView(i), math.Inf(1)); scale > 0 {
				worst = math.Max(worst, math.Abs(got.At(i, p)-got.At(i, q))/scale)
			}
		}
	}
	return promised("symmetric", t.Symmetric, tried, worst, exact, "")
}

// additive: the map of 2 f - 3 g is twice that of f less three times that of g.
func additive(ctx context.Context, m saliency.Method, t saliency.Traits) error {
	worst, tried := 0.0, 0
	for s := range uint64(models) {
		f, g, both, err := sum(s, 2, -3)
		if err != nil {
			return err
		}
		in := inputs(s, 2)
		var maps [3]*mat.Dense
		for k, net := range []*nn.Net{f, g, both} {
			if maps[k], _, err = attribute(ctx, m, net, in); err != nil {
				break
			}
		}
		if unmapped(err) {
			continue
		} else if err != nil {
			return err
		}
		tried++
		var want mat.Dense
		maps[0].Scale(2, maps[0])
		maps[1].Scale(3, maps[1])
		want.Sub(maps[0], maps[1])
		worst = math.Max(worst, distance(maps[2].RawMatrix().Data, want.RawMatrix().Data))
	}
	tolerance := exact
	if t.Additive && t.Meaning == saliency.Contribution {
		tolerance = 1e-4 // adaptive rules integrate each model where it bends
	}
	return promised("additive in the model", t.Additive, tried, worst, tolerance, "")
}

// invariant: networks that compute the same function in different ways have one map.
func invariant(ctx context.Context, m saliency.Method, t saliency.Traits) error {
	worst, tried, where := 0.0, 0, ""
	for s := range uint64(models) {
		list, err := pairs(s)
		if err != nil {
			return err
		}
		in := inputs(s, 2)
		for _, p := range list {
			a, _, err := attribute(ctx, m, p.a, in)
			var b *mat.Dense
			if err == nil {
				b, _, err = attribute(ctx, m, p.b, in)
			}
			if unmapped(err) {
				continue
			} else if err != nil {
				return err
			}
			tried++
			if d := distance(b.RawMatrix().Data, a.RawMatrix().Data); d > worst {
				worst, where = d, " for "+p.name
			}
		}
	}
	// The networks differ in the rounding of their weights: float32 where they are loaded.
	return promised("independent of how the network computes its function", t.Invariant, tried, worst, 1e-3, where)
}

package evaluate

import (
	"context"
	"fmt"
	"slices"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/progress"
	"github.com/whybook/whybook/xai/saliency"
)

// Traced is a metric that sums up a curve: Deletion, Insertion, SensitivityN, MPRT.
type Traced interface {
	Metric
	// Trace returns the curve of one map.
	Trace(ctx context.Context, f xai.Differentiable, m saliency.Map) (Trace, error)
}

// Trace is a curve.
type Trace struct {
	XLabel, YLabel string
	X, Y           []float64
	Names          []string // of the points, where X only counts them; else nil
}

// Trace implements Traced: the output by the share of pixels that are replaced.
func (c Deletion) Trace(ctx context.Context, f xai.Differentiable, m saliency.Map) (Trace, error) {
	curve, err := c.Curve(ctx, f, m)
	return replacementTrace("replaced", c.Step, c.Probability, m, curve), err
}

// Trace implements Traced: the output by the share of pixels that are restored.
func (c Insertion) Trace(ctx context.Context, f xai.Differentiable, m saliency.Map) (Trace, error) {
	curve, err := c.Curve(ctx, f, m)
	return replacementTrace("restored", c.Step, c.Probability, m, curve), err
}

func replacementTrace(verb string, step int, probability bool, m saliency.Map, curve []float64) Trace {
	t := Trace{XLabel: "pixels " + verb + " (%)", YLabel: "score", Y: curve}
	if probability {
		t.YLabel = "probability"
	}
	pixels := m.Shape.Height * m.Shape.Width
	if step < 1 {
		step = (pixels + 223) / 224
	}
	for k := range curve {
		t.X = append(t.X, 100*float64(min(k*step, pixels))/float64(pixels))
	}
	return t
}

// Trace implements Traced: the correlation by the size of the sets.
func (c SensitivityN) Trace(ctx context.Context, f xai.Differentiable, m saliency.Map) (Trace, error) {
	n, correlation, err := c.Curve(ctx, f, m)
	t := Trace{XLabel: "pixels in a set", YLabel: "correlation", Y: correlation}
	for _, v := range n {
		t.X = append(t.X, float64(v))
	}
	return t, err
}

// Trace implements Traced: the similarity by the layers that are randomised, from 1 for the
// trained model.
func (c MPRT) Trace(ctx context.Context, f xai.Differentiable, m saliency.Map) (Trace, error) {
	layers, similarity, err := c.Curve(ctx, f, m)
	return c.trace(layers, similarity), err
}

func (c MPRT) trace(layers []string, similarity []float64) Trace {
	t := Trace{
		XLabel: "layers randomised, one after the other", YLabel: "similarity (" + similarityWords[min(max(c.Similarity, 0), HOG)] + ")",
		X: []float64{0}, Y: append([]float64{1}, similarity...), Names: append([]string{"none"}, layers...),
	}
	if c.Order == Independent {
		t.XLabel = "layer randomised"
	}
	for l := range layers {
		t.X = append(t.X, float64(l+1))
	}
	return t
}

var similarityWords = [...]string{"Spearman, absolute values", "Spearman", "SSIM", "HOG"}

// Curves are the mean curves of a metric, one for each method and reference.
type Curves struct {
	Metric         Question
	XLabel, YLabel string
	X              []float64
	Names          []string // of the points, where X only counts them; else nil
	Lines          []Line
	Level          float64 // of the bands
	DataName       string
}

// Line is the mean curve of a method with the confidence interval of each of its points.
type Line struct {
	Attributor      Attributor
	N, Missing      int       // samples with a curve, and without
	Mean, Low, High []float64 // as long as X; nil where N is 0, the interval where N is below 2
}

// Curves computes the curves of one metric for the methods of the comparison, whose metrics
// it does not look at, and for the references.
func (c Comparison) Curves(ctx context.Context, metric Traced) (Curves, error) {
	if isNil(metric) {
		return Curves{}, xai.Stepf("evaluate.Compare.Curves", "need a metric, have nil")
	}
	c.metrics = []Metric{metric}
	set, err := c.set(ctx)
	if err != nil {
		return Curves{}, err
	}
	attributors := c.attributors(set.Masks != nil)
	out := Curves{Metric: c.questions()[0], Level: c.level, DataName: set.Name, Lines: make([]Line, len(attributors))}
	curves := make([][][]float64, len(attributors)) // by method, then sample
	done, total := 0, len(attributors)*set.Len()
	err = c.each(ctx, set, attributors, func(ctx, quiet context.Context, a int, name string, at []int, maps []saliency.Map, notes []error) error {
		traces, errs, err := trace(quiet, metric, c.model, maps)
		if err != nil {
			return fmt.Errorf("evaluate: %s of %s: %w", out.Metric.Name, name, err)
		}
		for i, t := range traces {
			switch {
			case errs[i] != nil:
				continue
			case out.X == nil:
				out.X, out.Names, out.XLabel, out.YLabel = t.X, t.Names, t.XLabel, t.YLabel
			case !slices.Equal(out.X, t.X) || len(t.Y) != len(t.X):
				return fmt.Errorf("evaluate: %s of %s: curves of different points cannot be averaged: %w", out.Metric.Name, name, xai.ErrShape)
			}
			curves[a] = append(curves[a], t.Y)
		}
		done += len(at)
		progress.ReportDetail(ctx, "curves", done, total, name)
		return nil
	})
	if err != nil {
		return Curves{}, err
	}
	draws := draws{seed: c.seed, resamples: c.resamples, level: c.level}
	for a, attributor := range attributors {
		l := Line{Attributor: attributor.Attributor, N: len(curves[a]), Missing: set.Len() - len(curves[a])}
		for k := range out.X {
			var column []float64
			for _, y := range curves[a] {
				column = append(column, y[k])
			}
			if len(column) == 0 {
				break
			}
			mean, low, high := draws.interval(column)
			if l.Mean = append(l.Mean, mean); l.N > 1 {
				l.Low, l.High = append(l.Low, low), append(l.High, high)
			}
		}
		out.Lines[a] = l
	}
	return out, nil
}

// trace returns the curves of a metric, or why there are none.
func trace(ctx context.Context, metric Traced, f xai.Differentiable, maps []saliency.Map) ([]Trace, []error, error) {
	traces, errs := make([]Trace, len(maps)), make([]error, len(maps))
	if test, ok := metric.(MPRT); ok && len(maps) > 0 { // maps share the randomised models
		layers, similarity, errs, err := test.curves(ctx, f, maps)
		if err != nil {
			return nil, nil, err
		}
		for i := range maps {
			traces[i] = test.trace(layers, similarity[i])
		}
		return traces, errs, nil
	}
	for i, m := range maps {
		if traces[i], errs[i] = metric.Trace(ctx, f, m); errs[i] != nil {
			if err := failure(errs[i]); err != nil {
				return nil, nil, err
			}
		}
	}
	return traces, errs, nil
}

var _, _, _, _ Traced = Deletion{}, Insertion{}, SensitivityN{}, MPRT{}

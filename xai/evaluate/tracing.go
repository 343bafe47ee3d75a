package evaluate

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/whybook/whybook/xai/internal/store"
)

// Tracing describes the Curves of one metric, as a recipe that a cache can keep:
//
//	curves := kernelext.Build(comparison.Tracing(evaluate.MPRT{}))
type Tracing struct {
	of     Comparison
	metric Traced
}

// Tracing describes the curves of a metric for the methods of the comparison.
func (c Comparison) Tracing(metric Traced) Tracing {
	c.metrics = nil
	if !isNil(metric) {
		c.metrics = []Metric{metric}
	}
	return Tracing{of: c, metric: metric}
}

const curvesFormat = "whybook.curves/1"

// Key names everything that determines the curves.
func (t Tracing) Key() string { return "curves " + t.of.Key() }

// Build computes the curves. Like Comparison.Build it refuses what a cache cannot find again.
func (t Tracing) Build(ctx context.Context) (Curves, error) {
	if err := t.of.cachable(); err != nil {
		return Curves{}, err
	}
	return t.of.Curves(ctx, t.metric)
}

// Save writes curves that the recipe made.
func (t Tracing) Save(w io.Writer, c Curves) error { return c.Save(w) }

// Load reads curves that Save wrote.
func (t Tracing) Load(r io.Reader) (Curves, error) { return LoadCurves(r) }

// Save writes the curves as JSON with a checksum.
func (c Curves) Save(w io.Writer) error {
	if err := store.Write(w, curvesFormat, c); err != nil {
		return fmt.Errorf("evaluate: save curves: %w", err)
	}
	return nil
}

// LoadCurves reads curves that Save wrote. Whatever it did not write is an error that matches
// ErrFormat.
func LoadCurves(r io.Reader) (Curves, error) {
	var c Curves
	if err := store.Read(r, curvesFormat, &c); err != nil {
		if errors.Is(err, store.ErrFormat) {
			err = fmt.Errorf("%w: %w", ErrFormat, err)
		}
		return Curves{}, fmt.Errorf("evaluate: load curves: %w", err)
	}
	points := len(c.X)
	if n := len(c.Names); n != 0 && n != points {
		return Curves{}, fmt.Errorf("evaluate: load curves: %d names for %d points: %w", n, points, ErrFormat)
	}
	for _, l := range c.Lines {
		mean, band := 0, 0
		if l.N > 0 {
			mean = points
		}
		if l.N > 1 {
			band = points
		}
		if len(l.Mean) != mean || len(l.Low) != band || len(l.High) != band {
			return Curves{}, fmt.Errorf("evaluate: load curves: %q has %d means and a band of %d and %d for %d points of %d samples: %w",
				l.Attributor.Name, len(l.Mean), len(l.Low), len(l.High), points, l.N, ErrFormat)
		}
	}
	return c, nil
}

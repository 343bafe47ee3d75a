package saliency

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"gonum.org/v1/gonum/mat"
)

// sampled is an image of one line.
func sampled(x ...float64) datasets.Sample {
	return datasets.Sample{Shape: datasets.Shape{Channels: 1, Height: 1, Width: len(x)}, X: x}
}

// TestRowWithoutMap: a row without a map leaves the others of its batch as they are alone.
func TestRowWithoutMap(t *testing.T) {
	x := rows([]float64{0.9, 0.1}, []float64{0, 0}, []float64{0.3, 0.8}, []float64{0, 0}, []float64{0.5, 0.6})
	for _, m := range []Method{GradientFlow{}, GradientFlow{Average: true, Batch: 2}, Boundary{Batch: 2}, Smooth{Of: GradientFlow{}, Samples: 4, Sigma: 1e-9, Batch: 3}} {
		f := product()
		if _, ok := m.(Boundary); ok {
			f = affine(0, []float64{1, -1}, []float64{-1, 1})
			x = rows([]float64{0.9, 0.1}, []float64{0, 0}, []float64{0.3, 0.8}, []float64{0, 0}, []float64{0.5, 0.6})
			score := f.scores
			f.grad = func(x []float64, k int) []float64 {
				if x[0] == 0 && x[1] == 0 {
					return []float64{0, 0}
				}
				return slices.Clone([][]float64{{1, -1}, {-1, 1}}[k])
			}
			f.scores = func(x []float64) []float64 {
				s := score(x)
				s[0] += 0.01
				return s
			}
		}
		got, report := attribute(t, m, f, images(x, 1, 2))
		for i := range 5 {
			if _, smooth := m.(Smooth); smooth && i%2 == 1 {
				continue // noise leaves the saddle
			}
			undefined := i%2 == 1
			if why := report.Err(i); errors.Is(why, ErrUndefined) != undefined || math.IsNaN(got.At(i, 0)) != undefined {
				t.Errorf("%s, row %d: %v, %v", name(m), i, why, got.RawRowView(i))
			}
			if undefined {
				continue
			}
			alone, _ := attribute(t, m, f, images(rows(x.RawRowView(i)), 1, 2))
			near(t, name(m), got.RawRowView(i), alone.RawRowView(0), 0)
		}
	}
}

func TestNotes(t *testing.T) {
	flat := affine(3, []float64{0, 0}, []float64{0, 0})
	sure := formula{d: 2,
		scores: func([]float64) []float64 { return []float64{1 - 1e-9, 1e-9} },
		grad:   func([]float64, int) []float64 { return []float64{1e-9, 0} },
	}
	for _, c := range []struct {
		what string
		f    formula
		x    []float64
		want []Remark
	}{
		{"a flat model", flat, []float64{0.1, 0.2}, []Remark{Blank}},
		{"a saturated softmax", sure, []float64{0.1, 0.2}, []Remark{Saturated}},
		{"a black image", affine(3, []float64{1, 0}, []float64{0, 0}), []float64{0, 0}, []Remark{Uniform}},
		{"all is well", affine(3, []float64{1, 0}, []float64{0, 0}), []float64{0, 0.1}, nil},
	} {
		m, err := Of(c.f, sampled(c.x...)).Explain(ctx)
		if err != nil {
			t.Errorf("%s: %v", c.what, err)
			continue
		}
		var kinds []Remark
		for _, n := range m.Report.Notes {
			if kinds = append(kinds, n.Kind); n.Text == "" {
				t.Errorf("%s: a note without words", c.what)
			}
		}
		if !slices.Equal(kinds, c.want) || m.Report.Has(0, Blank) != slices.Contains(c.want, Blank) {
			t.Errorf("%s: %v, want %v", c.what, m.Report.Notes, c.want)
		}
	}
}

// TestNotesOfLayersAndScalars: notes are about the input, whatever the shape of the map, and
// a probability as a scalar saturates like one of the model.
func TestNotesOfLayersAndScalars(t *testing.T) {
	net, x := small(t)
	x.X = make([]float64, 30) // black, and conv1 has more values
	m, err := Of(net, x).At("conv1").Explain(ctx)
	if err != nil || !m.Report.Has(0, Uniform) {
		t.Errorf("a black image at a layer: %v, %v", m.Report.Notes, err)
	}
	sure := affine(0, []float64{90, 0}, []float64{-90, 0})
	for p, want := range map[float64]bool{1: true, 0.001: false} {
		m, err := Of(sure, sampled(p, 0)).Toward(Probability{Class: 0}).Explain(ctx)
		if err != nil || m.Report.Has(0, Saturated) != want {
			t.Errorf("a probability of %v: %v, %v", m.Scores, m.Report.Notes, err)
		}
	}
	if m, err := Of(sure, sampled(1, 0)).Toward(Margin{Class: 0}).Explain(ctx); err != nil || len(m.Report.Notes) > 0 {
		t.Errorf("a margin: %v, %v", m.Report.Notes, err)
	}
}

// touchy has no map left of 0.
type touchy struct{}

func (touchy) Signed() bool { return true }
func (touchy) Attribute(_ context.Context, _ xai.Differentiable, dst *mat.Dense, in Batch) (Report, error) {
	var report Report
	for i := range in.Targets {
		if dst.SetRow(i, in.X.RawRowView(i)); in.X.At(i, 0) < 0 {
			report.undefined(dst, i, "left of 0")
		}
	}
	return report, nil
}

// TestSmoothRowWithoutMap: a copy without a map takes away the map of its own row, whatever
// the block in which it comes.
func TestSmoothRowWithoutMap(t *testing.T) {
	in := images(rows([]float64{0.9, 0.1}, []float64{0.3, 0.8}, []float64{-9, 0}), 1, 2)
	for _, m := range []Smooth{{Samples: 5, Sigma: 0.001}, {Samples: 5, Sigma: 0.001, Batch: 2}, {Samples: 5, Sigma: 0.001, Kind: Variance}} {
		m.Of = touchy{}
		got, report := attribute(t, m, affine(0, []float64{1, 1}), in)
		for i := range 3 {
			if errors.Is(report.Err(i), ErrUndefined) != (i == 2) || math.IsNaN(got.At(i, 0)) != (i == 2) {
				t.Errorf("%s, row %d: %v, %v", name(m), i, report.Err(i), got.RawRowView(i))
			}
		}
	}
}

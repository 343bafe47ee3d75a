package evaluate

import (
	"errors"
	"math"
	"testing"
)

func TestFaithfulnessOracles(t *testing.T) {
	f, m := oracle()
	for _, a := range []float64{1, 1e-200, 1e200} {
		m := scaled(m, a)
		measures(t, FaithfulnessCorrelation{}, f, m, 1, 1e-12)
		measures(t, FaithfulnessCorrelation{Spearman: true}, f, m, 1, 1e-12)
		measures(t, SensitivityN{}, f, m, 1, 1e-12)
		for n := 1; n < 4; n++ {
			measures(t, SensitivityN{Sizes: []int{n}}, f, m, 1, 1e-12)
		}
	}
	measures(t, FaithfulnessCorrelation{}, f, scaled(m, -1), -1, 1e-12)

	// A large image: the map of contributions to a linear model of two channels.
	w, x := random(1, 200), random(2, 200)
	phi := make([]float64, 200)
	for i := range phi {
		phi[i] = w[i] * x[i]
	}
	big := mapOf(shape(2, 10, 10), x, phi)
	measures(t, SensitivityN{}, linear(w...), big, 1, 1e-10)
	// Planted fault: the map of one channel only.
	clear(phi[100:])
	if v, err := (SensitivityN{}).Measure(ctx, linear(w...), big); err != nil || v > 0.9 {
		t.Errorf("a map without its second channel: %v, %v, want a clear loss", v, err)
	}
}

// TestFaithfulnessOfNoise: a random map does not foretell anything.
func TestFaithfulnessOfNoise(t *testing.T) {
	f := linear(random(1, 100)...)
	m := mapOf(shape(1, 10, 10), random(2, 100), random(3, 100))
	a, err := FaithfulnessCorrelation{Runs: 2000}.Measure(ctx, f, m)
	// The correlation is that of phi with w x over pixels, and no more than sampling adds.
	if err != nil || math.Abs(a) > 0.3 {
		t.Errorf("%v, %v", a, err)
	}
	b, err := FaithfulnessCorrelation{Runs: 2000}.Measure(ctx, f, m)
	if a != b || err != nil {
		t.Errorf("a second run gives %v, not %v (%v)", b, a, err)
	}
	if b, _ = (FaithfulnessCorrelation{Runs: 2000, Seed: 1}).Measure(ctx, f, m); a == b {
		t.Error("the seed makes no difference")
	}
}

// TestFaithfulnessAgainstAllSets: with many runs the correlation is that over all sets of
// two pixels of a nonlinear model.
func TestFaithfulnessAgainstAllSets(t *testing.T) {
	f, m := wavy(6), mapOf(shape(1, 2, 3), random(1, 6), random(2, 6))
	var n, sx, sy, sxx, syy, sxy float64
	for i := range 6 {
		for j := range i {
			x := append([]float64(nil), m.Sample.X...)
			x[i], x[j] = 0, 0
			a, b := m.Values[i]+m.Values[j], f.scores(m.Sample.X)[0]-f.scores(x)[0]
			n, sx, sy, sxx, syy, sxy = n+1, sx+a, sy+b, sxx+a*a, syy+b*b, sxy+a*b
		}
	}
	want := (n*sxy - sx*sy) / math.Sqrt((n*sxx-sx*sx)*(n*syy-sy*sy))
	measures(t, FaithfulnessCorrelation{Size: 2, Runs: 20000}, f, m, want, 0.02)
}

func TestFaithfulnessWithoutVariation(t *testing.T) {
	f, m := oracle()
	flat := linear(0, 0, 0, 0)
	for _, metric := range []Metric{FaithfulnessCorrelation{}, FaithfulnessCorrelation{Spearman: true}, SensitivityN{}} {
		if v, err := metric.Measure(ctx, f, with(m, 0, 0, 0, 0)); !errors.Is(err, ErrConstant) {
			t.Errorf("%#v of a zero map: %v, %v, want ErrConstant", metric, v, err)
		}
		if v, err := metric.Measure(ctx, f, with(m, .1, .1, .1, .1)); !errors.Is(err, ErrConstant) {
			t.Errorf("%#v of a constant map: %v, %v, want ErrConstant", metric, v, err)
		}
		if v, err := metric.Measure(ctx, flat, m); !errors.Is(err, ErrConstant) {
			t.Errorf("%#v of a flat model: %v, %v, want ErrConstant", metric, v, err)
		}
	}
	for _, metric := range []Metric{FaithfulnessCorrelation{Size: 4}, FaithfulnessCorrelation{Size: -1}, FaithfulnessCorrelation{Runs: 1},
		FaithfulnessCorrelation{Baseline: []float64{}}, SensitivityN{Sizes: []int{0}}, SensitivityN{Sizes: []int{4}}, SensitivityN{Runs: -1}} {
		if v, err := metric.Measure(ctx, f, m); err == nil {
			t.Errorf("%#v: %v, want an error", metric, v)
		}
	}
	if v, err := (SensitivityN{}).Measure(ctx, linear(1), mapOf(shape(1, 1, 1), []float64{1}, []float64{1})); err == nil {
		t.Errorf("sensitivity-n of a single pixel: %v, want an error", v)
	}
}

func TestRanks(t *testing.T) {
	got := ranks([]float64{5, 1, 5, -2, 5})
	for i, want := range []float64{4, 2, 4, 1, 4} {
		if got[i] != want {
			t.Fatalf("ranks %v, want 4 2 4 1 4", got)
		}
	}
}

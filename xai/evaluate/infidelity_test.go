package evaluate

import (
	"math"
	"testing"
)

func TestInfidelityOracles(t *testing.T) {
	f, m := oracle() // its map is w
	measures(t, Infidelity{}, f, m, 0, 1e-24)
	measures(t, Infidelity{Normalised: true}, f, m, 0, 1e-24)

	// Twice w: E((w I)^2) raw, 0 normalised. For I ~ N(0, 0.2^2) that is 0.04 |w|^2 = 1.2.
	double := scaled(m, 2)
	measures(t, Infidelity{Normalised: true}, f, double, 0, 1e-24)
	measures(t, Infidelity{Samples: 20000}, f, double, 1.2, 0.05)
	ramp := func(sample int, perturbed, x []float64) { perturbed[sample] = x[sample] - 1 }
	measures(t, Infidelity{Perturb: ramp, Samples: 4}, f, double, (16+9+4+1)/4., 1e-12)

	// A map of zeros foretells nothing: both forms are E(Delta^2).
	zero := with(m, 0, 0, 0, 0)
	measures(t, Infidelity{Perturb: ramp, Samples: 4}, f, zero, (16+9+4+1)/4., 1e-12)
	measures(t, Infidelity{Perturb: ramp, Samples: 4, Normalised: true}, f, zero, (16+9+4+1)/4., 1e-12)

	// Normalised, the scale of a map makes no difference.
	other := with(m, 1, -2, 3, 1)
	want, err := Infidelity{Normalised: true}.Measure(ctx, f, other)
	if err != nil || want <= 0 {
		t.Fatalf("%v, %v", want, err)
	}
	for _, a := range []float64{1e-200, 1e6, 1e200} {
		measures(t, Infidelity{Normalised: true}, f, scaled(other, a), want, 1e-9)
	}
}

// TestInfidelityOfCompleteMaps: one change, to the baseline, with the map of a method that
// multiplies by the input: the square of the completeness error. The network is
// relu(relu(x1) - 1 - relu(x2)) at (3, 1), where integrated gradients are (1.5, -0.5).
func TestInfidelityOfCompleteMaps(t *testing.T) {
	relu := func(v float64) float64 { return max(v, 0) }
	f := formula{d: 2, scores: func(x []float64) []float64 { return []float64{relu(relu(x[0]) - 1 - relu(x[1])), 0} }}
	m := mapOf(shape(1, 1, 2), []float64{3, 1}, []float64{1.5, -0.5})
	whole := Infidelity{TimesInput: true, Samples: 1, Perturb: func(_ int, perturbed, _ []float64) { clear(perturbed) }}
	measures(t, whole, f, m, 0, 0)
	measures(t, whole, f, with(m, 2, -0.25), 0.75*0.75, 1e-15) // the sum is 1.75, the change 1

	// A value that equals its baseline is not divided by zero.
	m.Sample.X = []float64{3, 0}
	measures(t, whole, f, with(m, 2, 5), 0, 0)
}

func TestInfidelityMistakes(t *testing.T) {
	f, m := oracle()
	nothing := func(int, []float64, []float64) {}
	for name, c := range map[string]Infidelity{
		"samples":  {Samples: -1},
		"sigma":    {Sigma: math.Inf(1)},
		"baseline": {Baseline: make([]float64, 4)},
		"short":    {Baseline: make([]float64, 3), TimesInput: true},
		"noise":    {Sigma: 1, Perturb: nothing},
	} {
		if v, err := c.Measure(ctx, f, m); err == nil {
			t.Errorf("%s: %v, want an error", name, v)
		}
	}
	if v, err := (Infidelity{}).Measure(ctx, f, with(m, 1, 2, 3, math.NaN())); err == nil {
		t.Errorf("NaN: %v, want an error", v)
	}
	a, _ := Infidelity{}.Measure(ctx, f, scaled(m, 3))
	b, _ := Infidelity{}.Measure(ctx, f, scaled(m, 3))
	c, _ := Infidelity{Seed: 1}.Measure(ctx, f, scaled(m, 3))
	if a != b || a == c {
		t.Errorf("%v, again %v, with another seed %v", a, b, c)
	}
}

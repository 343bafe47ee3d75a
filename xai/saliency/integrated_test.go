package saliency

import (
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

var everyRule = []Rule{Midpoint, Left, Right, Trapezoid, GaussLegendre}

// TestRuleWeights: the weights of a rule sum to 1, and it integrates polynomials up to
// its degree and not beyond.
func TestRuleWeights(t *testing.T) {
	for _, r := range everyRule {
		for _, n := range []int{2, 3, 50, 101, 500} {
			at, w, err := r.nodes(n)
			if err != nil {
				t.Fatal(err)
			}
			near(t, r.GoString()+" weights", []float64{floats.Sum(w)}, []float64{1}, 1e-12)
			if !slices.IsSorted(at) || at[0] < 0 || at[n-1] > 1 {
				t.Errorf("%#v: the points are not in order within [0,1]", r)
			}
		}
	}
	for _, c := range []struct {
		rule   Rule
		n      int
		degree int
	}{{Left, 7, 0}, {Right, 7, 0}, {Midpoint, 7, 1}, {Trapezoid, 7, 1}, {GaussLegendre, 4, 7}} {
		at, w, _ := c.rule.nodes(c.n)
		for p := 0; p <= c.degree+1; p++ {
			sum := 0.0
			for s := range at {
				sum += w[s] * math.Pow(at[s], float64(p))
			}
			if wrong := math.Abs(sum - 1/float64(p+1)); (wrong < 1e-14) != (p <= c.degree) {
				t.Errorf("%#v with %d points integrates t^%d with error %g; its degree is %d", c.rule, c.n, p, wrong, c.degree)
			}
		}
	}
}

// TestRulesOnNetA has the errors derived by hand: the gradient along the path is 300 up
// to the kink at t = 0.1 and 400 after it. Those of Gauss-Legendre come from nodes that were
// computed elsewhere, by Newton's method.
func TestRulesOnNetA(t *testing.T) {
	for _, c := range []struct {
		m    IntegratedGradients
		want float64
		tol  float64
	}{
		{IntegratedGradients{Rule: Left}, -2, 1e-9},
		{IntegratedGradients{Rule: Right}, 0, 1e-9},
		{IntegratedGradients{Rule: Midpoint}, 0, 1e-9},
		{IntegratedGradients{Rule: Trapezoid}, 40. / 49, 1e-9},
		{IntegratedGradients{Rule: GaussLegendre}, 0.17935861165381, 1e-9},
		{IntegratedGradients{Rule: GaussLegendre, Steps: 500}, 0.05060555582946, 1e-9},
	} {
		_, report := attribute(t, c.m, netA(), images(rows([]float64{20, 50, 30}), 1, 3))
		near(t, name(c.m), []float64{report.Completeness[0].Error(), report.Completeness[0].Change}, []float64{c.want, 390}, c.tol)
	}
	// Captum's trapezoid has our points, and the weights 1/n for 1/(n-1): they sum to 0.98,
	// and it would be off by -7.
	at, weight, err := Trapezoid.nodes(50)
	if err != nil {
		t.Fatal(err)
	}
	captum, sum := -390.0, 0.0
	for s, w := range weight {
		w *= 49. / 50
		captum += 100 * w * netA().grad([]float64{20 * at[s], 50 * at[s], 30 * at[s]}, 0)[0]
		sum += w
	}
	near(t, "Captum's trapezoid", []float64{captum, sum}, []float64{-7, 0.98}, 1e-9)
}

// TestRuleOrder: on a smooth model twice the points divide the error by 2^order; for
// Gauss-Legendre a few points reach rounding.
func TestRuleOrder(t *testing.T) {
	f, in := tanhNet(16, 1), images(random(1, 16, 2), 4, 4)
	wrong := func(r Rule, n int) float64 {
		_, report := attribute(t, IntegratedGradients{Rule: r, Steps: n}, f, in)
		return report.Completeness[0].Error()
	}
	for _, c := range []struct {
		rule Rule
		a, b int
		want float64
	}{{Left, 400, 800, 2}, {Right, 400, 800, 2}, {Midpoint, 400, 800, 4}, {Trapezoid, 401, 801, 4}} {
		if ratio := wrong(c.rule, c.a) / wrong(c.rule, c.b); math.Abs(ratio-c.want) > 0.05 {
			t.Errorf("%#v: twice the points divide the error by %.3f, want %g", c.rule, ratio, c.want)
		}
	}
	if e := wrong(GaussLegendre, 60); math.Abs(e) > 1e-13 {
		t.Errorf("Gauss-Legendre with 60 points: error %g", e)
	}
}

func TestIntegratedBaselines(t *testing.T) {
	f, in := tanhNet(16, 1), images(random(2, 16, 2), 4, 4, 0, 2)
	a, b := random(1, 16, 5).RawRowView(0), random(1, 16, 6).RawRowView(0)
	one, _ := attribute(t, IntegratedGradients{Baseline: a}, f, in)
	two, _ := attribute(t, IntegratedGradients{Baseline: b}, f, in)
	both, report := attribute(t, IntegratedGradients{Baselines: [][]float64{a, b}}, f, in)
	one.Add(one, two)
	one.Scale(0.5, one)
	near(t, "mean of two maps", both.RawMatrix().Data, one.RawMatrix().Data, 1e-14)
	if c := report.Completeness[1]; c.Relative() > 1e-3 {
		t.Errorf("completeness %+v", c)
	}
	for _, r := range everyRule {
		inFlight(t, IntegratedGradients{Rule: r}, 64)
	}
	inFlight(t, IntegratedGradients{Baselines: [][]float64{a, b}, Steps: 200, Batch: 13}, 13)
	refuse(t, IntegratedGradients{Baselines: [][]float64{}}, "Baselines is empty")
	refuse(t, IntegratedGradients{Baselines: [][]float64{a}, Baseline: a}, "both set")
	refuse(t, IntegratedGradients{Baselines: [][]float64{a, {1}}}, "baseline 1: the baseline has 1 values")
	refuse(t, IntegratedGradients{Rule: Trapezoid, Steps: 1}, "needs 2 points")
	refuse(t, IntegratedGradients{Rule: 17}, "field Rule")
}

func TestExpectedGradients(t *testing.T) {
	a, b := random(1, 16, 5).RawRowView(0), random(1, 16, 6).RawRowView(0)
	inFlight(t, ExpectedGradients{Baselines: [][]float64{a, b}}, 64)

	// One baseline and a linear model leave nothing random.
	got, report := attribute(t, ExpectedGradients{Baselines: [][]float64{{1, 1}}, Samples: 3}, affine(5, []float64{2, -1}), images(rows([]float64{3, 4}), 1, 2))
	near(t, "linear", got.RawRowView(0), []float64{4, -3}, 1e-14)
	near(t, "linear, completeness", []float64{report.Completeness[0].Change, report.Completeness[0].Error()}, []float64{1, 0}, 1e-14)

	// Many draws approach the exact mean.
	f, in := tanhNet(16, 1), images(random(1, 16, 2), 4, 4)
	exact, _ := attribute(t, IntegratedGradients{Baselines: [][]float64{a, b}, Rule: GaussLegendre}, f, in)
	many, _ := attribute(t, ExpectedGradients{Baselines: [][]float64{a, b}, Samples: 40000}, f, in)
	near(t, "40000 draws", many.RawRowView(0), exact.RawRowView(0), 0.02*mat.Norm(exact, math.Inf(1)))

	refuse(t, ExpectedGradients{}, "Baselines is empty")
	refuse(t, ExpectedGradients{Baselines: [][]float64{a}, Samples: -3}, "field Samples")
	refuse(t, ExpectedGradients{Baselines: [][]float64{{1}}}, "has 1 values")
	a = slices.Clone(a)
	a[3] = math.Inf(1)
	refuse(t, ExpectedGradients{Baselines: [][]float64{a}}, "value 3 is +Inf")
}

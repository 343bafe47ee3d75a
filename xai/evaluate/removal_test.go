package evaluate

import (
	"math"
	"sort"
	"testing"

	"gonum.org/v1/gonum/floats"
)

func TestRemovalOracles(t *testing.T) {
	f, m := oracle()
	zeros := make([]float64, 4)
	for _, a := range []float64{1, 1e-200, 1e200} {
		m := scaled(m, a)
		measures(t, Deletion{}, f, m, 3.75, 1e-12)
		measures(t, Insertion{Start: zeros}, f, m, 6.25, 1e-12)
		measures(t, PixelFlipping{}, f, m, 6, 1e-12)
		measures(t, BetweenCurves{}, f, m, 2, 1e-12)
	}
	// The worst map has the mirrored values.
	measures(t, Deletion{}, f, scaled(m, -1), 6.25, 1e-12)
	measures(t, BetweenCurves{}, f, scaled(m, -1), -2, 1e-12)
	// 3 pixels at once: s = 10, 1, 0.
	measures(t, Deletion{Step: 3}, f, m, 3, 1e-12)
	measures(t, PixelFlipping{Step: 3}, f, m, 19./3, 1e-12)
	// Two steps only: s = 10, 6, 3.
	measures(t, PixelFlipping{Steps: 2}, f, m, 11./3, 1e-12)
	// A constant map removes from the first pixel to the last, as ties go by index.
	measures(t, Deletion{}, f, with(m, 0, 0, 0, 0), 3.75, 1e-12)
}

// TestRemovalAgainstDefinition replaces pixel by pixel on an image of two channels, from
// scratch for each step.
func TestRemovalAgainstDefinition(t *testing.T) {
	const c, hw = 2, 100
	f, s := wavy(c*hw), shape(c, 10, 10)
	for sd := range uint64(4) {
		x, phi := random(10+sd, c*hw), random(20+sd, c*hw)
		floats.Scale(0.1, x)
		m := mapOf(s, x, phi)
		order := make([]int, hw)
		for p := range order {
			order[p] = p
		}
		sort.Slice(order, func(a, b int) bool {
			return phi[order[a]]+phi[hw+order[a]] > phi[order[b]]+phi[hw+order[b]]
		})
		start := Blur(m)
		del, ins, aopc, abpc := 0.0, 0.0, 0.0, 0.0
		for k := range hw + 1 {
			deleted, inserted, least := make([]float64, c*hw), make([]float64, c*hw), make([]float64, c*hw)
			copy(inserted, start)
			for q, p := range order {
				for j := p; j < c*hw; j += hw {
					if q >= k {
						deleted[j] = x[j]
					} else {
						inserted[j] = x[j]
					}
					if q < hw-k {
						least[j] = x[j]
					}
				}
			}
			weight := 1.0 / hw
			if k == 0 || k == hw {
				weight /= 2
			}
			d := f.scores(deleted)[0]
			del += weight * d
			ins += weight * f.scores(inserted)[0]
			aopc += (f.scores(x)[0] - d) / (hw + 1)
			abpc += (f.scores(least)[0] - d) / (hw + 1)
		}
		measures(t, Deletion{}, f, m, del, 1e-10)
		measures(t, Insertion{}, f, m, ins, 1e-10)
		measures(t, PixelFlipping{}, f, m, aopc, 1e-10)
		measures(t, BetweenCurves{}, f, m, abpc, 1e-10)
	}
}

// TestLinearIdentity: for a linear model without bias insertion from zeros is f(x) less deletion.
func TestLinearIdentity(t *testing.T) {
	x := random(1, 30)
	f, m := linear(random(2, 30)...), mapOf(shape(1, 5, 6), x, random(3, 30))
	deletion, err := Deletion{Step: 4}.Measure(ctx, f, m)
	if err != nil {
		t.Fatal(err)
	}
	measures(t, Insertion{Step: 4, Start: make([]float64, 30)}, f, m, f.scores(x)[0]-deletion, 1e-12)
}

// TestProbability: two scores, (s, 0), make the logistic function of s.
func TestProbability(t *testing.T) {
	f, m := oracle()
	logistic := func(s float64) float64 { return 1 / (1 + math.Exp(-s)) }
	want := (logistic(10)/2 + logistic(6) + logistic(3) + logistic(1) + 0.5/2) / 4
	measures(t, Deletion{Probability: true}, f, m, want, 1e-15)
}

// TestMemoryIsBounded: however many steps, the model sees at most 64 rows at once.
func TestMemoryIsBounded(t *testing.T) {
	f, widest := wavy(300), 0
	f.widest = &widest
	m := mapOf(shape(1, 15, 20), random(1, 300), random(2, 300))
	curve, err := Deletion{Step: 1}.Curve(ctx, f, m)
	if err != nil || len(curve) != 301 || widest != 64 {
		t.Errorf("%d outputs, %d rows at once, %v; want 301, 64", len(curve), widest, err)
	}
	if curve, err = (Deletion{}).Curve(ctx, f, m); err != nil || len(curve) != 151 {
		t.Errorf("%d outputs, %v; 300 pixels make steps of 2", len(curve), err)
	}
}

// TestBlur: a point becomes the kernel, the tails of a Gaussian of deviation 5 folded into
// 11 x 11 values (scipy.ndimage.gaussian_filter1d of a unit impulse of 11 values, sigma 5).
func TestBlur(t *testing.T) {
	s := shape(2, 31, 31)
	x := make([]float64, s.Size())
	x[961+15*31+15] = 1
	b := Blur(mapOf(s, x, x))
	if sum := floats.Sum(b); math.Abs(sum-1) > 1e-12 {
		t.Errorf("the kernel sums to %v", sum)
	}
	if got := floats.Sum(b[:961]); got != 0 {
		t.Errorf("the other channel has %v", got)
	}
	line := func(j int) float64 { // sum over the columns: the kernel in one direction
		return floats.Sum(b[961+(15+j)*31 : 961+(16+j)*31])
	}
	gauss := func(j int) float64 { return math.Exp(-float64(j*j) / 50) }
	norm := gauss(0)
	for j := 1; j <= 20; j++ {
		norm += 2 * gauss(j)
	}
	// Reflection about the edges at -5.5 and 5.5: the value at j comes from j, 11-j, -11-j,
	// and from 22 further on.
	for j := -5; j <= 5; j++ {
		want := 0.0
		for _, from := range []int{j, 11 - j, -11 - j, j + 22, j - 22} {
			if from >= -20 && from <= 20 {
				want += gauss(from) / norm
			}
		}
		if got := line(j); math.Abs(got-want) > 1e-12 {
			t.Errorf("kernel at %d: %v, want %v", j, got, want)
		}
	}
	if line(6) != 0 || line(-6) != 0 {
		t.Error("the kernel is wider than 11")
	}
}

func TestRemovalMistakes(t *testing.T) {
	f, m := oracle()
	table := m
	table.Sample.Columns = []string{"a", "b", "c", "d"}
	for _, c := range []struct {
		metric Metric
		m      int
	}{{Deletion{Step: -1}, 0}, {Deletion{Baseline: []float64{1}}, 0}, {Insertion{Start: []float64{1}}, 0},
		{Insertion{}, 1}, {PixelFlipping{Steps: -1}, 0}, {PixelFlipping{Baseline: []float64{1}}, 0}, {BetweenCurves{Step: -2}, 0}} {
		on := m
		if c.m == 1 {
			on = table
		}
		if v, err := c.metric.Measure(ctx, f, on); err == nil {
			t.Errorf("%#v: %v, want an error", c.metric, v)
		}
	}
	for _, metric := range []Metric{Deletion{}, Insertion{}, PixelFlipping{}, BetweenCurves{}} {
		if v, err := metric.Measure(ctx, f, with(m, 1, 2, 3, math.NaN())); err == nil {
			t.Errorf("%T of NaN: %v, want an error", metric, v)
		}
	}
}

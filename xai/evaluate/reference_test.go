package evaluate

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/saliency"
	"gonum.org/v1/gonum/mat"
)

func attribute(t *testing.T, method saliency.Method, s datasets.Shape, targets []int, rows ...[]float64) [][]float64 {
	t.Helper()
	x, dst := mat.NewDense(len(rows), s.Size(), nil), mat.NewDense(len(rows), s.Size(), nil)
	for i, row := range rows {
		x.SetRow(i, row)
	}
	if _, err := method.Attribute(ctx, nil, dst, saliency.Batch{X: x, Shape: s, Targets: targets}); err != nil {
		t.Fatalf("%T: %v", method, err)
	}
	out := make([][]float64, len(rows))
	for i := range out {
		out[i] = dst.RawRowView(i)
		if !slices.Equal(x.RawRowView(i), rows[i]) {
			t.Errorf("%T changed its input", method)
		}
	}
	return out
}

func TestReferences(t *testing.T) {
	s := shape(2, 3, 4)
	a, b := random(1, 24), random(2, 24)
	mask := make([]bool, 12)
	mask[5] = true
	for _, method := range []saliency.Method{Random{}, Constant{}, Sobel{}, Oracle{Mask: mask}} {
		both := attribute(t, method, s, []int{0, 1}, a, b)
		one := attribute(t, method, s, []int{1}, b)
		if !slices.Equal(both[1], one[0]) {
			t.Errorf("%T: a row in a batch differs from the row alone", method)
		}
	}
	r := attribute(t, Random{}, s, []int{0, 1, 0}, a, a, b)
	if slices.Equal(r[0], r[1]) || slices.Equal(r[0], r[2]) || slices.Equal(r[0], attribute(t, Random{Seed: 1}, s, []int{0}, a)[0]) {
		t.Error("a random map depends on target, input and seed; here it does not")
	}
	o := attribute(t, Oracle{Mask: mask}, s, []int{0}, a)[0]
	for j, v := range o {
		if want := j == 5 || j == 17; (v == 1) != want {
			t.Errorf("oracle: value %d is %v", j, v)
		}
	}
}

func TestSobel(t *testing.T) {
	s := shape(2, 5, 6)
	x := make([]float64, 60)
	for j := range 30 {
		x[j] = 3*float64(j/6) - 4*float64(j%6) // a plane of slope 5; the second channel is flat
	}
	got := attribute(t, Sobel{}, s, []int{0}, x)[0]
	for j, v := range got {
		y, column := j/6, j%6
		switch {
		case j >= 30:
			if v != 0 {
				t.Errorf("flat channel: value %d is %v", j, v)
			}
		case y > 0 && y < 4 && column > 0 && column < 5:
			if math.Abs(v-5) > 1e-12 {
				t.Errorf("slope at %d is %v, want 5", j, v)
			}
		}
	}
	// At the left border the outermost pixel is repeated: half the slope across.
	if want := math.Hypot(2, 3); math.Abs(got[12]-want) > 1e-12 {
		t.Errorf("border: %v, want %v", got[12], want)
	}
}

// TestReferencesUnderMetrics: the oracle is perfect where localisation is measured, and
// random maps are at chance.
func TestReferencesUnderMetrics(t *testing.T) {
	s := shape(1, 10, 10)
	mask := make([]bool, 100)
	for p := range mask {
		mask[p] = p/10 < 4 && p%10 < 5 // 20 of 100
	}
	var mass, rank, auc float64
	const runs = 200
	for sd := range uint64(runs) {
		x := random(sd, 100)
		m := mapOf(s, x, attribute(t, Random{}, s, []int{0}, x)[0])
		m.Sample.Mask = mask
		for metric, sum := range map[Metric]*float64{RelevanceMass{}: &mass, RelevanceRank{}: &rank, LocalisationAUC{}: &auc} {
			v, err := metric.Measure(ctx, nil, m)
			if err != nil {
				t.Fatal(err)
			}
			*sum += v / runs
		}
	}
	if math.Abs(mass-0.2) > 0.02 || math.Abs(rank-0.2) > 0.02 || math.Abs(auc-0.5) > 0.02 {
		t.Errorf("random maps: mass %v, rank %v, AUC %v; chance is 0.2, 0.2, 0.5", mass, rank, auc)
	}
	m := mapOf(s, random(1, 100), attribute(t, Oracle{Mask: mask}, s, []int{0}, random(1, 100))[0])
	m.Sample.Mask = mask
	for _, metric := range localisers {
		measures(t, metric, nil, m, 1, 1e-15)
	}
}

func TestReferenceMistakes(t *testing.T) {
	x, dst := mat.NewDense(1, 4, nil), mat.NewDense(1, 4, nil)
	in := saliency.Batch{X: x, Shape: shape(1, 2, 2), Targets: []int{0}}
	if _, err := (Oracle{Mask: make([]bool, 3)}).Attribute(ctx, nil, dst, in); !errors.Is(err, xai.ErrShape) {
		t.Errorf("short mask: %v", err)
	}
	if _, err := (Oracle{Mask: make([]bool, 4)}).Attribute(ctx, nil, dst, in); !errors.Is(err, ErrMask) {
		t.Errorf("empty mask: %v", err)
	}
	in.Shape = shape(1, 2, 3)
	if _, err := (Sobel{}).Attribute(ctx, nil, dst, in); !errors.Is(err, xai.ErrShape) {
		t.Errorf("other shape: %v", err)
	}
	in.Shape = shape(1, 2, 2)
	stopped, stop := context.WithCancel(ctx)
	stop()
	if _, err := (Random{}).Attribute(stopped, nil, dst, in); !errors.Is(err, context.Canceled) {
		t.Errorf("after an interrupt: %v", err)
	}
}

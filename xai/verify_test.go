package xai

import (
	"context"
	"math"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// bowl is f_k(x) = sum (i+1+k) x_i^2, with an optional fault in its gradient.
type bowl struct {
	d     int
	fault func(g []float64)
	calls int
	drift bool // scores change from call to call
	kinks bool // |x| instead of x^2
}

func (b *bowl) Dims() (int, int) { return b.d, 2 }

func (b *bowl) Scores(_ context.Context, x *mat.Dense) (*mat.Dense, error) {
	n, _ := x.Dims()
	out := mat.NewDense(n, 2, nil)
	b.calls++
	for i := range n {
		for k := range 2 {
			var s float64
			for j, v := range x.RawRowView(i) {
				if b.kinks {
					s += math.Abs(v)
				} else {
					s += float64(j+1+k) * v * v
				}
			}
			if b.drift {
				s += 1e-9 * float64(b.calls)
			}
			out.Set(i, k, s)
		}
	}
	return out, nil
}

func (b *bowl) Gradients(ctx context.Context, dst, x *mat.Dense, targets []int) (*mat.Dense, error) {
	for i, k := range targets {
		g := dst.RawRowView(i)
		for j, v := range x.RawRowView(i) {
			g[j] = 2 * float64(j+1+k) * v
		}
		if b.fault != nil {
			b.fault(g)
		}
	}
	return b.Scores(ctx, x)
}

func ramp(n, d int) *mat.Dense {
	x := mat.NewDense(n, d, nil)
	for i := range n {
		for j := range d {
			x.Set(i, j, 0.1*float64(j+1)+float64(i))
		}
	}
	return x
}

// TestVerify plants the faults that gorgonia's operations have, and others.
func TestVerify(t *testing.T) {
	for name, c := range map[string]struct {
		model *bowl
		x     *mat.Dense
		want  string // part of the reason; "" for a good model
	}{
		"right":                            {&bowl{d: 200}, ramp(3, 200), ""},
		"right in one dimension":           {&bowl{d: 1}, ramp(1, 1), ""},
		"one percent too large":            {&bowl{d: 50, fault: func(g []float64) { scaleAll(g, 1.01) }}, ramp(2, 50), "differs from central differences"},
		"zero outside the first window":    {&bowl{d: 50, fault: func(g []float64) { clear(g[4:]) }}, ramp(2, 50), "differs from central differences"},
		"one wrong coordinate among fifty": {&bowl{d: 50, fault: func(g []float64) { g[17] += 1 }}, ramp(2, 50), "differs from central differences"},
		"NaN":                              {&bowl{d: 50, fault: func(g []float64) { g[3] = math.NaN() }}, ramp(2, 50), ""},
		"scores that change":               {&bowl{d: 10, drift: true}, ramp(1, 10), "two runs"},
	} {
		v, err := Verify(t.Context(), c.model, c.x)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if name == "NaN" {
			if v.OK {
				t.Errorf("a NaN went unnoticed: %v", v)
			}
			continue
		}
		if v.OK != (c.want == "") || !strings.Contains(v.Reason, c.want) {
			t.Errorf("%s: %v", name, v)
		}
	}
	if _, err := Verify(t.Context(), &bowl{d: 3}, &mat.Dense{}); err == nil {
		t.Error("no rows: no error")
	}
	if _, err := Verify(t.Context(), &bowl{d: 3}, ramp(1, 2)); err == nil {
		t.Error("rows of another length: no error")
	}
}

func scaleAll(g []float64, by float64) {
	for j := range g {
		g[j] *= by
	}
}

// TestKinksArePassedOver: beside a kink and exactly on one there is nothing to compare, and
// a check that compared nothing does not pass.
func TestKinksArePassedOver(t *testing.T) {
	wrong := make([]float64, 10)
	for name, at := range map[string]float64{"exactly at": 0, "beside": 0.7 * verifyStep, "far from": 0.5} {
		x := make([]float64, 10)
		for j := range x {
			x[j] = at
		}
		var v Verdict
		if err := v.checkRow(t.Context(), &bowl{d: 10, kinks: true}, x, wrong, 0, 0); err != nil {
			t.Fatal(err)
		}
		if far := name == "far from"; far && v.Checked != 10 || !far && v.Kinks != 10 {
			t.Errorf("%s the kinks of |x|: %+v", name, v)
		}
	}
}

package evaluate

import (
	"errors"
	"testing"

	"github.com/whybook/whybook/xai"
)

func TestSpecificity(t *testing.T) {
	const o, x = false, true
	_, m := oracle() // 4 3 2 1
	for _, c := range []struct {
		mask                []bool
		top                 float64
		specificity, energy float64
	}{
		{[]bool{x, o, o, o}, 0.25, 1, 0.4},
		{[]bool{o, x, o, o}, 0.25, 2. / 3, 0.3},
		{[]bool{o, x, o, o}, 0.5, 2. / 3, 0.3},
		{[]bool{o, o, o, x}, 0.75, 0, 0.1},
		{[]bool{o, o, x, x}, 0, 0.5, 0.3}, // a tenth of four pixels is one
	} {
		for _, a := range []float64{1, -1, 1e200} { // signs do not matter
			measures(t, Specificity{Top: c.top}, nil, scaled(masks(m, c.mask...), a), c.specificity, 1e-15)
			measures(t, EnergyShare{}, nil, scaled(masks(m, c.mask...), a), c.energy, 1e-15)
		}
	}
	for _, top := range []float64{-0.1, 1, 2} {
		if _, err := (Specificity{Top: top}).Measure(ctx, nil, masks(m, x, o, o, o)); err == nil {
			t.Errorf("Top %v: no error", top)
		}
	}
	if _, err := (Specificity{}).Measure(ctx, nil, masks(m, x, x, x, x)); !errors.Is(err, ErrMask) {
		t.Errorf("all in the mask: %v", err)
	}
	if _, err := (Specificity{}).Measure(ctx, nil, masks(with(m, 1, -1, 1, 1), x, o, o, o)); !errors.Is(err, ErrConstant) {
		t.Errorf("one absolute value: %v", err)
	}
	if _, err := (EnergyShare{}).Measure(ctx, nil, masks(with(m, 0, 0, 0, 0), x, o, o, o)); !errors.Is(err, ErrZero) {
		t.Errorf("zeros: %v", err)
	}
}

// TestCausalSpecificity: f_0 reads pixel 0 alone, f_1 pixels 0 and 1, f_2 nothing.
func TestCausalSpecificity(t *testing.T) {
	f := formula{d: 4, scores: func(x []float64) []float64 { return []float64{8 * x[0], 2*x[0] + 4*x[1], 0} }}
	m := mapOf(shape(1, 2, 2), []float64{1, 0, 0, 0}, []float64{9, 1, 0, 0})
	b := Blur(m)
	drop0, drop1 := 8*(1-b[0]), 2*(1-b[0]) // of blurring pixel 0
	measures(t, CausalSpecificity{Top: 0.25}, f, m, drop0-drop1/2, 1e-12)
	m.Target = 2
	measures(t, CausalSpecificity{Top: 0.25}, f, m, -(drop0+drop1)/2, 1e-12)
	one := formula{d: 4, scores: func(x []float64) []float64 { return x[:1] }}
	m.Target = 0
	if _, err := (CausalSpecificity{}).Measure(ctx, one, m); !errors.Is(err, xai.ErrTarget) {
		t.Errorf("one score: %v", err)
	}
	if _, err := (CausalSpecificity{}).Measure(ctx, f, with(m, 1, 1, 1, 1)); !errors.Is(err, ErrConstant) {
		t.Errorf("constant: %v", err)
	}
}

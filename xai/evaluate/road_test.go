package evaluate

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/whybook/whybook/xai/saliency"
	"gonum.org/v1/gonum/mat"
)

func imageOf(h, w int, value func(y, x int) float64) saliency.Map {
	values := make([]float64, h*w)
	for p := range values {
		values[p] = value(p/w, p%w)
	}
	return mapOf(shape(1, h, w), values, values)
}

func imputed(t *testing.T, m saliency.Map, removed ...int) []float64 {
	t.Helper()
	x, err := Impute(ctx, m, removed)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestImputeOracles(t *testing.T) {
	// A constant image comes back, even from one pixel.
	constant := imageOf(9, 11, func(int, int) float64 { return 0.3 })
	var all []int
	for p := range 99 {
		if p != 40 {
			all = append(all, p)
		}
	}
	for p, v := range imputed(t, constant, all...) {
		if math.Abs(v-0.3) > 1e-12 {
			t.Fatalf("constant image: pixel %d is %v", p, v)
		}
	}
	// So does the inside of a linear ramp, as the weights are symmetric.
	ramp := imageOf(9, 11, func(y, x int) float64 { return 0.1 + 0.05*float64(y) - 0.03*float64(x) })
	var inside []int
	for p := range 99 {
		if y, x := p/11, p%11; y > 0 && y < 8 && x > 0 && x < 10 {
			inside = append(inside, p)
		}
	}
	for p, v := range imputed(t, ramp, inside...) {
		if math.Abs(v-ramp.Sample.X[p]) > 1e-10 {
			t.Fatalf("ramp: pixel %d is %v, want %v", p, v, ramp.Sample.X[p])
		}
	}
	// A single pixel becomes the weighted mean of its neighbours; at a corner there are three.
	noise := mapOf(shape(1, 3, 3), random(1, 9), random(1, 9))
	x := noise.Sample.X
	if got, want := imputed(t, noise, 4)[4], (x[1]+x[3]+x[5]+x[7])/6+(x[0]+x[2]+x[6]+x[8])/12; math.Abs(got-want) > 1e-12 {
		t.Errorf("centre: %v, want %v", got, want)
	}
	if got, want := imputed(t, noise, 0)[0], (2*x[1]+2*x[3]+x[4])/5; math.Abs(got-want) > 1e-12 {
		t.Errorf("corner: %v, want %v", got, want)
	}
}

// TestImputeAgainstDenseSolver solves the same system as a full matrix, for two channels.
func TestImputeAgainstDenseSolver(t *testing.T) {
	const h, w = 6, 5
	x := random(4, 2*h*w)
	m := mapOf(shape(2, h, w), x, x)
	removed := ranking(random(5, h*w))[:20]
	isRemoved := map[int]bool{}
	for _, p := range removed {
		isRemoved[p] = true
	}
	got := imputed(t, m, removed...)
	for c := range 2 {
		a, b := mat.NewDense(h*w, h*w, nil), mat.NewVecDense(h*w, nil)
		for i := range h * w {
			if !isRemoved[i] {
				a.Set(i, i, 1)
				b.SetVec(i, x[c*h*w+i])
				continue
			}
			for j := range h * w {
				dy, dx := i/w-j/w, i%w-j%w
				if weight := map[int]float64{1: 2, 2: 1}[dy*dy+dx*dx]; weight > 0 {
					a.Set(i, j, -weight)
					a.Set(i, i, a.At(i, i)+weight)
				}
			}
		}
		var want mat.VecDense
		if err := want.SolveVec(a, b); err != nil {
			t.Fatal(err)
		}
		for i := range h * w {
			if v := got[c*h*w+i]; math.Abs(v-want.AtVec(i)) > 1e-9 {
				t.Errorf("channel %d, pixel %d: %v, want %v", c, i, v, want.AtVec(i))
			}
		}
	}
}

func TestROAD(t *testing.T) {
	// f is the centre of a 10 x 10 image with one bright pixel: without it, it is dark.
	bright := imageOf(10, 10, func(y, x int) float64 {
		if y == 5 && x == 5 {
			return 1
		}
		return 0
	})
	w := make([]float64, 100)
	w[55] = 1
	f := linear(w...)
	for _, a := range []float64{1, 1e200} {
		m := scaled(bright, a)
		measures(t, ROAD{Noiseless: true}, f, m, 0.5, 1e-9) // LeRF stays 1, MoRF is 0 at once
		measures(t, ROAD{Noiseless: true}, f, scaled(m, -1), -0.5, 1e-9)
		measures(t, ROAD{}, f, m, 0.5, 0.02)
	}
	first, _ := ROAD{}.Measure(ctx, f, bright)
	again, _ := ROAD{}.Measure(ctx, f, bright)
	other, _ := ROAD{Seed: 1}.Measure(ctx, f, bright)
	if first != again || first == other {
		t.Errorf("%v, again %v, with another seed %v", first, again, other)
	}
	morf, lerf, err := ROAD{}.Curves(ctx, f, bright)
	if err != nil || len(morf) != 9 || len(lerf) != 9 {
		t.Errorf("curves of %d and %d values, %v; want 9", len(morf), len(lerf), err)
	}
}

func TestROADMistakes(t *testing.T) {
	f, m := oracle()
	table := m
	table.Sample.Columns = []string{"a", "b", "c", "d"}
	for name, c := range map[string]struct {
		metric ROAD
		m      saliency.Map
	}{
		"table": {ROAD{}, table}, "sigma": {ROAD{Sigma: -1}, m}, "both": {ROAD{Sigma: 1, Noiseless: true}, m},
		"NaN": {ROAD{}, with(m, 1, 2, 3, math.NaN())},
	} {
		if v, err := c.metric.Measure(ctx, f, c.m); err == nil {
			t.Errorf("%s: %v, want an error", name, v)
		}
	}
	for _, removed := range [][]int{{-1}, {4}, {1, 1}, {0, 1, 2, 3}} {
		if x, err := Impute(ctx, m, removed); err == nil {
			t.Errorf("removed %v: %v, want an error", removed, x)
		}
	}
	if _, err := Impute(ctx, m, []int{0, 1, 2, 3}); !errors.Is(err, ErrMask) {
		t.Errorf("nothing left: %v, want ErrMask", err)
	}
	if x := imputed(t, m); x[0] != 1 {
		t.Errorf("nothing removed: %v", x)
	}
	stopped, stop := context.WithCancel(ctx)
	stop()
	if _, err := (ROAD{}).Measure(stopped, f, m); !errors.Is(err, context.Canceled) {
		t.Errorf("after an interrupt: %v", err)
	}
}

package saliency

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
)

// saddle is x1 x2 as a model of two columns, beside a score that is always greater.
func saddle(x1, x2 float64) (xai.Function, datasets.Sample) {
	f := xai.Function{Inputs: 2, Outputs: 2,
		Func: func(x []float64) []float64 { return []float64{x[0] * x[1], 2} },
		Grad: func(x []float64, k int) []float64 { return []float64{x[1] * float64(1-k), x[0] * float64(1-k)} },
	}
	return f, datasets.Sample{X: []float64{x1, x2}, Shape: datasets.Shape{Channels: 1, Height: 1, Width: 2}, Columns: []string{"x1", "x2"}}
}

// TestPathOnTheSaddle: every point keeps x2^2 - x1^2, the ends are the input and what the
// map says, and each prefix is a flow of its own.
func TestPathOnTheSaddle(t *testing.T) {
	f, x := saddle(0.1, 0.2)
	flow := GradientFlow{Length: 0.5, Steps: 5000}
	p, err := Of(f, x).Target(0).With(flow).Path(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Points) != 5001 || len(p.Scores) != 5001 || p.Down || p.Target != 0 {
		t.Fatalf("%d points, %d scores, down %v, target %d", len(p.Points), len(p.Scores), p.Down, p.Target)
	}
	for k, at := range p.Points {
		near(t, "x2^2 - x1^2", []float64{at[1]*at[1] - at[0]*at[0]}, []float64{0.03}, 2e-4)
		near(t, "score", p.Scores[k], []float64{at[0] * at[1], 2}, 1e-15)
	}
	m, err := Of(f, x).Target(0).With(flow).Explain(ctx)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "end of the path", p.Displacements()[5000], m.Values, 0)
	near(t, "map of the path", p.Flow.Values, m.Values, 0)
	if p.Flow.Provenance != m.Provenance || p.Flow.Method != m.Method || p.Flow.By != m.By {
		t.Errorf("the path's map says that it is of %+v, not %+v", p.Flow.Provenance, m.Provenance)
	}
	half, err := Of(f, x).Target(0).With(GradientFlow{Length: 0.25, Steps: 2500}).Explain(ctx)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "half of the path", p.Displacements()[2500], half.Values, 1e-12)
}

// TestPathTowardAScalar: whether a scalar is above or below 0, the end of the path is what the
// map says, and the picture tells its value.
func TestPathTowardAScalar(t *testing.T) {
	for _, sign := range []float64{1, -1} {
		f := affine(0, []float64{sign, 2 * sign, 0, 0}, []float64{0, 0, 0, 0})
		x := datasets.Sample{Shape: datasets.Shape{Channels: 1, Height: 2, Width: 2}, X: []float64{0.5, 0.5, 0.5, 0.5}}
		p, err := Of(f, x).With(GradientFlow{}).Toward(Margin{Class: 0}).Path(ctx)
		if err != nil {
			t.Fatal(err)
		}
		last := len(p.Points) - 1
		near(t, "end of the path", p.Displacements()[last], p.Flow.Values, 0)
		if p.Down != (sign > 0) || p.Flow.Values[0]*sign <= 0 || math.Abs(p.Scores[last][0]) >= 1.5 {
			t.Errorf("a margin of %v: down %v to %v, map %v", p.Scores[0], p.Down, p.Scores[last], p.Flow.Values)
		}
		v := p.View()
		if want := fmt.Sprintf("from %.3g", 1.5*sign); v.Err() != nil || !strings.Contains(v.Title(), want) {
			t.Errorf("the title is %q, want one with %q (%v)", v.Title(), want, v.Err())
		}
	}
}

func TestPathRefuses(t *testing.T) {
	f, x := saddle(0, 0)
	if _, err := Of(f, x).Target(0).With(GradientFlow{}).Path(ctx); !errors.Is(err, ErrUndefined) {
		t.Errorf("at the saddle: %v", err)
	}
	if _, err := Of(f, x).Path(ctx); err == nil {
		t.Error("a gradient has no path, and no error")
	}
	if err := (Path{}).View().Err(); err == nil {
		t.Error("an empty path is drawn")
	}
}

// TestFreeFlow: without limits the flow and the boundary on a linear model are parallel to the
// gradient, and with them they are not where pixels are black.
func TestFreeFlow(t *testing.T) {
	w := []float64{1, -2, 0.5, 3}
	f := affine(0, []float64{0, 0, 0, 0}, w)
	in := images(rows([]float64{0, 0, 0.5, 0.2}), 2, 2, 1)
	for _, c := range []struct {
		m    Method
		free bool
	}{{GradientFlow{Free: true}, true}, {Boundary{Free: true}, true}, {GradientFlow{}, false}, {Boundary{}, false}} {
		got, _ := attribute(t, c.m, f, in)
		if cos := cosine(got.RawRowView(0), w); (cos > 1-1e-12) != c.free || !c.free && cos > 0.999 {
			t.Errorf("%s: the cosine is %.15f", name(c.m), cos)
		}
	}
}

func TestBlur(t *testing.T) {
	s := datasets.Shape{Channels: 2, Height: 15, Width: 11}
	x := make([]float64, s.Size())
	for j := range x {
		x[j] = float64(j / 165) // a constant in each channel
	}
	before := slices.Clone(x)
	blur(x, s, 1.3)
	near(t, "constant channels", x, before, 1e-15)

	clear(x)
	x[7*11+5] = 1
	blur(x, s, 1)
	for dy := -2; dy <= 2; dy++ { // far from the border: the product of two Gaussians
		for dx := -2; dx <= 2; dx++ {
			want := x[7*11+5] * math.Exp(-float64(dx*dx+dy*dy)/2)
			near(t, "point", []float64{x[(7+dy)*11+5+dx]}, []float64{want}, 1e-15)
		}
	}
	if x[165+7*11+5] != 0 {
		t.Error("channels mix")
	}
}

// TestBlurredFlow: the steps are smooth, and it still conforms.
func TestBlurredFlow(t *testing.T) {
	inFlight(t, GradientFlow{Blur: 1, Steps: 5}, 64)
	refuse(t, GradientFlow{Blur: -1}, "Blur")
}

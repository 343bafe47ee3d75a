package saliency

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/render"
)

// On f = x1 x2 from the origin, what is collected by t is t^2 x1 x2 / 2 for each input; on any
// model, the last map is that of the recipe, and every map is complete for its end.
func TestWalk(t *testing.T) {
	f, x := saddle(0.1, 0.2)
	w, err := Of(f, x).Target(0).With(IntegratedGradients{Steps: 10}).Walk(ctx, 4)
	if err != nil || !reflect.DeepEqual(w.At, []float64{0.25, 0.5, 0.75, 1}) {
		t.Fatal(err, w.At)
	}
	for k, m := range w.Maps {
		want := w.At[k] * w.At[k] * 0.01
		near(t, fmt.Sprint("collected by ", w.At[k]), m.Values, []float64{want, want}, 1e-15)
	}
	net, image := small(t)
	r := Of(net, image).With(IntegratedGradients{Steps: 200, Baseline: constant(0.3, len(image.X))})
	whole, err := r.Explain(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if w, err = r.Walk(ctx, 3); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(w.Maps[2], whole) {
		t.Error("the last map is not that of the recipe")
	}
	for k, m := range w.Maps {
		if c := m.Report.Completeness[0]; m.Target != whole.Target || math.Abs(c.Error()) > 0.02*math.Abs(whole.Report.Completeness[0].Change) {
			t.Errorf("part %d: target %d, completeness %+v", k, m.Target, c)
		}
	}
	if v := w.View(); v.Err() != nil || !strings.Contains(v.Alt(), "Sequence of 3 frames, part of the way from 33 %: ") || !strings.Contains(v.Text(), "The 3 maps share this colour scale") {
		t.Errorf("%v: %s\n%s", v.Err(), v.Alt(), v.Text())
	}
}

func constant(v float64, n int) []float64 {
	all := make([]float64, n)
	for i := range all {
		all[i] = v
	}
	return all
}

func TestWalkRefuses(t *testing.T) {
	f, x := saddle(0.1, 0.2)
	ig := IntegratedGradients{}
	for says, r := range map[string]Recipe{
		"walks along no path":     Of(f, x),
		"from as many baselines":  Of(f, x).With(IntegratedGradients{Baselines: [][]float64{{0, 0}, {1, 1}}}),
		"baseline":                Of(f, x).With(IntegratedGradients{Baseline: []float64{1}}),
		"need a model":            Of(nil, x).With(ig),
		"1 parts; want 2 or more": Of(f, x).With(ig),
	} {
		parts := 3
		if strings.HasPrefix(says, "1 parts") {
			parts = 1
		}
		if _, err := r.Walk(ctx, parts); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("error %v does not say %q", err, says)
		}
	}
	if (Walk{}).View().Err() == nil {
		t.Error("nothing to draw, and no error")
	}
}

// TestExplainBy: each map is that of its method, and readers choose by method.
func TestExplainBy(t *testing.T) {
	net, x := small(t)
	maps, err := Of(net, x).Target(1).ExplainBy(ctx, Gradient{}, IntegratedGradients{Steps: 4}, Occlusion{})
	if err != nil || len(maps) != 3 {
		t.Fatal(err, len(maps))
	}
	one, err := Of(net, x).Target(1).With(IntegratedGradients{Steps: 4}).Explain(ctx)
	if err != nil || !reflect.DeepEqual(one, maps[1]) {
		t.Errorf("another map than that of the method: %v", err)
	}
	if v := maps.View(); v.Err() != nil || !strings.Contains(v.Alt(), "3 figures to choose from by method: Gradient for ") {
		t.Errorf("%v: %s", v.Err(), v.Alt())
	}
	if v := maps.SwipeView(); v.Err() != nil || !strings.HasPrefix(v.Alt(), "Two methods for “") || !strings.Contains(v.Alt(), "Two pictures to compare. Gradient for ") {
		t.Errorf("%v: %s", v.Err(), v.Alt())
	}
	if v := maps[0].ThresholdView(); v.Err() != nil || !strings.Contains(v.Text(), "cells with |attribution| ≥") {
		t.Errorf("%v: %s", v.Err(), v.Text())
	}
	if err := maps[:1].SwipeView().Err(); !errors.Is(err, render.ErrEmpty) {
		t.Errorf("%v", err)
	}
	if v := maps[:1].View(); v.Text() != maps[0].View().Text() {
		t.Error("one map alone is drawn differently")
	}
	if _, err := Of(net, x).ExplainBy(ctx); err == nil || !strings.Contains(err.Error(), "no method given") {
		t.Errorf("%v", err)
	}
	if _, err := Of(net, x).Target(9).ExplainBy(ctx, Gradient{}); !errors.Is(err, xai.ErrTarget) {
		t.Errorf("%v", err)
	}
}

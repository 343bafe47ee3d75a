package nn

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/internal/graph"
)

// sized is a set whose classes have these sizes.
func sized(counts []int) datasets.Set {
	s := datasets.Set{Name: "sized", Shape: datasets.Shape{Channels: 1, Height: 1, Width: 1}}
	for c, n := range counts {
		s.Classes = append(s.Classes, fmt.Sprint("c", c))
		for range n {
			s.Labels, s.Pixels = append(s.Labels, c), append(s.Pixels, 0)
		}
	}
	return s
}

// lossOf evaluates a loss and its gradient at given scores, in an epoch of training on
// set.
func lossOf(t *testing.T, l Loss, set datasets.Set, scores [][]float64, labels []int, epoch int) (float64, [][]float64) {
	t.Helper()
	n, k := len(scores), len(scores[0])
	l = l.withDefaults()
	if err := l.check(Image(datasets.Shape{Channels: 1, Height: 1, Width: 1}).Dense(k), Training{Epochs: 200}); err != nil {
		t.Fatal(err)
	}
	goal, err := l.objective(set)
	if err != nil {
		t.Fatal(err)
	}
	b := graph.New[float64]()
	x := b.Input("x", n, k, nil, true)
	target, share := b.Input("target", n, k, nil, false), b.Input("share", n, 1, nil, false)
	out := addLoss(b, goal, x, target, share)
	grads, err := b.Backward(out, b.Input("one", 1, 1, []float64{1}, false), x)
	if err != nil {
		t.Fatal(err)
	}
	p, err := b.Compile()
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range scores {
		copy(x.Data()[i*k:], row)
	}
	fillTargets(target.Data(), share.Data(), goal, labels, epoch)
	if err := p.Run(); err != nil {
		t.Fatal(err)
	}
	grad := make([][]float64, n)
	for i := range grad {
		grad[i] = grads[0].Data()[i*k : (i+1)*k]
	}
	return out.Data()[0], grad
}

func TestLossesAgainstPyTorch(t *testing.T) {
	want := pytorch(t)
	set := sized(want.Counts)
	weights, err := BalancedWeights(set, 0.9999)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		loss  Loss
		epoch int
	}{
		{"cross-entropy", CrossEntropy{}, 1},
		{"smoothing", CrossEntropy{Smoothing: 0.1}, 1},
		{"weights", CrossEntropy{Weights: weights}, 1},
		{"weights", Balanced{}, 1},
		{"weights and smoothing", CrossEntropy{Weights: weights, Smoothing: 0.1}, 1},
		{"focal", Focal{}, 1},
		{"focal 2 with weights", Focal{Gamma: 2, Weights: weights}, 1},
		{"ldam", LDAM{}, 200},
		{"ldam", LDAM{Deferred: 160}, 160},
		{"ldam with weights", LDAM{Deferred: 160}, 161},
	} {
		loss, grad := lossOf(t, c.loss, set, want.Scores, want.Labels, c.epoch)
		w := want.Losses[c.name]
		if far([]float64{loss}, []float64{w.Loss}, 1e-12) >= 0 {
			t.Errorf("%s, epoch %d: %v, PyTorch (%s) has %v", c.name, c.epoch, loss, want.Versions, w.Loss)
		}
		for i := range w.Grad {
			if j := far(grad[i], w.Grad[i], 1e-12); j >= 0 {
				t.Errorf("%s: gradient of score %d in row %d: %v, PyTorch has %v", c.name, j, i, grad[i][j], w.Grad[i][j])
			}
		}
	}
}

// TestClassWeights: the weights and margins of the imbalance paper's CIFAR-10, from the
// authors' formulas in numpy.
func TestClassWeights(t *testing.T) {
	want := pytorch(t)
	set := sized(want.Counts)
	for text, w := range want.Balanced {
		var beta, sum float64
		fmt.Sscan(text, &beta)
		got, err := BalancedWeights(set, beta)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range got {
			sum += v
		}
		if i := far(got, w, 1e-12); i >= 0 || math.Abs(sum-10) > 1e-12 {
			t.Errorf("beta %v: weights %v of sum %v, the authors' code gives %v", beta, got, sum, w)
		}
	}
	if even, err := BalancedWeights(set, 0); err != nil || far(even, []float64{1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, 0) >= 0 {
		t.Errorf("beta 0: weights %v, error %v", even, err)
	}
	goal, err := LDAM{}.withDefaults().objective(set)
	if err != nil {
		t.Fatal(err)
	}
	if i := far(goal.margins, want.Margins, 1e-12); i >= 0 || goal.margins[9] != 0.5 {
		t.Errorf("margins %v, the authors' code gives %v", goal.margins, want.Margins)
	}
}

func TestEmptyClass(t *testing.T) {
	set := sized([]int{3, 0, 2})
	arch := Image(set.Shape).Dense(3)
	for _, l := range []Loss{Balanced{}, LDAM{}} {
		_, err := arch.Fit(set, Training{Loss: l}).Build(ctx)
		var empty ErrDegenerateClass
		if !errors.As(err, &empty) || empty != (ErrDegenerateClass{Class: "c1", Need: 1, Have: 0}) {
			t.Errorf("%T: error %v", l, err)
		}
	}
	if _, err := arch.Fit(set, Training{}).Build(ctx); err != nil {
		t.Errorf("cross-entropy needs no sample of every class: %v", err)
	}
}

func ExampleBalancedWeights() {
	set := datasets.Set{Name: "pets", Classes: []string{"cat", "dog"}, Labels: []int{0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}
	weights, err := BalancedWeights(set, 0.9999)
	fmt.Printf("%.2f %v\n", weights, err)
	// Output: [0.20 1.80] <nil>
}

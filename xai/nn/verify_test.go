package nn

import (
	"context"
	"strings"
	"testing"

	"github.com/whybook/whybook/datasets"
	"gonum.org/v1/gonum/mat"
)

// faulty is an engine whose gradients are wrong at one pixel.
type faulty struct{ runner }

func (f faulty) rows(ctx context.Context, w work) error {
	err := f.runner.rows(ctx, w)
	if w.dx != nil {
		n, _ := w.dx.Dims()
		for i := range n {
			w.dx.Set(i, 5, w.dx.At(i, 5)*1.001+1e-3)
		}
	}
	return err
}

func TestVerify(t *testing.T) {
	set, err := datasets.MNIST().Test().Take(20).Build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	x := set.Batch(nil, nil)
	net, err := LeNet(set.Shape, 10).Init(1)
	if err != nil {
		t.Fatal(err)
	}
	if _, done := net.Verdict(); done {
		t.Error("a verdict before any check")
	}
	v, err := net.Verify(ctx, x)
	if err != nil || !v.OK || v.Checked < 100 || v.Worst > 1e-7 {
		t.Errorf("LeNet: %v, %v", v, err)
	}
	if got, done := net.Verdict(); !done || got.String() != v.String() {
		t.Error("the network does not remember the verdict")
	}
	if got := strings.Join(v.Layers, ", "); got != "2 conv, 4 relu, 2 pool, 3 fc" {
		t.Errorf("layers: %s", got)
	}
	small, err := toyArch().Init(1)
	if err != nil {
		t.Fatal(err)
	}
	small = small.Double()
	small.run = faulty{small.run}
	if v, err = small.Verify(ctx, random(3, 16, "verify")); err != nil || v.OK || !strings.Contains(v.String(), "NOT verified") {
		t.Errorf("a wrong gradient passed: %v, %v", v, err)
	}
	if _, err := net.Verify(ctx, &mat.Dense{}); err == nil {
		t.Error("no rows: no error")
	}
}

// TestVerifyPublished: the gate for a real residual network.
func TestVerifyPublished(t *testing.T) {
	net := publishedResNet32(t)
	x := cifarTest(t).Batch(nil, []int{0, 5000})
	v, err := net.Verify(ctx, x)
	if err != nil || !v.OK {
		t.Errorf("%v, %v", v, err)
	}
	t.Log(v)
}

// TestVerifySaturated: where a softmax is so sure that its output hardly changes, the check
// has nothing to compare and says so, rather than that right gradients are wrong; and the
// float32 gradient still has its digits.
func TestVerifySaturated(t *testing.T) {
	for _, sure := range []float64{0, 5, 15, 25, 60} {
		shift := make([]float64, 5)
		shift[2] = sure
		net, err := Image(datasets.Shape{Channels: 1, Height: 4, Width: 4}).Conv(2, 3).Then(Tanh{}).Dense(5).
			Then(Affine{Shift: shift}).Then(Softmax{}).Init(1)
		if err != nil {
			t.Fatal(err)
		}
		x := random(3, 16, "saturated")
		v, err := net.Verify(ctx, x)
		if err != nil {
			t.Fatal(err)
		}
		if sure <= 5 && !v.OK || !v.OK && !strings.Contains(v.Reason, "softmax") {
			t.Errorf("a softmax that is sure by %v: %v", sure, v)
		}
		if v.Precision > 1e-4 {
			t.Errorf("a softmax that is sure by %v: the float32 gradient is off by %v", sure, v.Precision)
		}
	}
}

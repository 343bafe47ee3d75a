package graph

import "testing"

// TestDetach: the gradient of x * detach(x) is x, not 2x.
func TestDetach(t *testing.T) {
	b := New[float64]()
	x := b.Input("x", 1, 2, []float64{3, -2}, true)
	seed := b.Input("seed", 1, 2, []float64{1, 1}, false)
	y := b.Mul(x, b.Detach(x))
	grads, err := b.Backward(y, seed, x)
	if err != nil {
		t.Fatal(err)
	}
	p, err := b.Compile(y, grads[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Run(); err != nil {
		t.Fatal(err)
	}
	if got := y.Data(); got[0] != 9 || got[1] != 4 {
		t.Errorf("x * detach(x) is %v, want [9 4]", got)
	}
	if got := grads[0].Data(); got[0] != 3 || got[1] != -2 {
		t.Errorf("the gradient is %v, want [3 -2]: none through detach", got)
	}
}

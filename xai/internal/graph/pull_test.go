package graph

import (
	"slices"
	"testing"
)

// TestPull: for every operation, Pull gives what Backward gives, and a second call gives the
// same again.
func TestPull(t *testing.T) {
	for _, f := range fixtures[float64]() {
		t.Run(f.name, func(t *testing.T) {
			s := newBench(t, f, 3, -1)
			b := New[float64]()
			var in, wrt []*Node[float64]
			for i, n := range s.in {
				grad := i >= len(f.fixed) || !f.fixed[i]
				in = append(in, b.Input("in", n.Rows, n.Cols, n.data, grad))
				if grad {
					wrt = append(wrt, in[i])
				}
			}
			out := f.build(b, in)
			proj := b.Input("projection", s.proj.Rows, s.proj.Cols, s.proj.data, false)
			first, second := b.Pull(out, proj, wrt...), b.Pull(out, proj, wrt...)
			prog, err := b.Compile(slices.Concat(first, second, []*Node[float64]{out})...)
			if err != nil {
				t.Fatal(err)
			}
			if err := prog.Run(); err != nil {
				t.Fatal(err)
			}
			for i := range first {
				for j, want := range s.grads[i].Data() {
					if a, again := first[i].Data()[j], second[i].Data()[j]; a != want || again != want {
						t.Fatalf("input %d, value %d: %v and %v, Backward has %v", i, j, a, again, want)
					}
				}
			}
		})
	}
}

// TestPullStops: what arrives at a node in the middle, and at one on a branch, is not what
// arrives below it; the paths around a node are added up.
func TestPullStops(t *testing.T) {
	b := New[float64]()
	x := b.Input("x", 1, 2, []float64{3, -2}, true)
	h := b.Mul(x, x)           // x^2
	y := b.Add(b.Mul(h, x), h) // x^3 + x^2
	other := b.Mul(x, x)       // y does not depend on it
	seed := b.Input("s", 1, 2, []float64{1, 10}, false)
	both := b.Pull(y, seed, h, x, other)
	whole := b.Pull(y, seed, x)
	if both[2] != nil {
		t.Error("a gradient where nothing depends")
	}
	if b.Pull(y, seed, y)[0] != seed {
		t.Error("the output itself must get the seed")
	}
	prog, err := b.Compile(both[0], both[1], whole[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := prog.Run(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name      string
		got, want []float64
	}{
		{"dy/dh = x + 1", both[0].Data(), []float64{4, -10}},
		{"dy/dx beside h = h", both[1].Data(), []float64{9, 40}},
		{"dy/dx = 3x^2 + 2x", whole[0].Data(), []float64{33, 80}},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, c.got, c.want)
		}
	}
}

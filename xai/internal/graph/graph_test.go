package graph

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"testing"

	"github.com/whybook/whybook/xai/seed"
)

// fixture is one operation under test: the sizes of its inputs for n rows, how to add
// it, and which inputs carry no gradient.
type fixture struct {
	name   string
	sizes  func(n int) [][2]int
	fixed  []bool // inputs without gradient
	build  func(b *Builder[float64], in []*Node[float64]) *Node[float64]
	inputs func(i int, v float64) float64 // optional: maps a normal number to a legal input value
}

func fixtures() []fixture {
	conv := func(name string, p Plane, f int, w Window) fixture {
		return fixture{
			name: name,
			sizes: func(n int) [][2]int {
				return [][2]int{{n, p.Size()}, {f, p.C * w.taps()}, {1, f}}
			},
			build: func(b *Builder[float64], in []*Node[float64]) *Node[float64] {
				return b.Conv2D(in[0], in[1], in[2], p, w)
			},
		}
	}
	pool := func(name string, p Plane, w Window) fixture {
		return fixture{
			name:  name,
			sizes: func(n int) [][2]int { return [][2]int{{n, p.Size()}} },
			build: func(b *Builder[float64], in []*Node[float64]) *Node[float64] { return b.MaxPool(in[0], p, w) },
		}
	}
	square := func(n int) [][2]int { return [][2]int{{n, 12}} }
	return []fixture{
		conv("conv 3x3", Plane{2, 5, 6}, 3, Square(3, 1, 0)),
		conv("conv 3x3 same", Plane{2, 5, 6}, 3, Square(3, 1, 1)),
		conv("conv 3x3 stride 2", Plane{1, 7, 6}, 2, Square(3, 2, 1)),
		conv("conv 4x4 stride 3 pad 3", Plane{2, 5, 4}, 2, Square(4, 3, 3)),
		conv("conv 1x1", Plane{3, 2, 2}, 4, Square(1, 1, 0)),
		conv("conv as large as the image", Plane{2, 3, 3}, 2, Square(3, 1, 0)),
		pool("maxpool 2x2", Plane{2, 4, 6}, Square(2, 2, 0)),
		pool("maxpool 3x3 overlapping", Plane{2, 5, 5}, Square(3, 1, 0)),
		pool("maxpool 3x3 stride 2 padded", Plane{2, 6, 5}, Square(3, 2, 1)),
		{name: "dense", sizes: func(n int) [][2]int { return [][2]int{{n, 7}, {4, 7}, {1, 4}} },
			build: func(b *Builder[float64], in []*Node[float64]) *Node[float64] { return b.Dense(in[0], in[1], in[2]) }},
		{name: "relu", sizes: square,
			build: func(b *Builder[float64], in []*Node[float64]) *Node[float64] { return b.ReLU(in[0]) }},
		{name: "affine", sizes: func(n int) [][2]int { return [][2]int{{n, 3}} },
			build: func(b *Builder[float64], in []*Node[float64]) *Node[float64] {
				return b.Affine(in[0], []float64{2, -0.5, 0}, []float64{1, 0, 3})
			}},
		{name: "mask", sizes: func(n int) [][2]int { return [][2]int{{n, 12}, {n, 12}} }, fixed: []bool{false, true},
			build: func(b *Builder[float64], in []*Node[float64]) *Node[float64] { return b.Mask(in[0], in[1]) }},
		{name: "cross-entropy", sizes: func(n int) [][2]int { return [][2]int{{n, 5}, {n, 5}} }, fixed: []bool{false, true},
			inputs: func(i int, v float64) float64 {
				if i == 1 {
					return math.Abs(v)
				}
				return 3 * v
			},
			build: func(b *Builder[float64], in []*Node[float64]) *Node[float64] { return b.CrossEntropy(in[0], in[1]) }},
		{name: "a value used twice", sizes: func(n int) [][2]int { return [][2]int{{n, 4}, {4, 4}, {1, 4}} },
			build: func(b *Builder[float64], in []*Node[float64]) *Node[float64] {
				y := b.Dense(in[0], in[1], in[2])
				return b.Dense(b.ReLU(y), in[1], in[2])
			}},
	}
}

// TestGradients compares every operation's gradients, for every input, with central
// differences of a random projection of the output; and runs each program twice, since
// an engine that accumulates would pass the first time.
func TestGradients(t *testing.T) {
	const h, tolerance = 1e-5, 1e-7
	for _, f := range fixtures() {
		for _, n := range []int{1, 3} {
			t.Run(fmt.Sprintf("%s/batch %d", f.name, n), func(t *testing.T) {
				r := seed.Stream(1, "graph test", f.name, n)
				b := New[float64]()
				var in, wrt []*Node[float64]
				for i, size := range f.sizes(n) {
					grad := f.fixed == nil || !f.fixed[i]
					node := b.Input(fmt.Sprint("in", i), size[0], size[1], nil, grad)
					for j := range node.Data() {
						v := r.NormFloat64()
						if f.inputs != nil {
							v = f.inputs(i, v)
						}
						node.Data()[j] = v
					}
					in = append(in, node)
					if grad {
						wrt = append(wrt, node)
					}
				}
				out := f.build(b, in)
				proj := b.Input("projection", out.Rows, out.Cols, nil, false)
				for j := range proj.Data() {
					proj.Data()[j] = r.NormFloat64()
				}
				grads, err := b.Backward(out, proj, wrt...)
				if err != nil {
					t.Fatal(err)
				}
				p, err := b.Compile()
				if err != nil {
					t.Fatal(err)
				}
				value := func() float64 {
					if err := p.Run(); err != nil {
						t.Fatal(err)
					}
					var sum float64
					for j, v := range out.Data() {
						sum += v * proj.Data()[j]
					}
					return sum
				}
				value()
				got := make([][]float64, len(wrt))
				for i, g := range grads {
					got[i] = slices.Clone(g.Data())
				}
				value()
				for i, g := range grads {
					if !slices.Equal(got[i], g.Data()) {
						t.Errorf("gradient of input %d changed from the first run to the second", i)
					}
				}
				for i, node := range wrt {
					var scale float64
					for _, v := range got[i] {
						scale = max(scale, math.Abs(v))
					}
					for j := range node.Data() {
						x := node.Data()[j]
						node.Data()[j] = x + h
						up := value()
						node.Data()[j] = x - h
						down := value()
						node.Data()[j] = x
						want := (up - down) / (2 * h)
						if d := math.Abs(got[i][j] - want); d > tolerance*max(scale, 1) {
							t.Fatalf("gradient of input %d at %d: got %v, central difference %v", i, j, got[i][j], want)
						}
					}
				}
			})
		}
	}
}

// TestKinks pins the conventions at the points where central differences cannot.
func TestKinks(t *testing.T) {
	b := New[float64]()
	x := b.Input("x", 1, 4, []float64{-1, 0, math.Copysign(0, -1), 2}, true)
	y := b.ReLU(x)
	seedNode := b.Input("seed", 1, 4, []float64{1, 1, 1, 1}, false)
	dx, _ := run(t, b, y, seedNode, x)
	if want := []float64{0, 0, 0, 1}; !slices.Equal(dx, want) {
		t.Errorf("ReLU: derivative at -1, 0, -0, 2 is %v, want %v", dx, want)
	}

	b = New[float64]()
	x = b.Input("x", 1, 4, []float64{5, 5, 5, 5}, true)
	y = b.MaxPool(x, Plane{1, 2, 2}, Square(2, 2, 0))
	dx, _ = run(t, b, y, b.Input("seed", 1, 1, []float64{1}, false), x)
	if want := []float64{1, 0, 0, 0}; !slices.Equal(dx, want) {
		t.Errorf("MaxPool: gradient at a tie is %v, want %v: the first takes it all", dx, want)
	}
}

func run(t *testing.T, b *Builder[float64], y, s, x *Node[float64]) (dx, out []float64) {
	t.Helper()
	grads, err := b.Backward(y, s, x)
	if err != nil {
		t.Fatal(err)
	}
	p, err := b.Compile()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Run(); err != nil {
		t.Fatal(err)
	}
	return grads[0].Data(), y.Data()
}

// TestConvByHand is net C of the evaluation notes: small enough to follow with a pencil.
func TestConvByHand(t *testing.T) {
	b := New[float64]()
	x := b.Input("x", 1, 16, nil, true)
	for i := range 16 {
		x.Data()[i] = float64(i)
	}
	w := b.Input("w", 2, 9, nil, false)
	for i := range w.Data() {
		w.Data()[i] = 1
	}
	bias := b.Input("b", 1, 2, []float64{-50, -75}, false)
	pre := b.Conv2D(x, w, bias, Plane{1, 4, 4}, Square(3, 1, 0))
	head := b.Input("head", 1, 8, []float64{1, 1, 1, 1, 1, -1, -1, -1}, false)
	y := b.Dense(b.ReLU(pre), head, b.Input("zero", 1, 1, nil, false))
	dx, out := run(t, b, y, b.Input("seed", 1, 1, []float64{1}, false), x)
	if want := []float64{-5, 4, 31, 40, -30, -21, 6, 15}; !slices.Equal(pre.Data(), want) {
		t.Errorf("pre-activations %v, want %v", pre.Data(), want)
	}
	if out[0] != 54 {
		t.Errorf("f = %v, want 54", out[0])
	}
	if want := []float64{0, 1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 0}; !slices.Equal(dx, want) {
		t.Errorf("gradient %v, want %v", dx, want)
	}
}

// TestProcessors demands the same bytes with one processor and with several.
func TestProcessors(t *testing.T) {
	compute := func(procs int) []float32 {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		b := New[float32]()
		r := seed.Stream(2, "processors")
		input := func(name string, rows, cols int) *Node[float32] {
			n := b.Input(name, rows, cols, nil, true)
			for i := range n.Data() {
				n.Data()[i] = float32(r.NormFloat64())
			}
			return n
		}
		p := Plane{3, 14, 14}
		x, w, bias := input("x", 21, p.Size()), input("w", 8, 27), input("b", 1, 8)
		y := b.MaxPool(b.ReLU(b.Conv2D(x, w, bias, p, Square(3, 1, 1))), Plane{8, 14, 14}, Square(2, 2, 0))
		w2, b2 := input("w2", 10, y.Cols), input("b2", 1, 10)
		out := b.Dense(y, w2, b2)
		grads, err := b.Backward(out, input("seed", out.Rows, out.Cols), x, w, bias, w2, b2)
		if err != nil {
			t.Fatal(err)
		}
		prog, err := b.Compile()
		if err != nil {
			t.Fatal(err)
		}
		if err := prog.Run(); err != nil {
			t.Fatal(err)
		}
		all := slices.Clone(out.Data())
		for _, g := range grads {
			all = append(all, g.Data()...)
		}
		return all
	}
	if !slices.Equal(compute(1), compute(4)) {
		t.Error("results differ between 1 and 4 processors")
	}
}

// TestPanicBecomesError runs an operation that fails on the machine's own goroutine.
func TestPanicBecomesError(t *testing.T) {
	b := New[float64]()
	x := b.Input("x", 4, 4, nil, false)
	b.apply("broken", 4, 4, []*Node[float64]{x}, func(out []float64, in [][]float64) {
		parallel(4, func(i int) { out[16] = in[0][i] })
	}, nil)
	p, err := b.Compile()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Run(); err == nil {
		t.Error("a kernel that panics must give an error")
	}
}

package graph

import (
	"fmt"
	"math"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/whybook/whybook/xai/seed"
)

// bench is a fixture's graph: its inputs filled with seeded values, its output, and the
// gradient of a random projection of it for every input that has one.
type bench[T Float] struct {
	in, wrt, grads []*Node[T]
	out, proj      *Node[T]
	prog           *Program[T]
}

// newBench builds a fixture for n rows. With row >= 0, those of the inputs that are
// per-row are that row of the ones that it has with three rows.
func newBench[T Float](t *testing.T, f fixture[T], n, row int) bench[T] {
	t.Helper()
	var s bench[T]
	b := New[T]()
	input := func(name string, size, full [2]int, grad bool, legal func(v float64) float64) *Node[T] {
		r := seed.Stream(1, "graph test", f.name, name)
		node := b.Input(name, size[0], size[1], nil, grad)
		values := make([]T, full[0]*full[1])
		for j := range values {
			values[j] = T(legal(r.NormFloat64()))
		}
		if size != full {
			values = values[row*size[1]:]
		}
		copy(node.Data(), values)
		return node
	}
	full := f.sizes(n)
	if row >= 0 {
		full = f.sizes(3)
	}
	for i, size := range f.sizes(n) {
		grad := i >= len(f.fixed) || !f.fixed[i]
		node := input(fmt.Sprint("in", i), size, full[i], grad, func(v float64) float64 {
			if f.legal != nil {
				return f.legal(i, v)
			}
			return v
		})
		s.in = append(s.in, node)
		if grad {
			s.wrt = append(s.wrt, node)
		}
	}
	s.out = f.build(b, s.in)
	size := [2]int{s.out.Rows, s.out.Cols}
	whole := size
	if row >= 0 {
		whole[0] = 3
	}
	s.proj = input("projection", size, whole, false, func(v float64) float64 { return v })
	var err error
	if s.grads, err = b.Backward(s.out, s.proj, s.wrt...); err != nil {
		t.Fatal(err)
	}
	if s.prog, err = b.Compile(append(s.grads, s.out)...); err != nil {
		t.Fatal(err)
	}
	s.run(t)
	return s
}

func (s bench[T]) run(t *testing.T) {
	t.Helper()
	if err := s.prog.Run(); err != nil {
		t.Fatal(err)
	}
}

// results returns copies of the output and the gradients.
func (s bench[T]) results() [][]T {
	all := [][]T{slices.Clone(s.out.Data())}
	for _, g := range s.grads {
		all = append(all, slices.Clone(g.Data()))
	}
	return all
}

// TestEveryOperationHasFixture reads the methods of Builder: a new one needs a fixture.
func TestEveryOperationHasFixture(t *testing.T) {
	tested := make(map[string]bool)
	for _, f := range fixtures[float64]() {
		tested[f.op] = true
	}
	builder := reflect.TypeFor[*Builder[float64]]()
	for i := range builder.NumMethod() {
		switch name := builder.Method(i).Name; name {
		case "Input", "Backward", "Compile", "Pull", "Each", "Watch": // TestPull has the last three
		default:
			if !tested[name] {
				t.Errorf("Builder.%s has no fixture: add one to fixtures_test.go", name)
			}
		}
	}
}

// TestForward compares every operation with a slow version written from its definition.
func TestForward(t *testing.T) {
	for _, f := range fixtures[float64]() {
		for _, n := range []int{1, 3} {
			s := newBench(t, f, n, -1)
			in := make([][]float64, len(s.in))
			for i, node := range s.in {
				in[i] = node.Data()
			}
			want := f.want(n, in)
			if len(want) != len(s.out.Data()) {
				t.Fatalf("%s, batch %d: %d values, want %d", f.name, n, len(s.out.Data()), len(want))
			}
			if i, d := farthest(s.out.Data(), want); d > 1e-12 {
				t.Errorf("%s, batch %d: output %d is %v, want %v", f.name, n, i, s.out.Data()[i], want[i])
			}
		}
	}
}

// farthest returns where got differs most from want, and by how much, relative to the
// largest element of want or 1.
func farthest[T, S Float](got []T, want []S) (at int, d float64) {
	scale := 1.0
	for _, v := range want {
		scale = max(scale, math.Abs(float64(v)))
	}
	for i, v := range want {
		if e := math.Abs(float64(got[i])-float64(v)) / scale; !(e <= d) {
			at, d = i, e
		}
	}
	return at, d
}

// TestGradients compares every operation's gradients, for every input, with central
// differences of a random projection of the output; and runs each program twice, since
// an engine that accumulates would pass the first time.
func TestGradients(t *testing.T) {
	const h, tolerance = 1e-5, 1e-7
	for _, f := range fixtures[float64]() {
		for _, n := range []int{1, 3} {
			t.Run(fmt.Sprintf("%s/batch %d", f.name, n), func(t *testing.T) {
				s := newBench(t, f, n, -1)
				first := s.results()
				s.run(t)
				for i, again := range s.results() {
					if !slices.Equal(first[i], again) {
						t.Errorf("result %d changed from the first run to the second", i)
					}
				}
				if f.large {
					return // compared with the same kernels at small sizes, and in float32, elsewhere
				}
				value := func() (sum float64) {
					s.run(t)
					for j, v := range s.out.Data() {
						sum += v * s.proj.Data()[j]
					}
					return sum
				}
				for i, node := range s.wrt {
					got, want := first[1+i], make([]float64, len(node.Data()))
					for j, x := range node.Data() {
						node.Data()[j] = x + h
						up := value()
						node.Data()[j] = x - h
						want[j] = (up - value()) / (2 * h)
						node.Data()[j] = x
					}
					if j, d := farthest(got, want); d > tolerance {
						t.Fatalf("gradient of input %d at %d: got %v, central difference %v", i, j, got[j], want[j])
					}
				}
			})
		}
	}
}

// TestAdjoint checks gradients where central differences would take too long: a
// convolution is linear in its input and in its weights, so that the gradient's product
// with either is the projection of the output (without the bias).
func TestAdjoint(t *testing.T) {
	for _, f := range fixtures[float64]() {
		if !f.large {
			continue
		}
		s := newBench(t, f, 3, -1)
		clear(s.in[2].Data())
		s.run(t)
		want := inner(s.out.Data(), s.proj.Data())
		for i := range 2 {
			if got := inner(s.grads[i].Data(), s.in[i].Data()); math.Abs(got-want) > 1e-9*math.Abs(want) {
				t.Errorf("%s: <gradient, input %d> = %v, <output, projection> = %v", f.name, i, got, want)
			}
		}
	}
}

func inner(x, y []float64) (sum float64) {
	for i, v := range x {
		sum += v * y[i]
	}
	return sum
}

// TestFloat32 compares float32, which has kernels of its own, with float64.
func TestFloat32(t *testing.T) {
	exact := fixtures[float64]()
	for i, f := range fixtures[float32]() {
		got, want := newBench(t, f, 3, -1).results(), newBench(t, exact[i], 3, -1).results()
		for k := range want {
			if j, d := farthest(got[k], want[k]); d > 2e-5 {
				t.Errorf("%s: result %d at %d is %v in float32, %v in float64", f.name, k, j, got[k][j], want[k][j])
			}
		}
	}
}

// TestRowsAreIndependent: a row's output and gradient have the same bytes alone and in a
// batch.
func TestRowsAreIndependent(t *testing.T) {
	for _, f := range fixtures[float32]() {
		if f.mixes {
			continue
		}
		all := newBench(t, f, 3, -1)
		for row := range 3 {
			one := newBench(t, f, 1, row)
			compare := func(what string, one, all *Node[float32]) {
				if !slices.Equal(one.Data(), all.Data()[row*one.Cols:][:one.Cols]) {
					t.Errorf("%s: %s of row %d differs alone and in a batch", f.name, what, row)
				}
			}
			compare("output", one.out, all.out)
			if len(f.fixed) == 0 || !f.fixed[0] {
				compare("gradient", one.grads[0], all.grads[0])
			}
		}
	}
}

// TestProcessors demands the same bytes with one processor and with several.
func TestProcessors(t *testing.T) {
	for _, f := range fixtures[float32]() {
		compute := func(procs int) [][]float32 {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
			return newBench(t, f, 21, -1).results()
		}
		one, several := compute(1), compute(5)
		for i := range one {
			if !slices.Equal(one[i], several[i]) {
				t.Errorf("%s: result %d differs between 1 and 5 processors", f.name, i)
			}
		}
	}
}

// TestKinks pins the conventions at the points where central differences cannot: those of
// PyTorch.
func TestKinks(t *testing.T) {
	minusZero, inf := math.Copysign(0, -1), math.Inf(1)
	pool := func(p Plane, w Window) func(b *Builder[float64], x *Node[float64]) *Node[float64] {
		return func(b *Builder[float64], x *Node[float64]) *Node[float64] { return b.MaxPool(x, p, w) }
	}
	for _, c := range []struct {
		name  string
		build func(b *Builder[float64], x *Node[float64]) *Node[float64]
		x, dx []float64
	}{
		{"ReLU", (*Builder[float64]).ReLU, []float64{-1, 0, minusZero, 2}, []float64{0, 0, 0, 1}},
		{"LeakyReLU", func(b *Builder[float64], x *Node[float64]) *Node[float64] { return b.LeakyReLU(x, 0.1) },
			[]float64{-1, 0, minusZero, 2}, []float64{0.1, 0.1, 0.1, 1}},
		{"LeakyReLU of negative slope", func(b *Builder[float64], x *Node[float64]) *Node[float64] { return b.LeakyReLU(x, -0.5) },
			[]float64{-1, 0, minusZero, 2}, []float64{-0.5, -0.5, -0.5, 1}},
		{"Clip", func(b *Builder[float64], x *Node[float64]) *Node[float64] { return b.Clip(x, -1, 1) },
			[]float64{-1, 1, -1.5, 1.5}, []float64{1, 1, 0, 0}},
		{"MaxPool: the first of a tie takes it all", pool(Plane{1, 2, 2}, Square(2, 2, 0)), []float64{5, 5, 5, 5}, []float64{1, 0, 0, 0}},
		{"MaxPool: a tie of the last two", pool(Plane{1, 2, 2}, Square(2, 2, 0)), []float64{1, 2, 3, 3}, []float64{0, 0, 1, 0}},
		{"MaxPool: a tie of zeros", pool(Plane{1, 2, 2}, Square(2, 2, 0)), []float64{-1, minusZero, 0, 0}, []float64{0, 1, 0, 0}},
		{"MaxPool 3x1: the first of a tie takes it all", pool(Plane{1, 3, 1}, Window{KernelH: 3, KernelW: 1}), []float64{1, 5, 5}, []float64{0, 1, 0}},
		{"MaxPool: infinities", pool(Plane{1, 2, 2}, Square(2, 2, 0)), []float64{-inf, -inf, -inf, -inf}, []float64{1, 0, 0, 0}},
		{"Sigmoid saturates", (*Builder[float64]).Sigmoid, []float64{-1000, 1000}, []float64{0, 0}},
		{"LogSoftmax far from the maximum", func(b *Builder[float64], x *Node[float64]) *Node[float64] { return b.LogSoftmax(x, 2) },
			[]float64{0, 1000}, []float64{1, -1}},
	} {
		b := New[float64]()
		x := b.Input("x", 1, len(c.x), c.x, true)
		y := c.build(b, x)
		seeds := b.Input("seed", 1, y.Cols, nil, false)
		fill(seeds.Data(), 1)
		if dx, _ := run(t, b, y, seeds, x); !slices.Equal(dx, c.dx) {
			t.Errorf("%s: gradient at %v is %v, want %v", c.name, c.x, dx, c.dx)
		}
	}
}

// TestNaN: an operation must not hide that a network has diverged.
func TestNaN(t *testing.T) {
	for name, build := range map[string]func(b *Builder[float32], x *Node[float32]) *Node[float32]{
		"ReLU":      (*Builder[float32]).ReLU,
		"LeakyReLU": func(b *Builder[float32], x *Node[float32]) *Node[float32] { return b.LeakyReLU(x, 0.1) },
		"Clip":      func(b *Builder[float32], x *Node[float32]) *Node[float32] { return b.Clip(x, 0, 1) },
		"MaxPool": func(b *Builder[float32], x *Node[float32]) *Node[float32] {
			return b.MaxPool(x, Plane{1, 2, 2}, Square(2, 2, 0))
		},
		"MaxPool 2x1": func(b *Builder[float32], x *Node[float32]) *Node[float32] {
			return b.MaxPool(x, Plane{1, 4, 1}, Window{KernelH: 4, KernelW: 1})
		},
		"AvgPool": func(b *Builder[float32], x *Node[float32]) *Node[float32] { return b.GlobalAvgPool(x, Plane{1, 2, 2}) },
		"Softmax": func(b *Builder[float32], x *Node[float32]) *Node[float32] { return b.Softmax(x, 4) },
	} {
		for at := range 4 {
			b := New[float32]()
			x := b.Input("x", 1, 4, nil, false)
			x.Data()[at] = float32(math.NaN())
			y := build(b, x)
			p, err := b.Compile()
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Run(); err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(y.Data(), func(v float32) bool { return v != v }) {
				t.Errorf("%s of NaN at %d is %v", name, at, y.Data())
			}
		}
	}
}

// TestBatchStats demands the mean and the unbiased variance of the last batch.
func TestBatchStats(t *testing.T) {
	b := New[float64]()
	x := b.Input("x", 2, 4, []float64{1, 2, 10, 10, 3, 6, 10, 10}, false)
	y, stats := b.BatchNorm(x, b.Input("gamma", 1, 2, []float64{1, 1}, false), b.Input("beta", 1, 2, nil, false), Plane{2, 1, 2}, 0.5)
	p, err := b.Compile(y)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := p.Run(); err != nil {
			t.Fatal(err)
		}
		if want := []float64{3, 10}; !slices.Equal(stats.Mean, want) {
			t.Errorf("means %v, want %v", stats.Mean, want)
		}
		if want := []float64{14.0 / 3, 0}; !slices.Equal(stats.Var, want) {
			t.Errorf("variances %v, want %v", stats.Var, want)
		}
	}
	if want := (1.0 - 3) / 2; math.Abs(y.Data()[0]-want) > 1e-15 { // 3.5 + 0.5 = 2 squared
		t.Errorf("normalised value %v, want %v: the variance in it is biased", y.Data()[0], want)
	}
}

// TestFocalAtCertainty: a row that is certain has neither loss nor gradient, even where
// the derivative of the focal factor is infinite.
func TestFocalAtCertainty(t *testing.T) {
	b := New[float64]()
	scores := b.Input("scores", 1, 2, []float64{800, 0}, true)
	y := b.Focal(scores, b.Input("target", 1, 2, []float64{1, 0}, false), nil, 0.5)
	dx, out := run(t, b, y, b.Input("seed", 1, 1, []float64{1}, false), scores)
	if out[0] != 0 || dx[0] != 0 || dx[1] != 0 {
		t.Errorf("loss %v, gradient %v; want zeros", out, dx)
	}
}

// TestMisfits: sizes that do not fit panic with the operation's name.
func TestMisfits(t *testing.T) {
	for name, build := range map[string]func(b *Builder[float64], x *Node[float64]){
		"conv2d: kernel larger than the image": func(b *Builder[float64], x *Node[float64]) {
			b.Conv2D(x, b.Input("w", 2, 25, nil, false), nil, Plane{1, 4, 4}, Square(5, 1, 0))
		},
		"conv2d: unequal groups": func(b *Builder[float64], x *Node[float64]) {
			b.Conv2D(x, b.Input("w", 3, 1, nil, false), nil, Plane{2, 2, 4}, Square(1, 1, 0))
		},
		"convtranspose2d: wrong size": func(b *Builder[float64], x *Node[float64]) {
			b.ConvTranspose2D(x, b.Input("w", 1, 4, nil, false), nil, Plane{1, 4, 4}, Plane{1, 7, 8}, Square(2, 2, 0))
		},
		"maxpool: a window between the pixels": func(b *Builder[float64], x *Node[float64]) {
			b.MaxPool(x, Plane{8, 1, 2}, Window{KernelH: 2, KernelW: 2, DilationW: 3, Left: 1, Right: 1})
		},
		"gather: index out of range":         func(b *Builder[float64], x *Node[float64]) { b.Gather(x, []int32{16}) },
		"softmax: groups that do not divide": func(b *Builder[float64], x *Node[float64]) { b.Softmax(x, 3) },
		"batchnorm: a single value": func(b *Builder[float64], x *Node[float64]) {
			p := Plane{16, 1, 1}
			b.BatchNorm(x, b.Input("g", 1, 16, nil, false), b.Input("b", 1, 16, nil, false), p, 0)
		},
		"add: other sizes": func(b *Builder[float64], x *Node[float64]) { b.Add(x, b.Input("y", 1, 15, nil, false)) },
	} {
		func() {
			defer func() {
				op, _, _ := strings.Cut(name, ":")
				if got := fmt.Sprint(recover()); !strings.HasPrefix(got, "graph: "+op+":") {
					t.Errorf("%s: panic %q", name, got)
				}
			}()
			b := New[float64]()
			build(b, b.Input("x", 1, 16, nil, false))
		}()
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

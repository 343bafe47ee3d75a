package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/floats"
)

// randomArch grows an architecture by random layers on random earlier ones, with many joins
// and values that are used several times.
func randomArch(r *rand.Rand) Arch {
	a := Image(datasets.Shape{Channels: 2, Height: 4, Width: 4}).Then(Conv{Filters: 2, Kernel: 1}).Named("start")
	names := []string{"start"}
	pick := func() string { return names[r.IntN(len(names))] }
	for i := range 4 + r.IntN(12) {
		a = a.From(pick())
		switch r.IntN(9) {
		case 0:
			a = a.Then(Conv{Filters: 2, Kernel: 3, Pad: 1})
		case 1:
			a = a.Then(ReLU{})
		case 2:
			a = a.Then(Tanh{})
		case 3:
			a = a.Then(BatchNorm{})
		case 4:
			a = a.Merge(Mul{}, pick()).Then(Tanh{})
		case 5:
			a = a.Merge(Sub{}, pick())
		default:
			with := make([]string, 1+r.IntN(4))
			for j := range with {
				with[j] = pick() // the same one twice, or the end itself, is welcome
			}
			a = a.Merge(Add{}, with...).Then(Affine{Scale: []float64{0.3}})
		}
		name := fmt.Sprint("n", i)
		a, names = a.Named(name), append(names, name)
	}
	return a.Dense(3)
}

// TestRandomNetworks puts random graphs through the gradient gate: what is right for each
// operation alone must be right in any composition, with values shared and memory reused.
func TestRandomNetworks(t *testing.T) {
	for i := range 150 {
		a := randomArch(seed.Stream(1, "random networks", i))
		needed := a.needed(a.end())
		leads := true
		for j, l := range a.Layers() {
			leads = leads && (needed[j] || l.Params == 0)
		}
		if !leads {
			continue // Init refuses layers from which nothing leads to the output
		}
		net, err := a.Init(uint64(i))
		if err != nil {
			t.Fatal(err)
		}
		v, err := net.Verify(ctx, random(2, 32, "random networks", i))
		if err != nil {
			t.Fatal(err)
		}
		if !v.OK {
			t.Errorf("network %d, %v: %v", i, a, v)
		}
	}
}

// TestSumsOfOneValue: n times the same value has n times its gradient.
func TestSumsOfOneValue(t *testing.T) {
	for n := 2; n <= 6; n++ {
		with := make([]string, n-1)
		for i := range with {
			with[i] = "h"
		}
		a := Image(datasets.Shape{Channels: 2, Height: 1, Width: 1}).Then(Tanh{}).Named("h").Merge(Add{}, with...).Dense(2)
		net, err := a.Init(1)
		if err != nil {
			t.Fatal(err)
		}
		if v, err := net.Verify(ctx, random(2, 2, "sum")); err != nil || !v.OK {
			t.Errorf("%d times one value: %v, %v", n, v, err)
		}
	}
}

// TestAcceptedWindowsWork: what an architecture accepts can be built, has right gradients,
// and pools what the definition says, with any border, stride and dilation.
func TestAcceptedWindowsWork(t *testing.T) {
	accepted := 0
	for i := range 400 {
		r := seed.Stream(2, "windows", i)
		w := Window{
			KernelH: 1 + r.IntN(4), KernelW: 1 + r.IntN(4), StrideH: r.IntN(4), StrideW: 1 + r.IntN(3),
			Top: r.IntN(4), Left: r.IntN(4), Bottom: r.IntN(4), Right: r.IntN(4), DilationH: r.IntN(3), DilationW: r.IntN(3),
		}
		in := datasets.Shape{Channels: 2, Height: 1 + r.IntN(6), Width: 1 + r.IntN(6)}
		layer := []Layer{
			MaxPool{Window: w}, AvgPool{Window: w}, AvgPool{Window: w, SkipBorder: true}, Conv{Filters: 2, Groups: 1 + r.IntN(2), Window: w},
			ConvTranspose{Filters: 2, Groups: 1 + r.IntN(2), Window: w, ExtraH: r.IntN(3), ExtraW: r.IntN(3)},
		}[i%5]
		a := Image(in).Then(layer).Named("window").Dense(2)
		if a.Err() != nil {
			continue
		}
		accepted++
		net, err := a.Init(1)
		if err != nil {
			t.Fatal(err)
		}
		x := random(2, in.Size(), "windows", i)
		v, err := net.Verify(ctx, x)
		if err != nil || !v.OK && v.Checked > 0 {
			t.Errorf("%v on %v: %v, %v", describe(layer), in, v, err)
			continue
		}
		got, err := net.Double().Activations(ctx, "window", x)
		if err != nil {
			t.Fatal(err)
		}
		if want := slowPool(layer, in, a.steps[0].out, x.RawRowView(1)); want != nil && !floats.EqualApprox(got.RawRowView(1), want, 1e-12) {
			t.Errorf("%v on %v: %v, want %v", describe(layer), in, got.RawRowView(1), want)
		}
	}
	if accepted < 100 {
		t.Errorf("only %d of 400 windows were accepted: the test shows little", accepted)
	}
}

// slowPool pools by the definition; nil for a layer that does not pool.
func slowPool(l Layer, in, out datasets.Shape, x []float64) []float64 {
	var w Window
	skip, mean := false, true
	switch l := l.(type) {
	case MaxPool:
		w, mean = l.window(), false
	case AvgPool:
		w, skip = l.window(), l.SkipBorder
	default:
		return nil
	}
	var y []float64
	for c := range out.Channels {
		for oy := range out.Height {
			for ox := range out.Width {
				sum, most, n := 0.0, math.Inf(-1), 0
				for ky := range w.KernelH {
					for kx := range w.KernelW {
						iy := oy*max(w.StrideH, 1) - w.Top + ky*max(w.DilationH, 1)
						ix := ox*max(w.StrideW, 1) - w.Left + kx*max(w.DilationW, 1)
						if iy >= 0 && iy < in.Height && ix >= 0 && ix < in.Width {
							v := x[(c*in.Height+iy)*in.Width+ix]
							sum, most, n = sum+v, max(most, v), n+1
						}
					}
				}
				switch {
				case !mean:
					y = append(y, most)
				case skip:
					y = append(y, sum/float64(n))
				default:
					y = append(y, sum/float64(w.KernelH*w.KernelW))
				}
			}
		}
	}
	return y
}

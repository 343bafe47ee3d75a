package nn

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/seed"
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

package soxai_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/nn"
	"github.com/whybook/whybook/xai/seed"
)

// Planted truth: digits as colour images, with a red tag of 6 x 6 pixels.

const tagSide = 6

// tagging says which images get a tag.
type tagging func(label int, chance float64) bool

// inZero plants the tag in most images of digit 0 and in no other.
func inZero(label int, chance float64) bool { return label == 0 && chance < 0.9 }

// swapped plants it in most images of all other digits, and not in 0.
func swapped(label int, chance float64) bool { return label != 0 && chance < 0.9 }

// plant makes RGB images of grey ones and tags some of them in the upper left corner.
func plant(set datasets.Set, name string, tagged tagging) datasets.Set {
	h, w, n := set.Shape.Height, set.Shape.Width, set.Len()
	hw := h * w
	out := set
	out.Name, out.Shape.Channels = name, 3
	out.Pixels, out.Masks = make([]uint8, n*3*hw), make([]uint8, n*hw)
	rng := seed.Stream(1, "plant")
	for i, y := range set.Labels {
		for ch := range 3 {
			copy(out.Pixels[(i*3+ch)*hw:][:hw], set.Pixels[i*hw:][:hw])
		}
		if !tagged(y, rng.Float64()) {
			continue
		}
		for v := 2; v < 2+tagSide; v++ {
			for u := 2; u < 2+tagSide; u++ {
				out.Masks[i*hw+v*w+u] = 1
				out.Pixels[i*3*hw+v*w+u] = 255
			}
		}
	}
	return out
}

// digits are the first digits of MNIST's slice: n for training, and half as many to test.
func digits(t testing.TB, n int, classes ...string) (train, test datasets.Set) {
	t.Helper()
	ctx := context.Background()
	var err error
	if train, err = datasets.MNIST().Train().Only(classes...).Take(n).Build(ctx); err != nil {
		t.Fatal(err)
	}
	if test, err = datasets.MNIST().Test().Only(classes...).Take(n / 2).Build(ctx); err != nil {
		t.Fatal(err)
	}
	return train, test
}

func arch(set datasets.Set) nn.Arch {
	return nn.Image(set.Shape).Conv(12, 5).ReLU().MaxPool(2).Conv(24, 3).ReLU().Conv(32, 3).ReLU().Then(nn.GlobalAvgPool{}).Dense(len(set.Classes))
}

func retrain(epochs int) func(context.Context, datasets.Set, uint64) (xai.Scorer, error) {
	return func(ctx context.Context, set datasets.Set, seed uint64) (xai.Scorer, error) {
		return fit(ctx, set, epochs, seed)
	}
}

func fit(ctx context.Context, set datasets.Set, epochs int, seed uint64) (*nn.Net, error) {
	return arch(set).Fit(set, nn.Training{Epochs: epochs, Seed: seed, Optimizer: nn.Adam{Rate: 0.003}}).Build(ctx)
}

func must[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

var _ = fmt.Sprint

package cnninte_test

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/cnninte"
	"github.com/whybook/whybook/xai/nn"
	"github.com/whybook/whybook/xai/saliency"
)

// TestLIMEFidelity: local models of a linear network agree with it everywhere; with a penalty
// that leaves them constant they all name one class.
func TestLIMEFidelity(t *testing.T) {
	set, err := datasets.Blobs(datasets.BlobOptions{Samples: 60, Classes: 3}).Seed(3).Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d := set.Shape.Size()
	linear := xai.Function{Inputs: d, Outputs: 3, Func: func(x []float64) []float64 {
		f := make([]float64, 3)
		for k := range f {
			for j, v := range x {
				f[k] += float64((k+1)*(j+2)%5-2) * v
			}
		}
		return f
	}}
	zeros := make([]float64, d)
	r, err := cnninte.LIMEFidelity(t.Context(), linear, set, saliency.LIME{Patch: 1, Baseline: zeros, Ridge: 1e-9, Samples: 60})
	if err != nil || r.Of != 60 || r.Hits != 60 {
		t.Errorf("a linear network: %v, %v", r, err)
	}
	flat, err := cnninte.LIMEFidelity(t.Context(), linear, set, saliency.LIME{Patch: 1, Baseline: zeros, Ridge: 1e12, Samples: 60})
	if err != nil || flat.Hits > r.Hits {
		t.Errorf("without coefficients: %v, %v", flat, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := cnninte.LIMEFidelity(ended, linear, set, saliency.LIME{Patch: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := cnninte.LIMEFidelity(t.Context(), nil, set, saliency.LIME{}); err == nil {
		t.Error("no network: no error")
	}
	linear.Inputs++
	if _, err := cnninte.LIMEFidelity(t.Context(), linear, set, saliency.LIME{Patch: 1}); !errors.Is(err, xai.ErrShape) {
		t.Errorf("a network of another shape: %v", err)
	}
}

// TestLIMEOnDigits prints the fidelity of LIME on embedded digits, which docs/methods quotes.
func TestLIMEOnDigits(t *testing.T) {
	if os.Getenv("WHYBOOK_TEST_LONG") == "" {
		t.Skip("takes half a minute; set WHYBOOK_TEST_LONG=1 to run it")
	}
	digits, err := datasets.MNIST().Train().Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	arch := nn.Image(digits.Shape).Conv(16, 5).ReLU().MaxPool(2).Conv(32, 3).ReLU().MaxPool(2).Dense(128).ReLU().Dense(10)
	net, err := arch.Fit(digits, nn.Training{Epochs: 6, Seed: 7, Schedule: nn.Cosine{}}).Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, superpixels := range []int{5, 10, 20, 50} {
		r, err := cnninte.LIMEFidelity(t.Context(), net, datasets.MNIST().Test().Take(200), saliency.LIME{Superpixels: superpixels})
		if err != nil || r.Value() < 0.95 {
			t.Errorf("%d superpixels: %v, %v", superpixels, r, err)
		}
		t.Logf("%d superpixels: %v", superpixels, r)
	}
}

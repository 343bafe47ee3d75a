package main

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/flint"
	"github.com/whybook/whybook/xai/nn"
	"github.com/whybook/whybook/xai/saliency"
)

// compared is what is stored of a network that FLINT is compared with.
type compared struct {
	Command     string    `json:"command"`
	Baseline    string    `json:"baseline"`
	Data        string    `json:"data"`
	Seed        uint64    `json:"seed"`
	Epochs      int       `json:"epochs,omitempty"`
	Test        int       `json:"test"`                  // samples
	Accuracy    float64   `json:"accuracy"`              // of f, share of the test samples
	Interpreter float64   `json:"interpreter,omitempty"` // of g
	Fidelity    float64   `json:"fidelity"`
	Taus        []float64 `json:"taus,omitempty"`
	Conciseness []float64 `json:"conciseness,omitempty"`
	Note        string    `json:"note"`
	Go          string    `json:"go"`
	Seconds     float64   `json:"seconds"`
}

// limeSamples is how many test samples LIME's fidelity is measured on.
const limeSamples = 200

// baseline measures "senn", a self-explaining network on the same layers; "posthoc", FLINT on a
// LeNet that was trained on the digits of the repository, as in the first notebook; or "lime",
// LIME's fidelity to the f of the run in state.
func baseline(ctx context.Context, kind string, o options) error {
	train, test, err := sets(o.data, o.from)
	if err != nil {
		return err
	}
	_, t := o.settings()
	r := compared{Command: command(), Baseline: kind, Data: o.data, Seed: o.seed, Epochs: t.Epochs, Go: runtime.Version()}
	start := time.Now()
	var e flint.Evaluation
	switch kind {
	case "senn":
		r.Note = "without the original's gradient term; concepts 25; trained as FLINT is"
		e, err = senn(ctx, train, test, t)
	case "posthoc":
		r.Note = "f is nn.LeNet after 5 epochs of the digits of the repository, Psi reads relu2; f is bit-identical afterwards"
		e, err = posthoc(ctx, t)
	case "lime":
		r.Epochs, r.Note = 0, fmt.Sprintf("%d test samples; 1000 changed images each, about 10 superpixels", limeSamples)
		return lime(ctx, r, test, o.state, start, o.out)
	default:
		return fmt.Errorf("no baseline %q: senn, posthoc or lime", kind)
	}
	if err != nil {
		return err
	}
	r.Test, r.Accuracy, r.Interpreter, r.Fidelity, r.Taus, r.Conciseness = len(e.Predicted), e.Accuracy, e.Interpreter, e.Fidelity, e.Taus, e.Conciseness
	r.Seconds = time.Since(start).Seconds()
	return write(r, o.out)
}

func senn(ctx context.Context, train, test datasets.Source, t nn.Training) (flint.Evaluation, error) {
	set, err := train.Build(ctx)
	if err != nil {
		return flint.Evaluation{}, err
	}
	// The layers of f but for its last one.
	layers := flint.SmallNet(set.Shape, len(set.Classes))
	trunk := layers.From(layers.Layers()[len(layers.Layers())-2].Name)
	net, err := flint.SENN{}.Train(ctx, trunk, set, t)
	if err != nil {
		return flint.Evaluation{}, err
	}
	return net.Evaluate(ctx, test)
}

func posthoc(ctx context.Context, t nn.Training) (flint.Evaluation, error) {
	digits, unseen := datasets.MNIST().Train(), datasets.MNIST().Test()
	set, err := digits.Build(ctx)
	if err != nil {
		return flint.Evaluation{}, err
	}
	net, err := nn.LeNet(set.Shape, len(set.Classes)).Fit(set, nn.Training{Epochs: 5, Seed: 7}).Build(ctx)
	if err != nil {
		return flint.Evaluation{}, err
	}
	in, err := flint.Explain(net).Hidden("relu2").Fit(set, t).Build(ctx)
	if err != nil {
		return flint.Evaluation{}, err
	}
	if err := in.For(net); err != nil {
		return flint.Evaluation{}, err
	}
	return in.Evaluate(ctx, unseen)
}

func lime(ctx context.Context, r compared, test datasets.Source, state string, start time.Time, out string) error {
	in, err := load(state)
	if err != nil {
		return err
	}
	set, err := test.Build(ctx)
	if err != nil {
		return err
	}
	some, err := set.Take(limeSamples).Seed(r.Seed).Build(ctx)
	if err != nil {
		return err
	}
	agree, of, err := saliency.LIME{Superpixels: 10, Seed: r.Seed}.Fidelity(ctx, in.Predictor(), some)
	if err != nil {
		return err
	}
	e, err := in.Predictor().Evaluate(ctx, some)
	if err != nil {
		return err
	}
	r.Test, r.Accuracy, r.Fidelity = of, e.Accuracy, float64(agree)/float64(of)
	r.Seconds = time.Since(start).Seconds()
	return write(r, out)
}

package evaluate_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/evaluate"
	"github.com/whybook/whybook/xai/nn"
	"github.com/whybook/whybook/xai/saliency"
	"github.com/whybook/whybook/xai/seed"
	"github.com/whybook/whybook/xai/xaitest"
)

// bright is a model that reads three bright pixels of a grey image, with the truth as mask.
// Its second score reads the others a little.
func bright() (xai.Function, datasets.Sample) {
	x := datasets.Sample{Set: "bright", Shape: datasets.Shape{Channels: 1, Height: 6, Width: 6}, X: make([]float64, 36), Mask: make([]bool, 36)}
	w, r := make([]float64, 36), seed.Stream(3, "bright")
	for i := range x.X {
		x.X[i], w[i] = 0.3, 0.01*(1+r.Float64())
	}
	for k, i := range []int{8, 21, 27} {
		x.X[i], w[i], x.Mask[i] = 1, float64(9-k), true
	}
	f := xai.Function{Inputs: 36, Outputs: 3, Func: func(x []float64) []float64 {
		scores := make([]float64, 3)
		for i, v := range x {
			scores[0] += w[i] * v
			scores[1] += 0.1 * v * v
		}
		return scores
	}}
	return f, x
}

// ordered returns a model and two maps of which the first is better in the metric's sense.
func ordered(t *testing.T, m evaluate.Metric) (xai.Differentiable, saliency.Map, saliency.Map) {
	t.Helper()
	f, x := bright()
	explain := func(f xai.Differentiable, by saliency.Method) saliency.Map {
		m, err := saliency.Of(f, x).With(by).Target(0).Explain(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	good := explain(f, saliency.InputGradient{})
	values := func(at func(i int) float64) saliency.Map {
		m := good
		m.Values = slices.Clone(good.Values)
		for i := range m.Values {
			m.Values[i] = at(i)
		}
		return m
	}
	switch m.(type) {
	case evaluate.Sparseness, evaluate.Entropy, evaluate.EffectiveComplexity:
		return f, values(func(i int) float64 { return float64(i / 35) }), values(func(int) float64 { return 1 })
	case evaluate.FeatureAgreement, evaluate.RankAgreement, evaluate.SignAgreement, evaluate.SignedRankAgreement, evaluate.RankCorrelation, evaluate.PairwiseRankAgreement:
		return f, good, values(func(i int) float64 { return -1 / good.Values[i] }) // other signs, other order
	case evaluate.MPRT, evaluate.EfficientMPRT, evaluate.LabelRandomisation, evaluate.RelativeRepresentationStability:
		net, err := nn.Image(x.Shape).Conv(4, 3).ReLU().Dense(3).Init(1)
		if err != nil {
			t.Fatal(err)
		}
		if _, stable := m.(evaluate.RelativeRepresentationStability); stable {
			return net, explain(net, saliency.Smooth{Samples: 200}), explain(net, evaluate.Random{})
		}
		return net, explain(net, saliency.Gradient{}), explain(net, evaluate.Sobel{})
	case evaluate.RandomLogit:
		return f, explain(f, saliency.Gradient{}), explain(f, evaluate.Sobel{})
	case evaluate.MaxSensitivity, evaluate.AvgSensitivity, evaluate.LocalLipschitz, evaluate.RelativeInputStability, evaluate.RelativeOutputStability:
		return f, explain(f, saliency.Gradient{}), explain(f, evaluate.Random{})
	case evaluate.Specificity, evaluate.CausalSpecificity, evaluate.EnergyShare, evaluate.RelevanceMass:
		return f, good, values(func(i int) float64 { return 10 - good.Values[i] })
	}
	return f, good, values(func(i int) float64 { return -good.Values[i] })
}

// TestReferencesConform holds the reference attributors to the contract of methods.
func TestReferencesConform(t *testing.T) {
	mask := make([]bool, 36)
	mask[7] = true
	for _, m := range []saliency.Method{evaluate.Random{}, evaluate.Constant{}, evaluate.Sobel{}, evaluate.Oracle{Mask: mask}} {
		t.Run(fmt.Sprintf("%T", m), func(t *testing.T) { xaitest.Run(t, m) })
	}
}

// TestMetricsConform holds every metric to the suite.
func TestMetricsConform(t *testing.T) {
	control, err := nn.Image(datasets.Shape{Channels: 1, Height: 6, Width: 6}).Conv(4, 3).ReLU().Dense(3).Init(9)
	if err != nil {
		t.Fatal(err)
	}
	units := map[string]bool{"Completeness error": true, "Infidelity": true} // of the map
	for _, m := range evaluate.Metrics() {
		model, better, worse := ordered(t, m)
		switch v := m.(type) { // what some need
		case evaluate.FeatureAgreement:
			v.Truth = better.Values
			m = v
		case evaluate.RankAgreement:
			v.Truth = better.Values
			m = v
		case evaluate.SignAgreement:
			v.Truth = better.Values
			m = v
		case evaluate.SignedRankAgreement:
			v.Truth = better.Values
			m = v
		case evaluate.RankCorrelation:
			v.Truth = better.Values
			m = v
		case evaluate.PairwiseRankAgreement:
			v.Truth = better.Values
			m = v
		case evaluate.LabelRandomisation:
			v.Control = control
			m = v
		}
		t.Run(fmt.Sprintf("%T", m), func(t *testing.T) {
			xaitest.RunMetric(t, m, xaitest.Expect{ScaleFree: !units[m.Card().Name], Model: model, Better: better, Worse: worse})
		})
	}
}

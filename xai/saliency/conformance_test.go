package saliency_test

import (
	"testing"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/saliency"
	"github.com/whybook/whybook/xai/xaitest"
)

// conforming are the methods of this package, at settings that are quick enough for a test.
func conforming() map[string]saliency.Method {
	baselines := [][]float64{make([]float64, 36)}
	return map[string]saliency.Method{
		"gradient":             saliency.Gradient{},
		"input x gradient":     saliency.InputGradient{},
		"smooth gradient":      saliency.Smooth{Samples: 10},
		"smooth squared":       saliency.Smooth{Samples: 10, Kind: saliency.Squared},
		"smooth variance":      saliency.Smooth{Samples: 10, Kind: saliency.Variance},
		"integrated":           saliency.IntegratedGradients{},
		"integrated, Gauss":    saliency.IntegratedGradients{Rule: saliency.GaussLegendre},
		"integrated, adaptive": saliency.AdaptiveIntegratedGradients{},
		"expected":             saliency.ExpectedGradients{Baselines: baselines},
		"occlusion":            saliency.Occlusion{Patch: 2},
		"occlusion of pixels":  saliency.Occlusion{Patch: 1},
		"RISE":                 saliency.RISE{Masks: 100, Grid: 3},
		"Shapley":              saliency.Shapley{Patch: 2, Permutations: 5},
		"Shapley of pixels":    saliency.Shapley{Patch: 1, Permutations: 2},
		"LIME":                 saliency.LIME{Samples: 200, Superpixels: 12},
		"flow":                 saliency.GradientFlow{Steps: 10},
		"flow, averaged":       saliency.GradientFlow{Steps: 10, Average: true},
		"boundary":             saliency.Boundary{Steps: 200},
		"finite differences":   saliency.FiniteDifference{},
		"guided":               saliency.GuidedBackprop{},
		"deconvnet":            saliency.Deconvnet{},
		"Grad-CAM":             saliency.GradCAM{},
		"Grad-CAM, signed":     saliency.GradCAM{KeepNegative: true},
		"guided Grad-CAM":      saliency.GuidedGradCAM{},
		"LRP":                  saliency.LRP{},
		"LRP, epsilon":         saliency.LRP{Rule: xai.Epsilon{Epsilon: 1e-9}},
		"LRP, gamma":           saliency.LRP{Rule: xai.Gamma{Gamma: 0.25}},
	}
}

func TestMethodsConform(t *testing.T) {
	for name, m := range conforming() {
		t.Run(name, func(t *testing.T) { xaitest.Run(t, m) })
	}
}

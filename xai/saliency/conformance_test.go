package saliency_test

import (
	"testing"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/saliency"
	"github.com/whybook/whybook/xai/xaitest"
)

// conforming are the methods of this package, at settings that are quick enough for a test.
func conforming() map[string]saliency.Method {
	black, grey := make([]float64, 36), make([]float64, 36)
	for i := range grey {
		grey[i] = 0.5
	}
	return map[string]saliency.Method{
		"gradient":                   saliency.Gradient{},
		"input x gradient":           saliency.InputGradient{},
		"smooth gradient":            saliency.Smooth{Samples: 10},
		"smooth squared":             saliency.Smooth{Samples: 10, Kind: saliency.Squared},
		"smooth variance":            saliency.Smooth{Samples: 10, Kind: saliency.Variance},
		"smooth integrated":          saliency.Smooth{Of: saliency.IntegratedGradients{Steps: 5, Batch: 4}, Samples: 9},
		"smooth LRP":                 saliency.Smooth{Of: saliency.LRP{}, Samples: 5},
		"smooth flow":                saliency.Smooth{Of: saliency.GradientFlow{Steps: 5}, Samples: 5},
		"integrated":                 saliency.IntegratedGradients{},
		"integrated, left":           saliency.IntegratedGradients{Rule: saliency.Left},
		"integrated, right":          saliency.IntegratedGradients{Rule: saliency.Right},
		"integrated, trapezoid":      saliency.IntegratedGradients{Rule: saliency.Trapezoid},
		"integrated, Gauss":          saliency.IntegratedGradients{Rule: saliency.GaussLegendre},
		"integrated, two ways":       saliency.IntegratedGradients{Baselines: [][]float64{black, grey}, Steps: 100, Batch: 13},
		"integrated, adaptive":       saliency.AdaptiveIntegratedGradients{},
		"expected":                   saliency.ExpectedGradients{Baselines: [][]float64{black}},
		"expected, two baselines":    saliency.ExpectedGradients{Baselines: [][]float64{black, grey}},
		"occlusion":                  saliency.Occlusion{Patch: 2},
		"occlusion, filled":          saliency.Occlusion{Patch: 3, Fill: 0.5, Batch: 5},
		"occlusion of pixels":        saliency.Occlusion{Patch: 1},
		"RISE":                       saliency.RISE{Masks: 100, Grid: 3},
		"Shapley":                    saliency.Shapley{Patch: 2, Permutations: 5},
		"Shapley of pixels":          saliency.Shapley{Patch: 1, Permutations: 2},
		"LIME":                       saliency.LIME{Samples: 200, Superpixels: 12},
		"LIME of patches":            saliency.LIME{Samples: 200, Patch: 2, Batch: 5},
		"flow":                       saliency.GradientFlow{Steps: 10},
		"flow, averaged":             saliency.GradientFlow{Steps: 10, Average: true},
		"flow, blurred":              saliency.GradientFlow{Steps: 5, Blur: 1},
		"flow, free":                 saliency.GradientFlow{Steps: 10, Free: true},
		"boundary":                   saliency.Boundary{Steps: 200},
		"boundary, free":             saliency.Boundary{Steps: 200, Free: true},
		"finite differences":         saliency.FiniteDifference{},
		"finite differences, signed": saliency.FiniteDifference{KeepSign: true, Patch: 3},
		"guided":                     saliency.GuidedBackprop{},
		"deconvnet":                  saliency.Deconvnet{},
		"Grad-CAM":                   saliency.GradCAM{},
		"Grad-CAM, signed":           saliency.GradCAM{KeepNegative: true},
		"guided Grad-CAM":            saliency.GuidedGradCAM{},
		"LRP":                        saliency.LRP{},
		"LRP, epsilon":               saliency.LRP{Rule: xai.Epsilon{Epsilon: 1e-9}},
		"LRP, gamma":                 saliency.LRP{Rule: xai.Gamma{Gamma: 0.25}},
		"LRP, gamma box":             saliency.LRP{Composite: saliency.EpsilonGammaBox(-2, 3)},
		"LRP, alpha-beta":            saliency.LRP{Composite: saliency.EpsilonAlphaBeta()},
	}
}

func TestMethodsConform(t *testing.T) {
	for name, m := range conforming() {
		t.Run(name, func(t *testing.T) { xaitest.Run(t, m) })
	}
}

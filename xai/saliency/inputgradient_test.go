package saliency

import (
	"testing"

	"gonum.org/v1/gonum/floats"
)

func TestInputGradient(t *testing.T) {
	inFlight(t, InputGradient{}, 5)
	got, _ := attribute(t, InputGradient{}, affine(7, []float64{2, -1, 0.5, 0}), images(rows([]float64{1, 2, 3, 4}), 2, 2))
	near(t, "linear", got.RawRowView(0), []float64{2, -2, 1.5, 0}, 0)

	// Homogeneity: f = relu(x1 - x2) + 2 relu(x2 + x3) has no biases.
	f := formula{
		d:      3,
		scores: func(x []float64) []float64 { return []float64{relu(x[0]-x[1]) + 2*relu(x[1]+x[2])} },
		grad: func(x []float64, _ int) []float64 {
			a, b := step(x[0]-x[1]), 2*step(x[1]+x[2])
			return []float64{a, b - a, b}
		},
	}
	x := rows([]float64{3, 1, 2})
	got, _ = attribute(t, InputGradient{}, f, images(x, 1, 3))
	near(t, "sum of the map", []float64{floats.Sum(got.RawRowView(0))}, f.scores(x.RawRowView(0)), 1e-12)
}

package evaluate

import (
	"errors"
	"testing"

	"github.com/whybook/whybook/xai/saliency"
)

func TestRandomLogit(t *testing.T) {
	x := []float64{1, 1, 1, 1}
	w := [][]float64{{4, 3, 2, 1}, {-1, 2, -3, 4}, {-1, 2, -3, 4}}
	f := formula{
		d: 4,
		scores: func(x []float64) []float64 {
			out := make([]float64, len(w))
			for k, row := range w {
				out[k] = linear(row...).scores(x)[0]
			}
			return out
		},
		grad: func(_ []float64, target int) []float64 { return w[target] },
	}
	m := mapOf(shape(1, 2, 2), x, w[0])
	measures(t, RandomLogit{Of: saliency.Gradient{}}, f, m, -1, 1e-12)
	// A method that only sees the input has the same map for every class.
	y := random(1, 4)
	m = mapOf(shape(1, 2, 2), y, attribute(t, Sobel{}, shape(1, 2, 2), []int{0}, y)[0])
	measures(t, RandomLogit{Of: Sobel{}}, f, m, 1, 1e-12)

	if v, err := (RandomLogit{Of: Constant{}}).Measure(ctx, f, with(m, 1, 1, 1, 1)); !errors.Is(err, ErrConstant) {
		t.Errorf("constant maps: %v, %v, want ErrConstant", v, err)
	}
	if v, err := (RandomLogit{}).Measure(ctx, f, m); err == nil {
		t.Errorf("no method: %v, want an error", v)
	}
	if v, err := (RandomLogit{Of: fault{}}).Measure(ctx, f, m); !errors.Is(err, ErrMap) {
		t.Errorf("a map of NaN: %v, %v, want ErrMap", v, err)
	}
}

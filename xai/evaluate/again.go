package evaluate

import (
	"context"
	"errors"
	"fmt"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/saliency"
	"gonum.org/v1/gonum/mat"
)

// maker returns the method that made m: the one given, else the map's own.
func maker(metric string, of saliency.Method, m saliency.Map) (saliency.Method, error) {
	for _, method := range []saliency.Method{of, m.By} {
		if !isNil(method) {
			return method, nil
		}
	}
	return nil, fmt.Errorf("evaluate: %s: field Of: need the method that made the map, which the map does not hold", metric)
}

// explain makes the map of the sample of m again: by method of, for model f and a target.
func explain(ctx context.Context, metric string, of saliency.Method, f xai.Differentiable, m saliency.Map, target int) ([]float64, error) {
	d := len(m.Values)
	in := saliency.Batch{X: mat.NewDense(1, d, append([]float64(nil), m.Sample.X...)), Shape: m.Shape, Targets: []int{target}}
	if m.Sample.Columns == nil { // an image
		in.High = 1
	}
	dst := mat.NewDense(1, d, nil)
	report, err := of.Attribute(ctx, f, dst, in)
	if err == nil {
		err = report.Err(0)
	}
	if err != nil {
		return nil, fmt.Errorf("evaluate: %s: score %d: %w", metric, target, err)
	}
	phi := dst.RawRowView(0)
	if i, bad := notFinite(phi); bad {
		return nil, fmt.Errorf("evaluate: %s: value %d of the map of score %d is %v: %w", metric, i, target, phi[i], ErrMap)
	}
	return phi, nil
}

// failure returns err unless it only says that a metric has no value for a map.
func failure(err error) error {
	for _, none := range []error{ErrZero, ErrConstant, ErrMask, ErrMoved, saliency.ErrUndefined} {
		if errors.Is(err, none) {
			return nil
		}
	}
	return err
}

package project

import (
	"errors"
	"fmt"
	"math"

	"github.com/whybook/whybook/xai"
	"gonum.org/v1/gonum/mat"
)

// ErrFew is matched by errors about too few rows for what was asked.
var ErrFew = errors.New("too few rows")

// ErrNotFinite is matched by errors about values that are NaN or infinite.
var ErrNotFinite = errors.New("value is not finite")

// ErrConstant is matched by errors about rows that are all equal.
var ErrConstant = errors.New("no variation")

// ErrDiverged is matched when an optimisation runs away.
var ErrDiverged = errors.New("optimisation diverged")

// check returns an error unless x is a matrix of finite values.
func check(what string, x *mat.Dense) error {
	if x == nil || x.IsEmpty() {
		return fmt.Errorf("%s: the matrix is empty; pass one row per sample: %w", what, xai.ErrShape)
	}
	n, _ := x.Dims()
	for i := range n {
		for j, v := range x.RawRowView(i) {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return fmt.Errorf("%s: row %d, column %d is %v; leave the row out or fill the value: %w", what, i, j, v, ErrNotFinite)
			}
		}
	}
	return nil
}

// field returns a setting, or its default where it is 0.
func field(name string, value, fallback, low float64) (float64, error) {
	switch {
	case value == 0:
		return fallback, nil
	case math.IsNaN(value) || math.IsInf(value, 0) || value < low:
		return 0, fmt.Errorf("field %s is %v; it must be at least %v, or 0 for the default %.4g", name, value, low, fallback)
	}
	return value, nil
}

package evaluate

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/progress"
	"github.com/whybook/whybook/xai/saliency"
	"gonum.org/v1/gonum/mat"
)

// Metric is a question about one map, answered by one number.
type Metric interface {
	// Card says what the number is.
	Card() Card

	// Measure returns the number for map m of model f, whose input is m.Sample. Metrics
	// that only read the map accept a nil f. The model and the map are not changed, and
	// equal arguments give equal bytes. A score that is no number is an error that matches
	// datasets.ErrNotFinite.
	Measure(ctx context.Context, f xai.Differentiable, m saliency.Map) (float64, error)
}

// Card is the definition of a metric in short, from which docs/methods/metrics.md is made.
// The doc comment of the metric has the rest.
type Card struct {
	Name      string  // "Deletion AUC"
	Low, High float64 // least and greatest possible value; infinite where there is none
	Better    Direction

	Source  string // paper, with its equation
	Formula string // in the notation of the package
	Fails   string // where the number misleads
	Oracle  string // values that are known beforehand, which the tests check
}

// Direction says which values of a metric speak for a map.
type Direction int

const (
	Neither Direction = iota // a property of the map, neither good nor bad
	Lower                    // less is better
	Higher                   // more is better
)

// String returns "neither", "lower" or "higher".
func (d Direction) String() string {
	switch d {
	case Neither:
		return "neither"
	case Lower:
		return "lower"
	case Higher:
		return "higher"
	}
	return fmt.Sprintf("Direction(%d)", int(d))
}

// ErrMap is matched (errors.Is) by errors about a map that is no map: a wrong number of
// values, or values that are not finite.
var ErrMap = errors.New("not a map")

// ErrZero is matched by errors about a map without any value to divide by: zero
// everywhere, or nowhere positive where only positive values count.
var ErrZero = errors.New("the map is zero")

// ErrConstant is matched by errors about a correlation with something that does not vary.
var ErrConstant = errors.New("no variation")

// ErrMask is matched by errors about a mask without any pixel, or with nothing but pixels
// where an outside is needed, or about a sample without a mask.
var ErrMask = errors.New("no usable mask")

// ErrMoved is matched by errors about neighbours of an input that all have another
// predicted class, so that there is none to compare with.
var ErrMoved = errors.New("every neighbour has another class")

// check reports what makes m unusable, on behalf of the named metric.
func check(metric string, m saliency.Map) error {
	s := m.Shape
	if s.Channels < 1 || s.Height < 1 || s.Width < 1 || len(m.Values) != s.Size() {
		return fmt.Errorf("evaluate: %s: the map has %d values and the shape %v: %w", metric, len(m.Values), s, ErrMap)
	}
	if i, bad := notFinite(m.Values); bad {
		return fmt.Errorf("evaluate: %s: value %d of the map is %v: %w", metric, i, m.Values[i], ErrMap)
	}
	return nil
}

// checkModel also reports a model and a sample that do not fit the map.
func checkModel(metric string, f xai.Differentiable, m saliency.Map) error {
	if err := check(metric, m); err != nil {
		return err
	}
	if isNil(f) {
		return fmt.Errorf("evaluate: %s: need the model of the map, have nil", metric)
	}
	switch d, k := f.Dims(); {
	case m.Layer != "":
		return fmt.Errorf("evaluate: %s: the map explains by layer %s, and this metric changes the input; explain by the input: %w", metric, m.Layer, xai.ErrLayer)
	case d != len(m.Values):
		return fmt.Errorf("evaluate: %s: the map has %d values, the model takes %d: %w", metric, len(m.Values), d, xai.ErrShape)
	case d != len(m.Sample.X):
		return fmt.Errorf("evaluate: %s: the map's sample has %d values, the model takes %d: %w", metric, len(m.Sample.X), d, xai.ErrShape)
	case !finite(m.Sample.X):
		return fmt.Errorf("evaluate: %s: the map's sample has values that are no numbers: %w", metric, datasets.ErrNotFinite)
	case m.Target < 0 || m.Target >= k:
		return fmt.Errorf("evaluate: %s: target %d of the map: the model has %d scores (0-%d): %w", metric, m.Target, k, k-1, xai.ErrTarget)
	case len(m.Scores) > 0 && len(m.Scores) != k:
		return fmt.Errorf("evaluate: %s: the map explains a model with %d scores, this one has %d; the model of a map toward a scalar is saliency.Score(model, scalar): %w",
			metric, len(m.Scores), k, xai.ErrShape)
	}
	return nil
}

// positive returns value, or fallback where value is 0, or an error naming the field.
func positive(metric, field string, value, fallback int) (int, error) {
	if value < 0 {
		return 0, fmt.Errorf("evaluate: %s: field %s must be positive, not %d", metric, field, value)
	}
	if value == 0 {
		return fallback, nil
	}
	return value, nil
}

// positiveReal is positive for real numbers.
func positiveReal(metric, field string, value, fallback float64) (float64, error) {
	if value < 0 || math.IsNaN(value) || math.IsInf(value, 0) {
		return 0, fmt.Errorf("evaluate: %s: field %s must be positive and finite, not %v", metric, field, value)
	}
	if value == 0 {
		return fallback, nil
	}
	return value, nil
}

// or returns row, or zeros where it is nil, or an error unless it has d finite values.
func or(metric, field string, row []float64, d int) ([]float64, error) {
	if row == nil {
		return make([]float64, d), nil
	}
	if len(row) != d {
		return nil, fmt.Errorf("evaluate: %s: field %s has %d values, the input %d: %w", metric, field, len(row), d, xai.ErrShape)
	}
	if i, bad := notFinite(row); bad {
		return nil, fmt.Errorf("evaluate: %s: value %d of field %s is %v: %w", metric, i, field, row[i], datasets.ErrNotFinite)
	}
	return row, nil
}

// inFlight is the number of inputs sent through the model at once, which bounds the
// memory of every metric.
const inFlight = 64

// sweep sends n inputs through f, block by block, and hands each one's scores to take, in
// order. fill stores input i into row; it is called once for each i, in order.
func sweep(ctx context.Context, metric string, f xai.Differentiable, n int, fill func(i int, row []float64), take func(i int, scores []float64)) error {
	d, _ := f.Dims()
	rows := mat.NewDense(min(n, inFlight), d, nil)
	for done := 0; done < n; {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("evaluate: %s: after %d of %d inputs: %w", metric, done, n, err)
		}
		block := min(inFlight, n-done)
		for i := range block {
			fill(done+i, rows.RawRowView(i))
		}
		scores, err := f.Scores(ctx, rows.Slice(0, block, 0, d).(*mat.Dense))
		if err != nil {
			return fmt.Errorf("evaluate: %s: after %d of %d inputs: %w", metric, done, n, err)
		}
		for i := range block {
			row := scores.RawRowView(i)
			if k, bad := notFinite(row); bad {
				return fmt.Errorf("evaluate: %s: score %d of changed input %d is %v; this metric needs finite ones: %w", metric, k, done+i, row[k], datasets.ErrNotFinite)
			}
			take(done+i, row)
		}
		done += block
		progress.Report(ctx, metric, done, n)
	}
	return nil
}

// outputs is sweep for one output: the score of the target, or its softmax probability.
func outputs(ctx context.Context, metric string, f xai.Differentiable, target, n int, probability bool, fill func(i int, row []float64)) ([]float64, error) {
	out := make([]float64, n)
	err := sweep(ctx, metric, f, n, fill, func(i int, scores []float64) { out[i] = output(scores, target, probability) })
	return out, err
}

// output returns the score of the target, or its softmax probability.
func output(scores []float64, target int, probability bool) float64 {
	if !probability {
		return scores[target]
	}
	top, sum := slices.Max(scores), 0.0
	for _, s := range scores {
		sum += math.Exp(s - top)
	}
	return math.Exp(scores[target]-top) / sum
}

// ranking returns the indices of values from the greatest to the least, the lower index
// first where values tie.
func ranking(values []float64) []int {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool { return values[order[a]] > values[order[b]] })
	return order
}

// absolute returns the absolute values.
func absolute(values []float64) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = math.Abs(v)
	}
	return out
}

func finite(values []float64) bool {
	_, bad := notFinite(values)
	return !bad
}

// notFinite returns the place of the first NaN or infinity.
func notFinite(values []float64) (int, bool) {
	for i, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return i, true
		}
	}
	return 0, false
}

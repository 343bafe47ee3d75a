package xai

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/mat"
)

// Verdict is the outcome of Verify: whether a model's gradients can be trusted.
type Verdict struct {
	OK         bool
	Reason     string  // why not, or ""
	Checked    int     // coordinates compared with finite differences
	Kinks      int     // coordinates passed over: the score has no derivative there
	Flat       int     // coordinates passed over: the score changes by less than its rounding
	Worst      float64 // largest error among those checked, relative to the largest gradient of its row
	Repeatable bool    // two runs gave the same scores and gradients, bit for bit

	// Precision is the largest difference between the gradients that explanations use and
	// those of a more precise copy of the model, relative as Worst; 0 where there is none.
	Precision float64

	Layers []string // what the model is made of, where that is known: "12 conv"
}

// String says the verdict in one sentence.
func (v Verdict) String() string {
	say := "gradients verified"
	if !v.OK {
		say = "gradients NOT verified: " + v.Reason
	}
	s := fmt.Sprintf("%s (%d coordinates against central differences, worst relative error %.1e, %d at kinks passed over", say, v.Checked, v.Worst, v.Kinks)
	if v.Precision > 0 {
		s += fmt.Sprintf(", float32 within %.1e of float64", v.Precision)
	}
	return s + ")"
}

// Verifiable is a model that remembers the outcome of its last check; results store it.
type Verifiable interface {
	// Verdict returns the outcome of the last check, and false if there was none.
	Verdict() (Verdict, bool)
}

// Coordinates and tolerance of Verify. Central differences in float64 with this step are
// good to about 1e-9 on networks whose scores are of order 10.
const (
	verifyRows      = 4
	verifyPoints    = 64 // for each row
	verifyStep      = 1e-5
	verifyTolerance = 1e-5
	verifyJitter    = 1e-3
)

// Verify checks the gradients of a model that computes in float64 at the first rows of x
// (n x d), moved by about a thousandth, since exact zeros (black pixels) often lie where a
// network has no derivative: it runs the model twice and compares bit for bit, and compares the gradient of
// the predicted class with central differences at random coordinates, half of them among
// those with the largest gradients.
//
// Networks with ReLU or max-pooling have kinks, where the derivative jumps. A coordinate
// where differences of two step sizes, or up and down, disagree is passed over and counted.
// So is one where the score is so flat, after a saturated softmax for instance, that its
// differences are rounding. If that happens to more than half, the verdict is that the check
// decided nothing.
func Verify(ctx context.Context, f Differentiable, x *mat.Dense) (Verdict, error) {
	if x == nil || x.IsEmpty() {
		return Verdict{}, fmt.Errorf("xai.Verify: need at least one row: %w", ErrShape)
	}
	n, d := x.Dims()
	if want, _ := f.Dims(); d != want {
		return Verdict{}, fmt.Errorf("xai.Verify: rows of %d values, the model takes %d: %w", d, want, ErrShape)
	}
	n = min(n, verifyRows)
	x = mat.DenseCopyOf(x.Slice(0, n, 0, d))
	jitter := seed.Stream(0, "xai", "verify", "jitter")
	for i := range n {
		for j := range d {
			x.Set(i, j, x.At(i, j)+verifyJitter*jitter.NormFloat64())
		}
	}

	scores, err := f.Scores(ctx, x)
	if err != nil {
		return Verdict{}, err
	}
	targets := make([]int, n)
	for i := range targets {
		row := scores.RawRowView(i)
		targets[i] = slices.Index(row, slices.Max(row))
		if targets[i] < 0 {
			return Verdict{}, fmt.Errorf("xai.Verify: the scores of row %d are %v", i, row)
		}
	}
	grads, again := mat.NewDense(n, d, nil), mat.NewDense(n, d, nil)
	first, err := f.Gradients(ctx, grads, x, targets)
	if err != nil {
		return Verdict{}, err
	}
	second, err := f.Gradients(ctx, again, x, targets)
	if err != nil {
		return Verdict{}, err
	}
	v := Verdict{Repeatable: mat.Equal(grads, again) && mat.Equal(first, second) && mat.Equal(first, scores)}
	for i := range n {
		if err := v.checkRow(ctx, f, x.RawRowView(i), grads.RawRowView(i), targets[i], i); err != nil {
			return Verdict{}, err
		}
	}
	switch {
	case !v.Repeatable:
		v.Reason = "two runs on the same input differ"
	case v.Worst > verifyTolerance || math.IsNaN(v.Worst):
		v.Reason = fmt.Sprintf("the gradient differs from central differences by %.1e", v.Worst)
	case v.Checked < v.Flat:
		v.Reason = fmt.Sprintf("the scores hardly change at %d of %d coordinates, so there is nothing to compare: if the model ends in a softmax, explain the scores before it", v.Flat, v.Checked+v.Kinks+v.Flat)
	case v.Checked < v.Kinks:
		v.Reason = fmt.Sprintf("%d of %d coordinates lie at kinks; try another input", v.Kinks, v.Checked+v.Kinks)
	default:
		v.OK = true
	}
	return v, nil
}

// checkRow compares one row's gradient with central differences.
func (v *Verdict) checkRow(ctx context.Context, f Differentiable, x, grad []float64, target, row int) error {
	d := len(x)
	order := make([]int, d)
	for j := range order {
		order[j] = j
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch ga, gb := math.Abs(grad[a]), math.Abs(grad[b]); {
		case ga > gb:
			return -1
		case ga < gb:
			return 1
		}
		return 0
	})
	scale := math.Abs(grad[order[0]])
	points := order[:min(d, verifyPoints/2)]
	for _, j := range seed.Stream(0, "xai", "verify", row).Perm(d) {
		if len(points) >= min(d, verifyPoints) {
			break
		}
		if !slices.Contains(points, j) {
			points = append(slices.Clip(points), j)
		}
	}
	// Four inputs for each coordinate, one and a half step, up and down; and x itself.
	steps := [4]float64{verifyStep, -verifyStep, verifyStep / 2, -verifyStep / 2}
	batch := mat.NewDense(4*len(points)+1, d, nil)
	batch.SetRow(4*len(points), x)
	for p, j := range points {
		for s, h := range steps {
			at := batch.RawRowView(4*p + s)
			copy(at, x)
			at[j] += h
		}
	}
	scores, err := f.Scores(ctx, batch)
	if err != nil {
		return err
	}
	here := scores.At(4*len(points), target)
	var size float64 // of the scores, whose rounding is in every one of them
	for _, s := range scores.RawRowView(4 * len(points)) {
		size = max(size, math.Abs(s))
	}
	for p, j := range points {
		value := func(s int) float64 { return scores.At(4*p+s, target) - here }
		whole := (value(0) - value(1)) / (2 * verifyStep)
		half := (value(2) - value(3)) / verifyStep
		// The slope up less the slope down: a jump at x for any step, else proportional to it.
		bend := (value(0) + value(1)) / verifyStep
		halfBend := 2 * (value(2) + value(3)) / verifyStep
		unit := max(scale, math.Abs(half), math.SmallestNonzeroFloat64)
		const rounding = 4 * 0x1p-52 / verifyStep // of a difference quotient, for scores of 1
		if rounding*size > verifyTolerance*unit {
			v.Flat++
			continue
		}
		if math.Abs(whole-half) > verifyTolerance/2*unit || math.Abs(bend-2*halfBend) > verifyTolerance/2*unit {
			v.Kinks++
			continue
		}
		v.Checked++
		v.Worst = math.Max(v.Worst, math.Abs(grad[j]-half)/unit) // math.Max keeps a NaN
	}
	return nil
}

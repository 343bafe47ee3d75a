package nn

import (
	"context"
	"fmt"
	"math"

	"github.com/whybook/whybook/xai"
	"gonum.org/v1/gonum/mat"
)

var _ xai.Verifiable = (*Net)(nil)

// Verify checks the network's gradients at the first rows of x (n x d): the same weights in
// float64 against central differences, and the float32 gradients that explanations use
// against those. See xai.Verify. The network remembers the verdict, and explanations of it
// store it. A wrong gradient is a verdict, not an error.
func (n *Net) Verify(ctx context.Context, x *mat.Dense) (xai.Verdict, error) {
	if err := n.checkRows("Verify", x); err != nil {
		return xai.Verdict{}, err
	}
	exact := n.Double()
	v, err := xai.Verify(ctx, exact, x)
	if err != nil {
		return v, fmt.Errorf("nn.Net.Verify: %w", err)
	}
	v.Layers = n.arch.kinds()
	if exact != n {
		if v.Precision, err = n.precision(ctx, exact, x); err != nil {
			return v, fmt.Errorf("nn.Net.Verify: %w", err)
		}
		if !(v.Precision <= maxRounding) && v.OK {
			v.OK, v.Reason = false, fmt.Sprintf("the float32 gradient differs from the float64 one by %.1e; explain Net.Double() instead", v.Precision)
		}
	}
	n.verdict.Store(&v)
	return v, nil
}

// maxRounding is how far float32 gradients may be from float64 ones: more than rounding,
// less than what shows in a picture.
const maxRounding = 0.01

// precision returns the largest difference between the gradients of n and of exact at one
// row, relative to the largest gradient.
func (n *Net) precision(ctx context.Context, exact *Net, x *mat.Dense) (float64, error) {
	_, d := x.Dims()
	row := mat.DenseCopyOf(x.Slice(0, 1, 0, d))
	a, b := mat.NewDense(1, d, nil), mat.NewDense(1, d, nil)
	predicted, err := exact.Predict(ctx, row)
	if err != nil {
		return 0, err
	}
	if _, err := n.Gradients(ctx, a, row, predicted); err != nil {
		return 0, err
	}
	if _, err := exact.Gradients(ctx, b, row, predicted); err != nil {
		return 0, err
	}
	var worst, scale float64
	for j, g := range b.RawRowView(0) {
		scale = math.Max(scale, math.Abs(g))
		worst = math.Max(worst, math.Abs(a.At(0, j)-g))
	}
	if worst == 0 {
		return 0, nil
	}
	return worst / scale, nil
}

// Verdict returns the outcome of the last Verify.
func (n *Net) Verdict() (xai.Verdict, bool) {
	if v := n.verdict.Load(); v != nil {
		return *v, true
	}
	return xai.Verdict{}, false
}

// kinds counts the kinds of layers, in the order in which they first appear.
func (a Arch) kinds() []string {
	var order []string
	count := make(map[string]int)
	for _, s := range a.steps {
		if count[s.layer.kind()] == 0 {
			order = append(order, s.layer.kind())
		}
		count[s.layer.kind()]++
	}
	for i, kind := range order {
		order[i] = fmt.Sprintf("%d %s", count[kind], kind)
	}
	return order
}

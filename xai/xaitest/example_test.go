package xaitest_test

import (
	"context"
	"fmt"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/saliency"
	"github.com/whybook/whybook/xai/xaitest"
	"gonum.org/v1/gonum/mat"
)

// loudest is a method that somebody wrote: the gradient, scaled to 1 over the batch.
type loudest struct{}

func (loudest) Signed() bool { return true }

func (loudest) Attribute(ctx context.Context, f xai.Differentiable, dst *mat.Dense, in saliency.Batch) (saliency.Report, error) {
	_, err := f.Gradients(ctx, dst, in.X, in.Targets)
	if err == nil {
		dst.Scale(1/mat.Max(dst), dst)
	}
	return saliency.Report{Passes: 1}, err
}

// In a test one calls Run; Findings returns the same as values.
func ExampleFindings() {
	for _, f := range xaitest.Findings(context.Background(), loudest{}) {
		fmt.Println(f.Check)
	}
	// Output:
	// batch
	// colours
}

package xaitest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/nn"
	"github.com/whybook/whybook/xai/saliency"
	"gonum.org/v1/gonum/mat"
)

// attribute calls the method on a result matrix that is not clean, and looks at what comes
// back. A row without a map, which a method must own up to, is an error that matches
// saliency.ErrUndefined.
func attribute(ctx context.Context, m saliency.Method, f xai.Differentiable, in saliency.Batch) (*mat.Dense, saliency.Report, error) {
	n, d := in.X.Dims()
	dst := mat.NewDense(n, d, nil)
	for i := range dst.RawMatrix().Data {
		dst.RawMatrix().Data[i] = 1e9
	}
	report, err := m.Attribute(ctx, f, dst, in)
	if err != nil {
		return nil, report, fmt.Errorf("%s: %w", title(m), err)
	}
	for i, err := range report.Undefined {
		if err != nil {
			return nil, report, fmt.Errorf("%s: row %d: %w", title(m), i, err)
		}
	}
	for i, v := range dst.RawMatrix().Data {
		if math.IsNaN(v) || math.IsInf(v, 0) || v == 1e9 {
			return nil, report, fmt.Errorf("%s: value %d of row %d is %v", title(m), i%d, i/d, v)
		}
	}
	return dst, report, nil
}

// row returns row i of a batch as a batch of its own.
func row(in saliency.Batch, i int) saliency.Batch {
	_, d := in.X.Dims()
	one := in
	one.X = mat.NewDense(1, d, slices.Clone(in.X.RawRowView(i)))
	one.Targets = in.Targets[i : i+1]
	return one
}

// batch: a batch gives what its rows give one by one, bit for bit, in any order.
func batch(ctx context.Context, m saliency.Method, _ saliency.Traits) error {
	f, err := network(1, false)
	if err != nil {
		return err
	}
	return rowByRow(ctx, m, f, inputs(2, 5))
}

// coloured: the same on images of two channels that are higher than wide, in float32. A
// method with a setting for each pixel may say that it does not fit.
func coloured(ctx context.Context, m saliency.Method, _ saliency.Traits) error {
	f, in, err := colours(1, 5)
	if err == nil {
		err = rowByRow(ctx, m, f, in)
	}
	if errors.Is(err, xai.ErrShape) {
		return nil
	}
	return err
}

func rowByRow(ctx context.Context, m saliency.Method, f *nn.Net, in saliency.Batch) error {
	all, report, err := attribute(ctx, m, f, in)
	if err != nil {
		return err
	}
	if report.Completeness != nil && len(report.Completeness) != 5 {
		return fmt.Errorf("Report.Completeness has %d entries for 5 rows", len(report.Completeness))
	}
	for i := range 5 {
		one, _, err := attribute(ctx, m, f, row(in, i))
		if err != nil {
			return fmt.Errorf("row %d alone: %w", i, err)
		}
		if !slices.Equal(one.RawRowView(0), all.RawRowView(i)) {
			return fmt.Errorf("row %d alone has another map than in a batch, by up to %.3g", i, distance(one.RawRowView(0), all.RawRowView(i)))
		}
	}
	turned := in
	turned.X, turned.Targets = mat.NewDense(5, size, nil), make([]int, 5)
	for i := range 5 {
		turned.X.SetRow(i, in.X.RawRowView(4-i))
		turned.Targets[i] = in.Targets[4-i]
	}
	back, _, err := attribute(ctx, m, f, turned)
	if err != nil {
		return err
	}
	for i := range 5 {
		if !slices.Equal(back.RawRowView(4-i), all.RawRowView(i)) {
			return fmt.Errorf("row %d has another map when the batch is in another order", i)
		}
	}
	return nil
}

// sameBytes: the same call gives the same bytes, again, on one processor and on more, and
// from several goroutines at once.
func sameBytes(ctx context.Context, m saliency.Method, _ saliency.Traits) error {
	f, err := network(1, false)
	if err != nil {
		return err
	}
	in := inputs(3, 3)
	first, _, err := attribute(ctx, m, f, in)
	if err != nil {
		return err
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for _, procs := range []int{1, 2, 4} {
		runtime.GOMAXPROCS(procs)
		again, _, err := attribute(ctx, m, f, in)
		if err != nil {
			return err
		}
		if !mat.Equal(first, again) {
			return fmt.Errorf("the same call gives another map on %d processors", procs)
		}
	}
	var (
		wg   sync.WaitGroup
		errs [3]error
	)
	for g := range errs {
		wg.Go(func() {
			again, _, err := attribute(ctx, m, f, in)
			if err == nil && !mat.Equal(first, again) {
				err = errors.New("three goroutines at once get different maps")
			}
			errs[g] = err
		})
	}
	wg.Wait()
	return errors.Join(errs[:]...)
}

// pure: input and model are as before.
func pure(ctx context.Context, m saliency.Method, _ saliency.Traits) error {
	f, err := network(1, false)
	if err != nil {
		return err
	}
	in := inputs(4, 2)
	before, targets, model := mat.DenseCopyOf(in.X), slices.Clone(in.Targets), f.Fingerprint()
	if _, _, err := attribute(ctx, m, f, in); err != nil {
		return err
	}
	anew, err := network(1, false)
	if err != nil {
		return err
	}
	a, err := f.Scores(ctx, in.X)
	if err != nil {
		return err
	}
	b, err := anew.Scores(ctx, in.X)
	if err != nil {
		return err
	}
	switch {
	case !mat.Equal(before, in.X) || !slices.Equal(targets, in.Targets):
		return errors.New("the input was changed")
	case f.Fingerprint() != model || !mat.Equal(a, b):
		return errors.New("the model was changed")
	}
	return nil
}

// cancelled: a context that has ended ends the work with its own error.
func cancelled(ctx context.Context, m saliency.Method, _ saliency.Traits) error {
	f, err := network(1, false)
	if err != nil {
		return err
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	in := inputs(5, 2)
	if _, err := m.Attribute(ended, f, mat.NewDense(2, size, nil), in); !errors.Is(err, context.Canceled) {
		return fmt.Errorf("the context was cancelled, and the error is %v", err)
	}
	return nil
}

// broken is a network that fails after some calls.
type broken struct {
	*nn.Net
	calls *int
	after int
}

var errPlanted = errors.New("planted failure")

func (b broken) step() error {
	if *b.calls++; *b.calls > b.after {
		return errPlanted
	}
	return nil
}

func (b broken) Scores(ctx context.Context, x *mat.Dense) (*mat.Dense, error) {
	if err := b.step(); err != nil {
		return nil, err
	}
	return b.Net.Scores(ctx, x)
}

func (b broken) Gradients(ctx context.Context, dst, x *mat.Dense, targets []int) (*mat.Dense, error) {
	if err := b.step(); err != nil {
		return nil, err
	}
	return b.Net.Gradients(ctx, dst, x, targets)
}

// failing: the error of a model comes through, whenever it fails, and the next call works.
func failing(ctx context.Context, m saliency.Method, t saliency.Traits) error {
	if t.Needs > saliency.Gradients {
		return nil // these go other ways into the model
	}
	f, err := network(1, false)
	if err != nil {
		return err
	}
	in := inputs(6, 2)
	for after := range 3 {
		calls := 0
		_, err := m.Attribute(ctx, broken{f, &calls, after}, mat.NewDense(2, size, nil), in)
		if calls > after && !errors.Is(err, errPlanted) {
			return fmt.Errorf("the model failed at call %d, and the error is %v", after+1, err)
		}
	}
	_, _, err = attribute(ctx, m, f, in)
	return err
}

// shapes: sizes that do not agree and scores that the model does not have are errors, and no
// panic.
func shapes(ctx context.Context, m saliency.Method, _ saliency.Traits) (err error) {
	f, err := network(1, false)
	if err != nil {
		return err
	}
	half := inputs(7, 2)
	half.X, half.Shape.Width = mat.NewDense(2, size/2, nil), shape.Width/2
	empty := inputs(7, 2)
	empty.X, empty.Targets = &mat.Dense{}, nil
	missing := inputs(7, 2)
	missing.X = nil
	targeted := func(targets ...int) saliency.Batch {
		in := inputs(7, 2)
		in.Targets = targets
		return in
	}
	what := ""
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic on %s: %v", what, r)
		}
	}()
	for _, c := range []struct {
		what string
		in   saliency.Batch
		dst  *mat.Dense
		want error
	}{
		{"rows of another length than the model's", half, mat.NewDense(2, size/2, nil), xai.ErrShape},
		{"a batch without rows", empty, &mat.Dense{}, xai.ErrShape},
		{"a batch without a matrix", missing, mat.NewDense(2, size, nil), xai.ErrShape},
		{"no result matrix", inputs(7, 2), nil, xai.ErrShape},
		{"a result of fewer rows", inputs(7, 2), mat.NewDense(1, size, nil), xai.ErrShape},
		{"a result of more rows", inputs(7, 2), mat.NewDense(3, size, nil), xai.ErrShape},
		{"a result of shorter rows", inputs(7, 2), mat.NewDense(2, size-1, nil), xai.ErrShape},
		{"fewer targets than rows", targeted(0), mat.NewDense(2, size, nil), xai.ErrShape},
		{"more targets than rows", targeted(0, 1, 2), mat.NewDense(2, size, nil), xai.ErrShape},
		{"a target beyond the scores", targeted(0, classes), mat.NewDense(2, size, nil), xai.ErrTarget},
		{"a negative target", targeted(0, -1), mat.NewDense(2, size, nil), xai.ErrTarget},
	} {
		what = c.what
		if _, err := m.Attribute(ctx, f, c.dst, c.in); !errors.Is(err, c.want) {
			return fmt.Errorf("%s: the error %v does not match %q; saliency.Batch.Check finds it", c.what, err, c.want)
		}
	}
	return nil
}

// sign: a method with signs has both. One without may have both too, when its values rank
// and nothing else, as mean scores do.
func sign(ctx context.Context, m saliency.Method, _ saliency.Traits) error {
	low, high := 0.0, 0.0
	for s := range uint64(3) {
		f, err := network(s, true)
		if err != nil {
			return err
		}
		got, _, err := attribute(ctx, m, f, inputs(s, 3))
		if err != nil {
			return err
		}
		low, high = min(low, mat.Min(got)), max(high, mat.Max(got))
	}
	switch {
	case m.Signed() && !(low < 0 && high > 0):
		return fmt.Errorf("the method is signed, and all its values lie in [%.3g, %.3g]", low, high)
	case low == 0 && high == 0:
		return errors.New("all maps are zero")
	}
	return nil
}

// counter sees how many rows are in the model at once.
type counter struct {
	*nn.Net
	most *int
}

func (c counter) see(x *mat.Dense) {
	n, _ := x.Dims()
	*c.most = max(*c.most, n)
}

func (c counter) Scores(ctx context.Context, x *mat.Dense) (*mat.Dense, error) {
	c.see(x)
	return c.Net.Scores(ctx, x)
}

func (c counter) Gradients(ctx context.Context, dst, x *mat.Dense, targets []int) (*mat.Dense, error) {
	c.see(x)
	return c.Net.Gradients(ctx, dst, x, targets)
}

// memory: a method with a field Batch sends no more rows at once through the model than
// that, or than there are; and the field changes no value.
func memory(ctx context.Context, m saliency.Method, t saliency.Traits) error {
	small, ok := withField(m, "Batch", 4)
	if !ok || t.Needs > saliency.Gradients {
		return nil
	}
	f, err := network(1, false)
	if err != nil {
		return err
	}
	most, in := 0, inputs(8, 3)
	got, _, err := attribute(ctx, small, counter{f, &most}, in)
	if err != nil {
		return err
	}
	if most > 4 {
		return fmt.Errorf("with Batch 4, %d rows were in the model at once", most)
	}
	want, _, err := attribute(ctx, m, f, in)
	if err != nil {
		return err
	}
	if worst := distance(got.RawMatrix().Data, want.RawMatrix().Data); worst > 1e-9 {
		return fmt.Errorf("with another Batch, values differ by up to %.3g of the largest", worst)
	}
	return nil
}

// distance is the largest difference, relative to the largest value of b.
func distance(a, b []float64) float64 {
	worst, largest := 0.0, 0.0
	for i, v := range b {
		worst, largest = math.Max(worst, math.Abs(a[i]-v)), math.Max(largest, math.Abs(v))
	}
	if worst == 0 {
		return 0
	}
	return worst / largest
}

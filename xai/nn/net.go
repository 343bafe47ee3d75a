package nn

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/internal/graph"
	"github.com/whybook/whybook/xai/internal/parallel"
	"github.com/whybook/whybook/xai/progress"
	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// Net is a network with weights: the result of Init, Fit or Load. It does not change, and
// any number of goroutines may use it.
type Net struct {
	arch    Arch
	classes []string // names of the outputs; nil when unknown
	run     runner

	digest  sync.Once // computes print, at the first call of Fingerprint
	print   string
	verdict atomic.Pointer[xai.Verdict] // of the last Verify

	// History has one entry for each epoch of training.
	History []Epoch
}

var (
	_ xai.Differentiable = (*Net)(nil)
	_ xai.Named          = (*Net)(nil)
	_ xai.Classed        = (*Net)(nil)
)

// runner is an engine of either element type.
type runner interface {
	rows(ctx context.Context, w work) error
	tensors() []tensor
	rest(a Arch, steps []int) runner          // for an architecture of some of the steps
	redrawn(seed uint64, steps []bool) runner // with new weights in some of the steps
}

// work is what a runner does: it sends the rows of x through the network up to layer of,
// stores what that puts out in out, and sends back to layer at, -1 for the input, what
// arrives there being stored in dx. What is sent is 1 for column targets[i] of row i and 0
// for the others, or else seed; out, dx and seed may be nil.
type work struct {
	of, at  int
	x       *mat.Dense
	out, dx *mat.Dense
	targets []int
	seed    *mat.Dense
	rules   []xai.Rule // of the steps up to of; nil for the gradient
}

// Init returns a network with random weights from the given seed, and no training.
func (a Arch) Init(seed uint64) (*Net, error) {
	if err := a.checkEnd(); err != nil {
		return nil, err
	}
	if err := a.checkWhole(); err != nil {
		return nil, err
	}
	return &Net{arch: a, run: newEngine(a, initial[float32](a, seed, HeNormal))}, nil
}

// checkEnd makes sure that the architecture ends in a row of scores that depends on
// weights.
func (a Arch) checkEnd() error {
	if err := a.Err(); err != nil {
		return err
	}
	out := a.Output()
	if out.Height != 1 || out.Width != 1 {
		return fmt.Errorf("nn: the architecture ends with shape %v (layer %s); it must end with a row of scores: add Dense(classes): %w",
			out, a.End(), xai.ErrShape)
	}
	total, need := 0, a.needed(a.end())
	for i, l := range a.Layers() {
		if need[i] {
			total += l.Params
		}
	}
	if total == 0 {
		return fmt.Errorf("nn: the architecture has nothing to train")
	}
	return nil
}

// checkWhole makes sure that everything with weights leads to the end. Only a loss at several
// layers (Terms) can train what does not.
func (a Arch) checkWhole() error {
	need := a.needed(a.end())
	for i, l := range a.Layers() {
		if !need[i] && l.Params > 0 {
			return fmt.Errorf("nn: nothing leads from layer %s to the output %s, so it cannot be trained", l.Name, a.End())
		}
	}
	return nil
}

// initial draws the starting weights. Every tensor has a random stream of its own, named
// after it, so that adding a layer leaves the weights of the others as they were.
func initial[T graph.Float](a Arch, s uint64, rule Initial) []param[T] {
	var params []param[T]
	for i, st := range a.steps {
		for _, w := range rule.bounded(a.weights(i)) {
			p := param[T]{name: st.name + "." + w.name, dims: w.dims, rows: w.rows, cols: w.cols, data: make([]T, w.rows*w.cols)}
			r := seed.Stream(s, "nn", "init", p.name)
			for j := range p.data {
				p.data[j] = T(w.start)
				switch {
				case w.bound > 0:
					p.data[j] += T((2*r.Float64() - 1) * w.bound)
				case w.spread > 0:
					p.data[j] += T(r.NormFloat64() * w.spread)
				}
			}
			params = append(params, p)
		}
	}
	return params
}

// Arch returns the network's architecture.
func (n *Net) Arch() Arch { return n.arch }

// Classes returns the names of the outputs, or nil when they are unknown.
func (n *Net) Classes() []string {
	if n == nil {
		return nil
	}
	return append([]string(nil), n.classes...)
}

// WithClasses returns the same network with names for its scores, which imported networks
// lack; titles and tables use them.
func (n *Net) WithClasses(names ...string) (*Net, error) {
	if _, k := n.Dims(); len(names) != k || k == 0 {
		return nil, fmt.Errorf("nn.Net.WithClasses: %d names for %d scores: %w", len(names), k, xai.ErrShape)
	}
	return &Net{arch: n.arch, classes: append([]string(nil), names...), run: n.run, History: n.History}, nil
}

// Normalized returns the same network behind a Normalize layer: a network that was trained
// on normalised images, such as an imported one, then takes images in [0,1], and its
// explanations are in units of the image. See Arch.Normalized.
func (n *Net) Normalized(mean, std []float64) (*Net, error) {
	if n == nil || n.run == nil {
		return nil, fmt.Errorf("nn.Net.Normalized: there is no network; make one with Init, Fit or Load")
	}
	a := n.arch.Normalized(mean, std)
	if err := a.Err(); err != nil {
		return nil, err
	}
	steps := make([]int, len(n.arch.steps))
	for i := range steps {
		steps[i] = i
	}
	return &Net{arch: a, classes: n.classes, History: n.History, run: n.run.rest(a, steps)}, nil
}

// Dims returns the length of an input row and the number of scores.
func (n *Net) Dims() (d, k int) {
	if n == nil || n.run == nil {
		return 0, 0
	}
	return n.arch.input.Size(), n.arch.Output().Size()
}

// Double returns the same network computing in float64, for exact tests. It is several
// times slower.
func (n *Net) Double() *Net {
	if n == nil {
		return nil
	}
	e, ok := n.run.(*engine[float32])
	if !ok {
		return n
	}
	return &Net{arch: n.arch, classes: n.classes, History: n.History, run: newEngine(n.arch, convert[float64](e.params))}
}

// Scores returns the n x k scores (logits, before softmax) of the n x d rows of x.
func (n *Net) Scores(ctx context.Context, x *mat.Dense) (*mat.Dense, error) {
	if err := n.checkRows("Scores", x); err != nil {
		return nil, err
	}
	rows, _ := x.Dims()
	_, k := n.Dims()
	return whole(mat.NewDense(rows, k, nil), func(out *mat.Dense) error {
		return n.run.rows(ctx, work{of: n.arch.end(), x: x, out: out})
	})
}

// whole returns out if fill succeeds: no half-filled matrix reaches a caller.
func whole(out *mat.Dense, fill func(*mat.Dense) error) (*mat.Dense, error) {
	if err := fill(out); err != nil {
		return nil, err
	}
	return out, nil
}

// Gradients stores into row i of dst the gradient of score targets[i] with respect to
// row i of x, and returns the n x k scores of the same pass.
func (n *Net) Gradients(ctx context.Context, dst, x *mat.Dense, targets []int) (*mat.Dense, error) {
	if err := n.checkRows("Gradients", x); err != nil {
		return nil, err
	}
	rows, d := x.Dims()
	if dst == nil {
		return nil, fmt.Errorf("nn.Net.Gradients: dst is nil, need a %d x %d matrix: %w", rows, d, xai.ErrShape)
	}
	if r, c := dst.Dims(); r != rows || c != d {
		return nil, fmt.Errorf("nn.Net.Gradients: dst is %d x %d, x is %d x %d: %w", r, c, rows, d, xai.ErrShape)
	}
	_, k := n.Dims()
	if len(targets) != rows {
		return nil, fmt.Errorf("nn.Net.Gradients: %d targets for %d rows: %w", len(targets), rows, xai.ErrShape)
	}
	for i, t := range targets {
		if t < 0 || t >= k {
			return nil, fmt.Errorf("nn.Net.Gradients: target %d of row %d: the network has %d classes (0-%d): %w", t, i, k, k-1, xai.ErrTarget)
		}
	}
	return whole(mat.NewDense(rows, k, nil), func(out *mat.Dense) error {
		return n.run.rows(ctx, work{of: n.arch.end(), at: -1, x: x, out: out, dx: dst, targets: targets})
	})
}

func (n *Net) checkRows(method string, x *mat.Dense) error {
	if n == nil || n.run == nil {
		return fmt.Errorf("nn.Net.%s: there is no network; make one with Init, Fit or Load", method)
	}
	if x == nil || x.IsEmpty() {
		return fmt.Errorf("nn.Net.%s: no rows: %w", method, xai.ErrShape)
	}
	if _, d := x.Dims(); d != n.arch.input.Size() {
		return fmt.Errorf("nn.Net.%s: rows of %d values; the network takes %d (%v): %w", method, d, n.arch.input.Size(), n.arch.input, xai.ErrShape)
	}
	return nil
}

// rows implements runner.
func (e *engine[T]) rows(ctx context.Context, w work) error {
	n, _ := w.x.Dims()
	key := ruleKey(w.rules)
	var (
		mu   sync.Mutex
		done int
	)
	run := func(lo, hi int) error {
		rows := hi - lo
		p := purpose{of: w.of, rows: machineRows(rows)}
		if w.dx != nil {
			p.at, p.back, p.rules = w.at, true, key
		}
		err := e.with(p, w.rules, func(m *machine[T]) error {
			load(m.x.Data(), w.x, lo, rows)
			switch {
			case w.dx == nil:
			case w.seed != nil:
				load(m.seed.Data(), w.seed, lo, rows)
			default:
				seeds := m.seed.Data()
				clear(seeds)
				for i := range rows {
					seeds[i*m.seed.Cols+w.targets[lo+i]] = 1
				}
			}
			if err := m.prog.Run(); err != nil {
				return err
			}
			if w.out != nil {
				store(w.out, m.out.Data(), lo, rows)
			}
			if w.dx != nil {
				store(w.dx, m.dx.Data(), lo, rows)
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("nn: rows %d-%d: %w", lo, hi-1, err)
		}
		mu.Lock()
		defer mu.Unlock()
		if done += rows; n > maxRows {
			progress.Report(ctx, "network", done, n)
		}
		return nil
	}
	stopped := func(err error) error {
		if err != nil && err == ctx.Err() {
			return fmt.Errorf("nn: stopped after %d of %d rows: %w", done, n, err)
		}
		return err
	}
	if share := e.rowsPerShare(); share > 0 {
		return stopped(parallel.Blocks(ctx, n, share, run))
	}
	for lo, most := 0, e.rowsPerRun(); lo < n; lo += most {
		if err := ctx.Err(); err != nil {
			return stopped(err)
		}
		if err := run(lo, min(lo+most, n)); err != nil {
			return err
		}
	}
	return nil
}

// machineRows rounds a small number of rows up to an even one, so that fewer machines are
// compiled however odd the batches are; the surplus row is zero and thrown away. Large
// batches tend to have few sizes.
func machineRows(rows int) int {
	if rows == 1 || rows > 16 {
		return rows
	}
	return (rows + 1) / 2 * 2
}

// load copies rows lo.. of x to the start of dst and clears the rest.
func load[T graph.Float](dst []T, x *mat.Dense, lo, rows int) {
	at := 0
	for i := range rows {
		for _, v := range x.RawRowView(lo + i) {
			dst[at] = T(v)
			at++
		}
	}
	clear(dst[at:])
}

// store copies the first rows of src to rows lo.. of x.
func store[T graph.Float](x *mat.Dense, src []T, lo, rows int) {
	at := 0
	for i := range rows {
		row := x.RawRowView(lo + i)
		for j := range row {
			row[j] = float64(src[at])
			at++
		}
	}
}

// Fingerprint returns a digest of the architecture, every weight and the class names.
func (n *Net) Fingerprint() string {
	if n == nil || n.run == nil {
		return ""
	}
	n.digest.Do(func() {
		h := sha256.New()
		arch, err := json.Marshal(n.arch)
		if err != nil {
			panic(fmt.Sprintf("nn: a network holds an architecture that cannot be written: %v", err)) // Init and Load check it
		}
		h.Write(arch)
		fmt.Fprintf(h, "\n%q\n", n.classes)
		for _, t := range n.run.tensors() {
			fmt.Fprintf(h, "\n%s %v %s\n", t.name, t.dims, t.dtype)
			h.Write(t.bytes)
		}
		n.print = hex.EncodeToString(h.Sum(nil)[:12])
	})
	return n.print
}

// String says what the network is, for a cell that prints it.
func (n *Net) String() string {
	if n == nil || n.run == nil {
		return "nn.Net: none"
	}
	total := 0
	for _, l := range n.arch.Layers() {
		total += l.Params
	}
	return fmt.Sprintf("nn.Net: %v, %d weights", n.arch, total)
}

// Predict returns the class with the highest score for each row of x; the lowest index
// where scores tie. A score that is NaN is an error.
func (n *Net) Predict(ctx context.Context, x *mat.Dense) ([]int, error) {
	scores, err := n.Scores(ctx, x)
	if err != nil {
		return nil, err
	}
	return argmaxRows(scores)
}

func argmaxRows(m *mat.Dense) ([]int, error) {
	n, _ := m.Dims()
	best := make([]int, n)
	for i := range n {
		row := m.RawRowView(i)
		if floats.HasNaN(row) {
			return nil, fmt.Errorf("nn: the scores of row %d are %v: is its input finite?", i, row)
		}
		best[i] = floats.MaxIdx(row)
	}
	return best, nil
}

// softmax turns a row of scores into probabilities, in place.
func softmax(row []float64) {
	top := math.Inf(-1)
	for _, v := range row {
		top = max(top, v)
	}
	var sum float64
	for j, v := range row {
		row[j] = math.Exp(v - top)
		sum += row[j]
	}
	for j := range row {
		row[j] /= sum
	}
}

// checkSet makes sure that a data set fits the network.
func (a Arch) checkSet(set datasets.Set) error {
	if set.Shape != a.input {
		return fmt.Errorf("nn: the set %q has samples of %v, the network takes %v: %w", set.Name, set.Shape, a.input, xai.ErrShape)
	}
	k := a.Output().Size()
	if k == 1 {
		return fmt.Errorf("nn: the network has a single score; training and accuracy need one for each of at least two classes: %w", xai.ErrShape)
	}
	if len(set.Classes) != k {
		return fmt.Errorf("nn: the set %q has %d classes, the network has %d scores: %w", set.Name, len(set.Classes), k, xai.ErrShape)
	}
	return nil
}

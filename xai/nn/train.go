package nn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/internal/graph"
	"github.com/whybook/whybook/xai/progress"
	"github.com/whybook/whybook/xai/seed"
)

// Training holds the settings of a training run: Adam on the mean cross-entropy.
type Training struct {
	Epochs int     // passes over the data; default 3
	Batch  int     // samples per step; default 32
	Rate   float64 // Adam's step size; default 0.001
	Seed   uint64  // of the initial weights, the order of the samples and dropout; 0 is a stream like any other
}

func (t Training) withDefaults() Training {
	if t.Epochs == 0 {
		t.Epochs = 3
	}
	if t.Batch == 0 {
		t.Batch = 32
	}
	if t.Rate == 0 {
		t.Rate = 1e-3
	}
	return t
}

func (t Training) check() error {
	switch {
	case t.Epochs < 0:
		return fmt.Errorf("field Epochs must be positive, not %d", t.Epochs)
	case t.Batch < 0:
		return fmt.Errorf("field Batch must be positive, not %d", t.Batch)
	case !(t.Rate >= 0) || math.IsInf(t.Rate, 0):
		return fmt.Errorf("field Rate must be positive and finite, not %v", t.Rate)
	}
	return nil
}

// Epoch is one line of a training history. Both figures are averages over the epoch's
// steps, measured while the weights were changing and with dropout active.
type Epoch struct {
	Loss     float64 // mean cross-entropy, natural logarithm
	Accuracy float64 // share of right answers, 0-1
}

// ErrDiverged is matched by the error of a training run whose loss became NaN or infinite.
var ErrDiverged = errors.New("training diverged")

// Fit is the recipe of a trained network: an architecture, data and settings.
type Fit struct {
	arch     Arch
	data     datasets.Source
	training Training
	err      error
}

// Fit describes training a on data. The work is done by Build.
func (a Arch) Fit(data datasets.Source, t Training) Fit {
	f := Fit{arch: a, data: data, training: t.withDefaults(), err: a.checkEnd()}
	if f.err == nil && data == nil {
		f.err = xai.Stepf("nn.Arch.Fit(nil, ...)", "need data")
	}
	if f.err == nil {
		if err := t.check(); err != nil {
			f.err = &xai.StepError{Step: "nn.Arch.Fit", Err: err}
		}
	}
	return f
}

// Key names everything that determines the network.
func (f Fit) Key() string {
	if f.err != nil {
		return "nn.Fit: " + f.err.Error()
	}
	return fmt.Sprintf("nn.Fit/1 %v | %s | %+v", f.arch, f.data.Key(), f.training)
}

// Build trains the network. It reports progress as "train", stops within one step when
// ctx is done, and then says how far it came.
func (f Fit) Build(ctx context.Context) (*Net, error) {
	if f.err != nil {
		return nil, f.err
	}
	set, err := f.data.Build(ctx)
	if err != nil {
		return nil, err
	}
	if err := f.arch.checkSet(set); err != nil {
		return nil, err
	}
	if set.Len() == 0 {
		return nil, fmt.Errorf("nn: the set %q is empty", set.Name)
	}
	if err := set.Check(); err != nil {
		return nil, err
	}
	e := newEngine(f.arch, initial[float32](f.arch, f.training.Seed))
	history, err := train(ctx, e, set, f.training)
	if err != nil {
		return nil, err
	}
	return &Net{arch: f.arch, classes: set.Classes, run: e, History: history}, nil
}

// Save writes a network for a cache. It is Net.Save.
func (f Fit) Save(w io.Writer, n *Net) error { return n.Save(w) }

// Load reads a network that Save wrote, and refuses one of another architecture.
func (f Fit) Load(r io.Reader) (*Net, error) {
	n, err := Load(r)
	if err != nil {
		return nil, err
	}
	if n.arch.String() != f.arch.String() {
		return nil, fmt.Errorf("nn: file holds %v, not %v", n.arch, f.arch)
	}
	return n, nil
}

// trainer is a compiled training step for one batch size.
type trainer[T graph.Float] struct {
	prog   *graph.Program[T]
	x      *graph.Node[T]
	target *graph.Node[T] // one-hot rows
	scores *graph.Node[T]
	loss   *graph.Node[T]
	params []param[T]       // those that are trained
	grads  []*graph.Node[T] // one for each of them
	masks  []dropMask[T]
}

type dropMask[T graph.Float] struct {
	layer Dropout
	node  *graph.Node[T]
}

func (e *engine[T]) trainer(rows int) (*trainer[T], error) {
	b := graph.New[T]()
	t := &trainer[T]{x: b.Input("x", rows, e.arch.input.Size(), nil, false)}
	var nodes []*graph.Node[T]
	var err error
	t.scores, err = e.forward(b, t.x, e.arch.end,
		func(i int, n *graph.Node[T]) { t.params, nodes = append(t.params, e.params[i]), append(nodes, n) },
		func(l Dropout, n *graph.Node[T]) { t.masks = append(t.masks, dropMask[T]{l, n}) })
	if err != nil {
		return nil, err
	}
	t.target = b.Input("target", rows, t.scores.Cols, nil, false)
	t.loss = b.CrossEntropy(t.scores, t.target)
	one := b.Input("one", 1, 1, []T{1}, false)
	if t.grads, err = b.Backward(t.loss, one, nodes...); err != nil {
		return nil, err
	}
	t.prog, err = b.Compile()
	return t, err
}

// draw fills a dropout mask: 0 with the layer's rate, else 1/(1-rate).
func (m dropMask[T]) draw(r *rand.Rand) {
	keep := T(1 / (1 - m.layer.Rate))
	data := m.node.Data()
	for i := range data {
		if r.Float64() < m.layer.Rate {
			data[i] = 0
		} else {
			data[i] = keep
		}
	}
}

// train runs the epochs and changes the engine's weights in place.
func train[T graph.Float](ctx context.Context, e *engine[T], set datasets.Set, s Training) ([]Epoch, error) {
	n := set.Len()
	batch := min(s.Batch, n)
	trainers := make(map[int]*trainer[T]) // by batch size: the full one, and the rest
	optimiser := &adam[T]{rate: s.Rate}
	drop := seed.Stream(s.Seed, "nn", "dropout")
	steps := (n + batch - 1) / batch
	var history []Epoch
	for epoch := range s.Epochs {
		order := seed.Stream(s.Seed, "nn", "order", epoch).Perm(n)
		var lossSum float64
		right := 0
		for step := range steps {
			if err := ctx.Err(); err != nil {
				return nil, fmt.Errorf("nn: training stopped in epoch %d of %d, after step %d of %d: %w", epoch+1, s.Epochs, step, steps, err)
			}
			index := order[step*batch : min((step+1)*batch, n)]
			t := trainers[len(index)]
			if t == nil {
				var err error
				if t, err = e.trainer(len(index)); err != nil {
					return nil, err
				}
				trainers[len(index)] = t
			}
			t.fill(set, index)
			for _, m := range t.masks {
				m.draw(drop)
			}
			if err := t.prog.Run(); err != nil {
				return nil, fmt.Errorf("nn: epoch %d, step %d: %w", epoch+1, step+1, err)
			}
			loss := float64(t.loss.Data()[0])
			if math.IsNaN(loss) || math.IsInf(loss, 0) {
				return nil, fmt.Errorf("nn: the loss is %v in epoch %d, step %d of %d; try a Rate below %v: %w", loss, epoch+1, step+1, steps, s.Rate, ErrDiverged)
			}
			optimiser.update(t.params, t.grads)
			lossSum += loss * float64(len(index))
			right += t.right(set, index)
			progress.ReportDetail(ctx, "train", epoch*steps+step+1, s.Epochs*steps,
				fmt.Sprintf("epoch %d of %d, loss %.3f", epoch+1, s.Epochs, loss))
		}
		history = append(history, Epoch{Loss: lossSum / float64(n), Accuracy: float64(right) / float64(n)})
	}
	return history, nil
}

// fill copies a batch into the trainer's inputs.
func (t *trainer[T]) fill(set datasets.Set, index []int) {
	batch := set.Batch(nil, index)
	load(t.x.Data(), batch, 0, len(index))
	target := t.target.Data()
	clear(target)
	for i, at := range index {
		target[i*t.target.Cols+set.Labels[at]] = 1
	}
}

// right counts the rows whose highest score is that of the label.
func (t *trainer[T]) right(set datasets.Set, index []int) int {
	k, count := t.scores.Cols, 0
	scores := t.scores.Data()
	for i, at := range index {
		row, best := scores[i*k:(i+1)*k], 0
		for j, v := range row {
			if v > row[best] {
				best = j
			}
		}
		if best == set.Labels[at] {
			count++
		}
	}
	return count
}

package nn

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/internal/graph"
	"github.com/whybook/whybook/xai/progress"
	"github.com/whybook/whybook/xai/seed"
)

// ErrDiverged is matched by the error of a training run whose loss or weights became NaN
// or infinite.
var ErrDiverged = errors.New("training diverged")

// run is a training run.
type run[T graph.Float] struct {
	settings   Training
	set, held  datasets.Set // to train on; to validate on, or empty
	goal       objective
	engine     *engine[T] // its weights change in place
	checkpoint *checkpoint

	trainers map[pass]*trainer[T]
	trained  []param[T] // what the updater changes
	updater  *updater[T]
	history  []Epoch
	best     [][]T // with KeepBest, the weights of the best epoch so far
}

// pass says what a trainer is compiled for.
type pass struct {
	rows  int
	learn bool // with gradients, in training mode
}

// train runs the epochs that are still to do.
func (r *run[T]) train(ctx context.Context) error {
	s, e := r.settings, r.engine
	r.trainers = make(map[pass]*trainer[T])
	bounds, err := e.arch.batches(r.set.Len(), s.Batch)
	if err != nil {
		return err
	}
	steps := len(bounds) - 1
	first, err := r.trainer(pass{bounds[1], true})
	if err != nil {
		return err
	}
	r.trained, r.updater = first.params, newUpdater(s.Optimizer, first.params)
	if err := r.resume(ctx, steps); err != nil {
		return err
	}
	for epoch := len(r.history) + 1; epoch <= s.Epochs; epoch++ {
		line := Epoch{Rate: s.Optimizer.rate() * s.Schedule.Factor(epoch, s.Epochs)}
		order := seed.Stream(s.Seed, "nn", "order", epoch-1).Perm(r.set.Len())
		drop := seed.Stream(s.Seed, "nn", "dropout", epoch-1)
		feed := feed[T]{set: r.set, goal: r.goal, epoch: epoch, augment: s.Augment, seed: s.Seed}
		var sum mean
		terms := newTermSums(r.goal.terms)
		for step := range steps {
			where := fmt.Sprintf("epoch %d of %d, step %d of %d", epoch, s.Epochs, step+1, steps)
			if err := ctx.Err(); err != nil {
				return fmt.Errorf("nn: training stopped before %s%s: %w", where, r.kept(), err)
			}
			index := order[bounds[step]:bounds[step+1]]
			t, err := r.trainer(pass{len(index), true})
			if err != nil {
				return err
			}
			weight := feed.fill(t, index)
			for _, m := range t.masks {
				m.draw(drop)
			}
			if err := t.prog.Run(); err != nil {
				return fmt.Errorf("nn: %s: %w", where, err)
			}
			loss, each := float64(t.loss.Data()[0]), t.each()
			if !finite(loss) {
				return fmt.Errorf("nn: the loss (%T%s) is %v in %s; try a rate below %v%s: %w", s.Loss, terms.culprit(each), loss, where, line.Rate, r.kept(), ErrDiverged)
			}
			terms.add(each, len(index))
			r.updater.update(r.trained, t.grads, line.Rate)
			for _, norm := range t.norms {
				norm.update()
			}
			sum.add(loss, weight, t.right(r.set, index), len(index))
			progress.ReportDetail(ctx, "train", (epoch-1)*steps+step+1, s.Epochs*steps,
				fmt.Sprintf("epoch %d of %d, loss %.3f", epoch, s.Epochs, loss))
		}
		line.Loss, line.Accuracy = sum.results()
		line.Terms = terms.results(epoch)
		for _, p := range e.params {
			for _, v := range p.data {
				if !finite(float64(v)) {
					return fmt.Errorf("nn: tensor %s holds %v after epoch %d of %d; try a rate below %v%s: %w", p.name, v, epoch, s.Epochs, line.Rate, r.kept(), ErrDiverged)
				}
			}
		}
		if r.held.Len() > 0 {
			if line.Validation, err = r.validate(ctx, epoch); err != nil {
				return err
			}
			progress.ReportDetail(ctx, "train", epoch*steps, s.Epochs*steps,
				fmt.Sprintf("epoch %d of %d, validation accuracy %.3f", epoch, s.Epochs, line.Validation.Accuracy))
		}
		r.record(line)
		if err := r.save(); err != nil {
			return err
		}
	}
	for i, p := range e.params {
		if r.best != nil {
			copy(p.data, r.best[i])
		}
	}
	return nil
}

// record adds an epoch to the history and marks the one whose weights are kept.
func (r *run[T]) record(line Epoch) {
	r.history = append(r.history, line)
	kept := len(r.history) - 1
	if r.settings.KeepBest {
		if kept = best(r.history); kept == len(r.history)-1 {
			r.best = nil
			for _, p := range r.engine.params {
				r.best = append(r.best, append([]T(nil), p.data...))
			}
		}
	}
	for i := range r.history {
		r.history[i].Kept = i == kept
	}
}

// validate measures the network on the held-out set.
func (r *run[T]) validate(ctx context.Context, epoch int) (Validation, error) {
	n := r.held.Len()
	feed := feed[T]{set: r.held, goal: r.goal, epoch: epoch}
	var sum mean
	most := r.engine.rowsPerRun()
	for lo := 0; lo < n; lo += most {
		if err := ctx.Err(); err != nil {
			return Validation{}, fmt.Errorf("nn: training stopped in the validation after epoch %d of %d, at sample %d of %d%s: %w", epoch, r.settings.Epochs, lo, n, r.kept(), err)
		}
		index := make([]int, min(most, n-lo))
		for i := range index {
			index[i] = lo + i
		}
		t, err := r.trainer(pass{len(index), false})
		if err != nil {
			return Validation{}, err
		}
		weight := feed.fill(t, index)
		if err := t.prog.Run(); err != nil {
			return Validation{}, fmt.Errorf("nn: validation after epoch %d: %w", epoch, err)
		}
		loss := float64(t.loss.Data()[0])
		if !finite(loss) {
			return Validation{}, fmt.Errorf("nn: the validation loss (%T) is %v after epoch %d of %d, samples %d-%d%s: %w", r.settings.Loss, loss, epoch, r.settings.Epochs, lo, lo+len(index)-1, r.kept(), ErrDiverged)
		}
		sum.add(loss, weight, t.right(r.held, index), len(index))
	}
	v := Validation{Samples: n}
	v.Loss, v.Accuracy = sum.results()
	return v, nil
}

// mean averages losses and counts right answers over batches.
type mean struct {
	loss, weight float64
	right, n     int
}

func (m *mean) add(loss, weight float64, right, n int) {
	m.loss += loss * weight
	m.weight += weight
	m.right += right
	m.n += n
}

func (m *mean) results() (loss, accuracy float64) {
	return m.loss / m.weight, float64(m.right) / float64(m.n)
}

// batches returns the bounds of the batches of n samples in an epoch: 0, size, 2 size, ..., n.
// With batch normalisation, a last batch of one sample joins the one before it.
func (a Arch) batches(n, size int) ([]int, error) {
	var bounds []int
	for lo := 0; lo < n; lo += size {
		bounds = append(bounds, lo)
	}
	last := len(bounds) - 1
	for _, s := range a.steps {
		if _, ok := s.layer.(BatchNorm); !ok || n-bounds[last] > 1 {
			continue
		}
		if size > 1 && last > 0 {
			bounds, last = bounds[:last], last-1
		} else if s.out.Height*s.out.Width == 1 {
			return nil, fmt.Errorf("nn: layer %s has one value per channel in a batch of one sample, and no variance; train with batches of at least 2: %w", s.name, xai.ErrShape)
		}
	}
	return append(bounds, n), nil
}

// trainer is a compiled pass: in training mode a step without the update, else the loss.
type trainer[T graph.Float] struct {
	engine *engine[T]
	prog   *graph.Program[T]
	x      *graph.Node[T]
	target *graph.Node[T] // rows of probabilities; see fillTargets
	share  *graph.Node[T] // weight of each row in the loss
	scores *graph.Node[T]
	loss   *graph.Node[T]
	terms  []*graph.Node[T] // the parts of the loss; nil if it is one
	weigh  *graph.Node[T]   // their weights
	params []param[T]       // those that are trained
	nodes  []*graph.Node[T] // their nodes
	grads  []*graph.Node[T] // their gradients
	masks  []dropMask[T]
	norms  []runningNorm[T]
}

type dropMask[T graph.Float] struct {
	layer Dropout
	node  *graph.Node[T]
}

// runningNorm is a batch normalisation with the averages that it keeps.
type runningNorm[T graph.Float] struct {
	layer          BatchNorm
	mean, variance []T
	batch          *graph.BatchStats
}

func (t *trainer[T]) weight(i int, n *graph.Node[T]) {
	t.params, t.nodes = append(t.params, t.engine.params[i]), append(t.nodes, n)
}

func (t *trainer[T]) mask(l Dropout, n *graph.Node[T]) {
	t.masks = append(t.masks, dropMask[T]{l, n})
}

func (t *trainer[T]) stats(l BatchNorm, mean int, s *graph.BatchStats) {
	p := t.engine.params
	t.norms = append(t.norms, runningNorm[T]{l, p[mean].data, p[mean+1].data, s})
}

// trainer returns the compiled pass, from an earlier step if there was one.
func (r *run[T]) trainer(p pass) (*trainer[T], error) {
	if t := r.trainers[p]; t != nil {
		return t, nil
	}
	t, err := r.engine.trainer(p, r.goal, r.settings.Frozen)
	if err == nil {
		r.trainers[p] = t
	}
	return t, err
}

// trainer compiles a pass.
func (e *engine[T]) trainer(p pass, goal objective, frozen []string) (t *trainer[T], err error) {
	defer misfit(&err)
	b := graph.New[T]()
	t = &trainer[T]{engine: e, x: b.Input("x", p.rows, e.arch.input.Size(), nil, false)}
	var hooks *training[T]
	if p.learn {
		hooks = &training[T]{weight: t.weight, mask: t.mask, stats: t.stats, frozen: e.arch.marked(frozen)}
	}
	outs, err := e.forward(b, t.x, e.arch.needed(goal.ends(e.arch)...), -1, hooks)
	if err != nil {
		return nil, err
	}
	t.scores = outs[e.arch.end()]
	t.target = b.Input("target", p.rows, t.scores.Cols, nil, false)
	t.share = b.Input("share", p.rows, 1, nil, false)
	if goal.terms != nil {
		t.loss, t.terms, t.weigh = addTerms(b, e.arch, goal.terms, t.x, outs, t.target, t.share)
	} else {
		t.loss = addLoss(b, goal, t.scores, t.target, t.share)
	}
	if p.learn {
		one := b.Input("one", 1, 1, []T{1}, false)
		if t.grads, err = b.Backward(t.loss, one, t.nodes...); err != nil {
			return nil, err
		}
	}
	t.prog, err = b.Compile(slices.Concat([]*graph.Node[T]{t.loss, t.scores}, t.terms, t.grads)...)
	return t, err
}

// each returns the parts of the loss after a run.
func (t *trainer[T]) each() []float64 {
	list := make([]float64, len(t.terms))
	for i, n := range t.terms {
		list[i] = float64(n.Data()[0])
	}
	return list
}

// update moves the running averages towards the statistics of the last batch.
func (r runningNorm[T]) update() {
	m := r.layer.momentum()
	for c := range r.mean {
		r.mean[c] = T((1-m)*float64(r.mean[c]) + m*r.batch.Mean[c])
		r.variance[c] = T((1-m)*float64(r.variance[c]) + m*r.batch.Var[c])
	}
}

// draw fills a dropout mask: 0 with the layer's rate, else 1/(1-rate).
func (m dropMask[T]) draw(r *rand.Rand) {
	// A uniform number below the rate, r.Float64() < Rate, without its division, nor a
	// branch that no processor can foresee.
	const bits = 53
	limit := uint64(math.Ceil(math.Ldexp(m.layer.Rate, bits)))
	factor := [2]T{T(1 / (1 - m.layer.Rate)), 0}
	data := m.node.Data()
	for i := range data {
		below := (r.Uint64()<<(64-bits)>>(64-bits) - limit) >> 63
		data[i] = factor[below]
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

// feed writes batches of a set into trainers.
type feed[T graph.Float] struct {
	set     datasets.Set
	goal    objective
	epoch   int // from 1
	augment Augment
	seed    uint64
}

// fill copies a batch into the trainer's inputs and returns its weight in the loss. It is
// a thousandth of a step and stays on one processor.
func (f feed[T]) fill(t *trainer[T], index []int) float64 {
	var level [256]T // of a byte; cheaper than a division for each
	for v := range level {
		level[v] = T(float64(v) / 255)
	}
	d, x, labels := t.x.Cols, t.x.Data(), make([]int, len(index))
	changed := make([]uint8, d)
	for i, at := range index {
		labels[i] = f.set.Labels[at]
		row := x[i*d : (i+1)*d]
		if f.set.Pixels == nil {
			for j, v := range f.set.Values[at*d : (at+1)*d] {
				row[j] = T(v)
			}
			continue
		}
		pixels := f.set.Pixels[at*d : (at+1)*d]
		if f.augment != nil {
			f.augment.apply(changed, pixels, f.set.Shape, seed.Stream(f.seed, "nn", "augment", f.epoch, at))
			pixels = changed
		}
		for j, v := range pixels {
			row[j] = level[v]
		}
	}
	for i, term := range f.goal.terms {
		t.weigh.Data()[i] = T(term.in(f.epoch))
	}
	return fillTargets(t.target.Data(), t.share.Data(), f.goal, labels, f.epoch)
}

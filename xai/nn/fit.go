package nn

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
)

// Training holds the settings of a training run. The zero value trains for three epochs
// with Adam on the cross-entropy.
type Training struct {
	Epochs int    // passes over the data; default 3
	Batch  int    // samples per step; default 32; with batch normalisation, a last batch of one joins the one before it
	Seed   uint64 // of the initial weights, the order of the samples, dropout and augmentation; 0 is a stream like any other

	Init      Initial   // how weights are drawn; default HeNormal
	Optimizer Optimizer // default Adam{}
	Schedule  Schedule  // default Constant{}
	Loss      Loss      // default CrossEntropy{}
	Augment   Augment   // default none

	// Validate is data to measure loss and accuracy on after each epoch. It must not be
	// the data that the final accuracy is measured on if KeepBest or the reader of the
	// curves chooses an epoch by it. Default none.
	Validate datasets.Source

	// KeepBest gives the network the weights of the epoch with the highest validation
	// accuracy, the earliest where several tie, instead of the last one's.
	KeepBest bool

	// Start is a network from which every layer of the same name and sizes takes its weights
	// before the first step, and in which all layers of Frozen must be; the others are drawn
	// from Seed. Default none.
	Start *Net
	// Frozen names layers of which training changes nothing: their weights and running averages
	// stay, and their dropout is off. Default none.
	Frozen []string

	// Checkpoint is a folder for the state of the run, written after every epoch. If it
	// holds the state of an interrupted run of the same recipe, Build goes on from there
	// and comes to the same bytes as a run without interruption; it refuses the state of
	// another recipe (ErrCheckpoint), and starts anew, with a warning to log/slog, where
	// the file is damaged. It is not part of the recipe's Key. Default none.
	Checkpoint string
}

// LongTailTraining returns the settings with which the imbalance paper's authors train
// ResNet-32 on long-tailed CIFAR-10, following LDAM-DRW (Cao et al. 2019): SGD with rate
// 0.1, momentum 0.9 and weight decay 0.0002, batches of 128, crops and flips, and for 200
// epochs a warm-up of 5 and a rate of 0.01 and 0.0001 times the first after 160 and 180.
// For another number of epochs, at least 1, the changes come in proportion.
func LongTailTraining(epochs int) Training {
	steps := Steps{Warmup: (epochs*5 + 199) / 200}
	for _, s := range []struct {
		tenths int
		factor float64
	}{{8, 0.01}, {9, 0.0001}} {
		at, last := epochs*s.tenths/10, steps.Warmup
		if n := len(steps.At); n > 0 {
			last = steps.At[n-1]
		}
		if at > last && at < epochs { // a handful of epochs has no room for two changes
			steps.At, steps.Factors = append(steps.At, at), append(steps.Factors, s.factor)
		}
	}
	return Training{
		Epochs: epochs, Batch: 128,
		Optimizer: SGD{Rate: 0.1, Momentum: 0.9, WeightDecay: 2e-4},
		Schedule:  steps,
		Augment:   CropFlip{Pad: 4, Flip: true},
	}
}

// withDefaults fills in what was left out, and copies what it keeps.
func (t Training) withDefaults() Training {
	t.Epochs, t.Batch = or(t.Epochs, 3), or(t.Batch, 32)
	if t.Optimizer == nil {
		t.Optimizer = Adam{}
	}
	if t.Schedule == nil {
		t.Schedule = Constant{}
	}
	if t.Loss == nil {
		t.Loss = CrossEntropy{}
	}
	t.Optimizer, t.Schedule, t.Loss = t.Optimizer.withDefaults(), t.Schedule.withDefaults(), t.Loss.withDefaults()
	return t
}

// check reports the first setting that does not fit an architecture that ends in scores.
func (t Training) check(a Arch) error {
	switch {
	case t.Epochs < 0:
		return fmt.Errorf("field Epochs must be positive, not %d", t.Epochs)
	case t.Batch < 0:
		return fmt.Errorf("field Batch must be positive, not %d", t.Batch)
	case t.KeepBest && t.Validate == nil:
		return errors.New("field KeepBest needs data in field Validate")
	}
	if err := t.Optimizer.check(); err != nil {
		return fmt.Errorf("%T: %w", t.Optimizer, err)
	}
	if err := t.Schedule.check(t.Epochs); err != nil {
		return fmt.Errorf("%T: %w", t.Schedule, err)
	}
	if err := t.Loss.check(a, t); err != nil {
		return fmt.Errorf("%T: %w", t.Loss, err)
	}
	if t.Init != HeNormal && t.Init != FanInUniform {
		return fmt.Errorf("field Init is %d; there are HeNormal and FanInUniform", int(t.Init))
	}
	if err := t.checkStart(a); err != nil {
		return err
	}
	if t.Augment != nil {
		if err := t.Augment.check(a.input); err != nil {
			return fmt.Errorf("%T: %w", t.Augment, err)
		}
	}
	return nil
}

// key names every setting that determines the network.
func (t Training) key() string {
	key := fmt.Sprintf("epochs %d, batch %d, seed %d", t.Epochs, t.Batch, t.Seed)
	for _, option := range []any{t.Optimizer, t.Schedule, t.Loss, t.Augment} {
		if option != nil {
			key += fmt.Sprintf(", %T%+v", option, option)
		}
	}
	if t.Init != HeNormal {
		key += ", init " + t.Init.String()
	}
	if t.Start != nil {
		key += ", start " + t.Start.Fingerprint()
	}
	if len(t.Frozen) > 0 {
		key += fmt.Sprintf(", frozen %q", t.Frozen)
	}
	if t.Validate != nil {
		key += fmt.Sprintf(", validate %s, keep best %v", t.Validate.Key(), t.KeepBest)
	}
	return key
}

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
	if _, several := f.training.Loss.(Terms); f.err == nil && !several {
		f.err = a.checkWhole()
	}
	if f.err == nil && data == nil {
		f.err = xai.Stepf("nn.Arch.Fit(nil, ...)", "need data")
	}
	if f.err == nil {
		if err := f.training.check(a); err != nil {
			f.err = &xai.StepError{Step: "nn.Arch.Fit", Err: err}
		}
	}
	return f
}

// check returns the first mistake of the recipe.
func (f Fit) check() error {
	if f.err == nil && f.data == nil {
		return errors.New("nn: a recipe for training is made with Arch.Fit")
	}
	return f.err
}

// Key names everything that determines the network.
func (f Fit) Key() string {
	if err := f.check(); err != nil {
		return "nn.Fit: " + err.Error()
	}
	return fmt.Sprintf("nn.Fit/2 %v | %s | %s", f.arch, f.data.Key(), f.training.key())
}

// Build trains the network. It reports progress as "train", stops within one step when
// ctx is done, and then says how far it came.
func (f Fit) Build(ctx context.Context) (*Net, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	r := &run[float32]{settings: f.training}
	var err error
	if r.set, err = f.samples(ctx, f.data); err != nil {
		return nil, err
	}
	if f.training.Validate != nil {
		if r.held, err = f.samples(ctx, f.training.Validate); err != nil {
			return nil, fmt.Errorf("validation: %w", err)
		}
	}
	if f.training.Augment != nil && r.set.Pixels == nil {
		return nil, fmt.Errorf("nn: %T changes images, but the set %q is a table", f.training.Augment, r.set.Name)
	}
	if r.goal, err = f.training.Loss.objective(r.set); err != nil {
		return nil, err
	}
	params := initial[float32](f.arch, f.training.Seed, f.training.Init)
	takeOver(params, f.training.Start)
	r.engine = newEngine(f.arch, params)
	if f.training.Checkpoint != "" {
		r.checkpoint = &checkpoint{folder: f.training.Checkpoint, key: f.Key()}
	}
	if err := r.train(ctx); err != nil {
		return nil, err
	}
	return &Net{arch: f.arch, classes: r.set.Classes, run: r.engine, History: r.history}, nil
}

// samples builds a set and makes sure that it fits the network.
func (f Fit) samples(ctx context.Context, data datasets.Source) (datasets.Set, error) {
	set, err := data.Build(ctx)
	if err != nil {
		return set, err
	}
	if err := f.arch.checkSet(set); err != nil {
		return set, err
	}
	if set.Len() == 0 {
		return set, fmt.Errorf("nn: the set %q is empty", set.Name)
	}
	return set, set.Check()
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

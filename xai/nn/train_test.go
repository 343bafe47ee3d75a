package nn

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/internal/graph"
	"github.com/whybook/whybook/xai/seed"
	"golang.org/x/sys/cpu"
)

// toys is a set of 4 x 4 images in three classes that a small network learns at once: a
// bright row whose position is the class, and noise.
func toys(n int) datasets.Set {
	r := seed.Stream(3, "toys")
	s := datasets.Set{Name: "toys", Shape: datasets.Shape{Channels: 1, Height: 4, Width: 4}, Classes: []string{"top", "middle", "bottom"}}
	for i := range n {
		y := i % 3
		for p := range 16 {
			v := uint8(r.IntN(60))
			if p/4 == y {
				v += 180
			}
			s.Pixels = append(s.Pixels, v)
		}
		s.Labels = append(s.Labels, y)
	}
	return s
}

func TestTrainingLearnsToys(t *testing.T) {
	net, err := toyArch().Fit(toys(300), Training{Epochs: 4, Optimizer: Adam{Rate: 0.01}, Seed: 1}).Build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	e, err := net.Evaluate(ctx, toys(90))
	if err != nil {
		t.Fatal(err)
	}
	if e.Accuracy < 0.99 {
		t.Errorf("accuracy %v on an easy set", e.Accuracy)
	}
	if len(net.History) != 4 || net.History[3].Loss >= net.History[0].Loss {
		t.Errorf("the loss did not fall: %v", net.History)
	}
	if len(e.Right())+len(e.Wrong()) != 90 {
		t.Errorf("%d right and %d wrong of 90", len(e.Right()), len(e.Wrong()))
	}
	total := 0
	for _, row := range e.Confusion() {
		for _, c := range row {
			total += c
		}
	}
	if total != 90 {
		t.Errorf("the confusion matrix counts %d of 90", total)
	}
}

// trained is the fingerprints of two small networks: one trained with the defaults, one
// with every option there is.
func trained(t *testing.T) string {
	var prints []string
	for _, f := range []Fit{toyArch().Fit(toys(100), Training{Epochs: 2, Batch: 16, Seed: 4}), everything("")} {
		net, err := f.Build(ctx)
		if err != nil {
			t.Fatal(err)
		}
		prints = append(prints, fmt.Sprint(net.Fingerprint(), net.History))
	}
	return strings.Join(prints, " ")
}

// TestSameSeedSameBytes trains with one and with several processors, and in another
// process; and demands that the seed matters.
func TestSameSeedSameBytes(t *testing.T) {
	if os.Getenv("WHYBOOK_TEST_CHILD") != "" {
		fmt.Println("fingerprint", trained(t))
		return
	}
	want := trained(t)
	for _, procs := range []int{1, 2, 4} {
		old := runtime.GOMAXPROCS(procs)
		got := trained(t)
		runtime.GOMAXPROCS(old)
		if got != want {
			t.Errorf("another network with %d processors", procs)
		}
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestSameSeedSameBytes$", "-test.count=1")
	cmd.Env = append(os.Environ(), "WHYBOOK_TEST_CHILD=1", "GOMAXPROCS=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !strings.Contains(string(out), "fingerprint "+want) {
		t.Errorf("another process made another network: want %s in\n%s", want, out)
	}
	other, err := toyArch().Fit(toys(100), Training{Epochs: 2, Batch: 16, Seed: 5}).Build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(want, other.Fingerprint()) {
		t.Error("the seed makes no difference")
	}
}

// TestInterruptedTraining: it stops at once, says how far it came, and what it started
// from is unharmed.
func TestInterruptedTraining(t *testing.T) {
	for name, f := range map[string]Fit{
		"many small steps": toyArch().Fit(toys(3000), Training{Epochs: 10000}),
		"few large steps":  LeNet(datasets.Shape{Channels: 1, Height: 28, Width: 28}, 10).Fit(datasets.MNIST().Train(), Training{Epochs: 10000, Batch: 200}),
	} {
		ctx, cancel := context.WithCancel(ctx)
		var stopped time.Time
		time.AfterFunc(500*time.Millisecond, func() { stopped = time.Now(); cancel() })
		_, err := f.Build(ctx)
		if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "epoch") {
			t.Errorf("%s: error %v", name, err)
		}
		if took := time.Since(stopped); took > time.Second {
			t.Errorf("%s: it took %v to stop", name, took)
		}
	}
}

// TestKeys: equal recipes have equal keys, and everything that matters is in the key.
func TestKeys(t *testing.T) {
	key := toyArch().Fit(toys(9), Training{}).Key()
	if again := toyArch().Fit(toys(9), Training{Epochs: 3, Batch: 32, Optimizer: Adam{Rate: 0.001}, Schedule: Constant{}, Loss: CrossEntropy{}, Checkpoint: "elsewhere"}).Key(); again != key {
		t.Errorf("defaults spelled out change the key:\n%s\n%s", key, again)
	}
	keys := map[string]string{key: "defaults"}
	for name, other := range map[string]Fit{
		"data":         toyArch().Fit(toys(12), Training{}),
		"epochs":       toyArch().Fit(toys(9), Training{Epochs: 4}),
		"batch":        toyArch().Fit(toys(9), Training{Batch: 4}),
		"rate":         toyArch().Fit(toys(9), Training{Optimizer: Adam{Rate: 0.1}}),
		"optimiser":    toyArch().Fit(toys(9), Training{Optimizer: SGD{Rate: 0.001}}),
		"schedule":     toyArch().Fit(toys(9), Training{Schedule: Cosine{}}),
		"milestones":   toyArch().Fit(toys(9), Training{Schedule: Steps{At: []int{2}}}),
		"loss":         toyArch().Fit(toys(9), Training{Loss: Focal{}}),
		"weights":      toyArch().Fit(toys(9), Training{Loss: CrossEntropy{Weights: []float64{1, 2, 3}}}),
		"augmentation": toyArch().Fit(toys(9), Training{Augment: CropFlip{Pad: 1}}),
		"validation":   toyArch().Fit(toys(9), Training{Validate: toys(3)}),
		"selection":    toyArch().Fit(toys(9), Training{Validate: toys(3), KeepBest: true}),
		"seed":         toyArch().Fit(toys(9), Training{Seed: 1}),
		"dropout":      Image(toyArch().input).Conv(4, 3).ReLU().MaxPool(2).Dropout(0.2).Dense(3).Fit(toys(9), Training{}),
		"name":         toyArch().Named("head").Fit(toys(9), Training{}),
	} {
		if err := other.err; err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if twin, taken := keys[other.Key()]; taken {
			t.Errorf("the key is the same for another %s as for another %s", name, twin)
		}
		keys[other.Key()] = name
	}
}

// TestAdamByHand follows two steps with a constant gradient: whatever its size, the
// bias-corrected step is the rate.
func TestAdamByHand(t *testing.T) {
	net, err := Image(datasets.Shape{Channels: 1, Height: 1, Width: 1}).Dense(2).Init(1)
	if err != nil {
		t.Fatal(err)
	}
	e := net.Double().run.(*engine[float64])
	tr, err := e.trainer(pass{1, true}, objective{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	opt := newUpdater(Adam{}.withDefaults(), tr.params)
	start := e.params[1].data[0]
	tr.x.Data()[0], tr.target.Data()[1] = 1, 1
	if err := tr.prog.Run(); err != nil {
		t.Fatal(err)
	}
	if g := tr.grads[1].Data()[0]; g <= 0 {
		t.Fatalf("gradient %v of the wrong class's bias, want positive", g)
	}
	opt.update(tr.params, tr.grads, 0.5)
	opt.update(tr.params, tr.grads, 0.5)
	if got, want := e.params[1].data[0], start-1; math.Abs(got-want) > 1e-6 {
		t.Errorf("after two steps of 0.5 against the gradient: %v, want %v", got, want)
	}
}

// TestDigits is the promise of the first notebook: LeNet on the embedded digits.
func TestDigits(t *testing.T) {
	if testing.Short() {
		t.Skip("trains a network")
	}
	start := time.Now()
	digits := datasets.MNIST().Train()
	set, err := digits.Build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	net, err := LeNet(set.Shape, 10).Fit(digits, Training{Epochs: 5, Seed: 7}).Build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(start)
	e, err := net.Evaluate(ctx, datasets.MNIST().Test())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%v, trained in %v", e, took.Round(100*time.Millisecond))
	if e.Accuracy < 0.95 {
		t.Errorf("accuracy %.3f on unseen digits, want at least 0.95", e.Accuracy)
	}
	if took > 40*time.Second {
		t.Errorf("training took %v, want less than 40 s", took)
	}
}

// TestRecipesCopyTheirSettings: changing a slice after Fit changes nothing.
func TestRecipesCopyTheirSettings(t *testing.T) {
	at, weights := []int{2}, []float64{1, 2, 3}
	f := toyArch().Fit(toys(9), Training{Schedule: Steps{At: at}, Loss: CrossEntropy{Weights: weights}})
	key := f.Key()
	at[0], weights[0] = 1, 9
	if f.Key() != key {
		t.Errorf("the recipe changed to %s", f.Key())
	}
}

// TestValidation: the history has what Evaluate measures, the best epoch is the earliest
// of the best, and KeepBest gives the network of that epoch.
func TestValidation(t *testing.T) {
	settings := Training{Epochs: 6, Batch: 16, Seed: 3, Optimizer: Adam{Rate: 0.03}, Validate: noisy(150)}
	last, err := toyArch().Fit(toys(60), settings).Build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	top := best(last.History)
	for i, e := range last.History {
		if e.Kept != (i == 5) || e.Validation.Samples != 150 {
			t.Errorf("epoch %d: %+v", i+1, e)
		}
		if a := last.History[top].Validation.Accuracy; e.Validation.Accuracy > a || e.Validation.Accuracy == a && i < top {
			t.Errorf("epoch %d is better than the best, or as good and earlier: %+v", i+1, last.History)
		}
	}
	if top == 5 {
		t.Fatalf("the last epoch is the best, so nothing is tested: %+v", last.History)
	}
	settings.KeepBest = true
	kept, err := toyArch().Fit(toys(60), settings).Build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range kept.History {
		if e.Kept != (i == top) {
			t.Errorf("epoch %d: kept %v, the best is %d", i+1, e.Kept, top+1)
		}
	}
	settings.Epochs, settings.KeepBest = top+1, false
	short, err := toyArch().Fit(toys(60), settings).Build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if kept.Fingerprint() != short.Fingerprint() {
		t.Errorf("the network that was kept is not the one of epoch %d", top+1)
	}
	settings.Validate, settings.Epochs = nil, 6
	plain, err := toyArch().Fit(toys(60), settings).Build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if plain.Fingerprint() != last.Fingerprint() {
		t.Error("looking at validation data changed the training")
	}
	for _, net := range []*Net{last, kept} {
		e, err := net.Evaluate(ctx, noisy(150))
		if err != nil {
			t.Fatal(err)
		}
		for i, h := range net.History {
			if h.Kept && h.Validation.Accuracy != e.Accuracy {
				t.Errorf("epoch %d: accuracy %v in the history, Evaluate has %v", i+1, h.Validation.Accuracy, e.Accuracy)
			}
		}
		var loss float64
		scores, err := net.Scores(ctx, noisy(150).Batch(nil, nil))
		if err != nil {
			t.Fatal(err)
		}
		for i, y := range noisy(150).Labels {
			row := scores.RawRowView(i)
			softmax(row)
			loss -= math.Log(row[y]) / 150
		}
		for _, h := range net.History {
			if h.Kept && math.Abs(h.Validation.Loss-loss) > 1e-5 {
				t.Errorf("validation loss %v in the history, %v from the scores", h.Validation.Loss, loss)
			}
		}
	}
}

// TestDropoutDrawsAnew: with weights that stand still and one image many times, epochs
// differ in nothing but their dropout masks.
func TestDropoutDrawsAnew(t *testing.T) {
	set := toys(30)
	for i := range set.Labels {
		set.Labels[i] = set.Labels[0]
		copy(set.Pixels[16*i:], set.Pixels[:16])
	}
	net, err := toyArch().Fit(set, Training{Epochs: 2, Batch: 30, Optimizer: SGD{Rate: 1e-30}}).Build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if net.History[0].Loss == net.History[1].Loss {
		t.Error("two epochs had the same dropout masks")
	}
}

// listed is a source of random numbers that gives a list of them.
type listed []uint64

func (l *listed) Uint64() (v uint64) {
	v, *l = (*l)[0], (*l)[1:]
	return v
}

// TestDropoutMasks: a value is dropped where a uniform number in [0, 1) is below the rate,
// also where it is next to it.
func TestDropoutMasks(t *testing.T) {
	for _, rate := range []float64{0, 0.01, 0.1, 0.3, 0.5, 1 - 1.0/(1<<53)} {
		limit := uint64(math.Ldexp(rate, 53))
		var numbers listed
		for d := range uint64(5) {
			numbers = append(numbers, (limit+d-2)|^uint64(1<<53-1), (limit+d-2)&(1<<53-1), d<<51)
		}
		again := slices.Clone(numbers)
		draws := rand.New(&again)
		node := graph.New[float32]().Input("mask", 1, len(numbers), nil, false)
		dropMask[float32]{Dropout{Rate: rate}, node}.draw(rand.New(&numbers))
		for i, got := range node.Data() {
			want := float32(1 / (1 - rate))
			if v := draws.Float64(); v < rate {
				want = 0
			}
			if got != want {
				t.Errorf("rate %v, number %d: %v, want %v", rate, i, got, want)
			}
		}
	}
}

// TestDivergence: the error says where, and the checkpoint keeps the last good epoch.
func TestDivergence(t *testing.T) {
	folder := t.TempDir()
	arch := Image(toyArch().input).Dense(4).Dense(3) // no ReLU, whose death would stop the growth
	f := arch.Fit(toys(60), Training{Epochs: 4, Optimizer: SGD{Rate: 0.01}, Schedule: Steps{At: []int{2}, Factors: []float64{1e40}}, Loss: Focal{}, Checkpoint: folder})
	_, err := f.Build(ctx)
	if !errors.Is(err, ErrDiverged) {
		t.Fatal(err)
	}
	for _, part := range []string{"nn.Focal", "epoch 3 of 4", "step", "epoch 2 is in", folder, "1e+38"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
	r := &run[float32]{settings: f.training, engine: newEngine(f.arch, initial[float32](f.arch, 9, HeNormal)), checkpoint: &checkpoint{folder: folder, key: f.Key()}}
	r.trained = r.engine.params
	r.updater = newUpdater(f.training.Optimizer, r.trained)
	if err := r.resume(ctx, 2); err != nil || len(r.history) != 2 {
		t.Fatalf("%d epochs in the checkpoint, error %v", len(r.history), err)
	}
	short, err := arch.Fit(toys(60), Training{Epochs: 2, Optimizer: SGD{Rate: 0.01}, Loss: Focal{}}).Build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if got := (&Net{arch: f.arch, classes: short.classes, run: r.engine}).Fingerprint(); got != short.Fingerprint() {
		t.Error("the checkpoint does not hold the weights of epoch 2")
	}

	// The loss of the only step is still finite, the weights are not.
	_, err = arch.Fit(toys(60), Training{Epochs: 1, Batch: 60, Optimizer: SGD{Rate: 1e39}}).Build(ctx)
	if !errors.Is(err, ErrDiverged) || !strings.Contains(err.Error(), "tensor fc1.weight") || !strings.Contains(err.Error(), "after epoch 1") {
		t.Errorf("infinite weights: %v", err)
	}
}

// TestTrainingMistakes goes through settings that cannot work: the message must name the
// option, the field and what was expected.
func TestTrainingMistakes(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	small := toys(3)
	small.Shape, small.Pixels = datasets.Shape{Channels: 1, Height: 2, Width: 2}, make([]uint8, 12)
	two := toys(2)
	two.Classes = two.Classes[:2]
	table := datasets.Set{Name: "table", Shape: toyArch().input, Classes: small.Classes, Labels: []int{0}, Values: make([]float64, 16)}
	for _, c := range []struct {
		name string
		data datasets.Set
		give Training
		is   error
		want []string
	}{
		{"rate negative", toys(3), Training{Optimizer: SGD{Rate: -1}}, nil, []string{"nn.Arch.Fit", "nn.SGD", "Rate", "-1"}},
		{"rate NaN", toys(3), Training{Optimizer: Adam{Rate: nan}}, nil, []string{"nn.Adam", "Rate", "NaN"}},
		{"rate infinite", toys(3), Training{Optimizer: SGD{Rate: inf}}, nil, []string{"Rate", "+Inf"}},
		{"momentum 1", toys(3), Training{Optimizer: SGD{Momentum: 1}}, nil, []string{"Momentum", "[0, 1)"}},
		{"decay negative", toys(3), Training{Optimizer: SGD{WeightDecay: -2}}, nil, []string{"WeightDecay", "-2"}},
		{"Nesterov alone", toys(3), Training{Optimizer: SGD{Nesterov: true}}, nil, []string{"Nesterov", "Momentum"}},
		{"beta 1", toys(3), Training{Optimizer: Adam{Beta2: 1}}, nil, []string{"Beta2", "[0, 1)"}},
		{"epsilon NaN", toys(3), Training{Optimizer: Adam{Epsilon: nan}}, nil, []string{"Epsilon"}},
		{"batch negative", toys(3), Training{Batch: -4}, nil, []string{"Batch", "-4"}},
		{"changes not ascending", toys(3), Training{Epochs: 9, Schedule: Steps{At: []int{5, 5}}}, nil, []string{"nn.Steps", "At", "ascending", "5 follows 5"}},
		{"change too late", toys(3), Training{Epochs: 9, Schedule: Steps{At: []int{9}}}, nil, []string{"after epoch 9", "1-8"}},
		{"change at 0", toys(3), Training{Schedule: Steps{At: []int{0}}}, nil, []string{"after epoch 0"}},
		{"factors missing", toys(3), Training{Epochs: 9, Schedule: Steps{At: []int{2, 4}, Factors: []float64{1}}}, nil, []string{"Factors", "1 values for 2"}},
		{"factor negative", toys(3), Training{Schedule: Steps{At: []int{1}, Factors: []float64{-1}}}, nil, []string{"Factors[0]"}},
		{"warm-up too long", toys(3), Training{Schedule: Cosine{Warmup: 4}}, nil, []string{"nn.Cosine", "Warmup", "3 epochs"}},
		{"warm-up into a change", toys(3), Training{Epochs: 9, Schedule: Steps{At: []int{2}, Warmup: 3}}, nil, []string{"Warmup", "after epoch 2"}},
		{"cosine to 2", toys(3), Training{Schedule: Cosine{End: 2}}, nil, []string{"End", "[0, 1]"}},
		{"weights missing", toys(3), Training{Loss: CrossEntropy{Weights: []float64{1, 2}}}, xai.ErrShape, []string{"nn.CrossEntropy", "2 values for 3 classes"}},
		{"weight zero", toys(3), Training{Loss: Focal{Weights: []float64{1, 0, 2}}}, nil, []string{"nn.Focal", "class 1"}},
		{"smoothing of all", toys(3), Training{Loss: CrossEntropy{Smoothing: 1}}, nil, []string{"Smoothing", "[0, 1)"}},
		{"gamma negative", toys(3), Training{Loss: Focal{Gamma: -1}}, nil, []string{"Gamma"}},
		{"beta of balance 1", toys(3), Training{Loss: Balanced{Beta: 1}}, nil, []string{"nn.Balanced", "Beta"}},
		{"deferred too late", toys(3), Training{Loss: LDAM{Deferred: 3}}, nil, []string{"nn.LDAM", "Deferred", "3 epochs"}},
		{"beta without deferral", toys(3), Training{Loss: LDAM{Beta: 0.9}}, nil, []string{"Beta", "Deferred"}},
		{"padding too large", toys(3), Training{Augment: CropFlip{Pad: 4}}, nil, []string{"nn.CropFlip", "Pad", "4x4"}},
		{"padding negative", toys(3), Training{Augment: CropFlip{Pad: -1}}, nil, []string{"Pad", "-1"}},
		{"augmentation of nothing", toys(3), Training{Augment: CropFlip{}}, nil, []string{"Pad", "Flip"}},
		{"augmentation of a table", table, Training{Augment: CropFlip{Pad: 1}}, nil, []string{"table"}},
		{"best of nothing", toys(3), Training{KeepBest: true}, nil, []string{"KeepBest", "Validate"}},
		{"validation of another shape", toys(3), Training{Validate: small}, xai.ErrShape, []string{"validation", "1x2x2", "1x4x4"}},
		{"validation of other classes", toys(3), Training{Validate: two}, xai.ErrShape, []string{"validation", "2 classes"}},
		{"validation of nothing", toys(3), Training{Validate: toys(0)}, nil, []string{"validation"}},
	} {
		_, err := toyArch().Fit(c.data, c.give).Build(ctx)
		if err == nil {
			t.Errorf("%s: no error", c.name)
			continue
		}
		if c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%s: %v does not match %q", c.name, err, c.is)
		}
		for _, w := range c.want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %q does not say %q", c.name, err, w)
			}
		}
	}
}

// TestHistoryView: the curves are there, and the epochs that matter are marked.
func TestHistoryView(t *testing.T) {
	net, err := toyArch().Fit(toys(60), Training{Epochs: 6, Batch: 16, Seed: 3, Optimizer: Adam{Rate: 0.03}, Schedule: Cosine{}, Validate: noisy(30)}).Build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	top := best(net.History)
	for _, c := range []struct {
		kept int
		want []string
	}{
		{5, []string{"training", "validation", "Rate", fmt.Sprintf("best: epoch %d", top+1), "kept: epoch 6"}},
		{top, []string{fmt.Sprintf("best: epoch %d, kept", top+1)}},
	} {
		for i := range net.History {
			net.History[i].Kept = i == c.kept
		}
		html, err := net.HistoryView().HTML()
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range c.want {
			if !strings.Contains(html, w) {
				t.Errorf("the figure does not say %q", w)
			}
		}
	}
	fresh, err := toyArch().Init(1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fresh.HistoryView().HTML(); err == nil || !strings.Contains(err.Error(), "no history") {
		t.Errorf("a network without history: error %v", err)
	}
}

// normed is a network with batch normalisation of planes and of single values.
func normed() Arch {
	return Image(toyArch().input).Conv(3, 3).Then(BatchNorm{}).ReLU().MaxPool(2).Dense(4).Then(BatchNorm{}).ReLU().Dense(3)
}

// TestRunningStatistics: after one step they are 0.9 of the start and 0.1 of the batch's
// mean and unbiased variance, as in PyTorch; and scores are computed with them.
func TestRunningStatistics(t *testing.T) {
	set := toys(30)
	arch := Image(set.Shape).Then(BatchNorm{}).Dense(3)
	net, err := arch.Fit(set, Training{Epochs: 1, Batch: 30}).Build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	x := set.Batch(nil, nil).RawMatrix().Data // one channel
	var sum, squares float64
	for _, v := range x {
		sum += v
	}
	average := sum / float64(len(x))
	for _, v := range x {
		squares += (v - average) * (v - average)
	}
	variance := squares / float64(len(x)-1)
	got := map[string]float32{}
	for _, p := range net.run.(*engine[float32]).params {
		got[p.name] = p.data[0]
	}
	for name, want := range map[string]float64{"bn1.running_mean": 0.1 * average, "bn1.running_var": 0.9 + 0.1*variance} {
		if math.Abs(float64(got[name])-want) > 1e-7 {
			t.Errorf("%s is %v, by hand %v", name, got[name], want)
		}
	}
	y, err := net.Activations(ctx, "bn1", set.Batch(nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	mean, scale := float64(got["bn1.running_mean"]), float64(got["bn1.weight"])/math.Sqrt(float64(got["bn1.running_var"])+1e-5)
	for i, v := range y.RawMatrix().Data {
		if want := (x[i]-mean)*scale + float64(got["bn1.bias"]); math.Abs(v-want) > 1e-5 {
			t.Fatalf("value %d is %v, with the running statistics %v", i, v, want)
		}
	}
}

// TestBatchNormTraining: a network with batch normalisation learns, its running statistics
// survive an interruption, and its last batch never has one sample.
func TestBatchNormTraining(t *testing.T) {
	fit := func(folder string) Fit {
		return normed().Fit(toys(97), Training{Epochs: 4, Batch: 16, Seed: 2, Optimizer: SGD{Momentum: 0.9, WeightDecay: 1e-4}, Validate: toys(30), Checkpoint: folder})
	}
	want, err := fit("").Build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if a := want.History[3].Validation.Accuracy; a < 0.99 {
		t.Errorf("validation accuracy %v on an easy set: %+v", a, want.History)
	}
	folder := t.TempDir()
	if err := stopAfter(fit(folder), 6*2+3); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	got, err := fit(folder).Build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if got.Fingerprint() != want.Fingerprint() {
		t.Error("another network after an interruption")
	}
	for _, c := range []struct {
		arch    Arch
		n, size int
		want    []int
	}{
		{normed(), 97, 32, []int{0, 32, 64, 97}}, // 96 + 1
		{normed(), 98, 32, []int{0, 32, 64, 96, 98}},
		{normed(), 33, 32, []int{0, 33}},
		{normed(), 5, 32, []int{0, 5}},
		{toyArch(), 97, 32, []int{0, 32, 64, 96, 97}},
		{Image(toyArch().input).Then(BatchNorm{}).Dense(3), 3, 1, []int{0, 1, 2, 3}}, // planes have a variance
	} {
		if got, err := c.arch.batches(c.n, c.size); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%d samples by %d: batches %v, want %v; error %v", c.n, c.size, got, c.want, err)
		}
	}
	for name, f := range map[string]Fit{
		"batches of one": normed().Fit(toys(5), Training{Batch: 1}),
		"a single image": normed().Fit(toys(1), Training{}),
	} {
		if _, err := f.Build(ctx); !errors.Is(err, xai.ErrShape) || !strings.Contains(err.Error(), "bn2") || !strings.Contains(err.Error(), "at least 2") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// TestVersion pins what training makes of a small recipe. If this fails after a change that
// is meant to alter results (arithmetic, random streams, file format), raise the version in
// Fit.Key, so that networks in users' caches are trained anew, and pin the new digest here.
func TestVersion(t *testing.T) {
	if !cpu.X86.HasAVX2 || !cpu.X86.HasFMA {
		t.Skip("the digest is pinned for AVX2 and AVX-512, which agree bit for bit")
	}
	fit := toyArch().Fit(toys(100), Training{Epochs: 2, Batch: 16, Seed: 4})
	if want := "nn.Fit/2 "; !strings.HasPrefix(fit.Key(), want) {
		t.Errorf("the key starts with %.12q, this test knows %q", fit.Key(), want)
	}
	net, err := fit.Build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := net.Fingerprint(), "0efeb3db9c19025192f74486"; got != want {
		t.Errorf("training makes another network, %s instead of %s: raise the version in Fit.Key and pin it here", got, want)
	}
}

package nn

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/seed"
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

// trained is the fingerprint of a small trained network.
func trained(t *testing.T) string {
	net, err := toyArch().Fit(toys(100), Training{Epochs: 2, Batch: 16, Seed: 4}).Build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return net.Fingerprint()
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
	if other.Fingerprint() == want {
		t.Error("the seed makes no difference")
	}
}

// TestInterruptedTraining: it stops at once, says how far it came, and what it started
// from is unharmed.
func TestInterruptedTraining(t *testing.T) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := toyArch().Fit(toys(3000), Training{Epochs: 10000}).Build(ctx)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "epoch") {
		t.Errorf("error %v", err)
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("it took %v to stop", took)
	}
}

// TestKeys: equal recipes have equal keys, and everything that matters is in the key.
func TestKeys(t *testing.T) {
	key := toyArch().Fit(toys(9), Training{}).Key()
	if again := toyArch().Fit(toys(9), Training{Epochs: 3, Batch: 32, Optimizer: Adam{Rate: 0.001}, Schedule: Constant{}, Loss: CrossEntropy{}, Checkpoint: "elsewhere"}).Key(); again != key {
		t.Errorf("defaults spelled out change the key:\n%s\n%s", key, again)
	}
	for name, other := range map[string]Fit{
		"data":    toyArch().Fit(toys(12), Training{}),
		"epochs":  toyArch().Fit(toys(9), Training{Epochs: 4}),
		"batch":   toyArch().Fit(toys(9), Training{Batch: 4}),
		"rate":    toyArch().Fit(toys(9), Training{Optimizer: Adam{Rate: 0.1}}),
		"seed":    toyArch().Fit(toys(9), Training{Seed: 1}),
		"dropout": Image(toyArch().input).Conv(4, 3).ReLU().MaxPool(2).Dropout(0.2).Dense(3).Fit(toys(9), Training{}),
		"name":    toyArch().Named("head").Fit(toys(9), Training{}),
	} {
		if other.Key() == key {
			t.Errorf("the key does not depend on the %s", name)
		}
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
	tr, err := e.trainer(pass{1, true}, objective{})
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
}

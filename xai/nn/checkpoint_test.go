package nn

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/progress"
)

// everything is a short training with every option that has a state or a random stream.
func everything(folder string) Fit {
	return toyArch().Fit(toys(60), Training{
		Epochs: 4, Batch: 16, Seed: 3,
		Optimizer: SGD{Momentum: 0.9, WeightDecay: 1e-3, Nesterov: true}, Schedule: Steps{At: []int{3}, Warmup: 2},
		Loss: LDAM{Deferred: 2, Scale: 3}, Augment: CropFlip{Pad: 1, Flip: true},
		Validate: noisy(30), KeepBest: true, Checkpoint: folder,
	})
}

// noisy is a validation set on which no network does perfectly: a third of the labels is
// wrong.
func noisy(n int) datasets.Set {
	s := toys(n)
	for i := 0; i < n; i += 3 {
		s.Labels[i] = (s.Labels[i] + 1 + i%2) % 3
	}
	s.Name = "noisy toys"
	return s
}

// stopAfter trains until a number of steps is done.
func stopAfter(f Fit, steps int) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	_, err := f.Build(progress.WithReporter(ctx, func(e progress.Event) {
		if e.Task == "train" && e.Done >= steps {
			cancel()
		}
	}))
	return err
}

// TestResumedRunsHaveTheSameBytes interrupts after every single step, goes on, and demands
// the network and the history of a run without interruption; with SGD and with Adam.
func TestResumedRunsHaveTheSameBytes(t *testing.T) {
	const perEpoch, steps = 4, 16
	for _, o := range []Optimizer{SGD{Momentum: 0.9, WeightDecay: 1e-3}, Adam{Rate: 0.01}} {
		fit := func(folder string) Fit {
			f := everything(folder)
			f.training.Optimizer = o.withDefaults()
			return f
		}
		want, err := fit("").Build(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(want.History); n != 4 {
			t.Fatalf("%d epochs", n)
		}
		for stop := 1; stop <= steps; stop++ {
			f := fit(filepath.Join(t.TempDir(), "new"))
			err := stopAfter(f, stop)
			if stop < steps && !errors.Is(err, context.Canceled) {
				t.Fatalf("stopped after step %d: error %v", stop, err)
			}
			if saved := fmt.Sprintf("epoch %d is in", stop/perEpoch); stop >= perEpoch && stop < steps && stop%perEpoch > 0 && !strings.Contains(err.Error(), saved) {
				t.Errorf("stopped after step %d: %q does not say %q", stop, err, saved)
			}
			if stop%perEpoch == 2 { // and once more, a step into the next epoch
				if err := stopAfter(f, stop+perEpoch-1); stop+perEpoch-1 < steps && !errors.Is(err, context.Canceled) {
					t.Fatalf("stopped again: error %v", err)
				}
			}
			var first *progress.Event
			got, err := f.Build(progress.WithReporter(ctx, func(e progress.Event) {
				if first == nil && e.Task == "train" {
					first = &e
				}
			}))
			if err != nil {
				t.Fatal(err)
			}
			if got.Fingerprint() != want.Fingerprint() || !reflect.DeepEqual(got.History, want.History) {
				t.Errorf("%T, stopped after step %d: another network or history\n%+v\n%+v", o, stop, got.History, want.History)
			}
			if resumed := first != nil && strings.HasPrefix(first.Detail, "resumed"); stop >= 2*perEpoch && !resumed {
				t.Errorf("stopped after step %d: the first report is %+v", stop, first)
			}
		}
	}
}

// TestDamagedCheckpoint: training starts anew, says so, and comes to the same bytes.
func TestDamagedCheckpoint(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, checkpointFile)
	f := everything(folder)
	want, err := f.Build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	old := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(old)
	flipped := bytes.Clone(good)
	flipped[len(flipped)-5] ^= 1
	for name, bad := range map[string][]byte{
		"truncated":                           good[:len(good)-7],
		"empty":                               {},
		"header only":                         good[:50],
		"a flipped bit":                       flipped,
		"a flipped bit in the format":         bytes.Replace(good, []byte(checkpointFormat), []byte("whybook.trainine/1"), 1),
		"a flipped bit in the checksum's key": bytes.Replace(good, []byte(`"sha256"`), []byte(`"sha257"`), 1),
		"another number":                      bytes.Replace(good, []byte(`"steps":"16"`), []byte(`"steps":"15"`), 1),
	} {
		log.Reset()
		if err := os.WriteFile(path, bad, 0o666); err != nil {
			t.Fatal(err)
		}
		got, err := f.Build(ctx)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got.Fingerprint() != want.Fingerprint() {
			t.Errorf("%s: another network", name)
		}
		if !strings.Contains(log.String(), "starts anew") || !strings.Contains(log.String(), checkpointFile) {
			t.Errorf("%s: the log says %q", name, &log)
		}
		if healed, err := os.ReadFile(path); err != nil || !bytes.Equal(healed, good) {
			t.Errorf("%s: the checkpoint was not written anew; error %v", name, err)
		}
	}
	log.Reset()
	if _, err := f.Build(ctx); err != nil || log.Len() > 0 {
		t.Errorf("a whole checkpoint: error %v, log %q", err, &log)
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 1 {
		t.Errorf("%v is left in the folder, error %v", entries, err)
	}
}

// TestForeignCheckpoint: what belongs to another recipe, or is another kind of file, is
// refused and left alone.
func TestForeignCheckpoint(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, checkpointFile)
	if err := stopAfter(everything(folder), 9); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	other := everything(folder)
	other.training.Seed++
	_, err = other.Build(ctx)
	if !errors.Is(err, ErrCheckpoint) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "seed 3") || !strings.Contains(err.Error(), "seed 4") {
		t.Errorf("the state of another seed: %v", err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, before) {
		t.Errorf("the state was changed, error %v", err)
	}
	net, err := toyArch().Init(1)
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := net.Save(&file); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, file.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := everything(folder).Build(ctx); !errors.Is(err, ErrCheckpoint) || !strings.Contains(err.Error(), "whybook.nn/1") {
		t.Errorf("a network in place of the state: %v", err)
	}
	meta := map[string]string{"format": "whybook.training/2"}
	meta["sha256"] = digest(nil, meta)
	file.Reset()
	if err := writeSafetensors(&file, nil, meta); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, file.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := everything(folder).Build(ctx); !errors.Is(err, ErrCheckpoint) || !strings.Contains(err.Error(), "whybook.training/2") {
		t.Errorf("a whole checkpoint of another version: %v", err)
	}
	if _, err := everything(path).Build(ctx); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a file in place of the folder: %v", err)
	}
}

// TestCheckpointOfAnotherType: a file whose checksum holds, but whose weights are of another
// type than those of the network, is damage too.
func TestCheckpointOfAnotherType(t *testing.T) {
	folder := t.TempDir()
	f := everything(folder)
	want, err := f.Build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	c := &checkpoint{folder: folder, key: f.Key()}
	for dtype, width := range map[string]int{"F16": 2, "F64": 8, "I32": 4} {
		tensors, meta, err := c.read()
		if err != nil {
			t.Fatal(err)
		}
		name := "weights/fc1.bias"
		other, ok := tensors[name]
		if !ok {
			t.Fatalf("no tensor %q", name)
		}
		other.dtype, other.bytes = dtype, make([]byte, len(other.bytes)/4*width)
		tensors[name] = other
		if err := c.write(slices.Collect(maps.Values(tensors)), meta); err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		old := slog.Default()
		slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
		got, err := f.Build(ctx)
		slog.SetDefault(old)
		if err != nil || got.Fingerprint() != want.Fingerprint() {
			t.Errorf("%s: another network, error %v", dtype, err)
		}
		if !strings.Contains(log.String(), name) || !strings.Contains(log.String(), dtype) {
			t.Errorf("%s: the log says %q", dtype, &log)
		}
	}
}

// FuzzCheckpoint: whatever is in the file, reading it ends in a state or an error.
func FuzzCheckpoint(f *testing.F) {
	folder := f.TempDir()
	fit := everything(folder)
	if _, err := fit.Build(ctx); err != nil {
		f.Fatal(err)
	}
	path := filepath.Join(folder, checkpointFile)
	good, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add([]byte("\x02\x00\x00\x00\x00\x00\x00\x00{}"))
	c := &checkpoint{folder: folder, key: fit.Key()}
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.read(); err != nil && !errors.Is(err, ErrFormat) && !errors.Is(err, ErrCheckpoint) {
			t.Errorf("error %v", err)
		}
	})
}

// A checkpoint folder lets a long training survive an interrupted cell.
func ExampleTraining() {
	folder, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(folder)
	fit := LeNet(datasets.Shape{Channels: 1, Height: 28, Width: 28}, 10).Fit(datasets.MNIST().Train().Take(200), Training{
		Epochs:     2,
		Optimizer:  SGD{Rate: 0.05, Momentum: 0.9},
		Schedule:   Cosine{},
		Validate:   datasets.MNIST().Test().Take(100),
		KeepBest:   true,
		Checkpoint: folder,
	})
	net, err := fit.Build(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(net.History), "epochs, validated on", net.History[0].Validation.Samples)
	// Output: 2 epochs, validated on 100
}

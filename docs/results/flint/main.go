// Command flint runs the FLINT paper's training on all of MNIST, or on Fashion-MNIST, and writes
// what it measured as JSON. An interrupted run goes on from its last epoch.
//
//	go run ./docs/results/flint -data mnist -seed 1 -state DIR -out docs/results/flint/mnist-1.json
//	go run ./docs/results/flint -data fashion-mnist -from FOLDER -seed 1 -state DIR -out FILE
//
// FOLDER holds the four IDX files of Fashion-MNIST under their usual names, gzipped. With
// -plain only f is trained, by the same settings: the paper's BASE-f.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"time"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/flint"
	"github.com/whybook/whybook/xai/nn"
	"github.com/whybook/whybook/xai/progress"
)

// result is what is stored of a run.
type result struct {
	Command     string     `json:"command"`
	Data        string     `json:"data"`
	Seed        uint64     `json:"seed"`
	Epochs      int        `json:"epochs"`
	Train, Test int        // samples
	Accuracy    float64    `json:"accuracy"`    // of f, share of the test samples
	Interpreter float64    `json:"interpreter"` // of g
	Fidelity    float64    `json:"fidelity"`
	Taus        []float64  `json:"taus,omitempty"`
	Conciseness []float64  `json:"conciseness,omitempty"`
	History     []nn.Epoch `json:"history"`
	Go          string     `json:"go"`
	Processors  int        `json:"processors"`
	Seconds     float64    `json:"seconds"` // of this call; less than the whole where the run was resumed
}

func main() {
	data := flag.String("data", "mnist", "mnist or fashion-mnist")
	from := flag.String("from", "", "folder with the IDX files of Fashion-MNIST")
	seed := flag.Uint64("seed", 1, "of the training")
	epochs := flag.Int("epochs", 0, "instead of the paper's 12")
	he := flag.Bool("he", false, "draw the first weights as He et al. do, and not as PyTorch")
	plain := flag.Bool("plain", false, "train f alone")
	compare := flag.String("baseline", "", "measure senn, posthoc or lime instead, to compare with")
	state := flag.String("state", "", "folder for the state of the run, to go on from after an interruption")
	out := flag.String("out", "", "file for the result; default: print it")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	percent := -1
	ctx = progress.WithReporter(ctx, func(e progress.Event) {
		if now := 100 * e.Done / max(e.Total, 1); e.Task == "train" && now != percent {
			percent = now
			fmt.Fprintf(os.Stderr, "%d %% %s\n", now, e.Detail)
		}
	})
	if *compare != "" {
		if err := baseline(ctx, *compare, *data, *from, *seed, *epochs, *state, *out); err != nil {
			fmt.Fprintln(os.Stderr, "flint:", err)
			os.Exit(1)
		}
		return
	}
	if err := run(ctx, *data, *from, *seed, *epochs, *plain, *he, *state, *out); err != nil {
		fmt.Fprintln(os.Stderr, "flint:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, data, from string, seed uint64, epochs int, plain, he bool, state, out string) error {
	train, test, err := sets(data, from)
	if err != nil {
		return err
	}
	preset := flint.Paper(data)
	t := preset.Training
	t.Seed, t.Checkpoint = seed, state
	if he {
		t.Init = nn.HeNormal
	}
	if epochs > 0 {
		t.Epochs = epochs
	}
	trained, err := train.Build(ctx)
	if err != nil {
		return err
	}
	r := result{Command: fmt.Sprintf("go run ./docs/results/flint -data %s -seed %d -epochs %d -plain=%v -he=%v", data, seed, t.Epochs, plain, he),
		Data: data, Seed: seed, Epochs: t.Epochs, Train: trained.Len(), Go: runtime.Version(), Processors: runtime.GOMAXPROCS(0)}
	start := time.Now()
	if plain {
		net, err := flint.SmallNet(trained.Shape, len(trained.Classes)).Fit(trained, t).Build(ctx)
		if err != nil {
			return err
		}
		r.Seconds = time.Since(start).Seconds()
		e, err := net.Evaluate(ctx, test)
		if err != nil {
			return err
		}
		r.Test, r.Accuracy, r.History = e.Set.Len(), e.Accuracy, net.History
		return write(r, out)
	}
	in, err := preset.Recipe.Fit(trained, t).Build(ctx)
	if err != nil {
		return err
	}
	r.Seconds = time.Since(start).Seconds()
	e, err := in.Evaluate(ctx, test)
	if err != nil {
		return err
	}
	r.Test, r.Accuracy, r.Interpreter, r.Fidelity = e.Set.Len(), e.Accuracy, e.Interpreter, e.Fidelity
	r.Taus, r.Conciseness, r.History = e.Taus, e.Conciseness, in.Net.History
	if state != "" {
		f, err := os.Create(filepath.Join(state, "interpreter.flint"))
		if err != nil {
			return err
		}
		if err := errors.Join(in.Save(f), f.Close()); err != nil {
			return err
		}
	}
	return write(r, out)
}

// sets returns training and test data.
func sets(data, from string) (train, test datasets.Source, err error) {
	switch data {
	case "mnist":
		return datasets.MNIST().Train().Full(), datasets.MNIST().Test().Full(), nil
	case "fashion-mnist":
		if from == "" {
			return nil, nil, errors.New("name the folder with the IDX files: -from FOLDER")
		}
		read := func(part string) datasets.Source {
			return datasets.File(filepath.Join(from, part+"-images-idx3-ubyte.gz"), datasets.IDX{
				Labels:  filepath.Join(from, part+"-labels-idx1-ubyte.gz"),
				Classes: []string{"T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"},
			})
		}
		return read("train"), read("t10k"), nil
	}
	return nil, nil, fmt.Errorf("no data %q: mnist or fashion-mnist", data)
}

// write stores the result, or prints it.
func write(r any, out string) error {
	text, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	text = append(text, '\n')
	if out == "" {
		_, err = os.Stdout.Write(text)
		return err
	}
	return os.WriteFile(out, text, 0o644)
}
